// A connection beside a session, to the same address: opened while the session is idle, greeted with EHLO when the host
// opens, and ended with QUIT. Where no greeting comes in time it stays open, waiting, until it is asked for again.
import type { EhloName } from '../smtp/address.js';
import type { BesideOutcome, ConnectOutcome, Outcome } from '../smtp/outcome.js';
import { isPositive } from '../smtp/reply.js';
import type { Channel } from './ports.js';
import type { SessionOptions } from './session.js';

/** How long a greeting may take in all: whoever waits for it waits less. */
const OPENING_MS = 600_000;

/** The other connection of one session: opened at the first `look`, and closed by its owner. */
export class Beside {
  readonly #options: SessionOptions;
  readonly #ehlo: EhloName;
  #connect: ConnectOutcome = { kind: 'interrupted', afterMs: 0, code: null };
  #channel: Channel | null = null;
  #opening: Promise<Outcome> | null = null;

  constructor(options: SessionOptions, ehlo: EhloName) {
    this.#options = options;
    this.#ehlo = ehlo;
  }

  /** Opens the connection, or goes on waiting, for at most `forMs`; says EHLO and QUIT where the host greets. */
  async look(forMs: number): Promise<BesideOutcome> {
    const startedAt = performance.now();
    const told = (opening: Outcome | null, hello: Outcome | null): BesideOutcome => ({
      kind: 'beside',
      afterMs: Math.round(performance.now() - startedAt),
      connect: this.#connect,
      opening,
      hello,
    });
    if (this.#channel === null) await this.#open();
    const channel = this.#channel;
    if (channel === null) return told(null, null);
    this.#opening ??= channel.opening(OPENING_MS);
    const opening = await within(this.#opening, forMs);
    if (opening.kind !== 'reply') return told(opening, null);
    const { commandMs, quitMs } = this.#options.timeOuts;
    // RFC 5321 3.8: behind 421 the host closes; 4.1.4: QUIT is due to every other opening.
    const [hello = null] = isPositive(opening.reply)
      ? await channel.send([{ verb: 'EHLO', name: this.#ehlo }], commandMs)
      : [];
    if (opening.reply.code !== 421) await channel.send([{ verb: 'QUIT' }], quitMs);
    channel.close();
    return told(opening, hello);
  }

  /** Closes at once. */
  close(): void {
    this.#channel?.close();
  }

  async #open(): Promise<void> {
    const { address, port, timeOuts, signal, isOver, connect } = this.#options;
    if (isOver() || signal?.aborted === true) return;
    const { outcome, channel } = await connect({ address, port, timeoutMs: timeOuts.connectMs, signal });
    this.#connect = outcome;
    this.#channel = channel;
  }
}

/** The outcome if it comes in time, else that it did not; the wait for it goes on, and ends when the run is stopped. */
async function within(opening: Promise<Outcome>, forMs: number): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<Outcome>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'timeout', afterMs: forMs, partial: '' }), forMs);
  });
  try {
    return await Promise.race([opening, timedOut]);
  } finally {
    clearTimeout(timer);
  }
}
