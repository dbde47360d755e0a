// Ctrl-C and its like: the first ends what runs politely (QUIT, a report of what is there), the second ends at once.

/** A watch over SIGINT, SIGTERM and SIGHUP. */
export interface Interrupts {
  readonly signal: AbortSignal;
  /** Whether a person or the system asked us to stop: exit code 130. */
  readonly isInterrupted: boolean;
  /** Stops the run without counting as interrupted: nobody reads the report any more. */
  now(): void;
  close(): void;
}

export function watchInterrupts(): Interrupts {
  const controller = new AbortController();
  let isInterrupted = false;
  const onSignal = (): void => {
    if (isInterrupted) process.exit(130);
    isInterrupted = true;
    process.stderr.write('\npostmaster-check: stopping; once more to end at once\n');
    controller.abort();
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    get isInterrupted() {
      return isInterrupted;
    },
    now: () => controller.abort(),
    close: () => {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}
