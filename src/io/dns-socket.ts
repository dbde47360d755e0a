// Questions on the wire: connected UDP sockets (RFC 1035 4.2.1), one TCP connection a truncated answer (RFC 7766), and
// the deadline of each try.
//
// Decided here: a datagram that is not the response to a question in flight is ignored (RFC 5452 9.1), and only noted
// against the question that it pretends to answer; a connected socket takes none from elsewhere and learns of a closed
// port by ICMP. All tries have the same length, so the oldest always ends first and one timer serves them all. Sockets
// never keep the program alive, that timer does while a try is open.
import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { performance } from 'node:perf_hooks';
import { asks, isResponseTo, MAX_MESSAGE_OCTETS, type WireQuestion } from './dns-wire.js';

/** What came of one try. `mismatched`: nothing but datagrams that did not match, until the deadline. */
export type TryOutcome =
  | { readonly kind: 'response'; readonly message: Buffer }
  | { readonly kind: 'timeout' | 'mismatched' | 'unreachable' | 'malformed' };

/** One question to put on the wire: `encode` gives the query's octets for an id. */
export interface WireQuery {
  readonly question: WireQuestion;
  readonly encode: (id: number) => Buffer;
}

/** Where a name server listens: an IP address and a port. */
export interface ServerAddress {
  readonly address: string;
  readonly port: number;
}

/** What a deadline does when it comes. */
export interface Deadline {
  readonly atMs: number;
  readonly expire: () => void;
}

/** Deadlines of one length, in milliseconds from their start, on one timer. */
export class Deadlines {
  readonly #afterMs: number;
  readonly #open = new Set<Deadline>(); // in the order in which they come
  #timer: NodeJS.Timeout | null = null;

  constructor(afterMs: number) {
    this.#afterMs = afterMs;
  }

