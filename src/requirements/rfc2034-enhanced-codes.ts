// RFC 2034 4, RFC 3463 2 and 3.3: enhanced status codes at the head of reply texts.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { firstDigit, isPositive, parseEnhancedStatusCode } from '../smtp/reply.js';
import { accuse, isHelloVerb, nothingToJudge, replyLog, type Flaw, type SeenReply } from './replies.js';
import { notApplicable, pass, type Finding, type Requirement } from './requirement.js';

/** Three numbers with dots between them at the head of a text: meant as a code, however it is written. */
const MEANT_AS_CODE = /^\s*([0-9]+)(\s*)\.(\s*)([0-9]+)(\s*)\.(\s*)([0-9]+)(?=$|[\s:;,)-])/;

/** What is wrong with the way in which the code at the head of a text is written. */
function isMalformed(text: string): boolean {
  const found = MEANT_AS_CODE.exec(text);
  if (found === null) return false;
  const [, kind = '', , , subject = '', , , detail = ''] = found;
  const hasBlanks = [found[2], found[3], found[5], found[6]].some((blank) => blank !== '');
  const isSubCode = (digits: string): boolean => /^(?:0|[1-9][0-9]{0,2})$/.test(digits);
  return hasBlanks || !/^[245]$/.test(kind) || !isSubCode(subject) || !isSubCode(detail);
}

/** RFC 2034 4: 2yz, 4yz and 5yz alone have such codes. */
const isOfClass = (digit: number): boolean => digit === 2 || digit === 4 || digit === 5;

/** Replies that may have a code: to commands, but EHLO and HELO, in sessions where they surely belong to them. */
const mayHaveCode = ({ command, verb, session, reply }: SeenReply): boolean =>
  command !== null && session.isInStep && !isHelloVerb(verb) && isOfClass(firstDigit(reply));

function judgeCodes(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  flaw: Flaw,
  none: string,
  isMeant: (seen: SeenReply) => boolean,
  isFlawed: (seen: SeenReply) => boolean,
): Finding {
  const seen = replyLog(endpoint).replies.filter((one) => mayHaveCode(one) && isMeant(one));
  if (seen.length === 0) {
    const wasGreeted = replyLog(endpoint).replies.some(({ verb, reply }) => isHelloVerb(verb) && isPositive(reply));
    return wasGreeted ? notApplicable(none) : nothingToJudge(endpoint, evidence, 'a reply with such a code');
  }
  const flawed = seen.filter(isFlawed);
  const [first] = flawed;
  return first === undefined ? pass(`${seen.length} replies, ${flaw.sound}`) : accuse(flaw, flawed, first, seen);
}

const NOT_OFFERED = 'ENHANCEDSTATUSCODES is not offered';
const isUnderCodes = (seen: SeenReply): boolean => seen.isUnderCodes;

const codeOf = (line: string): string | null => parseEnhancedStatusCode(line);

