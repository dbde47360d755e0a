// A small authoritative name server on loopback, UDP and TCP, for the names of the lab. dns2 is the codec; it is
// loaded with this file, and the lab with the command that needs it.
//
// Decided here: every answer is authoritative, aliases inside the zone are followed in the answer (RFC 1034 4.3.2), a
// name below which there are others exists (RFC 8020 2), and what does not fit the client's datagram is sent with TC.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Packet } from 'dns2';
import type { Zone, ZoneName, ZoneRecord } from './zone.js';

/** A name server at work. */
export interface RunningNameServer {
  /** `IP:port`, for UDP and TCP. */
  readonly address: string;
  stop(): Promise<void>;
}

const PLAIN_PAYLOAD_OCTETS = 512;
const IDLE_MS = 10_000;
const MAX_TRIES = 20;

/** Serves a zone on a free port of 127.0.0.1. */
export async function startNameServer(zone: Zone): Promise<RunningNameServer> {
  const { tcp, udp, port } = await listenTwice();
  const connections = new Set<Socket>();
  udp.on('message', (message, { port: clientPort, address }) => {
    const reply = answer(zone, message, 'udp');
    if (reply !== null) udp.send(reply, clientPort, address);
  });
  tcp.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
    serveTcp(zone, socket);
  });
  return {
    address: `127.0.0.1:${port}`,
    async stop() {
      for (const socket of connections) socket.destroy();
      await Promise.all([
        new Promise<void>((resolve) => tcp.close(() => resolve())),
        new Promise<void>((resolve) => udp.close(() => resolve())),
      ]);
    },
  };
}

/** UDP and TCP have ports of their own: one that is free for both is found by trying. */
async function listenTwice(): Promise<{ readonly tcp: Server; readonly udp: UdpSocket; readonly port: number }> {
  for (let tries = 1; ; tries++) {
    const tcp = createServer();
    await new Promise<void>((resolve, reject) => {
      tcp.once('error', reject);
      tcp.listen(0, '127.0.0.1', resolve);
    });
    const { port } = tcp.address() as AddressInfo;
    const udp = createSocket('udp4');
    try {
      await new Promise<void>((resolve, reject) => {
        udp.once('error', reject);
        udp.bind(port, '127.0.0.1', resolve);
      });
      return { tcp, udp, port };
    } catch (error) {
      tcp.close();
      udp.close();
      if (tries >= MAX_TRIES) throw error;
    }
  }
}

/** RFC 1035 4.2.2: each message has its length before it. */
function serveTcp(zone: Zone, socket: Socket): void {
  let pending: Buffer = Buffer.alloc(0);
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  // A client that goes away is no trouble of this server.
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
      const end = 2 + pending.readUInt16BE(0);
      const reply = answer(zone, pending.subarray(2, end), 'tcp');
      pending = pending.subarray(end);
      if (reply === null) continue;
      const length = Buffer.alloc(2);
      length.writeUInt16BE(reply.length);
      socket.write(Buffer.concat([length, reply]));
    }
  });
}

type Query = InstanceType<typeof Packet>;

/** The octets of the reply, or null where none is to be sent. */
function answer(zone: Zone, message: Buffer, transport: 'udp' | 'tcp'): Buffer | null {
  let query: Query;
  try {
    query = Packet.parse(message);
  } catch {
    return null; // octets that are no query get no answer
  }
  const question = query.questions[0];
  if (question === undefined || query.header.qr === 1) return null;
  const type = typeName(question.type ?? 0);
  const name = (question.name ?? '').toLowerCase();
  const trouble = troubleOf(zone.get(name), type);
  if (trouble === 'SILENCE') return null;

  const reply = new Packet();
  reply.header = new Packet.Header({ id: query.header.id, qr: 1, aa: 1, rd: query.header.rd });
  reply.questions = [question];
  if (trouble !== undefined) reply.header.rcode = trouble === 'SERVFAIL' ? 2 : 5;
  else {
    const found = lookUp(zone, name, type);
    reply.header.rcode = found.exists ? 0 : 3;
    reply.answers = found.answers.map(({ owner, record }) => resource(owner, record));
  }
  const octets = reply.toBuffer();
  if (transport === 'tcp' || octets.length <= payloadOf(query)) return octets;
  reply.answers = [];
  reply.header.tc = 1;
  return reply.toBuffer();
}

/** RFC 6891 6.2.3: the OPT record's class is the size of datagram that the client takes. */
function payloadOf(query: Query): number {
  const opt = query.additionals.find(({ type }) => type === Packet.TYPE.EDNS);
  return Math.max(PLAIN_PAYLOAD_OCTETS, opt?.class ?? 0);
}

function typeName(type: number): string {
  return Object.entries(Packet.TYPE).find(([, number]) => number === type)?.[0] ?? String(type);
}

function troubleOf(name: ZoneName | undefined, type: string): string | undefined {
  return name?.trouble.get(type) ?? name?.trouble.get('*');
}

interface Found {
  readonly exists: boolean;
  readonly answers: readonly { readonly owner: string; readonly record: ZoneRecord }[];
}

function lookUp(zone: Zone, asked: string, type: string): Found {
  const answers: { owner: string; record: ZoneRecord }[] = [];
  const seen = new Set<string>();
  let owner = asked;
  for (;;) {
    seen.add(owner);
    const records = zone.get(owner)?.records ?? [];
    const matching = records.filter((record) => record.type === type);
    answers.push(...matching.map((record) => ({ owner, record })));
    const alias = records.find((record) => record.type === 'CNAME');
    if (type === 'CNAME' || alias === undefined || alias.type !== 'CNAME') break;
    answers.push({ owner, record: alias });
    const { target } = alias;
    // What lies outside the zone, or leads in a circle, is the client's to follow.
    if (!exists(zone, target) || seen.has(target)) return { exists: true, answers };
    owner = target;
  }
  return { exists: exists(zone, owner), answers };
}

const exists = (zone: Zone, name: string): boolean =>
  zone.has(name) || [...zone.keys()].some((other) => other.endsWith(`.${name}`));

function resource(name: string, record: ZoneRecord): InstanceType<typeof Packet.Resource> {
  const head = { name, class: Packet.CLASS.IN, type: Packet.TYPE[record.type], ttl: 60 };
  switch (record.type) {
    case 'MX':
      return new Packet.Resource({ ...head, priority: record.preference, exchange: record.exchange });
    case 'CNAME':
      return new Packet.Resource({ ...head, domain: record.target });
    case 'SOA':
      return new Packet.Resource({
        ...head,
        primary: record.mname,
        admin: record.rname,
        serial: 1,
        refresh: 3600,
        retry: 600,
        expiration: 86_400,
        minimum: 60,
      });
    default:
      return new Packet.Resource({ ...head, address: record.address });
  }
}
