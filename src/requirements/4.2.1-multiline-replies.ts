// RFC 5321 4.2.1: replies of several lines, and the blank behind a code that stands alone.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { noOpening, SERVER_TIMEOUT_MS } from './openings.js';
import { countOf, inTwoSessions, judgeForm, placeOf, replyLog, type SeenFailure, type SeenReply } from './replies.js';
import { fail, inconclusive, pass, type Finding, type Requirement } from './requirement.js';
import { seconds } from './session-trouble.js';

/** A line of text without a code, behind lines that have one and say that the reply goes on. */
const isTextWithoutCode = ({ outcome }: SeenFailure): boolean =>
  outcome.kind === 'not-a-reply' && outcome.why === 'no-code' && /^[0-9]{3}-/.test(outcome.raw);

/** Silence behind a complete line that says that more follows. */
const isUnfinished = ({ outcome }: SeenFailure): boolean =>
  outcome.kind === 'timeout' && /(?:^|\n)[0-9]{3}-[^\n]*\n$/.test(outcome.partial);

function judgeMultiline(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const { replies, failures } = replyLog(endpoint);
  const broken = failures.find(isTextWithoutCode);
  if (broken !== undefined)
    return fail('malformed', `a line without a code stands in a reply ${where(broken)}`, broken.cite);
  const unfinished = failures.filter(isUnfinished);
  const patient = unfinished.filter(({ outcome }) => outcome.afterMs >= SERVER_TIMEOUT_MS);
  const twice = inTwoSessions(patient);
  if (twice !== null) {
    const because = `the last line of a reply ${where(twice[0])} has a hyphen: nothing followed it in 5 minutes, twice`;
    return fail('malformed', because, twice[0].cite, twice[1].cite);
  }
  const [first] = unfinished;
  if (first !== undefined) {
    const waited = seconds(first.outcome.afterMs);
    return inconclusive('timeout', `a reply ${where(first)} did not go on within ${waited}`, [first.cite]);
  }
  if (replies.length === 0) return noOpening(endpoint, evidence);
  const several = replies.filter(({ reply }) => reply.lines.length > 1);
  return pass(`${countOf(several)} of several lines, a hyphen on all lines but the last`);
}

const where = ({ command }: SeenFailure): string => placeOf({ command, isStray: false });

/** A 421 that cuts into a reply is a shutdown in the middle of it (3.8), not another code for the same. */
const isMixed = ({ reply }: SeenReply): boolean => reply.defects.includes('mixed-codes') && reply.code !== 421;

function judgeSameCode(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  return judgeForm(
    endpoint,
    evidence,
    {
      verdict: 'fail',
      cause: 'malformed',
      what: 'lines with different codes',
      sound: 'the lines of each have one code',
    },
    isMixed,
  );
}

/** RFC 5321 4.2.1, in the order of the catalogue. */
export const multilineReplies: readonly Requirement[] = [
  {
    id: 'reply.multiline-format',
    group: 'reply',
    title: 'Continuation lines use code-hyphen',
    level: 'derived',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.2.1',
      quote: 'every line, except the last, begin with the reply code, followed immediately by a hyphen',
    },
    demand: 'In a reply of several lines each has the code, all but the last with a hyphen behind it.',
    probe: 'Nothing of its own: every reply of every session of the run.',
    readings: [
      { verdict: 'pass', when: 'all replies of several lines are well-formed, or there was none' },
      { verdict: 'fail', when: 'a line without a code behind one that has a hyphen' },
      {
        verdict: 'fail',
        when: 'the last line has a hyphen, so that the reply never ends: 5 minutes of silence behind it, in two sessions',
      },
      { verdict: 'inconclusive', when: 'the same silence once, or for less than 5 minutes; no reply was seen' },
    ],
    rationale:
      'The hyphen is how a client knows whether to read on: with a wrong one it hangs, or takes text for the next reply.',
    remedy: {
      general: 'Break long texts with the means of the mail server, not with line ends of your own.',
      exim: 'In a message of an ACL, write "\\n" between lines: Exim puts code and hyphen in front of each.',
    },
    retry: ['R9'],
    needs: [],
    note: 'A continuation without a hyphen ends the reply; the lines behind it are extra replies, which reply.one-per-command judges.',
    scope: 'endpoint',
    judge: judgeMultiline,
  },
  {
    id: 'reply.multiline-same-code',
    group: 'reply',
    title: 'Same code on all lines',
    level: 'MUST',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.2.1',
      quote: 'In a multiline reply, the reply code on each of the lines MUST be the same.',
    },
    demand: 'All lines of one reply have the same three digits.',
    probe: 'Nothing of its own: every reply of every session of the run.',
    readings: [
      { verdict: 'pass', when: 'the same code on all lines of each reply' },
      { verdict: 'fail', when: 'different codes in one reply; the last line is the one that counts' },
      { verdict: 'inconclusive', when: 'no reply was seen' },
    ],
    rationale:
      'A client may take the code from any line: one sender reads such a reply as accepted, another as refused.',
    remedy: { general: 'Look for a filter or proxy in front of the mail server that joins two replies into one.' },
    retry: [],
    needs: [],
    note: 'A 421 behind the first lines of a reply is a host that shuts down in the middle of it, and no violation.',
    scope: 'endpoint',
    judge: judgeSameCode,
  },
  {
    id: 'reply.sp-without-text',
    group: 'reply',
    title: 'Space kept when there is no text',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.2.1',
      quote:
        'servers SHOULD send the <SP> if subsequent text is not sent, but clients MUST be prepared for it to be omitted.',
    },
    demand: 'A last line without text still has the space behind its code.',
    probe: 'Nothing of its own: every reply of every session of the run.',
    readings: [
      { verdict: 'pass', when: 'no code stands alone on its line' },
      { verdict: 'warn', when: 'three digits and CR LF, without the space' },
      { verdict: 'inconclusive', when: 'no reply was seen' },
    ],
    rationale: 'Old clients look for the space in the fourth place to know the last line of a reply.',
    remedy: { general: 'Give every reply a text, which keeps the space as well.' },
    retry: [],
    needs: [],
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      judgeForm(
        endpoint,
        evidence,
        {
          verdict: 'warn',
          cause: 'malformed',
          what: 'a code without a space behind it',
          sound: 'no code stands alone',
        },
        ({ reply }) => reply.defects.includes('code-alone'),
      ),
  },
];
