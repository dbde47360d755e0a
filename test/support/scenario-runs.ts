// Live runs of many scenarios, played in a thread of their own.
import { Worker } from 'node:worker_threads';
import type { Played, Programme, Wanted } from './scenario-player.js';
import type { Run } from './scenario-run.js';

interface Awaited {
  readonly run: Promise<Run>;
  readonly tell: (run: Run) => void;
  readonly fail: (error: unknown) => void;
}

/** Plays all that is wanted, in this order; what it gives tells how one went, or rejects with what that one threw. */
export function playAll(programme: Programme): (one: Wanted) => Promise<Run> {
  const runs = new Map(programme.wanted.map((one) => [keyOf(one), awaited()]));
  const player = new Worker(new URL('./scenario-player.js', import.meta.url), { workerData: programme });
  const lost = (error: unknown): void => {
    for (const { fail } of runs.values()) fail(error);
  };
  player.on('message', (played: Played) => {
    const run = runs.get(keyOf(played));
    if ('run' in played) run?.tell(played.run);
    else run?.fail(played.error);
  });
  player.on('messageerror', lost);
  player.on('error', lost);
  player.on('exit', (code) => lost(new Error(`the thread that plays ended with ${code}, and this was not played`)));
  return (one) => runs.get(keyOf(one))?.run ?? Promise.reject(new Error(`${keyOf(one)} is not among what is played`));
}

const keyOf = ({ name, delivery }: Wanted): string => `${name}, ${delivery}`;

function awaited(): Awaited {
  let tell: Awaited['tell'] = () => undefined;
  let fail: Awaited['fail'] = () => undefined;
  const run = new Promise<Run>((resolve, reject) => {
    tell = resolve;
    fail = reject;
  });
  // It fails the test that asks for it, and may do so before that has begun.
  run.catch(() => undefined);
  return { run, tell, fail };
}
