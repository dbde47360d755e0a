// Outcomes of waits on a line: what ended a conversation is told to every command that comes after it.
import type { Outcome } from '../smtp/outcome.js';
import type { Parsed } from '../smtp/reply-parser.js';

/** What ended a conversation: no reply came, or one that nobody had asked for. */
export type Lost = Exclude<Outcome, { kind: 'reply' }>;

/** Octets of a host that an outcome keeps. */
const MAX_KEPT_OCTETS = 4096;

/** Whole milliseconds since. */
export const since = (startedAt: number): number => Math.round(performance.now() - startedAt);
/** The octets that an outcome keeps. */
export const cut = (octets: string): string => octets.slice(0, MAX_KEPT_OCTETS);
/** The octets of what was read. */
export const rawOf = (parsed: Parsed): string => (parsed.kind === 'reply' ? parsed.reply.raw : parsed.raw);

/** The same outcome for a later wait: nothing new came, so it has no octets of its own. */
export function again<L extends Lost>(lost: L): L {
  if (lost.kind === 'timeout' || lost.kind === 'closed') return { ...lost, partial: '' };
  return lost.kind === 'not-a-reply' ? { ...lost, raw: '' } : lost;
}

/** What a reply is that no command was waiting for. */
export const outOfTurn = (outcome: Outcome): Lost =>
  outcome.kind === 'reply' ? { ...outcome, kind: 'out-of-turn' } : outcome;

/** One outcome a command: those that came, then the one that ended it, then that one again. */
export function fill(outcomes: readonly Outcome[], lost: Lost, count: number): readonly Outcome[] {
  const filled = [...outcomes, lost];
  while (filled.length < count) filled.push(again(lost));
  return filled;
}
