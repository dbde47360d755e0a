// The catalogue against its sources: the RFC texts, the normative list of rows, and the scenarios that show each row at
// work. What knowingly departs stands here with its reason, and has to go when the reason does.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseScenario } from '../src/evidence/notation.js';
import { readScenario, scenarioNames } from '../src/lab/scenario-files.js';
import { CATALOGUE } from '../src/requirements/index.js';
import type { Level, MailServer, Requirement, Violation } from '../src/requirements/requirement.js';
import { foldedIncludes, sectionText } from './support/rfc-text.js';
import { compare, play } from './support/scenario-run.js';

const MOST_WORDS = 25;

/** The rows of the normative catalogue, copied as data. */
interface NormativeRow {
  readonly id: string;
  readonly group: string;
  readonly level: string;
  readonly source: string;
  readonly section: string;
  readonly tier: string;
  readonly violation: string;
  readonly safety: string;
}
const { rows: NORMATIVE } = JSON.parse(
  readFileSync(new URL('../fixtures/catalogue-ids.json', import.meta.url), 'utf8'),
) as { readonly rows: readonly NormativeRow[] };

test('ids are unique', () => {
  const ids = CATALOGUE.map(({ id }) => id);
  assert.deepEqual(ids.toSorted(), [...new Set(ids)].toSorted());
});

test('every row of the normative list is there, and no other is', () => {
  const ids = new Set(CATALOGUE.map(({ id }) => id));
  const missing = NORMATIVE.filter(({ id }) => !ids.has(id)).map(({ id }) => id);
  assert.deepEqual(missing, []);
  const normative = new Set(NORMATIVE.map(({ id }) => id));
  assert.deepEqual(
    [...ids].filter((id) => !normative.has(id)),
    [],
  );
});

/** Where a row departs from the normative list on purpose, and why. */
const DEPARTS: Readonly<Record<string, { readonly row: Partial<NormativeRow>; readonly why: string }>> = {
  'data.no-valid-rcpt': {
    row: { safety: 'deliver' },
    why: 'it says DATA, so it wants --deliver beside --intrusive',
  },
  'postmaster.quoted': {
    row: { safety: 'intrusive' },
    why: 'the client should use the least quoting that works, and the command line sends no odd spelling unasked',
  },
  'size.over-limit-552': {
    row: { safety: 'intrusive' },
    why: 'the answer that is wanted is a refusal: an error on purpose, which a server may count against us',
  },
  'connect.concurrent': {
    row: { safety: 'intrusive' },
    why: 'two sessions at once to one address, which the command line promises not to hold without --intrusive',
  },
};

test('group, level, source, section, tier, violation and safety class are those of the normative list', () => {
  const normative = new Map(NORMATIVE.map((row) => [row.id, row]));
  for (const { id, group, level, source, tier, violation, safety } of CATALOGUE) {
    const row = { id, group, level, source: source.document, section: source.section, tier, violation, safety };
    assert.deepEqual(row, { ...normative.get(id), ...DEPARTS[id]?.row });
  }
  for (const [id, { row, why }] of Object.entries(DEPARTS)) {
    assert.ok(
      why !== '' && Object.entries(row).some(([key, value]) => value !== normative.get(id)?.[key as 'safety']),
      id,
    );
  }
});

test('a row that provokes errors is locked, two of them at the most', () => {
  for (const { id, safety, needs } of CATALOGUE) {
    const errors = needs.map((need) => (need.ask === 'script' ? need.errors : 0));
    assert.ok(safety !== 'safe' || errors.every((count) => count === 0), id);
    assert.ok(
      errors.every((count) => count <= 2),
      id,
    );
  }
});

