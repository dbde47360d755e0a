// RFC 5321 7.3: what VRFY says where a site would rather not tell, and where it knows better.
import { isPermanentNegative, isPositive, isTransientNegative } from '../smtp/reply.js';
import { blamesClient, classifyReply } from '../smtp/reply-class.js';
import { echoOf } from './observe.js';
import { T_IO } from './readings.js';
import { judgeRecipient } from './recipient.js';
import { fail, inconclusive, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted, type Answered, type Place } from './scripted-row.js';
import { runsOf } from './script-run.js';
import { quoteReply } from './session-trouble.js';
import { saysNothing } from './script-answers.js';
import { mailboxesIn, saysDisabled, VRFY_POSTMASTER, VRFY_QUALIFIED } from './verification-replies.js';

const isMissing = ({ reply }: Answered): boolean => reply.code === 500 || reply.code === 502;

/** 3.5.1: an ambiguous name, or one of a list, is there. */
const IS_KNOWN = /\bambiguous\b|\bpossibilities\b|\bmailing list\b/i;

/** What a reply says about the name: `known` where it is not denied, `untold` where the words are about a policy. */
function tells({ reply }: Answered, { endpoint, evidence }: Place): 'known' | 'denied' | 'untold' {
  if (isPositive(reply)) return 'known';
  if (reply.code !== 550 && reply.code !== 551 && reply.code !== 553) return 'untold';
  if (IS_KNOWN.test(reply.lines.join(' ')) || (reply.code === 553 && mailboxesIn(reply).length > 1)) return 'known';
  const kind = classifyReply(reply, 'rcpt', echoOf(endpoint, evidence));
  return kind === 'perm.no-mailbox' || kind === 'perm.no-domain' || kind === 'perm.relay' ? 'denied' : 'untold';
}

/** The answer to VRFY of the mailbox with its domain, where there was one. */
function qualifiedAnswer({ endpoint, evidence }: Place): Answered | null {
  const run = (runsOf(VRFY_QUALIFIED, endpoint, evidence) ?? []).findLast((one) => answerTo(one, 0) !== null);
  return run === undefined ? null : answerTo(run, 0);
}

function judgeDenial(answer: Answered, place: Place): Finding {
  const { reply, cite } = answer;
  const said = quoteReply(reply);
  const template = place.evidence.domain === null ? 'Postmaster' : 'Postmaster@{domain}';
  const rcpt = judgeRecipient(place.endpoint, place.evidence, template);
  const cites = [cite, ...(rcpt.cites ?? [])] as const;
  switch (rcpt.verdict) {
    case 'pass':
    case 'warn':
      return warn('no-mailbox', `VRFY denies what RCPT accepts: ${said}`, ...cites);
    case 'inconclusive':
      return inconclusive(rcpt.cause, `VRFY denies it, and of RCPT nothing is known (${rcpt.because}): ${said}`, cites);
    default:
      return notApplicable(`postmaster is not accepted, and VRFY says so: ${said}`, cites);
  }
}

