// Asks the DNS: name servers in turn, each question once. What came is told as facts, never judged.
//
// Decided here:
// - The next server is asked when one is silent, unreachable, refuses, fails or talks nonsense; NXDOMAIN and "no data"
//   are answers. After the last server the next round begins.
// - A server that failed is tried last until it answers again, and who waits in line for it goes elsewhere, so that a
//   dead first server costs its time-out once. SERVFAIL does not count: it speaks of the name, not of the server.
// - Where nobody answers, the most telling of what came is the outcome; the rest stands in `passedOver`.
// - Final answers are kept for the life of the resolver, whatever their TTL: one run judges one state of the DNS.
// - `afterMs` runs from the first query, not from the call: our own queue is no delay of the DNS.
import { getServers } from 'node:dns';
import { performance } from 'node:perf_hooks';
import type { DnsExchange, DnsOutcome, PassedOver, Question } from '../smtp/mail-route.js';
import { UsageError } from '../smtp/usage-error.js';
import { type DnsCodec, loadDnsCodec } from './dns-message.js';
import { Deadlines } from './dns-socket.js';
import { NameServer, parseNameServer, type ServerOutcome } from './name-server.js';
import type { Resolver } from './ports.js';

export { parseNameServer } from './name-server.js';

/** Whom to ask, and how long. */
export interface ResolverOptions {
  /** "192.0.2.53:53" or "[::1]:53", in the order in which they are asked. */
  readonly nameServers: readonly string[];
  /** Of one try, in milliseconds: 5000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Rounds over the name servers: 2 by default. */
  readonly tries?: number | undefined;
  /** Aborting closes the resolver. */
  readonly signal?: AbortSignal | undefined;
}

const MAX_KEPT_EXCHANGES = 10_000;

/** Opens a resolver; nothing is sent before the first question. Throws a UsageError where there is no name server. */
export function openResolver(options: ResolverOptions): Resolver {
  return new TurnResolver(options);
}

/** The name servers that this system is set to, as "192.0.2.53:53" or "[::1]:53". */
export function systemNameServers(): readonly string[] {
  return getServers().map(parseNameServer);
}

interface Failure extends PassedOver {
  readonly transport: 'udp' | 'tcp';
}

class TurnResolver implements Resolver {
  readonly #deadlines: Deadlines;
  readonly #servers: readonly NameServer[];
  readonly #tries: number;
  readonly #signal: AbortSignal | undefined;
  #kept = new Map<string, DnsExchange>();
  #keptLonger: ReadonlyMap<string, DnsExchange> = new Map(); // what was used before; given up when #kept is full again
  readonly #open = new Map<string, Promise<DnsExchange>>();
  readonly #failing = new Set<NameServer>(); // the longest failing first
  #codec: Promise<DnsCodec> | null = null;
  #isClosed = false;

  constructor({ nameServers, timeoutMs = 5000, tries = 2, signal }: ResolverOptions) {
    if (nameServers.length === 0) throw new UsageError('No name server is known: name one with --nameserver.');
    this.#deadlines = new Deadlines(timeoutMs);
    this.#servers = [...new Set(nameServers)].map((name) => new NameServer(name, this.#deadlines));
    this.#tries = tries;
    this.#signal = signal;
    if (signal?.aborted === true) this.close();
    else signal?.addEventListener('abort', this.close, { once: true });
  }

