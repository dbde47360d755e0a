// What the DNS said of the MX records of a domain and of what they lead to: facts for the rows of 5.1 and its kin.
//
// Decided here: a name server that fails, refuses, is silent or answers nonsense said nothing, neither "no MX" nor
// "no address"; a mail host leads nowhere only where both of its address questions were answered; what was not looked
// up, because the set is longer than MAX_MAIL_HOSTS or the run ended, is not accused.
import type { DomainEvidence } from '../evidence/evidence.js';
import {
  followLookup,
  isAskable,
  isDenied,
  MAX_ALIASES,
  type DnsRecord,
  type Lookup,
  type QuestionType,
} from '../smtp/mail-route.js';
import { readOnce } from '../smtp/read-once.js';
import { visible } from '../smtp/visible.js';
import { inconclusive, notApplicable, type Cite, type Finding } from './requirement.js';

export type MxRecord = Extract<DnsRecord, { type: 'MX' }>;
type Cites = readonly [Cite, ...Cite[]];

/** A question followed over aliases, with the exchanges that it rests on, the last one first. */
export interface LookedUp {
  readonly lookup: Lookup;
  readonly cites: readonly Cite[];
}

export function lookUp(evidence: DomainEvidence, name: string, type: QuestionType): LookedUp {
  const lookup = followLookup(name, type, evidence.dns);
  const indexes = [name, ...lookup.aliases].map((asked) =>
    evidence.dns.findIndex(({ question }) => question.name === asked && question.type === type),
  );
  const cites = indexes.filter((index) => index >= 0).map((index): Cite => ({ kind: 'dns', index }));
  return { lookup, cites: cites.toReversed() };
}

/** The MX records of the domain, or that it has none, or why neither is known. */
export type MxAnswer =
  | { readonly kind: 'mx'; readonly records: readonly MxRecord[]; readonly owner: string; readonly cites: Cites }
  | { readonly kind: 'none'; readonly owner: string; readonly cites: readonly Cite[] }
  | { readonly kind: 'trouble'; readonly finding: Finding };
export type MxSet = Extract<MxAnswer, { kind: 'mx' }>;

/** What the DNS said to the MX question of the domain. `owner` is the domain, or what its alias leads to. */
export const mxAnswer = readOnce((evidence: DomainEvidence): MxAnswer => {
  const trouble = (finding: Finding): MxAnswer => ({ kind: 'trouble', finding });
  const { domain } = evidence;
  if (evidence.probe.given)
    return trouble(notApplicable('the mail host was given, the DNS of the domain was not asked'));
  if (domain === null) return trouble(notApplicable('no domain was named'));
  const { lookup, cites } = lookUp(evidence, domain, 'MX');
  const owner = lookup.name;
  switch (lookup.kind) {
    case 'found': {
      const [first, ...more] = cites;
      const records = lookup.records.filter((record) => record.type === 'MX');
      if (first === undefined) return trouble(inconclusive('not-asked', `${show(domain)} was not asked for`));
      return { kind: 'mx', records, owner, cites: [first, ...more] };
    }
    case 'no-data':
      return { kind: 'none', owner, cites };
    case 'no-such-name':
      return trouble(notApplicable(`${asAlias(domain, lookup)} does not exist (NXDOMAIN)`, cites));
    default:
      return trouble(lookupTrouble(lookup, 'the MX records', domain, cites));
  }
});

/** Judges a row about MX records that name mail hosts; not applicable without any, and where there is a Null MX. */
export function judgeMx(evidence: DomainEvidence, judge: (set: MxSet) => Finding): Finding {
  const answer = mxAnswer(evidence);
  if (answer.kind === 'trouble') return answer.finding;
  if (answer.kind === 'none') return notApplicable(`${show(answer.owner)} has no MX record`, answer.cites);
  if (isNullMx(answer))
    return notApplicable(`${show(answer.owner)} says by a Null MX that it takes no mail`, answer.cites);
  return judge(answer);
}

/** True where every MX record has the root as exchange: the domain takes no mail (RFC 7505 3). */
export function isNullMx({ records }: MxSet): boolean {
  return records.every(({ exchange }) => exchange === '');
}

/** Where a mail host's name leads. */
export type Leads =
  /** `isComplete`: both address questions were answered. */
  | { readonly kind: 'addresses'; readonly addresses: readonly string[]; readonly isComplete: boolean }
  | { readonly kind: 'nowhere'; readonly because: string }
  | { readonly kind: 'unknown'; readonly trouble: Finding & { readonly verdict: 'inconclusive' } }
  /** An address, or text that cannot name a host: nothing was looked up. */
  | { readonly kind: 'no-host-name' };

/** One mail host that the MX records name. */
export interface Target {
  readonly exchange: string;
  /** The name for people, escaped. */
  readonly shown: string;
  readonly leads: Leads;
  /** What the name is an alias of; null where it is none; `unknown` where no answer tells. */
  readonly alias: { readonly of: string } | null | 'unknown';
  /** The address lookups, then the MX answer. */
  readonly cites: Cites;
}

/** The mail hosts of an MX set, each once, in the order of preference; "." names none. */
export function targetsOf(evidence: DomainEvidence, set: MxSet): readonly Target[] {
  return targetsIn(evidence)(set);
}

const targetsIn = readOnce((evidence: DomainEvidence) => readOnce((set: MxSet) => findTargets(evidence, set)));

