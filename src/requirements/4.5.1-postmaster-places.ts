// Postmaster in other places and other words: the null reverse-path, other domains of the host, its own name, its
// address, IDN, a HELO session, the submission port. None of these decides the default profile's headline.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { followLookup } from '../smtp/mail-route.js';
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { blamesNullSender, classifyReply } from '../smtp/reply-class.js';
import { asked, echoOf } from './observe.js';
import { fillRecipient } from './recipient-template.js';
import { contextOf, judgeRecipient, rcptObservations } from './recipient.js';
import { T_IO, T_RCPT } from './readings.js';
import { fail, inconclusive, notApplicable, pass, warn, type Finding, type Remedy, type Requirement } from './requirement.js';
import { quoteReply, sessionTrouble } from './session-trouble.js';

const NULL_SENDER_REMEDY: Remedy = {
  general: 'Accept MAIL FROM:<> always; bounces and other notifications have no other sender. Filter on content, not on the empty sender.',
  postfix: 'Remove the "<>" entry from check_sender_access (smtpd_null_access_lookup_key), and restrictions that reject it.',
  exim: 'Remove "deny senders = :" and its like from the ACLs.',
  sendmail: 'Remove the rule for the empty sender from Local_check_mail.',
  opensmtpd: 'Write rules that match "mail-from" so that the empty sender passes.',
  exchange: 'Set-SenderFilterConfig -BlankSenderBlockingEnabled $false',
};

function judgeNullSender(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  const plain = evidence.domain === null ? 'Postmaster' : 'Postmaster@{domain}';
  const to = fillRecipient(plain, contextOf(endpoint, evidence));
  const echo = echoOf(endpoint, evidence);
  const seen = rcptObservations(endpoint).filter((one) => one.to === to);
  const otherAccepted = seen.find(({ from, rcpt }) => from !== '' && rcpt.what.kind === 'reply' && isPositive(rcpt.what.reply));

  const mail = asked(endpoint, 'MAIL').findLast(({ what }) => what.command.startsWith('MAIL FROM:<>'));
  if (mail === undefined) return inconclusive('not-asked', 'MAIL FROM:<> was not asked');
  const finding = judgeRecipient(endpoint, evidence, plain, 'null');
  if (finding.verdict === 'pass' || finding.verdict === 'warn') return finding;
  const mailReply = mail.what.outcome.kind === 'reply' ? mail.what.outcome.reply : null;
  if (mailReply !== null && isPermanentNegative(mailReply)) {
    const kind = classifyReply(mailReply, 'mail', echo);
    const isOurs = kind === 'perm.client-policy' || kind === 'perm.starttls' || kind === 'perm.auth';
    if (otherAccepted !== undefined && !isOurs) {
      return fail('sender-refused', `MAIL FROM:<> is refused, another sender is taken: ${quoteReply(mailReply)}`, mail.cite, otherAccepted.rcpt.cite);
    }
    return inconclusive('sender-refused', `MAIL FROM:<> is refused, and no other sender was taken to compare with: ${quoteReply(mailReply)}`, [mail.cite]);
  }
  const refused = seen.findLast(({ from, rcpt }) => from === '' && rcpt.what.kind === 'reply' && isPermanentNegative(rcpt.what.reply));
  if (refused?.rcpt.what.kind === 'reply' && otherAccepted !== undefined && blamesNullSender(refused.rcpt.what.reply, echo)) {
    const { reply } = refused.rcpt.what;
    // rfc-ignorant.org allowed this of addresses that never send mail, so it warns (catalogue).
    const neverSends = /never sends|does not send|no bounces expected|not used (?:to|for) send/i.test(reply.lines.join(' '));
    const because = `postmaster refuses the null sender alone: ${quoteReply(reply)}`;
    const cites = [refused.rcpt.cite, otherAccepted.rcpt.cite] as const;
    return neverSends ? warn('sender-refused', because, ...cites) : fail('sender-refused', because, ...cites);
  }
  if (finding.verdict === 'fail') {
    return inconclusive('sender-refused', `refused under <>, but not because of it: ${finding.because}`, finding.cites);
  }
  return finding;
}

