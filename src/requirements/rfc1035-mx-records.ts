// RFC 1035 3.3.9 and RFC 974: MX records that say a thing twice, and those that hold for every name below the domain.
import type { DomainEvidence } from '../evidence/evidence.js';
import { isDenied } from '../smtp/mail-route.js';
import { citesOfTargets, judgeMx, listed, lookUp, lookupTrouble, mxAnswer, show, targetsOf } from './mx-set.js';
import { inconclusive, pass, warn, type Finding, type Requirement } from './requirement.js';

function judgeDuplicate(evidence: DomainEvidence): Finding {
  return judgeMx(evidence, (set) => {
    const counts = new Map<string, number>();
    for (const { exchange } of set.records) counts.set(exchange, (counts.get(exchange) ?? 0) + 1);
    const twice = [...counts].filter(([exchange, count]) => exchange !== '' && count > 1);
    if (twice.length > 0) {
      const because = listed(twice.map(([exchange, count]) => `${show(exchange)} stands in ${count} MX records`));
      return warn('malformed', because, ...set.cites);
    }
    const hosts = targetsOf(evidence, set).flatMap((target) =>
      target.leads.kind === 'addresses' && target.leads.isComplete
        ? [{ target, addresses: target.leads.addresses.toSorted().join(' ') }]
        : [],
    );
    for (const { target, addresses } of hosts) {
      const other = hosts.find((each) => each.target !== target && each.addresses === addresses);
      if (other === undefined) continue;
      const because = `each host stands once, but ${target.shown} and ${other.target.shown} have the same addresses`;
      return pass(because, citesOfTargets(target, other.target));
    }
    return pass('each mail host stands in one MX record', set.cites);
  });
}

function judgeWildcard(evidence: DomainEvidence): Finding {
  const answer = mxAnswer(evidence);
  if (answer.kind === 'trouble') return answer.finding;
  const { controlLocalPart } = evidence.probe;
  if (controlLocalPart === null) return inconclusive('not-asked', 'no random name was asked for: --no-controls');
  const name = `${controlLocalPart.slice(0, 16)}.${evidence.domain}`; // as dns-needs.ts asks for it
  const { lookup, cites } = lookUp(evidence, name, 'MX');
  if (lookup.kind === 'found') {
    const exchanges = lookup.records.flatMap((record) => (record.type === 'MX' ? [show(record.exchange)] : []));
    return pass(
      `a random name below ${show(evidence.domain ?? '')} has MX records too (a wildcard): ${listed(exchanges)}`,
      cites,
    );
  }
  if (isDenied(lookup))
    return pass(`a random name below ${show(evidence.domain ?? '')} has no MX record: no wildcard`, cites);
  if (lookup.kind === 'unasked') return inconclusive('not-asked', 'the MX records of a random name were not asked for');
  return lookupTrouble(lookup, 'the MX records', name, cites);
}

/** RFC 1035 3.3.9, RFC 974: the set of MX records. */
export const mxRecords: readonly Requirement[] = [
  {
    id: 'mx.duplicate',
    group: 'dns',
    title: 'No duplicate MX',
    level: 'derived',
    violation: 'none',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 1035',
      section: '3.3.9',
      quote: 'A 16 bit integer which specifies the preference given to this RR among others at the same owner.',
    },
    demand: 'Each mail host stands in one MX record: the same host twice gives no redundancy.',
    probe: 'DNS: MX of {domain}, addresses of the exchanges.',
    readings: [
      { verdict: 'pass', when: 'each exchange once; different names with the same addresses are told' },
      { verdict: 'warn', when: 'one exchange in several records' },
      { verdict: 'inconclusive', when: 'the DNS did not tell the MX records' },
      { verdict: 'not-applicable', when: 'no MX, Null MX' },
    ],
    rationale: 'It looks like a backup and is none; some senders try the same dead host twice.',
    remedy: {
      general:
        'Keep one record a host: example.org. MX 10 mail.example.org. A second MX is worth having on a second host.',
    },
    retry: ['R11'],
    needs: [],
    scope: 'domain',
    judge: judgeDuplicate,
  },
  {
    id: 'mx.wildcard',
    group: 'dns',
    title: 'Wildcard MX (information)',
    level: 'derived',
    violation: 'none',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 974',
      section: 'Minor Special Issues',
      quote: "Wildcard names, those containing the character '*' in them, may be used for mail routing.",
    },
    demand: 'None: a wildcard MX makes every name below the domain a mail domain.',
    probe: 'DNS: MX of a random name below {domain}.',
    readings: [
      { verdict: 'pass', when: 'no wildcard, or one; the report says which' },
      { verdict: 'inconclusive', when: 'the DNS did not tell, or the random name was not asked for' },
      { verdict: 'not-applicable', when: 'the domain does not exist' },
    ],
    rationale:
      'With a wildcard, postmaster at any name below the domain is to be accepted as well, typing errors included.',
    remedy: {
      general:
        'Nothing is wrong. Where it was not meant, replace *.example.org. MX 10 mail.example.org. by records for the names that take mail.',
    },
    retry: ['R11'],
    needs: [{ ask: 'dns', what: 'wildcard' }],
    scope: 'domain',
    judge: judgeWildcard,
  },
];
