// RFC 5321 4.5.1: mail to Postmaster is to be accepted from any other system, and blocked only narrowly.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPermanentNegative, isPositive, type Reply } from '../smtp/reply.js';
import { claimsAttack, classifyReply, type ReplyClass } from '../smtp/reply-class.js';
import { asked, echoOf, openingRepliesOf, type Seen } from './observe.js';
import { contextOf, rcptObservations } from './rcpt-observation.js';
import { T_IO } from './readings.js';
import { CONTROL_RECIPIENT, fillRecipient } from './recipient-template.js';
import { judgeRecipient } from './recipient.js';
import { inconclusive, notApplicable, pass, warn, type Cite, type Finding, type Requirement } from './requirement.js';
import { quoteReply, sessionTrouble } from './session-trouble.js';

const POLICY: ReadonlySet<ReplyClass> = new Set([
  'perm.client-policy',
  'perm.sender-policy',
  'perm.policy-ambiguous',
  'perm.auth',
] satisfies ReplyClass[]);

/** A 5yz by which the host refused us rather than the mailbox, at whichever step. */
interface PolicyRefusal {
  readonly cite: Cite;
  readonly reply: Reply;
  readonly kind: ReplyClass;
  readonly at: string;
}

const OPENING = 'the opening';
const PLAIN = ['Postmaster', 'Postmaster@{domain}'];

/** Refusals by policy: openings, EHLO, MAIL, and RCPT of one of these recipients. */
function policyRefusals(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  recipients: readonly string[],
): readonly PolicyRefusal[] {
  const echo = echoOf(endpoint, evidence);
  const refusals: PolicyRefusal[] = [];
  const note = (seen: Seen<Reply>, step: 'opening' | 'hello' | 'mail' | 'rcpt', at: string): void => {
    // 551 speaks of the recipient, whatever its enhanced status code says.
    if (!isPermanentNegative(seen.what) || (step === 'rcpt' && seen.what.code === 551)) return;
    const kind = classifyReply(seen.what, step, echo);
    if (step === 'opening' || POLICY.has(kind)) refusals.push({ cite: seen.cite, reply: seen.what, kind, at });
  };
  for (const opening of openingRepliesOf(endpoint)) note(opening, 'opening', OPENING);
  for (const seen of asked(endpoint)) {
    if (seen.what.outcome.kind !== 'reply') continue;
    const reply = { ...seen, what: seen.what.outcome.reply };
    if (/^(?:EHLO|HELO) /.test(seen.what.command)) note(reply, 'hello', 'EHLO');
    if (seen.what.command.startsWith('MAIL ')) note(reply, 'mail', 'MAIL');
  }
  const context = contextOf(endpoint, evidence);
  const paths = recipients.map((template) => fillRecipient(template, context));
  for (const { to, rcpt } of rcptObservations(endpoint)) {
    if (paths.includes(to) && rcpt.what.kind === 'reply')
      note({ ...rcpt, what: rcpt.what.reply }, 'rcpt', `RCPT TO:<${to}>`);
  }
  return refusals;
}

function plainFindings(endpoint: EndpointEvidence, evidence: DomainEvidence): readonly Finding[] {
  const templates = evidence.domain === null ? ['Postmaster'] : ['Postmaster@{domain}', 'Postmaster'];
  return templates.map((template) => judgeRecipient(endpoint, evidence, template));
}

function judgeAnySystem(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const plain = plainFindings(endpoint, evidence);
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble?.verdict === 'not-applicable') return trouble;
  if (endpoint.port === 587 || endpoint.port === 465) return notApplicable('a submission port is not for strangers');
  // What is accepted in a session outweighs that another connection was not opened.
  const isOpen = openingRepliesOf(endpoint).some(({ what }) => isPositive(what));
  const [first, ...more] = policyRefusals(endpoint, evidence, PLAIN).filter(({ at }) => !isOpen || at !== OPENING);
  if (first !== undefined) {
    const because = `a stranger on this network was refused at ${first.at}: ${quoteReply(first.reply)}`;
    return warn('client-refused', because, first.cite, ...more.map(({ cite }) => cite));
  }
  const open = plain.find(({ verdict }) => verdict === 'inconclusive');
  if (open?.verdict === 'inconclusive') return inconclusive(open.cause, open.because, open.cites);
  const accepted = plain.filter(({ verdict }) => verdict === 'pass' || verdict === 'warn');
  if (accepted.length === plain.length) {
    return pass(
      'accepted from here with the first sender tried',
      accepted.flatMap(({ cites }) => cites?.slice(0, 1) ?? []),
    );
  }
  return notApplicable('it is the mailbox that is refused, not this client');
}

