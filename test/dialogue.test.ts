// The conversations as tables: what a host says on the left, what the probe does on the right. No socket, no clock.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EhloName, ForwardPath, ReversePath } from '../src/smtp/address.js';
import type { ConversationPlan, Transaction } from '../src/smtp/conversation.js';
import { linesOf, STRAY_WAIT_MS, type Act, type ActResult } from '../src/smtp/dialogue-steps.js';
import { CLOSE_WAIT_MS, converse } from '../src/smtp/dialogue.js';
import type { HandshakeOutcome, LingerOutcome, Outcome } from '../src/smtp/outcome.js';
import { ReplyParser } from '../src/smtp/reply-parser.js';
import {
  beside,
  HANDSHAKE,
  say,
  sayIfAccepted,
  sayTogether,
  sendMessage,
  wait,
  type ScriptStep,
} from '../src/smtp/script.js';

const NAME = 'probe.example' as EhloName;
const ENDS = { self: '[192.0.2.1]', startedAt: '2026-01-01T00:00:00.000Z' };
const under = (from: string, ...recipients: readonly string[]): Transaction => ({
  from: from as ReversePath,
  recipients: recipients as readonly string[] as readonly ForwardPath[],
});

const PLAN: ConversationPlan = {
  purpose: 'probe',
  hello: 'EHLO',
  tls: 'avoid',
  pipelining: true,
  transactions: [under('', 'Postmaster@good.example'), under('', 'Postmaster')],
  afterRefusal: 'full',
  lingerMs: 5_000,
};

/**
 * Plays a conversation. Each word of `host` is what comes of the next thing that is awaited: a reply ("250", or "250+A+B"
 * for an EHLO reply that offers A and B; "250@400000" comes after so many milliseconds), "timeout", "fin", "reset", "garbage", "stray" (or "stray421"), "interrupted";
 * "quiet" of a linger; "tls", "no-tls" and "injected" of a handshake. The acts come back, one group in one word.
 */
function play(host: string, plan: Partial<ConversationPlan> = {}): readonly string[] {
  const words = host.split(' ').filter((word) => word !== '');
  const next = (): string => words.shift() ?? 'out of words';
  const acts: string[] = [];
  const dialogue = converse({ ...PLAN, ...plan }, NAME, ENDS);
  for (let step = dialogue.next(); step.done !== true;) {
    const act = step.value;
    acts.push(shown(act));
    step = dialogue.next(resultOf(act, next));
  }
  assert.deepEqual(words, [], 'all that the host says is awaited');
  return acts;
}

function shown(act: Act): string {
  switch (act.kind) {
    case 'send':
      return linesOf(act).join(' | ');
    case 'linger':
      return `linger ${act.forMs}`;
    default:
      return act.kind;
  }
}

function resultOf(act: Act, next: () => string): ActResult {
  switch (act.kind) {
    case 'opening':
      return { kind: 'opening', outcome: outcomeOf(next()) };
    case 'send': {
      const outcomes: Outcome[] = [];
      for (const _ of act.commands) {
        const before = outcomes.at(-1);
        // What is no reply is the outcome of the rest of the group as well (ports.ts).
        outcomes.push(before !== undefined && before.kind !== 'reply' ? before : outcomeOf(next()));
      }
      return { kind: 'send', outcomes };
    }
    case 'linger': {
      const word = next();
      if (word === 'quiet') return { kind: 'linger', outcome: { kind: 'quiet', afterMs: act.forMs } };
      return { kind: 'linger', outcome: outcomeOf(word) as LingerOutcome };
    }
    case 'handshake':
      return { kind: 'handshake', outcome: handshakeOf(next()) };
    case 'beside': {
      const opening = outcomeOf(next());
      const connect = { kind: 'connected', afterMs: 1, localAddress: '192.0.2.200' } as const;
      return { kind: 'beside', outcome: { kind: 'beside', afterMs: 1, connect, opening, hello: null } };
    }
    case 'leave':
      return { kind: 'leave' };
  }
}

