// Where the probe goes: the options of the command line that choose name servers, mail hosts and addresses.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { commands, only, PLAIN, withHost, withWorld } from './support/cli-host.js';
import { cliInThread } from './support/cli-in-thread.js';
import { answering } from './support/smtp-peer.js';

const folder = mkdtempSync(join(tmpdir(), 'postmaster-check-'));
after(() => rmSync(folder, { recursive: true }));

describe('--dry-run', { concurrency: 3 }, () => {
  test('lists what would be sent, line by line, and connects to nobody', () =>
    withWorld(async (world) => {
      const args = [...world.args, '--no-controls'];
      const planned = await cliInThread([...args, '--dry-run', 'half.example', 'null.example', 'not..good']);
      assert.equal(world.mailHost.connections.length, 0);
      const live = await cliInThread([...args, '-q', 'half.example']);
      assert.equal(live.code, 0);
      const sent = commands(world.mailHost);
      const [name = '', ...rest] = sent;
      assert.equal(name, 'EHLO probe.example');
      assert.equal(sent.at(-1), 'QUIT');
      const lines = [name, ...rest].map((line) => `    ${line}`);
      const text = [
        'half.example: route mx, 2 addresses',
        '',
        `  mx.mail.example [127.0.0.1] port ${world.port}`,
        ...lines,
        '',
        `  mx.dead.example [127.0.0.9] port ${world.port}`,
        ...lines,
        '',
        'null.example: route null-mx, 0 addresses',
        '',
        '',
      ].join('\n');
      assert.equal(planned.stdout, text);
      assert.deepEqual(
        { code: planned.code, stderr: planned.stderr },
        { code: 2, stderr: 'postmaster-check: "not..good" has an empty label\n' },
      );
    }));
});

describe('--dry-run of scripts', { concurrency: 3 }, () => {
  const planned = async (at: readonly string[], ...ids: readonly string[]): Promise<string> => {
    const words = ids.flatMap((id) => ['--only', id]);
    const { stdout, code } = await cliInThread([...at, '--intrusive', '--deliver', ...words, '--dry-run', 'a.example']);
    assert.equal(code, 0);
    return stdout;
  };

  test('every line that an unwilling host hears, in the same connections', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const ids = ['noop', 'rset', 'command.unknown-500', 'rcpt.without-mail', 'command.before-ehlo'];
      const text = await planned(at, ...ids);
      assert.equal(peer.connections.length, 0);
      await cliInThread([...at, '--intrusive', '-q', ...ids.flatMap((id) => ['--only', id]), 'a.example']);
      const said = peer.connections.map((_, index) => commands(peer, index));
      const told = text
        .split('\n\n')
        .slice(1)
        .map((part) =>
          part
            .split('\n')
            .filter((line) => /^ {4,}[A-Za-z]/.test(line))
            .map((line) => line.trim()),
        )
        .filter((part) => part.length > 0);
      assert.deepEqual(said.slice(0, told.length), told);
    }));

  test('what is said on a condition, waited for, or too long or too many to print', () =>
    withHost(answering(PLAIN), async (_, at) => {
      const text = await planned(
        at,
        'command.bare-lf',
        'limits.recipients-100',
        'limits.command-line-512',
        'starttls.command',
        'connect.concurrent',
        'data.no-valid-rcpt',
      );
      const parts = [
        '    NOOP\\nNOOP\n    (nothing for 5 s)\n    QUIT\n',
        '    (where STARTTLS is offered)\n      STARTTLS\n      (where that is answered 220: into TLS)\n      EHLO probe.example\n    QUIT\n',
        '    MAIL FROM:<>\n    (where that is accepted)\n      RCPT TO:<',
        ' more like these)\n    RSET\n',
        '... (509 characters in all)\n',
        '    (another connection at the same time: EHLO and QUIT, its greeting awaited for 4 s)\n',
        '    DATA\n    (where that is answered 354: a dot alone)\n    QUIT\n',
      ];
      for (const part of parts) assert.ok(text.includes(part), `${part} in\n${text}`);
    }));
});

