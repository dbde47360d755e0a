// Whether another connection could make a doubt conclusive, and what it should say (catalogue section 4): a pure
// question to the transcripts. When it is made is the scheduler's business, and how often is bounded here.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Attempt, EndpointEvidence } from '../evidence/transcript.js';
import { NULL_REVERSE_PATH, type ForwardPath, type ReversePath } from '../smtp/address.js';
import type { ConversationPlan } from '../smtp/conversation.js';
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { ACCUSING } from '../smtp/reply-patterns.js';
import { askedIn, echoOf, hasLostStep, isScripted, offersStartTls, openingsOf, unsolicitedClose } from './observe.js';
import { needsConfirmation, rcptObservations, type RcptObservation } from './rcpt-observation.js';
import { judgeRecipient } from './recipient.js';
import { nextScript, type ScriptOptions } from './script-follow-up.js';

/** What may still be tried at an endpoint. */
export interface FollowUpOptions extends ScriptOptions {
  /** The conversations planned at first, in order. */
  readonly planned: readonly [ConversationPlan, ...ConversationPlan[]];
  /** Senders not used yet, for R1. */
  readonly otherSenders: readonly ReversePath[];
  /** Whether STARTTLS may be used where it is demanded (R2). */
  readonly mayUseTls: boolean;
  readonly wantsHelo: boolean;
  /** Attempts before this one belong to an earlier round (R3): they are evidence, but the round starts anew. */
  readonly since: number;
}

/** More connections than this are never made to one endpoint in one round. */
const MAX_ATTEMPTS = 8;

/** The next conversation that is worth having, or null. */
export function nextConversation(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  options: FollowUpOptions,
): ConversationPlan | null {
  const [first] = options.planned;
  const round = options.since === 0 ? endpoint : { ...endpoint, attempts: endpoint.attempts.slice(options.since) };
  const last = round.attempts.at(-1);
  if (last === undefined) return options.since === 0 ? first : { ...first, purpose: 'retry' };
  const attempts = round.attempts.filter((attempt) => !isScripted(attempt));
  if (attempts.length >= MAX_ATTEMPTS || wasInterrupted(last)) return null;
  // Who lets us in no more has had enough of scripts: only the ordinary conversation is tried twice.
  if (isScripted(last) && !letsIn(last)) return null;
  if (last.connect.kind !== 'connected') {
    // connect.listens: refused twice is refused. A connection that is not answered costs too long to repeat.
    return attempts.length === 1 && last.connect.kind === 'refused' ? last.plan : null;
  }
  const opening = openingsOf(round).at(-1)?.what;
  // R8: one unexplained close before the greeting is nothing yet.
  if (opening?.kind !== 'reply') return attempts.length === 1 && opening?.kind === 'closed' ? last.plan : null;
  if (opening.reply.code === 554 || opening.reply.code === 521)
    return attempts.length === 1 ? secondOpening(last, first) : null;
  if (!isPositive(opening.reply)) return null;

  const done = attempts.filter(
    (attempt) => (attempt.plan.purpose === 'probe' || attempt.plan.purpose === 'retry') && openedSession(attempt),
  ).length;
  const overTls = { ...first, purpose: 'over-tls', tls: 'require' } as const;
  if (options.mayUseTls && wantsTls(round, evidence) && !attempts.some(({ plan }) => plan.tls === 'require'))
    return overTls;
  const next = done > 0 ? options.planned[done] : undefined;
  const wentIntoTls = attempts.some(
    ({ plan, exchanges }) =>
      plan.purpose === 'over-tls' && exchanges.some((one) => one.act === 'handshake' && one.outcome.kind === 'secured'),
  );
  if (next !== undefined) return wentIntoTls ? { ...next, tls: 'require' } : next;
  return (
    otherSender(round, evidence, options) ??
    alone(round, evidence, attempts.at(-1)?.plan ?? first) ??
    (options.wantsHelo && !attempts.some(({ plan }) => plan.purpose === 'helo')
      ? heloSession(first, evidence)
      : null) ??
    nextScript(endpoint, evidence, options, wentIntoTls ? 'require' : first.tls)
  );
}

