// RFC 1123 5.2.7: how long a host thinks about a recipient.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { SERVER_TIMEOUT_MS } from './openings.js';
import { T_IO } from './readings.js';
import { inTwoSessions, nothingToJudge, replyLog, verbOf } from './replies.js';
import { inconclusive, pass, warn, type Finding, type Requirement } from './requirement.js';
import { outcomeTrouble, seconds } from './session-trouble.js';

/** The catalogue's limit of what is reasonable. */
const REASONABLE_MS = 60_000;

function judgeDelay(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const { replies, failures } = replyLog(endpoint);
  // Errors made on purpose are answered slowly on purpose (7.8): the ordinary sessions alone are timed.
  const answers = replies.filter(({ verb, session }) => verb === 'RCPT' && !session.isScripted && session.isInStep);
  const silences = failures.filter(
    ({ command, session, outcome }) =>
      command !== null && !session.isScripted && outcome.kind === 'timeout' && verbOf(command) === 'RCPT',
  );
  const twice = inTwoSessions(silences.filter(({ outcome }) => outcome.afterMs >= SERVER_TIMEOUT_MS));
  if (twice !== null)
    return warn('timeout', 'no reply to RCPT in 5 minutes, in 2 sessions', twice[0].cite, twice[1].cite);
  const slow = answers.filter(({ afterMs }) => afterMs > REASONABLE_MS);
  const [first] = slow;
  if (first !== undefined) {
    const longest = seconds(Math.max(...slow.map(({ afterMs }) => afterMs)));
    return warn('timeout', `RCPT was answered after ${longest}`, first.cite);
  }
  const [silence] = silences;
  if (silence !== undefined && silence.outcome.kind === 'timeout') {
    if (silence.outcome.afterMs < SERVER_TIMEOUT_MS)
      return outcomeTrouble(silence.outcome, 'the reply to RCPT', [silence.cite]);
    return inconclusive('timeout', 'no reply to RCPT in 5 minutes, seen once only', [silence.cite]);
  }
  if (answers.length === 0) return nothingToJudge(endpoint, evidence, 'a reply to RCPT');
  return pass(`RCPT was answered within ${seconds(Math.max(...answers.map(({ afterMs }) => afterMs)))}`);
}

/** RFC 1123 5.2.7, of which RFC 5321 does not repeat this sentence. */
export const rcptDelay: readonly Requirement[] = [
  {
    id: 'timeouts.rcpt-delay',
    group: 'timeouts',
    title: 'RCPT answered within a reasonable time',
    level: 'MUST NOT',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 1123',
      section: '5.2.7',
      quote: 'RCPT responses MUST NOT be delayed beyond a reasonable time',
    },
    demand: 'RCPT is answered well before the 5 minutes for which a client must wait.',
    probe: 'Nothing of its own: the time from RCPT, or from the reply before it in a group, to the end of its reply.',
    readings: [
      { verdict: 'pass', when: 'within 60 s' },
      { verdict: 'warn', when: 'after more than 60 s: a tarpit, legal and slow' },
      { verdict: 'warn', when: 'no reply in 5 minutes while the connection stays open, in two sessions' },
      { verdict: 'inconclusive', when: 'no reply in less than 5 minutes, or in one session only' },
      ...T_IO,
    ],
    rationale: 'A client that gives up waiting sends the mail again later, and may deliver it twice.',
    remedy: {
      general: 'Check recipients against a local list; a lookup that takes minutes belongs behind the acceptance.',
    },
    retry: ['R9'],
    needs: [],
    note: 'It never fails: RFC 5321 replaces this part of RFC 1123 and does not repeat the sentence, and silence alone accuses nobody. Sessions in which errors are made on purpose are not timed.',
    scope: 'endpoint',
    judge: judgeDelay,
  },
];
