/**
 * Evidence from a few lines of text, for tests of rules.
 *
 * One attempt is a list of lines, in the notation of the scenario files where it has one:
 *
 *   S: 220 mx.example ESMTP      a reply line of the host; "S: 250-..." goes on in the next S: line
 *   C: EHLO probe.example        a command; several in a row are one pipelined group
 *   close | reset | timeout      what came instead of a reply (or, behind a linger, of silence)
 *   garbage HTTP/1.1 400         octets that are no reply
 *   stray 250 ok                 a reply that no command had asked for
 *   interrupted                  we stopped
 *   linger quiet | linger close | linger reset | linger stray 421 bye | linger garbage ... | linger interrupted
 *   handshake secured | handshake failed | handshake close | handshake reset | handshake timeout
 *   leave                        QUIT said in taking leave
 *
 * What is not a command may have its time in milliseconds behind it: "close 200", "linger quiet 5000", "S 4000: 220 mx".
 * Without one a step takes 10 ms, a time-out 30 s and a linger 5 s; behind the reply to QUIT a linger is of 10 s.
 * A bare "close", "reset" or "quiet" where nothing is awaited is what came of waiting for the close.
 * The first line may be what came of the TCP connection instead: "refused", "unreachable", "no-route", "connect timeout".
 */
import type { DomainEvidence, ProbeSettings } from '../../src/evidence/evidence.js';
import type { Attempt, EndpointEvidence, Exchange } from '../../src/evidence/transcript.js';
import type { EhloName } from '../../src/smtp/address.js';
import type { ConversationPlan } from '../../src/smtp/conversation.js';
import type { DnsExchange, MailRoute } from '../../src/smtp/mail-route.js';
import type { ConnectOutcome, HandshakeOutcome, LingerOutcome, Outcome } from '../../src/smtp/outcome.js';
import { ReplyParser } from '../../src/smtp/reply-parser.js';
import type { Reply } from '../../src/smtp/reply.js';

const EHLO = 'probe.example' as EhloName;
const START = Date.parse('2026-01-02T03:04:05.000Z');

/** What `attempt` takes beside its lines; the rest of the plan is the ordinary probe's. */
export interface AttemptOptions {
  readonly plan?: Partial<ConversationPlan>;
  /** When it began, in milliseconds from the start of the run. */
  readonly startMs?: number;
  readonly ehlo?: string;
}

const PLAN: ConversationPlan = {
  purpose: 'probe',
  hello: 'EHLO',
  tls: 'avoid',
  pipelining: true,
  transactions: [],
  afterRefusal: 'full',
  lingerMs: 5_000,
};

/** The one reply that these lines make; throws where they make none. */
export function reply(...lines: readonly string[]): Reply {
  const parsed = new ReplyParser().feed(lines.map((line) => `${line}\r\n`).join(''));
  const [first] = parsed;
  if (first?.kind !== 'reply' || parsed.length !== 1) throw new Error(`not one reply: ${lines.join(' | ')}`);
  return first.reply;
}

/** One connection from its lines; throws on a line that it cannot read or place. */
export function attempt(lines: readonly string[], options: AttemptOptions = {}): Attempt {
  const { plan = {}, startMs = 0, ehlo = EHLO } = options;
  const connect = connectOutcome(lines[0] ?? '');
  const builder = new TranscriptBuilder();
  for (const line of connect === null ? lines : lines.slice(1)) builder.read(line);
  const exchanges = builder.finish();
  return {
    plan: { ...PLAN, ...plan },
    startedAt: new Date(START + startMs).toISOString(),
    durationMs: builder.atMs,
    ehlo: connect === null ? (ehlo as EhloName) : null,
    connect: connect ?? { kind: 'connected', afterMs: 5, localAddress: '192.0.2.200' },
    exchanges,
  };
}

function connectOutcome(line: string): ConnectOutcome | null {
  switch (line) {
    case 'refused':
      return { kind: 'refused', afterMs: 5, code: 'ECONNREFUSED' };
    case 'unreachable':
      return { kind: 'unreachable', afterMs: 5, code: 'EHOSTUNREACH' };
    case 'no-route':
      return { kind: 'no-route', afterMs: 5, code: 'ENETUNREACH' };
    case 'connect timeout':
      return { kind: 'timeout', afterMs: 30_000, code: null };
    default:
      return null;
  }
}

class TranscriptBuilder {
  atMs = 5;
  readonly #exchanges: Exchange[] = [];
  #awaited: string[] = [];
  #group = 0;
  #opened = false;
  #replyLines: string[] = [];
  #last: 'command' | 'other' = 'other';

