import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Domain } from '../src/smtp/address.js';
import {
  followLookup,
  MAX_ALIASES,
  MAX_MAIL_HOSTS,
  nextQuestions,
  planMailRoute,
  type DnsExchange,
  type DnsOutcome,
  type DnsRecord,
  type MailRoute,
  type Question,
} from '../src/smtp/mail-route.js';
import { askForRoute, exchange, zone, type AliasStyle } from './support/dns-evidence.js';

const DOMAIN = 'example.org' as Domain;

function route(text: string, style: AliasStyle = 'one-answer'): MailRoute {
  return planMailRoute(DOMAIN, askForRoute(DOMAIN, zone(text, style)));
}

const asked = (text: string, style: AliasStyle = 'one-answer'): readonly string[] =>
  askForRoute(DOMAIN, zone(text, style)).map(({ question }) => `${question.name} ${question.type}`);

const numbered = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

test('mail hosts are sorted by preference, and by name within one', () => {
  const found = route(`
    example.org MX 20 c.example.org
    example.org MX 10 b.example.org
    example.org MX 10 a.example.org
    a.example.org A 5.5.5.1
    b.example.org A 5.5.5.2
    c.example.org AAAA 2a00::3
  `);
  assert.deepEqual(found, {
    kind: 'mx',
    canonicalName: DOMAIN,
    hosts: [
      { host: 'a.example.org', preference: 10, addresses: ['5.5.5.1'] },
      { host: 'b.example.org', preference: 10, addresses: ['5.5.5.2'] },
      { host: 'c.example.org', preference: 20, addresses: ['2a00::3'] },
    ],
  });
});

test('addresses keep the order of the answers, IPv4 first, each once', () => {
  const found = route(`
    example.org MX 10 a.example.org
    a.example.org AAAA 2a00::2
    a.example.org AAAA 2a00::1
    a.example.org A 5.5.5.9
    a.example.org A 5.5.5.1
    a.example.org A 5.5.5.9
  `);
  assert.deepEqual(found.hosts[0]?.addresses, ['5.5.5.9', '5.5.5.1', '2a00::2', '2a00::1']);
});

test('a mail host that stands twice is probed once, by its best preference', () => {
  const found = route('example.org MX 20 a.example.org\nexample.org MX 10 a.example.org\na.example.org A 5.5.5.1');
  assert.deepEqual(found.hosts, [{ host: 'a.example.org', preference: 10, addresses: ['5.5.5.1'] }]);
});

test('a Null MX ends everything: no address is asked for', () => {
  const text = 'example.org MX 0 .\nexample.org A 5.5.5.1';
  assert.deepEqual(route(text), { kind: 'null-mx', canonicalName: DOMAIN, hosts: [] });
  assert.deepEqual(asked(text), ['example.org MX']);
});

test('a Null MX with another preference is one all the same', () => {
  assert.equal(route('example.org MX 10 .').kind, 'null-mx');
});

test('"." beside other MX records is left out', () => {
  const found = route('example.org MX 0 .\nexample.org MX 10 a.example.org\na.example.org A 5.5.5.1');
  assert.deepEqual(found, {
    kind: 'mx',
    canonicalName: DOMAIN,
    hosts: [{ host: 'a.example.org', preference: 10, addresses: ['5.5.5.1'] }],
  });
});

test('without MX the domain is its own mail host', () => {
  assert.deepEqual(route('example.org A 5.5.5.1\nexample.org AAAA 2a00::1'), {
    kind: 'implicit-mx',
    canonicalName: DOMAIN,
    hosts: [{ host: DOMAIN, preference: 0, addresses: ['5.5.5.1', '2a00::1'] }],
  });
});

test('neither MX nor address is no mail host', () => {
  assert.deepEqual(route('www.example.org A 5.5.5.1'), { kind: 'no-mail-host', canonicalName: DOMAIN, hosts: [] });
});

