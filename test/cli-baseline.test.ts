// --baseline and --write-baseline: what was there before does not count, what is new does, what is gone is told.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Baseline, encodeBaseline, parseBaseline, type KnownViolation } from '../src/report/baseline.js';
import type { Judgement } from '../src/report/report.js';
import { UsageError } from '../src/smtp/usage-error.js';
import { cliInThread } from './support/cli-in-thread.js';
import { openWorld } from './support/cli-world.js';

const folder = mkdtempSync(join(tmpdir(), 'postmaster-check-'));
after(() => rmSync(folder, { recursive: true }));
const path = (name: string): string => join(folder, name);
const EVIDENCE = path('evidence.json');
const WRITTEN = path('baseline.json');

const MX = { host: 'mx.mail.example', cause: 'no-mailbox' };
const BAD: KnownViolation = { domain: 'bad.example', requirement: 'postmaster.domain', ...MX };
const BAD_SUM: KnownViolation = { ...BAD, host: null, requirement: 'postmaster.every-mx' };
const ESCAPES: KnownViolation = { ...BAD, domain: 'escapes.example' };
const write = (name: string, ...violations: readonly KnownViolation[]): string => {
  writeFileSync(path(name), encodeBaseline(new Baseline(violations)));
  return path(name);
};
const read = (name: string): readonly KnownViolation[] =>
  parseBaseline(readFileSync(path(name), 'utf8'), name).violations;
const replay = (...words: readonly string[]): ReturnType<typeof cliInThread> =>
  cliInThread(['replay', '--fail-on', 'violation', EVIDENCE, ...words]);

const live = { stderr: '', code: 0 as number | null };
before(async () => {
  const world = await openWorld();
  const args = [...world.args, '-q', '--save-evidence', EVIDENCE, '--write-baseline', WRITTEN];
  const { stderr, code } = await cliInThread([
    ...args,
    'escapes.example',
    'good.example',
    'grey.example',
    'servfail.example',
    'bad.example',
  ]).finally(() => world.close());
  Object.assign(live, { stderr, code });
});

