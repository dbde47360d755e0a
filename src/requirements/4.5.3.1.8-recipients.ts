// RFC 5321 4.5.3.1.8: a hundred recipients of one transaction.
import { isPositive } from '../smtp/reply.js';
import { say, sayTogetherIfAccepted, type ScriptStep } from '../smtp/script.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, pass, type Finding, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted, type Answered, type Place } from './scripted-row.js';
import { linesOfRun, scriptContextOf, type ScriptRun } from './script-run.js';
import { quoteReply } from './session-trouble.js';
import { saysTooMany } from './too-many-recipients.js';
import { saysNothing } from './script-answers.js';

const MOST = 100;
/** A host that has had enough is asked for no more than the rest of so many. */
const TOGETHER = 10;

/** A spelling of postmaster, one for each number below 1024; the first is Postmaster. */
const spelling = (number: number): string =>
  [...'postmaster'].map((letter, at) => (((number + 1) >> at) % 2 === 1 ? letter.toUpperCase() : letter)).join('');

const LINES = Array.from({ length: MOST }, (_, number) => `RCPT TO:<${spelling(number)}@{domain}>`);

const STEPS: readonly ScriptStep[] = [
  say('MAIL FROM:<{sender}>'),
  ...Array.from({ length: MOST / TOGETHER }, (_, group) =>
    sayTogetherIfAccepted(...LINES.slice(group * TOGETHER, (group + 1) * TOGETHER)),
  ),
];

/** 552 is the code of RFC 821 for it; it is that of a full mailbox too. */
function isTooMany({ reply }: Answered): boolean {
  if (saysTooMany(reply)) return true;
  return (
    reply.code === 552 && reply.enhanced === null && !/\bfull\b|quota|storage|space|size/i.test(reply.lines.join(' '))
  );
}

function readRecipients(run: ScriptRun, place: Place): Finding | null {
  const mail = answerTo(run, 0);
  if (mail === null) return null;
  if (!isPositive(mail.reply)) return doubtAbout(mail.reply, mail.line, mail.cite, place) ?? saysNothing(mail);
  const lines = linesOfRun(run);
  let accepted = 0;
  for (const [index, { line }] of lines.entries()) {
    if (!line.startsWith('RCPT')) continue;
    const answer = answerTo(run, index);
    if (answer === null) return null;
    if (isPositive(answer.reply)) {
      accepted += 1;
      continue;
    }
    // The hundredth is the index 100, behind MAIL: to refuse that one is to have buffered 99.
    if (index >= MOST && isTooMany(answer)) break;
    return readRefusal(answer, accepted, place);
  }
  const [first, last] = [answerTo(run, 1), answerTo(run, MOST)];
  if (first === null || last === null) return null;
  return pass(`${accepted} recipients of one transaction accepted`, [last.cite, mail.cite]);
}

function readRefusal(answer: Answered, accepted: number, place: Place): Finding {
  const { reply, line, cite } = answer;
  const said = quoteReply(reply);
  if (accepted > 0 && isTooMany(answer)) {
    const because = `no more than ${accepted} ${accepted === 1 ? 'recipient is' : 'recipients are'} taken: ${said}`;
    // Many hosts allow a bounce one recipient, which is all that it has.
    return scriptContextOf(place.endpoint, place.evidence).sender === ''
      ? inconclusive('sender-refused', `${because}; our sender is the null one`, [cite])
      : fail('wrong-code', because, cite);
  }
  const doubt = doubtAbout(reply, line, cite, place);
  return (
    doubt ??
    inconclusive('client-refused', `refused for another reason than their number, after ${accepted}: ${said}`, [cite])
  );
}

/** The row of RFC 5321 4.5.3.1.8. */
export const manyRecipients: readonly Requirement[] = [
  scripted({
    id: 'limits.recipients-100',
    group: 'limits',
    title: '100 recipients buffered',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.5.3.1.8',
      quote:
        'Rejection of messages (for excessive recipients) with fewer than 100 RCPT commands is a violation of this specification.',
    },
    demand: 'Up to a hundred recipients of one transaction are not refused for their number.',
    probe:
      'EHLO, MAIL, a hundred RCPT of postmaster in as many letter cases, ten at a time, and RSET; it ends where one is refused.',
    script: { from: 'hello', steps: STEPS },
    errors: 0,
    readings: [
      { verdict: 'pass', when: 'a hundred are accepted, or the hundredth alone is one too many' },
      {
        verdict: 'fail',
        when: '4.5.3, 5.5.3, 552 or "too many recipients" before the hundredth, twice, to another sender than <>',
      },
      { verdict: 'inconclusive', when: 'the same under the null sender: many hosts allow a bounce one recipient' },
      { verdict: 'inconclusive', when: '421, a rate limit, or a refusal for another reason' },
      ...T_IO,
    ],
    rationale: 'A letter to a hundred people of a domain is cut into many, some of which come late or never.',
    remedy: {
      general: 'Allow at least a hundred recipients a message.',
      postfix: 'Raise smtpd_recipient_limit; its default is 1000.',
      exim: 'Raise recipients_max, or leave it at its default.',
      sendmail: 'Raise MaxRecipientsPerMessage (confMAX_RCPTS_PER_MESSAGE); 0 is no limit.',
      exchange: 'Set-ReceiveConnector -MaxRecipientsPerMessage 100, or more.',
    },
    retry: ['R1', 'R3', 'R7'],
    note: 'It looks like abuse: ask it of hosts that you operate, and by name. Where no other sender is given with --mail-from a limit shows nothing.',
    read: readRecipients,
  }),
];
