// The conversations of the probe (RFC 5321 3.1 to 3.3, 3.8, 4.1.4; RFC 2920; RFC 3207; RFC 7504).
// A dialogue is a generator: it yields an act and is told what came of it. It knows SMTP, not sockets or clocks, so the
// transcript of a session is its trace and the same outcomes give the same acts again.
//
// Decided here: steps depend on reply codes alone (4.2); after a time-out or a reply out of turn nothing but QUIT is
// said; after a close, 421 or octets that are no reply, nothing; before the opening reply, nothing at all (4.3.1).
import type { EhloName, ForwardPath, ReversePath } from './address.js';
import { encodeCommand, groupCommands, type Command } from './command.js';
import type { HandshakeOutcome, LingerOutcome, Outcome } from './outcome.js';
import { ehloKeywords, firstDigit, isPositive, type Reply } from './reply.js';

/** A reverse-path and the recipients that are tried under it, in order. */
export interface Transaction {
  readonly from: ReversePath;
  readonly recipients: readonly ForwardPath[];
  /** Ask for SMTPUTF8 (RFC 6531 3.4); the transaction is left out where the EHLO reply does not offer it. */
  readonly smtputf8?: true;
}

/** Why a connection is made: the probe itself, or a follow-up that could make a doubt conclusive. */
export type Purpose =
  | 'probe'
  | 'second-opening' // after an opening 554 or 521: is it always so?
  | 'over-tls' // R2
  | 'other-sender' // R1
  | 'alone' // R8: only the recipients in doubt, lock-step
  | 'helo' // a HELO session, for the rows that ask for one
  | 'retry'; // R3: the same again, later

/** One conversation, planned. Plain data: it is kept in the evidence. */
export interface ConversationPlan {
  readonly purpose: Purpose;
  readonly hello: 'EHLO' | 'HELO';
  /** `require`: into TLS before any transaction; where that fails the conversation ends. */
  readonly tls: 'avoid' | 'require';
  /** Whether groups may be sent where the current EHLO reply offers PIPELINING. */
  readonly pipelining: boolean;
  readonly transactions: readonly Transaction[];
  /** After an opening 554: `full` lingers and sends intervening commands, `brief` only says QUIT. */
  readonly afterRefusal: 'full' | 'brief';
  /** How long to send nothing after an opening 554. */
  readonly lingerMs: number;
}

/** What the dialogue wants done next. Several commands in one `send` are one pipelined group (RFC 2920). */
export type Act =
  | { readonly kind: 'opening' }
  | { readonly kind: 'send'; readonly commands: readonly Command[] }
  | { readonly kind: 'linger'; readonly forMs: number }
  | { readonly kind: 'handshake' }
  | { readonly kind: 'leave' };

/** What came of an act; of a `send`, one outcome a command. */
export type ActResult =
  | { readonly kind: 'opening'; readonly outcome: Outcome }
  | { readonly kind: 'send'; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'linger'; readonly outcome: LingerOutcome }
  | { readonly kind: 'handshake'; readonly outcome: HandshakeOutcome }
  | { readonly kind: 'leave' };

export type Dialogue<T = void> = Generator<Act, T, ActResult>;

/** How long a close is awaited after the QUIT of a session that began with 554 (the catalogue's 10 s). */
export const CLOSE_WAIT_MS = 10_000;
/** How long extra replies are awaited where QUIT got another reply than 221: the sides may have lost step. */
export const STRAY_WAIT_MS = 1_000;

/** The whole conversation of one connection. `ehlo` is the argument of EHLO and HELO. */
export function* converse(plan: ConversationPlan, ehlo: EhloName): Dialogue {
  const opening = yield* awaitOpening();
  // 4.3.1: nothing is said before the greeting; where none came there is nobody to take leave of.
  if (opening.kind !== 'reply') return;
  const { code } = opening.reply;
  if (code === 554) return yield* refusedWith554(plan, ehlo);
  if (code === 521) return yield* refusedWith521();
  // 4.1.4, 4.3.1: QUIT is due even where no session was opened. Other 2yz are read by their first digit (4.2).
  if (firstDigit(opening.reply) !== 2) return yield* quit();

  const keywords = yield* hello(plan, ehlo);
  if (keywords === null) return;
  if (plan.tls === 'avoid') return yield* transact(plan, keywords);
  const secured = yield* intoTls(keywords, ehlo);
  if (secured !== null) yield* transact(plan, secured);
}

