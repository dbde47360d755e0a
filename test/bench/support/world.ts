// A world of mail hosts and DNS for the benchmarks, in a process of its own, so that what it costs is not counted.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** What the world is like. Times are milliseconds. */
export interface WorldOptions {
  /** Before each DNS answer, and before the replies to each group of commands that arrives. */
  readonly replyDelayMs: number;
  /** Before the opening reply: a connection over loopback is there at once, so this stands for its round trip as well. */
  readonly openingDelayMs: number;
  readonly opening: 220 | 554;
  readonly pipelining: 'offered' | 'not-offered';
  readonly starttls: 'offered' | 'not-offered';
}

/** A world where everything is answered at once. */
export const INSTANT: WorldOptions = {
  replyDelayMs: 0,
  openingDelayMs: 0,
  opening: 220,
  pipelining: 'offered',
  starttls: 'not-offered',
};

/** What the mail hosts and the name server counted since they were asked last. */
export interface WorldCounts {
  readonly sessions: number;
  /** Groups of commands that arrived, the TLS handshake aside. */
  readonly flights: number;
  readonly commands: Readonly<Record<string, number>>;
  readonly questions: number;
  /** Faults of the client: each must be 0. */
  readonly faults: {
    readonly spokeBeforeOpening: number;
    readonly pipelinedWithoutOffer: number;
    readonly closedWithoutQuit: number;
    readonly saidData: number;
  };
}

/** A world at work. Domains are `d1.test`, `d2.test` and so on, each with a mail host of its own on its own address. */
export interface World {
  /** IP:port. */
  readonly nameServer: string;
  /** Of every mail host. */
  readonly port: number;
  /** The counts since the last call, once the sessions that are open have ended. */
  counts(): Promise<WorldCounts>;
  stop(): void;
}

/** What the process of the world says to its parent. */
export type WorldMessage =
  | { readonly kind: 'ready'; readonly nameServer: string; readonly port: number }
  | { readonly kind: 'counts'; readonly counts: WorldCounts };

/** Starts a world on free ports of loopback. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const child = fork(new URL('./world-process.js', import.meta.url), [JSON.stringify(options)], { execArgv: [] });
  const ready = await message(child, 'ready');
  return {
    nameServer: ready.nameServer,
    port: ready.port,
    async counts() {
      const answer = message(child, 'counts');
      child.send('counts');
      return (await answer).counts;
    },
    stop: () => child.disconnect(),
  };
}

async function message<K extends WorldMessage['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<WorldMessage, { kind: K }>> {
  const gone = new AbortController();
  const exited = (): void => gone.abort(new Error('the world has ended'));
  child.once('exit', exited);
  try {
    for (;;) {
      const [said] = (await once(child, 'message', { signal: gone.signal })) as [WorldMessage];
      if (said.kind === kind) return said as Extract<WorldMessage, { kind: K }>;
    }
  } finally {
    child.off('exit', exited);
  }
}
