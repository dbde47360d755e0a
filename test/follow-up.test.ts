// Which conversations are planned, and which one follows which transcript (catalogue section 4; cli.md, "What is sent by
// default"): R1, R2, R3, R8 and the second opening. R4 and R5, the next address and the next host, are the route's.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attempt } from '../src/evidence/transcript.js';
import { isWorthRetrying, nextConversation, type FollowUpOptions } from '../src/requirements/follow-up.js';
import { planProbe, type PlanOptions } from '../src/requirements/plan.js';
import { matching, selectRequirements } from '../src/requirements/selection.js';
import { NULL_REVERSE_PATH, type ForwardPath, type ReversePath } from '../src/smtp/address.js';
import type { ConversationPlan, Purpose, Transaction } from '../src/smtp/conversation.js';
import { UsageError } from '../src/smtp/usage-error.js';
import { attempt, endpoint, evidence } from './support/evidence-builder.js';

const under = (from: string, ...recipients: readonly string[]): Transaction => ({
  from: from as ReversePath,
  recipients: recipients as readonly string[] as readonly ForwardPath[],
});

const AT = 'Postmaster@example.org';
const BARE = 'Postmaster';
const FIRST: ConversationPlan = {
  purpose: 'probe',
  hello: 'EHLO',
  tls: 'avoid',
  pipelining: true,
  transactions: [under('', AT), under('', BARE)],
  afterRefusal: 'full',
  lingerMs: 5_000,
};
const OPTIONS: FollowUpOptions = {
  planned: [FIRST],
  otherSenders: ['postmaster@probe.example' as ReversePath],
  mayUseTls: true,
  wantsHelo: false,
  scripts: [],
  rows: [],
  since: 0,
};

const HELLO = ['S: 220 mx.example.org', 'C: EHLO probe.example', 'S: 250 mx.example.org'];
const HELLO_TLS = ['S: 220 mx.example.org', 'C: EHLO probe.example', 'S: 250-mx.example.org', 'S: 250 STARTTLS'];
const MAIL = ['C: MAIL FROM:<>', 'S: 250 ok'];
const QUIT = ['C: QUIT', 'S: 221 bye'];
/** A session that asks for both recipients under the null sender, with these replies. */
const session = (at: string, bare: string, hello = HELLO): readonly string[] => [
  ...hello, ...MAIL, `C: RCPT TO:<${AT}>`, `S: ${at}`, 'C: RSET', 'S: 250 ok', ...MAIL, `C: RCPT TO:<${BARE}>`, `S: ${bare}`, ...QUIT,
]; // prettier-ignore

type Lines = readonly string[] | Attempt;

/** What follows these connections: its purpose, transport and transactions, or null. */
function after(lines: readonly Lines[], options: Partial<FollowUpOptions> = {}): unknown {
  const at = endpoint(lines);
  const plan = nextConversation(at, evidence([at]), { ...OPTIONS, ...options });
  if (plan === null) return null;
  const transactions = plan.transactions.map(({ from, recipients }) => `<${from}> ${recipients.join(' ')}`);
  return `${plan.purpose} ${plan.hello} ${plan.tls} ${plan.pipelining ? 'groups' : 'lock-step'} ${plan.afterRefusal}: ${transactions.join(', ')}`;
}

const made = (purpose: Purpose, lines: readonly string[], plan: Partial<ConversationPlan> = {}): Attempt =>
  attempt(lines, { plan: { ...FIRST, purpose, ...plan } });
const BOTH = `<> ${AT}, <> ${BARE}`;
const PROBE = `probe EHLO avoid groups full: ${BOTH}`;
const OVER_TLS = `over-tls EHLO require groups full: ${BOTH}`;

