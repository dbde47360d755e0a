// Hostile name servers, seen by a whole check: it ends in a verdict, in time, and a doubt about the DNS is no violation.
// What the resolver makes of each is told in dns-hostile.test.ts and resolver.test.ts.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import dnsPacket from 'dns-packet';
import type { CheckOptions } from '../src/check-options.js';
import { a, mx, rawRecord, rawResponse, respond, SILENCE, type Query, type Script } from './support/dns-name-server.js';
import { answering } from './support/obligations-peer.js';
import { judged, serving, verdictOf, visit, ZONE, type Visit } from './support/obligations-run.js';

const TIMEOUT_MS = 100;
const DEADLINE_MS = 8_000;
const AS_ASKED = [0xc0, 12];

/** Checks where this server is the only one; the check must end in time, with the mail host not reached. */
async function doubt(t: TestContext, script: Script, options: CheckOptions = {}): Promise<Visit> {
  const startedMs = performance.now();
  const visited = await visit(t, answering(), {
    nameServer: script,
    options: { timeoutMs: TIMEOUT_MS, ...options },
    leaveAfterMs: 0,
  });
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < DEADLINE_MS, `${Math.round(tookMs)} ms`);
  assert.equal(visited.report.verdict, 'inconclusive', visited.report.because);
  assert.deepEqual(judged(visited.report, 'fail'), []);
  assert.equal(visited.hosts.conversations.length, 0);
  return visited;
}

/** Answers MX in this way and everything else soundly. */
const forMx =
  (reply: (query: Query) => Buffer | readonly Buffer[]): Script =>
  (query, transport) =>
    query.type === 'MX' ? reply(query) : serving(ZONE)(query, transport);

const overTcp =
  (reply: (query: Query) => Buffer): Script =>
  (query, transport) =>
    transport === 'tcp' ? reply(query) : respond(query, { flags: dnsPacket.TRUNCATED_RESPONSE });

const wrongId = (query: Query): Buffer => {
  const message = Buffer.from(respond(query, { answers: [mx('good.example', 10, 'mx.good.example')] }));
  message.writeUInt16BE((message.readUInt16BE(0) + 1) & 0xffff, 0);
  return message;
};

describe('a name server', { concurrency: 4 }, () => {
  const HOSTILE: Readonly<Record<string, Script>> = {
    'that is silent': () => SILENCE,
    'that sends garbage': () => randomBytes(300),
    'that sends one octet': () => Buffer.from([0]),
    'whose names point to themselves': (query) => {
      const exchangeAt = rawResponse(query, 0, []).length + 14;
      return rawResponse(query, 1, [rawRecord(AS_ASKED, 15, [0, 10, 0xc0 | (exchangeAt >> 8), exchangeAt & 0xff])]);
    },
    'that answers with another id': wrongId,
    'that answers another question': (query) =>
      respond(query, {
        questions: [{ type: 'MX', name: 'other.example' }],
        answers: [mx('other.example', 10, 'mx.good.example')],
      }),
    'that answers with records of another name': forMx((query) =>
      respond(query, { answers: [mx('other.example', 10, 'mx.good.example')] }),
    ),
    'that sends our own query back': (query) => query.octets,
    'with a chain of aliases that never ends': (query) =>
      respond(query, { answers: [{ type: 'CNAME', name: query.name, ttl: 60, data: `x${query.name.slice(0, 200)}` }] }),
    'with aliases in a circle': (query) =>
      respond(query, {
        answers: [
          {
            type: 'CNAME',
            name: query.name,
            ttl: 60,
            data: query.name === 'good.example' ? 'other.example' : 'good.example',
          },
        ],
      }),
    'with 64 KB of records': overTcp((query) =>
      rawResponse(query, 4_000, Array<Buffer>(4_000).fill(rawRecord(AS_ASKED, 1, [192, 0, 2, 1]))),
    ),
    'with 64 KB of 0xFF': overTcp(() => Buffer.alloc(65_535, 0xff)),
    'that truncates everything, over TCP too': (query) => respond(query, { flags: dnsPacket.TRUNCATED_RESPONSE }),
    'that promises TCP and closes': (query, transport) =>
      transport === 'tcp'
        ? { thenClose: Buffer.from([0xff, 0xff, 1, 2, 3]) }
        : respond(query, { flags: dnsPacket.TRUNCATED_RESPONSE }),
    'with an unknown rcode': (query) => respond(query, { rcode: 11 }),
  };
  for (const [name, script] of Object.entries(HOSTILE)) {
    it(name, async (t) => {
      await doubt(t, script);
    });
  }

  it('that lies first and tells the truth behind it is believed for the truth alone', async (t) => {
    const { report } = await visit(t, answering(), {
      nameServer: (query, transport) => {
        const sound = serving(ZONE)(query, transport);
        return Buffer.isBuffer(sound) && transport === 'udp' ? [wrongId(query), randomBytes(40), sound] : sound;
      },
    });
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
  });

  it('that sends a storm of datagrams does not keep the check from its end', async (t) => {
    await doubt(t, (query) => Array<Buffer>(300).fill(wrongId(query)));
  });
});