function judgeHostName(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  if (evidence.route.kind === 'given') return notApplicable('the mail host was given, its DNS was not asked');
  const mx = followLookup(endpoint.host, 'MX', evidence.dns);
  if (mx.kind === 'unasked' || mx.kind === 'failed') return inconclusive('not-asked', 'whether the host name routes here was not asked');
  const routesHere =
    mx.kind === 'no-data' || (mx.kind === 'found' && mx.records.some((record) => record.type === 'MX' && record.exchange === endpoint.host));
  if (!routesHere) return notApplicable('mail for the host name goes elsewhere');
  const finding = judgeRecipient(endpoint, evidence, 'Postmaster@{host}');
  if (finding.verdict !== 'fail') return finding;
  // Serving its own name is not required of a host: 4.5.1 binds the domains that it serves.
  if (finding.cause === 'no-mailbox') return warn('no-mailbox', finding.because, ...finding.cites);
  return notApplicable(`the host does not serve its own name: ${finding.because}`, finding.cites);
}

function judgeLiteral(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const finding = judgeRecipient(endpoint, evidence, 'Postmaster@{literal}');
  return finding.verdict === 'fail' ? warn(finding.cause, finding.because, ...finding.cites) : finding;
}

function judgeULabel(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  if (evidence.unicode === null) return notApplicable('the domain has no U-label form');
  const finding = judgeRecipient(endpoint, evidence, 'Postmaster@{u-label}');
  if (finding.verdict === 'inconclusive' && finding.cause === 'not-asked') return notApplicable('SMTPUTF8 is not offered');
  if (finding.verdict !== 'fail') return finding;
  const plain = judgeRecipient(endpoint, evidence, 'Postmaster@{domain}');
  if (plain.verdict === 'pass') return finding;
  return inconclusive('not-asked', 'the A-label form is not accepted either', finding.cites);
}

/** In a HELO session, on a connection of its own or where EHLO was refused. */
function judgeHelo(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble?.verdict === 'not-applicable') return trouble;
  const attempts = endpoint.attempts.filter(({ exchanges }) =>
    exchanges.some((one) => one.act === 'command' && one.command.startsWith('HELO ') && one.outcome.kind === 'reply' && isPositive(one.outcome.reply)),
  );
  if (attempts.length === 0) return inconclusive('not-asked', 'no HELO session came about');
  const numbers = attempts.map((attempt) => endpoint.attempts.indexOf(attempt));
  const seen = rcptObservations(endpoint).find(({ attempt, to }) => numbers.includes(attempt) && /^Postmaster(?:@|$)/.test(to));
  if (seen === undefined) return inconclusive('not-asked', 'no recipient was asked for after HELO');
  const alone: EndpointEvidence = { ...endpoint, attempts: endpoint.attempts.map((one, at) => (numbers.includes(at) ? one : { ...one, exchanges: [] })) };
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
  postfix: 'A regexp table in virtual_alias_maps: /^postmaster@/ admin@example.org',
  exim: 'A redirect router for local_parts = postmaster before the routers of the domains.',
};

