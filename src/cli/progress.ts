// One line on stderr while a run takes longer than a second; only on a terminal, or with --progress.
import type { Progress } from '../check-options.js';
import { visible } from '../smtp/visible.js';

export interface ProgressLine {
  readonly show: (progress: Progress) => void;
  /** Takes the line away before something is printed. */
  clear(): void;
  close(): void;
}

const QUIET_MS = 1_000;
const EVERY_MS = 200;

export function openProgress(isForced: boolean): ProgressLine {
  const isTerminal = process.stderr.isTTY;
  if (!isTerminal && !isForced) return { show: () => undefined, clear: () => undefined, close: () => undefined };
  let done = 0;
  let latest: Progress | null = null;
  let isDrawn = false;
  const clear = (): void => {
    if (isDrawn && isTerminal) process.stderr.write('\r\u001b[K');
    isDrawn = false;
  };
  const draw = (): void => {
    if (latest === null) return;
    const count = done > 0 ? `${done} done, ` : '';
    const text = `${count}${wordsOf(latest)}`;
    const width = Math.max((process.stderr.columns || 80) - 1, 20);
    process.stderr.write(isTerminal ? `\r\u001b[K${text.slice(0, width)}` : `${text}\n`);
    isDrawn = true;
  };
  let timer: NodeJS.Timeout | undefined;
  const start = setTimeout(() => {
    draw();
    timer = setInterval(draw, isTerminal ? EVERY_MS : 10_000);
    timer.unref();
  }, QUIET_MS);
  start.unref();
  return {
    show: (progress) => {
      if (progress.step === 'done') done += 1;
      else latest = progress;
    },
    clear,
    close: () => {
      clearTimeout(start);
      clearInterval(timer);
      clear();
    },
  };
}

function wordsOf({ domain, step, endpoint }: Progress): string {
  const name = domain ?? 'mail host';
  switch (step) {
    case 'dns':
      return `${name}: asking the DNS`;
    case 'waiting':
      return `${name}: waiting to try again${endpoint === undefined ? '' : ` at ${visible(endpoint)}`}`;
    default:
      return `${name}: talking to ${visible(endpoint ?? '')}`;
  }
}
