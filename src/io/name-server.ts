// One name server: its sockets, how many questions it is sent at once, and the dialects it may need (TCP for a
// truncated answer, no OPT record where it does not understand one).
//
// Decided here: at most 200 questions in flight, so that its answers fit into the receive buffer and a resolver at home
// is not flooded; the rest waits in line. A second socket is opened only when the first is busy, up to four.
import { isIP, isIPv6 } from 'node:net';
import type { DnsOutcome, PassedOver, Question } from '../smtp/mail-route.js';
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';
import type { DnsCodec, Reading } from './dns-message.js';
import {
  askOverTcp,
  type Deadlines,
  type ServerAddress,
  type TryOutcome,
  UdpSocket,
  type WireQuery,
} from './dns-socket.js';
import { readHeader, TYPE } from './dns-wire.js';

const MAX_IN_FLIGHT = 200;
const MAX_SOCKETS = 4;
const BUSY_SOCKET_LOAD = 50;

/** What one name server had to say to one question. */
export type ServerOutcome =
  | { readonly kind: 'answer'; readonly outcome: DnsOutcome; readonly transport: 'udp' | 'tcp' }
  | { readonly kind: 'failure'; readonly why: PassedOver['why']; readonly transport: 'udp' | 'tcp' };

/** A name server that questions can be put to, after waiting for a place in line. */
export class NameServer {
  /** "192.0.2.53:53" or "[::1]:53". */
  readonly name: string;
  readonly #address: ServerAddress;
  readonly #deadlines: Deadlines;
  #sockets: UdpSocket[] = [];
  #inFlight = 0;
  #line: ((verdict: 'go' | 'elsewhere') => void)[] = [];
  #edns: 'edns' | 'plain' = 'edns';
  #isClosed = false;

  constructor(name: string, deadlines: Deadlines) {
    this.name = name;
    this.#address = serverAddress(name);
    this.#deadlines = deadlines;
  }

  /** Waits for a place: `go` when there is one (give it back with `leave`), `elsewhere` when the line was dissolved. */
  enter(): Promise<'go' | 'elsewhere'> | 'go' {
    if (this.#inFlight >= MAX_IN_FLIGHT) return new Promise((resolve) => this.#line.push(resolve));
    this.#inFlight += 1;
    return 'go';
  }

  leave(): void {
    const next = this.#line.shift();
    if (next === undefined) this.#inFlight -= 1;
    else next('go');
  }

  /** Sends everybody in line elsewhere. */
  dissolveLine(): void {
    for (const verdict of this.#line.splice(0)) verdict('elsewhere');
  }

  /** Asks once, over TCP again where the answer was truncated. Rejects only for a name that is none. */
  async ask(question: Question, codec: DnsCodec): Promise<ServerOutcome> {
    const asked = this.#edns;
    const told = await this.#askOnce(question, codec, asked);
    if (told.kind !== 'not-understood') return told;
    if (asked === 'plain') return { kind: 'failure', why: 'server-failure', transport: told.transport };
    const plainly = await this.#askOnce(question, codec, 'plain');
    if (plainly.kind === 'not-understood')
      return { kind: 'failure', why: 'server-failure', transport: plainly.transport };
    if (plainly.kind === 'answer') this.#edns = 'plain';
    return plainly;
  }

  close(): void {
    this.#isClosed = true;
    this.dissolveLine();
    for (const socket of this.#sockets.splice(0)) socket.close();
  }

  async #askOnce(question: Question, codec: DnsCodec, edns: 'edns' | 'plain'): Promise<Told> {
    const query: WireQuery = {
      question: { name: question.name, type: TYPE[question.type] },
      encode: (id) => codec.encodeQuery(question, id, edns),
    };
    if (this.#isClosed) return { kind: 'failure', why: 'timeout', transport: 'udp' };
    const overUdp = await this.#socket().ask(query);
    if (!isTruncated(overUdp)) return read(overUdp, question, codec, 'udp');
    if (this.#isClosed) return { kind: 'failure', why: 'timeout', transport: 'tcp' };
    const overTcp = await askOverTcp(this.#address, this.#deadlines, query);
    // An answer that is cut short over TCP as well is no whole answer.
    return read(isTruncated(overTcp) ? { kind: 'malformed' } : overTcp, question, codec, 'tcp');
  }

  /** The socket with the fewest questions in flight; a new one when all are busy. */
  #socket(): UdpSocket {
    this.#sockets = this.#sockets.filter((socket) => !socket.isClosed);
    const [least] = this.#sockets.toSorted((one, other) => one.load - other.load);
    if (least !== undefined && (least.load < BUSY_SOCKET_LOAD || this.#sockets.length >= MAX_SOCKETS)) return least;
    const opened = new UdpSocket(this.#address, this.#deadlines);
    this.#sockets.push(opened);
    return opened;
  }
}

type Told = ServerOutcome | { readonly kind: 'not-understood'; readonly transport: 'udp' | 'tcp' };

function isTruncated(outcome: TryOutcome): boolean {
  return outcome.kind === 'response' && readHeader(outcome.message)?.isTruncated === true;
}

function read(outcome: TryOutcome, question: Question, codec: DnsCodec, transport: 'udp' | 'tcp'): Told {
  if (outcome.kind !== 'response') return { kind: 'failure', why: outcome.kind, transport };
  const reading: Reading = codec.readResponse(outcome.message, question);
  return { ...reading, transport };
}

/**
 * The name server that a text names, as "192.0.2.53:53" or "[::1]:53": an IP address, bare or (IPv6) in brackets, with
 * or without a port. Throws a UsageError for anything else.
 */
export function parseNameServer(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::([0-9]{1,5}))?$/.exec(text);
  const [, address = text, port = '53'] =
    bracketed ?? (isIPv6(text) ? [] : (/^([^:]*)(?::([0-9]{1,5}))?$/.exec(text) ?? []));
  const isAddress = bracketed === null ? isIP(address) !== 0 : isIPv6(address);
  if (!isAddress || Number(port) < 1 || Number(port) > 65535) {
    throw new UsageError(
      `"${visible(text)}" is no name server: give an IP address, and a port only where it is not 53 ` +
        '(192.0.2.53, 192.0.2.53:5353, 2001:db8::53, [2001:db8::53]:5353)',
    );
  }
  return isIPv6(address) ? `[${address}]:${Number(port)}` : `${address}:${Number(port)}`;
}

function serverAddress(name: string): ServerAddress {
  const parsed = parseNameServer(name);
  const colon = parsed.lastIndexOf(':');
  return { address: parsed.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(parsed.slice(colon + 1)) };
}
