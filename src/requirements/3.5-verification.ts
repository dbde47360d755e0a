// RFC 5321 3.5.1 and 3.5.2: what VRFY takes, and what a positive reply to it looks like.
import { isPermanentNegative } from '../smtp/reply.js';
import { T_IO } from './readings.js';
import { fail, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted, type Answered, type Place } from './scripted-row.js';
import type { ScriptRun } from './script-run.js';
import { quoteReply } from './session-trouble.js';
import { saysNothing } from './script-answers.js';
import {
  isBracketed,
  mailboxesIn,
  sourceRouteIn,
  VERIFIES,
  VRFY_POSTMASTER,
  VRFY_QUALIFIED,
} from './verification-replies.js';

const READING_OF_4YZ = { verdict: 'inconclusive', when: '4yz' } as const;

/** Reads a positive reply to VRFY; `codes` are those that the row is about, of others it has nothing to say. */
function readNamed(
  run: ScriptRun,
  place: Place,
  codes: readonly number[],
  read: (answer: Answered) => Finding,
): Finding | null {
  const answer = answerTo(run, 0);
  if (answer === null) return null;
  const { reply, line, cite } = answer;
  const doubt = doubtAbout(reply, line, cite, place);
  // A 551 may refuse us, not the name.
  if (codes.includes(reply.code)) return doubt ?? read(answer);
  return !isPermanentNegative(reply) && doubt !== null
    ? doubt
    : notApplicable(`VRFY named no mailbox: ${quoteReply(reply)}`, [cite]);
}