function findTargets(evidence: DomainEvidence, set: MxSet): readonly Target[] {
  const byPreference = set.records.toSorted((one, other) => one.preference - other.preference);
  const names = new Set(byPreference.map(({ exchange }) => exchange).filter((exchange) => exchange !== ''));
  return [...names].map((exchange) => targetOf(evidence, set, exchange));
}

function targetOf(evidence: DomainEvidence, set: MxSet, exchange: string): Target {
  const shown = show(exchange);
  if (!isAskable(exchange))
    return { exchange, shown, leads: { kind: 'no-host-name' }, alias: 'unknown', cites: set.cites };
  const lookedUp = lookUpAddresses(evidence, exchange);
  const [first = set.cites[0], ...more] = [...lookedUp.flatMap(({ cites }) => cites), ...set.cites];
  return { exchange, shown, leads: leadsOf(exchange, lookedUp), alias: aliasOf(lookedUp), cites: [first, ...more] };
}

const lookUpAddresses = (evidence: DomainEvidence, name: string): readonly LookedUp[] => [
  lookUp(evidence, name, 'A'),
  lookUp(evidence, name, 'AAAA'),
];

/** Where a name without MX records leads by its own addresses. */
export function ownAddresses(evidence: DomainEvidence, name: string): { leads: Leads; cites: readonly Cite[] } {
  const lookedUp = lookUpAddresses(evidence, name);
  return { leads: leadsOf(name, lookedUp), cites: lookedUp.flatMap(({ cites }) => cites) };
}

function leadsOf(exchange: string, lookedUp: readonly LookedUp[]): Leads {
  const records = lookedUp.flatMap(({ lookup }) => (lookup.kind === 'found' ? lookup.records : []));
  const addresses = records.flatMap((record) => ('address' in record ? [record.address] : []));
  const open = lookedUp.find(({ lookup }) => lookup.kind !== 'found' && !isDenied(lookup));
  if (addresses.length > 0) return { kind: 'addresses', addresses, isComplete: open === undefined };
  if (open !== undefined)
    return { kind: 'unknown', trouble: lookupTrouble(open.lookup, 'the addresses', exchange, open.cites) };
  const absent = lookedUp.find(({ lookup }) => lookup.kind === 'no-such-name');
  if (absent !== undefined)
    return { kind: 'nowhere', because: `${asAlias(exchange, absent.lookup)} does not exist (NXDOMAIN)` };
  const lookup = lookedUp[0]?.lookup;
  const name = lookup === undefined ? show(exchange) : asAlias(exchange, lookup);
  return { kind: 'nowhere', because: `${name} has neither an A nor an AAAA record` };
}

function aliasOf(lookedUp: readonly LookedUp[]): Target['alias'] {
  for (const { lookup } of lookedUp) {
    const [first] = lookup.aliases;
    if (first !== undefined) return { of: first };
    if (lookup.kind === 'alias-loop') return { of: lookup.name };
  }
  const isTold = lookedUp.some(({ lookup }) => lookup.kind === 'found' || isDenied(lookup));
  return isTold ? null : 'unknown';
}

const FAILURES = {
  'server-failure': 'the name server failed (SERVFAIL)',
  refused: 'the name server refused (REFUSED)',
  timeout: 'no name server answered in time',
  unreachable: 'no name server could be reached',
  malformed: 'the answer could not be used',
} satisfies Record<Extract<Lookup, { kind: 'failed' }>['why'], string>;

/** Why a lookup told nothing. `what` is what was asked for: "the MX records". */
export function lookupTrouble(
  lookup: Lookup,
  what: string,
  name: string,
  cites: readonly Cite[],
): Finding & { readonly verdict: 'inconclusive' } {
  const because = `${what} of ${asAlias(name, lookup)} are not known: ${whyUnknown(lookup)}`;
  const cause = lookup.kind === 'unasked' ? 'not-asked' : 'dns';
  return { verdict: 'inconclusive', cause, because, cites };
}

function whyUnknown(lookup: Lookup): string {
  if (lookup.kind === 'failed') return FAILURES[lookup.why];
  if (lookup.kind === 'alias-loop') return `its aliases lead in a circle or over more than ${MAX_ALIASES} links`;
  return 'they were not asked for';
}

/** A name with what it is an alias of: "a.example (alias of b.example)". */
function asAlias(name: string, lookup: Lookup): string {
  return lookup.name === name ? show(name) : `${show(name)} (alias of ${show(lookup.name)})`;
}

/** A name of the DNS for people, escaped and cut; the root is ".". */
export function show(name: string): string {
  const text = name === '' ? '.' : visible(name);
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}

/** "a, b and 4 more": texts for one sentence. */
export function listed(texts: readonly string[], most = 3): string {
  const left = texts.length - most;
  if (left > 0) return `${texts.slice(0, most).join(', ')} and ${left} more`;
  return texts.length < 2 ? texts.join('') : `${texts.slice(0, -1).join(', ')} and ${texts.at(-1)}`;
}

/** "1 mail host", "3 mail hosts". */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** The cites of several targets, each once, in the order in which they first stand. */
export function citesOfTargets(first: Target, ...more: readonly Target[]): Cites {
  const all = [first, ...more].flatMap(({ cites }) => cites);
  const once = new Map(all.map((cite) => [cite.index, cite]));
  const [deciding = first.cites[0], ...others] = once.values();
  return [deciding, ...others];
}
