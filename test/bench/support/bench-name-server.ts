// The name server of a world, over UDP: one MX for each domain and one A for each mail host, written by hand, because a
// benchmark's server must cost little.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { addressOf, hostOf } from './bench-addresses.js';
import type { WorldOptions } from './world.js';

export interface BenchNameServer {
  readonly address: string;
  /** How many questions came since the last call. */
  questions(): number;
}

const HEADER_OCTETS = 12;
const TYPE_A = 1;
const TYPE_MX = 15;

export async function createNameServer({ replyDelayMs }: WorldOptions): Promise<BenchNameServer> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  let questions = 0;
  socket.on('message', (query, { port, address }) => {
    questions += 1;
    const response = answer(query);
    if (replyDelayMs === 0) socket.send(response, port, address);
    else setTimeout(() => socket.send(response, port, address), replyDelayMs);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    address: `127.0.0.1:${socket.address().port}`,
    questions() {
      const count = questions;
      questions = 0;
      return count;
    },
  };
}

/** RFC 1035 4: the header, the question again, and a record where there is one. */
function answer(query: Buffer): Buffer {
  const firstLabel = query.toString('latin1', HEADER_OCTETS + 1, HEADER_OCTETS + 1 + (query[HEADER_OCTETS] ?? 0));
  let end = HEADER_OCTETS;
  while ((query[end] ?? 0) !== 0) end += 1 + (query[end] ?? 0);
  const type = query.readUInt16BE(end + 1);
  end += 5;

  const rdata = recordData(firstLabel.toLowerCase(), type);
  const record = rdata === null ? Buffer.alloc(0) : Buffer.alloc(12 + rdata.length);
  if (rdata !== null) {
    record.writeUInt16BE(0xc000 | HEADER_OCTETS, 0);
    record.writeUInt16BE(type, 2);
    record.writeUInt16BE(1, 4);
    record.writeUInt32BE(300, 6);
    record.writeUInt16BE(rdata.length, 10);
    rdata.copy(record, 12);
  }
  const response = Buffer.concat([query.subarray(0, end), record]);
  response.writeUInt16BE(0x8580, 2); // a response, authoritative, RD and RA
  response.writeUInt16BE(rdata === null ? 0 : 1, 6);
  response.writeUInt32BE(0, 8);
  return response;
}

/** The RDATA of `d<N>` MX and `mx<N>` A; null for what there is not. */
function recordData(label: string, type: number): Buffer | null {
  const [, kind, digits = ''] = /^(d|mx)(\d+)$/.exec(label) ?? [];
  if (kind === 'mx' && type === TYPE_A) return Buffer.from(addressOf(Number(digits)));
  if (kind !== 'd' || type !== TYPE_MX) return null;
  const labels = hostOf(Number(digits)).split('.');
  const name = labels.map((text) => String.fromCharCode(text.length) + text).join('');
  return Buffer.from(`\0\x0a${name}\0`, 'latin1');
}
