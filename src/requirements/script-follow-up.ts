// Which connection of scripts comes next: those that were planned, in order, then, alone in a fresh one, each script
// whose row could not be settled (R8). Bounded, and ended where a host answers no more.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Attempt, EndpointEvidence } from '../evidence/transcript.js';
import type { ConversationPlan } from '../smtp/conversation.js';
import { delivers } from '../smtp/script.js';
import { isScripted } from './observe.js';
import type { Cause, Requirement } from './requirement.js';
import { keyOf } from './script-fill.js';
import { scriptPlan, scriptsOf } from './script-plan.js';
import { scriptContextOf } from './script-run.js';

/** The connections of scripts, and the rows that they are for. */
export interface ScriptOptions {
  readonly scripts: readonly ConversationPlan[];
  readonly rows: readonly Requirement[];
}

/** A script is played no more often than this, in whatever company. */
const MAX_PLAYS = 3;
/** So many connections that ended in silence are enough. */
const MAX_SILENT = 3;
/** A script alone in a connection may settle these. */
const SETTLED_ALONE: ReadonlySet<Cause> = new Set<Cause>(['cut-off', 'out-of-turn']);

/** The next connection of scripts at an endpoint, or null. `tls` is what its sessions turned out to need. */
export function nextScript(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  { scripts, rows }: ScriptOptions,
  tls: ConversationPlan['tls'],
): ConversationPlan | null {
  const played = endpoint.attempts.filter(isScripted);
  if (played.filter(endedInSilence).length >= MAX_SILENT) return null;
  const next = scripts[played.length];
  if (next !== undefined) return scriptPlan({ ...next, tls }, next.scripts ?? []);
  const [like] = scripts;
  if (like === undefined) return null;
  const context = scriptContextOf(endpoint, evidence);
  for (const row of rows) {
    if (row.scope !== 'endpoint' || !row.needs.some(({ ask }) => ask === 'script')) continue;
    const finding = row.judge(endpoint, evidence);
    if (finding.verdict !== 'inconclusive' || !isOpen(finding.cause)) continue;
    for (const { script } of scriptsOf([row], context).filter((need) => !delivers(need.script))) {
      const plays = playsOf(keyOf(script), played);
      // What was never reached, because the session ended before it, is not settled by company either.
      if (plays > 0 && plays < MAX_PLAYS && !isSettled(keyOf(script), played))
        return scriptPlan({ ...like, tls }, [script]);
    }
  }
  return null;
}

const isOpen = (cause: Cause): boolean => SETTLED_ALONE.has(cause) || cause === 'not-asked';

const playsOf = (key: string, played: readonly Attempt[]): number =>
  played.filter(({ plan }) => plan.scripts?.some((script) => keyOf(script) === key)).length;

/** Whether a script had a connection to itself after the one that it was planned in. */
function isSettled(key: string, played: readonly Attempt[]): boolean {
  const ofScript = played.filter(({ plan }) => plan.scripts?.some((script) => keyOf(script) === key));
  return ofScript.slice(1).some(({ plan }) => plan.scripts?.length === 1);
}

/** Whether the last thing in a connection was that the host said nothing in time. */
function endedInSilence({ connect, exchanges }: Attempt): boolean {
  if (connect.kind === 'timeout') return true;
  return exchanges.some((exchange) => exchange.act !== 'leave' && exchange.outcome.kind === 'timeout');
}
