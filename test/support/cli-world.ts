// A small world on loopback for the binary to be run against: a name server, and mail hosts that serve many domains, so
// that any number of runs may share it. Each domain is named for what is seen of it.
import type { ScriptedHost } from '../../src/evidence/notation.js';
import { startNameServer } from '../../src/lab/name-server.js';
import { startScriptedHost, type RunningHost } from '../../src/lab/scripted-host.js';
import type { Zone, ZoneName, ZoneRecord, ZoneTrouble } from '../../src/lab/zone.js';
import { startPeer, type Peer, type PeerScript } from './smtp-peer.js';

/** What `mx.mail.example` (127.0.0.1) answers to RCPT, by the domain or the whole forward-path in it. */
const RCPT: Readonly<Record<string, string>> = {
  'bad.example': '550 5.1.1 User unknown',
  'grey.example': '450 4.7.1 Greylisted, please come back later',
  'blocks.example': '554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.example.net',
  'escapes.example': '550 5.1.1 \u001b[2Jno\u0007such\u009b user <b>&amp;\r::error::',
};

const POSTMASTER_PATHS = /^postmaster(?:@(.+))?$/i;

const EXEMPT = '127.0.0.2';
/** Nobody listens there. */
const DEAD = '127.0.0.9';

const ZONE: Readonly<Record<string, readonly string[]>> = {
  'mx.mail.example': ['A 127.0.0.1'],
  'mx.dead.example': [`A ${DEAD}`],
  'mx.exempt.example': [`A ${EXEMPT}`],
  'good.example': ['MX 10 mx.mail.example'],
  'fine.example': ['MX 10 mx.mail.example'],
  'bad.example': ['MX 10 mx.mail.example'],
  'grey.example': ['MX 10 mx.mail.example'],
  'blocks.example': ['MX 10 mx.mail.example'],
  'escapes.example': ['MX 10 mx.mail.example'],
  'silent.example': ['MX 10 mx.mail.example'],
  'xn--mnchen-3ya.example': ['MX 10 mx.mail.example'],
  'exempt.example': ['MX 10 mx.exempt.example'],
  'dead.example': ['MX 10 mx.dead.example'],
  'half.example': ['MX 10 mx.mail.example', 'MX 20 mx.dead.example'],
  'null.example': ['MX 0 .'],
  'nothing.example': [],
  'servfail.example': ['SERVFAIL'],
  'web.example': [`A ${DEAD}`],
};

const EXEMPT_HOST: ScriptedHost = {
  name: 'mx.exempt.example',
  preference: 10,
  connections: [
    [
      { kind: 'says', octets: '554 mx.exempt.example No SMTP service here\r\n', line: 1 },
      { kind: 'expects', command: 'EHLO probe.example', line: 2 },
      { kind: 'says', octets: '503 5.5.1 Bad sequence of commands\r\n', line: 3 },
      { kind: 'expects', command: 'NOOP', line: 4 },
      { kind: 'says', octets: '503 5.5.1 Bad sequence of commands\r\n', line: 5 },
      { kind: 'expects', command: 'QUIT', line: 6 },
      { kind: 'says', octets: '221 2.0.0 Bye\r\n', line: 7 },
    ],
    [
      { kind: 'says', octets: '554 mx.exempt.example No SMTP service here\r\n', line: 8 },
      { kind: 'expects', command: 'QUIT', line: 9 },
      { kind: 'says', octets: '221 2.0.0 Bye\r\n', line: 10 },
    ],
  ],
};

export interface World {
  readonly port: number;
  /** `IP:port`. */
  readonly nameServer: string;
  /** The mail host on 127.0.0.1: all connections that were made to it. */
  readonly mailHost: Peer;
  /** Options with which the program finds the world, and does not wait long in it. */
  readonly args: readonly string[];
  close(): Promise<void>;
}

/** Opens the world; it serves until `close`. */
export async function openWorld(): Promise<World> {
  const { peer, exempt } = await startHosts();
  const nameServer = await startNameServer(zone());
  return {
    port: peer.port,
    nameServer: nameServer.address,
    mailHost: peer,
    args: [
      '--nameserver',
      nameServer.address,
      '--port',
      String(peer.port),
      '--allow-private',
      '--ehlo',
      'probe.example',
      '--linger',
      '0.05',
      '--timeout',
      '5',
    ],
    async close() {
      await Promise.all([peer.close(), exempt.stop(), nameServer.stop()]);
    },
  };
}

/** A port that is free on one address may be taken on another. */
async function startHosts(): Promise<{ readonly peer: Peer; readonly exempt: RunningHost }> {
  for (;;) {
    const peer = await startPeer(mailHost);
    const stage = {
      address: EXEMPT,
      port: peer.port,
      delivery: 'whole',
      control: { localPart: null },
      mayProvoke: false,
    } as const;
    const exempt = await startScriptedHost(EXEMPT_HOST, stage).catch(() => null);
    if (exempt !== null) return { peer, exempt };
    await peer.close();
  }
}

/** An ordinary host without PIPELINING; to a recipient at silent.example it never answers. */
const mailHost: PeerScript = async (host) => {
  host.say('220 mx.mail.example ESMTP\r\n');
  for (let line = await host.line(); line !== null; line = await host.line()) {
    if (/@silent\.example>$/.test(line)) continue;
    host.say(`${replyTo(line)}\r\n`);
    if (line === 'QUIT') host.fin();
  }
  host.fin();
};

function replyTo(line: string): string {
  if (line.startsWith('EHLO ')) return '250-mx.mail.example\r\n250 ENHANCEDSTATUSCODES';
  if (line === 'QUIT') return '221 2.0.0 Bye';
  if (!line.startsWith('RCPT ')) return '250 2.0.0 Ok';
  const path = /^RCPT TO:<(.*)>$/.exec(line)?.[1] ?? '';
  const domain = path.slice(path.lastIndexOf('@') + 1);
  return RCPT[domain] ?? (POSTMASTER_PATHS.test(path) ? '250 2.1.5 Ok' : '550 5.1.1 User unknown');
}

function zone(): Zone {
  return new Map(Object.entries(ZONE).map(([name, lines]) => [name, readName(lines)]));
}

function readName(lines: readonly string[]): ZoneName {
  const trouble = new Map<string, ZoneTrouble>();
  const records: ZoneRecord[] = [];
  for (const line of lines) {
    const [type = '', first = '', second = ''] = line.split(' ');
    if (type === 'SERVFAIL') trouble.set('*', type);
    else if (type === 'MX') records.push({ type, preference: Number(first), exchange: second === '.' ? '' : second });
    else records.push({ type: 'A', address: first });
  }
  return { records, trouble };
}
