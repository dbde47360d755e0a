// What came of the script of a row: each time it was played, with the outcomes of its lines. Facts, no opinion.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Attempt, EndpointEvidence, Exchange } from '../evidence/transcript.js';
import type { ReversePath } from '../smtp/address.js';
import type { BesideOutcome, HandshakeOutcome, LingerOutcome, Outcome } from '../smtp/outcome.js';
import { readOnce } from '../smtp/read-once.js';
import { ehloKeywords, isPositive } from '../smtp/reply.js';
import type { Script } from '../smtp/script.js';
import { isCalledFor } from '../smtp/script-dialogue.js';
import { contextOf } from './rcpt-observation.js';
import type { Cite, RequirementText } from './requirement.js';
import { fillScript, keyOf, type ScriptContext } from './script-fill.js';
import { scriptSender } from './script-plan.js';

/** One thing of a script that was done, with what came of it, in order. */
export type Done =
  | { readonly kind: 'line'; readonly line: string; readonly outcome: Outcome; readonly cite: Cite }
  | { readonly kind: 'wait'; readonly outcome: LingerOutcome; readonly cite: Cite }
  | { readonly kind: 'handshake'; readonly outcome: HandshakeOutcome; readonly cite: Cite }
  | { readonly kind: 'beside'; readonly outcome: BesideOutcome; readonly cite: Cite };

/** One time that a script was played. */
export interface ScriptRun {
  readonly attempt: number;
  /** What was done; lines that were not called for, or never reached, are missing. */
  readonly done: readonly Done[];
  /** The keywords that the host offered before it; null before EHLO. */
  readonly keywords: ReadonlyMap<string, string> | null;
  /** Whether nothing else was played before it in the connection. */
  readonly isAlone: boolean;
  /** Whether the script was passed over because a keyword is offered, or is not, or none of its lines could be filled. */
  readonly isPassedOver: boolean;
}

/** The lines of a run with their outcomes, in order. */
export const linesOfRun = ({ done }: ScriptRun): readonly Extract<Done, { kind: 'line' }>[] =>
  done.flatMap((one) => (one.kind === 'line' ? [one] : []));

/** The places of a script at one endpoint. */
export function scriptContextOf(endpoint: EndpointEvidence, evidence: DomainEvidence): ScriptContext {
  const sender = scriptSender(evidence.probe.reversePaths as readonly ReversePath[]);
  return { ...contextOf(endpoint, evidence), sender };
}

/** Every time that a script was to be played at an endpoint; null where it cannot be put together there. */
export function runsOf(
  script: Script,
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
): readonly ScriptRun[] | null {
  const filled = fillScript(script, scriptContextOf(endpoint, evidence));
  return filled === null ? null : (allRuns(endpoint).get(keyOf(filled)) ?? []);
}

/** Whether a script that a row asks for was played at an endpoint. */
export function wasScriptPlayed(
  { needs }: RequirementText,
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
): boolean {
  return needs.some((need) => need.ask === 'script' && (runsOf(need.script, endpoint, evidence) ?? []).length > 0);
}

/** All runs of an endpoint by the key of their script. */
const allRuns = readOnce((endpoint: EndpointEvidence): ReadonlyMap<string, readonly ScriptRun[]> => {
  const found = new Map<string, ScriptRun[]>();
  for (const [number, attempt] of endpoint.attempts.entries()) {
    for (const { script, run } of runsIn(attempt, number)) {
      const key = keyOf(script);
      const runs = found.get(key);
      if (runs === undefined) found.set(key, [run]);
      else runs.push(run);
    }
  }
  return found;
});

/** The runs of one connection, in the order of its plan; what the session never came to has none. */
function runsIn(attempt: Attempt, number: number): readonly { readonly script: Script; readonly run: ScriptRun }[] {
  const scripts = attempt.plan.scripts ?? [];
  if (scripts.length === 0) return [];
  const begun = new Map<number, ScriptRun & { readonly done: Done[] }>();
  let current: number | undefined;
  let keywords: ReadonlyMap<string, string> | null = null;
  for (const [at, exchange] of attempt.exchanges.entries()) {
    if (exchange.act === 'opening' || exchange.act === 'leave') continue;
    const { script } = exchange;
    const cite: Cite = { kind: 'exchange', attempt: number, index: at };
    if (script !== undefined && !begun.has(script)) {
      begun.set(script, { attempt: number, done: [], keywords, isAlone: begun.size === 0, isPassedOver: false });
      current = script;
    }
    // A script is played in one go.
    if (script !== current) current = undefined;
    else if (script !== undefined) begun.get(script)?.done.push(doneIn(exchange, cite));
    if (exchange.act === 'handshake') keywords = new Map();
    if (exchange.act === 'command' && /^ehlo\b/i.test(exchange.command) && exchange.outcome.kind === 'reply') {
      if (isPositive(exchange.outcome.reply)) keywords = ehloKeywords(exchange.outcome.reply);
    }
  }
  const wasCut = isCut(attempt);
  return scripts.flatMap((script, index) => {
    const run = begun.get(index);
    if (run !== undefined) return [{ script, run }];
    const wasReached = script.from === 'opening' || keywords !== null;
    if (!wasReached || (isCalledFor(script, { keywords }) && wasCut)) return [];
    return [{ script, run: { attempt: number, done: [], keywords, isAlone: begun.size === 0, isPassedOver: true } }];
  });
}

function doneIn(exchange: Exclude<Exchange, { act: 'opening' | 'leave' }>, cite: Cite): Done {
  switch (exchange.act) {
    case 'command':
      return { kind: 'line', line: exchange.command, outcome: exchange.outcome, cite };
    case 'linger':
      return { kind: 'wait', outcome: exchange.outcome, cite };
    case 'handshake':
      return { kind: 'handshake', outcome: exchange.outcome, cite };
    case 'beside':
      return { kind: 'beside', outcome: exchange.outcome, cite };
  }
}

/** Whether the session ended before QUIT was answered: what had not come by then was never reached. */
export function isCut({ exchanges }: Attempt): boolean {
  const last = exchanges.findLast(({ act }) => act === 'command');
  return last?.act !== 'command' || !/^quit$/i.test(last.command) || last.outcome.kind !== 'reply';
}