  read(line: string): void {
    const said = /^S(?: (\d+))?: ?(.*)$/s.exec(line);
    if (said !== null) {
      this.#replyLines.push(said[2] ?? '');
      if (/^\d{3}-/.test(said[2] ?? '')) return;
      const whole = reply(...this.#replyLines);
      this.#replyLines = [];
      this.#give({ kind: 'reply', reply: whole, afterMs: Number(said[1] ?? 10) });
      return;
    }
    if (line.startsWith('C: ')) {
      if (this.#last !== 'command') this.#group++;
      this.#awaited.push(line.slice(3));
      this.#last = 'command';
      return;
    }
    if (line === 'leave') {
      this.#exchanges.push({ act: 'leave', atMs: this.atMs });
      return;
    }
    const step = /^(linger|handshake) (.*)$/s.exec(line);
    if (step?.[1] === 'linger') return this.#linger(step[2] ?? '', 5_000);
    if (step?.[1] === 'handshake') return this.#handshake(step[2] ?? '');
    if (this.#opened && this.#awaited.length === 0) return this.#linger(line, 10_000);
    const outcome = outcomeOf(line);
    if (outcome === null) throw new Error(`cannot read the line ${line}`);
    this.#give(outcome);
    // What is no reply is the outcome of the rest of the group as well.
    while (this.#awaited.length > 0) this.#give(outcome);
  }

  finish(): readonly Exchange[] {
    if (this.#awaited.length > 0) throw new Error(`nothing came of ${this.#awaited.join(', ')}`);
    if (this.#replyLines.length > 0) throw new Error('a reply without its last line');
    return this.#exchanges;
  }

  #give(outcome: Outcome): void {
    this.#last = 'other';
    const atMs = this.atMs;
    if (!this.#opened) {
      this.#opened = true;
      this.#exchanges.push({ act: 'opening', atMs, outcome });
    } else {
      const command = this.#awaited.shift();
      if (command === undefined) throw new Error('a reply that no command awaits: write "stray"');
      this.#exchanges.push({ act: 'command', command, group: this.#group, atMs, outcome });
    }
    this.atMs += outcome.afterMs;
  }

  #linger(text: string, usualMs: number): void {
    const quiet = /^quiet(?: (\d+))?$/.exec(text);
    const other = outcomeOf(text);
    const outcome: LingerOutcome | null =
      quiet !== null
        ? { kind: 'quiet', afterMs: Number(quiet[1] ?? usualMs) }
        : other === null || other.kind === 'reply' || other.kind === 'timeout'
          ? null
          : other;
    if (outcome === null) throw new Error(`cannot read the linger ${text}`);
    const forMs = outcome.kind === 'quiet' ? outcome.afterMs : Math.max(usualMs, outcome.afterMs);
    this.#exchanges.push({ act: 'linger', forMs, atMs: this.atMs, outcome });
    this.atMs += outcome.afterMs;
  }

  #handshake(text: string): void {
    const other = outcomeOf(text);
    const outcome: HandshakeOutcome =
      text === 'secured'
        ? {
            kind: 'secured',
            afterMs: 10,
            tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', certificate: null },
          }
        : other?.kind === 'closed' || other?.kind === 'timeout' || other?.kind === 'interrupted'
          ? other
          : { kind: 'tls-failed', afterMs: 10, why: text };
    this.#exchanges.push({ act: 'handshake', atMs: this.atMs, outcome });
    this.atMs += outcome.afterMs;
  }
}

function outcomeOf(line: string): Outcome | null {
  const timed = /^(close|reset|timeout|interrupted)(?: (\d+))?$/.exec(line);
  const ms = timed?.[2] === undefined ? null : Number(timed[2]);
  switch (timed?.[1]) {
    case 'close':
      return { kind: 'closed', how: 'fin', afterMs: ms ?? 10, partial: '' };
    case 'reset':
      return { kind: 'closed', how: 'reset', afterMs: ms ?? 10, partial: '' };
    case 'timeout':
      return { kind: 'timeout', afterMs: ms ?? 30_000, partial: '' };
    case 'interrupted':
      return { kind: 'interrupted', afterMs: ms ?? 10 };
  }
  if (line.startsWith('stray ')) return { kind: 'out-of-turn', reply: reply(line.slice(6)), afterMs: 10 };
  if (line.startsWith('garbage '))
    return { kind: 'not-a-reply', why: 'no-code', raw: `${line.slice(8)}\r\n`, afterMs: 10 };
  return null;
}

/** One endpoint: attempts, or the lines of each. */
export function endpoint(
  attempts: readonly (Attempt | readonly string[])[],
  place: Partial<Omit<EndpointEvidence, 'attempts'>> = {},
): EndpointEvidence {
  return {
    host: 'mx.example.org',
    address: '192.0.2.1',
    port: 25,
    skipped: null,
    ...place,
    // Attempts that are given by their lines alone begin 3 s apart.
    attempts: attempts.map((one, index) => ('exchanges' in one ? one : attempt(one, { startMs: index * 3_000 }))),
  };
}

const PROBE: ProbeSettings = {
  ehlo: EHLO,
  reversePaths: [''],
  port: 25,
  profile: 'postmaster',
  requirements: [],
  asked: [],
  deciding: [],
  allowPrivate: false,
  given: false,
  greetingTimeoutMs: 60_000,
  commandTimeoutMs: 30_000,
  lingerMs: 5_000,
  controlLocalPart: null,
};

/** What `evidence` takes beside its endpoints. */
export interface EvidenceOptions {
  readonly domain?: string | null;
  readonly route?: MailRoute['kind'];
  /** What a zone of dns-evidence.ts answers, for one. */
  readonly dns?: readonly DnsExchange[];
  readonly probe?: Partial<ProbeSettings>;
}

/** The evidence of a domain with these endpoints; its route names their hosts and addresses. */
export function evidence(endpoints: readonly EndpointEvidence[], options: EvidenceOptions = {}): DomainEvidence {
  const { domain = 'example.org', route = 'mx', dns = [], probe = {} } = options;
  const hosts = [...new Set(endpoints.map(({ host }) => host))].map((host) => ({
    host,
    preference: route === 'implicit-mx' ? 0 : 10,
    addresses: endpoints.filter((one) => one.host === host).map(({ address }) => address),
  }));
  return {
    domain,
    unicode: null,
    notes: [],
    startedAt: new Date(START).toISOString(),
    durationMs: 1_000,
    probe: { ...PROBE, given: route === 'given', ...probe },
    route: { kind: route, canonicalName: domain ?? '', hosts },
    dns,
    endpoints,
    interrupted: false,
  };
}
