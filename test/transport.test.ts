import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { openLine } from '../src/io/open-line.js';
import type { Line } from '../src/io/transport.js';
import type { HandshakeOutcome, LingerOutcome, Outcome } from '../src/smtp/outcome.js';
import { answering, freePort, startPeer, type PeerConnection, type PeerScript } from './support/smtp-peer.js';

const GREETING = '220 mx.example\r\n';

interface Session {
  readonly line: Line;
  /** The host's side. */
  readonly host: PeerConnection;
  /** Aborts the line's signal. */
  readonly stop: AbortController;
}

/** A line to a host that plays `script`; both are closed when the test ends. */
async function session(t: TestContext, script: PeerScript): Promise<Session> {
  const peer = await startPeer(script);
  t.after(() => peer.close());
  const stop = new AbortController();
  const { address, port } = peer;
  const { line } = await openLine({ address, port, timeoutMs: 1_000, signal: stop.signal });
  assert.ok(line !== null);
  t.after(() => line.close());
  return { line, host: await peer.connection(0), stop };
}

/** A session whose host has greeted and then plays `script`. */
async function greeted(t: TestContext, script: PeerScript): Promise<Session> {
  const open = await session(t, (host, index) => {
    host.say(GREETING);
    return script(host, index);
  });
  assert.deepEqual(told(await open.line.opening(1_000)), reply(GREETING));
  return open;
}

/** An outcome without its time, a reply by its octets: to be compared whole. */
function told(outcome: Outcome | LingerOutcome | HandshakeOutcome): unknown {
  const { afterMs: _, ...rest } = outcome;
  return 'reply' in rest ? { ...rest, reply: rest.reply.raw } : rest;
}

const reply = (octets: string): unknown => ({ kind: 'reply', reply: octets });
const outOfTurn = (octets: string): unknown => ({ kind: 'out-of-turn', reply: octets });
const closed = (how: 'fin' | 'reset', partial = ''): unknown => ({ kind: 'closed', how, partial });
const timeout = (partial = ''): unknown => ({ kind: 'timeout', partial });
const INTERRUPTED = { kind: 'interrupted' };

/** Sends lines as one group and tells the outcomes. */
async function say(line: Line, commands: readonly string[], timeoutMs = 1_000): Promise<readonly unknown[]> {
  const text = commands.map((command) => `${command}\r\n`).join('');
  return (await line.exchange(text, commands.length, timeoutMs)).map(told);
}

const after = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Time enough for octets on their way over loopback. */
const settled = (): Promise<void> => after(30);

/** A port whose host never answers a SYN: its queue of connections is full, and it accepts none. */
async function unresponsivePort(t: TestContext): Promise<number> {
  const child = fork(new URL('./support/smtp-peer-unresponsive.js', import.meta.url));
  t.after(() => child.kill());
  const [port] = await once(child, 'message');
  assert.equal(typeof port, 'number');
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}));
  t.after(() => fillers.forEach((filler) => filler.destroy()));
  await settled();
  return port;
}

