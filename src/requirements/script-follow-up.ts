// Which connection of scripts comes next: those that were planned, in order, then, alone in a fresh one, each script
// whose row could not be settled (R8). Bounded in number and in time, and ended where a host answers no more.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Attempt, EndpointEvidence } from '../evidence/transcript.js';
import type { ConversationPlan } from '../smtp/conversation.js';
import { delivers, type Script } from '../smtp/script.js';
import { isScripted } from './observe.js';
import type { Cause, Requirement } from './requirement.js';
import { keyOf } from './script-fill.js';
import { scriptPlan, scriptsOf } from './script-plan.js';
import { isCut, runsOf, scriptContextOf } from './script-run.js';
import { sessionTrouble } from './session-trouble.js';

/** The connections of scripts, and the rows that they are for. */
export interface ScriptOptions {
  readonly scripts: readonly ConversationPlan[];
  readonly rows: readonly Requirement[];
}

/** A script is played no more often than this, in whatever company. */
const MAX_PLAYS = 3;
/** So many connections that ended in silence, or before any script was reached, are enough. */
const MAX_IN_VAIN = 3;
/** So many connections more than were planned are enough. */
const MAX_AGAIN = 60;
/** So long a host may let scripts wait for its replies, in all connections. */
const MAX_WAITED_MS = 900_000;
/** A script alone in a connection may settle these. */
const SETTLED_ALONE: ReadonlySet<Cause> = new Set<Cause>(['cut-off', 'out-of-turn', 'not-asked']);

/** The next connection of scripts at an endpoint, or null. `tls` is what its sessions turned out to need. */
export function nextScript(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  { scripts, rows }: ScriptOptions,
  tls: ConversationPlan['tls'],
): ConversationPlan | null {
  const [like] = scripts;
  // Where no session came about, none will for a script.
  if (like === undefined || sessionTrouble(endpoint, evidence) !== null) return null;
  const played = endpoint.attempts.filter(isScripted);
  if (played.filter(wasInVain).length >= MAX_IN_VAIN || played.length >= scripts.length + MAX_AGAIN) return null;
  if (played.reduce((sum, attempt) => sum + waitedIn(attempt), 0) > MAX_WAITED_MS) return null;
  const next = scripts[played.length];
  if (next !== undefined) return scriptPlan({ ...next, tls }, next.scripts ?? []);
  const context = scriptContextOf(endpoint, evidence);
  for (const row of rows) {
    if (row.scope !== 'endpoint' || !row.needs.some(({ ask }) => ask === 'script')) continue;
    const finding = row.judge(endpoint, evidence);
    if (finding.verdict !== 'inconclusive') continue;
    for (const { script } of scriptsOf([row], context).filter((need) => !delivers(need.script))) {
      const again = scriptPlan({ ...like, tls }, [script]);
      const plays = playsOf(keyOf(script), played);
      if (plays === 0 || plays >= MAX_PLAYS) continue;
      const earlier = earlierRuns(script, endpoint, evidence);
      if (SETTLED_ALONE.has(finding.cause) && !isSettled(earlier)) return again;
      // R2: it was played before anything told that TLS is demanded.
      if (finding.cause === 'needs-tls' && again.tls === 'require' && earlier.every(({ plan }) => plan.tls === 'avoid'))
        return again;
    }
  }
  return null;
}

const playsOf = (key: string, played: readonly Attempt[]): number =>
  played.filter(({ plan }) => plan.scripts?.some((script) => keyOf(script) === key)).length;

/** The connections in which a script was reached: where the session ended before it, it was not played. */
const earlierRuns = (script: Script, endpoint: EndpointEvidence, evidence: DomainEvidence): readonly Attempt[] =>
  (runsOf(script, endpoint, evidence) ?? []).flatMap(({ attempt }) => endpoint.attempts[attempt] ?? []);

/** Whether a script had a connection to itself after it was played once. */
const isSettled = (earlier: readonly Attempt[]): boolean =>
  earlier.slice(1).some(({ plan }) => plan.scripts?.length === 1);

/** Whether the last thing in a connection was that the host said nothing in time, or no script of it was reached. */
function wasInVain(attempt: Attempt): boolean {
  const { connect, exchanges } = attempt;
  if (connect.kind === 'timeout') return true;
  if (isCut(attempt) && !exchanges.some((exchange) => 'script' in exchange)) return true;
  return exchanges.some((exchange) => exchange.act !== 'leave' && exchange.outcome.kind === 'timeout');
}

/** How long we waited for what was due in a connection. What we waited of our own accord does not count. */
function waitedIn({ connect, exchanges }: Attempt): number {
  return exchanges.reduce((sum, exchange) => {
    const isDue = exchange.act === 'opening' || exchange.act === 'command' || exchange.act === 'handshake';
    return isDue ? sum + exchange.outcome.afterMs : sum;
  }, connect.afterMs);
}