/** RFC 2034 and RFC 3463, in the order of the catalogue. */
export const enhancedCodes: readonly Requirement[] = [
  {
    id: 'esc.present',
    group: 'esc',
    title: 'Enhanced codes on all replies when advertised',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 2034',
      section: '4',
      quote:
        'These codes must appear in all 2xx, 4xx, and 5xx response lines other than initial greeting and any response to HELO or EHLO.',
    },
    demand: 'A host that offers ENHANCEDSTATUSCODES begins the text of each 2yz, 4yz and 5yz reply with one.',
    probe: 'Nothing of its own: replies in sessions whose EHLO reply lists ENHANCEDSTATUSCODES.',
    readings: [
      { verdict: 'pass', when: 'each reply has one, but openings, replies to EHLO and HELO, and 3yz' },
      { verdict: 'warn', when: 'some reply has none' },
      { verdict: 'not-applicable', when: 'ENHANCEDSTATUSCODES is not offered' },
      { verdict: 'inconclusive', when: 'no session was opened' },
    ],
    rationale: 'Bounces quote these codes: where one is missing, the sender of a mail is not told why it came back.',
    remedy: { general: 'Give the texts of your own rules, filters and access tables a code, such as 5.7.1.' },
    retry: [],
    needs: [],
    note: '"All 2xx" includes 221 and the 220 to STARTTLS. Lines behind the first are judged by esc.multiline-same, codes that are badly written by esc.syntax.',
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      judgeCodes(
        endpoint,
        evidence,
        {
          verdict: 'warn',
          cause: 'malformed',
          what: 'no enhanced status code, although they are offered,',
          sound: 'each with an enhanced status code',
        },
        NOT_OFFERED,
        isUnderCodes,
        ({ reply: { enhanced, lines } }) =>
          enhanced === null && !lines.some((line) => codeOf(line) !== null) && !MEANT_AS_CODE.test(lines[0] ?? ''),
      ),
  },
  {
    id: 'esc.class-matches',
    group: 'esc',
    title: 'Enhanced class equals first digit',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 2034',
      section: '4',
      quote: 'All status codes returned by the server must agree with the primary response code',
    },
    demand: '2yz goes with 2.x.x, 4yz with 4.x.x, 5yz with 5.x.x.',
    probe: 'Nothing of its own: replies whose text begins with an enhanced status code, on offer or not.',
    readings: [
      { verdict: 'pass', when: 'the class and the first digit agree' },
      { verdict: 'warn', when: 'they do not, as in "550 4.7.1"; the reply code decides all other verdicts' },
      { verdict: 'not-applicable', when: 'no reply has an enhanced status code' },
      { verdict: 'inconclusive', when: 'no session was opened' },
    ],
    rationale: 'One sender reads "550 4.7.1" as a refusal for good, another as one to try again.',
    remedy: { general: 'Change the pair where it is configured: 450 with 4.7.1, 550 with 5.7.1.' },
    retry: [],
    needs: [],
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      judgeCodes(
        endpoint,
        evidence,
        {
          verdict: 'warn',
          cause: 'wrong-code',
          what: 'an enhanced status code of another class',
          sound: 'their enhanced status codes of the same class',
        },
        'no reply has an enhanced status code',
        ({ reply }) => reply.enhanced !== null,
        ({ reply }) =>
          reply.lines.some((line) => {
            const code = codeOf(line);
            return code !== null && Number(code[0]) !== firstDigit(reply);
          }),
      ),
  },
  {
    id: 'esc.multiline-same',
    group: 'esc',
    title: 'Same enhanced code on all lines',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 2034',
      section: '4',
      quote: 'the same status code must appear at the beginning of the text in each line of the response.',
    },
    demand: 'In a reply of several lines each begins with the same enhanced status code.',
    probe: 'Nothing of its own: replies of several lines where ENHANCEDSTATUSCODES is on offer.',
    readings: [
      { verdict: 'pass', when: 'the same on every line' },
      { verdict: 'warn', when: 'another, or none, on some line' },
      { verdict: 'not-applicable', when: 'ENHANCEDSTATUSCODES is not offered, or there was no reply of several lines' },
      { verdict: 'inconclusive', when: 'no session was opened' },
    ],
    rationale: 'A client may take the code from any line, and people quote the last one.',
    remedy: {
      general: 'Repeat the code at the head of each line, or say it in one line.',
      exim: 'Exim repeats a code that begins the message of an ACL; write it once, at the very beginning.',
    },
    retry: [],
    needs: [],
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      judgeCodes(
        endpoint,
        evidence,
        {
          verdict: 'warn',
          cause: 'malformed',
          what: 'another enhanced status code, or none, on some line',
          sound: 'the same enhanced status code on each line',
        },
        'there was no reply of several lines with enhanced status codes on offer',
        ({ isUnderCodes: isOffered, reply }) =>
          isOffered && reply.lines.length > 1 && reply.lines.some((line) => codeOf(line) !== null),
        ({ reply: { lines } }) => lines.some((line) => codeOf(line) !== codeOf(lines[0] ?? '')),
      ),
  },
  {
    id: 'esc.syntax',
    group: 'esc',
    title: 'Enhanced code well-formed',
    level: 'MUST',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 3463',
      section: '2',
      quote: 'Each numeric sub-code within the status-code MUST be expressed without leading zero digits.',
    },
    demand:
      'A code is 2, 4 or 5, a dot, a number, a dot and a number, of three digits at most and without leading zeros.',
    probe: 'Nothing of its own: what stands in the place of an enhanced status code.',
    readings: [
      { verdict: 'pass', when: 'every code is well-formed' },
      { verdict: 'warn', when: 'leading zeros, more than three digits, blanks inside, another class than 2, 4 and 5' },
      { verdict: 'not-applicable', when: 'no reply has an enhanced status code' },
      { verdict: 'inconclusive', when: 'no session was opened' },
    ],
    rationale: 'A code that is written in another way is text to a program, and the reason that it gives is lost.',
    remedy: { general: 'Write the code as in RFC 3463: 5.7.1, not 5.07.01.' },
    retry: [],
    needs: [],
    note: 'It never fails: nothing but the reason of a bounce rests on it. Where ENHANCEDSTATUSCODES is not offered, a text counts as a code only if its class is the first digit of the reply code.',
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      judgeCodes(
        endpoint,
        evidence,
        {
          verdict: 'warn',
          cause: 'malformed',
          what: 'an enhanced status code that is badly written',
          sound: 'their enhanced status codes well-formed',
        },
        'no reply has an enhanced status code',
        ({ reply, isUnderCodes: isOffered }) => {
          const found = MEANT_AS_CODE.exec(reply.lines[0] ?? '');
          return found !== null && (isOffered || Number(found[1]) === firstDigit(reply));
        },
        ({ reply }) => isMalformed(reply.lines[0] ?? ''),
      ),
  },
  {
    id: 'esc.mailbox-full-transient',
    group: 'esc',
    title: 'Mailbox full reported as temporary',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 3463',
      section: '3.3',
      quote: 'This code should be used as a persistent transient failure.',
    },
    demand: 'A full mailbox is reported with 4yz and 4.2.2.',
    probe: 'Nothing of its own: replies to RCPT of postmaster.',
    readings: [
      { verdict: 'pass', when: '5.2.2 was never said, or 4.2.2 was' },
      { verdict: 'warn', when: '5.2.2' },
      { verdict: 'inconclusive', when: 'no session was opened, or no RCPT of postmaster was answered' },
    ],
    rationale:
      'With 5.2.2 a mail to a person who is on holiday comes back at once, instead of waiting some days for room.',
    remedy: {
      general: 'Answer 452 4.2.2 while a mailbox is full.',
      postfix: 'Dovecot as its LMTP server: quota_full_tempfail = yes.',
    },
    retry: [],
    needs: [],
    note: 'The should of the source is in small letters, and RFC 5248 lists 552 for X.2.2 all the same.',
    scope: 'endpoint',
    judge: judgeFullMailbox,
  },
];

function judgeFullMailbox(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const asked = replyLog(endpoint).replies.filter(
    ({ command, verb, session }) =>
      verb === 'RCPT' && command !== null && session.isInStep && /^rcpt to:<(?:[^<>]*:)?"?postmaster\b/i.test(command),
  );
  if (asked.length === 0) return nothingToJudge(endpoint, evidence, 'a reply to RCPT of postmaster');
  const full = asked.filter(({ reply }) => reply.enhanced === '5.2.2');
  const [first] = full;
  if (first === undefined) return pass('5.2.2 was not said of postmaster');
  const what = 'a full mailbox refused for good';
  return accuse({ verdict: 'warn', cause: 'mailbox-full', what }, full, first, asked);
}
