// RFC 5321 4.5.1 (end), RFC 1846 4.4, RFC 7504: who need not serve postmaster, and how narrowly it may be blocked.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPermanentNegative, isPositive, type Reply } from '../smtp/reply.js';
import { blamesClient, claimsAttack, classifyReply, type ReplyClass } from '../smtp/reply-class.js';
import { asked, echoOf, openingKind, openingRepliesOf, type Seen } from './observe.js';
import { fillRecipient } from './recipient-template.js';
import { contextOf, rcptObservations } from './rcpt-observation.js';
import { judgeRecipient } from './recipient.js';
import { T_IO } from './readings.js';
import { inconclusive, notApplicable, pass, warn, type Cite, type Finding, type Requirement } from './requirement.js';
import { quoteReply, seconds, sessionTrouble } from './session-trouble.js';

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
  readonly at: string;
}

/** Refusals of postmaster by policy: openings, EHLO, MAIL, and RCPT of one of the plain spellings. */
function policyRefusals(endpoint: EndpointEvidence, evidence: DomainEvidence): readonly PolicyRefusal[] {
  const echo = echoOf(endpoint, evidence);
  const refusals: PolicyRefusal[] = [];
  const note = (seen: Seen<Reply>, step: 'opening' | 'hello' | 'mail' | 'rcpt', at: string): void => {
    if (!isPermanentNegative(seen.what)) return;
    if (step === 'opening' || POLICY.has(classifyReply(seen.what, step, echo)))
      refusals.push({ cite: seen.cite, reply: seen.what, at });
  };
  for (const opening of openingRepliesOf(endpoint)) note(opening, 'opening', 'the opening');
  for (const seen of asked(endpoint)) {
    if (seen.what.outcome.kind !== 'reply') continue;
    const reply = { ...seen, what: seen.what.outcome.reply };
    if (/^(?:EHLO|HELO) /.test(seen.what.command)) note(reply, 'hello', 'EHLO');
    if (seen.what.command.startsWith('MAIL ')) note(reply, 'mail', 'MAIL');
  }
  const context = contextOf(endpoint, evidence);
  const plain = ['Postmaster', 'Postmaster@{domain}'].map((template) => fillRecipient(template, context));
  for (const { to, rcpt } of rcptObservations(endpoint)) {
    if (plain.includes(to) && rcpt.what.kind === 'reply')
      note({ ...rcpt, what: rcpt.what.reply }, 'rcpt', `RCPT TO:<${to}>`);
  }
  return refusals;
}

function judgeAnySystem(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const plain = (evidence.domain === null ? ['Postmaster'] : ['Postmaster@{domain}', 'Postmaster']).map((template) =>
    judgeRecipient(endpoint, evidence, template),
  );
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble?.verdict === 'not-applicable') return trouble;
  const [first, ...more] = policyRefusals(endpoint, evidence);
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
  const refusals = policyRefusals(endpoint, evidence);
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

/** How many openings were seen and how far apart: "always" is a universal claim, so the report says what it rests on. */
function openingCount(endpoint: EndpointEvidence): string {
  const starts = openingRepliesOf(endpoint).map(({ attempt }) =>
    Date.parse(endpoint.attempts[attempt]?.startedAt ?? ''),
  );
  const apart = Math.max(...starts) - Math.min(...starts);
  const count = starts.length === 1 ? 'one opening' : `${starts.length} openings`;
  return starts.length < 2 ? count : `${count}, ${seconds(apart)} apart`;
}

