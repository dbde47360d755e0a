// Every scenario file of fixtures/sessions, four times: live over loopback; replayed from its evidence; live again with
// every octet of the host in a segment of its own; and its transcripts cut wherever a connection can break.
//
// All of them play in threads beside the tests, those that wait for seconds in one of their own. The cuts come last in
// each group, so that what was played alongside is looked at as it comes.
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { decodeArchive, encodeArchive } from '../src/evidence/archive.js';
import { parseScenario, type Scenario } from '../src/evidence/notation.js';
import { openLab } from '../src/lab/lab.js';
import { readScenario, scenarioNames } from '../src/lab/scenario-files.js';
import { judge } from '../src/report/judge.js';
import { retrace } from './support/scenario-replay.js';
import type { Wanted } from './support/scenario-player.js';
import { compare, DELIVERIES, type Run } from './support/scenario-run.js';
import { playAll } from './support/scenario-runs.js';
import { sweep } from './support/scenario-sweep.js';

const scenarios = await Promise.all((await scenarioNames()).map((name) => readScenario(name)));
/** A time-out that is short must not pass while others keep the thread busy. */
const slow = played(scenarios.filter(isSlow), Infinity);
const quick = played(
  scenarios.filter((scenario) => !isSlow(scenario)),
  12,
);

test('there are at least 60 scenarios', () => {
  assert.ok(scenarios.length >= 60, `${scenarios.length} scenarios`);
});

test('a probe that leaves the script is told so, with both lines', async () => {
  const script =
    'S: 220 mx.good.example\nC: EHLO probe.example\nS: 250 mx.good.example\nC: QUIT\nS: 221 bye\n--- connection\n...';
  const { heard, mismatches } = await talk(script, ['NOOP', 'EHLO probe.example', 'QUIT']);
  assert.deepEqual(heard, ['220', '500', '500', '221']);
  assert.deepEqual(mismatches, [
    'connection 1 of mx.good.example, line 2: expected "EHLO probe.example", the probe said "NOOP"',
    'connection 2 of mx.good.example was never made',
  ]);
});

test('a command that the script waited for in vain is told', async () => {
  const { heard, mismatches } = await talk('...\nC: RCPT TO:<Postmaster>\nS: 250 ok', ['EHLO probe.example', 'QUIT']);
  assert.deepEqual(heard, ['220', '250', '250', '250', '250', '250', '221']);
  assert.deepEqual(mismatches, [
    'connection 1 of mx.good.example, line 2: the probe never said "RCPT TO:<Postmaster>"',
  ]);
});

test('commands in a row that no EHLO reply invited are told', async () => {
  const { mismatches } = await talk('...', ['EHLO probe.example', 'MAIL FROM:<>\r\nRCPT TO:<Postmaster>', 'QUIT']);
  assert.deepEqual(mismatches, [
    'connection 1 of mx.good.example: more commands behind "MAIL FROM:<>", and PIPELINING was not offered',
  ]);
});

test('the name server tells names, their absence and its own trouble,', async () => {
  const lab = await openLab([
    await readScenario('has-a-failing-name-server'),
    await readScenario('publishes-a-null-mx', 'null.example'),
  ]);
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([lab.nameServer]);
  const codeOf = (asked: Promise<unknown>): Promise<unknown> => asked.catch((error: { code: string }) => error.code);
  try {
    // Newer Nodes tell the type as well.
    const nullMx = await resolver.resolveMx('null.example');
    assert.deepEqual(
      nullMx.map(({ exchange, priority }) => [exchange, priority]),
      [['', 0]],
    );
    assert.deepEqual(await resolver.resolve4('NULL.example'), ['127.0.0.1']);
    assert.equal(await codeOf(resolver.resolve6('null.example')), 'ENODATA');
    assert.equal(await codeOf(resolver.resolve4('example')), 'ENODATA');
    assert.equal(await codeOf(resolver.resolve4('other.example')), 'ENOTFOUND');
    assert.equal(await codeOf(resolver.resolveMx('good.example')), 'ESERVFAIL');
  } finally {
    await lab.stop();
  }
});

for (const { group, runOf } of [quick, slow]) {
  describe('live over loopback, the verdicts are as stated', () => {
    for (const scenario of group)
      test(scenario.name, () => expectStated(scenario, runOf({ name: scenario.name, delivery: 'whole' })));
  });

  describe('one octet a segment, the verdicts are the same', () => {
    for (const scenario of group)
      test(scenario.name, () => expectStated(scenario, runOf({ name: scenario.name, delivery: 'dribbled' })));
  });

  describe('replayed, the evidence gives the same acts and judgements', () => {
    for (const { name } of group) {
      test(name, async () => {
        const { report } = await runOf({ name, delivery: 'whole' });
        const archive = encodeArchive({ name: 'postmaster-check', version: '0' }, [report.evidence]);
        const [evidence] = decodeArchive(archive, name);
        assert.ok(evidence !== undefined);
        assert.deepEqual(judge(evidence), report.judgements);
        for (const attempt of evidence.endpoints.flatMap(({ attempts }) => attempts)) {
          const { recorded, again } = retrace(attempt);
          assert.deepEqual(again, recorded);
        }
      });
    }
  });

  describe('cut anywhere, it accuses nobody newly', () => {
    for (const [number, { name }] of group.entries()) {
      test(name, async () => {
        const { report } = await runOf({ name, delivery: 'whole' });
        assert.deepEqual(sweep(report.evidence, number), []);
      });
    }
  });
}

/** Says these lines to the host of a script, each when the reply before it has come; the codes that were heard. */
async function talk(
  script: string,
  lines: readonly string[],
): Promise<{ heard: readonly string[]; mismatches: readonly string[] }> {
  const lab = await openLab([parseScenario(script, 'a script')]);
  try {
    const socket = connect(lab.port, '127.0.0.1');
    const waiting = [...lines];
    let said = '';
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', () => resolve());
      socket.on('data', (chunk) => {
        said += chunk.toString('latin1');
        const line = /^\d{3}(?: .*)?\r\n$/m.test(chunk.toString('latin1')) ? waiting.shift() : undefined;
        if (line !== undefined) socket.write(`${line}\r\n`);
      });
    });
    return { heard: [...said.matchAll(/^\d{3}/gm)].map(([code]) => code), mismatches: lab.mismatches() };
  } finally {
    await lab.stop();
  }
}

/** Plays these in both ways in a thread of their own. */
function played(group: readonly Scenario[], most: number) {
  const wanted = group.flatMap(({ name }) => DELIVERIES.map((delivery): Wanted => ({ name, delivery })));
  return { group, runOf: playAll({ wanted, atOnce: Math.min(most, wanted.length) }) };
}

async function expectStated(scenario: Scenario, run: Promise<Run>): Promise<void> {
  const { report, mismatches } = await run;
  assert.deepEqual(mismatches, []);
  const { expected, got } = compare(scenario, report);
  assert.deepEqual(got, expected);
}

/** A host that stays open is watched for 10 seconds, one that is silent waited for again and again. */
function isSlow({ hosts, settings }: Scenario): boolean {
  if (settings.has('slow')) return true;
  const steps = hosts.flatMap(({ connections }) => connections.flat());
  return steps.some((step) => step.kind === 'does' && (step.deed === 'stay' || step.deed === 'stall'));
}
