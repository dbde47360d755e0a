// RFC 2181 10.3 and RFC 1034 3.6.2: aliases where none may stand, as the target of an MX record and beside one.
import type { DomainEvidence } from '../evidence/evidence.js';
import { citesOfTargets, judgeMx, listed, lookUp, lookupTrouble, mxAnswer, show, targetsOf } from './mx-set.js';
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

/** MX target is not a CNAME. */
export function judgeCnameTarget(evidence: DomainEvidence): Finding {
  return judgeMx(evidence, (set) => {
    const targets = targetsOf(evidence, set).filter(({ leads }) => leads.kind !== 'no-host-name');
    const [first, ...others] = targets;
    if (first === undefined) return notApplicable('no MX record holds a host name', set.cites);
    const unknown = targets.filter(({ alias }) => alias === 'unknown');
    const [wrong, ...more] = targets.filter(({ alias }) => alias !== null && alias !== 'unknown');
    if (wrong !== undefined) {
      const aliases = [wrong, ...more].flatMap(({ shown, alias }) =>
        alias === null || alias === 'unknown' ? [] : [`${shown} is an alias of ${show(alias.of)}`],
      );
      const rest = unknown.length === 0 ? '' : `; of ${listed(unknown.map(({ shown }) => shown))} it is not known`;
      // The answers that show the aliases decide; what stands at their ends comes after.
      const isShown = ({ index }: Cite): boolean =>
        [wrong, ...more].some(({ exchange }) => showsAlias(evidence, index, exchange));
      const cites = citesOfTargets(wrong, ...more);
      const [first = cites[0], ...others] = [...cites.filter(isShown), ...cites.filter((cite) => !isShown(cite))];
      return fail('alias', `${listed(aliases)}${rest}`, first, ...others);
    }
    for (const { leads } of unknown) {
      if (leads.kind === 'unknown') return leads.trouble;
    }
    return pass('no MX record names an alias', citesOfTargets(first, ...others));
  });
}

/** True where an answer to a question about the name says that it is an alias. */
function showsAlias({ dns }: DomainEvidence, index: number, asked: string): boolean {
  const seen = dns[index];
  if (seen === undefined || seen.question.name !== asked || !('records' in seen.outcome)) return false;
  return seen.outcome.records.some(({ name, type }) => type === 'CNAME' && name === asked);
}

/** Every exchange whose question was the domain itself, with what it shows of the records of that very name. */
function ownRecords(evidence: DomainEvidence, domain: string): { aliases: readonly Cite[]; others: readonly Cite[] } {
  const cites = (isAlias: boolean): readonly Cite[] =>
    evidence.dns.flatMap(({ question, outcome }, index): readonly Cite[] => {
      if (question.name !== domain || !('records' in outcome)) return [];
      const own = isAlias
        ? showsAlias(evidence, index, domain)
        : outcome.records.some(({ name, type }) => name === domain && type !== 'CNAME');
      return own ? [{ kind: 'dns', index }] : [];
    });
  return { aliases: cites(true), others: cites(false) };
}

function judgeCnameOwner(evidence: DomainEvidence): Finding {
  const { domain } = evidence;
  const answer = mxAnswer(evidence);
  if (domain === null || (answer.kind === 'trouble' && answer.finding.verdict === 'not-applicable')) {
    return answer.kind === 'trouble' ? answer.finding : notApplicable('no domain was named');
  }
  const { aliases, others } = ownRecords(evidence, domain);
  const [alias, ...more] = aliases;
  const [other, ...rest] = others;
  if (alias !== undefined && other !== undefined) {
    return warn(
      'alias',
      `${show(domain)} is answered both with a CNAME record and with other records`,
      alias,
      other,
      ...more,
      ...rest,
    );
  }
  // Where the MX question led over an alias, the name has no MX of its own; else nothing is certain.
  if (answer.kind === 'trouble') return answer.finding;
  if (alias !== undefined)
    return pass(`${show(domain)} is an alias of ${show(answer.owner)} and nothing else`, aliases);
  const { lookup, cites } = lookUp(evidence, domain, 'CNAME');
  if (lookup.kind === 'unasked')
    return inconclusive('not-asked', `whether ${show(domain)} has a CNAME record was not asked`, answer.cites);
  if (lookup.kind === 'failed') return lookupTrouble(lookup, 'the CNAME records', domain, cites);
  return pass(`${show(domain)} is no alias`, [...cites, ...answer.cites]);
}

/** RFC 2181 10.3, RFC 1034 3.6.2: aliases. */
export const aliases: readonly Requirement[] = [
  {
    id: 'mx.cname-target',
    group: 'dns',
    title: 'MX target is not a CNAME',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 2181',
      section: '10.3',
      quote: 'part of the value of a MX resource record must not be an alias.',
    },
    demand: 'An MX record names a host by its canonical name.',
    probe: 'DNS: A and AAAA of every exchange; a CNAME record in the answer that belongs to the exchange.',
    readings: [
      { verdict: 'pass', when: 'no exchange is an alias' },
      { verdict: 'fail', when: 'one or more is; it is followed for probing' },
      { verdict: 'inconclusive', when: 'of one or more the DNS did not tell, and no other is an alias' },
      { verdict: 'not-applicable', when: 'no MX, Null MX, or no exchange that is a host name' },
    ],
    rationale:
      'A host that cannot find its own name in the MX set may send mail to itself in a circle; some senders do not follow the alias.',
    remedy: {
      general:
        'Name the host that the alias leads to: example.org. MX 10 mail.provider.example. in place of an alias of it.',
    },
    retry: ['R11'],
    needs: [],
    note: 'RFC 2181 writes "must not" in lower case, RFC 5321 5.1 puts such a value outside its scope. It works with most mail servers: the row fails, the verdict on postmaster does not rest on it.',
    scope: 'domain',
    judge: judgeCnameTarget,
  },
  {
    id: 'mx.cname-owner',
    group: 'dns',
    title: 'Domain with CNAME and MX',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 1034',
      section: '3.6.2',
      quote: 'If a CNAME RR is present at a node, no other data should be present',
    },
    demand: 'A domain that is an alias has no records of its own, MX records least of all.',
    probe: 'DNS: CNAME of {domain} and MX of {domain}; address records where they were asked for.',
    readings: [
      {
        verdict: 'pass',
        when: 'no CNAME record, or a CNAME record alone: then the MX records of the canonical name count (5.1)',
      },
      { verdict: 'warn', when: 'a CNAME record, and other records of the very name' },
      { verdict: 'inconclusive', when: 'the DNS did not tell, or the CNAME question was not asked' },
      { verdict: 'not-applicable', when: 'the domain does not exist' },
    ],
    rationale:
      'Which of the two a sender sees depends on what its resolver asked first: mail goes now here, now there.',
    remedy: {
      general:
        'Replace the CNAME record by the addresses it leads to, and keep the MX: example.org. A 192.0.2.1 and example.org. MX 10 mail.example.org.',
    },
    retry: ['R11'],
    needs: [{ ask: 'dns', what: 'domain-alias' }],
    note: 'RFC 2181 10.1 repeats it. SOA and NS records are not asked for, so an alias at the apex of a zone that has nothing else is not seen.',
    scope: 'domain',
    judge: judgeCnameOwner,
  },
];
