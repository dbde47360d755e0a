// The exit code of a run as a function of what was seen (cli.md, "Exit codes"): the cases that loopback cannot show, and
// the precedence over every combination.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DnsOutcome } from '../src/smtp/mail-route.js';
import type { ConnectOutcome } from '../src/smtp/outcome.js';
import { exitCode, RunTally, type ExitFacts, type FailOn } from '../src/report/exit-code.js';
import type { DomainReport, DomainVerdict } from '../src/report/report.js';
import { dnsEvidence, exchange, opened, unreached } from './support/dns-evidence.js';

const FACTS: ExitFacts = {
  failOn: 'inconclusive',
  requireMail: false,
  hasBadInput: false,
  isInterrupted: false,
  hasFault: false,
  isGiven: false,
};

type Connect = Exclude<ConnectOutcome['kind'], 'connected'> | 'greets';

/** What came of the connections of a domain, by address, and of its lookups. */
interface Seen {
  readonly verdict: DomainVerdict;
  readonly connects?: readonly (readonly [address: string, kind: Connect])[];
  readonly lookups?: readonly DnsOutcome['kind'][];
  readonly coverage?: DomainReport['coverage'];
}

function report({ verdict, connects = [], lookups = ['no-data'], coverage }: Seen): DomainReport {
  const outcome = (kind: DnsOutcome['kind']): DnsOutcome =>
    kind === 'records' || kind === 'no-data' || kind === 'no-such-name' ? { kind, records: [] } : { kind };
  const endpoints = connects.map(([address, kind]) =>
    kind === 'greets' ? opened('mx.a.example', address, '220 mx') : unreached('mx.a.example', address, kind),
  );
  const evidence = {
    ...dnsEvidence('a.example', 'a.example MX 10 mx.a.example', { endpoints }),
    dns: lookups.map((kind) => exchange({ name: 'a.example', type: 'MX' }, outcome(kind))),
  };
  const all = { endpoints: endpoints.length, judged: endpoints.length };
  return {
    domain: 'a.example',
    verdict,
    because: '',
    coverage: coverage ?? all,
    deciding: [],
    judgements: [],
    evidence,
  };
}

function codeOf(seen: readonly Seen[], facts: Partial<ExitFacts> = {}): number {
  const tally = new RunTally();
  for (const one of seen) tally.add(report(one));
  return exitCode(tally, { ...FACTS, ...facts });
}

const GREETS: Seen['connects'] = [['192.0.2.1', 'greets']];

test('the verdicts alone', () => {
  const alone: Readonly<Record<DomainVerdict, number>> = {
    conforms: 0,
    violates: 1,
    inconclusive: 3,
    exempt: 0,
    'not-applicable': 0,
  };
  for (const [verdict, code] of Object.entries(alone) as [DomainVerdict, number][]) {
    assert.equal(codeOf([{ verdict, connects: GREETS }]), code, verdict);
  }
  assert.equal(codeOf([]), 3, 'a run in which nothing was judged');
});

test('this machine cannot probe: no name server answered', () => {
  for (const kind of ['timeout', 'unreachable'] as const) {
    assert.equal(codeOf([{ verdict: 'inconclusive', lookups: [kind, kind] }]), 4, kind);
    assert.equal(
      codeOf([{ verdict: 'inconclusive', lookups: [kind, 'server-failure'] }]),
      3,
      `${kind}, then an answer`,
    );
  }
  for (const kind of ['server-failure', 'refused', 'malformed', 'no-such-name'] as const) {
    assert.equal(codeOf([{ verdict: 'inconclusive', lookups: [kind] }]), 3, kind);
  }
});

const NETWORKS: readonly (readonly [why: string, connects: readonly (readonly [string, Connect])[], code: number])[] = [
  ['no route at all', [['2001:db8::1', 'no-route']], 4],
  ['no route for one family', [['2001:db8::1', 'no-route'], ['192.0.2.1', 'refused']], 3],
  ['time-outs in two networks', [['192.0.2.1', 'timeout'], ['198.51.100.1', 'timeout']], 4],
  ['time-outs in two networks of IPv6', [['2001:db8:1::1', 'timeout'], ['2001:db8:2::1', 'timeout']], 4],
  ['time-outs in one network', [['192.0.2.1', 'timeout'], ['192.0.2.2', 'timeout']], 3],
  ['one time-out', [['192.0.2.1', 'timeout']], 3],
  ['no route, and a time-out', [['2001:db8::1', 'no-route'], ['192.0.2.1', 'timeout']], 3],
  ['time-outs, and a refusal', [['192.0.2.1', 'timeout'], ['198.51.100.1', 'refused']], 3],
  ['time-outs, and a reset', [['192.0.2.1', 'timeout'], ['198.51.100.1', 'reset']], 3],
]; // prettier-ignore

