// RFC 5321 3.3: RCPT, where it may stand, how often, and what an unknown mailbox is answered.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPermanentNegative, isPositive, isTransientNegative } from '../smtp/reply.js';
import { say, sayIfAccepted } from '../smtp/script.js';
import { controlReplies } from './control-recipient.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted, type Place } from './scripted-row.js';
import { scriptContextOf, type ScriptRun } from './script-run.js';
import { quoteReply, sessionTrouble } from './session-trouble.js';
import { saysTooMany } from './too-many-recipients.js';
import { saysNothing } from './script-answers.js';

function readWithoutMail(run: ScriptRun, place: Place): Finding | null {
  const answer = answerTo(run, 0);
  if (answer === null) return null;
  const { reply, line, cite } = answer;
  const said = quoteReply(reply);
  if (reply.code === 503) return pass(`answered ${said}`, [cite]);
  if (isPositive(reply)) return fail('sequence', `RCPT is accepted without MAIL: ${said}`, cite);
  const doubt = doubtAbout(reply, line, cite, place);
  if (doubt !== null) return doubt;
  return isPermanentNegative(reply)
    ? warn('wrong-code', `refused, but not with 503: ${said}`, cite)
    : saysNothing(answer);
}

function readRepeated(run: ScriptRun, place: Place): Finding | null {
  const [mail, first, second] = [answerTo(run, 0), answerTo(run, 1), answerTo(run, 2)];
  if (mail === null) return null;
  if (!isPositive(mail.reply)) return doubtAbout(mail.reply, mail.line, mail.cite, place) ?? saysNothing(mail);
  if (first === null) return null;
  if (!isPositive(first.reply)) {
    const because = `there is no first recipient, postmaster is refused: ${quoteReply(first.reply)}`;
    return doubtAbout(first.reply, first.line, first.cite, place) ?? notApplicable(because, [first.cite]);
  }
  if (second === null || !second.line.startsWith('RCPT')) return null;
  const { reply, line, cite } = second;
  const said = quoteReply(reply);
  if (isPositive(reply)) return pass(`a second recipient is processed: ${said}`, [cite, first.cite]);
  if (!isPermanentNegative(reply)) return doubtAbout(reply, line, cite, place) ?? saysNothing(second);
  if (reply.code === 503 || saysTooMany(reply)) {
    const because = `a second recipient is refused for being the second: ${said}`;
    // Many hosts allow a bounce one recipient, which is all that it has.
    return scriptContextOf(place.endpoint, place.evidence).sender === ''
      ? inconclusive('sender-refused', `${because}; our sender is the null one`, [cite, first.cite])
      : fail('sequence', because, cite, first.cite);
  }
  return doubtAbout(reply, line, cite, place) ?? pass(`a second recipient is processed: ${said}`, [cite, first.cite]);
}

function judgeUnknown(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const place = { endpoint, evidence };
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  if (evidence.domain === null) return notApplicable('no domain is named, so no random recipient is asked');
  const replies = controlReplies(place);
  const found = replies.findLast(({ reply }) => !isTransientNegative(reply)) ?? replies.at(-1);
  if (found === undefined) return inconclusive('not-asked', 'no random recipient was asked, or none was answered');
  const { reply, cite } = found;
  const said = quoteReply(reply);
  if (isPositive(reply))
    return pass(`a random recipient is accepted, it is told later or there is a catch-all: ${said}`, [cite], 'weak');
  const doubt = doubtAbout(reply, 'RCPT of a random recipient', cite, place);
  if (doubt !== null) return doubt;
  if (reply.code === 550) return pass(`answered ${said}`, [cite]);
  return isPermanentNegative(reply)
    ? warn('wrong-code', `a random recipient is refused, but not with 550: ${said}`, cite)
    : inconclusive('out-of-turn', `a code that no RCPT can have: ${said}`, [cite]);
}

