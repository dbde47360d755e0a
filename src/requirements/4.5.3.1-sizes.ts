// RFC 5321 4.5.3.1: the least that a server must be able to take, of a local-part, a path and a command line.
import { firstDigit, isPermanentNegative, isPositive, type Reply } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { say, sayIfAccepted } from '../smtp/script.js';
import { controlReplies } from './control-recipient.js';
import { echoOf } from './observe.js';
import { closesAnywhere } from './every-session.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, pass, type Finding, type Requirement } from './requirement.js';
import { closedAnywhere } from './script-answers.js';
import { answerTo, doubtAbout, scripted, type Answered, type Place } from './scripted-row.js';
import { linesOfRun, type ScriptRun } from './script-run.js';
import { quoteReply } from './session-trouble.js';
import { saysNothing } from './script-answers.js';

/** 4.5.3.1.1: the longest local-part that every server takes. */
const LONG_LOCAL_PART = 'a'.repeat(64);
/** 4.3.2 speaks of lines shorter than 512 octets: with CR LF this one has 511. */
const LONG_NOOP = `NOOP ${'x'.repeat(504)}`;

const TOO_LONG =
  /\btoo (?:long|large|big)\b|\bexceed\w*\b[^.;]{0,40}\b(?:length|octets|characters|bytes)\b|\b(?:length|line) (?:limit|exceed)|\bmax(?:imum|\.)? (?:\w+ ){0,2}length\b|\blonger than\b/i;

const saysTooLong = ({ lines }: Reply): boolean => TOO_LONG.test(lines.join(' '));

const saysSyntax = ({ enhanced }: Reply): boolean => enhanced === '5.1.3' || enhanced === '5.5.2';

/** The RCPT of a script that is MAIL and RCPT, or why there is none. */
function rcptOf(run: ScriptRun, place: Place): Answered | Finding | null {
  const mail = answerTo(run, 0);
  if (mail === null) return null;
  if (!isPositive(mail.reply)) return doubtAbout(mail.reply, mail.line, mail.cite, place) ?? saysNothing(mail);
  const rcpt = answerTo(run, 1);
  return rcpt === null || !rcpt.line.startsWith('RCPT') ? null : rcpt;
}

/** Codes and enhanced codes that, of a long local-part, speak of its length where a short one gets others. */
const SPEAKS_OF_SYNTAX: ReadonlySet<number> = new Set([500, 501, 552, 553]);
const UNKNOWN_MAILBOX: ReadonlySet<number> = new Set([550, 551]);

function readLocalPart(run: ScriptRun, place: Place): Finding | null {
  const rcpt = rcptOf(run, place);
  if (rcpt === null || 'verdict' in rcpt) return rcpt;
  const { reply, cite } = rcpt;
  const said = quoteReply(reply);
  if (isPositive(reply)) return pass(`accepted: ${said}`, [cite]);
  const doubt = doubtAbout(reply, 'RCPT of a local-part of 64 octets', cite, place);
  if (doubt !== null) return doubt;
  if (!isPermanentNegative(reply)) return saysNothing(rcpt);
  if (saysTooLong(reply)) return fail('syntax', `refused for its length: ${said}`, cite);
  if (!saysSyntax(reply) && !SPEAKS_OF_SYNTAX.has(reply.code)) {
    const kind = classifyReply(reply, 'rcpt', echoOf(place.endpoint, place.evidence));
    return UNKNOWN_MAILBOX.has(reply.code) || kind === 'perm.no-mailbox'
      ? pass(`refused as unknown, not for its length: ${said}`, [cite])
      : inconclusive('client-refused', `refused by a policy that it does not name: ${said}`, [cite]);
  }
  const control = controlReplies(place).filter((one) => firstDigit(one.reply) !== 4);
  const [other] = control;
  if (other === undefined)
    return inconclusive('not-asked', `refused, and what a short unknown local-part gets is not known: ${said}`, [cite]);
  const isAlike = control.some(({ reply: short }) => short.code === reply.code && short.enhanced === reply.enhanced);
  return isAlike
    ? pass(`refused like any unknown local-part: ${said}`, [cite, other.cite])
    : fail('syntax', `refused as no short unknown local-part is: ${said}`, cite, other.cite);
}

/** Whether the words name an unknown domain or relaying where the code, 500 or 501, speaks of syntax. */
function namesDomain(reply: Reply, { endpoint, evidence }: Place): boolean {
  const kind = classifyReply({ ...reply, code: 550 }, 'rcpt', echoOf(endpoint, evidence));
  return reply.enhanced === null && (kind === 'perm.no-domain' || kind === 'perm.relay');
}

function readPath(run: ScriptRun, place: Place): Finding | null {
  const rcpt = rcptOf(run, place);
  if (rcpt === null || 'verdict' in rcpt) return rcpt;
  const { reply, cite } = rcpt;
  const said = quoteReply(reply);
  if (isPositive(reply)) return pass(`accepted: ${said}`, [cite]);
  const doubt = doubtAbout(reply, 'RCPT of a path of 256 octets', cite, place);
  if (doubt !== null) return doubt;
  if (!isPermanentNegative(reply)) return saysNothing(rcpt);
  if (saysTooLong(reply)) return fail('syntax', `refused for its length: ${said}`, cite);
  const kind = classifyReply(reply, 'rcpt', echoOf(place.endpoint, place.evidence));
  if (kind === 'perm.no-domain' || kind === 'perm.relay' || kind === 'perm.no-mailbox' || namesDomain(reply, place))
    return pass(`refused for what it names, not for its length: ${said}`, [cite]);
  if (reply.code === 500 || reply.code === 501) return fail('syntax', `refused as bad syntax: ${said}`, cite);
  return saysSyntax(reply) || kind === 'perm.syntax'
    ? inconclusive('out-of-turn', `refused with words about syntax, but not with its code: ${said}`, [cite])
    : pass(`refused, and not for its length: ${said}`, [cite]);
}

