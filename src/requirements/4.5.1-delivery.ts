// RFC 5321 4.5.1, 3.3 and 4.1.1.4: the message itself. One is sent for a domain, and only with --deliver.
//
// Decided here: MAIL and RCPT were judged before, so a refusal of them here only says that there was no message. What
// is refused behind the end of data for its content is no refusal of the mailbox: it warns.
import { firstDigit, isPermanentNegative, isPositive, type Reply } from '../smtp/reply.js';
import { say, sayIfAccepted, sendMessage, type Script } from '../smtp/script.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, pass, warn, type Finding, type Requirement } from './requirement.js';
import type { ScriptRun } from './script-run.js';
import { answerTo, doubtAbout, scripted, type Answered, type Place } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';

const ENVELOPE = [say('MAIL FROM:<{sender}>'), sayIfAccepted('RCPT TO:<{postmaster}>')] as const;
const NOTE: Script = { from: 'hello', steps: [...ENVELOPE, sendMessage('note')] };
const FULL: Script = { from: 'hello', steps: [...ENVELOPE, sendMessage('64k')] };

/** The replies to DATA and to the message; null where it never came so far. */
const toData = (run: ScriptRun): Answered | null => answerTo(run, 2);
const toMessage = (run: ScriptRun): Answered | null => answerTo(run, 3);

const TOO_LONG_LINE = /\bline\b.{0,20}\b(?:too )?long\b|\blong lines?\b|\bline length\b/i;
const TOO_BIG = /\btoo (?:big|large)\b|\bsize\b.{0,40}\bexceed|\bexceed.{0,40}\bsize\b|\bsize limit\b/i;
/** 552 is the code of a full mailbox too (4.2.3). */
const IS_FULL = /\bquota\b|\bfull\b|\bstorage\b/i;
const ABOUT_HEADER =
  /\bheaders?\b|\b(?:from|date|message-id|subject|to)\b.{0,20}\b(?:missing|invalid|malformed)|5322|mime/i;

const textOf = ({ lines }: Reply): string => lines.join(' ');

/** Behind a message a bare 550 is a filter's as often as not: only a code of RFC 3463, or plain words, mean the mailbox. */
function saysNoMailbox(reply: Reply): boolean {
  // "Sender verify failed: unknown user" is about ours.
  if (/\bsender|\bcall-?(?:out|back)/i.test(textOf(reply))) return false;
  if (reply.enhanced !== null) return ['5.1.1', '5.1.6', '5.1.10', '5.2.1', '5.2.4'].includes(reply.enhanced);
  return /\b(?:user|recipient) unknown\b|\bunknown (?:user|recipient)\b|\bno such (?:user|recipient|mailbox)\b/i.test(
    textOf(reply),
  );
}

function readMailbox(run: ScriptRun): Finding | null {
  const answer = toMessage(run);
  if (answer === null) return null;
  const { reply, cite } = answer;
  if (isPositive(reply)) return pass(`the message was accepted: ${quoteReply(reply)}`, [cite]);
  if (!isPermanentNegative(reply)) return null;
  return saysNoMailbox(reply)
    ? fail('no-mailbox', `the message was refused, there is no such mailbox: ${quoteReply(reply)}`, cite)
    : warn('client-refused', `the message was refused for its content or by policy: ${quoteReply(reply)}`, cite);
}

function readData(run: ScriptRun, place: Place): Finding | null {
  const answer = toData(run);
  if (answer === null) return null;
  const { reply, cite, line } = answer;
  if (reply.code === 354) return pass(`DATA was answered ${quoteReply(reply)}`, [cite]);
  const doubt = doubtAbout(reply, line, cite, place);
  if (doubt !== null) return doubt;
  if ([500, 502, 503].includes(reply.code))
    return fail('wrong-code', `DATA was refused behind an accepted recipient: ${quoteReply(reply)}`, cite);
  return inconclusive('client-refused', `DATA was refused by a policy: ${quoteReply(reply)}`, [cite]);
}

function readFinal(run: ScriptRun): Finding | null {
  const answer = toMessage(run);
  if (answer === null) return null;
  const { reply, cite } = answer;
  const said = `the end of data was answered ${quoteReply(reply)}`;
  if (isPositive(reply) && reply.code !== 250) return warn('wrong-code', `${said}, not 250`, cite);
  return [2, 4, 5].includes(firstDigit(reply)) ? pass(said, [cite]) : null;
}

