// RFC 5321 4.5.1: the commands that every server has, read from whatever was said in all sessions.
//
// Decided here: a command is missing where it never got anything but a 500 or 502 that does not blame its length, its
// argument or its place, in two sessions. One other reply, of whatever kind, shows that it is known.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import type { Reply } from '../smtp/reply.js';
import { say } from '../smtp/script.js';
import { commandsOf, oneASession } from './every-session.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, pass, type Cite, type Finding, type Need, type Requirement } from './requirement.js';
import { doubtAbout, type Place } from './scripted-row.js';
import { quoteReply, sessionTrouble } from './session-trouble.js';

/** The commands in the forms that a server has to understand; DATA is never said, but where a row about it did. */
const COMMANDS = {
  EHLO: /^EHLO \S+$/,
  HELO: /^HELO \S+$/,
  MAIL: /^MAIL FROM:<[^\s<>]*>$/,
  RCPT: /^RCPT TO:<[^\s<>]+>$/,
  DATA: /^DATA$/,
  RSET: /^RSET$/,
  NOOP: /^NOOP$/,
  QUIT: /^QUIT$/,
  VRFY: /^VRFY \S+$/,
} as const;

const NOT_KNOWN =
  /unrecogni[sz]ed|not recogni[sz]ed|unknown command|not (?:implemented|supported|known)|unsupported|disabled/i;
const OTHER_REASON =
  /\blong\b|\blength\b|syntax|argument|parameter|sequence|\border\b|\bfirst\b|pipelin|synchroni[sz]|too (?:many|early)/i;

/** Whether a reply says that there is no such command. */
function isMissing(reply: Reply, line: string, cite: Cite, place: Place): boolean {
  if (reply.code !== 500 && reply.code !== 502) return false;
  const text = reply.lines.join(' ');
  if (!NOT_KNOWN.test(text) && (OTHER_REASON.test(text) || reply.enhanced === '5.5.4')) return false;
  return doubtAbout(reply, line, cite, place) === null;
}

type Known = 'known' | 'missing' | 'missing-once' | 'untold';

function judgeSet(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const place = { endpoint, evidence };
  const told = Object.entries(COMMANDS).map(([verb, pattern]) => {
    const answers = commandsOf(endpoint).flatMap(({ command, outcome, cite, attempt }) =>
      pattern.test(command) && outcome.kind === 'reply' && outcome.reply.code !== 421
        ? [{ line: command, reply: outcome.reply, cite, attempt }]
        : [],
    );
    const missing = answers.filter(({ reply, line, cite }) => isMissing(reply, line, cite, place));
    const sessions = oneASession(missing);
    let known: Known = answers.length === 0 ? 'untold' : 'known';
    if (missing.length > 0 && missing.length === answers.length)
      known = sessions.length > 1 ? 'missing' : 'missing-once';
    return { verb, known, sessions };
  });

  const missing = told.filter(({ known }) => known === 'missing');
  const [first, ...more] = missing.flatMap(({ sessions }) => sessions.slice(0, 2));
  if (first !== undefined) {
    const because = missing.map(({ verb, sessions }) => `${verb} is not known: ${said(sessions[0])}`).join('; ');
    return fail('wrong-code', because, first.cite, ...more.map(({ cite }) => cite));
  }
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  const once = told.find(({ known }) => known === 'missing-once');
  if (once !== undefined) {
    const cites = once.sessions.map(({ cite }) => cite);
    return inconclusive(
      'out-of-turn',
      `${once.verb} seems to be unknown: ${said(once.sessions[0])}; seen once only`,
      cites,
    );
  }
  // DATA with a recipient would begin a message: nothing says that it is missing.
  const untold = told.filter(({ verb, known }) => known === 'untold' && verb !== 'DATA').map(({ verb }) => verb);
  if (untold.length > 0) return inconclusive('not-asked', `not asked, or not answered: ${untold.join(', ')}`);
  return pass(
    `known: ${told
      .filter(({ known }) => known === 'known')
      .map(({ verb }) => verb)
      .join(', ')}`,
  );
}

const said = (one: { readonly reply: Reply } | undefined): string =>
  one === undefined ? 'no reply' : quoteReply(one.reply);

const script = (line: string): Need => ({ ask: 'script', script: { from: 'hello', steps: [say(line)] }, errors: 0 });

/** RFC 5321 4.5.1, the commands. */
export const minimumSet: readonly Requirement[] = [
  {
    id: 'command.minimum-set',
    group: 'command',
    title: 'Required commands are recognised',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote: 'The following commands MUST be supported to conform to this specification',
    },
    demand: 'EHLO, HELO, MAIL, RCPT, DATA, RSET, NOOP, QUIT and VRFY exist.',
    probe: 'What all sessions got to these commands; NOOP, VRFY and RSET once, and a session that begins with HELO.',
    readings: [
      { verdict: 'pass', when: 'none of them is answered 500 or 502' },
      {
        verdict: 'fail',
        when: 'one of them is answered 500 or 502 in two sessions and never otherwise, and not for its length, argument or place',
      },
      { verdict: 'inconclusive', when: 'one of them was not asked, or 500 or 502 was seen in one session only' },
      ...T_IO,
    ],
    rationale: 'These nine are what a client may count on without asking.',
    remedy: {
      general: 'Turn the commands on again; VRFY may answer 252 to everything, which tells nobody anything.',
      postfix: 'disable_vrfy_command = no.',
    },
    retry: ['R8'],
    needs: [script('VRFY postmaster'), script('NOOP'), script('RSET'), { ask: 'helo-session' }],
    note: 'DATA would begin a message where a recipient was accepted: it counts as known unless a row that says it without one was answered 500 or 502.',
    scope: 'endpoint',
    judge: judgeSet,
  },
];
