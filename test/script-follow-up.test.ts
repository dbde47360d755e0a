// Which connection of scripts comes next, and when there is none: what is confirmed, how often, and where a host that
// refuses, is silent or is slow is left in peace.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Attempt } from '../src/evidence/transcript.js';
import { nextConversation } from '../src/requirements/follow-up.js';
import { fail, pass, type Requirement } from '../src/requirements/requirement.js';
import { planScripts } from '../src/requirements/script-plan.js';
import { scriptContextOf } from '../src/requirements/script-run.js';
import { answerTo, scripted } from '../src/requirements/scripted-row.js';
import type { ConversationPlan } from '../src/smtp/conversation.js';
import { linesOfScript, say, type Script } from '../src/smtp/script.js';
import { attempt, endpoint, evidence } from './support/evidence-builder.js';

const FIRST: ConversationPlan = {
  purpose: 'probe',
  hello: 'EHLO',
  tls: 'avoid',
  pipelining: true,
  transactions: [],
  afterRefusal: 'full',
  lingerMs: 5_000,
};

/** A row that says one line, and fails where it is refused with 502. */
const row = (line: string, errors: 0 | 1 | 2 = 0, ...more: readonly string[]): Requirement =>
  scripted({
    id: `test.${line.toLowerCase()}`,
    group: 'command',
    title: line,
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '4.1.1.9', quote: 'x' },
    demand: 'x',
    probe: 'x',
    script: { from: 'hello', steps: [line, ...more].map((one) => say(one)) },
    errors,
    readings: [],
    rationale: 'x',
    remedy: { general: 'x' },
    retry: [],
    read(run) {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      if (answer.reply.code === 502) return fail('wrong-code', 'refused', answer.cite);
      return answer.reply.code === 250 ? pass('ok', [answer.cite]) : null;
    },
  });

const HELLO = ['S: 220 mx.example.org', 'C: EHLO probe.example', 'S: 250 mx.example.org'];
const HELLO_TLS = ['S: 220 mx.example.org', 'C: EHLO probe.example', 'S: 250-mx.example.org', 'S: 250 STARTTLS'];
const QUIT = ['C: QUIT', 'S: 221 bye'];
const MAIN = attempt([...HELLO, ...QUIT]);
const ROWS = [row('NOOP'), row('HELP')];

/** The connections that these rows are to have at first. */
const plansOf = (rows: readonly Requirement[]): readonly ConversationPlan[] => {
  const at = endpoint([]);
  return planScripts(rows, scriptContextOf(at, evidence([at])), FIRST);
};

/** A connection of scripts: what was said behind EHLO belongs to the script that holds the line. */
function played(lines: readonly string[], scripts: readonly Script[], tls: 'avoid' | 'require' = 'avoid'): Attempt {
  const made = attempt(lines, { plan: { purpose: 'script', scripts, tls } });
  const exchanges = made.exchanges.map((exchange) => {
    if (exchange.act !== 'command') return exchange;
    const script = scripts.findIndex((one) => linesOfScript(one).includes(exchange.command));
    return script === -1 ? exchange : { ...exchange, script };
  });
  return { ...made, exchanges };
}

/** The lines of the scripts of the connection that comes next; null where none does. */
function next(
  attempts: readonly Attempt[],
  rows: readonly Requirement[] = ROWS,
  scripts = plansOf(rows),
): string | null {
  const at = endpoint(attempts);
  const options = { planned: [FIRST], otherSenders: [], mayUseTls: true, wantsHelo: false, since: 0 } as const;
  const plan = nextConversation(at, evidence([at]), { ...options, scripts, rows });
  if (plan === null) return null;
  const lines = (plan.scripts ?? []).map((script) => linesOfScript(script).join(' '));
  return [plan.purpose, plan.tls, ...lines].join(', ');
}

const scriptsOf = (rows: readonly Requirement[]): readonly Script[] =>
  plansOf(rows).flatMap((plan) => plan.scripts ?? []);
const BOTH = scriptsOf(ROWS);
const [NOOP] = scriptsOf([row('NOOP')]);
const alone = (reply: string): Attempt =>
  played([...HELLO, 'C: NOOP', `S: ${reply}`, ...QUIT], NOOP === undefined ? [] : [NOOP]);

