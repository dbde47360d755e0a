// The floor to measure against: node:net and node:dgram and nothing else, saying the same words to the same hosts.
//
//   node plain-loop.js '{"nameServer":"127.0.0.1:5353","port":2525,"list":"FILE","concurrency":100,"words":[...]}'
//
// `words` are the lines of one session, {domain} in the place of the domain: the EHLO line, then one pipelined group.
// It asks the same questions (MX, then A and AAAA at once), counts replies, keeps their codes, and writes a line a
// domain. No time-outs, no errors, no evidence, no verdict.
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';

/** What the loop is told. */
export interface PlainLoopOptions {
  readonly nameServer: string;
  readonly port: number;
  readonly list: string;
  readonly concurrency: number;
  readonly words: readonly string[];
}

const { nameServer, port, list, concurrency, words } = JSON.parse(process.argv[2] ?? '') as PlainLoopOptions;
const [ehlo = '', ...group] = words;
const groupText = group.map((line) => `${line}\r\n`).join('');

const dns = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
const waiting = new Map<number, (answer: Buffer) => void>();
let nextId = 0;
dns.on('message', (answer) => {
  const id = answer.readUInt16BE(0);
  const take = waiting.get(id);
  waiting.delete(id);
  take?.(answer);
});
await new Promise<void>((resolve) => {
  const [address, dnsPort] = nameServer.split(':');
  dns.connect(Number(dnsPort), address ?? '', resolve);
});

const domains = readFileSync(list, 'utf8').trim().split('\n');
let next = 0;
await Promise.all(Array.from({ length: concurrency }, work));
dns.close();

async function work(): Promise<void> {
  for (let domain = domains[next++]; domain !== undefined; domain = domains[next++]) {
    const host = readMx(await ask(domain, 15));
    const [a] = await Promise.all([ask(host, 1), ask(host, 28)]);
    const codes = await talk(a.subarray(-4).join('.'), domain);
    process.stdout.write(`${JSON.stringify({ domain, codes })}\n`);
  }
}

function ask(name: string, type: number): Promise<Buffer> {
  nextId = (nextId + 1) & 0xffff;
  const id = nextId;
  const labels = name.split('.').map((label) => String.fromCharCode(label.length) + label);
  const query = Buffer.from(
    `\0\0\x01\0\0\x01\0\0\0\0\0\0${labels.join('')}\0\0${String.fromCharCode(type)}\0\x01`,
    'latin1',
  );
  query.writeUInt16BE(id, 0);
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    dns.send(query);
  });
}

/** The exchange of the only record: it stands last, uncompressed. */
function readMx(answer: Buffer): string {
  let at = 12;
  while ((answer[at] ?? 0) !== 0) at += 1 + (answer[at] ?? 0);
  at += 5 + 12 + 2;
  const labels: string[] = [];
  for (let size = answer[at] ?? 0; size > 0; size = answer[at] ?? 0) {
    labels.push(answer.toString('latin1', at + 1, at + 1 + size));
    at += 1 + size;
  }
  return labels.join('.');
}

/** Greeting, EHLO, the group; the codes of all replies. */
function talk(host: string, domain: string): Promise<readonly number[]> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true, autoSelectFamily: false });
    const codes: number[] = [];
    let rest = '';
    socket.on('data', (chunk) => {
      const lines = (rest + chunk.toString('latin1')).split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line[3] === '-') continue;
        codes.push(Number(line.slice(0, 3)));
        if (codes.length === 1) socket.write(`${ehlo}\r\n`);
        else if (codes.length === 2)
          socket.write(groupText.replaceAll('{domain}', domain).replaceAll('{DOMAIN}', domain.toUpperCase()));
        else if (codes.length === words.length + 1) {
          socket.end();
          resolve(codes);
        }
      }
    });
  });
}
