// Commands that end up in many sessions, whatever the session was for: what came of each of them.
//
// Decided here: only sessions that opened with 2yz count, and none in which the two sides lost step.
import type { EndpointEvidence, Exchange } from '../evidence/transcript.js';
import type { Outcome } from '../smtp/outcome.js';
import { readOnce } from '../smtp/read-once.js';
import { firstDigit, isPositive } from '../smtp/reply.js';
import { hasLostStep } from './observe.js';
import type { Cite } from './requirement.js';

/** A command as it was said, with what went before it in its session. */
export interface SaidCommand {
  readonly command: string;
  readonly outcome: Outcome;
  readonly attempt: number;
  readonly cite: Cite;
  readonly before: readonly Exchange[];
}

/** Every command of every session that was opened, scripts included, in order. */
export const commandsOf = readOnce((endpoint: EndpointEvidence): readonly SaidCommand[] =>
  endpoint.attempts.flatMap((attempt, number) => {
    const [opening] = attempt.exchanges;
    if (opening?.act !== 'opening' || opening.outcome.kind !== 'reply' || !isPositive(opening.outcome.reply)) return [];
    if (hasLostStep(attempt)) return [];
    return attempt.exchanges.flatMap((exchange, index) =>
      exchange.act === 'command'
        ? [
            {
              command: exchange.command,
              outcome: exchange.outcome,
              attempt: number,
              cite: { kind: 'exchange' as const, attempt: number, index },
              get before() {
                return attempt.exchanges.slice(0, index);
              },
            },
          ]
        : [],
    );
  }),
);

/** One of each session, the first. */
export const oneASession = <T extends { readonly attempt: number }>(some: readonly T[]): readonly T[] =>
  some.filter((one, at) => some.findIndex(({ attempt }) => attempt === one.attempt) === at);

/** Whether EHLO or HELO was accepted before. */
export const isGreeted = (before: readonly Exchange[]): boolean =>
  before.some(
    (exchange) =>
      exchange.act === 'command' &&
      /^(?:ehlo|helo)\b/i.test(exchange.command) &&
      exchange.outcome.kind === 'reply' &&
      isPositive(exchange.outcome.reply),
  );

/** Whether a transaction was open behind these exchanges: MAIL accepted, and neither RSET nor a greeting since. */
export function isInTransaction(before: readonly Exchange[]): boolean {
  let isOpen = false;
  for (const exchange of before) {
    if (exchange.act === 'handshake') isOpen = false;
    if (exchange.act !== 'command' || exchange.outcome.kind !== 'reply' || !isPositive(exchange.outcome.reply))
      continue;
    if (/^mail\b/i.test(exchange.command)) isOpen = true;
    else if (/^(?:rset|ehlo|helo)\b/i.test(exchange.command)) isOpen = false;
  }
  return isOpen;
}

/** Commands that nobody is cut off for; those who hang up at RSET are another row's, and mean RSET. */
const LEGAL = /^(?:NOOP|HELP|VRFY \S+|MAIL FROM:<[^\s<>]*>|RCPT TO:<postmaster(?:@[\w.-]+)?>)$/i;

/**
 * Whether the host ended a session, without a word or with 421, at some legal command behind nothing but positive
 * replies: then a close elsewhere is not about what was said either. `about`: the command that is asked about, and what follows it.
 */
export function closesAnywhere(endpoint: EndpointEvidence, about: RegExp): boolean {
  return commandsOf(endpoint).some(({ command, outcome, before }) => {
    const isEnd = outcome.kind === 'closed' || (outcome.kind === 'reply' && outcome.reply.code === 421);
    if (!isEnd || !LEGAL.test(command) || about.test(command) || !isUntroubled(before)) return false;
    const previous = before.findLast(({ act }) => act === 'command');
    if (previous?.act === 'command' && (about.test(previous.command) || /^rset\b/i.test(previous.command)))
      return false;
    if (/^mail\b/i.test(command)) return !isInTransaction(before);
    return !/^rcpt\b/i.test(command) || isInTransaction(before);
  });
}

/** Whether everything before was answered, and nothing refused: a close right behind it has no other reason. */
export function isUntroubled(before: readonly Exchange[]): boolean {
  return before.every((exchange) => {
    if (exchange.act === 'leave' || exchange.act === 'handshake') return true;
    if (exchange.act === 'linger') return exchange.outcome.kind === 'quiet';
    const { outcome } = exchange;
    return outcome.kind === 'reply' && (isPositive(outcome.reply) || firstDigit(outcome.reply) === 3);
  });
}
