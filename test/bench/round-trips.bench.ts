// Round trips of one check, from the start of the program to its end, against the least that the protocols allow.
//
// Every DNS answer and every group of replies comes 50 ms late. A TCP connection over loopback is there at once, so its
// round trip is put into the opening reply, which comes 100 ms late. What the program itself takes, and how long it
// lingers after a 554, is in the run without delay as well, and taken off:
//
//   round trips = (least wall time - least wall time without delay) / 50 ms
import { join } from 'node:path';
import { Figures } from './support/figures.js';
import { best, runNode, scratch } from './support/measure.js';
import { checkIn, readChecked } from './support/program.js';
import { faultsOf } from './support/right-runs.js';
import { INSTANT, startWorld, type WorldCounts, type WorldOptions } from './support/world.js';

const DELAY_MS = 50;
const LINGER_SECONDS = '0.3';

interface Case {
  readonly name: string;
  readonly world: Partial<WorldOptions>;
  readonly words: readonly string[];
  /** It is run until four runs in a row were no faster, within these bounds. */
  readonly runs: { readonly least: number; readonly most: number };
  readonly verdict: string;
  readonly sessions: number;
  readonly target: { readonly atMost: number } | undefined;
  /** The round trips that nobody can do without. */
  least(counts: WorldCounts): readonly (readonly [string, number])[];
}

const TO_THE_GREETING = [
  ['MX', 1],
  ['A and AAAA at once', 1],
  ['TCP', 1],
  ['greeting', 1],
  ['EHLO', 1],
] as const;

const CASES: readonly Case[] = [
  {
    name: 'plain, pipelined',
    world: {},
    words: [],
    runs: { least: 6, most: 14 },
    verdict: 'conforms',
    sessions: 1,
    target: { atMost: 6.6 },
    least: () => [...TO_THE_GREETING, ['MAIL, RCPT, RSET ... QUIT in one group', 1]],
  },
  {
    name: '--starttls require (TLS 1.3)',
    world: { starttls: 'offered' },
    words: ['--starttls', 'require'],
    runs: { least: 6, most: 14 },
    verdict: 'conforms',
    sessions: 1,
    target: { atMost: 9.6 },
    least: () => [...TO_THE_GREETING, ['STARTTLS', 1], ['TLS hello', 1], ['EHLO', 1], ['one group', 1]],
  },
  {
    name: 'a 554 host, less the linger',
    world: { opening: 554 },
    words: ['--linger', LINGER_SECONDS],
    runs: { least: 6, most: 14 },
    verdict: 'exempt',
    sessions: 2,
    target: { atMost: 10.6 },
    least: () => [
      ['MX', 1],
      ['A and AAAA at once', 1],
      ['TCP', 1],
      ['554', 1],
      ['EHLO', 1],
      ['NOOP', 1],
      ['QUIT', 1],
      ['TCP again', 1],
      ['554', 1],
      ['QUIT', 1],
    ],
  },
  {
    name: 'no PIPELINING, one command at a time',
    world: { pipelining: 'not-offered' },
    words: [],
    runs: { least: 3, most: 4 },
    verdict: 'conforms',
    sessions: 1,
    target: undefined,
    least: ({ commands }) => {
      const { EHLO: _, ...others } = commands;
      return [...TO_THE_GREETING, ['commands', Object.values(others).reduce((sum, count) => sum + count, 0)]];
    },
  },
];

const figures = new Figures();
figures.heading(`round trips of one check, ${DELAY_MS} ms each`);
for (const one of CASES) await measureCase(one);
figures.end();

async function measureCase(one: Case): Promise<void> {
  const options: WorldOptions = { ...INSTANT, ...one.world };
  const near = await startWorld(options);
  const far = await startWorld({ ...options, replyDelayMs: DELAY_MS, openingDelayMs: 2 * DELAY_MS });
  const walls = { near: [] as number[], far: [] as number[] };
  let seen: WorldCounts | undefined;
  let settledRuns = 0;
  for (let run = 0; run < one.runs.most && (run < one.runs.least || settledRuns < 4); run++) {
    const before = [best(walls.near), best(walls.far)] as const;
    for (const [where, world] of [
      ['near', near],
      ['far', far],
    ] as const) {
      const output = join(scratch, 'checked.ndjson');
      const cost = await runNode(checkIn(world, ...one.words, 'd1.test'), output);
      seen = await world.counts();
      const checked = readChecked(output);
      const expected = { exitCode: 0, verdict: one.verdict, domains: ['d1.test'], sessionsEach: one.sessions };
      const protocol = checked[0]?.sessions[0]?.tls?.protocol ?? null;
      const tls = protocol === (options.starttls === 'offered' ? 'TLSv1.3' : null) ? [] : [`TLS: ${protocol}`];
      figures.ran(`${one.name}, ${where}`, [...faultsOf(cost, checked, seen, expected), ...tls]);
      walls[where].push(cost.wallMs);
    }
    const isFaster = best(walls.near) < before[0] || best(walls.far) < before[1];
    settledRuns = isFaster ? 0 : settledRuns + 1;
  }
  near.stop();
  far.stop();
  if (seen === undefined) return;
  const least = one.least(seen);
  const sum = least.reduce((total, [, count]) => total + count, 0);
  const measured = (best(walls.far) - best(walls.near)) / DELAY_MS;
  figures.figure(`${one.name} (least: ${sum})`, measured, 'round trips', one.target);
  figures.note(`${least.map(([what, count]) => `${what} ${count}`).join(' + ')} = ${sum}`);
  figures.note(
    `least wall ${best(walls.far).toFixed(0)} ms, without delay ${best(walls.near).toFixed(0)} ms; ` +
      `${seen.flights} groups of commands in ${seen.sessions} sessions`,
  );
}
