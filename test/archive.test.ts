// Evidence files: what is written can be read again, and what somebody else has written is checked member by member.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeArchive, encodeArchive, EVIDENCE_VERSION } from '../src/evidence/archive.js';
import type { DomainEvidence } from '../src/evidence/evidence.js';
import type { Attempt, EndpointEvidence } from '../src/evidence/transcript.js';
import { NULL_REVERSE_PATH, type EhloName, type ForwardPath } from '../src/smtp/address.js';
import type { Outcome } from '../src/smtp/outcome.js';
import { parseEnhancedStatusCode, type Reply } from '../src/smtp/reply.js';
import { UsageError } from '../src/smtp/usage-error.js';

const TOOL = { name: 'postmaster-check', version: '1.2.3' };
const AT = '2026-01-02T03:04:05.006Z';

const reply: Reply = {
  code: 250,
  enhanced: parseEnhancedStatusCode('2.1.5'),
  lines: ['2.1.5 \u0000\u001b[2J\u00ff ok'],
  raw: '250 2.1.5 \u0000\u001b[2J\u00ff ok\r\n',
  defects: ['bare-lf'],
};

const outcomes: readonly Outcome[] = [
  { kind: 'reply', reply, afterMs: 1 },
  { kind: 'timeout', afterMs: 2, partial: '25' },
  { kind: 'out-of-turn', reply, afterMs: 3 },
  { kind: 'not-a-reply', why: 'no-code', raw: 'SSH-2.0\r\n', afterMs: 4 },
  { kind: 'closed', how: 'fin', afterMs: 5, partial: '' },
  { kind: 'interrupted', afterMs: 6 },
];

const certificate = { subject: 'CN=mx', issuer: 'CN=ca', validTo: AT, trusted: false, problem: 'SELF_SIGNED' };
const attempt: Attempt = {
  plan: {
    purpose: 'over-tls',
    hello: 'EHLO',
    tls: 'require',
    pipelining: true,
    transactions: [{ from: NULL_REVERSE_PATH, recipients: ['Postmaster' as ForwardPath], smtputf8: true }],
    afterRefusal: 'full',
    lingerMs: 5_000,
  },
  startedAt: AT,
  durationMs: 12,
  ehlo: 'probe.example' as EhloName,
  connect: { kind: 'connected', afterMs: 1, localAddress: '192.0.2.9' },
  exchanges: [
    { act: 'opening', atMs: 0, outcome: { kind: 'reply', reply, afterMs: 1 } },
    ...outcomes.map((outcome, group) => ({ act: 'command', command: 'NOOP', group, atMs: 1, outcome }) as const),
    { act: 'linger', forMs: 5_000, atMs: 2, outcome: { kind: 'quiet', afterMs: 5_000 } },
    { act: 'linger', forMs: 5_000, atMs: 2, outcome: { kind: 'closed', how: 'reset', afterMs: 7, partial: '' } },
    {
      act: 'handshake',
      atMs: 3,
      outcome: { kind: 'secured', afterMs: 4, tls: { protocol: 'TLSv1.3', cipher: 'X', certificate } },
    },
    { act: 'handshake', atMs: 3, outcome: { kind: 'tls-failed', afterMs: 4, why: 'ERR_SSL' } },
    { act: 'handshake', atMs: 3, outcome: { kind: 'injected', afterMs: 4, raw: '250 hi\r\n' } },
    { act: 'leave', atMs: 9 },
  ],
};

const endpoint: EndpointEvidence = {
  host: 'mx.a.example',
  address: '192.0.2.1',
  port: 25,
  skipped: null,
  attempts: [
    attempt,
    { ...attempt, ehlo: null, connect: { kind: 'refused', afterMs: 1, code: 'ECONNREFUSED' }, exchanges: [] },
  ],
};

