// The resolver against scripted name servers on loopback: whom it asks, what it takes for an answer, when it gives up.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { before, test } from 'node:test';
import dnsPacket from 'dns-packet';
import { openResolver, parseNameServer, systemNameServers } from '../src/io/resolver.js';
import type { DnsExchange, DnsOutcome } from '../src/smtp/mail-route.js';
import { UsageError } from '../src/smtp/usage-error.js';
import {
  a,
  askOnce,
  closedPort,
  loadCodec,
  mx,
  MX_QUESTION,
  openTestResolver,
  RCODE,
  respond,
  type Script,
  SILENCE,
  startNameServer,
} from './support/dns-name-server.js';

before(loadCodec);

/** The exchange without what differs from run to run. */
function settled({ question, transport, outcome, passedOver }: DnsExchange): Partial<DnsExchange> {
  return { question, transport, outcome, passedOver };
}

const answered: Script = (query) => respond(query, { answers: [mx(query.name, 10, 'mx.example')] });
const truncated: Script = (query) => respond(query, { flags: dnsPacket.TRUNCATED_RESPONSE });

test('an answer is told with its records, its server and its transport', async (t) => {
  const server = await startNameServer(t, (query) =>
    respond(query, {
      answers: [mx('good.example', 20, 'MX2.good.example'), mx('Good.Example', 10, 'mx1.good.example')],
    }),
  );
  const exchange = await openTestResolver(t, [server]).ask(MX_QUESTION);
  assert.ok(Number.isInteger(exchange.afterMs) && exchange.afterMs >= 0 && exchange.afterMs < 200);
  assert.deepEqual(exchange, {
    question: MX_QUESTION,
    nameServer: server.name,
    transport: 'udp',
    afterMs: exchange.afterMs,
    outcome: {
      kind: 'records',
      records: [
        { name: 'good.example', ttl: 300, type: 'MX', preference: 20, exchange: 'mx2.good.example' },
        { name: 'good.example', ttl: 300, type: 'MX', preference: 10, exchange: 'mx1.good.example' },
      ],
    },
    passedOver: [],
  });
});

test('a query asks for recursion, offers 1232 octets and has a random id', async (t) => {
  const server = await startNameServer(t, (query) => respond(query, { rcode: RCODE.nxDomain }));
  const resolver = openTestResolver(t, [server]);
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => resolver.ask({ name: `d${index}.example`, type: 'AAAA' })),
  );
  const [first] = server.asked;
  assert.deepEqual(
    [
      first?.packet.type,
      first?.packet.flag_rd,
      first?.packet.questions,
      first?.packet.additionals?.map(({ type }) => type),
    ],
    ['query', true, [{ name: 'd0.example', type: 'AAAA', class: 'IN' }], ['OPT']],
  );
  const [opt] = first?.packet.additionals ?? [];
  assert.equal(opt?.type === 'OPT' && opt.udpPayloadSize, 1232);
  assert.ok(new Set(server.asked.map(({ packet }) => packet.id)).size > 15);
});

test('addresses are told in their canonical text, and an alias beside them', async (t) => {
  const server = await startNameServer(t, (query) =>
    respond(query, {
      answers: [
        { type: 'CNAME', name: query.name, ttl: 5, data: 'Host.Example' },
        ...(query.type === 'A'
          ? [a('host.example', '192.0.2.1')]
          : (['2001:db8:0:0:1:0:0:1', '::1', '::', '1::', '::ffff:192.0.2.1', '2001:DB8::A'] as const).map(
              (data) => ({ type: 'AAAA', name: 'host.example', ttl: 5, data }) as const,
            )),
      ],
    }),
  );
  const resolver = openTestResolver(t, [server]);
  const alias = { name: 'www.example', ttl: 5, type: 'CNAME', target: 'host.example' };
  assert.deepEqual((await resolver.ask({ name: 'www.example', type: 'A' })).outcome, {
    kind: 'records',
    records: [alias, { name: 'host.example', ttl: 300, type: 'A', address: '192.0.2.1' }],
  });
  assert.deepEqual((await resolver.ask({ name: 'www.example', type: 'AAAA' })).outcome, {
    kind: 'records',
    records: [
      alias,
      ...['2001:db8::1:0:0:1', '::1', '::', '1::', '::ffff:192.0.2.1', '2001:db8::a'].map((address) => ({
        name: 'host.example',
        ttl: 5,
        type: 'AAAA',
        address,
      })),
    ],
  });
});