/** RFC 5321 7.3, in the order of its text. */
export const verificationSecurity: readonly Requirement[] = [
  scripted({
    id: 'vrfy.disabled-252',
    group: 'vrfy',
    title: 'Disabled VRFY answers 252',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '7.3',
      quote:
        'the SMTP server MUST return a 252 response, rather than a code that could be confused with successful or unsuccessful verification.',
    },
    demand: 'Where VRFY is turned off it is answered 252.',
    probe: 'EHLO and VRFY postmaster.',
    script: VRFY_POSTMASTER,
    errors: 0,
    readings: [
      { verdict: 'pass', when: '252, or 250, 251, 550, 551 or 553 about the name' },
      { verdict: 'fail', when: 'another code with words that VRFY is disabled, prohibited or not allowed, twice' },
      { verdict: 'not-applicable', when: '500, 502 or another 5yz without such words: that is vrfy.supported' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale: 'A 550 or 502 reads as if the mailbox were unknown, or the server broken; 252 says: send, and see.',
    remedy: {
      general: 'Answer 252 to VRFY where it is turned off.',
      postfix: 'disable_vrfy_command=yes answers 502: leave it at no, and VRFY tells no more than RCPT does.',
      exim: 'Leave acl_smtp_vrfy unset: then VRFY is answered 252.',
      sendmail: 'PrivacyOptions=novrfy answers 252.',
    },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      const said = quoteReply(reply);
      if (reply.code === 252) return pass(`answered ${said}`, [cite]);
      const doubt = doubtAbout(reply, line, cite, place);
      if (isPositive(reply) || isPermanentNegative(reply)) {
        if (saysDisabled(reply)) {
          const isAboutUs = reply.code === 530 || blamesClient(reply, echoOf(place.endpoint, place.evidence));
          if (isAboutUs) return doubt ?? inconclusive('client-refused', `VRFY is refused to us: ${said}`, [cite]);
          return fail('wrong-code', `VRFY is turned off, and that is not answered 252: ${said}`, cite);
        }
        if (isPositive(reply) || reply.code === 550 || reply.code === 551 || reply.code === 553)
          return doubt ?? pass(`answered about the name: ${said}`, [cite]);
      }
      if (doubt !== null) return doubt;
      return isPermanentNegative(reply)
        ? notApplicable(`no word of VRFY being turned off: ${said}`, [cite])
        : saysNothing(answer);
    },
  }),
  scripted({
    id: 'postmaster.vrfy',
    group: 'vrfy',
    title: 'VRFY does not deny postmaster',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '7.3',
      quote:
        'an implementation that "supports" VRFY by always returning 550 whether or not the address is valid is equally not in conformance.',
    },
    demand: 'VRFY does not say that there is no postmaster where RCPT accepts it.',
    probe: 'EHLO, VRFY postmaster and VRFY Postmaster@domain, which are compared with what RCPT was answered.',
    script: VRFY_POSTMASTER,
    errors: 0,
    needs: [
      { ask: 'script', script: VRFY_QUALIFIED, errors: 0 },
      { ask: 'rcpt', to: 'Postmaster@{domain}' },
      { ask: 'rcpt', to: 'Postmaster' },
    ],
    readings: [
      { verdict: 'pass', when: '250, 251 or 252, and no denial' },
      { verdict: 'warn', when: '550, 551 or 553 for an unknown name, while RCPT accepts postmaster' },
      { verdict: 'pass', when: '553 for an ambiguous name, 550 for one of a list: the name is there' },
      { verdict: 'not-applicable', when: '500, 502 or VRFY turned off: vrfy.supported and vrfy.disabled-252 judge it' },
      { verdict: 'not-applicable', when: 'RCPT does not accept postmaster either' },
      { verdict: 'inconclusive', when: '4yz, or 5yz by a policy' },
      ...T_IO,
    ],
    rationale: 'Whoever looks for the one responsible asks VRFY first, and is told that there is nobody.',
    remedy: {
      general: 'Let VRFY use the same tables of users and aliases as RCPT, or answer 252.',
      postfix: 'VRFY goes by the smtpd_recipient_restrictions: mend what refuses postmaster there.',
    },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const bare = answerTo(run, 0);
      if (bare === null) return null;
      const qualified = qualifiedAnswer(place);
      const answers = qualified === null ? [bare] : [bare, qualified];
      const open = answers.find(({ reply }) => isTransientNegative(reply));
      if (open !== undefined) return doubtAbout(open.reply, open.line, open.cite, place);
      const telling = answers.filter(
        (answer) => isPositive(answer.reply) || (!isMissing(answer) && !saysDisabled(answer.reply)),
      );
      const denial = telling.find((answer) => tells(answer, place) === 'denied');
      if (denial !== undefined) return judgeDenial(denial, place);
      const known = telling.find((answer) => tells(answer, place) === 'known');
      if (known !== undefined) {
        const cites = answers.map(({ cite }) => cite);
        return pass(`not denied: ${quoteReply(known.reply)}`, [
          known.cite,
          ...cites.filter((cite) => cite !== known.cite),
        ]);
      }
      const [first] = telling;
      if (first === undefined) return notApplicable(`VRFY is not to be had: ${quoteReply(bare.reply)}`, [bare.cite]);
      return doubtAbout(first.reply, first.line, first.cite, place) ?? saysNothing(first);
    },
  }),
];