describe('a host that lets us in no more is left in peace', () => {
  const table: Readonly<Record<string, readonly string[]>> = {
    'a refused connection': ['refused'],
    'a connection that is not answered': ['connect timeout'],
    'a close before the greeting': ['close'],
    'a reset before the greeting': ['reset'],
    'an opening 421': ['S: 421 too many connections', ...QUIT],
    'an opening 554': ['S: 554 no', ...QUIT],
    'silence in place of a greeting': ['timeout'],
  };
  for (const [name, lines] of Object.entries(table)) {
    it(name, () => {
      assert.equal(next([MAIN, played(lines, BOTH)]), null);
    });
  }

  it('EHLO refused: no script is tried', () => {
    const refused = attempt([
      'S: 220 mx',
      'C: EHLO probe.example',
      'S: 550 no',
      'C: HELO probe.example',
      'S: 550 no',
      ...QUIT,
    ]);
    assert.equal(next([refused]), null);
  });

  it('three connections that ended before any script', () => {
    const vain = played(['S: 220 mx', 'C: EHLO probe.example', 'S: 421 busy'], BOTH);
    assert.equal(next([MAIN, vain, vain]), 'script, avoid, NOOP');
    assert.equal(next([MAIN, vain, vain, vain]), null);
  });

  it('a quarter of an hour of waiting', () => {
    const slow = played([...HELLO, 'C: NOOP', 'S 450000: 502 no', ...QUIT], BOTH);
    assert.notEqual(next([MAIN, slow]), null);
    assert.equal(next([MAIN, slow, slow]), null);
  });
});

describe('what is played again', () => {
  it('nothing that passed', () => {
    assert.equal(next([MAIN, played([...HELLO, 'C: NOOP', 'S: 250 ok', 'C: HELP', 'S: 250 ok', ...QUIT], BOTH)]), null);
  });

  it('a fail, once, alone', () => {
    const first = played([...HELLO, 'C: NOOP', 'S: 502 no', 'C: HELP', 'S: 250 ok', ...QUIT], BOTH);
    assert.equal(next([MAIN, first]), 'script, avoid, NOOP');
    assert.equal(next([MAIN, first, alone('502 no')]), null);
    assert.equal(next([MAIN, first, alone('250 ok')]), null);
  });

  it('what was never reached twice, so that a fail is seen twice', () => {
    const rows = [row('HELP'), row('NOOP')];
    const cut = played(
      [...HELLO, 'C: HELP', 'S: 250 ok', 'C: NOOP', 'S: 250 ok'].slice(0, -2).concat('C: RSET', 'close'),
      scriptsOf(rows),
    );
    assert.equal(next([MAIN, cut], rows), 'script, avoid, NOOP');
    assert.equal(next([MAIN, cut, alone('502 no')], rows), 'script, avoid, NOOP');
    assert.equal(next([MAIN, cut, alone('502 no'), alone('502 no')], rows), null);
    const at = endpoint([MAIN, cut, alone('502 no'), alone('502 no')]);
    assert.equal(rows[1]?.scope === 'endpoint' && rows[1].judge(at, evidence([at])).verdict, 'fail');
  });

  it('of many, sixty connections at most', () => {
    const rows = Array.from({ length: 70 }, (_, at) => row(`X${at}`));
    const [script, ...others] = scriptsOf(rows);
    assert.ok(script !== undefined);
    const lines = others.flatMap((one) => [...linesOfScript(one).map((line) => `C: ${line}`), 'S: 502 no']);
    const first = played([...HELLO, ...lines, ...QUIT], others);
    const again = Array.from({ length: 60 }, () => played([...HELLO, 'C: X0', 'S: 250 ok', ...QUIT], [script]));
    const plans = [{ ...FIRST, purpose: 'script', scripts: others } as const];
    assert.equal(next([MAIN, first, ...again.slice(1)], rows, plans), 'script, avoid, X1');
    assert.equal(next([MAIN, first, ...again], rows, plans), null);
  });

  it('inside TLS what was refused for want of it (R2)', () => {
    const plain = played(
      [...HELLO_TLS, 'C: NOOP', 'S: 530 5.7.0 Must issue a STARTTLS command first', ...QUIT],
      NOOP === undefined ? [] : [NOOP],
    );
    const secured = [
      ...HELLO_TLS,
      'C: STARTTLS',
      'S: 220 go',
      'handshake secured',
      'C: EHLO probe.example',
      'S: 250 mx.example.org',
    ];
    const overTls = attempt([...secured, ...QUIT], { plan: { purpose: 'over-tls', tls: 'require' } });
    const rows = [row('NOOP')];
    assert.equal(next([MAIN, plain], rows), 'over-tls, require');
    assert.equal(next([MAIN, plain, overTls], rows), 'script, require, NOOP');
    const again = played(
      [...secured, 'C: NOOP', 'S: 530 5.7.0 Must issue a STARTTLS command first', ...QUIT],
      NOOP === undefined ? [] : [NOOP],
      'require',
    );
    assert.equal(next([MAIN, plain, overTls, again], rows), null);
  });
});

describe('a connection that is planned', () => {
  it('provokes two errors at most, and says nothing behind QUIT', () => {
    const rows = [row('XA', 1), row('XB', 1), row('XC', 1, 'QUIT'), row('XD', 1, 'QUIT'), row('XE', 2, 'QUIT')];
    const packs = plansOf(rows).map(({ scripts = [] }) => scripts.map((script) => linesOfScript(script).join(' ')));
    assert.deepEqual(packs, [['XA', 'XB'], ['XC QUIT'], ['XD QUIT'], ['XE QUIT']]);
  });
});
