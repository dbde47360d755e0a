// RFC 2142: the mailboxes that go with a role or a service, one row each.
//
// Decided here: the RFC has no MUST for them and ties each to a service, so a missing one warns at most. Names of business
// and of services that few offer are asked for only where the user names the row: nothing else says that there is such
// a service. The organisation's own top-level domain is what binds (section 2); which that is the user knows.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { T_IO } from './readings.js';
import { judgeRecipient } from './recipient.js';
import { notApplicable, warn, type Finding, type Need, type Requirement } from './requirement.js';
import { soaOf } from './soa.js';

interface Role {
  readonly name: string;
  readonly section: string;
  readonly quote: string;
  /** Whom the mailbox reaches. */
  readonly who: string;
  readonly rationale: string;
  /** Asked for only where the row is named. */
  readonly isNamed?: true;
  readonly isOfZone?: true;
}

const ROLES: readonly Role[] = [
  {
    name: 'abuse',
    section: '2',
    quote: 'the <ABUSE@COMPANY.COM> address must be valid and supported',
    who: 'those who act when the domain is a nuisance to others',
    rationale:
      'Whoever is flooded from a domain has nobody else to turn to; without an answer the next step is a block.',
  },
  {
    name: 'noc',
    section: '4',
    quote: 'NOC             Network Operations  Network infrastructure',
    who: 'those who run the network',
    rationale: 'A routing fault that others see first is mended sooner where they can say so.',
  },
  {
    name: 'security',
    section: '4',
    quote: 'SECURITY        Network Security    Security bulletins or queries',
    who: 'those who take reports of weaknesses',
    rationale: 'Who finds a hole and cannot tell the owner tells others.',
  },
  {
    name: 'postmaster',
    section: '5',
    quote: 'POSTMASTER     SMTP                [RFC821], [RFC822]',
    who: 'those who run the mail system',
    rationale: 'It is where trouble with the mail of the domain is told; RFC 5321 4.5.1 makes it a MUST.',
  },
  {
    name: 'hostmaster',
    section: '5',
    quote: 'HOSTMASTER     DNS                 [RFC1033-RFC1035]',
    who: 'those who run the zone',
    rationale: 'A broken delegation can only be mended by them, and is seen by others first.',
    isOfZone: true,
  },
  {
    name: 'webmaster',
    section: '5',
    quote: 'WEBMASTER      HTTP                [RFC 2068]',
    who: 'those who run the web server',
    rationale: 'A page that is broken or was tampered with is seen by its readers.',
  },
  {
    name: 'www',
    section: '5',
    quote: 'WWW            HTTP                Synonym for WEBMASTER',
    who: 'those who run the web server',
    rationale: 'It is the other name of webmaster.',
  },
  {
    name: 'usenet',
    section: '5',
    quote: 'USENET         NNTP                [RFC977]',
    who: 'those who run the news server',
    rationale: 'News servers feed each other, and their people must be able to talk.',
    isNamed: true,
  },
  {
    name: 'news',
    section: '5',
    quote: 'NEWS           NNTP                Synonym for USENET',
    who: 'those who run the news server',
    rationale: 'It is the other name of usenet.',
    isNamed: true,
  },
  {
    name: 'uucp',
    section: '5',
    quote: 'UUCP           UUCP                [RFC976]',
    who: 'those who run UUCP',
    rationale: 'UUCP neighbours are configured by hand, on both sides.',
    isNamed: true,
  },
  {
    name: 'ftp',
    section: '5',
    quote: 'FTP            FTP                 [RFC959]',
    who: 'those who run the FTP server',
    rationale: 'Who cannot fetch a file tells them.',
    isNamed: true,
  },
  {
    name: 'info',
    section: '3',
    quote: 'INFO           Marketing           Packaged information about the',
    who: 'those who answer questions about the organisation',
    rationale: 'It is the first guess of a stranger.',
    isNamed: true,
  },
  {
    name: 'marketing',
    section: '3',
    quote: 'MARKETING      Marketing           Product marketing and',
    who: 'those who market what the organisation makes',
    rationale: 'Business contacts guess it.',
    isNamed: true,
  },
  {
    name: 'sales',
    section: '3',
    quote: 'SALES          Sales               Product purchase information',
    who: 'those who sell what the organisation makes',
    rationale: 'Who wants to buy guesses it.',
    isNamed: true,
  },
  {
    name: 'support',
    section: '3',
    quote: 'SUPPORT        Customer Service    Problems with product or',
    who: 'those who help with what the organisation makes',
    rationale: 'Who has a problem guesses it.',
    isNamed: true,
  },
];

