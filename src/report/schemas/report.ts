// The JSON Schema of the report (cli.md, "JSON"): the whole document, or one line of NDJSON.
import type { Cause, EvidenceStrength, Level, Tier, Verdict } from '../../requirements/requirement.js';
import { SCHEMA_VERSION } from '../json.js';
import { DOMAIN_VERDICTS, type CitedOutcome } from '../report.js';
import {
  count,
  DIALECT,
  dnsType,
  enhancedStatusCode,
  list,
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
  words,
  type Members,
  type Schema,
} from './parts.js';

/** The words of a union, all of them: a new one does not compile until it stands here. */
const wordsOf = <T extends string>(table: Readonly<Record<T, true>>): Schema => oneOf(...Object.keys(table));

const LEVELS = wordsOf<Level>({
  MUST: true,
  'MUST NOT': true,
  SHOULD: true,
  'SHOULD NOT': true,
  MAY: true,
  derived: true,
});
const TIERS = wordsOf<Tier>({
  core: true,
  session: true,
  extended: true,
  roles: true,
  'rfc-ignorant': true,
  intrusive: true,
  deliver: true,
});
const STRENGTHS = wordsOf<EvidenceStrength>({ strong: true, weak: true, unqualified: true });
// prettier-ignore
const CAUSES = wordsOf<Cause>({
  'no-mailbox': true, 'no-domain': true, 'relay-denied': true, syntax: true, 'mailbox-full': true, 'auth-required': true,
  'tls-required': true, 'closed-early': true, 'kept-open': true, 'wrong-code': true, malformed: true, sequence: true,
  flapping: true, 'no-usable-mx': true, 'null-mx-mixed': true, alias: true, 'bad-name': true, 'no-address': true,
  'special-address': true,
  unreachable: true, timeout: true, 'cut-off': true, 'transient-negative': true, 'client-refused': true,
  'sender-refused': true, 'needs-tls': true, dns: true, 'not-asked': true, 'out-of-turn': true, 'not-published': true,
  'address-not-allowed': true, 'no-route': true,
});

const reply = object({ code: replyCode, enhanced: orNull(enhancedStatusCode), lines: list(octets) });

const command = told(orNull(words), 'null: the opening reply');
const exchange: Schema = {
  oneOf: [
    object({ command, reply }),
    object({
      command,
      reply: { type: 'null' },
      outcome: told(
        wordsOf<CitedOutcome>({
          timeout: true,
          'out-of-turn': true,
          'not-a-reply': true,
          closed: true,
          interrupted: true,
          quiet: true,
          'not awaited': true,
          secured: true,
          'tls-failed': true,
          injected: true,
          beside: true,
        }),
        'what came in place of a reply',
      ),
    }),
  ],
};

const lookup = object({
  name: octets,
  type: dnsType,
  nameServer: words,
  outcome: oneOf(
    'records',
    'no-data',
    'no-such-name',
    'server-failure',
    'refused',
    'timeout',
    'unreachable',
    'malformed',
  ),
  records: list(octets),
});

/** A judgement with this verdict: all that is common to them, and what this one has. */
function judgementOf(verdict: Verdict, members: Members = {}, optional: Members = {}): Schema {
  const common = {
    requirement: { type: 'string', pattern: '^[a-z0-9]+(?:[.-][a-z0-9]+)*$' },
    level: LEVELS,
    source: told(words, 'the document: RFC 5321, for one'),
    section: words,
    tier: TIERS,
    verdict: { const: verdict },
    because: told(words, 'for people, not for parsing'),
    exchanges: told(list(exchange), 'the deciding one first'),
    waived: { type: 'null' },
  };
  const lookups = { ...list(lookup), minItems: 1 };
  return {
    ...object({ ...common, ...members }, { host: words, address: words, port, lookups, ...optional }),
    dependentRequired: { host: ['address', 'port'], address: ['host'], port: ['host'] },
  };
}

const waiver = object({
  reason: words,
  until: orNull(told({ type: 'string', pattern: '^\\d{4}-\\d\\d-\\d\\d$' }, 'the last day on which it holds')),
});
const adjusted = told(
  object({ from: oneOf('fail', 'warn', 'inconclusive'), by: oneOf('strict', 'profile') }),
  'the verdict without --strict, or without what the profile file says',
);
const waived = told(orNull(waiver), 'set: it does not count');
const expiredWaiver = told(waiver, 'it held once; the finding counts');
const baseline = told(oneOf('known', 'new'), 'with --baseline; known: it does not count');

/** A cause says why something was not a pass; the strength of evidence belongs to a pass. */
const JUDGEMENTS = {
  pass: judgementOf('pass', {}, { evidence: STRENGTHS }),
  fail: judgementOf('fail', { cause: CAUSES, waived }, { expiredWaiver, baseline, adjusted }),
  warn: judgementOf('warn', { cause: CAUSES, waived }, { expiredWaiver, adjusted }),
  inconclusive: judgementOf('inconclusive', { cause: CAUSES }),
  'not-applicable': judgementOf('not-applicable', {}, { adjusted }),
} as const satisfies Record<Verdict, Schema>;
const judgement: Schema = { oneOf: Object.values(JUDGEMENTS) };

const session = object({
  host: words,
  address: words,
  port,
  startedAt: time,
  purpose,
  outcome: oneOf('completed', 'unreachable', 'cut-off'),
  tls: orNull(tls),
  transcript: list(
    object({
      afterMs: milliseconds,
      from: told(oneOf('host', 'probe', 'note'), 'note: no line, but what happened'),
      line: string,
    }),
  ),
});

const domainMembers = {
  domain: told(orNull(words), 'A-labels; null where only mail hosts were named'),
  verdict: oneOf(...DOMAIN_VERDICTS),
  because: told(words, 'for people, not for parsing'),
  coverage: object({ endpoints: count, judged: count }),
  route,
  judgements: list({ $ref: '#/$defs/judgement' }),
  sessions: list({ $ref: '#/$defs/session' }),
};
const domainOptional = { unicode: words, notes: { ...list(words), minItems: 1 } };
const head = { schemaVersion: { const: SCHEMA_VERSION }, tool };

const document = object({
  ...head,
  startedAt: time,
  durationMs: milliseconds,
  probe: object({
    ehlo: told(orNull(words), 'null: the address literal of each connection'),
    reversePaths: { ...list({ type: 'string', pattern: '^<.*>$' }), minItems: 1 },
    port,
    profile: words,
  }),
  domains: list({ $ref: '#/$defs/domain' }),
  totals: object(Object.fromEntries(DOMAIN_VERDICTS.map((verdict) => [verdict, count]))),
  exitCode: { type: 'integer', enum: [0, 1, 2, 3, 4, 130] },
});

/** What `--format json` and each line of `--format ndjson` are. */
export const REPORT_SCHEMA: Schema = {
  $schema: DIALECT,
  $id: `urn:postmaster-check:report:${SCHEMA_VERSION}`,
  title: 'A report of postmaster-check: the document of --format json, or one line of --format ndjson',
  oneOf: [{ $ref: '#/$defs/document' }, { $ref: '#/$defs/line' }],
  $defs: {
    document,
    line: object({ ...head, ...domainMembers }, domainOptional),
    domain: object(domainMembers, domainOptional),
    judgement,
    session,
  },
};
