// Domains, mailboxes and paths (RFC 5321 2.3.5, 2.3.11, 4.1.2, 4.5.3.1). Everything that a user types passes here
// before it may reach the wire: only these functions make the branded types, and none of them lets CR, LF, NUL,
// SP, "<" or ">" through.
import { specialPurpose } from './special-address.js';
import { UsageError } from './usage-error.js';
import { visible } from './visible.js';

/** A domain name on the wire: A-labels, lower case, no trailing dot. Made by `parseDomain` only. */
export type Domain = string & { readonly __brand: 'Domain' };

/** What stands between the angle brackets of MAIL FROM; empty for the null reverse-path. */
export type ReversePath = string & { readonly __brand: 'ReversePath' };

/** What stands between the angle brackets of RCPT TO: a mailbox, or the word Postmaster alone (4.1.1.3). */
export type ForwardPath = string & { readonly __brand: 'ForwardPath' };

/** The argument of EHLO: a fully-qualified domain name or an address literal (4.1.1.1, 4.1.3). */
export type EhloName = string & { readonly __brand: 'EhloName' };

export const NULL_REVERSE_PATH = '' as ReversePath;

/** A domain as a user wrote it, understood. */
export interface ParsedDomain {
  readonly domain: Domain;
  /** The U-label form where it differs from the A-label form, else null. */
  readonly unicode: string | null;
  /** What was done to the input that its author may want to know. */
  readonly notes: readonly string[];
}

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** True for a name of letters, digits and hyphens with legal lengths (RFC 5321 2.3.5, 4.1.2; RFC 1035 2.3.4). */
export function isDomainSyntax(name: string): boolean {
  return name.length > 0 && name.length <= 253 && name.split('.').every((label) => LABEL.test(label.toLowerCase()));
}

/**
 * Reads a domain as people write it: any case, U-labels or A-labels, a trailing dot, `user@domain`.
 * Rejects with a UsageError of one sentence when it is no domain (RFC 5321 2.3.5, 4.1.2; RFC 5891 by way of UTS 46).
 */
export async function parseDomain(input: string): Promise<ParsedDomain> {
  const notes: string[] = [];
  let text = input.trim();
  const at = text.lastIndexOf('@');
  if (at !== -1) {
    notes.push(`${visible(text)}: the local-part is dropped, the domain is checked`);
    text = text.slice(at + 1);
  }
  if (text.endsWith('.')) text = text.slice(0, -1);
  const shown = `"${visible(input)}"`;
  if (text === '') throw new UsageError(`${shown} names no domain`);
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) throw new UsageError(`${shown} is a URL: give the domain alone`);
  if (isAddressLike(text)) {
    throw new UsageError(`${shown} is an address, not a domain: use --host to check one mail host`);
  }

  const ascii = await toALabels(text, shown);
  if (ascii.length > 253) throw new UsageError(`${shown} is longer than the 255 octets of a domain name`);
  for (const label of ascii.split('.')) {
    if (label === '') throw new UsageError(`${shown} has an empty label`);
    if (label.length > 63) throw new UsageError(`${shown} has a label of more than 63 octets`);
    if (!LABEL.test(label)) {
      throw new UsageError(`${shown} is no domain: labels are letters, digits and inner hyphens`);
    }
  }
  if (!ascii.includes('.')) notes.push(`${ascii}: a name of one label is legal (RFC 5321 2.3.5) but unusual`);
  return { domain: ascii as Domain, unicode: await toULabels(ascii), notes };
}

function isAddressLike(text: string): boolean {
  return text.startsWith('[') || text.includes(':') || /(?:^|\.)(?:\d+|0x[0-9a-f]+)$/i.test(text);
}

// The IDNA tables are large: they are loaded only when a name needs them.
async function toALabels(text: string, shown: string): Promise<string> {
  if (/^[\x20-\x7e]*$/.test(text) && !/(?:^|\.)xn--/i.test(text)) return text.toLowerCase();
  const { toASCII } = await import('tr46');
  const ascii = toASCII(text, {
    checkHyphens: false,
    checkBidi: true,
    checkJoiners: true,
    useSTD3ASCIIRules: true,
    verifyDNSLength: false,
  });
  if (ascii === null) throw new UsageError(`${shown} is no domain that IDNA allows`);
  return ascii;
}

async function toULabels(ascii: string): Promise<string | null> {
  if (!/(?:^|\.)xn--/.test(ascii)) return null;
  const { toUnicode } = await import('tr46');
  const { domain, error } = toUnicode(ascii, { checkHyphens: false, checkBidi: true, checkJoiners: true });
  return error || domain === ascii ? null : domain;
}

const DOT_STRING = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/;

/** Reads the value of --mail-from: `<>`, or a mailbox with a plain local-part and a fully-qualified domain. */
export async function parseReversePath(input: string): Promise<ReversePath> {
  const text = /^<.*>$/s.test(input) ? input.slice(1, -1) : input;
  if (text === '') return NULL_REVERSE_PATH;
  const at = text.lastIndexOf('@');
  const localPart = text.slice(0, Math.max(at, 0));
  const shown = `"${visible(input)}"`;
  if (at < 1) throw new UsageError(`${shown} is no mailbox: write local-part@domain, or <>`);
  if (localPart.length > 64) throw new UsageError(`${shown} has a local-part of more than 64 octets`);
  if (!DOT_STRING.test(localPart)) throw new UsageError(`${shown} needs a local-part that is legal without quotes`);
  const { domain } = await parseDomain(text.slice(at + 1));
  if (!domain.includes('.')) throw new UsageError(`${shown} needs a fully-qualified domain`);
  const path = `${localPart}@${domain}`;
  if (path.length > 254) throw new UsageError(`${shown} is longer than the 256 octets of a path`);
  return path as ReversePath;
}

/** Reads the value of --ehlo: a name of at least two labels, or `[192.0.2.1]`, `[IPv6:2001:db8::1]`. */
export async function parseEhloName(input: string): Promise<EhloName> {
  const text = input.trim();
  // 4.1.3: IPv6 addresses are tagged, IPv4 ones are not.
  const literal = /^\[(?:([\d.]+)|IPv6:([0-9a-f:.]*:[0-9a-f:.]*))\]$/i.exec(text);
  const address = literal?.[1] ?? literal?.[2];
  if (address !== undefined && specialPurpose(address)?.kind !== 'not-an-address') return text as EhloName;
  const { domain } = await parseDomain(text);
  if (!isFullyQualified(domain)) {
    throw new UsageError(`"${visible(input)}" is no name for EHLO: it needs a fully-qualified domain or [address]`);
  }
  return domain as string as EhloName;
}

/** True for a name of two labels or more that is not one of the names for this host itself. */
export function isFullyQualified(name: string): boolean {
  return isDomainSyntax(name) && name.includes('.') && !/(?:^|\.)(?:localhost|localdomain)$/i.test(name);
}

/** The address literal of an IP address (RFC 5321 4.1.3). A zone index (`%eth0`) does not belong in it. */
export function addressLiteral(address: string): EhloName {
  const plain = address.replace(/%.*$/, '');
  return (plain.includes(':') ? `[IPv6:${plain}]` : `[${plain}]`) as EhloName;
}

/** A forward-path: `Postmaster` alone, or a mailbox at a domain or an address literal. Ours alone; users give domains. */
export function forwardPath(localPart: string, at: Domain | EhloName | null): ForwardPath {
  if (!DOT_STRING.test(localPart)) throw new RangeError(`a local-part that needs quoting: ${visible(localPart)}`);
  return (at === null ? localPart : `${localPart}@${at}`) as ForwardPath;
}
