// What it costs to start, in CPU time against `node -e 0`: medians of interleaved runs.
import { join } from 'node:path';
import { Figures } from './support/figures.js';
import { median, runNode, scratch } from './support/measure.js';
import { checkIn, PROGRAM, readChecked } from './support/program.js';
import { faultsOf } from './support/right-runs.js';
import { INSTANT, startWorld } from './support/world.js';

const ROUNDS = 15;
/** As many as the demo plays. */
const DOMAINS = ['d1.test', 'd2.test', 'd3.test', 'd4.test', 'd5.test', 'd6.test'];

const figures = new Figures();
const world = await startWorld(INSTANT);
const output = join(scratch, 'output');
const cpu = { bare: [] as number[], version: [] as number[], check: [] as number[] };
for (let round = 0; round < ROUNDS; round++) {
  const bare = await runNode(['-e', '0'], output);
  figures.ran('node -e 0', bare.exitCode === 0 ? [] : [bare.stderr]);
  const version = await runNode([PROGRAM, '--version'], output);
  figures.ran('--version', version.exitCode === 0 ? [] : [version.stderr]);
  const check = await runNode(checkIn(world, ...DOMAINS), output);
  const expected = { exitCode: 0, verdict: 'conforms', domains: DOMAINS, sessionsEach: 1 };
  figures.ran('check', faultsOf(check, readChecked(output), await world.counts(), expected));
  cpu.bare.push(bare.cpuMs);
  cpu.version.push(version.cpuMs);
  cpu.check.push(check.cpuMs);
}
world.stop();

const ratio = (values: readonly number[]): number => median(values) / median(cpu.bare);
figures.heading(`start-up, CPU time (user and system), medians of ${ROUNDS} interleaved runs`);
figures.figure('node -e 0', median(cpu.bare), 'ms');
figures.figure('--version', median(cpu.version), 'ms');
figures.figure('  against node -e 0 (aim: 1.2)', ratio(cpu.version), 'times', { atMost: 1.5 });
figures.figure(`a check of ${DOMAINS.length} domains, as many as the demo has`, median(cpu.check), 'ms');
figures.figure('  against node -e 0', ratio(cpu.check), 'times');
figures.end();
