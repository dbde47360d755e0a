// A line to one endpoint: bounded, deadline-keeping octets over TCP, and TLS over that (RFC 3207). It reads replies and
// knows nothing of what they mean.
//
// Decided here:
// - Replies belong to commands by counting (RFC 2920 3.1). A reply that began before a command was written is not the
//   reply to it, and after a wait that ended without a reply nothing but QUIT is written: a late reply stays nobody's.
// - A deadline is counted from the command and octets that trickle in do not renew it.
// - Where the host floods us we stop reading: memory is bounded by one reply and a handful of stray ones.
import type { Socket } from 'node:net';
import type { HandshakeOutcome, LingerOutcome, Outcome } from '../smtp/outcome.js';
import { ReplyParser, type Parsed } from '../smtp/reply-parser.js';
import { onAbort } from './abort.js';
import { again, cut, fill, outOfTurn, rawOf, since, type Lost } from './line-outcomes.js';
import { beginHandshake, handshakeFailure, handshakeOutcome } from './tls.js';

/** Replies and octets that may wait without a command of ours; beyond them we stop reading. */
const MAX_STRAY_REPLIES = 8;
const MAX_STRAY_OCTETS = 64 * 1024;
/** How long after our FIN the host may send its own before the socket is destroyed. */
const CLOSE_GRACE_MS = 250;

type Arrival = { readonly parsed: Parsed; readonly at: number };
type Waiter = {
  readonly startedAt: number;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (outcome: Outcome) => void;
};

/** An open line. One dialogue owns it: one wait at a time, and its owner closes it. */
export class Line {
  #socket: Socket;
  #parser = new ReplyParser();
  /** What has been read and not been taken yet, in order. */
  readonly #arrivals: Arrival[] = [];
  #arrivedOctets = 0;
  /** Replies that commands on the wire still have to get. */
  #due = 0;
  #waiter: Waiter | null = null;
  #stopHandshake: (() => void) | null = null;
  /** The outcome that ended the conversation: the sides are out of step, or nobody is there. */
  #lost: Lost | null = null;
  #ended: 'fin' | 'reset' | null = null;
  #reading: 'replies' | 'discarding' | 'stopped' = 'replies';
  #discardedOctets = 0;
  #secure = false;
  #closed = false;
  readonly #signal: AbortSignal | undefined;
  readonly #forgetSignal: () => void;

  constructor(socket: Socket, signal: AbortSignal | undefined) {
    this.#socket = socket;
    this.#signal = signal;
    this.#forgetSignal = onAbort(signal, () => this.#interrupt());
    this.#own(socket);
  }

  get isSecure(): boolean {
    return this.#secure;
  }

