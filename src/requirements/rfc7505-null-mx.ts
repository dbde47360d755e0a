// RFC 7505 3: the Null MX, by which a domain says that it takes no mail.
//
// Decided here: "." alone is a Null MX whatever its preference; "." beside any other MX record is none; a second "." is
// another MX record too.
import type { DomainEvidence } from '../evidence/evidence.js';
import { isNullMx, listed, mxAnswer, show, type MxSet } from './mx-set.js';
import { fail, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { nullMxUse } from './rfc7505-null-mx-use.js';

/** Judges the MX set, the Null MX included. */
function judgeAnyMx(evidence: DomainEvidence, judge: (set: MxSet) => Finding): Finding {
  const answer = mxAnswer(evidence);
  if (answer.kind === 'trouble') return answer.finding;
  if (answer.kind === 'none') return notApplicable(`${show(answer.owner)} has no MX record`, answer.cites);
  return judge(answer);
}

const roots = ({ records }: MxSet): MxSet['records'] => records.filter(({ exchange }) => exchange === '');

function judgeNullMx(evidence: DomainEvidence): Finding {
  return judgeAnyMx(evidence, (set) => {
    const [root] = roots(set);
    const owner = show(set.owner);
    if (root === undefined) return notApplicable(`${owner} names mail hosts: no Null MX`, set.cites);
    if (!isNullMx(set)) return notApplicable(`"." stands beside other MX records of ${owner}: no Null MX`, set.cites);
    return pass(`${owner} takes no mail and says so: MX ${root.preference} .`, set.cites);
  });
}

function judgeSole(evidence: DomainEvidence): Finding {
  const answer = mxAnswer(evidence);
  if (answer.kind === 'none') return pass(`${show(answer.owner)} has no MX record, so no Null MX`, answer.cites);
  return judgeAnyMx(evidence, (set) => {
    const count = roots(set).length;
    if (count === 0) return pass(`${show(set.owner)} names mail hosts and no Null MX`, set.cites);
    if (set.records.length === 1) return pass('the Null MX is the only MX record', set.cites);
    const others = set.records.filter(({ exchange }) => exchange !== '').map(({ exchange }) => show(exchange));
    if (others.length === 0) return fail('null-mx-mixed', `the Null MX is published ${count} times`, ...set.cites);
    return fail(
      'null-mx-mixed',
      `"." says that there is no mail, but it is not alone: ${listed(others)}`,
      ...set.cites,
    );
  });
}

function judgePreference(evidence: DomainEvidence): Finding {
  return judgeAnyMx(evidence, (set) => {
    const preferences = roots(set).map(({ preference }) => preference);
    if (preferences.length === 0) return notApplicable('no MX record is "."', set.cites);
    const other = preferences.find((preference) => preference !== 0);
    if (other === undefined) return pass('"." has preference 0', set.cites);
    return warn('malformed', `"." has preference ${other} instead of 0`, ...set.cites);
  });
}

const DNS_READINGS = [{ verdict: 'inconclusive', when: 'the DNS did not tell the MX records' }] as const;

/** RFC 7505: Null MX. */
export const nullMx: readonly Requirement[] = [
  {
    id: 'mx.null-mx',
    group: 'dns',
    title: 'Null MX declared',
    level: 'derived',
    violation: 'none',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 7505',
      section: '3',
      quote:
        'it advertises a single MX RR (see Section 3.3.9 of [RFC1035]) with an RDATA section consisting of preference number 0 and a zero-length label',
    },
    demand: 'A single MX 0 "." says that the domain takes no mail.',
    probe: 'DNS: MX of {domain}; the exchange is the root name.',
    readings: [
      { verdict: 'pass', when: '"." alone: no host is connected to, the domain takes no mail' },
      { verdict: 'not-applicable', when: 'no "." among the MX records, or "." beside others, or no MX record' },
      ...DNS_READINGS,
    ],
    rationale: 'Senders return such mail at once, with a clear reason, instead of trying for days.',
    remedy: { general: 'A domain that takes no mail publishes this as its only MX record: example.org. MX 0 .' },
    retry: ['R11'],
    needs: [],
    note: 'An MX record exists, so 5.1 forbids the way round by the addresses of the domain. Another preference than 0 is taken as a Null MX all the same (mx.null-mx-preference).',
    scope: 'domain',
    judge: judgeNullMx,
  },
  {
    id: 'mx.null-mx-sole',
    group: 'dns',
    title: 'Null MX is the only MX',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 7505',
      section: '3',
      quote: 'A domain that advertises a null MX MUST NOT advertise any other MX RR.',
    },
    demand: 'MX 0 "." stands alone.',
    probe: 'DNS: MX of {domain}.',
    readings: [
      { verdict: 'pass', when: '"." alone, or no "."' },
      { verdict: 'fail', when: '"." and another MX record: "." is ignored and the others are probed' },
      ...DNS_READINGS,
    ],
    rationale: 'One record says that there is no mail, the other names a host for it: what a sender does is chance.',
    remedy: {
      general: 'Keep one of the two: example.org. MX 0 . alone, or example.org. MX 10 mail.example.org. without it.',
    },
    retry: ['R11'],
    needs: [],
    scope: 'domain',
    judge: judgeSole,
  },
  {
    id: 'mx.null-mx-preference',
    group: 'dns',
    title: 'Null MX has preference 0',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 7505',
      section: '3',
      quote: 'preference number 0 and a zero-length label, written in master files as "."',
    },
    demand: 'The preference of a Null MX is zero.',
    probe: 'DNS: MX of {domain}; the preference of ".".',
    readings: [
      { verdict: 'pass', when: 'preference 0' },
      { verdict: 'warn', when: 'another preference; still taken as a Null MX' },
      { verdict: 'not-applicable', when: 'no "."' },
      ...DNS_READINGS,
    ],
    rationale: 'Software that compares the whole record does not recognise it, and tries to find a host called ".".',
    remedy: { general: 'Publish it exactly so: example.org. MX 0 .' },
    retry: ['R11'],
    needs: [],
    scope: 'domain',
    judge: judgePreference,
  },
  ...nullMxUse,
];
