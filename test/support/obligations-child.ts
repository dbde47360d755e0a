// A child process that checks one domain and tells how large it grew. Its argument is JSON: { domain, options }.
// It prints { verdict, because, failed, beforeMb, peakMb, tookMs }.
import { check } from '../../src/check.js';
import type { CheckOptions } from '../../src/check-options.js';

const { domain, options }: { domain: string; options: CheckOptions } = JSON.parse(process.argv[2] ?? '{}');
const sizeMb = (): number => process.memoryUsage.rss() / 2 ** 20;

const beforeMb = sizeMb();
let peakMb = beforeMb;
const measure = (): void => {
  peakMb = Math.max(peakMb, sizeMb());
};
const timer = setInterval(measure, 5);
const startedMs = performance.now();
const { verdict, because, judgements } = await check(domain, options);
measure();
clearInterval(timer);
const failed = judgements.filter((one) => one.verdict === 'fail').map(({ requirement }) => requirement);
process.stdout.write(
  JSON.stringify({ verdict, because, failed, beforeMb, peakMb, tookMs: performance.now() - startedMs }),
);