  /** Takes octets (latin1) from the socket; false where no more are to be read. */
  take(octets: string): boolean {
    if (this.#reading === 'discarding') {
      this.#discardedOctets += octets.length;
      if (this.#discardedOctets > MAX_STRAY_OCTETS) this.#socket.destroy();
      return true;
    }
    if (this.#reading === 'stopped') return false;
    const at = performance.now();
    for (const parsed of this.#parser.feed(octets)) {
      this.#arrivals.push({ parsed, at });
      this.#arrivedOctets += parsed.kind === 'reply' ? parsed.reply.raw.length : parsed.raw.length;
      const isFlood =
        this.#arrivals.length > this.#due + MAX_STRAY_REPLIES ||
        (this.#due === 0 && this.#arrivedOctets > MAX_STRAY_OCTETS);
      if (isFlood || parsed.kind === 'not-a-reply') {
        this.#reading = 'stopped';
        this.#socket.pause();
        break;
      }
    }
    if (this.#arrivals.length > 0) this.#wake();
    return this.#reading !== 'stopped';
  }

  /** Awaits the opening reply. */
  async opening(timeoutMs: number): Promise<Outcome> {
    const outcome = this.#lost === null ? await this.#next(timeoutMs) : again(this.#lost);
    if (outcome.kind !== 'reply') this.#lost = outcome;
    return outcome;
  }

  /** Writes commands (with line ends) in one write and awaits `count` replies; see Channel.send. */
  async exchange(text: string, count: number, timeoutMs: number): Promise<readonly Outcome[]> {
    if (!this.#isInStep()) return fill([], await this.#refuse(timeoutMs), count);
    this.#socket.write(text);
    const outcomes: Outcome[] = [];
    for (this.#due = count; this.#due > 0; this.#due--) {
      const outcome = await this.#next(timeoutMs);
      if (outcome.kind !== 'reply') {
        this.#due = 0;
        this.#lost = outcome;
        return fill(outcomes, outcome, count);
      }
      outcomes.push(outcome);
    }
    return outcomes;
  }

  /** Sends nothing for `forMs`; see Channel.linger. */
  async linger(forMs: number): Promise<LingerOutcome> {
    if (this.#lost !== null && this.#lost.kind !== 'timeout') return again(this.#lost);
    const outcome = outOfTurn(await this.#next(forMs));
    // A time-out before this one is still what the commands to come are told.
    if (outcome.kind === 'timeout') return { kind: 'quiet', afterMs: outcome.afterMs };
    this.#lost = outcome;
    return outcome;
  }

  /** Whether the next octets of the host can only be the reply to what is written now. */
  #isInStep(): boolean {
    const isSilent = this.#arrivals.length === 0 && this.#parser.partial === '';
    return isSilent && this.#lost === null && this.#ended === null && this.#isOurs();
  }

  /** What a command is told that was not written. Octets of an unfinished stray reply are read to its end. */
  async #refuse(timeoutMs: number): Promise<Lost> {
    const isLate = this.#lost?.kind === 'timeout' && this.#arrivals.length > 0;
    if (this.#lost !== null && !isLate) return again(this.#lost);
    this.#lost = outOfTurn(await this.#next(timeoutMs));
    return this.#lost;
  }

  /** False once we were told to stop, and while we take our leave. */
  #isOurs(): boolean {
    return !this.#closed && this.#reading !== 'discarding' && this.#signal?.aborted !== true;
  }

  /** The TLS handshake after 220 to STARTTLS; see Channel.handshake. Where it fails the line is over. */
  async handshake(host: string, timeoutMs: number): Promise<HandshakeOutcome> {
    const startedAt = performance.now();
    const tls = await import('node:tls');
    // Octets that already lie unread in the system are seen as what they are: the second turn comes after a new poll.
    await new Promise(setImmediate);
    await new Promise(setImmediate);
    if (!this.#isOurs()) return { kind: 'interrupted', afterMs: since(startedAt) };
    // RFC 3207 4.2, and CVE-2011-0411: what came in the clear behind the 220 must not be taken as said under TLS.
    const injected = this.#arrivals.map(({ parsed }) => rawOf(parsed)).join('') + this.#parser.partial;
    if (injected !== '') return { kind: 'injected', raw: cut(injected), afterMs: since(startedAt) };
    if (this.#ended !== null) return { kind: 'closed', how: this.#ended, afterMs: since(startedAt), partial: '' };

    return new Promise((resolve) => {
      const secure = beginHandshake(tls, this.#socket, host);
      const settle = (outcome: HandshakeOutcome): void => {
        clearTimeout(timer);
        this.#stopHandshake = null;
        if (outcome.kind === 'secured') {
          this.#secure = true;
        } else {
          this.#ended ??= 'reset';
          secure.destroy();
        }
        resolve(outcome);
      };
      const timer = setTimeout(() => settle({ kind: 'timeout', afterMs: since(startedAt), partial: '' }), timeoutMs);
      this.#stopHandshake = () => settle({ kind: 'interrupted', afterMs: since(startedAt) });
      this.#socket = secure;
      this.#parser = new ReplyParser();
      secure.once('secureConnect', () => settle(handshakeOutcome(secure, host, since(startedAt))));
      secure.once('error', (error: NodeJS.ErrnoException) => {
        if (this.#stopHandshake !== null) settle(handshakeFailure(error, since(startedAt)));
      });
      secure.once('close', () => {
        const afterMs = since(startedAt);
        if (this.#stopHandshake !== null) settle({ kind: 'closed', how: 'fin', afterMs, partial: '' });
      });
      secure.on('data', (chunk: Buffer) => this.take(chunk.toString('latin1')));
      this.#own(secure);
    });
  }

  /** Writes QUIT, takes nothing as its reply, waits at most `waitMs` for the close, closes. */
  async leave(waitMs: number): Promise<void> {
    this.#stopHandshake?.();
    if (!this.#closed && this.#reading === 'replies' && this.#ended === null && this.#socket.writable) {
      this.#reading = 'discarding';
      this.#interrupt();
      const socket = this.#socket;
      socket.write('QUIT\r\n');
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        const gone = (): void => {
          clearTimeout(timer);
          resolve();
        };
        socket.once('end', gone);
        socket.once('close', gone);
      });
    }
    this.close();
  }

  /** Closes at once: FIN, and the end of the socket when the host has sent its own, or shortly after. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#forgetSignal();
    this.#interrupt();
    const socket = this.#socket;
    if (this.#ended !== null || this.#reading === 'stopped' || !socket.writable) {
      socket.destroy();
      return;
    }
    // Octets still under way are read and dropped: unread ones would turn our FIN into a reset.
    this.#reading = 'discarding';
    socket.end();
    socket.unref();
    const timer = setTimeout(() => socket.destroy(), CLOSE_GRACE_MS).unref();
    socket.once('close', () => clearTimeout(timer));
  }

  /** Listens to the ends of a socket for as long as it is this line's. */
  #own(socket: Socket): void {
    const end = (how: 'fin' | 'reset'): void => {
      if (socket !== this.#socket) return;
      this.#ended ??= how;
      this.#wake();
    };
    socket.on('end', () => end('fin'));
    socket.on('error', () => end('reset'));
    socket.on('close', () => end('reset'));
  }

  /** The next reply, or why none came by the deadline. */
  #next(timeoutMs: number): Promise<Outcome> {
    if (this.#waiter !== null) throw new Error('two waits on one line');
    const startedAt = performance.now();
    const ready = this.#ready(startedAt);
    if (ready !== null) return Promise.resolve(ready);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#settle({ kind: 'timeout', afterMs: since(startedAt), partial: cut(this.#parser.partial) });
      }, timeoutMs);
      this.#waiter = { startedAt, timer, resolve };
    });
  }

  #ready(startedAt: number): Outcome | null {
    if (!this.#isOurs()) return { kind: 'interrupted', afterMs: since(startedAt) };
    const arrival = this.#arrivals.shift();
    if (arrival !== undefined) {
      const { parsed, at } = arrival;
      const afterMs = Math.max(0, Math.round(at - startedAt));
      this.#arrivedOctets -= rawOf(parsed).length;
      if (parsed.kind === 'reply') return { kind: 'reply', reply: parsed.reply, afterMs };
      return { kind: 'not-a-reply', why: parsed.why, raw: cut(parsed.raw), afterMs };
    }
    if (this.#ended === null) return null;
    return { kind: 'closed', how: this.#ended, afterMs: since(startedAt), partial: cut(this.#parser.partial) };
  }

  #wake(): void {
    const outcome = this.#waiter === null ? null : this.#ready(this.#waiter.startedAt);
    if (outcome !== null) this.#settle(outcome);
  }

  #settle(outcome: Outcome): void {
    const waiter = this.#waiter;
    if (waiter === null) return;
    this.#waiter = null;
    clearTimeout(waiter.timer);
    waiter.resolve(outcome);
  }

  #interrupt(): void {
    this.#stopHandshake?.();
    this.#wake();
  }
}
