// A command that is misspelt looks like a domain of one label: it is said, not looked up in the DNS.
import { UsageError } from '../smtp/usage-error.js';

/** How many letters may be wrong, missing, doubled or too many. */
const MOST_SLIPS = 2;

/** Throws a UsageError where the first word is nearly the name of a command. */
export function expectNoCommand(words: readonly string[], commands: readonly string[]): void {
  const [word] = words;
  if (word === undefined || !/^[a-z]{4,}$/i.test(word)) return;
  const meant = commands.find((command) => slips(word.toLowerCase(), command) <= MOST_SLIPS);
  if (meant === undefined) return;
  throw new UsageError(
    `there is no command "${word}" (did you mean ${meant}?); a domain of that name: postmaster-check check ${word}`,
  );
}

/** The edit distance of Levenshtein. */
function slips(one: string, other: string): number {
  let before = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (const [row, letter] of [...one].entries()) {
    const current = [row + 1];
    for (const [at, wanted] of [...other].entries()) {
      const change = (before[at] ?? 0) + (letter === wanted ? 0 : 1);
      current.push(Math.min(change, (before[at + 1] ?? 0) + 1, (current[at] ?? 0) + 1));
    }
    before = current;
  }
  return before.at(-1) ?? 0;
}
