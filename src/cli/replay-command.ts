// Evidence judged again, without network: the same verdicts from the file.
import { readFileSync } from 'node:fs';
import { decodeArchive } from '../evidence/archive.js';
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';
import type { ReportFlags } from './flags.js';
import { Reporter } from './reporter.js';

/** Judges the evidence of these files and reports; the exit code that the run would have had. */
export async function replay(files: readonly string[], flags: ReportFlags, version: string): Promise<number> {
  const all = files.flatMap((file) => decodeArchive(readEvidence(file), visible(file)));
  const reporter = await Reporter.open(flags, version, {
    isGiven: all.some(({ probe }) => probe.given),
    isInterrupted: () => false,
    onGone: () => undefined,
  });
  for (const evidence of all) await reporter.domain(evidence);
  return reporter.end();
}

function readEvidence(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${visible(file)}: ${(error as Error).message}`);
  }
}
