// Every reply of an endpoint with the command that it answers, and every command that got none, for the rows that ask
// for nothing and read what others made happen. One pass over the exchanges; no opinion.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Attempt, EndpointEvidence, Exchange } from '../evidence/transcript.js';
import type { Outcome } from '../smtp/outcome.js';
import { readOnce } from '../smtp/read-once.js';
import { isPositive, type Reply } from '../smtp/reply.js';
import { visible } from '../smtp/visible.js';
import { hasLostStep, isScripted } from './observe.js';
import { noOpening } from './openings.js';
import { inconclusive, pass, type Cause, type Cite, type Finding } from './requirement.js';
import { quoteReply, sessionTrouble } from './session-trouble.js';

/** What is known of the session around a reply. */
export interface SessionOfReply {
  readonly number: number;
  /** False where the two sides lost step: octets show what they show, but no reply belongs to a command for sure. */
  readonly isInStep: boolean;
  /** Whether it was opened with 2yz. */
  readonly isOpen: boolean;
  /** Whether rows said commands of their own in it, errors on purpose among them. */
  readonly isScripted: boolean;
  readonly attempt: Attempt;
}

/** One reply. */
export interface SeenReply {
  readonly reply: Reply;
  readonly afterMs: number;
  readonly cite: Cite;
  readonly session: SessionOfReply;
  /** The command that it answers; null for an opening, and for what no command had asked for. */
  readonly command: string | null;
  /** Its verb, upper case; empty where there is none. */
  readonly verb: string;
  readonly isStray: boolean;
  /** Whether ENHANCEDSTATUSCODES was on offer when the command was said, EHLO and HELO apart. */
  readonly isUnderCodes: boolean;
}

/** A command, an opening or a wait that ended in time running out or in octets that are no reply. */
export interface SeenFailure {
  readonly outcome: Extract<Outcome, { kind: 'timeout' | 'not-a-reply' }>;
  readonly cite: Cite;
  readonly session: SessionOfReply;
  readonly command: string | null;
}

/** All of an endpoint, in order. */
export interface ReplyLog {
  readonly replies: readonly SeenReply[];
  readonly failures: readonly SeenFailure[];
}

/** Every reply of every attempt, those that rows provoked with commands of their own among them. */
export const replyLog = readOnce((endpoint: EndpointEvidence): ReplyLog => {
  const replies: SeenReply[] = [];
  const failures: SeenFailure[] = [];
  for (const [number, attempt] of endpoint.attempts.entries()) readAttempt(attempt, number, replies, failures);
  return { replies, failures };
});

function readAttempt(attempt: Attempt, number: number, replies: SeenReply[], failures: SeenFailure[]): void {
  const opening = attempt.exchanges[0];
  const session: SessionOfReply = {
    number,
    isInStep: !hasLostStep(attempt),
    isOpen: opening?.act === 'opening' && opening.outcome.kind === 'reply' && isPositive(opening.outcome.reply),
    isScripted: isScripted(attempt),
    attempt,
  };
  let isUnderCodes = false;
  for (const [index, exchange] of attempt.exchanges.entries()) {
    if (exchange.act === 'leave') continue;
    if (exchange.act === 'handshake') {
      isUnderCodes = false;
      continue;
    }
    const { outcome } = exchange;
    const cite: Cite = { kind: 'exchange', attempt: number, index };
    const command = exchange.act === 'command' ? exchange.command : null;
    const verb = command === null ? '' : verbOf(command);
    const isHello = isHelloVerb(verb);
    switch (outcome.kind) {
      case 'reply': {
        const { reply, afterMs } = outcome;
        if (isHello && isPositive(reply)) isUnderCodes = offersCodes(reply);
        const counts = isUnderCodes && !isHello;
        replies.push({ reply, afterMs, cite, session, command, verb, isStray: false, isUnderCodes: counts });
        break;
      }
      case 'out-of-turn': {
        const { reply, afterMs } = outcome;
        replies.push({ reply, afterMs, cite, session, command: null, verb: '', isStray: true, isUnderCodes: false });
        break;
      }
      case 'timeout':
      case 'not-a-reply':
        failures.push({ outcome, cite, session, command });
        break;
      default:
    }
  }
}

