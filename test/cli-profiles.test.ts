// Profiles at the command line: the list, a profile as a file to start from, and that file as --profile.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { PROFILES } from '../src/requirements/profiles.js';
import { PLAIN, withHost } from './support/cli-host.js';
import { cliInThread } from './support/cli-in-thread.js';
import { openWorld } from './support/cli-world.js';
import { answering } from './support/smtp-peer.js';

const world = await openWorld();
const folder = mkdtempSync(join(tmpdir(), 'postmaster-check-'));
after(async () => {
  rmSync(folder, { recursive: true });
  await world.close();
});

interface Json {
  readonly probe: { readonly profile: string };
  readonly domains: readonly {
    readonly verdict: string;
    readonly judgements: readonly Record<string, unknown>[];
  }[];
}

const file = (name: string, profile: object): string => {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(profile));
  return path;
};

/** The report of one domain, and how the program ended. */
async function checked(words: readonly string[]): Promise<{ readonly code: number | null; readonly report: Json }> {
  const { code, stdout } = await cliInThread([...world.args, '--json', ...words]);
  return { code, report: JSON.parse(stdout) as Json };
}

const rowOf = ({ domains }: Json, id: string): Record<string, unknown> | undefined =>
  domains[0]?.judgements.find(({ requirement }) => requirement === id);

describe('profiles', { concurrency: 3 }, () => {
  test('lists them all, and is a command, never a domain', async () => {
    const [text, json] = await Promise.all([cliInThread(['profiles']), cliInThread(['profiles', '--json'])]);
    for (const name of PROFILES) assert.match(text.stdout, new RegExp(`^${name} +\\w`, 'm'));
    const { schemaVersion, profiles } = JSON.parse(json.stdout) as {
      schemaVersion: number;
      profiles: { name: string }[];
    };
    assert.deepEqual({ schemaVersion, names: profiles.map(({ name }) => name) }, { schemaVersion: 1, names: PROFILES });
    assert.deepEqual([text.code, text.stderr, json.code, json.stderr], [0, '', 0, '']);
  });

  test('tells what one holds and what decides in it, also of a file', async () => {
    const mine = file('told.json', { name: 'mine', requirements: { mx: true, 'postmaster.bare': 'warn' } });
    const [own, custom] = await Promise.all([cliInThread(['profiles', 'postmaster']), cliInThread(['profiles', mine])]);
    assert.match(own.stdout, /^Asked for, and decide\n {2}postmaster\.bare \(fails\)$/m);
    assert.match(own.stdout, /^Asked for, and decide nothing\n {2}postmaster\.null-sender \(fails\)$/m);
    assert.match(own.stdout, /^Judged where the replies show it, and decide nothing\n/m);
    assert.match(custom.stdout, /^mine: /);
    assert.match(custom.stdout, /^Asked for, and decide nothing\n {2}postmaster\.bare \(warns\)$/m);
  });

  const MISUSES: readonly (readonly [words: readonly string[], sentence: RegExp])[] = [
    [['profiles', 'nope'], /^"nope" is neither one of postmaster, .* nor a file$/],
    [['profiles', './nope'], /^cannot read \.\/nope: ENOENT/],
    [['profiles', file('as-json.json', { requirements: { mx: true } }), '--json'], /^--json prints a built-in profile/],
    [['x.example', '--profile', file('unknown.json', { requirements: { nope: true } })], /^profile custom: .* "nope"$/],
  ];
  for (const [words, sentence] of MISUSES) {
    test(`a misuse is one sentence: ${JSON.stringify(words.map((word) => word.replace(folder, '')))}`, async () => {
      const { code, stdout, stderr } = await cliInThread(words);
      assert.match(stderr.replace(/^postmaster-check: /, '').trimEnd(), sentence);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    });
  }
});