for (const [why, connects, code] of NETWORKS) {
  test(`${code}: ${why}`, () => {
    assert.equal(codeOf([{ verdict: 'inconclusive', connects }]), code);
    const apart = connects.map((one): Seen => ({ verdict: 'inconclusive', connects: [one] }));
    assert.equal(codeOf(apart), code, 'over several domains');
    assert.equal(codeOf([{ verdict: 'inconclusive', connects }], { isGiven: true }), 3, 'any failure under --host');
  });
}

test('time-outs everywhere but at one host that greets are no trouble of this machine', () => {
  const dead: Seen = {
    verdict: 'inconclusive',
    connects: [
      ['192.0.2.1', 'timeout'],
      ['198.51.100.1', 'timeout'],
    ],
  };
  assert.equal(codeOf([dead, { verdict: 'conforms', connects: [['203.0.113.1', 'greets']] }]), 3);
});

test('the precedence is 130, 2, 1, 4, 3, 0, over every combination', () => {
  const violates: Seen = { verdict: 'violates' };
  const open: Seen = { verdict: 'inconclusive', connects: GREETS };
  const conforms: Seen = { verdict: 'conforms' };
  const blind: Seen['lookups'] = ['timeout'];
  for (let bits = 0; bits < 32; bits++) {
    const has = (bit: number): boolean => (bits & (1 << bit)) !== 0;
    const seen = [conforms, ...(has(0) ? [open] : []), ...(has(2) ? [violates] : [])];
    const [isInterrupted, hasBadInput] = [has(4), has(3)];
    const code = codeOf(
      seen.map((one) => (has(1) ? { ...one, connects: [], lookups: blind } : one)),
      { isInterrupted, hasBadInput },
    );
    const expected = has(4) ? 130 : has(3) ? 2 : has(2) ? 1 : has(1) ? 4 : has(0) ? 3 : 0;
    assert.equal(code, expected, `combination ${bits}`);
  }
});

test('--fail-on: which of 1 and 3 remain; 2, 4 and 130 always do', () => {
  const half: Seen = { verdict: 'conforms', coverage: { endpoints: 2, judged: 1 } };
  const expected: Readonly<Record<FailOn, readonly number[]>> = {
    violation: [1, 0, 0, 2, 4, 130],
    inconclusive: [1, 3, 0, 2, 4, 130],
    incomplete: [1, 3, 3, 2, 4, 130],
    never: [0, 0, 0, 2, 4, 130],
  };
  for (const [failOn, codes] of Object.entries(expected) as [FailOn, readonly number[]][]) {
    const got: readonly number[] = [
      codeOf([{ verdict: 'violates' }], { failOn }),
      codeOf([{ verdict: 'inconclusive', connects: GREETS }], { failOn }),
      codeOf([half], { failOn }),
      codeOf([{ verdict: 'violates' }], { failOn, hasBadInput: true }),
      codeOf([{ verdict: 'inconclusive', lookups: ['timeout'] }], { failOn }),
      codeOf([{ verdict: 'violates' }], { failOn, isInterrupted: true }),
    ];
    assert.deepEqual(got, codes, failOn);
  }
});

test('--require-mail: exempt and not applicable count as violations, what could not be told does not', () => {
  const codes = (['conforms', 'violates', 'inconclusive', 'exempt', 'not-applicable'] as const).map((verdict) =>
    codeOf([{ verdict, connects: GREETS }], { requireMail: true }),
  );
  assert.deepEqual(codes, [0, 1, 3, 1, 1]);
  assert.equal(codeOf([{ verdict: 'exempt' }], { requireMail: true, failOn: 'never' }), 0);
});
