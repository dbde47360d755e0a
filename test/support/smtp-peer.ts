// A mail host for tests: a function plays each connection, octet by octet, over loopback.
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createSecureContext, TLSSocket } from 'node:tls';

/** What a script is given: one connection, seen from the host's side. */
export interface PeerConnection {
  /** All octets received so far on this connection (latin1), TLS removed. */
  readonly received: string;
  /** The raw socket, for what has no word here. */
  readonly socket: Socket;
  /** Writes octets (latin1) in one write. After a close nothing happens. */
  say(octets: string): void;
  /** Writes one octet a write, `everyMs` apart; stops at a close. */
  dribble(octets: string, everyMs: number): Promise<void>;
  /** Writes `octets` over and over, as fast as the other side reads, until it closes. */
  flood(octets: string): Promise<void>;
  /** The next line without CR LF, or null when the other side has closed. */
  line(): Promise<string | null>;
  /** Sends FIN; still reads. */
  fin(): void;
  /** Sends RST. */
  reset(): void;
  /** Turns the connection into TLS, as the server with the self-signed certificate of fixtures/tls. */
  secure(): Promise<void>;
  /** The name that the other side asked for by SNI; false where it asked for none. */
  readonly servername: string | false;
  /** How the other side closed. */
  readonly closed: Promise<'fin' | 'reset'>;
}

/** Plays one connection; `index` counts them from 0. What is still open when it returns stays open. */
export type PeerScript = (host: PeerConnection, index: number) => Promise<void> | void;

export interface Peer {
  readonly address: string;
  readonly port: number;
  readonly connections: readonly PeerConnection[];
  /** The connection of that index, when it has been made. */
  connection(index: number): Promise<PeerConnection>;
  /** Destroys all connections and stops listening. */
  close(): Promise<void>;
}

/** Listens on a free port of `address`. */
export async function startPeer(script: PeerScript, address = '127.0.0.1'): Promise<Peer> {
  const connections: Connection[] = [];
  const accepted = new EventEmitter();
  // allowHalfOpen: what follows a FIN is the script's business.
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    const connection = new Connection(socket);
    connections.push(connection);
    accepted.emit('connection');
    void script(connection, connections.length - 1);
  });
  await new Promise<void>((resolve) => server.listen(0, address, resolve));
  return {
    address,
    port: (server.address() as AddressInfo).port,
    connections,
    connection: async (index) => {
      for (;;) {
        const connection = connections[index];
        if (connection !== undefined) return connection;
        await once(accepted, 'connection');
      }
    },
    close: () =>
      new Promise((resolve) => {
        for (const { socket } of connections) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

/** A port of loopback where nobody listens. */
export async function freePort(): Promise<number> {
  const peer = await startPeer(() => {});
  await peer.close();
  return peer.port;
}

/** The replies of an ordinary host to each verb; a script that gives its own overrides them. */
const ORDINARY_REPLIES: Readonly<Record<string, string>> = {
  EHLO: '250-mx.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n',
  HELO: '250 mx.example\r\n',
  MAIL: '250 2.1.0 ok\r\n',
  RCPT: '250 2.1.5 ok\r\n',
  RSET: '250 2.0.0 ok\r\n',
  NOOP: '250 2.0.0 ok\r\n',
  QUIT: '221 2.0.0 bye\r\n',
};

/** A host that greets, answers each command by its verb, and closes after QUIT. */
export function answering(replies: Readonly<Record<string, string>> = {}, greeting = '220 mx.example\r\n'): PeerScript {
  return async (host) => {
    host.say(greeting);
    for (let line = await host.line(); line !== null; line = await host.line()) {
      const verb = line.split(' ')[0] ?? '';
      host.say(replies[verb] ?? ORDINARY_REPLIES[verb] ?? '500 5.5.1 what\r\n');
      if (verb === 'QUIT') host.fin();
    }
    host.fin();
  };
}

const TLS_FIXTURES = new URL('../../../fixtures/tls/', import.meta.url);

class Connection implements PeerConnection {
  received = '';
  socket: Socket;
  servername: string | false = false;
  readonly closed: Promise<'fin' | 'reset'>;
  #unread = '';
  #isOver = false;
  #wake: () => void = () => {};
  #resolveClosed: (how: 'fin' | 'reset') => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#own(socket);
  }

  say(octets: string): void {
    if (this.socket.writable) this.socket.write(octets, 'latin1');
  }

  async dribble(octets: string, everyMs: number): Promise<void> {
    for (const octet of octets) {
      if (this.#isOver) return;
      this.say(octet);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  async flood(octets: string): Promise<void> {
    const chunk = octets.repeat(Math.max(1, Math.floor(65_536 / octets.length)));
    while (!this.#isOver && this.socket.writable) {
      if (this.socket.write(chunk, 'latin1')) continue;
      await new Promise<void>((resolve) => {
        this.socket.once('drain', resolve);
        this.socket.once('close', resolve);
      });
    }
  }

  async line(): Promise<string | null> {
    for (;;) {
      const end = this.#unread.indexOf('\r\n');
      if (end !== -1) {
        const line = this.#unread.slice(0, end);
        this.#unread = this.#unread.slice(end + 2);
        return line;
      }
      if (this.#isOver) return null;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  fin(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  async secure(): Promise<void> {
    const plain = this.socket;
    plain.removeAllListeners('data');
    const secureContext = createSecureContext({
      key: readFileSync(new URL('self-signed.key.pem', TLS_FIXTURES)),
      cert: readFileSync(new URL('self-signed.cert.pem', TLS_FIXTURES)),
      minVersion: 'TLSv1.2',
    });
    const secure = new TLSSocket(plain, { isServer: true, secureContext });
    this.socket = secure;
    this.#own(secure);
    await new Promise<void>((resolve) => {
      secure.once('secure', () => {
        this.servername = secure.servername ?? false;
        resolve();
      });
      secure.once('close', () => resolve());
    });
  }

  #own(socket: Socket): void {
    socket.on('data', (chunk: Buffer) => {
      const octets = chunk.toString('latin1');
      this.received += octets;
      this.#unread += octets;
      this.#wake();
    });
    socket.on('end', () => this.#end('fin'));
    // A reset is one of the things a client under test may do.
    socket.on('error', () => this.#end('reset'));
    socket.on('close', () => this.#end('reset'));
  }

  #end(how: 'fin' | 'reset'): void {
    this.#isOver = true;
    this.#resolveClosed(how);
    this.#wake();
  }
}
