// Whether a run did what it was timed for: right verdicts in the order of the input, and nothing rude on the wire.
import type { Cost } from './measure.js';
import type { CheckedDomain } from './program.js';
import type { WorldCounts } from './world.js';

export interface Expected {
  readonly exitCode: number;
  readonly verdict: string;
  readonly domains: readonly string[];
  readonly sessionsEach: number;
}

/** What is wrong with a run of the program; empty where nothing is. */
export function faultsOf(
  cost: Cost,
  checked: readonly CheckedDomain[],
  counts: WorldCounts,
  expected: Expected,
): readonly string[] {
  const faults: string[] = [];
  if (cost.exitCode !== expected.exitCode)
    faults.push(`exit code ${cost.exitCode}: ${cost.stderr.trim().slice(0, 500)}`);
  if (checked.map(({ domain }) => domain).join() !== expected.domains.join())
    faults.push('not the domains that were asked for');
  const other = checked.find(({ verdict }) => verdict !== expected.verdict);
  if (other !== undefined) faults.push(`${other.domain} is told to be ${other.verdict}`);
  return [...faults, ...faultsOnTheWire(counts, expected.domains.length * expected.sessionsEach)];
}

/** What is wrong with what mail hosts saw. */
export function faultsOnTheWire({ sessions, faults }: WorldCounts, expected: number): readonly string[] {
  const rude = Object.entries(faults).filter(([, count]) => count > 0);
  return [
    ...(sessions === expected ? [] : [`${sessions} sessions where ${expected} are right`]),
    ...rude.map(([fault, count]) => `${fault}: ${count}`),
  ];
}
