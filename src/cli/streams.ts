// Where a report goes: standard output and files. A closed pipe is no crash; a full disk is said.
import { createWriteStream, openSync, writeFileSync, renameSync } from 'node:fs';
import { once } from 'node:events';
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';

/** Somewhere to write text. */
export interface Sink {
  /** Waits while the reader is slow. Does nothing once the reader is gone. */
  write(text: string): Promise<void>;
  /** Resolves when all is written. */
  end(): Promise<void>;
}

/** Standard output; `onGone` is called once when its reader has closed it. */
export function standardOutput(onGone: () => void): Sink {
  let isGone = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') return; // main.ts says so and ends
    if (!isGone) onGone();
    isGone = true;
  });
  return {
    async write(text) {
      if (isGone || process.stdout.write(text)) return;
      // A reader that goes away never drains: the error ends the wait as well.
      await Promise.race([once(process.stdout, 'drain'), once(process.stdout, 'close')]).catch(() => undefined);
    },
    end: () => Promise.resolve(),
  };
}

/** A file, opened at once so that a wrong path is a usage error before anything is probed. */
export function fileSink(path: string): Sink {
  const stream = createWriteStream(path, { fd: openForWriting(path) });
  let failure: Error | null = null;
  stream.on('error', (error) => {
    failure = error;
  });
  return {
    async write(text) {
      if (failure !== null) throw new UsageError(`cannot write ${visible(path)}: ${failure.message}`);
      if (!stream.write(text))
        await Promise.race([once(stream, 'drain'), once(stream, 'close')]).catch(() => undefined);
    },
    async end() {
      await new Promise<void>((resolve) => stream.end(() => resolve()));
      if (failure !== null) throw new UsageError(`cannot write ${visible(path)}: ${failure.message}`);
    },
  };
}

function openForWriting(path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    throw new UsageError(`cannot write ${visible(path)}: ${(error as Error).message}`);
  }
}

/** Writes a whole file so that a crash leaves the old one or the new one, never half. */
export function writeWhole(path: string, text: string): void {
  try {
    const part = `${path}.part`;
    writeFileSync(part, text);
    renameSync(part, path);
  } catch (error) {
    throw new UsageError(`cannot write ${visible(path)}: ${(error as Error).message}`);
  }
}