describe('a zone', { concurrency: 4 }, () => {
  const MANY: CheckOptions = { timeoutMs: 2_000, controls: false };

  it('with forty MX: all are looked up, the one that answers is probed, the dead ones accuse nobody of having no postmaster', async (t) => {
    const hosts = Array.from({ length: 40 }, (_, index) => `mx${index}.good.example`);
    const zone = [
      ...hosts.map((host, index) => `good.example MX ${index} ${host}`),
      ...hosts.map((host, index) => (index === 7 ? `${host} A 127.0.0.1` : `${host} NXDOMAIN`)),
    ].join('\n');
    const { report, hosts: reached } = await visit(t, answering(), { zone, options: MANY });
    assert.equal(reached.conversations.length, 1);
    assert.equal(
      verdictOf(
        { ...report, judgements: report.judgements.filter(({ host }) => host === 'mx7.good.example') },
        'postmaster.domain',
      ),
      'pass',
    );
    assert.deepEqual(
      judged(report, 'fail').filter((id) => id.startsWith('postmaster.')),
      [],
    );
  });

  it('with an MX that is the domain itself is probed at its address', async (t) => {
    const { report, hosts } = await visit(t, answering(), {
      zone: 'good.example MX 10 good.example\ngood.example A 127.0.0.1',
      options: MANY,
    });
    assert.equal(hosts.conversations.length, 1);
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
  });

  it('with MX names that no host can have sends nothing to anybody', async (t) => {
    for (const exchange of ['127.0.0.1', 'x'.repeat(63), 'localhost']) {
      const { hosts, report } = await visit(t, answering(), {
        nameServer: (query) =>
          query.type === 'MX' && query.name === 'good.example'
            ? respond(query, { answers: [mx('good.example', 10, exchange)] })
            : respond(query, { rcode: 3 }),
        options: { timeoutMs: 1_000 },
      });
      assert.equal(hosts.conversations.length, 0, exchange);
      assert.notEqual(report.verdict, 'conforms', exchange);
    }
  });

  it('with a thousand addresses for one host is probed at some of them, and says so', async (t) => {
    const { report } = await visit(t, answering(), {
      nameServer: (query) =>
        query.type === 'MX'
          ? respond(query, { answers: [mx('good.example', 10, 'mx.good.example')] })
          : query.type === 'A' && query.name === 'mx.good.example'
            ? respond(query, {
                answers: Array.from({ length: 60 }, (_, index) => a('mx.good.example', `127.0.1.${index + 1}`)),
              })
            : respond(query),
      options: { timeoutMs: 1_000 },
    });
    const skipped = report.evidence.endpoints.filter((endpoint) => endpoint.skipped === 'too-many');
    assert.deepEqual([report.evidence.endpoints.length, skipped.length], [60, 28]);
    assert.notEqual(report.verdict, 'violates');
  });
});
