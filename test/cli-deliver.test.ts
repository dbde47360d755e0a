// --deliver asks before it sends: on a terminal, or not at all without --yes.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, test } from 'node:test';
import { PLAIN, withHost } from './support/cli-host.js';
import { BINARY, cli } from './support/cli-run.js';
import { answering } from './support/smtp-peer.js';

const SCRIPT = 'script';
const hasScript = spawnSync(SCRIPT, ['--version'], { encoding: 'utf8' }).stdout?.includes('util-linux') === true;

/** Runs the program on a terminal of its own, where this is typed. */
function onTerminal(typed: string, words: readonly string[]): ReturnType<typeof cli> {
  const command = [process.execPath, BINARY, ...words].map((word) => `'${word}'`).join(' ');
  return cli(['-qec', command, '/dev/null'], { command: [SCRIPT], input: typed });
}

describe('--deliver', { concurrency: 3 }, () => {
  test('without a terminal wants --yes, and connects to nobody', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const { code, stdout, stderr } = await cli([...at, '--deliver', 'a.example']);
      assert.equal(
        stderr,
        'postmaster-check: --deliver sends a message: add --yes where nobody can be asked on a terminal\n',
      );
      assert.deepEqual({ code, stdout, connections: peer.connections.length }, { code: 2, stdout: '', connections: 0 });
    }));

  test('with --yes, or where nothing is sent anyway, asks nobody', () =>
    withHost(answering(PLAIN), async (_, at) => {
      for (const word of ['--yes', '--dry-run']) {
        const { code, stderr } = await cli([...at, '--deliver', word, 'a.example']);
        assert.deepEqual({ code, stderr }, { code: 0, stderr: '' }, word);
      }
    }));

  test('asks nobody where no requirement of the run sends a message', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const { code, stderr } = await cli([...at, '--deliver', '--only', 'quit', '-q', 'a.example']);
      assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
      assert.ok(peer.connections.every(({ received }) => !received.includes('DATA')));
    }));

  test('where no mail host takes the recipient, the report says that nothing was sent', () =>
    withHost(answering({ ...PLAIN, RCPT: '550 5.1.1 no\r\n' }), async (_, at) => {
      const words = [...at, '--deliver', '--yes', '--only', 'postmaster.deliver', 'a.example'];
      const { stdout } = await cli(words);
      assert.match(stdout, /^- No message was sent: no mail host took the recipient\.$/m);
      assert.doesNotMatch(stdout, /Select it with --only/);
      const without = await cli([...at, '--only', 'quit.221', 'a.example']);
      assert.doesNotMatch(without.stdout, /message was sent/);
    }));

  test('--dry-run says that a message would be sent, and to whom', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const told = /^ {2}then one message to <Postmaster@a\.example>/m;
      const { stdout } = await cli([...at, '--deliver', '--dry-run', 'a.example']);
      assert.match(stdout, told);
      const without = await cli([...at, '--deliver', '--dry-run', '--only', 'quit', 'a.example']);
      assert.doesNotMatch(without.stdout, told);
      assert.equal(peer.connections.length, 0);
    }));

  for (const typed of ['n\n', '\n']) {
    test(`on a terminal ${JSON.stringify(typed)} is no`, { skip: !hasScript }, () =>
      withHost(answering(PLAIN), async (peer, at) => {
        const { code, stdout } = await onTerminal(typed, [...at, '--deliver', 'a.example', 'b.example']);
        assert.match(stdout, /Send one message each to <Postmaster@a\.example>, <Postmaster@b\.example>\? \[y\/N\] /);
        assert.match(stdout, /postmaster-check: nothing was sent: --deliver was not confirmed/);
        assert.deepEqual({ code, connections: peer.connections.length }, { code: 2, connections: 0 });
      }),
    );
  }

  test('on a terminal "y" is yes', { skip: !hasScript }, () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const { code, stdout } = await onTerminal('y\n', [...at, '-q', '--deliver', 'a.example']);
      assert.match(stdout, /Send one message to <Postmaster@a\.example>\? \[y\/N\] /);
      assert.match(stdout, /a\.example conforms/);
      assert.equal(code, 0);
      assert.notEqual(peer.connections.length, 0);
    }),
  );
});
