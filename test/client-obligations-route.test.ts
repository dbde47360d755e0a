// Obligations of the client towards the DNS and in the choice of hosts and addresses (RFC 5321 5.1, RFC 7505), and in
// pace (RFC 5321 4.5.4). Mail hosts have 127.0.0.x, all on one port.
import assert from 'node:assert/strict';
import { describe, it, mock, type TestContext } from 'node:test';
import dnsPacket from 'dns-packet';
import type { CheckOptions } from '../src/check-options.js';
import { openProbe } from '../src/check.js';
import { parseDomain } from '../src/smtp/address.js';
import { MX_QUESTION, respond, mx, RCODE, startNameServer, type Script } from './support/dns-name-server.js';
import { answering, heard, linesHeard, startHosts } from './support/obligations-peer.js';
import { judged, serving, verdictOf, visit, ZONE } from './support/obligations-run.js';
import { fakeHost, probeFake } from './support/obligations-fake.js';

const FOUR = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4'];
/** Only Linux has all of 127.0.0.0/8. */
const MANY = { skip: process.platform === 'linux' ? false : 'this system has one loopback address' };

const questions = (asked: readonly { readonly name: string; readonly type: string }[]): readonly string[] =>
  asked.map(({ name, type }) => `${name} ${type}`);

describe('the DNS', { concurrency: true }, () => {
  it('client.dns-lookup: MX first, then the addresses of its hosts, by their absolute names', async (t) => {
    const { asked } = await visit(t, answering());
    const told = questions(asked).filter((question) => !question.startsWith('probe.example'));
    const mxAt = told.indexOf('good.example MX');
    const addresses = ['mx.good.example A', 'mx.good.example AAAA'].map((question) => told.indexOf(question));
    assert.ok(mxAt >= 0 && addresses.every((at) => at > mxAt), told.join(', '));
    for (const { name } of asked) assert.match(name, /(?:^|\.)(?:good|probe)\.example$/);
  });

  it('client.dns-lookup: a domain of one label is asked for as it is, and no hosts file is read', async (t) => {
    const { asked, hosts, report } = await visit(t, answering(), {
      domain: 'localhost',
      zone: 'localhost MX 10 mx.good.example\nmx.good.example NXDOMAIN',
    });
    assert.ok(questions(asked).includes('localhost MX'));
    assert.ok(asked.every(({ name }) => !/^localhost\.\S/.test(name)));
    assert.equal(hosts.conversations.length, 0);
    assert.notEqual(report.verdict, 'conforms');
  });

  it('mx.no-fallback-to-a: no connection to the address of the domain where MX records lead nowhere', async (t) => {
    for (const zone of [
      'good.example MX 10 gone.good.example\ngood.example A 127.0.0.1\ngone.good.example NXDOMAIN',
      'good.example MX 10 mx.good.example\ngood.example A 127.0.0.1\nmx.good.example * SERVFAIL',
      'good.example MX 10 bare.good.example\ngood.example A 127.0.0.1\nx.bare.good.example A 127.0.0.1',
    ]) {
      const { hosts, asked } = await visit(t, answering(), { zone });
      assert.equal(hosts.conversations.length, 0, zone);
      assert.ok(!questions(asked).includes('good.example AAAA'), zone);
    }
  });

  it('client.null-mx-no-connect: no connection, and no address is looked up, where there is a Null MX', async (t) => {
    const { hosts, report, asked } = await visit(t, answering(), {
      zone: 'good.example MX 0 .\ngood.example A 127.0.0.1',
    });
    assert.equal(hosts.conversations.length, 0);
    assert.equal(report.verdict, 'not-applicable');
    assert.ok(!questions(asked).includes('good.example A'));
  });

  it('mx.cname-followed: the MX of the canonical name is used, the recipient keeps the name as given', async (t) => {
    const zone = `
      good.example CNAME real.example
      real.example MX 10 mx.real.example
      mx.real.example A 127.0.0.1
    `;
    const { lines } = await visit(t, answering(), { zone });
    const recipients = lines.filter((line) => line.startsWith('RCPT'));
    assert.equal(recipients[0], 'RCPT TO:<Postmaster@good.example>');
  });

  it('mx.cname-followed: a loop of aliases ends, and nobody is connected to', async (t) => {
    const zone = 'good.example CNAME a.example\na.example CNAME b.example\nb.example CNAME good.example';
    const { hosts, report, asked } = await visit(t, answering(), { zone });
    assert.equal(hosts.conversations.length, 0);
    assert.equal(report.verdict, 'inconclusive');
    assert.ok(asked.length < 20);
  });

  it('dns.tcp-for-truncated: a truncated answer is asked for again over TCP before it is used', async (t) => {
    const whole = serving(
      ZONE.replace(
        'MX 10 mx.good.example',
        'MX 10 mx.good.example\ngood.example MX 5 other.good.example\nother.good.example A 127.0.0.2',
      ),
    );
    const cutShort: Script = (query, transport) => {
      if (query.type !== 'MX' || query.name !== MX_QUESTION.name || transport === 'tcp') return whole(query, transport);
      return respond(query, {
        flags: dnsPacket.TRUNCATED_RESPONSE,
        answers: [mx('good.example', 10, 'mx.good.example')],
      });
    };
    const { report } = await visit(t, answering(), { nameServer: cutShort });
    const told = report.evidence.dns.find(({ question }) => question.type === 'MX' && question.name === 'good.example');
    assert.equal(told?.transport, 'tcp');
    assert.deepEqual(
      report.evidence.route.hosts.map(({ host }) => host),
      ['other.good.example', 'mx.good.example'],
    );
  });

  it('client.dns-temporary: SERVFAIL, REFUSED and silence are inconclusive, never "no MX"', async (t) => {
    for (const trouble of ['SERVFAIL', 'REFUSED', 'TIMEOUT']) {
      const zone = `good.example MX ${trouble}\ngood.example A 127.0.0.1`;
      const { hosts, report } = await visit(t, answering(), {
        zone,
        options: { timeoutMs: trouble === 'TIMEOUT' ? 60 : 4_000 },
      });
      assert.equal(hosts.conversations.length, 0, trouble);
      assert.deepEqual([report.verdict, report.evidence.route.kind], ['inconclusive', 'unknown'], trouble);
      assert.deepEqual(judged(report, 'fail'), [], trouble);
    }
  });

  it('client.dns-temporary: with --retries the question is asked again later', async (t) => {
    let failures = 4;
    const sound = serving(ZONE);
    const { report } = await visit(t, answering(), {
      nameServer: (query, transport) =>
        query.type === 'MX' && failures-- > 0 ? respond(query, { rcode: RCODE.servFail }) : sound(query, transport),
      options: { retries: 2, retryAfterMs: 10 },
    });
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
  });

  it('client.postmaster-own: the domain of --mail-from is looked up, and a Null MX there is warned of', async (t) => {
    const options: CheckOptions = { mailFrom: 'me@sender.example' };
    const sound = await visit(t, answering(), { zone: `${ZONE}\nsender.example MX 10 mx.good.example`, options });
    assert.ok(questions(sound.asked).includes('sender.example MX'));
    const none = await visit(t, answering(), { zone: `${ZONE}\nsender.example MX 0 .`, options });
    const warned = none.report.judgements.filter(
      ({ verdict, because }) => verdict === 'warn' && because.includes('sender.example'),
    );
    assert.equal(warned.length, 1);
    assert.notEqual(none.report.verdict, 'violates');
  });

  it('client.idna: a U-label becomes an A-label before the DNS and on the wire', async (t) => {
    const zone = 'xn--mller-kva.example MX 10 mx.good.example\nmx.good.example A 127.0.0.1\nprobe.example A 127.0.0.1';
    const { lines, asked } = await visit(t, answering(), { domain: 'M\u{fc}ller.example', zone });
    assert.ok(questions(asked).includes('xn--mller-kva.example MX'));
    assert.ok(asked.every(({ name }) => /^[\x21-\x7e]*$/.test(name)));
    assert.ok(lines.includes('RCPT TO:<Postmaster@xn--mller-kva.example>'));
  });
});

