// Postmaster in other places: other domains of the host, its own name, its address, a HELO session, the submission port.
// None of these decides the default profile's headline.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { followLookup } from '../smtp/mail-route.js';
import { isPositive } from '../smtp/reply.js';
import { contextOf, rcptObservations } from './rcpt-observation.js';
import { judgeRecipient } from './recipient.js';
import { T_IO, T_RCPT } from './readings.js';
import { inconclusive, notApplicable, pass, warn, type Finding, type Remedy, type Requirement } from './requirement.js';
import { sessionTrouble } from './session-trouble.js';

function judgeHostName(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  if (evidence.route.kind === 'given') return notApplicable('the mail host was given, its DNS was not asked');
  const mx = followLookup(endpoint.host, 'MX', evidence.dns);
  if (mx.kind === 'unasked' || mx.kind === 'failed')
    return inconclusive('not-asked', 'whether the host name routes here was not asked');
  const routesHere =
    mx.kind === 'no-data' ||
    (mx.kind === 'found' && mx.records.some((record) => record.type === 'MX' && record.exchange === endpoint.host));
  if (!routesHere) return notApplicable('mail for the host name goes elsewhere');
  const finding = judgeRecipient(endpoint, evidence, 'Postmaster@{host}');
  if (finding.verdict !== 'fail') return finding;
  // Serving its own name is not required of a host: 4.5.1 binds the domains that it serves.
  if (finding.cause === 'no-mailbox') return warn('no-mailbox', finding.because, ...finding.cites);
  return notApplicable(`the host does not serve its own name: ${finding.because}`, finding.cites);
}

function judgeServedDomains(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const { served } = contextOf(endpoint, evidence);
  if (served.length === 0) return notApplicable('no other domain of this host was named with --host');
  const findings = served.map((domain) => ({
    domain,
    finding: judgeRecipient(endpoint, evidence, `Postmaster@${domain}`),
  }));
  const worst = (['fail', 'inconclusive', 'warn', 'not-applicable'] as const)
    .map((verdict) => findings.find(({ finding }) => finding.verdict === verdict))
    .find((one) => one !== undefined);
  if (worst === undefined)
    return pass(
      `accepted at ${served.join(', ')}`,
      findings.flatMap(({ finding }) => finding.cites ?? []),
    );
  return { ...worst.finding, because: `Postmaster@${worst.domain}: ${worst.finding.because}` };
}

function judgeLiteral(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const finding = judgeRecipient(endpoint, evidence, 'Postmaster@{literal}');
  return finding.verdict === 'fail' ? warn(finding.cause, finding.because, ...finding.cites) : finding;
}

/** In a HELO session, on a connection of its own or where EHLO was refused. */
function judgeHelo(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble?.verdict === 'not-applicable') return trouble;
  const attempts = endpoint.attempts.filter(({ exchanges }) =>
    exchanges.some(
      (one) =>
        one.act === 'command' &&
        one.command.startsWith('HELO ') &&
        one.outcome.kind === 'reply' &&
        isPositive(one.outcome.reply),
    ),
  );
  if (attempts.length === 0) return inconclusive('not-asked', 'no HELO session came about');
  const numbers = attempts.map((attempt) => endpoint.attempts.indexOf(attempt));
  const seen = rcptObservations(endpoint).find(
    ({ attempt, to }) => numbers.includes(attempt) && /^Postmaster(?:@|$)/.test(to),
  );
  if (seen === undefined) return inconclusive('not-asked', 'no recipient was asked for after HELO');
  const alone: EndpointEvidence = {
    ...endpoint,
    attempts: endpoint.attempts.map((one, at) => (numbers.includes(at) ? one : { ...one, exchanges: [] })),
  };
  return judgeRecipient(alone, evidence, seen.to.includes('@') ? 'Postmaster@{domain}' : 'Postmaster');
}

