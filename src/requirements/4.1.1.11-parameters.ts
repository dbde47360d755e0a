// RFC 5321 4.1.1.11: parameters of MAIL and RCPT that a server does not know.
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { say, sayIfAccepted } from '../smtp/script.js';
import { echoOf } from './observe.js';
import { T_IO } from './readings.js';
import { notApplicable, pass, warn, type Finding, type Reading, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted, type Answered, type Place } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';
import { saysNothing } from './script-answers.js';

/** A keyword that no extension has (RFC 5321 4.1.5 leaves the X to private use). */
const UNKNOWN = 'XPMC=1';

const SOURCE = {
  document: 'RFC 5321',
  section: '4.1.1.11',
  quote:
    'one or more of the parameters associated with a particular MAIL FROM or RCPT TO command, it will return code 555.',
} as const;

const READINGS: readonly Reading[] = [
  { verdict: 'pass', when: '555' },
  { verdict: 'warn', when: '501, 504 or another 5yz' },
  { verdict: 'warn', when: '2yz: the parameter is ignored without a word' },
  { verdict: 'inconclusive', when: '4yz, or a refusal about this client or our sender' },
];

const RATIONALE = 'A client that asked for something and got 250 believes that it will be done.';
const REMEDY = { general: 'Answer 555 to parameters that are not known, before anything else is looked at.' } as const;

function readParameter(answer: Answered, place: Place): Finding {
  const { reply, line, cite } = answer;
  const said = quoteReply(reply);
  if (reply.code === 555) return pass(`answered ${said}`, [cite]);
  if (isPositive(reply)) return warn('wrong-code', `an unknown parameter is ignored: ${said}`, cite);
  const doubt = doubtAbout(reply, line, cite, place);
  // "501 <> XPMC=1: malformed address" names the sender because it is in the line.
  const isSyntax = reply.code >= 500 && reply.code <= 504;
  const isAboutSender = doubt?.verdict === 'inconclusive' && doubt.cause === 'sender-refused';
  if (doubt !== null && !(isSyntax && isAboutSender)) return doubt;
  return isPermanentNegative(reply)
    ? warn('wrong-code', `an unknown parameter is refused, but not with 555: ${said}`, cite)
    : saysNothing(answer);
}

/** RFC 5321 4.1.1.11, for MAIL and for RCPT. */
export const parameters: readonly Requirement[] = [
  scripted({
    id: 'mail.unknown-parameter',
    group: 'mail',
    title: 'Unknown MAIL parameter gets 555',
    level: 'derived',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: SOURCE,
    demand: 'A MAIL with a parameter that the server does not know is answered 555.',
    probe: `EHLO, MAIL FROM:<> ${UNKNOWN} (from the sender of --mail-from, where there is one) and RSET.`,
    script: { from: 'hello', steps: [say(`MAIL FROM:<{sender}> ${UNKNOWN}`)] },
    errors: 1,
    readings: [...READINGS, ...T_IO],
    rationale: RATIONALE,
    remedy: REMEDY,
    retry: ['R1', 'R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      return answer === null ? null : readParameter(answer, place);
    },
  }),
  scripted({
    id: 'rcpt.unknown-parameter',
    group: 'rcpt',
    title: 'Unknown RCPT parameter gets 555',
    level: 'derived',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: SOURCE,
    demand: 'A RCPT with a parameter that the server does not know is answered 555.',
    probe: `EHLO, MAIL, RCPT TO:<Postmaster@domain> ${UNKNOWN} and RSET.`,
    script: {
      from: 'hello',
      steps: [say('MAIL FROM:<{sender}>'), sayIfAccepted(`RCPT TO:<{postmaster}> ${UNKNOWN}`)],
    },
    errors: 1,
    readings: [
      ...READINGS,
      { verdict: 'not-applicable', when: 'postmaster itself is refused, which postmaster.domain judges' },
      ...T_IO,
    ],
    rationale: RATIONALE,
    remedy: REMEDY,
    retry: ['R1', 'R3', 'R8'],
    read(run, place): Finding | null {
      const mail = answerTo(run, 0);
      const rcpt = answerTo(run, 1);
      if (mail === null) return null;
      if (!isPositive(mail.reply)) return doubtAbout(mail.reply, mail.line, mail.cite, place) ?? saysNothing(mail);
      if (rcpt === null || !rcpt.line.startsWith('RCPT')) return null;
      const kind = classifyReply(rcpt.reply, 'rcpt', echoOf(place.endpoint, place.evidence));
      if (rcpt.reply.code !== 555 && (kind === 'perm.no-mailbox' || kind === 'perm.no-domain' || kind === 'perm.relay'))
        return notApplicable(`the mailbox itself is refused: ${quoteReply(rcpt.reply)}`, [rcpt.cite]);
      return readParameter(rcpt, place);
    },
  }),
];
