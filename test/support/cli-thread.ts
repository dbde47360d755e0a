// A thread in which the program runs, time and again: dist/cli/main.js from its first line, with streams, arguments
// and listeners of its own. What it imports was loaded once: that is most of what starting a process takes.
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

/** What is asked of the thread. */
export interface Asked {
  readonly args: readonly string[];
  readonly input: string;
}

/** What the program did; `isAlive`: something was left behind that would have kept a process from its end. */
export interface Answered {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly isAlive: readonly string[];
}

/** What the program listens to for as long as it runs, and a process takes with it. */
const LISTENED = ['uncaughtException', 'unhandledRejection'] as const;
const DEADLINE_MS = 5_000;

const main: string = workerData;
let runs = 0;

for (;;) {
  if (parentPort === null) break;
  const [asked] = (await once(parentPort, 'message')) as [Asked];
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort.postMessage(await run(asked));
}

async function run({ args, input }: Asked): Promise<Answered> {
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = new Writable({
      write(chunk: Buffer, _, done) {
        said[name] += chunk.toString();
        done();
      },
    });
    put(name, stream);
  }
  put('stdin', Readable.from(input === '' ? [] : [input]));
  process.argv = [process.execPath, main, ...args];
  process.exitCode = 0;
  await import(`${main}?run=${(runs += 1)}`);
  const isAlive = await leftBehind();
  for (const name of LISTENED) process.removeAllListeners(name);
  return { code: process.exitCode, ...said, isAlive };
}

function put(name: 'stdin' | 'stdout' | 'stderr', stream: Readable | Writable): void {
  Object.defineProperty(process, name, { value: stream, configurable: true });
}

/** What keeps a process alive, but for the port to the tests: closing takes a moment. */
async function leftBehind(): Promise<readonly string[]> {
  const until = performance.now() + DEADLINE_MS;
  for (;;) {
    const left = process.getActiveResourcesInfo().filter((name) => name !== 'MessagePort');
    if (left.length === 0 || performance.now() > until) return left;
    await pause(5);
  }
}
