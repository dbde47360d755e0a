// Obligations of the client that are about values: names, paths, line lengths, time-outs (RFC 5321 2.3.5, 4.1, 4.5.3).
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { CheckOptions } from '../src/check-options.js';
import { readOptions } from '../src/check-options.js';
import { check } from '../src/check.js';
import { DEFAULT_TIME_OUTS, RFC_TIME_OUTS, runSession } from '../src/io/session.js';
import type { ConversationPlan } from '../src/smtp/conversation.js';
import type { Resolver } from '../src/io/ports.js';
import {
  addressLiteral,
  parseDomain,
  parseEhloName,
  parseReversePath,
  type EhloName,
  type ForwardPath,
  type ReversePath,
} from '../src/smtp/address.js';
import { encodeCommand, MAX_COMMAND_OCTETS, type Command } from '../src/smtp/command.js';
import { UsageError } from '../src/smtp/usage-error.js';
import { anyCodePoint } from './support/code-point.js';
import { exchange } from './support/dns-evidence.js';
import { fakeHost } from './support/obligations-fake.js';
import { answering, heard, linesHeard, offering, startHosts } from './support/obligations-peer.js';
import { verdictOf, visit, ZONE } from './support/obligations-run.js';

describe('the name for EHLO', { concurrency: true }, () => {
  /** The argument of EHLO under these options. */
  async function said(t: Parameters<typeof visit>[0], options: CheckOptions, zone = ZONE): Promise<string | undefined> {
    const { ehlo: _, ...none }: CheckOptions = { ehlo: '' };
    const { lines } = await visit(t, answering(), { zone, options: { ...none, ...options } });
    return lines[0];
  }
  /** What `visit` gives without a name is left out here. */
  const UNNAMED = { ehlo: undefined } as unknown as CheckOptions;

  it('client.ehlo-argument: the name that was given', async (t) => {
    assert.equal(await said(t, { ehlo: 'Probe.Other.example.' }), 'EHLO probe.other.example');
  });

  it("client.ehlo-argument: else this machine's name, where it is qualified and resolves", async (t) => {
    const zone = `${ZONE}\nhere.example A 192.0.2.7\nsix.example AAAA 2001:db8::7`;
    assert.equal(await said(t, { ...UNNAMED, hostname: 'here.example' }, zone), 'EHLO here.example');
    assert.equal(await said(t, { ...UNNAMED, hostname: 'SIX.example' }, zone), 'EHLO six.example');
  });

  it('client.ehlo-argument: never localhost, one label, or a name that does not resolve', async (t) => {
    const zone = `${ZONE}\nlocalhost A 127.0.0.1\nalone A 127.0.0.1\nlocalhost.localdomain A 127.0.0.1`;
    for (const hostname of [
      'localhost',
      'alone',
      'gone.example',
      'localhost.localdomain',
      '',
      'under_score.example',
      'M\u{fc}ller.example',
    ]) {
      assert.equal(await said(t, { ...UNNAMED, hostname }, zone), 'EHLO [127.0.0.1]', hostname);
    }
    for (const ehlo of [
      'localhost',
      'alone',
      '',
      'localhost.localdomain',
      'a b.example',
      '192.0.2.1',
      '[192.0.2.1] x',
    ]) {
      await assert.rejects(parseEhloName(ehlo), UsageError, ehlo);
    }
  });

  it("client.ehlo-argument: never by default the domain that is checked, though it is this machine's name (cli.md)", async (t) => {
    const zone = `${ZONE}\ngood.example A 127.0.0.1`;
    assert.equal(await said(t, { ...UNNAMED, hostname: 'good.example' }, zone), 'EHLO [127.0.0.1]');
    // A name that was given is the user's to choose.
    assert.equal(await said(t, { ehlo: 'good.example' }, zone), 'EHLO good.example');
  });

  it('client.ehlo-literal: an address literal and nothing behind it', async (t) => {
    assert.equal(await said(t, UNNAMED), 'EHLO [127.0.0.1]');
    assert.equal(addressLiteral('192.0.2.1'), '[192.0.2.1]');
    assert.equal(addressLiteral('2001:db8::1'), '[IPv6:2001:db8::1]');
    assert.equal(addressLiteral('fe80::1%eth0'), '[IPv6:fe80::1]');
    assert.equal(await parseEhloName('[IPv6:2001:db8::1]'), '[IPv6:2001:db8::1]');
  });

  it('client.ehlo-literal: a literal that was given is an address', async () => {
    for (const ehlo of [
      '[]',
      '[example.org]',
      '[999.0.2.1]',
      '[192.0.2]',
      '[IPv6:::1::2]',
      '[IPv6:12345::1]',
      '[2001:db8::1]',
      '[IPv6:192.0.2.1]',
    ]) {
      await assert.rejects(parseEhloName(ehlo), UsageError, ehlo);
    }
  });

  it('client.ehlo-ascii: a U-label is said as an A-label', async (t) => {
    assert.equal(await said(t, { ehlo: 'm\u{fc}ller.example' }), 'EHLO xn--mller-kva.example');
  });
});

