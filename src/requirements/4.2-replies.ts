// RFC 5321 4.2: one reply to a command, three digits in front of it and text behind them.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isDomainSyntax } from '../smtp/address.js';
import { parseEnhancedStatusCode } from '../smtp/reply.js';
import { isAddressLiteral, TEXT_WORD } from './2.3.5-greeting-name.js';
import { SERVER_TIMEOUT_MS } from './openings.js';
import {
  accuse,
  before,
  inTwoSessions,
  judgeForm,
  nothingToJudge,
  placeOf,
  replyLog,
  type SeenFailure,
  type SeenReply,
} from './replies.js';
import { fail, notApplicable, pass, type Finding, type Requirement } from './requirement.js';
import { outcomeTrouble, quoteReply } from './session-trouble.js';

/** 4.5.3.1.4, without CR LF. */
const MAX_LINE_CHARACTERS = 510;

/**
 * A reply that nobody asked for. What a host sends of its own when it shuts down (421) or when we are silent on purpose
 * is none, and neither is one behind a line of ours that may have been read as several (bare LF, NUL, too many octets),
 * or behind STARTTLS in a script, which may have slipped a command in.
 */
function isExtra(seen: SeenReply): boolean {
  if (!seen.isStray || seen.reply.code === 421) return false;
  const { session, cite } = seen;
  const earlier = before(seen);
  const here = cite.kind === 'exchange' ? session.attempt.exchanges[cite.index] : undefined;
  if (here?.act === 'linger' && !earlier.some((exchange) => exchange.act === 'command' && isQuit(exchange.command)))
    return false;
  return earlier.every((exchange) => {
    if (exchange.act === 'handshake') return !session.isScripted;
    if (exchange.act !== 'command') return true;
    return exchange.command.length <= MAX_LINE_CHARACTERS && /^[\x20-\x7e\u{a0}-\u{10ffff}]*$/u.test(exchange.command);
  });
}

const isQuit = (command: string): boolean => /^quit$/i.test(command);

const EXTRA = { verdict: 'fail', cause: 'sequence', what: 'a reply that no command had asked for' } as const;

/** No octet of a reply in all the time that a client must wait. */
const isSilence = ({ outcome, command, session }: SeenFailure): boolean =>
  command !== null &&
  outcome.kind === 'timeout' &&
  outcome.partial === '' &&
  !(session.isScripted && !LEGAL.test(command));

/** What a script says that nobody could refuse to answer. */
const LEGAL = /^(?:(?:EHLO|HELO) [\w.[\]:-]+|MAIL FROM:<[^<>\s]*>|RCPT TO:<[^<>\s]+>|RSET|NOOP)$/;

function judgeOnePerCommand(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const { replies, failures } = replyLog(endpoint);
  const extra = replies.filter(isExtra);
  const [first] = extra;
  if (first !== undefined) {
    const isAgain = inTwoSessions(extra) !== null;
    return accuse(isAgain ? EXTRA : { ...EXTRA, verdict: 'warn' }, extra, first, replies);
  }
  const silences = firstOfEach(failures.filter(isSilence));
  const long = silences.filter(({ outcome }) => outcome.afterMs >= SERVER_TIMEOUT_MS);
  for (const silence of long) {
    const again = long.find((other) => other !== silence && other.command === silence.command);
    if (again === undefined) continue;
    const because = `no reply ${where(silence)} in 5 minutes while the connection stayed open, in 2 sessions`;
    return fail('sequence', because, silence.cite, again.cite);
  }
  const [silence] = silences;
  if (silence !== undefined) return outcomeTrouble(silence.outcome, `the reply ${where(silence)}`, [silence.cite]);
  const paired = replies.filter(({ command, session }) => command !== null && session.isInStep);
  if (paired.length === 0) return nothingToJudge(endpoint, evidence, 'a reply to a command');
  return pass(`${paired.length} commands, each with one reply`);
}

const where = ({ command }: SeenFailure): string => placeOf({ command, isStray: false });

/** Time that runs out for a group runs out for all of its commands: the first is the one without a reply. */
function firstOfEach(silences: readonly SeenFailure[]): readonly SeenFailure[] {
  return silences.filter(
    (one, at) => silences.findIndex(({ session }) => session.number === one.session.number) === at,
  );
}

/** Octets behind a command that begin with no code; an opening of that kind is greeting.present's. */
const isWithoutCode = ({ outcome, command }: SeenFailure): boolean =>
  command !== null && outcome.kind === 'not-a-reply' && outcome.why === 'no-code' && !/^[0-9]{3}-/.test(outcome.raw);

function judgeCodeFormat(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const broken = replyLog(endpoint).failures.find(isWithoutCode);
  if (broken !== undefined)
    return fail('malformed', `what came ${where(broken)} does not begin with a reply code`, broken.cite);
  return judgeForm(
    endpoint,
    evidence,
    {
      verdict: 'fail',
      cause: 'malformed',
      what: 'no space or hyphen behind the code',
      sound: 'three digits and a space or hyphen in front of each',
    },
    ({ reply }) => reply.defects.includes('no-separator'),
  );
}

/** Whether the text begins with a name of the host. */
function beginsWithDomain({ reply }: SeenReply): boolean {
  const [word = ''] = (reply.lines[0] ?? '').trimStart().split(/[\s,;]/, 1);
  return (word.includes('.') && isDomainSyntax(word) && !TEXT_WORD.test(word)) || isAddressLiteral(word);
}

