// Reads a conversation octet by octet and tells where the client broke a rule of the RFCs that bind it. It knows
// nothing of our program: what it says of a log rests on the log alone. Each breach begins with the id of its row.
import { ReplyParser } from '../../src/smtp/reply-parser.js';
import { ehloKeywords, isPositive, type Reply } from '../../src/smtp/reply.js';

/** What went over a connection, in its order. */
export type Entry = { readonly atMs: number } & (
  | { readonly who: 'probe' | 'host'; readonly octets: string }
  /** `flood`: octets without end from here on; there is nobody left to talk to. */
  | { readonly who: 'probe' | 'host'; readonly ends: 'fin' | 'reset' | 'flood' }
  | { readonly who: 'both'; readonly now: 'in-tls' }
);

interface Sent {
  readonly line: string;
  readonly verb: string;
  readonly atMs: number;
  /** Null while no reply has come. */
  reply: Reply | null;
}

const LINE: readonly RegExp[] = [
  /^(?:EHLO|HELO) (?:\[(?:\d{1,3}(?:\.\d{1,3}){3}|IPv6:[0-9A-Fa-f:.]+)\]|[a-z0-9-]+(?:\.[a-z0-9-]+)+)$/i,
  /^MAIL FROM:<[^<>\s]*>(?: [A-Z0-9=]+)*$/i,
  /^RCPT TO:<[^<>\s]+>$/i,
  /^(?:RSET|NOOP|QUIT|STARTTLS|HELP)$/i,
  // 4.1.1.9 and 4.1.1.6 let a word follow these.
  /^(?:NOOP|VRFY) \S+$/i,
];
const ONLY_LAST_IN_A_GROUP: ReadonlySet<string> = new Set([
  'EHLO',
  'HELO',
  'NOOP',
  'QUIT',
  'STARTTLS',
  'VRFY',
  'EXPN',
  'HELP',
  'DATA',
]);

/**
 * The breaches in a conversation. `leaveAfterMs`: a QUIT may be said without the reply to the command before it when
 * that reply is this late (a time-out), and the connection closed when the reply to QUIT is.
 */
export function audit(log: readonly Entry[], leaveAfterMs = Number.POSITIVE_INFINITY): readonly string[] {
  const auditor = new Auditor(leaveAfterMs);
  for (const entry of log) auditor.read(entry);
  return auditor.breaches;
}

class Auditor {
  readonly breaches: string[] = [];
  readonly #leaveAfterMs: number;
  #parser = new ReplyParser();
  #opening: Reply | null = null;
  #sent: Sent[] = [];
  #pending: Sent[] = [];
  #said = '';
  #keywords: ReadonlyMap<string, string> = new Map();
  #tls: 'none' | 'due' | 'active' = 'none';
  #mustGreetAgain = false;
  #hostIs: 'there' | 'leaving' | 'gone' | 'out of step' = 'there';
  #groupOctets = 0;

  constructor(leaveAfterMs: number) {
    this.#leaveAfterMs = leaveAfterMs;
  }

  read(entry: Entry): void {
    if ('now' in entry) {
      this.#tls = 'active';
      this.#keywords = new Map();
      this.#mustGreetAgain = true;
      this.#said = '';
      this.#parser = new ReplyParser();
      return;
    }
    if ('ends' in entry) {
      if (entry.who === 'host') this.#hostIs = 'gone';
      else this.#probeEnds(entry.atMs);
      return;
    }
    if (entry.who === 'host') this.#hostSays(entry.octets);
    else this.#probeSays(entry.octets, entry.atMs);
  }

