// RFC 5321 4.1.2: what a domain name may consist of.
import type { DomainEvidence } from '../evidence/evidence.js';
import { isDomainSyntax } from '../smtp/address.js';
import { show } from './mx-set.js';
import {
  fail,
  inconclusive,
  notApplicable,
  pass,
  warn,
  type Cite,
  type Finding,
  type Requirement,
} from './requirement.js';

function judgeDomainSyntax(evidence: DomainEvidence): Finding {
  const { domain } = evidence;
  if (domain === null) return notApplicable('no domain was named');
  const shown = show(domain);
  const index = evidence.dns.findIndex(({ question }) => question.name === domain);
  const cite: Cite | null = index < 0 ? null : { kind: 'dns', index };
  if (!isDomainSyntax(domain)) {
    const because = `${shown} is no domain: labels are 1 to 63 letters, digits and inner hyphens, 253 characters in all`;
    return cite === null ? inconclusive('not-asked', because) : fail('bad-name', because, cite);
  }
  if (domain.includes('.')) return pass(`${shown} consists of letters, digits and hyphens`);
  const because = `${shown} is a single label: legal (2.3.5), but many systems take no mail for such a name`;
  return cite === null ? pass(because) : warn('bad-name', because, cite);
}

/** RFC 5321 4.1.2: domain names. */
export const domainSyntax: readonly Requirement[] = [
  {
    id: 'domain.syntax',
    group: 'dns',
    title: 'Tested domain is a legal SMTP domain',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.2',
      quote:
        'characters outside the set of alphabetic characters, digits, and hyphen MUST NOT appear in domain name labels for SMTP clients or servers.',
    },
    demand:
      'A domain consists of labels of 1 to 63 letters, digits and hyphens, 255 octets in all; an IDN is written in A-labels.',
    probe: 'The name as it was given, U-labels converted by IDNA (UTS 46), before any question to the DNS.',
    readings: [
      { verdict: 'pass', when: 'letters, digits and inner hyphens, legal lengths' },
      { verdict: 'warn', when: 'a single label: legal in 2.3.5, unusual' },
      {
        verdict: 'fail',
        when: 'an underscore or another character, an empty label, one over 63, over 253 characters as written; a usage error, nothing is asked',
      },
      { verdict: 'not-applicable', when: 'no domain was named' },
    ],
    rationale:
      'Software that keeps to the grammar refuses such a domain in MAIL and RCPT, so mail to it is lost before the DNS is asked.',
    remedy: {
      general:
        'Use a name of letters, digits and hyphens; write an internationalised one in A-labels: xn--bcher-kva.example.',
    },
    retry: [],
    needs: [],
    note: 'A domain that is none is refused on the command line (exit code 2); the row fails only on evidence made elsewhere.',
    scope: 'domain',
    judge: judgeDomainSyntax,
  },
];
