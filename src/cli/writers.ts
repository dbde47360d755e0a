// One run, several formats: each domain is handed on when it is finished, in the order of the input.
import { DOMAIN_VERDICTS, type DomainReport, type DomainVerdict } from '../report/report.js';
import {
  SCHEMA_VERSION,
  toJsonDomain,
  toJsonProbe,
  type JsonDomain,
  type JsonReport,
  type Tool,
} from '../report/json.js';
import type { TextStyle } from '../report/text.js';
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';
import { FORMATS, type Format, type ReportFlags } from './flags.js';
import { fileSink, type Sink } from './streams.js';

/** What the end of a run adds to its domains. */
export interface RunEnd {
  readonly startedAt: string;
  readonly durationMs: number;
  readonly exitCode: number;
}

/** A format being written. */
export interface Writer {
  domain(report: DomainReport): Promise<void>;
  end(run: RunEnd): Promise<void>;
}

/** The writers that the flags ask for: one on standard output, and one a -o. */
export async function openWriters(flags: ReportFlags, stdout: Sink, tool: Tool): Promise<readonly Writer[]> {
  const first = flags.format ?? (flags.json === true ? 'json' : 'text');
  const outputs = (flags.output ?? []).map(parseOutput);
  const detail = flags.verbose === true ? 'verbose' : flags.quiet === true ? 'quiet' : 'normal';
  const onScreen: TextStyle = { columns: screenColumns(), colour: wantsColour(flags), detail };
  const inFile: TextStyle = { columns: 100, colour: false, detail };
  return Promise.all([
    openWriter(first, stdout, tool, onScreen),
    ...outputs.map(({ format, path }) => openWriter(format, fileSink(path), tool, inFile)),
  ]);
}

function parseOutput(text: string): { readonly format: Format; readonly path: string } {
  const at = text.indexOf('=');
  const format = at < 1 ? undefined : FORMATS.find((one) => one === text.slice(0, at));
  if (format === undefined || at === text.length - 1) {
    throw new UsageError(`"${visible(text)}" is no output: write FORMAT=PATH, FORMAT one of ${FORMATS.join(', ')}`);
  }
  return { format, path: text.slice(at + 1) };
}

/** The width of a report: the terminal's up to 120; 80 where there is none. */
export function screenColumns(): number {
  const columns = process.stdout.isTTY ? process.stdout.columns : 80;
  return Math.min(Math.max(columns || 80, 40), 120);
}

/** Colour on a terminal alone, and not with --no-color, NO_COLOR or TERM=dumb. */
export function wantsColour({ color }: { readonly color: boolean }): boolean {
  const { NO_COLOR: noColour, TERM: term } = process.env;
  return color && process.stdout.isTTY && (noColour === undefined || noColour === '') && term !== 'dumb';
}

async function openWriter(format: Format, sink: Sink, tool: Tool, style: TextStyle): Promise<Writer> {
  const detail = style.detail === 'verbose' ? 'verbose' : 'brief';
  switch (format) {
    case 'text':
      return textWriter(sink, style);
    case 'ndjson':
      return {
        domain: (report) =>
          sink.write(`${JSON.stringify({ schemaVersion: SCHEMA_VERSION, tool, ...toJsonDomain(report, detail) })}\n`),
        end: () => sink.end(),
      };
    case 'json':
      return jsonWriter(sink, tool, detail);
  }
}

async function textWriter(sink: Sink, style: TextStyle): Promise<Writer> {
  const { renderDomain, renderSummary } = await import('../report/text.js');
  const told: { readonly verdict: DomainVerdict }[] = [];
  return {
    async domain(report) {
      if (told.length > 0 && style.detail !== 'quiet') await sink.write('\n');
      told.push({ verdict: report.verdict });
      await sink.write(renderDomain(report, style));
    },
    async end() {
      if (told.length > 1) await sink.write(`${style.detail === 'quiet' ? '' : '\n'}${renderSummary(told, style)}`);
      await sink.end();
    },
  };
}

async function jsonWriter(sink: Sink, tool: Tool, detail: 'brief' | 'verbose'): Promise<Writer> {
  const domains: JsonDomain[] = [];
  const totals = emptyTotals();
  let probe: JsonReport['probe'] | null = null;
  return {
    async domain(report) {
      if (probe === null || probe.ehlo === null) probe = toJsonProbe(report.evidence);
      totals[report.verdict] += 1;
      domains.push(toJsonDomain(report, detail));
    },
    async end({ startedAt, durationMs, exitCode }) {
      const settings = probe ?? { ehlo: null, reversePaths: ['<>'], port: 25, profile: 'postmaster' };
      const report: JsonReport = {
        schemaVersion: SCHEMA_VERSION,
        tool,
        startedAt,
        durationMs,
        probe: settings,
        domains,
        totals,
        exitCode,
      };
      await sink.write(`${JSON.stringify(report, null, 2)}\n`);
      await sink.end();
    },
  };
}

function emptyTotals(): Record<DomainVerdict, number> {
  return Object.fromEntries(DOMAIN_VERDICTS.map((verdict) => [verdict, 0])) as Record<DomainVerdict, number>;
}
