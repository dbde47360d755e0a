// RFC 7505 1 and 4.2: who should publish a Null MX, and who should not.
//
// Decided here: advice is given only where it was seen of every address that nobody serves mail there. A domain's use
// as a sender cannot be seen by probing it: our own is judged, where its MX records were asked for in this run.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { followLookup } from '../smtp/mail-route.js';
import { isNullMx, lookUp, lookupTrouble, mxAnswer, ownAddresses, show, targetsOf, type MxAnswer } from './mx-set.js';
import { connectsOf, isExempt, openingKind } from './observe.js';
import { inconclusive, notApplicable, pass, warn, type Cause, type Finding, type Requirement } from './requirement.js';

/** The domains of the reverse-paths that are mailboxes. */
function senderDomains({ probe }: DomainEvidence): readonly string[] {
  const domains = probe.reversePaths
    .filter((path) => path.includes('@'))
    .map((path) => path.slice(path.lastIndexOf('@') + 1));
  return [...new Set(domains.map((domain) => domain.toLowerCase()))];
}

function judgeSender(evidence: DomainEvidence): Finding {
  if (evidence.probe.given) return notApplicable('the mail host was given, the DNS of the domain was not asked');
  const findings = senderDomains(evidence).flatMap((domain): readonly Finding[] => {
    const { lookup, cites } = lookUp(evidence, domain, 'MX');
    if (lookup.kind === 'unasked') return [];
    if (lookup.kind === 'no-such-name') return [];
    if (lookup.kind === 'no-data') {
      const addresses = (['A', 'AAAA'] as const).map((type) => followLookup(lookup.name, type, evidence.dns));
      return addresses.some(({ kind }) => kind === 'found')
        ? [pass(`our sender domain ${show(domain)} is its own mail host`, cites)]
        : [];
    }
    if (lookup.kind !== 'found') return [lookupTrouble(lookup, 'the MX records', domain, cites)];
    const [cite, ...more] = cites;
    if (cite === undefined || !lookup.records.every((record) => record.type === 'MX' && record.exchange === '')) {
      return [pass(`our sender domain ${show(domain)} has MX records`, cites)];
    }
    return [
      warn(
        'sender-refused',
        `our sender domain ${show(domain)} has a Null MX: no bounce can reach us, and hosts may refuse it`,
        cite,
        ...more,
      ),
    ];
  });
  const order = ['warn', 'inconclusive', 'pass'] as const;
  const worst = order.flatMap((verdict) => findings.find((finding) => finding.verdict === verdict) ?? [])[0];
  return worst ?? notApplicable('the MX records of a sender domain of ours were not asked for in this run');
}

/** Whether an endpoint serves mail: `refuses-port` where nothing listens, `rejects` where it always opens with 554 or 521. */
function serviceOf(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
): 'serves' | 'rejects' | 'refuses-port' | Cause {
  if (endpoint.skipped !== null) return 'not-asked';
  if (isExempt(endpoint, evidence)) return 'rejects';
  switch (openingKind(endpoint, evidence)) {
    case 'session':
      return 'serves';
    case 'once':
      return 'cut-off';
    case 'none': {
      const connects = connectsOf(endpoint);
      const isRefused = connects.length > 0 && connects.every(({ what }) => what.kind === 'refused');
      return isRefused ? 'refuses-port' : 'unreachable';
    }
    default:
      return 'client-refused';
  }
}

/** Where the DNS did not tell every address, hosts may serve mail that were never connected to. */
function unknownHost(evidence: DomainEvidence, answer: Exclude<MxAnswer, { kind: 'trouble' }>): Finding | null {
  const hosts = answer.kind === 'mx' ? targetsOf(evidence, answer) : [ownAddresses(evidence, answer.owner)];
  for (const { leads, cites } of hosts) {
    if (leads.kind === 'unknown') return leads.trouble;
    if (leads.kind === 'addresses' && !leads.isComplete)
      return inconclusive('dns', 'not every address of a mail host is known', cites);
  }
  return null;
}

