// RFC 6531 3.2: postmaster at an internationalized domain, in A-labels always and in U-labels where SMTPUTF8 is offered.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { T_IO, T_RCPT } from './readings.js';
import { judgeRecipient } from './recipient.js';
import { inconclusive, notApplicable, type Finding, type Requirement } from './requirement.js';

function judgeULabel(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  if (evidence.unicode === null) return notApplicable('the domain has no U-label form');
  const finding = judgeRecipient(endpoint, evidence, 'Postmaster@{u-label}');
  if (finding.verdict === 'inconclusive' && finding.cause === 'not-asked')
    return notApplicable('SMTPUTF8 is not offered');
  if (finding.verdict !== 'fail') return finding;
  const plain = judgeRecipient(endpoint, evidence, 'Postmaster@{domain}');
  if (plain.verdict === 'pass') return finding;
  return inconclusive('not-asked', 'the A-label form is not accepted either', finding.cites);
}

/** The rows of an internationalized domain. */
export const idn: readonly Requirement[] = [
  {
    id: 'postmaster.idn-alabel',
    group: 'postmaster',
    title: 'Postmaster at an IDN domain in A-label form',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 6531',
      section: '3.2',
      quote: 'transform the internationalized domain name to A-label form',
    },
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
      evidence.unicode === null
        ? notApplicable('the domain is no IDN')
        : judgeRecipient(endpoint, evidence, 'Postmaster@{domain}'),
  },
  {
    id: 'postmaster.idn-ulabel',
    group: 'postmaster',
    title: 'Postmaster at an IDN domain in U-label form',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: { document: 'RFC 6531', section: '3.2', quote: 'MUST be prepared to accept a UTF-8 string' },
    demand: 'A server that offers SMTPUTF8 accepts the domain in UTF-8 form too.',
    probe:
      'Where SMTPUTF8 is offered and the domain is an IDN: MAIL FROM:<> SMTPUTF8 and RCPT TO:<Postmaster@U-label>.',
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
      exim: 'an empty smtputf8_advertise_hosts stops offering it; ${utf8_domain_to_alabel:$domain} converts a domain before it is looked up.',
    },
    retry: ['R8'],
    needs: [
      { ask: 'rcpt', to: 'Postmaster@{domain}' },
      { ask: 'rcpt', to: 'Postmaster@{u-label}', under: 'smtputf8' },
    ],
    scope: 'endpoint',
    judge: judgeULabel,
  },
];
