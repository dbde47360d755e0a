// The scenario files that come with the package (fixtures/sessions/*.smtp), by name.
import { readdir, readFile } from 'node:fs/promises';
import { DEFAULT_DOMAIN, parseScenario, type Scenario } from '../evidence/notation.js';

const SESSIONS = new URL('../../fixtures/sessions/', import.meta.url);
const EXTENSION = '.smtp';

/** The names of all scenarios, sorted: what the host does, in a few words with hyphens. */
export async function scenarioNames(): Promise<readonly string[]> {
  const files = await readdir(SESSIONS);
  return files.flatMap((file) => (file.endsWith(EXTENSION) ? [file.slice(0, -EXTENSION.length)] : [])).toSorted();
}

/** Reads a scenario; with `home`, as a story of that domain, so that several can be told in one lab. */
export async function readScenario(name: string, home = DEFAULT_DOMAIN): Promise<Scenario> {
  const text = await readFile(new URL(`${name}${EXTENSION}`, SESSIONS), 'utf8');
  const scenario = parseScenario(renamed(text, home), name);
  const hosts = scenario.hosts.map((host) => ({ ...host, name: renamed(host.name, home) }));
  return { ...scenario, domain: renamed(scenario.domain, home), home, hosts };
}

/** Zones and scripts are written of good.example; here they become another domain's. */
export function renamed(text: string, home: string): string {
  if (home === DEFAULT_DOMAIN) return text;
  return text.replaceAll(DEFAULT_DOMAIN, home).replaceAll(DEFAULT_DOMAIN.toUpperCase(), home.toUpperCase());
}
