// Which rows a run judges, asks for and is decided by: profiles, profile files, --only and --skip, and the rows that stay
// locked until the user says so.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CATALOGUE } from '../src/requirements/index.js';
import { encodeProfile, parseProfile } from '../src/requirements/profile-file.js';
import { PROFILES, type CustomProfile, type ProfileName } from '../src/requirements/profiles.js';
import { pass, type Requirement, type RequirementText } from '../src/requirements/requirement.js';
import { selectRequirements, type Selection, type SelectionOptions } from '../src/requirements/selection.js';
import { UsageError } from '../src/smtp/usage-error.js';

function row(id: string, text: Partial<RequirementText> = {}): Requirement {
  return {
    id,
    group: 'command',
    title: id,
    level: 'MUST',
    violation: 'fail',
    tier: 'core',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '4.2.4', quote: '' },
    demand: '',
    probe: '',
    readings: [],
    rationale: '',
    remedy: { general: '' },
    retry: [],
    needs: [],
    ...text,
    scope: 'domain',
    judge: () => pass(''),
  };
}

const INTRUSIVE = { tier: 'intrusive', safety: 'intrusive' } as const;
const ROWS: readonly Requirement[] = [
  row('command.core'),
  row('command.core-should', { level: 'SHOULD', violation: 'warn' }),
  row('greeting.session', { group: 'greeting', tier: 'session' }),
  row('greeting.extended', { group: 'greeting', tier: 'extended', violation: 'warn', level: 'SHOULD' }),
  row('role.abuse', { group: 'role', tier: 'roles', violation: 'warn' }),
  row('role.sales', { group: 'role', tier: 'roles', violation: 'none', onDemand: 'named' }),
  row('ri.dsn', { group: 'rfc-ignorant', tier: 'rfc-ignorant' }),
  row('timeouts.long', { group: 'timeouts', tier: 'extended', onDemand: 'rfc-timeouts' }),
  row('command.unknown', INTRUSIVE),
  row('vrfy.storm', { ...INTRUSIVE, group: 'vrfy', level: 'SHOULD', violation: 'warn' }),
  row('vrfy.slow', { ...INTRUSIVE, group: 'vrfy', onDemand: 'named' }),
  row('deliver.accepted', { group: 'deliver', tier: 'deliver', safety: 'deliver' }),
];
const CORE = ['command.core', 'command.core-should'];
const SEEN = [...CORE, 'greeting.session', 'greeting.extended'];

const ids = (rows: readonly Requirement[]): readonly string[] => rows.map(({ id }) => id);
const select = (options: SelectionOptions = {}): Selection => selectRequirements(options, ROWS);
const judged = (options: SelectionOptions): readonly string[] => ids(select(options).judged);
const custom = (profile: Partial<CustomProfile>): CustomProfile => ({
  name: 'mine',
  extends: null,
  requirements: {},
  intrusive: false,
  mailingLists: [],
  ...profile,
});

function expectUsage(options: SelectionOptions, sentence: RegExp): void {
  assert.throws(
    () => select(options),
    (error) => error instanceof UsageError && sentence.test(error.message),
    `${JSON.stringify(options)} is no usage error like ${sentence}`,
  );
}

describe('built-in profiles', () => {
  const OF: Readonly<Record<ProfileName, readonly string[]>> = {
    postmaster: SEEN,
    rfc5321: SEEN,
    'role-mailboxes': ['role.abuse'],
    'rfc-ignorant': ['ri.dsn'],
    all: [...SEEN, 'role.abuse', 'ri.dsn'],
  };
  for (const profile of PROFILES) {
    test(`${profile} judges its tiers, and nothing that is locked or waits to be named`, () => {
      assert.deepEqual(judged({ profile }), OF[profile]);
    });
  }

  test('postmaster asks for the core, which decides alone', () => {
    const { profile, asked, deciding, everyViolationDecides } = select();
    assert.deepEqual(
      { profile, asked: ids(asked), deciding: ids(deciding), everyViolationDecides },
      { profile: 'postmaster', asked: CORE, deciding: CORE, everyViolationDecides: false },
    );
  });

  test('any other asks for all that it judges, and every row that can be violated decides', () => {
    const { asked, deciding, everyViolationDecides } = select({ profile: 'all' });
    assert.deepEqual(ids(asked), OF.all);
    assert.deepEqual(ids(deciding), ['command.core', 'greeting.session', 'ri.dsn']);
    assert.equal(everyViolationDecides, true);
  });

  test('where no row can be violated, all decide', () => {
    assert.deepEqual(ids(select({ profile: 'role-mailboxes' }).deciding), ['role.abuse']);
  });

  test('of the real catalogue the default is what it was', () => {
    const { asked, deciding } = selectRequirements();
    const core = CATALOGUE.filter(({ tier }) => tier === 'core');
    assert.deepEqual(deciding, core);
    assert.deepEqual(
      asked,
      CATALOGUE.filter((one) => core.includes(one) || one.id === 'postmaster.null-sender'),
    );
  });
});

