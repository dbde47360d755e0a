// What is to be asked for the rows selected: conversations planned from their needs (cli.md, "What is sent by default").
import { NULL_REVERSE_PATH, type ForwardPath, type ReversePath } from '../smtp/address.js';
import type { ConversationPlan, Transaction } from '../smtp/conversation.js';
import { CONTROL_RECIPIENT, fillRecipient, fillRecipients, type RecipientContext } from './recipient-template.js';
import type { Need, Requirement } from './requirement.js';

/** What planning needs to know besides the rows. */
export interface PlanOptions {
  readonly context: RecipientContext;
  /** In the order of their use; the first is the sender of everything. */
  readonly reversePaths: readonly ReversePath[];
  readonly tls: 'avoid' | 'require';
  readonly pipelining: boolean;
  readonly lingerMs: number;
  /** Whether the control recipient is asked for on this connection: once a host and run. */
  readonly withControl: boolean;
}

/** More transactions than this make another connection: RSET counts against a client on some hosts (Exim: 10). */
const MAX_TRANSACTIONS = 10;

// cli.md: this order; what a row asks for beyond it follows in catalogue order, the control recipient comes last.
const FIRST_RECIPIENTS = ['Postmaster@{domain}', 'Postmaster@{canonical}', 'Postmaster'];

/** The conversations of one endpoint, before anything is known of it: one, or more where rows ask for very much. */
export function planProbe(
  rows: readonly Requirement[],
  options: PlanOptions,
): readonly [ConversationPlan, ...ConversationPlan[]] {
  const transactions = planTransactions(rows, options);
  const plan = (some: readonly Transaction[]): ConversationPlan => ({
    purpose: 'probe',
    hello: 'EHLO',
    tls: options.tls,
    pipelining: options.pipelining,
    transactions: some,
    afterRefusal: 'full',
    lingerMs: options.lingerMs,
  });
  const [first = [], ...rest] = chunks(transactions, MAX_TRANSACTIONS);
  return [plan(first), ...rest.map(plan)];
}

function planTransactions(
  rows: readonly Requirement[],
  { context, reversePaths, withControl }: PlanOptions,
): readonly Transaction[] {
  const needs = rows.flatMap((row) => row.needs);
  const sender = reversePaths[0] ?? NULL_REVERSE_PATH;
  const plain = recipients(needs, context, undefined);
  const apart = recipients(needs, context, 'apart').filter((to) => !plain.includes(to));
  const transactions: Transaction[] = [];
  if (sender === NULL_REVERSE_PATH) {
    // Many hosts refuse a null sender its second recipient: one a transaction.
    const both = unique([...plain, ...recipients(needs, context, 'null'), ...apart]);
    transactions.push(...both.map((to) => ({ from: sender, recipients: [to] })));
  } else {
    if (plain.length > 0) transactions.push({ from: sender, recipients: plain });
    // The null reverse-path beside a real sender: the plain spelling alone, which is what is compared.
    const underNull = recipients(needs, context, 'null').slice(0, 1);
    transactions.push(...underNull.map((to) => ({ from: NULL_REVERSE_PATH, recipients: [to] })));
    transactions.push(...apart.map((to) => ({ from: sender, recipients: [to] })));
  }
  transactions.push(
    ...recipients(needs, context, 'smtputf8').map((to) => ({
      from: sender,
      recipients: [to],
      smtputf8: true as const,
    })),
  );
  const isControlDue = transactions.length > 0 || needs.some(({ ask }) => ask === 'control');
  const control = withControl && isControlDue ? fillRecipient(CONTROL_RECIPIENT, context) : null;
  if (control !== null) transactions.push({ from: sender, recipients: [control as ForwardPath] });
  return transactions;
}

function recipients(
  needs: readonly Need[],
  context: RecipientContext,
  under: 'null' | 'smtputf8' | 'apart' | undefined,
): readonly ForwardPath[] {
  const templates = needs.flatMap((need) => (need.ask === 'rcpt' && need.under === under ? [need.to] : []));
  const ordered = [...FIRST_RECIPIENTS.filter((template) => templates.includes(template)), ...templates];
  // Templates are our own and their places hold validated names: encodeCommand checks once more.
  return unique(ordered.flatMap((template) => fillRecipients(template, context) as readonly ForwardPath[]));
}

const unique = <T>(some: readonly T[]): readonly T[] => [...new Set(some)];

function chunks<T>(some: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(some.length / size) }, (_, at) => some.slice(at * size, (at + 1) * size));
}