const openedSession = ({ exchanges }: Attempt): boolean =>
  exchanges.some((exchange) => exchange.act === 'opening' && exchange.outcome.kind === 'reply');

const letsIn = ({ exchanges: [first] }: Attempt): boolean =>
  first?.act === 'opening' && first.outcome.kind === 'reply' && isPositive(first.outcome.reply);

const wasInterrupted = (attempt: Attempt): boolean =>
  attempt.connect.kind === 'interrupted' ||
  attempt.exchanges.some((exchange) => exchange.act !== 'leave' && exchange.outcome.kind === 'interrupted');

/** "Always" needs two openings; where the first was closed early, the second must show whether that is always so too. */
function secondOpening(last: Attempt, first: ConversationPlan): ConversationPlan {
  const wasClosedEarly = unsolicitedClose(last, 0) !== null;
  return { ...first, purpose: 'second-opening', afterRefusal: wasClosedEarly ? 'full' : 'brief' };
}

/** R2: a plaintext command was refused because TLS is demanded, or may be (530), and STARTTLS is offered. */
function wantsTls(round: EndpointEvidence, evidence: DomainEvidence): boolean {
  const echo = echoOf(round, evidence);
  return round.attempts.some(
    (attempt, number) =>
      offersStartTls(attempt) &&
      askedIn(attempt, number).some(({ what: { outcome, inTls, command } }) => {
        if (inTls || outcome.kind !== 'reply' || isPositive(outcome.reply)) return false;
        const kind = classifyReply(outcome.reply, command.startsWith('MAIL ') ? 'mail' : 'rcpt', echo);
        return (
          kind === 'temp.starttls' || kind === 'perm.starttls' || kind === 'perm.auth' || outcome.reply.code === 530
        );
      }),
  );
}

/** R1: a recipient was refused because of the sender, at MAIL or at RCPT, and accepted under none; the next one is tried. */
function otherSender(
  round: EndpointEvidence,
  evidence: DomainEvidence,
  options: FollowUpOptions,
): ConversationPlan | null {
  const [first] = options.planned;
  const wanted = first.transactions.flatMap(({ recipients }) => recipients);
  const recipients = [...new Set(wanted)].filter((to) => !isControl(to, evidence) && isAscii(to));
  // A sender counts as used when all of them were asked for under it.
  const isUsed = (sender: ReversePath): boolean => {
    const asked = round.attempts.flatMap(({ plan }) => plan.transactions.filter(({ from }) => from === sender));
    return recipients.every((to) => asked.some((transaction) => transaction.recipients.includes(to)));
  };
  const sender = options.otherSenders.find((path) => !isUsed(path));
  if (sender === undefined || !recipients.some((to) => isSpoiltBySender(to, round, evidence))) return null;
  const tls = round.attempts.at(-1)?.plan.tls ?? first.tls;
  // Many hosts refuse a null sender its second recipient.
  const transactions =
    sender === NULL_REVERSE_PATH
      ? recipients.map((to) => ({ from: sender, recipients: [to] }))
      : [{ from: sender, recipients }];
  return { ...first, purpose: 'other-sender', tls, transactions };
}