/** A missing role mailbox is no violation: what would fail warns. */
export function judgeRole(endpoint: EndpointEvidence, evidence: DomainEvidence, template: string): Finding {
  const finding = judgeRecipient(endpoint, evidence, template);
  if (finding.verdict !== 'fail') return finding;
  const [cite, ...more] = finding.cites;
  return warn(finding.cause, finding.because, cite, ...more);
}

/** The recipient of a role, as template. */
const templateOf = (name: string): string => (name === 'postmaster' ? 'Postmaster@{domain}' : `${name}@{domain}`);

function needsOf({ name, isOfZone }: Role): readonly Need[] {
  const mailbox: Need = { ask: 'rcpt', to: templateOf(name), under: 'apart' };
  return isOfZone === true ? [mailbox, { ask: 'dns', what: 'soa' }] : [mailbox];
}

function judgeZoneRole(endpoint: EndpointEvidence, evidence: DomainEvidence, template: string): Finding {
  const answer = soaOf(evidence);
  if (answer.kind === 'none')
    return notApplicable('the domain is not the top of a zone: it has no SOA record of its own', [
      { kind: 'dns', index: answer.index },
    ]);
  return judgeRole(endpoint, evidence, template);
}

/** The names of the roles that are asked for without being named: lower case. */
export const ORDINARY_ROLES: readonly string[] = ROLES.filter(({ isNamed }) => isNamed !== true).map(
  ({ name }) => name,
);

/** RFC 2142, one row for each mailbox. */
export const roleMailboxes: readonly Requirement[] = ROLES.map((role): Requirement => {
  const { name, section, quote, who, rationale, isNamed, isOfZone } = role;
  const template = templateOf(name);
  return {
    id: `role.${name}`,
    group: 'role',
    title: `${name}@domain`,
    level: 'derived',
    violation: 'warn',
    tier: 'roles',
    safety: 'safe',
    ...(isNamed === true ? { onDemand: 'named' as const } : {}),
    source: { document: 'RFC 2142', section, quote },
    demand: `Mail to ${name} reaches ${who}.`,
    probe: `RCPT TO:<${name}@domain>${isOfZone === true ? ', and the SOA record of the domain' : ''}.`,
    readings: [
      { verdict: 'pass', when: '250 or 251; the evidence is weak where a random recipient is accepted too' },
      { verdict: 'warn', when: 'refused for good: no such mailbox, or mail to it is not taken' },
      { verdict: 'inconclusive', when: '4yz, a refusal by policy, or of our sender' },
      {
        verdict: 'not-applicable',
        when:
          isOfZone === true
            ? 'the domain is not the top of a zone (it has no SOA record)'
            : 'the domain takes no mail at all',
      },
      ...T_IO,
    ],
    rationale,
    remedy: {
      general: `Make ${name} an alias of a mailbox that somebody reads, at every mail host of the domain.`,
      postfix: `Add "${name}: somebody" to the alias map, or ${name}@domain to virtual_alias_maps.`,
      exim: `Add "${name}: somebody" to the alias file.`,
      sendmail: `Add "${name}: somebody" to the alias file and run newaliases.`,
      opensmtpd: `Add "${name}: somebody" to the alias table.`,
      exchange: `Add ${name}@domain as an address of a mailbox or a group.`,
    },
    retry: ['R1', 'R3'],
    needs: needsOf(role),
    ...(section === '2' || section === '4'
      ? {
          note: "RFC 2142 2 asks this of an organisation's top-level domain only: for a subdomain the answer binds nobody.",
        }
      : {}),
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      isOfZone === true ? judgeZoneRole(endpoint, evidence, template) : judgeRole(endpoint, evidence, template),
  };
});
