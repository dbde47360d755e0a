// The main job through the real binary: which domains go in, what comes out of it on stdout and in files, and what is
// said on stderr.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { BINARY, cli } from './support/cli-run.js';
import { openWorld } from './support/cli-world.js';

const world = await openWorld();
const folder = mkdtempSync(join(tmpdir(), 'postmaster-check-'));
after(async () => {
  rmSync(folder, { recursive: true });
  await world.close();
});

interface JsonDomain extends Record<string, unknown> {
  readonly domain: string;
  readonly verdict: string;
}
interface JsonReport extends Record<string, unknown> {
  readonly domains: readonly JsonDomain[];
  readonly exitCode: number;
}

const keys = (value: unknown): readonly string[] => Object.keys(value as object);
const verdicts = (report: JsonReport): readonly string[] =>
  report.domains.map(({ domain, verdict }) => `${domain} ${verdict}`);

describe('domains in', { concurrency: 3 }, () => {
  test('arguments, @FILE and - in their order, comments and empty lines left out, a bad line told by its number', async () => {
    const list = join(folder, 'list.txt');
    writeFileSync(list, '\ufeff# our domains\r\n\r\nFINE.Example.   # the other one\r\nnot..good\r\nbad.example');
    const { code, stdout, stderr } = await cli(
      [...world.args, '--json', 'null.example', `@${list}`, '-', 'good.example'],
      {
        input: 'grey.example\n   \n# the end\n',
      },
    );
    const report = JSON.parse(stdout) as JsonReport;
    assert.deepEqual(verdicts(report), [
      'null.example not-applicable',
      'fine.example conforms',
      'bad.example violates',
      'grey.example inconclusive',
      'good.example conforms',
    ]);
    assert.deepEqual(report['totals'], {
      conforms: 2,
      violates: 1,
      inconclusive: 1,
      exempt: 0,
      'not-applicable': 1,
    });
    assert.equal(stderr, `postmaster-check: ${list}, line 4: "not..good" has an empty label\n`);
    assert.deepEqual({ code, exitCode: report.exitCode }, { code: 2, exitCode: 2 });
  });

  test('the output keeps the order of the input where a verdict has to wait for the rest of the run', async () => {
    const { stdout } = await cli([...world.args, '--format', 'ndjson', 'web.example', 'null.example', 'good.example']);
    const lines = stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as JsonDomain).domain),
      ['web.example', 'null.example', 'good.example'],
    );
  });

  test('user@domain with a note, any case, a trailing dot, U-labels', async () => {
    const { code, stdout, stderr } = await cli([
      ...world.args,
      '--json',
      'Someone@GOOD.example',
      'Fine.Example.',
      'MÜNCHEN.example',
    ]);
    const { domains } = JSON.parse(stdout) as JsonReport;
    const note = 'Someone@GOOD.example: the local-part is dropped, the domain is checked';
    assert.deepEqual(
      domains.map(({ domain, unicode, notes }) => ({ domain, unicode, notes })),
      [
        { domain: 'good.example', unicode: undefined, notes: [note] },
        { domain: 'fine.example', unicode: undefined, notes: undefined },
        { domain: 'xn--mnchen-3ya.example', unicode: 'münchen.example', notes: undefined },
      ],
    );
    assert.deepEqual({ code, stderr }, { code: 0, stderr: `postmaster-check: note: ${note}\n` });
    const wire = world.mailHost.connections.map(({ received }) => received).join('');
    assert.match(wire, /^RCPT TO:<Postmaster@xn--mnchen-3ya\.example>\r$/m);
    assert.doesNotMatch(wire, /someone|[^\x00-\x7f]/i);
  });

  test('check is the long name of the main job', async () => {
    const { code, stdout } = await cli(['check', ...world.args, '-q', 'good.example']);
    assert.match(stdout, /^good\.example conforms[^\n]*\n$/);
    assert.equal(code, 0);
  });
});