/** Every member of every kind of evidence at least once. */
const EVIDENCE: DomainEvidence = {
  domain: 'xn--mnchen-3ya.example',
  unicode: 'm\u00fcnchen.example',
  notes: ['a note'],
  startedAt: AT,
  durationMs: 34,
  probe: {
    ehlo: 'probe.example',
    reversePaths: ['', 'me@probe.example'],
    port: 25,
    profile: 'postmaster',
    requirements: ['postmaster.bare'],
    asked: ['postmaster.bare'],
    deciding: ['postmaster.bare'],
    allowPrivate: false,
    given: false,
    servedDomains: ['a.example'],
    greetingTimeoutMs: 60_000,
    commandTimeoutMs: 30_000,
    lingerMs: 5_000,
    controlLocalPart: 'x7q2m9c4k1v8',
  },
  route: {
    kind: 'mx',
    canonicalName: 'xn--mnchen-3ya.example',
    hosts: [{ host: 'mx.a.example', preference: 10, addresses: ['192.0.2.1'] }],
  },
  dns: [
    {
      question: { name: 'a.example', type: 'MX' },
      nameServer: '192.0.2.53:53',
      transport: 'udp',
      afterMs: 3,
      outcome: {
        kind: 'records',
        records: [
          { name: 'a.example', ttl: 60, type: 'MX', preference: 10, exchange: 'mx.a.example' },
          { name: 'mx.a.example', ttl: 60, type: 'A', address: '192.0.2.1' },
          { name: 'mx.a.example', ttl: 60, type: 'AAAA', address: '2001:db8::1' },
          { name: 'b.example', ttl: 60, type: 'CNAME', target: 'a.example' },
        ],
      },
      passedOver: [{ nameServer: '192.0.2.54:53', why: 'timeout' }],
    },
    {
      question: { name: 'a.example', type: 'AAAA' },
      nameServer: '192.0.2.53:53',
      transport: 'tcp',
      afterMs: 3,
      outcome: { kind: 'server-failure' },
      passedOver: [],
    },
  ],
  endpoints: [endpoint, { ...endpoint, skipped: 'address-not-allowed', attempts: [] }],
  interrupted: false,
};

const TEXT = encodeArchive(TOOL, [EVIDENCE]);

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Every place in a document: the steps to it, and the value that stands there. */
function* places(
  value: Json,
  steps: readonly (string | number)[] = [],
): Generator<[readonly (string | number)[], Json]> {
  yield [steps, value];
  if (Array.isArray(value)) {
    for (const [index, item] of (value as readonly Json[]).entries()) yield* places(item, [...steps, index]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) yield* places(member as Json, [...steps, name]);
  }
}

/** A copy of the document with something else in that place; `undefined` takes the member out. */
function changed(document: Json, [step, ...rest]: readonly (string | number)[], to: Json | undefined): Json {
  if (step === undefined) return to ?? null;
  if (Array.isArray(document)) {
    return (document as readonly Json[]).map((item, index) => (index === step ? changed(item, rest, to) : item));
  }
  const entries = Object.entries(document as Record<string, Json>).flatMap(([name, member]) => {
    if (name !== step) return [[name, member]];
    return rest.length === 0 && to === undefined ? [] : [[name, changed(member, rest, to)]];
  });
  return Object.fromEntries(entries) as Json;
}

const pathOf = (steps: readonly (string | number)[]): string =>
  steps.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('');

function refusal(document: Json): string | null {
  try {
    decodeArchive(JSON.stringify(document), 'the file');
    return null;
  } catch (error) {
    assert.ok(error instanceof UsageError, String(error));
    return error.message;
  }
}

const DOCUMENT = JSON.parse(TEXT) as Json;
// `tool` is for people: a file of another hand may say what it likes there. Members that may be null, or be absent.
const FREE = /^tool(?:\.|$)/;
const NULLABLE =
  /(?:\.domain|\.unicode|\.ehlo|\.controlLocalPart|\.skipped|\.enhanced|\.code|\.certificate|\.problem)$/;
const OPTIONAL = /\.(?:smtputf8|servedDomains)$/;

test('what is written is read again, and written the same', () => {
  const evidence = decodeArchive(TEXT, 'the file');
  assert.deepEqual(evidence, [EVIDENCE]);
  assert.equal(encodeArchive(TOOL, evidence), TEXT);
  assert.deepEqual(decodeArchive(encodeArchive(TOOL, []), 'the file'), []);
});

test('a value of another type is refused wherever it stands, by its path', () => {
  let count = 0;
  for (const [steps, value] of places(DOCUMENT)) {
    const path = pathOf(steps);
    if (path === '' || FREE.test(path)) continue;
    const others: readonly Json[] = [null, true, 'x7', 4.5, [], [['x']], { x: 1 }];
    for (const other of others.filter((one) => kindOf(one) !== kindOf(value))) {
      if (other === null && NULLABLE.test(path)) continue;
      const said = refusal(changed(DOCUMENT, steps, other));
      if (said === null) assert.equal(isFree(path, other), true, `${path}: ${JSON.stringify(other)} was let through`);
      else assert.ok(said.startsWith('the file is no evidence file: '), said);
      if (said !== null && !isHead(path)) assert.ok(said.includes(path), `${path} is not named: ${said}`);
      count += 1;
    }
  }
  assert.ok(count > 1_000, `${count} changes`);
});

