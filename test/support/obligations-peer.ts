// Mail hosts that write down every octet of a conversation, in the order in which it came and went, over loopback.
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createSecureContext, TLSSocket } from 'node:tls';
import { audit, type Entry } from './obligations-audit.js';

/** What a script is given: one connection, from the host's side. Octets are latin1 strings. */
export interface HostSide {
  /** Which of the host's addresses was called. */
  readonly address: string;
  /** Writes octets in one write. */
  say(octets: string): void;
  /** The next line without CR LF, or null when the other side has closed. */
  line(): Promise<string | null>;
  /** The next line where there is one already. */
  readonly unread: string;
  /** Writes the octets over and over, as fast as the other side reads, until it closes or `limit` octets are out. */
  flood(octets: string, limit?: number): Promise<void>;
  /** One octet a write, `everyMs` apart, until the other side closes. */
  dribble(octets: string, everyMs: number): Promise<void>;
  fin(): void;
  reset(): void;
  /** The handshake, as the server with the self-signed certificate; true when it came about. */
  secure(): Promise<boolean>;
  /** Waits; at most 300 ms. */
  after(ms: number): Promise<void>;
  readonly isOver: boolean;
}

export type HostScript = (host: HostSide, index: number) => Promise<void> | void;

/** One connection as it was: when it began and ended, and every octet. */
export interface Conversation {
  readonly address: string;
  readonly startedMs: number;
  /** When the first side closed. */
  readonly endedMs: number;
  /** Whether the probe has closed. */
  readonly isOver: boolean;
  readonly log: readonly Entry[];
}

/** Mail hosts on one port of one or more loopback addresses. */
export interface Hosts {
  readonly port: number;
  readonly conversations: readonly Conversation[];
  /** The most connections that were open at once: to one address, and to all. */
  readonly most: { readonly perAddress: number; readonly inAll: number };
}

const TLS_FIXTURES = new URL('../../../fixtures/tls/', import.meta.url);

/** Listens on the same free port of each address; everything ends with the test. */
export async function startHosts(
  t: TestContext,
  script: HostScript,
  addresses: readonly string[] = ['127.0.0.1'],
): Promise<Hosts> {
  const connections: Connection[] = [];
  const open = new Map<string, number>();
  const most = { perAddress: 0, inAll: 0 };
  const accept = (socket: Socket): void => {
    const connection = new Connection(socket);
    connections.push(connection);
    const { address } = connection;
    open.set(address, (open.get(address) ?? 0) + 1);
    most.perAddress = Math.max(most.perAddress, ...open.values());
    most.inAll = Math.max(
      most.inAll,
      [...open.values()].reduce((sum, each) => sum + each, 0),
    );
    // A session is over when either side has closed: a FIN on its way is no session.
    void connection.over.then(() => open.set(address, (open.get(address) ?? 1) - 1));
    void script(connection, connections.length - 1);
  };
  const { servers, port } = await listenAll(addresses, accept);
  t.after(() => {
    for (const server of servers) server.close();
    for (const connection of connections) connection.destroy();
  });
  return { port, conversations: connections, most };
}

async function listenAll(
  addresses: readonly string[],
  accept: (socket: Socket) => void,
): Promise<{ servers: readonly Server[]; port: number }> {
  for (;;) {
    const servers: Server[] = [];
    let port = 0;
    for (const address of addresses) {
      const server = createServer({ allowHalfOpen: true, noDelay: true }, accept);
      const isListening = await new Promise<boolean>((resolve) => {
        server.once('error', () => resolve(false));
        server.listen(port, address, () => resolve(true));
      });
      if (!isListening) break;
      servers.push(server);
      port = (server.address() as AddressInfo).port;
    }
    if (servers.length === addresses.length) return { servers, port };
    // Somebody else has that port on another address: try the next.
    for (const server of servers) server.close();
  }
}

class Connection implements HostSide, Conversation {
  readonly address: string;
  readonly startedMs = performance.now();
  endedMs = Number.POSITIVE_INFINITY;
  readonly log: Entry[] = [];
  readonly over: Promise<void>;
  unread = '';
  isOver = false;
  #socket: Socket;
  #wake: () => void = () => {};
  #resolveOver: () => void = () => {};

  constructor(socket: Socket) {
    this.#socket = socket;
    this.address = socket.localAddress ?? '';
    this.over = new Promise((resolve) => {
      this.#resolveOver = resolve;
    });
    this.#own(socket);
  }

