// VRFY and EXPN (RFC 5321 3.5): the scripts that several rows share, and what a reply to them holds.
import type { Reply } from '../smtp/reply.js';
import { say, type Script } from '../smtp/script.js';

/** The user name alone, as RFC 5321 3.5.1 has it. */
export const VRFY_POSTMASTER: Script = { from: 'hello', steps: [say('VRFY postmaster')] };
/** The user name with its domain. */
export const VRFY_QUALIFIED: Script = { from: 'hello', steps: [say('VRFY Postmaster@{domain}')] };
/** The members of the alias. */
export const EXPN_POSTMASTER: Script = { from: 'hello', steps: [say('EXPN postmaster')] };

/** What VRFY may be answered where it is there (RFC 5321 4.3.2, less 502 and 504). */
export const VERIFIES: ReadonlySet<number> = new Set([250, 251, 252, 550, 551, 553]);

/** A mailbox that a reply names. */
export interface NamedMailbox {
  /** Whether its domain has more than one label, or is an address literal. */
  readonly isQualified: boolean;
}

// The domain is kept apart; octets above 127 are those of internationalized mailboxes (RFC 6531).
const MAILBOX =
  /(?:"[^"]*"|[^\s<>@"():;,[\]\\]+)@(\[[^\]\s]+\]|[\w\u0080-\u00ff](?:[\w\u0080-\u00ff.-]*[\w\u0080-\u00ff])?)/g;

/** The mailboxes in the text of a reply, in order. */
export function mailboxesIn({ lines }: Pick<Reply, 'lines'>): readonly NamedMailbox[] {
  return lines.flatMap((line) =>
    [...line.matchAll(MAILBOX)].map(([, domain = '']) => ({
      isQualified: domain.startsWith('[') || domain.includes('.'),
    })),
  );
}

/** Whether each line that names a mailbox has one in pointed brackets. */
export function isBracketed({ lines }: Pick<Reply, 'lines'>): boolean {
  return lines.every((line) => mailboxesIn({ lines: [line] }).length === 0 || /<[^<>]*@[^<>]+>/.test(line));
}

/** An explicit source route in the text (RFC 5321 4.1.2, A-d-l), or null. */
export function sourceRouteIn({ lines }: Reply): string | null {
  return /<@[^<>\s:]+:[^<>\s]+>/.exec(lines.join(' '))?.[0] ?? null;
}

const COMMAND = String.raw`\b(?:vrfy|expn|verification|command|operation)\b`;
const OFF = String.raw`\b(?:disabled|disallowed|prohibited|forbidden|turned off|switched off|not (?:allowed|permitted|enabled))\b`;
const DISABLED = new RegExp(
  // A colon would part the command from a mailbox that is disabled.
  String.raw`${COMMAND}[^.;:]{0,40}${OFF}|${OFF}[^.;:]{0,30}${COMMAND}|do(?:es)? not allow this operation|\badministrative(?:ly)? prohibit`,
  'i',
);

/** Whether the text says that the command is turned off here: not that there is none, and not of a mailbox. */
export const saysDisabled = ({ lines }: Reply): boolean => DISABLED.test(lines.join(' '));