test('a MUST fails, a SHOULD warns, a MAY does neither, and a row that departs from that says why in its note', () => {
  const usual: Readonly<Record<Exclude<Level, 'derived'>, Violation>> = {
    MUST: 'fail',
    'MUST NOT': 'fail',
    SHOULD: 'warn',
    'SHOULD NOT': 'warn',
    MAY: 'none',
  };
  const silent = CATALOGUE.filter(
    ({ level, violation, note }) => level !== 'derived' && usual[level] !== violation && note === undefined,
  );
  assert.deepEqual(
    silent.map(({ id }) => id),
    [],
  );
});

/** The section of an RFC; of the policies of a list that is gone, the excerpts that are left. */
function sourceText({ document, section }: Requirement['source']): string {
  return document.startsWith('RFC ') ? sectionText(document, section) : POLICIES;
}
const POLICIES = readFileSync(new URL('../fixtures/rfc/rfc-ignorant-policies.excerpts.txt', import.meta.url), 'utf8');

for (const { id, source } of CATALOGUE) {
  test(`${id} quotes ${source.document}, ${source.section}`, () => {
    assert.ok(foldedIncludes(sourceText(source), source.quote), source.quote);
    const words = source.quote.split(/\s+/).length;
    assert.ok(words <= MOST_WORDS, `${words} words`);
  });
}

test('every row tells all that an explanation needs', () => {
  for (const { id, title, demand, probe, readings, rationale, remedy, note } of CATALOGUE) {
    for (const text of [title, demand, probe, rationale, remedy.general, ...readings.map(({ when }) => when)]) {
      assert.ok(text.trim() === text && text !== '', `${id}: "${text}"`);
      assert.doesNotMatch(text, /\n|\bTODO\b/, id);
    }
    assert.ok(readings.length > 0, id);
    if (note !== undefined) assert.ok(note.trim() !== '', id);
  }
});

test('the readings of a row hold what its verdicts may be', () => {
  for (const { id, violation, readings } of CATALOGUE) {
    const verdicts = new Set(readings.map(({ verdict }) => verdict));
    assert.ok(verdicts.has('pass'), `${id} never passes`);
    if (violation !== 'none') assert.ok(verdicts.has(violation), `${id} never comes to ${violation}`);
    if (violation !== 'fail') assert.equal(verdicts.has('fail'), false, `${id} fails, and is no row that does`);
  }
});

const MAIL_SERVERS: readonly MailServer[] = ['postfix', 'exim', 'sendmail', 'opensmtpd', 'exchange'];

/** Where there is nothing to name on a mail server. */
const NO_REMEDY: Readonly<Record<string, Readonly<Partial<Record<MailServer, string>>>>> = {
  'postmaster.bare.case-insensitive': { exchange: 'it has no setting that tells letter cases apart' },
  'postmaster.case-insensitive': { exchange: 'it has no setting that tells letter cases apart' },
  'postmaster.additional-domains': {
    sendmail: 'as for postmaster.domain, which names it',
    opensmtpd: 'as for postmaster.domain, which names it',
    exchange: 'as for postmaster.domain, which names it',
  },
  'postmaster.idn-ulabel': {
    sendmail: 'it offers SMTPUTF8 only where it was built for it, and then the general remedy is all there is',
    opensmtpd: 'it does not offer SMTPUTF8',
    exchange: 'there is no setting of its own for it',
  },
};

// The rows of --deliver ask for the recipient only to know whom to send to.
const isAboutRecipient = ({ needs, tier }: Requirement): boolean =>
  tier !== 'deliver' && needs.some(({ ask }) => ask === 'rcpt');

test('a MUST about a recipient tells how to mend each common mail server, or why there is nothing to tell', () => {
  const rows = CATALOGUE.filter((row) => row.level.startsWith('MUST') && isAboutRecipient(row));
  assert.ok(rows.length > 4);
  for (const { id, remedy } of rows) {
    const silent = MAIL_SERVERS.filter((server) => remedy[server] === undefined);
    assert.deepEqual(
      silent,
      MAIL_SERVERS.filter((server) => NO_REMEDY[id]?.[server] !== undefined),
      id,
    );
  }
});

