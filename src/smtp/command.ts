// Commands and their octets (RFC 5321 4.1.1, 4.5.3.1.4). DATA comes from one place alone, the message step of a script
// (script-dialogue.ts), which only rows that the user unlocked with --deliver have.
import type { EhloName, ForwardPath, ReversePath } from './address.js';

/** What the probe may say. RSET, NOOP, QUIT and STARTTLS never carry an argument (4.1.1). */
export type Command =
  | { readonly verb: 'EHLO' | 'HELO'; readonly name: EhloName }
  | { readonly verb: 'MAIL'; readonly from: ReversePath; readonly smtputf8?: true }
  | { readonly verb: 'RCPT'; readonly to: ForwardPath; readonly smtputf8?: true }
  | { readonly verb: 'RSET' | 'NOOP' | 'QUIT' | 'STARTTLS' }
  /** The line of a script (script.ts), word for word: what is wrong with it is wrong on purpose. */
  | { readonly verb: 'LINE'; readonly line: string }
  | { readonly verb: 'DATA' }
  /** The message behind a 354, as encodeMessage made it: many lines, one reply. */
  | { readonly verb: 'MESSAGE'; readonly octets: string };

export type Verb = Command['verb'];

/** The longest command line, CR LF included (4.5.3.1.4). */
export const MAX_COMMAND_OCTETS = 512;
/** A pipelined group stays under this many octets, so that it fits any TCP window (RFC 2920 3.1). */
export const MAX_GROUP_OCTETS = 4096;

/** The line of a command without CR LF. Throws a RangeError on what must never reach the wire: our own bug. */
export function encodeCommand(command: Command): string {
  if (command.verb === 'LINE') return guardScripted(command.line);
  if (command.verb === 'MESSAGE') return guardMessage(command.octets);
  const line = commandLine(command);
  // 2.3.8: no bare CR or LF, ever. Paths have no angle bracket or SP of their own, so a line has as many as we wrote.
  // RFC 6531 3.4: octets beyond ASCII only in a transaction that asked for SMTPUTF8.
  const allowed = 'smtputf8' in command ? /^[\x20-\x7e\u{a0}-\u{10ffff}]+$/u : /^[\x20-\x7e]+$/;
  if (!allowed.test(line)) throw new RangeError(`a ${command.verb} line with an octet that may not be sent`);
  if (Buffer.byteLength(line) + 2 > MAX_COMMAND_OCTETS) throw new RangeError(`a ${command.verb} line over 512 octets`);
  return line;
}

function commandLine(command: Exclude<Command, { verb: 'LINE' | 'MESSAGE' }>): string {
  switch (command.verb) {
    case 'EHLO':
    case 'HELO':
      return `${command.verb} ${guard(command.name)}`;
    case 'MAIL':
      // 3.3: spaces are not permitted on either side of the colon.
      return `MAIL FROM:<${guard(command.from)}>${command.smtputf8 === true ? ' SMTPUTF8' : ''}`;
    case 'RCPT':
      return `RCPT TO:<${guard(command.to)}>`;
    default:
      return command.verb;
  }
}

/** What may come of a script: nothing that begins a message, whatever line end stands before it (RFC 5321 3.3). */
function guardScripted(line: string): string {
  if (/(?:^|[\r\n])\s*(?:DATA|BDAT|SEND|SOML|SAML|TURN|ETRN|ATRN|BURL)\b/i.test(line)) {
    throw new RangeError('a scripted line that could make a message');
  }
  if (Buffer.byteLength(line) + 2 > MAX_COMMAND_OCTETS) throw new RangeError('a scripted line over 512 octets');
  return line;
}

/** A message as it leaves: ASCII, CR LF alone, lines of 1000 octets at most, and one end of data, its own. */
function guardMessage(octets: string): string {
  const lines = octets.split('\r\n');
  const isSound = lines.every((line) => /^[\t\x20-\x7e]{0,999}$/.test(line));
  if (!isSound || lines.indexOf('.') !== lines.length - 1) throw new RangeError('a message that may not be sent');
  return octets;
}

function guard(argument: string): string {
  if (/[<>\s\0]/.test(argument)) throw new RangeError('an argument with white space or an angle bracket');
  return argument;
}

// RFC 2920 3.1: these may stand anywhere in a group; EHLO, NOOP, QUIT and the like, and STARTTLS (RFC 3207 4), only last.
const ANYWHERE_IN_A_GROUP = {
  EHLO: false,
  HELO: false,
  MAIL: true,
  RCPT: true,
  RSET: true,
  NOOP: false,
  QUIT: false,
  STARTTLS: false,
  LINE: true,
  DATA: false,
  MESSAGE: false,
} satisfies Record<Verb, boolean>;

/** Cuts commands into groups that RFC 2920 3.1 allows: each under 4096 octets, with the restricted commands only last. */
export function groupCommands(commands: readonly Command[]): readonly (readonly Command[])[] {
  const groups: Command[][] = [];
  let group: Command[] = [];
  let octets = 0;
  for (const command of commands) {
    const length = Buffer.byteLength(encodeCommand(command)) + 2;
    if (group.length > 0 && octets + length >= MAX_GROUP_OCTETS) {
      groups.push(group);
      group = [];
      octets = 0;
    }
    group.push(command);
    octets += length;
    if (!ANYWHERE_IN_A_GROUP[command.verb]) {
      groups.push(group);
      group = [];
      octets = 0;
    }
  }
  if (group.length > 0) groups.push(group);
  return groups;
}

/** The command of a scripted line: a verb of RFC 5321 where it has its exact form, so that it is said as ever. */
export const lineCommand = (line: string): Command =>
  line === 'STARTTLS' || line === 'QUIT' ? { verb: line } : { verb: 'LINE', line };

/** Cuts the lines of one step into writes of less than 4096 octets; which may stand together is for the row to know. */
export function groupLines(lines: readonly string[]): readonly (readonly string[])[] {
  return groupCommands(lines.map((line) => ({ verb: 'LINE', line }) as const)).map((group) => group.map(encodeCommand));
}
