// Runs a program and says what it cost. CPU time and memory are what the process itself reads as it exits, in
// microseconds; the system's own count of a child has steps of 10 ms.
import { spawn } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What one run cost. */
export interface Cost {
  readonly exitCode: number | null;
  readonly wallMs: number;
  /** User and system time. */
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly stderr: string;
}

/** No run takes this long: one that does is ended, and counted as wrong by its exit code. */
const LONGEST_RUN_MS = 60_000;

/** A folder for what runs write; it goes when the process ends. */
export const scratch = mkdtempSync(join(tmpdir(), 'postmaster-check-bench-'));
process.once('exit', () => rmSync(scratch, { recursive: true, force: true }));

const tellUsage = join(scratch, 'tell-usage.cjs');
writeFileSync(
  tellUsage,
  `process.on('exit', () => require('node:fs').writeSync(3, JSON.stringify(process.resourceUsage())));\n`,
);

/** Runs Node with these arguments; standard output goes to a file, which costs the reader nothing. */
export async function runNode(args: readonly string[], outputPath: string): Promise<Cost> {
  const output = openSync(outputPath, 'w');
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--require', tellUsage, ...args], {
    stdio: ['ignore', output, 'pipe', 'pipe'],
    timeout: LONGEST_RUN_MS,
  });
  const texts = ['', ''];
  const [, , stderr, usage] = child.stdio;
  stderr?.on('data', (chunk) => (texts[0] += String(chunk)));
  usage?.on('data', (chunk: unknown) => (texts[1] += String(chunk)));
  const ended = new Promise<number>((resolve) => child.once('exit', () => resolve(performance.now())));
  const exitCode = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const wallMs = (await ended) - startedAt;
  closeSync(output);
  const told = JSON.parse(texts[1] || '{}') as Partial<NodeJS.ResourceUsage>;
  return {
    exitCode,
    wallMs,
    cpuMs: ((told.userCPUTime ?? Number.NaN) + (told.systemCPUTime ?? Number.NaN)) / 1000,
    peakMb: (told.maxRSS ?? Number.NaN) / 1024,
    stderr: texts[0] ?? '',
  };
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}

/** The least: what it costs where nothing else disturbs. */
export const best = (values: readonly number[]): number => Math.min(...values);