/** EHLO, and HELO where EHLO is refused for good (3.2). The keywords offered, or null when the session has ended. */
function* hello(plan: ConversationPlan, ehlo: EhloName): Dialogue<ReadonlyMap<string, string> | null> {
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
function* intoTls(keywords: ReadonlyMap<string, string>, ehlo: EhloName): Dialogue<ReadonlyMap<string, string> | null> {
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

function* transact(plan: ConversationPlan, keywords: ReadonlyMap<string, string>): Dialogue {
  const transactions = plan.transactions.filter(({ smtputf8 }) => smtputf8 !== true || keywords.has('SMTPUTF8'));
  if (plan.pipelining && keywords.has('PIPELINING')) yield* inGroups(transactions);
  else yield* inLockStep(transactions);
}

/** All transactions with RSET between them and QUIT last, in as few groups as RFC 2920 3.1 allows. */
function* inGroups(transactions: readonly Transaction[]): Dialogue {
  const commands: Command[] = [];
  for (const transaction of transactions) {
    if (commands.length > 0) commands.push({ verb: 'RSET' });
    commands.push(mailCommand(transaction), ...transaction.recipients.map((to) => rcptCommand(transaction, to)));
  }
  commands.push({ verb: 'QUIT' });
  for (const group of groupCommands(commands)) {
    const outcomes = yield* send(group);
    const hasQuit = group.at(-1)?.verb === 'QUIT';
    if (!(yield* mayGoOn(outcomes, hasQuit ? 'quit-said' : 'quit-due'))) return;
    const last = outcomes.at(-1);
    if (hasQuit && last?.kind === 'reply') yield* afterQuit(last.reply);
  }
}

/** One command at a time (4.3.1). A sender that was refused once is not tried again in the session (4.2.1). */
function* inLockStep(transactions: readonly Transaction[]): Dialogue {
  const refused = new Set<ReversePath>();
  let open = false;
  for (const transaction of transactions) {
    if (refused.has(transaction.from)) continue;
    if (open) {
      const reset = yield* ask({ verb: 'RSET' });
      if (reset === null) return;
      // 4.1.4: no MAIL inside an open transaction.
      if (!isPositive(reset)) break;
      open = false;
    }
    const mail = yield* ask(mailCommand(transaction));
    if (mail === null) return;
    if (!isPositive(mail)) {
      refused.add(transaction.from);
      continue;
    }
    open = true;
    for (const to of transaction.recipients) {
      if ((yield* ask(rcptCommand(transaction, to))) === null) return;
    }
  }
  yield* quit();
}

function mailCommand({ from, smtputf8 }: Transaction): Command {
  return smtputf8 === true ? { verb: 'MAIL', from, smtputf8 } : { verb: 'MAIL', from };
}

function rcptCommand({ smtputf8 }: Transaction, to: ForwardPath): Command {
  return smtputf8 === true ? { verb: 'RCPT', to, smtputf8 } : { verb: 'RCPT', to };
}

/** 3.1: a host that opens with 554 MUST wait for QUIT and SHOULD answer 503 to anything else. */
function* refusedWith554(plan: ConversationPlan, ehlo: EhloName): Dialogue {
  if (plan.afterRefusal === 'brief') return yield* quit();
  if (!(yield* linger(plan.lingerMs))) return;
  const greeted = yield* ask({ verb: 'EHLO', name: ehlo });
  if (greeted === null) return;
  if (isPositive(greeted)) {
    // It goes on as if it had said 220: an accepted Postmaster would void the exemption.
    const first = plan.transactions[0];
    if (first !== undefined) {
      const mail = yield* ask(mailCommand(first));
      if (mail === null) return;
      const to = first.recipients[0];
      if (isPositive(mail) && to !== undefined && (yield* ask({ verb: 'RCPT', to })) === null) return;
    }
  }
  if ((yield* ask({ verb: 'NOOP' })) === null) return;
  if ((yield* ask({ verb: 'QUIT' })) !== null) yield* watch(CLOSE_WAIT_MS);
}

/** RFC 7504 3: a 521 host may go on with 521 or close. */
function* refusedWith521(): Dialogue {
  if ((yield* ask({ verb: 'NOOP' })) !== null) yield* quit();
}

/** QUIT, last and awaited (4.1.1.10). */
function* quit(): Dialogue {
  const reply = yield* ask({ verb: 'QUIT' });
  if (reply !== null) yield* afterQuit(reply);
}

function* afterQuit(reply: Reply): Dialogue {
  if (reply.code !== 221) yield* watch(STRAY_WAIT_MS);
}

function* awaitOpening(): Dialogue<Outcome> {
  return expectResult(yield { kind: 'opening' }, 'opening').outcome;
}

function* send(commands: readonly Command[]): Dialogue<readonly Outcome[]> {
  return expectResult(yield { kind: 'send', commands }, 'send').outcomes;
}

/** Sends one command; its reply, or null when the session is over. */
function* ask(command: Command): Dialogue<Reply | null> {
  const outcomes = yield* send([command]);
  const goesOn = yield* mayGoOn(outcomes, command.verb === 'QUIT' ? 'quit-said' : 'quit-due');
  const outcome = outcomes[0];
  return goesOn && outcome?.kind === 'reply' ? outcome.reply : null;
}

/** Whether the session goes on after these outcomes. Where it does not and the channel is open, QUIT is said, once. */
function* mayGoOn(outcomes: readonly Outcome[], quitting: 'quit-said' | 'quit-due'): Dialogue<boolean> {
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
function* linger(forMs: number): Dialogue<boolean> {
  const outcome = yield* watch(forMs);
  if (isStillOpen(outcome)) yield { kind: 'leave' };
  return outcome.kind === 'quiet';
}

/** Sends nothing for a while and says what came. */
function* watch(forMs: number): Dialogue<LingerOutcome> {
  return expectResult(yield { kind: 'linger', forMs }, 'linger').outcome;
}

function expectResult<K extends ActResult['kind']>(result: ActResult, kind: K): Extract<ActResult, { kind: K }> {
  if (result.kind !== kind) throw new TypeError(`the driver answered ${kind} with ${result.kind}`);
  return result as Extract<ActResult, { kind: K }>;
}

/** The lines that an act puts on the wire, without CR LF. */
export function linesOf(act: Act): readonly string[] {
  if (act.kind === 'send') return act.commands.map(encodeCommand);
  return act.kind === 'leave' ? ['QUIT'] : [];
}
