// Replies, as RFC 5321 section 4.2 defines them and as hosts really write them.
// What a host does wrong in a reply is a defect on the value, never an exception: it is evidence.

/** An enhanced status code (RFC 3463) as written: `5.1.1`. */
export type EnhancedStatusCode = string & { readonly __brand: 'EnhancedStatusCode' };

/** What is wrong with the octets of one reply; none of these changes what the reply code says. */
export type ReplyDefect =
  | 'bare-lf' // a line ended by LF alone (2.3.8)
  | 'bare-cr' // CR inside a line
  | 'nul' // an octet 0
  | 'control' // another control octet, tab aside
  | 'non-ascii' // an octet above 127
  | 'mixed-codes' // lines of one reply with different codes (4.2.1)
  | 'code-out-of-range' // a first digit outside 2 to 5, or a second one outside 0 to 5 (4.2)
  | 'code-alone' // a code with nothing behind it, not even SP (4.2: to be accepted)
  | 'no-separator' // text right behind the code
  | 'line-too-long'; // over 512 octets (4.5.3.1.5)

/** One complete reply. Text is latin1: one character an octet, U+0000 to U+00FF. */
export interface Reply {
  /** The reply code of the last line, which is the one that ends the reply. */
  readonly code: number;
  /** The enhanced status code at the head of the text, if there is one in that place. */
  readonly enhanced: EnhancedStatusCode | null;
  /** The text of each line, without code, separator and line end. */
  readonly lines: readonly string[];
  /** Every octet of the reply as it came, line ends included. */
  readonly raw: string;
  readonly defects: readonly ReplyDefect[];
}

const ENHANCED_STATUS_CODE = /^[245]\.\d{1,3}\.\d{1,3}(?=$|[\s:;,)-])/;

/** The enhanced status code at the head of a reply's text (RFC 2034 section 4), or null. */
export function parseEnhancedStatusCode(text: string): EnhancedStatusCode | null {
  const found = ENHANCED_STATUS_CODE.exec(text.trimStart());
  return found ? (found[0] as EnhancedStatusCode) : null;
}

/** 2yz: the requested action has been successfully completed (4.2.1). */
export const isPositive = (reply: Reply): boolean => firstDigit(reply) === 2;
/** 4yz: refused for now (4.2.1). */
export const isTransientNegative = (reply: Reply): boolean => firstDigit(reply) === 4;
/** 5yz: refused for good (4.2.1). */
export const isPermanentNegative = (reply: Reply): boolean => firstDigit(reply) === 5;

/** The digit that decides where a code is not known (4.2: "interpreting the first digit only"). */
export function firstDigit(reply: Reply): number {
  return Math.floor(reply.code / 100);
}

/** The keywords of an EHLO reply, upper case, each with its parameters (4.1.1.1); the first line is the greeting. */
export function ehloKeywords(reply: Reply): ReadonlyMap<string, string> {
  const keywords = new Map<string, string>();
  for (const line of reply.lines.slice(1)) {
    // 250-AUTH=PLAIN is seen: an old form that some hosts still print beside the standard one.
    const [keyword = '', ...rest] = line.trim().split(/[\s=]+/);
    if (keyword !== '' && !keywords.has(keyword.toUpperCase())) keywords.set(keyword.toUpperCase(), rest.join(' '));
  }
  return keywords;
}

/** A reply's text on one line, for people. Not escaped: peer octets. */
export function replyText(reply: Reply): string {
  return reply.lines.join(' ').replaceAll(/\s+/g, ' ').trim();
}