  ask(question: Question): Promise<DnsExchange> {
    const key = `${question.type} ${question.name}`;
    const kept = this.#kept.get(key) ?? this.#keptLonger.get(key);
    if (kept !== undefined) return Promise.resolve(this.#keep(key, kept));
    const open = this.#open.get(key);
    if (open !== undefined) return open;
    const asked = this.#exchange(question)
      .then((exchange) => this.#keep(key, exchange))
      .finally(() => this.#open.delete(key));
    this.#open.set(key, asked);
    return asked;
  }

  readonly close = (): void => {
    this.#isClosed = true;
    this.#signal?.removeEventListener('abort', this.close);
    this.#deadlines.expireAll();
    for (const server of this.#servers) server.close();
  };

  #keep(key: string, exchange: DnsExchange): DnsExchange {
    if (!('records' in exchange.outcome)) return exchange;
    if (this.#kept.size >= MAX_KEPT_EXCHANGES / 2) {
      this.#keptLonger = this.#kept;
      this.#kept = new Map();
    }
    this.#kept.set(key, exchange);
    return exchange;
  }

  async #exchange(question: Question): Promise<DnsExchange> {
    const codec = await (this.#codec ??= loadDnsCodec());
    const failures: Failure[] = [];
    let startedMs = performance.now();
    const tell = (
      { nameServer, transport }: Pick<DnsExchange, 'nameServer' | 'transport'>,
      outcome: DnsOutcome,
      passedOver: readonly Failure[],
    ): DnsExchange => ({
      question,
      nameServer,
      transport,
      afterMs: Math.round(performance.now() - startedMs),
      outcome,
      passedOver: passedOver.map(({ nameServer: name, why }) => ({ nameServer: name, why })),
    });

    for (let round = 0; round < this.#tries; round++) {
      const asked = new Set<NameServer>();
      while (asked.size < this.#servers.length) {
        const server = await this.#nextServer(asked);
        if (failures.length === 0) startedMs = performance.now();
        if (this.#isClosed) return tell({ nameServer: server.name, transport: 'udp' }, { kind: 'timeout' }, failures);
        asked.add(server);
        const told = await this.#askServer(server, question, codec);
        const place = { nameServer: server.name, transport: told.transport };
        if (told.kind === 'answer') return tell(place, told.outcome, failures);
        if (this.#isClosed) return tell(place, { kind: 'timeout' }, failures);
        failures.push({ ...place, why: told.why });
      }
    }
    const last = mostTelling(failures);
    return tell(
      last,
      { kind: OUTCOME[last.why] },
      failures.filter((failure) => failure !== last),
    );
  }

  async #askServer(server: NameServer, question: Question, codec: DnsCodec): Promise<ServerOutcome> {
    try {
      const told = await server.ask(question, codec);
      if (told.kind === 'answer') this.#failing.delete(server);
      else if (told.why !== 'server-failure') this.#putLast(server);
      return told;
    } finally {
      server.leave(); // after the line was dissolved, where it is: nobody moves up at a dead server
    }
  }

  /**
   * A place at the best server that this round has not asked yet: those that work first, in the order given. No place
   * where the resolver was closed.
   */
  async #nextServer(asked: ReadonlySet<NameServer>): Promise<NameServer> {
    for (;;) {
      const server = this.#inTurn().find((candidate) => !asked.has(candidate));
      if (server === undefined) throw new Error('every name server was asked in this round');
      if (this.#isClosed || (await server.enter()) === 'go') return server;
    }
  }

  #inTurn(): readonly NameServer[] {
    if (this.#failing.size === 0) return this.#servers;
    return [...this.#servers.filter((server) => !this.#failing.has(server)), ...this.#failing];
  }

  #putLast(server: NameServer): void {
    const isNews = !this.#failing.delete(server);
    this.#failing.add(server);
    if (isNews && this.#failing.size < this.#servers.length) server.dissolveLine();
  }
}

/**
 * What a failure comes to when nobody else answers, the most telling first. Datagrams that do not match are no answer
 * in time.
 */
const OUTCOME = {
  'server-failure': 'server-failure',
  refused: 'refused',
  malformed: 'malformed',
  mismatched: 'timeout',
  timeout: 'timeout',
  unreachable: 'unreachable',
} as const satisfies Record<PassedOver['why'], DnsOutcome['kind']>;

const MOST_TELLING_FIRST = Object.keys(OUTCOME);

/** The most telling failure, the latest of its kind. */
function mostTelling(failures: readonly Failure[]): Failure {
  const rank = ({ why }: Failure): number => MOST_TELLING_FIRST.indexOf(why);
  const [first, ...others] = failures;
  if (first === undefined) throw new Error('no name server was asked');
  return others.reduce((best, failure) => (rank(failure) <= rank(best) ? failure : best), first);
}