function judgeRecommended(evidence: DomainEvidence): Finding {
  const answer = mxAnswer(evidence);
  if (answer.kind === 'trouble') return answer.finding;
  const owner = show(answer.owner);
  if (answer.kind === 'mx' && isNullMx(answer)) return notApplicable(`${owner} has a Null MX`, answer.cites);
  if (evidence.route.kind === 'no-mail-host')
    return notApplicable(`${owner} has no address either: senders give up at once`, answer.cites);
  const reachable = evidence.endpoints.filter(({ skipped }) => skipped !== 'address-not-allowed');
  const services = reachable.map((endpoint) => serviceOf(endpoint, evidence));
  if (services.length === 0)
    return inconclusive('not-asked', `no mail host of ${owner} was connected to`, answer.cites);
  if (services.includes('serves')) return pass(`a mail host of ${owner} opens sessions`, answer.cites);
  // An explicit MX that refuses the port is down; an address without MX that does so was never meant for mail.
  const open = services.find(
    (service) => service !== 'rejects' && (service !== 'refuses-port' || answer.kind === 'mx'),
  );
  if (open !== undefined) {
    const cause = open === 'refuses-port' || open === 'serves' || open === 'rejects' ? 'unreachable' : open;
    return inconclusive(cause, `whether ${owner} serves mail at all was not seen`, answer.cites);
  }
  const unknown = unknownHost(evidence, answer);
  if (unknown !== null) return unknown;
  const [cite, ...more] = answer.cites;
  if (cite === undefined) return inconclusive('not-asked', `${owner} was not asked for`);
  const because = services.includes('rejects')
    ? `every mail host of ${owner} always refuses the session: a Null MX would tell senders at once`
    : `${owner} has no MX record and its addresses refuse port ${evidence.probe.port}: a Null MX would spare senders days of retries`;
  return warn('no-usable-mx', because, cite, ...more);
}

/** RFC 7505 1, 4.2: the use of Null MX. */
export const nullMxUse: readonly Requirement[] = [
  {
    id: 'mx.null-mx-sender',
    group: 'dns',
    title: 'Null MX domain not used as sender',
    level: 'SHOULD NOT',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 7505',
      section: '4.2',
      quote:
        'mail systems SHOULD NOT publish a null MX record for domains that they use in RFC5321.MailFrom or RFC5322.From addresses.',
    },
    demand:
      'A domain that mail is sent from takes bounces: this is about the sender of this probe, not about the domain tested.',
    probe: 'DNS: MX of the domain of our own reverse-path, where it was asked for.',
    readings: [
      { verdict: 'pass', when: 'our sender domain has MX records that are no Null MX, or an address of its own' },
      { verdict: 'warn', when: 'our sender domain has a Null MX' },
      { verdict: 'inconclusive', when: 'the DNS did not tell' },
      { verdict: 'not-applicable', when: 'we sent from <> alone, or the MX records of our sender were not asked for' },
    ],
    rationale: 'Hosts may refuse mail from a domain that cannot take the answer, and then the findings are about us.',
    remedy: { general: 'Give --mail-from a mailbox of a domain that takes mail: example.org. MX 10 mail.example.org.' },
    retry: ['R11', 'R1'],
    needs: [],
    note: 'What a domain sends from cannot be seen by probing it, so the row judges nobody but us.',
    scope: 'domain',
    judge: judgeSender,
  },
  {
    id: 'mx.null-mx-recommended',
    group: 'dns',
    title: 'Mail-less domain should say so',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 7505',
      section: '1',
      quote: 'without requiring domains to create SMTP listeners dedicated to preventing delivery attempts',
    },
    demand: 'A domain with addresses but without a mail service publishes a Null MX.',
    probe: 'DNS: MX, A and AAAA of {domain}; then port 25 of the hosts found.',
    readings: [
      { verdict: 'pass', when: 'a mail host opens sessions' },
      {
        verdict: 'warn',
        when: 'no MX and every address refuses port 25, or every mail host always opens with 554 or 521: advice, no rule is broken',
      },
      { verdict: 'inconclusive', when: 'no session was seen, for another reason' },
      { verdict: 'not-applicable', when: 'Null MX, no address at all, no such domain' },
    ],
    rationale: 'Without it every mistyped address costs the sender days until the mail is returned.',
    remedy: { general: 'Publish example.org. MX 0 . as the only MX record.' },
    retry: ['R11', 'R3'],
    needs: [],
    scope: 'domain',
    judge: judgeRecommended,
  },
];