function readHeader(run: ScriptRun): Finding | null {
  const answer = toMessage(run);
  if (answer === null) return null;
  const { reply, cite } = answer;
  if (isPermanentNegative(reply) && ABOUT_HEADER.test(textOf(reply)))
    return warn('syntax', `refused for its header section: ${quoteReply(reply)}`, cite);
  return isPositive(reply) || isPermanentNegative(reply) ? pass(`answered ${quoteReply(reply)}`, [cite]) : null;
}

/** A size that every server takes: refused for it, or not. */
function readSize(run: ScriptRun, isRefused: (reply: Reply) => boolean, what: string): Finding | null {
  const answer = toMessage(run);
  if (answer === null) return null;
  const { reply, cite } = answer;
  if (isPositive(reply)) return pass(`${what} was accepted: ${quoteReply(reply)}`, [cite]);
  if (!isPermanentNegative(reply)) return null;
  return isRefused(reply)
    ? fail('wrong-code', `${what} was refused for it: ${quoteReply(reply)}`, cite)
    : inconclusive('client-refused', `refused for another reason: ${quoteReply(reply)}`, [cite]);
}

const COMMON = {
  tier: 'deliver',
  safety: 'deliver',
  errors: 0,
  retry: ['R3'],
  // The message goes to a host that took the recipient before.
  needs: [
    { ask: 'rcpt', to: 'Postmaster@{domain}' },
    { ask: 'rcpt', to: 'Postmaster' },
  ],
} as const;