describe('what is locked', () => {
  test('--intrusive adds its rows to any profile: asked and judged, but with postmaster the core decides', () => {
    const { asked, deciding } = select({ intrusive: true });
    assert.deepEqual(judged({ intrusive: true }), [...SEEN, 'command.unknown', 'vrfy.storm']);
    assert.deepEqual(ids(asked), [...CORE, 'command.unknown', 'vrfy.storm']);
    assert.deepEqual(ids(deciding), CORE);
    const roles = select({ profile: 'role-mailboxes', intrusive: true });
    assert.deepEqual(ids(roles.judged), ['role.abuse', 'command.unknown', 'vrfy.storm']);
    assert.deepEqual(ids(roles.deciding), ['command.unknown']);
  });

  test('--deliver adds its rows to any profile', () => {
    assert.deepEqual(judged({ deliver: true }), [...SEEN, 'deliver.accepted']);
    assert.deepEqual(judged({ profile: 'rfc-ignorant', deliver: true }), ['ri.dsn', 'deliver.accepted']);
  });

  test('--rfc-timeouts adds the rows that take minutes to the profiles that have them', () => {
    assert.deepEqual(judged({ profile: 'rfc5321', rfcTimeouts: true }), [...SEEN, 'timeouts.long']);
    assert.deepEqual(judged({ profile: 'role-mailboxes', rfcTimeouts: true }), ['role.abuse']);
  });

  test('--only with the id of a locked row says what unlocks it', () => {
    expectUsage({ only: ['command.unknown'] }, /^command\.unknown is intrusive: add --intrusive$/);
    expectUsage({ only: ['deliver.accepted'] }, /^deliver\.accepted sends a message: add --deliver$/);
    expectUsage({ only: ['vrfy.slow'], deliver: true }, /^vrfy\.slow is intrusive: add --intrusive$/);
    assert.deepEqual(judged({ only: ['command.unknown'], intrusive: true }), ['command.unknown']);
  });

  test('--only with a group takes what is free of it, and a group without is a usage error', () => {
    assert.deepEqual(judged({ only: ['command'] }), CORE);
    assert.deepEqual(judged({ only: ['vrfy'], intrusive: true }), ['vrfy.storm']);
    assert.deepEqual(judged({ only: ['4.2.4'], profile: 'rfc-ignorant' }), [...SEEN, 'role.abuse', 'ri.dsn']);
    expectUsage({ only: ['vrfy'] }, /^all of vrfy is intrusive: add --intrusive$/);
    expectUsage({ only: ['timeouts'] }, /^all of timeouts is asked for only by name: say --only timeouts\.long$/);
  });

  test('a row that waits to be named is asked for where its very id is given', () => {
    assert.deepEqual(judged({ only: ['role.sales'] }), ['role.sales']);
    assert.deepEqual(judged({ only: ['role', 'TIMEOUTS.LONG'] }), ['role.abuse', 'timeouts.long']);
    assert.deepEqual(judged({ only: ['vrfy.slow'], intrusive: true }), ['vrfy.slow']);
    expectUsage({ only: ['vrfy.slow'] }, /--intrusive$/);
  });
});