/** RFC 5321 3.5.1 and 3.5.2, in the order of their text. */
export const verification: readonly Requirement[] = [
  scripted({
    id: 'vrfy.qualified-form',
    group: 'vrfy',
    title: 'VRFY accepts local-part@domain',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.5.1',
      quote: 'SHOULD accept the "local-part@domain" form as a "user name"',
    },
    demand: 'VRFY takes a user name with its domain as well as one without.',
    probe: 'EHLO and VRFY Postmaster@domain.',
    script: VRFY_QUALIFIED,
    errors: 0,
    readings: [
      { verdict: 'pass', when: '250, 251, 252, 550, 551 or 553' },
      { verdict: 'warn', when: '501 or 504' },
      { verdict: 'not-applicable', when: '500 or 502: there is no VRFY, which is vrfy.supported' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale: 'On a host with several domains a user name alone can mean several people.',
    remedy: { general: 'Take the whole mailbox as the argument of VRFY.' },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      const said = quoteReply(reply);
      if (VERIFIES.has(reply.code)) return pass(`answered ${said}`, [cite]);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null) return doubt;
      if (reply.code === 501 || reply.code === 504) return warn('syntax', `refused as bad syntax: ${said}`, cite);
      if (reply.code === 500 || reply.code === 502) return notApplicable(`there is no VRFY: ${said}`, [cite]);
      return saysNothing(answer);
    },
  }),
  scripted({
    id: 'vrfy.250-has-mailbox',
    group: 'vrfy',
    title: 'VRFY 250 contains the mailbox',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.5.2',
      quote: 'the reply MUST include the <Mailbox> name using a "<local-part@domain>" construction',
    },
    demand: 'A positive reply to VRFY names the mailbox, with a fully-qualified domain.',
    probe: 'EHLO and VRFY postmaster, where that is answered 250, 251 or 551.',
    script: VRFY_POSTMASTER,
    errors: 0,
    readings: [
      { verdict: 'pass', when: 'the text has local-part@domain, in pointed brackets or not' },
      { verdict: 'fail', when: '250, 251 or 551 without any mailbox, twice' },
      { verdict: 'warn', when: 'a mailbox at a name of one label, which is no fully-qualified domain' },
      { verdict: 'not-applicable', when: 'another code' },
      READING_OF_4YZ,
      ...T_IO,
    ],
    rationale: 'A 250 that names nobody verifies nothing: the one who asks cannot tell what was found.',
    remedy: {
      general: 'Put the mailbox in the reply, in pointed brackets, or answer 252 where it is not to be told.',
    },
    retry: ['R3', 'R8'],
    note: '3.5.2 lets a server return free-form text in exceptional circumstances; an ordinary VRFY of postmaster is none.',
    read: (run, place) =>
      readNamed(run, place, [250, 251, 551], ({ reply, cite }) => {
        const named = mailboxesIn(reply);
        const said = quoteReply(reply);
        if (named.some(({ isQualified }) => isQualified)) return pass(`the reply names a mailbox: ${said}`, [cite]);
        return named.length > 0
          ? warn('malformed', `the domain of the mailbox is not fully qualified: ${said}`, cite)
          : fail('malformed', `the reply names no mailbox: ${said}`, cite);
      }),
  }),
  scripted({
    id: 'vrfy.brackets',
    group: 'vrfy',
    title: 'VRFY addresses in pointed brackets',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '3.5.2', quote: 'addresses SHOULD appear in pointed brackets.' },
    demand: 'The mailboxes in replies to VRFY and EXPN stand in pointed brackets.',
    probe: 'EHLO and VRFY postmaster, where that is answered 250 or 251.',
    script: VRFY_POSTMASTER,
    errors: 0,
    readings: [
      { verdict: 'pass', when: '<local-part@domain>' },
      { verdict: 'warn', when: 'a mailbox without brackets' },
      { verdict: 'not-applicable', when: 'no mailbox in the reply' },
      READING_OF_4YZ,
      ...T_IO,
    ],
    rationale: 'Programs find the mailbox in the reply by its brackets.',
    remedy: { general: 'Write mailboxes as <local-part@domain> in replies to VRFY and EXPN.' },
    retry: ['R3', 'R8'],
    read: (run, place) =>
      readNamed(run, place, [250, 251], ({ reply, cite }) => {
        if (mailboxesIn(reply).length === 0)
          return notApplicable(`the reply names no mailbox: ${quoteReply(reply)}`, [cite]);
        return isBracketed(reply)
          ? pass(`in pointed brackets: ${quoteReply(reply)}`, [cite])
          : warn('malformed', `a mailbox without pointed brackets: ${quoteReply(reply)}`, cite);
      }),
  }),
  scripted({
    id: 'vrfy.no-source-route',
    group: 'vrfy',
    title: 'VRFY/EXPN never return source routes',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.5.2',
      quote: 'Paths (explicit source routes) MUST NOT be returned by VRFY or EXPN.',
    },
    demand: 'A reply to VRFY never names a mailbox by a source route, <@host:local-part@domain>.',
    probe: 'EHLO and VRFY postmaster, where that is answered 250, 251 or 551.',
    script: VRFY_POSTMASTER,
    errors: 0,
    readings: [
      { verdict: 'pass', when: 'mailboxes, and no source route' },
      { verdict: 'fail', when: '<@host:...> in the reply, twice' },
      { verdict: 'not-applicable', when: 'no mailbox in the reply' },
      READING_OF_4YZ,
      ...T_IO,
    ],
    rationale: 'Source routes are deprecated: hardly any host would take mail for such a path.',
    remedy: { general: 'Return the mailbox that mail is finally delivered to, without a route to it.' },
    retry: ['R3', 'R8'],
    read: (run, place) =>
      readNamed(run, place, [250, 251, 551], ({ reply, cite }) => {
        if (sourceRouteIn(reply) !== null)
          return fail('malformed', `the reply holds a source route: ${quoteReply(reply)}`, cite);
        return mailboxesIn(reply).length === 0
          ? notApplicable(`the reply names no mailbox: ${quoteReply(reply)}`, [cite])
          : pass(`no source route: ${quoteReply(reply)}`, [cite]);
      }),
  }),
];