describe('what follows', () => {
  const ROWS: Readonly<Record<string, readonly [readonly Lines[], unknown, Partial<FollowUpOptions>?]>> = {
    'nothing yet: the probe': [[], PROBE],
    'an earlier round (R3): the probe again': [
      [made('probe', session('450 greylisted', '450 greylisted'))],
      `retry EHLO avoid groups full: ${BOTH}`,
      { since: 1 },
    ],
    'acceptance: nothing': [[made('probe', session('250 ok', '250 ok'))], null],
    'a plain refusal of first recipients: nothing': [
      [made('probe', session('550 5.1.1 User unknown', '550 5.1.1 User unknown'))],
      null,
    ],
    'greylisting: nothing, in this round': [
      [made('probe', session('450 4.7.1 Greylisted', '450 4.7.1 Greylisted'))],
      null,
    ],
    refused: [[made('probe', ['refused'])], PROBE],
    'refused twice': [[made('probe', ['refused']), made('probe', ['refused'])], null],
    'a connection that is not answered': [[made('probe', ['connect timeout'])], null],
    'no route': [[made('probe', ['no-route'])], null],
    'a close before the greeting (R8)': [[made('probe', ['close'])], PROBE],
    'a reset before the greeting (R8)': [[made('probe', ['reset'])], PROBE],
    'a close before the greeting, twice': [[made('probe', ['close']), made('probe', ['close'])], null],
    'silence in place of a greeting': [[made('probe', ['timeout'])], null],
    'garbage in place of a greeting': [[made('probe', ['garbage HTTP/1.1 400'])], null],
    'an opening 421': [[made('probe', ['S: 421 busy', ...QUIT])], null],
    'an opening 550': [[made('probe', ['S: 550 no', ...QUIT])], null],
    'an opening 554 that waited': [
      [
        made('probe', [
          'S: 554 no',
          'linger quiet',
          'C: EHLO probe.example',
          'S: 503 no',
          'C: NOOP',
          'S: 503 no',
          ...QUIT,
          'close',
        ]),
      ],
      `second-opening EHLO avoid groups brief: ${BOTH}`,
    ],
    'an opening 554 that hung up': [
      [made('probe', ['S: 554 no', 'linger close'])],
      `second-opening EHLO avoid groups full: ${BOTH}`,
    ],
    'an opening 521': [
      [made('probe', ['S: 521 no', 'C: NOOP', 'S: 521 no', ...QUIT])],
      `second-opening EHLO avoid groups brief: ${BOTH}`,
    ],
    'a second opening 554': [
      [made('probe', ['S: 554 no', 'linger close']), made('second-opening', ['S: 554 no', ...QUIT])],
      null,
    ],
    '554, then 220: the probe was had in the second session': [
      [made('probe', ['S: 554 no', 'linger close']), made('second-opening', session('250 ok', '250 ok'))],
      null,
    ],
    interrupted: [[made('probe', [...HELLO, 'C: MAIL FROM:<>', 'interrupted', 'leave'])], null],
    '530 where STARTTLS is offered (R2)': [
      [made('probe', [...HELLO_TLS, 'C: MAIL FROM:<>', 'S: 530 5.7.0 Must issue a STARTTLS command first', ...QUIT])],
      OVER_TLS,
    ],
    '530 to RCPT (R2)': [[made('probe', session('530 5.7.0 no', '530 5.7.0 no', HELLO_TLS))], OVER_TLS],
    'a 400 that asks for STARTTLS (R2)': [
      [made('probe', [...HELLO_TLS, 'C: MAIL FROM:<>', 'S: 400 STARTTLS is required', ...QUIT])],
      OVER_TLS,
    ],
    '530 with --starttls never': [
      [made('probe', session('530 5.7.0 no', '530 5.7.0 no', HELLO_TLS))],
      null,
      { mayUseTls: false, otherSenders: [] },
    ],
    '530 without an offer of STARTTLS': [
      [made('probe', session('530 5.7.0 no', '530 5.7.0 no'))],
      null,
      { otherSenders: [] },
    ],
    '530 inside TLS already': [
      [
        made('probe', session('530 5.7.0 no', '530 5.7.0 no', HELLO_TLS)),
        made('over-tls', [...HELLO_TLS, 'C: STARTTLS', 'S: 220 go', 'handshake failed'], { tls: 'require' }),
      ],
      null,
      { otherSenders: [] },
    ],
    'MAIL refused for good (R1)': [
      [made('probe', [...HELLO, 'C: MAIL FROM:<>', 'S: 550 5.7.1 null sender refused', ...QUIT])],
      `other-sender EHLO avoid groups full: <postmaster@probe.example> ${AT} ${BARE}`,
    ],
    'the sender blamed at RCPT (R1)': [
      [
        made(
          'probe',
          session(
            '550 5.1.8 Sender address rejected: Domain not found',
            '550 5.1.8 Sender address rejected: Domain not found',
          ),
        ),
      ],
      `other-sender EHLO avoid groups full: <postmaster@probe.example> ${AT} ${BARE}`,
    ],
    'MAIL refused for now': [[made('probe', [...HELLO, 'C: MAIL FROM:<>', 'S: 451 later', ...QUIT])], null],
    'MAIL refused, no other sender': [
      [made('probe', [...HELLO, 'C: MAIL FROM:<>', 'S: 550 5.7.1 no', ...QUIT])],
      null,
      { otherSenders: [] },
    ],
    'MAIL refused with the other sender too': [
      [
        made('probe', [...HELLO, 'C: MAIL FROM:<>', 'S: 550 5.7.1 no', ...QUIT]),
        made('other-sender', [...HELLO, 'C: MAIL FROM:<postmaster@probe.example>', 'S: 550 5.7.1 no', ...QUIT], {
          transactions: [under('postmaster@probe.example', AT, BARE)],
        }),
      ],
      null,
    ],
    '503 though MAIL was accepted (R8)': [
      [made('probe', session('503 5.5.1 need MAIL first', '250 ok'))],
      `alone EHLO avoid lock-step full: <> ${AT}`,
    ],
    'too many recipients (R8)': [
      [made('probe', session('250 ok', '452 4.5.3 too many recipients'))],
      `alone EHLO avoid lock-step full: <> ${BARE}`,
    ],
    'a refusal of any recipient but the first of its transaction (R8)': [
      [
        made('probe', [
          ...HELLO,
          'C: MAIL FROM:<me@a.example>',
          'S: 250 ok',
          `C: RCPT TO:<${AT}>`,
          'S: 250 ok',
          `C: RCPT TO:<${BARE}>`,
          'S: 550 5.1.1 unknown',
          ...QUIT,
        ]),
      ],
      `alone EHLO avoid lock-step full: <me@a.example> ${BARE}`,
    ],
    'a refusal for now of such a recipient': [
      [
        made('probe', [
          ...HELLO,
          'C: MAIL FROM:<me@a.example>',
          'S: 250 ok',
          `C: RCPT TO:<${AT}>`,
          'S: 250 ok',
          `C: RCPT TO:<${BARE}>`,
          'S: 450 4.2.0 later',
          ...QUIT,
        ]),
      ],
      null,
    ],
    'one unexplained close (R8)': [
      [made('probe', [...HELLO, ...MAIL, `C: RCPT TO:<${AT}>`, 'close'])],
      `alone EHLO avoid lock-step full: ${BOTH}`,
    ],
    'a close behind a refusal': [
      [made('probe', [...HELLO, ...MAIL, `C: RCPT TO:<${AT}>`, 'S: 550 5.7.1 no more', 'C: RSET', 'close'])],
      null,
      { otherSenders: [] },
    ],
    'a close behind 421': [[made('probe', [...HELLO, 'C: MAIL FROM:<>', 'S: 421 bye'])], null],
    'a time-out': [[made('probe', [...HELLO, ...MAIL, `C: RCPT TO:<${AT}>`, 'timeout', 'leave'])], null],
    'asked alone already': [
      [
        made('probe', session('503 5.5.1 need MAIL first', '250 ok')),
        made('alone', [...HELLO, ...MAIL, `C: RCPT TO:<${AT}>`, 'S: 503 5.5.1 need MAIL first', ...QUIT]),
      ],
      null,
    ],
    'a HELO session that was asked for': [
      [made('probe', session('250 ok', '250 ok'))],
      `helo HELO avoid lock-step full: <> ${AT}`,
      { wantsHelo: true },
    ],
    'a HELO session that was had': [
      [
        made('probe', session('250 ok', '250 ok')),
        made('helo', ['S: 220 mx', 'C: HELO probe.example', 'S: 250 mx', ...QUIT], { hello: 'HELO' }),
      ],
      null,
      { wantsHelo: true },
    ],
    'the second of two planned conversations': [
      [made('probe', session('250 ok', '250 ok'))],
      `probe EHLO avoid groups full: <> abuse@example.org`,
      { planned: [FIRST, { ...FIRST, transactions: [under('', 'abuse@example.org')] }] },
    ],
    'eight connections: never a ninth': [
      Array.from({ length: 8 }, () => made('probe', session('503 5.5.1 need MAIL first', '250 ok'))),
      null,
    ],
  };
  for (const [name, [lines, expected, options]] of Object.entries(ROWS)) {
    it(name, () => {
      assert.equal(after(lines, options), expected);
    });
  }
});