function judgeDomainInText(endpoint: EndpointEvidence): Finding {
  const farewells = replyLog(endpoint).replies.filter(({ reply: { code } }) => code === 221 || code === 421);
  if (farewells.length === 0) return notApplicable('neither 221 nor 421 was said');
  const nameless = farewells.find(
    (seen) => !beginsWithDomain(seen) && parseEnhancedStatusCode(seen.reply.lines[0] ?? '') === null,
  );
  if (nameless === undefined) return pass('221 and 421 begin with a domain or with an enhanced status code');
  return pass(`no domain behind ${nameless.reply.code}, as is usual: ${quoteReply(nameless.reply)}`, [nameless.cite]);
}

/** RFC 5321 4.2, in the order of the catalogue. */
export const replyForm: readonly Requirement[] = [
  {
    id: 'reply.one-per-command',
    group: 'reply',
    title: 'Exactly one reply per command',
    level: 'MUST',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '4.2', quote: 'Every command MUST generate exactly one reply.' },
    demand: 'One command, one reply of one line or several: none is missing, none is extra.',
    probe:
      'Nothing of its own: before each command, and behind a QUIT that did not get 221, for octets nobody asked for.',
    readings: [
      { verdict: 'pass', when: 'as many replies as commands, in the sessions that were kept in step' },
      { verdict: 'fail', when: 'a reply that is not 421 and that no command had asked for, in two sessions' },
      { verdict: 'fail', when: 'no reply to the same legal command for 5 minutes (--rfc-timeouts), in two sessions' },
      { verdict: 'warn', when: 'an extra reply in one session' },
      {
        verdict: 'inconclusive',
        when: 'no reply in less than 5 minutes, or once only; nothing but sessions that lost step; no command answered',
      },
    ],
    rationale:
      'Behind one reply too many each answer is read as that to the next command: a refused recipient is taken for accepted.',
    remedy: {
      general:
        'Look for a script or filter that writes to the connection itself, and for a text with a line end in it.',
    },
    retry: ['R8', 'R9'],
    needs: [],
    note: 'Not counted: 421, what comes while we are silent on purpose, and anything behind a line of ours that breaks the rules for lines.',
    scope: 'endpoint',
    judge: judgeOnePerCommand,
  },
  {
    id: 'reply.code-format',
    group: 'reply',
    title: 'Three-digit code then space, hyphen or end of line',
    level: 'derived',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.2',
      quote:
        'An SMTP reply consists of a three digit number (transmitted as three numeric characters) followed by some text',
    },
    demand: 'A reply begins with three digits, and a space, a hyphen or the end of the line behind them.',
    probe: 'Nothing of its own: every reply of every session of the run.',
    readings: [
      { verdict: 'pass', when: 'every reply begins so' },
      { verdict: 'fail', when: 'fewer or more digits, letters, a blank in front, or text right behind the code' },
      { verdict: 'inconclusive', when: 'no reply was seen' },
    ],
    rationale: 'Clients read three digits and the octet behind them; what is written otherwise ends the session.',
    remedy: { general: 'Let the mail server write the code, and give scripts and filters the text alone to write.' },
    retry: [],
    needs: [],
    note: 'An opening that is no reply at all is judged by greeting.present, a line without a code within a reply by reply.multiline-format.',
    scope: 'endpoint',
    judge: judgeCodeFormat,
  },
  {
    id: 'reply.text-present',
    group: 'reply',
    title: 'Replies carry text',
    level: 'SHOULD NOT',
    violation: 'warn',
    tier: 'session',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '4.2', quote: 'senders SHOULD NOT send bare codes' },
    demand: 'A reply does not consist of the number alone.',
    probe: 'Nothing of its own: every reply of every session of the run.',
    readings: [
      { verdict: 'pass', when: 'every reply has text' },
      { verdict: 'warn', when: 'a code with nothing behind it, or with blanks only' },
      { verdict: 'inconclusive', when: 'no reply was seen' },
    ],
    rationale: 'The text of a refusal is what the sender of a mail gets to read; without it the bounce says nothing.',
    remedy: { general: 'Give each reply a text, above all refusals: who refuses, why, and where to ask.' },
    retry: [],
    needs: [],
    note: 'The senders that are meant are those of replies; clients must accept bare codes.',
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      judgeForm(
        endpoint,
        evidence,
        { verdict: 'warn', cause: 'malformed', what: 'a code without text', sound: 'each with text' },
        ({ reply }) => reply.lines.every((line) => line.trim() === ''),
      ),
  },
  {
    id: 'reply.221-421-domain',
    group: 'reply',
    title: '220/221/421 text starts with the domain',
    level: 'derived',
    violation: 'none',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.2',
      quote:
        'the 220, 221, 251, 421, and 551 reply codes are associated with message text that must be parsed and interpreted by machines.',
    },
    demand: 'The text of 221 and 421 begins with the domain of the server.',
    probe: 'Nothing of its own: every 221 and 421 of the run.',
    readings: [
      { verdict: 'pass', when: 'a domain or address literal in front, or an enhanced status code in its place' },
      { verdict: 'pass', when: 'neither, as in "221 Bye": the report says so, and it is no violation' },
      { verdict: 'not-applicable', when: 'neither 221 nor 421 was said' },
    ],
    rationale: 'In the log of a sender the name tells which of many hosts behind one address closed the session.',
    remedy: { general: 'Nothing needs to change; where the text can be set, put the name of the host in front.' },
    retry: [],
    needs: [],
    note: '"221 2.0.0 Bye" is said nearly everywhere. The domain behind 220 is judged by greeting.syntax.',
    scope: 'endpoint',
    judge: judgeDomainInText,
  },
];
