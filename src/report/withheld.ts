// What a host said and a report does not repeat: the members that a reply to EXPN lists (RFC 5321 7.3 has address
// harvesters in mind). The evidence has them, as it has everything.
import { isPositive, type Reply } from '../smtp/reply.js';

/** What stands in place of the text of each line. */
const NOT_SHOWN = '(not shown: members)';

/** Whether the text of a reply to this command may list the members of an alias: 2yz does, and 553 for an ambiguous name. */
function listsMembers(command: string, reply: Reply): boolean {
  return /^expn\b/i.test(command) && (isPositive(reply) || reply.code === 551 || reply.code === 553);
}

/** The text of each line of a reply, as far as a report may show it. */
export function shownText(command: string | null, reply: Reply): readonly string[] {
  return command !== null && listsMembers(command, reply) ? reply.lines.map(() => NOT_SHOWN) : reply.lines;
}

/** The octets of a reply line by line, line ends left out, as far as a report may show them. */
export function shownOctets(command: string | null, reply: Reply): readonly string[] {
  const lines = reply.raw
    .split('\n')
    .slice(0, -1)
    .map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
  if (command === null || !listsMembers(command, reply)) return lines;
  return lines.map((line) => `${/^\d{3}[ -]?/.exec(line)?.[0] ?? ''}${NOT_SHOWN}`);
}