function isSpoiltBySender(recipient: ForwardPath, round: EndpointEvidence, evidence: DomainEvidence): boolean {
  const echo = echoOf(round, evidence);
  const seen = rcptObservations(round).filter(({ to }) => to === recipient);
  if (seen.some(({ rcpt }) => rcpt.what.kind === 'reply' && isPositive(rcpt.what.reply))) return false;
  const isBlamed = seen.some(({ rcpt, mail }) => {
    if (rcpt.what.kind !== 'reply' || mail.what.kind !== 'reply' || !isPositive(mail.what.reply)) return false;
    const kind = classifyReply(rcpt.what.reply, 'rcpt', echo);
    return kind === 'temp.sender' || kind === 'perm.sender-policy' || kind === 'perm.policy-ambiguous';
  });
  if (isBlamed) return true;
  return round.attempts.some((attempt, number) => {
    const senders = attempt.plan.transactions
      .filter(({ recipients }) => recipients.includes(recipient))
      .map(({ from }) => from);
    return askedIn(attempt, number, 'MAIL').some(({ what: { command, outcome } }) => {
      const isOurs = senders.some((from) => command.startsWith(`MAIL FROM:<${from}>`));
      return isOurs && outcome.kind === 'reply' && isPermanentNegative(outcome.reply);
    });
  });
}

/**
 * R8: recipients whose answer our own batching, a lost step or one unexplained close may have spoilt, once more in
 * lock-step. The one that leads is asked alone in the full sense; an accusation of another needs a connection that it
 * leads itself.
 */
function alone(round: EndpointEvidence, evidence: DomainEvidence, like: ConversationPlan): ConversationPlan | null {
  const earlier = round.attempts.filter(({ plan }) => plan.purpose === 'alone');
  const before = earlier.length;
  // A host that loses step in lock-step as well will do so again.
  if (before >= MAX_ALONE_CONNECTIONS || earlier.some(hasLostStep)) return null;
  // A host that closed once more explains itself by that: only answers are asked for again.
  const inDoubt = [...spoilt(round, evidence), ...(before === 0 ? cutOff(round) : [])];
  const open = unique(inDoubt.map(({ to, from }) => `${from} ${to}`)).filter((pair) => !isSettled(pair, round));
  if (open.length === 0) return null;
  const plainFirst = open.toSorted((one, other) => rank(one) - rank(other));
  // What was refused behind the leading one once is asked for again only where it leads.
  const transactions = plainFirst.slice(0, before === 0 ? MAX_ALONE : 1).map((pair) => {
    const [from = '', to = ''] = pair.split(' ');
    return { from: from as ReversePath, recipients: [to as ForwardPath] };
  });
  return { ...like, purpose: 'alone', pipelining: false, transactions };
}

const MAX_ALONE = 10;
const MAX_ALONE_CONNECTIONS = 3;
const unique = (some: readonly string[]): readonly string[] => [...new Set(some)];
const rank = (pair: string): number => (/ Postmaster(?:@|$)/.test(pair) ? 0 : 1);

/** Whether a recipient got its answer in a connection made for it: accepted there, or refused alone. */
function isSettled(pair: string, round: EndpointEvidence): boolean {
  return rcptObservations(round).some((one) => {
    const attempt = round.attempts[one.attempt];
    if (attempt?.plan.purpose !== 'alone' || `${one.from} ${one.to}` !== pair || hasLostStep(attempt)) return false;
    return one.isAlone || (one.rcpt.what.kind === 'reply' && isPositive(one.rcpt.what.reply));
  });
}

/** Answers that may be of our own making: of a session that lost step, of a batch, out of sequence. */
function spoilt(round: EndpointEvidence, evidence: DomainEvidence): readonly RcptObservation[] {
  const echo = echoOf(round, evidence);
  return rcptObservations(round).filter((one) => {
    const attempt = round.attempts[one.attempt];
    // An address beyond ASCII would need SMTPUTF8 again (RFC 6531 3.4): it is not repeated.
    if (one.rcpt.what.kind !== 'reply' || attempt === undefined || !isAscii(one.to)) return false;
    if (isControl(one.to, evidence) || isAccused(one, round, evidence)) return false;
    if (hasLostStep(attempt)) return true;
    if (isPositive(one.rcpt.what.reply)) return false;
    if (one.mail.what.kind !== 'reply' || !isPositive(one.mail.what.reply)) return false;
    const kind = classifyReply(one.rcpt.what.reply, 'rcpt', echo);
    if (kind === 'temp.batch') return true;
    if (kind === 'perm.sequence') return !one.isAlone;
    return ACCUSING.has(kind) && needsConfirmation(one);
  });
}

