// RFC 5321 4.1.1.5: RSET, which always succeeds, keeps the connection and clears the transaction.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { say, sayIfAccepted, type Script } from '../smtp/script.js';
import { closesAnywhere, commandsOf, isGreeted, oneASession } from './every-session.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerLike, closedAnywhere, closeIn, otherAnswer, repliesOf, said } from './script-answers.js';
import { linesOfRun } from './script-run.js';
import { doubtAbout, scripted, saysEnough } from './scripted-row.js';
import { quoteReply, sessionTrouble } from './session-trouble.js';

/** RSET outside and inside a transaction, and whether the session goes on. */
const RESETS: Script = { from: 'hello', steps: [say('RSET'), say('MAIL FROM:<{sender}>'), say('RSET'), say('NOOP')] };

const RCPT = 'RCPT TO:<{postmaster}>';
/** The same recipient before and behind RSET; the last RSET is for a host that took both. */
const CLEARS: Script = {
  from: 'hello',
  steps: [say('MAIL FROM:<{sender}>'), sayIfAccepted(RCPT), say('RSET'), sayIfAccepted(RCPT), sayIfAccepted('RSET')],
};

/** RSET in all greeted sessions: those of this row and of every other. Before EHLO it is command.before-ehlo's. */
function judgeReset(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const place = { endpoint, evidence };
  const answers = commandsOf(endpoint).flatMap(({ command, outcome, cite, attempt, before }) =>
    command === 'RSET' && outcome.kind === 'reply' && isGreeted(before)
      ? [{ line: command, reply: outcome.reply, cite, attempt }]
      : [],
  );
  if (answers.length === 0)
    return sessionTrouble(endpoint, evidence) ?? inconclusive('not-asked', 'no RSET was answered in this run');
  const refusals = oneASession(
    answers.filter(
      ({ reply, line, cite }) =>
        isPermanentNegative(reply) && !saysEnough(reply) && doubtAbout(reply, line, cite, place) === null,
    ),
  );
  const [first, again] = refusals;
  if (first !== undefined && again !== undefined)
    return fail(
      'wrong-code',
      `refused in ${refusals.length} sessions: ${quoteReply(first.reply)}`,
      first.cite,
      again.cite,
    );
  const odd = answers.find(({ reply }) => isPositive(reply) && reply.code !== 250);
  if (odd !== undefined) return warn('wrong-code', `answered ${quoteReply(odd.reply)}, not 250`, odd.cite);
  if (first !== undefined)
    return inconclusive('out-of-turn', `refused in one session only: ${quoteReply(first.reply)}`, [first.cite]);
  // 421 is about the session, whatever command it stands in the place of.
  const other = answers.find(({ reply }) => reply.code !== 250 && reply.code !== 421);
  if (other !== undefined) return otherAnswer(other, place);
  const good = answers.filter(({ reply }) => reply.code === 250);
  if (good.length === 0)
    return inconclusive(
      'client-refused',
      'RSET was answered 421 only',
      answers.map(({ cite }) => cite),
    );
  const times = good.length === 1 ? 'once' : `${good.length} times`;
  return pass(
    `answered 250, ${times}`,
    oneASession(good).map(({ cite }) => cite),
  );
}