test('no such name, no data, and the failures are told apart', async (t) => {
  const soa = { type: 'SOA', name: 'example', ttl: 1, data: { mname: 'a.example', rname: 'b.example' } } as const;
  const alias = { type: 'CNAME', name: 'good.example', ttl: 1, data: 'other.example' } as const;
  const text = { type: 'TXT', name: 'good.example', ttl: 1, data: 'v=spf1 -all' } as const;
  const aliasRecord = { name: 'good.example', ttl: 1, type: 'CNAME', target: 'other.example' } as const;
  const badVersion = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: 1232,
    extendedRcode: 1,
    ednsVersion: 0,
    flags: 0,
    flag_do: false,
  } as const;
  const cases: readonly (readonly [string, Script, DnsOutcome])[] = [
    [
      'NXDOMAIN',
      (q) => respond(q, { rcode: RCODE.nxDomain, authorities: [soa] }),
      { kind: 'no-such-name', records: [] },
    ],
    [
      'NXDOMAIN behind an alias',
      (q) => respond(q, { rcode: RCODE.nxDomain, answers: [alias] }),
      { kind: 'no-such-name', records: [aliasRecord] },
    ],
    ['NOERROR with SOA', (q) => respond(q, { authorities: [soa] }), { kind: 'no-data', records: [] }],
    ['NOERROR with nothing', (q) => respond(q), { kind: 'no-data', records: [] }],
    ['NOERROR with an alias', (q) => respond(q, { answers: [alias] }), { kind: 'no-data', records: [aliasRecord] }],
    ['NOERROR with another type', (q) => respond(q, { answers: [text] }), { kind: 'no-data', records: [] }],
    ['SERVFAIL', (q) => respond(q, { rcode: RCODE.servFail }), { kind: 'server-failure' }],
    ['REFUSED', (q) => respond(q, { rcode: RCODE.refused }), { kind: 'refused' }],
    ['FORMERR', (q) => respond(q, { rcode: RCODE.formErr }), { kind: 'server-failure' }],
    ['a code unheard of', (q) => respond(q, { rcode: 11 }), { kind: 'server-failure' }],
    [
      'BADVERS, half of it in the OPT record',
      (q) => respond(q, { additionals: [{ ...badVersion, options: [] }] }),
      { kind: 'server-failure' },
    ],
    [
      'a referral',
      (q) => respond(q, { authorities: [{ type: 'NS', name: 'example', ttl: 1, data: 'ns.example' }] }),
      { kind: 'refused' },
    ],
    ['silence', () => SILENCE, { kind: 'timeout' }],
  ];
  for (const [what, script, outcome] of cases) {
    const exchange = await askOnce(t, script);
    assert.deepEqual(settled(exchange), { question: MX_QUESTION, transport: 'udp', outcome, passedOver: [] }, what);
  }
});

test('a port that nobody listens on is unreachable at once', async (t) => {
  const resolver = openTestResolver(t, [{ name: `127.0.0.1:${await closedPort()}` }], { timeoutMs: 5000 });
  const exchange = await resolver.ask(MX_QUESTION);
  assert.deepEqual(exchange.outcome, { kind: 'unreachable' });
  assert.ok(exchange.afterMs < 1000);
});

test('a time-out comes at its time, not before', async (t) => {
  const exchange = await askOnce(t, () => SILENCE);
  assert.ok(exchange.afterMs >= 200 && exchange.afterMs < 1000, `${exchange.afterMs} ms`);
});

