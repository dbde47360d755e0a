// A conversation made of scripts (script.ts): they are played one after the other in one session, as far as it goes.
//
// Decided here: a script whose condition does not hold, or whose line cannot be put together, is passed over; what ends
// a session (dialogue-steps.ts) ends all of them. Whoever plans sees to it that a script leaves no transaction open.
import { NULL_REVERSE_PATH, type EhloName, type ForwardPath, type ReversePath } from './address.js';
import { groupLines, lineCommand } from './command.js';
import type { ConversationPlan } from './conversation.js';
import {
  afterQuit,
  expectResult,
  hello,
  intoTls,
  linger,
  mayGoOn,
  quit,
  send,
  watch,
  type Dialogue,
  type OfScript,
} from './dialogue-steps.js';
import { encodeMessage, messageText, type MessageKind } from './message.js';
import type { Outcome } from './outcome.js';
import { ehloKeywords, firstDigit, isPositive } from './reply.js';
import { fillLine, type Ends, type Script, type ScriptStep, type SessionPlaces } from './script.js';

/** So long the lines of one connection may wait for their replies in all: a host that is slower is left. */
const MAX_WAITED_MS = 300_000;

/** What is known of the session while scripts are played. */
interface Session {
  keywords: ReadonlyMap<string, string> | null;
  last: Outcome | null;
  hasSaidQuit: boolean;
  /** The recipient and the sender that were accepted last: whom a message goes to, and from whom. */
  recipient: ForwardPath | null;
  sender: ReversePath;
  /** Whether a connection beside this one still waits for its greeting. */
  hasWaiting: boolean;
  /** How long the host has let the lines of scripts wait. */
  waitedMs: number;
  readonly places: () => SessionPlaces;
  readonly mayPipeline: boolean;
}

/** Plays the scripts of the plan behind an opening 2yz, and takes leave. */
export function* playScripts(plan: ConversationPlan, ehlo: EhloName, ends: Ends): Dialogue {
  const session: Session = {
    keywords: null,
    last: null,
    hasSaidQuit: false,
    recipient: null,
    sender: NULL_REVERSE_PATH,
    hasWaiting: false,
    waitedMs: 0,
    places: () => ({ ...ends, ehlo, keywords: session.keywords }),
    mayPipeline: plan.pipelining,
  };
  for (const [number, script] of (plan.scripts ?? []).entries()) {
    if (script.from === 'hello' && session.keywords === null) {
      const offered = yield* hello(plan, ehlo);
      if (offered === null) return;
      session.keywords = plan.tls === 'require' ? yield* intoTls(offered, ehlo) : offered;
      if (session.keywords === null) return;
    }
    if (!isCalledFor(script, session)) continue;
    if (!(yield* playScript(script, session, { script: number }))) return;
  }
  yield* quit();
}

/** RFC 5321 2.2.1: what an extension adds is used only where it is offered. */
export function isCalledFor({ offered, notOffered }: Script, { keywords }: Pick<SessionPlaces, 'keywords'>): boolean {
  if (offered !== undefined && keywords?.has(offered) !== true) return false;
  return notOffered === undefined || keywords?.has(notOffered) !== true;
}

/** Whether the session goes on. */
function* playScript({ steps }: Script, session: Session, of: OfScript): Dialogue<boolean> {
  session.last = null;
  for (const step of steps) {
    // RFC 3207 4: TLS begins behind a 220 alone, and what a script has behind it is meant for TLS.
    if (step.step === 'handshake' && !isReadyForTls(session.last)) return !session.hasSaidQuit;
    if (!(yield* playStep(step, session, of))) return false;
    if (session.last === null && step.step === 'say' && step.after === undefined) return true;
  }
  return !session.hasSaidQuit;
}

function* playStep(step: ScriptStep, session: Session, of: OfScript): Dialogue<boolean> {
  switch (step.step) {
    case 'say':
      return yield* playLines(step, session, of);
    case 'wait':
      if (session.hasSaidQuit) {
        yield* watch(step.forMs, of);
        return false;
      }
      return yield* linger(step.forMs, of);
    case 'message':
      return yield* playMessage(step.message, session, of);
    case 'handshake': {
      const { outcome } = expectResult(yield { kind: 'handshake', ...of }, 'handshake');
      // RFC 3207 4.2: what was known of the session is discarded.
      session.keywords = new Map();
      return outcome.kind === 'secured';
    }
    case 'beside':
      return yield* lookBeside(step.forMs, session, of);
  }
}

