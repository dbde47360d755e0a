// The real binary in a process of its own, as a user or a script starts it: bounded, with a clean environment.
import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** bin/ is a link beside the compiled tests; behind it stands dist/, what the package ships. */
export const BINARY = fileURLToPath(new URL('../../bin/postmaster-check.js', import.meta.url));

const DEADLINE_MS = 15_000;

/** How a process ended and what it wrote. */
export interface CliResult {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly ms: number;
}

export interface CliOptions {
  /** Standard input; without it there is none. */
  readonly input?: string;
  /** Beside PATH alone: nothing of the environment of the tests is handed on. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** What is run in place of Node and the binary. */
  readonly command?: readonly string[];
}

/** A process at work. */
export interface RunningCli {
  readonly child: ChildProcess;
  /** What it has written so far. */
  readonly stdout: string;
  readonly stderr: string;
  /** Rejects where the process had to be killed because it did not end in 15 s. */
  readonly ended: Promise<CliResult>;
}

/** Starts the program; `ended` tells how it went. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCli {
  const { input, env = {}, cwd, command = [process.execPath, BINARY] } = options;
  const [program = '', ...words] = command;
  const startedAt = performance.now();
  const child = spawn(program, [...words, ...args], {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8');
    child[name]?.on('data', (text: string) => {
      said[name] += text;
    });
  }
  // A program that does not read its input to the end is free to do so.
  child.stdin?.on('error', () => undefined);
  child.stdin?.end(input);
  const ended = new Promise<CliResult>((resolve, reject) => {
    let isLate = false;
    const deadline = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, DEADLINE_MS);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(deadline);
      const ms = Math.round(performance.now() - startedAt);
      if (isLate)
        reject(new Error(`postmaster-check ${args.join(' ')} did not end in ${DEADLINE_MS} ms:\n${said.stderr}`));
      else resolve({ code, ...said, ms });
    });
  });
  return {
    child,
    get stdout() {
      return said.stdout;
    },
    get stderr() {
      return said.stderr;
    },
    ended,
  };
}

/** Runs the program to its end. */
export function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return startCli(args, options).ended;
}
