// A thread that plays scenarios and posts how each went. In a thread of its own nothing of the test runner watches each
// promise, and no test that takes the processor makes a live session late.
import { parentPort, workerData } from 'node:worker_threads';
import { readScenario } from '../../src/lab/scenario-files.js';
import { play, type Delivery, type Run } from './scenario-run.js';

/** One run that is wanted. */
export interface Wanted {
  readonly name: string;
  readonly delivery: Delivery;
}

/** What a player is given. */
export interface Programme {
  readonly wanted: readonly Wanted[];
  readonly atOnce: number;
}

/** How it went: the run, or what it threw. */
export type Played = Wanted & ({ readonly run: Run } | { readonly error: unknown });

const PATIENCE = 3;

const { wanted, atOnce } = workerData as Programme;
const inLine = [...wanted];
const lane = async (): Promise<void> => {
  for (let next = inLine.shift(); next !== undefined; next = inLine.shift()) post(await playOne(next));
};
for (let count = 0; count < atOnce; count++) void lane();

function post(played: Played): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(played);
}

async function playOne(one: Wanted): Promise<Played> {
  try {
    return { ...one, run: await play(await readScenario(one.name), one.delivery, PATIENCE) };
  } catch (error) {
    return { ...one, error };
  }
}
