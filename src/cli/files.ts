// Files that options name: read whole, and said in one sentence where they cannot be.
import { readFileSync } from 'node:fs';
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';

/** The text of a file, `-` being standard input; a UsageError where it cannot be read, in the words of `say`. */
export function readText(
  path: string,
  say: (why: string) => string = (why) => `cannot read ${visible(path)}: ${why}`,
): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new UsageError(say((error as Error).message));
  }
}