  #breach(row: string, what: string): void {
    this.breaches.push(`client.${row}: ${what}`);
  }

  #hostSays(octets: string): void {
    for (const parsed of this.#parser.feed(octets)) {
      if (parsed.kind !== 'reply') {
        this.#hostIs = 'out of step';
        return;
      }
      const { reply } = parsed;
      // An opening 421 leaves the channel open for QUIT (4.1.4); any other one closes it (3.8).
      if (reply.code === 421 && this.#opening !== null) this.#hostIs = 'leaving';
      if (this.#opening === null) {
        this.#opening = reply;
        continue;
      }
      const sent = this.#pending.shift();
      if (sent === undefined) {
        if (this.#hostIs === 'there') this.#hostIs = 'out of step';
        continue;
      }
      sent.reply = reply;
      if (sent.verb === 'EHLO' && isPositive(reply)) this.#keywords = ehloKeywords(reply);
      if (sent.verb === 'HELO' && isPositive(reply)) this.#keywords = new Map();
      if (sent.verb === 'STARTTLS' && reply.code === 220) this.#tls = 'due';
    }
  }

  #probeSays(octets: string, atMs: number): void {
    if (this.#tls === 'due') {
      if (!octets.startsWith('\x16\x03') && this.#said === '')
        this.#breach('starttls-next', 'octets before the hello of TLS');
      this.#said = 'hello';
      return;
    }
    if (this.#opening === null) this.#breach('wait-greeting', `${JSON.stringify(octets)} before the opening reply`);
    this.#said += octets;
    for (let end = this.#said.indexOf('\r\n'); end !== -1; end = this.#said.indexOf('\r\n')) {
      const line = this.#said.slice(0, end);
      this.#said = this.#said.slice(end + 2);
      this.#readLine(line, atMs);
    }
  }

  #readLine(line: string, atMs: number): void {
    const verb = (line.split(' ', 1)[0] ?? '').toUpperCase();
    const shown = JSON.stringify(line);
    if (/[\r\n\0]/.test(line)) this.#breach('crlf-only', shown);
    if (/[^\x20-\x7e]/.test(line)) this.#breach('ascii-envelope', shown);
    if (line.length + 2 > 512) this.#breach('command-line-512', `${line.length + 2} octets`);
    if (/^(?:DATA|BDAT)\b/i.test(line)) this.#breach('no-data', shown);
    else if (/^(?:RSET|QUIT) /.test(line)) this.#breach('no-args', shown);
    else if (/^(?:MAIL FROM|RCPT TO) ?: |^(?:MAIL FROM|RCPT TO) :/.test(line))
      this.#breach('no-space-after-colon', shown);
    else if (!LINE.some((each) => each.test(line))) this.#breach('order', `${shown} is no line of ours`);

    if (this.#sent.some((sent) => sent.verb === 'QUIT')) this.#breach('quit-last', `${shown} behind QUIT`);
    if (this.#hostIs === 'leaving') this.#breach('quit-last', `${shown} behind 421`);
    this.#readGroup(line, verb, atMs);
    this.#readTransaction(line, verb);
    if (this.#mustGreetAgain && verb !== 'EHLO' && verb !== 'QUIT')
      this.#breach('starttls-ehlo', `${shown} first in TLS`);
    this.#mustGreetAgain = false;
    if (verb === 'STARTTLS') {
      if (this.#tls === 'active') this.#breach('starttls-once', 'STARTTLS inside TLS');
      if (!this.#keywords.has('STARTTLS')) this.#breach('no-unadvertised-params', 'STARTTLS that was not offered');
    }
    const sent: Sent = { line, verb, atMs, reply: null };
    this.#sent.push(sent);
    this.#pending.push(sent);
  }

  #readGroup(line: string, verb: string, atMs: number): void {
    const before = this.#pending.at(-1);
    this.#groupOctets = before === undefined ? line.length + 2 : this.#groupOctets + line.length + 2;
    if (before === undefined) return;
    // Nothing but QUIT may follow a reply that is overdue, or one that came of itself.
    const isLeave = verb === 'QUIT' && (atMs - before.atMs >= this.#leaveAfterMs || this.#hostIs === 'out of step');
    if (isLeave) return;
    if (!this.#keywords.has('PIPELINING')) this.#breach('lock-step', `${line} before the reply to ${before.line}`);
    if (ONLY_LAST_IN_A_GROUP.has(before.verb))
      this.#breach('pipelining-last', `${line} behind ${before.verb} in a group`);
    if (this.#groupOctets >= 4096) this.#breach('pipelining-window', `a group of ${this.#groupOctets} octets`);
  }

  #readTransaction(line: string, verb: string): void {
    if (verb === 'MAIL') {
      if (!this.#hasGreeted()) this.#breach('hello-first', line);
      if (this.#isOpen()) this.#breach('no-nested-mail', line);
      for (const parameter of line.split('>').at(-1)?.trim().split(' ') ?? []) {
        const keyword = parameter.split('=', 1)[0] ?? '';
        if (keyword !== '' && !this.#keywords.has(keyword)) this.#breach('no-unadvertised-params', line);
      }
    }
    if (verb === 'RCPT' && !this.#isOpen()) this.#breach('order', `${line} outside a transaction`);
    if ((verb === 'MAIL' || verb === 'RCPT') && this.#wasRefused(line)) this.#breach('no-repeat-5yz', line);
  }

  #hasGreeted(): boolean {
    const hello = this.#sent.findLast(({ verb }) => verb === 'EHLO' || verb === 'HELO');
    return hello?.reply !== undefined && hello.reply !== null && isPositive(hello.reply);
  }

  /** Whether a transaction is open, commands without a reply yet taken as accepted. */
  #isOpen(): boolean {
    let isOpen = false;
    for (const { verb, reply } of this.#sent) {
      if (reply !== null && !isPositive(reply)) continue;
      if (verb === 'MAIL') isOpen = true;
      if (verb === 'RSET' || verb === 'EHLO' || verb === 'HELO' || verb === 'STARTTLS') isOpen = false;
    }
    return isOpen;
  }

  /** Whether the very same line, under the same MAIL, was answered with 5yz before. */
  #wasRefused(line: string): boolean {
    const mailOf = (index: number): string =>
      this.#sent.slice(0, index).findLast(({ verb }) => verb === 'MAIL')?.line ?? '';
    return this.#sent.some((sent, index) => {
      if (sent.line !== line || sent.reply === null || Math.floor(sent.reply.code / 100) !== 5) return false;
      return sent.verb === 'MAIL' || mailOf(index) === mailOf(this.#sent.length);
    });
  }

  #probeEnds(atMs: number): void {
    if (this.#tls !== 'due' && this.#said !== '')
      this.#breach('crlf-only', `${JSON.stringify(this.#said)} without CR LF`);
    if (this.#opening === null || this.#hostIs !== 'there' || this.#tls === 'due') return;
    const last = this.#sent.at(-1);
    if (last?.verb !== 'QUIT') {
      if (this.#isOpen()) this.#breach('abort-transaction', 'left with an open transaction');
      this.#breach('no-close-before-quit', `closed behind ${last?.line ?? 'the opening reply'}`);
    } else if (last.reply === null && atMs - last.atMs < this.#leaveAfterMs) {
      this.#breach('quit-wait', `closed ${Math.round(atMs - last.atMs)} ms behind QUIT`);
    }
  }
}
