// The outside world as this program sees it: what io/ offers and tests replace.
import type { Command } from '../smtp/command.js';
import type { DnsExchange, Question } from '../smtp/mail-route.js';
import type { ConnectOutcome, HandshakeOutcome, LingerOutcome, Outcome } from '../smtp/outcome.js';

/** Asks the DNS. Never rejects for what a name server does: that is in the exchange. */
export interface Resolver {
  ask(question: Question): Promise<DnsExchange>;
  /** Closes all sockets; questions still open end as `timeout`. */
  close(): void;
}

/** One open SMTP connection. Outcomes are data; a rejection is our own bug. Every wait ends at its deadline. */
export interface Channel {
  /** This end's IP address, for the address literal. */
  readonly localAddress: string;
  opening(timeoutMs: number): Promise<Outcome>;
  /**
   * Writes the commands in one write and gives one outcome a command, in order. Each command has `timeoutMs` from the
   * later of the write and the reply before it, not renewed by octets that arrive. After an outcome that is no reply
   * the rest of the group gets the same outcome (with empty octets).
   */
  send(commands: readonly Command[], timeoutMs: number): Promise<readonly Outcome[]>;
  /** Sends nothing for `forMs` and tells whether the host stayed quiet. */
  linger(forMs: number): Promise<LingerOutcome>;
  /** The TLS handshake behind a 220 to STARTTLS. `host` names the mail host for SNI and the certificate's check. */
  handshake(host: string, timeoutMs: number): Promise<HandshakeOutcome>;
  /** Writes QUIT without taking anything as its reply, waits at most `waitMs` for the close, closes. */
  leave(waitMs: number): Promise<void>;
  /** Closes at once; a second call does nothing. */
  close(): void;
}

/** What a connection needs to know. */
export interface ConnectOptions {
  readonly address: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** Aborting ends every wait with `interrupted`; the channel stays open so that QUIT can be said. */
  readonly signal?: AbortSignal | undefined;
}

/** Opens a TCP connection to an IP address. Never rejects for what the network does. */
export type Connect = (
  options: ConnectOptions,
) => Promise<{ readonly outcome: ConnectOutcome; readonly channel: Channel | null }>;
