// Hostile peers and the size of the process: a child process checks, and tells how far above its size before the check
// it ever was.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { CheckOptions } from '../src/check-options.js';
import { mx, rawRecord, rawResponse, respond, startNameServer, type Script } from './support/dns-name-server.js';
import { answering, offering, startHosts, type HostScript } from './support/obligations-peer.js';
import { serving, ZONE } from './support/obligations-run.js';

const MOST_MB = 64;
const CHILD = fileURLToPath(new URL('./support/obligations-child.js', import.meta.url));

interface Grown {
  readonly verdict: string;
  readonly because: string;
  readonly failed: readonly string[];
  readonly beforeMb: number;
  readonly peakMb: number;
}

/** Checks good.example in a process of its own, against this host and this name server. */
async function grow(
  t: TestContext,
  script: HostScript,
  nameServer: Script = serving(ZONE),
  options: CheckOptions = {},
): Promise<Grown> {
  const hosts = await startHosts(t, script);
  const server = await startNameServer(t, nameServer);
  const given: CheckOptions = {
    nameServers: [server.name],
    port: hosts.port,
    ehlo: 'probe.example',
    allowPrivate: true,
    timeoutMs: 500,
    lingerMs: 20,
    ...options,
  };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [CHILD, JSON.stringify({ domain: 'good.example', options: given })],
    { timeout: 20_000 },
  );
  return JSON.parse(stdout) as Grown;
}

/** A host that floods in place of the reply to this verb; `opening`: in place of the greeting. */
function flooding(octets: string, verb: string): HostScript {
  return async (host) => {
    if (verb === 'opening') return host.flood(octets);
    host.say('220 mx.good.example\r\n');
    for (let line = await host.line(); line !== null; line = await host.line()) {
      if (line.startsWith(verb)) return host.flood(octets);
      host.say(
        line.startsWith('EHLO')
          ? offering('PIPELINING', 'STARTTLS')
          : line === 'STARTTLS'
            ? '220 go\r\n'
            : '250 ok\r\n',
      );
      if (line === 'STARTTLS' && (await host.secure())) return host.flood(octets);
    }
  };
}

describe(`at most ${MOST_MB} MB more`, { concurrency: 2 }, () => {
  const HOSTS: Readonly<Record<string, readonly [HostScript, CheckOptions?]>> = {
    'an endless line for a greeting': [flooding('x'.repeat(1_000), 'opening')],
    'endless continuation lines to EHLO': [flooding('250-and so on\r\n', 'EHLO')],
    'endless replies to a pipelined group': [flooding('250 ok\r\n', 'MAIL')],
    'endless replies to QUIT': [flooding('250 ok\r\n', 'QUIT')],
    'a flood inside TLS': [flooding('250-and so on\r\n', 'nothing'), { starttls: 'require' }],
  };
  for (const [name, [script, options]] of Object.entries(HOSTS)) {
    it(name, async (t) => {
      const { verdict, because, beforeMb, peakMb } = await grow(t, script, undefined, options);
      assert.notEqual(verdict, 'violates', because);
      assert.ok(peakMb - beforeMb <= MOST_MB, `${Math.round(peakMb - beforeMb)} MB more`);
    });
  }

  it('64 KB of records to every question, over TCP', async (t) => {
    const { verdict, beforeMb, peakMb } = await grow(t, answering(), (query, transport) =>
      transport === 'tcp'
        ? rawResponse(query, 4_000, Array<Buffer>(4_000).fill(rawRecord([0xc0, 12], 1, [192, 0, 2, 1])))
        : respond(query, { flags: 0x0200 }),
    );
    assert.equal(verdict, 'inconclusive');
    assert.ok(peakMb - beforeMb <= MOST_MB, `${Math.round(peakMb - beforeMb)} MB more`);
  });

  it('forty MX that all flood', async (t) => {
    const records = Array.from({ length: 40 }, (_, index) => mx('good.example', index, `mx${index}.good.example`));
    const { verdict, because, beforeMb, peakMb } = await grow(
      t,
      flooding('250-and so on\r\n', 'opening'),
      (query, transport) => {
        if (query.type === 'MX')
          return transport === 'tcp' ? respond(query, { answers: records }) : respond(query, { flags: 0x0200 });
        return query.type === 'A' && query.name.startsWith('mx')
          ? respond(query, { answers: [{ type: 'A', name: query.name, ttl: 60, data: '127.0.0.1' }] })
          : respond(query);
      },
    );
    assert.notEqual(verdict, 'violates', because);
    assert.ok(peakMb - beforeMb <= MOST_MB, `${Math.round(peakMb - beforeMb)} MB more`);
  });
});
