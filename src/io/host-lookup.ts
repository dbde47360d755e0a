// Names of mail hosts that a user gives with --host: looked up by the operating system, its hosts file included.
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { sleep } from './pace.js';

const OWN_NAME_WAIT_MS = 2_000;

/** The addresses of a name in the order of the system, or the address itself; empty where there is none. */
export async function lookUpHost(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch {
    // No address is what there is to say about it: the report tells that the host has none.
    return [];
  }
}

/** Whether this machine's own name resolves for the operating system, within two seconds. */
export async function resolvesHere(name: string): Promise<boolean> {
  const enough = new AbortController();
  const found = await Promise.race([
    lookUpHost(name),
    sleep(OWN_NAME_WAIT_MS, enough.signal).then((): readonly string[] => []),
  ]);
  enough.abort();
  return found.length > 0;
}