test('a truncated answer is fetched whole over TCP', async (t) => {
  const hosts = Array.from({ length: 120 }, (_, index) => mx('good.example', index, `mx${index}.good.example`));
  const exchange = await askOnce(t, (query, transport) =>
    transport === 'udp' ? truncated(query, 'udp') : respond(query, { answers: hosts }),
  );
  assert.equal(exchange.transport, 'tcp');
  assert.deepEqual(
    exchange.outcome.kind === 'records' &&
      exchange.outcome.records.map((record) => record.type === 'MX' && record.exchange),
    hosts.map((_, index) => `mx${index}.good.example`),
  );
});

test('what goes wrong over TCP is told as what it is, and in time', async (t) => {
  const overTcp: readonly (readonly [string, Script, DnsOutcome['kind']])[] = [
    ['silence', () => SILENCE, 'timeout'],
    ['half a message, then FIN', () => ({ thenClose: Buffer.from([0, 60, 1, 2, 3]) }), 'malformed'],
    ['FIN at once', () => ({ thenClose: Buffer.alloc(0) }), 'unreachable'],
    ['a wrong id', (query) => respond(query, { id: (query.packet.id ?? 0) ^ 1 }), 'malformed'],
    [
      'another question',
      (query) => respond(query, { questions: [{ type: 'MX', name: 'other.example' }] }),
      'malformed',
    ],
    ['truncated again', truncated, 'malformed'],
    ['an empty message', () => Buffer.alloc(0), 'malformed'],
    ['SERVFAIL', (query) => respond(query, { rcode: RCODE.servFail }), 'server-failure'],
  ];
  for (const [what, script, kind] of overTcp) {
    const exchange = await askOnce(t, (query, transport) =>
      (transport === 'udp' ? truncated : script)(query, transport),
    );
    assert.deepEqual([exchange.transport, exchange.outcome], ['tcp', { kind }], what);
    assert.ok(exchange.afterMs < 1000, what);
  }
  const deaf = await startNameServer(t, truncated, { tcp: 'closed' });
  const exchange = await openTestResolver(t, [deaf]).ask(MX_QUESTION);
  assert.deepEqual([exchange.transport, exchange.outcome], ['tcp', { kind: 'unreachable' }]);
});

test('a datagram that does not answer the question is ignored, and the answer behind it taken', async (t) => {
  const strangers: readonly (readonly [string, Script])[] = [
    ['wrong id', (query) => respond(query, { id: (query.packet.id ?? 0) ^ 0x8001, rcode: RCODE.nxDomain })],
    [
      'another name',
      (query) => respond(query, { questions: [{ type: 'MX', name: 'evil.example' }], rcode: RCODE.nxDomain }),
    ],
    ['another type', (query) => respond(query, { questions: [{ type: 'A', name: query.name }] })],
    ['another class', (query) => respond(query, { questions: [{ type: 'MX', name: query.name, class: 'CH' }] })],
    ['no question', (query) => respond(query, { questions: [] })],
    [
      'two questions',
      (query) => respond(query, { questions: [...(query.packet.questions ?? []), { type: 'A', name: 'x' }] }),
    ],
    ['the query itself, QR=0', (query) => query.octets],
    ['another opcode', (query) => respond(query, { flags: 2 << 11 })],
    ['five octets', (query) => query.octets.subarray(0, 5)],
    ['one octet', (query) => query.octets.subarray(0, 1)],
    ['no octet', () => Buffer.alloc(0)],
  ];
  for (const [what, stranger] of strangers) {
    const exchange = await askOnce(t, async (query, transport) => {
      const before = await stranger(query, transport);
      assert.ok(Buffer.isBuffer(before));
      return [before, respond(query, { answers: [mx(query.name, 10, 'mx.example')] })];
    });
    assert.deepEqual(exchange.outcome.kind, 'records', what);
  }
});

test('a question is matched without regard to case', async (t) => {
  const exchange = await askOnce(t, (query) =>
    respond(query, {
      questions: [{ type: 'MX', name: 'GOOD.example' }],
      answers: [mx('gOOd.example', 1, 'mx.example')],
    }),
  );
  assert.equal(exchange.outcome.kind, 'records');
});

