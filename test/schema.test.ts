// The JSON Schemas describe what the program writes: reports and evidence of many kinds are valid, and what departs
// from the contract in a word is not.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { encodeArchive } from '../src/evidence/archive.js';
import { readScenario } from '../src/lab/scenario-files.js';
import { SCHEMA_VERSION, toJsonDomain, toJsonProbe, type JsonReport } from '../src/report/json.js';
import type { Accounting } from '../src/report/account.js';
import { Baseline } from '../src/report/baseline.js';
import type { DomainReport } from '../src/report/report.js';
import { reportDomain, runFacts } from '../src/report/roll-up.js';
import { EVIDENCE_SCHEMA } from '../src/report/schemas/evidence.js';
import { REPORT_SCHEMA } from '../src/report/schemas/report.js';
import { parseWaivers } from '../src/report/waivers.js';
import { cliInThread } from './support/cli-in-thread.js';
import { cli } from './support/cli-run.js';
import { openWorld } from './support/cli-world.js';
import { play } from './support/scenario-run.js';

const folder = mkdtempSync(join(tmpdir(), 'postmaster-check-'));
after(() => rmSync(folder, { recursive: true }));

const ajv = new Ajv2020({
  strict: true,
  strictRequired: false,
  allErrors: true,
  verbose: true,
  code: { optimize: false },
});
const isReport = ajv.compile(REPORT_SCHEMA);
const isEvidence = ajv.compile(EVIDENCE_SCHEMA);

function expectValid(validate: ValidateFunction, value: unknown): void {
  if (validate(value)) return;
  // Of a choice, what is wrong with the branch that came nearest stands deepest.
  const errors = (validate.errors ?? []).toSorted((one, other) => other.instancePath.length - one.instancePath.length);
  const told = errors
    .slice(0, 5)
    .map(({ instancePath, message, data }) => `${instancePath} ${message}: ${JSON.stringify(data)}`);
  assert.fail(told.join('\n'));
}

const TOOL = { name: 'postmaster-check', version: '1.2.3' };

function documentOf(report: DomainReport, detail: 'brief' | 'verbose'): JsonReport {
  return {
    schemaVersion: SCHEMA_VERSION,
    tool: TOOL,
    startedAt: report.evidence.startedAt,
    durationMs: report.evidence.durationMs,
    probe: toJsonProbe(report.evidence),
    domains: [toJsonDomain(report, detail)],
    totals: { conforms: 0, violates: 0, inconclusive: 0, exempt: 0, 'not-applicable': 0, [report.verdict]: 1 },
    exitCode: 0,
  };
}

/** Every kind of route, opening, outcome, cause and follow-up. */
const SCENARIOS = `
  conforming-without-pipelining conforming-inside-tls accepts-everything greylists rejects-bare-postmaster
  rejects-bare-postmaster-of-a-real-sender refuses-the-null-sender refuses-all-sessions-and-waits
  refuses-all-sessions-and-hangs-up says-521-and-closes opens-with-421 blocks-us-by-a-list
  demands-tls-and-authentication has-no-tls-now says-garbage-in-the-handshake says-plaintext-behind-starttls
  resets-at-mail is-silent-at-rcpt is-an-ssh-server replies-twice writes-an-endless-line says-nul-and-esc
  mixes-codes-in-one-reply greets-with-octets-above-127 publishes-a-null-mx publishes-a-null-mx-beside-another
  has-a-failing-name-server does-not-exist has-neither-mx-nor-address is-its-own-mail-host
  has-an-alias-for-a-mail-host is-all-dead has-an-internationalized-name has-two-addresses-that-disagree
  has-a-dead-backup names-a-mail-host-twice serves-one-at-a-time belongs-on-three-lists
`
  .trim()
  .split(/\s+/);

describe('what scenarios give is valid, brief, verbose, as a line and as evidence', { concurrency: 8 }, () => {
  for (const name of SCENARIOS) {
    test(name, async () => {
      const { report } = await play(await readScenario(name), 'whole');
      for (const detail of ['brief', 'verbose'] as const) {
        const document = documentOf(report, detail);
        expectValid(isReport, document);
        expectValid(isReport, { schemaVersion: SCHEMA_VERSION, tool: TOOL, ...document.domains[0] });
      }
      expectValid(isEvidence, JSON.parse(encodeArchive(TOOL, [report.evidence])));
    });
  }
});

test('what does not count, or counts because of --strict or a profile, is valid', async () => {
  const { report } = await play(await readScenario('rejects-bare-postmaster'), 'whole');
  const { evidence } = report;
  const failed = report.judgements.find(({ requirement }) => requirement === 'postmaster.bare');
  const { host = '', cause = '' } = failed ?? {};
  assert.deepEqual([failed?.verdict, cause], ['fail', 'syntax']);
  const waiver = { requirement: 'postmaster.bare', reason: 'why' };
  const violations = { 'postmaster.bare': 'warn' } as const;
  const accountings: readonly Accounting[] = [
    { strict: true },
    { baseline: new Baseline() },
    { baseline: new Baseline([{ domain: evidence.domain, host, requirement: 'postmaster.bare', cause }]) },
    { waivers: parseWaivers(JSON.stringify([waiver]), ''), today: '2026-01-02' },
    { waivers: parseWaivers(JSON.stringify([{ ...waiver, until: '2026-01-02' }]), ''), today: '2026-01-02' },
    { waivers: parseWaivers(JSON.stringify([{ ...waiver, until: '2026-01-01' }]), ''), today: '2026-01-02' },
  ];
  for (const accounting of accountings) {
    const facts = runFacts([evidence]);
    expectValid(isReport, documentOf(reportDomain(evidence, facts, accounting), 'verbose'));
    const mild = { ...evidence, probe: { ...evidence.probe, violations, retries: 1, mailingLists: ['users'] } };
    expectValid(isReport, documentOf(reportDomain(mild, facts, accounting), 'verbose'));
    expectValid(isEvidence, JSON.parse(encodeArchive(TOOL, [mild])));
  }
});

