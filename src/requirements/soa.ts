// The SOA record of the domain, as far as rows read it: whether the domain is the top of a zone, and whose the zone is.
import type { DomainEvidence } from '../evidence/evidence.js';

/** What the DNS said of the SOA record: the name its mailbox is written as, that there is none, or nothing. */
export type SoaAnswer =
  | { readonly kind: 'soa'; readonly rname: string; readonly index: number }
  | { readonly kind: 'none'; readonly index: number }
  | { readonly kind: 'unknown'; readonly index: number | null };

/** The answer to our question for the SOA record of the domain itself. */
export function soaOf({ domain, dns }: DomainEvidence): SoaAnswer {
  const index = dns.findIndex(({ question }) => question.type === 'SOA' && question.name === domain);
  const outcome = dns[index]?.outcome;
  if (outcome === undefined || !('records' in outcome)) return { kind: 'unknown', index: index === -1 ? null : index };
  const record = outcome.records.find(({ type, name }) => type === 'SOA' && name === domain);
  return record?.type === 'SOA' ? { kind: 'soa', rname: record.rname, index } : { kind: 'none', index };
}

/** RFC 1035 3.3.13, 8: the first label is the local-part, with its dots escaped. Null where it is no mailbox. */
export function mailboxOfRname(rname: string): { readonly localPart: string; readonly domain: string } | null {
  const found = /^((?:[^.\\]|\\.)+)\.(.+)$/.exec(rname);
  if (found === null) return null;
  const localPart = (found[1] ?? '').replaceAll(/\\(.)/g, '$1');
  const domain = found[2] ?? '';
  const isPlain = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/.test(localPart);
  return isPlain && /^[a-z0-9.-]+$/.test(domain) ? { localPart, domain } : null;
}

/** The mailbox of the SOA record, where it lies in the domain itself: elsewhere this mail host need not know it. */
export function soaMailbox(evidence: DomainEvidence): string | null {
  const answer = soaOf(evidence);
  const mailbox = answer.kind === 'soa' ? mailboxOfRname(answer.rname) : null;
  return mailbox !== null && mailbox.domain === evidence.domain ? `${mailbox.localPart}@${mailbox.domain}` : null;
}
