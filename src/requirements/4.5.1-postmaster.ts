// RFC 5321 4.5.1, 2.3.5, 4.1.1.3: mail to Postmaster gets in, bare and at the domain, in any letter case.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { fillRecipient } from './recipient-template.js';
import { contextOf } from './rcpt-observation.js';
import { judgeRecipient } from './recipient.js';
import { T_RCPT } from './readings.js';
import {
  fail,
  inconclusive,
  notApplicable,
  pass,
  warn,
  type Finding,
  type Remedy,
  type Requirement,
} from './requirement.js';

const RETRY_ALL = ['R1', 'R2', 'R3', 'R4', 'R8', 'R5', 'R7'] as const;

const BARE_REMEDY: Remedy = {
  general:
    'Accept RCPT TO:<Postmaster> without a domain, in any letter case, before any rule that wants an @, and deliver it to whoever runs the mail system.',
  postfix:
    'Postfix takes bare postmaster by itself and adds $myorigin: look for a check_recipient_access map, policy service or milter that refuses it first, and keep "postmaster: root" in /etc/aliases (newaliases).',
  exim: 'Exim takes bare postmaster by itself and adds qualify_recipient: that domain must be in local_domains, "accept local_parts = postmaster", with "domains = +local_domains" on a line of its own, must stand before the first deny in acl_smtp_rcpt, and /etc/aliases needs "postmaster: root".',
  sendmail:
    'Keep "postmaster: root" in /etc/mail/aliases (newaliases) and refuse nothing without a domain in check_rcpt.',
  opensmtpd:
    'An address without domain is local: "match from any for local action ..." with "postmaster: root" in the alias table.',
  exchange:
    'Set-ReceiveConnector -DefaultDomain example.org adds a domain to bare names; give a mailbox the address postmaster at that domain.',
};

const DOMAIN_REMEDY: Remedy = {
  general:
    'Add the address postmaster@ to every domain that the host takes mail for, as an alias of a mailbox that a person reads.',
  postfix:
    'A domain of mydestination: "postmaster: root" in /etc/aliases (newaliases). A virtual domain: "postmaster@example.org admin@example.org" in virtual_alias_maps (postmap).',
  exim: 'Add postmaster to the alias file that the router of this domain reads, and accept it in acl_smtp_rcpt before verify = recipient and any deny.',
  sendmail:
    'A virtual domain: "postmaster@example.org root" in /etc/mail/virtusertable (makemap hash); a local one: /etc/mail/aliases.',
  opensmtpd: 'Add "postmaster@example.org root" to the virtual table of the action that matches the domain.',
  exchange:
    "Set-Mailbox admin -EmailAddresses @{add='postmaster@example.org'}; a group that takes mail from outside does as well.",
};

const CASE_REMEDY: Remedy = {
  general: 'Match the local-part postmaster without regard to letter case, whatever is done with other local-parts.',
  postfix:
    'Keys of hash and regexp tables fold case by default; a pcre or regexp table with the flag that turns this off, or an SQL query with a binary collation, does not.',
  exim: 'Drop caseful_local_part from the router of this domain, or add a router for postmaster before it; lookups want ${lc:$local_part}.',
  sendmail: 'Remove the flag u from the local mailer, or keep the alias in lower case: alias keys fold case.',
  opensmtpd: 'Local-parts fold case by default; check an external table (SQL, LDAP) for a case-sensitive comparison.',
};

const BARE_VARIANTS = ['postmaster', 'POSTMASTER', 'pOsTmAsTeR'] as const;
const DOMAIN_VARIANTS = ['postmaster@{domain}', 'POSTMASTER@{domain}', 'pOsTmAsTeR@{domain}'] as const;

const SAME_CAUSE = 'no spelling is accepted: see the row of the plain spelling';

