// RFC 5321 3.5.2: EXPN. What a list discloses about its members stays in the evidence: no finding repeats it.
import { isPermanentNegative, isPositive, type Reply } from '../smtp/reply.js';
import { T_IO } from './readings.js';
import { fail, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';
import { saysNothing } from './script-answers.js';
import { EXPN_POSTMASTER } from './verification-replies.js';

/** A reply to EXPN for people: what a positive one lists is nobody's business. */
function toldOf(reply: Reply): string {
  if (!isPositive(reply)) return quoteReply(reply);
  const { length } = reply.lines;
  return `${reply.code}, in ${length === 1 ? 'one line' : `${length} lines`}`;
}

/** RFC 5321 3.5.2, in the order of its text. */
export const expansion: readonly Requirement[] = [
  scripted({
    id: 'expn.supported',
    group: 'vrfy',
    title: 'EXPN supported',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '3.5.2',
      quote: 'Server implementations SHOULD support both VRFY and EXPN.',
    },
    demand: 'EXPN is there, or refused as turned off.',
    probe: 'EHLO and EXPN postmaster. Reports do not show what it lists.',
    script: EXPN_POSTMASTER,
    errors: 1,
    readings: [
      { verdict: 'pass', when: '250, 252 or 550' },
      { verdict: 'warn', when: '500, 502 or 504' },
      { verdict: 'inconclusive', when: '4yz, another 5yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale: 'EXPN shows where the mail of an alias ends, which helps where mail for postmaster goes astray.',
    remedy: {
      general:
        'Answer EXPN, if only to those who may know the members; 3.5.2 and 7.3 allow to turn it off, and nobody else is harmed by that.',
      exim: 'Set acl_smtp_expn to an ACL that accepts those who may ask; others get 550.',
      sendmail: 'Take noexpn and goaway out of PrivacyOptions.',
    },
    retry: ['R3', 'R8'],
    note: 'Postfix has no EXPN and answers 500 or 502: the SHOULD is broken, and the row warns.',
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      if (reply.code === 250 || reply.code === 252 || reply.code === 550)
        return pass(`answered ${toldOf(reply)}`, [cite]);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null) return doubt;
      if (reply.code === 500 || reply.code === 502 || reply.code === 504)
        return warn('wrong-code', `EXPN is not there: ${toldOf(reply)}`, cite);
      return isPositive(reply)
        ? pass(`answered ${toldOf(reply)}, a code that EXPN does not have`, [cite])
        : saysNothing(answer);
    },
  }),
  scripted({
    id: 'expn.listed',
    group: 'vrfy',
    title: 'EXPN listed in EHLO when supported',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '3.5.2',
      quote: 'if EXPN is supported, it MUST be listed as a service extension in an EHLO response.',
    },
    demand: 'A host that expands names says so in its EHLO reply.',
    probe: 'EHLO and EXPN postmaster. Reports do not show what it lists.',
    script: EXPN_POSTMASTER,
    errors: 1,
    readings: [
      { verdict: 'pass', when: '252 or 5yz: EXPN does not work, and is not listed' },
      { verdict: 'fail', when: '250, twice, although the EHLO reply does not list EXPN' },
      { verdict: 'not-applicable', when: 'EXPN is listed, or the session began with HELO' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale: 'An administrator who does not see EXPN in the list does not know what the host tells to strangers.',
    remedy: {
      general: 'Turn EXPN off, or list it.',
      exim: 'Exim lists EXPN to those for whom acl_smtp_expn is set; leave that unset to turn it off.',
      sendmail: 'PrivacyOptions=noexpn turns EXPN off and takes it from the list.',
    },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, line, cite } = answer;
      if (run.keywords === null) return notApplicable('the session began with HELO, which lists nothing', [cite]);
      if (run.keywords.has('EXPN')) return notApplicable('EXPN is listed', [cite]);
      if (reply.code === 250)
        return fail('wrong-code', `EXPN works although it is not listed: answered ${toldOf(reply)}`, cite);
      if (reply.code === 252) return pass(`EXPN tells nothing: answered ${toldOf(reply)}`, [cite]);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null) return reply.code === 550 ? pass(`EXPN is refused: ${toldOf(reply)}`, [cite]) : doubt;
      if (isPermanentNegative(reply)) return pass(`EXPN does not work: ${toldOf(reply)}`, [cite]);
      return isPositive(reply)
        ? pass(`answered ${toldOf(reply)}, a code that EXPN does not have`, [cite])
        : saysNothing(answer);
    },
  }),
];
