// A parameter of MAIL that the EHLO reply offers: the same MAIL without it and with it, so that only the parameter tells.
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { say, sayIfAccepted, type Script } from '../smtp/script.js';
import { fail, inconclusive, pass, type Finding } from './requirement.js';
import type { ScriptRun } from './script-run.js';
import { answerTo, doubtAbout, type Answered, type Place } from './scripted-row.js';
import { said } from './script-answers.js';

/** MAIL alone, and where it is accepted once more with the parameter; for hosts that offer the keyword. */
export function parameterScript(keyword: string, mail: string, parameter: string): Script {
  return {
    from: 'hello',
    offered: keyword,
    steps: [say(mail), sayIfAccepted('RSET'), sayIfAccepted(`${mail} ${parameter}`)],
  };
}

/** What such a script shows: 501, 504 and 555 refuse the parameter, other refusals say nothing of it. */
export function readParameter(run: ScriptRun, place: Place): Finding | null {
  const plain = answerTo(run, 0);
  if (plain === null) return null;
  if (!isPositive(plain.reply)) {
    const because = said(plain);
    return (
      doubtAbout(plain.reply, plain.line, plain.cite, place) ?? inconclusive('sender-refused', because, [plain.cite])
    );
  }
  const reset = answerTo(run, 1);
  if (reset === null) return null;
  if (!isPositive(reset.reply)) return inconclusive('sequence', said(reset), [reset.cite]);
  const answer = answerTo(run, 2);
  if (answer === null) return null;
  const { reply, cite } = answer;
  const because = said(answer);
  if (isPositive(reply)) return pass(because, [cite]);
  const doubt = doubtBesideSender(answer, place);
  if (doubt !== null) return doubt;
  return [501, 504, 555].includes(reply.code)
    ? fail('syntax', `${because}, and without the parameter accepted`, cite, plain.cite)
    : inconclusive('client-refused', because, [cite]);
}

/** As `doubtAbout`, for a MAIL whose sender was accepted without the parameter: then the sender is no reason. */
export function doubtBesideSender({ reply, line, cite }: Answered, place: Place): Finding | null {
  const doubt = doubtAbout(reply, line, cite, place);
  return doubt?.verdict === 'inconclusive' && doubt.cause === 'sender-refused' && isPermanentNegative(reply)
    ? null
    : doubt;
}