/** The rows of the one message. */
export const delivery: readonly Requirement[] = [
  scripted({
    ...COMMON,
    id: 'postmaster.deliver',
    group: 'deliver',
    title: 'A message to postmaster is accepted after end-of-data',
    level: 'MUST',
    violation: 'fail',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote: 'The requirement to accept mail for postmaster implies that RCPT commands',
    },
    demand: 'Accepting mail for postmaster means the message itself, not only the RCPT command.',
    probe:
      'With --deliver alone, once for a domain: MAIL, RCPT TO:<Postmaster@domain>, DATA and a short message marked as automatic.',
    script: NOTE,
    readings: [
      { verdict: 'pass', when: '2yz behind the end of data' },
      { verdict: 'fail', when: '5yz behind the end of data with a code for a mailbox that is unknown or disabled' },
      { verdict: 'warn', when: 'another 5yz there: content or policy' },
      { verdict: 'inconclusive', when: '4yz, or no 354' },
      { verdict: 'not-applicable', when: 'the one message went to another mail host of the domain' },
      ...T_IO,
    ],
    rationale: 'Some hosts take every recipient and look at the mailbox only when the message is there.',
    remedy: {
      general:
        'Verify recipients at RCPT, and let mail to postmaster past content filters, or have it read by a person.',
    },
    note: 'A message is never sent twice, so this is judged from one. A bounce that comes later is not seen: watch the mailbox of --mail-from.',
    read: readMailbox,
  }),
  scripted({
    ...COMMON,
    id: 'deliver.data-354',
    group: 'deliver',
    title: 'DATA answered 354',
    level: 'derived',
    violation: 'fail',
    source: {
      document: 'RFC 5321',
      section: '3.3',
      quote: 'If accepted, the SMTP server returns a 354 Intermediate reply',
    },
    demand: 'Behind an accepted recipient DATA is answered 354.',
    probe: 'DATA, in the one message of --deliver.',
    script: NOTE,
    readings: [
      { verdict: 'pass', when: '354' },
      { verdict: 'fail', when: '500, 502 or 503' },
      { verdict: 'inconclusive', when: '4yz, or a refusal by policy (550, 554)' },
      ...T_IO,
    ],
    rationale: 'A host that takes the recipient and not DATA takes no mail at all.',
    remedy: { general: 'Let DATA follow every accepted RCPT; refuse at RCPT what is not wanted.' },
    read: readData,
  }),
  scripted({
    ...COMMON,
    id: 'deliver.final-reply',
    group: 'deliver',
    title: 'Definite reply after end of data',
    level: 'MUST',
    violation: 'fail',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.4',
      quote:
        'If the processing is successful, the receiver MUST send an OK reply.  If the processing fails, the receiver MUST send a failure reply.',
    },
    demand: 'Behind the final dot comes exactly one reply: 250, or a refusal.',
    probe: 'The end of data of the one message of --deliver; its reply is awaited for 10 minutes.',
    script: NOTE,
    readings: [
      { verdict: 'pass', when: '250, 4yz or 5yz' },
      { verdict: 'warn', when: 'another 2yz' },
      {
        verdict: 'fail',
        when: 'no reply within 10 minutes, or a close without one, in two messages: never seen, as one is sent',
      },
      ...T_IO,
    ],
    rationale: 'Without a reply the sender does not know whose the message is now, and sends it again.',
    remedy: { general: 'Answer the end of data in every case, and soon: filter in the background what takes long.' },
    note: 'The catalogue fails a host that does so twice. One message is sent, so a silence is inconclusive here.',
    read: readFinal,
  }),
  scripted({
    ...COMMON,
    id: 'deliver.no-header-reject',
    group: 'deliver',
    title: 'Message not refused for header defects',
    level: 'SHOULD NOT',
    violation: 'warn',
    source: {
      document: 'RFC 5321',
      section: '3.3',
      quote:
        'Server SMTP systems SHOULD NOT reject messages based on perceived defects in the RFC 822 or MIME (RFC 2045 [21]) message header section',
    },
    demand: 'A correct, short message is not refused over its header section.',
    probe: 'The reply to the one message of --deliver.',
    script: NOTE,
    readings: [
      { verdict: 'pass', when: 'accepted, or refused for another reason' },
      { verdict: 'warn', when: '5yz that blames the header section' },
      { verdict: 'inconclusive', when: '4yz' },
      ...T_IO,
    ],
    rationale: 'Who refuses over header fields that are in order refuses the mail of ordinary clients too.',
    remedy: { general: 'Do not refuse over the header section; mark or score instead.' },
    read: readHeader,
  }),
  scripted({
    ...COMMON,
    id: 'limits.text-line-1000',
    group: 'limits',
    title: '1000-octet text line accepted',
    level: 'MUST',
    violation: 'fail',
    source: {
      document: 'RFC 5321',
      section: '4.5.3.1.6',
      quote: 'The maximum total length of a text line including the <CRLF> is 1000 octets',
    },
    demand: 'A line of text of 1000 octets, CR LF included, is accepted.',
    probe: 'The one message of --deliver has one line of 998 octets and CR LF.',
    script: NOTE,
    readings: [
      { verdict: 'pass', when: '2yz behind the end of data' },
      { verdict: 'fail', when: '500, 554 or another 5yz that blames the length of a line' },
      { verdict: 'inconclusive', when: '4yz, or a refusal for another reason' },
      ...T_IO,
    ],
    rationale: 'Text without line breaks of its own comes in lines of just this length.',
    remedy: {
      general: 'Take text lines of 1000 octets at least.',
      postfix: 'smtpd_line_length_limit stands at 2048: leave it.',
    },
    note: 'The MUST is the general sentence of 4.5.3.1.',
    read: (run) => readSize(run, (reply) => TOO_LONG_LINE.test(textOf(reply)), 'a message with a line of 998 octets'),
  }),
  scripted({
    ...COMMON,
    id: 'limits.message-64k',
    group: 'limits',
    onDemand: 'named',
    title: '64K message accepted',
    level: 'MUST',
    violation: 'fail',
    source: {
      document: 'RFC 5321',
      section: '4.5.3.1.7',
      quote:
        'message content (including any message header section as well as the message body) MUST BE at least 64K octets.',
    },
    demand: 'A message of 65536 octets is accepted.',
    probe:
      'With --deliver, and only where --only names this row and no other of --deliver: one message of exactly 65536 octets.',
    script: FULL,
    readings: [
      { verdict: 'pass', when: '2yz behind the end of data' },
      { verdict: 'fail', when: '552, 5.3.4 or words that say it is too big' },
      { verdict: 'inconclusive', when: '4yz, or a refusal for another reason' },
      ...T_IO,
    ],
    rationale: 'A plain letter with a picture in it is larger than that.',
    remedy: {
      general: 'Set the largest message to 65536 octets at least.',
      postfix: 'message_size_limit',
      exim: 'message_size_limit',
    },
    read: (run) =>
      readSize(
        run,
        (reply) =>
          reply.enhanced === '5.3.4' ||
          (!IS_FULL.test(textOf(reply)) &&
            reply.enhanced !== '5.2.2' &&
            (reply.code === 552 || TOO_BIG.test(textOf(reply)))),
        'a message of 65536 octets',
      ),
  }),
];
