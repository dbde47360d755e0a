import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect } from '../src/io/client.js';
import type { Channel } from '../src/io/ports.js';
import { NULL_REVERSE_PATH, type EhloName, type ForwardPath } from '../src/smtp/address.js';
import type { Command } from '../src/smtp/command.js';
import { ehloKeywords } from '../src/smtp/reply.js';
import { answering, freePort, startPeer, type PeerConnection, type PeerScript } from './support/smtp-peer.js';

const NAME = 'probe.example' as EhloName;
const EHLO: Command = { verb: 'EHLO', name: NAME };
const HELO: Command = { verb: 'HELO', name: NAME };
const MAIL: Command = { verb: 'MAIL', from: NULL_REVERSE_PATH };
const BARE_RCPT: Command = { verb: 'RCPT', to: 'Postmaster' as ForwardPath };
const RCPT: Command = { verb: 'RCPT', to: 'Postmaster@good.example' as ForwardPath };
const RSET: Command = { verb: 'RSET' };
const NOOP: Command = { verb: 'NOOP' };
const QUIT: Command = { verb: 'QUIT' };
const STARTTLS: Command = { verb: 'STARTTLS' };

/** For what comes at once: only a machine with much else to do is slower. */
const REPLY_MS = 10_000;

/** A channel to a host that plays `script`; both are closed when the test ends. */
async function visit(t: TestContext, script: PeerScript): Promise<{ channel: Channel; host: PeerConnection }> {
  const peer = await startPeer(script);
  t.after(() => peer.close());
  const { channel } = await connect({ address: peer.address, port: peer.port, timeoutMs: REPLY_MS });
  assert.ok(channel !== null);
  t.after(() => channel.close());
  return { channel, host: await peer.connection(0) };
}

/** The raw replies to commands that are sent one by one; what is no reply is told by its kind. */
async function ask(channel: Channel, ...commands: readonly Command[]): Promise<readonly string[]> {
  const told: string[] = [];
  for (const command of commands) {
    for (const outcome of await channel.send([command], REPLY_MS)) {
      told.push(outcome.kind === 'reply' ? outcome.reply.raw : outcome.kind);
    }
  }
  return told;
}

async function open(channel: Channel): Promise<string> {
  const outcome = await channel.opening(REPLY_MS);
  return outcome.kind === 'reply' ? outcome.reply.raw : outcome.kind;
}

