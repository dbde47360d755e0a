// The SMTP client: the verbs of the package smtp-client over our own line (transport.ts).
//
// Decided here:
// - EHLO, HELO, STARTTLS and QUIT are said by the package's verbs, everything else goes through its public write().
// - Only its public methods are overridden, and none of its socket code runs: that pairs pipelined replies wrongly and
//   reads without bounds.
// - Its verbs throw away what a refusal says, so outcomes always come from the line.
// - What a verb writes must be, to the octet, what was asked for: no message and no credentials get out this way.
import { encodeCommand, type Command } from '../smtp/command.js';
import type { HandshakeOutcome, LingerOutcome, Outcome } from '../smtp/outcome.js';
import type { Channel, Connect } from './ports.js';
import { openLine } from './open-line.js';
import type { Line } from './transport.js';

/** Opens an SMTP connection. The package is loaded with the first one. */
export const connect: Connect = async (options) => {
  // The package is read from disk while the network is on its way.
  const [{ outcome, line }, ProbeClient] = await Promise.all([openLine(options), loadProbeClient()]);
  if (outcome.kind !== 'connected' || line === null) return { outcome, channel: null };
  return { outcome, channel: new ClientChannel(new ProbeClient(line), line, outcome.localAddress) };
};

class ClientChannel implements Channel {
  readonly localAddress: string;
  readonly #client: ProbeClient;
  readonly #line: Line;

  constructor(client: ProbeClient, line: Line, localAddress: string) {
    this.#client = client;
    this.#line = line;
    this.localAddress = localAddress;
  }

  async opening(timeoutMs: number): Promise<Outcome> {
    const [outcome] = await this.#outcomesOf('', 1, () => this.#client.connect({ timeout: timeoutMs }));
    if (outcome === undefined) throw new Error('no outcome of the opening');
    return outcome;
  }

  async send(commands: readonly Command[], timeoutMs: number): Promise<readonly Outcome[]> {
    const text = commands.map((command) => `${encodeCommand(command)}\r\n`).join('');
    return this.#outcomesOf(text, commands.length, () => this.#say(commands, text, timeoutMs));
  }

  #say(commands: readonly Command[], text: string, timeout: number): Promise<unknown> {
    const [command] = commands;
    if (commands.length !== 1 || command === undefined) return this.#client.write(text, { timeout });
    switch (command.verb) {
      case 'EHLO':
        return this.#client.ehlo({ hostname: command.name, timeout });
      case 'HELO':
        return this.#client.helo({ hostname: command.name, timeout });
      case 'QUIT':
        return this.#client.quit({ timeout });
      case 'STARTTLS':
        // The verb refuses where the package saw no such keyword; what is asked is said all the same.
        if (this.#client.hasExtension('STARTTLS')) return this.#client.secure({ timeout });
        return this.#client.write(text, { timeout });
      default:
        return this.#client.write(text, { timeout });
    }
  }

  async #outcomesOf(text: string, count: number, say: () => Promise<unknown>): Promise<readonly Outcome[]> {
    const utterance: Utterance = { text, count, outcomes: null };
    this.#client.utterance = utterance;
    let thrown: unknown;
    try {
      await say();
    } catch (error) {
      // A verb throws where the reply is not positive or none came: the outcomes tell that. Without any it is our bug.
      thrown = error;
    }
    if (utterance.outcomes === null) throw new Error('smtp-client did not say what it was asked to', { cause: thrown });
    return utterance.outcomes;
  }

  linger(forMs: number): Promise<LingerOutcome> {
    return this.#line.linger(forMs);
  }

  handshake(host: string, timeoutMs: number): Promise<HandshakeOutcome> {
    return this.#line.handshake(host, timeoutMs);
  }

  leave(waitMs: number): Promise<void> {
    return this.#line.leave(waitMs);
  }

  close(): void {
    void this.#client.close();
  }
}

/** What the package is asked to say: the octets, and how many replies they are due. */
interface Utterance {
  readonly text: string;
  readonly count: number;
  outcomes: readonly Outcome[] | null;
}

interface Timed {
  readonly timeout: number;
}

/** What is used of smtp-client's SMTPClient; the types it ships lack some of it. */
interface Verbs {
  ehlo(options: Timed & { readonly hostname: string }): Promise<unknown>;
  helo(options: Timed & { readonly hostname: string }): Promise<unknown>;
  secure(options: Timed): Promise<unknown>;
  quit(options: Timed): Promise<unknown>;
  hasExtension(keyword: string): boolean;
}

type LineHandler = (line: string) => void;

/** smtp-client with its socket replaced by a line. */
interface ProbeClient extends Verbs {
  utterance: Utterance | null;
  connect(options: Timed): Promise<string>;
  write(text: string, options: Timed & { readonly handler?: LineHandler }): Promise<string>;
  close(): Promise<void>;
}

type ProbeClientClass = new (line: Line) => ProbeClient;

let probeClient: Promise<ProbeClientClass> | undefined;

function loadProbeClient(): Promise<ProbeClientClass> {
  probeClient ??= import('smtp-client').then(({ SMTPClient }) => defineProbeClient(SMTPClient));
  return probeClient;
}

function defineProbeClient(base: unknown): ProbeClientClass {
  if (typeof base !== 'function') throw new TypeError('smtp-client has no SMTPClient');
  const SMTPClient = base as new () => Verbs;

  return class extends SMTPClient implements ProbeClient {
    utterance: Utterance | null = null;
    readonly #line: Line;

    constructor(line: Line) {
      super();
      this.#line = line;
    }

    /** Awaits the opening reply: the line is open already. */
    async connect({ timeout }: Timed): Promise<string> {
      const utterance = this.#take('');
      utterance.outcomes = [await this.#line.opening(timeout)];
      return codeOf(utterance);
    }

    /** Says what was asked for and nothing else. Resolves with the last reply code, as smtp-channel does. */
    async write(text: string, { timeout, handler }: Timed & { readonly handler?: LineHandler }): Promise<string> {
      const utterance = this.#take(text);
      utterance.outcomes = await this.#line.exchange(utterance.text, utterance.count, timeout);
      const last = utterance.outcomes.at(-1);
      if (handler !== undefined && last?.kind === 'reply') {
        for (const line of last.reply.raw.replace(/\r?\n$/, '').split(/\r?\n/)) handler(line);
      }
      return codeOf(utterance);
    }

    /** Called by secure() after the 220: the handshake is an act of its own, in which the mail host is named. */
    async negotiateTLS(): Promise<void> {}

    async close(): Promise<void> {
      this.#line.close();
    }

    isSecure(): boolean {
      return this.#line.isSecure;
    }

    /** RFC 5321 2.4: keywords are not case sensitive. */
    override hasExtension(keyword: string): boolean {
      return super.hasExtension(keyword.toUpperCase());
    }

    /** The text of a line, its first word in upper case: ehlo() keeps these as the extensions. */
    parseReplyText(line: string): string {
      return line.slice(4).replace(/^\S+/, (keyword) => keyword.toUpperCase());
    }

    #take(text: string): Utterance {
      const { utterance } = this;
      this.utterance = null;
      if (utterance === null || utterance.text !== text)
        throw new Error('smtp-client would say something else than the command');
      return utterance;
    }
  };
}

function codeOf({ outcomes }: Utterance): string {
  const last = outcomes?.at(-1);
  if (last?.kind !== 'reply') throw new Error(`no reply: ${last?.kind ?? 'no outcome'}`);
  return String(last.reply.code);
}