test('a server that sent only datagrams that do not match is passed over as mismatched', async (t) => {
  const forger = await startNameServer(t, (query) => respond(query, { id: (query.packet.id ?? 0) ^ 1 }));
  const honest = await startNameServer(t, answered);
  const exchange = await openTestResolver(t, [forger, honest]).ask(MX_QUESTION);
  assert.deepEqual(exchange.passedOver, [{ nameServer: forger.name, why: 'mismatched' }]);
  assert.deepEqual((await openTestResolver(t, [forger]).ask(MX_QUESTION)).outcome, { kind: 'timeout' });
});

test('a dead first server is passed over, said so, and costs its time-out once', async (t) => {
  const dead = await startNameServer(t, () => SILENCE);
  const alive = await startNameServer(t, answered);
  const resolver = openTestResolver(t, [dead, alive]);
  const first = await resolver.ask(MX_QUESTION);
  const second = await resolver.ask({ name: 'second.example', type: 'MX' });
  assert.deepEqual([first.nameServer, first.passedOver], [alive.name, [{ nameServer: dead.name, why: 'timeout' }]]);
  assert.deepEqual([second.nameServer, second.passedOver], [alive.name, []]);
  assert.ok(first.afterMs >= 200);
  assert.equal(dead.asked.length, 1);
});

test('who waits in line for a server goes elsewhere when it turns out to be of no use', async (t) => {
  const useless = await startNameServer(t, (query) => delay(50).then(() => respond(query, { rcode: RCODE.refused })));
  const alive = await startNameServer(t, answered);
  const resolver = openTestResolver(t, [useless, alive], { timeoutMs: 5000 });
  const questions = Array.from({ length: 300 }, (_, index) => ({ name: `d${index}.example`, type: 'MX' }) as const);
  const exchanges = await Promise.all(questions.map((question) => resolver.ask(question)));
  assert.ok(exchanges.every(({ outcome }) => outcome.kind === 'records'));
  assert.equal(exchanges.filter(({ passedOver }) => passedOver.length === 0).length, 100);
  assert.equal(useless.asked.length, 200);
});

test('each kind of failure is passed over by its name', async (t) => {
  const alive = await startNameServer(t, answered);
  const scripts: readonly (readonly [Script, string])[] = [
    [(query) => respond(query, { rcode: RCODE.servFail }), 'server-failure'],
    [(query) => respond(query, { rcode: RCODE.refused }), 'refused'],
    [(query) => respond(query, { answers: [a('x.example', '192.0.2.1')] }).subarray(0, -1), 'malformed'],
  ];
  for (const [script, why] of scripts) {
    const failing = await startNameServer(t, script);
    const exchange = await openTestResolver(t, [failing, alive]).ask(MX_QUESTION);
    assert.deepEqual([exchange.nameServer, exchange.passedOver], [alive.name, [{ nameServer: failing.name, why }]]);
  }
  const nobody = { name: `127.0.0.1:${await closedPort()}` };
  const exchange = await openTestResolver(t, [nobody, alive]).ask(MX_QUESTION);
  assert.deepEqual(exchange.passedOver, [{ nameServer: nobody.name, why: 'unreachable' }]);
});

test('a server that failed comes first again when it answers again', async (t) => {
  let round = 0;
  const first = await startNameServer(t, (query) =>
    round === 1 ? respond(query, { rcode: RCODE.refused }) : respond(query),
  );
  const second = await startNameServer(t, (query) => respond(query, { rcode: round === 2 ? RCODE.refused : 0 }));
  const resolver = openTestResolver(t, [first, second]);
  const askedOf: string[] = [];
  for (round = 1; round <= 3; round++) {
    askedOf.push((await resolver.ask({ name: `r${round}.example`, type: 'MX' })).nameServer);
  }
  assert.deepEqual(askedOf, [second.name, first.name, first.name]);
});