/** Scenarios of this test: what the DNS alone says, which the others have no need to select. */
const OF_THE_DNS = [
  `# All rows of the DNS are selected, and nothing is wrong with any; we send from the domain itself.
@ mail-from: probe@good.example
@ only: mx domain
...
= domain: conforms
= mx.null-mx-sender: pass
= mx.null-mx-recommended: pass
= mx.address-literal: pass
= mx.target-syntax: pass
= mx.cname-owner: pass
= mx.duplicate: pass
= mx.wildcard: pass
= mx.ipv6: pass
`,
  `# We send from a domain that publishes a Null MX.
@ mail-from: probe@good.example
@ zone: null-mx
= domain: not-applicable
= mx.null-mx-sender: warn sender-refused
`,
].map((text, index) => parseScenario(text, `the DNS, ${index + 1}`));

for (const scenario of OF_THE_DNS) {
  test(scenario.description, async () => {
    const { report, mismatches } = await play(scenario, 'whole');
    const { expected, got } = compare(scenario, report);
    assert.deepEqual(got, expected);
    assert.deepEqual(mismatches, []);
  });
}

/** Why no scenario can show a row pass, or fail or warn; rows whose violation is `none` need show no violation. */
const SHOWN_ELSEWHERE: Readonly<Record<string, Readonly<Partial<Record<'pass' | 'violation', string>>>>> = {
  'domain.syntax': { violation: 'what is no domain is a usage error, before anything is looked up' },
  'postmaster.additional-domains': {
    pass: 'needs --host and two domains, which a scenario has not',
    violation: 'needs --host and two domains, which a scenario has not',
  },
  'timeouts.rcpt-delay': { violation: 'takes more than a minute; test/requirements-replies.test.ts shows it' },
  'postmaster.submission': { pass: 'the hosts of scenarios listen on ports of their own, never on 587' },
  'mx.special-name': { pass: 'all names of scenarios are special-use names themselves' },
  'connect.server-timeout': { pass: 'a host that waits for five minutes; test/requirements-sessions.test.ts' },
  'pipelining.no-flush': {
    violation: 'the silence of five minutes where the replies are lost; test/requirements-sessions.test.ts',
  },
  'mx.bogus': { pass: 'all names of scenarios are special-use names, of which mx.special-name warns' },
};

test('each row is passed in one scenario and violated in another, or it is said why it cannot be', async () => {
  const shown = new Map<string, Set<string>>();
  const files = await Promise.all((await scenarioNames()).map((name) => readScenario(name)));
  for (const { subject, verdict } of [...files, ...OF_THE_DNS].flatMap(({ expected }) => expected)) {
    shown.set(subject, (shown.get(subject) ?? new Set()).add(verdict));
  }
  const unknown = [...shown.keys()].filter(
    (id) => id !== 'domain' && id !== 'exit' && !CATALOGUE.some((row) => row.id === id),
  );
  assert.deepEqual(unknown, [], 'scenarios that name rows which do not exist');

  const wrong = CATALOGUE.flatMap(({ id, violation }) => {
    const verdicts = shown.get(id) ?? new Set<string>();
    const reasons = SHOWN_ELSEWHERE[id] ?? {};
    const hasPass = verdicts.has('pass');
    const hasViolation = violation === 'none' || verdicts.has('fail') || verdicts.has('warn');
    return [
      ...(hasPass || reasons.pass !== undefined ? [] : [`${id}: no scenario passes`]),
      ...(hasViolation || reasons.violation !== undefined ? [] : [`${id}: no scenario fails or warns`]),
      ...(hasPass && reasons.pass !== undefined ? [`${id}: a scenario passes, although "${reasons.pass}"`] : []),
      ...(verdicts.has('fail') && reasons.violation !== undefined
        ? [`${id}: a scenario violates, although "${reasons.violation}"`]
        : []),
    ];
  });
  assert.deepEqual(wrong, []);
});
