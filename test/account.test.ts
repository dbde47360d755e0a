// What findings count for, row by row: levels of a profile file and --strict on hand-made rows, and rows that sum up
// others, which count only as far as what they sum up does.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ProbeSettings } from '../src/evidence/evidence.js';
import { account, accountSum, type Accounted, type Accounting } from '../src/report/account.js';
import { Baseline } from '../src/report/baseline.js';
import type { Waiver } from '../src/report/waivers.js';
import {
  fail,
  notApplicable,
  pass,
  warn,
  type Cause,
  type Cite,
  type Finding,
  type Requirement,
  type RequirementText,
} from '../src/requirements/requirement.js';
import { evidence } from './support/evidence-builder.js';

const CITE: Cite = { kind: 'dns', index: 0 };
const TEXT: Omit<RequirementText, 'id' | 'level' | 'violation'> = {
  group: 'role',
  title: '',
  tier: 'roles',
  safety: 'safe',
  source: { document: 'RFC 2142', section: '4', quote: '' },
  demand: '',
  probe: '',
  readings: [],
  rationale: '',
  remedy: { general: '' },
  retry: [],
  needs: [],
};

/** A row that finds this. */
const plainRow = (id: string, finding: Finding, text: Pick<RequirementText, 'level' | 'violation'>): Requirement => ({
  ...TEXT,
  ...text,
  id,
  scope: 'domain',
  judge: () => finding,
});
const MUST = { level: 'MUST', violation: 'fail' } as const;
const SHOULD = { level: 'SHOULD', violation: 'warn' } as const;

/** A row that finds the worst of what the others found. */
const sumRow = (text: Pick<RequirementText, 'level' | 'violation'>): Extract<Requirement, { scope: 'aggregate' }> => ({
  ...TEXT,
  ...text,
  id: 'role.all',
  scope: 'aggregate',
  judge: (_, judged) => {
    const bad = judged.find(({ finding: { verdict } }) => verdict === 'fail' || verdict === 'warn');
    if (bad === undefined) return pass('all');
    return text.violation === 'fail' ? fail('no-mailbox', 'some', CITE) : warn('no-mailbox', 'some', CITE);
  },
});

const of = (probe: Partial<ProbeSettings> = {}) => evidence([], { probe });
const told = ({ finding, weight }: Accounted): readonly unknown[] => [finding.verdict, weight];

describe('a finding by itself', () => {
  const CASES: readonly (readonly [
    what: string,
    finding: Finding,
    text: Pick<RequirementText, 'level' | 'violation'>,
    how: { readonly strict?: true; readonly level?: 'fail' | 'warn' | 'none' },
    verdict: Finding['verdict'],
    adjusted: object | null,
  ])[] = [
    ['a failure lowered', fail('syntax', '', CITE), MUST, { level: 'warn' }, 'warn', { from: 'fail', by: 'profile' }],
    [
      'a failure off',
      fail('syntax', '', CITE),
      MUST,
      { level: 'none' },
      'not-applicable',
      { from: 'fail', by: 'profile' },
    ],
    [
      'a warning off',
      warn('syntax', '', CITE),
      SHOULD,
      { level: 'none' },
      'not-applicable',
      { from: 'warn', by: 'profile' },
    ],
    ['a warning raised', warn('syntax', '', CITE), SHOULD, { level: 'fail' }, 'fail', { from: 'warn', by: 'profile' }],
    [
      'a warning lowered stays at --strict',
      warn('syntax', '', CITE),
      SHOULD,
      { level: 'warn', strict: true },
      'warn',
      null,
    ],
    [
      'a SHOULD at --strict',
      warn('syntax', '', CITE),
      SHOULD,
      { strict: true },
      'fail',
      { from: 'warn', by: 'strict' },
    ],
    ['a warning of a MUST at --strict', warn('syntax', '', CITE), MUST, { strict: true }, 'warn', null],
    [
      'a wrong code at --strict',
      warn('wrong-code', '', CITE),
      MUST,
      { strict: true },
      'fail',
      { from: 'warn', by: 'strict' },
    ],
    [
      'what accuses nobody at --strict',
      warn('wrong-code', '', CITE),
      { level: 'MAY', violation: 'none' },
      { strict: true },
      'warn',
      null,
    ],
    ['a pass', pass(''), MUST, { level: 'none', strict: true }, 'pass', null],
    ['what does not apply', notApplicable(''), MUST, { level: 'fail', strict: true }, 'not-applicable', null],
  ];
  for (const [what, finding, text, { strict, level }, verdict, adjusted] of CASES) {
    test(`${what}: ${verdict}`, () => {
      const requirement = plainRow('role.one', finding, text);
      const probe = level === undefined ? {} : { violations: { 'role.one': level } };
      const accounted = account({ requirement, endpoint: null, finding }, of(probe), strict === true ? { strict } : {});
      assert.deepEqual(told(accounted), [verdict, { waived: null, ...(adjusted === null ? {} : { adjusted }) }]);
    });
  }

  const ABOUT_US: readonly Cause[] = [
    'client-refused',
    'sender-refused',
    'unreachable',
    'timeout',
    'transient-negative',
  ];
  for (const cause of ABOUT_US) {
    test(`a warning whose cause is ${cause} is raised by nothing`, () => {
      const finding = warn(cause, '', CITE);
      const requirement = plainRow('role.one', finding, SHOULD);
      for (const violations of [{}, { 'role.one': 'fail' }] as const) {
        const accounted = account({ requirement, endpoint: null, finding }, of({ violations }), { strict: true });
        assert.deepEqual(told(accounted), ['warn', { waived: null }]);
      }
    });
  }
});

