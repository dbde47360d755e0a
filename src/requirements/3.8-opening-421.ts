// RFC 5321 3.8: a host that opens with 421 closes the channel.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { gravest, otherOpening, refusesClient, sessionsOpenedWith, type OpenedSession } from './openings.js';
import { inconclusive, pass, warn, type Cite, type Finding, type Requirement } from './requirement.js';
import { outcomeTrouble, quoteReply } from './session-trouble.js';

function judge421Opening(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const sessions = sessionsOpenedWith(endpoint, ({ code }) => code === 421);
  const [first, ...more] = sessions.map((session) => after421(session, endpoint, evidence));
  return first === undefined ? otherOpening(endpoint, evidence, '421') : gravest([first, ...more]);
}

function after421(
  { attempt, number, opening }: OpenedSession,
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
): Finding {
  for (const [index, exchange] of attempt.exchanges.entries()) {
    if (exchange.act !== 'command' || exchange.command !== 'QUIT') continue;
    const cite: Cite = { kind: 'exchange', attempt: number, index };
    const { outcome } = exchange;
    if (outcome.kind === 'closed') return pass('421, then closed', [opening.cite, cite]);
    if (outcome.kind !== 'reply') return outcomeTrouble(outcome, 'the close after 421', [cite]);
    const { reply } = outcome;
    if (reply.code === 221 || reply.code === 421) return pass(`421, then ${reply.code} to QUIT`, [opening.cite, cite]);
    const next = attempt.exchanges[index + 1];
    if (next?.act === 'linger' && next.outcome.kind === 'closed')
      return pass('421, then closed after QUIT', [opening.cite, cite]);
    if (next?.act !== 'linger' || next.outcome.kind !== 'quiet')
      return inconclusive('cut-off', 'whether the host closed after its 421 was not seen', [cite]);
    const cause = refusesClient(opening.what, endpoint, evidence) ? 'client-refused' : 'kept-open';
    return warn(
      cause,
      `421, but the session goes on: QUIT was answered with ${quoteReply(reply)} and no close followed`,
      cite,
      opening.cite,
    );
  }
  return inconclusive('not-asked', 'nothing was said after the 421', [opening.cite]);
}

/** RFC 5321 3.8, as far as openings go. */
export const openingWith421: readonly Requirement[] = [
  {
    id: 'greeting.421-then-close',
    group: 'greeting',
    title: '421 greeting is followed by close',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.8',
      quote: 'After detecting the need to shut down the SMTP service and returning a 421 response code.',
    },
    demand: 'A host that opens with 421 closes the connection.',
    probe: 'After 421: QUIT.',
    readings: [
      { verdict: 'pass', when: '421, then closed, at once or after our QUIT' },
      { verdict: 'warn', when: '421, but QUIT gets another reply than 221 or 421 and the connection stays open' },
      { verdict: 'not-applicable', when: 'the opening is not 421' },
    ],
    rationale:
      'A 421 that is not meant keeps sessions of clients open that no longer speak, on a host that says it has too many.',
    remedy: { general: 'Close the connection behind an opening 421, or once the client has said QUIT.' },
    retry: [],
    needs: [],
    scope: 'endpoint',
    judge: judge421Opening,
  },
];
