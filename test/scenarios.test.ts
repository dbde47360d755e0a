// Every scenario file of fixtures/sessions, four times: live over loopback; replayed from its evidence; live again with
// every octet of the host in a segment of its own; and its transcripts cut wherever a connection can break.
//
// All of them play at once, those that take long first. Cutting them takes the processor for itself: it begins when
// the last of the quick ones is done, so that no time-out of a live one is due to it.
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { connect } from 'node:net';
import { before, describe, test } from 'node:test';
import { decodeArchive, encodeArchive } from '../src/evidence/archive.js';
import { parseScenario, type Scenario } from '../src/evidence/notation.js';
import { openLab } from '../src/lab/lab.js';
import { readScenario, scenarioNames } from '../src/lab/scenario-files.js';
import { judge } from '../src/report/judge.js';
import { retrace } from './support/scenario-replay.js';
import { compare, play, type Run } from './support/scenario-run.js';
import { sweep } from './support/scenario-sweep.js';

const AT_ONCE = 24;

interface Playing {
  readonly scenario: Scenario;
  readonly live: () => Promise<Run>;
  readonly dribbled: () => Promise<Run>;
}

const scenarios = await Promise.all((await scenarioNames()).map((name) => readScenario(name)));
const runs = new Map<Scenario, Playing>(
  scenarios.map((scenario) => [
    scenario,
    { scenario, live: once(() => play(scenario, 'whole')), dribbled: once(() => play(scenario, 'dribbled')) },
  ]),
);
const quick = scenarios.filter((scenario) => !isSlow(scenario));
const slow = scenarios.filter(isSlow);

before(() => {
  const inLine = [...slow, ...quick].flatMap((scenario) => {
    const playing = runs.get(scenario);
    return playing === undefined ? [] : [playing.live, playing.dribbled];
  });
  const lane = async (): Promise<void> => {
    for (let next = inLine.shift(); next !== undefined; next = inLine.shift()) {
      // A run that throws fails the test that asks for it.
      await next().catch(() => undefined);
    }
  };
  for (let count = 0; count < AT_ONCE; count++) void lane();
});

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

for (const group of [quick, slow]) {
  const playing = group.flatMap((scenario) => runs.get(scenario) ?? []);

  describe('live over loopback, the verdicts are as stated', () => {
    for (const { scenario, live } of playing) {
      test(scenario.name, async () => asStated(scenario, await live()));
    }
  });

  describe('one octet a segment, the verdicts are the same', () => {
    for (const { scenario, dribbled } of playing) {
      test(scenario.name, async () => asStated(scenario, await dribbled()));
    }
  });

  describe('replayed, the evidence gives the same acts and judgements', () => {
    for (const { scenario, live } of playing) {
      test(scenario.name, async () => {
        const { report } = await live();
        const archive = encodeArchive({ name: 'postmaster-check', version: '0' }, [report.evidence]);
        const [evidence] = decodeArchive(archive, scenario.name);
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
    for (const [number, { scenario, live }] of playing.entries()) {
      test(scenario.name, async () => assert.deepEqual(sweep((await live()).report.evidence, number), []));
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

function asStated(scenario: Scenario, { report, mismatches }: Run): void {
  assert.deepEqual(mismatches, []);
  const { expected, got } = compare(scenario, report);
  assert.deepEqual(got, expected);
}

/** A host that stays open is watched for 10 seconds. */
function isSlow({ hosts, settings }: Scenario): boolean {
  if (settings.has('slow')) return true;
  const steps = hosts.flatMap(({ connections }) => connections.flat());
  return steps.some((step) => step.kind === 'does' && step.deed === 'stay');
}

function once<T>(run: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => (running ??= run());
}
