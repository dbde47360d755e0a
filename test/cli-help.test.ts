// The commands that probe nobody: help, --version, requirements, schema.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { CATALOGUE } from '../src/requirements/index.js';
import type { Requirement } from '../src/requirements/requirement.js';
import { cliInThread, type Cli } from './support/cli-in-thread.js';
import { cli } from './support/cli-run.js';

const said = (...words: readonly string[]): Promise<string> => saidBy(cliInThread, words);

async function saidBy(run: Cli, words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(words);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, words.join(' '));
  return stdout;
}

/** A row without its rule. */
function textOf(row: Requirement): object {
  return Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'scope' && name !== 'judge'));
}

/** Options of check that the contract names and that work. */
const CHECK_OPTIONS = `
  nameserver port host served-domain ipv4 ipv6 allow-private ehlo mail-from starttls no-pipelining timeout rfc-timeouts
  max-time retries retry-after linger no-controls concurrency pause profile only skip intrusive deliver yes strict waive
  baseline write-baseline format json output verbose quiet no-color fail-on require-mail save-evidence progress dry-run
`
  .trim()
  .split(/\s+/);

describe('help and version', { concurrency: 3 }, () => {
  test('--version is one line, the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    assert.deepEqual([await saidBy(cli, ['--version']), await said('-V')], [`${version}\n`, `${version}\n`]);
  });

  test('--help names every option, every command and every exit code', async () => {
    const help = await saidBy(cli, ['--help']);
    assert.deepEqual(
      CHECK_OPTIONS.filter((option) => !new RegExp(`--${option}\\b`).test(help)),
      [],
    );
    for (const command of ['check', 'replay', 'requirements', 'profiles', 'demo', 'schema']) {
      assert.match(help, new RegExp(`^ +${command}\\b`, 'm'));
    }
    const codes = /Exit codes:([\s\S]*)$/.exec(help)?.[1] ?? '';
    assert.deepEqual(codes.match(/\d+/g), ['0', '1', '2', '3', '4', '5', '130']);
    assert.equal(help.includes('\u001b'), false);
  });

  test('a command has help of its own, asked for in either way', async () => {
    const [one, other] = await Promise.all([said('replay', '--help'), said('help', 'replay')]);
    assert.match(one, /^Usage: postmaster-check replay /);
    assert.equal(other, one);
  });
});

describe('requirements', { concurrency: 3 }, () => {
  test('lists every row by its id', async () => {
    const list = await said('requirements');
    for (const { id } of CATALOGUE) assert.ok(list.includes(id), id);
    assert.equal(list.includes('\u001b'), false);
  });

  test('--json lists exactly the catalogue', async () => {
    const { schemaVersion, requirements, ...rest } = JSON.parse(await said('requirements', '--json')) as {
      schemaVersion: number;
      requirements: readonly object[];
    };
    const expected = CATALOGUE.map(textOf);
    assert.deepEqual({ schemaVersion, rest, requirements }, { schemaVersion: 1, rest: {}, requirements: expected });
  });

  test('explains a row: level, section, quote, what is sent, how replies are read, why it matters, how to fix it', async () => {
    const folded = (await said('requirements', 'postmaster.bare')).replaceAll(/\s+/g, ' ');
    const row = CATALOGUE.find(({ id }) => id === 'postmaster.bare');
    assert.ok(row !== undefined);
    const { level, source, probe, readings, rationale, remedy } = row;
    const words = [level, source.section, source.quote, probe, rationale, ...Object.values(remedy)];
    for (const part of [...words, ...readings.map(({ when }) => when)]) {
      assert.ok(folded.includes(part.replaceAll(/\s+/g, ' ')), part);
    }
  });

  test('takes an id, a group or a section', async () => {
    const ids = async (...selectors: readonly string[]): Promise<readonly string[]> => {
      const { requirements } = JSON.parse(await said('requirements', '--json', ...selectors)) as {
        requirements: readonly { id: string }[];
      };
      return requirements.map(({ id }) => id);
    };
    const [one, group, section] = await Promise.all([
      ids('mx.ipv6', 'postmaster.bare', 'mx.ipv6'),
      ids('connect'),
      ids('RFC 7505 3'),
    ]);
    assert.deepEqual(one, ['postmaster.bare', 'mx.ipv6']);
    assert.deepEqual(
      group,
      CATALOGUE.filter((row) => row.group === 'connect' || row.id.startsWith('connect.')).map(({ id }) => id),
    );
    const inSection = CATALOGUE.filter(({ source }) => source.document === 'RFC 7505' && source.section === '3');
    assert.deepEqual(
      section,
      inSection.map(({ id }) => id),
    );
  });

  test('--markdown names every row', async () => {
    const text = await said('requirements', '--markdown');
    for (const { id } of CATALOGUE) assert.ok(text.includes(id), id);
  });
});
