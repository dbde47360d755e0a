// EHLO or HELO that was never accepted: what the refusals say, for the two rows that want it supported.
import { isPermanentNegative } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import type { Hello } from './ehlo-replies.js';
import { echoOf } from './observe.js';
import { fail, inconclusive, type Finding } from './requirement.js';
import { doubtAbout, type Place } from './scripted-row.js';
import { causeOfRefusal, outcomeTrouble, quoteReply, sessionTrouble } from './session-trouble.js';

/** A fail where one of these greetings was not recognised (500) or not implemented (502); else why nothing is told. */
export function judgeHellos(hellos: readonly Hello[], place: Place): Finding {
  const { endpoint, evidence } = place;
  for (const { what, cite, verb, argument } of hellos) {
    if (what.kind !== 'reply' || (what.reply.code !== 500 && what.reply.code !== 502)) continue;
    if (doubtAbout(what.reply, `${verb} ${argument}`, cite, place) === null)
      return fail('wrong-code', `${verb} was answered ${quoteReply(what.reply)}`, cite);
  }
  const last = hellos.at(-1);
  if (last === undefined)
    return sessionTrouble(endpoint, evidence) ?? inconclusive('not-asked', 'not asked in this run');
  const { what, cite, verb } = last;
  if (what.kind !== 'reply') return outcomeTrouble(what, `the reply to ${verb}`, [cite]);
  const kind = classifyReply(what.reply, 'hello', echoOf(endpoint, evidence));
  const cause = isPermanentNegative(what.reply) ? 'client-refused' : causeOfRefusal(kind, what.reply);
  return inconclusive(cause, `${verb} was answered ${quoteReply(what.reply)}`, [cite]);
}
