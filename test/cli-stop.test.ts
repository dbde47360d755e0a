// How a run ends before it is done: Ctrl-C, the end of --max-time, a reader that goes away. And that one which is done
// ends by itself, at once.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { BINARY, cli, startCli } from './support/cli-run.js';
import { openWorld, type World } from './support/cli-world.js';
import { startPeer, type Peer } from './support/smtp-peer.js';

const folder = mkdtempSync(join(tmpdir(), 'postmaster-check-'));
after(() => rmSync(folder, { recursive: true }));

const SILENT_RCPT = 'RCPT TO:<Postmaster@silent.example>';

/** Each test has a world of its own: it looks at what was said to the mail host. */
async function withWorld(run: (world: World) => Promise<void>): Promise<void> {
  const world = await openWorld();
  try {
    await run(world);
  } finally {
    await world.close();
  }
}

/** Waits until the mail host has heard this. */
async function heard({ connections }: Peer, what: string): Promise<void> {
  while (!connections.some(({ received }) => received.includes(what))) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

interface Report {
  readonly exitCode: number;
  readonly domains: readonly { readonly domain: string; readonly verdict: string }[];
}

describe('a run that is stopped', { concurrency: 4 }, () => {
  test('Ctrl-C: what is finished is reported, an open session ends with QUIT, exit code 130', () =>
    withWorld(async (world) => {
      const evidence = join(folder, 'interrupted.json');
      const args = [...world.args, '--json', '--save-evidence', evidence, '--timeout', '12'];
      const run = startCli([...args, 'bad.example', 'not..good', 'silent.example']);
      await heard(world.mailHost, SILENT_RCPT);
      const stoppedAt = performance.now();
      run.child.kill('SIGINT');
      await heard(world.mailHost, `${SILENT_RCPT}\r\nQUIT\r\n`);
      assert.ok(performance.now() - stoppedAt < 2_000);
      const { code, stdout, stderr } = await run.ended;
      assert.ok(performance.now() - stoppedAt < 4_000);

      const report = JSON.parse(stdout) as Report;
      assert.deepEqual(
        { code, exitCode: report.exitCode, domains: report.domains.map(({ domain, verdict }) => [domain, verdict]) },
        {
          code: 130,
          exitCode: 130,
          domains: [
            ['bad.example', 'violates'],
            ['silent.example', 'inconclusive'],
          ],
        },
      );
      assert.equal(
        stderr,
        'postmaster-check: "not..good" has an empty label\n\npostmaster-check: stopping; once more to end at once\n',
      );

      const saved = JSON.parse(readFileSync(evidence, 'utf8')) as {
        domains: { domain: string; interrupted: boolean }[];
      };
      assert.deepEqual(
        saved.domains.map(({ domain, interrupted }) => [domain, interrupted]),
        [
          ['bad.example', false],
          ['silent.example', true],
        ],
      );
    }));

  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    test(`${signal} ends it as politely`, () =>
      withWorld(async (world) => {
        const run = startCli([...world.args, '-q', 'silent.example']);
        await heard(world.mailHost, SILENT_RCPT);
        run.child.kill(signal);
        const { code, stdout } = await run.ended;
        assert.match(stdout, /^silent\.example is inconclusive/);
        assert.equal(code, 130);
        assert.match(world.mailHost.connections[0]?.received ?? '', /QUIT\r\n$/);
      }));
  }

  test('a domain that was not begun is not reported', () =>
    withWorld(async (world) => {
      const run = startCli([
        ...world.args,
        '-q',
        '--concurrency',
        '1',
        'silent.example',
        'good.example',
        'fine.example',
      ]);
      await heard(world.mailHost, SILENT_RCPT);
      run.child.kill('SIGINT');
      const { code, stdout } = await run.ended;
      assert.doesNotMatch(stdout, /conforms|fine\.example/);
      assert.equal(code, 130);
      assert.equal(world.mailHost.connections.length, 1);
    }));

  test('a second Ctrl-C ends it at once, although the host does not answer QUIT', async () => {
    const mute = await startPeer((host) => host.say('220 mute.example ESMTP\r\n'));
    try {
      const run = startCli(['--ehlo', 'probe.example', '--host', `127.0.0.1:${mute.port}`, 'good.example']);
      await heard(mute, 'EHLO');
      run.child.kill('SIGINT');
      await heard(mute, 'QUIT');
      const stoppedAt = performance.now();
      run.child.kill('SIGINT');
      const { code } = await run.ended;
      assert.equal(code, 130);
      assert.ok(performance.now() - stoppedAt < 1_000);
    } finally {
      await mute.close();
    }
  });

  test('--max-time: no new command after it, QUIT to what is open, and the rest is inconclusive', () =>
    withWorld(async (world) => {
      const args = [...world.args, '--json', '--max-time', '2.5', '--timeout', '12', '--concurrency', '2'];
      const { code, stdout, ms } = await cli([...args, 'silent.example', 'fine.example', 'good.example']);
      const { domains, exitCode } = JSON.parse(stdout) as Report;
      assert.deepEqual(
        { code, exitCode, domains: domains.map(({ domain, verdict }) => `${domain} ${verdict}`) },
        {
          code: 3,
          exitCode: 3,
          domains: ['silent.example inconclusive', 'fine.example inconclusive', 'good.example inconclusive'],
        },
      );
      assert.ok(ms < 8_000, `${ms} ms`);
      assert.match(world.mailHost.connections[0]?.received ?? '', /RCPT TO:<Postmaster@silent\.example>\r\nQUIT\r\n$/);
    }));
});