test('a name that does not exist is told so, and nothing more is asked', () => {
  assert.deepEqual(route('example.net A 5.5.5.1'), { kind: 'no-such-domain', canonicalName: DOMAIN, hosts: [] });
  assert.deepEqual(asked('example.net A 5.5.5.1'), ['example.org MX']);
});

for (const failure of ['SERVFAIL', 'REFUSED', 'TIMEOUT', 'UNREACHABLE', 'MALFORMED']) {
  test(`${failure} of the MX question is no "no MX": the addresses are not asked for`, () => {
    const text = `example.org MX ${failure}\nexample.org A 5.5.5.1`;
    assert.deepEqual(route(text), { kind: 'unknown', canonicalName: DOMAIN, hosts: [] });
    assert.deepEqual(asked(text), ['example.org MX']);
  });

  test(`${failure} of an address question leaves the route open only where nothing else is known`, () => {
    assert.equal(route(`www.example.org A 5.5.5.1\nexample.org A ${failure}`).kind, 'unknown');
    assert.equal(route(`www.example.org A 5.5.5.1\nexample.org AAAA ${failure}`).kind, 'unknown');
    assert.deepEqual(route(`example.org A 5.5.5.1\nexample.org AAAA ${failure}`).hosts[0]?.addresses, ['5.5.5.1']);
  });

  test(`${failure} of a mail host's addresses leaves it in the route without them`, () => {
    const found = route(`
      example.org MX 10 a.example.org
      example.org MX 20 b.example.org
      a.example.org * ${failure}
      b.example.org A 5.5.5.2
    `);
    assert.deepEqual(
      found.hosts.map(({ addresses }) => addresses),
      [[], ['5.5.5.2']],
    );
  });
}

test('a chain of aliases is followed, in one answer and over several', () => {
  const text =
    'example.org CNAME b.example.net\nb.example.net CNAME c.example.net\nc.example.net MX 5 m.example.net\nm.example.net A 5.5.5.1';
  const expected = {
    kind: 'mx',
    canonicalName: 'c.example.net',
    hosts: [{ host: 'm.example.net', preference: 5, addresses: ['5.5.5.1'] }],
  };
  assert.deepEqual(route(text), expected);
  assert.deepEqual(route(text, 'one-link'), expected);
  assert.deepEqual(asked(text), ['example.org MX', 'm.example.net A', 'm.example.net AAAA']);
  assert.deepEqual(asked(text, 'one-link').slice(0, 3), ['example.org MX', 'b.example.net MX', 'c.example.net MX']);
});

test('the end of an alias without MX is its own mail host', () => {
  for (const style of ['one-answer', 'one-link'] as const) {
    const found = route('example.org CNAME b.example.net\nb.example.net A 5.5.5.1', style);
    assert.deepEqual(found, {
      kind: 'implicit-mx',
      canonicalName: 'b.example.net',
      hosts: [{ host: 'b.example.net', preference: 0, addresses: ['5.5.5.1'] }],
    });
  }
});

test('an alias of a name that does not exist is a domain that does not exist', () => {
  for (const style of ['one-answer', 'one-link'] as const) {
    assert.deepEqual(route('example.org CNAME gone.example.net', style), {
      kind: 'no-such-domain',
      canonicalName: 'gone.example.net',
      hosts: [],
    });
  }
});

test('a server that fails at the end of an alias tells nothing', () => {
  for (const style of ['one-answer', 'one-link'] as const) {
    assert.equal(route('example.org CNAME b.example.net\nb.example.net MX SERVFAIL', style).kind, 'unknown');
  }
});

test('aliases in a circle end and tell nothing', () => {
  for (const style of ['one-answer', 'one-link'] as const) {
    assert.equal(route('example.org CNAME example.org', style).kind, 'unknown');
    assert.equal(route('example.org CNAME b.example.net\nb.example.net CNAME example.org', style).kind, 'unknown');
    assert.equal(route('example.org CNAME b.example.net\nb.example.net CNAME b.example.net', style).kind, 'unknown');
  }
});

