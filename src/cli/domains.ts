// The domains that a user names: as arguments, in files (@FILE), on standard input (-). Read line by line, never whole.
import { accessSync, constants, createReadStream, statSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseDomain, type ParsedDomain } from '../smtp/address.js';
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';

/** One entry of the input: a domain, or why it is none. */
export type DomainEntry = { readonly parsed: ParsedDomain } | { readonly problem: string };

/** Reads all entries in order. A file that cannot be read is a UsageError; a bad line in a list is an entry. */
export async function* readDomains(words: readonly string[]): AsyncGenerator<DomainEntry> {
  // Said before the first domain is probed, not in the middle of the run.
  for (const word of words) if (word.startsWith('@')) expectReadable(word.slice(1));
  for (const word of words) {
    if (word === '-') yield* readLines(process.stdin, 'standard input');
    else if (word.startsWith('@')) yield* readLines(createReadStream(word.slice(1)), word.slice(1));
    else yield await entryOf(word);
  }
}

function expectReadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
    if (!statSync(path).isDirectory()) return;
  } catch (error) {
    throw new UsageError(`cannot read the list ${visible(path)}: ${(error as Error).message}`);
  }
  throw new UsageError(`cannot read the list ${visible(path)}: it is a directory`);
}

// A line that goes on for ever must not fill the memory: no domain is longer than this.
const MAX_LINE = 4096;

async function* readLines(stream: NodeJS.ReadableStream, name: string): AsyncGenerator<DomainEntry> {
  const lines = createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  let number = 0;
  try {
    for await (const line of lines) {
      number += 1;
      const text = line.replace(/#.*$/s, '').trim();
      if (text === '') continue;
      if (text.length > MAX_LINE) {
        yield { problem: `${visible(name)}, line ${number}: too long for a domain` };
        continue;
      }
      const entry = await entryOf(text);
      yield 'problem' in entry ? { problem: `${visible(name)}, line ${number}: ${entry.problem}` } : entry;
    }
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`cannot read ${visible(name)}: ${(error as Error).message}`);
  } finally {
    lines.close();
  }
}

async function entryOf(text: string): Promise<DomainEntry> {
  try {
    return { parsed: await parseDomain(text) };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { problem: error.message };
  }
}
