// --waive: what is waived is shown and does not count; what has expired, and what matches nothing, is said.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { DomainEvidence } from '../src/evidence/evidence.js';
import type { DomainReport, Judgement } from '../src/report/report.js';
import { reportDomain, runFacts } from '../src/report/roll-up.js';
import { parseWaivers } from '../src/report/waivers.js';
import { UsageError } from '../src/smtp/usage-error.js';
import { cliInThread } from './support/cli-in-thread.js';
import { openWorld } from './support/cli-world.js';
import { endpoint, evidence } from './support/evidence-builder.js';

const folder = mkdtempSync(join(tmpdir(), 'postmaster-check-'));
after(() => rmSync(folder, { recursive: true }));
const EVIDENCE = join(folder, 'evidence.json');

const file = (name: string, waivers: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(waivers));
  return path;
};
const UNTIL = '2999-12-31';
const WAIVED = { reason: 'moves next month', until: UNTIL };
const GOOD = { requirement: 'postmaster.domain', domain: 'bad.example', ...WAIVED };

const live = { stdout: '', code: 0 as number | null };
before(async () => {
  const world = await openWorld();
  const args = [...world.args, '--json', '--save-evidence', EVIDENCE, '--waive', file('live.json', [GOOD])];
  const { stdout, code } = await cliInThread([
    ...args,
    'bad.example',
    'good.example',
    'grey.example',
    '--fail-on',
    'violation',
  ]).finally(() => world.close());
  Object.assign(live, { stdout, code });
});

interface Json {
  readonly domains: readonly {
    readonly verdict: string;
    readonly because: string;
    readonly judgements: readonly Judgement[];
  }[];
}
const failing = ({ domains }: Json): readonly Pick<Judgement, 'requirement' | 'waived' | 'expiredWaiver'>[] =>
  domains.flatMap(({ judgements }) =>
    judgements
      .filter(({ verdict }) => verdict === 'fail')
      .map(({ requirement, waived, expiredWaiver }) => ({
        requirement,
        waived,
        ...(expiredWaiver === undefined ? {} : { expiredWaiver }),
      })),
  );
const replay = (name: string, waivers: unknown, ...words: readonly string[]): ReturnType<typeof cliInThread> =>
  cliInThread(['replay', '--fail-on', 'violation', EVIDENCE, '--waive', file(name, waivers), ...words]);

describe('a waiver', { concurrency: 3 }, () => {
  test('takes a finding, and what only sums it up, out of verdict and exit code; the finding stays, with its reason', () => {
    const report = JSON.parse(live.stdout) as Json;
    assert.equal(live.code, 0);
    assert.deepEqual(
      report.domains.map(({ verdict }) => verdict),
      ['conforms', 'conforms', 'inconclusive'],
    );
    assert.deepEqual(failing(report), [
      { requirement: 'postmaster.domain', waived: WAIVED },
      { requirement: 'postmaster.every-mx', waived: WAIVED },
    ]);
    assert.match(report.domains[0]?.because ?? '', /; 1 finding is waived$/);
  });

  test('shows in the text: the headline, the matrix, the reason', async () => {
    const { stdout, stderr, code } = await replay('text.json', { waivers: [GOOD] });
    const folded = stdout.replaceAll(/\s+/g, ' ');
    assert.match(
      folded,
      /bad\.example conforms: what counts holds at mx\.mail\.example \[127\.0\.0\.1\]; 1 finding is waived /,
    );
    assert.match(stdout, /^waived {2}Postmaster@domain accepted$/m);
    assert.match(stdout, /^ {2}counts +no, it is waived until 2999-12-31: moves next month$/m);
    assert.match(stdout, /S: 550 5\.1\.1 User unknown/);
    assert.deepEqual({ stderr, code }, { stderr: '', code: 0 });
  });

  test('that has expired counts for nothing, and is told', async () => {
    const expired = { ...GOOD, until: '2020-02-29' };
    const [json, text] = await Promise.all([
      replay('expired.json', [expired], '--json'),
      replay('expired-text.json', [expired]),
    ]);
    assert.deepEqual(failing(JSON.parse(json.stdout) as Json), [
      { requirement: 'postmaster.domain', waived: null, expiredWaiver: { reason: WAIVED.reason, until: '2020-02-29' } },
      { requirement: 'postmaster.every-mx', waived: null },
    ]);
    assert.match(text.stdout, /^ {2}counts +its waiver expired on 2020-02-29: moves next month$/m);
    assert.deepEqual([json.code, json.stderr, text.code], [1, '', 1]);
  });

  test('that matches nothing is told on stderr; one of what could not be told today is not', async () => {
    const { stderr, code } = await replay('unused.json', [
      GOOD,
      { requirement: 'postmaster.bare', domain: 'good.example', reason: 'none' },
      { requirement: 'mx', host: '*.elsewhere.example', reason: 'none' },
      { requirement: 'postmaster.domain', domain: 'grey.example', reason: 'down' },
    ]);
    assert.equal(
      stderr,
      [
        'the waiver of postmaster.bare for good.example matches nothing in this run',
        'the waiver of mx at *.elsewhere.example matches nothing in this run',
      ]
        .map((sentence) => `postmaster-check: warning: ${join(folder, 'unused.json')}: ${sentence}\n`)
        .join(''),
    );
    assert.equal(code, 0);
  });

  test('a waiver of a group or section, for all domains, or for a host', async () => {
    const [group, host, other] = await Promise.all([
      replay('group.json', [{ requirement: 'postmaster', reason: 'r' }], '-q'),
      replay('host.json', [{ requirement: '4.5.1', host: '*.mail.example', domain: '*.example', reason: 'r' }], '-q'),
      replay('other.json', [{ requirement: '4.5.1', host: '127.0.0.1', domain: '*.bad.example', reason: 'r' }], '-q'),
    ]);
    assert.deepEqual([group.code, host.code, other.code], [0, 0, 1]);
  });

  test('the file must be there before anything is probed', async () => {
    const { code, stdout, stderr } = await cliInThread([
      '--host',
      '127.0.0.1:1',
      'x.example',
      '--waive',
      join(folder, 'nope'),
    ]);
    assert.match(stderr, /^postmaster-check: cannot read .*nope: ENOENT[^\n]*\n$/);
    assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
  });
});

