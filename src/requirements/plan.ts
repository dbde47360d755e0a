// Which rows are judged, which of them decide, and what is to be asked for them: the conversation planned from the
// needs of the rows selected (cli.md, "What is sent by default" and "Profiles and the rows that decide").
import { NULL_REVERSE_PATH, type ForwardPath, type ReversePath } from '../smtp/address.js';
import type { ConversationPlan, Transaction } from '../smtp/dialogue.js';
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';
import { CATALOGUE } from './index.js';
import { CONTROL_RECIPIENT, fillRecipient, fillRecipients, type RecipientContext } from './recipient-template.js';
import type { Profile } from './profiles.js';
import type { Need, Requirement } from './requirement.js';

/** The rows of a run. */
export interface Selection {
  readonly profile: Profile;
  /** Judged, from whatever was seen. */
  readonly judged: readonly Requirement[];
  /** Asked for: their needs are sent. */
  readonly asked: readonly Requirement[];
  /** Those that decide the headline. */
  readonly deciding: readonly Requirement[];
}

/** Chooses rows by profile, `only` and `skip`: an id, a group (`postmaster`), or a section (`4.5.1`, `RFC 7505 3`). */
export function selectRequirements(
  profile: Profile,
  only: readonly string[] = [],
  skip: readonly string[] = [],
): Selection {
  const skipped = new Set(skip.flatMap(matching));
  const chosen = only.length > 0 ? new Set(only.flatMap(matching)) : null;
  const judged = CATALOGUE.filter((row) => !skipped.has(row) && (chosen === null || chosen.has(row)));
  if (judged.length === 0) throw new UsageError('--only and --skip leave no requirement to judge');
  const isDefault = profile === 'postmaster' && chosen === null;
  const asked = isDefault
    ? judged.filter(({ tier, id }) => tier === 'core' || id === 'postmaster.null-sender')
    : judged;
  const binding = judged.filter(({ tier, violation }) => (isDefault ? tier === 'core' : violation === 'fail'));
  return { profile, judged, asked, deciding: binding.length > 0 ? binding : judged };
}

/** The rows that a selector names; a UsageError where there is none. */
export function matching(selector: string): readonly Requirement[] {
  const wanted = selector.trim().toLowerCase();
  const found = CATALOGUE.filter(({ id, source }) => {
    const section = `${source.document} ${source.section}`.toLowerCase();
    return (
      id === wanted || id.split('.')[0] === wanted || section === wanted || source.section.toLowerCase() === wanted
    );
  });
  if (found.length === 0) throw new UsageError(`no requirement has the id, group or section "${visible(selector)}"`);
  return found;
}

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
  const transactions: Transaction[] = [];
  if (sender === NULL_REVERSE_PATH) {
    // Many hosts refuse a null sender its second recipient: one a transaction.
    const both = unique([...plain, ...recipients(needs, context, 'null')]);
    transactions.push(...both.map((to) => ({ from: sender, recipients: [to] })));
  } else {
    if (plain.length > 0) transactions.push({ from: sender, recipients: plain });
    // The null reverse-path beside a real sender: the plain spelling alone, which is what is compared.
    const underNull = recipients(needs, context, 'null').slice(0, 1);
    transactions.push(...underNull.map((to) => ({ from: NULL_REVERSE_PATH, recipients: [to] })));
  }
  transactions.push(
    ...recipients(needs, context, 'smtputf8').map((to) => ({
      from: sender,
      recipients: [to],
      smtputf8: true as const,
    })),
  );
  const control = withControl && transactions.length > 0 ? fillRecipient(CONTROL_RECIPIENT, context) : null;
  if (control !== null) transactions.push({ from: sender, recipients: [control as ForwardPath] });
  return transactions;
}

function recipients(
  needs: readonly Need[],
  context: RecipientContext,
  under: 'null' | 'smtputf8' | undefined,
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
