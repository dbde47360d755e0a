// Obligations of the client in a session (RFC 5321 2.3, 3.1 to 3.8, 4.1, 4.2), claimed on the octets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { answering, heard, linesHeard, offering, type HostScript } from './support/obligations-peer.js';
import { visit, judged, verdictOf } from './support/obligations-run.js';

const CONTROL = /^RCPT TO:<[a-z][a-z0-9]{23}@good\.example>$/;
const UNKNOWN = '550 5.1.1 User unknown\r\n';

/** What is asked for by default, in its order (cli.md): the plain forms, the case variants. */
const RECIPIENTS = [
  'Postmaster@good.example',
  'Postmaster',
  'postmaster',
  'POSTMASTER',
  'pOsTmAsTeR',
  'postmaster@good.example',
  'POSTMASTER@good.example',
  'pOsTmAsTeR@good.example',
];

/** The default conversation up to the control recipient: each under the null sender in a transaction of its own. */
const DEFAULT = [
  'EHLO probe.example',
  ...RECIPIENTS.flatMap((to, index) => [...(index === 0 ? [] : ['RSET']), 'MAIL FROM:<>', `RCPT TO:<${to}>`]),
];
const WITH_CONTROL = [...DEFAULT, 'RSET', 'MAIL FROM:<>', 'RCPT control', 'QUIT'];

const named = (lines: readonly string[]): readonly string[] =>
  lines.map((line) => (CONTROL.test(line) ? 'RCPT control' : line));

describe('the opening', { concurrency: true }, () => {
  it('client.wait-greeting: no octet leaves before the whole greeting has come', async (t) => {
    const early: string[] = [];
    const { lines } = await visit(t, async (host, index) => {
      await host.after(60);
      host.say('220-mx.good.example teases\r\n');
      await host.after(60);
      host.say('220-and teases\r\n220');
      await host.after(60);
      early.push(host.unread);
      return answering({}, { greeting: ' mx.good.example ESMTP\r\n' })(host, index);
    });
    assert.deepEqual(early, ['']);
    assert.equal(lines[0], 'EHLO probe.example');
  });

  it('client.wait-greeting: nothing is said where the greeting never ends', async (t) => {
    const { hosts } = await visit(t, (host) => host.say('220-mx.good.example\r\n'), { options: { timeoutMs: 300 } });
    assert.deepEqual(hosts.conversations.map(heard), ['']);
  });

  it('client.quit-even-refused: QUIT is said after an opening 554, 521, 4yz and any other 5yz', async (t) => {
    for (const code of [554, 521, 421, 450, 451, 500, 550, 571]) {
      const { hosts } = await visit(
        t,
        answering({ EHLO: '503 5.5.1 no\r\n', NOOP: '503 5.5.1 no\r\n' }, { greeting: `${code} not here\r\n` }),
      );
      // The catalogue's section 8 has QUIT after an opening 421 too: the channel is still open.
      for (const conversation of hosts.conversations) assert.equal(linesHeard(conversation).at(-1), 'QUIT', `${code}`);
      assert.equal(hosts.conversations.length, code === 554 || code === 521 ? 2 : 1, `${code}`);
    }
  });

  it('client.helo-fallback: HELO follows in the same session where EHLO is not known', async (t) => {
    for (const code of [500, 502, 504, 550]) {
      const { lines, report } = await visit(t, answering({ EHLO: `${code} 5.5.1 what\r\n` }));
      assert.deepEqual(lines.slice(0, 4), [
        'EHLO probe.example',
        'HELO probe.example',
        'MAIL FROM:<>',
        'RCPT TO:<Postmaster@good.example>',
      ]);
      assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
    }
  });

  it('client.hello-first: no session says MAIL before a hello was accepted', async (t) => {
    const { lines } = await visit(t, answering());
    assert.deepEqual([lines[0], lines[1]], ['EHLO probe.example', 'MAIL FROM:<>']);
    const refused = await visit(t, answering({ EHLO: '502 what\r\n', HELO: '550 who\r\n' }));
    assert.deepEqual(refused.lines, ['EHLO probe.example', 'HELO probe.example', 'QUIT']);
    const deferred = await visit(t, answering({ EHLO: '451 later\r\n' }));
    assert.deepEqual(deferred.lines, ['EHLO probe.example', 'QUIT']);
  });
});

