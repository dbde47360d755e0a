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

/** Rows that are not judged yet. */
const LATER: readonly string[] = [
  'postmaster.quoted',
  'postmaster.source-route',
  'postmaster.vrfy',
  'postmaster.deliver',
  'postmaster.trailing-dot',
  'connect.concurrent',
  'connect.server-timeout',
  'ehlo.supported',
  'helo.fallback',
  'helo.no-extended-response',
  'ehlo.response-syntax',
  'ehlo.name-fqdn',
  'ehlo.keyword-registered',
  'ehlo.lists-optional-commands',
  'ehlo.capabilities-work',
  'ehlo.8bitmime',
  'ehlo.literal-accepted',
  'ehlo.reissue',
  'ehlo.reissue-resets',
  'ehlo.missing-argument',
  'command.minimum-set',
  'command.case-insensitive',
  'command.trailing-space',
  'command.unknown-500',
  'command.unknown-no-close',
  'command.no-argument-501',
  'command.out-of-order',
  'command.bare-lf',
  'command.invalid-domain-char',
  'command.non-ascii',
  'command.before-ehlo',
  'rset.250',
  'rset.no-close',
  'rset.clears-transaction',
  'quit.221',
  'quit.closes',
  'quit.any-time',
  'help.supported',
  'vrfy.supported',
  'vrfy.disabled-252',
  'vrfy.250-has-mailbox',
  'vrfy.not-syntax-only',
  'vrfy.qualified-form',
  'expn.listed',
  'mail.null-reverse-path',
  'mail.bad-argument',
  'mail.unknown-parameter',
  'rcpt.without-mail',
  'rcpt.repeatable',
  'rcpt.unknown-550',
  'rcpt.unknown-parameter',
  'rcpt.relay-declined-550',
  'data.no-valid-rcpt',
  'limits.local-part-64',
  'limits.domain-255',
  'limits.path-256',
  'limits.command-line-512',
  'limits.recipients-100',
  'limits.size-advertised',
  'limits.message-64k',
  'limits.text-line-1000',
  'limits.size-extension',
  'deliver.data-354',
  'deliver.final-reply',
  'deliver.no-header-reject',
  'starttls.not-required',
  'starttls.command',
  'starttls.not-offered-in-tls',
  'starttls.state-reset',
  'starttls.no-injection',
  'starttls.argument-501',
  'pipelining.order',
  'pipelining.no-flush',
  'pipelining.no-early-talk-penalty',
  'size.param-accepted',
  'size.over-limit-552',
  'smtputf8.8bitmime',
  'smtputf8.no-parameters',
  'smtputf8.ehlo-ascii',
  'smtputf8.all-mx',
  'smtputf8.param-accepted',
  'role.abuse',
  'role.noc',
  'role.security',
  'role.postmaster',
  'role.hostmaster',
  'role.webmaster',
  'role.www',
  'role.usenet',
  'role.news',
  'role.uucp',
  'role.ftp',
  'role.info',
  'role.marketing',
  'role.sales',
  'role.support',
  'role.list-request',
  'role.soa-rname',
  'role.case-insensitive',
  'role.all-mx',
  'ri.postmaster',
  'ri.dsn',
  'ri.abuse',
  'ri.bogusmx',
  'vrfy.brackets',
  'vrfy.no-source-route',
  'expn.supported',
  'mail.requires-ehlo',
];

test('ids are unique', () => {
  const ids = CATALOGUE.map(({ id }) => id);
  assert.deepEqual(ids.toSorted(), [...new Set(ids)].toSorted());
});

test('every row of the normative list is there, or is left to later and said so; no other is', () => {
  const ids = new Set(CATALOGUE.map(({ id }) => id));
  const missing = NORMATIVE.filter(({ id }) => !ids.has(id)).map(({ id }) => id);
  assert.deepEqual(missing.toSorted(), LATER.toSorted());
  const normative = new Set(NORMATIVE.map(({ id }) => id));
  assert.deepEqual(
    [...ids].filter((id) => !normative.has(id)),
    [],
  );
});

test('group, level, source, section, tier, violation and safety class are those of the normative list', () => {
  const normative = new Map(NORMATIVE.map((row) => [row.id, row]));
  for (const { id, group, level, source, tier, violation, safety } of CATALOGUE) {
    const row = { id, group, level, source: source.document, section: source.section, tier, violation, safety };
    assert.deepEqual(row, normative.get(id));
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

for (const { id, source } of CATALOGUE) {
  test(`${id} quotes ${source.document}, ${source.section}`, () => {
    assert.ok(foldedIncludes(sectionText(source.document, source.section), source.quote), source.quote);
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

const isAboutRecipient = ({ needs }: Requirement): boolean => needs.some(({ ask }) => ask === 'rcpt');

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