describe('opening a line', () => {
  it('tells the address of this end', async (t) => {
    const peer = await startPeer(() => {});
    t.after(() => peer.close());
    const { outcome, line } = await openLine({ address: '127.0.0.1', port: peer.port, timeoutMs: 1_000 });
    line?.close();
    assert.deepEqual({ ...outcome, afterMs: 0 }, { kind: 'connected', afterMs: 0, localAddress: '127.0.0.1' });
  });

  it('tells a refusal at once', async () => {
    const { outcome, line } = await openLine({ address: '127.0.0.1', port: await freePort(), timeoutMs: 8_000 });
    assert.deepEqual({ ...outcome, afterMs: 0 }, { kind: 'refused', afterMs: 0, code: 'ECONNREFUSED' });
    assert.equal(line, null);
    assert.ok(outcome.afterMs < 1_000);
  });

  it('ends at its deadline where nobody answers', { skip: process.platform !== 'linux' }, async (t) => {
    const port = await unresponsivePort(t);
    const { outcome, line } = await openLine({ address: '127.0.0.1', port, timeoutMs: 100 });
    assert.deepEqual({ ...outcome, afterMs: 0 }, { kind: 'timeout', afterMs: 0, code: null });
    assert.equal(line, null);
    assert.ok(outcome.afterMs >= 95 && outcome.afterMs < 500, String(outcome.afterMs));
  });

  it('is interrupted by the signal', { skip: process.platform !== 'linux' }, async (t) => {
    const port = await unresponsivePort(t);
    const { outcome } = await openLine({
      address: '127.0.0.1',
      port,
      timeoutMs: 5_000,
      signal: AbortSignal.timeout(50),
    });
    assert.deepEqual({ ...outcome, afterMs: 0 }, { kind: 'interrupted', afterMs: 0, code: null });
    assert.ok(outcome.afterMs < 500);
  });

  it('does not connect when the signal has fired before', async (t) => {
    const peer = await startPeer(() => {});
    t.after(() => peer.close());
    const options = { address: '127.0.0.1', port: peer.port, timeoutMs: 1_000, signal: AbortSignal.abort() };
    assert.deepEqual(await openLine(options), { outcome: { kind: 'interrupted', afterMs: 0, code: null }, line: null });
    await settled();
    assert.equal(peer.connections.length, 0);
  });

  it('takes no name for an address', async () => {
    await assert.rejects(openLine({ address: 'localhost', port: 25, timeoutMs: 1_000 }), RangeError);
  });

  it('hangs any number of lines on one signal without a warning', async (t) => {
    const warnings: Error[] = [];
    const warn = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', warn);
    t.after(() => process.off('warning', warn));
    const peer = await startPeer(answering());
    t.after(() => peer.close());
    const { signal } = new AbortController();
    const lines = await Promise.all(
      Array.from({ length: 40 }, async () => (await openLine({ ...peer, timeoutMs: 1_000, signal })).line),
    );
    await settled();
    lines.forEach((line) => line?.close());
    assert.deepEqual(warnings, []);
  });
});

describe('the opening reply', () => {
  it('is read from one octet a segment', async (t) => {
    const { line } = await session(t, (host) => host.dribble('220-mx.example\r\n220 at last\r\n', 1));
    assert.deepEqual(told(await line.opening(2_000)), reply('220-mx.example\r\n220 at last\r\n'));
  });

  it('is there though it came before anybody asked', async (t) => {
    const { line } = await session(t, (host) => host.say(GREETING));
    await settled();
    assert.deepEqual(told(await line.opening(1_000)), reply(GREETING));
  });

  it('times out in silence', async (t) => {
    const { line } = await session(t, () => {});
    const outcome = await line.opening(100);
    assert.deepEqual(told(outcome), timeout());
    assert.ok(outcome.afterMs >= 95 && outcome.afterMs < 5_000, String(outcome.afterMs));
  });

  it('times out with what there is of it', async (t) => {
    const { line } = await session(t, (host) => host.say('220-mx\r\n220 ha'));
    assert.deepEqual(told(await line.opening(100)), timeout('220-mx\r\n220 ha'));
  });

  it('has a deadline that octets do not renew', async (t) => {
    const { line } = await session(t, (host) => host.dribble('220 mx.example ESMTP', 50));
    const outcome = await line.opening(220);
    assert.equal(outcome.kind, 'timeout');
    assert.ok(outcome.afterMs >= 215 && outcome.afterMs < 5_000, String(outcome.afterMs));
    assert.ok(outcome.partial.length >= 2 && '220 mx.example ESMTP'.startsWith(outcome.partial));
  });

  it('is a close where the host sends FIN', async (t) => {
    const { line } = await session(t, (host) => host.fin());
    assert.deepEqual(told(await line.opening(1_000)), closed('fin'));
  });

  it('is a close with half a reply where the host sends that', async (t) => {
    const { line } = await session(t, (host) => {
      host.say('220 mx');
      host.fin();
    });
    assert.deepEqual(told(await line.opening(1_000)), closed('fin', '220 mx'));
  });

  it('is a reset where the host sends RST', async (t) => {
    const { line } = await session(t, async (host) => {
      await after(20);
      host.reset();
    });
    assert.deepEqual(told(await line.opening(1_000)), closed('reset'));
  });

  it('is a reset at once where RST came before anybody asked', async (t) => {
    const { line } = await session(t, async (host) => {
      await after(20);
      host.reset();
    });
    await after(60);
    assert.deepEqual(told(await line.opening(1_000)), closed('reset'));
  });

  it('comes before the FIN behind it', async (t) => {
    const { line } = await session(t, (host) => {
      host.say('554 no\r\n');
      host.fin();
    });
    assert.deepEqual(told(await line.opening(1_000)), reply('554 no\r\n'));
    assert.deepEqual(told(await line.linger(1_000)), closed('fin'));
  });

  it('is no reply, at once, where the host speaks another protocol', async (t) => {
    const { line } = await session(t, (host) => host.say('SSH-2.0-OpenSSH_9.9\r\n'));
    const outcome = await line.opening(5_000);
    assert.deepEqual(told(outcome), { kind: 'not-a-reply', why: 'no-code', raw: 'SSH-2.0-OpenSSH_9.9\r\n' });
    assert.ok(outcome.afterMs < 1_000);
  });

  it('is kept as the octets that came', async (t) => {
    const { line } = await session(t, (host) => host.say('220 gr\u{fc}\u{df}\0\u{1b}[2J\n'));
    assert.deepEqual(told(await line.opening(1_000)), reply('220 gr\u{fc}\u{df}\0\u{1b}[2J\n'));
  });
});