describe('a row that sums up others', () => {
  const waiver = (...ids: readonly string[]): Waiver => ({
    requirement: 'x',
    ids: new Set(ids),
    domain: null,
    host: null,
    reason: `why ${ids.join()}`,
    until: null,
  });
  const known = (...ids: readonly string[]): Baseline =>
    new Baseline(ids.map((requirement) => ({ domain: 'example.org', host: null, requirement, cause: 'syntax' })));
  const BAD: readonly (readonly [id: string, finding: Finding])[] = [
    ['role.one', fail('syntax', '', CITE)],
    ['role.two', fail('syntax', '', CITE)],
    ['role.three', pass('')],
  ];
  /** The sum of rows with these findings. */
  const summed = (
    accounting: Accounting,
    probe: Partial<ProbeSettings> = {},
    text: Pick<RequirementText, 'level' | 'violation'> = MUST,
    rows = BAD,
  ): readonly unknown[] => {
    const all = of(probe);
    const plain = rows.map(([id, finding]) =>
      account({ requirement: plainRow(id, finding, text), endpoint: null, finding }, all, accounting),
    );
    return told(accountSum(sumRow(text), plain, all, accounting));
  };
  const byProfile = { waived: null, adjusted: { from: 'fail', by: 'profile' } };

  test('fails where nothing is put aside, or only some of what it sums up', () => {
    assert.deepEqual(summed({}), ['fail', { waived: null }]);
    assert.deepEqual(summed({ waivers: [waiver('role.one')] }), ['fail', { waived: null }]);
    assert.deepEqual(summed({ baseline: known('role.one') }), ['fail', { waived: null, baseline: 'new' }]);
    assert.deepEqual(summed({}, { violations: { 'role.one': 'none' } }), ['fail', { waived: null }]);
  });

  test('is put aside with all that it sums up, however that was', () => {
    const waived = (reason: string): object => ({ waived: { reason, until: null } });
    assert.deepEqual(summed({ waivers: [waiver('role.one', 'role.two')] }), ['fail', waived('why role.one,role.two')]);
    assert.deepEqual(summed({ baseline: known('role.one', 'role.two') }), [
      'fail',
      { waived: null, baseline: 'known' },
    ]);
    const both: Accounting = { waivers: [waiver('role.three'), waiver('role.two')], baseline: known('role.one') };
    assert.deepEqual(summed(both), ['fail', waived('why role.two')]);
    const violations = { 'role.one': 'none', 'role.two': 'warn' } as const;
    assert.deepEqual(summed({}, { violations }), ['warn', byProfile]);
    assert.deepEqual(summed({}, { violations: { 'role.one': 'none', 'role.two': 'none' } }), [
      'not-applicable',
      byProfile,
    ]);
    const mixed = summed({ waivers: [waiver('role.two')] }, { violations: { 'role.one': 'warn' } });
    assert.deepEqual(mixed, ['fail', waived('why role.two')]);
  });

  test('with --strict a warning of it follows those of the others', () => {
    const rows = BAD.map(
      ([id, finding]) => [id, finding.verdict === 'fail' ? warn('syntax', '', CITE) : finding] as const,
    );
    const adjusted = { from: 'warn', by: 'strict' };
    assert.deepEqual(summed({ strict: true }, {}, SHOULD, rows), ['fail', { waived: null, adjusted }]);
    const waivers = [waiver('role.one', 'role.two')];
    assert.deepEqual(summed({ strict: true, waivers }, {}, SHOULD, rows), [
      'fail',
      { waived: { reason: 'why role.one,role.two', until: null }, adjusted },
    ]);
  });
});
