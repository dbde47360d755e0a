// RFC 5321 4.2.4: 500 for a command that is not recognized, 502 for one that is not implemented.
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { UNKNOWN_COMMAND } from './3.8-closing.js';
import { T_IO } from './readings.js';
import { pass, warn, type Finding, type Requirement } from './requirement.js';
import { otherAnswer, said } from './script-answers.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';

/** RFC 5321 4.2.4. */
export const unknownCommand: readonly Requirement[] = [
  scripted({
    id: 'command.unknown-500',
    group: 'command',
    title: 'Unknown command gets 500',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.2.4',
      quote: 'If the command is not recognized, code 500 SHOULD be returned.',
    },
    demand: 'A verb that the server does not know is answered 500.',
    probe: 'EHLO, XPMC-NOSUCH and NOOP.',
    script: UNKNOWN_COMMAND,
    errors: 1,
    readings: [
      { verdict: 'pass', when: '500' },
      { verdict: 'warn', when: '502, another 5yz, or 2yz' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale:
      '502 tells a client that the server knows the command and has it turned off, which sends people looking.',
    remedy: {
      general: 'Answer 500 to verbs that are not known; 502 is for those that are known and not implemented.',
    },
    retry: ['R3', 'R8'],
    note: 'Some common servers answer 502: a warning, for the reply refuses the command all the same.',
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      if (reply.code === 500) return pass(said(answer), [cite]);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt === null && (isPermanentNegative(reply) || isPositive(reply)))
        return warn('wrong-code', `${said(answer)}, not 500`, cite);
      return doubt ?? otherAnswer(answer, place);
    },
  }),
];