describe('commands', { concurrency: true }, () => {
  it('client.lock-step: one command at a time where PIPELINING is not offered', async (t) => {
    const behind: string[] = [];
    const script: HostScript = async (host) => {
      host.say('220 mx.good.example\r\n');
      for (let line = await host.line(); line !== null; line = await host.line()) {
        await host.after(15);
        behind.push(host.unread);
        const verb = line.split(' ', 1)[0];
        host.say(verb === 'RCPT' && CONTROL.test(line) ? UNKNOWN : verb === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
        if (verb === 'QUIT') host.fin();
      }
    };
    const { lines } = await visit(t, script);
    assert.deepEqual(new Set(behind), new Set(['']));
    assert.deepEqual(named(lines), WITH_CONTROL);
  });

  it('client.crlf-only: every line ends in CR LF and has no other CR, LF or NUL', async (t) => {
    const { hosts } = await visit(t, answering());
    assert.equal(hosts.conversations.length, 1);
    for (const conversation of hosts.conversations) {
      assert.match(heard(conversation), /^(?:[^\r\n\0]+\r\n)+$/);
    }
  });

  it('client.no-space-after-colon: MAIL FROM:<...> and RCPT TO:<...> to the octet', async (t) => {
    const { lines } = await visit(t, answering(), { options: { mailFrom: 'me@probe.example' } });
    const paths = lines.filter((line) => /^(?:MAIL|RCPT)/.test(line));
    assert.ok(paths.length >= 4);
    for (const line of paths) assert.match(line, /^(?:MAIL FROM|RCPT TO):<[^<> ]*>$/);
  });

  it('client.no-args: RSET and QUIT are said bare', async (t) => {
    const { lines } = await visit(t, answering());
    assert.deepEqual(
      lines.filter((line) => /^(?:RSET|QUIT|NOOP|DATA)/.test(line)),
      [...Array<string>(8).fill('RSET'), 'QUIT'],
    );
    const refused = await visit(t, answering({ NOOP: '503 no\r\n' }, { greeting: '554 no\r\n' }));
    assert.deepEqual(
      refused.lines.filter((line) => line.startsWith('NOOP')),
      ['NOOP'],
    );
  });

  it('client.no-unadvertised-params: no parameter is sent, whatever else is offered', async (t) => {
    for (const keywords of [[], ['SIZE 1000', '8BITMIME', 'DSN', 'SMTPUTF8', 'CHUNKING']]) {
      const { lines } = await visit(t, answering({ EHLO: offering(...keywords) }));
      assert.deepEqual(new Set(lines.filter((line) => line.startsWith('MAIL'))), new Set(['MAIL FROM:<>']));
    }
  });

  it('client.order: MAIL, its recipients, RSET or QUIT, and again', async (t) => {
    const { lines } = await visit(t, answering());
    assert.deepEqual(named(lines), WITH_CONTROL);
  });

  it('client.order: no RCPT follows a MAIL that was refused', async (t) => {
    const { lines } = await visit(t, answering({ MAIL: '550 5.7.1 no\r\n' }), {
      options: { mailFrom: 'me@other.example' },
    });
    assert.deepEqual(lines, ['EHLO probe.example', 'MAIL FROM:<me@other.example>', 'MAIL FROM:<>', 'QUIT']);
  });

  it('client.no-nested-mail: RSET is awaited between transactions, and where it is refused no MAIL follows', async (t) => {
    const { lines } = await visit(t, answering({ RSET: '500 what\r\n' }));
    assert.deepEqual(lines, [...DEFAULT.slice(0, 4), 'QUIT']);
  });

  it('client.no-nested-mail: RSET stands inside a pipelined group', async (t) => {
    const { lines } = await visit(t, answering({ EHLO: offering('PIPELINING') }));
    assert.deepEqual(named(lines), WITH_CONTROL);
  });

  it('client.abort-transaction: an accepted recipient is followed by RSET or QUIT', async (t) => {
    const { lines } = await visit(t, answering({ RCPT: '250 ok\r\n' }));
    lines.forEach((line, index) => {
      if (line.startsWith('RCPT')) assert.match(lines[index + 1] ?? '', /^(?:RSET|QUIT)$/);
    });
    // Under a real sender one transaction holds them all; its end is RSET as well.
    const real = await visit(t, answering({ RCPT: '250 ok\r\n' }), { options: { mailFrom: 'me@other.example' } });
    const lastRcpt = real.lines.findIndex(
      (line, index) => line.startsWith('RCPT') && !real.lines[index + 1]?.startsWith('RCPT'),
    );
    assert.match(real.lines[lastRcpt + 1] ?? '', /^(?:RSET|QUIT)$/);
  });

  it('client.no-source-route: no path has a route', async (t) => {
    const { lines } = await visit(t, answering(), { options: { profile: 'rfc5321' } });
    assert.deepEqual(
      lines.filter((line) => /<@|,@|:[^>]*@[^>]*>/.test(line.replace(/^(?:MAIL FROM|RCPT TO):/, ''))),
      [],
    );
  });

  it('client.minimum-quoting: no local-part is quoted', async (t) => {
    const { lines } = await visit(t, answering(), { options: { profile: 'rfc5321', mailFrom: 'me@other.example' } });
    assert.deepEqual(
      lines.filter((line) => /["\\]/.test(line)),
      [],
    );
  });

  it('client.fqdn-only: every domain on the wire is fully qualified, bare Postmaster alone has none', async (t) => {
    const { lines } = await visit(t, answering(), { options: { mailFrom: 'me@other.example' } });
    const paths = lines.flatMap((line) => /<([^>]+)>/.exec(line)?.[1] ?? []);
    assert.ok(paths.length >= 4);
    for (const path of paths) assert.match(path, /^(?:postmaster|[^@]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+)$/i);
  });
});

describe('the end of a session', { concurrency: true }, () => {
  it('client.quit-last: QUIT ends every conversation, and nothing comes behind it', async (t) => {
    for (const replies of [
      {},
      { EHLO: offering('PIPELINING') },
      { EHLO: '451 later\r\n' },
      { MAIL: '451 later\r\n' },
      { RCPT: '450 later\r\n' },
      { RCPT: '554 go away\r\n' },
      { RSET: '502 what\r\n' },
    ]) {
      const { hosts } = await visit(t, answering(replies));
      for (const conversation of hosts.conversations)
        assert.match(heard(conversation), /(?:^|\n)QUIT\r\n$/, JSON.stringify(replies));
    }
  });

  it('client.quit-last: nothing is said behind 421', async (t) => {
    const { lines } = await visit(t, answering({ MAIL: '421 4.3.2 closing\r\n' }));
    assert.deepEqual(lines, ['EHLO probe.example', 'MAIL FROM:<>']);
  });

  it('client.quit-wait: the reply to QUIT is awaited before the connection is closed', async (t) => {
    let isEarly: boolean | null = null;
    await visit(t, async (host) => {
      host.say('450 not now\r\n');
      await host.line();
      await host.after(200);
      isEarly = host.isOver;
      host.say('221 bye\r\n');
      host.fin();
    });
    assert.equal(isEarly, false);
  });

  it('client.quit-wait: the wait has an end', async (t) => {
    const startedMs = performance.now();
    const { hosts } = await visit(t, async (host) => host.say('450 not now\r\n'), { options: { timeoutMs: 300 } });
    assert.deepEqual(hosts.conversations.map(linesHeard), [['QUIT']]);
    assert.ok(performance.now() - startedMs < 2_000);
  });

  it('client.no-close-before-quit: after a time-out QUIT is said before the FIN', async (t) => {
    const { hosts } = await visit(t, answering({ MAIL: () => null }), { options: { timeoutMs: 300 } });
    assert.ok(hosts.conversations.length > 0);
    for (const conversation of hosts.conversations) {
      assert.deepEqual(linesHeard(conversation).slice(0, 3), ['EHLO probe.example', 'MAIL FROM:<>', 'QUIT']);
    }
  });

  it('client.no-close-before-quit: after an interruption QUIT is said, with a limit of two seconds', async (t) => {
    const stop = new AbortController();
    const startedMs = performance.now();
    const silent = (): null => {
      stop.abort();
      return null;
    };
    const { lines } = await visit(t, answering({ MAIL: silent }), {
      options: { signal: stop.signal },
      leaveAfterMs: 0,
    });
    assert.deepEqual(lines, ['EHLO probe.example', 'MAIL FROM:<>', 'QUIT']);
    assert.ok(performance.now() - startedMs < 2_500);
  });
});

describe('replies', { concurrency: true }, () => {
  it('client.reply-robust: bare codes, many lines, any text', async (t) => {
    for (const [positive, greeting] of [
      ['250\r\n', '220\r\n'],
      ['250 \r\n', '220 \r\n'],
      ['250-a\r\n250-\r\n250\r\n', '220-a\r\n220 b\r\n'],
      [`${'250-more\r\n'.repeat(900)}250 at last\r\n`, `220 ${'x'.repeat(500)}\r\n`],
      ['250 \xe4\xf6\xfc\r\n', '220 \xff\r\n'],
    ] as const) {
      const { report } = await visit(
        t,
        answering({ EHLO: positive, MAIL: positive, RCPT: positive, RSET: positive, QUIT: '221\r\n' }, { greeting }),
      );
      assert.equal(verdictOf(report, 'postmaster.domain'), 'pass', JSON.stringify(positive.slice(0, 20)));
      assert.deepEqual(
        judged(report, 'fail').filter((id) => id.startsWith('postmaster')),
        [],
      );
    }
  });

  it('client.reply-robust: a reply beyond 1000 lines is told as what it is, not as a refusal', async (t) => {
    const { report } = await visit(t, answering({ EHLO: `${'250-more\r\n'.repeat(1_001)}250 at last\r\n` }));
    assert.equal(report.verdict, 'inconclusive');
    const [attempt] = report.evidence.endpoints[0]?.attempts ?? [];
    const outcome = attempt?.exchanges.flatMap((exchange) => (exchange.act === 'command' ? [exchange.outcome] : []))[0];
    assert.equal(outcome?.kind === 'not-a-reply' ? outcome.why : outcome?.kind, 'endless-reply');
  });

  it('client.code-decides: the same codes give the same words, whatever the texts say', async (t) => {
    const said: (readonly string[])[] = [];
    for (const text of [
      'ok',
      '5.1.1 user unknown',
      '4.7.1 greylisted, try again',
      'STARTTLS required',
      '421 closing',
      '2.0.0 not ok',
    ]) {
      const { lines } = await visit(
        t,
        answering(
          { EHLO: `250 ${text}\r\n`, MAIL: `250 ${text}\r\n`, RCPT: `250 ${text}\r\n`, RSET: `250 ${text}\r\n` },
          { greeting: `220 ${text}\r\n` },
        ),
      );
      said.push(named(lines));
    }
    for (const lines of said) assert.deepEqual(lines, said[0]);
  });

  it('client.unknown-codes: a code is read by its first digit where it is unknown', async (t) => {
    const strange = { EHLO: '259 ok\r\n', MAIL: '299 ok\r\n', RCPT: '222 ok\r\n', RSET: '244 ok\r\n' };
    const { lines } = await visit(t, answering(strange, { greeting: '229 hi\r\n' }));
    assert.deepEqual(named(lines), WITH_CONTROL);
    for (const [code, verdict] of [
      ['447', 'inconclusive transient-negative'],
      ['499', 'inconclusive transient-negative'],
      ['222', 'warn wrong-code'],
    ] as const) {
      const { report } = await visit(t, answering({ RCPT: `${code} hm\r\n` }));
      assert.equal(verdictOf(report, 'postmaster.domain'), verdict, code);
    }
    const { report } = await visit(t, answering({ RCPT: '571 hm\r\n' }));
    assert.equal(verdictOf(report, 'postmaster.domain'), 'inconclusive client-refused');
  });

  it('client.truncated-multiline: a reply ends at the first line without a hyphen', async (t) => {
    const two = '250-2.1.5 first\r\n250 2.1.5 last\r\n';
    const { report } = await visit(t, answering({ EHLO: offering('PIPELINING'), RCPT: two, MAIL: two, RSET: two }));
    const codes = report.evidence.endpoints[0]?.attempts[0]?.exchanges.flatMap((exchange) =>
      exchange.act === 'command' && exchange.outcome.kind === 'reply'
        ? [[exchange.command.split(' ')[0], exchange.outcome.reply.lines.length]]
        : [],
    );
    assert.deepEqual(
      codes,
      WITH_CONTROL.map((line) => [line.split(' ')[0], line === 'QUIT' ? 1 : 2]),
    );
  });

  it('client.keywords-case: PipeLining is PIPELINING, starttls is STARTTLS', async (t) => {
    for (const keyword of ['pipelining', 'PipeLining', 'PIPELINING']) {
      const unread: string[] = [];
      await visit(t, async (host, index) => {
        const { line } = host;
        host.line = async () => {
          const next = await line.call(host);
          unread.push(host.unread);
          return next;
        };
        return answering({ EHLO: offering(keyword) })(host, index);
      });
      assert.ok(
        unread.some((octets) => octets.includes('RCPT')),
        keyword,
      );
    }
    const { lines } = await visit(t, answering({ EHLO: offering('starttls'), STARTTLS: '220 go\r\n' }), {
      options: { starttls: 'require' },
    });
    assert.deepEqual(lines.slice(0, 3), ['EHLO probe.example', 'STARTTLS', 'EHLO probe.example']);
  });

  it('client.closed-as-451: a close, a reset or silence before a reply is inconclusive', async (t) => {
    const endings: readonly [string, HostScript][] = [
      ['fin', (host) => host.fin()],
      ['reset', (host) => host.reset()],
      ['silence', () => {}],
    ];
    const closeAt = async (verb: string, name: string, end: HostScript): Promise<void> => {
      const { report } = await visit(
        t,
        async (host, index) => {
          if (verb === 'opening') return end(host, index);
          host.say('220 mx.good.example\r\n');
          for (let line = await host.line(); line !== null && !line.startsWith(verb); line = await host.line()) {
            host.say(CONTROL.test(line) ? UNKNOWN : line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
          }
          return end(host, index);
        },
        { options: { timeoutMs: name === 'silence' ? 1_000 : 10_000 } },
      );
      const where = `${name} at ${verb}`;
      assert.deepEqual(
        judged(report, 'fail').filter((id) => !CLOSE_IS_THE_FINDING.has(id)),
        [],
        where,
      );
      assert.notEqual(report.verdict, 'violates', where);
      if (verb === 'RCPT')
        assert.match(verdictOf(report, 'postmaster.domain'), /^inconclusive (?:cut-off|timeout)$/, where);
    };
    const steps = ['opening', 'EHLO', 'MAIL', 'RCPT', 'RSET', 'QUIT'];
    await Promise.all(steps.flatMap((verb) => endings.map(([name, end]) => closeAt(verb, name, end))));
  });

  it('client.no-followed-251: the address of a 251 or 551 is never asked for', async (t) => {
    for (const reply of [
      '251 User not local; will forward to <other@elsewhere.example>\r\n',
      '551 User not local; please try <other@elsewhere.example>\r\n',
    ]) {
      const { hosts, asked } = await visit(t, answering({ RCPT: reply }));
      assert.ok(hosts.conversations.every((one) => !heard(one).includes('elsewhere')));
      assert.ok(asked.every(({ name }) => !name.includes('elsewhere')));
    }
  });

  it('client.no-repeat-5yz: a refused recipient or sender is not tried again in the session', async (t) => {
    for (const replies of [{ RCPT: UNKNOWN }, { MAIL: '550 5.7.1 no\r\n' }, { MAIL: '501 5.5.4 no\r\n' }]) {
      const { hosts } = await visit(t, answering(replies));
      for (const conversation of hosts.conversations) {
        const asked = linesHeard(conversation).filter((line) => line.startsWith('RCPT'));
        assert.equal(new Set(asked).size, asked.length);
        if ('MAIL' in replies)
          assert.equal(linesHeard(conversation).filter((line) => line.startsWith('MAIL')).length, 1);
      }
    }
  });

  it('client.error-budget: two refusals of our making at most, and one control recipient a host and run', async (t) => {
    const zone = `
      good.example MX 10 mx.good.example
      mx.good.example A 127.0.0.1
      mx.good.example A 127.0.0.2
      mx.good.example A 127.0.0.3
      probe.example A 127.0.0.1
    `;
    const { hosts } = await visit(t, answering(), { zone, addresses: ['127.0.0.1', '127.0.0.2', '127.0.0.3'] });
    assert.equal(hosts.conversations.length, 3);
    const controls = hosts.conversations.flatMap(linesHeard).filter((line) => CONTROL.test(line));
    assert.equal(controls.length, 1);
    const known = hosts.conversations
      .flatMap(linesHeard)
      .filter((line) => line.startsWith('RCPT') && !CONTROL.test(line));
    assert.deepEqual(new Set(known), new Set(RECIPIENTS.map((to) => `RCPT TO:<${to}>`)));
  });

  it('client.error-budget: without controls nothing is asked that a good host refuses', async (t) => {
    let refused = 0;
    const { lines } = await visit(
      t,
      answering({
        RCPT: (line) => {
          if (/<postmaster[@>]/i.test(line)) return '250 ok\r\n';
          refused += 1;
          return UNKNOWN;
        },
      }),
      { options: { controls: false } },
    );
    assert.equal(refused, 0);
    assert.deepEqual(lines, [...DEFAULT, 'QUIT']);
  });
});

/** Rows whose finding is that very close or silence (architecture.md). */
const CLOSE_IS_THE_FINDING: ReadonlySet<string> = new Set([
  'greeting.present',
  'greeting.554-waits-for-quit',
  'greeting.554-quit-221',
  'connect.no-premature-close', // the same close in two sessions
  'mail.refusal-class', // likewise, at MAIL
]);
