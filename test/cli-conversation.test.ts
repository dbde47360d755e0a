// Who the probe says it is and what it says, as the options of the command line have it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { commands, only, PLAIN, withHost } from './support/cli-host.js';
import { cliInThread } from './support/cli-in-thread.js';
import { answering, type PeerScript } from './support/smtp-peer.js';

const folder = mkdtempSync(join(tmpdir(), 'postmaster-check-'));
after(() => rmSync(folder, { recursive: true }));

describe('who it says it is, and what it says', { concurrency: 3 }, () => {
  test('by default: the null reverse-path, Postmaster@domain first, the control recipient last', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const { stdout } = await cliInThread([...at, '--json', 'good.example']);
      const said = commands(peer);
      const recipients = said.flatMap((line) => /^RCPT TO:<(.*)>$/.exec(line)?.[1] ?? []);
      assert.deepEqual(recipients.slice(0, 2), ['Postmaster@good.example', 'Postmaster']);
      assert.match(recipients.at(-1) ?? '', /^[a-z][a-z0-9]{23}@good\.example$/);
      assert.deepEqual(new Set(said.filter((line) => line.startsWith('MAIL'))), new Set(['MAIL FROM:<>']));
      assert.deepEqual(
        said.filter((line) => /^DATA|^VRFY|^EXPN/i.test(line)),
        [],
      );
      assert.equal(said.at(-1), 'QUIT');
      const row = only(stdout).judgements.find(({ requirement }) => requirement === 'postmaster.domain');
      assert.equal(row?.evidence, 'weak', 'this host accepts any recipient');
    }));

  test('--mail-from is used first, <> after it; --no-controls leaves the control recipient out', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const { stdout } = await cliInThread([
        ...at,
        '--mail-from',
        'me@probe.example',
        '--no-controls',
        '--json',
        'good.example',
      ]);
      const said = commands(peer);
      assert.deepEqual(
        said.filter((line) => line.startsWith('MAIL')),
        ['MAIL FROM:<me@probe.example>', 'MAIL FROM:<>'],
      );
      assert.deepEqual(
        said.filter((line) => /^RCPT/.test(line) && !/postmaster/i.test(line)),
        [],
      );
      const { probe } = JSON.parse(stdout) as { probe: { reversePaths: readonly string[] } };
      assert.deepEqual(probe.reversePaths, ['<me@probe.example>', '<>']);
      const row = only(stdout).judgements.find(({ requirement }) => requirement === 'postmaster.domain');
      assert.equal(row?.evidence, 'unqualified');
    }));

  test('without --ehlo it never says the name of the target', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      await cliInThread([...at.slice(2), '-q', 'good.example']);
      assert.match(
        commands(peer)[0] ?? '',
        /^EHLO (?:\[127\.0\.0\.1\]|(?!good\.example$)[a-z0-9-]+(?:\.[a-z0-9-]+)+)$/i,
      );
    }));

  test('one group where PIPELINING is offered, lock-step with --no-pipelining', async () => {
    const stalls: PeerScript = async (host) => {
      host.say('220 mx.example ESMTP\r\n');
      await host.line();
      host.say('250-mx.example\r\n250 PIPELINING\r\n');
    };
    const heard = async (...words: readonly string[]): Promise<readonly string[]> => {
      let said: readonly string[] = [];
      await withHost(stalls, async (peer, at) => {
        await cliInThread([...at, '--timeout', '0.3', ...words, '-q', 'good.example']);
        said = commands(peer).slice(1);
      });
      return said;
    };
    const [group, lockStep] = await Promise.all([heard(), heard('--no-pipelining')]);
    assert.deepEqual(group.slice(0, 4), ['MAIL FROM:<>', 'RCPT TO:<Postmaster@good.example>', 'RSET', 'MAIL FROM:<>']);
    assert.deepEqual(lockStep, ['MAIL FROM:<>', 'QUIT']);
  });

  const wantsTls: PeerScript = async (host) => {
    let isSecure = false;
    host.say('220 mx.example ESMTP\r\n');
    for (let line = await host.line(); line !== null; line = await host.line()) {
      if (line === 'STARTTLS') {
        host.say('220 2.0.0 go ahead\r\n');
        await host.secure();
        isSecure = true;
      } else if (line.startsWith('EHLO'))
        host.say(isSecure ? '250 mx.example\r\n' : '250-mx.example\r\n250 STARTTLS\r\n');
      else if (line === 'QUIT') {
        host.say('221 2.0.0 bye\r\n');
        host.fin();
      } else
        host.say(
          isSecure || line === 'RSET' ? '250 2.0.0 ok\r\n' : '530 5.7.0 Must issue a STARTTLS command first\r\n',
        );
    }
    host.fin();
  };
  const TLS: readonly (readonly [words: readonly string[], verdict: string, isSecured: readonly boolean[]])[] = [
    [[], 'conforms', [false, true]],
    [['--starttls', 'require'], 'conforms', [true]],
    [['--starttls', 'never'], 'inconclusive', [false]],
  ];
  for (const [words, verdict, isSecured] of TLS) {
    test(`a host that demands TLS, ${words.join(' ') || 'by default'}: ${verdict}`, () =>
      withHost(wantsTls, async (_, at) => {
        const { stdout } = await cliInThread([...at, ...words, '--json', 'good.example']);
        const domain = only(stdout);
        const secured = domain.sessions.map(({ tls }) => tls !== null);
        assert.deepEqual([domain.verdict, secured], [verdict, isSecured]);
      }));
  }

  test('--retries comes back to a greylister, --retry-after says when', () =>
    withHost(
      (host, index) => answering(index === 0 ? { ...PLAIN, RCPT: '450 4.7.1 Greylisted\r\n' } : PLAIN)(host, index),
      async (peer, at) => {
        const { stdout } = await cliInThread([
          ...at,
          '--retries',
          '2',
          '--retry-after',
          '0.1',
          '--json',
          'good.example',
        ]);
        const { verdict, sessions } = only(stdout);
        assert.deepEqual([verdict, sessions.map(({ purpose }) => purpose)], ['conforms', ['probe', 'retry']]);
        assert.equal(peer.connections.length, 2);
      },
    ));

  test('--pause keeps connections to one address apart', () => {
    const openedAt: number[] = [];
    const noted: PeerScript = (host, index) => {
      openedAt.push(performance.now());
      return answering(PLAIN)(host, index);
    };
    return withHost(noted, async (_, at) => {
      await cliInThread([...at, '--pause', '0.3', '-q', 'a.test', 'b.test']);
      const [first = 0, second = 0] = openedAt;
      assert.equal(openedAt.length, 2);
      assert.ok(second - first > 290, `${second - first} ms`);
    });
  });

  test('the settings stand in the evidence: time-outs, linger, profile', () =>
    withHost(answering(PLAIN), async (_, at) => {
      const settings = async (name: string, ...words: readonly string[]): Promise<Record<string, unknown>> => {
        const file = join(folder, name);
        await cliInThread([
          ...at.filter((word) => !/^(?:--timeout|5)$/.test(word)),
          ...words,
          '-q',
          '--save-evidence',
          file,
          'a.test',
        ]);
        return (JSON.parse(readFileSync(file, 'utf8')) as { domains: [{ probe: Record<string, unknown> }] }).domains[0]
          .probe;
      };
      const [usual, changed, rfc] = await Promise.all([
        settings('usual.json'),
        settings('changed.json', '--timeout', '2.5', '--linger', '7', '--profile', 'rfc5321'),
        settings('rfc.json', '--rfc-timeouts'),
      ]);
      const part = ({ greetingTimeoutMs, commandTimeoutMs, lingerMs, profile, given }: Record<string, unknown>) => {
        return { greetingTimeoutMs, commandTimeoutMs, lingerMs, profile, given };
      };
      const given = true;
      assert.deepEqual([usual, changed, rfc].map(part), [
        { greetingTimeoutMs: 60_000, commandTimeoutMs: 30_000, lingerMs: 5_000, profile: 'postmaster', given },
        { greetingTimeoutMs: 2_500, commandTimeoutMs: 2_500, lingerMs: 7_000, profile: 'rfc5321', given },
        { greetingTimeoutMs: 300_000, commandTimeoutMs: 300_000, lingerMs: 60_000, profile: 'postmaster', given },
      ]);
    }));

  test('--only and --skip: what is judged, and what is sent for it', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const words = ['--only', 'postmaster.bare', '--only', 'rfc 5321 4.2', '--skip', 'greeting.syntax'];
      const { stdout } = await cliInThread([...at, ...words, '--no-controls', '-v', '--json', 'good.example']);
      const ids = only(stdout).judgements.map(({ requirement }) => requirement);
      assert.ok(ids.includes('postmaster.bare'));
      assert.deepEqual(
        ids.filter((id) => !/^(?:postmaster\.bare$|greeting\.|reply\.)/.test(id)),
        [],
      );
      assert.equal(ids.includes('greeting.syntax'), false);
      assert.deepEqual(commands(peer).slice(1), ['MAIL FROM:<>', 'RCPT TO:<Postmaster>', 'QUIT']);
    }));
});
