// Where a domain's mail goes (RFC 5321 5.1, RFC 7505), and the DNS facts that say so. Pure: `nextQuestions` says what
// is to be asked of the DNS, the resolver asks it, `planMailRoute` reads the answers.
//
// Decided here: aliases of the domain are followed over at most 8 links; address records of the domain count only
// where it has no MX at all; a Null MX ends everything; "." beside other MX records is no usable host and is left out;
// an alias as MX target is followed for probing (RFC 2181 10.3 forbids it, most senders follow it). Records that belong
// to another name than was asked for, and aliases without end, tell nothing: they make the route unknown, never "no MX"
// or "no address".
import type { Domain } from './address.js';

export type QuestionType = 'MX' | 'A' | 'AAAA' | 'CNAME' | 'SOA';

/** One question to the DNS. Names are lower case without trailing dot, latin1: one character an octet. */
export interface Question {
  readonly name: string;
  readonly type: QuestionType;
}

/** One record of an answer section, its names as in a question. A dot inside a label is written `\.`, a backslash `\\`; the root name is ''. */
export type DnsRecord = { readonly name: string; readonly ttl: number } & (
  | { readonly type: 'MX'; readonly preference: number; readonly exchange: string }
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME'; readonly target: string }
  /** Of an SOA record only the mailbox is kept, as the name it is written as (RFC 1035 3.3.13). */
  | { readonly type: 'SOA'; readonly rname: string }
);

/** What one name server did when it was passed over in favour of the next. */
export interface PassedOver {
  readonly nameServer: string;
  readonly why: 'timeout' | 'unreachable' | 'refused' | 'server-failure' | 'malformed' | 'mismatched';
}

/** What came of a question. `records` holds the whole answer section: aliases beside what was asked for. */
export type DnsOutcome =
  | { readonly kind: 'records'; readonly records: readonly DnsRecord[] }
  | { readonly kind: 'no-data'; readonly records: readonly DnsRecord[] } // NOERROR without a record of the type; aliases may be there
  | { readonly kind: 'no-such-name'; readonly records: readonly DnsRecord[] } // NXDOMAIN
  | { readonly kind: 'server-failure' | 'refused' | 'timeout' | 'unreachable' | 'malformed' };

/** One question, answered or not, by the name server that had the last word. */
export interface DnsExchange {
  readonly question: Question;
  readonly nameServer: string;
  readonly transport: 'udp' | 'tcp';
  readonly afterMs: number;
  readonly outcome: DnsOutcome;
  readonly passedOver: readonly PassedOver[];
}

/** One mail host of a route, with the addresses in the order in which the resolver gave them (5.1). */
export interface MailHost {
  readonly host: string;
  readonly preference: number;
  readonly addresses: readonly string[];
}

/** The mail route of a domain. `given` is a host named with --host: no DNS was asked. */
export interface MailRoute {
  readonly kind: 'mx' | 'implicit-mx' | 'null-mx' | 'no-such-domain' | 'no-mail-host' | 'given' | 'unknown';
  /** The name whose records were used: the domain, or what its alias leads to. */
  readonly canonicalName: string;
  /** Sorted by preference; the order inside one preference is the planner's to shuffle. */
  readonly hosts: readonly MailHost[];
}

/** The longest chain of aliases that is followed (5.1; RFC 1034 5.2.2 warns of loops). */
export const MAX_ALIASES = 8;
/** The most mail hosts whose addresses are looked up; a longer MX set is read to this length, by preference. */
export const MAX_MAIL_HOSTS = 64;

/** Where a question led: over which aliases, to which records. */
export type Lookup =
  | {
      readonly kind: 'found';
      readonly records: readonly DnsRecord[];
      readonly name: string;
      readonly aliases: readonly string[];
    }
  | {
      readonly kind: 'no-data' | 'no-such-name' | 'alias-loop';
      readonly name: string;
      readonly aliases: readonly string[];
    }
  | {
      readonly kind: 'failed';
      readonly why: 'server-failure' | 'refused' | 'timeout' | 'unreachable' | 'malformed';
      readonly name: string;
      readonly aliases: readonly string[];
    }
  | {
      readonly kind: 'unasked';
      readonly question: Question;
      readonly name: string;
      readonly aliases: readonly string[];
    };

/** Follows a question through the answers at hand, aliases included (RFC 1034 3.6.2, RFC 5321 5.1). */
export function followLookup(name: string, type: QuestionType, exchanges: readonly DnsExchange[]): Lookup {
  const aliases: string[] = [];
  let current = name;
  for (;;) {
    const asked = current;
    const exchange = exchanges.find(({ question }) => question.name === asked && question.type === type);
    if (exchange === undefined) return { kind: 'unasked', question: { name: asked, type }, name: asked, aliases };
    const { outcome } = exchange;
    if (!('records' in outcome)) return { kind: 'failed', why: outcome.kind, name: asked, aliases };
    for (;;) {
      const alias = outcome.records.find((record) => record.type === 'CNAME' && record.name === current);
      if (alias === undefined || alias.type !== 'CNAME' || type === 'CNAME') break;
      if (aliases.length >= MAX_ALIASES || aliases.includes(alias.target) || alias.target === name) {
        return { kind: 'alias-loop', name: current, aliases };
      }
      aliases.push(alias.target);
      current = alias.target;
    }
    const records = outcome.records.filter((record) => record.type === type && record.name === current);
    if (records.length > 0) return { kind: 'found', records, name: current, aliases };
    if (outcome.kind === 'no-such-name') return { kind: 'no-such-name', name: current, aliases };
    // Records of the type, but none of this name's: an answer to another question.
    if (current === asked && outcome.kind === 'records')
      return { kind: 'failed', why: 'malformed', name: asked, aliases };
    if (current === asked) return { kind: 'no-data', name: current, aliases };
    // An answer that ends at an alias may be all that this server knows: ask for the name at its end.
  }
}