describe('the client', () => {
  it('says each command as the RFC writes it, and quits', async (t) => {
    const { channel, host } = await visit(t, answering());
    assert.equal(await open(channel), '220 mx.example\r\n');
    const replies = await ask(channel, EHLO, MAIL, RCPT, BARE_RCPT, RSET, NOOP, HELO, QUIT);
    assert.equal(replies.at(-1), '221 2.0.0 bye\r\n');
    assert.equal((await channel.linger(1_000)).kind, 'closed');
    assert.equal(
      host.received,
      [
        'EHLO probe.example',
        'MAIL FROM:<>',
        'RCPT TO:<Postmaster@good.example>',
        'RCPT TO:<Postmaster>',
        'RSET',
        'NOOP',
        'HELO probe.example',
        'QUIT',
        '',
      ].join('\r\n'),
    );
  });

  it('tells this end of the connection', async (t) => {
    const { channel } = await visit(t, answering());
    assert.equal(channel.localAddress, '127.0.0.1');
  });

  it('gives refusals of the verbs as replies, whole', async (t) => {
    const refusal = '550-5.7.1 not you\r\n550 5.7.1 nor me\r\n';
    const { channel } = await visit(
      t,
      answering({ EHLO: refusal, HELO: '421 4.3.2 away\r\n', QUIT: '500 5.5.1 what\r\n' }),
    );
    await open(channel);
    assert.deepEqual(await ask(channel, EHLO, HELO, QUIT), [refusal, '421 4.3.2 away\r\n', '500 5.5.1 what\r\n']);
  });

  it('goes on after an opening 554, on the same connection', async (t) => {
    const greeting = '554-no mail\r\n554 here\r\n';
    const { channel } = await visit(t, answering({ NOOP: '503 5.5.1 bad sequence\r\n' }, greeting));
    assert.equal(await open(channel), greeting);
    assert.deepEqual(await ask(channel, NOOP, QUIT), ['503 5.5.1 bad sequence\r\n', '221 2.0.0 bye\r\n']);
  });

  for (const [name, octets] of [
    ['a bare code', '250\r\n'],
    ['8-bit text and NUL', '250 \u{fc}\0\r\n'],
    ['bare LF', '250-a\n250 b\n'],
    ['a code beyond the grammar', '777 what\r\n'],
  ] as const) {
    it(`reads ${name} in reply to a verb`, async (t) => {
      const { channel } = await visit(t, answering({ EHLO: octets }));
      await open(channel);
      assert.deepEqual(await ask(channel, EHLO, NOOP), [octets, '250 2.0.0 ok\r\n']);
    });
  }

  it('tells a time-out, a close and octets that are no reply of a verb', async (t) => {
    const { channel: silent } = await visit(t, (host) => host.say('220 mx\r\n'));
    await open(silent);
    assert.deepEqual(
      (await silent.send([EHLO], 60)).map(({ kind }) => kind),
      ['timeout'],
    );

    const { channel: closing } = await visit(t, async (host) => {
      host.say('220 mx\r\n');
      await host.line();
      host.reset();
    });
    await open(closing);
    assert.deepEqual(await ask(closing, EHLO), ['closed']);

    const { channel: talking } = await visit(t, answering({ EHLO: 'abc whatever\r\n' }));
    await open(talking);
    assert.deepEqual(await ask(talking, EHLO, QUIT), ['not-a-reply', 'not-a-reply']);
  });

  it('pairs a pipelined group by counting', async (t) => {
    const { channel, host } = await visit(t, answering({ RCPT: '550 5.1.1 no\r\n' }));
    await open(channel);
    const outcomes = await channel.send([MAIL, BARE_RCPT, RSET, QUIT], 1_000);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.kind === 'reply' ? outcome.reply.code : outcome.kind)),
      [250, 550, 250, 221],
    );
    assert.equal(host.received, 'MAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\nRSET\r\nQUIT\r\n');
  });

  it('is out of turn after a stray reply to a verb, and writes nothing', async (t) => {
    const { channel, host } = await visit(t, answering({ EHLO: '250 mx\r\n250 stray\r\n' }));
    await open(channel);
    assert.deepEqual(await ask(channel, EHLO, MAIL, QUIT), ['250 mx\r\n', 'out-of-turn', 'out-of-turn']);
    assert.equal(host.received, 'EHLO probe.example\r\n');
  });

  it('says EHLO again and again to a host with enhanced status codes', async (t) => {
    const ehlo = '250-mx.example\r\n250-ENHANCEDSTATUSCODES\r\n250-SIZE 1000\r\n250 starttls\r\n';
    const { channel, host } = await visit(t, answering({ EHLO: ehlo, STARTTLS: '454 4.7.0 not now\r\n' }));
    await open(channel);
    assert.deepEqual(await ask(channel, EHLO, EHLO, STARTTLS, EHLO, STARTTLS), [
      ehlo,
      ehlo,
      '454 4.7.0 not now\r\n',
      ehlo,
      '454 4.7.0 not now\r\n',
    ]);
    assert.equal(host.received.match(/STARTTLS/g)?.length, 2);
  });

  it('says STARTTLS though nobody offered it, where that is asked', async (t) => {
    const { channel, host } = await visit(t, answering({ EHLO: '250 mx.example\r\n', STARTTLS: '502 5.5.1 no\r\n' }));
    await open(channel);
    assert.deepEqual(await ask(channel, STARTTLS, EHLO, STARTTLS), [
      '502 5.5.1 no\r\n',
      '250 mx.example\r\n',
      '502 5.5.1 no\r\n',
    ]);
    assert.equal(host.received, 'STARTTLS\r\nEHLO probe.example\r\nSTARTTLS\r\n');
  });

  it('forgets in TLS what it was told before', async (t) => {
    const { channel, host } = await visit(t, async (host, index) => {
      host.say('220 mx.example\r\n');
      await host.line();
      host.say('250-mx.example\r\n250 StartTLS\r\n');
      await host.line();
      host.say('220 go\r\n');
      await host.secure();
      await answering({ EHLO: '250-mx.example\r\n250 8BITMIME\r\n' }, '')(host, index);
    });
    await open(channel);
    assert.deepEqual(await ask(channel, EHLO, STARTTLS), ['250-mx.example\r\n250 StartTLS\r\n', '220 go\r\n']);
    assert.equal((await channel.handshake('mx.example', 1_000)).kind, 'secured');
    const [outcome] = await channel.send([EHLO], 1_000);
    assert.ok(outcome?.kind === 'reply');
    assert.deepEqual([...ehloKeywords(outcome.reply).keys()], ['8BITMIME']);
    assert.deepEqual(await ask(channel, MAIL, BARE_RCPT, QUIT), [
      '250 2.1.0 ok\r\n',
      '250 2.1.5 ok\r\n',
      '221 2.0.0 bye\r\n',
    ]);
    assert.match(host.received, /^EHLO probe\.example\r\nSTARTTLS\r\nEHLO probe\.example\r\nMAIL FROM:<>\r\n/);
  });

  it('detects plaintext that was injected behind the 220', async (t) => {
    const { channel } = await visit(t, answering({ STARTTLS: '220 go\r\n250-INJECTED ' }));
    await open(channel);
    await ask(channel, EHLO, STARTTLS);
    const outcome = await channel.handshake('mx.example', 1_000);
    assert.deepEqual({ ...outcome, afterMs: 0 }, { kind: 'injected', raw: '250-INJECTED ', afterMs: 0 });
  });

  it('rejects a command with a line end in it, and writes nothing of the group', async (t) => {
    const { channel, host } = await visit(t, answering());
    await open(channel);
    const injecting: Command = { verb: 'RCPT', to: 'a@b.example>\r\nDATA\r\n<' as ForwardPath };
    await assert.rejects(channel.send([MAIL, injecting], 1_000), RangeError);
    await assert.rejects(channel.send([{ verb: 'EHLO', name: 'a\r\nDATA' as EhloName }], 1_000), RangeError);
    assert.deepEqual(await ask(channel, NOOP), ['250 2.0.0 ok\r\n']);
    assert.equal(host.received, 'NOOP\r\n');
  });

  it('has no way to say DATA or AUTH', async (t) => {
    const { channel } = await visit(t, answering());
    const reachable = new Set<string>();
    for (let at: unknown = channel; at !== null && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      Object.getOwnPropertyNames(at).forEach((name) => reachable.add(name));
    }
    assert.deepEqual([...reachable].toSorted(), [
      'close',
      'constructor',
      'handshake',
      'leave',
      'linger',
      'localAddress',
      'opening',
      'send',
    ]);
  });

  it('tells a refused connection and has no channel then', async () => {
    const { outcome, channel } = await connect({ address: '127.0.0.1', port: await freePort(), timeoutMs: REPLY_MS });
    assert.deepEqual(
      { outcome: { ...outcome, afterMs: 0 }, channel },
      {
        outcome: { kind: 'refused', afterMs: 0, code: 'ECONNREFUSED' },
        channel: null,
      },
    );
  });

  it('says QUIT when it is stopped in the midst of a verb', async (t) => {
    const peer = await startPeer((host) => host.say('220 mx\r\n'));
    t.after(() => peer.close());
    const stop = new AbortController();
    const { channel } = await connect({
      address: peer.address,
      port: peer.port,
      timeoutMs: 1_000,
      signal: stop.signal,
    });
    assert.ok(channel !== null);
    await open(channel);
    setTimeout(() => stop.abort(), 30);
    assert.deepEqual(await ask(channel, EHLO), ['interrupted']);
    await channel.leave(50);
    const host = await peer.connection(0);
    assert.equal(await host.closed, 'fin');
    assert.equal(host.received, 'EHLO probe.example\r\nQUIT\r\n');
  });

  it('keeps many sessions apart', async (t) => {
    const peer = await startPeer((host, index) =>
      answering({ NOOP: `250 ${index}\r\n` }, `220 ${index}\r\n`)(host, index),
    );
    t.after(() => peer.close());
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const { channel } = await connect({ address: peer.address, port: peer.port, timeoutMs: REPLY_MS });
        assert.ok(channel !== null);
        const index = (await open(channel)).slice(4);
        assert.deepEqual(await ask(channel, EHLO, NOOP, NOOP), [
          '250-mx.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n',
          `250 ${index}`,
          `250 ${index}`,
        ]);
        await channel.leave(1_000);
      }),
    );
  });
});