/** The rule of the case rows: only a difference between spellings is their business (section 5, item 4). */
function judgeVariants(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  base: string,
  variants: readonly string[],
): Finding {
  const first = judgeRecipient(endpoint, evidence, base);
  if (first.verdict === 'not-applicable') return first;
  const judged = variants.map((template) => ({
    spelling: fillRecipient(template, contextOf(endpoint, evidence)) ?? template,
    finding: judgeRecipient(endpoint, evidence, template),
  }));
  const failed = judged.filter(({ finding }) => finding.verdict === 'fail');
  const accepted = judged.filter(({ finding }) => finding.verdict === 'pass' || finding.verdict === 'warn');
  const baseAccepted = first.verdict === 'pass' || first.verdict === 'warn';
  const spellings = (some: typeof judged): string => some.map(({ spelling }) => `<${spelling}>`).join(', ');

  const bad = failed[0];
  if (bad?.finding.verdict === 'fail') {
    if (baseAccepted || accepted.length > 0) {
      const [cite, ...more] = bad.finding.cites;
      return fail(
        bad.finding.cause,
        `${spellings(failed)} refused, another spelling accepted; ${bad.finding.because}`,
        cite,
        ...more,
      );
    }
    if (first.verdict === 'fail') return notApplicable(SAME_CAUSE, bad.finding.cites);
    return inconclusive(
      'transient-negative',
      `${spellings(failed)} refused, but no spelling was accepted to compare with`,
      bad.finding.cites,
    );
  }
  if (first.verdict === 'fail' && first.cause !== 'flapping' && accepted.length > 0) {
    const [cite, ...more] = first.cites;
    return fail(first.cause, `${spellings(accepted)} accepted, the plain spelling refused`, cite, ...more);
  }
  // Refused as well, though not confirmed alone: nothing that would be another cause.
  const isAlike = judged.every(({ finding }) => finding.verdict === 'inconclusive' && finding.cause === 'out-of-turn');
  if (first.verdict === 'fail' && first.cause !== 'flapping' && isAlike) return notApplicable(SAME_CAUSE, first.cites);
  const open = judged.find(({ finding }) => finding.verdict === 'inconclusive');
  if (open?.finding.verdict === 'inconclusive') {
    return inconclusive(open.finding.cause, `<${open.spelling}>: ${open.finding.because}`, open.finding.cites);
  }
  const odd = judged.find(({ finding }) => finding.verdict === 'warn');
  if (odd?.finding.verdict === 'warn') {
    const [cite, ...more] = odd.finding.cites;
    return warn(odd.finding.cause, odd.finding.because, cite, ...more);
  }
  const passes = judged.flatMap(({ finding }) => (finding.verdict === 'pass' ? [finding] : []));
  if (passes.length === 0)
    return first.verdict === 'inconclusive' ? first : notApplicable('no other spelling could be asked for');
  return pass(
    `accepted as ${spellings(accepted)}`,
    passes.flatMap(({ cites }) => cites.slice(0, 1)),
    passes[0]?.evidence ?? null,
  );
}