describe('a reader that goes away', { concurrency: 4 }, () => {
  test('the run ends at once, without a word, and takes leave of the host', () =>
    withWorld(async (world) => {
      const run = startCli([...world.args, '--timeout', '12', 'null.example', 'silent.example']);
      run.child.stdout?.destroy();
      const { stderr, ms } = await run.ended;
      assert.equal(stderr, '');
      assert.ok(ms < 8_000, `${ms} ms`);
      assert.equal(run.child.signalCode, null);
      assert.notEqual(run.child.exitCode, 5);
    }));

  test('| head -1', () =>
    withWorld(async (world) => {
      const command = ['sh', '-c', '"$0" "$@" | head -1', process.execPath, BINARY];
      const { stdout, stderr, code } = await cli([...world.args, 'good.example', 'bad.example', 'grey.example'], {
        command,
      });
      assert.match(stdout, /^good\.example conforms[^\n]*\n$/);
      assert.deepEqual({ stderr, code }, { stderr: '', code: 0 });
    }));

  const QUICK = [['--version'], ['--help'], ['requirements', '--json']];
  for (const words of QUICK) {
    test(`${words.join(' ')}, and nobody reads it`, async () => {
      const run = startCli(words);
      run.child.stdout?.destroy();
      const { code, stderr } = await run.ended;
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    });
  }

  test('--dry-run, and nobody reads it', () =>
    withWorld(async (world) => {
      const run = startCli([...world.args, '--dry-run', 'good.example', 'bad.example']);
      run.child.stdout?.destroy();
      const { code, stderr } = await run.ended;
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
    }));

  test('stderr is closed: the report is still whole, and so is the exit code', () =>
    withWorld(async (world) => {
      const run = startCli([...world.args, '-q', 'postmaster@good.example', 'not..good']);
      run.child.stderr?.destroy();
      const { code, stdout } = await run.ended;
      assert.match(stdout, /^good\.example conforms[^\n]*\n$/);
      assert.equal(code, 2);
    }));
});

describe('a run that is done ends by itself', { concurrency: 4 }, () => {
  test('no timer or socket keeps it alive', () =>
    withWorld(async (world) => {
      const run = startCli([
        ...world.args,
        '--timeout',
        '60',
        '--max-time',
        '60',
        '-q',
        'good.example',
        'exempt.example',
      ]);
      if (run.child.stdout !== null) await once(run.child.stdout, 'data');
      await run.child.stdout?.toArray().catch(() => undefined); // to its end: all is written
      const saidAt = performance.now();
      const { code } = await run.ended;
      assert.equal(code, 0);
      assert.ok(performance.now() - saidAt < 1_500);
    }));

  test('while it works, nothing is said on a stderr that is no terminal', () =>
    withWorld(async (world) => {
      const { stderr, ms } = await cli([...world.args, '-q', '--timeout', '1.5', 'silent.example']);
      assert.ok(ms > 1_500);
      assert.equal(stderr, '');
    }));

  test('with --progress it is said there, too', () =>
    withWorld(async (world) => {
      const { stderr, stdout } = await cli([...world.args, '-q', '--progress', '--timeout', '1.5', 'silent.example']);
      assert.match(stderr, /^silent\.example: talking to mx\.mail\.example \[127\.0\.0\.1\]\n$/);
      assert.match(stdout, /^silent\.example is inconclusive[^\n]*\n$/);
    }));
});
