// RFC 5321 5.1: whether the domain exists, which hosts take its mail, and whether any of them can be reached at all.
//
// Decided here: a mail host is certainly unusable where its name is no host name, where both address questions were
// answered without an address, or where every address is special-purpose and the other family is known too. mx.usable
// fails only if that is so of every one of them.
import type { DomainEvidence } from '../evidence/evidence.js';
import { isConnectable } from '../smtp/special-address.js';
import {
  citesOfTargets,
  counted,
  isNullMx,
  judgeMx,
  listed,
  mxAnswer,
  ownAddresses,
  show,
  targetsOf,
  type Target,
} from './mx-set.js';
import { connectsOf } from './observe.js';
import { fail, inconclusive, notApplicable, pass, type Cite, type Finding, type Requirement } from './requirement.js';

function judgeExists(evidence: DomainEvidence): Finding {
  const answer = mxAnswer(evidence);
  if (answer.kind === 'trouble') return answer.finding;
  return pass(`the DNS knows ${show(answer.owner)}`, answer.cites);
}

function judgeImplicit(evidence: DomainEvidence): Finding {
  const answer = mxAnswer(evidence);
  if (answer.kind === 'trouble') return answer.finding;
  const owner = show(answer.owner);
  if (answer.kind === 'mx') {
    if (isNullMx(answer)) return notApplicable(`${owner} says by a Null MX that it takes no mail`, answer.cites);
    return pass(
      `${owner} has ${counted(answer.records.length, 'MX record')}: its own addresses do not count`,
      answer.cites,
    );
  }
  const { leads, cites } = ownAddresses(evidence, answer.owner);
  const all = [...answer.cites, ...cites];
  if (leads.kind === 'unknown') return leads.trouble;
  if (leads.kind !== 'addresses')
    return notApplicable(`${owner} has neither MX records nor an address: no mail service`, all);
  return judgeImplicitHost(evidence, owner, leads.isComplete, all);
}

/** No MX, but addresses: they are the mail host, unless nothing listens there. */
function judgeImplicitHost(
  evidence: DomainEvidence,
  owner: string,
  isComplete: boolean,
  cites: readonly Cite[],
): Finding {
  const connects = evidence.endpoints.flatMap(connectsOf).map(({ what }) => what.kind);
  const because = `${owner} has no MX record but an address: it is its own mail host`;
  if (connects.length === 0 || connects.includes('connected')) return pass(because, cites);
  if (!connects.every((kind) => kind === 'refused')) {
    const cause = connects.includes('timeout') ? 'timeout' : 'unreachable';
    return inconclusive(cause, `${because}, but no connection to it came about`, cites);
  }
  const refused = `${owner} has no MX record, and its addresses refuse port ${evidence.probe.port}`;
  return isComplete
    ? notApplicable(`${refused}: no mail service`, cites)
    : inconclusive('dns', `${refused}; but not all of them are known`, cites);
}

/** Why mail can certainly not go to the host, or null. */
function whyUnusable({ leads, shown }: Target, evidence: DomainEvidence): string | null {
  if (leads.kind === 'no-host-name') return `${shown} is no host name`;
  if (leads.kind === 'nowhere') return leads.because;
  if (leads.kind === 'unknown' || !leads.isComplete || evidence.probe.allowPrivate) return null;
  return !leads.addresses.some(isConnectable)
    ? `${shown} has special-purpose addresses only (${listed(leads.addresses.map(show))})`
    : null;
}

function isUsable({ leads }: Target, evidence: DomainEvidence): boolean {
  if (leads.kind !== 'addresses') return false;
  return evidence.probe.allowPrivate || leads.addresses.some(isConnectable);
}

/** At least one MX usable. */
function judgeUsable(evidence: DomainEvidence): Finding {
  return judgeMx(evidence, (set) => {
    const targets = targetsOf(evidence, set);
    const usable = targets.filter((target) => isUsable(target, evidence));
    const [best, ...others] = usable;
    if (best !== undefined) {
      const because = `${usable.length} of ${counted(targets.length, 'mail host')} can be used: ${listed(usable.map(({ shown }) => shown))}`;
      return pass(because, citesOfTargets(best, ...others));
    }
    const reasons = targets.flatMap((target) => whyUnusable(target, evidence) ?? []);
    const [first, ...more] = targets;
    if (first === undefined) return notApplicable('the MX records name no mail host', set.cites);
    const cites = citesOfTargets(first, ...more);
    if (reasons.length === targets.length)
      return fail('no-usable-mx', `no mail host can be used: ${listed(reasons)}`, ...cites);
    const open = targets.find((target) => whyUnusable(target, evidence) === null);
    const known = reasons.length === 0 ? '' : ` (certainly not usable: ${listed(reasons)})`;
    if (open?.leads.kind !== 'unknown')
      return inconclusive('dns', `not every address is known, and none that is can be used${known}`, cites);
    const { trouble } = open.leads;
    return inconclusive(trouble.cause, `no mail host is known to be usable: ${trouble.because}${known}`, trouble.cites);
  });
}

