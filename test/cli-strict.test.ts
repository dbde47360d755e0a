// --strict: which warnings and doubts become violations, which never do, and where it is said.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { only, PLAIN, withHost } from './support/cli-host.js';
import { cliInThread } from './support/cli-in-thread.js';
import { answering, type PeerScript } from './support/smtp-peer.js';

const folder = mkdtempSync(join(tmpdir(), 'postmaster-check-'));
after(() => rmSync(folder, { recursive: true }));

interface Row {
  readonly requirement: string;
  readonly verdict: string;
  readonly cause?: string;
  readonly adjusted?: object;
}
const row = (stdout: string, id: string): Partial<Row> => {
  const { verdict, cause, adjusted } =
    (only(stdout).judgements as readonly Row[]).find((one) => one.requirement === id) ?? {};
  return {
    ...(verdict === undefined ? {} : { verdict }),
    ...(cause === undefined ? {} : { cause }),
    ...(adjusted === undefined ? {} : { adjusted }),
  };
};

const BARE_554 = '554 mx.example No SMTP service here\r\n';
/** Offers what RFC 5321 says that a server should. */
const MODERN = { EHLO: '250-mx.example\r\n250-8BITMIME\r\n250 SIZE 10240000\r\n' };
/** Opens with 554 and answers what follows with 250, where 3.1 says 503: a SHOULD. */
const GOES_ON: PeerScript = answering({ ...PLAIN, MAIL: '554 no\r\n', RCPT: '554 no\r\n' }, BARE_554);
const GREY = answering({ ...PLAIN, RCPT: '451 4.3.0 mailbox busy, come back later\r\n' });

describe('--strict', { concurrency: 3 }, () => {
  test('the warning of a SHOULD row that decides is a violation: exit code, headline, JSON; replay takes it by itself', () =>
    withHost(GOES_ON, async (_, at) => {
      const saved = join(folder, 'should.json');
      const words = [...at, '--linger', '0.05', '--json', 'good.example'];
      const mild = await cliInThread([...words, '--save-evidence', saved]);
      const id = 'greeting.554-503-to-commands';
      assert.deepEqual([mild.code, row(mild.stdout, id)], [0, { verdict: 'warn', cause: 'wrong-code' }]);
      const [strict, text, quiet] = await Promise.all([
        cliInThread([...words, '--strict']),
        cliInThread(['replay', saved, '--strict']),
        cliInThread(['replay', saved, '-q']),
      ]);
      const adjusted = { from: 'warn', by: 'strict' };
      assert.deepEqual([strict.code, row(strict.stdout, id)], [1, { verdict: 'fail', cause: 'wrong-code', adjusted }]);
      assert.equal(only(strict.stdout).verdict, 'violates');
      const headline = text.stdout.slice(0, text.stdout.indexOf('\n\n')).replaceAll('\n', ' ');
      assert.match(headline, /^good\.example violates RFC 5321: .* \(counts because of --strict\)$/);
      assert.match(only(strict.stdout).because, / \(counts because of --strict\)$/);
      assert.match(text.stdout, /^ {2}counts +yes, because of --strict: without it this is warn$/m);
      assert.deepEqual([text.code, quiet.code], [1, 0]);
    }));

  test('an inexact code is a violation, of a MUST row too', () =>
    withHost(answering({ ...PLAIN, RCPT: '252 2.5.2 perhaps\r\n' }), async (_, at) => {
      const words = [...at, '--only', 'postmaster.bare', '--json', 'good.example'];
      const [mild, strict] = await Promise.all([cliInThread(words), cliInThread([...words, '--strict'])]);
      assert.deepEqual([mild.code, row(mild.stdout, 'postmaster.bare').verdict], [0, 'warn']);
      assert.deepEqual([strict.code, row(strict.stdout, 'postmaster.bare').verdict], [1, 'fail']);
    }));

  test('a 4yz that stayed through all retries is a violation; without retries, or without --strict, it is a doubt', () =>
    withHost(GREY, async (_, at) => {
      const words = [...at, '--json', 'good.example'];
      const again = ['--retries', '2', '--retry-after', '0.05'];
      const [strict, mild, once] = await Promise.all([
        cliInThread([...words, '--strict', ...again]),
        cliInThread([...words, ...again]),
        cliInThread([...words, '--strict']),
      ]);
      const doubt = { verdict: 'inconclusive', cause: 'transient-negative' };
      assert.deepEqual([mild.code, row(mild.stdout, 'postmaster.domain')], [3, doubt]);
      assert.deepEqual([once.code, row(once.stdout, 'postmaster.domain')], [3, doubt]);
      const adjusted = { from: 'inconclusive', by: 'strict' };
      assert.deepEqual(
        [strict.code, row(strict.stdout, 'postmaster.domain')],
        [1, { verdict: 'fail', cause: 'transient-negative', adjusted }],
      );
      assert.match(strict.stdout, /so it was after each of 2 retries, /);
    }));

  test('a host that was gone at the last retry has not refused all the time', async () => {
    let connections = 0;
    const script: PeerScript = (host, index) => {
      connections += 1;
      return connections > 1 ? host.reset() : GREY(host, index);
    };
    await withHost(script, async (_, at) => {
      const again = ['--retries', '1', '--retry-after', '0.05'];
      const { code, stdout } = await cliInThread([...at, '--json', '--strict', ...again, 'good.example']);
      assert.equal(code, 3);
      assert.equal(row(stdout, 'postmaster.domain').verdict, 'inconclusive');
    });
  });

  const ABOUT_US = '550 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using zen.example.net\r\n';
  test('a refusal of us is none, whatever is selected', () =>
    withHost(answering({ ...MODERN, RCPT: ABOUT_US }), async (_, at) => {
      const words = [...at, '--json', '--strict', 'good.example'];
      const [own, all] = await Promise.all([
        cliInThread([...words, '--retries', '1', '--retry-after', '0.05']),
        cliInThread([
          ...words,
          ...['postmaster.bare', 'postmaster.any-system', 'rcpt'].flatMap((id) => ['--only', id]),
        ]),
      ]);
      for (const { code, stdout } of [own, all]) {
        assert.equal(code, 3);
        assert.deepEqual(
          (only(stdout).judgements as readonly Row[]).filter(({ verdict }) => verdict === 'fail'),
          [],
        );
        assert.equal(row(stdout, 'postmaster.any-system').cause, 'client-refused');
      }
    }));

  const BAD_GREETING = '250 mx.example\r\n';
  test('with postmaster the core decides all the same; with rfc5321 every violation does', () =>
    withHost(answering(PLAIN, BAD_GREETING), async (_, at) => {
      const words = [...at, '--json', '--strict', 'good.example'];
      const [own, all] = await Promise.all([cliInThread(words), cliInThread([...words, '--profile', 'rfc5321'])]);
      for (const { stdout } of [own, all]) assert.equal(row(stdout, 'greeting.code').verdict, 'fail');
      assert.deepEqual([own.code, all.code], [0, 1]);
    }));
});
