// RFC 5321 4.1.4: commands out of their order, and those that need no order.
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { say, sayIfAccepted, type Script } from '../smtp/script.js';
import { closesAnywhere } from './every-session.js';
import { T_IO } from './readings.js';
import { fail, pass, warn, type Finding, type Requirement } from './requirement.js';
import { closedAnywhere, closeIn, otherAnswer, said } from './script-answers.js';
import type { ScriptRun } from './script-run.js';
import { answerTo, doubtAbout, scripted, type Place, saysEnough } from './scripted-row.js';

const MAIL = 'MAIL FROM:<{sender}>';

const RCPT = 'RCPT TO:<{postmaster}>';

/** A whole transaction for comparison, and one with a second MAIL in it. */
const NESTED: Script = {
  from: 'hello',
  steps: [say(MAIL), sayIfAccepted(RCPT), say('RSET'), say(MAIL), sayIfAccepted(MAIL), say(RCPT)],
};

function readNested(run: ScriptRun, place: Place): Finding | null {
  for (const at of [0, 1, 2, 3]) {
    const answer = answerTo(run, at);
    if (answer === null) return null;
    const { reply, line } = answer;
    // The recipient may be refused, if only it is processed.
    const isProcessed = line.startsWith('RCPT ') && isPermanentNegative(reply) && reply.code !== 503;
    if (!isPositive(reply) && !isProcessed) return otherAnswer(answer, place);
  }
  const second = answerTo(run, 4);
  const doubt = second === null ? null : doubtAbout(second.reply, second.line, second.cite, place);
  const after = answerTo(run, 5);
  const enough = [second, after].find((answer) => answer !== null && saysEnough(answer.reply)) ?? null;
  if (enough !== null) return otherAnswer(enough, place);
  if (doubt !== null) return doubt;
  const close = closeIn(run);
  if (close !== null) {
    const where = second === null ? 'in place of a reply to the second MAIL' : `behind it: ${said(second)}`;
    if (closesAnywhere(place.endpoint, /^MAIL\b/)) return closedAnywhere(close);
    return fail('closed-early', `${close.how} ${where}`, close.cite);
  }
  if (second === null) return null;
  const told = `inside a transaction ${said(second)}`;
  if (isPositive(second.reply)) return warn('wrong-code', `${told}: it began a new one`, second.cite);
  if (!isPermanentNegative(second.reply)) return otherAnswer(second, place);
  if (after?.reply.code === 503) {
    const because = `${told}, and then ${said(after)}: the transaction was lost`;
    return fail('sequence', because, after.cite, second.cite);
  }
  if (second.reply.code !== 503) return warn('wrong-code', `${told}, not 503`, second.cite);
  if (after === null) return null;
  if (!isPositive(after.reply) && !isPermanentNegative(after.reply)) return otherAnswer(after, place);
  return pass(`${told}, and then ${said(after)}`, [second.cite, after.cite]);
}

/** RFC 5321 4.1.4, in the order of its text. */
export const commandOrder: readonly Requirement[] = [
  scripted({
    id: 'command.before-ehlo',
    group: 'command',
    title: 'NOOP/HELP/RSET/VRFY work before EHLO',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.1.4',
      quote:
        'SHOULD process these normally (that is, not return a 503 code) even if no EHLO command has yet been received',
    },
    demand: 'NOOP, RSET, HELP and VRFY are processed before EHLO.',
    probe: 'Behind the greeting, without EHLO: NOOP, RSET, HELP, VRFY postmaster.',
    script: { from: 'opening', steps: [say('NOOP'), say('RSET'), say('HELP'), say('VRFY postmaster')] },
    errors: 0,
    readings: [
      { verdict: 'pass', when: 'none of them is answered 503' },
      { verdict: 'warn', when: '503 to any of them' },
      { verdict: 'inconclusive', when: 'closed, 421, or time ran out before all were answered' },
      ...T_IO,
    ],
    rationale: 'Monitoring sends NOOP and QUIT and no more; where that is refused a healthy server looks ill.',
    remedy: { general: 'Ask for EHLO before MAIL only.' },
    retry: ['R8'],
    note: 'Other refusals, 502 for one, are no matter of order: the rows of these commands judge them.',
    read(run, place): Finding | null {
      const answers = [0, 1, 2, 3].map((at) => answerTo(run, at)).filter((answer) => answer !== null);
      const early = answers.find(({ reply }) => reply.code === 503);
      const doubt = early === undefined ? null : doubtAbout(early.reply, early.line, early.cite, place);
      if (doubt !== null) return doubt;
      if (early !== undefined && saysEnough(early.reply)) return otherAnswer(early, place);
      if (early !== undefined) return warn('sequence', `before EHLO ${said(early)}`, early.cite);
      if (answers.length < 4 || answers.some(({ reply }) => reply.code === 421)) return null;
      const codes = answers.map(({ line, reply }) => `${line.split(' ', 1)[0]} ${reply.code}`).join(', ');
      return pass(
        `before EHLO: ${codes}`,
        answers.map(({ cite }) => cite),
      );
    },
  }),
  scripted({
    id: 'command.out-of-order',
    group: 'command',
    title: 'Out-of-order commands get 503 and keep state',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.1.4',
      quote: 'a 503 failure reply MUST be returned and the SMTP server MUST stay in the same state.',
    },
    demand: 'A second MAIL in an open transaction is answered 503, and the first transaction goes on.',
    probe: 'EHLO, MAIL, RCPT TO:<Postmaster@domain> and RSET; then MAIL, MAIL again, and the same RCPT.',
    script: NESTED,
    errors: 1,
    readings: [
      { verdict: 'pass', when: '503 to the second MAIL, and the RCPT is processed' },
      { verdict: 'warn', when: 'another 5yz to the second MAIL, or 2yz: it began a new transaction' },
      { verdict: 'fail', when: 'closed or reset at the second MAIL or right behind it, twice' },
      { verdict: 'fail', when: '503 to the RCPT behind it, twice: the transaction was lost' },
      {
        verdict: 'inconclusive',
        when: 'MAIL is not accepted, 4yz, a refusal about this client, "too many", or closed at other commands as well',
      },
      ...T_IO,
    ],
    rationale: 'A client that lost count must be able to trust that what was accepted before a 503 still stands.',
    remedy: { general: 'Answer 503 to MAIL inside a transaction and leave sender and recipients as they are.' },
    retry: ['R3', 'R8'],
    read: readNested,
  }),
];