test(`a chain is followed over ${MAX_ALIASES} links and no further`, () => {
  const chain = (links: number): string =>
    `example.org CNAME n1.example.net\n${numbered(links - 1, (index) => `n${index + 1}.example.net CNAME n${index + 2}.example.net`)}\nn${links}.example.net A 5.5.5.1`;
  for (const style of ['one-answer', 'one-link'] as const) {
    assert.equal(route(chain(MAX_ALIASES), style).kind, 'implicit-mx');
    assert.equal(route(chain(MAX_ALIASES + 1), style).kind, 'unknown');
  }
});

test('an alias as MX target is followed and keeps its own name', () => {
  for (const style of ['one-answer', 'one-link'] as const) {
    const found = route(
      'example.org MX 10 a.example.org\na.example.org CNAME b.example.net\nb.example.net A 5.5.5.1',
      style,
    );
    assert.deepEqual(found.hosts, [{ host: 'a.example.org', preference: 10, addresses: ['5.5.5.1'] }]);
  }
});

test('two mail hosts that are aliases of one name have it asked for once', () => {
  const text = `
    example.org MX 10 a.example.org
    example.org MX 20 b.example.org
    a.example.org CNAME c.example.net
    b.example.org CNAME c.example.net
    c.example.net A 5.5.5.1
  `;
  const questions = asked(text, 'one-link');
  assert.deepEqual(questions, [...new Set(questions)]);
});

test('address lookups without end are no proof that there is no address', () => {
  const answer = zone('example.org AAAA 2a00::1');
  const dns = [
    answer({ name: DOMAIN, type: 'MX' }),
    exchange(
      { name: DOMAIN, type: 'A' },
      { kind: 'no-data', records: [{ name: DOMAIN, ttl: 1, type: 'CNAME', target: DOMAIN }] },
    ),
    exchange({ name: DOMAIN, type: 'AAAA' }, { kind: 'no-data', records: [] }),
  ];
  assert.equal(planMailRoute(DOMAIN, dns).kind, 'unknown');
});

test('records of another name than was asked for are no answer, and no "no MX" either', () => {
  const foreign: DnsRecord = { name: 'evil.example', ttl: 1, type: 'MX', preference: 1, exchange: 'evil.example' };
  const dns = [exchange({ name: DOMAIN, type: 'MX' }, { kind: 'records', records: [foreign] })];
  assert.deepEqual(nextQuestions(DOMAIN, dns), []);
  assert.deepEqual(planMailRoute(DOMAIN, dns), { kind: 'unknown', canonicalName: DOMAIN, hosts: [] });
  assert.deepEqual(followLookup(DOMAIN, 'MX', dns), { kind: 'failed', why: 'malformed', name: DOMAIN, aliases: [] });
});

test('an address written as a name, and text that is no host name, are not asked for', () => {
  const strange = [
    '192.0.2.1',
    '[192.0.2.1]',
    '2001:db8::1',
    '*.example.org',
    'a b.example.org',
    'a\\.b.example.org',
    'caf\xe9.example',
    'https://example.org',
  ];
  const text = strange.map((name, index) => `example.org MX ${index} ${name}`).join('\n');
  assert.deepEqual(asked(text), ['example.org MX']);
  assert.deepEqual(route(text), { kind: 'mx', canonicalName: DOMAIN, hosts: [] });
});

test('an underscore is wrong in a mail host, but looked up', () => {
  assert.deepEqual(route('example.org MX 10 mail_1.example.org\nmail_1.example.org A 5.5.5.1').hosts[0]?.addresses, [
    '5.5.5.1',
  ]);
});

