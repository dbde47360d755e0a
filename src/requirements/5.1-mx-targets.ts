// RFC 5321 5.1 and 2.3.5, RFC 1123 2.1: what stands in the data of an MX record, and that it leads to an address.
//
// Decided here: each record is accused once: an address written as a name by mx.target-is-name (and its alias row
// mx.address-literal), other text that is no host name by mx.target-syntax; neither was looked up, so
// mx.target-resolves says nothing of it. "." is the matter of mx.null-mx-sole.
import type { DomainEvidence } from '../evidence/evidence.js';
import { isDomainSyntax } from '../smtp/address.js';
import { isDottedQuad } from '../smtp/mail-route.js';
import { citesOfTargets, counted, judgeMx, listed, show, targetsOf, type MxSet } from './mx-set.js';
import { fail, inconclusive, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';

/** True for an IP address, or a literal in brackets, where a name should stand; `192\.0\.2\.1` is one label of that form. */
function isAddressForm(exchange: string): boolean {
  const text = exchange.replaceAll(/\\(.)/g, '$1');
  return (
    isDottedQuad(text) || text.startsWith('[') || /^(?:ipv6:)?[0-9a-f]*:[0-9a-f:]*(?:\d+(?:\.\d+){3})?$/i.test(text)
  );
}

const exchangesOf = ({ records }: MxSet): readonly string[] => [
  ...new Set(records.map(({ exchange }) => exchange).filter((exchange) => exchange !== '')),
];

/** MX data is a domain name. */
export function judgeTargetIsName(evidence: DomainEvidence): Finding {
  return judgeMx(evidence, (set) => {
    const addresses = exchangesOf(set).filter(isAddressForm);
    if (addresses.length === 0) return pass('no MX record holds an address', set.cites);
    return fail(
      'bad-name',
      `an MX record holds an address where a name must stand: ${listed(addresses.map(show))}`,
      ...set.cites,
    );
  });
}

/** MX target has host name syntax. */
export function judgeTargetSyntax(evidence: DomainEvidence): Finding {
  return judgeMx(evidence, (set) => {
    const names = exchangesOf(set).filter((exchange) => !isAddressForm(exchange));
    if (names.length === 0) return notApplicable('no MX record holds a name', set.cites);
    const wrong = names.filter((name) => !isDomainSyntax(name));
    if (wrong.length > 0) return fail('bad-name', `no host name: ${listed(wrong.map(show))}`, ...set.cites);
    const single = names.filter((name) => !name.includes('.'));
    if (single.length > 0)
      return warn('bad-name', `a single label, which few resolvers look up: ${listed(single.map(show))}`, ...set.cites);
    return pass('every MX record names a host in letters, digits and hyphens', set.cites);
  });
}

/** MX target has an address. */
export function judgeTargetResolves(evidence: DomainEvidence): Finding {
  return judgeMx(evidence, (set) => {
    const targets = targetsOf(evidence, set).filter(({ leads }) => leads.kind !== 'no-host-name');
    const [first, ...others] = targets;
    if (first === undefined) return notApplicable('no MX record holds a host name', set.cites);
    const unknown = targets.filter(({ leads }) => leads.kind === 'unknown');
    const [dead, ...more] = targets.filter(({ leads }) => leads.kind === 'nowhere');
    if (dead !== undefined) {
      const reasons = [dead, ...more].flatMap(({ leads }) => (leads.kind === 'nowhere' ? [leads.because] : []));
      const rest = unknown.length === 0 ? '' : `; of ${listed(unknown.map(({ shown }) => shown))} it is not known`;
      return fail('no-address', `${listed(reasons)}${rest}`, ...citesOfTargets(dead, ...more));
    }
    // A name server that failed is told before a set that is only too long.
    const asked = unknown.find(({ leads }) => leads.kind === 'unknown' && leads.trouble.cause === 'dns') ?? unknown[0];
    if (asked?.leads.kind === 'unknown') {
      const { cause, because, cites } = asked.leads.trouble;
      return inconclusive(
        cause,
        `${because}; ${targets.length - unknown.length} of ${counted(targets.length, 'mail host')} have an address`,
        cites,
      );
    }
    return pass(
      `every mail host has an address: ${listed(targets.map(({ shown }) => shown))}`,
      citesOfTargets(first, ...others),
    );
  });
}

/** RFC 5321 5.1: what MX records name. */
export const mxTargets: readonly Requirement[] = [
  {
    id: 'mx.target-is-name',
    group: 'dns',
    title: 'MX data is a domain name',
    level: 'MUST',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '5.1',
      quote: 'the data field of that response MUST contain a domain name.',
    },
    demand: 'An MX record holds the name of a host, not an IP address written as a name.',
    probe: 'DNS: MX of {domain}; the text of each exchange.',
    readings: [
      { verdict: 'pass', when: 'names' },
      {
        verdict: 'fail',
        when: 'a dotted quad, an IPv6 address or a literal in brackets: it cannot be used, even if a resolver makes up an address for it',
      },
      { verdict: 'inconclusive', when: 'the DNS did not tell the MX records' },
      { verdict: 'not-applicable', when: 'no MX, Null MX' },
    ],
    rationale: 'A sender looks the text up as a name, finds nothing and passes the host over.',
    remedy: {
      general:
        'Give the address a name and point to that: mail.example.org. A 192.0.2.1 and example.org. MX 10 mail.example.org.',
    },
    retry: ['R11'],
    needs: [],
    note: 'RFC 1123 2.1: "a valid host name can never have the dotted-decimal form #.#.#.#". In reports also as mx.address-literal.',
    scope: 'domain',
    judge: judgeTargetIsName,
  },
  {
    id: 'mx.address-literal',
    group: 'dns',
    title: 'MX target is an address literal',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 1123',
      section: '2.1',
      quote: 'a valid host name can never have the dotted-decimal form #.#.#.#',
    },
    demand: 'No MX record has an IP address or an address literal as its exchange.',
    probe: 'As mx.target-is-name.',
    readings: [
      { verdict: 'pass', when: 'no MX record of that form' },
      { verdict: 'fail', when: 'an exchange is a dotted quad, an IPv6 address or a literal in brackets' },
      { verdict: 'inconclusive', when: 'the DNS did not tell the MX records' },
      { verdict: 'not-applicable', when: 'no MX, Null MX' },
    ],
    rationale:
      'It is the usual mistake of whoever moves from an A record to MX records, and it loses all mail to that host.',
    remedy: {
      general:
        'Replace the address by a host name that has it: example.org. MX 10 mail.example.org. and mail.example.org. A 192.0.2.1',
    },
    retry: ['R11'],
    needs: [],
    note: 'The same finding as mx.target-is-name, under the name by which the mistake is known.',
    scope: 'domain',
    judge: judgeTargetIsName,
  },
  {
    id: 'mx.target-syntax',
    group: 'dns',
    title: 'MX target has host name syntax',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '2.3.5',
      quote:
        'restricted for SMTP purposes to consist of a sequence of letters, digits, and hyphens drawn from the ASCII character set',
    },
    demand: 'The labels of an MX target consist of letters, digits and hyphens.',
    probe: 'DNS: MX of {domain}; the labels of each exchange.',
    readings: [
      { verdict: 'pass', when: 'letters, digits and inner hyphens' },
      {
        verdict: 'fail',
        when: 'an underscore, "*", a blank, a URL, an e-mail address, a dot inside a label, octets above 127',
      },
      { verdict: 'warn', when: 'a single label' },
      { verdict: 'inconclusive', when: 'the DNS did not tell the MX records' },
      { verdict: 'not-applicable', when: 'no MX, Null MX, or addresses only (mx.target-is-name)' },
    ],
    rationale:
      'Mail servers check the names they look up; some take the record for bogus, others deliver: mail is lost by chance.',
    remedy: {
      general:
        'Rename the host: example.org. MX 10 mail-1.example.org. in place of mail_1. In a zone file, end the name with a dot.',
    },
    retry: ['R11'],
    needs: [],
    scope: 'domain',
    judge: judgeTargetSyntax,
  },
  {
    id: 'mx.target-resolves',
    group: 'dns',
    title: 'MX target has an address',
    level: 'MUST',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '5.1',
      quote: 'That domain name, when queried, MUST return at least one address record (e.g., A or AAAA RR)',
    },
    demand: 'Each host that an MX record names has an A or an AAAA record.',
    probe: 'DNS: A and AAAA of every exchange, aliases followed.',
    readings: [
      { verdict: 'pass', when: 'each has an address' },
      {
        verdict: 'fail',
        when: 'of one or more: NXDOMAIN, or neither an A nor an AAAA record; the others are probed all the same',
      },
      {
        verdict: 'inconclusive',
        when: 'of one or more the DNS did not tell, or it was not looked up, and the others have addresses',
      },
      { verdict: 'not-applicable', when: 'no MX, Null MX, or no exchange that is a host name' },
    ],
    rationale: 'Senders try the dead host first, or it is the backup that is missing on the day it is needed.',
    remedy: {
      general:
        'Publish the address, mail.example.org. A 192.0.2.1, or remove the MX record. In a zone file a name without a final dot gets the zone appended.',
    },
    retry: ['R11'],
    needs: [],
    note: 'One record that leads nowhere is a failure of the row beside ten that work; whether mail arrives at all is mx.usable.',
    scope: 'domain',
    judge: judgeTargetResolves,
  },
];