describe('a baseline', { concurrency: 3 }, () => {
  test('is written sorted, a violation a line, of hosts and not of addresses; the exit code is that of the run', () => {
    const lines = [BAD_SUM, BAD, { ...BAD_SUM, domain: 'escapes.example' }, ESCAPES].map(
      ({ domain, host, requirement, cause }) => JSON.stringify({ domain, host, requirement, cause }),
    );
    assert.equal(
      readFileSync(WRITTEN, 'utf8'),
      `{\n  "schemaVersion": 1,\n  "kind": "baseline",\n  "violations": [\n    ${lines.join(',\n    ')}\n  ]\n}\n`,
    );
    assert.equal(live.stderr, `postmaster-check: 4 violations written to ${WRITTEN}\n`);
    assert.equal(live.code, 1);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.part')),
      [],
    );
  });

  test('makes what it knows count no more, and shows it', async () => {
    const { stdout, stderr, code } = await replay('--baseline', WRITTEN);
    const folded = stdout.replaceAll(/\s+/g, ' ');
    assert.match(
      folded,
      /bad\.example conforms: what counts holds at \S+ \[127\.0\.0\.1\]; 1 finding is known \(baseline\) /,
    );
    assert.match(stdout, /^known {2}Postmaster@domain accepted$/m);
    assert.match(stdout, /^ {2}counts +no: known \(baseline\)$/m);
    assert.deepEqual({ stderr, code }, { stderr: '', code: 0 });
  });

  test('what is new counts, and what only sums up what is known does not', async () => {
    const { stdout, code } = await replay('--json', '--baseline', write('one.json', BAD));
    const { domains } = JSON.parse(stdout) as {
      readonly domains: readonly { domain: string; verdict: string; judgements: readonly Judgement[] }[];
    };
    const told = domains.map(({ domain, verdict, judgements }) => [
      domain,
      verdict,
      ...judgements
        .filter((one) => one.verdict === 'fail')
        .map(({ requirement, baseline }) => `${requirement} ${baseline}`),
    ]);
    assert.deepEqual(told, [
      ['escapes.example', 'violates', 'postmaster.domain new', 'postmaster.every-mx new'],
      ['good.example', 'conforms'],
      ['grey.example', 'inconclusive'],
      ['servfail.example', 'inconclusive'],
      ['bad.example', 'conforms', 'postmaster.domain known', 'postmaster.every-mx known'],
    ]);
    assert.equal(code, 1);
  });

  test('the same requirement at another host, or for another reason, is new', async () => {
    const files = [
      write('host.json', { ...BAD, host: 'mx2.example' }),
      write('cause.json', { ...BAD, cause: 'syntax' }),
    ];
    for (const { code } of await Promise.all(files.map((one) => replay('-q', '--baseline', one))))
      assert.equal(code, 1);
  });

  const GONE: KnownViolation = { ...BAD, domain: 'good.example', cause: 'relay-denied' };
  const OPEN: KnownViolation = { ...BAD, domain: 'grey.example' };
  const UNKNOWN: KnownViolation = { ...BAD, domain: 'servfail.example' };
  const MOVED: KnownViolation = { ...GONE, host: 'mx.old.example' };
  const ELSEWHERE: KnownViolation = { ...BAD, domain: 'elsewhere.example' };
  test('what is gone is told and taken out; what could not be told, or was not asked, stays', async () => {
    const file = write('old.json', GONE, MOVED, OPEN, UNKNOWN, ELSEWHERE);
    const { stderr } = await replay('-q', '--baseline', file, '--write-baseline', file);
    assert.equal(
      stderr,
      `postmaster-check: note: ${file}: no longer there: good.example mx.mail.example postmaster.domain relay-denied\n` +
        `postmaster-check: note: ${file}: no longer there: good.example mx.old.example postmaster.domain relay-denied\n` +
        `postmaster-check: 7 violations written to ${file}\n`,
    );
    const kept = read('old.json').map(({ domain, requirement }) => `${domain} ${requirement}`);
    assert.deepEqual(kept, [
      'bad.example postmaster.every-mx',
      'bad.example postmaster.domain',
      'elsewhere.example postmaster.domain',
      'escapes.example postmaster.every-mx',
      'escapes.example postmaster.domain',
      'grey.example postmaster.domain',
      'servfail.example postmaster.domain',
    ]);
  });

  test('what is waived is not written', async () => {
    const waivers = path('waivers.json');
    writeFileSync(waivers, JSON.stringify([{ requirement: 'postmaster', domain: 'bad.example', reason: 'r' }]));
    await replay('-q', '--waive', waivers, '--write-baseline', path('rest.json'));
    assert.deepEqual(new Set(read('rest.json').map(({ domain }) => domain)), new Set(['escapes.example']));
  });

  const DAMAGES: readonly (readonly [text: string, sentence: RegExp])[] = [
    ['{', /^FILE is no JSON$/],
    ['{"violations":[]}', /^FILE is no baseline: schemaVersion is not /],
    ['{"schemaVersion":1,"kind":"evidence"}', /^FILE is no baseline: kind is not one of baseline$/],
    ['{"schemaVersion":1,"kind":"baseline","violations":[{}]}', /: violations\[0\]\.domain is not a string$/],
    ['{"schemaVersion":2,"kind":"baseline"}', /newer version \(schemaVersion 2\)/],
  ];
  for (const [text, sentence] of DAMAGES) {
    test(`a file that is none is told in a sentence: ${text}`, () => {
      assert.throws(
        () => parseBaseline(text, 'FILE'),
        (error) => error instanceof UsageError && sentence.test(error.message),
      );
    });
  }

  test('a place that cannot be written is a usage error before anything is probed', async () => {
    for (const [place, why] of [
      [path('no/such/place'), 'ENOENT'],
      [folder, 'it is a directory'],
    ] as const) {
      const { code, stdout, stderr } = await cliInThread([
        '--host',
        '127.0.0.1:1',
        'x.example',
        '--write-baseline',
        place,
      ]);
      assert.ok(stderr.startsWith(`postmaster-check: cannot write ${place}: ${why}`), stderr);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    }
  });
});