/** RFC 5321 5.1: the mail route. */
export const mailRoute: readonly Requirement[] = [
  {
    id: 'domain.exists',
    group: 'dns',
    title: 'Domain resolvable',
    level: 'MUST',
    violation: 'none',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '5.1',
      quote: 'If a non-existent domain error is returned, this situation MUST be reported as an error.',
    },
    demand: 'A domain that does not exist is reported as such; it is no result about mail.',
    probe: 'DNS: MX of {domain}, aliases followed.',
    readings: [
      { verdict: 'pass', when: 'the name exists, with or without MX records' },
      {
        verdict: 'not-applicable',
        when: 'NXDOMAIN, of the domain or of what it is an alias of: every other row is not applicable',
      },
      { verdict: 'inconclusive', when: 'SERVFAIL, REFUSED, no answer, one that cannot be used, aliases without end' },
    ],
    rationale:
      'Mail to a domain that does not exist is returned at once; a typing error or a lapsed registration looks just so.',
    remedy: {
      general:
        'Check the spelling; renew the registration, or publish the zone and its delegation: example.org. NS ns1.example.org.',
    },
    retry: ['R11'],
    needs: [],
    note: '5.1 binds the client, that is us: so the row accuses nobody. Temporary errors are to be tried again later.',
    scope: 'domain',
    judge: judgeExists,
  },
  {
    id: 'mx.implicit',
    group: 'dns',
    title: 'Implicit MX rule',
    level: 'derived',
    violation: 'none',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '5.1',
      quote:
        'the address is treated as if it was associated with an implicit MX RR, with a preference of 0, pointing to that host.',
    },
    demand: "Without MX records the domain's own addresses are its mail hosts.",
    probe: 'DNS: MX of {domain}; where there is none, A and AAAA. Then port 25 of what was found.',
    readings: [
      { verdict: 'pass', when: 'MX records, or none but an address that is then probed' },
      { verdict: 'not-applicable', when: 'neither MX nor address: no mail service' },
      { verdict: 'not-applicable', when: 'no MX, and every address refuses port 25: no mail service' },
      { verdict: 'not-applicable', when: 'Null MX' },
      {
        verdict: 'inconclusive',
        when: 'no MX, and no connection to an address came about for another reason; or the DNS did not tell',
      },
    ],
    rationale: 'A web server without MX record gets mail for its domain whether it wants it or not.',
    remedy: {
      general: 'Say where mail goes: example.org. MX 10 mail.example.org., or that there is none: example.org. MX 0 .',
    },
    retry: ['R11', 'R3'],
    needs: [],
    scope: 'domain',
    judge: judgeImplicit,
  },
  {
    id: 'mx.usable',
    group: 'dns',
    title: 'At least one MX usable',
    level: 'MUST',
    violation: 'fail',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '5.1',
      quote: 'If MX records are present, but none of them are usable, this situation MUST be reported as an error.',
    },
    demand: 'Of the MX records of a domain at least one leads to an address that mail can be sent to.',
    probe: 'DNS: MX of {domain}, A and AAAA of every exchange.',
    readings: [
      { verdict: 'pass', when: 'one exchange or more has an address that is not special-purpose' },
      {
        verdict: 'fail',
        when: 'of every exchange it is certain: no host name, no address, or special-purpose addresses only (not with --allow-private)',
      },
      { verdict: 'inconclusive', when: 'none is known to be usable, and of one or more the DNS did not tell' },
      { verdict: 'not-applicable', when: 'no MX, Null MX' },
    ],
    rationale:
      'No sender can deliver anything, to postmaster least of all, and 5.1 forbids the way round by the addresses of the domain.',
    remedy: {
      general:
        'Point an MX record to a host with a public address: example.org. MX 10 mail.example.org. and mail.example.org. A with its address. A domain that wants no mail says so: example.org. MX 0 .',
    },
    retry: ['R11'],
    needs: [],
    note: 'The quoted MUST binds the client; that each MX leads to an address is 5.1 on the data (mx.target-resolves). One bad target beside a usable one is no matter of this row.',
    scope: 'domain',
    judge: judgeUsable,
  },
];
