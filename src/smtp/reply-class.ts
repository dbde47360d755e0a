// From a reply to a diagnosis. What the protocol does next depends on the reply code alone (4.2); what a refusal is
// about does not, and here it is read from step, code, enhanced status code (RFC 3463) and words, in that order:
//
// 1. the first digit: 2 is accepted, 4 and 5 are refusals, everything else answers no command of ours;
// 2. whom the host blames in Postfix's own words; 3. 421 and 530, whatever follows them;
// 4. an enhanced status code that one class lists; 5. words, by the table in ./reply-patterns.ts; 6. the code alone.
//
// Decided here:
// - An accusation stands only if nothing in the text blames the client or the sender, limits a rate or greylists.
//   That comes last and overrules codes: hosts say 5.1.0 of senders and 550 of everything.
// - Before RCPT no recipient has been named. At MAIL the unknown address or domain is the sender's; earlier, a code
//   or text of that kind says nothing that could be told.
// - Patterns read lines as one text, since hosts break their sentences anywhere.
import { readOnce } from './read-once.js';
import { firstDigit, type EnhancedStatusCode, type Reply } from './reply.js';
import { ACCUSING, REPLY_CLASSES, type ClassRow, type ReplyClass } from './reply-patterns.js';
import {
  ADDRESS,
  CLIENT_REASONS,
  CLIENT_REFUSED,
  COME_BACK,
  GREYLIST,
  HELLO_DIFFERS,
  HELLO_NAME,
  HELO,
  LIST_NAME,
  NO_SUCH_USER,
  NULL_SENDER,
  POSTFIX_BLAMES,
  SENDER_CHECK,
} from './reply-words.js';

export type { ReplyClass } from './reply-patterns.js';

/** Names that a reply may merely repeat: words in them say nothing. */
export interface Echo {
  /** The tested domain, as an A-label. */
  readonly domain: string | null;
  /** The name of the mail host. */
  readonly host: string | null;
}

/** The command that a reply answers. */
export type ReplyStep = 'opening' | 'hello' | 'mail' | 'rcpt' | 'other';

const ROWS = Object.entries(REPLY_CLASSES) as readonly (readonly [ReplyClass, ClassRow])[];

const NO_ADDRESS_NAMED: Partial<Record<ReplyClass, ReplyClass>> = {
  'perm.relay': 'perm.policy-ambiguous',
  'perm.no-mailbox': 'perm.policy-ambiguous',
  'perm.no-domain': 'perm.policy-ambiguous',
  'perm.full': 'perm.policy-ambiguous',
  'perm.refuses-postmaster': 'perm.policy-ambiguous',
};
const BEFORE_RCPT: Partial<Record<ReplyStep, Partial<Record<ReplyClass, ReplyClass>>>> = {
  opening: NO_ADDRESS_NAMED,
  hello: NO_ADDRESS_NAMED,
  mail: { ...NO_ADDRESS_NAMED, 'perm.no-mailbox': 'perm.sender-policy', 'perm.no-domain': 'perm.sender-policy' },
};

/** What the reply means as an answer to the command of this step. Never throws, whatever the octets. */
export function classifyReply(reply: Reply, step: ReplyStep, echo: Echo): ReplyClass {
  const known = knownClasses(reply);
  const key = `${step} ${echo.domain} ${echo.host}`;
  const found = known.get(key) ?? classify(reply, step, echo);
  known.set(key, found);
  return found;
}

// Many rows ask about one reply, always with the same names.
const knownClasses = readOnce<Reply, Map<string, ReplyClass>>(() => new Map(), 64);

function classify(reply: Reply, step: ReplyStep, echo: Echo): ReplyClass {
  switch (firstDigit(reply)) {
    case 2:
      return reply.code === 250 || reply.code === 251 ? 'accept' : 'accept-nonstandard';
    case 4:
      return classifyRefusal(reply, 'temp', step, ownWords(reply, echo));
    case 5: {
      const text = ownWords(reply, echo);
      const found = clear(classifyRefusal(reply, 'perm', step, text), step, text);
      return BEFORE_RCPT[step]?.[found] ?? found;
    }
    default:
      return 'intermediate';
  }
}

/** Whether a 550 rests on its code alone: where a close follows it, it says nothing about a mailbox (7.8). */
export function isBare550(reply: Reply, echo: Echo): boolean {
  if (reply.code !== 550 || classifyReply(reply, 'rcpt', echo) !== 'perm.no-mailbox') return false;
  return byEnhancedCode(reply) === null && byText(reply, 'perm', 'rcpt', ownWords(reply, echo)) === null;
}