/** RFC 5321 3.3, in the order of its text. */
export const recipients: readonly Requirement[] = [
  scripted({
    id: 'rcpt.without-mail',
    group: 'rcpt',
    title: 'RCPT without MAIL gets 503',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '3.3',
      quote:
        'If a RCPT command appears without a previous MAIL command, the server MUST return a 503 "Bad sequence of commands" response.',
    },
    demand: 'RCPT outside a transaction is refused with 503.',
    probe: 'EHLO and RCPT TO:<Postmaster@domain>, without MAIL; RSET where it is accepted.',
    script: { from: 'hello', steps: [say('RCPT TO:<{postmaster}>'), sayIfAccepted('RSET')] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '503' },
      { verdict: 'fail', when: '2yz, twice' },
      { verdict: 'warn', when: 'another 5yz: refused, though not with the code that is demanded' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale: 'A host that forgets the order of commands may mix the recipients of two messages.',
    remedy: { general: 'Answer 503 to RCPT as long as no MAIL was accepted.' },
    retry: ['R3', 'R8'],
    note: 'Another 5yz warns although the text demands the very code: the command is refused, and no client is misled.',
    read: readWithoutMail,
  }),
  scripted({
    id: 'rcpt.repeatable',
    group: 'rcpt',
    title: 'Several recipients per transaction',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.3',
      quote: 'This step of the procedure can be repeated any number of times.',
    },
    demand: 'A second RCPT of a transaction is processed like the first.',
    probe: 'EHLO, MAIL, RCPT TO:<Postmaster@domain>, RCPT TO:<postmaster>, and RSET.',
    script: {
      from: 'hello',
      steps: [
        say('MAIL FROM:<{sender}>'),
        sayIfAccepted('RCPT TO:<{postmaster}>'),
        sayIfAccepted('RCPT TO:<postmaster>'),
      ],
    },
    errors: 0,
    readings: [
      { verdict: 'pass', when: 'the second RCPT is accepted, or refused for what its mailbox is' },
      { verdict: 'fail', when: '503, or a 5yz that allows one recipient only, twice, to another sender than <>' },
      { verdict: 'inconclusive', when: 'the same under the null sender: many hosts allow a bounce one recipient' },
      { verdict: 'inconclusive', when: '4yz (452 4.5.3 too), or a refusal about this client or our sender' },
      { verdict: 'not-applicable', when: 'postmaster is refused, so there is no first recipient' },
      ...T_IO,
    ],
    rationale: 'Mail to several people of a domain goes out in one transaction, and is lost for all but the first.',
    remedy: { general: 'Take more than one recipient a transaction; 100 is the least (4.5.3.1.8).' },
    retry: ['R1', 'R3', 'R8'],
    read: readRepeated,
  }),
  {
    id: 'rcpt.unknown-550',
    group: 'rcpt',
    title: 'Unknown mailbox answered 550',
    level: 'derived',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '3.3',
      quote: 'If the recipient is known not to be a deliverable address, the SMTP server returns a 550 reply',
    },
    demand: 'A mailbox that does not exist is refused with 550, where that is known at RCPT.',
    probe: 'RCPT of a random local-part at the domain, once a mail host: the control recipient of every run.',
    readings: [
      { verdict: 'pass', when: '550, with whatever enhanced status code' },
      { verdict: 'pass', when: '2yz: told later, or a catch-all; what accepted recipients prove is weak then' },
      { verdict: 'warn', when: 'another 5yz' },
      { verdict: 'inconclusive', when: '4yz, a refusal about this client or our sender, or not asked (--no-controls)' },
      { verdict: 'not-applicable', when: 'no domain is named' },
      ...T_IO,
    ],
    rationale: 'Who mistypes an address learns of it at once, and from the code that every client knows.',
    remedy: {
      general: 'Refuse unknown recipients at RCPT, with 550 5.1.1.',
      postfix: 'Leave unknown_local_recipient_reject_code and its like at 550.',
    },
    retry: ['R1', 'R3'],
    needs: [{ ask: 'control' }],
    scope: 'endpoint',
    judge: judgeUnknown,
  },
];