function judgeSubmission(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  if (endpoint.port !== 587) return notApplicable('not the submission port');
  const finding = judgeRecipient(endpoint, evidence, evidence.domain === null ? 'Postmaster' : 'Postmaster@{domain}');
  if (finding.verdict === 'inconclusive') return finding;
  return pass('a submission server may take it or demand authentication', finding.cites ?? []);
}

const SERVED_REMEDY: Remedy = {
  general: 'Give every domain that the host takes mail for a postmaster, best by one rule for all domains.',
  postfix: String.raw`A regexp table in virtual_alias_maps, for your own domains only: /^postmaster@(a\.example|b\.example)$/ admin@example.org`,
  exim: 'A redirect router with local_parts = postmaster and domains = +local_domains before the routers of the domains.',
};

/** Rows about postmaster outside the core. */
export const postmasterPlaces: readonly Requirement[] = [
  {
    id: 'postmaster.domain-case',
    group: 'postmaster',
    title: 'Domain part matched case-insensitively',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '2.4',
      quote: 'Mailbox domains follow normal DNS rules and are hence not case sensitive.',
    },
    demand: 'Upper-casing the domain does not change the answer for postmaster.',
    probe: 'RCPT TO:<Postmaster@DOMAIN>, the domain in capitals.',
    readings: [{ verdict: 'not-applicable', when: 'postmaster.domain does not pass' }, ...T_RCPT],
    rationale: 'Names in DNS have no case, and mail programs preserve whatever was typed.',
    remedy: {
      general: 'Compare domains without regard to case; fold keys and query to lower case in SQL or LDAP tables.',
    },
    retry: ['R8'],
    needs: [
      { ask: 'rcpt', to: 'Postmaster@{domain}' },
      { ask: 'rcpt', to: 'Postmaster@{DOMAIN}' },
    ],
    scope: 'endpoint',
    judge: (endpoint, evidence) => {
      const plain = judgeRecipient(endpoint, evidence, 'Postmaster@{domain}');
      if (plain.verdict === 'inconclusive') return plain;
      if (plain.verdict !== 'pass') return notApplicable('the plain spelling of the domain is not accepted either');
      return judgeRecipient(endpoint, evidence, 'Postmaster@{DOMAIN}');
    },
  },
  {
    id: 'postmaster.additional-domains',
    group: 'postmaster',
    title: "Postmaster at the server's other domains",
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote:
        'RCPT commands that specify a mailbox for postmaster at any of the domains for which the SMTP server provides mail service',
    },
    demand: 'A host that serves several domains has a postmaster in each of them.',
    probe: 'With --host: RCPT TO:<Postmaster@other-domain> for each other domain that is named with it.',
    readings: [
      { verdict: 'pass', when: 'postmaster is accepted at each of them' },
      { verdict: 'fail', when: 'refused at one of them, as for postmaster.domain' },
      { verdict: 'not-applicable', when: 'no --host, or no other domain was named' },
      ...T_RCPT.filter(({ verdict }) => verdict === 'inconclusive' || verdict === 'warn'),
    ],
    rationale: 'One forgotten domain is one whose abuse nobody hears of.',
    remedy: SERVED_REMEDY,
    retry: ['R1', 'R2', 'R3', 'R8'],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{served}' }],
    note: 'Domains cannot be enumerated from outside: those that a user names with --host are judged. Without --host each domain that is named is looked up and judged for itself.',
    scope: 'endpoint',
    judge: judgeServedDomains,
  },
  {
    id: 'postmaster.mx-hostname',
    group: 'postmaster',
    title: "postmaster at the MX host's own name",
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 822',
      section: '6.3',
      quote: 'a single, reserved mailbox address (local-part) which is to be valid at each site',
    },
    demand: "Postmaster at the mail host's own name works when that name itself routes mail to the host.",
    probe: 'The MX of the host name, and RCPT TO:<Postmaster@host>.',
    readings: [
      { verdict: 'pass', when: '2yz' },
      { verdict: 'not-applicable', when: 'the host does not serve its own name, or its mail goes elsewhere' },
      { verdict: 'warn', when: '5yz no such mailbox: the name is served but has no postmaster' },
      { verdict: 'inconclusive', when: '4yz, or a refusal by policy' },
      ...T_IO,
    ],
    rationale: 'Whoever sees only the host name in a Received line writes there.',
    remedy: SERVED_REMEDY,
    retry: [],
    needs: [
      { ask: 'rcpt', to: 'Postmaster@{host}' },
      { ask: 'dns', what: 'host-mx' },
    ],
    note: 'Never a failure: serving the host name is not required.',
    scope: 'endpoint',
    judge: judgeHostName,
  },
  {
    id: 'postmaster.address-literal',
    group: 'postmaster',
    title: 'postmaster@[own IP] accepted',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 1123',
      section: '5.2.17',
      quote: 'An SMTP MUST accept and recognize a domain literal for any of its own IP addresses.',
    },
    demand: 'A server recognises an address literal of one of its own addresses as local.',
    probe: 'RCPT TO:<Postmaster@[192.0.2.1]>, the address connected to.',
    readings: [
      { verdict: 'pass', when: '2yz' },
      { verdict: 'warn', when: '5yz of any kind' },
      { verdict: 'inconclusive', when: '4yz, or a refusal by policy' },
      ...T_IO,
    ],
    rationale: 'It is the address that needs no DNS at all.',
    remedy: {
      general: 'Treat a literal of an own address as a local domain.',
      postfix:
        'inet_interfaces and proxy_interfaces list the addresses that are its own; [ip] of one of them is local.',
      exim: 'allow_domain_literals = true and @[] in local_domains.',
    },
    retry: ['R8'],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{literal}' }],
    note: 'A MUST of RFC 1123, whose mail part RFC 5321 replaces; NAT hides addresses. So it warns at most.',
    scope: 'endpoint',
    judge: judgeLiteral,
  },
  {
    id: 'postmaster.helo-session',
    group: 'postmaster',
    title: 'Postmaster accepted in a HELO session',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '2.2.1',
      quote: 'SMTP clients and servers MUST support the original HELO mechanisms as a fallback.',
    },
    demand: 'Reaching postmaster does not depend on ESMTP.',
    probe: 'On a connection of its own: HELO, MAIL FROM:<>, RCPT TO:<Postmaster@domain>.',
    readings: T_RCPT,
    rationale: 'Old devices and small scripts still say HELO, and they are what breaks.',
    remedy: { general: 'Apply the same rules after HELO as after EHLO.' },
    retry: ['R8'],
    needs: [{ ask: 'helo-session' }],
    note: "HELO takes a domain only: a refusal of an address literal there is ours, not the host's (inconclusive).",
    scope: 'endpoint',
    judge: judgeHelo,
  },
  {
    id: 'postmaster.submission',
    group: 'postmaster',
    title: 'Postmaster without AUTH at the submission port',
    level: 'MAY',
    violation: 'none',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 6409',
      section: '6.4',
      quote: 'the MSA MAY permit a reduced degree of authentication for mail addressed to the "postmaster"',
    },
    demand: 'A submission server may, but need not, take postmaster mail from unauthenticated users.',
    probe: 'With --port 587: MAIL FROM:<> and RCPT TO:<Postmaster@domain> without AUTH.',
    readings: [
      { verdict: 'pass', when: 'accepted, or authentication demanded: either is allowed' },
      { verdict: 'inconclusive', when: '4yz' },
      { verdict: 'not-applicable', when: 'not port 587' },
      ...T_IO,
    ],
    rationale: 'A user who cannot log in may want to say so.',
    remedy: { general: 'Nothing is wrong either way.' },
    retry: [],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{domain}' }],
    note: 'RFC 5321 4.5.1 binds servers that relay or deliver; a submission server never fails a postmaster row.',
    scope: 'endpoint',
    judge: judgeSubmission,
  },
];
