// RFC 5321 4.5.3.2.7: how long a server waits for the next command.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPositive } from '../smtp/reply.js';
import { say, wait } from '../smtp/script.js';
import { T_IO } from './readings.js';
import { notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerTo, scripted } from './scripted-row.js';
import { wasScriptPlayed } from './script-run.js';
import { quoteReply, seconds } from './session-trouble.js';

/** Just below the five minutes: some servers close at exactly 300 s, and conform. */
const SILENCE_MS = 295_000;

/** It takes minutes, so one address of a mail host has to do. */
function onceAHost(row: Requirement): Requirement {
  if (row.scope !== 'endpoint') return row;
  const judge = (endpoint: EndpointEvidence, evidence: DomainEvidence): Finding => {
    const isMeasured = evidence.endpoints.some(
      (other) => other.host === endpoint.host && wasScriptPlayed(row, other, evidence),
    );
    return isMeasured && !wasScriptPlayed(row, endpoint, evidence)
      ? notApplicable('measured at another address of the mail host')
      : row.judge(endpoint, evidence);
  };
  return { ...row, judge };
}

/** RFC 5321 4.5.3.2.7. */
export const serverTimeOut: readonly Requirement[] = [
  scripted({
    id: 'connect.server-timeout',
    group: 'timeouts',
    title: 'Server idle time-out at least 5 minutes',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    onDemand: 'rfc-timeouts',
    source: {
      document: 'RFC 5321',
      section: '4.5.3.2.7',
      quote:
        'An SMTP server SHOULD have a timeout of at least 5 minutes while it is awaiting the next command from the sender.',
    },
    demand: 'A client that says nothing for five minutes is not cut off.',
    probe: 'EHLO, 295 s of silence, NOOP.',
    script: { from: 'hello', steps: [wait(SILENCE_MS), say('NOOP')] },
    errors: 0,
    readings: [
      { verdict: 'pass', when: 'still open after 295 s, and NOOP is answered 250' },
      { verdict: 'warn', when: '421 or a close before that' },
      { verdict: 'inconclusive', when: 'a reset, which something between may have sent; another answer to NOOP' },
      { verdict: 'not-applicable', when: 'measured at another address of the same host' },
      ...T_IO,
    ],
    rationale: 'A sender that looks something up between two commands loses the session and has to begin again.',
    remedy: {
      general: 'Let a silent client have five minutes; look at firewalls and load balancers between as well.',
      postfix: 'smtpd_timeout = ${stress?{10}:{300}}s (the default); under stress it is short on purpose.',
      exim: 'smtp_receive_timeout = 5m (the default).',
      sendmail: "define(`confTO_COMMAND', `1h') (the default).",
      exchange: 'Set-ReceiveConnector -ConnectionInactivityTimeout 00:05:00.',
    },
    retry: ['R8'],
    note: '295 s and not 300: hosts that close at exactly 300 s conform, and ours is not the clock to tell them by.',
    read(run): Finding | null {
      const [silence] = run.done;
      if (silence?.kind !== 'wait') return null;
      const { outcome, cite } = silence;
      const after = seconds(outcome.afterMs);
      if (outcome.kind === 'closed' && outcome.how === 'fin')
        return warn('closed-early', `closed without a word after ${after} of silence`, cite);
      if (outcome.kind === 'out-of-turn' && outcome.reply.code === 421)
        return warn('closed-early', `after ${after} of silence: ${quoteReply(outcome.reply)}`, cite);
      const answer = answerTo(run, 0);
      if (outcome.kind !== 'quiet' || answer === null || !isPositive(answer.reply)) return null;
      return pass(`open after ${after} of silence: NOOP was answered ${quoteReply(answer.reply)}`, [cite, answer.cite]);
    },
  }),
].map(onceAHost);