describe('commands and replies are paired by counting', () => {
  const GROUP = ['MAIL FROM:<>', 'RCPT TO:<Postmaster>', 'RSET'];

  it('in one segment', async (t) => {
    const { line, host } = await greeted(t, async (host) => {
      for (const _ of GROUP) await host.line();
      host.say('250 a\r\n550 b\r\n250 c\r\n');
    });
    assert.deepEqual(await say(line, GROUP), [reply('250 a\r\n'), reply('550 b\r\n'), reply('250 c\r\n')]);
    assert.equal(host.received, 'MAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\nRSET\r\n');
  });

  it('octet by octet', async (t) => {
    const { line } = await greeted(t, async (host) => {
      for (const _ of GROUP) await host.line();
      await host.dribble('250-a\r\n250 a\r\n550 b\r\n250 c\r\n', 1);
    });
    assert.deepEqual(await say(line, GROUP), [reply('250-a\r\n250 a\r\n'), reply('550 b\r\n'), reply('250 c\r\n')]);
  });

  it('also where there are more replies in a group than may be stray', async (t) => {
    const { line } = await greeted(t, async (host) => {
      for (let count = 0; count < 60; count++) await host.line();
      host.say(Array.from({ length: 60 }, (_, index) => `${200 + (index % 50)} ${index}\r\n`).join(''));
    });
    const outcomes = await say(line, Array<string>(60).fill('RCPT TO:<Postmaster>'));
    assert.deepEqual(
      outcomes,
      Array.from({ length: 60 }, (_, index) => reply(`${200 + (index % 50)} ${index}\r\n`)),
    );
    assert.deepEqual(told(await line.linger(20)), { kind: 'quiet' });
  });

  it('each with its own deadline, counted from the reply before it', async (t) => {
    const { line } = await greeted(t, async (host) => {
      for (const octets of ['250 a\r\n', '550 b\r\n', '250 c\r\n']) {
        await after(400);
        host.say(octets);
      }
    });
    assert.deepEqual(await say(line, GROUP, 1_100), [reply('250 a\r\n'), reply('550 b\r\n'), reply('250 c\r\n')]);
  });

  it('and one that came before a group puts all of it out of turn', async (t) => {
    const { line, host } = await greeted(t, (host) => host.say('250 a\r\n550-b'));
    await settled();
    assert.deepEqual(await say(line, GROUP), Array(3).fill(outOfTurn('250 a\r\n')));
    assert.equal(host.received, '');
  });

  it('a group that is answered in part', async (t) => {
    const { line } = await greeted(t, async (host) => {
      for (const _ of GROUP) await host.line();
      host.say('250 a\r\n550-b');
    });
    assert.deepEqual(await say(line, GROUP, 100), [reply('250 a\r\n'), timeout('550-b'), timeout()]);
  });

  it('a group that ends in 421 and FIN', async (t) => {
    const { line } = await greeted(t, async (host) => {
      await host.line();
      host.say('421 4.3.2 closing\r\n');
      host.fin();
    });
    assert.deepEqual(await say(line, GROUP), [reply('421 4.3.2 closing\r\n'), closed('fin'), closed('fin')]);
  });

  it('a group that ends in octets that are no reply', async (t) => {
    const { line } = await greeted(t, async (host) => {
      for (const _ of GROUP) await host.line();
      host.say('250 a\r\nwhat?\r\n250 c\r\n');
    });
    const raw = 'what?\r\n250 c\r\n';
    assert.deepEqual(await say(line, GROUP), [
      reply('250 a\r\n'),
      { kind: 'not-a-reply', why: 'no-code', raw },
      { kind: 'not-a-reply', why: 'no-code', raw: '' },
    ]);
  });

  it('RST in the midst of a command', async (t) => {
    const { line } = await greeted(t, async (host) => {
      await host.line();
      host.reset();
    });
    assert.deepEqual(await say(line, ['NOOP']), [closed('reset')]);
    assert.deepEqual(await say(line, ['NOOP']), [closed('reset')]);
  });

  it('FIN while nobody waits: nothing is written any more', async (t) => {
    const { line, host } = await greeted(t, (host) => host.fin());
    await settled();
    assert.deepEqual(await say(line, ['NOOP']), [closed('fin')]);
    assert.equal(host.received, '');
  });
});