describe('R3 is worth it', () => {
  const isWorth = (lines: Lines): boolean => {
    const at = endpoint([lines]);
    return isWorthRetrying(at, evidence([at]));
  };
  const ROWS: Readonly<Record<string, readonly [Lines, boolean]>> = {
    'after greylisting': [session('450 4.7.1 Greylisted', '450 4.7.1 Greylisted'), true],
    'after 451 to one of two': [session('250 ok', '451 4.3.0 later'), true],
    'after an opening 421': [['S: 421 busy', ...QUIT], true],
    'after a close': [[...HELLO, ...MAIL, `C: RCPT TO:<${AT}>`, 'close'], true],
    'after a time-out': [made('probe', [...HELLO, 'C: MAIL FROM:<>', 'timeout', 'leave']), true],
    'after a connection that was refused': [['refused'], true],
    'not after acceptance': [session('250 ok', '250 ok'), false],
    'not after a refusal for good': [session('550 5.1.1 User unknown', '550 5.1.1 User unknown'), false],
  };
  for (const [name, [lines, expected]] of Object.entries(ROWS)) {
    it(name, () => {
      assert.equal(isWorth(lines), expected);
    });
  }

  it('not where nobody was asked', () => {
    const at = endpoint([], { skipped: 'address-not-allowed' });
    assert.equal(isWorthRetrying(at, evidence([at])), false);
  });
});

