// Scripts that rows ask for, filled and put together in as few connections as politeness allows.
//
// Decided here: two provoked errors a connection at the most, for hosts count them, and no more than eight commands
// beside MAIL and RCPT (Exim ends a session over ten). What begins before EHLO, and what ends in TLS, has
// a connection to itself; QUIT comes last in one. Rows that ask for the same script share it.
import { NULL_REVERSE_PATH, type ReversePath } from '../smtp/address.js';
import type { ConversationPlan } from '../smtp/conversation.js';
import { delivers, linesOfScript, type Script } from '../smtp/script.js';
import type { Need, Requirement } from './requirement.js';
import { fillScript, goesIntoTls, isAlone, keyOf, type ScriptContext } from './script-fill.js';

type ScriptNeed = Extract<Need, { ask: 'script' }>;

/** The most errors that are provoked in one connection (catalogue 1.2). */
const MAX_ERRORS = 2;
/** The most commands beside MAIL and RCPT in one connection. */
const MAX_OTHER_COMMANDS = 8;

const endsSession = (script: Script): boolean => linesOfScript(script).some((line) => /^quit$/i.test(line));

/** The scripts of these rows, each once, in the order of the rows. */
export function scriptsOf(rows: readonly Requirement[], context: ScriptContext): readonly ScriptNeed[] {
  const found = new Map<string, ScriptNeed>();
  for (const need of rows.flatMap(({ needs }) => needs)) {
    if (need.ask !== 'script') continue;
    const script = fillScript(need.script, context);
    if (script === null) continue;
    const key = keyOf(script);
    if (!found.has(key)) found.set(key, { ...need, script });
  }
  return [...found.values()];
}

/** The connections for these scripts, each like the conversation given. */
export function planScripts(
  rows: readonly Requirement[],
  context: ScriptContext,
  like: ConversationPlan,
): readonly ConversationPlan[] {
  // A message is sent once for a domain, when all its mail hosts have answered (deliver.ts). RFC 2920: without
  // --no-pipelining a group is sent only where it is offered; with it, none is.
  const wanted = scriptsOf(rows, context).filter(
    ({ script }) => !delivers(script) && (like.pipelining || script.offered !== 'PIPELINING'),
  );
  const shared = wanted.filter(({ script }) => !isAlone(script) && !endsSession(script));
  const last = wanted.filter(({ script }) => !isAlone(script) && endsSession(script));
  const packs: ScriptNeed[][] = [];
  for (const need of [...shared.filter(({ errors }) => errors === 0), ...shared.filter(({ errors }) => errors > 0)]) {
    const pack = packs.at(-1);
    if (pack !== undefined && fits(need, pack)) pack.push(need);
    else packs.push([need]);
  }
  // Behind what ends the session nothing else is said.
  const open = [...packs];
  last.forEach((need, index) => {
    const pack = open[index];
    if (pack !== undefined && fits(need, pack)) pack.push(need);
    else packs.push([need]);
  });
  packs.push(...wanted.filter(({ script }) => isAlone(script)).map((need) => [need]));
  return packs.map((pack) =>
    scriptPlan(
      like,
      pack.map(({ script }) => script),
    ),
  );
}

function fits(need: ScriptNeed, pack: readonly ScriptNeed[]): boolean {
  const all = [...pack, need];
  const errors = all.reduce((sum, one) => sum + one.errors, 0);
  // What provokes nothing does not stand in company that does.
  if (errors > 0 && all.some((one) => one.errors === 0)) return false;
  return errors <= MAX_ERRORS && all.reduce((sum, { script }) => sum + otherCommands(script), 0) <= MAX_OTHER_COMMANDS;
}

const otherCommands = (script: Script): number =>
  linesOfScript(script).filter((line) => !/^(?:mail|rcpt)\b/i.test(line)).length;

/** A connection that plays these scripts. Into TLS first only where the host wants it, and never where a script goes. */
export function scriptPlan(like: ConversationPlan, scripts: readonly Script[]): ConversationPlan {
  const isPlain = scripts.some((script) => script.from === 'opening' || goesIntoTls(script));
  return {
    ...like,
    purpose: 'script',
    hello: 'EHLO',
    tls: isPlain ? 'avoid' : like.tls,
    transactions: [],
    scripts,
  };
}

/** The reverse-path that scripts are said under. */
export const scriptSender = (reversePaths: readonly ReversePath[]): ReversePath => reversePaths[0] ?? NULL_REVERSE_PATH;

/** The one script that sends a message for these rows: the ordinary one, else what a row wants sent alone; or null. */
export function deliveryOf(rows: readonly Requirement[], context: ScriptContext): Script | null {
  const sending = scriptsOf(rows, context).flatMap(({ script }) => (delivers(script) ? [script] : []));
  const isNote = ({ steps }: Script): boolean =>
    steps.some((step) => step.step === 'message' && step.message === 'note');
  return sending.find(isNote) ?? sending[0] ?? null;
}