function readCommandLine(run: ScriptRun, place: Place): Finding | null {
  const [line] = linesOfRun(run);
  if (line?.outcome.kind === 'closed') {
    return closesAnywhere(place.endpoint, /^NOOP x+$/)
      ? closedAnywhere({ line: 'NOOP with a long argument', how: 'closed', cite: line.cite })
      : fail('closed-early', 'the host closed the connection over a line of 511 octets', line.cite);
  }
  const answer = answerTo(run, 0);
  if (answer === null) return null;
  const { reply, cite } = answer;
  const said = quoteReply(reply);
  if (isPositive(reply)) return pass(`answered ${said}`, [cite]);
  const doubt = doubtAbout(reply, 'NOOP with a long argument', cite, place);
  if (doubt !== null) return doubt;
  if (!isPermanentNegative(reply)) return saysNothing(answer);
  return saysTooLong(reply)
    ? fail('syntax', `refused for its length: ${said}`, cite)
    : pass(`refused, and not for its length: ${said}`, [cite]);
}

/** RFC 5321 4.3.2 and 4.5.3.1: the sizes of what clients say. */
export const sizes: readonly Requirement[] = [
  scripted({
    id: 'limits.command-line-512',
    group: 'limits',
    title: '512-octet command line accepted',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.3.2',
      quote:
        'producing a "command too long" message for a command line shorter than 512 characters would violate the provisions of Section 4.5.3.1.4.',
    },
    demand: 'A command line of up to 512 octets is taken.',
    probe: 'EHLO and NOOP with an argument of 504 octets: a line of 511 with its CR LF.',
    script: { from: 'hello', steps: [say(LONG_NOOP)] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '250, or 5yz that does not speak of the length' },
      { verdict: 'fail', when: '5yz "line too long", or the connection is closed without 421; each of them twice' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale: 'Long paths and the parameters of extensions make long lines: mail is lost where they are cut.',
    remedy: {
      general: 'Take command lines of 512 octets at least, CR LF included, and more where extensions ask for it.',
      postfix: 'Leave line_length_limit at its default, 2048.',
    },
    retry: ['R3', 'R8'],
    note: 'The sentence is in 4.3.2, the number in 4.5.3.1.4.',
    read: readCommandLine,
  }),
  scripted({
    id: 'limits.local-part-64',
    group: 'limits',
    title: '64-octet local part accepted syntactically',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.5.3.1',
      quote: 'Every implementation MUST be able to receive objects of at least these sizes.',
    },
    demand: 'A local-part of 64 octets is not refused for its length.',
    probe:
      'EHLO, MAIL, RCPT of a local-part of 64 times "a" at the domain, and RSET; the random recipient is compared.',
    script: {
      from: 'hello',
      steps: [say('MAIL FROM:<{sender}>'), sayIfAccepted(`RCPT TO:<${LONG_LOCAL_PART}@{domain}>`)],
    },
    errors: 1,
    needs: [{ ask: 'control' }],
    readings: [
      { verdict: 'pass', when: '2yz, 550 or 551, or what a short unknown local-part is answered too' },
      { verdict: 'fail', when: 'words about its length, twice' },
      {
        verdict: 'fail',
        when: '500, 501, 552, 553, 5.1.3 or 5.5.2, twice, which a short unknown local-part does not get',
      },
      { verdict: 'inconclusive', when: '4yz, 554 or 5.7.x, or the random recipient was not answered' },
      ...T_IO,
    ],
    rationale: 'Addresses made by programs, of mailing lists for one, are often that long.',
    remedy: { general: 'Take local-parts of 64 octets; refuse unknown ones with 550 5.1.1.' },
    retry: ['R1', 'R3', 'R8'],
    note: 'The MUST is in 4.5.3.1, the number in 4.5.3.1.1.',
    read: readLocalPart,
  }),
  scripted({
    id: 'limits.path-256',
    group: 'limits',
    title: '256-octet path accepted syntactically',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.5.3.1.3',
      quote:
        'The maximum total length of a reverse-path or forward-path is 256 octets (including the punctuation and element separators).',
    },
    demand: 'A forward-path of 256 octets is not refused as too long.',
    probe: 'EHLO, MAIL, RCPT of a local-part of 64 octets at a name of 189 octets below the domain, and RSET.',
    script: {
      from: 'hello',
      steps: [say('MAIL FROM:<{sender}>'), sayIfAccepted(`RCPT TO:<${LONG_LOCAL_PART}@{domain:189}>`)],
    },
    errors: 1,
    absent: 'the domain is too long to have such a name below it',
    readings: [
      { verdict: 'pass', when: '2yz, or 5yz for an unknown mailbox or domain, relaying or a policy' },
      { verdict: 'fail', when: '500 or 501, or words about its length; each of them twice' },
      { verdict: 'inconclusive', when: '4yz, words about syntax under another code, or a refusal about this client' },
      ...T_IO,
    ],
    rationale: 'A host that cannot hold a path of this length cannot send bounces to it either.',
    remedy: { general: 'Take paths of 256 octets; refuse unknown ones with 550.' },
    retry: ['R1', 'R3', 'R8'],
    note: 'The MUST is the general sentence of 4.5.3.1: "Every implementation MUST be able to receive objects of at least these sizes." The brackets count: sendmail takes 255 octets with them, one too few.',
    read: readPath,
  }),
];
