// RFC 5321 4.1.1.8: HELP.
import { isPositive } from '../smtp/reply.js';
import { say } from '../smtp/script.js';
import { T_IO } from './readings.js';
import { pass, warn, type Finding, type Requirement } from './requirement.js';
import { otherAnswer, said } from './script-answers.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';

const NOT_THERE: ReadonlySet<number> = new Set([500, 502, 504]);

/** RFC 5321 4.1.1.8. */
export const help: readonly Requirement[] = [
  scripted({
    id: 'help.supported',
    group: 'command',
    title: 'HELP supported',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.8',
      quote: 'SMTP servers SHOULD support HELP without arguments and MAY support it with arguments.',
    },
    demand: 'HELP is answered 211 or 214.',
    probe: 'EHLO and HELP.',
    script: { from: 'hello', steps: [say('HELP')] },
    errors: 0,
    readings: [
      { verdict: 'pass', when: '211 or 214' },
      { verdict: 'warn', when: '500, 502 or 504: there is no HELP' },
      { verdict: 'warn', when: 'another 2yz, which 4.3.2 does not list for HELP' },
      { verdict: 'inconclusive', when: '530, 4yz, or another refusal by policy' },
      ...T_IO,
    ],
    rationale: 'HELP is for the person who tries a server by hand; nothing else depends on it.',
    remedy: { general: 'Answer HELP with 214 and a line about where help is to be had.' },
    retry: ['R2', 'R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      if (reply.code === 211 || reply.code === 214) return pass(said(answer), [cite]);
      const isMissing = NOT_THERE.has(reply.code) && doubtAbout(reply, line, cite, place) === null;
      if (isMissing || isPositive(reply)) return warn('wrong-code', said(answer), cite);
      return otherAnswer(answer, place);
    },
  }),
];