/** Whether the same mailbox is refused beyond doubt in another spelling: one is enough for what rows make of it. */
function isAccused({ to, from }: RcptObservation, round: EndpointEvidence, evidence: DomainEvidence): boolean {
  return rcptObservations(round).some((one) => {
    const attempt = round.attempts[one.attempt];
    if (one.from !== from || one.to.toLowerCase() !== to.toLowerCase() || needsConfirmation(one)) return false;
    if (one.rcpt.what.kind !== 'reply' || attempt === undefined || hasLostStep(attempt)) return false;
    return ACCUSING.has(classifyReply(one.rcpt.what.reply, 'rcpt', echoOf(round, evidence)));
  });
}

const isAscii = (path: string): boolean => /^[\x21-\x7e]+$/.test(path);

/** The control recipient accuses nobody, so nothing about it is confirmed. */
const isControl = (to: string, { probe }: DomainEvidence): boolean =>
  probe.controlLocalPart !== null && to.startsWith(`${probe.controlLocalPart}@`);

/**
 * Recipients that got no reply because the host closed, where nothing that it said of us before explains why. A refused
 * RSET explains nothing about a recipient: some hosts count our resets and end the session over them.
 */
function cutOff(round: EndpointEvidence): readonly { readonly to: string; readonly from: string }[] {
  return round.attempts.flatMap((attempt, number) => {
    const close = unsolicitedClose(attempt, number);
    if (close === null) return [];
    const isExplained = attempt.exchanges.slice(0, close.index).some((exchange) => {
      if (exchange.act === 'leave' || exchange.outcome.kind !== 'reply') return false;
      const isReset = exchange.act === 'command' && exchange.command === 'RSET';
      const { reply } = exchange.outcome;
      // A refusal or 421 before it is an explanation: the host defends itself (7.8) or shuts down (3.8).
      return !isPositive(reply) && (!isReset || reply.code === 421);
    });
    if (isExplained) return [];
    const answered = new Set(
      rcptObservations({ ...round, attempts: [attempt] }).flatMap(({ to, from, rcpt }) =>
        rcpt.what.kind === 'reply' ? [`${from} ${to}`] : [],
      ),
    );
    return attempt.plan.transactions.flatMap(({ from, recipients }) =>
      recipients.filter((to) => isAscii(to) && !answered.has(`${from} ${to}`)).map((to) => ({ from, to })),
    );
  });
}

/** A session that says HELO, for the rows that ask for one. */
export function heloSession(first: ConversationPlan, { domain }: DomainEvidence): ConversationPlan {
  const to = (domain === null ? 'Postmaster' : `Postmaster@${domain}`) as ForwardPath;
  const from = first.transactions[0]?.from ?? NULL_REVERSE_PATH;
  return { ...first, purpose: 'helo', hello: 'HELO', pipelining: false, transactions: [{ from, recipients: [to] }] };
}

/** R3: whether another round, later, could change an answer: something was refused for now, or could not be reached. */
export function isWorthRetrying(endpoint: EndpointEvidence, evidence: DomainEvidence): boolean {
  if (endpoint.skipped !== null) return false;
  const plain = evidence.domain === null ? ['Postmaster'] : ['Postmaster@{domain}', 'Postmaster'];
  return plain.some((template) => {
    const finding = judgeRecipient(endpoint, evidence, template);
    return finding.verdict === 'inconclusive' && RETRIABLE.has(finding.cause);
  });
}

const RETRIABLE: ReadonlySet<string> = new Set([
  'transient-negative',
  'timeout',
  'cut-off',
  'unreachable',
  'client-refused',
  'sender-refused',
]);
