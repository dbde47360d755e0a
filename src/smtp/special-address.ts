// Addresses that are no public mail host's (RFC 6890 2.2.2 and 2.2.3, multicast and RFC 5735 added), and which of them
// are never connected to unless the user allows it.
//
// Decided here: an IPv4 address inside an IPv6 one (IPv4-mapped, 6to4, NAT64) is judged as what it is, because that is
// where the packets end; a mapped address is refused in any case, for it has no business in the DNS; 6to4 and NAT64
// around a public address, and the 6to4 relay anycast block, are noted only. 169.254.169.254, where clouds keep their
// credentials, lies in the link-local block.
import ipaddr from 'ipaddr.js';

/** What a special-purpose block is for. */
export type SpecialKind =
  | 'loopback' | 'unspecified' | 'private' | 'shared' | 'link-local' | 'protocol-assignments' | 'documentation'
  | 'benchmarking' | 'multicast' | 'reserved' | 'broadcast' | 'discard' | 'orchid' | 'unique-local'
  | 'ipv4-mapped' | '6to4' | '6to4-relay' | 'nat64' | 'not-an-address'; // prettier-ignore

/** A special-purpose address: `refuse` is never connected to without --allow-private, `note` is only worth a word. */
export interface SpecialPurpose {
  readonly kind: SpecialKind;
  /** The block in CIDR notation, the embedded IPv4 address's where that decided. */
  readonly block: string;
  readonly severity: 'refuse' | 'note';
}

type Row = readonly [block: string, kind: SpecialKind, severity: SpecialPurpose['severity']];

/** The narrower block stands before the wider. */
const IPV4: readonly Row[] = [
  ['0.0.0.0/8', 'unspecified', 'refuse'],
  ['10.0.0.0/8', 'private', 'refuse'],
  ['100.64.0.0/10', 'shared', 'refuse'],
  ['127.0.0.0/8', 'loopback', 'refuse'],
  ['169.254.0.0/16', 'link-local', 'refuse'],
  ['172.16.0.0/12', 'private', 'refuse'],
  ['192.0.0.0/24', 'protocol-assignments', 'refuse'],
  ['192.0.2.0/24', 'documentation', 'refuse'],
  ['192.88.99.0/24', '6to4-relay', 'note'],
  ['192.168.0.0/16', 'private', 'refuse'],
  ['198.18.0.0/15', 'benchmarking', 'refuse'],
  ['198.51.100.0/24', 'documentation', 'refuse'],
  ['203.0.113.0/24', 'documentation', 'refuse'],
  ['224.0.0.0/4', 'multicast', 'refuse'],
  ['255.255.255.255/32', 'broadcast', 'refuse'],
  ['240.0.0.0/4', 'reserved', 'refuse'],
];

const IPV6: readonly Row[] = [
  ['::/128', 'unspecified', 'refuse'],
  ['::1/128', 'loopback', 'refuse'],
  ['::ffff:0:0/96', 'ipv4-mapped', 'refuse'],
  ['64:ff9b::/96', 'nat64', 'note'],
  ['100::/64', 'discard', 'refuse'],
  ['2001:2::/48', 'benchmarking', 'refuse'],
  ['2001:10::/28', 'orchid', 'refuse'],
  ['2001::/23', 'protocol-assignments', 'refuse'],
  ['2001:db8::/32', 'documentation', 'refuse'],
  ['2002::/16', '6to4', 'note'],
  ['fc00::/7', 'unique-local', 'refuse'],
  ['fe80::/10', 'link-local', 'refuse'],
  ['ff00::/8', 'multicast', 'refuse'],
];

/** Assignments inside 2001::/23 that the IANA registry calls globally reachable: no special case of ours. */
const GLOBAL_WITHIN: readonly string[] = [
  '2001:1::1/128', // PCP anycast, RFC 7723
  '2001:1::2/128', // TURN anycast, RFC 8155
  '2001:1::3/128', // DNS-SD SRP anycast, RFC 9665
  '2001:3::/32', // AMT, RFC 7450
  '2001:4:112::/48', // AS112, RFC 7535
  '2001:20::/28', // ORCHIDv2, RFC 7343
  '2001:30::/28', // drone remote identification, RFC 9374
];

interface Block {
  readonly range: [ipaddr.IPv4 | ipaddr.IPv6, number];
  readonly special: SpecialPurpose;
}

const readBlocks = (rows: readonly Row[]): readonly Block[] =>
  rows.map(([block, kind, severity]) => ({ range: ipaddr.parseCIDR(block), special: { kind, block, severity } }));

const IPV4_BLOCKS = readBlocks(IPV4);
const IPV6_BLOCKS = readBlocks(IPV6);
const GLOBAL_BLOCKS = GLOBAL_WITHIN.map((block) => ipaddr.IPv6.parseCIDR(block));

const OCTET = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const DOTTED_QUAD = `${OCTET}(?:\\.${OCTET}){3}`;
const IPV4_SYNTAX = new RegExp(`^${DOTTED_QUAD}$`);
// ipaddr.js reads more than addresses (`127.1`, octal, hexadecimal): only what looks like one is shown to it.
const IPV6_SYNTAX = new RegExp(`^[0-9a-f:]*:(?:[0-9a-f:]*|${DOTTED_QUAD})$`, 'i');

/**
 * What an IP address is reserved for, or null for an ordinary public one. A zone index (`%eth0`) is left aside. Text
 * that is no address in its usual spelling is refused as `not-an-address`, so that no odd spelling gets past.
 */
export function specialPurpose(address: string): SpecialPurpose | null {
  const text = address.replace(/%.*$/s, '');
  if (IPV4_SYNTAX.test(text)) return blockOf(ipaddr.IPv4.parse(text), IPV4_BLOCKS);
  if (!IPV6_SYNTAX.test(text) || !ipaddr.IPv6.isValid(text)) {
    return { kind: 'not-an-address', block: '', severity: 'refuse' };
  }
  const parsed = ipaddr.IPv6.parse(text);
  if (GLOBAL_BLOCKS.some((range) => parsed.match(range))) return null;
  const special = blockOf(parsed, IPV6_BLOCKS);
  const embedded = special === null ? null : embeddedIPv4(parsed, special.kind);
  const inner = embedded === null ? null : blockOf(embedded, IPV4_BLOCKS);
  return inner?.severity === 'refuse' ? inner : special;
}

/** True for an address that may be connected to without --allow-private. */
export function isConnectable(address: string): boolean {
  return specialPurpose(address)?.severity !== 'refuse';
}

function blockOf(address: ipaddr.IPv4 | ipaddr.IPv6, blocks: readonly Block[]): SpecialPurpose | null {
  return blocks.find(({ range }) => address.match(range))?.special ?? null;
}

/** The IPv4 address that an IPv6 address of such a block carries (RFC 4291 2.5.5.2, RFC 6052 2.2, RFC 3056 2). */
function embeddedIPv4({ parts }: ipaddr.IPv6, kind: SpecialKind): ipaddr.IPv4 | null {
  const [, second = 0, third = 0, , , , seventh = 0, eighth = 0] = parts;
  if (kind === '6to4') return fromHalves(second, third);
  return kind === 'ipv4-mapped' || kind === 'nat64' ? fromHalves(seventh, eighth) : null;
}

const fromHalves = (high: number, low: number): ipaddr.IPv4 =>
  new ipaddr.IPv4([high >> 8, high & 0xff, low >> 8, low & 0xff]);
