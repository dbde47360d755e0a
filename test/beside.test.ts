// A connection beside a session: both are held, seen and closed, also where the run is stopped in the middle.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printTranscript, parseScenario } from '../src/evidence/notation.js';
import type { Attempt } from '../src/evidence/transcript.js';
import { connect } from '../src/io/client.js';
import { DEFAULT_TIME_OUTS, runSession } from '../src/io/session.js';
import { openLab } from '../src/lab/lab.js';
import { transcriptLines } from '../src/report/json.js';
import type { EhloName } from '../src/smtp/address.js';
import type { ConversationPlan } from '../src/smtp/conversation.js';
import { beside, say } from '../src/smtp/script.js';

const PLAN: ConversationPlan = {
  purpose: 'script',
  hello: 'EHLO',
  tls: 'avoid',
  pipelining: true,
  transactions: [],
  scripts: [{ from: 'hello', steps: [beside(60_000), say('QUIT'), beside(60_000)] }],
  afterRefusal: 'full',
  lingerMs: 0,
};

interface Stop {
  readonly signal?: AbortSignal;
  readonly isOver?: () => boolean;
}

/** One session with a host that is scripted so; which connections it had, and what was out of the script. */
async function session(
  script: string,
  { signal, isOver = () => false }: Stop = {},
): Promise<[Attempt, readonly string[]]> {
  const lab = await openLab([parseScenario(script, 'a script')]);
  const where = { host: 'mx.good.example', address: '127.0.0.1', port: lab.port, ehlo: 'probe.example' as EhloName };
  try {
    const attempt = await runSession(PLAN, { ...where, timeOuts: DEFAULT_TIME_OUTS, connect, signal, isOver });
    return [attempt, lab.mismatches()];
  } finally {
    await lab.stop();
  }
}

const besideIn = ({ exchanges }: Attempt): readonly string[] =>
  exchanges.flatMap((exchange) => {
    if (exchange.act !== 'beside') return [];
    const { connect: connected, opening, hello } = exchange.outcome;
    return [[exchange.session, connected.kind, opening?.kind ?? '-', hello?.kind ?? '-'].join(' ')];
  });

test('a second session is greeted, says EHLO and QUIT, and the first goes on', async () => {
  const [attempt, mismatches] = await session('...\n--- connection\n...\nC: QUIT\nS: 221 bye');
  assert.deepEqual(besideIn(attempt), ['idle connected reply reply']);
  assert.deepEqual(mismatches, []);
  assert.equal(attempt.exchanges.at(-1)?.act, 'command');
});

test('a second session that is refused is told so and takes its leave', async () => {
  const [attempt, mismatches] = await session('...\n--- connection\nS: 554 no\nC: QUIT\nS: 221 bye');
  assert.deepEqual(besideIn(attempt), ['idle connected reply -']);
  assert.deepEqual(mismatches, []);
});

test('the end of the run ends the wait for a second greeting at once, and both connections', async () => {
  const controller = new AbortController();
  const running = session('...\n--- connection\n! stall', { signal: controller.signal });
  setTimeout(() => controller.abort(), 200);
  const [attempt] = await running;
  assert.deepEqual(besideIn(attempt), ['idle connected interrupted -']);
  assert.ok(attempt.durationMs < 30_000);
});

test('no second connection is begun when the run is over', async () => {
  let asked = 0;
  // The session, its EHLO, and then no more.
  const [attempt, mismatches] = await session('...', { isOver: () => ++asked > 2 });
  assert.deepEqual(besideIn(attempt), ['idle interrupted - -']);
  assert.deepEqual(mismatches, []);
});

test('transcripts tell of the other connection in a comment, and what was said for one reply line by line', async () => {
  const [attempt] = await session('...\n--- connection\n...');
  const printed = printTranscript([attempt]);
  assert.match(
    printed,
    /^# another connection beside this one: connected, opening "220 mx.good.example ESMTP" after \d+ ms, EHLO "250-mx/m,
  );
  assert.deepEqual(transcriptLines(attempt).filter(({ line }) => line.startsWith('another connection')).length, 1);
  const exchanges = attempt.exchanges.map((one) =>
    one.act === 'command' && one.command === 'QUIT' ? { ...one, command: 'STARTTLS\r\nNOOP' } : one,
  );
  assert.match(printTranscript([{ ...attempt, exchanges }]), /^C: STARTTLS\nC: NOOP$/m);
  const probe = transcriptLines({ ...attempt, exchanges }).filter(({ from }) => from === 'probe');
  assert.deepEqual(
    probe.map(({ line }) => line),
    ['EHLO probe.example', 'STARTTLS', 'NOOP'],
  );
});