describe('the plan', () => {
  const CONTEXT: PlanOptions = {
    context: {
      domain: 'example.org',
      unicode: null,
      canonical: null,
      host: 'mx.example.org',
      address: '192.0.2.1',
      controlLocalPart: 'x7q2m9',
      served: [],
      lists: [],
      soa: null,
    },
    reversePaths: [NULL_REVERSE_PATH],
    tls: 'avoid',
    pipelining: true,
    lingerMs: 5_000,
    withControl: true,
  };
  const asked = selectRequirements().asked;
  const told = (plans: readonly ConversationPlan[]): readonly string[] =>
    plans.flatMap(({ transactions }) =>
      transactions.map(({ from, recipients }) => `<${from}> ${recipients.join(' ')}`),
    );

  it('by default: Postmaster@{domain} first, <Postmaster>, the case variants, the control last, each alone under <>', () => {
    const all = told(planProbe(asked, CONTEXT));
    assert.deepEqual(all.slice(0, 2), [`<> ${AT}`, `<> ${BARE}`]);
    assert.equal(all.at(-1), '<> x7q2m9@example.org');
    assert.ok(all.every((one) => one.split(' ').length === 2));
    assert.ok(all.slice(2, -1).every((one) => /^<> postmaster(?:@example\.org)?$/i.test(one)));
  });

  it('under a real sender: one transaction for all, then the plain form under <>', () => {
    const all = told(
      planProbe(asked, {
        ...CONTEXT,
        reversePaths: ['me@a.example' as ReversePath, NULL_REVERSE_PATH],
        withControl: false,
      }),
    );
    assert.equal(all.length, 2);
    assert.ok(all[0]?.startsWith(`<me@a.example> ${AT} ${BARE} `));
    assert.equal(all[1], `<> ${AT}`);
  });

  it('without the control recipient where it was asked for already', () => {
    assert.ok(told(planProbe(asked, { ...CONTEXT, withControl: false })).every((one) => !one.includes('x7q2m9')));
  });

  it('without a domain: the bare form alone, and no control recipient', () => {
    const context = { ...CONTEXT.context, domain: null };
    assert.ok(told(planProbe(asked, { ...CONTEXT, context })).every((one) => /^<> postmaster$/i.test(one)));
  });

  it('what is not selected is not asked', () => {
    assert.deepEqual(told(planProbe(matching('postmaster.bare'), { ...CONTEXT, withControl: false })), [`<> ${BARE}`]);
    assert.deepEqual(told(planProbe(matching('greeting.present'), CONTEXT)), []);
  });

  it('more than ten transactions are more than one conversation', () => {
    const context = { ...CONTEXT.context, unicode: 'm\u{fc}ller.example', canonical: 'real.example' };
    const plans = planProbe(selectRequirements({ profile: 'rfc5321' }).asked, { ...CONTEXT, context });
    assert.ok(plans.every(({ transactions }) => transactions.length <= 10));
  });

  it('a selector is an id, a group or a section, and one that matches nothing is a usage error', () => {
    assert.deepEqual(
      matching('postmaster.bare').map(({ id }) => id),
      ['postmaster.bare'],
    );
    assert.ok(matching('postmaster').every(({ id }) => id.startsWith('postmaster.')));
    assert.ok(matching('4.5.1').every(({ source }) => source.section === '4.5.1'));
    assert.ok(matching('RFC 7505 3').every(({ source }) => source.document === 'RFC 7505'));
    for (const selector of ['', 'nothing', 'postmaster.', 'x\u{1b}[2J'])
      assert.throws(() => matching(selector), UsageError);
    assert.throws(() => selectRequirements({ only: ['postmaster.bare'], skip: ['postmaster'] }), UsageError);
  });
});
