// A scripted name server on loopback: plain sockets, and dns-packet as an encoder that owes nothing to ours.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import dnsPacket, { type Answer, type Packet } from 'dns-packet';
import { openResolver, type ResolverOptions } from '../../src/io/resolver.js';
import type { Resolver } from '../../src/io/ports.js';
import type { DnsExchange, Question } from '../../src/smtp/mail-route.js';

export type Transport = 'udp' | 'tcp';

/** Octets to send. Over TCP their length is put before them, or they are sent as they are and the connection closed. */
export type Reply = Buffer | { readonly thenClose: Buffer };

/** What the server does with a query. */
export type Script = (
  query: Query,
  transport: Transport,
) => Reply | readonly Reply[] | Promise<Reply | readonly Reply[]>;

export interface Query {
  readonly octets: Buffer;
  readonly packet: dnsPacket.DecodedPacket;
  readonly name: string;
  readonly type: string;
}

export interface ScriptedNameServer {
  /** "127.0.0.1:port". */
  readonly name: string;
  readonly asked: readonly Query[];
}

export const RCODE = { formErr: 1, servFail: 2, nxDomain: 3, notImp: 4, refused: 5 } as const;
export const SILENCE: readonly Reply[] = [];

/** Starts a name server on UDP, and on the same port of TCP; it ends with the test. */
export async function startNameServer(
  t: TestContext,
  script: Script,
  options: { readonly tcp: 'listens' | 'closed' } = { tcp: 'listens' },
): Promise<ScriptedNameServer> {
  const asked: Query[] = [];
  const answer = async (octets: Buffer, transport: Transport): Promise<readonly Reply[]> => {
    const packet = dnsPacket.decode(octets);
    const question = packet.questions?.[0];
    const query = { octets, packet, name: question?.name ?? '', type: question?.type ?? '' };
    asked.push(query);
    return [await script(query, transport)].flat();
  };

  const { udp, tcp, port } = await bindBoth();
  let isOver = false;
  udp.on('message', async (octets, peer) => {
    for (const reply of await answer(octets, 'udp')) {
      if (Buffer.isBuffer(reply) && !isOver) udp.send(reply, peer.port, peer.address);
    }
  });
  const open = new Set<Socket>();
  tcp.on('connection', (socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy()); // a client that hangs up is no fault of the test
    socket.once('data', async (octets) => {
      for (const reply of await answer(octets.subarray(2), 'tcp')) {
        if (!Buffer.isBuffer(reply)) {
          socket.end(reply.thenClose);
          return;
        }
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length, 0);
        socket.write(Buffer.concat([length, reply]));
      }
    });
  });
  if (options.tcp === 'closed') tcp.close();
  t.after(() => {
    isOver = true;
    udp.close();
    tcp.close();
    for (const socket of open) socket.destroy();
  });
  return { name: `127.0.0.1:${port}`, asked };
}

/** A UDP and a TCP socket on the same free port of loopback. */
async function bindBoth(): Promise<{ readonly udp: UdpSocket; readonly tcp: Server; readonly port: number }> {
  for (;;) {
    const udp = createSocket('udp4').bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const { port } = udp.address();
    const tcp = createServer().listen(port, '127.0.0.1');
    const isFree = await once(tcp, 'listening').then(
      () => true,
      () => false,
    );
    if (isFree) return { udp, tcp, port };
    udp.close(); // somebody else has that port of TCP: try the next
  }
}

/** A response to this query, in full or in part as the test needs it. */
export function respond(query: Query, parts: Partial<Packet> & { readonly rcode?: number } = {}): Buffer {
  const { rcode = 0, flags = dnsPacket.RECURSION_AVAILABLE, ...rest } = parts;
  return dnsPacket.encode({
    type: 'response',
    id: query.packet.id ?? 0,
    questions: query.packet.questions ?? [],
    ...rest,
    flags: flags | rcode,
  });
}

export function mx(name: string, preference: number, exchange: string): Answer {
  return { type: 'MX', name, ttl: 300, data: { preference, exchange } };
}

export function a(name: string, address: string): Answer {
  return { type: 'A', name, ttl: 300, data: address };
}

/** The query's header and question as the start of a hand-made response with this many answer records. */
export function rawResponse(query: Query, answers: number, records: readonly (Buffer | readonly number[])[]): Buffer {
  let rootAt = 12;
  while (query.octets[rootAt] !== 0) rootAt += 1 + (query.octets[rootAt] ?? 0);
  const head = Buffer.from(query.octets.subarray(0, rootAt + 5));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(answers, 6);
  head.writeUInt32BE(0, 8);
  return Buffer.concat([head, ...records.map((record) => Buffer.from(record))]);
}

/** A record in octets: the owner as given, class IN, TTL 60. */
export function rawRecord(
  owner: readonly number[],
  type: number,
  rdata: readonly number[],
  length = rdata.length,
): Buffer {
  return Buffer.from([...owner, 0, type, 0, 1, 0, 0, 0, 60, length >> 8, length & 0xff, ...rdata]);
}

/** A resolver over these servers, with short deadlines; it is closed with the test. */
export function openTestResolver(
  t: TestContext,
  servers: readonly { readonly name: string }[],
  options: Partial<ResolverOptions> = {},
): Resolver {
  const resolver = openResolver({ nameServers: servers.map(({ name }) => name), timeoutMs: 200, tries: 1, ...options });
  t.after(() => resolver.close());
  return resolver;
}

export const MX_QUESTION: Question = { name: 'good.example', type: 'MX' };

/** Asks one question of one scripted server. */
export async function askOnce(t: TestContext, script: Script, question = MX_QUESTION): Promise<DnsExchange> {
  return openTestResolver(t, [await startNameServer(t, script)]).ask(question);
}

/** Loads the packet codec, so that no test measures that. */
export async function loadCodec(): Promise<void> {
  const resolver = openResolver({ nameServers: [`127.0.0.1:${await closedPort()}`], tries: 1 });
  await resolver.ask(MX_QUESTION);
  resolver.close();
}

/** A port that nobody listens on: bound once, and given back. */
export async function closedPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