describe('a waiver file', () => {
  const DAMAGES: readonly (readonly [document: unknown, sentence: RegExp])[] = [
    [{}, /^FILE is no list of waivers: waivers is not a list$/],
    [[1], /: waivers\[0\] is not an object$/],
    [[{ reason: 'r' }], /: waivers\[0\]\.requirement is not a string$/],
    [[{ requirement: 'mx', reason: ' ' }], /: waivers\[0\]\.reason does not say why/],
    [[{ requirement: 'mx' }], /: waivers\[0\]\.reason does not say why/],
    [[{ ...GOOD, until: '2025-02-30' }], /: waivers\[0\]\.until is not a day: write YYYY-MM-DD$/],
    [[{ ...GOOD, domain: 'a*' }], /: waivers\[0\]\.domain is not a name/],
    [[{ ...GOOD, untill: '2025-02-01' }], /: waivers\[0\] has a member "untill"; known are /],
    [[GOOD, { ...GOOD, requirement: 'nope' }], /^FILE: waivers\[1\]: no requirement .* "nope"$/],
  ];
  for (const [document, sentence] of DAMAGES) {
    test(`that is none is told in a sentence: ${JSON.stringify(document)}`, () => {
      assert.throws(
        () => parseWaivers(JSON.stringify(document), 'FILE'),
        (error) => error instanceof UsageError && sentence.test(error.message),
      );
    });
  }
});

describe('two mail hosts, one waived', () => {
  const REFUSED = [
    'S: 220 mx.example.org ESMTP',
    'C: EHLO probe.example',
    'S: 250 mx.example.org',
    'C: MAIL FROM:<>',
    'S: 250 ok',
    'C: RCPT TO:<Postmaster>',
    'S: 550 5.1.1 unknown user',
    'C: QUIT',
    'S: 221 bye',
  ];
  const ids = ['postmaster.bare', 'postmaster.every-mx'];
  const seen = (lines: readonly string[]): DomainEvidence =>
    evidence(
      [
        endpoint([REFUSED], { host: 'mx1.example.org', address: '192.0.2.1' }),
        endpoint([lines], { host: 'mx2.example.org', address: '192.0.2.2' }),
      ],
      { probe: { requirements: ids, asked: ids, deciding: ids } },
    );
  const ACCEPTED = REFUSED.map((line) => (line.startsWith('S: 550') ? 'S: 250 ok' : line));
  const report = (domain: DomainEvidence, ...waivers: readonly object[]): DomainReport =>
    reportDomain(domain, runFacts([domain]), {
      waivers: parseWaivers(JSON.stringify(waivers), 'FILE'),
      today: '2026-01-02',
    });
  const sum = ({ judgements }: DomainReport): Judgement | undefined =>
    judgements.find(({ requirement }) => requirement === 'postmaster.every-mx');
  const waive = (host: string, until?: string): object => ({
    requirement: 'postmaster.bare',
    host,
    reason: `why ${host}`,
    ...(until === undefined ? {} : { until }),
  });

  test('where the other fails too, the domain violates, and so does the row that sums up', () => {
    const told = report(seen(REFUSED), waive('mx1.example.org'));
    assert.equal(told.verdict, 'violates');
    assert.match(told.because, /^mx2\.example\.org /);
    assert.equal(sum(told)?.waived, null);
  });

  test('where the other accepts, it conforms; the sum is waived with the reason', () => {
    const told = report(seen(ACCEPTED), waive('mx2.example.org'), waive('mx1.example.org', '2026-01-02'));
    assert.equal(told.verdict, 'conforms');
    assert.deepEqual(sum(told)?.waived, { reason: 'why mx1.example.org', until: '2026-01-02' });
  });

  test('of several the sum has the first reason, and the end of the first that ends', () => {
    const told = report(seen(REFUSED), waive('mx2.example.org', '2026-03-04'), waive('mx1.example.org', '2026-05-06'));
    assert.equal(told.verdict, 'conforms');
    assert.deepEqual(sum(told)?.waived, { reason: 'why mx1.example.org', until: '2026-03-04' });
  });

  test('the day after its last it counts again', () => {
    const told = report(seen(ACCEPTED), waive('mx1.example.org', '2026-01-01'));
    assert.equal(told.verdict, 'violates');
    assert.equal(sum(told)?.waived, null);
  });

  test('the sum can be waived by itself, which waives no more', () => {
    const told = report(seen(ACCEPTED), { requirement: 'postmaster.every-mx', reason: 'alone' });
    assert.deepEqual([told.verdict, sum(told)?.waived], ['violates', { reason: 'alone', until: null }]);
  });
});
