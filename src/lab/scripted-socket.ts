// The socket of a scripted mail host: lines in, octets out, whole or one octet a segment, and the ways it can end.
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

const TLS_FIXTURES = new URL('../../fixtures/tls/', import.meta.url);
/** What a probe may send ahead; it is our own, so more than that is a fault of it. */
const MAX_BUFFERED_OCTETS = 64 * 1024;
/** The most that `flood` writes: many times what any reader should take. */
const MAX_FLOOD_OCTETS = 256 * 1024 * 1024;
const FLOOD_CHUNK_OCTETS = 64 * 1024;

/** One connection, from the host's side. Octets are latin1 strings. */
export class ScriptedSocket {
  #socket: Socket;
  #received = '';
  #held = '';
  #isOver = false;
  #gapMs: number | null;
  #wake: () => void = () => {};

  constructor(socket: Socket, delivery: 'whole' | 'dribbled') {
    this.#socket = socket;
    this.#gapMs = delivery === 'dribbled' ? 0 : null;
    this.#own(socket);
  }

  /** Octets received that no `line` has taken. */
  get buffered(): string {
    return this.#received;
  }

  /** The next line without CR LF, or null when the other side has closed. */
  async line(): Promise<string | null> {
    for (;;) {
      const end = this.#received.indexOf('\r\n');
      if (end !== -1) {
        const line = this.#received.slice(0, end);
        this.#received = this.#received.slice(end + 2);
        return line;
      }
      if (this.#isOver) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /**
   * Writes octets; those of which more follows wait for the rest, so that they leave in one write. `at once`: in one
   * segment, dribbled or not.
   */
  async say(octets: string, when: 'now' | 'at once' | 'more follows'): Promise<void> {
    this.#held += octets;
    if (when === 'more follows') return;
    const whole = this.#held;
    this.#held = '';
    if (this.#gapMs === null || when === 'at once') return this.#write(whole);
    for (const octet of whole) {
      await this.#write(octet);
      const gapMs = this.#gapMs;
      await new Promise<void>((resolve) => (gapMs > 0 ? setTimeout(resolve, gapMs) : setImmediate(resolve)));
    }
  }

  /** From here on one octet a segment, so many milliseconds apart. */
  dribble(gapMs: number): void {
    this.#gapMs = gapMs;
  }

  /** Writes the octets over and over, as fast as the other side reads, until it closes. */
  async flood(octets: string): Promise<void> {
    if (octets === '') return;
    const chunk = octets.repeat(Math.ceil(FLOOD_CHUNK_OCTETS / octets.length));
    for (let written = 0; written < MAX_FLOOD_OCTETS && !this.#isOver; written += chunk.length)
      await this.#write(chunk);
  }

  /** FIN, behind what was said. */
  close(): void {
    this.#socket.end();
  }

  /** RST. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  destroy(): void {
    this.#socket.destroy();
    this.#end();
  }

  /** Leaves what comes from now on in the socket: the client's part of a handshake. */
  stopReading(): void {
    this.#socket.pause();
    this.#socket.removeAllListeners('data');
  }

  /** The handshake, as the server with the certificate of fixtures/tls; whether it came about. */
  async secure(): Promise<boolean> {
    const [key, cert] = await Promise.all([
      readFile(new URL('self-signed.key.pem', TLS_FIXTURES)),
      readFile(new URL('self-signed.cert.pem', TLS_FIXTURES)),
    ]);
    const secureContext = createSecureContext({ key, cert, minVersion: 'TLSv1.2' });
    const secure = new TLSSocket(this.#socket, { isServer: true, secureContext });
    this.#socket = secure;
    const isSecured = new Promise<boolean>((resolve) => {
      secure.once('secure', () => resolve(true));
      secure.once('close', () => resolve(false));
    });
    this.#own(secure);
    return isSecured;
  }

  async #write(octets: string): Promise<void> {
    if (this.#isOver || !this.#socket.writable) return;
    await new Promise<void>((resolve) => {
      // A client that goes away in the middle is what some scenarios are about.
      this.#socket.write(octets, 'latin1', () => resolve());
    });
  }

  #own(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#received += chunk.toString('latin1');
      if (this.#received.length > MAX_BUFFERED_OCTETS) socket.destroy();
      this.#wake();
    });
    socket.on('end', () => {
      this.#end();
      socket.end();
    });
    // A reset is one of the things that a client may do.
    socket.on('error', () => this.#end());
    socket.on('close', () => this.#end());
  }

  #end(): void {
    this.#isOver = true;
    this.#wake();
  }
}
