// Rows about sessions whose evidence takes minutes, or needs more than a scenario has: five minutes of silence, a second
// session, a mail host that was given.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sweep } from './support/scenario-sweep.js';
import type { DomainEvidence } from '../src/evidence/evidence.js';
import type { Attempt, Exchange } from '../src/evidence/transcript.js';
import { CATALOGUE } from '../src/requirements/index.js';
import { scriptsOf } from '../src/requirements/script-plan.js';
import { scriptContextOf } from '../src/requirements/script-run.js';
import type { BesideOutcome } from '../src/smtp/outcome.js';
import { attempt, endpoint, evidence, reply, type EvidenceOptions } from './support/evidence-builder.js';

const RANDOM = 'a12345678901234567890123';
const MINUTES = { commandTimeoutMs: 300_000, controlLocalPart: RANDOM };
const SECONDS = { commandTimeoutMs: 30_000, controlLocalPart: RANDOM };
const HELLO = ['S: 220 mx.example.org', 'C: EHLO probe.example', 'S: 250-mx.example.org', 'S: 250 PIPELINING'];
const MAIN = attempt([...HELLO, 'C: QUIT', 'S: 221 bye']);
const FLUSH = [
  'C: MAIL FROM:<>',
  `C: RCPT TO:<${RANDOM}@example.org>`,
  'C: RCPT TO:<Postmaster@example.org>',
  'C: RSET',
];

function rowOf(id: string): (typeof CATALOGUE)[number] & { readonly scope: 'endpoint' } {
  const row = CATALOGUE.find((one) => one.id === id);
  if (row?.scope !== 'endpoint') throw new Error(`no row of an endpoint is called ${id}`);
  return row;
}

/** The evidence of runs of a row's script, each alone behind EHLO: given by the exchanges of the script. */
function runs(
  id: string,
  played: readonly (readonly Exchange[])[],
  probe: EvidenceOptions['probe'] = {},
): DomainEvidence {
  const context = scriptContextOf(endpoint([MAIN]), evidence([], { probe }));
  const scripts = scriptsOf([rowOf(id)], context).map(({ script }) => script);
  const attempts = played.map((exchanges): Attempt => {
    const begun = attempt(HELLO, { plan: { purpose: 'script', scripts } });
    const ofScript = exchanges.map((exchange): Exchange =>
      exchange.act === 'opening' || exchange.act === 'leave' ? exchange : { ...exchange, script: 0 },
    );
    return { ...begun, exchanges: [...begun.exchanges, ...ofScript] };
  });
  return evidence([endpoint([MAIN, ...attempts])], { probe });
}

/** The exchanges that lines of the notation make behind EHLO. */
const behindHello = (...lines: readonly string[]): readonly Exchange[] =>
  attempt([...HELLO, ...lines]).exchanges.slice(2);

function told(id: string, given: DomainEvidence, at = 0): string {
  const [one] = given.endpoints.slice(at);
  assert.ok(one !== undefined);
  const finding = rowOf(id).judge(one, given);
  return 'cause' in finding ? `${finding.verdict} ${finding.cause}` : finding.verdict;
}

test('a silence of 295 s with NOOP answered behind it passes; a reset in it accuses nobody', () => {
  const id = 'connect.server-timeout';
  const whole = behindHello('linger quiet 295000', 'C: NOOP', 'S: 250 ok');
  assert.equal(told(id, runs(id, [whole])), 'pass');
  assert.equal(told(id, runs(id, [behindHello('linger close 60000')])), 'warn closed-early');
  assert.equal(told(id, runs(id, [behindHello('linger reset 60000')])), 'inconclusive cut-off');
  assert.equal(told(id, runs(id, [behindHello('linger stray 250 hello')])), 'inconclusive out-of-turn');
});

test('the silence is measured at one address of a mail host', () => {
  const id = 'connect.server-timeout';
  const measured = runs(id, [behindHello('linger quiet 295000', 'C: NOOP', 'S: 250 ok')]);
  const other = endpoint([MAIN], { address: '192.0.2.2' });
  assert.equal(told(id, { ...measured, endpoints: [...measured.endpoints, other] }, 1), 'not-applicable');
});

test('replies that are lost behind a failing command fail after five minutes, twice, and not before', () => {
  const id = 'pipelining.no-flush';
  const lost = behindHello(...FLUSH, 'S: 250 ok', 'S: 550 5.1.1 unknown', 'timeout 300000');
  assert.equal(told(id, runs(id, [lost, lost], MINUTES)), 'fail sequence');
  assert.equal(told(id, runs(id, [lost], MINUTES)), 'inconclusive out-of-turn');
  assert.equal(told(id, runs(id, [lost, lost], SECONDS)), 'inconclusive timeout');
  const closed = behindHello(...FLUSH, 'S: 250 ok', 'S: 550 5.1.1 unknown', 'close');
  assert.equal(told(id, runs(id, [closed, closed], MINUTES)), 'inconclusive cut-off');
  assert.equal(told(id, runs(id, [behindHello(...FLUSH, 'timeout 300000')], MINUTES)), 'inconclusive timeout');
});

