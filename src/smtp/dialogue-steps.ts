// The steps that conversations are made of (RFC 5321 3.1, 3.2, 4.1.4, 4.3.1; RFC 3207), and what they tell the driver.
// A dialogue is a generator: it yields an act and is told what came of it. It knows SMTP, not sockets or clocks, so the
// transcript of a session is its trace and the same outcomes give the same acts again.
//
// Decided here: steps depend on reply codes alone (4.2); after a time-out or a reply out of turn nothing but QUIT is
// said; after a close, 421 or octets that are no reply, nothing; before the opening reply, nothing at all (4.3.1).
import type { EhloName } from './address.js';
import { encodeCommand, type Command } from './command.js';
import type { ConversationPlan } from './conversation.js';
import type { BesideOutcome, HandshakeOutcome, LingerOutcome, Outcome } from './outcome.js';
import { ehloKeywords, firstDigit, isPositive, type Reply } from './reply.js';

/** What the dialogue wants done next. Several commands in one `send` are one pipelined group (RFC 2920). */
export type Act =
  | { readonly kind: 'opening' }
  | ({ readonly kind: 'send'; readonly commands: readonly Command[] } & OfScript)
  | ({ readonly kind: 'linger'; readonly forMs: number } & OfScript)
  | ({ readonly kind: 'handshake' } & OfScript)
  /** `idle`: while the session goes on; `over`: it is closed first, and the connection that waits is waited for. */
  | ({ readonly kind: 'beside'; readonly session: 'idle' | 'over'; readonly forMs: number } & OfScript)
  | { readonly kind: 'leave' };

/** Which script of the plan an act belongs to, where it belongs to one. */
export interface OfScript {
  readonly script?: number;
}

/** What came of an act; of a `send`, one outcome a command. */
export type ActResult =
  | { readonly kind: 'opening'; readonly outcome: Outcome }
  | { readonly kind: 'send'; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'linger'; readonly outcome: LingerOutcome }
  | { readonly kind: 'handshake'; readonly outcome: HandshakeOutcome }
  | { readonly kind: 'beside'; readonly outcome: BesideOutcome }
  | { readonly kind: 'leave' };

export type Dialogue<T = void> = Generator<Act, T, ActResult>;

/** How long extra replies are awaited where QUIT got another reply than 221: the sides may have lost step. */
export const STRAY_WAIT_MS = 1_000;

/** EHLO, and HELO where EHLO is refused for good (3.2). The keywords offered, or null when the session has ended. */
export function* hello(plan: ConversationPlan, ehlo: EhloName): Dialogue<ReadonlyMap<string, string> | null> {
  let reply = yield* ask({ verb: plan.hello, name: ehlo });
  if (reply === null) return null;
  if (plan.hello === 'EHLO' && isPositive(reply)) return ehloKeywords(reply);
  if (plan.hello === 'EHLO' && firstDigit(reply) === 5) {
    reply = yield* ask({ verb: 'HELO', name: ehlo });
    if (reply === null) return null;
  }
  if (isPositive(reply)) return new Map();
  yield* quit();
  return null;
}

/** STARTTLS, the handshake and EHLO again (RFC 3207 4, 4.2). Never a second time: the caller is done with it then. */
export function* intoTls(
  keywords: ReadonlyMap<string, string>,
  ehlo: EhloName,
): Dialogue<ReadonlyMap<string, string> | null> {
  if (!keywords.has('STARTTLS')) {
    yield* quit();
    return null;
  }
  const reply = yield* ask({ verb: 'STARTTLS' });
  if (reply === null) return null;
  if (reply.code !== 220) {
    yield* quit();
    return null;
  }
  const result = yield { kind: 'handshake' };
  // RFC 3207 4: a failed handshake aborts the connection; there is no channel left to say QUIT in.
  if (expectResult(result, 'handshake').outcome.kind !== 'secured') return null;
  const again = yield* ask({ verb: 'EHLO', name: ehlo });
  if (again === null) return null;
  if (isPositive(again)) return ehloKeywords(again);
  yield* quit();
  return null;
}

/** QUIT, last and awaited (4.1.1.10). */
export function* quit(): Dialogue {
  const reply = yield* ask({ verb: 'QUIT' });
  if (reply !== null) yield* afterQuit(reply);
}

export function* afterQuit(reply: Reply): Dialogue {
  if (reply.code !== 221) yield* watch(STRAY_WAIT_MS);
}

export function* awaitOpening(): Dialogue<Outcome> {
  return expectResult(yield { kind: 'opening' }, 'opening').outcome;
}

export function* send(commands: readonly Command[], of: OfScript = {}): Dialogue<readonly Outcome[]> {
  return expectResult(yield { kind: 'send', commands, ...of }, 'send').outcomes;
}

/** Sends one command; its reply, or null when the session is over. */
export function* ask(command: Command): Dialogue<Reply | null> {
  const outcomes = yield* send([command]);
  const goesOn = yield* mayGoOn(outcomes, command.verb === 'QUIT' ? 'quit-said' : 'quit-due');
  const outcome = outcomes[0];
  return goesOn && outcome?.kind === 'reply' ? outcome.reply : null;
}

/** Whether the session goes on after these outcomes. Where it does not and the channel is open, QUIT is said, once. */
export function* mayGoOn(outcomes: readonly Outcome[], quitting: 'quit-said' | 'quit-due'): Dialogue<boolean> {
  const bad = outcomes.find((outcome) => outcome.kind !== 'reply' || outcome.reply.code === 421);
  if (bad === undefined) return true;
  // 421: the host closes the channel (3.8). A closed or garbled channel hears no QUIT either.
  if (isStillOpen(bad) && quitting === 'quit-due') yield { kind: 'leave' };
  return false;
}

/** Whether QUIT can still be said after an outcome that ends the conversation. A 421 of the host's own is a 421 too. */
function isStillOpen(outcome: Outcome | LingerOutcome): boolean {
  if (outcome.kind === 'out-of-turn') return outcome.reply.code !== 421;
  return outcome.kind === 'timeout' || outcome.kind === 'interrupted';
}

/** Sends nothing for a while before QUIT; false when the session did not stay quiet and open. */
export function* linger(forMs: number, of: OfScript = {}): Dialogue<boolean> {
  const outcome = yield* watch(forMs, of);
  if (isStillOpen(outcome)) yield { kind: 'leave' };
  return outcome.kind === 'quiet';
}

/** Sends nothing for a while and says what came. */
export function* watch(forMs: number, of: OfScript = {}): Dialogue<LingerOutcome> {
  return expectResult(yield { kind: 'linger', forMs, ...of }, 'linger').outcome;
}

export function expectResult<K extends ActResult['kind']>(result: ActResult, kind: K): Extract<ActResult, { kind: K }> {
  if (result.kind !== kind) throw new TypeError(`the driver answered ${kind} with ${result.kind}`);
  return result as Extract<ActResult, { kind: K }>;
}

/** The lines that an act puts on the wire, without CR LF. */
export function linesOf(act: Act): readonly string[] {
  if (act.kind === 'send') return act.commands.map(encodeCommand);
  return act.kind === 'leave' ? ['QUIT'] : [];
}