describe('where it goes', { concurrency: 3 }, () => {
  test('addresses that are not public are told and left alone without --allow-private', () =>
    withWorld(async (world) => {
      const args = world.args.filter((word) => word !== '--allow-private');
      const { stdout } = await cliInThread([...args, '--json', 'good.example']);
      assert.equal(world.mailHost.connections.length, 0);
      const { judgements, sessions } = only(stdout);
      const row = judgements.find(({ requirement }) => requirement === 'mx.loopback');
      assert.deepEqual([row?.verdict, row?.cause, sessions], ['fail', 'special-address', []]);
    }));

  test('a mail host that is named twice is probed once', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const [option = '', place = ''] = at.slice(-2);
      const { stdout } = await cliInThread([...at, option, place, '--json', '--only', 'postmaster.bare', 'a.example']);
      assert.deepEqual([only(stdout).sessions.length, peer.connections.length], [1, 1]);
    }));

  test('-6 leaves the IPv4 addresses out', () =>
    withWorld(async (world) => {
      const { stdout, code } = await cliInThread([...world.args, '-6', '--json', 'good.example']);
      assert.equal(world.mailHost.connections.length, 0);
      assert.deepEqual([only(stdout).verdict, only(stdout).sessions, code], ['inconclusive', [], 3]);
    }));

  test('name servers are tried in turn: a dead one is passed over', () =>
    withWorld(async (world) => {
      const file = join(folder, 'passed-over.json');
      const args = ['--nameserver', '127.0.0.1:1', ...world.args, '-4', '-q', '--save-evidence', file];
      const { code } = await cliInThread([...args, 'good.example']);
      const { domains } = JSON.parse(readFileSync(file, 'utf8')) as { domains: [{ dns: { nameServer: string }[] }] };
      const answeredBy = new Set(domains[0].dns.map(({ nameServer }) => nameServer));
      assert.deepEqual([code, [...answeredBy]], [0, [world.nameServer]]);
    }));

  test('--host by name: the operating system looks it up, no name server is asked', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const named = at.map((word) => word.replace('127.0.0.1', 'localhost'));
      const { stdout, code } = await cliInThread([
        ...named,
        '--nameserver',
        '127.0.0.1:1',
        '-4',
        '--json',
        'good.example',
      ]);
      const { route, verdict } = only(stdout);
      assert.deepEqual([code, verdict, route.kind], [0, 'conforms', 'given']);
      assert.equal(route.hosts[0]?.host, 'localhost');
      assert.equal(peer.connections.length, 1);
    }));

  test('--host over IPv6', async (t) => {
    const ran = withHost(
      answering(PLAIN),
      async (peer, at) => {
        const { stdout, code } = await cliInThread([...at, '--json', 'good.example']);
        assert.deepEqual([code, only(stdout).verdict, peer.connections.length], [0, 'conforms', 1]);
      },
      '::1',
    );
    await ran.catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EADDRNOTAVAIL') throw error;
      t.skip('no IPv6 on this machine');
    });
  });

  test('--host without a domain judges only what needs no domain', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const { stdout, code } = await cliInThread([...at, '--json']);
      const { domain, verdict, judgements } = only(stdout);
      assert.deepEqual({ code, domain, verdict }, { code: 0, domain: null, verdict: 'conforms' });
      const judged = judgements.filter(({ cause }) => cause !== 'not-asked');
      const passed = judged.flatMap((row) => (row.verdict === 'pass' ? [row.requirement] : []));
      assert.ok(passed.includes('postmaster.bare') && passed.includes('greeting.present'));
      assert.deepEqual(
        passed.filter((id) => /^postmaster\.(?:domain|case-insensitive)$|^domain\./.test(id)),
        [],
      );
      assert.deepEqual(
        commands(peer).filter((line) => line.includes('@')),
        [],
      );
    }));

  test('--served-domain names domains as the arguments do', () =>
    withHost(answering(PLAIN), async (peer, at) => {
      const { stdout, code } = await cliInThread([
        ...at,
        '-q',
        'a.test',
        '--served-domain',
        'b.test',
        '--served-domain',
        'C.test',
      ]);
      assert.match(stdout, /^a\.test conforms.*\nb\.test conforms.*\nc\.test conforms.*\n/);
      assert.equal(code, 0);
      const heard = peer.connections.flatMap((_, index) => commands(peer, index));
      for (const domain of ['a.test', 'b.test', 'c.test']) assert.ok(heard.includes(`RCPT TO:<Postmaster@${domain}>`));
    }));

  test('two hosts on one address differ by their port', () =>
    withHost(answering(PLAIN), (one, at) =>
      withHost(answering(PLAIN), async (other, alsoAt) => {
        const { stdout, code } = await cliInThread([...at, ...alsoAt.slice(-2), '-q', 'a.test']);
        assert.deepEqual([one.connections.length, other.connections.length, code], [1, 1, 0]);
        assert.match(stdout, /^a\.test conforms: mail to Postmaster gets in at 2 addresses\n$/);
      }),
    ));
});