  start(expire: () => void): Deadline {
    const deadline = { atMs: performance.now() + this.#afterMs, expire };
    this.#open.add(deadline);
    if (this.#timer === null) this.#arm();
    return deadline;
  }

  stop(deadline: Deadline): void {
    this.#open.delete(deadline);
    if (this.#open.size === 0) this.#disarm();
  }

  /** Lets every deadline come now. */
  expireAll(): void {
    for (const { expire } of this.#open) expire();
    this.#open.clear();
    this.#disarm();
  }

  #arm(): void {
    const [first] = this.#open;
    if (first === undefined) return;
    const waitMs = Math.max(1, Math.ceil(first.atMs - performance.now()));
    // What has arrived while the program was busy is read before anything is called late.
    this.#timer = setTimeout(() => setImmediate(() => this.#expireDue()), waitMs);
  }

  #disarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #expireDue(): void {
    this.#disarm();
    const nowMs = performance.now();
    for (const deadline of this.#open) {
      if (deadline.atMs > nowMs) break;
      this.#open.delete(deadline);
      deadline.expire();
    }
    // What expired may have started the next try, and with it the timer.
    if (this.#timer === null) this.#arm();
  }
}

interface Waiting {
  readonly question: WireQuestion;
  readonly settle: (outcome: TryOutcome) => void;
  mismatched: boolean;
}

const RECEIVE_BUFFER_OCTETS = 4 * 1024 * 1024;
const MAX_RETIRED_IDS = 1024;

/** One UDP socket connected to a name server, for many questions at once. */
export class UdpSocket {
  readonly #socket: Socket;
  readonly #deadlines: Deadlines;
  readonly #waiting = new Map<number, Waiting>();
  readonly #retired = new Set<number>(); // ids of late: a second or late response is no forgery
  readonly #unsent: Buffer[] = [];
  #state: 'opening' | 'open' | 'closed' = 'opening';

  constructor({ address, port }: ServerAddress, deadlines: Deadlines) {
    this.#deadlines = deadlines;
    this.#socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    this.#socket.on('error', () => this.#fail());
    this.#socket.on('message', (message) => this.#take(message));
    this.#socket.on('connect', () => this.#opened());
    this.#socket.connect(port, address);
    this.#socket.unref();
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** How many questions are in flight. */
  get load(): number {
    return this.#waiting.size;
  }

  /** Sends one query and waits for its response. Rejects only with what `encode` throws. */
  ask({ question, encode }: WireQuery): Promise<TryOutcome> {
    return new Promise((resolve) => {
      const id = this.#freshId();
      const query = encode(id);
      const waiting: Waiting = {
        question,
        mismatched: false,
        settle: (outcome) => {
          this.#deadlines.stop(deadline);
          this.#waiting.delete(id);
          this.#retire(id);
          resolve(outcome);
        },
      };
      const deadline = this.#deadlines.start(() =>
        waiting.settle({ kind: waiting.mismatched ? 'mismatched' : 'timeout' }),
      );
      this.#waiting.set(id, waiting);
      if (this.#state === 'closed') waiting.settle({ kind: 'unreachable' });
      else if (this.#state === 'opening') this.#unsent.push(query);
      else this.#send(query);
    });
  }

  /** Closes the socket. What is in flight ends as unreachable, unless its deadline was let come before. */
  close(): void {
    this.#fail();
  }

  #opened(): void {
    if (this.#state !== 'opening') return;
    this.#state = 'open';
    try {
      this.#socket.setRecvBufferSize(RECEIVE_BUFFER_OCTETS);
    } catch {
      // A system that grants less: a burst may then cost a second try.
    }
    for (const query of this.#unsent.splice(0)) this.#send(query);
  }

  #send(query: Buffer): void {
    this.#socket.send(query, (error) => {
      if (error !== null) this.#fail();
    });
  }

  /** The kernel says that the name server cannot be reached, or that we have no socket. */
  #fail(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#socket.close();
    for (const waiting of this.#waiting.values()) waiting.settle({ kind: 'unreachable' });
  }

  #take(message: Buffer): void {
    if (message.length < 2) return;
    const id = message.readUInt16BE(0);
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined && isResponseTo(message, waiting.question)) {
      waiting.settle({ kind: 'response', message });
    } else if (waiting !== undefined) {
      waiting.mismatched = true;
    } else if (!this.#retired.has(id)) {
      for (const other of this.#waiting.values()) other.mismatched ||= asks(message, other.question);
    }
  }

  #freshId(): number {
    for (;;) {
      const id = randomInt(0x10000);
      if (this.#waiting.has(id)) continue;
      this.#retired.delete(id);
      return id;
    }
  }

  #retire(id: number): void {
    if (this.#retired.size >= MAX_RETIRED_IDS) this.#retired.clear();
    this.#retired.add(id);
  }
}

/** Asks over a TCP connection of its own (RFC 1035 4.2.2), with a deadline of its own. */
export function askOverTcp(server: ServerAddress, deadlines: Deadlines, query: WireQuery): Promise<TryOutcome> {
  return new Promise((resolve) => {
    const id = randomInt(0x10000);
    const octets = query.encode(id);
    const length = Buffer.alloc(2);
    length.writeUInt16BE(octets.length, 0);

    let received: Buffer = Buffer.alloc(0);
    const socket = connect({ host: server.address, port: server.port, autoSelectFamily: false });
    const settle = (outcome: TryOutcome): void => {
      deadlines.stop(deadline);
      socket.destroy();
      resolve(outcome);
    };
    const deadline = deadlines.start(() => settle({ kind: 'timeout' }));
    socket.unref();
    socket.on('error', () => settle({ kind: received.length > 0 ? 'malformed' : 'unreachable' }));
    socket.on('end', () => settle({ kind: received.length > 0 ? 'malformed' : 'unreachable' }));
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2) return;
      const end = 2 + received.readUInt16BE(0);
      if (end > 2 + MAX_MESSAGE_OCTETS) return settle({ kind: 'malformed' });
      if (received.length < end) return;
      const message = received.subarray(2, end);
      const isOurs = message.length >= 2 && message.readUInt16BE(0) === id && isResponseTo(message, query.question);
      settle(isOurs ? { kind: 'response', message } : { kind: 'malformed' });
    });
    socket.write(Buffer.concat([length, octets]));
  });
}
