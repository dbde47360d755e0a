// What rows with commands of their own share in reading what came of them.
import { isPermanentNegative, type Reply } from '../smtp/reply.js';
import { visible } from '../smtp/visible.js';
import { inconclusive, type Cite, type Finding } from './requirement.js';
import { linesOfRun, type ScriptRun } from './script-run.js';
import { doubtAbout, type Answered, type Place } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';

/** A command and its reply for people. */
export const said = ({ line, reply }: Pick<Answered, 'line' | 'reply'>): string =>
  `${visible(line)} was answered ${quoteReply(reply)}`;

/** A reply that the table of a row has no line for: it is told, and decides nothing. */
export const saysNothing = (answer: Answered): Finding =>
  inconclusive('out-of-turn', `${said(answer)}, which tells nothing here`, [answer.cite]);

/** The same of a refusal that may be about us: why it shows nothing is told where it can be. */
export function otherAnswer(answer: Answered, place: Place): Finding {
  const { reply, line, cite } = answer;
  const cause = isPermanentNegative(reply) ? 'client-refused' : 'out-of-turn';
  return doubtAbout(reply, line, cite, place) ?? inconclusive(cause, said(answer), [cite]);
}

/** What is left of an accusation of closing where the host closes at other commands as well. */
export const closedAnywhere = ({ line, how, cite }: Closed): Finding =>
  inconclusive('cut-off', `${how} at ${visible(line)}, as at other commands that are in order`, [cite]);

/** The first line of a run like this, with its reply; null where it was not said, or got none. */
export function answerLike(run: ScriptRun, pattern: RegExp): Answered | null {
  const one = linesOfRun(run).find(({ line }) => pattern.test(line));
  return one?.outcome.kind === 'reply' ? { line: one.line, reply: one.outcome.reply, cite: one.cite } : null;
}

/** A line of a run in whose place the connection ended. */
export interface Closed {
  readonly line: string;
  readonly how: 'closed' | 'reset';
  readonly cite: Cite;
}

/** Where the host ended the connection in a run without a word; null where it did not. */
export function closeIn(run: ScriptRun): Closed | null {
  const one = linesOfRun(run).find(({ outcome }) => outcome.kind === 'closed');
  if (one?.outcome.kind !== 'closed') return null;
  return { line: one.line, how: one.outcome.how === 'fin' ? 'closed' : 'reset', cite: one.cite };
}

/** The replies of a run, in order. */
export const repliesOf = (run: ScriptRun): readonly Reply[] =>
  linesOfRun(run).flatMap(({ outcome }) => (outcome.kind === 'reply' ? [outcome.reply] : []));
