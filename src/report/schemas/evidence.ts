// The JSON Schema of evidence files (--save-evidence), as this version writes them. `replay` reads more: members that it
// does not know are let through, so that files of later versions of the same schemaVersion load.
import { EVIDENCE_VERSION } from '../../evidence/archive.js';
import {
  boolean,
  count,
  DIALECT,
  dnsType,
  enhancedStatusCode,
  list,
  mapOf,
  milliseconds,
  object,
  octets,
  oneOf,
  orNull,
  port,
  purpose,
  replyCode,
  route,
  string,
  time,
  tls,
  told,
  tool,
  union,
  words,
  type Schema,
} from './parts.js';

const reply = object({
  code: replyCode,
  enhanced: orNull(enhancedStatusCode),
  lines: list(octets),
  raw: octets,
  defects: list(words),
});
const afterMs = milliseconds;

const waits = {
  timeout: { afterMs, partial: octets },
  'out-of-turn': { afterMs, reply },
  'not-a-reply': { afterMs, why: words, raw: octets },
  closed: { afterMs, how: oneOf('fin', 'reset'), partial: octets },
  interrupted: { afterMs },
};
const { timeout, closed, interrupted } = waits;
const outcome = union('kind', { reply: { afterMs, reply }, ...waits });
const lingerOutcome = union('kind', {
  quiet: { afterMs },
  'out-of-turn': waits['out-of-turn'],
  'not-a-reply': waits['not-a-reply'],
  closed,
  interrupted,
});
const handshakeOutcome = union('kind', {
  secured: { afterMs, tls },
  'tls-failed': { afterMs, why: string },
  injected: { afterMs, raw: octets },
  timeout,
  closed,
  interrupted,
});

const unconnected = { afterMs, code: orNull(string) };
const connect = union('kind', {
  connected: { afterMs, localAddress: words },
  refused: unconnected,
  timeout: unconnected,
  reset: unconnected,
  unreachable: unconnected,
  'no-route': unconnected,
  interrupted: unconnected,
});

const besideOutcome = union('kind', {
  beside: {
    afterMs,
    connect,
    opening: orNull({ $ref: '#/$defs/outcome' }),
    hello: orNull({ $ref: '#/$defs/outcome' }),
  },
});

const ofScript = { script: told(count, 'which script of the plan it belongs to') };
const exchange = union(
  'act',
  {
    opening: { atMs: milliseconds, outcome: { $ref: '#/$defs/outcome' } },
    command: { command: words, group: count, atMs: milliseconds, outcome: { $ref: '#/$defs/outcome' } },
    linger: { forMs: milliseconds, atMs: milliseconds, outcome: lingerOutcome },
    handshake: { atMs: milliseconds, outcome: handshakeOutcome },
    beside: { session: oneOf('idle', 'over'), forMs: milliseconds, atMs: milliseconds, outcome: besideOutcome },
    leave: { atMs: milliseconds },
  },
  { command: ofScript, linger: ofScript, handshake: ofScript, beside: ofScript },
);

const script = object(
  {
    from: oneOf('opening', 'hello'),
    steps: list(
      union(
        'step',
        {
          say: { lines: list(words) },
          wait: { forMs: milliseconds },
          handshake: {},
          message: { message: oneOf('note', '64k', 'empty') },
          beside: { forMs: milliseconds },
        },
        {
          say: { after: { const: 'accepted' } },
        },
      ),
    ),
  },
  { offered: told(words, 'played only where EHLO offers it'), notOffered: told(words, 'only where it does not') },
);

const attempt = object({
  plan: object(
    {
      purpose,
      hello: oneOf('EHLO', 'HELO'),
      tls: oneOf('avoid', 'require'),
      pipelining: boolean,
      transactions: list(
        object(
          { from: told(string, 'without angle brackets; empty: the null reverse-path'), recipients: list(words) },
          { smtputf8: { const: true } },
        ),
      ),
      afterRefusal: oneOf('full', 'brief'),
      lingerMs: milliseconds,
    },
    { scripts: list(script) },
  ),
  startedAt: time,
  durationMs: milliseconds,
  ehlo: orNull(words),
  connect,
  exchanges: list({ $ref: '#/$defs/exchange' }),
});

const name = { name: octets, ttl: count };
const answered = {
  records: list(
    union('type', {
      MX: { ...name, preference: count, exchange: octets },
      A: { ...name, address: words },
      AAAA: { ...name, address: words },
      CNAME: { ...name, target: octets },
      SOA: { ...name, rname: octets },
    }),
  ),
};
const lookup = object({
  question: object({ name: octets, type: dnsType }),
  nameServer: words,
  transport: oneOf('udp', 'tcp'),
  afterMs,
  outcome: union('kind', {
    records: answered,
    'no-data': answered,
    'no-such-name': answered,
    'server-failure': {},
    refused: {},
    timeout: {},
    unreachable: {},
    malformed: {},
  }),
  passedOver: list(
    object({
      nameServer: words,
      why: oneOf('timeout', 'unreachable', 'refused', 'server-failure', 'malformed', 'mismatched'),
    }),
  ),
});

const domain = object({
  domain: orNull(words),
  unicode: orNull(words),
  notes: list(words),
  startedAt: time,
  durationMs: milliseconds,
  probe: object(
    {
      ehlo: orNull(words),
      reversePaths: list(string),
      port,
      profile: words,
      requirements: list(words),
      asked: list(words),
      deciding: list(words),
      allowPrivate: boolean,
      given: boolean,
      greetingTimeoutMs: milliseconds,
      commandTimeoutMs: milliseconds,
      lingerMs: milliseconds,
      controlLocalPart: orNull(words),
    },
    {
      servedDomains: told(list(words), 'with --host: all domains that were named'),
      everyViolationDecides: told(boolean, 'also one that --strict makes; absent: the deciding rows alone do'),
      violations: told(mapOf(oneOf('fail', 'warn', 'none')), 'levels that a profile file sets, by requirement'),
      mailingLists: told(list(words), 'that a profile file names'),
      retries: told(count, 'how often a transient negative was to be tried again'),
    },
  ),
  route,
  dns: list({ $ref: '#/$defs/lookup' }),
  endpoints: list(
    object({
      host: words,
      address: words,
      port,
      skipped: orNull(oneOf('address-not-allowed', 'family-not-asked', 'too-many', 'interrupted')),
      attempts: list({ $ref: '#/$defs/attempt' }),
    }),
  ),
  interrupted: boolean,
});

/** What --save-evidence writes. */
export const EVIDENCE_SCHEMA: Schema = {
  $schema: DIALECT,
  $id: `urn:postmaster-check:evidence:${EVIDENCE_VERSION}`,
  title: 'Evidence of postmaster-check: what was observed, for replay',
  ...object({
    schemaVersion: { const: EVIDENCE_VERSION },
    kind: { const: 'evidence' },
    tool,
    domains: list({ $ref: '#/$defs/domain' }),
  }),
  $defs: { domain, lookup, attempt, exchange, outcome },
};