describe('JSON out', { concurrency: 3 }, () => {
  test('the document has the keys of the contract, and stdout nothing but the document', async () => {
    const { code, stdout, stderr } = await cli([...world.args, '--json', 'bad.example', 'null.example']);
    assert.deepEqual({ code, stderr }, { code: 1, stderr: '' });
    assert.ok(stdout.startsWith('{') && stdout.endsWith('}\n'));
    const report = JSON.parse(stdout) as JsonReport;
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    const { startedAt, durationMs, domains, ...rest } = report;
    assert.deepEqual(keys(report), [
      'schemaVersion',
      'tool',
      'startedAt',
      'durationMs',
      'probe',
      'domains',
      'totals',
      'exitCode',
    ]);
    assert.deepEqual(rest, {
      schemaVersion: 1,
      tool: { name: 'postmaster-check', version },
      probe: { ehlo: 'probe.example', reversePaths: ['<>'], port: world.port, profile: 'postmaster' },
      totals: { conforms: 0, violates: 1, inconclusive: 0, exempt: 0, 'not-applicable': 1 },
      exitCode: 1,
    });
    assert.equal(new Date(startedAt as string).toISOString(), startedAt);
    assert.equal(typeof durationMs, 'number');

    const [bad, nothing] = domains as readonly [JsonDomain, JsonDomain];
    const { judgements, sessions, because, ...domain } = bad;
    assert.deepEqual(keys(bad), ['domain', 'verdict', 'because', 'coverage', 'route', 'judgements', 'sessions']);
    assert.match(because as string, /550 5\.1\.1 User unknown/);
    assert.deepEqual(domain, {
      domain: 'bad.example',
      verdict: 'violates',
      coverage: { endpoints: 1, judged: 1 },
      route: {
        kind: 'mx',
        canonicalName: 'bad.example',
        hosts: [{ host: 'mx.mail.example', preference: 10, addresses: ['127.0.0.1'] }],
      },
    });

    const place = { host: 'mx.mail.example', address: '127.0.0.1', port: world.port };
    const source = { level: 'MUST', source: 'RFC 5321', section: '4.5.1', tier: 'core' };
    const rows = judgements as readonly Record<string, unknown>[];
    const row = (id: string): Record<string, unknown> => rows.find(({ requirement }) => requirement === id) ?? {};
    const { because: refused, exchanges: deciding, ...fails } = row('postmaster.domain');
    assert.match(refused as string, /550 5\.1\.1 User unknown/);
    assert.deepEqual(fails, {
      requirement: 'postmaster.domain',
      ...source,
      verdict: 'fail',
      cause: 'no-mailbox',
      ...place,
      waived: null,
    });
    assert.deepEqual((deciding as readonly unknown[])[0], {
      command: 'RCPT TO:<Postmaster@bad.example>',
      reply: { code: 550, enhanced: '5.1.1', lines: ['5.1.1 User unknown'] },
    });
    const { because: accepted, exchanges, ...passes } = row('postmaster.bare');
    assert.match(accepted as string, /250/);
    assert.deepEqual(passes, {
      requirement: 'postmaster.bare',
      ...source,
      verdict: 'pass',
      evidence: 'strong',
      ...place,
      waived: null,
    });
    assert.deepEqual((exchanges as readonly unknown[])[0], {
      command: 'RCPT TO:<Postmaster>',
      reply: { code: 250, enhanced: '2.1.5', lines: ['2.1.5 Ok'] },
    });
    const ofDns = row('mx.usable');
    assert.equal('host' in ofDns || 'address' in ofDns || 'port' in ofDns, false);

    const [session] = sessions as readonly { transcript: readonly Record<string, unknown>[]; startedAt: string }[];
    const { transcript = [], startedAt: sessionStartedAt = '', ...how } = session ?? {};
    assert.deepEqual(how, { ...place, purpose: 'probe', outcome: 'completed', tls: null });
    assert.equal(new Date(sessionStartedAt).toISOString(), sessionStartedAt);
    assert.deepEqual(
      transcript.slice(0, 2).map(({ from, line }) => ({ from, line })),
      [
        { from: 'host', line: '220 mx.mail.example ESMTP' },
        { from: 'probe', line: 'EHLO probe.example' },
      ],
    );
    assert.deepEqual(keys(transcript[0]), ['afterMs', 'from', 'line']);

    assert.deepEqual([nothing['coverage'], nothing['sessions']], [{ endpoints: 0, judged: 0 }, []]);
    assert.deepEqual(nothing['route'], { kind: 'null-mx', canonicalName: 'null.example', hosts: [] });
  });

  test('one run, several formats: a line of NDJSON is an element of domains with its version and tool', async () => {
    const path = (name: string): string => join(folder, name);
    const { code, stdout, stderr } = await cli([
      ...world.args,
      '-q',
      'half.example',
      'exempt.example',
      '-o',
      `json=${path('report.json')}`,
      '--output',
      `ndjson=${path('report.ndjson')}`,
      '-o',
      `text=${path('report.txt')}`,
    ]);
    assert.match(stdout, /^half\.example conforms[^\n]*\nexempt\.example is exempt[^\n]*\n/);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    const report = JSON.parse(readFileSync(path('report.json'), 'utf8')) as JsonReport;
    const { schemaVersion, tool } = report;
    const lines = readFileSync(path('report.ndjson'), 'utf8').split('\n');
    assert.deepEqual(
      lines.slice(0, -1).map((line) => JSON.parse(line) as unknown),
      report.domains.map((domain) => ({ schemaVersion, tool, ...domain })),
    );
    assert.equal(lines.at(-1), '');
    assert.match(readFileSync(path('report.txt'), 'utf8'), /^half\.example conforms/);
    const [half] = report.domains;
    assert.deepEqual(half?.['coverage'], { endpoints: 2, judged: 1 });
  });

  test('octets of a host come as they are in JSON, and escaped in text', async () => {
    const file = join(folder, 'escapes.json');
    const { stdout } = await cli([...world.args, '-v', 'escapes.example', '-o', `json=${file}`]);
    assert.equal(stdout.replaceAll('\n', '').search(/[^\x20-\x7e]/), -1);
    assert.match(stdout, /550 5\.1\.1 \\x1b\[2Jno\\x07such\\x9b user/);
    const octets = '550 5.1.1 \u001b[2Jno\u0007such\u009b user <b>&amp;\r::error::';
    const { domains } = JSON.parse(readFileSync(file, 'utf8')) as JsonReport;
    const sessions = domains[0]?.['sessions'] as { transcript: { line: string }[] }[] | undefined;
    assert.ok(sessions?.[0]?.transcript.some(({ line }) => line === octets));
  });

  test('a list without a domain is a whole document, too', async () => {
    const { code, stdout } = await cli([...world.args, '--json', '-'], { input: '# nobody\n' });
    const report = JSON.parse(stdout) as JsonReport;
    assert.deepEqual(
      { code, domains: report.domains, exitCode: report.exitCode },
      { code: 3, domains: [], exitCode: 3 },
    );
  });
});

describe('text out', { concurrency: 3 }, () => {
  test('the verdict first, and what a reply cannot prove last', async () => {
    const { stdout, stderr } = await cli([...world.args, 'good.example', 'bad.example']);
    assert.match(stdout, /^good\.example conforms/);
    assert.match(stdout, /\n\nbad\.example violates RFC 5321/);
    assert.match(stdout, /cannot prove that a person reads the mailbox/);
    assert.match(stdout, /\n2 domains: 1 conforms, 1 violates\.\n$/);
    assert.doesNotMatch(stdout, /^C: EHLO/m);
    assert.equal(stderr, '');
    assert.deepEqual(
      stdout.split('\n').filter((line) => line.length > 80),
      [],
    );
  });

  test('-v shows the transcripts, -q one line a domain', async () => {
    const [verbose, quiet] = await Promise.all([
      cli([...world.args, '-v', 'good.example']),
      cli([...world.args, '-q', 'good.example', 'bad.example', 'null.example']),
    ]);
    assert.match(verbose.stdout, /C: EHLO probe\.example/);
    assert.match(verbose.stdout, /C: QUIT/);
    assert.match(
      quiet.stdout,
      /^good\.example [^\n]*\nbad\.example [^\n]*\nnull\.example [^\n]*\n3 domains: [^\n]*\n$/,
    );
  });

  const COLOURS: readonly (readonly [words: readonly string[], env: Readonly<Record<string, string>>])[] = [
    [[], { FORCE_COLOR: '3', TERM: 'xterm' }],
    [['--no-color'], { FORCE_COLOR: '1' }],
  ];
  for (const [words, env] of COLOURS) {
    test(`no colour where it is no terminal: ${JSON.stringify([words, env])}`, async () => {
      const { stdout, code } = await cli([...world.args, ...words, 'bad.example'], { env });
      assert.equal(code, 1);
      assert.equal(stdout.includes('\u001b'), false);
    });
  }

  const SCRIPT = 'script';
  const terminal = (words: readonly string[], env: Readonly<Record<string, string>>) => {
    const command = [process.execPath, BINARY, ...words].map((word) => `'${word}'`).join(' ');
    return cli(['-qec', command, '/dev/null'], { env, command: [SCRIPT] });
  };
  const hasScript = spawnSync(SCRIPT, ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true;
  test('on a terminal there is colour, and progress after a second', { skip: !hasScript }, async () => {
    const words = [...world.args, '-q', '--timeout', '1.5', 'silent.example'];
    const [plain, coloured] = await Promise.all([
      terminal(words, { TERM: 'xterm', NO_COLOR: '1' }),
      terminal(words, { TERM: 'xterm' }),
    ]);
    const progress = '\r\u001b[Ksilent.example: talking to mx.mail.example [127.0.0.1]';
    for (const { stdout } of [plain, coloured]) assert.ok(stdout.startsWith(progress), JSON.stringify(stdout));
    const report = (stdout: string): string => stdout.slice(stdout.lastIndexOf('\r\u001b[K') + 4);
    assert.match(report(plain.stdout), /^silent\.example is inconclusive: /);
    assert.match(report(coloured.stdout), /^\u001b\[\d+m/);
  });
});
