// The one message that --deliver sends (RFC 5321 4.5.2; RFC 5322; RFC 3834 5): it says what it is, who asked for it and
// that it wants no answer. Plain ASCII, CR LF, no line over 998 octets.
import type { EhloName, ForwardPath, ReversePath } from './address.js';

/** Which message: the ordinary one, one of exactly 65536 octets, or none at all behind DATA. */
export type MessageKind = 'note' | '64k' | 'empty';

/** What a message is made of. */
export interface MessageFacts {
  readonly to: ForwardPath;
  readonly from: ReversePath;
  readonly ehlo: EhloName;
  /** When its connection began: RFC 3339, UTC. */
  readonly startedAt: string;
}

/** RFC 5321 4.5.3.1.7: every server takes this much, header section and all. */
export const LEAST_MAXIMUM_OCTETS = 65_536;
/** RFC 5321 4.5.3.1.6: 1000 octets, CR LF included. */
const LONGEST_LINE_OCTETS = 998;

/** The Message-ID (RFC 5322 3.6.4): one for each connection of each sender. */
export function messageIdOf({ to, ehlo, startedAt }: MessageFacts): string {
  const time = startedAt.replaceAll(/\D/g, '');
  const domain = to.includes('@') ? to.slice(to.lastIndexOf('@') + 1) : 'here';
  return `<${time}.${domain}.postmaster-check@${ehlo}>`;
}

/** The message without dot-stuffing: header section, body, each line ended by CR LF. */
export function messageText(kind: MessageKind, facts: MessageFacts): string {
  if (kind === 'empty') return '';
  const { to, from, ehlo, startedAt } = facts;
  const recipient = to.includes('@') ? to : `${to}@${ehlo}`;
  const lines = [
    `Date: ${new Date(startedAt).toUTCString().replace(/GMT$/, '+0000')}`,
    `From: postmaster-check <${from === '' ? `postmaster@${ehlo}` : from}>`,
    `To: ${recipient}`,
    'Subject: postmaster-check: does mail to Postmaster get in?',
    `Message-ID: ${messageIdOf(facts)}`,
    'Auto-Submitted: auto-generated',
    '',
    'This is a test by the program postmaster-check, sent by somebody who checks whether mail to',
    'Postmaster gets in (RFC 5321, section 4.5.1). Nothing is wrong, and there is nothing to answer.',
    '',
    'Two lines that every mail server passes on unchanged: the first begins with a dot, which is',
    'doubled on the way (4.5.2); the second is as long as a line may be (4.5.3.1.6).',
    '. one dot',
    'x'.repeat(LONGEST_LINE_OCTETS),
  ];
  const text = lines.map((line) => `${line}\r\n`).join('');
  return kind === 'note' ? text : text + filling(LEAST_MAXIMUM_OCTETS - text.length);
}

const FILLING = 'This line fills the message up to 65536 octets (RFC 5321, section 4.5.3.1.7).\r\n';

/** So many octets of lines. */
function filling(octets: number): string {
  const whole = Math.floor(octets / FILLING.length) - 1;
  const rest = octets - whole * FILLING.length;
  return `${FILLING.repeat(whole)}${'x'.repeat(rest - 2)}\r\n`;
}

/** The octets behind 354, but for the last CR LF: leading dots doubled, a dot alone at the end (RFC 5321 4.5.2). */
export function encodeMessage(text: string): string {
  return `${text.replaceAll(/^\./gm, '..')}.`;
}
