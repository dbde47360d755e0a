// RFC 5321 5.2: mail hosts may have A records, AAAA records or both. Nothing here accuses: lack of IPv6 is ours.
import type { DomainEvidence } from '../evidence/evidence.js';
import { citesOfTargets, counted, judgeMx, listed, show, targetsOf, type Target } from './mx-set.js';
import { connectsOf } from './observe.js';
import { inconclusive, notApplicable, pass, type Finding, type Requirement } from './requirement.js';

type Family = 'IPv4 only' | 'IPv6 only' | 'dual-stack';

function familyOf(addresses: readonly string[]): Family {
  const hasIPv6 = addresses.some((address) => address.includes(':'));
  if (!hasIPv6) return 'IPv4 only';
  return addresses.every((address) => address.includes(':')) ? 'IPv6 only' : 'dual-stack';
}

/** Why the host could not be reached by our own limit: this machine has no IPv6, or -4 was given. */
function ourLimit(target: Target, evidence: DomainEvidence): 'no-route' | 'not-asked' | null {
  const endpoints = evidence.endpoints.filter(({ host }) => host === target.exchange);
  if (endpoints.length === 0) return null;
  if (endpoints.every(({ skipped }) => skipped === 'family-not-asked')) return 'not-asked';
  const connects = endpoints.flatMap(connectsOf);
  return connects.length > 0 && connects.every(({ what }) => what.kind === 'no-route') ? 'no-route' : null;
}

function judgeIPv6(evidence: DomainEvidence): Finding {
  return judgeMx(evidence, (set) => {
    const targets = targetsOf(evidence, set);
    const known = targets.flatMap((target) =>
      // Where one family was not told, neither "only" is certain.
      target.leads.kind === 'addresses' && target.leads.isComplete
        ? [{ target, family: familyOf(target.leads.addresses) }]
        : [],
    );
    for (const { target, family } of known) {
      const limit = family === 'IPv6 only' ? ourLimit(target, evidence) : null;
      if (limit === 'no-route')
        return inconclusive(
          limit,
          `${target.shown} has IPv6 addresses only, and this machine has no IPv6`,
          target.cites,
        );
      if (limit !== null)
        return inconclusive(limit, `${target.shown} has IPv6 addresses only, which -4 leaves out`, target.cites);
    }
    const [first, ...more] = known;
    if (first !== undefined) {
      const families = (['dual-stack', 'IPv4 only', 'IPv6 only'] as const).flatMap((family) => {
        const count = known.filter((each) => each.family === family).length;
        return count === 0 ? [] : [`${counted(count, 'mail host')} ${family}`];
      });
      return pass(
        `any combination is legal: ${listed(families)}`,
        citesOfTargets(first.target, ...more.map(({ target }) => target)),
      );
    }
    const open = targets.find(({ leads }) => leads.kind === 'unknown' || leads.kind === 'addresses');
    if (open?.leads.kind === 'unknown') return open.leads.trouble;
    if (open !== undefined) return inconclusive('dns', `the addresses of ${open.shown} are not all known`, open.cites);
    return notApplicable(
      `no MX target has an address: ${listed(targets.map(({ exchange }) => show(exchange)))}`,
      set.cites,
    );
  });
}

/** RFC 5321 5.2: IPv6. */
export const ipv6: readonly Requirement[] = [
  {
    id: 'mx.ipv6',
    group: 'dns',
    title: 'IPv6 reachability of MX (information)',
    level: 'derived',
    violation: 'none',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '5.2',
      quote:
        'The host domains to which MX records point may, consequently, contain "A RR"s (IPv4), "AAAA RR"s (IPv6), or any combination of them.',
    },
    demand: 'None: a mail host may have IPv4 addresses, IPv6 addresses or both.',
    probe: 'DNS: A and AAAA of every exchange.',
    readings: [
      { verdict: 'pass', when: 'any combination; the report says which' },
      {
        verdict: 'inconclusive',
        when: 'a host has IPv6 addresses only and this machine has no IPv6, or -4 was given: our limit',
      },
      { verdict: 'inconclusive', when: 'the DNS did not tell' },
      { verdict: 'not-applicable', when: 'no MX, Null MX, or no target with an address' },
    ],
    rationale: 'Many senders still have one family only; a host with both is reached by all of them.',
    remedy: {
      general:
        'Nothing is wrong. To be reached by everybody, give the mail host both: mail.example.org. A 192.0.2.1 and mail.example.org. AAAA 2001:db8::1',
    },
    retry: ['R11'],
    needs: [],
    scope: 'domain',
    judge: judgeIPv6,
  },
];