test('a lost datagram is made good in the second round', async (t) => {
  let queries = 0;
  const server = await startNameServer(t, (query, transport) =>
    ++queries === 1 ? SILENCE : answered(query, transport),
  );
  const exchange = await openTestResolver(t, [server], { tries: 2 }).ask(MX_QUESTION);
  assert.equal(exchange.outcome.kind, 'records');
  assert.deepEqual(exchange.passedOver, [{ nameServer: server.name, why: 'timeout' }]);
});

test('where nobody answers, the most telling of what came is the outcome', async (t) => {
  const silent = await startNameServer(t, () => SILENCE);
  const failing = await startNameServer(t, (query) => respond(query, { rcode: RCODE.servFail }));
  const refusing = await startNameServer(t, (query) => respond(query, { rcode: RCODE.refused }));
  const exchange = await openTestResolver(t, [failing, refusing, silent], { timeoutMs: 50 }).ask(MX_QUESTION);
  assert.deepEqual([exchange.nameServer, exchange.outcome], [failing.name, { kind: 'server-failure' }]);
  assert.deepEqual(exchange.passedOver, [
    { nameServer: refusing.name, why: 'refused' },
    { nameServer: silent.name, why: 'timeout' },
  ]);
});

test('a server that does not understand the OPT record is asked without it', async (t) => {
  const old = await startNameServer(t, (query, transport) =>
    query.packet.additionals?.length === 0
      ? answered(query, transport)
      : respond(query, { rcode: RCODE.formErr, questions: [] }),
  );
  const resolver = openTestResolver(t, [old]);
  const exchanges = [await resolver.ask(MX_QUESTION), await resolver.ask({ name: 'b.example', type: 'MX' })];
  assert.deepEqual(
    exchanges.map(({ outcome, passedOver }) => [outcome.kind, passedOver]),
    [
      ['records', []],
      ['records', []],
    ],
  );
  assert.equal(old.asked.length, 3);
});

test('an answer is kept, a failure is not', async (t) => {
  const server = await startNameServer(t, (query) =>
    respond(query, {
      rcode: query.name === 'bad.example' ? RCODE.servFail : query.name === 'none.example' ? RCODE.nxDomain : 0,
    }),
  );
  const resolver = openTestResolver(t, [server]);
  for (const name of ['good.example', 'none.example', 'bad.example']) {
    const first = await resolver.ask({ name, type: 'MX' });
    assert.deepEqual((await resolver.ask({ name, type: 'MX' })).outcome, first.outcome);
  }
  await resolver.ask({ name: 'good.example', type: 'A' });
  assert.deepEqual(
    server.asked.map(({ name, type }) => `${name} ${type}`),
    ['good.example MX', 'none.example MX', 'bad.example MX', 'bad.example MX', 'good.example A'],
  );
});

test('equal questions in flight are one exchange', async (t) => {
  const server = await startNameServer(t, answered);
  const resolver = openTestResolver(t, [server]);
  const exchanges = await Promise.all(Array.from({ length: 50 }, () => resolver.ask({ ...MX_QUESTION })));
  assert.equal(server.asked.length, 1);
  assert.equal(new Set(exchanges).size, 1);
});

test('2,000 questions at once are all answered, 200 of them in flight', async (t) => {
  let inFlight = 0;
  let most = 0;
  const server = await startNameServer(t, async (query, transport) => {
    most = Math.max(most, ++inFlight);
    await delay(5);
    inFlight -= 1;
    return answered(query, transport);
  });
  const resolver = openTestResolver(t, [server], { timeoutMs: 5000 });
  const questions = Array.from({ length: 2000 }, (_, index) => ({ name: `d${index}.example`, type: 'MX' }) as const);
  const exchanges = await Promise.all(questions.map((question) => resolver.ask(question)));
  assert.deepEqual(
    exchanges.map(({ outcome }) => 'records' in outcome && outcome.records[0]?.name),
    questions.map(({ name }) => name),
  );
  assert.equal(server.asked.length, 2000);
  assert.ok(most > 50 && most <= 200, `${most} in flight`);
});

