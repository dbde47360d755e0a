// The program under test, as a user runs it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { World } from './world.js';

/** bin/postmaster-check.js. */
export const PROGRAM = fileURLToPath(new URL('../../../bin/postmaster-check.js', import.meta.url));

/** The arguments that check these domains in that world, one line of JSON a domain. */
export function checkIn({ nameServer, port }: World, ...words: readonly string[]): readonly string[] {
  const where = ['--nameserver', nameServer, '--allow-private', '--port', String(port)];
  return [PROGRAM, ...where, '--format', 'ndjson', ...words];
}

/** The part of a line that the benchmarks look at. */
export interface CheckedDomain {
  readonly domain: string;
  readonly verdict: string;
  readonly sessions: readonly {
    readonly tls: { readonly protocol: string } | null;
    readonly transcript: readonly { readonly from: string; readonly line: string }[];
  }[];
}

/** What a run wrote, line by line. */
export function readChecked(path: string): readonly CheckedDomain[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as CheckedDomain);
}
