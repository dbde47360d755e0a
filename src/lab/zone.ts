// The names of a scenario, as a name server tells them: what fixtures/zones/*.json says, and the addresses that the
// lab gave to the mail hosts. Where the file does not name the domain it has one MX for each mail host of the scenario.
//
// A record is written as in a master file: "MX 10 mx.good.example", "MX 0 .", "A 192.0.2.1", "CNAME other.example",
// "SOA ns.good.example hostmaster.good.example".
// "A {mx.good.example}" stands for the addresses of that scripted host. In place of data a type may have SERVFAIL,
// REFUSED or SILENCE ("MX SERVFAIL"); a name that has only those words alone ("SERVFAIL") answers so to everything.
import { readFile } from 'node:fs/promises';
import { domainToASCII } from 'node:url';
import type { Scenario } from '../evidence/notation.js';
import { renamed } from './scenario-files.js';

export type ZoneRecord =
  | { readonly type: 'MX'; readonly preference: number; readonly exchange: string }
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | { readonly type: 'CNAME'; readonly target: string }
  | { readonly type: 'SOA'; readonly mname: string; readonly rname: string };

export type ZoneTrouble = 'SERVFAIL' | 'REFUSED' | 'SILENCE';

/** What a name has. `trouble` is told instead of records, by type; `*` is every type. */
export interface ZoneName {
  readonly records: readonly ZoneRecord[];
  readonly trouble: ReadonlyMap<string, ZoneTrouble>;
}

/** Names in lower case, without trailing dot. */
export type Zone = ReadonlyMap<string, ZoneName>;

/** A host of the scenario with the address that it was given. */
export interface PlacedHost {
  readonly name: string;
  readonly preference: number;
  readonly address: string;
}

const ZONES = new URL('../../fixtures/zones/', import.meta.url);

/** The zone of a scenario. Throws a SyntaxError for a zone file that is none. */
export async function zoneOf(scenario: Scenario, hosts: readonly PlacedHost[]): Promise<Zone> {
  const lines = new Map<string, readonly string[]>();
  const domain = domainToASCII(scenario.domain);
  const file = scenario.settings.get('zone');
  if (file !== undefined) {
    for (const [name, records] of Object.entries(await readZoneFile(file, scenario.home))) lines.set(name, records);
  }
  if (!lines.has(domain) && hosts.length > 0) {
    lines.set(domain, [...new Set(hosts.map(({ name, preference }) => `MX ${preference} ${name}`))]);
  }
  for (const { name } of hosts) {
    if (!lines.has(name)) lines.set(name, [`A {${name}}`]);
  }
  return new Map([...lines].map(([name, records]) => [name, readName(name, records, hosts)]));
}

async function readZoneFile(name: string, home: string): Promise<Readonly<Record<string, readonly string[]>>> {
  const zone: unknown = JSON.parse(renamed(await readFile(new URL(`${name}.json`, ZONES), 'utf8'), home));
  const records = typeof zone === 'object' && zone !== null && 'records' in zone ? zone.records : null;
  if (!isRecords(records)) throw new SyntaxError(`${name}.json: expected { about, records: { NAME: [RECORD...] } }`);
  return records;
}

function isRecords(value: unknown): value is Readonly<Record<string, readonly string[]>> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((list) => Array.isArray(list) && list.every((line) => typeof line === 'string'))
  );
}

function readName(name: string, lines: readonly string[], hosts: readonly PlacedHost[]): ZoneName {
  const records: ZoneRecord[] = [];
  const trouble = new Map<string, ZoneTrouble>();
  for (const line of lines) {
    const words = line.split(' ');
    const last = words.at(-1) ?? '';
    if (isTrouble(last)) trouble.set(words.length === 1 ? '*' : (words[0] ?? ''), last);
    else records.push(...readRecord(name, words, hosts));
  }
  return { records, trouble };
}

const isTrouble = (word: string): word is ZoneTrouble =>
  word === 'SERVFAIL' || word === 'REFUSED' || word === 'SILENCE';

function readRecord(name: string, words: readonly string[], hosts: readonly PlacedHost[]): readonly ZoneRecord[] {
  const [type, first = '', second = ''] = words;
  if (type === 'MX') return [{ type, preference: Number(first), exchange: second === '.' ? '' : second }];
  if (type === 'CNAME') return [{ type, target: first }];
  if (type === 'SOA') return [{ type, mname: first, rname: second }];
  if (type !== 'A' && type !== 'AAAA')
    throw new SyntaxError(`${name}: "${words.join(' ')}" is no record of a zone file`);
  const host = /^\{(.+)\}$/.exec(first)?.[1];
  if (host === undefined) return [{ type, address: first }];
  return hosts
    .filter((placed) => placed.name === host)
    .map(({ address }) => ({ type: address.includes(':') ? ('AAAA' as const) : ('A' as const), address }));
}