describe('a late reply', () => {
  it('is never credited to another command', async (t) => {
    const { line, host } = await greeted(t, async (host) => {
      await host.line();
      await after(120);
      host.say('250 late\r\n');
    });
    assert.deepEqual(await say(line, ['EHLO a.example'], 60), [timeout()]);
    assert.deepEqual(await say(line, ['NOOP'], 60), [timeout()], 'nothing is written after a time-out');
    assert.deepEqual(told(await line.linger(1_000)), outOfTurn('250 late\r\n'));
    assert.deepEqual(await say(line, ['NOOP']), [outOfTurn('250 late\r\n')]);
    assert.equal(host.received, 'EHLO a.example\r\n');
  });

  it('that has come already is told to the next command', async (t) => {
    const { line, host } = await greeted(t, async (host) => {
      await host.line();
      await after(90);
      host.say('250 late\r\n');
    });
    assert.deepEqual(await say(line, ['EHLO a.example'], 60), [timeout()]);
    await after(80);
    assert.deepEqual(await say(line, ['NOOP']), [outOfTurn('250 late\r\n')]);
    assert.equal(host.received, 'EHLO a.example\r\n');
  });

  it('does not keep QUIT from being said', async (t) => {
    const { line, host } = await greeted(t, async (host) => {
      await host.line();
      await after(90);
      host.say('250 late\r\n');
      await host.line();
      host.say('221 bye\r\n');
      host.fin();
    });
    assert.deepEqual(await say(line, ['NOOP'], 60), [timeout()]);
    await line.leave(1_000);
    assert.equal(host.received, 'NOOP\r\nQUIT\r\n');
  });
});