describe('a profile file', () => {
  test('without extends it holds what it lists, and what can be violated of it decides', () => {
    const profile = custom({ requirements: { greeting: true, 'role.sales': true, 'ri.dsn': 'warn' } });
    const { judged: rows, asked, deciding, violations, profile: name } = select({ profile });
    assert.deepEqual(ids(rows), ['greeting.session', 'greeting.extended', 'role.sales', 'ri.dsn']);
    assert.deepEqual(asked, rows);
    assert.deepEqual(ids(deciding), ['greeting.session']);
    assert.deepEqual({ name, violations }, { name: 'mine', violations: { 'ri.dsn': 'warn' } });
  });

  test('an id wins over its group, and the later of two groups over the earlier', () => {
    const requirements = { 'greeting.session': 'warn', greeting: 'off', command: 'warn', '4.2.4': true } as const;
    const { violations, judged: rows } = select({ profile: custom({ requirements }) });
    assert.deepEqual(violations, { 'greeting.session': 'warn' });
    assert.deepEqual(ids(rows), [...SEEN, 'role.abuse', 'ri.dsn']);
    const off = custom({ requirements: { '4.2.4': true, greeting: 'off', 'greeting.session': true } });
    assert.deepEqual(ids(select({ profile: off }).judged), [...CORE, 'greeting.session', 'role.abuse', 'ri.dsn']);
  });

  test('one that extends postmaster keeps its core; what it adds is asked for, and decides where it can be violated', () => {
    const profile = custom({
      extends: 'postmaster',
      requirements: {
        'greeting.session': true,
        'greeting.extended': true,
        'command.core': 'warn',
        'role.abuse': 'fail',
      },
    });
    const { asked, deciding } = select({ profile });
    assert.deepEqual(ids(asked), [...SEEN, 'role.abuse']);
    assert.deepEqual(ids(deciding), ['command.core-should', 'greeting.session', 'role.abuse']);
  });

  test('intrusive rows need its "intrusive", or the option', () => {
    const listed = { requirements: { 'command.unknown': true } } as const;
    expectUsage({ profile: custom(listed) }, /^profile mine: command\.unknown is intrusive: add --intrusive$/);
    for (const options of [
      { profile: custom({ ...listed, intrusive: true }) },
      { profile: custom(listed), intrusive: true },
    ]) {
      assert.deepEqual(judged(options), ['command.unknown']);
    }
    const wide = custom({ extends: 'rfc-ignorant', intrusive: true });
    assert.deepEqual(judged({ profile: wide }), ['ri.dsn', 'command.unknown', 'vrfy.storm']);
    const quiet = custom({ extends: 'all', requirements: { 'command.unknown': 'off', vrfy: 'off' } });
    assert.deepEqual(judged({ profile: quiet, intrusive: true }), judged({ profile: 'all' }));
  });

  test('--only chooses past it, at its levels', () => {
    const profile = custom({ extends: 'postmaster', requirements: { 'command.core': 'warn', 'ri.dsn': 'off' } });
    const { judged: rows, deciding, violations } = select({ profile, only: ['command.core', 'ri.dsn'] });
    assert.deepEqual(ids(rows), ['command.core', 'ri.dsn']);
    assert.deepEqual(ids(deciding), ['ri.dsn']);
    assert.deepEqual(violations, { 'command.core': 'warn' });
  });

  test('names that match nothing, and nothing at all, are usage errors', () => {
    expectUsage({ profile: custom({ requirements: { nope: 'fail' } }) }, /^profile mine: no requirement .* "nope"$/);
    expectUsage({ profile: custom({ requirements: { nope: 'off' } }) }, /^profile mine: no requirement .* "nope"$/);
    expectUsage({ profile: custom({}) }, /^the profile mine has no requirement to judge$/);
    expectUsage({ skip: ['4.2.4'] }, /^--only and --skip leave no requirement to judge$/);
  });

  const DAMAGES: readonly (readonly [text: string, sentence: RegExp])[] = [
    ['', /^FILE is no JSON$/],
    ['[]', /^FILE is no profile: the document is not an object$/],
    ['{"requirments":{}}', /^FILE is no profile: it has a member "requirments"; known are /],
    ['{"requirements":{"mx":"error"}}', /: requirements\["mx"\] is not one of fail, warn, none, off, true$/],
    ['{"requirements":{"m\\u001bx":1}}', /: requirements\["m\\x1bx"\] is not one of /],
    ['{"extends":"everything"}', /: extends is not one of postmaster, /],
    ['{"name":"all"}', /: name is the name of a built-in profile/],
    ['{"name":"a\\nb"}', /: name is not a name /],
    ['{"mailingLists":["a b"]}', /: mailingLists\[0\] is not the local-part /],
  ];
  for (const [text, sentence] of DAMAGES) {
    test(`a file that is none is told in a sentence: ${text}`, () => {
      assert.throws(
        () => parseProfile(text, 'FILE'),
        (error) => error instanceof UsageError && sentence.test(error.message),
      );
    });
  }

  test('what it leaves out has a default', () => {
    assert.deepEqual(
      parseProfile('{"requirements":{"mx":true}}', 'FILE'),
      custom({ name: 'custom', requirements: { mx: true } }),
    );
  });

  for (const profile of ['postmaster', 'rfc5321', 'all'] as const) {
    test(`the file that ${profile} is printed as selects the same rows`, () => {
      const own = selectRequirements({ profile });
      const file = selectRequirements({ profile: parseProfile(encodeProfile(profile), 'FILE') });
      assert.deepEqual(file, { ...own, profile: `my-${profile}` });
    });
  }
});

test('a row that says DATA to provoke an error wants both leaves', () => {
  const has = (options: SelectionOptions): boolean =>
    selectRequirements({ profile: 'all', ...options }).judged.some(({ id }) => id === 'data.no-valid-rcpt');
  assert.equal(has({ intrusive: true }), false);
  assert.equal(has({ deliver: true }), false);
  assert.equal(has({ intrusive: true, deliver: true }), true);
  assert.throws(() => selectRequirements({ only: ['data.no-valid-rcpt'], deliver: true }), UsageError);
});