// Postfix says this to everybody where it refuses all clients.
const FOR_EVERYBODY = /\bclient host rejected:? ?(?:access denied)?/gi;
const NOT_NOW = new RegExp(String.raw`\bblock(?:ed)?\b|\bbanned\b|${GREYLIST}|${COME_BACK}`, 'i');
const THIS_CLIENT: readonly RegExp[] = [...CLIENT_REASONS, CLIENT_REFUSED, NOT_NOW, ADDRESS];

/**
 * Whether the text names a list, reverse DNS, HELO, reputation, rate, origin or address as the reason, or asks to come
 * back. Neither 5.7.x nor "access denied" does: an exempt host has no other words for refusing everybody (4.5.1).
 */
export function blamesClient(reply: Reply, echo: Echo): boolean {
  const text = ownWords(reply, echo).replaceAll(FOR_EVERYBODY, ' ');
  return THIS_CLIENT.some((reason) => reason.test(text));
}

const ATTACK = new RegExp(
  [
    String.raw`\battack|\bd?dos\b|denial[- ]of[- ]service|flood|dictionary|harvest|mail ?bomb|brute[- ]force`,
    String.raw`\brate\b|ratelimit|throttl|too (?:many|fast|quickly|frequent|often)`,
    String.raw`\bfrequency limited|unusual (?:volume|traffic|activity)`,
    String.raw`\bbreach|compromised|outbreak|containment|emergency|security incident|infected|botnet|hijack`,
  ].join('|'),
  'i',
);

/** Whether the text claims an attack in progress, a rate limit or the containment of a breach (4.5.1, 7.8). */
export function claimsAttack(reply: Reply, echo: Echo): boolean {
  return ATTACK.test(ownWords(reply, echo));
}

/** Whether the text blames an empty reverse-path, or bounces as such (RFC 2505 2.6.1). */
export function blamesNullSender(reply: Reply, echo: Echo): boolean {
  return NULL_SENDER.test(ownWords(reply, echo));
}

/**
 * What a refusal finds wrong with our EHLO, if it says so: that its name does not belong to our address (4.1.4), or the
 * name itself, which does not exist or is not fully-qualified.
 */
export function blamesHello(reply: Reply, echo: Echo): 'mismatch' | 'name' | null {
  if (!reply.lines.some((line) => HELO.test(line))) return null;
  const text = ownWords(reply, echo);
  if (SENDER_CHECK.test(text)) return null;
  if (HELLO_DIFFERS.test(text)) return 'mismatch';
  return HELLO_NAME.test(text) ? 'name' : null;
}

function classifyRefusal(reply: Reply, kind: 'temp' | 'perm', step: ReplyStep, text: string): ReplyClass {
  if (POSTFIX_BLAMES.client.test(text)) return `${kind}.client-policy`;
  if (POSTFIX_BLAMES.sender.test(text)) return kind === 'temp' ? 'temp.sender' : 'perm.sender-policy';
  if (reply.code === 421) return 'temp.closing';
  // 530 5.7.0 is both RFC 3207's and RFC 4954's; 530 5.5.1 is seen for STARTTLS.
  if (reply.code === 530) return REPLY_CLASSES['perm.starttls'].text.test(text) ? 'perm.starttls' : 'perm.auth';
  const decided = byEnhancedCode(reply);
  if (decided !== null && decided !== 'shared') return decided;
  return byText(reply, kind, step, text) ?? byCodeAlone(reply, kind, step);
}

/** Takes back an accusation that the text itself clears the host of. */
function clear(found: ReplyClass, step: ReplyStep, text: string): ReplyClass {
  if (!ACCUSING.has(found)) return found;
  // "501 Syntax: EHLO hostname" names HELO because HELO was said.
  if (found === 'perm.syntax' && (step === 'opening' || step === 'hello')) return found;
  const overruling = ROWS.find(([, row]) => row.overrules?.test(text))?.[0];
  if (overruling !== undefined) return overruling;
  // A code alone says "no such mailbox" of a reply whose only subject is an address: that address is ours.
  const isByCode = found === 'perm.no-mailbox' || found === 'perm.no-domain' || found === 'perm.syntax';
  return isByCode && ADDRESS.test(text) && !NO_SUCH_USER.test(text) ? 'perm.client-policy' : found;
}

/** The class that alone lists the enhanced status code; `shared` for other X.7.x; null where none says anything. */
function byEnhancedCode(reply: Reply): ReplyClass | 'shared' | null {
  const code = enhancedStatusCode(reply);
  if (code === null) return null;
  const listing = ROWS.find(([, row]) => row.enhanced.includes(code));
  return listing?.[0] ?? (/^[45]\.7\./.test(code) ? 'shared' : null);
}

