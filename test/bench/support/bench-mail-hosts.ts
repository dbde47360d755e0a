// The mail hosts of a world: one server that listens on every address of this machine and talks to loopback alone.
// Each group of commands that arrives is answered in one write, after the delay of the world.
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket } from 'node:tls';
import { hostOf, numberAt } from './bench-addresses.js';
import type { WorldCounts, WorldOptions } from './world.js';

export interface BenchMailHosts {
  readonly port: number;
  /** The counts since the last call, but for the questions; waits for the end of what is open. */
  counts(): Promise<Omit<WorldCounts, 'questions'>>;
}

const TLS_FIXTURES = new URL('../../../fixtures/tls/', import.meta.url);
const LONGEST_WAIT_MS = 2_000;

class Counts {
  sessions = 0;
  flights = 0;
  commands: Record<string, number> = {};
  faults = { spokeBeforeOpening: 0, pipelinedWithoutOffer: 0, closedWithoutQuit: 0, saidData: 0 };
}

export async function createMailHosts(options: WorldOptions): Promise<BenchMailHosts> {
  let counts = new Counts();
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    // Listening on all addresses is the only way to have thousands of them; nobody else is served.
    if (socket.localAddress?.startsWith('127.') !== true) return void socket.destroy();
    open.add(socket);
    counts.sessions += 1;
    const session = new Session(socket, options, counts);
    socket.on('close', () => {
      open.delete(socket);
      session.closed();
    });
  });
  server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 });
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async counts() {
      for (const until = performance.now() + LONGEST_WAIT_MS; open.size > 0 && performance.now() < until;) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const counted = counts;
      counts = new Counts();
      return counted;
    },
  };
}

/** One connection, seen from the host. */
class Session {
  readonly #raw: Socket;
  readonly #options: WorldOptions;
  readonly #counts: Counts;
  readonly #name: string;
  /** What commands come from and replies go to: the socket, then TLS over it. */
  #stream: Duplex;
  #line = '';
  #hasOpened = false;
  #mayPipeline = false;
  #hasQuit = false;

  constructor(raw: Socket, options: WorldOptions, counts: Counts) {
    this.#raw = raw;
    this.#stream = raw;
    this.#options = options;
    this.#counts = counts;
    this.#name = hostOf(numberAt(raw.localAddress ?? ''));
    raw.on('error', () => raw.destroy());
    raw.on('data', this.#take);
    later(options.openingDelayMs, () => {
      this.#hasOpened = true;
      raw.write(options.opening === 220 ? `220 ${this.#name} ESMTP\r\n` : `554 ${this.#name} takes no mail\r\n`);
    });
  }

  closed(): void {
    if (!this.#hasQuit) this.#counts.faults.closedWithoutQuit += 1;
  }

  readonly #take = (chunk: Buffer): void => {
    const lines = (this.#line + chunk.toString('latin1')).split('\r\n');
    this.#line = lines.pop() ?? '';
    if (!this.#hasOpened) this.#counts.faults.spokeBeforeOpening += 1;
    if (lines.length === 0) return;
    if (lines.length > 1 && !this.#mayPipeline) this.#counts.faults.pipelinedWithoutOffer += 1;
    this.#counts.flights += 1;
    const replies = lines.map((line) => this.#reply(line)).join('');
    const last = lines.at(-1);
    // Over TLS the delay lies below, in the stream that TLS writes to.
    later(this.#stream === this.#raw ? this.#options.replyDelayMs : 0, () => {
      this.#stream.write(replies);
      if (last === 'QUIT') this.#stream.end();
      if (last === 'STARTTLS') this.#secure();
    });
  };

  #reply(line: string): string {
    const { opening, pipelining, starttls } = this.#options;
    const verb = line.split(' ', 1)[0] ?? '';
    this.#counts.commands[verb] = (this.#counts.commands[verb] ?? 0) + 1;
    if (verb === 'QUIT') {
      this.#hasQuit = true;
      return '221 2.0.0 Bye\r\n';
    }
    if (opening === 554) return '503 5.5.1 No mail service here\r\n';
    switch (verb) {
      case 'EHLO': {
        this.#mayPipeline = pipelining === 'offered';
        const keywords = [this.#name, 'SIZE 10240000', '8BITMIME', 'ENHANCEDSTATUSCODES'];
        if (this.#mayPipeline) keywords.push('PIPELINING');
        if (starttls === 'offered' && this.#stream === this.#raw) keywords.push('STARTTLS');
        return keywords.map((keyword, at) => `250${at === keywords.length - 1 ? ' ' : '-'}${keyword}\r\n`).join('');
      }
      case 'MAIL':
        return '250 2.1.0 Ok\r\n';
      case 'RCPT':
        return /^RCPT TO:<postmaster(?:@|>)/i.test(line) ? '250 2.1.5 Ok\r\n' : '550 5.1.1 User unknown\r\n';
      case 'STARTTLS':
        return '220 2.0.0 Go ahead\r\n';
      case 'DATA':
        this.#counts.faults.saidData += 1;
        return '554 5.5.1 No\r\n';
      default:
        return '250 2.0.0 Ok\r\n';
    }
  }

  #secure(): void {
    this.#raw.off('data', this.#take);
    const tls = new TLSSocket(delayed(this.#raw, this.#options.replyDelayMs), {
      isServer: true,
      secureContext: tlsContext(),
    });
    this.#stream = tls;
    this.#mayPipeline = false;
    tls.on('error', () => this.#raw.destroy());
    tls.on('data', this.#take);
  }
}

let context: ReturnType<typeof createSecureContext> | undefined;

const tlsContext = (): ReturnType<typeof createSecureContext> =>
  (context ??= createSecureContext({
    key: readFileSync(new URL('self-signed.key.pem', TLS_FIXTURES)),
    cert: readFileSync(new URL('self-signed.cert.pem', TLS_FIXTURES)),
  }));

/** The socket, with every write that much later and all of them in order. */
function delayed(socket: Socket, delayMs: number): Duplex {
  const stream = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _, done) => {
      later(delayMs, () => socket.write(chunk));
      done();
    },
    final: (done) => {
      later(delayMs, () => socket.end());
      done();
    },
  });
  socket.on('data', (chunk) => stream.push(chunk));
  socket.on('end', () => stream.push(null));
  return stream;
}

function later(delayMs: number, act: () => void): void {
  if (delayMs === 0) act();
  else setTimeout(act, delayMs);
}