describe('a reply that nobody waits for', () => {
  it('in the same segment as one that is awaited puts the next command out of turn, unwritten', async (t) => {
    const { line, host } = await greeted(t, async (host) => {
      await host.line();
      host.say('250 ok\r\n250 stray\r\n');
    });
    assert.deepEqual(await say(line, ['NOOP']), [reply('250 ok\r\n')]);
    assert.deepEqual(await say(line, ['RSET', 'NOOP']), [outOfTurn('250 stray\r\n'), outOfTurn('250 stray\r\n')]);
    assert.deepEqual(await say(line, ['NOOP']), [outOfTurn('250 stray\r\n')]);
    assert.equal(host.received, 'NOOP\r\n');
  });

  it('is seen by a linger', async (t) => {
    const { line } = await greeted(t, async (host) => {
      await host.line();
      host.say('250 ok\r\n250 stray\r\n');
    });
    assert.deepEqual(await say(line, ['NOOP']), [reply('250 ok\r\n')]);
    assert.deepEqual(told(await line.linger(1_000)), outOfTurn('250 stray\r\n'));
  });

  it('is a 421 pushed while the line is idle', async (t) => {
    const { line } = await greeted(t, async (host) => {
      await after(20);
      host.say('421 idle\r\n');
      host.fin();
    });
    await after(60);
    assert.deepEqual(await say(line, ['NOOP']), [outOfTurn('421 idle\r\n')]);
  });

  it('is one that began before the command, though it ends after', async (t) => {
    const { line, host } = await session(t, async (host) => {
      host.say('220 mx\r\n250-be');
      await after(60);
      host.say('gun\r\n250 before\r\n');
    });
    assert.deepEqual(told(await line.opening(1_000)), reply('220 mx\r\n'));
    assert.deepEqual(await say(line, ['NOOP']), [outOfTurn('250-begun\r\n250 before\r\n')]);
    assert.equal(host.received, '');
  });

  it('and that never ends times out, the command unwritten', async (t) => {
    const { line, host } = await session(t, (host) => host.say('220 mx\r\n250-be'));
    assert.deepEqual(told(await line.opening(1_000)), reply('220 mx\r\n'));
    assert.deepEqual(await say(line, ['NOOP'], 60), [timeout('250-be')]);
    assert.equal(host.received, '');
  });
});

describe('a linger', () => {
  it('is quiet where nothing comes', async (t) => {
    const { line } = await greeted(t, answering({}, ''));
    const outcome = await line.linger(80);
    assert.deepEqual(told(outcome), { kind: 'quiet' });
    assert.ok(outcome.afterMs >= 75 && outcome.afterMs < 400, String(outcome.afterMs));
    assert.deepEqual(await say(line, ['NOOP']), [reply('250 2.0.0 ok\r\n')], 'the session goes on');
  });

  for (const [name, act, expected] of [
    ['FIN', (host) => host.fin(), closed('fin')],
    ['RST', (host) => host.reset(), closed('reset')],
    ['a reply', (host) => host.say('421 bye\r\n'), outOfTurn('421 bye\r\n')],
    ['other octets', (host) => host.say('bye\r\n'), { kind: 'not-a-reply', why: 'no-code', raw: 'bye\r\n' }],
  ] satisfies (readonly [string, (host: PeerConnection) => void, unknown])[]) {
    it(`is ended by ${name}`, async (t) => {
      const { line } = await greeted(t, async (host) => {
        await after(20);
        act(host);
      });
      const outcome = await line.linger(5_000);
      assert.deepEqual(told(outcome), expected);
      assert.ok(outcome.afterMs < 1_000);
    });
  }
});

describe('against a flood', () => {
  const FLOODS = [
    ['an endless line', '2', 'not-a-reply'],
    ['endless continuation lines', '220-and so on\r\n', 'not-a-reply'],
    ['endless empty lines', '\n', 'not-a-reply'],
    ['endless complete replies', '220 mx\r\n', 'reply'],
  ] as const;

  for (const [name, octets, kind] of FLOODS) {
    it(`${name} is cut soon and takes no memory`, async (t) => {
      const before = process.memoryUsage().rss;
      const { line } = await session(t, (host) => host.flood(octets));
      const outcome = await line.opening(5_000);
      assert.equal(outcome.kind, kind);
      assert.ok(outcome.afterMs < 1_000, String(outcome.afterMs));
      if (outcome.kind === 'not-a-reply') assert.ok(outcome.raw.length <= 4096);
      await after(200);
      const [next] = await line.exchange('NOOP\r\n', 1, 5_000);
      assert.ok(next?.kind === 'out-of-turn' || next?.kind === 'not-a-reply');
      assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024);
    });
  }

  it('stops reading, so that the host comes to a halt', async (t) => {
    const { host } = await session(t, (host) => host.flood('220 mx\r\n'));
    await after(100);
    const written = host.socket.bytesWritten;
    await after(100);
    assert.equal(host.socket.bytesWritten, written);
  });

  it('takes its leave without a wait', async (t) => {
    const { line, host } = await session(t, (host) => host.flood('220 mx\r\n'));
    await settled();
    const before = performance.now();
    await line.leave(5_000);
    await host.closed;
    assert.ok(performance.now() - before < 1_000);
  });

  it('that begins at QUIT is not read for ever', async (t) => {
    const { line, host } = await greeted(t, async (host) => {
      await host.line();
      await host.flood('221 bye\r\n');
    });
    const before = performance.now();
    await line.leave(5_000);
    await host.closed;
    assert.ok(performance.now() - before < 1_000);
  });

  it('a time-out keeps the first 4096 octets', async (t) => {
    const { line } = await session(t, (host) => host.say(`220-${'x'.repeat(5_000)}\r\n220-y`));
    const outcome = await line.opening(80);
    assert.ok(outcome.kind === 'timeout');
    assert.equal(outcome.partial, `220-${'x'.repeat(4_092)}`);
  });
});

