// RFC 6761 (and 7686, and the reservation of .internal): names that no public mail host can have.
import type { DomainEvidence } from '../evidence/evidence.js';
import { judgeMx, listed, show } from './mx-set.js';
import { fail, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';

const RESERVED = /(?:^|\.)(?:localhost|invalid|test|local|onion|internal)$/i;
const EXAMPLE = /(?:^|\.)example(?:\.(?:com|net|org))?$/i;

/** MX target not a special-use name. */
export function judgeSpecialName(evidence: DomainEvidence): Finding {
  if (evidence.probe.allowPrivate) return notApplicable('allowed by you: --allow-private');
  return judgeMx(evidence, (set) => {
    const names = [...new Set(set.records.map(({ exchange }) => exchange))];
    const reserved = names.filter((name) => RESERVED.test(name));
    if (reserved.length > 0) {
      return fail('bad-name', `a name that cannot be public: ${listed(reserved.map(show))}`, ...set.cites);
    }
    const examples = names.filter((name) => EXAMPLE.test(name));
    if (examples.length > 0)
      return warn('bad-name', `a name for documentation: ${listed(examples.map(show))}`, ...set.cites);
    return pass('no MX record names a special-use name', set.cites);
  });
}

/** RFC 6761: special-use names. */
export const specialNames: readonly Requirement[] = [
  {
    id: 'mx.special-name',
    group: 'dns',
    title: 'MX target not a special-use name',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: { document: 'RFC 6761', section: '6.4', quote: 'Domain Name Reservation Considerations for "invalid."' },
    demand: 'No MX record names localhost or a name under localhost, invalid, test, local, onion, internal or example.',
    probe: 'DNS: MX of {domain}; the names of the exchanges.',
    readings: [
      { verdict: 'pass', when: 'none' },
      { verdict: 'fail', when: 'localhost, or a name under localhost, invalid, test, local, onion or internal' },
      { verdict: 'warn', when: 'a name under example, example.com, example.net or example.org' },
      { verdict: 'inconclusive', when: 'the DNS did not tell the MX records' },
      { verdict: 'not-applicable', when: 'no MX, Null MX; --allow-private' },
    ],
    rationale:
      'Such a name leads nowhere, or back to the sender: it was copied from an example or meant for the inside.',
    remedy: {
      general:
        'Name the public mail host, example.org. MX 10 mail.example.org., or say that there is no mail: example.org. MX 0 .',
    },
    retry: ['R11'],
    needs: [],
    note: 'With --allow-private an inside name is as intended as an inside address.',
    scope: 'domain',
    judge: judgeSpecialName,
  },
];