/** RFC 5321 4.1.1.5, in the order of its text. */
export const rset: readonly Requirement[] = [
  scripted({
    id: 'rset.clears-transaction',
    group: 'command',
    title: 'RSET aborts the transaction',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.5',
      quote:
        'Any stored sender, recipients, and mail data MUST be discarded, and all buffers and state tables cleared.',
    },
    demand: 'Behind RSET there is no sender and no recipient any more.',
    probe: 'EHLO, MAIL, RCPT TO:<Postmaster@domain>, RSET, and the same RCPT again, which wants MAIL before it.',
    script: CLEARS,
    errors: 1,
    readings: [
      { verdict: 'pass', when: '503 to the RCPT behind RSET' },
      { verdict: 'fail', when: '2yz to it, twice: the sender was kept' },
      { verdict: 'warn', when: 'another 5yz to it' },
      { verdict: 'inconclusive', when: '4yz, a refusal about this client, or RSET or the first RCPT not accepted' },
      ...T_IO,
    ],
    rationale: 'What a RSET leaves behind ends up in the next message: mail goes to people whom nobody named.',
    remedy: { general: 'Clear sender and recipients at RSET; a proxy in front of the server must do so too.' },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const lines = linesOfRun(run);
      const reset = lines.findIndex(({ line }) => line === 'RSET');
      const before = answerLike(run, /^RCPT /);
      const after = lines[reset + 1];
      if (before === null || reset === -1) return null;
      if (!isPositive(before.reply)) return otherAnswer(before, place);
      const cleared = answerLike(run, /^RSET$/);
      if (cleared !== null && !isPositive(cleared.reply)) return otherAnswer(cleared, place);
      if (after?.outcome.kind !== 'reply') return null;
      const { reply } = after.outcome;
      const answer = { line: after.line, reply, cite: after.cite };
      const because = `behind RSET ${said(answer)}`;
      if (reply.code === 503) return pass(because, [after.cite]);
      if (isPositive(reply)) return fail('sequence', because, after.cite, before.cite);
      const doubt = doubtAbout(reply, after.line, after.cite, place);
      if (doubt === null && isPermanentNegative(reply)) return warn('wrong-code', `${because}, not 503`, after.cite);
      return doubt ?? otherAnswer(answer, place);
    },
  }),
  {
    id: 'rset.250',
    group: 'command',
    title: 'RSET answered 250',
    level: 'MUST',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.5',
      quote: 'MUST send a "250 OK" reply to a RSET command with no arguments.',
    },
    demand: 'RSET is answered 250, inside a transaction and outside.',
    probe: 'EHLO, RSET, MAIL, RSET; and every RSET between the transactions of other rows.',
    readings: [
      { verdict: 'pass', when: '250 every time' },
      { verdict: 'fail', when: '5yz in two sessions' },
      { verdict: 'warn', when: 'another 2yz' },
      {
        verdict: 'inconclusive',
        when: '530, 4yz, a refusal about this client or "too many", or 5yz in one session only',
      },
      ...T_IO,
    ],
    rationale: 'A client whose RSET is refused cannot know what the server still holds; it can only hang up.',
    remedy: { general: 'Let RSET through whatever the policy of the session is.' },
    retry: ['R2', 'R3', 'R8'],
    needs: [{ ask: 'script', script: RESETS, errors: 0 }],
    note: 'RFC 3207 4 does not exempt RSET from the 530 before STARTTLS, RFC 4954 6 exempts it from the one before AUTH: 530 is no violation here.',
    scope: 'endpoint',
    judge: judgeReset,
  },
  scripted({
    id: 'rset.no-close',
    group: 'command',
    title: 'RSET does not close',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.5',
      quote: 'An SMTP server MUST NOT close the connection as the result of receiving a RSET',
    },
    demand: 'The connection stays open behind RSET.',
    probe: 'EHLO, RSET, MAIL, RSET, NOOP.',
    script: RESETS,
    errors: 0,
    readings: [
      { verdict: 'pass', when: 'the NOOP behind RSET is answered' },
      { verdict: 'fail', when: 'closed or reset at RSET, or right behind it, in two sessions and without 421' },
      {
        verdict: 'inconclusive',
        when: 'closed once, after a refusal of another command, or at other commands as well',
      },
      ...T_IO,
    ],
    rationale: 'Clients reuse a connection by RSET; one that ends there costs a new connection for each message.',
    remedy: { general: 'Answer RSET with 250 and go on; only QUIT ends a session.' },
    retry: ['R8'],
    read(run, { endpoint }): Finding | null {
      const close = closeIn(run);
      const noop = answerLike(run, /^NOOP$/);
      if (noop !== null && noop.reply.code !== 421) return pass(`open behind RSET: ${said(noop)}`, [noop.cite]);
      if (close === null || !/^(?:RSET|NOOP)$/.test(close.line)) return null;
      // A refusal may be the reason of the close, whatever was said behind it.
      if (!repliesOf(run).every(isPositive)) return null;
      const where = close.line === 'RSET' ? 'in place of its reply' : `behind its reply, before ${close.line} had one`;
      if (closesAnywhere(endpoint, /^RSET$/)) return closedAnywhere(close);
      return fail('closed-early', `${close.how} at RSET, ${where}`, close.cite);
    },
  }),
];