export const isHelloVerb = (verb: string): boolean => verb === 'EHLO' || verb === 'HELO';

// As ehloKeywords reads it, without a map of what nobody asks for.
const offersCodes = ({ lines }: Reply): boolean =>
  lines.some((line, at) => at > 0 && line.trim().toUpperCase() === 'ENHANCEDSTATUSCODES');

/** The verb of a command, upper case: "RCPT". */
export const verbOf = (command: string): string => /^[A-Za-z]*/.exec(command)?.[0].toUpperCase() ?? '';

/** What a reply answers, for people. */
export function placeOf({ command, isStray }: Pick<SeenReply, 'command' | 'isStray'>): string {
  if (command !== null) return `to ${visible(command.split(' ', 1)[0] ?? '')}`;
  return isStray ? 'unasked' : 'at the opening';
}

/** What is said of replies that have a flaw: "a code without text". */
interface Accusation {
  readonly verdict: 'fail' | 'warn';
  readonly cause: Cause;
  readonly what: string;
}

/** What is wrong with some replies of an endpoint, and how that is said. */
export interface Flaw extends Accusation {
  /** What is said where no reply has the flaw. */
  readonly sound: string;
}

/** Judges replies by their form alone: one that has the flaw shows it, whatever it answers. */
export function judgeForm(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  flaw: Flaw,
  isFlawed: (seen: SeenReply) => boolean,
): Finding {
  const { replies } = replyLog(endpoint);
  if (replies.length === 0) return noOpening(endpoint, evidence);
  const flawed = replies.filter(isFlawed);
  const [first] = flawed;
  return first === undefined ? pass(`${countOf(replies)}, ${flaw.sound}`) : accuse(flaw, flawed, first, replies);
}

/** The finding about replies that have a flaw, with the first in its own words. */
export function accuse(
  { verdict, cause, what }: Accusation,
  flawed: readonly SeenReply[],
  first: SeenReply,
  all: readonly SeenReply[],
): Finding {
  const because = `${what} in ${flawed.length} of ${countOf(all)}: ${quoteReply(first.reply)} ${placeOf(first)}`;
  const [cite, ...cites] = [first.cite, ...flawed.slice(1, MOST_CITED).map((seen) => seen.cite)];
  return { verdict, cause, because, cites: [cite ?? first.cite, ...cites] };
}

/** A host that has a flaw mostly has it in all replies: a few show it. */
const MOST_CITED = 3;

export const countOf = (replies: readonly SeenReply[]): string =>
  replies.length === 1 ? '1 reply' : `${replies.length} replies`;

/** Why there is no reply that a rule could judge: no session, none in which replies belong to commands, or not asked. */
export function nothingToJudge(endpoint: EndpointEvidence, evidence: DomainEvidence, wanted: string): Finding {
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  const lost = replyLog(endpoint).replies.findLast(({ session }) => !session.isInStep);
  if (lost === undefined) return inconclusive('not-asked', `${wanted} was not seen`);
  return inconclusive('out-of-turn', 'the two sides lost step: which reply belongs to which command is not known', [
    lost.cite,
  ]);
}

/** Whether two of these were seen in different connections; the first of them, and one of another. */
export function inTwoSessions<T extends { readonly session: SessionOfReply }>(
  seen: readonly T[],
): readonly [T, T] | null {
  for (const first of seen) {
    const again = seen.find(({ session }) => session.number !== first.session.number);
    return again === undefined ? null : [first, again];
  }
  return null;
}

/** The exchanges before a cited one in its connection. */
export function before({ cite, session }: Pick<SeenReply, 'cite' | 'session'>): readonly Exchange[] {
  return cite.kind === 'exchange' ? session.attempt.exchanges.slice(0, cite.index) : [];
}
