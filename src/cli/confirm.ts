// --deliver sends mail to people: they who run it say yes first, on the terminal or with --yes.
import { createInterface } from 'node:readline';
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';
import { readDomains } from './domains.js';

/** More domains than this are counted, not listed. */
const MOST_LISTED = 10;

/**
 * Asks on stderr whether one message may be sent to each domain, and returns where the answer is yes.
 * Everything else is a UsageError, exit code 2: the command line asked for what was then refused, nothing was judged,
 * and 130 would say that a run was cut short.
 */
export async function confirmDelivery(words: readonly string[]): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY || words.includes('-')) {
    throw new UsageError('--deliver sends a message: add --yes where nobody can be asked on a terminal');
  }
  process.stderr.write(await question(words));
  if (!/^y(?:es)?$/i.test((await answer()).trim()))
    throw new UsageError('nothing was sent: --deliver was not confirmed');
}

async function question(words: readonly string[]): Promise<string> {
  const domains: string[] = [];
  let count = 0;
  for await (const entry of readDomains(words)) {
    if ('problem' in entry) continue;
    count += 1;
    if (domains.length < MOST_LISTED) domains.push(entry.parsed.domain);
  }
  if (count > MOST_LISTED) return `Send one message to Postmaster at each of ${count} domains? [y/N] `;
  // With --host and no domain the mail hosts are asked for the bare mailbox.
  const mailboxes =
    domains.length === 0 ? ['<Postmaster>'] : domains.map((domain) => `<Postmaster@${visible(domain)}>`);
  return mailboxes.length === 1
    ? `Send one message to ${mailboxes[0] ?? ''}? [y/N] `
    : `Send one message each to ${mailboxes.join(', ')}? [y/N] `;
}

/** One line from the terminal; empty at its end. Not in raw mode, so that Ctrl-C ends the program as ever. */
function answer(): Promise<string> {
  const lines = createInterface({ input: process.stdin, terminal: false });
  return new Promise((resolve) => {
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('close', () => resolve(''));
  });
}
