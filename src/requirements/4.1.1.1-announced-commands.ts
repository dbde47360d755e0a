// RFC 5321 4.1.1.1 and 4.2.4: what is not required of every server is announced in the EHLO reply where it works, and
// works where it is announced.
import { firstDigit } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { say, type Script } from '../smtp/script.js';
import { echoOf } from './observe.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import type { ScriptRun } from './script-run.js';
import { answerTo, doubtAbout, scriptedParts, type Place, type ScriptPart } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';

type Optional = 'VRFY' | 'HELP' | 'EXPN';

const SCRIPTS = {
  HELP: { from: 'hello', steps: [say('HELP')] },
  VRFY: { from: 'hello', steps: [say('VRFY postmaster')] },
  EXPN: { from: 'hello', steps: [say('EXPN postmaster')] },
} as const satisfies Record<Optional, Script>;

/** One command of a row. EXPN may disclose people: the rows about it ask, in intrusive runs, and here it is only read. */
const part = (
  keyword: Optional,
  read: (keyword: Optional, run: ScriptRun, place: Place) => Finding | null,
): ScriptPart => ({
  script: SCRIPTS[keyword],
  errors: keyword === 'EXPN' ? null : 0,
  read: (run, place) => (run.keywords === null ? NO_EHLO : read(keyword, run, place)),
});

const NO_EHLO = notApplicable('EHLO is not accepted (ehlo.supported judges that)');

function readUnannounced(keyword: Optional, run: ScriptRun, place: Place): Finding | null {
  const answer = answerTo(run, 0);
  if (answer === null) return null;
  const { reply, cite, line } = answer;
  if (run.keywords?.has(keyword) === true) return pass(`${keyword} is announced`, [cite]);
  const because = `${keyword} was answered ${reply.code}, and the EHLO reply does not list it`;
  if (keyword === 'EXPN' && reply.code === 250) return fail('malformed', because, cite);
  if (keyword === 'HELP' && (reply.code === 211 || reply.code === 214)) return warn('malformed', because, cite);
  if (firstDigit(reply) === 2) return pass(`${keyword} was answered ${reply.code}, which tells nothing`, [cite]);
  return doubtAbout(reply, line, cite, place) ?? pass(`${keyword} was answered ${quoteReply(reply)}`, [cite]);
}

function readAnnounced(keyword: Optional, run: ScriptRun, place: Place): Finding | null {
  const answer = answerTo(run, 0);
  if (run.keywords?.has(keyword) !== true) return notApplicable(`${keyword} is not announced`);
  if (answer === null) return null;
  const { reply, cite, line } = answer;
  if (firstDigit(reply) === 2) return pass(`${keyword} is announced, and was answered ${reply.code}`, [cite]);
  const said = `${keyword} is announced, and was answered ${quoteReply(reply)}`;
  const doubt = doubtAbout(reply, line, cite, place);
  if (doubt !== null || firstDigit(reply) !== 5) return doubt;
  if (reply.code === 500 || reply.code === 502) return fail('wrong-code', said, cite);
  const kind = classifyReply(reply, 'other', echoOf(place.endpoint, place.evidence));
  return kind === 'perm.policy-ambiguous' ? inconclusive('client-refused', said, [cite]) : pass(said, [cite]);
}

/** RFC 5321 4.1.1.1 and 4.2.4, as far as commands go. */
export const announcedCommands: readonly Requirement[] = [
  scriptedParts({
    id: 'ehlo.lists-optional-commands',
    group: 'ehlo',
    title: 'Optional commands are announced',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.1',
      quote:
        'The EHLO response MUST contain keywords (and associated parameters if required) for all commands not listed as "required" in Section 4.5.1',
    },
    demand: 'HELP, EXPN and other commands that not every server has stand in the EHLO reply where they work.',
    probe: 'EHLO and HELP; where the rows about EXPN ask for it, EXPN. STARTTLS and ETRN are never tried unannounced.',
    parts: [part('HELP', readUnannounced), part('EXPN', readUnannounced)],
    readings: [
      {
        verdict: 'pass',
        when: 'nothing was seen to work that is not announced; 252 to EXPN is that of a disabled one',
      },
      { verdict: 'fail', when: 'EXPN is answered 250 and not announced, twice' },
      { verdict: 'warn', when: 'HELP is answered 211 or 214 and not announced' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      { verdict: 'not-applicable', when: 'EHLO is not accepted (ehlo.supported judges that)' },
      ...T_IO,
    ],
    rationale: 'A client may use only what is announced: what is hidden helps nobody, or only those who guess.',
    remedy: {
      general: 'Announce the command, or turn it off.',
      sendmail: "define(`confPRIVACY_FLAGS', `noexpn') turns EXPN off.",
      exim: 'Without acl_smtp_expn EXPN is refused.',
    },
    retry: ['R3', 'R8'],
    note: 'HELP that works unannounced is a warning and no more, although the sentence is a MUST: most servers do it.',
  }),
  scriptedParts({
    id: 'ehlo.capabilities-work',
    group: 'ehlo',
    title: 'Announced commands are not answered 500/502',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.2.4',
      quote:
        'Extended SMTP systems MUST NOT list capabilities in response to EHLO for which they will return 502 (or 500) replies.',
    },
    demand: 'What the EHLO reply offers is implemented.',
    probe:
      'EHLO, HELP and VRFY postmaster; where the rows about EXPN ask for it, EXPN. STARTTLS, SIZE and SMTPUTF8 have rows of their own.',
    parts: [part('VRFY', readAnnounced), part('HELP', readAnnounced), part('EXPN', readAnnounced)],
    readings: [
      { verdict: 'pass', when: 'no command that is announced is answered 500 or 502' },
      { verdict: 'fail', when: '500 or 502 to a command that is announced, twice' },
      { verdict: 'inconclusive', when: '4yz, 530, or a policy that refuses it' },
      { verdict: 'not-applicable', when: 'none of these commands is announced, or EHLO is not accepted' },
      ...T_IO,
    ],
    rationale: 'A client that relies on what was offered finds a server that does not know its own commands.',
    remedy: {
      general: 'Take the keyword out of the EHLO reply, or turn the command on.',
      postfix: 'disable_vrfy_command = yes takes VRFY out of the reply as well; so does smtpd_discard_ehlo_keywords.',
      sendmail: 'HELP needs its text: install the file that HELP_FILE names (/etc/mail/helpfile).',
    },
    retry: ['R3', 'R8'],
  }),
];
