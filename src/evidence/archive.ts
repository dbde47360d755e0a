// Evidence as a file: versioned, and validated when it is read, for it may come by mail from a stranger.
// Old files keep loading for ever: a new version adds a step to `decodeArchive`, it takes none away.
import { UsageError } from '../smtp/usage-error.js';
import type { DomainEvidence } from './evidence.js';
import {
  boolean,
  list,
  mapOf,
  nullable,
  number,
  object,
  oneOf,
  optional,
  parseJson,
  string,
  union,
  type Shape,
} from './shape.js';

/** The version that is written. */
export const EVIDENCE_VERSION = 1;

/** No connection of ours comes near it: rules look back from each step, so that more would cost a reader minutes. */
const MOST_STEPS = 10_000;

const strings = list(string);
const reply = object({ code: number, enhanced: nullable(string), lines: strings, raw: string, defects: strings });
const after = { afterMs: number };

const waits = {
  timeout: object({ ...after, partial: string }),
  'out-of-turn': object({ ...after, reply }),
  'not-a-reply': object({ ...after, why: string, raw: string }),
  closed: object({ ...after, how: oneOf('fin', 'reset'), partial: string }),
  interrupted: object(after),
};
const outcome = union('kind', { reply: object({ ...after, reply }), ...waits });
const tls = object({
  protocol: string,
  cipher: string,
  certificate: nullable(
    object({ subject: string, issuer: string, validTo: string, trusted: boolean, problem: nullable(string) }),
  ),
});
const handshake = union('kind', {
  secured: object({ ...after, tls }),
  'tls-failed': object({ ...after, why: string }),
  injected: object({ ...after, raw: string }),
  timeout: waits.timeout,
  closed: waits.closed,
  interrupted: waits.interrupted,
});
const { timeout: _, ...lingerWaits } = waits;
const unconnected = object({ ...after, code: nullable(string) });
const connect = union('kind', {
  connected: object({ ...after, localAddress: string }),
  refused: unconnected,
  timeout: unconnected,
  reset: unconnected,
  unreachable: unconnected,
  'no-route': unconnected,
  interrupted: unconnected,
});
const ofScript = { script: optional(number) };
const exchange = union('act', {
  opening: object({ atMs: number, outcome }),
  command: object({ command: string, group: number, atMs: number, outcome, ...ofScript }),
  linger: object({
    forMs: number,
    atMs: number,
    outcome: union('kind', { quiet: object(after), ...lingerWaits }),
    ...ofScript,
  }),
  handshake: object({ atMs: number, outcome: handshake, ...ofScript }),
  beside: object({
    session: oneOf('idle', 'over'),
    forMs: number,
    atMs: number,
    outcome: object({
      kind: oneOf('beside'),
      ...after,
      connect,
      opening: nullable(outcome),
      hello: nullable(outcome),
    }),
    ...ofScript,
  }),
  leave: object({ atMs: number }),
});
const script = object({
  from: oneOf('opening', 'hello'),
  offered: optional(string),
  notOffered: optional(string),
  steps: list(
    union('step', {
      say: object({ lines: strings, after: optional(oneOf('accepted')) }),
      wait: object({ forMs: number }),
      handshake: object({}),
      message: object({ message: oneOf('note', '64k', 'empty') }),
      beside: object({ forMs: number }),
    }),
  ),
});
const plan = object({
  purpose: oneOf('probe', 'second-opening', 'over-tls', 'other-sender', 'alone', 'helo', 'script', 'retry'),
  hello: oneOf('EHLO', 'HELO'),
  tls: oneOf('avoid', 'require'),
  pipelining: boolean,
  transactions: list(object({ from: string, recipients: strings, smtputf8: optional(boolean) })),
  scripts: optional(list(script, MOST_STEPS)),
  afterRefusal: oneOf('full', 'brief'),
  lingerMs: number,
});
const attempt = object({
  plan,
  startedAt: string,
  durationMs: number,
  ehlo: nullable(string),
  connect,
  exchanges: list(exchange, MOST_STEPS),
});
const endpoint = object({
  host: string,
  address: string,
  port: number,
  skipped: nullable(oneOf('address-not-allowed', 'family-not-asked', 'too-many', 'interrupted')),
  attempts: list(attempt),
});

const record = union('type', {
  MX: object({ name: string, ttl: number, preference: number, exchange: string }),
  A: object({ name: string, ttl: number, address: string }),
  AAAA: object({ name: string, ttl: number, address: string }),
  CNAME: object({ name: string, ttl: number, target: string }),
  SOA: object({ name: string, ttl: number, rname: string }),
});
const answered = object({ records: list(record) });
const lookup = object({
  question: object({ name: string, type: oneOf('MX', 'A', 'AAAA', 'CNAME', 'SOA') }),
  nameServer: string,
  transport: oneOf('udp', 'tcp'),
  afterMs: number,
  outcome: union('kind', {
    records: answered,
    'no-data': answered,
    'no-such-name': answered,
    'server-failure': object({}),
    refused: object({}),
    timeout: object({}),
    unreachable: object({}),
    malformed: object({}),
  }),
  passedOver: list(object({ nameServer: string, why: string })),
});
const domainEvidence: Shape = object({
  domain: nullable(string),
  unicode: nullable(string),
  notes: strings,
  startedAt: string,
  durationMs: number,
  probe: object({
    ehlo: nullable(string),
    reversePaths: strings,
    port: number,
    profile: string,
    requirements: strings,
    asked: strings,
    deciding: strings,
    everyViolationDecides: optional(boolean),
    violations: optional(mapOf(oneOf('fail', 'warn', 'none'))),
    mailingLists: optional(strings),
    retries: optional(number),
    allowPrivate: boolean,
    given: boolean,
    servedDomains: optional(strings),
    greetingTimeoutMs: number,
    commandTimeoutMs: number,
    lingerMs: number,
    controlLocalPart: nullable(string),
  }),
  route: object({
    kind: oneOf('mx', 'implicit-mx', 'null-mx', 'no-such-domain', 'no-mail-host', 'given', 'unknown'),
    canonicalName: string,
    hosts: list(object({ host: string, preference: number, addresses: strings })),
  }),
  dns: list(lookup),
  endpoints: list(endpoint),
  interrupted: boolean,
});

/** The text of an evidence file. */
export function encodeArchive(
  tool: { readonly name: string; readonly version: string },
  domains: readonly DomainEvidence[],
): string {
  return `${JSON.stringify({ schemaVersion: EVIDENCE_VERSION, kind: 'evidence', tool, domains }, null, 1)}\n`;
}

/** Reads an evidence file; a UsageError that names the first thing wrong with it. */
export function decodeArchive(text: string, name: string): readonly DomainEvidence[] {
  const document = parseJson(text, name);
  const head = object({ schemaVersion: number, kind: oneOf('evidence'), domains: list(() => null) })(document, '');
  if (head !== null) throw new UsageError(`${name} is no evidence file: ${head}`);
  const { schemaVersion, domains } = document as {
    readonly schemaVersion: number;
    readonly domains: readonly unknown[];
  };
  if (schemaVersion > EVIDENCE_VERSION) {
    throw new UsageError(
      `${name} was made by a newer version (schemaVersion ${schemaVersion}): update postmaster-check`,
    );
  }
  const problem = list(domainEvidence)(domains, 'domains');
  if (problem !== null) throw new UsageError(`${name} is no evidence file: ${problem}`);
  return domains as readonly DomainEvidence[];
}
