// RFC 1870: the size of a message is declared with MAIL, and a declared size over the maximum is refused there.
import type { EndpointEvidence } from '../evidence/transcript.js';
import { firstDigit, isPermanentNegative, isPositive } from '../smtp/reply.js';
import { say, sayIfAccepted } from '../smtp/script.js';
import { visible } from '../smtp/visible.js';
import { doubtBesideSender, parameterScript, readParameter } from './mail-parameter.js';
import { exchangesOf } from './observe.js';
import { T_IO } from './readings.js';
import { inconclusive, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';

const DECLARED = parameterScript('SIZE', 'MAIL FROM:<{sender}>', 'SIZE=1000');

/** Whether the host took this MAIL in any session, without a parameter or with a size that is no trouble. */
function takesSender(endpoint: EndpointEvidence, overSize: string): boolean {
  const mail = overSize.replace(/ SIZE=\d+$/, '');
  return exchangesOf(endpoint).some(
    ({ what }) =>
      what.act === 'command' &&
      (what.command === mail || what.command === `${mail} SIZE=1000`) &&
      what.outcome.kind === 'reply' &&
      isPositive(what.outcome.reply),
  );
}

/** RFC 1870, in the order of its text. */
export const size: readonly Requirement[] = [
  scripted({
    id: 'size.param-accepted',
    group: 'size',
    title: 'SIZE parameter accepted when advertised',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 1870',
      section: '4',
      quote:
        'A server that supports the Message Size Declaration extension will accept the extended version of the MAIL command',
    },
    demand: 'Where SIZE is offered, MAIL with SIZE= is accepted like MAIL without.',
    probe: 'Where SIZE is offered: MAIL, RSET, and the same MAIL with SIZE=1000.',
    script: DECLARED,
    errors: 0,
    readings: [
      { verdict: 'pass', when: '250 (or another 2yz) to MAIL with SIZE=1000' },
      { verdict: 'fail', when: '501, 504 or 555, twice, where MAIL without it is accepted' },
      { verdict: 'inconclusive', when: '4yz, another 5yz, or MAIL without it is refused' },
      { verdict: 'not-applicable', when: 'SIZE is not offered' },
      ...T_IO,
    ],
    rationale: 'Every sender of today declares the size where SIZE is offered: where that is refused no mail comes in.',
    remedy: { general: 'Accept SIZE= with MAIL, or take SIZE out of the EHLO reply.' },
    retry: ['R1', 'R3', 'R8'],
    read: readParameter,
  }),
  scripted({
    id: 'size.over-limit-552',
    group: 'size',
    title: 'Declared size over the limit gets 552',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'intrusive',
    source: {
      document: 'RFC 1870',
      section: '6.1',
      quote:
        'If the indicated size is larger than the server\'s fixed maximum message size, the server responds with code "552',
    },
    demand: 'A declared size over the maximum is refused with 552 before the message is sent.',
    probe: 'Where SIZE declares a maximum: MAIL with one octet more; where that is accepted, RCPT of postmaster; RSET.',
    script: {
      from: 'hello',
      offered: 'SIZE',
      steps: [say('MAIL FROM:<{sender}> SIZE={over-size}'), sayIfAccepted('RCPT TO:<{postmaster}>')],
    },
    errors: 1,
    needs: [{ ask: 'script', script: DECLARED, errors: 0 }],
    absent: 'no fixed maximum is declared',
    readings: [
      { verdict: 'pass', when: '552 to MAIL or RCPT' },
      {
        verdict: 'warn',
        when: 'another 5yz to MAIL, where the sender is accepted otherwise, or 5.3.4 with another code',
      },
      { verdict: 'warn', when: 'accepted at MAIL and at RCPT' },
      { verdict: 'inconclusive', when: '4yz, or a refusal that may be about the sender or the mailbox' },
      { verdict: 'not-applicable', when: 'SIZE is not offered, or without a number, or with 0' },
      ...T_IO,
    ],
    rationale: 'The size is declared so that nobody has to send what will be refused.',
    remedy: {
      general: 'Compare the declared size with the limit at MAIL, and refuse with 552 5.3.4.',
    },
    retry: ['R1', 'R3', 'R8'],
    note: '6.1 wants 552 at MAIL; 6.4 has it for RCPT, where the limit is that of a recipient. A RCPT refused for another reason than the size shows nothing.',
    read(run, place): Finding | null {
      const mail = answerTo(run, 0);
      if (mail === null) return null;
      const last = isPositive(mail.reply) ? answerTo(run, 1) : mail;
      if (last === null) return null;
      const { reply, cite, line } = last;
      const verb = last === mail ? 'MAIL' : 'RCPT';
      const because = `${visible(mail.line)} was ${last === mail ? '' : 'accepted, and RCPT '}answered ${quoteReply(reply)}`;
      if (reply.code === 552) return pass(because, [cite]);
      if (isPositive(reply)) return warn('wrong-code', `${because}: more than the declared maximum`, mail.cite, cite);
      if (firstDigit(reply) === 5 && reply.enhanced === '5.3.4') return warn('wrong-code', because, cite);
      const isSenderTaken = verb === 'MAIL' && takesSender(place.endpoint, line);
      const doubt = isSenderTaken ? doubtBesideSender(last, place) : doubtAbout(reply, line, cite, place);
      if (doubt !== null || !isPermanentNegative(reply)) return doubt;
      if (isSenderTaken) return warn('wrong-code', because, cite);
      return inconclusive(verb === 'MAIL' ? 'sender-refused' : 'no-mailbox', because, [cite]);
    },
  }),
];
