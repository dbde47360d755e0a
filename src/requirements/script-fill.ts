// The scripts that rows ask for, with the names of one endpoint in their places; planner and rules fill them in the same
// way, so that a rule finds what was planned.
import type { ReversePath } from '../smtp/address.js';
import { linesOfScript, longName, say, type Script, type ScriptStep } from '../smtp/script.js';
import { fillPlaces, placesOf, type RecipientContext } from './recipient-template.js';

/** What a script's lines are filled with. */
export interface ScriptContext extends RecipientContext {
  /** The reverse-path of everything. */
  readonly sender: ReversePath;
}

/** A script with its places filled, but for those of the session; null where one cannot be. */
export function fillScript(script: Script, context: ScriptContext): Script | null {
  const place = textOf(context);
  const before = latest.get(script);
  if (before?.place === place) return before.filled;
  const filled = fill(script, context);
  latest.set(script, { place, filled });
  return filled;
}

// The scripts are the rows' own, so they are few; of each only what it was filled with last is kept.
const latest = new WeakMap<Script, { readonly place: string; readonly filled: Script | null }>();

const textOf = (context: ScriptContext): string =>
  [
    context.sender,
    context.domain,
    context.unicode,
    context.canonical,
    context.host,
    context.address,
    context.controlLocalPart,
  ].join(' ');

function fill(script: Script, context: ScriptContext): Script | null {
  const steps: ScriptStep[] = [];
  for (const step of script.steps) {
    if (step.step !== 'say') {
      steps.push(step);
      continue;
    }
    const lines = step.lines.map((line) => fillScriptLine(line, context)).filter((line) => line !== null);
    if (lines.length < step.lines.length) return null;
    steps.push({ ...step, lines });
  }
  const filled = { ...script, steps };
  return leavesTransaction(filled) ? { ...filled, steps: [...steps, say('RSET')] } : filled;
}

/** These are left for the session to fill: they stand for themselves. */
const OF_SESSION = { ehlo: '{ehlo}', self: '{self}', 'over-size': '{over-size}', 'ehlo:253': '{ehlo:253}' } as const;

function fillScriptLine(line: string, context: ScriptContext): string | null {
  if (!line.includes('{')) return line;
  const { domain } = context;
  const places = placesOf(context);
  return fillPlaces(line, {
    ...places,
    ...OF_SESSION,
    sender: context.sender,
    postmaster: domain === null ? 'Postmaster' : `Postmaster@${domain}`,
    // Any host will do for a source route: the domain where the mail host has no name.
    route: places['host'] ?? domain,
    // A domain of 189 octets makes a path of 256 with a local-part of 64 (RFC 5321 4.5.3.1.3).
    'domain:189': domain === null ? null : longName(domain, 189),
  });
}

/** Whether a transaction may be open behind the last step: RSET makes room for the next script. */
function leavesTransaction(script: Script): boolean {
  if (isAlone(script)) return false;
  const lines = linesOfScript(script);
  const mail = lines.findLastIndex((line) => /^mail\b/i.test(line));
  return mail !== -1 && !lines.slice(mail).some((line) => /^(?:rset|quit)$/i.test(line));
}

/** Whether a script wants a connection of its own: nothing can follow it, or it must not be held inside TLS. */
export const isAlone = (script: Script): boolean =>
  script.from === 'opening' || goesIntoTls(script) || script.steps.some(({ step }) => step !== 'say');

/** Whether a script is about STARTTLS, so that it begins in plaintext. */
export const goesIntoTls = ({ offered, steps }: Script): boolean =>
  offered === 'STARTTLS' || steps.some(({ step }) => step === 'handshake');

/** What tells scripts apart. */
export function keyOf(script: Script): string {
  const known = keys.get(script) ?? JSON.stringify(script);
  keys.set(script, known);
  return known;
}

const keys = new WeakMap<Script, string>();