/** Another connection while this one is idle; behind QUIT only where that one still waits for its greeting. */
function* lookBeside(forMs: number, session: Session, of: OfScript): Dialogue<boolean> {
  if (session.hasSaidQuit && !session.hasWaiting) return false;
  const act = { kind: 'beside', session: session.hasSaidQuit ? 'over' : 'idle', forMs, ...of } as const;
  const { outcome } = expectResult(yield act, 'beside');
  session.hasWaiting = outcome.opening?.kind === 'timeout';
  return !session.hasSaidQuit;
}

function* playLines(
  { lines, after }: Extract<ScriptStep, { step: 'say' }>,
  session: Session,
  of: OfScript,
): Dialogue<boolean> {
  if (after === 'accepted' && !isAccepted(session.last)) return true;
  const filled = lines.map((line) => fillLine(line, session.places()));
  const complete = filled.filter((line) => line !== null);
  if (complete.length < filled.length) {
    session.last = null;
    return true;
  }
  const isTogether = session.mayPipeline && session.keywords?.has('PIPELINING') === true;
  for (const group of isTogether ? groupLines(complete) : complete.map((line) => [line])) {
    if (session.waitedMs > MAX_WAITED_MS) {
      yield { kind: 'leave' };
      return false;
    }
    const isQuit = /^quit$/i.test(group.at(-1) ?? '');
    const outcomes = yield* send(group.map(lineCommand), of);
    if (!(yield* mayGoOn(outcomes, isQuit ? 'quit-said' : 'quit-due'))) return false;
    session.last = outcomes.at(-1) ?? null;
    session.waitedMs += outcomes.reduce((sum, { afterMs }) => sum + afterMs, 0);
    group.forEach((line, at) => {
      const outcome = outcomes[at];
      if (outcome?.kind === 'reply' && isPositive(outcome.reply)) noteEnvelope(line, session);
    });
    if (session.last?.kind !== 'reply') continue;
    const { reply } = session.last;
    if (/^ehlo\b/i.test(group.at(-1) ?? '') && isPositive(reply)) session.keywords = ehloKeywords(reply);
    if (isQuit) {
      session.hasSaidQuit = true;
      yield* afterQuit(reply);
    }
  }
  return true;
}

/** Keeps who was accepted last, for the header of a message. */
function noteEnvelope(line: string, session: Session): void {
  const from = /^MAIL FROM:<([^>]*)>/i.exec(line)?.[1];
  if (from !== undefined) session.sender = from as ReversePath;
  // RFC 5321 4.1.1.2, 4.1.1.5: a new transaction has no recipients, nor has one that was given up.
  if (/^(?:mail|rset|ehlo)\b/i.test(line)) session.recipient = null;
  const to = /^RCPT TO:<([^>]*)>/i.exec(line)?.[1];
  if (to !== undefined) session.recipient = to as ForwardPath;
}

/** DATA, and the message where the host asks for it; to whom is what the lines before it said (RFC 5321 4.1.1.4). */
function* playMessage(kind: MessageKind, session: Session, of: OfScript): Dialogue<boolean> {
  const { recipient, sender } = session;
  // Nothing is said where nobody was accepted: the empty one alone is about that, and goes to nobody.
  if ((kind === 'empty') !== (recipient === null)) return true;
  const [asked] = yield* send([{ verb: 'DATA' }], of);
  if (asked === undefined || !(yield* mayGoOn([asked], 'quit-due'))) return false;
  session.last = asked;
  if (asked.kind !== 'reply' || asked.reply.code !== 354) return true;
  const { ehlo, startedAt } = session.places();
  const text = recipient === null ? '' : messageText(kind, { to: recipient, from: sender, ehlo, startedAt });
  const [ended] = yield* send([{ verb: 'MESSAGE', octets: encodeMessage(text) }], of);
  if (ended === undefined || !(yield* mayGoOn([ended], 'quit-due'))) return false;
  session.last = ended;
  return true;
}

const isReadyForTls = (last: Outcome | null): boolean => last?.kind === 'reply' && last.reply.code === 220;

/** 2yz, or the 3yz that asks for more (RFC 5321 4.2.1). */
const isAccepted = (last: Outcome | null): boolean =>
  last?.kind === 'reply' && (isPositive(last.reply) || firstDigit(last.reply) === 3);
