// A mail host without sockets: the real conversations, planner and driver, with a connection in memory whose every
// octet is written down. What the host answers may be scripted, or drawn at random.
import type { CheckOptions, Settings } from '../../src/check-options.js';
import { readOptions } from '../../src/check-options.js';
import type { DomainEvidence } from '../../src/evidence/evidence.js';
import type { Channel, Connect, ConnectOptions, Resolver } from '../../src/io/ports.js';
import { probeHost } from '../../src/probe-host.js';
import type { Domain } from '../../src/smtp/address.js';
import { encodeCommand, type Command } from '../../src/smtp/command.js';
import { planMailRoute } from '../../src/smtp/mail-route.js';
import type { HandshakeOutcome, Outcome } from '../../src/smtp/outcome.js';
import { ReplyParser } from '../../src/smtp/reply-parser.js';
import { askForRoute, dnsEvidence, exchange, zone } from './dns-evidence.js';
import type { Entry } from './obligations-audit.js';

/** What a host does where a reply is due. `stray`: a reply that nobody asked for comes first. */
export type Move =
  | { readonly kind: 'says'; readonly octets: string }
  | { readonly kind: 'silence' | 'fin' | 'reset' | 'garbage' }
  | { readonly kind: 'stray'; readonly octets: string };

/** Chooses a move: `step` is a verb, `opening`, `handshake` or `linger`; `nth` counts the steps of the connection. */
export type Choose = (step: string, nth: number) => Move;

/** One connection, played in memory. */
class FakeChannel implements Channel {
  readonly localAddress = '192.0.2.1';
  readonly #choose: Choose;
  readonly #log: Entry[];
  #nth = 0;
  #over: Exclude<Outcome, { kind: 'reply' }> | null = null;

  constructor(choose: Choose, log: Entry[]) {
    this.#choose = choose;
    this.#log = log;
  }

  async opening(): Promise<Outcome> {
    return this.#outcomeOf(this.#choose('opening', this.#nth++));
  }

  async send(commands: readonly Command[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    const moves: Move[] = [];
    if (this.#over === null) {
      for (const { verb } of commands) moves.push(this.#choose(verb, this.#nth++));
      const [first] = moves;
      if (first?.kind === 'stray') {
        this.#host(first.octets);
        this.#over = strayOf(first.octets);
      } else
        this.#log.push({
          who: 'probe',
          octets: commands.map((command) => `${encodeCommand(command)}\r\n`).join(''),
          atMs: 0,
        });
    }
    for (const [index] of commands.entries()) {
      const move = moves[index];
      const outcome: Outcome = this.#over ?? (move === undefined ? timeout() : this.#outcomeOf(move));
      if (outcome.kind !== 'reply') this.#over = outcome;
      outcomes.push(outcome);
    }
    return outcomes;
  }

  async linger(forMs: number): ReturnType<Channel['linger']> {
    if (this.#over !== null && this.#over.kind !== 'timeout') return this.#over;
    const outcome = this.#outcomeOf(this.#choose('linger', this.#nth++));
    if (outcome.kind === 'timeout') return { kind: 'quiet', afterMs: forMs };
    const told = outcome.kind === 'reply' ? ({ ...outcome, kind: 'out-of-turn' } as const) : outcome;
    this.#over = told;
    return told;
  }

  async handshake(): Promise<HandshakeOutcome> {
    const move = this.#choose('handshake', this.#nth++);
    if (move.kind === 'says') {
      this.#log.push({ who: 'probe', octets: '\x16\x03\x01hello', atMs: 0 }, { who: 'both', now: 'in-tls', atMs: 0 });
      return { kind: 'secured', afterMs: 1, tls: { protocol: 'TLSv1.3', cipher: 'X', certificate: null } };
    }
    this.#over = { kind: 'closed', how: 'reset', afterMs: 1, partial: '' };
    if (move.kind === 'silence') return timeout();
    if (move.kind === 'garbage') return { kind: 'tls-failed', why: 'wrong version number', afterMs: 1 };
    if (move.kind === 'stray') return { kind: 'injected', raw: move.octets, afterMs: 1 };
    return { kind: 'closed', how: move.kind, afterMs: 1, partial: '' };
  }

  async leave(): Promise<void> {
    this.#log.push({ who: 'probe', octets: 'QUIT\r\n', atMs: 1e6 });
    this.close();
  }

  close(): void {
    if (this.#log.some((entry) => entry.who === 'probe' && 'ends' in entry)) return;
    this.#log.push({ who: 'probe', ends: 'fin', atMs: 2e6 });
  }

  #host(octets: string): void {
    this.#log.push({ who: 'host', octets, atMs: 0 });
  }

  #outcomeOf(move: Move): Outcome {
    switch (move.kind) {
      case 'says':
      case 'stray':
        this.#host(move.octets);
        return replyOf(move.octets);
      case 'silence':
        return timeout();
      case 'garbage':
        this.#host('what?\r\n');
        return { kind: 'not-a-reply', why: 'no-code', raw: 'what?\r\n', afterMs: 1 };
      default:
        this.#log.push({ who: 'host', ends: move.kind, atMs: 0 });
        return { kind: 'closed', how: move.kind, afterMs: 1, partial: '' };
    }
  }
}