test('what the binary writes is valid', async () => {
  const world = await openWorld();
  const path = (name: string): string => join(folder, name);
  const args = [
    ...world.args,
    '--format',
    'ndjson',
    '-o',
    `json=${path('all.json')}`,
    '--save-evidence',
    path('evidence.json'),
  ];
  const domains = ['me@good.example', 'MÜNCHEN.example', 'escapes.example', 'half.example', 'web.example', 'not..good'];
  const host = ['--ehlo', 'probe.example', '--host', `127.0.0.1:${world.port}`, '--save-evidence', path('host.json')];
  const [many, none, given] = await Promise.all([
    cli([...args, '-v', ...domains]),
    cli([...world.args, '--json', '-'], { input: '' }),
    cli([...host, '--json']),
  ]).finally(() => world.close());
  for (const line of many.stdout.trimEnd().split('\n')) expectValid(isReport, JSON.parse(line));
  for (const text of [readFileSync(path('all.json'), 'utf8'), none.stdout, given.stdout]) {
    expectValid(isReport, JSON.parse(text));
  }
  for (const name of ['evidence.json', 'host.json'])
    expectValid(isEvidence, JSON.parse(readFileSync(path(name), 'utf8')));
});

test('schema prints them', async () => {
  const [usual, report, evidence] = await Promise.all([
    cliInThread(['schema']),
    cliInThread(['schema', 'report']),
    cliInThread(['schema', 'evidence']),
  ]);
  assert.deepEqual(JSON.parse(usual.stdout), REPORT_SCHEMA);
  assert.equal(report.stdout, usual.stdout);
  assert.deepEqual(JSON.parse(evidence.stdout), EVIDENCE_SCHEMA);
  for (const { code, stderr } of [usual, report, evidence]) assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
});

test('the schema refuses a report that departs from the contract', async () => {
  const { report } = await play(await readScenario('rejects-bare-postmaster'), 'whole');
  const good = documentOf(report, 'brief');
  expectValid(isReport, good);
  const [domain] = good.domains;
  assert.ok(domain !== undefined);
  const row = (verdict: string): number => domain.judgements.findIndex((judgement) => judgement.verdict === verdict);
  const [failing, passing] = [row('fail'), row('pass')];
  /** Sets members by their paths; `undefined` takes one away. */
  const WRONG: readonly (readonly [path: string, value: unknown])[] = [
    ['schemaVersion', 2],
    ['tool', { name: 'postmaster-check' }],
    ['startedAt', 'yesterday'],
    ['exitCode', 6],
    ['exitCode', undefined],
    ['more', 1],
    ['totals.conforms', -1],
    ['totals.maybe', 0],
    ['probe.port', 0],
    ['probe.reversePaths', ['']],
    ['domains.0.verdict', 'pass'],
    ['domains.0.verdict', 'Conforms'],
    ['domains.0.coverage.judged', '1'],
    ['domains.0.route.kind', 'a-record'],
    ['domains.0.more', null],
    [`domains.0.judgements.${failing}.verdict`, 'violates'],
    [`domains.0.judgements.${failing}.verdict`, 'pass'],
    [`domains.0.judgements.${failing}.cause`, 'because'],
    [`domains.0.judgements.${failing}.cause`, undefined],
    [`domains.0.judgements.${failing}.level`, 'must'],
    [`domains.0.judgements.${failing}.address`, undefined],
    [`domains.0.judgements.${failing}.evidence`, 'weak'],
    [`domains.0.judgements.${failing}.exchanges.0.reply.code`, '550'],
    [`domains.0.judgements.${failing}.exchanges.0.reply`, null],
    [`domains.0.judgements.${passing}.evidence`, 'certain'],
    [`domains.0.judgements.${passing}.waived`, true],
    ['domains.0.sessions.0.outcome', 'done'],
    ['domains.0.sessions.0.transcript.0.from', 'server'],
    ['domains.0.sessions.0.transcript.0.afterMs', 1.5],
  ];
  for (const [path, value] of WRONG) {
    assert.equal(isReport(withMember(good, path.split('.'), value)), false, `${path}: ${JSON.stringify(value)}`);
  }

  const evidence: unknown = JSON.parse(encodeArchive(TOOL, [report.evidence]));
  for (const [path, value] of [
    ['kind', 'report'],
    ['domains.0.route.kind', 'a-record'],
    ['domains.0.endpoints.0.attempts.0.plan.hello', 'LHLO'],
    ['domains.0.endpoints.0.attempts.0.exchanges.0.outcome.kind', 'answer'],
    ['domains.0.dns.0.outcome.records.0.type', 'TXT'],
  ] as const) {
    assert.equal(isEvidence(withMember(evidence, path.split('.'), value)), false, path);
  }
});

function withMember(document: unknown, [name = '', ...rest]: readonly string[], value: unknown): unknown {
  const copy = structuredClone(document) as Record<string, unknown>;
  if (rest.length > 0) copy[name] = withMember(copy[name], rest, value);
  else if (value === undefined) delete copy[name];
  else copy[name] = value;
  return copy;
}
