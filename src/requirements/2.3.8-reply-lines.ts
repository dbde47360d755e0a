// RFC 5321 2.3.8, 4.2, 4.5.3.1.5: the octets of reply lines, their ends and their length.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import type { ReplyDefect } from '../smtp/reply.js';
import { before, judgeForm, placeOf, replyLog, type SeenReply } from './replies.js';
import { warn, type Finding, type Requirement } from './requirement.js';

/** CR with the next reply line right behind it: there it ends a line. */
const CR_ENDS_A_LINE = /\r[2-5][0-9]{2}[ -]/;

const hasOneOf =
  (...wanted: readonly ReplyDefect[]) =>
  ({ reply: { defects } }: SeenReply): boolean =>
    defects.some((defect) => wanted.includes(defect));

function judgeLineEnds(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const finding = judgeForm(
    endpoint,
    evidence,
    {
      verdict: 'fail',
      cause: 'malformed',
      what: 'a line that ends in LF or CR alone',
      sound: 'all of their lines end in CR LF',
    },
    ({ reply: { defects, raw } }) =>
      defects.includes('bare-lf') || (defects.includes('bare-cr') && CR_ENDS_A_LINE.test(raw)),
  );
  if (finding.verdict !== 'pass') return finding;
  return judgeForm(
    endpoint,
    evidence,
    { verdict: 'warn', cause: 'malformed', what: 'a CR that no LF follows', sound: 'all of their lines end in CR LF' },
    hasOneOf('bare-cr'),
  );
}

/** RFC 6531 3.7.4: where a session asked for SMTPUTF8, UTF-8 may stand in these replies. */
function mayBeUtf8(seen: SeenReply): boolean {
  const { command, verb, reply } = seen;
  if (command === null) return false;
  // What only repeats octets of ours is no text of the host.
  if (/[^\x20-\x7e]/.test(command)) return true;
  if (verb === 'VRFY' || verb === 'EXPN') return / SMTPUTF8$/i.test(command);
  const isAddress = reply.code === 251 || reply.code === 551;
  return isAddress && before(seen).some((one) => one.act === 'command' && / SMTPUTF8\b/i.test(one.command));
}

const isControl = hasOneOf('control', 'nul', 'bare-cr');
const isBeyondAscii = hasOneOf('non-ascii');

/** RFC 5321 2.3.8, 4.2 and 4.5.3.1.5: lines of replies. */
export const replyLines: readonly Requirement[] = [
  {
    id: 'reply.crlf',
    group: 'reply',
    title: 'Replies end with CRLF only',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '2.3.8',
      quote:
        'Conforming implementations MUST NOT recognize or generate any other character or character sequence as a line terminator.',
    },
    demand: 'Every line of a reply ends in CR LF.',
    probe: 'Nothing of its own: every reply of every session of the run.',
    readings: [
      { verdict: 'pass', when: 'every line ends in CR LF' },
      { verdict: 'fail', when: 'a line that ends in LF alone, or in a CR behind which the next line begins' },
      { verdict: 'warn', when: 'another CR that no LF follows: what it is meant for cannot be told' },
      { verdict: 'inconclusive', when: 'no reply was seen' },
    ],
    rationale: 'A client that keeps to the rule waits for a CR LF that never comes, until its time runs out.',
    remedy: {
      general: 'Write "\\r\\n" behind each line. Look for a script, filter or proxy that speaks for the mail server.',
    },
    retry: [],
    needs: [],
    scope: 'endpoint',
    judge: judgeLineEnds,
  },
  {
    id: 'reply.ascii',
    group: 'reply',
    title: 'Reply text printable ASCII',
    level: 'derived',
    violation: 'warn',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.2',
      quote: 'textstring = 1*(%d09 / %d32-126) ; HT, SP, Printable US-ASCII',
    },
    demand: 'The text of a reply is tabs, spaces and printable US-ASCII.',
    probe: 'Nothing of its own: every reply of every session of the run.',
    readings: [
      { verdict: 'pass', when: 'nothing else was seen' },
      { verdict: 'warn', when: 'control octets, or octets above 127' },
      { verdict: 'inconclusive', when: 'no reply was seen' },
    ],
    rationale: 'Texts of replies end up in logs, bounces and terminals, where other octets are lost or do harm.',
    remedy: { general: 'Write texts in ASCII, without accents and without colours for terminals.' },
    retry: [],
    needs: [],
    note: 'Octets above 127 are free under SMTPUTF8 (RFC 6531) in 251 and 551 and in replies to VRFY and EXPN, and where a command of ours had such octets, which may only be repeated.',
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      judgeForm(
        endpoint,
        evidence,
        {
          verdict: 'warn',
          cause: 'malformed',
          what: 'octets that are no printable ASCII',
          sound: 'printable ASCII throughout',
        },
        (seen) => isControl(seen) || (isBeyondAscii(seen) && !mayBeUtf8(seen)),
      ),
  },
  {
    id: 'reply.line-length',
    group: 'limits',
    title: 'Reply line at most 512 octets',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.3.1.5',
      quote: 'The maximum total length of a reply line including the reply code and the <CRLF> is 512 octets.',
    },
    demand: 'No line of a reply is longer than 512 octets, CR LF included.',
    probe: 'Nothing of its own: every reply of every session of the run.',
    readings: [
      { verdict: 'pass', when: 'all lines are of 512 octets at most' },
      { verdict: 'warn', when: 'a longer line' },
      { verdict: 'inconclusive', when: 'no reply was seen' },
    ],
    rationale: 'Some clients keep 512 octets and take the rest of the line for another reply.',
    remedy: { general: 'Shorten the text, or break it into a reply of several lines.' },
    retry: [],
    needs: [],
    note: '4.5.3.1: larger objects "SHOULD be avoided", so that whoever sends a longer line breaks a SHOULD.',
    scope: 'endpoint',
    judge: judgeLength,
  },
];

function judgeLength(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const endless = replyLog(endpoint).failures.find(
    ({ outcome }) => outcome.kind === 'not-a-reply' && outcome.why === 'endless-line',
  );
  if (endless !== undefined) {
    const where = placeOf({ command: endless.command, isStray: false });
    return warn('malformed', `a line ${where} had no end within 8 KiB`, endless.cite);
  }
  return judgeForm(
    endpoint,
    evidence,
    { verdict: 'warn', cause: 'malformed', what: 'a line of more than 512 octets', sound: 'no line over 512 octets' },
    hasOneOf('line-too-long'),
  );
}
