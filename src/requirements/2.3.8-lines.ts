// RFC 5321 2.3.8: CR LF ends a line, and nothing else does.
import { isPermanentNegative } from '../smtp/reply.js';
import { say, wait } from '../smtp/script.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, pass, type Finding, type Requirement } from './requirement.js';
import { otherAnswer } from './script-answers.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';

/** How long a second reply is awaited (the catalogue's 5 s). */
const SECOND_REPLY_MS = 5_000;

/** Words that refuse the LF itself: what comes behind them is no second command. */
const ABOUT_LF = /\bbare\b|\bLF\b|line ?feed|new ?line|line (?:end|terminat)/i;

/** Words that complain of more than one command at once. */
const PIPELINING = /pipelin|synchroni[sz]/i;

/** RFC 5321 2.3.8. */
export const lines: readonly Requirement[] = [
  scripted({
    id: 'command.bare-lf',
    group: 'command',
    title: 'Bare LF not treated as end of command',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '2.3.8',
      quote:
        'Conforming implementations MUST NOT recognize or generate any other character or character sequence as a line terminator.',
    },
    demand: 'An LF without a CR before it does not end a command.',
    probe: 'EHLO, then one line with an LF inside it, "NOOP<LF>NOOP", and 5 s of waiting for a second reply.',
    script: { from: 'hello', steps: [say('NOOP\nNOOP'), wait(SECOND_REPLY_MS)] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: 'one reply, whatever its code, and silence behind it' },
      { verdict: 'pass', when: '5yz, and then a close' },
      { verdict: 'fail', when: 'two replies, twice: the LF was taken for the end of a command' },
      { verdict: 'inconclusive', when: 'no reply, 4yz, a close behind a positive reply, or a complaint of pipelining' },
      ...T_IO,
    ],
    rationale:
      'Where two servers differ about what ends a line, one message can hide another behind it: SMTP smuggling rests on that.',
    remedy: {
      general: 'End command lines at CR LF only, and refuse an LF without CR.',
      postfix: 'smtpd_forbid_bare_newline = reject (3.9 and later; also 3.8.5, 3.7.10, 3.6.14 and 3.5.24).',
    },
    retry: ['R8'],
    note: 'Most servers take LF for a line end as they come, Postfix, Exim and sendmail among them. It is no misreading: 4.1.1.4 repeats the MUST NOT.',
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      const waited = run.done.find(({ kind }) => kind === 'wait');
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      const told = `to "NOOP<LF>NOOP" came ${quoteReply(reply)}`;
      const isAboutLf = isPermanentNegative(reply) && ABOUT_LF.test(reply.lines.join(' '));
      if (isAboutLf) return pass(told, [cite]);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null) return doubt;
      // Two commands at once are what we did where LF is taken for a line end, and one line where it is not.
      if (PIPELINING.test(reply.lines.join(' '))) return inconclusive('client-refused', told, [cite]);
      if (waited?.kind !== 'wait') return otherAnswer(answer, place);
      const { outcome } = waited;
      switch (outcome.kind) {
        case 'quiet':
          return pass(`${told} and nothing more`, [cite, waited.cite]);
        case 'out-of-turn':
          if (outcome.reply.code === 421) return null;
          return fail('malformed', `${told} and then ${quoteReply(outcome.reply)}`, waited.cite, cite);
        case 'closed':
          if (isPermanentNegative(reply)) return pass(`${told}, and the connection was closed`, [cite, waited.cite]);
          return inconclusive('cut-off', `${told}, and the connection was closed`, [cite, waited.cite]);
        default:
          return null;
      }
    },
  }),
];