for (const end of ['abort', 'close'] as const) {
  test(`after ${end} what is open ends at once as a time-out, and nothing more is sent`, async (t) => {
    const silent = await startNameServer(t, () => SILENCE);
    const cut = await startNameServer(t, (query, transport) =>
      transport === 'udp' ? truncated(query, 'udp') : SILENCE,
    );
    const controller = new AbortController();
    const options = { timeoutMs: 5000, signal: controller.signal };
    const resolvers = [openTestResolver(t, [silent], options), openTestResolver(t, [cut], options)];
    const questions = Array.from({ length: 300 }, (_, index) => ({ name: `d${index}.example`, type: 'MX' }) as const);
    const open = resolvers.flatMap((resolver) => questions.map((question) => resolver.ask(question)));
    await delay(100);
    const started = performance.now();
    if (end === 'abort') controller.abort();
    else for (const resolver of resolvers) resolver.close();
    const exchanges = await Promise.all(open);
    const late = await Promise.all(resolvers.map((resolver) => resolver.ask(MX_QUESTION)));
    assert.ok([...exchanges, ...late].every(({ outcome }) => outcome.kind === 'timeout'));
    assert.ok(performance.now() - started < 1000);
    await delay(50);
    assert.ok(silent.asked.length <= 200 && cut.asked.length <= 400);
  });
}

test('a question whose name is none is our own mistake', async (t) => {
  const resolver = openTestResolver(t, [await startNameServer(t, answered)]);
  for (const name of ['a..example', `${'x'.repeat(64)}.example`, 'x.'.repeat(130) + 'x', 'ex\u2603ample', 'a\\']) {
    await assert.rejects(resolver.ask({ name, type: 'MX' }), RangeError);
  }
  assert.equal((await resolver.ask(MX_QUESTION)).outcome.kind, 'records');
});

test('the codec is not loaded before the first question, and nothing keeps the program alive after close()', () => {
  const program = `
    import { createSocket } from 'node:dgram';
    import { createRequire } from 'node:module';
    import { openResolver } from ${JSON.stringify(new URL('../src/io/resolver.js', import.meta.url).href)};
    const isLoaded = () => Object.keys(createRequire(import.meta.url).cache).some((file) => file.includes('dns2'));
    const server = createSocket('udp4').bind(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const resolver = openResolver({ nameServers: ['127.0.0.1:' + server.address().port], timeoutMs: 30_000 });
    const before = isLoaded();
    const open = resolver.ask({ name: 'good.example', type: 'MX' });
    await new Promise((resolve) => server.once('message', resolve));
    server.close();
    resolver.close();
    console.log(before, isLoaded(), (await open).outcome.kind);
  `;
  const told = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  assert.equal(told.trim(), 'false true timeout');
});

test('a name server is an IP address with or without a port', () => {
  const spellings = {
    '192.0.2.53': '192.0.2.53:53',
    '192.0.2.53:5353': '192.0.2.53:5353',
    '::1': '[::1]:53',
    '[::1]': '[::1]:53',
    '[2001:db8::53]:5353': '[2001:db8::53]:5353',
    'fe80::1%eth0': '[fe80::1%eth0]:53',
  };
  for (const [text, name] of Object.entries(spellings)) {
    assert.equal(parseNameServer(text), name);
    assert.equal(parseNameServer(name), name);
  }
  const wrong = [
    '',
    'dns.example',
    '192.0.2',
    '192.0.2.1:0',
    '192.0.2.1:65536',
    '192.0.2.1:',
    '[192.0.2.1]:53',
    '[::1]x',
    '[::1',
    '::1]:53',
    '\u001b[2J',
  ];
  for (const text of wrong) {
    assert.throws(
      () => parseNameServer(text),
      (error) => error instanceof UsageError && !error.message.includes('\u001b'),
      text,
    );
  }
  assert.ok(systemNameServers().every((name) => parseNameServer(name) === name));
  assert.throws(() => openResolver({ nameServers: [] }), UsageError);
});
