// RFC 6890 2.2.2 and 2.2.3: addresses that cannot be a public mail host's.
//
// Decided here: loopback and unspecified addresses are mx.loopback's alone, all other special-purpose ones
// mx.private's. What is only worth a note (6to4, NAT64) warns. Implicit mail hosts are not judged: nobody listed them.
import type { DomainEvidence } from '../evidence/evidence.js';
import { specialPurpose, type SpecialPurpose } from '../smtp/special-address.js';
import { citesOfTargets, counted, judgeMx, listed, show, targetsOf, type MxSet, type Target } from './mx-set.js';
import { fail, inconclusive, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';

/** A mail host with what its addresses are reserved for. */
interface Surveyed {
  readonly target: Target;
  readonly isComplete: boolean;
  readonly addresses: readonly { readonly address: string; readonly special: SpecialPurpose | null }[];
}

/** Judges the addresses of the mail hosts; `null` from the rule: nothing is wrong with what is known. */
function judgeAddresses(
  evidence: DomainEvidence,
  judge: (hosts: readonly Surveyed[]) => Finding | null,
  clean: string,
): Finding {
  if (evidence.probe.allowPrivate) return notApplicable('allowed by you: --allow-private');
  return judgeMx(evidence, (set: MxSet) => {
    const targets = targetsOf(evidence, set);
    const hosts = targets.flatMap((target): readonly Surveyed[] => {
      const { leads } = target;
      if (leads.kind !== 'addresses') return [];
      const addresses = leads.addresses.map((address) => ({ address, special: specialPurpose(address) }));
      return [{ target, isComplete: leads.isComplete, addresses }];
    });
    const found = judge(hosts);
    if (found !== null) return found;
    const open = targets.find(
      ({ leads }) => leads.kind === 'unknown' || (leads.kind === 'addresses' && !leads.isComplete),
    );
    if (open?.leads.kind === 'unknown') return open.leads.trouble;
    if (open !== undefined)
      return inconclusive('dns', `the addresses of ${open.shown} are not all known; ${clean} so far`, open.cites);
    const [first, ...more] = hosts.map(({ target }) => target);
    if (first === undefined) return notApplicable('no MX target has an address', set.cites);
    return pass(`${clean} at ${counted(hosts.length, 'mail host')}`, citesOfTargets(first, ...more));
  });
}

const isLocal = (special: SpecialPurpose | null): boolean =>
  special?.kind === 'loopback' || special?.kind === 'unspecified';

function told({ target, addresses }: Surveyed, isMeant: (special: SpecialPurpose | null) => boolean): string {
  const meant = addresses.flatMap(({ address, special }) =>
    special !== null && isMeant(special) ? [`${show(address)} (${special.kind}, ${special.block})`] : [],
  );
  return `${target.shown} has ${listed(meant)}`;
}

/** MX target not loopback or unspecified. */
export function judgeLoopback(evidence: DomainEvidence): Finding {
  const judge = (hosts: readonly Surveyed[]): Finding | null => {
    const bad = hosts.filter(({ addresses }) => addresses.some(({ special }) => isLocal(special)));
    const [first, ...more] = bad.map(({ target }) => target);
    if (first === undefined) return null;
    return fail('special-address', listed(bad.map((host) => told(host, isLocal))), ...citesOfTargets(first, ...more));
  };
  return judgeAddresses(evidence, judge, 'no loopback or unspecified address');
}

/** MX target not private or otherwise special-purpose. */
export function judgePrivate(evidence: DomainEvidence): Finding {
  const isSpecial = (special: SpecialPurpose | null): boolean => special !== null && !isLocal(special);
  const isRefused = (special: SpecialPurpose | null): boolean => isSpecial(special) && special?.severity === 'refuse';
  const judge = (hosts: readonly Surveyed[]): Finding | null => {
    const touched = hosts.filter(({ addresses }) => addresses.some(({ special }) => isSpecial(special)));
    const only = touched.filter(
      ({ isComplete, addresses }) =>
        isComplete &&
        addresses.some(({ special }) => isRefused(special)) &&
        addresses.every(({ special }) => special?.severity === 'refuse'),
    );
    const [bad, ...more] = only.map(({ target }) => target);
    if (bad !== undefined) {
      const because = `${listed(only.map((host) => told(host, isSpecial)))} and no public address`;
      return fail('special-address', because, ...citesOfTargets(bad, ...more));
    }
    const [mixed, ...rest] = touched.map(({ target }) => target);
    if (mixed === undefined) return null;
    return warn(
      'special-address',
      listed(touched.map((host) => told(host, isSpecial))),
      ...citesOfTargets(mixed, ...rest),
    );
  };
  return judgeAddresses(evidence, judge, 'no special-purpose address');
}

/** RFC 6890: special-purpose addresses. */
export const specialAddresses: readonly Requirement[] = [
  {
    id: 'mx.loopback',
    group: 'dns',
    title: 'MX target not loopback/unspecified',
    level: 'derived',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: { document: 'RFC 6890', section: '2.2.2', quote: 'Loopback' },
    demand: 'No mail host has an address in 127.0.0.0/8, ::1, 0.0.0.0/8 or ::.',
    probe: 'DNS: A and AAAA of every exchange.',
    readings: [
      { verdict: 'pass', when: 'none' },
      { verdict: 'fail', when: 'any; it is not connected to. An IPv4 address inside an IPv6 one counts' },
      { verdict: 'inconclusive', when: 'none so far, but the DNS did not tell every address' },
      { verdict: 'not-applicable', when: 'no MX, Null MX, no address; --allow-private' },
    ],
    rationale: 'The sender connects to itself: the mail loops, or lands at whoever has that name at the sender.',
    remedy: {
      general:
        'To say that there is no mail, publish example.org. MX 0 . in place of MX 0 localhost.; else the public address: mail.example.org. A 192.0.2.1',
    },
    retry: ['R11'],
    needs: [],
    note: 'Derived from 5.1: the address is that "of the SMTP server to which the message should be directed". A listing reason of bogusmx.rfc-ignorant.org.',
    scope: 'domain',
    judge: judgeLoopback,
  },
  {
    id: 'mx.private',
    group: 'dns',
    title: 'MX target not private or special-purpose',
    level: 'derived',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: { document: 'RFC 6890', section: '2.2.2', quote: 'Private-Use' },
    demand: 'No mail host has an address of a block that is not globally reachable, or a multicast one.',
    probe: 'DNS: A and AAAA of every exchange, against the table of RFC 6890 with multicast and RFC 5735.',
    readings: [
      { verdict: 'pass', when: 'public addresses only' },
      { verdict: 'fail', when: 'a mail host has such addresses only' },
      {
        verdict: 'warn',
        when: 'a mail host has such addresses beside public ones, or the DNS told of no others: they are skipped',
      },
      {
        verdict: 'warn',
        when: '6to4 (2002::/16) and NAT64 (64:ff9b::/96) around a public IPv4 address, 6to4 relay anycast (192.88.99.0/24)',
      },
      { verdict: 'inconclusive', when: 'none so far, but the DNS did not tell every address' },
      { verdict: 'not-applicable', when: 'no MX, Null MX, no address; --allow-private' },
    ],
    rationale: "From outside such an address leads nowhere, or to a stranger in the sender's own network.",
    remedy: {
      general:
        'Publish the public address of the mail host, mail.example.org. A 192.0.2.1, and keep inside addresses in an inside view of the zone.',
    },
    retry: ['R11'],
    needs: [],
    note: 'Such addresses are never connected to without --allow-private. Loopback and unspecified addresses are the matter of mx.loopback.',
    scope: 'domain',
    judge: judgePrivate,
  },
];
