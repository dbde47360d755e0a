// The conversations of the probe (RFC 5321 3.1 to 3.3, 3.8, 4.1.4; RFC 2920; RFC 3207; RFC 7504): what is said in which
// order, made of the steps of dialogue-steps.ts.
import type { EhloName, ForwardPath, ReversePath } from './address.js';
import { groupCommands, type Command } from './command.js';
import type { ConversationPlan, Transaction } from './conversation.js';
import {
  afterQuit,
  ask,
  awaitOpening,
  hello,
  intoTls,
  linger,
  mayGoOn,
  quit,
  send,
  watch,
  type Dialogue,
} from './dialogue-steps.js';
import { firstDigit, isPositive } from './reply.js';
import type { Ends } from './script.js';
import { playScripts } from './script-dialogue.js';

/** How long a close is awaited after the QUIT of a session that began with 554 (the catalogue's 10 s). */
export const CLOSE_WAIT_MS = 10_000;

/** The whole conversation of one connection. `ehlo` is the argument of EHLO and HELO. */
export function* converse(plan: ConversationPlan, ehlo: EhloName, ends: Ends): Dialogue {
  const opening = yield* awaitOpening();
  // 4.3.1: nothing is said before the greeting; where none came there is nobody to take leave of.
  if (opening.kind !== 'reply') return;
  const { code } = opening.reply;
  if (code === 554) return yield* refusedWith554(plan, ehlo);
  if (code === 521) return yield* refusedWith521();
  // 4.1.4, 4.3.1: QUIT is due even where no session was opened. Other 2yz are read by their first digit (4.2).
  if (firstDigit(opening.reply) !== 2) return yield* quit();

  if (plan.scripts !== undefined) return yield* playScripts(plan, ehlo, ends);
  const keywords = yield* hello(plan, ehlo);
  if (keywords === null) return;
  if (plan.tls === 'avoid') return yield* transact(plan, keywords);
  const secured = yield* intoTls(keywords, ehlo);
  if (secured !== null) yield* transact(plan, secured);
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
