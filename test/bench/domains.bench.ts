// Domains a second, CPU time and memory over many domains, each with a mail host of its own, against a plain loop over
// node:net and node:dgram that says the same words: they are taken from a transcript of the program itself.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { domainOf } from './support/bench-addresses.js';
import { Figures } from './support/figures.js';
import { best, runNode, scratch, type Cost } from './support/measure.js';
import { checkIn, readChecked } from './support/program.js';
import type { PlainLoopOptions } from './support/plain-loop.js';
import { faultsOf, faultsOnTheWire } from './support/right-runs.js';
import { INSTANT, startWorld, type World } from './support/world.js';

const PLAIN_LOOP = fileURLToPath(new URL('./support/plain-loop.js', import.meta.url));
const DOMAINS = 1_000;
const FEWER = 250;
const MORE = 4_000;
const ROUNDS = 4;
const CONCURRENCY = 100;
/** A short way to the mail hosts, for the figure that says what of this is felt over a network. */
const DELAY_MS = 20;

const figures = new Figures();
const world = await startWorld(INSTANT);
const distant = await startWorld({ ...INSTANT, replyDelayMs: DELAY_MS, openingDelayMs: 2 * DELAY_MS });
const output = join(scratch, 'output.ndjson');
const words = await wordsOfTheProgram();
if (words.length > 0) await compare();
world.stop();
distant.stop();
figures.end();

async function compare(): Promise<void> {
  const program: Cost[] = [];
  const plain: Cost[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    program.push(await runProgram(world, DOMAINS));
    plain.push(await runPlainLoop(world, DOMAINS));
  }
  const [fewer, more] = [await runProgram(world, FEWER), await runProgram(world, MORE)];
  const [farProgram, farPlain] = [await runProgram(distant, DOMAINS), await runPlainLoop(distant, DOMAINS)];

  const wall = { program: leastEach(program, 'wallMs'), plain: leastEach(plain, 'wallMs') };
  const cpu = { program: leastEach(program, 'cpuMs'), plain: leastEach(plain, 'cpuMs') };
  const peak = best(program.map(({ peakMb }) => peakMb));

  figures.heading(
    `${DOMAINS} domains, ${CONCURRENCY} at once, ${words.length} commands a session, start-up included, ` +
      `the best of ${ROUNDS} interleaved rounds`,
  );
  figures.figure('postmaster-check', 1000 / wall.program, 'domains a second');
  figures.figure('plain loop that says the same words', 1000 / wall.plain, 'domains a second');
  figures.figure('  wall time against it', wall.program / wall.plain, 'times', { atMost: 3 });
  figures.figure('postmaster-check', cpu.program, 'ms CPU a domain');
  figures.figure('plain loop', cpu.plain, 'ms CPU a domain');
  figures.figure('  CPU time against it', cpu.program / cpu.plain, 'times', { atMost: 3 });

  figures.heading(`the same with ${DELAY_MS} ms a reply, one round`);
  figures.figure('postmaster-check', (DOMAINS * 1000) / farProgram.wallMs, 'domains a second');
  figures.figure('plain loop', (DOMAINS * 1000) / farPlain.wallMs, 'domains a second');
  figures.figure('  wall time against it', farProgram.wallMs / farPlain.wallMs, 'times');

  figures.heading('peak memory (resident set)');
  figures.figure(`${FEWER} domains`, fewer.peakMb, 'MB');
  figures.figure(`${DOMAINS} domains`, peak, 'MB');
  figures.figure(`${MORE} domains`, more.peakMb, 'MB');
  figures.figure(`  ${MORE} against ${DOMAINS} domains`, more.peakMb / peak, 'times', { atMost: 1.3 });
}

function leastEach(costs: readonly Cost[], of: 'wallMs' | 'cpuMs'): number {
  return best(costs.map((cost) => cost[of])) / DOMAINS;
}

/** The lines of one session of the program, with the domain taken out. */
async function wordsOfTheProgram(): Promise<readonly string[]> {
  const cost = await runNode(checkIn(world, domainOf(1)), output);
  const checked = readChecked(output);
  const expected = { exitCode: 0, verdict: 'conforms', domains: [domainOf(1)], sessionsEach: 1 };
  figures.ran('one domain', faultsOf(cost, checked, await world.counts(), expected));
  const said = checked[0]?.sessions[0]?.transcript.filter(({ from }) => from === 'probe') ?? [];
  return said.map(({ line }) =>
    line.replaceAll(domainOf(1), '{domain}').replaceAll(domainOf(1).toUpperCase(), '{DOMAIN}'),
  );
}

function writeList(count: number): { readonly path: string; readonly domains: readonly string[] } {
  const path = join(scratch, `list-${count}`);
  const domains = Array.from({ length: count }, (_, at) => domainOf(at + 1));
  writeFileSync(path, `${domains.join('\n')}\n`);
  return { path, domains };
}

async function runProgram(where: World, count: number): Promise<Cost> {
  const { path, domains } = writeList(count);
  const cost = await runNode(checkIn(where, '--concurrency', String(CONCURRENCY), `@${path}`), output);
  const counts = await where.counts();
  const expected = { exitCode: 0, verdict: 'conforms', domains, sessionsEach: 1 };
  figures.ran(`${count} domains`, [
    ...faultsOf(cost, readChecked(output), counts, expected),
    ...sameWords(counts.commands, counts.questions, count),
  ]);
  return cost;
}

async function runPlainLoop(where: World, count: number): Promise<Cost> {
  const { path, domains } = writeList(count);
  const { nameServer, port } = where;
  const options: PlainLoopOptions = { nameServer, port, list: path, concurrency: CONCURRENCY, words };
  const cost = await runNode([PLAIN_LOOP, JSON.stringify(options)], output);
  const counts = await where.counts();
  const lines = readFileSync(output, 'utf8').split('\n').slice(0, -1);
  const codes = new Set(lines.map((line) => JSON.stringify((JSON.parse(line) as { codes: unknown }).codes)));
  const asExpected = cost.exitCode === 0 && lines.length === domains.length && codes.size === 1;
  figures.ran(`plain loop, ${count} domains`, [
    ...(asExpected ? [] : [`exit code ${cost.exitCode}, ${lines.length} lines: ${cost.stderr.slice(0, 500)}`]),
    ...faultsOnTheWire(counts, count),
    ...sameWords(counts.commands, counts.questions, count),
  ]);
  return cost;
}

/** Both say as many words as the transcript has, and ask MX, A and AAAA. */
function sameWords(commands: Readonly<Record<string, number>>, questions: number, domains: number): readonly string[] {
  const said = Object.values(commands).reduce((sum, count) => sum + count, 0);
  const faults: string[] = [];
  if (said !== words.length * domains) faults.push(`${said} commands where ${words.length * domains} are right`);
  // A datagram that was lost is asked for again.
  if (questions < 3 * domains || questions > 3.1 * domains) faults.push(`${questions} DNS questions`);
  return faults;
}
