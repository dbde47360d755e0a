// Every exit code of the contract, through the real binary, and which of them wins: that is looked at in a thread, for
// each code but the first time.
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { cliInThread, type Cli } from './support/cli-in-thread.js';
import { cli } from './support/cli-run.js';
import { openWorld } from './support/cli-world.js';
import { freePort } from './support/smtp-peer.js';

const world = await openWorld();
after(() => world.close());

/** A name server that is not there: the port answers that it is closed. */
const DEAD_NAME_SERVER = ['--nameserver', `127.0.0.1:${await freePort()}`];
const host = (domain: string): readonly string[] => [
  '--ehlo',
  'probe.example',
  '--linger',
  '0.05',
  '--timeout',
  '5',
  '--host',
  `127.0.0.1:${world.port}`,
  domain,
];

const RUNS: readonly (readonly [words: readonly string[], code: number, why: string])[] = [
  [['good.example', 'exempt.example', 'null.example', 'nothing.example'], 0, 'exempt and not applicable are no fault'],
  [['half.example'], 0, 'a dead backup is no violation'],
  [['good.example', 'web.example'], 0, 'no MX and a closed port, where another connection of the run was answered'],
  [['good.example', '--only', 'mx.usable'], 0, 'only what is not asked of a mail host decides, and holds'],
  [['bad.example'], 1, 'violates'],
  [['bad.example', '--only', 'postmaster.every-mx'], 1, 'what sums up decides where nothing else does'],
  [['bad.example', 'grey.example', 'good.example'], 1, 'a violation wins over what could not be told'],
  [['bad.example', 'not..good'], 2, 'a bad domain in a list wins over a violation'],
  [['good.example', 'grey.example'], 3, 'one that could not be told wins over one that conforms'],
  [['web.example'], 3, 'no MX and a closed port, and no connection of the run was answered'],
  [['good.example', '-6'], 3, 'the addresses are left out'],
  [['-'], 3, 'nothing was judged: the list is empty'],
];

/** A transient negative, refused as a client, a refused connection, the DNS fails, no such domain. */
const UNTOLD = ['grey.example', 'blocks.example', 'dead.example', 'servfail.example', 'no-such-name.example'];

describe('an exit code says how it went', { concurrency: 3 }, () => {
  for (const [index, [words, code, why]] of RUNS.entries()) {
    const isFirst = RUNS.findIndex(([, other]) => other === code) === index;
    test(`${code}: ${why}`, () => expectCode([...world.args, ...words, '-q'], code, isFirst ? cli : cliInThread));
  }

  test('3: whatever could not be told', async () => {
    const args = [...world.args, '--timeout', '0.5', '--format', 'ndjson'];
    const { code, stdout } = await cli([...args, ...UNTOLD, 'silent.example']);
    const lines = stdout.trimEnd().split('\n');
    assert.deepEqual(
      lines.map((line) => (JSON.parse(line) as { readonly verdict: string }).verdict),
      Array.from({ length: UNTOLD.length + 1 }, () => 'inconclusive'),
    );
    assert.equal(code, 3);
  });

  test('3: a refused connection under --host', async () => {
    await expectCode(['--ehlo', 'probe.example', '-q', '--host', `127.0.0.1:${await freePort()}`, 'good.example'], 3);
  });

  test('3: no name server is asked under --host, so none can be missing', async () => {
    await expectCode([...DEAD_NAME_SERVER, ...host('grey.example'), '-q'], 3);
  });

  test('4: no name server answers', async () => {
    await expectCode([...DEAD_NAME_SERVER, '--ehlo', 'probe.example', '-q', 'good.example', 'fine.example'], 4, cli);
  });

  test('5: a fault of the program, said so, with where it was', async () => {
    const env = { NODE_OPTIONS: `--import=${BROKEN_CLOCK}` };
    const { code, stdout, stderr } = await cli([...world.args, 'good.example', 'not..good'], { env });
    assert.match(stderr, /^postmaster-check: a bug in this program, please report it: Error: no such hour\n +at /m);
    assert.deepEqual({ code, stdout }, { code: 5, stdout: '' });
  });
});

/** Breaks a builtin that every run needs, before the program is loaded. */
const BROKEN_CLOCK = `data:text/javascript,${encodeURIComponent(
  'Date.prototype.toISOString = () => { throw new Error("no such hour"); };',
)}`;

describe('--fail-on says what a non-zero exit code is for', { concurrency: 3 }, () => {
  const CASES: readonly (readonly [failOn: string, words: readonly string[], code: number])[] = [
    ['violation', ['bad.example'], 1],
    ['violation', ['grey.example'], 0],
    ['incomplete', ['half.example'], 3],
    ['incomplete', ['good.example', 'exempt.example', 'null.example'], 0],
    ['never', ['bad.example', 'grey.example'], 0],
    ['never', ['bad.example', 'not..good'], 2],
  ];
  for (const [failOn, words, code] of CASES) {
    test(`${failOn}, ${words.join(' ')}: ${code}`, () =>
      expectCode([...world.args, '-q', '--fail-on', failOn, ...words], code));
  }

  test('never, no name server answers: 4', () =>
    expectCode([...DEAD_NAME_SERVER, '--ehlo', 'probe.example', '-q', '--fail-on', 'never', 'good.example'], 4));
});

describe('--require-mail counts a domain without mail service as a violation', { concurrency: 3 }, () => {
  const CASES: readonly (readonly [words: readonly string[], code: number])[] = [
    [['good.example', 'null.example'], 1],
    [['exempt.example'], 1],
    [['grey.example', 'good.example'], 3],
  ];
  for (const [words, code] of CASES) {
    test(`${words.join(' ')}: ${code}`, () => expectCode([...world.args, '-q', '--require-mail', ...words], code));
  }
});

async function expectCode(args: readonly string[], expected: number, run: Cli = cliInThread): Promise<void> {
  const { code, stdout, stderr } = await run(args, { input: '' });
  assert.equal(code, expected, `${stdout}${stderr}`);
}