function outcomeOf(timed: string): Outcome {
  const [word = '', ms = '1'] = timed.split('@');
  const afterMs = Number(ms);
  switch (word) {
    case 'timeout':
      return { kind: 'timeout', afterMs, partial: '' };
    case 'fin':
    case 'reset':
      return { kind: 'closed', how: word, afterMs, partial: '' };
    case 'garbage':
      return { kind: 'not-a-reply', why: 'no-code', raw: '?', afterMs };
    case 'interrupted':
      return { kind: 'interrupted', afterMs };
  }
  const isStray = word.startsWith('stray');
  const [code = '', ...keywords] = (isStray ? word.slice(5) || '250' : word).split('+');
  const lines = ['text', ...keywords];
  const [parsed] = new ReplyParser().feed(
    lines.map((line, index) => `${code}${index === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join(''),
  );
  if (parsed?.kind !== 'reply') throw new Error(`the table says ${word}`);
  return isStray
    ? { kind: 'out-of-turn', reply: parsed.reply, afterMs }
    : { kind: 'reply', reply: parsed.reply, afterMs };
}

function handshakeOf(word: string): HandshakeOutcome {
  if (word === 'tls')
    return { kind: 'secured', afterMs: 1, tls: { protocol: 'TLSv1.3', cipher: 'X', certificate: null } };
  if (word === 'injected') return { kind: 'injected', raw: '250 x', afterMs: 1 };
  if (word === 'no-tls') return { kind: 'tls-failed', why: 'wrong version number', afterMs: 1 };
  return outcomeOf(word) as HandshakeOutcome;
}

const A = 'RCPT TO:<Postmaster@good.example>';
const B = 'RCPT TO:<Postmaster>';
const NULL = 'MAIL FROM:<>';
const HELLO = ['opening', 'EHLO probe.example'];
const LOCK_STEP = [...HELLO, NULL, A, 'RSET', NULL, B, 'QUIT'];
const GROUP = `${NULL} | ${A} | RSET | ${NULL} | ${B} | QUIT`;

type Row = readonly [host: string, acts: readonly string[], plan?: Partial<ConversationPlan>];

const TABLES: Readonly<Record<string, readonly Row[]>> = {
  'the opening': [
    ['timeout', ['opening']],
    ['fin', ['opening']],
    ['reset', ['opening']],
    ['garbage', ['opening']],
    ['interrupted', ['opening']],
    ['421 221', ['opening', 'QUIT']],
    ['450 221', ['opening', 'QUIT']],
    ['500 221', ['opening', 'QUIT']],
    ['550 221', ['opening', 'QUIT']],
    ['571 500 quiet', ['opening', 'QUIT', 'linger 1000']],
    ['354 221', ['opening', 'QUIT']],
    ['250 250 250 250 250 250 250 221', LOCK_STEP],
  ],
  hello: [
    [
      '220 502 250 250 250 250 250 250 221',
      ['opening', 'EHLO probe.example', 'HELO probe.example', ...LOCK_STEP.slice(2)],
    ],
    [
      '220 550 250+PIPELINING 250 250 250 250 250 221',
      ['opening', 'EHLO probe.example', 'HELO probe.example', ...LOCK_STEP.slice(2)],
    ],
    ['220 502 502 221', [...HELLO, 'HELO probe.example', 'QUIT']],
    ['220 502 timeout', [...HELLO, 'HELO probe.example', 'leave']],
    ['220 451 221', [...HELLO, 'QUIT']],
    ['220 354 221', [...HELLO, 'QUIT']],
    ['220 421', HELLO],
    ['220 fin', HELLO],
    ['220 garbage', HELLO],
    ['220 timeout', [...HELLO, 'leave']],
    ['220 stray', [...HELLO, 'leave']],
    ['220 stray421', HELLO],
    ['220 interrupted', [...HELLO, 'leave']],
    [
      '220 250+PIPELINING 250 250 250 250 250 221',
      ['opening', 'HELO probe.example', ...LOCK_STEP.slice(2)],
      { hello: 'HELO' },
    ],
    ['220 502 221', ['opening', 'HELO probe.example', 'QUIT'], { hello: 'HELO' }],
  ],
  'in lock-step': [
    ['220 250 250 250 250 250 250 221', LOCK_STEP],
    ['220 250+PIPELINING 250 250 250 250 250 221', LOCK_STEP, { pipelining: false }],
    ['220 250 250 550 250 250 450 221', LOCK_STEP],
    ['220 250 550 221', [...HELLO, NULL, 'QUIT']],
    ['220 250 451 221', [...HELLO, NULL, 'QUIT']],
    ['220 250 250 250 500 221', [...HELLO, NULL, A, 'RSET', 'QUIT']],
    ['220 250 250 250 450 221', [...HELLO, NULL, A, 'RSET', 'QUIT']],
    ['220 250 250 250 250 250 250 250 quiet', [...LOCK_STEP, 'linger 1000']],
    ['220 250 250 250 250 250 250 stray', LOCK_STEP],
    ['220 250 250 250 250 250 250 timeout', LOCK_STEP],
    ['220 250 250 timeout', [...HELLO, NULL, A, 'leave']],
    ['220 250 250 stray', [...HELLO, NULL, A, 'leave']],
    ['220 250 250 stray421', [...HELLO, NULL, A]],
    ['220 250 250 421', [...HELLO, NULL, A]],
    ['220 250 250 fin', [...HELLO, NULL, A]],
    ['220 250 250 garbage', [...HELLO, NULL, A]],
    ['220 250 250 interrupted', [...HELLO, NULL, A, 'leave']],
    ['220 250 221', [...HELLO, 'QUIT'], { transactions: [] }],
  ],
  'two senders': (
    [
      ['220 250 250 250 550 250 250 250 221', [...HELLO, 'MAIL FROM:<me@a.example>', A, B, 'RSET', NULL, A, 'QUIT']],
      ['220 250 550 250 250 221', [...HELLO, 'MAIL FROM:<me@a.example>', NULL, A, 'QUIT']],
      ['220 250 550 550 221', [...HELLO, 'MAIL FROM:<me@a.example>', NULL, 'QUIT']],
      [
        '220 250+PIPELINING 550 503 503 250 250 250 221',
        [...HELLO, `MAIL FROM:<me@a.example> | ${A} | ${B} | RSET | ${NULL} | ${A} | QUIT`],
      ],
    ] satisfies readonly Row[]
  ).map(([host, acts]): Row => [
    host,
    acts,
    {
      transactions: [
        under('me@a.example', 'Postmaster@good.example', 'Postmaster'),
        under('', 'Postmaster@good.example'),
      ],
    },
  ]),
  'in groups': [
    ['220 250+PIPELINING 250 250 250 250 250 221', [...HELLO, GROUP]],
    ['220 250+pipelining 250 550 250 250 550 221', [...HELLO, GROUP]],
    ['220 250+PIPELINING 250 250 250 250 250 250 quiet', [...HELLO, GROUP, 'linger 1000']],
    ['220 250+PIPELINING 250 250 421 fin', [...HELLO, GROUP]],
    ['220 250+PIPELINING 250 timeout', [...HELLO, GROUP]],
    ['220 250+PIPELINING stray', [...HELLO, GROUP]],
    ['220 250+PIPELINING 250 garbage', [...HELLO, GROUP]],
    ['220 250+PIPELINING 221', [...HELLO, 'QUIT'], { transactions: [] }],
  ],
  SMTPUTF8: [
    [
      '220 250 250 250 221',
      [...HELLO, NULL, B, 'QUIT'],
      { transactions: [under('', 'Postmaster'), { ...under('', 'a@b.example'), smtputf8: true }] },
    ],
    [
      '220 250+SMTPUTF8 250 250 250 250 250 221',
      [...HELLO, NULL, B, 'RSET', 'MAIL FROM:<> SMTPUTF8', 'RCPT TO:<a@b.example>', 'QUIT'],
      { transactions: [under('', 'Postmaster'), { ...under('', 'a@b.example'), smtputf8: true }] },
    ],
  ],
  STARTTLS: (
    [
      ['220 250 221', [...HELLO, 'QUIT']],
      ['220 502 250 221', [...HELLO, 'HELO probe.example', 'QUIT']],
      ['220 250+STARTTLS 454 221', [...HELLO, 'STARTTLS', 'QUIT']],
      ['220 250+STARTTLS 250 221', [...HELLO, 'STARTTLS', 'QUIT']],
      ['220 250+STARTTLS 421', [...HELLO, 'STARTTLS']],
      ['220 250+STARTTLS timeout', [...HELLO, 'STARTTLS', 'leave']],
      ['220 250+STARTTLS 220 no-tls', [...HELLO, 'STARTTLS', 'handshake']],
      ['220 250+STARTTLS 220 injected', [...HELLO, 'STARTTLS', 'handshake']],
      ['220 250+STARTTLS 220 timeout', [...HELLO, 'STARTTLS', 'handshake']],
      ['220 250+STARTTLS 220 fin', [...HELLO, 'STARTTLS', 'handshake']],
      [
        '220 250+STARTTLS+PIPELINING 220 tls 250 250 250 250 250 250 221',
        [...HELLO, 'STARTTLS', 'handshake', 'EHLO probe.example', ...LOCK_STEP.slice(2)],
      ],
      [
        '220 250+STARTTLS 220 tls 250+STARTTLS+PIPELINING 250 250 250 250 250 221',
        [...HELLO, 'STARTTLS', 'handshake', 'EHLO probe.example', GROUP],
      ],
      ['220 250+STARTTLS 220 tls 502 221', [...HELLO, 'STARTTLS', 'handshake', 'EHLO probe.example', 'QUIT']],
      ['220 250+STARTTLS 220 tls fin', [...HELLO, 'STARTTLS', 'handshake', 'EHLO probe.example']],
    ] satisfies readonly Row[]
  ).map(([host, acts]): Row => [host, acts, { tls: 'require' }]),
  scripts: (
    [
      [
        '220 250+STARTTLS 220 tls 250 221',
        [...HELLO, 'STARTTLS', 'handshake', 'EHLO probe.example', 'QUIT'],
        [say('STARTTLS'), HANDSHAKE, say('EHLO {ehlo}')],
      ],
      // Without a 220 there is no handshake, and nothing that was meant for TLS is said.
      ['220 250+STARTTLS 454 221', [...HELLO, 'STARTTLS', 'QUIT'], [say('STARTTLS'), HANDSHAKE, say('EHLO {ehlo}')]],
      ['220 250 550 221', [...HELLO, NULL, 'QUIT'], [say(NULL), sayIfAccepted('STARTTLS'), HANDSHAKE, say(B)]],
      ['220 250 220 no-tls', [...HELLO, 'STARTTLS', 'handshake'], [say('STARTTLS'), HANDSHAKE, wait(5)]],
      ['220 250 220 221', [...HELLO, 'beside', 'QUIT'], [beside(5), say('QUIT'), beside(5)]],
      ['220 250 timeout 221 220', [...HELLO, 'beside', 'QUIT', 'beside'], [beside(5), say('QUIT'), beside(5)]],
      ['220 250 timeout fin', [...HELLO, 'beside', 'QUIT'], [beside(5), say('QUIT'), beside(5)]],
      // A host that is slow for minutes is left, whatever is still to be said.
      ['220 250 250@200000 250@200000', [...HELLO, 'NOOP', 'NOOP', 'leave'], [say('NOOP'), say('NOOP'), say('RSET')]],
      ['220 250 250@200000 250 221', [...HELLO, 'NOOP', 'RSET', 'QUIT'], [say('NOOP'), say('RSET')]],
      // An empty message goes to nobody, any other only to somebody, and DATA stands for a message.
      ['220 250 250 354 554 221', [...HELLO, NULL, 'DATA', '.', 'QUIT'], [say(NULL), sendMessage('empty')]],
      ['220 250 250 250 221', [...HELLO, NULL, B, 'QUIT'], [say(NULL), say(B), sendMessage('empty')]],
      [
        '220 250+PIPELINING 250 250 250 221',
        [...HELLO, `${NULL} | ${B.toLowerCase()} | NOOP`, 'QUIT'],
        [sayTogether(NULL, B.toLowerCase(), 'NOOP'), sendMessage('empty')],
      ],
      ['220 250 250 550 221', [...HELLO, NULL, B, 'QUIT'], [say(NULL), say(B), sendMessage('note')]],
      [
        '220 250 250 250 250 221',
        [...HELLO, NULL, B, 'RSET', 'QUIT'],
        [say(NULL), say(B), say('RSET'), sendMessage('note')],
      ],
      ['220 250 250 250 550 221', [...HELLO, NULL, B, 'DATA', 'QUIT'], [say(NULL), say(B), sendMessage('note')]],
      ['220 250 250 250 interrupted', [...HELLO, NULL, B, 'DATA', 'leave'], [say(NULL), say(B), sendMessage('note')]],
      ['220 250 250 250 timeout', [...HELLO, NULL, B, 'DATA', 'leave'], [say(NULL), say(B), sendMessage('note')]],
    ] satisfies readonly (readonly [string, readonly string[], readonly ScriptStep[]])[]
  ).map(([host, acts, steps]): Row => [host, acts, { purpose: 'script', scripts: [{ from: 'hello', steps }] }]),
  'an opening 554': [
    ['554 quiet 503 503 221 quiet', ['opening', 'linger 5000', 'EHLO probe.example', 'NOOP', 'QUIT', 'linger 10000']],
    ['554 quiet 503 503 221 fin', ['opening', 'linger 5000', 'EHLO probe.example', 'NOOP', 'QUIT', 'linger 10000']],
    ['554 fin', ['opening', 'linger 5000']],
    ['554 reset', ['opening', 'linger 5000']],
    ['554 garbage', ['opening', 'linger 5000']],
    ['554 stray421', ['opening', 'linger 5000']],
    ['554 stray', ['opening', 'linger 5000', 'leave']],
    ['554 interrupted', ['opening', 'linger 5000', 'leave']],
    ['554 quiet fin', ['opening', 'linger 5000', 'EHLO probe.example']],
    ['554 quiet 503 fin', ['opening', 'linger 5000', 'EHLO probe.example', 'NOOP']],
    ['554 quiet timeout', ['opening', 'linger 5000', 'EHLO probe.example', 'leave']],
    [
      '554 quiet 250 250 250 503 221 fin',
      ['opening', 'linger 5000', 'EHLO probe.example', NULL, A, 'NOOP', 'QUIT', 'linger 10000'],
    ],
    [
      '554 quiet 250 550 503 221 fin',
      ['opening', 'linger 5000', 'EHLO probe.example', NULL, 'NOOP', 'QUIT', 'linger 10000'],
    ],
    [
      '554 quiet 250 503 221 fin',
      ['opening', 'linger 5000', 'EHLO probe.example', 'NOOP', 'QUIT', 'linger 10000'],
      { transactions: [] },
    ],
    ['554 221', ['opening', 'QUIT'], { afterRefusal: 'brief' }],
    ['554 500 quiet', ['opening', 'QUIT', 'linger 1000'], { afterRefusal: 'brief' }],
    ['554 fin', ['opening', 'QUIT'], { afterRefusal: 'brief' }],
  ],
  'an opening 521': [
    ['521 521 221', ['opening', 'NOOP', 'QUIT']],
    ['521 fin', ['opening', 'NOOP']],
    ['521 503 fin', ['opening', 'NOOP', 'QUIT']],
    ['521 timeout', ['opening', 'NOOP', 'leave']],
    ['521 521 221', ['opening', 'NOOP', 'QUIT'], { afterRefusal: 'brief' }],
  ],
};

for (const [name, rows] of Object.entries(TABLES)) {
  describe(name, () => {
    for (const [host, acts, plan] of rows) {
      it(`${host}${plan === undefined ? '' : ` (${Object.keys(plan).join(', ')})`}`, () => {
        assert.deepEqual(play(host, plan), acts);
      });
    }
  });
}

describe('the waits behind QUIT', () => {
  it('are ten seconds for a close behind a 554 session, and one for replies that nobody asked for', () => {
    assert.deepEqual([CLOSE_WAIT_MS, STRAY_WAIT_MS], [10_000, 1_000]);
  });
});

describe('a driver that answers another question', () => {
  it('is a bug of ours, and thrown', () => {
    const dialogue = converse(PLAN, NAME, ENDS);
    dialogue.next();
    assert.throws(() => dialogue.next({ kind: 'leave' }), TypeError);
  });
});

describe('what an act puts on the wire', () => {
  it('is its commands, or QUIT in taking leave, and nothing otherwise', () => {
    const acts: readonly Act[] = [
      { kind: 'opening' },
      { kind: 'send', commands: [{ verb: 'RSET' }, { verb: 'QUIT' }] },
      { kind: 'linger', forMs: 1 },
      { kind: 'handshake' },
      { kind: 'leave' },
    ];
    assert.deepEqual(acts.map(linesOf), [[], ['RSET', 'QUIT'], [], [], ['QUIT']]);
  });
});
