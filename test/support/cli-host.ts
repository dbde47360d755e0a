// A JSON report of one domain, and a mail host under test: what tests of the options look at.
import assert from 'node:assert/strict';
import { openWorld, type World } from './cli-world.js';
import { startPeer, type Peer, type PeerScript } from './smtp-peer.js';

interface Judgement {
  readonly requirement: string;
  readonly verdict: string;
  readonly cause?: string;
  readonly evidence?: string;
}
interface Domain {
  readonly domain: string | null;
  readonly verdict: string;
  readonly because: string;
  readonly route: { readonly kind: string; readonly hosts: readonly { host: string; addresses: readonly string[] }[] };
  readonly judgements: readonly Judgement[];
  readonly sessions: readonly { readonly host: string; readonly purpose: string; readonly tls: object | null }[];
}

/** The one domain of a JSON report. */
export function only(stdout: string): Domain {
  const { domains } = JSON.parse(stdout) as { domains: readonly Domain[] };
  assert.equal(domains.length, 1);
  return domains[0] as Domain;
}

/** A world for one test alone, which counts its connections. */
export async function withWorld(run: (world: World) => Promise<void>): Promise<void> {
  const world = await openWorld();
  await run(world).finally(() => world.close());
}

/** A mail host under test, and the options with which it is found. */
export async function withHost(
  script: PeerScript,
  run: (peer: Peer, at: readonly string[]) => Promise<void>,
  address?: string,
) {
  const peer = await startPeer(script, address);
  const host = peer.address.includes(':') ? `[${peer.address}]` : peer.address;
  const at = ['--ehlo', 'probe.example', '--timeout', '5', '--host', `${host}:${peer.port}`];
  await run(peer, at).finally(() => peer.close());
}

/** What the probe said on a connection, line by line. */
export const commands = (peer: Peer, index = 0): readonly string[] => {
  return (peer.connections[index]?.received ?? '').split('\r\n').slice(0, -1);
};

/** No extension is offered. */
export const PLAIN = { EHLO: '250 mx.example\r\n' };