describe('a process that visited a host ends at once', () => {
  const VISITOR = fileURLToPath(new URL('./support/smtp-peer-visitor.js', import.meta.url));

  async function runVisitor(port: number, what: string, env: NodeJS.ProcessEnv = {}): Promise<unknown> {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [VISITOR, String(port), what], {
      env: { ...process.env, ...env },
      timeout: 6_000,
    });
    assert.equal(stderr, '');
    const { result, exitAfterMs } = JSON.parse(stdout) as { result: unknown; exitAfterMs: number };
    assert.ok(exitAfterMs < 200, String(exitAfterMs));
    return result;
  }

  it('after a refused connection with a long deadline', async () => {
    const result = await runVisitor(await freePort(), 'opening-timeout');
    assert.equal((result as { kind: string }).kind, 'refused');
  });

  for (const what of ['opening-timeout', 'quit', 'leave']) {
    it(`after ${what}, though the host keeps the connection open`, async (t) => {
      const peer = await startPeer(async (host) => {
        if (what === 'opening-timeout') return;
        host.say('220 mx\r\n');
        await host.line();
        host.say('221 bye\r\n');
      });
      t.after(() => peer.close());
      await runVisitor(peer.port, what);
      const host = await peer.connection(0);
      assert.equal(host.received, what === 'opening-timeout' ? '' : 'QUIT\r\n');
      assert.equal(await host.closed, 'fin');
    });
  }

  // The certificate is trusted only by a process that is told so when it starts.
  const NODE_EXTRA_CA_CERTS = fileURLToPath(new URL('../../fixtures/tls/self-signed.cert.pem', import.meta.url));
  for (const [what, trusted, problem] of [
    ['tls', true, null],
    ['tls-under-another-name', false, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const) {
    it(`after ${what}, where the certificate is trusted: ${trusted}`, async (t) => {
      const peer = await startPeer(async (host, index) => {
        host.say('220 mx\r\n');
        await host.line();
        host.say('220 go\r\n');
        await host.secure();
        await answering({}, '')(host, index);
      });
      t.after(() => peer.close());
      const result = await runVisitor(peer.port, what, { NODE_EXTRA_CA_CERTS });
      const { tls } = result as { tls: { certificate: { trusted: boolean; problem: string | null } } };
      assert.deepEqual(
        { ...tls.certificate, subject: '', issuer: '', validTo: '' },
        {
          subject: '',
          issuer: '',
          validTo: '',
          trusted,
          problem,
        },
      );
    });
  }
});
