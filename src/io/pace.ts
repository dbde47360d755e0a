// When and how many: p-limit's place. One session at a time to an address and a pause between two, a bounded number of
// domains at once, at most two addresses of a domain at once (catalogue, client.one-transaction-politeness).
import pLimit from 'p-limit';

/** The limits of one run. */
export interface Pace {
  /** Runs one domain's work among those of the others. */
  domain<T>(run: () => Promise<T>): Promise<T>;
  /** Runs one session at an address: never two at once, `pauseMs` apart at least. */
  session<T>(address: string, run: () => Promise<T>): Promise<T>;
  /** A limit for the mail hosts of one domain: two at once. */
  hosts(): <T>(run: () => Promise<T>) => Promise<T>;
  /** How many domains wait for their turn: a feeder holds back while there are many. */
  readonly waiting: number;
}

/** What a run may do at once. */
export interface PaceOptions {
  /** Domains at once. */
  readonly concurrency: number;
  /** The least time between two connections to one address. */
  readonly pauseMs: number;
  /** Ends a pause at once. */
  readonly signal?: AbortSignal | undefined;
}

const HOSTS_AT_ONCE = 2;

/** Opens the limits of a run: `concurrency` domains at once, `pauseMs` between two connections to one address. */
export function openPace({ concurrency, pauseMs, signal }: PaceOptions): Pace {
  const domains = pLimit(concurrency);
  const addresses = new Map<string, { readonly run: ReturnType<typeof pLimit>; users: number; lastEnd: number }>();
  return {
    domain: (run) => domains(run),
    async session(address, run) {
      const lane = addresses.get(address) ?? { run: pLimit(1), users: 0, lastEnd: Number.NEGATIVE_INFINITY };
      addresses.set(address, lane);
      lane.users += 1;
      try {
        return await lane.run(async () => {
          const wait = lane.lastEnd + pauseMs - performance.now();
          if (pauseMs > 0 && wait > 0) await sleep(wait, signal);
          try {
            return await run();
          } finally {
            lane.lastEnd = performance.now();
          }
        });
      } finally {
        lane.users -= 1;
        // Without a pause to keep, an idle lane is forgotten: memory stays flat over a million addresses.
        if (lane.users === 0 && pauseMs === 0) addresses.delete(address);
      }
    },
    hosts: () => pLimit(HOSTS_AT_ONCE),
    get waiting() {
      return domains.pendingCount;
    },
  };
}

/** Waits; ends early, without a rejection, when the signal aborts. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    }
  });
}
