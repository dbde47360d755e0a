// What we get wrong: told with its stack, so that it can be reported. Exit code 5.

/** Tells a fault of ours on stderr. */
export function tellFault(error: unknown): void {
  const told = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`postmaster-check: a bug in this program, please report it: ${told}\n`);
}
