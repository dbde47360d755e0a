// RFC 5321 3.8: who closes the connection, when, and what is said before.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Attempt, EndpointEvidence, Exchange } from '../evidence/transcript.js';
import { firstDigit, isPermanentNegative, isPositive, isTransientNegative, type Reply } from '../smtp/reply.js';
import { hasLostStep, openingRepliesOf } from './observe.js';
import { noOpening, refusesClient, SERVER_TIMEOUT_MS, sessionsOpenedWith, type OpenedSession } from './openings.js';
import {
  fail,
  inconclusive,
  notApplicable,
  pass,
  warn,
  type Cite,
  type Finding,
  type Requirement,
} from './requirement.js';
import { outcomeTrouble, quoteReply, seconds } from './session-trouble.js';

/** How one connection ended. */
type Ending =
  /** QUIT was said in an open session; what came of it is another row's. */
  | { readonly kind: 'quit'; readonly cite: Cite }
  | { readonly kind: 'said-421'; readonly cite: Cite }
  | {
      readonly kind: 'closed';
      readonly cite: Cite;
      readonly how: 'closed' | 'reset';
      readonly at: string;
      readonly after: Excuse;
    }
  | { readonly kind: 'untold'; readonly finding: Finding };

/** What went before a close: nothing that would explain it, a refusal, silence on our side, or the start of TLS. */
type Excuse =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'refusal'; readonly reply: Reply }
  | { readonly kind: 'silence' | 'tls' | 'lost-step' };

function endingOf({ attempt, number, opening }: OpenedSession): Ending {
  for (const [index, exchange] of attempt.exchanges.entries()) {
    if (exchange.act === 'leave') continue;
    const cite: Cite = { kind: 'exchange', attempt: number, index };
    const { outcome } = exchange;
    if ((outcome.kind === 'reply' || outcome.kind === 'out-of-turn') && outcome.reply.code === 421)
      return { kind: 'said-421', cite };
    if (exchange.act === 'command' && exchange.command === 'QUIT') {
      if (outcome.kind === 'reply' || (outcome.kind === 'closed' && isPositive(opening.what)))
        return { kind: 'quit', cite };
    }
    switch (outcome.kind) {
      case 'closed':
        return {
          kind: 'closed',
          cite,
          how: outcome.how === 'fin' ? 'closed' : 'reset',
          at: placeOf(exchange),
          after: excuseOf(attempt, index, outcome.afterMs),
        };
      case 'timeout':
      case 'out-of-turn':
      case 'not-a-reply':
      case 'interrupted':
        return { kind: 'untold', finding: outcomeTrouble(outcome, 'the end of the session', [cite]) };
    }
  }
  return {
    kind: 'untold',
    finding: inconclusive('not-asked', 'the session ended before QUIT was said', [opening.cite]),
  };
}

const placeOf = (exchange: Exchange): string =>
  exchange.act === 'command' ? (exchange.command.split(' ', 1)[0] ?? '') : exchange.act;

function excuseOf(attempt: Attempt, index: number, afterMs: number): Excuse {
  const before = attempt.exchanges.slice(0, index);
  // 7.8 allows defence, and one refusal may have made up the host's mind about us: none of these is ordinary operation.
  const refusal = before.findLast(
    (exchange) =>
      exchange.act !== 'leave' &&
      exchange.outcome.kind === 'reply' &&
      !isPositive(exchange.outcome.reply) &&
      firstDigit(exchange.outcome.reply) !== 3,
  );
  if (refusal !== undefined && refusal.act !== 'leave' && refusal.outcome.kind === 'reply')
    return { kind: 'refusal', reply: refusal.outcome.reply };
  if (hasLostStep(attempt)) return { kind: 'lost-step' };
  if (afterMs >= SERVER_TIMEOUT_MS) return { kind: 'silence' };
  // In TLS 1.3 a host may refuse the handshake only when our side has finished it.
  const last = before.at(-1)?.act;
  return last === 'handshake' || attempt.exchanges[index]?.act === 'handshake' ? { kind: 'tls' } : { kind: 'nothing' };
}

type Closed = Extract<Ending, { kind: 'closed' }>;
const isClosed = (ending: Ending): ending is Closed => ending.kind === 'closed';

/** Sessions that a close would cut short: 554 and 521 have rows of their own, 4yz opened none. */
const isOrdinary = (reply: Reply): boolean =>
  isPositive(reply) || (isPermanentNegative(reply) && reply.code !== 554 && reply.code !== 521);

function judgePrematureClose(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const openings = openingRepliesOf(endpoint);
  if (openings.length === 0) return noOpening(endpoint, evidence);
  const endings = sessionsOpenedWith(endpoint, isOrdinary).map(endingOf);
  if (endings.length === 0) {
    const cites = openings.map(({ cite }) => cite);
    if (openings.some(({ what }) => isTransientNegative(what)))
      return inconclusive('transient-negative', 'the host opened no session for now', cites);
    return notApplicable(
      'the opening refuses: greeting.554-waits-for-quit and greeting.521-behaviour judge the close',
      cites,
    );
  }
  const closes = endings.filter(isClosed);
  const unexplained = closes.filter(({ after }) => after.kind === 'nothing');
  for (const first of unexplained) {
    const again = unexplained.find((other) => other !== first && other.at === first.at);
    if (again === undefined) continue;
    return fail(
      'closed-early',
      `${first.how} at ${first.at} without 421, after nothing but positive replies, in 2 sessions of ${endings.length}`,
      first.cite,
      again.cite,
    );
  }
  for (const { after, cite, how, at } of closes) {
    if (after.kind !== 'refusal' || isTransientNegative(after.reply)) continue;
    const cause = refusesClient(after.reply, endpoint, evidence) ? 'client-refused' : 'closed-early';
    return warn(cause, `${how} at ${at} without 421, after the refusal ${quoteReply(after.reply)}`, cite);
  }
  const [first] = closes;
  if (first !== undefined)
    return inconclusive('cut-off', `${first.how} at ${first.at} without 421, ${explain(first.after)}`, [first.cite]);
  return orderly(endings);
}