describe('the signal', () => {
  const WAITS: readonly (readonly [string, (line: Line) => Promise<unknown>, string])[] = [
    ['the opening', async (line) => told(await line.opening(5_000)), ''],
    ['a command', async (line) => (await say(line, ['NOOP'], 5_000))[0], 'NOOP\r\n'],
    ['a linger', async (line) => told(await line.linger(5_000)), ''],
  ];
  for (const [name, wait, written] of WAITS) {
    it(`ends ${name} at once, and QUIT is still said`, async (t) => {
      const { line, host, stop } = await session(t, async (host) => {
        for (let said = await host.line(); said !== 'QUIT'; said = await host.line());
        host.say('221 bye\r\n');
        host.fin();
      });
      setTimeout(() => stop.abort(), 30);
      const before = performance.now();
      assert.deepEqual(await wait(line), INTERRUPTED);
      await line.leave(1_000);
      assert.ok(performance.now() - before < 500);
      assert.equal(host.received, `${written}QUIT\r\n`);
      assert.equal(await host.closed, 'fin');
    });
  }

  it('leaves the replies of a group that came', async (t) => {
    const { line, stop } = await greeted(t, async (host) => {
      await host.line();
      await host.line();
      host.say('250 a\r\n');
      await after(30);
      stop.abort();
    });
    assert.deepEqual(await say(line, ['RSET', 'NOOP', 'NOOP']), [reply('250 a\r\n'), INTERRUPTED, INTERRUPTED]);
  });

  it('that has fired lets nothing be written', async (t) => {
    const { line, host, stop } = await greeted(t, answering({}, ''));
    stop.abort();
    assert.deepEqual(await say(line, ['NOOP', 'NOOP']), [INTERRUPTED, INTERRUPTED]);
    assert.deepEqual(told(await line.linger(1_000)), INTERRUPTED);
    assert.deepEqual(told(await line.handshake('mx.example', 1_000)), INTERRUPTED);
    await line.leave(1_000);
    assert.equal(host.received, 'QUIT\r\n');
  });
});

describe('taking leave', () => {
  it('says QUIT and waits for the close', async (t) => {
    const { line, host } = await greeted(t, async (host) => {
      await host.line();
      host.say('221 bye\r\n');
      await after(60);
      host.fin();
    });
    const before = performance.now();
    await line.leave(1_000);
    const tookMs = performance.now() - before;
    assert.ok(tookMs >= 55 && tookMs < 500, String(tookMs));
    assert.equal(host.received, 'QUIT\r\n');
    assert.equal(await host.closed, 'fin');
  });

  it('waits no longer than it was told', async (t) => {
    const { line, host } = await greeted(t, () => {});
    const before = performance.now();
    await line.leave(60);
    assert.ok(performance.now() - before < 400);
    assert.equal(await host.closed, 'fin');
    assert.equal(host.received, 'QUIT\r\n');
  });

  it('says nothing to a host that has closed', async (t) => {
    const { line, host } = await greeted(t, (host) => host.fin());
    await settled();
    await line.leave(1_000);
    assert.equal(host.received, '');
  });

  it('closes with FIN, not RST, though octets are under way', async (t) => {
    const { line, host } = await greeted(t, async (host) => {
      await host.line();
      host.say('221 bye\r\n');
      await after(10);
      host.say('221 and bye\r\n');
    });
    assert.deepEqual(await say(line, ['QUIT']), [reply('221 bye\r\n')]);
    line.close();
    assert.equal(await host.closed, 'fin');
  });

  it('ends a wait that is open', async (t) => {
    const { line, host } = await greeted(t, () => {});
    const waiting = say(line, ['NOOP'], 5_000);
    line.close();
    line.close();
    assert.deepEqual(await waiting, [INTERRUPTED]);
    assert.equal(await host.closed, 'fin');
    await line.leave(1_000);
    assert.equal(host.received, 'NOOP\r\n');
  });

  it('destroys the socket of a host that keeps it open', async (t) => {
    const { line, host } = await greeted(t, () => {});
    line.close();
    await once(host.socket, 'end');
    await after(280);
    // Our end is gone now: what the host writes is answered with RST.
    host.say('220 still here?\r\n');
    host.say('220 hello?\r\n');
    await once(host.socket, 'error');
  });
});

