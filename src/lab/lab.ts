// The embedded lab: the mail hosts and the names of scenarios, on loopback and free ports, without root. It stops all
// that it starts.
//
// Decided here: each mail host gets a loopback address of its own (127.0.0.1, 127.0.0.2, ...), all with the same port,
// because one check has one port. Where the system has no second IPv4 loopback address (macOS), ::1 is the second; a
// lab of more hosts cannot be played there, and openLab says so: open one lab a scenario.
import type { Scenario, ScriptedHost } from '../evidence/notation.js';
import { startNameServer, type RunningNameServer } from './name-server.js';
import { startScriptedHost, type RunningHost, type Stage } from './scripted-host.js';
import { zoneOf, type PlacedHost, type Zone } from './zone.js';

/** A lab at work. */
export interface Lab {
  /** The name server of all the names, as `IP:port`. */
  readonly nameServer: string;
  /** The port on which every mail host listens. */
  readonly port: number;
  /** Where the probe and the scenarios parted, both lines told; to be asked when the checks are done. */
  mismatches(): readonly string[];
  stop(): Promise<void>;
}

export interface LabOptions {
  /** `dribbled`: every octet of a mail host in a segment of its own. */
  readonly delivery?: 'whole' | 'dribbled';
}

const MAX_TRIES = 20;
const MAX_HOSTS = 250;

/** Plays the scenarios, whose domains must differ, until `stop`. */
export async function openLab(scenarios: readonly Scenario[], { delivery = 'whole' }: LabOptions = {}): Promise<Lab> {
  const control = { localPart: null };
  const hosts = scenarios.flatMap((scenario) => scenario.hosts.map((host) => ({ scenario, host })));
  const company = await startHosts(
    hosts.map(({ host }) => host),
    { delivery, control, mayProvoke: scenarios.some(({ settings }) => settings.has('intrusive')) },
  );
  let nameServer: RunningNameServer;
  try {
    nameServer = await startNameServer(await zoneOfAll(scenarios, hosts, company.addresses));
  } catch (error) {
    await company.stop();
    throw error;
  }
  return {
    nameServer: nameServer.address,
    port: company.port,
    mismatches: () => company.running.flatMap((host) => host.mismatches('ended')),
    async stop() {
      await Promise.all([company.stop(), nameServer.stop()]);
    },
  };
}

async function zoneOfAll(
  scenarios: readonly Scenario[],
  hosts: readonly { readonly scenario: Scenario; readonly host: ScriptedHost }[],
  addresses: readonly string[],
): Promise<Zone> {
  const zones = await Promise.all(
    scenarios.map((scenario) => {
      const placed = hosts.flatMap((one, index): readonly PlacedHost[] => {
        const { name, preference } = one.host;
        return one.scenario === scenario ? [{ name, preference, address: addresses[index] ?? '' }] : [];
      });
      return zoneOf(scenario, placed);
    }),
  );
  const names = zones.flatMap((zone) => [...zone.keys()]);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new RangeError(`two scenarios of one lab have the name ${twice}`);
  return new Map(zones.flatMap((zone) => [...zone]));
}

interface Company {
  readonly port: number;
  readonly running: readonly RunningHost[];
  /** One a host, in the order of the hosts. */
  readonly addresses: readonly string[];
  stop(): Promise<void>;
}

/** A port that is free on one address may be taken on another: all of them are tried again then. */
async function startHosts(
  hosts: readonly ScriptedHost[],
  options: Pick<Stage, 'delivery' | 'control' | 'mayProvoke'>,
): Promise<Company> {
  for (let tries = 1; ; tries++) {
    const running: RunningHost[] = [];
    try {
      return await listenAll(hosts, options, running);
    } catch (error) {
      await Promise.all(running.map((host) => host.stop()));
      if (!isTaken(error) || tries >= MAX_TRIES) throw error;
    }
  }
}

async function listenAll(
  hosts: readonly ScriptedHost[],
  options: Pick<Stage, 'delivery' | 'control' | 'mayProvoke'>,
  running: RunningHost[],
): Promise<Company> {
  if (hosts.length > MAX_HOSTS) throw new RangeError(`a lab has at most ${MAX_HOSTS} mail hosts`);
  // Somebody holds the port on 127.0.0.1 as long as the lab lives, so that no other lab of this machine gets it.
  const keeper = hosts.find(isListening) ?? KEEPER;
  const addressOf = new Map<ScriptedHost, string>();
  let port = 0;
  let number = 0;
  for (const host of [keeper, ...hosts.filter((host) => host !== keeper)]) {
    number += 1;
    const address = await ownAddress(number);
    addressOf.set(host, address);
    if (!isListening(host)) continue;
    const started = await startScriptedHost(host, { ...options, address, port });
    running.push(started);
    port = started.port;
  }
  return {
    port,
    running,
    addresses: hosts.map((host) => addressOf.get(host) ?? ''),
    async stop() {
      await Promise.all(running.map((host) => host.stop()));
    },
  };
}

const KEEPER: ScriptedHost = { name: 'the keeper of the port', preference: 0, connections: [] };

/** False for a host whose script says `! refuse`: nothing listens there. */
function isListening({ connections }: ScriptedHost): boolean {
  return !connections.flat().some((step) => step.kind === 'does' && step.deed === 'refuse');
}

const isTaken = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';

/** The loopback address of the host with this number, from 1. */
async function ownAddress(number: number): Promise<string> {
  const address = `127.0.0.${number}`;
  if (number === 1 || (await canListen(address))) return address;
  if (number === 2 && (await canListen('::1'))) return '::1';
  throw new RangeError(
    `this machine has no loopback address ${address}, which this lab needs: open one lab a scenario`,
  );
}

async function canListen(address: string): Promise<boolean> {
  try {
    const stage: Stage = { address, port: 0, delivery: 'whole', control: { localPart: null }, mayProvoke: false };
    const host = await startScriptedHost(KEEPER, stage);
    await host.stop();
    return true;
  } catch {
    return false; // EADDRNOTAVAIL, or whatever else keeps us from listening there: the answer is no
  }
}
