// What the rows about openings share: which connections opened how, and what a refusal is called.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Attempt, EndpointEvidence } from '../evidence/transcript.js';
import { isTransientNegative, type Reply } from '../smtp/reply.js';
import { blamesClient } from '../smtp/reply-class.js';
import { echoOf, isScripted, openingRepliesOf, type Seen } from './observe.js';
import { inconclusive, notApplicable, type Cause, type Finding, type Verdict } from './requirement.js';
import { seconds, sessionTrouble } from './session-trouble.js';

/** RFC 5321 4.5.3.2.7: a server may close after this long without a command. Less than that excuses nobody. */
export const SERVER_TIMEOUT_MS = 5 * 60_000;

/** One connection with its opening reply. */
export interface OpenedSession {
  readonly attempt: Attempt;
  readonly number: number;
  readonly opening: Seen<Reply>;
}

/** The ordinary connections that got an opening reply of this kind. */
export function sessionsOpenedWith(
  endpoint: EndpointEvidence,
  isWanted: (reply: Reply) => boolean,
): readonly OpenedSession[] {
  return openingRepliesOf(endpoint).flatMap((opening) => {
    const attempt = endpoint.attempts[opening.attempt];
    return attempt === undefined || isScripted(attempt) || !isWanted(opening.what)
      ? []
      : [{ attempt, number: opening.attempt, opening }];
  });
}

/** For a row about one kind of opening, where none of that kind was seen: another kind, or why there was none at all. */
export function otherOpening(endpoint: EndpointEvidence, evidence: DomainEvidence, wanted: string): Finding {
  const openings = openingRepliesOf(endpoint);
  if (openings.length === 0) return noOpening(endpoint, evidence);
  const codes = [...new Set(openings.map(({ what }) => what.code))].join(', ');
  return notApplicable(
    `the host opened with ${codes}, not with ${wanted}`,
    openings.map(({ cite }) => cite),
  );
}

/** Why there is no opening reply to judge. */
export function noOpening(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  return sessionTrouble(endpoint, evidence) ?? inconclusive('not-asked', 'no opening reply was seen');
}

/** How often and how far apart: "2 connections, 3 s apart". */
export function connectionCount(sessions: readonly OpenedSession[]): string {
  if (sessions.length === 1) return '1 connection';
  const starts = sessions.map(({ attempt }) => Date.parse(attempt.startedAt));
  return `${sessions.length} connections, ${seconds(Math.max(...starts) - Math.min(...starts))} apart`;
}

/** True where the host says in its own words that it refuses this client. */
export function refusesClient(reply: Reply, endpoint: EndpointEvidence, evidence: DomainEvidence): boolean {
  return blamesClient(reply, echoOf(endpoint, evidence));
}

/** What the wrong code of a refusal is called: a defence against us and a refusal for now are never a plain wrong code. */
export function wrongCodeCause(reply: Reply, endpoint: EndpointEvidence, evidence: DomainEvidence): Cause {
  if (refusesClient(reply, endpoint, evidence)) return 'client-refused';
  return isTransientNegative(reply) ? 'transient-negative' : 'wrong-code';
}

/** The reply of a session that no command had asked for, if there was one; the sides had lost step from there on. */
export function strayReply({ attempt, number }: OpenedSession): Seen<Reply> | null {
  for (const [index, exchange] of attempt.exchanges.entries()) {
    if (exchange.act === 'leave' || exchange.outcome.kind !== 'out-of-turn' || exchange.outcome.reply.code === 421)
      continue;
    return { attempt: number, index, cite: { kind: 'exchange', attempt: number, index }, what: exchange.outcome.reply };
  }
  return null;
}

const RANK = { fail: 0, warn: 1, inconclusive: 2, pass: 3, 'not-applicable': 4 } as const satisfies Record<
  Verdict,
  number
>;

/** Of findings about the same thing in several connections, the one that says the most against it. */
export function gravest(findings: readonly [Finding, ...Finding[]]): Finding {
  return findings.reduce((one, other) => (RANK[other.verdict] < RANK[one.verdict] ? other : one));
}