/** Rows about postmaster outside the core. */
export const postmasterPlaces: readonly Requirement[] = [
  {
    id: 'postmaster.domain-case',
    title: 'Domain part matched case-insensitively',
    level: 'derived', violation: 'fail', tier: 'extended', safety: 'safe',
    source: { document: 'RFC 5321', section: '2.4', quote: 'Mailbox domains follow normal DNS rules and are hence not case sensitive.' },
    demand: 'Upper-casing the domain does not change the answer for postmaster.',
    probe: 'RCPT TO:<Postmaster@DOMAIN>, the domain in capitals.',
    readings: [{ verdict: 'not-applicable', when: 'postmaster.domain does not pass' }, ...T_RCPT],
    rationale: 'Names in DNS have no case, and mail programs preserve whatever was typed.',
    remedy: { general: 'Compare domains without regard to case; fold keys and query to lower case in SQL or LDAP tables.' },
    retry: ['R8'],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{domain}' }, { ask: 'rcpt', to: 'Postmaster@{DOMAIN}' }],
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
    title: "Postmaster at the server's other domains",
    level: 'MUST', violation: 'fail', tier: 'extended', safety: 'safe',
    source: { document: 'RFC 5321', section: '4.5.1', quote: 'RCPT commands that specify a mailbox for postmaster at any of the domains for which the SMTP server provides mail service' },
    demand: 'A host that serves several domains has a postmaster in each of them.',
    probe: 'Nothing of its own: each domain named with --host is asked as postmaster.domain in its own report.',
    readings: [{ verdict: 'not-applicable', when: 'every domain is judged by its own report' }],
    rationale: 'One forgotten domain is one whose abuse nobody hears of.',
    remedy: SERVED_REMEDY,
    retry: ['R1', 'R2', 'R3', 'R8'],
    needs: [],
    note: 'Domains cannot be enumerated from outside. Each domain that a user names is checked for itself, so this row has nothing of its own to judge.',
    scope: 'endpoint',
    judge: () => notApplicable('each domain that is named is judged for itself, as postmaster.domain'),
  },
  {
    id: 'postmaster.mx-hostname',
    title: "postmaster at the MX host's own name",
    level: 'derived', violation: 'warn', tier: 'extended', safety: 'safe',
    source: { document: 'RFC 822', section: '6.3', quote: 'a single, reserved mailbox address (local-part) which is to be valid at each site' },
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
    needs: [{ ask: 'rcpt', to: 'Postmaster@{host}' }, { ask: 'dns', what: 'host-mx' }],
    note: 'Never a failure: serving the host name is not required.',
    scope: 'endpoint',
    judge: judgeHostName,
  },
  {
    id: 'postmaster.address-literal',
    title: 'postmaster@[own IP] accepted',
    level: 'derived', violation: 'warn', tier: 'extended', safety: 'safe',
    source: { document: 'RFC 1123', section: '5.2.17', quote: 'An SMTP MUST accept and recognize a domain literal for any of its own IP addresses.' },
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
      postfix: 'resolve_numeric_domain and inet_interfaces, proxy_interfaces make Postfix know its own addresses; [ip] is then local.',
      exim: 'allow_domain_literals = true and @[] in local_domains.',
    },
    retry: ['R8'],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{literal}' }],
    note: 'A MUST of RFC 1123, whose mail part RFC 5321 replaces; NAT hides addresses. So it warns at most.',
    scope: 'endpoint',
    judge: judgeLiteral,
  },
  {
    id: 'postmaster.null-sender',
    title: 'Postmaster accepts the null reverse-path',
    level: 'MUST NOT', violation: 'fail', tier: 'session', safety: 'safe',
    source: { document: 'RFC 2505', section: '2.6.1', quote: 'The MTA MUST NOT refuse to receive "MAIL From: <>".' },
    demand: 'Error reports, whose sender is empty, are accepted for postmaster like any other mail.',
    probe: 'MAIL FROM:<> and RCPT TO:<Postmaster@domain>.',
    readings: [
      { verdict: 'pass', when: 'MAIL and RCPT accepted' },
      { verdict: 'fail', when: 'MAIL FROM:<> refused with 5yz, or RCPT refused with words that blame the empty sender, while another sender is taken' },
      { verdict: 'warn', when: 'RCPT refused for <> alone, by an address that says it never sends mail' },
      { verdict: 'inconclusive', when: '4yz; refused for every sender, or with no other sender to compare' },
      ...T_IO,
    ],
    rationale: 'A domain that refuses bounces never learns that its own mail is lost.',
    remedy: NULL_SENDER_REMEDY,
    retry: ['R1', 'R3', 'R8'],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{domain}', under: 'null' }, { ask: 'rcpt', to: 'Postmaster', under: 'null' }],
    note: 'BCP 30. A 250 to MAIL FROM:<> proves nothing alone: 3.3 lets a server complain at RCPT.',
    scope: 'endpoint',
    judge: judgeNullSender,
  },
  {
    id: 'postmaster.idn-alabel',
    title: 'Postmaster at an IDN domain in A-label form',
    level: 'derived', violation: 'fail', tier: 'extended', safety: 'safe',
    source: { document: 'RFC 6531', section: '3.2', quote: 'transform the internationalized domain name to A-label form' },
    demand: 'An IDN domain is a normal domain on the wire in xn-- form; postmaster there works without SMTPUTF8.',
    probe: 'RCPT TO:<Postmaster@xn--...>: for an IDN this is postmaster.domain.',
    readings: [{ verdict: 'not-applicable', when: 'the domain is no IDN' }, ...T_RCPT],
    rationale: 'Most of the world still has only the A-label form to write to.',
    remedy: { general: 'List the domain in its xn-- form wherever the server lists its domains.' },
    retry: ['R3', 'R8'],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{domain}' }],
    note: 'RFC 6531 3.2: a domain in A-label form "is not considered to be internationalized"; the MUST judged is that of RFC 5321 4.5.1.',
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      evidence.unicode === null ? notApplicable('the domain is no IDN') : judgeRecipient(endpoint, evidence, 'Postmaster@{domain}'),
  },
  {
    id: 'postmaster.idn-ulabel',
    title: 'Postmaster at an IDN domain in U-label form',
    level: 'MUST', violation: 'fail', tier: 'extended', safety: 'safe',
    source: { document: 'RFC 6531', section: '3.2', quote: 'MUST be prepared to accept a UTF-8 string' },
    demand: 'A server that offers SMTPUTF8 accepts the domain in UTF-8 form too.',
    probe: 'Where SMTPUTF8 is offered and the domain is an IDN: MAIL FROM:<> SMTPUTF8 and RCPT TO:<Postmaster@U-label>.',
    readings: [
      { verdict: 'pass', when: '2yz' },
      { verdict: 'fail', when: '5yz although the A-label form was accepted' },
      { verdict: 'not-applicable', when: 'SMTPUTF8 is not offered, or the domain is no IDN' },
      { verdict: 'inconclusive', when: '4yz, or the parameter refused' },
      ...T_IO,
    ],
    rationale: 'What is offered in EHLO is a promise to whoever uses it.',
    remedy: {
      general: 'Map the U-label form to the A-label form before domains are compared, or do not offer SMTPUTF8.',
      postfix: 'smtputf8_enable = yes needs the domain listed in UTF-8 as well as in xn-- form.',
      exim: 'smtputf8_advertise_hosts = : stops offering it; else convert with ${domain_...}: utf8_domain_to_alabel.',
    },
    retry: ['R8'],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{u-label}', under: 'smtputf8' }],
    scope: 'endpoint',
    judge: judgeULabel,
  },
  {
    id: 'postmaster.helo-session',
    title: 'Postmaster accepted in a HELO session',
    level: 'derived', violation: 'fail', tier: 'extended', safety: 'safe',
    source: { document: 'RFC 5321', section: '2.2.1', quote: 'SMTP clients and servers MUST support the original HELO mechanisms as a fallback.' },
    demand: 'Reaching postmaster does not depend on ESMTP.',
    probe: 'On a connection of its own: HELO, MAIL FROM:<>, RCPT TO:<Postmaster@domain>.',
    readings: T_RCPT,
    rationale: 'Old devices and small scripts still say HELO, and they are what breaks.',
    remedy: { general: 'Apply the same rules after HELO as after EHLO.' },
    retry: ['R8'],
    needs: [{ ask: 'helo-session' }],
    note: 'HELO takes a domain only: a refusal of an address literal there is ours, not the host\'s (inconclusive).',
    scope: 'endpoint',
    judge: judgeHelo,
  },
  {
    id: 'postmaster.submission',
    title: 'Postmaster without AUTH at the submission port',
    level: 'MAY', violation: 'none', tier: 'extended', safety: 'safe',
    source: { document: 'RFC 6409', section: '6.4', quote: 'the MSA MAY permit a reduced degree of authentication for mail addressed to the "postmaster"' },
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
