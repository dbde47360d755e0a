// Octets in, replies out; no I/O. Two stages: frame a line, then read it (RFC 5321 4.2, 4.5.3.1.5).
// The parser never throws, and the raw octets of what it returns, in order, with what is left over, are the octets fed.
// Bounds: 8 KiB a line, 64 KiB and 1000 lines a reply; a host that goes beyond them is not speaking SMTP any more.
import { parseEnhancedStatusCode, type Reply, type ReplyDefect } from './reply.js';

/** One thing read from the octets of a host. After anything but a reply the parser takes no more. */
export type Parsed =
  | { readonly kind: 'reply'; readonly reply: Reply }
  | { readonly kind: 'not-a-reply'; readonly why: NotAReply; readonly raw: string };

/** Why octets are no SMTP reply. */
export type NotAReply = 'no-code' | 'endless-line' | 'endless-reply';

export const MAX_LINE_OCTETS = 8 * 1024;
export const MAX_REPLY_OCTETS = 64 * 1024;
export const MAX_REPLY_LINES = 1000;

// Code, separator, text. A digit string that goes on ("2200") is no code.
const REPLY_LINE = /^([0-9]{3})(?:([ -])(.*)|([^0-9].*)|)$/s;

/** Takes chunks of octets (as latin1 strings) in any cut, gives replies in order. */
export class ReplyParser {
  #pending = '';
  #lines: string[] = [];
  #raw = '';
  #code = 0;
  #defects = new Set<ReplyDefect>();
  #dead = false;

  /** Octets taken that do not form a complete reply yet. */
  get partial(): string {
    return this.#raw + this.#pending;
  }

  /** Feeds octets (latin1) and returns what they complete, in order. After a `not-a-reply` all octets are dropped. */
  feed(chunk: string): readonly Parsed[] {
    const parsed: Parsed[] = [];
    if (this.#dead) return parsed;
    this.#pending += chunk;
    let from = 0;
    for (;;) {
      const lineFeed = this.#pending.indexOf('\n', from);
      const end = lineFeed === -1 ? this.#pending.length : lineFeed + 1;
      if (end - from > MAX_LINE_OCTETS) {
        return this.#give(parsed, 'endless-line', from);
      }
      if (lineFeed === -1) break;
      const line = this.#pending.slice(from, end);
      if (this.#raw.length + line.length > MAX_REPLY_OCTETS || this.#lines.length >= MAX_REPLY_LINES) {
        return this.#give(parsed, 'endless-reply', from);
      }
      const result = this.#readLine(line);
      if (result === 'no-code') return this.#give(parsed, 'no-code', from);
      from = end;
      if (result !== null) parsed.push({ kind: 'reply', reply: result });
    }
    this.#pending = this.#pending.slice(from);
    return parsed;
  }

  #give(parsed: Parsed[], why: NotAReply, from: number): readonly Parsed[] {
    this.#dead = true;
    const raw = this.#raw + this.#pending.slice(from);
    this.#pending = '';
    this.#raw = '';
    this.#lines = [];
    parsed.push({ kind: 'not-a-reply', why, raw });
    return parsed;
  }

  /** Reads one framed line: a reply where the line ends one, null where it goes on. */
  #readLine(line: string): Reply | 'no-code' | null {
    const ended = line.endsWith('\r\n') ? line.slice(0, -2) : line.slice(0, -1);
    const match = REPLY_LINE.exec(ended);
    if (match === null) return 'no-code';
    const code = Number(match[1]);
    const text = match[3] ?? match[4] ?? '';

    if (!line.endsWith('\r\n')) this.#defects.add('bare-lf');
    if (line.length > 512) this.#defects.add('line-too-long');
    noteOctets(ended, this.#defects);
    if (match[2] === undefined) this.#defects.add(match[4] === undefined ? 'code-alone' : 'no-separator');
    if (code < 200 || code > 559 || Math.floor(code / 10) % 10 > 5) this.#defects.add('code-out-of-range');
    // 4.2.1: "the reply code on each of the lines MUST be the same". The last line's code is taken: it ends the reply.
    if (this.#lines.length > 0 && code !== this.#code) this.#defects.add('mixed-codes');

    this.#code = code;
    this.#lines.push(text);
    this.#raw += line;
    if (match[2] === '-') return null;

    const reply: Reply = {
      code,
      enhanced: parseEnhancedStatusCode(this.#lines[0] ?? ''),
      lines: this.#lines,
      raw: this.#raw,
      defects: [...this.#defects],
    };
    this.#lines = [];
    this.#raw = '';
    this.#defects = new Set();
    return reply;
  }
}

function noteOctets(line: string, defects: Set<ReplyDefect>): void {
  for (let index = 0; index < line.length; index++) {
    const octet = line.charCodeAt(index);
    if (octet >= 32 && octet < 127) continue;
    if (octet === 0) defects.add('nul');
    else if (octet === 13) defects.add('bare-cr');
    else if (octet > 127) defects.add('non-ascii');
    else if (octet !== 9) defects.add('control');
  }
}
