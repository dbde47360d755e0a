// What a server in a variant says to raw.ts, in one line an exchange: the sections of OBSERVED.md.

import type { Place } from './instance.js';
import { type Line, dialogue } from './raw.js';
import { type Setup, setups, startSetup, versionOfSetup } from './servers.js';

const preface = `# What real mail servers say

Recorded by \`RECORD=1 npm run test:mta observed\` and compared with what they say at every other run of it. The variants
are described in the files beside this one. D is the domain, mx.D the mail host. After a 220 each recipient has a
transaction of its own; MAIL is shown where it is refused, RSET where it is not answered 250. After any other opening
reply nothing is sent for 5 seconds, then EHLO, NOOP, MAIL and QUIT. A stroke parts the lines of a reply.
`;

/** Starts the mail host of a setup, speaks with it and stops it; the text has no dates, ports or waits in it. */
export async function observe(setup: Setup, at: Omit<Place, 'domain'>): Promise<string> {
  const domain = `${setup.replace('/', '.')}.example`;
  const host = await startSetup(setup, { domain, ...at });
  try {
    return condense(await dialogue(host.address, host.port, domain), domain);
  } finally {
    await host.stop();
  }
}

/** OBSERVED.md, from the texts of all setups. */
export function recordOf(texts: ReadonlyMap<Setup, string>): string {
  const sections = setups.map(({ setup, what }, index) => {
    const version = versionOfSetup(setup);
    const before = setups[index - 1]?.setup;
    const heading = before !== undefined && versionOfSetup(before) === version ? '' : `## ${version}\n\n`;
    return `${heading}### ${setup}\n\n${what}\n\n\`\`\`\n${texts.get(setup) ?? ''}\n\`\`\`\n`;
  });
  return [preface, ...sections].join('\n');
}

/** The text that OBSERVED.md has for a setup. */
export function recordedText(record: string, setup: Setup): string | undefined {
  const [, section] = record.split(`\n### ${setup}\n`);
  return section?.split('```\n')[1]?.trimEnd();
}

function condense(lines: readonly Line[], domain: string): string {
  const exchanges: { command: string; replies: string[] }[] = [{ command: '(opening)', replies: [] }];
  for (const line of lines) {
    if (line.startsWith('C: ')) exchanges.push({ command: line.slice(3), replies: [] });
    else exchanges.at(-1)?.replies.push(line.replace(/^S: /, ''));
  }
  let sender = '';
  const shown: string[] = [];
  for (const { command, replies } of exchanges) {
    const said = replies
      .join(' | ')
      .replace(/\w{3}, \d+ \w{3} \d{4} [\d:]+ (\+0000|GMT)/, 'DATE')
      .replace(/(?<= ready )\([\dA-F]{6}\)/, '(ID)');
    const plain = replies.length === 1 && said.startsWith('2');
    if (command.startsWith('MAIL') && plain) sender = `${command.slice('MAIL FROM:'.length)} `;
    else if (command !== 'RSET' || !plain) {
      const asked = command.startsWith('RCPT') ? sender + command.slice('RCPT TO:'.length) : command;
      shown.push(`${asked.replaceAll(domain, 'D').padEnd(40)} ${said.replaceAll(domain, 'D')}`);
    }
  }
  // The same refusal of the same reverse-path, seven times over, is said once.
  return shown.filter((line, index) => line !== shown[index - 1]).join('\n');
}
