// RFC 5321 4.1.4: MAIL that no transaction can begin with, and MAIL before EHLO.
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { say } from '../smtp/script.js';
import { closesAnywhere, commandsOf, isGreeted, isInTransaction } from './every-session.js';
import { T_IO } from './readings.js';
import { fail, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted, type Place } from './scripted-row.js';
import { linesOfRun, type ScriptRun } from './script-run.js';
import { closedAnywhere } from './script-answers.js';
import { quoteReply } from './session-trouble.js';
import { saysNothing } from './script-answers.js';

/** Whether a MAIL in order, where no transaction was open, is refused for good too. */
const refusesMail = (endpoint: EndpointEvidence): boolean =>
  commandsOf(endpoint).some(
    ({ command, outcome, before }) =>
      /^MAIL FROM:<[^\s<>]*>$/.test(command) &&
      outcome.kind === 'reply' &&
      isPermanentNegative(outcome.reply) &&
      isGreeted(before) &&
      !isInTransaction(before),
  );

function readBadArgument(run: ScriptRun, place: Place): Finding | null {
  const closed = linesOfRun(run)
    .slice(0, 2)
    .find(({ outcome }) => outcome.kind === 'closed');
  const mail = answerTo(run, 0);
  // 421 is the way to take leave (3.8), not a closing without a word.
  const refused = mail === null ? null : doubtAbout(mail.reply, mail.line, mail.cite, place);
  const isAboutPath = refused === null || (refused.verdict === 'inconclusive' && refused.cause === 'sender-refused');
  if (closed !== undefined && mail?.reply.code !== 421 && isAboutPath) {
    const close = { line: closed.line, how: 'closed', cite: closed.cite } as const;
    // A host that ends the session at any MAIL, or anywhere, does not do it over this argument.
    if (closesAnywhere(place.endpoint, /unclosed/) || refusesMail(place.endpoint)) return closedAnywhere(close);
    return fail('closed-early', 'the host closed the connection over a MAIL with a malformed argument', closed.cite);
  }
  if (mail === null) return null;
  const { reply, line, cite } = mail;
  const said = quoteReply(reply);
  if (isPositive(reply)) return fail('syntax', `a path without its closing bracket is accepted: ${said}`, cite);
  const doubt = doubtAbout(reply, line, cite, place);
  // Whom the words blame does not matter here: 553 is read as one about the sender, which this path is.
  const isAboutSender = doubt?.verdict === 'inconclusive' && doubt.cause === 'sender-refused';
  if (doubt !== null && !(isAboutSender && isPermanentNegative(reply))) return doubt;
  if (!isPermanentNegative(reply)) return saysNothing(mail);
  const noop = answerTo(run, 1);
  if (noop === null) return null;
  if (!isPositive(noop.reply)) return doubtAbout(noop.reply, noop.line, noop.cite, place) ?? saysNothing(noop);
  return reply.code === 501
    ? pass(`answered ${said}, and the session goes on`, [cite, noop.cite])
    : warn('wrong-code', `refused, but not with 501: ${said}`, cite, noop.cite);
}

/** RFC 5321 4.1.4, in the order of its text. */
export const mailOrder: readonly Requirement[] = [
  scripted({
    id: 'mail.requires-ehlo',
    group: 'mail',
    title: 'MAIL before EHLO/HELO',
    level: 'derived',
    violation: 'none',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.1.4',
      quote: 'A session that will contain mail transactions MUST first be initialized by the use of the EHLO command.',
    },
    demand: "The duty is the client's. Where MAIL comes before EHLO a server may answer 503, or take it.",
    probe: 'MAIL FROM:<> right behind the greeting, in a connection of its own, and QUIT.',
    script: { from: 'opening', steps: [say('MAIL FROM:<{sender}>')] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '503 or another 5yz' },
      { verdict: 'pass', when: '2yz: 4.1.4 demands 503 only where commands cannot be processed' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client or our sender' },
      ...T_IO,
    ],
    rationale: 'It shows how strict a host is about the order of commands.',
    remedy: { general: 'Nothing has to be changed.' },
    retry: ['R3'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      if (isPositive(reply)) return pass(`taken without EHLO: ${quoteReply(reply)}`, [cite]);
      if (reply.code === 503) return pass(`answered ${quoteReply(reply)}`, [cite]);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null) return doubt;
      return isPermanentNegative(reply) ? pass(`refused: ${quoteReply(reply)}`, [cite]) : saysNothing(answer);
    },
  }),
  scripted({
    id: 'mail.bad-argument',
    group: 'mail',
    title: 'Malformed reverse-path refused, state kept',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.1.4',
      quote: 'If the transaction beginning command argument is not acceptable, a 501 failure reply MUST be returned',
    },
    demand: 'A MAIL whose argument is no path is answered 501, and the session goes on.',
    probe: 'EHLO, a MAIL whose path lacks its closing bracket, NOOP and RSET.',
    script: { from: 'hello', steps: [say('MAIL FROM:<unclosed@{ehlo}'), say('NOOP')] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '501, and NOOP is answered 250' },
      { verdict: 'warn', when: '500, 553, 555 or another 5yz, and NOOP is answered 250' },
      { verdict: 'fail', when: '2yz, or the connection is closed without 421; each of them twice' },
      {
        verdict: 'inconclusive',
        when: '4yz, a refusal about this client, closed at other commands too, or NOOP is not answered 250',
      },
      ...T_IO,
    ],
    rationale: 'A host that guesses at what a malformed path means sends its bounces to somebody else.',
    remedy: { general: 'Refuse a MAIL whose argument does not parse with 501, and go on with the session.' },
    retry: ['R3', 'R8'],
    note: 'Other 5yz warn: 3.3 says that failures of MAIL normally produce 550 or 553.',
    read: (run, place) => readBadArgument(run, place),
  }),
];
