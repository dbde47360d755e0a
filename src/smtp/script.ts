// Scripts: what a requirement wants said that is no ordinary transaction, as plain data. A dialogue plays them
// (script-dialogue.ts), and the evidence keeps them beside what came of them.
//
// Lines are templates. Places like {domain} are filled when the conversation is planned; those that only the session
// knows are filled when the line is said: {ehlo} is the argument of our EHLO, {self} the address literal of this end,
// {over-size} one more than the size that the host declares, and {ehlo:253} a name of that many characters under ours.
import type { EhloName } from './address.js';
import type { MessageKind } from './message.js';

/** One step of a script. */
export type ScriptStep =
  /**
   * Lines, each due one reply: one write where PIPELINING is offered, else lock-step. What a line looks like is the
   * business of the row. `after`: said only where the last reply was 2yz or 3yz.
   */
  | { readonly step: 'say'; readonly lines: readonly string[]; readonly after?: 'accepted' }
  /** Nothing is sent for so long. */
  | { readonly step: 'wait'; readonly forMs: number }
  /** The TLS handshake, behind a STARTTLS that was answered 220; where it was not, the script ends there. */
  | { readonly step: 'handshake' }
  /** DATA, and behind a 354 the message. */
  | { readonly step: 'message'; readonly message: MessageKind }
  /**
   * Another connection to the same address, while this one is idle: its greeting is awaited for so long. Where none
   * came, a second such step, behind QUIT, closes this connection and waits as long again.
   */
  | { readonly step: 'beside'; readonly forMs: number };

/** A script: where it begins, on which condition, and its steps. */
export interface Script {
  /** Right behind the opening reply, or in a session that was greeted with EHLO. */
  readonly from: 'opening' | 'hello';
  /** Played only where the current EHLO reply lists this keyword. */
  readonly offered?: string;
  /** Played only where it does not. */
  readonly notOffered?: string;
  readonly steps: readonly ScriptStep[];
}

/** A step of one line, awaited. */
export const say = (line: string): ScriptStep => ({ step: 'say', lines: [line] });
/** A step of one line that makes sense only where the one before it was accepted. */
export const sayIfAccepted = (line: string): ScriptStep => ({ step: 'say', lines: [line], after: 'accepted' });
/** Several lines at once, where the host offers PIPELINING. */
export const sayTogether = (...lines: readonly string[]): ScriptStep => ({ step: 'say', lines });
/** The same, where the line before them was accepted. */
export const sayTogetherIfAccepted = (...lines: readonly string[]): ScriptStep => ({
  step: 'say',
  lines,
  after: 'accepted',
});
/** Silence, in milliseconds. */
export const wait = (forMs: number): ScriptStep => ({ step: 'wait', forMs });
/** The TLS handshake. */
export const HANDSHAKE: ScriptStep = { step: 'handshake' };
/** Another connection at the same time, its greeting awaited for so many milliseconds. */
export const beside = (forMs: number): ScriptStep => ({ step: 'beside', forMs });

/** DATA and a message. */
export const sendMessage = (message: MessageKind): ScriptStep => ({ step: 'message', message });

/** Whether a script may make the host take a message. */
export const delivers = ({ steps }: Script): boolean =>
  steps.some((step) => step.step === 'message' && step.message !== 'empty');

/** The lines of a script, in order. */
export function linesOfScript({ steps }: Script): readonly string[] {
  return steps.flatMap((step) => (step.step === 'say' ? step.lines : []));
}

/** What a connection knows of itself before anything is said. */
export interface Ends {
  /** The address literal of this end. */
  readonly self: string;
  /** When it began: RFC 3339, UTC. */
  readonly startedAt: string;
}

/** What the places of a line stand for that only the session knows. */
export interface SessionPlaces extends Ends {
  readonly ehlo: EhloName;
  /** The keywords of the current EHLO reply; null before EHLO. */
  readonly keywords: ReadonlyMap<string, string> | null;
}

const SESSION_PLACE = /\{(ehlo|self|over-size|ehlo:\d+)\}/g;

/** A line with the places of the session filled, or null where one cannot be. */
export function fillLine(line: string, places: SessionPlaces): string | null {
  let isComplete = true;
  const filled = line.replaceAll(SESSION_PLACE, (_, place: string) => {
    const value = valueOf(place, places);
    if (value === null) isComplete = false;
    return value ?? '';
  });
  return isComplete ? filled : null;
}

function valueOf(place: string, { ehlo, self, keywords }: SessionPlaces): string | null {
  switch (place) {
    case 'ehlo':
      return ehlo;
    case 'self':
      return self;
    case 'over-size': {
      const limit = Number(keywords?.get('SIZE') ?? 0);
      return Number.isSafeInteger(limit) && limit > 0 ? String(limit + 1) : null;
    }
    default:
      return ehlo.startsWith('[') ? null : longName(ehlo, Number(place.slice('ehlo:'.length)));
  }
}

const LABEL = 63;

/** A name of exactly that many characters under another, of labels of at most 63; null where there is no such name. */
export function longName(under: string, length: number): string | null {
  let missing = length - under.length - 1;
  if (missing < 1) return missing === -1 ? under : null;
  const labels: string[] = [];
  while (missing > 0) {
    // A label of its own needs a dot before it: never leave a single character for that.
    const size = missing === LABEL + 1 ? LABEL - 1 : Math.min(missing, LABEL);
    labels.push('x'.repeat(size));
    missing -= size + 1;
  }
  return `${labels.join('.')}.${under}`;
}
