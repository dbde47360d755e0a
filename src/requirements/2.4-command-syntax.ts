// RFC 5321 2.4: verbs in any letter case, and octets beyond ASCII in an envelope.
import type { EndpointEvidence } from '../evidence/transcript.js';
import { firstDigit, isPermanentNegative, isPositive, type Reply } from '../smtp/reply.js';
import { say, sayIfAccepted, type Script } from '../smtp/script.js';
import { exchangesOf } from './observe.js';
import { T_IO } from './readings.js';
import { fail, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerLike, otherAnswer, said } from './script-answers.js';
import { linesOfRun } from './script-run.js';
import { doubtAbout, scripted } from './scripted-row.js';

const LOWER_CASE: Script = {
  from: 'opening',
  steps: [
    say('ehlo {ehlo}'),
    sayIfAccepted('mail from:<{sender}>'),
    sayIfAccepted('rcpt to:<{postmaster}>'),
    say('rSeT'),
    say('nOoP'),
    say('quit'),
  ],
};

const NOT_UNDERSTOOD: ReadonlySet<number> = new Set([500, 501, 502]);

/** A line with its verb, and FROM: or TO:, in upper case. */
const inUpperCase = (line: string): string => line.replace(/^(?:mail from|rcpt to|\w+)/i, (verb) => verb.toUpperCase());

/** What the same line got in upper case, in whatever session. */
function upperCaseReplies(line: string, endpoint: EndpointEvidence): readonly Reply[] {
  const upper = inUpperCase(line);
  return exchangesOf(endpoint).flatMap(({ what }) =>
    what.act === 'command' && what.command === upper && what.outcome.kind === 'reply' ? [what.outcome.reply] : [],
  );
}

/** RFC 5321 2.4, in the order of its text. */
export const commandSyntax: readonly Requirement[] = [
  scripted({
    id: 'command.case-insensitive',
    group: 'command',
    title: 'Verbs and keywords case-insensitive',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '2.4',
      quote:
        'A few SMTP servers, in violation of this specification (and RFC 821) require that command verbs be encoded by clients in upper case.',
    },
    demand: 'Verbs, FROM: and TO: are understood in every letter case.',
    probe: 'A session in lower and mixed case: ehlo, mail from:<>, rcpt to:<Postmaster@domain>, rSeT, nOoP, quit.',
    script: LOWER_CASE,
    errors: 0,
    needs: [
      { ask: 'rcpt', to: 'Postmaster@{domain}' },
      { ask: 'script', script: { from: 'hello', steps: [say('NOOP')] }, errors: 0 },
    ],
    readings: [
      { verdict: 'pass', when: 'each command gets what it gets in upper case' },
      { verdict: 'fail', when: '500, 501 or 502 to one of them, twice, where upper case is accepted' },
      { verdict: 'inconclusive', when: 'another difference, or 4yz' },
      ...T_IO,
    ],
    rationale: 'Many a client writes its commands in lower case, and has done so for decades.',
    remedy: { general: 'Compare verbs, FROM: and TO: without regard to letter case.' },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      for (const { line, outcome, cite } of linesOfRun(run)) {
        if (outcome.kind !== 'reply') return null;
        const { reply } = outcome;
        const upper = upperCaseReplies(line, place.endpoint);
        const isSame = upper.some((other) => firstDigit(other) === firstDigit(reply));
        if (isSame || (upper.length === 0 && isPositive(reply))) continue;
        if (NOT_UNDERSTOOD.has(reply.code) && upper.some(isPositive)) {
          const doubt = doubtAbout(reply, line, cite, place);
          return doubt ?? fail('syntax', `${said({ line, reply })}; in upper case it is accepted`, cite);
        }
        return otherAnswer({ line, reply, cite }, place);
      }
      if (answerLike(run, /^quit$/) === null) return null;
      const all = linesOfRun(run);
      return pass(
        `${all.map(({ line }) => line.split(' ', 1)[0]).join(', ')}: answered as in upper case`,
        all.map(({ cite }) => cite),
      );
    },
  }),
  scripted({
    id: 'command.non-ascii',
    group: 'command',
    title: '8-bit bytes in envelope refused without SMTPUTF8',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '2.4',
      quote:
        'Receiving systems SHOULD reject such commands, normally using "500 syntax error - invalid character" replies.',
    },
    demand: 'An envelope command with octets beyond ASCII is refused where SMTPUTF8 was not asked for.',
    probe: String.raw`MAIL without SMTPUTF8, and RCPT TO:<p\xc3\xb6stmaster@domain>.`,
    script: {
      from: 'hello',
      steps: [say('MAIL FROM:<{sender}>'), sayIfAccepted('RCPT TO:<p\u{f6}stmaster@{domain}>')],
    },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '5yz' },
      { verdict: 'warn', when: '2yz' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale:
      'A server that takes such an address must hand it on to others that cannot: the message bounces later, or is lost.',
    remedy: {
      general: 'Refuse octets above 127 in MAIL and RCPT of a transaction without SMTPUTF8.',
      postfix: 'strict_smtputf8 = yes.',
    },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerLike(run, /^RCPT /);
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      if (isPositive(reply)) return warn('syntax', said(answer), cite);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt === null && isPermanentNegative(reply)) return pass(said(answer), [cite]);
      return doubt ?? otherAnswer(answer, place);
    },
  }),
];
