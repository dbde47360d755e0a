// --save-evidence and replay: what was seen in a run, kept in a file, gives the same judgements again, without network.
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { cli } from './support/cli-run.js';
import { openWorld } from './support/cli-world.js';

const folder = mkdtempSync(join(tmpdir(), 'postmaster-check-'));
after(() => rmSync(folder, { recursive: true }));
const EVIDENCE = join(folder, 'evidence.json');
const DOMAINS = ['good.example', 'bad.example', 'exempt.example', 'grey.example', 'null.example', 'web.example'];

type Json = Record<string, unknown>;
const read = (path: string): Json => JSON.parse(readFileSync(path, 'utf8')) as Json;
const withoutTimes = (report: Json): Json => ({ ...report, startedAt: null, durationMs: null });

/** Every way out into the network, broken before the program is loaded. */
const NO_NETWORK = `data:text/javascript,${encodeURIComponent(`
  import dgram from 'node:dgram';
  import dns from 'node:dns';
  import net from 'node:net';
  import { syncBuiltinESMExports } from 'node:module';
  const forbidden = () => { throw new Error('the network is forbidden'); };
  net.Socket.prototype.connect = net.connect = net.createConnection = dgram.createSocket = dns.lookup = forbidden;
  dns.promises.lookup = dns.promises.Resolver = dns.Resolver = forbidden;
  syncBuiltinESMExports();
`)}`;
const offline = { env: { NODE_OPTIONS: `--import=${NO_NETWORK}` } };

const live: Record<'report' | 'quiet', string> = { report: '', quiet: '' };
before(async () => {
  const world = await openWorld();
  const quiet = join(folder, 'quiet.txt');
  const args = [...world.args, '--save-evidence', EVIDENCE, '--json', '-o', `text=${quiet}`, '-q'];
  const { stdout, code } = await cli([...args, ...DOMAINS]).finally(() => world.close());
  assert.equal(code, 1);
  live.report = stdout;
  live.quiet = readFileSync(quiet, 'utf8');
});

describe('replay', { concurrency: 3 }, () => {
  test('tells the same as the run did, byte for byte but for the times of the run', async () => {
    const { stdout, stderr, code } = await cli(['replay', '--json', EVIDENCE], offline);
    assert.deepEqual({ code, stderr }, { code: 1, stderr: '' });
    assert.deepEqual(withoutTimes(JSON.parse(stdout) as Json), withoutTimes(JSON.parse(live.report) as Json));
    const again = await cli(['replay', '--json', EVIDENCE], offline);
    const times = /"startedAt": ".*",\n {2}"durationMs": \d+/;
    assert.equal(again.stdout.replace(times, ''), stdout.replace(times, ''));
  });

  test('tells it as text, and takes the options of a report', async () => {
    const path = join(folder, 'replayed.ndjson');
    const args = ['replay', '-q', '--fail-on', 'never', '-o', `ndjson=${path}`, EVIDENCE];
    const { stdout, stderr, code } = await cli(args, offline);
    assert.deepEqual({ code, stderr, stdout }, { code: 0, stderr: '', stdout: live.quiet });
    assert.equal(readFileSync(path, 'utf8').trimEnd().split('\n').length, DOMAINS.length);
  });

  test('the network is really out of reach in these tests', async () => {
    const { code, stderr } = await cli(['--host', '127.0.0.1:1', '--ehlo', 'probe.example', 'good.example'], offline);
    assert.deepEqual([code, stderr.includes('the network is forbidden')], [5, true]);
  });

  test('reads several files, and standard input', async () => {
    const input = readFileSync(EVIDENCE, 'utf8');
    const { stdout, code } = await cli(['replay', '--json', EVIDENCE, '-'], { ...offline, input });
    const { domains } = JSON.parse(stdout) as { domains: readonly { domain: string }[] };
    assert.deepEqual(
      domains.map(({ domain }) => domain),
      [...DOMAINS, ...DOMAINS],
    );
    assert.equal(code, 1);
  });

  const text = (): string => readFileSync(EVIDENCE, 'utf8');
  const DAMAGES: readonly (readonly [what: string, damage: () => string, sentence: RegExp])[] = [
    ['cut', () => text().slice(0, -200), /is no JSON$/],
    ['empty', () => '', /is no JSON$/],
    ['a report', () => live.report, /is no evidence file: kind is not /],
    ['newer', () => text().replace('"schemaVersion": 1', '"schemaVersion": 2'), /newer version \(schemaVersion 2\)/],
    ['a port in words', () => text().replace(/"port": \d+/, '"port": "smtp"'), /: domains\[0\]\.probe\.port is not /],
    ['another word', () => text().replace('"hello": "EHLO"', '"hello": "\\u001b]0;EHLO"'), /\.plan\.hello is not /],
  ];
  for (const [what, damage, sentence] of DAMAGES) {
    test(`a file that is damaged (${what}) is told in a sentence, exit code 2`, async () => {
      const path = join(folder, `${what}.json`);
      writeFileSync(path, damage());
      const { code, stdout, stderr } = await cli(['replay', '--json', path], offline);
      assert.match(stderr, /^postmaster-check: [\x20-\x7e]+\n$/);
      assert.match(stderr.trimEnd(), sentence);
      assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
    });
  }
});

test('the file is written whole, and nothing is left beside it', () => {
  const { schemaVersion, kind, domains } = read(EVIDENCE) as { schemaVersion: number; kind: string; domains: Json[] };
  assert.deepEqual(
    { schemaVersion, kind, domains: domains.map(({ domain }) => domain) },
    { schemaVersion: 1, kind: 'evidence', domains: DOMAINS },
  );
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.part')),
    [],
  );
});
