// How grave a finding is: a profile file may change a row's level of violation, and --strict makes violations of what is
// by itself a warning. Both change what a finding is called, never what was seen; what rests on us stays what it is.
import type { DomainEvidence } from '../evidence/evidence.js';
import { exchangesOf, openingRepliesOf } from '../requirements/observe.js';
import type { Cause, Finding, Judged, Requirement, Violation } from '../requirements/requirement.js';
import { seconds } from '../requirements/session-trouble.js';
import { firstDigit } from '../smtp/reply.js';
import type { Adjusted } from './report.js';

/** A finding at the level at which it is reported, and what it would be by the catalogue alone. */
export interface Levelled {
  readonly finding: Finding;
  readonly adjusted: Adjusted | null;
}

/** The finding of a row by the levels of this run. What a profile file sets, --strict leaves. */
export function levelled(judged: Judged, evidence: DomainEvidence, isStrict: boolean): Levelled {
  const { requirement, finding } = judged;
  const level = levelOf(requirement, evidence);
  if (level !== null) return byProfile(finding, requirement, level);
  return isStrict ? byStrict(judged, evidence) : { finding, adjusted: null };
}

function levelOf({ id }: Requirement, { probe: { violations } }: DomainEvidence): Violation | null {
  return violations !== undefined && Object.hasOwn(violations, id) ? (violations[id] ?? null) : null;
}

const GRAVITY = { none: 0, warn: 1, fail: 2 } as const satisfies Record<Violation, number>;

/** True where a profile file takes from the gravity of a row's violations, and leaves this level or less. */
export function isLowered(requirement: Requirement, evidence: DomainEvidence, to: 'warn' | 'none'): boolean {
  const level = levelOf(requirement, evidence);
  return level !== null && GRAVITY[level] < GRAVITY[requirement.violation] && GRAVITY[level] <= GRAVITY[to];
}

function byProfile(finding: Finding, { violation }: Requirement, level: Violation): Levelled {
  if (finding.verdict !== 'fail' && finding.verdict !== 'warn') return { finding, adjusted: null };
  const adjusted = { from: finding.verdict, by: 'profile' } as const;
  if (level === 'none') {
    const because = `${finding.verdict} by the catalogue, which the profile turns off: ${finding.because}`;
    return { finding: { verdict: 'not-applicable', because, cites: finding.cites }, adjusted };
  }
  if (level === 'warn' && finding.verdict === 'fail') return { finding: { ...finding, verdict: 'warn' }, adjusted };
  // A warning of a row that may fail as well is a lesser thing than its violation.
  const isRaised = level === 'fail' && violation !== 'fail' && finding.verdict === 'warn' && accuses(finding.cause);
  return isRaised ? { finding: { ...finding, verdict: 'fail' }, adjusted } : { finding, adjusted: null };
}

function byStrict(judged: Judged, evidence: DomainEvidence): Levelled {
  const { requirement, finding } = judged;
  const isShould = requirement.level === 'SHOULD' || requirement.level === 'SHOULD NOT';
  if (finding.verdict === 'warn' && requirement.violation !== 'none' && accuses(finding.cause)) {
    if (isShould || finding.cause === 'wrong-code')
      return { finding: { ...finding, verdict: 'fail' }, adjusted: { from: 'warn', by: 'strict' } };
  }
  const stayed = requirement.violation === 'fail' || isShould ? persistence(judged, evidence) : null;
  const [cite, ...cites] = finding.cites ?? [];
  if (finding.verdict !== 'inconclusive' || stayed === null || cite === undefined) return { finding, adjusted: null };
  return {
    finding: {
      verdict: 'fail',
      cause: finding.cause,
      because: `${finding.because}; ${stayed}`,
      cites: [cite, ...cites],
    },
    adjusted: { from: 'inconclusive', by: 'strict' },
  };
}

/** How long a 4yz to RCPT has stayed, where it stayed through the whole schedule of R3; else null. */
function persistence({ requirement, endpoint, finding }: Judged, evidence: DomainEvidence): string | null {
  const { retries = 0 } = evidence.probe;
  if (endpoint === null || retries === 0 || evidence.interrupted) return null;
  if (finding.verdict !== 'inconclusive' || finding.cause !== 'transient-negative') return null;
  // T_RCPT: a 4yz to the recipient itself; rows about refusals of us have no R3, and none of theirs is meant.
  if (!requirement.retry.includes('R3') || requirement.level === 'MUST NOT') return null;
  const [deciding] = finding.cites;
  if (deciding?.kind !== 'exchange') return null;
  const seen = exchangesOf(endpoint).find(
    ({ attempt, index }) => attempt === deciding.attempt && index === deciding.index,
  )?.what;
  const isRefusal =
    seen?.act === 'command' &&
    seen.command.startsWith('RCPT ') &&
    seen.outcome.kind === 'reply' &&
    firstDigit(seen.outcome.reply) === 4;
  // Every retry was answered, and the last one with this: a host that was down meanwhile has not refused all the time.
  const answered = new Set(openingRepliesOf(endpoint).map(({ attempt }) => attempt));
  const rounds = endpoint.attempts.flatMap(({ plan }, at) =>
    plan.purpose === 'retry' && answered.has(at) ? [at] : [],
  );
  const last = rounds.at(-1);
  if (!isRefusal || last === undefined || rounds.length < retries || deciding.attempt < last) return null;
  const times = endpoint.attempts.map(({ startedAt }) => Date.parse(startedAt));
  const span = seconds((times[last] ?? 0) - (times[0] ?? 0));
  return `so it was after each of ${rounds.length} retries, ${span} in all`;
}

/** Causes that say something of the host or the domain. Of the others, nothing is shown: they never make a violation. */
const ACCUSING = {
  'no-mailbox': true,
  'no-domain': true,
  'relay-denied': true,
  syntax: true,
  'mailbox-full': true,
  'auth-required': true,
  'tls-required': true,
  'closed-early': true,
  'kept-open': true,
  'wrong-code': true,
  malformed: true,
  sequence: true,
  flapping: true,
  'no-usable-mx': true,
  'null-mx-mixed': true,
  alias: true,
  'bad-name': true,
  'no-address': true,
  'special-address': true,
  unreachable: false,
  timeout: false,
  'cut-off': false,
  'transient-negative': false,
  'client-refused': false,
  'sender-refused': false,
  'needs-tls': false,
  dns: false,
  'not-asked': false,
  'out-of-turn': false,
  'not-published': false,
  'address-not-allowed': false,
  'no-route': false,
} as const satisfies Record<Cause, boolean>;

const accuses = (cause: Cause): boolean => ACCUSING[cause];