function judgeBlockingNarrow(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const echo = echoOf(endpoint, evidence);
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble?.verdict === 'not-applicable') return trouble;
  const plain = policyRefusals(endpoint, evidence, PLAIN);
  // The control recipient refused in the same way shows a blanket block, but is none of postmaster by itself; where it
  // is our sender that is refused, it shows nothing more.
  const isOfClient = plain.some(({ kind }) => kind !== 'perm.sender-policy');
  const refusals = isOfClient ? policyRefusals(endpoint, evidence, [...PLAIN, CONTROL_RECIPIENT]) : plain;
  const [first, ...more] = refusals;
  if (first === undefined) {
    return trouble ?? pass('no refusal by policy was seen for postmaster');
  }
  const cites = refusals.map(({ cite }) => cite);
  const attack = refusals.find(({ reply }) => claimsAttack(reply, echo));
  if (attack !== undefined)
    return inconclusive(
      'client-refused',
      `the host speaks of an attack or a limit: ${quoteReply(attack.reply)}`,
      cites,
    );
  if (more.length === 0)
    return inconclusive('client-refused', `refused by policy, seen once: ${quoteReply(first.reply)}`, cites);
  const because = `a polite stranger was refused ${refusals.length} times, with no sign of an attack: ${quoteReply(first.reply)}`;
  return warn('client-refused', because, first.cite, ...more.map(({ cite }) => cite));
}

/** RFC 5321 4.5.1: reachability and blocking. */
export const blocking: readonly Requirement[] = [
  {
    id: 'postmaster.any-system',
    group: 'postmaster',
    title: 'Every reasonable effort to accept postmaster mail',
    short: 'anyone',
    level: 'derived',
    violation: 'warn',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote:
        'SMTP systems are expected to make every reasonable effort to accept mail directed to Postmaster from any other system on the Internet.',
    },
    demand: 'Routine policy against spam does not keep strangers from reaching postmaster.',
    probe: 'Nothing of its own: why postmaster was not accepted from here.',
    readings: [
      { verdict: 'pass', when: 'postmaster is accepted from here with the first sender tried' },
      {
        verdict: 'warn',
        when: 'the opening, EHLO, MAIL or RCPT is refused with 5yz by a policy about this client, our sender, or none that is named',
      },
      { verdict: 'inconclusive', when: 'only 4yz, silence or closes were seen' },
      { verdict: 'not-applicable', when: 'the mailbox itself is refused' },
      ...T_IO,
    ],
    rationale: 'Whoever is blocked by mistake has nobody to write to but postmaster.',
    remedy: {
      general: 'Exempt postmaster from blocklist, PTR, HELO and sender rules; check content later if need be.',
      postfix:
        'Put check_recipient_access with "postmaster@ OK" before reject_rbl_client and its like in smtpd_recipient_restrictions, and keep smtpd_delay_reject = yes.',
      exim: 'Put "accept local_parts = postmaster", with "domains = +local_domains" on a line of its own, before the dnslists and sender conditions of acl_smtp_rcpt, and refuse nothing in acl_smtp_connect or acl_smtp_helo.',
      sendmail: 'FEATURE(`delay_checks\', `friend\') and "Spam:postmaster@ FRIEND" in the access map.',
    },
    retry: ['R1', 'R7'],
    needs: [
      { ask: 'rcpt', to: 'Postmaster@{domain}' },
      { ask: 'rcpt', to: 'Postmaster' },
    ],
    note: 'Never a failure: 4.5.1 allows blocking in extreme cases and 7.9 a general right to refuse.',
    scope: 'endpoint',
    judge: judgeAnySystem,
  },
  {
    id: 'postmaster.blocking-narrow',
    group: 'postmaster',
    title: 'Blocking of postmaster narrowly tailored',
    short: 'narrow',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote:
        'such arrangements SHOULD be narrowly tailored so as to avoid blocking messages that are not part of such attacks.',
    },
    demand: 'Where mail to postmaster is blocked to contain an attack, the block hits the attack only.',
    probe:
      'Nothing of its own: refusals of postmaster by policy, compared with each other and with the control recipient.',
    readings: [
      { verdict: 'pass', when: 'no refusal of postmaster by policy was seen' },
      { verdict: 'warn', when: 'two refusals or more by a general rule, with no sign of an attack' },
      {
        verdict: 'inconclusive',
        when: 'the text claims an attack, a rate limit or a breach, or one refusal only was seen',
      },
      ...T_IO,
    ],
    rationale: 'A block of everybody is no defence against somebody: the false alarm can then not be reported.',
    remedy: {
      general:
        'Limit the block to the attacking addresses and end it with the attack; let postmaster through from everybody else.',
    },
    retry: ['R1', 'R7'],
    needs: [
      { ask: 'rcpt', to: 'Postmaster@{domain}' },
      { ask: 'rcpt', to: 'Postmaster' },
    ],
    note: 'One polite session cannot be part of an attack, so a permanent refusal seen twice is itself a sign of a rule that is not narrow.',
    scope: 'endpoint',
    judge: judgeBlockingNarrow,
  },
];
