// The JSON report (cli.md, schemaVersion 1): one self-contained document, or one line a domain (NDJSON).
// Octets of peers are strings of U+0000 to U+00FF, one character an octet.
import { tellBeside } from '../evidence/beside.js';
import type { Attempt, EndpointEvidence, Exchange } from '../evidence/transcript.js';
import type { TlsFacts } from '../smtp/outcome.js';
import { isShown } from './shown.js';
import type { DomainReport, DomainVerdict, Judgement } from './report.js';
import { shownOctets } from './withheld.js';

export const SCHEMA_VERSION = 1;

/** Which program wrote a document. */
export interface Tool {
  readonly name: string;
  readonly version: string;
}

/** One line of a transcript; `from` is `host` or `probe`, and `note` for what is no line: a close, a time-out, TLS. */
export interface JsonTranscriptLine {
  readonly afterMs: number;
  readonly from: 'host' | 'probe' | 'note';
  readonly line: string;
}

/** One connection. */
export interface JsonSession {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly startedAt: string;
  readonly purpose: string;
  readonly outcome: 'completed' | 'unreachable' | 'cut-off';
  readonly tls: TlsFacts | null;
  readonly transcript: readonly JsonTranscriptLine[];
}

/** One domain of the document. */
export interface JsonDomain {
  readonly domain: string | null;
  readonly unicode?: string;
  readonly verdict: DomainVerdict;
  readonly because: string;
  readonly notes?: readonly string[];
  readonly coverage: DomainReport['coverage'];
  readonly route: DomainReport['evidence']['route'];
  readonly judgements: readonly Judgement[];
  readonly sessions: readonly JsonSession[];
}

/** The whole document. */
export interface JsonReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly tool: Tool;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly probe: {
    readonly ehlo: string | null;
    readonly reversePaths: readonly string[];
    readonly port: number;
    readonly profile: string;
  };
  readonly domains: readonly JsonDomain[];
  readonly totals: Readonly<Record<DomainVerdict, number>>;
  readonly exitCode: number;
}

/** One domain as it stands in the document. `verbose` adds the rows that were not asked in this run. */
export function toJsonDomain(report: DomainReport, detail: 'brief' | 'verbose' = 'brief'): JsonDomain {
  const { domain, verdict, because, coverage, judgements, evidence } = report;
  return {
    domain,
    ...(evidence.unicode === null ? {} : { unicode: evidence.unicode }),
    verdict,
    because,
    ...(evidence.notes.length > 0 ? { notes: evidence.notes } : {}),
    coverage,
    route: evidence.route,
    judgements: detail === 'verbose' ? judgements : judgements.filter((judgement) => isShown(judgement, evidence)),
    sessions: evidence.endpoints.flatMap(toJsonSessions),
  };
}

/** The probe's settings as a report tells them: reverse-paths in angle brackets, the EHLO name that was really said. */
export function toJsonProbe({ probe, endpoints }: DomainReport['evidence']): JsonReport['probe'] {
  const { reversePaths, port, profile } = probe;
  const said = endpoints.flatMap(({ attempts }) => attempts.flatMap((attempt) => attempt.ehlo ?? []));
  return { ehlo: probe.ehlo ?? said[0] ?? null, reversePaths: reversePaths.map((path) => `<${path}>`), port, profile };
}

function toJsonSessions(endpoint: EndpointEvidence): readonly JsonSession[] {
  const { host, address, port } = endpoint;
  return endpoint.attempts.map((attempt) => ({
    host,
    address,
    port,
    startedAt: attempt.startedAt,
    purpose: attempt.plan.purpose,
    outcome: sessionOutcome(attempt),
    tls: tlsOf(attempt),
    transcript: transcriptLines(attempt),
  }));
}

function sessionOutcome({ connect, exchanges }: Attempt): JsonSession['outcome'] {
  if (connect.kind !== 'connected') return 'unreachable';
  const isWhole = exchanges.every((exchange) =>
    exchange.act === 'leave' ? false : exchange.act !== 'command' || exchange.outcome.kind === 'reply',
  );
  const saidQuit = exchanges.some((exchange) => exchange.act === 'command' && exchange.command === 'QUIT');
  return isWhole && saidQuit ? 'completed' : 'cut-off';
}

function tlsOf({ exchanges }: Attempt): TlsFacts | null {
  for (const exchange of exchanges) {
    if (exchange.act === 'handshake' && exchange.outcome.kind === 'secured') return exchange.outcome.tls;
  }
  return null;
}

/** A transcript as lines with who said them, in order. */
export function transcriptLines({ connect, exchanges }: Attempt): readonly JsonTranscriptLine[] {
  const lines: JsonTranscriptLine[] = [];
  if (connect.kind !== 'connected') {
    lines.push({
      afterMs: connect.afterMs,
      from: 'note',
      line: connect.code === null ? connect.kind : `${connect.kind} (${connect.code})`,
    });
  }
  for (const exchange of exchanges) {
    if (exchange.act === 'command') {
      // A message has many lines, and so has what breaks the rule on purpose.
      const said = exchange.command.split('\r\n');
      lines.push(...said.map((line) => ({ afterMs: exchange.atMs, from: 'probe' as const, line })));
    }
    if (exchange.act === 'leave') lines.push({ afterMs: exchange.atMs, from: 'probe', line: 'QUIT' });
    lines.push(...outcomeLines(exchange));
  }
  return lines;
}

function outcomeLines(exchange: Exchange): readonly JsonTranscriptLine[] {
  if (exchange.act === 'leave') return [];
  const afterMs = exchange.atMs + exchange.outcome.afterMs;
  if (exchange.act === 'beside') return [{ afterMs, from: 'note', line: tellBeside(exchange) }];
  const { outcome } = exchange;
  const note = (line: string): readonly JsonTranscriptLine[] => [{ afterMs, from: 'note', line }];
  switch (outcome.kind) {
    case 'reply':
    case 'out-of-turn': {
      const command = exchange.act === 'command' ? exchange.command : null;
      const lines = shownOctets(command, outcome.reply).map((line): JsonTranscriptLine => ({
        afterMs,
        from: 'host',
        line,
      }));
      return outcome.kind === 'reply' ? lines : [...note('a reply that no command asked for:'), ...lines];
    }
    case 'closed':
      return note(outcome.how === 'fin' ? 'the host closed the connection' : 'the connection was reset');
    case 'timeout':
      return note('no reply in time');
    case 'quiet':
      return note(`quiet for ${outcome.afterMs} ms`);
    case 'not-a-reply':
      return [
        ...note(`octets that are no SMTP reply (${outcome.why}):`),
        { afterMs, from: 'host', line: outcome.raw.slice(0, 512) },
      ];
    case 'injected':
      return [
        ...note('plaintext behind the reply to STARTTLS:'),
        { afterMs, from: 'host', line: outcome.raw.slice(0, 512) },
      ];
    case 'secured':
      return note(`TLS: ${outcome.tls.protocol} ${outcome.tls.cipher}`);
    case 'tls-failed':
      return note(`TLS failed: ${outcome.why}`);
    case 'interrupted':
      return note('stopped');
  }
}