function explain(after: Excuse): string {
  switch (after.kind) {
    case 'nothing':
      return 'seen once only';
    case 'refusal':
      return `after the refusal ${quoteReply(after.reply)}`;
    case 'silence':
      return `after ${seconds(SERVER_TIMEOUT_MS)} or more without a word`;
    case 'tls':
      return 'at the start of TLS';
    case 'lost-step':
      return 'after the two sides had lost step';
  }
}

/** No close came before its time: pass, where at least one session was seen to its end. */
function orderly(endings: readonly Ending[]): Finding {
  const ended = endings.flatMap((ending) =>
    ending.kind === 'quit' || ending.kind === 'said-421' ? [ending.cite] : [],
  );
  if (ended.length > 0)
    return pass(
      `${ended.length === 1 ? '1 session' : `${ended.length} sessions`}, none closed before QUIT or 421`,
      ended,
    );
  const untold = endings.find((ending) => ending.kind === 'untold');
  return untold?.kind === 'untold' ? untold.finding : inconclusive('not-asked', 'no session was seen to its end');
}

function judge421(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const openings = openingRepliesOf(endpoint);
  if (openings.length === 0) return noOpening(endpoint, evidence);
  const endings = sessionsOpenedWith(endpoint, (reply) => isOrdinary(reply) || reply.code === 421).map(endingOf);
  if (endings.length === 0) {
    const cites = openings.map(({ cite }) => cite);
    return notApplicable(
      'the opening refuses: a close is judged by greeting.554-waits-for-quit and greeting.521-behaviour',
      cites,
    );
  }
  const closes = endings.filter(isClosed);
  // A reset may be anybody's doing, a middlebox's for one; a FIN is the host's.
  const bare = closes.find(({ after, how }) => after.kind === 'nothing' && how === 'closed');
  if (bare !== undefined)
    return warn('closed-early', `closed at ${bare.at} without 421, after nothing but positive replies`, bare.cite);
  const [first] = closes;
  if (first === undefined) return orderly(endings);
  const why = first.after.kind === 'nothing' ? 'by whom cannot be told' : explain(first.after);
  return inconclusive('cut-off', `${first.how} at ${first.at} without 421, ${why}`, [first.cite]);
}

/** RFC 5321 3.8, in the order of its text. */
export const connection: readonly Requirement[] = [
  {
    id: 'connect.no-premature-close',
    group: 'connect',
    title: 'Server does not close before QUIT',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.8',
      quote: 'An SMTP server MUST NOT intentionally close the connection under normal operational circumstances',
    },
    demand: 'The server keeps the connection open until QUIT, except after 421 or after its time-out.',
    probe: 'Nothing of its own: every session is watched for a close that nobody asked for.',
    readings: [
      { verdict: 'pass', when: 'no close but after QUIT, after 421 or after 5 minutes of silence' },
      {
        verdict: 'fail',
        when: 'closed or reset without 421 at the same command in two sessions, after nothing but positive replies',
      },
      { verdict: 'warn', when: 'closed after a 5yz reply or a 5yz opening other than 554 and 521' },
      { verdict: 'inconclusive', when: 'seen once only; after a 4yz; at the start of TLS; no session' },
      { verdict: 'not-applicable', when: 'the host opens with 554 or 521: they have rows of their own' },
    ],
    rationale:
      'A client takes a lost connection for a passing failure and tries the whole message again, for up to five days, instead of reporting a reason.',
    remedy: {
      general: 'Answer what you will not do with a 5yz reply and wait; to end a session say 421 first.',
      exim: 'Use the ACL verb deny instead of drop: drop closes right behind its reply.',
      exchange:
        'Set-ReceiveConnector -ConnectionInactivityTimeout 00:05:00, and check -MaxProtocolErrors (5 by default).',
    },
    retry: ['R8'],
    needs: [],
    note: 'Any refusal earlier in the session, of whatever kind, takes a close out of "normal operational circumstances": 7.8 allows a server to defend itself.',
    scope: 'endpoint',
    judge: judgePrematureClose,
  },
  {
    id: 'connect.421-on-shutdown',
    group: 'connect',
    title: '421 sent before an unsolicited close',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.8',
      quote: 'SHOULD attempt to send a line containing a 421 response code',
    },
    demand: 'A server that must drop a session says 421 first.',
    probe: 'Nothing of its own: every session is watched for a close that nobody asked for.',
    readings: [
      { verdict: 'pass', when: '421 went before the close, or nothing was closed before QUIT' },
      { verdict: 'warn', when: 'closed without 421, and no refusal, time-out or error of ours explains it' },
      { verdict: 'inconclusive', when: 'a reset, or a close that a refusal, a time-out or the start of TLS explains' },
    ],
    rationale:
      'With 421 a client knows that the host is going down and comes back later; without it an administrator looks for a network fault.',
    remedy: {
      general:
        'Stop the mail server by its own command, which lets sessions end; a load balancer should drain its connections.',
      postfix: '"postfix stop" lets running sessions end, "postfix abort" does not.',
    },
    retry: [],
    needs: [],
    scope: 'endpoint',
    judge: judge421,
  },
];