describe('--profile', { concurrency: 3 }, () => {
  test('with the file that "profiles postmaster --json" prints is the same as with the name', async () => {
    const { stdout } = await cliInThread(['profiles', 'postmaster', '--json']);
    const path = join(folder, 'postmaster.json');
    writeFileSync(path, stdout);
    const [own, fromFile] = await Promise.all([
      checked(['--profile', 'postmaster', 'bad.example']),
      checked(['--profile', path, 'bad.example']),
    ]);
    assert.equal(fromFile.code, own.code);
    assert.equal(fromFile.report.probe.profile, 'my-postmaster');
    const told = ({ domains }: Json): readonly string[] =>
      domains.flatMap(({ verdict, judgements }) => [
        verdict,
        ...judgements.map((one) => `${one['requirement']} ${one['verdict']}`),
      ]);
    assert.deepEqual(told(fromFile.report), told(own.report));
  });

  test('a violation that the file makes a warning of violates nothing, nor does what sums it up; replay agrees', async () => {
    const path = file('mild.json', {
      name: 'mild',
      extends: 'postmaster',
      requirements: { 'postmaster.domain': 'warn' },
    });
    const saved = join(folder, 'mild-evidence.json');
    const { code, report } = await checked(['--profile', path, '--save-evidence', saved, 'bad.example']);
    assert.deepEqual({ code, verdict: report.domains[0]?.verdict }, { code: 0, verdict: 'conforms' });
    for (const id of ['postmaster.domain', 'postmaster.every-mx']) {
      const { verdict, cause, adjusted } = rowOf(report, id) ?? {};
      assert.deepEqual(
        { verdict, cause, adjusted },
        { verdict: 'warn', cause: 'no-mailbox', adjusted: { from: 'fail', by: 'profile' } },
      );
    }
    const replayed = await cliInThread(['replay', '--json', saved]);
    assert.deepEqual((JSON.parse(replayed.stdout) as Json).domains, report.domains);
    const text = await cliInThread(['replay', saved]);
    assert.match(text.stdout, /^ {2}counts +no, because the profile says so: by the catalogue this is fail$/m);
    assert.deepEqual([replayed.code, text.code], [0, 0]);
  });

  test('one that the file turns off accuses nobody', async () => {
    const path = file('off.json', { extends: 'postmaster', requirements: { 'postmaster.domain': 'none' } });
    const { code, report } = await checked(['--profile', path, 'bad.example']);
    assert.equal(code, 0);
    assert.deepEqual(rowOf(report, 'postmaster.domain')?.['verdict'], 'not-applicable');
    assert.deepEqual(rowOf(report, 'postmaster.every-mx')?.['verdict'], 'not-applicable');
  });

  test('a warning that the file raises is a violation', () =>
    withHost(answering(PLAIN, '250 mx.example\r\n'), async (_, at) => {
      const path = file('raised.json', { extends: 'postmaster', requirements: { 'greeting.code': 'fail' } });
      const { code, stdout } = await cliInThread([...at, '--json', '--profile', path, 'good.example']);
      const { verdict, cause, adjusted } = rowOf(JSON.parse(stdout) as Json, 'greeting.code') ?? {};
      const raised = { verdict: 'fail', cause: 'wrong-code', adjusted: { from: 'warn', by: 'profile' } };
      assert.deepEqual({ code, verdict, cause, adjusted }, { code: 1, ...raised });
    }));

  test('but not where it is about us', async () => {
    const path = file('blocked.json', { requirements: { 'postmaster.any-system': 'fail', 'mx.usable': true } });
    const { code, report } = await checked(['--profile', path, 'blocks.example']);
    const { verdict, cause, adjusted } = rowOf(report, 'postmaster.any-system') ?? {};
    assert.deepEqual({ verdict, cause, adjusted }, { verdict: 'warn', cause: 'client-refused', adjusted: undefined });
    assert.notEqual(code, 1);
  });

  test('what it names of mailing lists, levels and rows is kept in the evidence', async () => {
    const requirements = { 'postmaster.domain': 'warn', 'mx.usable': true };
    const path = file('lists.json', { name: 'lists', requirements, mailingLists: ['users', 'devel'] });
    const saved = join(folder, 'lists-evidence.json');
    await checked(['--profile', path, '--save-evidence', saved, 'good.example']);
    const { domains } = JSON.parse(readFileSync(saved, 'utf8')) as {
      domains: readonly { probe: Record<string, unknown> }[];
    };
    const { profile, deciding, violations, mailingLists, everyViolationDecides } = domains[0]?.probe ?? {};
    assert.deepEqual(
      { profile, deciding, violations, mailingLists, everyViolationDecides },
      {
        profile: 'lists',
        deciding: ['mx.usable'],
        violations: { 'postmaster.domain': 'warn' },
        mailingLists: ['users', 'devel'],
        everyViolationDecides: true,
      },
    );
  });
});