  say(octets: string): void {
    if (!this.#socket.writable) return;
    this.#note({ who: 'host', octets });
    this.#socket.write(octets, 'latin1');
  }

  async line(): Promise<string | null> {
    for (;;) {
      const end = this.unread.indexOf('\r\n');
      if (end !== -1) {
        const line = this.unread.slice(0, end);
        this.unread = this.unread.slice(end + 2);
        return line;
      }
      if (this.isOver) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async flood(octets: string, limit = Number.POSITIVE_INFINITY): Promise<void> {
    const chunk = octets.repeat(Math.max(1, Math.floor(65_536 / octets.length)));
    this.#note({ who: 'host', ends: 'flood' });
    for (let written = 0; written < limit && !this.isOver && this.#socket.writable; written += chunk.length) {
      if (this.#socket.write(chunk, 'latin1')) {
        await new Promise(setImmediate);
        continue;
      }
      await new Promise<void>((resolve) => {
        this.#socket.once('drain', resolve);
        this.#socket.once('close', resolve);
      });
    }
  }

  async dribble(octets: string, everyMs: number): Promise<void> {
    for (const octet of octets) {
      if (this.isOver) return;
      this.say(octet);
      await this.after(everyMs);
    }
  }

  fin(): void {
    this.#hostEnds('fin');
    this.#socket.end();
  }

  reset(): void {
    this.#hostEnds('reset');
    this.#socket.resetAndDestroy();
  }

  #hostEnds(how: 'fin' | 'reset'): void {
    this.#note({ who: 'host', ends: how });
    this.endedMs = Math.min(this.endedMs, performance.now());
    this.#resolveOver();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  async secure(): Promise<boolean> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const secureContext = createSecureContext({
      key: readFileSync(new URL('self-signed.key.pem', TLS_FIXTURES)),
      cert: readFileSync(new URL('self-signed.cert.pem', TLS_FIXTURES)),
      minVersion: 'TLSv1.2',
    });
    const secure = new TLSSocket(plain, { isServer: true, secureContext });
    this.#socket = secure;
    const isSecured = new Promise<boolean>((resolve) => {
      secure.once('secure', () => {
        this.#note({ who: 'both', now: 'in-tls' });
        resolve(true);
      });
      secure.once('close', () => resolve(false));
    });
    this.#own(secure);
    return isSecured;
  }

  async after(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, 300)));
  }

  #note(entry: DistributiveOmit<Entry, 'atMs'>): void {
    this.log.push({ ...entry, atMs: performance.now() });
  }

  #own(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      const octets = chunk.toString('latin1');
      this.#note({ who: 'probe', octets });
      this.unread += octets;
      this.#wake();
    });
    socket.on('end', () => {
      if (socket === this.#socket) this.#end('fin');
    });
    // A reset is one of the things that a client may do.
    socket.on('error', () => this.#end('reset'));
    socket.on('close', () => this.#end('reset'));
  }

  #end(how: 'fin' | 'reset'): void {
    if (!this.isOver) {
      this.isOver = true;
      this.endedMs = Math.min(this.endedMs, performance.now());
      this.#note({ who: 'probe', ends: how });
      this.#resolveOver();
    }
    this.#wake();
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** What an ordinary host answers to each verb. */
const ORDINARY: Readonly<Record<string, string>> = {
  EHLO: '250 mx.good.example\r\n',
  HELO: '250 mx.good.example\r\n',
  MAIL: '250 2.1.0 Ok\r\n',
  RSET: '250 2.0.0 Ok\r\n',
  NOOP: '250 2.0.0 Ok\r\n',
  QUIT: '221 2.0.0 Bye\r\n',
};

/** The reply to one line; `nth` counts the lines of the connection from 0. Null: silence. */
export type Answer = string | ((line: string, nth: number) => string | null);

export interface Manner {
  readonly greeting?: string;
  /** How long each reply is held back, so that a command that does not wait for it is seen. */
  readonly delayMs?: number;
}

/** A host that answers by verb; what is not given is ordinary: postmaster is known, nobody else is. */
export function answering(
  replies: Readonly<Record<string, Answer>> = {},
  { greeting = '220 mx.good.example ESMTP\r\n', delayMs = 0 }: Manner = {},
): HostScript {
  return async (host) => {
    if (delayMs > 0) await host.after(delayMs);
    host.say(greeting);
    let isInTls = false;
    for (let nth = 0; ; nth++) {
      const line = await host.line();
      if (line === null) break;
      if (delayMs > 0) await host.after(delayMs);
      const verb = line.split(' ', 1)[0] ?? '';
      const given = (isInTls ? replies[`TLS ${verb}`] : undefined) ?? replies[verb];
      const reply = typeof given === 'function' ? given(line, nth) : (given ?? ordinaryReply(line, verb));
      if (reply === null) continue;
      host.say(reply);
      if (verb === 'STARTTLS' && reply.startsWith('220')) isInTls = await host.secure();
      if (verb === 'QUIT') break;
    }
    host.fin();
  };
}

function ordinaryReply(line: string, verb: string): string {
  if (verb !== 'RCPT') return ORDINARY[verb] ?? '500 5.5.1 Command not recognized\r\n';
  return /^RCPT TO:<postmaster[@>]/i.test(line) ? '250 2.1.5 Ok\r\n' : '550 5.1.1 User unknown\r\n';
}

/** An EHLO reply that offers these keywords. */
export function offering(...keywords: readonly string[]): string {
  const lines = ['mx.good.example', ...keywords];
  return lines.map((line, index) => `250${index === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join('');
}

/** All that the probe said in a conversation, one string. */
export function heard({ log }: Pick<Conversation, 'log'>): string {
  return log.flatMap((entry) => (entry.who === 'probe' && 'octets' in entry ? [entry.octets] : [])).join('');
}

/** The lines that the probe said. */
export function linesHeard(conversation: Pick<Conversation, 'log'>): readonly string[] {
  return heard(conversation).split('\r\n').slice(0, -1);
}

/** What the conversations show against the probe, each named by its place. */
export function breaches({ conversations }: Hosts, leaveAfterMs?: number): readonly string[] {
  return conversations.flatMap(({ log }, index) =>
    audit(log, leaveAfterMs).map((breach) => `connection ${index}: ${breach}`),
  );
}