const timeout = (): Extract<Outcome, { kind: 'timeout' }> => ({ kind: 'timeout', afterMs: 10, partial: '' });

function replyOf(octets: string): Outcome {
  const [parsed] = new ReplyParser().feed(octets);
  if (parsed?.kind !== 'reply') throw new Error(`no reply: ${octets}`);
  return { kind: 'reply', reply: parsed.reply, afterMs: 1 };
}

function strayOf(octets: string): Extract<Outcome, { kind: 'out-of-turn' }> {
  const outcome = replyOf(octets);
  if (outcome.kind !== 'reply') throw new Error('no reply');
  return { ...outcome, kind: 'out-of-turn' };
}

export interface FakeHost {
  readonly connect: Connect;
  /** What went over each connection. */
  readonly conversations: readonly (readonly Entry[])[];
}

/** A host that chooses its moves. */
export function choosingHost(choose: Choose): FakeHost {
  const conversations: Entry[][] = [];
  return {
    conversations,
    connect: async () => {
      const log: Entry[] = [];
      conversations.push(log);
      return {
        outcome: { kind: 'connected', afterMs: 1, localAddress: '192.0.2.1' },
        channel: new FakeChannel(choose, log),
      };
    },
  };
}

const ORDINARY: Readonly<Record<string, string>> = {
  opening: '220 mx.good.example\r\n',
  QUIT: '221 bye\r\n',
};

/** A host that answers by verb; what is not given is accepted. */
export function fakeHost(replies: Readonly<Record<string, string>> = {}): FakeHost {
  return choosingHost((step) => {
    if (step === 'linger') return { kind: 'silence' };
    return { kind: 'says', octets: replies[step] ?? ORDINARY[step] ?? '250 ok\r\n' };
  });
}

/** Everything answers "no such name": no DNS is asked in these tests. */
const NO_RESOLVER: Resolver = {
  ask: async (question) => exchange(question, { kind: 'no-such-name', records: [] }),
  close: () => {},
};

export interface FakeProbe {
  readonly connect: (options: ConnectOptions) => ReturnType<Connect>;
  readonly address?: string;
  readonly options?: CheckOptions;
}

/** Probes the only mail host of good.example over fake connections; the evidence of it. */
export async function probeFake({ connect, address = '127.0.0.1', options = {} }: FakeProbe): Promise<DomainEvidence> {
  const settings: Settings = {
    ...(await readOptions({ ehlo: 'probe.example', allowPrivate: true, ...options }, NO_RESOLVER)),
    connect,
  };
  const text = `good.example MX 10 mx.good.example\nmx.good.example A ${address}`;
  const dns = askForRoute('good.example', zone(text));
  const ids = (rows: readonly { readonly id: string }[]): readonly string[] => rows.map(({ id }) => id);
  const { judged, asked, deciding } = settings.selection;
  const frame = dnsEvidence('good.example', text, {
    probe: {
      requirements: ids(judged),
      asked: ids(asked),
      deciding: ids(deciding),
      profile: 'postmaster',
      allowPrivate: true,
      controlLocalPart: settings.controlLocalPart,
      reversePaths: settings.reversePaths,
    },
  });
  const route = planMailRoute('good.example' as Domain, dns);
  const [host] = route.hosts;
  if (host === undefined) throw new Error('the zone has no mail host');
  return { ...frame, route, dns, endpoints: await probeHost(host, frame, settings) };
}
