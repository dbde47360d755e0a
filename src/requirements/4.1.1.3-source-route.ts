// RFC 5321 4.1.1.3: a recipient with a source route before it.
//
// Decided here: the RFC says that source routes must be accepted (4.1.2, F.2) and that they may be declined (3.3,
// 3.6.1). Only a refusal of their syntax violates it.
import { firstDigit, isPermanentNegative, isPositive, type Reply } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { say, sayIfAccepted } from '../smtp/script.js';
import { echoOf } from './observe.js';
import { T_IO } from './readings.js';
import { fail, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerLike, otherAnswer, said } from './script-answers.js';
import { scripted, type Answered, type Place } from './scripted-row.js';

const SYNTAX_CODES: ReadonlySet<number> = new Set([500, 501, 502, 504, 553, 555]);

/** What declines a source route, in words or by its enhanced code: nothing that says so misread it. */
const DECLINES = /\broute|\brouting\b|\brelay|\bpolic|\bdenied|\bprohibit|\bnot (?:allowed|permitted|accepted)\b/i;

const declines = ({ enhanced, lines }: Reply): boolean =>
  enhanced?.startsWith('5.7.') === true || DECLINES.test(lines.join(' ').replaceAll(/<[^<>]*>/g, ' '));

const isSyntaxRefusal = ({ code, enhanced }: Reply): boolean =>
  SYNTAX_CODES.has(code) || (enhanced !== null && /^5\.(?:1\.3$|5\.)/.test(enhanced) && code !== 503);

function readRouted(routed: Answered, plain: Answered, place: Place): Finding {
  const { reply, cite } = routed;
  const because = said(routed);
  if (isPositive(reply)) return pass(because, [cite]);
  if (isPermanentNegative(plain.reply))
    return notApplicable(`without a source route it is refused as well: ${said(plain)}`, [plain.cite]);
  if (firstDigit(reply) !== 5 || !isPositive(plain.reply))
    return otherAnswer(isPositive(plain.reply) ? routed : plain, place);
  if (declines(reply)) return pass(`declined, which is allowed: ${because}`, [cite]);
  const kind = classifyReply(reply, 'rcpt', echoOf(place.endpoint, place.evidence));
  // 553 is said for relaying as well: the words decide.
  if (kind !== 'perm.relay' && isSyntaxRefusal(reply)) return fail('syntax', because, cite, plain.cite);
  switch (kind) {
    case 'perm.no-mailbox':
      return warn('no-mailbox', `${because}; without a source route it is accepted`, cite, plain.cite);
    case 'perm.auth':
    case 'perm.starttls':
    case 'perm.sequence':
      return otherAnswer(routed, place);
    default:
      return pass(`declined, which is allowed: ${because}`, [cite]);
  }
}

/** RFC 5321 4.1.1.3. */
export const sourceRoute: readonly Requirement[] = [
  scripted({
    id: 'postmaster.source-route',
    group: 'postmaster',
    title: 'Source-routed postmaster recognised',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.3',
      quote: 'Receiving systems MUST recognize source route syntax but SHOULD strip off the source route specification',
    },
    demand: 'A source route before a recipient is understood: it is ignored, or the recipient is declined for it.',
    probe: 'RCPT TO:<Postmaster@domain>, and in another transaction RCPT TO:<@mailhost:Postmaster@domain>.',
    script: {
      from: 'hello',
      steps: [
        say('MAIL FROM:<{sender}>'),
        sayIfAccepted('RCPT TO:<Postmaster@{domain}>'),
        say('RSET'),
        say('MAIL FROM:<{sender}>'),
        sayIfAccepted('RCPT TO:<@{route}:Postmaster@{domain}>'),
        say('RSET'),
      ],
    },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '2yz: the route is ignored' },
      { verdict: 'pass', when: '5yz that declines it: 5.7.x, words about relaying or routes, another 550, 551 or 554' },
      { verdict: 'fail', when: '500, 501, 502, 504, 553, 555, 5.1.3 or 5.5.x, twice: the syntax is not understood' },
      { verdict: 'warn', when: 'no such mailbox, although it is accepted without the route' },
      { verdict: 'inconclusive', when: '4yz' },
      {
        verdict: 'not-applicable',
        when: 'refused without a route as well, or the mail host is known by its address only',
      },
      ...T_IO,
    ],
    rationale:
      'Source routes are history, but a server that misreads one may take the route for a part of the mailbox.',
    remedy: {
      general: 'Strip the route, from "@" to ":", before the address is looked up; or refuse it with 550 5.7.1.',
    },
    retry: ['R3', 'R8'],
    note: 'RFC 5321 says both that they must be accepted and that they may be declined: only a refusal of the syntax fails.',
    read(run, place): Finding | null {
      if (place.endpoint.host === place.endpoint.address)
        return notApplicable('the mail host is known by its address only, which no source route can name');
      const plain = answerLike(run, /^RCPT TO:<Postmaster@/);
      const routed = answerLike(run, /^RCPT TO:<@/);
      if (plain === null) return null;
      if (routed === null) return isPositive(plain.reply) ? null : otherAnswer(plain, place);
      return readRouted(routed, plain, place);
    },
  }),
];