const kindOf = (value: Json): string => (value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value);
const isHead = (path: string): boolean => !path.includes('[');
/** A value that may be null holds something of its own type here; where it stands null, that type is let through. */
const isFree = (path: string, other: Json): boolean =>
  NULLABLE.test(path) && (typeof other === 'string' || other === null);

test('a member that is missing is refused, by its path', () => {
  for (const [steps] of places(DOCUMENT)) {
    const path = pathOf(steps);
    if (path === '' || FREE.test(path) || OPTIONAL.test(path) || typeof steps.at(-1) === 'number') continue;
    const said = refusal(changed(DOCUMENT, steps, undefined));
    assert.ok(said?.includes(path), `${path}: ${said}`);
  }
});

test('a word that is none of ours is refused', () => {
  const WORDS = /\.(?:kind|act|how|purpose|hello|tls|afterRefusal|transport|type|skipped)$/;
  let count = 0;
  for (const [steps, value] of places(DOCUMENT)) {
    const path = pathOf(steps);
    if (!WORDS.test(path) || typeof value !== 'string') continue;
    for (const word of ['', value.toUpperCase() === value ? value.toLowerCase() : value.toUpperCase(), 'constructor']) {
      assert.ok(refusal(changed(DOCUMENT, steps, word))?.includes(path), `${path}: ${word}`);
      count += 1;
    }
  }
  assert.ok(count > 60, `${count} words`);
});

test('a member that this version does not know is let through', () => {
  const more = { ...(DOCUMENT as Record<string, Json>), more: { of: 'it' } };
  assert.equal(refusal(more), null);
  const domain = { ...(EVIDENCE as unknown as Record<string, Json>), later: [1] };
  assert.equal(refusal({ ...(DOCUMENT as Record<string, Json>), domains: [domain] }), null);
});

test('a file of a newer version is refused, and said so', () => {
  const newer = changed(DOCUMENT, ['schemaVersion'], EVIDENCE_VERSION + 1);
  assert.equal(
    refusal(newer),
    `the file was made by a newer version (schemaVersion ${EVIDENCE_VERSION + 1}): update postmaster-check`,
  );
});

test('a connection of more steps than any has is refused before a rule looks at it', () => {
  const [first] = EVIDENCE.endpoints[0]?.attempts[0]?.exchanges ?? [];
  const path = ['domains', 0, 'endpoints', 0, 'attempts', 0, 'exchanges'];
  const many = Array<Json>(10_001).fill(first as unknown as Json);
  assert.match(refusal(changed(DOCUMENT, path, many)) ?? '', /exchanges is not a list of at most 10000$/);
});

test('what is no JSON, or JSON of something else, is refused in a sentence', () => {
  for (const text of ['', '{', 'null', '[]', '"evidence"', '{}', '{"schemaVersion":1}', `${TEXT}}`]) {
    assert.throws(
      () => decodeArchive(text, 'the file'),
      (error: Error) =>
        error instanceof UsageError && /^the file is no (?:JSON|evidence file: [^\n]+)$/.test(error.message),
      text,
    );
  }
});

test('names of the prototype are members like any other: harmless, and never taken for what is missing', () => {
  const poisoned = TEXT.replace('"interrupted": false', '"interrupted": false, "__proto__": {"polluted": true}');
  assert.notEqual(poisoned, TEXT);
  const [evidence] = decodeArchive(poisoned, 'the file');
  assert.equal(evidence?.domain, EVIDENCE.domain);
  assert.equal('polluted' in {}, false);
  // Inherited members do not count: a document whose only `domains` lie in its prototype has none.
  const inherited = `{"schemaVersion": 1, "kind": "evidence", "__proto__": {"domains": []}}`;
  assert.throws(() => decodeArchive(inherited, 'the file'), /domains is not a list/);
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    const said = refusal(changed(DOCUMENT, ['domains', 0, 'dns', 1, 'outcome', 'kind'], name));
    assert.ok(said?.includes('domains[0].dns[1].outcome.kind is not one of'), `${name}: ${said}`);
  }
});