describe('paths and lines', { concurrency: true }, () => {
  it('client.ascii-envelope: nothing beyond ASCII leaves, with U-labels in the domain and in the sender', async (t) => {
    const zone = 'xn--mller-kva.example MX 10 mx.good.example\nmx.good.example A 127.0.0.1\nprobe.example A 127.0.0.1';
    const { hosts } = await visit(t, answering({ EHLO: offering('SMTPUTF8') }), {
      domain: 'm\u{fc}ller.example',
      zone,
      options: { mailFrom: 'me@stra\u{df}e.example' },
    });
    const said = hosts.conversations.map(heard).join('');
    assert.match(said, /^[\r\n\x20-\x7e]+$/);
    assert.match(said, /MAIL FROM:<me@xn--strae-oqa\.example>/);
    await assert.rejects(parseReversePath('m\u{fc}ller@probe.example'), UsageError);
  });

  it('client.ascii-envelope: octets beyond ASCII are refused in a command that did not ask for SMTPUTF8', () => {
    const to = 'postmaster@m\u{fc}ller.example' as ForwardPath;
    assert.throws(() => encodeCommand({ verb: 'RCPT', to }), RangeError);
    assert.throws(() => encodeCommand({ verb: 'MAIL', from: to as string as ReversePath }), RangeError);
    assert.throws(() => encodeCommand({ verb: 'EHLO', name: 'm\u{fc}ller.example' as EhloName }), RangeError);
  });

  it('client.command-line-512: a line has at most 512 octets, CR LF included', () => {
    const rcpt = (length: number): Command => ({
      verb: 'RCPT',
      to: 'x'.repeat(length - 'RCPT TO:<>\r\n'.length) as ForwardPath,
    });
    assert.equal(MAX_COMMAND_OCTETS, 512);
    assert.equal(encodeCommand(rcpt(512)).length + 2, 512);
    assert.throws(() => encodeCommand(rcpt(513)), RangeError);
    const wide = { verb: 'RCPT', to: `${'x'.repeat(499)}\u{fc}` as ForwardPath, smtputf8: true } as const;
    assert.throws(() => encodeCommand(wide), RangeError, 'octets are counted, not characters');
  });

  it('client.command-line-512: the longest domain that is accepted fits', async (t) => {
    const domain = `${'a'.repeat(63)}.${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;
    const zone = `${domain} MX 10 mx.good.example\nmx.good.example A 127.0.0.1\nprobe.example A 127.0.0.1`;
    const { hosts, lines } = await visit(t, answering(), { domain, zone });
    assert.equal(hosts.conversations.length, 1);
    // 4.5.3.1.3: a path has at most 256 octets, its brackets included; this domain leaves no room for a mailbox.
    assert.ok(lines.every((line) => line.length + 2 <= 512));
  });

  it('client.object-sizes: 64 octets of local-part, 255 of domain, 256 of path', async () => {
    const label = 'd'.repeat(61);
    assert.equal((await parseReversePath(`${'l'.repeat(64)}@a.example`)).length, 74);
    await assert.rejects(parseReversePath(`${'l'.repeat(65)}@a.example`), UsageError);
    const long = [label, label, label].join('.');
    assert.equal(long.length, 185);
    // With the angle brackets a path of 254 characters has 256 octets.
    assert.equal((await parseReversePath(`${'l'.repeat(60)}@${long}.example`)).length, 254);
    await assert.rejects(parseReversePath(`${'l'.repeat(61)}@${long}.example`), UsageError);
    await assert.rejects(parseDomain(`${long}.${'e'.repeat(61)}.${'f'.repeat(10)}`), UsageError);
  });

  it('client.crlf-only: what a user gives with CR, LF, NUL, SP, "<" or ">" in it is a usage error, and nothing is sent', async (t) => {
    const hosts = await startHosts(t, answering());
    const given = (options: CheckOptions): CheckOptions => ({
      nameServers: ['127.0.0.1:9'],
      hosts: [{ host: 'mx.good.example', port: hosts.port, addresses: ['127.0.0.1'] }],
      ehlo: 'probe.example',
      timeoutMs: 2_000,
      ...options,
    });
    for (const octet of ['\r', '\n', '\r\n', '\0', ' ', '<', '>']) {
      const shown = JSON.stringify(octet);
      for (const injected of [
        `good${octet}.example`,
        `good.example${octet}DATA`,
        `good.example>${octet}RCPT TO:<x`,
        `x@good${octet}x.example`,
      ]) {
        await assert.rejects(check(injected, given({})), UsageError, shown);
      }
      for (const mailFrom of [
        `me${octet}x@probe.example`,
        `me@probe${octet}x.example`,
        `me@probe.example>${octet}RCPT TO:<you@good.example`,
      ]) {
        await assert.rejects(check('good.example', given({ mailFrom })), UsageError, shown);
      }
      for (const ehlo of [`probe${octet}x.example`, `probe.example${octet}MAIL FROM:<>`, `[192.0.2.1${octet}]`]) {
        await assert.rejects(check('good.example', given({ ehlo })), UsageError, shown);
      }
    }
    assert.equal(hosts.conversations.length, 0);
  });

  it('client.crlf-only: a local-part before the domain, whatever stands in it, is dropped and never sent', async (t) => {
    const { hosts, report } = await visit(t, answering(), { domain: 'x>\r\nDATA\0 <y@good.example' });
    assert.doesNotMatch(hosts.conversations.map(heard).join(''), /DATA|<y@|\0/);
    assert.equal(report.domain, 'good.example');
  });

  it('client.crlf-only: whatever is typed, what passes has none of these octets', async () => {
    const typed = fc
      .string({ unit: anyCodePoint, maxLength: 30 })
      .chain((text) => fc.constantFrom(text, `${text}.example`, `x@${text}.example`, `<x@${text}.example>`));
    await fc.assert(
      fc.asyncProperty(typed, async (text) => {
        for (const parse of [
          async (value: string): Promise<string> => (await parseDomain(value)).domain,
          parseReversePath,
          parseEhloName,
        ]) {
          const value = await parse(text).catch((error: unknown) => {
            assert.ok(error instanceof UsageError, String(error));
            return '';
          });
          assert.match(value, /^[\x21-\x3b\x3d\x3f-\x7e]*$/);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('client.crlf-only: the writer of commands refuses them once more', () => {
    for (const octet of ['\r', '\n', '\0', ' ', '<', '>', '\t', '\x7f', '\x1b']) {
      const value = `a${octet}b@good.example`;
      assert.throws(() => encodeCommand({ verb: 'RCPT', to: value as ForwardPath }), RangeError);
      assert.throws(() => encodeCommand({ verb: 'MAIL', from: value as ReversePath }), RangeError);
      assert.throws(() => encodeCommand({ verb: 'HELO', name: value as EhloName }), RangeError);
    }
  });

  // cli.md decides the sender: the null one, or that of --mail-from first. Its other half, a sender that is not null
  // for a message, waits for --deliver.
  it('client.sender-valid: <> alone, or the mailbox of --mail-from first, which must be one', async (t) => {
    const mails = (lines: readonly string[]): readonly string[] => lines.filter((line) => line.startsWith('MAIL'));
    const plain = await visit(t, answering());
    assert.deepEqual(new Set(mails(plain.lines)), new Set(['MAIL FROM:<>']));
    const real = await visit(t, answering(), { options: { mailFrom: '<me@other.example>' } });
    assert.equal(mails(real.lines)[0], 'MAIL FROM:<me@other.example>');
    assert.ok(mails(real.lines).includes('MAIL FROM:<>'));
    for (const mailFrom of [
      'me',
      'me@',
      '@other.example',
      'me@localhost',
      '"me"@other.example',
      'me@[192.0.2.1]',
      'a..b@other.example',
    ]) {
      await assert.rejects(parseReversePath(mailFrom), UsageError, mailFrom);
    }
  });
});

const PLAN: ConversationPlan = {
  purpose: 'probe',
  hello: 'EHLO',
  tls: 'avoid',
  pipelining: true,
  transactions: [],
  afterRefusal: 'full',
  lingerMs: 1,
};

describe('time-outs', { concurrency: true }, () => {
  it('client.per-command-timeouts: each command has its own: many slow replies are no time-out', async (t) => {
    const { report } = await visit(t, answering({}, { delayMs: 45 }), { options: { timeoutMs: 400, controls: false } });
    const [attempt] = report.evidence.endpoints[0]?.attempts ?? [];
    assert.ok((attempt?.durationMs ?? 0) > 2 * 400);
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
  });

  it('client.per-command-timeouts: each command of a group as well', async (t) => {
    const { report } = await visit(t, answering({ EHLO: offering('PIPELINING') }, { delayMs: 45 }), {
      options: { timeoutMs: 400, controls: false },
    });
    assert.ok((report.evidence.endpoints[0]?.attempts[0]?.durationMs ?? 0) > 2 * 400);
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
  });

  // cli.md decides where it differs from the row: after --max-time what is open ends with QUIT, and accuses nobody.
  it('client.per-command-timeouts: the end of --max-time starts no new command and says QUIT to what is open', async (t) => {
    const { lines, report } = await visit(
      t,
      answering({
        MAIL: (line) => {
          const until = performance.now() + 250;
          while (performance.now() < until); // the host is slow: the limit passes while its reply is due
          return line === 'MAIL FROM:<>' ? '250 ok\r\n' : '501 what\r\n';
        },
      }),
      { options: { maxTimeMs: 230 } },
    );
    assert.deepEqual(lines, ['EHLO probe.example', 'MAIL FROM:<>', 'QUIT']);
    const mail = report.evidence.endpoints[0]?.attempts[0]?.exchanges.find(
      (one) => one.act === 'command' && one.command === 'MAIL FROM:<>',
    );
    assert.match(mail?.act === 'command' ? mail.outcome.kind : '', /^(?:reply|interrupted)$/);
    assert.equal(report.verdict, 'inconclusive');
  });

  it('client.per-command-timeouts: each step is given its own, QUIT the short one, also when the run is over', async () => {
    const given: string[] = [];
    const host = fakeHost({ EHLO: '451 later\r\n' });
    const timeOuts = { connectMs: 1, greetingMs: 2, commandMs: 3, quitMs: 4, messageMs: 5 };
    for (const isOver of [false, true]) {
      await runSession(PLAN, {
        host: 'mx.good.example',
        address: '127.0.0.1',
        port: 25,
        ehlo: 'probe.example' as EhloName,
        timeOuts,
        isOver: () => isOver && given.length > 5,
        connect: async (options) => {
          given.push(`connect ${options.timeoutMs}`);
          const { outcome, channel } = await host.connect(options);
          if (channel === null) return { outcome, channel };
          const { opening, send } = channel;
          channel.opening = (timeoutMs) => (given.push(`opening ${timeoutMs}`), opening.call(channel, timeoutMs));
          channel.send = (commands, timeoutMs) => {
            given.push(`${commands[0]?.verb} ${timeoutMs}`);
            return send.call(channel, commands, timeoutMs);
          };
          return { outcome, channel };
        },
      });
    }
    const one = ['connect 1', 'opening 2', 'EHLO 3', 'QUIT 4'];
    // The second run is over once the greeting has come: EHLO is not begun any more, and QUIT is said in taking leave.
    assert.deepEqual(given, [...one, ...one.slice(0, 2)]);
  });

  const RESOLVER: Resolver = {
    ask: async (question) => exchange(question, { kind: 'no-such-name', records: [] }),
    close: () => {},
  };

  it("client.timeouts-configurable: --timeout replaces each of them, --rfc-timeouts takes the RFC's", async () => {
    assert.deepEqual((await readOptions({}, RESOLVER)).timeOuts, DEFAULT_TIME_OUTS);
    assert.deepEqual((await readOptions({ timeoutMs: 7_000 }, RESOLVER)).timeOuts, {
      connectMs: 7_000,
      greetingMs: 7_000,
      commandMs: 7_000,
      quitMs: 7_000,
      messageMs: 7_000,
    });
    const long = await readOptions({ rfcTimeouts: true }, RESOLVER);
    assert.deepEqual([long.timeOuts, long.lingerMs, long.secondOpeningAfterMs], [RFC_TIME_OUTS, 60_000, 30_000]);
  });

  it('client.timeouts-configurable: what is set is what is waited', async (t) => {
    const startedMs = performance.now();
    const { report } = await visit(t, answering({ EHLO: () => null }), { options: { timeoutMs: 300 } });
    const command = report.evidence.endpoints[0]?.attempts[0]?.exchanges[1];
    const outcome = command?.act === 'command' ? command.outcome : null;
    assert.equal(outcome?.kind, 'timeout');
    assert.ok((outcome?.afterMs ?? 0) >= 145 && performance.now() - startedMs < 3_000);
  });

  // QUIT: the row has 300 s for it, the catalogue's section 8 and cli.md cut it at 10 s. Nothing waits for DATA.
  it("client.timeout-minimums: the preset has 4.5.3.2's five minutes for the greeting and for MAIL and RCPT", () => {
    assert.deepEqual(RFC_TIME_OUTS, {
      connectMs: 30_000,
      greetingMs: 300_000,
      commandMs: 300_000,
      quitMs: 10_000,
      messageMs: 600_000,
    });
    assert.deepEqual(DEFAULT_TIME_OUTS, {
      connectMs: 30_000,
      greetingMs: 60_000,
      commandMs: 30_000,
      quitMs: 10_000,
      messageMs: 600_000,
    });
  });

  it("client.timeout-minimums: a time-out that is shorter than the RFC's accuses nobody", async (t) => {
    for (const verb of ['EHLO', 'MAIL', 'RCPT', 'RSET', 'QUIT']) {
      const { hosts, report } = await visit(t, answering({ [verb]: () => null }), { options: { timeoutMs: 300 } });
      assert.deepEqual(
        report.judgements.filter(({ verdict }) => verdict === 'fail'),
        [],
        verb,
      );
      for (const conversation of hosts.conversations) assert.equal(linesHeard(conversation).at(-1), 'QUIT', verb);
    }
  });
});
