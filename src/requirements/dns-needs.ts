// What rows ask of the DNS beyond the mail route: aliases, wildcards, names that hosts call themselves, our own sender.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Domain } from '../smtp/address.js';
import type { Question } from '../smtp/mail-route.js';
import { greetingDomain } from './2.3.5-greeting-name.js';
import { openingRepliesOf } from './observe.js';
import type { Need, Requirement } from './requirement.js';

type DnsNeed = Extract<Need, { ask: 'dns' }>['what'];

const wants = (rows: readonly Requirement[], what: DnsNeed): boolean =>
  rows.some(({ needs }) => needs.some((need) => need.ask === 'dns' && need.what === what));

/** Questions that can be asked together with the MX of the domain. */
export function extraQuestions(
  domain: Domain,
  controlLocalPart: string | null,
  reversePaths: readonly string[],
  rows: readonly Requirement[],
): readonly Question[] {
  const questions: Question[] = [];
  if (wants(rows, 'domain-alias')) questions.push({ name: domain, type: 'CNAME' });
  if (wants(rows, 'soa')) questions.push({ name: domain, type: 'SOA' });
  if (wants(rows, 'wildcard') && controlLocalPart !== null) {
    questions.push({ name: `${controlLocalPart.slice(0, 16)}.${domain}`, type: 'MX' });
  }
  // RFC 7505 4.2: a domain that sends should be able to receive; ours is looked at before it is used.
  for (const path of reversePaths) {
    const own = path.slice(path.lastIndexOf('@') + 1);
    if (path !== '' && own !== domain) questions.push({ name: own, type: 'MX' }, { name: own, type: 'A' });
  }
  return questions;
}

/** Questions that what the mail hosts said gives rise to. */
export function laterQuestions(evidence: DomainEvidence, rows: readonly Requirement[]): readonly Question[] {
  if (evidence.probe.given) return [];
  const asked = new Set(evidence.dns.map(({ question }) => `${question.type} ${question.name}`));
  const questions: Question[] = [];
  for (const endpoint of evidence.endpoints) {
    if (wants(rows, 'host-mx')) questions.push({ name: endpoint.host, type: 'MX' });
    if (!wants(rows, 'greeting-name')) continue;
    for (const { what } of openingRepliesOf(endpoint)) {
      const name = greetingDomain(what);
      if (name !== null) questions.push({ name, type: 'A' }, { name, type: 'AAAA' }, { name, type: 'MX' });
    }
  }
  const seen = new Set(asked);
  return questions.filter(({ name, type }) => {
    const key = `${type} ${name}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