/** A host that says 220 to STARTTLS and then plays `script`. */
const startTls = async (t: TestContext, script: PeerScript, go = '220 go\r\n'): Promise<Session> => {
  const open = await greeted(t, async (host, index) => {
    await host.line();
    host.say(go);
    await script(host, index);
  });
  assert.deepEqual(await say(open.line, ['STARTTLS']), [reply('220 go\r\n')]);
  return open;
};
const answersUnderTls: PeerScript = async (host, index) => {
  await host.secure();
  await answering({}, '')(host, index);
};

describe('the TLS handshake', () => {
  it('notes a self-signed certificate, and the session goes on', async (t) => {
    const { line, host } = await startTls(t, answersUnderTls);
    const outcome = await line.handshake('mx.example', 1_000);
    assert.ok(outcome.kind === 'secured');
    assert.match(outcome.tls.cipher, /^TLS_/);
    assert.deepEqual(
      { ...outcome.tls, cipher: '' },
      {
        protocol: 'TLSv1.3',
        cipher: '',
        certificate: {
          subject: 'O=Test only, CN=mx.example',
          issuer: 'O=Test only, CN=mx.example',
          validTo: '2046-12-30T23:16:15.000Z',
          trusted: false,
          problem: 'DEPTH_ZERO_SELF_SIGNED_CERT',
        },
      },
    );
    assert.equal(line.isSecure, true);
    assert.deepEqual(await say(line, ['NOOP', 'RSET']), [reply('250 2.0.0 ok\r\n'), reply('250 2.0.0 ok\r\n')]);
    await line.leave(1_000);
    assert.equal(host.received, 'STARTTLS\r\nNOOP\r\nRSET\r\nQUIT\r\n');
  });

  for (const [host, expected] of [
    ['mx.example', 'mx.example'],
    ['127.0.0.1', false],
    ['::1', false],
    ['mx.example\0.invalid', false],
  ] as const) {
    it(`names ${JSON.stringify(host)} by SNI: ${String(expected)}`, async (t) => {
      const warnings: Error[] = [];
      const warn = (warning: Error): unknown => warnings.push(warning);
      process.on('warning', warn);
      t.after(() => process.off('warning', warn));
      const { line, host: peer } = await startTls(t, answersUnderTls);
      const outcome = await line.handshake(host, 1_000);
      assert.ok(outcome.kind === 'secured');
      await say(line, ['NOOP']);
      assert.equal(peer.servername, expected);
      assert.deepEqual(warnings, []);
    });
  }

  it('refuses a whole line injected behind the 220', async (t) => {
    const { line } = await startTls(t, () => {}, '220 go\r\n250 INJECTED\r\n');
    assert.deepEqual(told(await line.handshake('mx.example', 1_000)), { kind: 'injected', raw: '250 INJECTED\r\n' });
  });

  it('refuses half a line injected behind the 220', async (t) => {
    const { line } = await startTls(t, () => {}, '220 go\r\n250-INJECTED ');
    assert.deepEqual(told(await line.handshake('mx.example', 1_000)), { kind: 'injected', raw: '250-INJECTED ' });
  });

  it('refuses octets that are no reply behind the 220', async (t) => {
    const { line } = await startTls(t, () => {}, '220 go\r\nwhat?\r\n25');
    assert.deepEqual(told(await line.handshake('mx.example', 1_000)), { kind: 'injected', raw: 'what?\r\n25' });
  });

  it('refuses what arrives before it starts', async (t) => {
    const { line } = await startTls(t, async (host) => {
      await after(10);
      host.say('250-INJECTED ');
    });
    await settled();
    assert.deepEqual(told(await line.handshake('mx.example', 1_000)), { kind: 'injected', raw: '250-INJECTED ' });
  });

  it('refuses what lies unread in the system when it starts', async (t) => {
    const { line, host } = await startTls(t, () => {});
    host.say('250 INJECTED\r\n');
    assert.deepEqual(told(await line.handshake('mx.example', 1_000)), { kind: 'injected', raw: '250 INJECTED\r\n' });
  });

  it('fails with a code on octets that are not TLS', async (t) => {
    const { line } = await startTls(t, async (host) => {
      await once(host.socket, 'data');
      host.say('this is not TLS at all, not at all\r\n');
    });
    const outcome = await line.handshake('mx.example', 1_000);
    assert.ok(outcome.kind === 'tls-failed');
    assert.match(outcome.why, /^ERR_SSL_/);
  });

  it('is closed by FIN', async (t) => {
    const { line } = await startTls(t, async (host) => {
      await once(host.socket, 'data');
      host.fin();
    });
    assert.deepEqual(told(await line.handshake('mx.example', 1_000)), closed('fin'));
  });

  it('is closed by RST', async (t) => {
    const { line } = await startTls(t, async (host) => {
      await once(host.socket, 'data');
      host.reset();
    });
    assert.deepEqual(told(await line.handshake('mx.example', 1_000)), closed('reset'));
    assert.deepEqual(await say(line, ['NOOP']), [closed('reset')]);
  });

  it('tells a close that came before it', async (t) => {
    const { line } = await startTls(t, (host) => host.fin());
    await settled();
    assert.deepEqual(told(await line.handshake('mx.example', 1_000)), closed('fin'));
  });

  it('times out where the host hangs', async (t) => {
    const { line, host } = await startTls(t, () => {});
    const outcome = await line.handshake('mx.example', 100);
    assert.deepEqual(told(outcome), timeout());
    assert.ok(outcome.afterMs >= 95 && outcome.afterMs < 500, String(outcome.afterMs));
    await line.leave(5_000);
    await host.closed;
  });

  it('is interrupted by the signal, and by a close', async (t) => {
    const one = await startTls(t, () => {});
    setTimeout(() => one.stop.abort(), 30);
    assert.deepEqual(told(await one.line.handshake('mx.example', 5_000)), INTERRUPTED);
    const other = await startTls(t, () => {});
    setTimeout(() => other.line.close(), 30);
    assert.deepEqual(told(await other.line.handshake('mx.example', 5_000)), INTERRUPTED);
    await other.host.closed;
  });

  it('leaves a line that is reset like any other', async (t) => {
    const { line } = await startTls(t, async (host) => {
      const plain = host.socket;
      await host.secure();
      await host.line();
      plain.resetAndDestroy();
    });
    assert.equal((await line.handshake('mx.example', 1_000)).kind, 'secured');
    assert.deepEqual(await say(line, ['NOOP']), [closed('reset')]);
  });

  it('leaves a line that is ended like any other', async (t) => {
    const { line } = await startTls(t, async (host) => {
      await host.secure();
      await host.line();
      host.say('421 bye\r\n25');
      host.fin();
    });
    assert.equal((await line.handshake('mx.example', 1_000)).kind, 'secured');
    assert.deepEqual(await say(line, ['NOOP', 'NOOP']), [reply('421 bye\r\n'), closed('fin', '25')]);
  });

  it('leaves a line whose floods are cut', async (t) => {
    const { line } = await startTls(t, async (host) => {
      await host.secure();
      await host.line();
      await host.flood('250-x\r\n');
    });
    assert.equal((await line.handshake('mx.example', 1_000)).kind, 'secured');
    const [outcome] = await line.exchange('NOOP\r\n', 1, 5_000);
    assert.ok(outcome?.kind === 'not-a-reply' && outcome.why === 'endless-reply' && outcome.afterMs < 1_000);
  });
});
