// RFC 5321 4.1.1 and 4.3.2: what stands behind a command that has no argument: white space, or words.
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { say } from '../smtp/script.js';
import { T_IO } from './readings.js';
import { pass, warn, type Finding, type Requirement } from './requirement.js';
import { otherAnswer, said } from './script-answers.js';
import { linesOfRun } from './script-run.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';

/** Rows about commands without arguments, in the order of the RFC. */
export const commandArguments: readonly Requirement[] = [
  scripted({
    id: 'command.trailing-space',
    group: 'command',
    title: 'Trailing white space tolerated',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.1.1',
      quote: 'SMTP receivers SHOULD tolerate trailing white space before the terminating <CRLF>.',
    },
    demand: 'A space before the end of the line does not break a command.',
    probe: 'EHLO, then NOOP and RSET, each with a space behind it.',
    script: { from: 'hello', steps: [say('NOOP '), say('RSET ')] },
    errors: 2,
    readings: [
      { verdict: 'pass', when: '2yz to both' },
      { verdict: 'warn', when: '500 or 501 to either' },
      { verdict: 'inconclusive', when: '4yz, or another refusal: it is not about the space' },
      ...T_IO,
    ],
    rationale: 'Old clients and people at a terminal leave a space at the end of a line, where nobody sees it.',
    remedy: { general: 'Strip white space from the end of a command line before it is read.' },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const answers = [0, 1].map((at) => answerTo(run, at)).filter((answer) => answer !== null);
      for (const answer of answers) {
        if (answer.reply.code === 500 || answer.reply.code === 501) {
          const doubt = doubtAbout(answer.reply, answer.line, answer.cite, place);
          return (
            doubt ??
            warn(
              'syntax',
              `"${answer.line}", with a space behind it, was answered ${quoteReply(answer.reply)}`,
              answer.cite,
            )
          );
        }
      }
      const other = answers.find(({ reply }) => !isPositive(reply));
      if (other !== undefined) return otherAnswer(other, place);
      if (answers.length < 2) return null;
      const cites = linesOfRun(run).map(({ cite }) => cite);
      return pass('NOOP and RSET were accepted with a space behind them', cites);
    },
  }),
  scripted({
    id: 'command.no-argument-501',
    group: 'command',
    title: 'Arguments to RSET/QUIT/DATA refused',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.3.2',
      quote: '(DATA, RSET, QUIT) SHOULD return a 501 message if arguments are supplied',
    },
    demand: 'A command that takes no argument is answered 501 when it has one.',
    probe: 'EHLO and RSET xpmc.',
    script: { from: 'hello', steps: [say('RSET xpmc')] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '501' },
      { verdict: 'warn', when: '2yz: the word is ignored; or another 5yz' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale: 'Who sends an argument expects that it does something; 501 says that it does not.',
    remedy: { general: 'Answer 501 to RSET, QUIT and DATA with anything behind them.' },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      if (reply.code === 501) return pass(said(answer), [cite]);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt === null && (isPermanentNegative(reply) || isPositive(reply)))
        return warn('wrong-code', `${said(answer)}, not 501`, cite);
      return doubt ?? otherAnswer(answer, place);
    },
  }),
];
