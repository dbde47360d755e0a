/** What a user got wrong: one sentence that says what to change. The command line ends with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