/** RFC 5321 4.5.1: the rows that decide. */
export const postmaster: readonly Requirement[] = [
  {
    id: 'postmaster.bare',
    group: 'postmaster',
    title: 'Bare <Postmaster> accepted',
    short: 'bare',
    level: 'MUST',
    violation: 'fail',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote: 'as well as the special case of "RCPT TO:<Postmaster>" (with no domain specification), MUST be supported.',
    },
    demand:
      'A server that relays or delivers mail accepts a recipient that is the single word Postmaster, with no @domain.',
    probe: 'MAIL FROM:<> and RCPT TO:<Postmaster>, the spelling that the RFC prints.',
    readings: T_RCPT,
    rationale:
      'It is the one address that works when the domain itself is what is broken: a stranger who has only an IP address can still tell somebody.',
    remedy: BARE_REMEDY,
    retry: RETRY_ALL,
    needs: [{ ask: 'rcpt', to: 'Postmaster' }],
    note: 'Relaying denied and "need fully-qualified address" fail here: the RFC names this very form (also 2.3.5, 4.1.1.3). Which postmaster gets the mail on a host of many domains is the host\'s choice.',
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeRecipient(endpoint, evidence, 'Postmaster'),
  },
  {
    id: 'postmaster.bare.case-insensitive',
    group: 'postmaster',
    title: 'Bare postmaster in other letter cases',
    short: 'bare-aA',
    level: 'MUST',
    violation: 'fail',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.3',
      quote: 'the "Postmaster" string shown above is treated as case-insensitive.',
    },
    demand: 'The bare form is accepted in any letter case.',
    probe: 'RCPT TO:<postmaster>, RCPT TO:<POSTMASTER>, RCPT TO:<pOsTmAsTeR>, a transaction each.',
    readings: [
      { verdict: 'pass', when: 'every spelling is accepted' },
      { verdict: 'fail', when: 'one spelling is accepted and another refused with 5yz' },
      { verdict: 'not-applicable', when: 'every spelling is refused alike: that is postmaster.bare' },
      ...T_RCPT.filter(({ verdict }) => verdict === 'inconclusive' || verdict === 'warn'),
    ],
    rationale: 'People and programs write it as they like; RFC 822 itself prints poStmASteR.',
    remedy: CASE_REMEDY,
    retry: ['R1', 'R2', 'R3', 'R8'],
    needs: [{ ask: 'rcpt', to: 'Postmaster' }, ...BARE_VARIANTS.map((to) => ({ ask: 'rcpt', to }) as const)],
    note: 'The MUST is that of 4.5.1 ("as a case-insensitive local name"); the quote applies it to the bare form.',
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeVariants(endpoint, evidence, 'Postmaster', BARE_VARIANTS),
  },
  {
    id: 'postmaster.domain',
    group: 'postmaster',
    title: 'Postmaster@domain accepted',
    short: '@dom',
    level: 'MUST',
    violation: 'fail',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote:
        'RCPT commands that specify a mailbox for postmaster at any of the domains for which the SMTP server provides mail service',
    },
    demand: 'For every domain that the server handles mail for, postmaster at that domain is accepted.',
    probe: 'MAIL FROM:<> and RCPT TO:<Postmaster@domain>, always the first recipient asked for.',
    readings: T_RCPT,
    rationale:
      'It is how the rest of the world reports abuse, loops and lost mail to a domain without knowing anybody there.',
    remedy: DOMAIN_REMEDY,
    retry: RETRY_ALL,
    needs: [
      { ask: 'rcpt', to: 'Postmaster@{domain}' },
      { ask: 'rcpt', to: 'Postmaster@{canonical}' },
    ],
    note: 'That the host provides mail service for the domain is established by DNS: a published MX that says "relaying denied" or "unknown domain" fails. At an implicit MX, or for an alias whose canonical name is accepted, nobody promised that and it is inconclusive.',
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeRecipient(endpoint, evidence, 'Postmaster@{domain}'),
  },
  {
    id: 'postmaster.case-insensitive',
    group: 'postmaster',
    title: 'postmaster@domain in other letter cases',
    short: '@dom-aA',
    level: 'MUST',
    violation: 'fail',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote: 'MUST support the reserved mailbox "postmaster" as a case-insensitive local name.',
    },
    demand: 'The local-part postmaster matches regardless of letter case, unlike other local-parts.',
    probe: 'RCPT TO:<postmaster@domain>, RCPT TO:<POSTMASTER@domain>, RCPT TO:<pOsTmAsTeR@domain>, a transaction each.',
    readings: [
      { verdict: 'pass', when: 'every spelling is accepted' },
      { verdict: 'fail', when: 'one spelling is accepted and another refused with 5yz' },
      { verdict: 'not-applicable', when: 'every spelling is refused alike: that is postmaster.domain' },
      ...T_RCPT.filter(({ verdict }) => verdict === 'inconclusive' || verdict === 'warn'),
    ],
    rationale:
      'Postmaster is the one local-part whose case never matters (2.4): a stranger cannot know how it was typed into an alias file.',
    remedy: CASE_REMEDY,
    retry: ['R1', 'R2', 'R3', 'R8'],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{domain}' }, ...DOMAIN_VARIANTS.map((to) => ({ ask: 'rcpt', to }) as const)],
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeVariants(endpoint, evidence, 'Postmaster@{domain}', DOMAIN_VARIANTS),
  },
];
