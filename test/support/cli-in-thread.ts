// The program without a process of its own, for tests of what it says and not of how it ends: see cli-thread.ts. One run
// after another; a run that leaves something alive that would have kept a process from ending fails its test.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { CliResult } from './cli-run.js';
import type { Answered, Asked } from './cli-thread.js';

/** All that the binary imports. */
const MAIN = new URL('../../dist/cli/main.js', import.meta.url);
const DEADLINE_MS = 15_000;

let thread: Worker | null = null;
let last: Promise<unknown> = Promise.resolve();

/** One way to run the program to its end. */
export type Cli = (args: readonly string[], options?: { readonly input?: string }) => Promise<Omit<CliResult, 'ms'>>;

/** Runs it behind those that were asked for before. Without `input` there is none. */
export const cliInThread: Cli = (args, { input = '' } = {}) => {
  const run = last.then(() => answer({ args, input }));
  last = run.catch(() => undefined);
  return run;
};

async function answer(asked: Asked): Promise<Omit<CliResult, 'ms'>> {
  thread ??= new Worker(new URL('./cli-thread.js', import.meta.url), {
    workerData: MAIN.href,
    env: { PATH: process.env['PATH'] ?? '' },
  });
  const working = thread;
  working.ref();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  working.postMessage(asked);
  try {
    const { isAlive, ...result } = await answered(working);
    assert.deepEqual(isAlive, [], `${asked.args.join(' ')}: what would have kept a process alive`);
    return result;
  } catch (error) {
    // Nothing of a run that went wrong is handed on to the next.
    thread = null;
    await working.terminate();
    throw error;
  } finally {
    working.unref();
  }
}

async function answered(working: Worker): Promise<Answered> {
  const settled = new AbortController();
  const signal = AbortSignal.any([settled.signal, AbortSignal.timeout(DEADLINE_MS)]);
  const ended = once(working, 'exit', { signal }).then(([code]: readonly number[]) => {
    throw new Error(`the program ended the thread with exit code ${code}`);
  });
  try {
    const [told] = await Promise.race([once(working, 'message', { signal }), ended]);
    return told as Answered;
  } finally {
    settled.abort();
  }
}
