// Obligations of the client with STARTTLS (RFC 3207) and PIPELINING (RFC 2920), claimed on the octets.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CheckOptions } from '../src/check-options.js';
import type { ForwardPath, ReversePath } from '../src/smtp/address.js';
import { encodeCommand, groupCommands, MAX_GROUP_OCTETS, type Command } from '../src/smtp/command.js';
import type { DomainReport } from '../src/report/report.js';
import { answering, heard, linesHeard, offering, type HostScript } from './support/obligations-peer.js';
import { judged, verdictOf, visit } from './support/obligations-run.js';

const IN_TLS: CheckOptions = { starttls: 'require' };
const GO = '220 2.0.0 go\r\n';
const OFFERS_TLS = { EHLO: offering('STARTTLS'), STARTTLS: GO };

/** A host that does this in the place of the handshake. */
function insteadOfTls(act: HostScript, reply = GO): HostScript {
  return async (host, index) => {
    host.say('220 mx.good.example\r\n');
    for (let line = await host.line(); line !== null; line = await host.line()) {
      if (line !== 'STARTTLS') {
        host.say(line.startsWith('EHLO') ? offering('STARTTLS') : line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
        continue;
      }
      host.say(reply);
      return act(host, index);
    }
    host.fin();
  };
}

const handshakeOf = (report: DomainReport): string | undefined =>
  report.evidence.endpoints[0]?.attempts[0]?.exchanges.flatMap((exchange) =>
    exchange.act === 'handshake' ? [exchange.outcome.kind] : [],
  )[0];

describe('STARTTLS', { concurrency: true }, () => {
  it('client.starttls-next: no octet of SMTP between the 220 and the hello of TLS', async (t) => {
    let before = 'nothing';
    let hello = 0;
    await visit(
      t,
      insteadOfTls(async (host) => {
        before = host.unread.startsWith('\x16') ? '' : host.unread;
        for (let waits = 0; host.unread === '' && waits < 50; waits++) await host.after(100);
        hello = host.unread.charCodeAt(0);
        host.reset();
      }),
      { options: IN_TLS },
    );
    assert.deepEqual([before, hello], ['', 0x16]);
  });

  it('client.starttls-next: STARTTLS stands alone, though PIPELINING is offered', async (t) => {
    const { lines } = await visit(
      t,
      answering({ ...OFFERS_TLS, EHLO: offering('PIPELINING', 'STARTTLS') }, { delayMs: 10 }),
      { options: IN_TLS },
    );
    assert.deepEqual(lines.slice(0, 3), ['EHLO probe.example', 'STARTTLS', 'EHLO probe.example']);
  });

  it('client.starttls-buffer: plaintext behind the 220 ends the session, and is told', async (t) => {
    const { hosts, report } = await visit(
      t,
      insteadOfTls(() => {}, `${GO}250 injected\r\n`),
      { options: IN_TLS },
    );
    for (const conversation of hosts.conversations)
      assert.deepEqual(linesHeard(conversation), ['EHLO probe.example', 'STARTTLS']);
    assert.equal(handshakeOf(report), 'injected');
    assert.equal(report.verdict, 'inconclusive');
  });

  it('client.starttls-buffer: what was offered in the clear counts for nothing inside TLS', async (t) => {
    const replies = {
      ...OFFERS_TLS,
      EHLO: offering('STARTTLS', 'PIPELINING', 'SIZE 10'),
      'TLS EHLO': offering('HELP'),
    };
    const unread: string[] = [];
    await visit(
      t,
      async (host, index) => {
        const { line } = host;
        host.line = async () => {
          const next = await line.call(host);
          await host.after(8);
          unread.push(host.unread);
          return next;
        };
        return answering(replies)(host, index);
      },
      { options: IN_TLS },
    );
    assert.deepEqual(
      unread.filter((octets) => octets !== '' && !octets.startsWith('\x16')),
      [],
    );
  });

  it('client.starttls-ehlo: EHLO is the first command inside TLS', async (t) => {
    const { lines, report } = await visit(t, answering(OFFERS_TLS), { options: IN_TLS });
    assert.deepEqual(lines.slice(0, 4), ['EHLO probe.example', 'STARTTLS', 'EHLO probe.example', 'MAIL FROM:<>']);
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
  });

  it('client.starttls-once: STARTTLS is not said inside TLS, though it is offered there again', async (t) => {
    const { hosts } = await visit(
      t,
      answering({ ...OFFERS_TLS, 'TLS MAIL': '530 5.7.0 Must issue a STARTTLS command first\r\n' }),
      { options: IN_TLS },
    );
    for (const conversation of hosts.conversations) {
      assert.equal(linesHeard(conversation).filter((line) => line === 'STARTTLS').length, 1);
    }
  });

  it('client.starttls-failure: a handshake that fails ends the connection: no plaintext follows', async (t) => {
    const deeds: Readonly<Record<string, HostScript>> = {
      garbage: (host) => host.say('This is no TLS at all, whatever it may look like.\r\n'),
      fin: (host) => host.fin(),
      reset: (host) => host.reset(),
      silence: () => {},
    };
    for (const [name, deed] of Object.entries(deeds)) {
      const { hosts, report } = await visit(t, insteadOfTls(deed), {
        options: { ...IN_TLS, timeoutMs: name === 'silence' ? 300 : 4_000 },
      });
      for (const conversation of hosts.conversations) {
        const behind = heard(conversation).split('STARTTLS\r\n')[1] ?? '';
        assert.match(behind, /^(?:$|\x16\x03)/, name);
        assert.doesNotMatch(behind, /QUIT\r\n/, name);
      }
      assert.equal(report.verdict, 'inconclusive', name);
      assert.deepEqual(judged(report, 'fail'), [], name);
    }
  });

  it('client.starttls-failure: R2 comes in a session of its own, and what was seen in plaintext stays', async (t) => {
    const refusal = '530 5.7.0 Must issue a STARTTLS command first\r\n';
    const script: HostScript = async (host) => {
      host.say('220 mx.good.example\r\n');
      for (let line = await host.line(); line !== null; line = await host.line()) {
        host.say(
          line.startsWith('EHLO')
            ? offering('STARTTLS')
            : line === 'STARTTLS'
              ? GO
              : line === 'QUIT'
                ? '221 bye\r\n'
                : refusal,
        );
        if (line === 'STARTTLS') return host.reset();
      }
      host.fin();
    };
    const { hosts, report } = await visit(t, script);
    assert.equal(linesHeard(hosts.conversations[0] ?? never()).at(-1), 'QUIT');
    assert.deepEqual(linesHeard(hosts.conversations[1] ?? never()), ['EHLO probe.example', 'STARTTLS']);
    assert.equal(verdictOf(report, 'postmaster.domain').split(' ')[0], 'inconclusive');
  });

  // No verified TLS can be asked for (cli.md): the certificate is a note, and the rule's condition never holds. What is
  // left of it: QUIT is said inside TLS, the channel is not just closed.
  it('client.starttls-low-security: an untrusted certificate is noted, and the session ends with QUIT inside TLS', async (t) => {
    const { lines, hosts, report } = await visit(t, answering(OFFERS_TLS), { options: IN_TLS });
    const log = hosts.conversations[0]?.log ?? [];
    const quitAt = log.findIndex((entry) => entry.who === 'probe' && 'octets' in entry && entry.octets === 'QUIT\r\n');
    assert.ok(quitAt > log.findIndex((entry) => 'now' in entry) && lines.at(-1) === 'QUIT');
    const secured = report.evidence.endpoints[0]?.attempts[0]?.exchanges.find(
      (exchange) => exchange.act === 'handshake',
    )?.outcome;
    assert.equal(secured?.kind === 'secured' ? secured.tls.certificate?.trusted : secured?.kind, false);
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
  });
});

const never = (): never => {
  throw new Error('there is no such conversation');
};

const RCPT = (path: string): Command => ({ verb: 'RCPT', to: path as ForwardPath });
const MAIL: Command = { verb: 'MAIL', from: '' as ReversePath };

describe('PIPELINING', { concurrency: true }, () => {
  /** A host that writes down what lies behind each line when it comes to answer it. */
  function watching(replies: Parameters<typeof answering>[0], behind: string[]): HostScript {
    return async (host, index) => {
      const { line } = host;
      host.line = async () => {
        const next = await line.call(host);
        await host.after(6);
        if (next !== null) behind.push(host.unread);
        return next;
      };
      return answering(replies)(host, index);
    };
  }

  it('client.pipelining-gate: groups where PIPELINING is offered, one command at a time where it is not', async (t) => {
    const offered: string[] = [];
    await visit(t, watching({ EHLO: offering('PIPELINING') }, offered));
    assert.equal(
      offered.filter((octets) => octets !== '').length,
      offered.length - 2,
      'all behind the first of the group',
    );
    for (const [replies, options] of [
      [{}, {}],
      [{ EHLO: offering('8BITMIME', 'X-PIPELINING', 'PIPELININGX') }, {}],
      [{ EHLO: '502 what\r\n', HELO: '250-mx\r\n250 PIPELINING\r\n' }, {}],
      [{ EHLO: offering('PIPELINING') }, { pipelining: false }],
    ] as const) {
      const behind: string[] = [];
      await visit(t, watching(replies, behind), { options });
      assert.deepEqual(new Set(behind), new Set(['']), JSON.stringify(replies));
    }
  });

  it('client.pipelining-last: EHLO stands alone and QUIT last in its group', async (t) => {
    const behind: string[] = [];
    const { lines } = await visit(t, watching({ EHLO: offering('PIPELINING') }, behind));
    assert.equal(behind[0], '', 'nothing behind EHLO');
    assert.equal(lines.indexOf('QUIT'), lines.length - 1);
  });

  const commands = fc.array(
    fc.oneof(
      fc.constantFrom<Command>(
        { verb: 'RSET' },
        { verb: 'NOOP' },
        { verb: 'QUIT' },
        { verb: 'STARTTLS' },
        { verb: 'EHLO', name: 'a.example' as never },
        MAIL,
      ),
      fc.integer({ min: 1, max: 480 }).map((length) => RCPT('x'.repeat(length))),
    ),
    { maxLength: 60 },
  );

  it('client.pipelining-last: whatever is to be said, the restricted commands end their group', () => {
    fc.assert(
      fc.property(commands, (all) => {
        const groups = groupCommands(all);
        assert.deepEqual(groups.flat(), all);
        for (const group of groups) {
          assert.ok(group.length > 0);
          assert.ok(group.slice(0, -1).every(({ verb }) => verb === 'MAIL' || verb === 'RCPT' || verb === 'RSET'));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('client.pipelining-window: a group stays under 4096 octets', () => {
    fc.assert(
      fc.property(commands, (all) => {
        for (const group of groupCommands(all)) {
          const octets = group.reduce((sum, command) => sum + encodeCommand(command).length + 2, 0);
          assert.ok(octets < MAX_GROUP_OCTETS, `${octets}`);
        }
      }),
      { numRuns: 300 },
    );
    // Eight lines of 512 octets are one too many.
    assert.equal(MAX_GROUP_OCTETS, 4096);
    assert.deepEqual(
      groupCommands(Array<Command>(8).fill(RCPT('x'.repeat(500)))).map(({ length }) => length),
      [7, 1],
    );
  });

  it('client.pipelining-check-all: every reply of a group is read and judged', async (t) => {
    const refused = 'pOsTmAsTeR@good.example';
    const { report } = await visit(
      t,
      answering({
        EHLO: offering('PIPELINING'),
        RCPT: (line) =>
          line.includes(refused)
            ? '450 4.2.0 not this one\r\n'
            : /postmaster/i.test(line)
              ? '250 ok\r\n'
              : '550 5.1.1 unknown\r\n',
      }),
    );
    const replies = report.evidence.endpoints[0]?.attempts[0]?.exchanges.flatMap((exchange) =>
      exchange.act === 'command' && exchange.command.startsWith('RCPT') && exchange.outcome.kind === 'reply'
        ? [exchange.outcome.reply.code]
        : [],
    );
    assert.deepEqual(replies, [250, 250, 250, 250, 250, 250, 250, 450, 550]);
  });

  it('client.pipelining-count: replies belong to commands by their number alone', async (t) => {
    // Every reply has one text and speaks of another command.
    const { report } = await visit(
      t,
      answering({
        EHLO: offering('PIPELINING'),
        MAIL: '250 2.1.5 RCPT TO:<Postmaster> ok\r\n',
        RCPT: (line) =>
          line === 'RCPT TO:<Postmaster>' ? '550 5.1.1 RSET unknown\r\n' : '250 2.1.5 RCPT TO:<Postmaster> ok\r\n',
        RSET: '250 2.1.5 RCPT TO:<Postmaster> ok\r\n',
      }),
    );
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
    assert.match(verdictOf(report, 'postmaster.bare'), /^fail/);
  });

  it('client.pipelining-count: replies that come octet by octet, or all at once, are counted alike', async (t) => {
    const sequences: string[] = [];
    for (const manner of ['at once', 'octets'] as const) {
      const { report } = await visit(t, async (host) => {
        host.say('220 mx.good.example\r\n');
        await host.line();
        host.say(offering('PIPELINING'));
        const lines: string[] = [];
        for (let line = await host.line(); line !== null; line = await host.line()) {
          lines.push(line);
          if (line === 'QUIT') break;
        }
        const replies = lines
          .map((line, index) => (line === 'QUIT' ? '221 bye\r\n' : `250-${index}\r\n250 ${index}\r\n`))
          .join('');
        if (manner === 'at once') host.say(replies);
        else await host.dribble(replies, 0);
        host.fin();
      });
      sequences.push(
        JSON.stringify(
          report.evidence.endpoints[0]?.attempts[0]?.exchanges.flatMap((exchange) =>
            exchange.act === 'command' && exchange.outcome.kind === 'reply'
              ? [exchange.outcome.reply.lines]
              : [exchange.act],
          ),
        ),
      );
    }
    assert.equal(sequences[0], sequences[1]);
    assert.match(sequences[0] ?? '', /\["25","25"\],\["bye"\]\]$/);
  });
});