function judgeExemption(endpoint: EndpointEvidence, evidence: DomainEvidence, code: 554 | 521): Finding {
  const openings = openingRepliesOf(endpoint);
  const withCode = openings.filter(({ what }) => what.code === code);
  const cites = openings.map(({ cite }) => cite);
  const [first] = withCode;
  if (first === undefined) {
    if (openings.length > 0) return notApplicable(`no connection was opened with ${code}`, cites);
    return sessionTrouble(endpoint, evidence) ?? inconclusive('not-asked', 'no opening reply was seen');
  }
  const said = quoteReply(first.what);
  switch (openingKind(endpoint, evidence)) {
    case 'always-554':
    case 'always-521':
      return pass(`every connection was opened with ${said} (${openingCount(endpoint)}): exempt`, cites);
    case 'client-refused':
      return inconclusive(
        'client-refused',
        `the opening ${said} names this client: whether it is so for everybody cannot be told from here`,
        cites,
      );
    case 'session':
      return notApplicable(`opened with ${code} once, but not always: the exemption is void`, cites);
    default: {
      const accepted = openings.some(({ what }) => isPositive(what));
      if (accepted) return notApplicable(`opened with ${code} once, but not always: the exemption is void`, cites);
      return inconclusive(
        'cut-off',
        `opened with ${said}, but that it is always so was not shown (${openingCount(endpoint)})`,
        cites,
      );
    }
  }
}

function judge521(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const finding = judgeExemption(endpoint, evidence, 521);
  const blaming = openingRepliesOf(endpoint).find(
    ({ what }) => what.code === 521 && blamesClient(what, echoOf(endpoint, evidence)),
  );
  if (finding.verdict !== 'pass' || blaming === undefined) return finding;
  return inconclusive('client-refused', `521 that names this client: ${quoteReply(blaming.what)}`, [blaming.cite]);
}

/** RFC 5321 4.5.1: exemption and blocking. */
export const exemption: readonly Requirement[] = [
  {
    id: 'postmaster.any-system',
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
      exim: 'Put "accept local_parts = postmaster : domains = +local_domains" before the dnslists and sender conditions of acl_smtp_rcpt, and refuse nothing in acl_smtp_connect or acl_smtp_helo.',
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
  {
    id: 'postmaster.exempt-554',
    title: 'Exemption: server always answers 554',
    short: '554',
    level: 'MAY',
    violation: 'none',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote: 'This postmaster address is not strictly necessary if the server always returns 554 on connection opening',
    },
    demand: 'A server that never opens a session (554 to everyone, every time) needs no postmaster mailbox.',
    probe: 'Two connections to each address that opens with 554; the rows greeting.554-* are asked on the first.',
    readings: [
      { verdict: 'not-applicable', when: 'no connection was opened with 554' },
      {
        verdict: 'pass',
        when: 'every connection, two at least, was opened with 554 for no reason of this client: exempt',
      },
      { verdict: 'inconclusive', when: 'the text names this client, or 554 was seen once only' },
      { verdict: 'not-applicable', when: '554 on some connections and 220 on others: the exemption is void' },
      ...T_IO,
    ],
    rationale:
      'A host that takes no mail has nobody to be postmaster of; calling that a failure is what other tools get wrong.',
    remedy: { general: 'Nothing is wrong. A domain without mail says so better with a Null MX (RFC 7505).' },
    retry: ['R7', 'R3'],
    needs: [],
    note: '"Always" is a universal claim: two openings are the least evidence for it, and the report says how many were seen. The exemption is of this server alone, not of the domain\'s other mail hosts.',
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeExemption(endpoint, evidence, 554),
  },
  {
    id: 'postmaster.exempt-521',
    title: 'Exemption: 521 dummy server',
    short: '521',
    level: 'derived',
    violation: 'none',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 1846',
      section: '4.4',
      quote: 'An SMTP server which sends a 521 greeting message IS NOT subject to the postmaster requirement',
    },
    demand: 'A 521 host accepts no mail at all and therefore needs no postmaster.',
    probe: 'Two connections to each address that opens with 521.',
    readings: [
      { verdict: 'pass', when: '521 on every connection, two at least: exempt' },
      { verdict: 'inconclusive', when: '521 with a text that names this client, or seen once only' },
      { verdict: 'not-applicable', when: 'the host did not open with 521' },
      ...T_IO,
    ],
    rationale: 'RFC 7504 made 521 the code of a host that never accepts mail.',
    remedy: { general: 'Nothing is wrong. A domain without mail says so better with a Null MX (RFC 7505).' },
    retry: [],
    needs: [],
    note: 'RFC 1846 was Experimental and RFC 7504 did not repeat the sentence; a 521 host by definition is no "SMTP server supporting mail relaying or delivery", so it is exempt all the same.',
    scope: 'endpoint',
    judge: judge521,
  },
];