/** What still is to be asked before the route is known; empty when it is. All of it may be asked at once. */
export function nextQuestions(domain: Domain, exchanges: readonly DnsExchange[]): readonly Question[] {
  const mx = followLookup(domain, 'MX', exchanges);
  if (mx.kind === 'unasked') return [mx.question];
  if (mx.kind === 'no-data') return addressQuestions(mx.name, exchanges);
  if (mx.kind !== 'found') return [];
  const questions = mailExchanges(mx.records).flatMap(({ exchange }) => addressQuestions(exchange, exchanges));
  // Two mail hosts may be aliases of one name: it is asked for once.
  return [...new Map(questions.map((question) => [`${question.type} ${question.name}`, question])).values()];
}

function addressQuestions(name: string, exchanges: readonly DnsExchange[]): readonly Question[] {
  const lookups = [followLookup(name, 'A', exchanges), followLookup(name, 'AAAA', exchanges)];
  return lookups.flatMap((lookup) => (lookup.kind === 'unasked' ? [lookup.question] : []));
}

/** The exchanges that can be looked up, once each, by preference (5.1); neither "." nor addresses written as names. */
function mailExchanges(records: readonly DnsRecord[]): readonly { exchange: string; preference: number }[] {
  const lowest = new Map<string, number>();
  for (const record of records) {
    if (record.type !== 'MX' || !isAskable(record.exchange)) continue;
    const preference = lowest.get(record.exchange);
    if (preference === undefined || record.preference < preference) lowest.set(record.exchange, record.preference);
  }
  return [...lowest]
    .map(([exchange, preference]) => ({ exchange, preference }))
    .toSorted((one, other) => one.preference - other.preference || (one.exchange < other.exchange ? -1 : 1))
    .slice(0, MAX_MAIL_HOSTS);
}

/** True for a name that may lead to a mail host. An underscore is wrong there (mx.target-syntax) but resolves. */
export function isAskable(exchange: string): boolean {
  return (
    /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/i.test(exchange) && exchange.length <= 253 && !isDottedQuad(exchange)
  );
}

/** RFC 1123 2.1: "a valid host name can never have the dotted-decimal form #.#.#.#". */
export function isDottedQuad(name: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(name);
}

/** The mail route that the answers give (RFC 5321 5.1, RFC 7505 3); `unknown` where the DNS did not tell. */
export function planMailRoute(domain: Domain, exchanges: readonly DnsExchange[]): MailRoute {
  const mx = followLookup(domain, 'MX', exchanges);
  const canonicalName = mx.name;
  switch (mx.kind) {
    case 'no-such-name':
      return { kind: 'no-such-domain', canonicalName, hosts: [] };
    case 'found': {
      const exchangesOf = mx.records.filter((record) => record.type === 'MX');
      // RFC 7505 3; 5.1 forbids the domain's own addresses as soon as there is any MX.
      if (exchangesOf.every(({ exchange }) => exchange === '')) return { kind: 'null-mx', canonicalName, hosts: [] };
      const hosts = mailExchanges(mx.records).map(({ exchange, preference }) => ({
        host: exchange,
        preference,
        addresses: addressesOf(exchange, exchanges),
      }));
      return { kind: 'mx', canonicalName, hosts };
    }
    case 'no-data': {
      const addresses = addressesOf(canonicalName, exchanges);
      if (addresses.length > 0) {
        return { kind: 'implicit-mx', canonicalName, hosts: [{ host: canonicalName, preference: 0, addresses }] };
      }
      const isTold = (['A', 'AAAA'] as const).every((type) => isDenied(followLookup(canonicalName, type, exchanges)));
      return { kind: isTold ? 'no-mail-host' : 'unknown', canonicalName, hosts: [] };
    }
    default:
      return { kind: 'unknown', canonicalName, hosts: [] };
  }
}

/** True where the DNS did not say whether there is such a record. */
export function isOpen(lookup: Lookup): boolean {
  return lookup.kind === 'failed' || lookup.kind === 'unasked';
}

/** True where the DNS said that there is no such record. Aliases without end say nothing. */
export function isDenied(lookup: Lookup): boolean {
  return lookup.kind === 'no-data' || lookup.kind === 'no-such-name';
}

/** The A and AAAA records of a name, aliases followed, in the order of the answers. */
export function addressesOf(name: string, exchanges: readonly DnsExchange[]): readonly string[] {
  const addresses = (['A', 'AAAA'] as const).flatMap((type) => {
    const lookup = followLookup(name, type, exchanges);
    if (lookup.kind !== 'found') return [];
    return lookup.records.flatMap((record) => ('address' in record ? [record.address] : []));
  });
  return [...new Set(addresses)];
}
