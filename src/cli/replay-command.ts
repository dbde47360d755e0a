// Evidence judged again, without network: the same verdicts from the file.
import { decodeArchive } from '../evidence/archive.js';
import type { DomainEvidence } from '../evidence/evidence.js';
import { visible } from '../smtp/visible.js';
import { readText } from './files.js';
import type { ReportFlags } from './flags.js';
import { Reporter } from './reporter.js';

/** Judges the evidence of these files and reports; the exit code that the run would have had. */
export async function replay(files: readonly string[], flags: ReportFlags, version: string): Promise<number> {
  const all = files.flatMap((file) => decodeArchive(readText(file), visible(file)));
  const reporter = await Reporter.open(flags, version, {
    recorded: whenGathered(all),
    isGiven: all.some(({ probe }) => probe.given),
    isInterrupted: () => false,
    onGone: () => undefined,
  });
  for (const evidence of all) await reporter.domain(evidence);
  return reporter.end();
}

/** From the first to the last moment of the evidence: a replay does not make it newer. */
function whenGathered(all: readonly DomainEvidence[]): { readonly startedAt: string; readonly durationMs: number } {
  const starts = all.map(({ startedAt }) => Date.parse(startedAt)).filter((time) => !Number.isNaN(time));
  const ends = all
    .map(({ startedAt, durationMs }) => Date.parse(startedAt) + durationMs)
    .filter((time) => !Number.isNaN(time));
  const from = starts.length === 0 ? 0 : Math.min(...starts);
  return { startedAt: new Date(from).toISOString(), durationMs: Math.max(0, ...ends.map((end) => end - from)) };
}
