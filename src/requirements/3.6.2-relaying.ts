// RFC 5321 3.6.2: what a host says to a recipient of somebody else's domain.
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { say, sayIfAccepted } from '../smtp/script.js';
import { echoOf } from './observe.js';
import { T_IO } from './readings.js';
import { inconclusive, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted, type Place } from './scripted-row.js';
import type { ScriptRun } from './script-run.js';
import { quoteReply } from './session-trouble.js';
import { saysNothing } from './script-answers.js';

/** RFC 2606: a domain that is nobody's mail domain, but in the DNS. */
const FOREIGN = 'example.com';

const isOwn = (domain: string | null): boolean => domain === FOREIGN || domain?.endsWith(`.${FOREIGN}`) === true;

function readRelaying(run: ScriptRun, place: Place): Finding | null {
  if (isOwn(place.evidence.domain)) return notApplicable(`${FOREIGN} is the domain asked about`);
  const mail = answerTo(run, 0);
  if (mail === null) return null;
  if (!isPositive(mail.reply)) return doubtAbout(mail.reply, mail.line, mail.cite, place) ?? saysNothing(mail);
  const rcpt = answerTo(run, 1);
  if (rcpt === null || !rcpt.line.startsWith('RCPT')) return null;
  const { reply, line, cite } = rcpt;
  const said = quoteReply(reply);
  if (isPositive(reply))
    return warn(
      'wrong-code',
      `mail for a stranger's domain is taken: an open relay, unless this client is trusted: ${said}`,
      cite,
      mail.cite,
    );
  const doubt = doubtAbout(reply, line, cite, place);
  if (doubt !== null) return doubt;
  if (reply.code === 550) return pass(`answered ${said}`, [cite]);
  if (!isPermanentNegative(reply)) return saysNothing(rcpt);
  const kind = classifyReply(reply, 'rcpt', echoOf(place.endpoint, place.evidence));
  return kind === 'perm.sequence'
    ? inconclusive('out-of-turn', `refused as out of sequence although MAIL was accepted: ${said}`, [cite])
    : warn('wrong-code', `relaying is declined, but not with 550: ${said}`, cite, mail.cite);
}

/** The row of RFC 5321 3.6.2. */
export const relaying: readonly Requirement[] = [
  scripted({
    id: 'rcpt.relay-declined-550',
    group: 'rcpt',
    title: 'Relaying declined with 550',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '3.6.2',
      quote:
        'If it declines to relay mail to a particular address for policy reasons, a 550 response SHOULD be returned.',
    },
    demand: 'A host that does not relay says so with 550.',
    probe: `EHLO, MAIL, RCPT TO:<postmaster-check@${FOREIGN}> and RSET; no message is ever sent.`,
    script: {
      from: 'hello',
      steps: [say('MAIL FROM:<{sender}>'), sayIfAccepted(`RCPT TO:<postmaster-check@${FOREIGN}>`)],
    },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '550' },
      { verdict: 'warn', when: '551, 553, 554 or another 5yz' },
      { verdict: 'warn', when: '2yz: an open relay, unless the host trusts the network of this client' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client or our sender' },
      { verdict: 'not-applicable', when: `the domain asked about is ${FOREIGN} itself` },
      ...T_IO,
    ],
    rationale:
      'Clients take 550 for an answer about the address; an open relay is on the lists of spam sources within days.',
    remedy: {
      general: 'Answer 550 5.7.1 to recipients of domains that are not served.',
      postfix:
        'With reject_unauth_destination the code is that of relay_domains_reject_code, by default 554. Where mail is taken, smtpd_relay_restrictions lets strangers through.',
      exim: 'Where mail is taken: "require message = relay not permitted / domains = +local_domains : +relay_to_domains" is missing in acl_smtp_rcpt.',
    },
    retry: ['R1', 'R3', 'R7'],
    note: 'Postfix answers 454 by default, which leaves it open, and 554 with reject_unauth_destination, which is against the SHOULD and does no harm: a warning. A 2yz is not against RFC 5321; RFC 2505 2.1 demands that relaying can be controlled.',
    read: readRelaying,
  }),
];