test('forty mail hosts are all looked up, of a hundred the best by preference', () => {
  const set = (count: number): string =>
    numbered(
      count,
      (index) => `example.org MX ${count - index} m${index}.example.org\nm${index}.example.org A 5.5.5.${index}`,
    );
  assert.equal(route(set(40)).hosts.length, 40);
  assert.equal(asked(set(40)).length, 1 + 2 * 40);
  const { hosts } = route(set(100));
  assert.equal(hosts.length, MAX_MAIL_HOSTS);
  assert.deepEqual([hosts[0]?.host, hosts.at(-1)?.host], ['m99.example.org', `m${100 - MAX_MAIL_HOSTS}.example.org`]);
  assert.equal(asked(set(100)).length, 1 + 2 * MAX_MAIL_HOSTS);
});

// Few names, so that chains, circles and answers to other questions come about.
const NAMES = [
  'example.org',
  'a.example.org',
  'b.example.org',
  'c',
  '',
  'mail_1.x',
  '192.0.2.1',
  'a\\.b',
  '\xff',
  '*.x',
];
const name = fc.oneof(
  fc.constantFrom(...NAMES),
  fc.stringMatching(/^[ -~]{0,30}$/),
  fc.integer({ min: 0, max: 9 }).map((digit) => `n${digit}.example`),
);
const ttl = fc.nat();
const record: fc.Arbitrary<DnsRecord> = fc.oneof(
  fc.record({ name, ttl, type: fc.constant('CNAME' as const), target: name }),
  fc.record({ name, ttl, type: fc.constant('MX' as const), preference: fc.nat({ max: 65_535 }), exchange: name }),
  fc.record({
    name,
    ttl,
    type: fc.constantFrom('A' as const, 'AAAA' as const),
    address: fc.constantFrom('5.5.5.1', '2a00::1', '::', 'x'),
  }),
);
const records = fc.array(record, { maxLength: 12 });
const outcome: fc.Arbitrary<DnsOutcome> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('records' as const, 'no-data' as const, 'no-such-name' as const),
      records,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'server-failure' as const,
        'refused' as const,
        'timeout' as const,
        'unreachable' as const,
        'malformed' as const,
      ),
    }),
  },
);

/** Makes answers more likely to be about the question: some of its records take its name. */
function towards({ name, type }: Question, given: DnsOutcome): DnsOutcome {
  if (!('records' in given)) return given;
  return {
    ...given,
    records: given.records.map((each, index) => (index % 2 === 0 || each.type === type ? { ...each, name } : each)),
  };
}

test('whatever is answered, the questions end, none comes twice, and the route is one', () => {
  fc.assert(
    fc.property(fc.array(outcome, { minLength: 1, maxLength: 30 }), (outcomes) => {
      const dns: DnsExchange[] = [];
      let round = 0;
      for (let questions = nextQuestions(DOMAIN, dns); questions.length > 0; questions = nextQuestions(DOMAIN, dns)) {
        assert.ok(++round <= 2 * (MAX_ALIASES + 1), 'the questions do not end');
        assert.ok(questions.length <= 2 * MAX_MAIL_HOSTS);
        for (const question of questions) {
          assert.ok(!dns.some((each) => each.question.name === question.name && each.question.type === question.type));
          planMailRoute(DOMAIN, dns);
          dns.push(exchange(question, towards(question, outcomes[dns.length % outcomes.length]!)));
        }
      }
      const { kind, hosts } = planMailRoute(DOMAIN, dns);
      assert.ok(hosts.length <= MAX_MAIL_HOSTS);
      assert.ok(kind === 'mx' || kind === 'implicit-mx' || hosts.length === 0);
    }),
    { numRuns: 1_000 },
  );
});

test('arbitrary exchanges, asked for or not, never throw', () => {
  const question = fc.record({
    name,
    type: fc.constantFrom('MX' as const, 'A' as const, 'AAAA' as const, 'CNAME' as const),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(question, outcome), { maxLength: 20 }), (pairs) => {
      const dns = pairs.map(([each, given]) => exchange(each, given));
      for (const { name: each, type } of pairs.map(([asked]) => asked)) followLookup(each, type, dns);
      nextQuestions(DOMAIN, dns);
      planMailRoute(DOMAIN, dns);
    }),
  );
});