test('no domain or local-part that has the word is a complaint of pipelining', () => {
  const id = 'pipelining.no-early-talk-penalty';
  const group = ['C: MAIL FROM:<>', 'C: RCPT TO:<Postmaster>', 'C: RCPT TO:<Postmaster@example.org>', 'C: RSET'];
  const said = (words: string): string =>
    told(
      id,
      runs(id, [behindHello(...group, 'S: 250 ok', `S: ${words}`, 'S: 250 ok', 'S: 250 ok', 'C: NOOP', 'S: 250 ok')]),
    );
  assert.equal(said('550 5.1.1 <x@pipelining.example> unknown'), 'pass');
  assert.equal(said('550 5.1.1 pipelining@example.org unknown'), 'pass');
  assert.equal(said('550 5.1.1 pipelining.example is not served'), 'pass');
  assert.equal(said('503 5.5.0 <Postmaster>: improper use of SMTP command pipelining'), 'warn sequence');
  assert.equal(said('503 5.5.0 Error: improper command pipelining after RCPT.'), 'warn sequence');
});

const GREETED = { kind: 'reply', reply: reply('220 mx.example.org'), afterMs: 10 } as const;
const WAITED = { kind: 'timeout', afterMs: 4_000, partial: '' } as const;
const EHLO_OK = { kind: 'reply', reply: reply('250 mx.example.org'), afterMs: 10 } as const;

function beside(session: 'idle' | 'over', afterMs: number, seen: Pick<BesideOutcome, 'opening' | 'hello'>): Exchange {
  const connect = { kind: 'connected', afterMs: 5, localAddress: '192.0.2.200' } as const;
  return { act: 'beside', session, forMs: 4_000, atMs: 20, outcome: { kind: 'beside', afterMs, connect, ...seen } };
}

test('a host serves one at a time only where the second greeting came at once behind the first session, twice', () => {
  const id = 'connect.concurrent';
  const quit = behindHello('C: QUIT', 'S: 221 bye');
  const idle = beside('idle', 4_000, { opening: WAITED, hello: null });
  const waits = (afterMs: number): readonly Exchange[] => [
    idle,
    ...quit,
    beside('over', afterMs, { opening: GREETED, hello: EHLO_OK }),
  ];
  assert.equal(told(id, runs(id, [waits(20)])), 'inconclusive out-of-turn');
  assert.equal(told(id, runs(id, [waits(20), waits(30)])), 'warn sequence');
  assert.equal(told(id, runs(id, [waits(3_000), waits(3_000)])), 'inconclusive timeout');
  const never = [idle, ...quit, beside('over', 4_000, { opening: WAITED, hello: null })];
  assert.equal(told(id, runs(id, [never, never])), 'inconclusive timeout');
  const served = [beside('idle', 30, { opening: GREETED, hello: EHLO_OK }), ...quit];
  assert.equal(told(id, runs(id, [waits(20), served])), 'pass');
});

test('TLS may be required of a host that nobody published, and of a submission port', () => {
  const id = 'starttls.not-required';
  const demand = [
    'S: 220 mx.example.org',
    'C: EHLO probe.example',
    'S: 250 mx.example.org',
    'C: MAIL FROM:<>',
    'S: 530 5.7.0 Must issue a STARTTLS command first',
    'C: QUIT',
    'S: 221 bye',
  ];
  assert.equal(told(id, evidence([endpoint([demand])])), 'fail tls-required');
  assert.equal(told(id, evidence([endpoint([demand])], { route: 'implicit-mx' })), 'fail tls-required');
  assert.equal(told(id, evidence([endpoint([demand])], { route: 'given' })), 'not-applicable');
  assert.equal(told(id, evidence([endpoint([demand], { port: 587 })])), 'not-applicable');
});

test('a host that greylists and says that TLS spares the wait demands no TLS', () => {
  const id = 'starttls.not-required';
  const refused = (...reply: readonly string[]): string =>
    told(
      id,
      evidence([
        endpoint([
          [
            'S: 220 mx.example.org',
            'C: EHLO probe.example',
            'S: 250 mx.example.org',
            'C: MAIL FROM:<>',
            'S: 250 ok',
            'C: RCPT TO:<Postmaster@example.org>',
            ...reply.map((line) => `S: ${line}`),
            'C: QUIT',
            'S: 221 bye',
          ],
        ]),
      ]),
    );
  assert.equal(refused('450 4.7.1 Greylisted, come back in a minute or use STARTTLS'), 'inconclusive needs-tls');
  assert.equal(refused('450 4.7.1 Come back with STARTTLS'), 'fail tls-required');
});

test('evidence with a connection beside the session may be cut anywhere', () => {
  const id = 'connect.concurrent';
  assert.deepEqual(sweep(runs(id, [[beside('idle', 30, { opening: GREETED, hello: EHLO_OK })]]), 0), []);
});