describe('hosts and addresses', { concurrency: true }, () => {
  it('client.mx-sort: hosts are probed by preference, lower numbers first', MANY, async (t) => {
    const zone = `
      good.example MX 40 a.good.example
      good.example MX 30 b.good.example
      good.example MX 10 c.good.example
      good.example MX 20 d.good.example
      a.good.example A 127.0.0.1
      b.good.example A 127.0.0.2
      c.good.example A 127.0.0.3
      d.good.example A 127.0.0.4
    `;
    const begun: string[] = [];
    const { report } = await visit(t, answering({}, { delayMs: 5 }), {
      zone,
      addresses: FOUR,
      options: { onProgress: ({ endpoint }) => void (endpoint !== undefined && begun.push(endpoint[0] ?? '')) },
    });
    assert.deepEqual(begun, ['c', 'd', 'b', 'a']);
    assert.deepEqual(
      report.evidence.endpoints.map(({ host }) => host[0]),
      ['c', 'd', 'b', 'a'],
    );
  });

  it('client.mx-randomize: hosts of one preference are shuffled, and by a seed in the same way again', async (t) => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const zone = [
      'good.example MX 5 first.good.example\nfirst.good.example * SERVFAIL',
      ...names.map((name) => `good.example MX 10 ${name}.good.example\n${name}.good.example A 127.0.0.1`),
    ].join('\n');
    const server = await startNameServer(t, serving(zone));
    // Nobody is connected to: loopback is not allowed here, and the order stands in the evidence all the same.
    const orderOf = async (random: () => number): Promise<string> => {
      const probe = await openProbe({ nameServers: [server.name], ehlo: 'probe.example', random });
      const { endpoints } = await probe.gather(await parseDomain('good.example'));
      probe.close();
      return endpoints.map(({ host }) => host[0]).join('');
    };
    const orders = new Set<string>();
    for (let seed = 1; seed <= 12; seed++) {
      const order = await orderOf(seeded(seed));
      assert.equal([...order].toSorted().join(''), names.join(''));
      assert.equal(await orderOf(seeded(seed)), order);
      orders.add(order);
    }
    assert.ok(orders.size >= 6, [...orders].join(' '));
  });

  it('client.addresses-in-order: the addresses of a host are tried in the order of the answer', MANY, async (t) => {
    const zone = ['127.0.0.3', '127.0.0.1', '127.0.0.4', '127.0.0.2']
      .map((address) => `mx.good.example A ${address}`)
      .join('\n');
    const { hosts } = await visit(t, answering(), {
      zone: `good.example MX 10 mx.good.example\n${zone}`,
      addresses: FOUR,
    });
    assert.deepEqual(
      hosts.conversations.map(({ address }) => address),
      ['127.0.0.3', '127.0.0.1', '127.0.0.4', '127.0.0.2'],
    );
  });

  it('client.two-addresses: where the first address is dead the others are tried', MANY, async (t) => {
    const zone =
      'good.example MX 10 mx.good.example\nmx.good.example A 127.0.0.9\nmx.good.example A 127.0.0.1\nmx.good.example A 127.0.0.2';
    const { hosts, report } = await visit(t, answering(), { zone, addresses: ['127.0.0.1', '127.0.0.2'] });
    assert.deepEqual(
      hosts.conversations.map(({ address }) => address),
      ['127.0.0.1', '127.0.0.2'],
    );
    assert.deepEqual(report.coverage, { endpoints: 3, judged: 2 });
    assert.equal(report.verdict, 'conforms');
  });

  it(
    'client.one-transaction-politeness: one session at a time to an address, two addresses of a domain at once',
    MANY,
    async (t) => {
      const zone = [
        ...FOUR.map(
          (address, index) => `good.example MX 10 mx${index}.good.example\nmx${index}.good.example A ${address}`,
        ),
        // Two more names for the first address.
        'good.example MX 10 x.good.example\nx.good.example A 127.0.0.1',
        'good.example MX 10 y.good.example\ny.good.example A 127.0.0.1',
      ].join('\n');
      const { hosts } = await visit(t, answering({}, { delayMs: 4 }), { zone, addresses: FOUR });
      assert.equal(hosts.conversations.length, 6);
      assert.deepEqual(hosts.most, { perAddress: 1, inAll: 2 });
    },
  );

  it('client.one-transaction-politeness: one session at a time to an address for several domains of one run', async (t) => {
    const hosts = await startHosts(t, answering({}, { delayMs: 4 }));
    const domains = ['one.example', 'two.example', 'three.example'];
    const zone = `${domains.map((domain) => `${domain} MX 10 mx.good.example`).join('\n')}\nmx.good.example A 127.0.0.1`;
    const server = await startNameServer(t, serving(zone));
    const probe = await openProbe({
      nameServers: [server.name],
      port: hosts.port,
      ehlo: 'probe.example',
      allowPrivate: true,
      timeoutMs: 4_000,
      pauseMs: 60,
    });
    await Promise.all(domains.map(async (domain) => probe.gather(await parseDomain(domain))));
    probe.close();
    assert.equal(hosts.conversations.length, 3);
    assert.equal(hosts.most.perAddress, 1);
    hosts.conversations.slice(1).forEach(({ startedMs }, index) => {
      const pauseMs = startedMs - (hosts.conversations[index]?.endedMs ?? 0);
      assert.ok(pauseMs >= 50, `${pauseMs} ms between two connections`);
    });
  });

  it('client.no-cache-mail-5yz: a refusal of MAIL is not remembered from one check to the next', async (t) => {
    let refuses = true;
    const hosts = await startHosts(t, answering({ MAIL: () => (refuses ? '550 5.7.1 no\r\n' : '250 ok\r\n') }));
    const server = await startNameServer(t, serving(ZONE));
    const probe = await openProbe({
      nameServers: [server.name],
      port: hosts.port,
      ehlo: 'probe.example',
      allowPrivate: true,
      timeoutMs: 4_000,
    });
    const domain = await parseDomain('good.example');
    await probe.gather(domain);
    refuses = false;
    const before = hosts.conversations.length;
    await probe.gather(domain);
    probe.close();
    const said = hosts.conversations.slice(before).flatMap(linesHeard);
    assert.ok(said.includes('MAIL FROM:<>') && said.includes('RCPT TO:<Postmaster@good.example>'));
  });
});