// qmail writes (#5.1.1) at the end, IronPort #5.1.0 in front.
const HASH_IN_FRONT = /^\s*#([245]\.\d{1,3}\.\d{1,3})(?![\w.])/;
const HASH_AT_END = /\(#([245]\.\d{1,3}\.\d{1,3})(?: - \w+)?\)[\s.]*$/;

/** The enhanced status code wherever hosts write it, if its class is the first digit of the reply code (RFC 2034 4). */
function enhancedStatusCode(reply: Reply): EnhancedStatusCode | null {
  const hashed = HASH_IN_FRONT.exec(reply.lines[0] ?? '')?.[1] ?? HASH_AT_END.exec(reply.lines.at(-1) ?? '')?.[1];
  const code = reply.enhanced ?? (hashed as EnhancedStatusCode | undefined) ?? null;
  return code !== null && Number(code[0]) === firstDigit(reply) ? code : null;
}

function byText(reply: Reply, kind: 'temp' | 'perm', step: ReplyStep, text: string): ReplyClass | null {
  const shared = byEnhancedCode(reply) === 'shared';
  // A 5yz that no class lists: the words of all classes count.
  const known = kind === 'temp' || ROWS.some(([, row]) => lists(row, reply.code));
  for (const [name, row] of ROWS) {
    if (kind === 'perm' && row.plain?.test(text)) return name;
    if (row.text === null) continue;
    const counts = shared
      ? row.enhanced.includes(kind === 'temp' ? '4.7.x' : '5.7.x')
      : listsCode(name, row, reply.code, step) || (!known && name.startsWith('perm.'));
    if (counts && row.text.test(text)) return name;
  }
  if (!shared) return null;
  return kind === 'temp' ? 'temp.greylist' : 'perm.policy-ambiguous';
}

function byCodeAlone(reply: Reply, kind: 'temp' | 'perm', step: ReplyStep): ReplyClass {
  const found = ROWS.find(([name, row]) => row.alone.includes(reply.code) && listsCode(name, row, reply.code, step));
  const any = kind === 'temp' ? '4yz' : '5yz';
  return found?.[0] ?? ROWS.find(([, row]) => row.alone.includes(any))?.[0] ?? 'perm.policy-ambiguous';
}

const lists = (row: ClassRow, code: number): boolean => row.basic.includes(code) || row.alone.includes(code);

function listsCode(name: ReplyClass, row: ClassRow, code: number, step: ReplyStep): boolean {
  // RFC 7504 3: in an opening reply 521 speaks for the host, in one to RCPT for the domain.
  if (code === 521 && name === 'perm.no-domain' && step !== 'rcpt') return false;
  return lists(row, code) || (code < 500 && row.basic.includes('4yz'));
}

const WEB_ADDRESS = /\b(?:https?:\/\/|www\.)\S+/gi;
// Where a client is sent to look its own address up.
const LOOK_UP = /[?&/]ip[=/]|ipcheck|\d{1,3}(?:\.\d{1,3}){3}/i;
// Three labels at least, so that "unknown.Please" stays two words.
const HOST_NAME = /(?<![\w.-])[\w-]+(?:\.[\w-]+)+\.[a-z]{2,}(?![\w-])/gi;

// No octet of a reply, and no space, so that a web address stays one word.
const TAKEN_OUT = '\u2026';

/** The text on one line without what it echoes; of other names, only those of lists are words. */
function ownWords(reply: Reply, echo: Echo): string {
  let text = reply.lines.map((line) => line.replaceAll(/<[^<>]+>/g, ' ')).join(' ');
  text = text
    .split(/\s+|\.{3,}/)
    .filter((word) => !word.includes('@'))
    .join(' ');
  for (const name of [echo.domain, echo.host]) {
    if (name === null || name === '' || !text.toLowerCase().includes(name.toLowerCase())) continue;
    text = text.replaceAll(new RegExp(String.raw`(?<![\w.-])(?:[\w-]*\.)*${escaped(name)}(?![\w-])`, 'gi'), TAKEN_OUT);
  }
  return text
    .replaceAll(WEB_ADDRESS, (address) => (LIST_NAME.test(address) || LOOK_UP.test(address) ? ' blocklist ' : ' '))
    .replaceAll(HOST_NAME, (name) => (LIST_NAME.test(name) ? ' blocklist ' : ' '))
    .replaceAll(TAKEN_OUT, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);
}