describe('retries', () => {
  /** The times, in whole seconds, at which a host at a public address is called; nobody is really called, and no time passes. */
  async function callsOf(t: TestContext, options: CheckOptions, address = '8.8.8.8'): Promise<readonly number[]> {
    mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => mock.timers.reset());
    let clockMs = 0;
    const calls: number[] = [];
    const host = fakeHost({ RCPT: '450 4.2.0 greylisted\r\n' });
    const done = probeFake({
      connect: (request) => (calls.push(Math.round(clockMs / 1000)), host.connect(request)),
      address,
      options,
    });
    const run = { isDone: false };
    void done.finally(() => {
      run.isDone = true;
    });
    for (;;) {
      await new Promise(setImmediate);
      if (run.isDone) break;
      mock.timers.tick(1_000);
      clockMs += 1_000;
      assert.ok(clockMs < 20_000_000, 'the retries do not end');
    }
    mock.timers.reset();
    await done;
    return calls;
  }

  it('client.retry-delay: nothing is tried again without --retries', async (t) => {
    assert.deepEqual(await callsOf(t, {}), [0]);
  });

  it('client.retry-delay: 30 minutes unless told otherwise', async (t) => {
    assert.deepEqual(await callsOf(t, { retries: 2 }), [0, 1_800, 3_600]);
  });

  it('client.retry-delay: never under 60 seconds against a public address', async (t) => {
    assert.deepEqual(await callsOf(t, { retries: 2, retryAfterMs: 1_000 }), [0, 60, 120]);
    assert.deepEqual(await callsOf(t, { retries: 1, retryAfterMs: 90_000 }), [0, 90]);
  });

  it('client.retry-delay: against loopback what was asked for is done', async (t) => {
    assert.deepEqual(await callsOf(t, { retries: 1, retryAfterMs: 1_000, allowPrivate: true }, '127.0.0.1'), [0, 1]);
  });

  it('client.retry-delay: a retry has the same sender and the same first recipient', async () => {
    const host = fakeHost({ RCPT: '450 4.2.0 greylisted\r\n' });
    await probeFake({
      connect: host.connect,
      address: '127.0.0.1',
      options: { retries: 1, retryAfterMs: 1, allowPrivate: true },
    });
    assert.equal(host.conversations.length, 2);
    const [first, second] = host.conversations.map((log) => linesHeard({ log }).slice(0, 3));
    assert.deepEqual(second, first);
    assert.ok(heard({ log: host.conversations[0] ?? [] }).includes('RCPT TO:<Postmaster@good.example>'));
  });
});

/** A small generator of numbers from 0 up to 1. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
