import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointEvidence } from '../src/evidence/transcript.js';
import { greetingDomain, greetingName, greetingNames } from '../src/requirements/2.3.5-greeting-name.js';
import { refusedSession } from '../src/requirements/3.1-refused-session.js';
import { sessionInitiation } from '../src/requirements/3.1-session-initiation.js';
import { connection } from '../src/requirements/3.8-connection.js';
import { openingWith421 } from '../src/requirements/3.8-opening-421.js';
import { quitAfter554 } from '../src/requirements/4.1.1.10-quit-after-554.js';
import { openingReplies } from '../src/requirements/4.2-opening-replies.js';
import { listening } from '../src/requirements/4.5.4.2-listening.js';
import { noMailHost } from '../src/requirements/rfc7504-521.js';
import type { Finding, Requirement } from '../src/requirements/requirement.js';
import { zone } from './support/dns-evidence.js';
import { attempt, endpoint, evidence, reply, type EvidenceOptions } from './support/evidence-builder.js';

const ROWS = [
  ...sessionInitiation,
  ...refusedSession,
  ...quitAfter554,
  ...openingReplies,
  ...greetingNames,
  ...noMailHost,
  ...openingWith421,
  ...connection,
  ...listening,
];

type Connections = Parameters<typeof endpoint>[0];

function judge(id: string, at: EndpointEvidence | Connections, options: EvidenceOptions = {}): Finding {
  const row = ROWS.find((each) => each.id === id);
  if (row?.scope !== 'endpoint') throw new Error(`no row ${id} about endpoints`);
  const place = 'attempts' in at ? at : endpoint(at);
  return row.judge(place, evidence([place], options));
}

/** A verdict in short: "pass", "fail closed-early", "inconclusive cut-off". */
const short = (finding: Finding): string =>
  'cause' in finding ? `${finding.verdict} ${finding.cause}` : finding.verdict;

interface Case {
  readonly is: string;
  readonly where: string;
  readonly seen: Connections;
  readonly because?: string;
}

function cases(id: string, ...all: readonly Case[]): void {
  for (const { is, where, seen, because } of all) {
    test(`${id} is ${is} ${where}`, () => {
      const finding = judge(id, seen);
      assert.equal(short(finding), is, finding.because);
      if (because !== undefined) assert.equal(finding.because, because);
    });
  }
}

// Conversations that many rows are judged by.
const SESSION = [
  'S: 220 mx.example.org ESMTP',
  'C: EHLO probe.example',
  'S: 250 mx.example.org',
  'C: QUIT',
  'S: 221 bye',
];
const NO_SERVICE = 'S: 554 mx.example.org no SMTP service here';
const POLITE_554 = [
  NO_SERVICE,
  'linger quiet',
  'C: EHLO probe.example',
  'S: 503 bad sequence of commands',
  'C: NOOP',
  'S: 503 bad sequence of commands',
  'C: QUIT',
  'S: 221 bye',
  'close',
];
const BRIEF_554 = attempt([NO_SERVICE, 'C: QUIT', 'S: 221 bye'], {
  plan: { purpose: 'second-opening', afterRefusal: 'brief' },
  startMs: 3_000,
});
const HASTY_554 = [NO_SERVICE, 'linger close 200'];
const BLAMING = 'S: 554 mx.example.org your address 192.0.2.200 is listed by bl.example.net';
const DUMMY_521 = [
  'S: 521 host does not accept mail',
  'C: NOOP',
  'S: 521 host does not accept mail',
  'C: QUIT',
  'S: 221 bye',
];
const BUSY_421 = ['S: 421 busy', 'C: QUIT', 'close'];
const REFUSED = ['refused'];
const SILENT = ['timeout 60000'];

cases(
  'greeting.present',
  {
    is: 'pass',
    where: 'with a 220',
    seen: [SESSION],
    because: 'the host opened with "220 mx.example.org ESMTP" after 0 s',
  },
  { is: 'pass', where: 'with a 421 as well', seen: [BUSY_421] },
  { is: 'pass', where: 'with a 554 as well', seen: [POLITE_554, BRIEF_554] },
  { is: 'fail malformed', where: 'where HTTP answers', seen: [['garbage HTTP/1.1 400 Bad Request']] },
  {
    is: 'inconclusive cut-off',
    where: 'where a reply begins and goes wrong',
    seen: [['garbage 220-mx.example.org\r\nhello']],
  },
  { is: 'inconclusive timeout', where: 'after a minute of silence', seen: [SILENT, SILENT] },
  { is: 'inconclusive timeout', where: 'after 5 minutes of silence, once', seen: [['timeout 300000']] },
  { is: 'warn timeout', where: 'after 5 minutes of silence, twice', seen: [['timeout 300000'], ['timeout 300000']] },
  { is: 'inconclusive cut-off', where: 'where the connection is closed without a word', seen: [['close'], ['close']] },
  { is: 'inconclusive unreachable', where: 'where the connection is refused', seen: [REFUSED] },
);

cases(
  'greeting.code',
  { is: 'pass', where: 'with 220', seen: [SESSION] },
  { is: 'pass', where: 'with 421, 554 and 521', seen: [BUSY_421, POLITE_554, DUMMY_521] },
  { is: 'warn wrong-code', where: 'with 550', seen: [['S: 550 no', 'C: QUIT', 'S: 221 bye']] },
  { is: 'warn wrong-code', where: 'with 250', seen: [['S: 250 hello', 'C: QUIT', 'S: 221 bye']] },
  { is: 'warn wrong-code', where: 'with 354', seen: [['S: 354 go on', 'C: QUIT', 'S: 221 bye']] },
  { is: 'warn transient-negative', where: 'with 450', seen: [['S: 450 later', 'C: QUIT', 'S: 221 bye']] },
  {
    is: 'warn client-refused',
    where: 'with a 550 that blames this client',
    seen: [['S: 550 blocked by Spamhaus, see bl.example.net', 'C: QUIT', 'S: 221 bye']],
  },
  { is: 'not-applicable', where: 'where the code is none', seen: [['S: 150 hello', 'C: QUIT', 'close']] },
  { is: 'inconclusive timeout', where: 'where no opening came', seen: [SILENT] },
);

cases(
  'greeting.no-early-5xx-other',
  { is: 'pass', where: 'with 220', seen: [SESSION] },
  { is: 'pass', where: 'with 554', seen: [POLITE_554, BRIEF_554] },
  { is: 'warn wrong-code', where: 'with 571', seen: [['S: 571 no', 'C: QUIT', 'S: 221 bye']] },
  {
    is: 'warn client-refused',
    where: 'with a 550 that blames this client',
    seen: [['S: 550 no PTR record for your address', 'C: QUIT', 'close']],
  },
  { is: 'inconclusive cut-off', where: 'where no opening came', seen: [['reset']] },
);

const greets = (text: string): Connections => [[`S: 220 ${text}`, 'C: QUIT', 'S: 221 bye']];

cases(
  'greeting.syntax',
  { is: 'pass', where: 'with a domain and text', seen: [SESSION] },
  { is: 'pass', where: 'with a domain alone', seen: greets('mx.example.org') },
  { is: 'pass', where: 'with an address literal', seen: greets('[192.0.2.1] clueless host') },
  {
    is: 'pass',
    where: 'with a domain on the first of several lines',
    seen: [['S: 220-mx.example.org', 'S: 220-no UCE', 'S: 220', 'C: QUIT', 'S: 221 bye']],
  },
  { is: 'warn malformed', where: 'with ESMTP in place of the name', seen: greets('ESMTP ready') },
  { is: 'warn malformed', where: 'with asterisks', seen: greets('********') },
  { is: 'warn malformed', where: 'with nothing behind the code', seen: [['S: 220', 'C: QUIT', 'S: 221 bye']] },
  { is: 'warn malformed', where: 'with octets above 127', seen: greets('mx.example.org gr\xfc\xdf Gott') },
  { is: 'not-applicable', where: 'after 554', seen: [POLITE_554] },
  { is: 'not-applicable', where: 'after 421', seen: [BUSY_421] },
  { is: 'inconclusive unreachable', where: 'without a connection', seen: [REFUSED] },
);

cases(
  'greeting.name-fqdn',
  { is: 'pass', where: 'with a full name', seen: [SESSION], because: 'greets as mx.example.org' },
  { is: 'pass', where: 'with an address literal', seen: greets('[IPv6:2001:db8::1] ESMTP') },
  { is: 'fail bad-name', where: 'with localhost', seen: greets('localhost ESMTP Postfix') },
  { is: 'fail bad-name', where: 'with one label', seen: greets('MAIL01 Microsoft ESMTP MAIL Service ready') },
  { is: 'warn bad-name', where: 'with localhost.localdomain', seen: greets('localhost.localdomain ESMTP') },
  { is: 'warn bad-name', where: 'with .local', seen: greets('exchange.corp.local Microsoft ESMTP') },
  { is: 'warn bad-name', where: 'with an underscore', seen: greets('mx_1.example.org ESMTP') },
  { is: 'warn bad-name', where: 'with an address without brackets', seen: greets('192.0.2.1 ESMTP') },
  { is: 'not-applicable', where: 'with text in place of the name', seen: greets('ESMTP ready') },
  { is: 'not-applicable', where: 'with a greeting in words', seen: greets('Welcome to our mail server') },
  { is: 'not-applicable', where: 'with 554 and plain text', seen: [['S: 554 5.7.1 no. service', 'linger close']] },
  { is: 'pass', where: 'with 554 and a name', seen: [POLITE_554] },
  {
    is: 'warn bad-name',
    where: 'with 421 and a name of private scope',
    seen: [['S: 421 mx.local busy', 'C: QUIT', 'close']],
  },
  { is: 'inconclusive timeout', where: 'where no opening came', seen: [SILENT] },
);

cases(
  'greeting.name-not-literal',
  { is: 'pass', where: 'with a name', seen: [SESSION] },
  { is: 'warn bad-name', where: 'with a literal', seen: greets('[192.0.2.1] ESMTP') },
  {
    is: 'warn bad-name',
    where: 'with a literal in the reply to EHLO',
    seen: [['S: 220 mx.example.org', 'C: EHLO probe.example', 'S: 250 [192.0.2.1]', 'C: QUIT', 'S: 221 bye']],
  },
  {
    is: 'pass',
    where: 'where the reply to EHLO repeats our literal',
    seen: [['S: 220 mx.example.org', 'C: EHLO [192.0.2.200]', 'S: 250 [192.0.2.200] hello', 'C: QUIT', 'S: 221 bye']],
  },
  { is: 'not-applicable', where: 'without a name', seen: greets('ESMTP ready') },
  { is: 'not-applicable', where: 'after 554', seen: [POLITE_554] },
  { is: 'inconclusive unreachable', where: 'without a connection', seen: [REFUSED] },
);

test('the name of a greeting is a domain in lower case, a literal, or nothing', () => {
  const names: readonly (readonly [text: string, name: string | null])[] = [
    ['220 MX.Example.ORG ESMTP', 'mx.example.org'],
    ['220 mx.example.org. ESMTP', 'mx.example.org'],
    ['220 mx.example.org', 'mx.example.org'],
    ['220 [192.0.2.1] ESMTP', '[192.0.2.1]'],
    ['220 [IPv6:2001:db8::1]', '[IPv6:2001:db8::1]'],
    ['220 [999.0.2.1] ESMTP', null],
    ['220 192.0.2.1 ESMTP', '192.0.2.1'],
    ['220 mailhost ESMTP Exim', 'mailhost'],
    ['220 localhost', 'localhost'],
    ['220 ESMTP', null],
    ['220 SMTP server ready', null],
    ['220 Postfix ESMTP', null],
    ['220 Willkommen bei uns', null],
    ['220 Ready.', null],
    ['220 v2.11.4 ready', null],
    ['220 ****.****', null],
    ['220 <script>alert(1)</script>.example', null],
    ['220', null],
    ['554 mx.example.org no', null],
  ];
  assert.deepEqual(
    names.map(([text]) => [text, greetingName(reply(text))]),
    names,
  );
});

test('the DNS is asked for domains alone', () => {
  const asked = [
    '220 mx_1.example.org',
    '220 mailhost ESMTP',
    '220 [192.0.2.1]',
    '220 192.0.2.1',
    '220 m\xfc.example.org',
  ];
  assert.deepEqual(
    asked.map((text) => greetingDomain(reply(text))),
    ['mx_1.example.org', 'mailhost', null, null, null],
  );
});

function resolves(
  text: string,
  types: readonly ('A' | 'AAAA' | 'MX')[] = ['A', 'AAAA', 'MX'],
  seen: Connections = [SESSION],
): Finding {
  const answer = zone(text);
  return judge('greeting.name-resolves', seen, { dns: types.map((type) => answer({ name: 'mx.example.org', type })) });
}

test('greeting.name-resolves passes with an address, whichever it is, and with an MX record', () => {
  assert.deepEqual(resolves('mx.example.org A 192.0.2.1'), {
    verdict: 'pass',
    evidence: null,
    because: "the greeting's name mx.example.org leads to 1 address, to this address too",
    cites: [
      { kind: 'dns', index: 0 },
      { kind: 'dns', index: 1 },
      { kind: 'dns', index: 2 },
      { kind: 'exchange', attempt: 0, index: 0 },
    ],
  });
  assert.match(resolves('mx.example.org A 192.0.2.7').because, /though not to this address/);
  assert.equal(short(resolves('mx.example.org CNAME other.example.org\nother.example.org AAAA 2001:db8::1')), 'pass');
  assert.equal(short(resolves('mx.example.org MX 10 in.example.org')), 'pass');
});

test('greeting.name-resolves warns only where the DNS denied the name', () => {
  assert.deepEqual(resolves('example.org A 192.0.2.1'), {
    verdict: 'warn',
    cause: 'bad-name',
    because: "the greeting's name mx.example.org does not exist in the DNS",
    cites: [
      { kind: 'dns', index: 0 },
      { kind: 'dns', index: 1 },
      { kind: 'dns', index: 2 },
      { kind: 'exchange', attempt: 0, index: 0 },
    ],
  });
  assert.equal(short(resolves('a.mx.example.org A 192.0.2.1')), 'warn no-address');
  assert.equal(short(resolves('a.mx.example.org A 192.0.2.1', ['A', 'AAAA'])), 'inconclusive not-asked');
  assert.equal(short(resolves('mx.example.org * TIMEOUT')), 'inconclusive dns');
  assert.equal(short(resolves('a.mx.example.org A 192.0.2.1\nmx.example.org MX SERVFAIL')), 'inconclusive dns');
  assert.equal(short(resolves('', [])), 'inconclusive not-asked');
});

test('greeting.name-resolves has nothing to ask without a domain', () => {
  assert.equal(short(resolves('', [], greets('[192.0.2.1] ESMTP'))), 'not-applicable');
  assert.equal(short(resolves('', [], greets('ESMTP ready'))), 'not-applicable');
  assert.equal(short(resolves('', [], [POLITE_554])), 'not-applicable');
  assert.equal(short(resolves('', [], [REFUSED])), 'inconclusive unreachable');
});

const brief = (...lines: readonly string[]) => attempt(lines, { plan: { afterRefusal: 'brief' }, startMs: 3_000 });

cases(
  'greeting.554-waits-for-quit',
  {
    is: 'pass',
    where: 'where the host stays until QUIT',
    seen: [POLITE_554, BRIEF_554],
    because: '554, then open through 5 s of silence and 2 commands until QUIT',
  },
  {
    is: 'fail closed-early',
    where: 'where it closes behind the 554, twice',
    seen: [HASTY_554, HASTY_554],
    because: '554 in 2 connections, 3 s apart; closed 0.2 s after the 554, before QUIT, then closed after 0.2 s',
  },
  {
    is: 'fail closed-early',
    where: 'where it resets behind the 554, twice',
    seen: [
      [NO_SERVICE, 'linger reset 0'],
      [NO_SERVICE, 'linger reset 0'],
    ],
  },
  {
    is: 'fail closed-early',
    where: 'where it closes at the first command, twice',
    seen: [[NO_SERVICE, 'linger quiet', 'C: EHLO probe.example', 'close'], HASTY_554],
  },
  {
    is: 'fail closed-early',
    where: 'where the second close comes for the 221',
    seen: [HASTY_554, brief(NO_SERVICE, 'C: QUIT', 'close')],
  },
  {
    is: 'warn client-refused',
    where: 'where it does so and blames this client',
    seen: [
      [BLAMING, 'linger close 200'],
      [BLAMING, 'linger close 200'],
    ],
  },
  { is: 'inconclusive cut-off', where: 'where it closes once', seen: [HASTY_554] },
  { is: 'inconclusive cut-off', where: 'where it closes once and waits the other time', seen: [HASTY_554, POLITE_554] },
  {
    is: 'inconclusive cut-off',
    where: 'where the second connection closes after it has waited',
    seen: [HASTY_554, [...POLITE_554.slice(0, -2), 'close']],
  },
  {
    is: 'inconclusive cut-off',
    where: 'where it closes once and opens a session the other time',
    seen: [HASTY_554, SESSION],
  },
  { is: 'pass', where: 'where it waits once and opens a session the other time', seen: [POLITE_554, SESSION] },
  {
    is: 'inconclusive client-refused',
    where: 'where it closes once and blames this client',
    seen: [[BLAMING, 'linger close']],
  },
  {
    is: 'inconclusive client-refused',
    where: 'where 421 goes before the close',
    seen: [
      [NO_SERVICE, 'linger stray 421 bye'],
      [NO_SERVICE, 'linger stray 421 bye'],
    ],
  },
  {
    is: 'inconclusive client-refused',
    where: 'where 421 answers the first command',
    seen: [[NO_SERVICE, 'linger quiet', 'C: EHLO probe.example', 'S: 421 bye']],
  },
  {
    is: 'inconclusive cut-off',
    where: 'where the close comes after 5 minutes, twice',
    seen: [
      [NO_SERVICE, 'linger close 300000'],
      [NO_SERVICE, 'linger close 300000'],
    ],
  },
  {
    is: 'inconclusive timeout',
    where: 'where commands are met with silence',
    seen: [[NO_SERVICE, 'linger quiet', 'C: EHLO probe.example', 'timeout', 'leave']],
  },
  { is: 'inconclusive not-asked', where: 'where QUIT was said at once', seen: [BRIEF_554, BRIEF_554] },
  {
    is: 'inconclusive not-asked',
    where: 'where the close came for the 221 both times, QUIT being said at once',
    seen: [brief(NO_SERVICE, 'C: QUIT', 'close'), brief(NO_SERVICE, 'C: QUIT', 'close')],
  },
  {
    is: 'inconclusive not-asked',
    where: 'where the run was stopped',
    seen: [[NO_SERVICE, 'linger interrupted', 'leave']],
  },
  { is: 'not-applicable', where: 'after 220', seen: [SESSION] },
  { is: 'not-applicable', where: 'after 521', seen: [DUMMY_521] },
  { is: 'not-applicable', where: 'after 421', seen: [BUSY_421] },
  { is: 'inconclusive unreachable', where: 'without a connection', seen: [REFUSED] },
);

test('the early closes are cited first, then the openings', () => {
  const finding = judge('greeting.554-waits-for-quit', [HASTY_554, HASTY_554]);
  assert.deepEqual(finding.cites, [
    { kind: 'exchange', attempt: 0, index: 1 },
    { kind: 'exchange', attempt: 1, index: 1 },
    { kind: 'exchange', attempt: 0, index: 0 },
    { kind: 'exchange', attempt: 1, index: 0 },
  ]);
});

/** A 554 session in which EHLO, NOOP and QUIT are answered so. */
const answered = (opening: string, ehlo: string, noop: string, ...quit: readonly string[]): readonly string[] => [
  opening,
  'linger quiet',
  'C: EHLO probe.example',
  ehlo,
  'C: NOOP',
  noop,
  'C: QUIT',
  ...quit,
];

const ACCEPTING_554 = [
  NO_SERVICE,
  'linger quiet',
  'C: EHLO probe.example',
  'S: 250 mx.example.org',
  'C: MAIL FROM:<>',
  'S: 250 ok',
  'C: RCPT TO:<Postmaster@example.org>',
  'S: 250 ok',
  'C: NOOP',
  'S: 250 ok',
  'C: QUIT',
  'S: 221 bye',
  'close',
];

cases(
  'greeting.554-503-to-commands',
  {
    is: 'pass',
    where: 'with 503 to each',
    seen: [POLITE_554, BRIEF_554],
    because: '503 to each of 2 commands after the 554',
  },
  {
    is: 'warn wrong-code',
    where: 'with 554 to EHLO',
    seen: [answered(NO_SERVICE, 'S: 554 no', 'S: 503 no', 'S: 221 bye', 'close'), BRIEF_554],
  },
  {
    is: 'warn wrong-code',
    where: 'with 250 to NOOP',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 250 ok', 'S: 221 bye', 'close')],
  },
  {
    is: 'warn transient-negative',
    where: 'with 450 to EHLO',
    seen: [answered(NO_SERVICE, 'S: 450 later', 'S: 503 no', 'S: 221 bye', 'close')],
  },
  {
    is: 'warn client-refused',
    where: 'with another code where the 554 blames this client',
    seen: [answered(BLAMING, 'S: 554 no', 'S: 554 no', 'S: 221 bye', 'close')],
  },
  {
    is: 'warn wrong-code',
    where: 'where the session goes on',
    seen: [ACCEPTING_554],
    because:
      'after 554 the session goes on: EHLO was answered with "250 mx.example.org" instead of 503; even a recipient was accepted, which voids the exemption',
  },
  {
    is: 'inconclusive client-refused',
    where: 'with 421',
    seen: [[NO_SERVICE, 'linger quiet', 'C: EHLO probe.example', 'S: 421 bye']],
  },
  { is: 'inconclusive cut-off', where: 'where it closes before a command', seen: [HASTY_554, HASTY_554] },
  {
    is: 'inconclusive cut-off',
    where: 'where it closes at a command',
    seen: [[NO_SERVICE, 'linger quiet', 'C: EHLO probe.example', 'close']],
  },
  {
    is: 'inconclusive timeout',
    where: 'with silence',
    seen: [[NO_SERVICE, 'linger quiet', 'C: EHLO probe.example', 'timeout', 'leave']],
  },
  {
    is: 'inconclusive out-of-turn',
    where: 'where the sides lose step',
    seen: [[NO_SERVICE, 'linger quiet', 'C: EHLO probe.example', 'S: 250 a', 'C: NOOP', 'stray 503 b', 'leave']],
  },
  { is: 'inconclusive not-asked', where: 'where only QUIT was said', seen: [BRIEF_554] },
  { is: 'not-applicable', where: 'after 220', seen: [SESSION] },
  { is: 'inconclusive timeout', where: 'where no opening came', seen: [SILENT] },
);

cases(
  'greeting.554-quit-221',
  {
    is: 'pass',
    where: 'with 221 and a close',
    seen: [POLITE_554, BRIEF_554],
    because: '221 to QUIT and closed 0 s later',
  },
  {
    is: 'fail wrong-code',
    where: 'with 503',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 503 no', 'S: 503 no', 'quiet')],
  },
  {
    is: 'fail closed-early',
    where: 'with a close and no 221',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 503 no', 'close')],
  },
  {
    is: 'warn client-refused',
    where: 'with a close and no 221 where the 554 blames this client',
    seen: [answered(BLAMING, 'S: 503 no', 'S: 503 no', 'close')],
  },
  {
    is: 'inconclusive cut-off',
    where: 'with a close once and 221 the other time',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 503 no', 'close'), BRIEF_554],
  },
  {
    is: 'inconclusive cut-off',
    where: 'with a reset',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 503 no', 'reset')],
  },
  {
    is: 'inconclusive cut-off',
    where: 'with a close where QUIT was said at once',
    seen: [brief(NO_SERVICE, 'C: QUIT', 'close')],
  },
  { is: 'inconclusive cut-off', where: 'where the host closed before QUIT', seen: [HASTY_554, HASTY_554] },
  {
    is: 'warn wrong-code',
    where: 'with 250',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 503 no', 'S: 250 ok', 'close')],
  },
  {
    is: 'warn kept-open',
    where: 'with 221 and no close in 10 s',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 503 no', 'S: 221 bye', 'quiet')],
  },
  {
    is: 'inconclusive timeout',
    where: 'with 221 and no close in 2 s',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 503 no', 'S: 221 bye', 'quiet 2000')],
  },
  {
    is: 'inconclusive timeout',
    where: 'with silence',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 503 no', 'timeout')],
  },
  {
    is: 'inconclusive client-refused',
    where: 'with 421',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 503 no', 'S: 421 bye')],
  },
  {
    is: 'inconclusive transient-negative',
    where: 'with 450',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 503 no', 'S: 450 later', 'quiet')],
  },
  {
    is: 'inconclusive out-of-turn',
    where: 'where one more reply follows',
    seen: [answered(NO_SERVICE, 'S: 503 no', 'S: 503 no', 'S: 503 no', 'stray 221 bye')],
  },
  { is: 'inconclusive not-asked', where: 'where the close was not awaited', seen: [BRIEF_554] },
  { is: 'not-applicable', where: 'after 220', seen: [SESSION] },
  { is: 'inconclusive unreachable', where: 'without a connection', seen: [REFUSED] },
);

cases(
  'greeting.554-informative',
  { is: 'pass', where: 'with a reason', seen: [POLITE_554] },
  { is: 'warn malformed', where: 'with the code alone', seen: [['S: 554', 'linger close']] },
  { is: 'warn malformed', where: 'with numbers alone', seen: [['S: 554 5.3.2', 'linger close']] },
  { is: 'not-applicable', where: 'after 220', seen: [SESSION] },
  { is: 'inconclusive timeout', where: 'where no opening came', seen: [SILENT] },
);

const noop521 = (opening: string, ...lines: readonly string[]): readonly string[] => [opening, 'C: NOOP', ...lines];
const OPEN_521 = 'S: 521 host does not accept mail';

cases(
  'greeting.521-behaviour',
  { is: 'pass', where: 'with 521 again', seen: [DUMMY_521, DUMMY_521], because: '521 again to NOOP' },
  { is: 'pass', where: 'with a close', seen: [noop521(OPEN_521, 'close')] },
  { is: 'pass', where: 'with a reset', seen: [noop521(OPEN_521, 'reset')] },
  { is: 'warn wrong-code', where: 'with 250', seen: [noop521(OPEN_521, 'S: 250 ok', 'C: QUIT', 'S: 221 bye')] },
  { is: 'warn wrong-code', where: 'with 503', seen: [noop521(OPEN_521, 'S: 503 no', 'C: QUIT', 'S: 221 bye')] },
  { is: 'inconclusive timeout', where: 'with silence', seen: [noop521(OPEN_521, 'timeout', 'leave')] },
  { is: 'inconclusive client-refused', where: 'with 421', seen: [noop521(OPEN_521, 'S: 421 bye')] },
  { is: 'not-applicable', where: 'after 554', seen: [POLITE_554] },
  { is: 'inconclusive unreachable', where: 'without a connection', seen: [REFUSED] },
);

cases(
  'greeting.521-not-for-policy',
  {
    is: 'pass',
    where: 'with 521 in every connection',
    seen: [DUMMY_521, DUMMY_521],
    because: '521 in 2 connections, 3 s apart, and no word about this client',
  },
  {
    is: 'warn client-refused',
    where: 'with words about this client',
    seen: [noop521('S: 521 5.7.1 Blocked by DNSBL bl.example.net', 'close')],
  },
  { is: 'warn flapping', where: 'with 220 another time', seen: [DUMMY_521, SESSION] },
  { is: 'not-applicable', where: 'after 220', seen: [SESSION] },
  { is: 'inconclusive timeout', where: 'where no opening came', seen: [SILENT] },
);

test('greeting.521-not-for-policy sees a session at another address of the host', () => {
  const here = endpoint([DUMMY_521]);
  const there = endpoint([SESSION], { address: '2001:db8::1' });
  const row = noMailHost.find(({ id }) => id === 'greeting.521-not-for-policy');
  assert.ok(row?.scope === 'endpoint');
  assert.equal(short(row.judge(here, evidence([here, there]))), 'warn flapping');
});

cases(
  'greeting.421-then-close',
  { is: 'pass', where: 'with a close', seen: [BUSY_421] },
  { is: 'pass', where: 'with 221 to QUIT', seen: [['S: 421 busy', 'C: QUIT', 'S: 221 bye']] },
  {
    is: 'warn kept-open',
    where: 'where the session goes on',
    seen: [['S: 421 busy', 'C: QUIT', 'S: 250 ok', 'quiet 1000']],
  },
  {
    is: 'pass',
    where: 'where the close follows another reply',
    seen: [['S: 421 busy', 'C: QUIT', 'S: 503 no', 'close']],
  },
  { is: 'inconclusive timeout', where: 'with silence', seen: [['S: 421 busy', 'C: QUIT', 'timeout']] },
  { is: 'inconclusive not-asked', where: 'where nothing was said', seen: [['S: 421 busy']] },
  { is: 'not-applicable', where: 'after 220', seen: [SESSION] },
  { is: 'inconclusive unreachable', where: 'without a connection', seen: [REFUSED] },
);

const AT_EHLO = ['S: 220 mx.example.org', 'C: EHLO probe.example', 'close'];
const HELLO = ['S: 220 mx.example.org', 'C: EHLO probe.example', 'S: 250 mx.example.org'];
const IN_TLS = [...HELLO, 'C: STARTTLS', 'S: 220 go', 'handshake secured', 'C: EHLO probe.example', 'reset'];
const AFTER_550 = [
  ...HELLO,
  'C: MAIL FROM:<>',
  'S: 250 ok',
  'C: RCPT TO:<Postmaster>',
  'S: 550 no',
  'C: RSET',
  'close',
];

cases(
  'connect.no-premature-close',
  {
    is: 'pass',
    where: 'with QUIT last',
    seen: [SESSION, SESSION],
    because: '2 sessions, none closed before QUIT or 421',
  },
  { is: 'pass', where: 'with 421', seen: [[...HELLO, 'C: MAIL FROM:<>', 'S: 421 going down']] },
  {
    is: 'pass',
    where: 'with 421 before the close in a group',
    seen: [[...HELLO, 'C: MAIL FROM:<>', 'C: QUIT', 'S: 421 going down', 'close']],
  },
  { is: 'pass', where: 'with a close in place of the 221', seen: [[...HELLO, 'C: QUIT', 'close']] },
  {
    is: 'fail closed-early',
    where: 'where the host closes at EHLO twice',
    seen: [AT_EHLO, AT_EHLO],
    because: 'closed at EHLO without 421, after nothing but positive replies, in 2 sessions of 2',
  },
  { is: 'inconclusive cut-off', where: 'where it closes once', seen: [AT_EHLO] },
  { is: 'inconclusive cut-off', where: 'where it closes once and not the other time', seen: [AT_EHLO, SESSION] },
  {
    is: 'inconclusive cut-off',
    where: 'where it closes at different commands',
    seen: [AT_EHLO, [...HELLO, 'C: MAIL FROM:<>', 'close']],
  },
  { is: 'warn closed-early', where: 'where a refusal went before', seen: [AFTER_550, AFTER_550] },
  {
    is: 'warn client-refused',
    where: 'where the refusal blames this client',
    seen: [
      [...HELLO, 'C: MAIL FROM:<>', 'S: 550 listed by Spamhaus', 'C: QUIT', 'S: 221 bye'],
      [...HELLO, 'C: MAIL FROM:<>', 'C: RCPT TO:<Postmaster>', 'S: 550 no PTR record for your address', 'close'],
    ],
  },
  { is: 'warn closed-early', where: 'behind a 550 at the opening', seen: [['S: 550 no', 'C: QUIT', 'close']] },
  {
    is: 'inconclusive cut-off',
    where: 'after a 450',
    seen: [
      [...HELLO, 'C: MAIL FROM:<>', 'S: 450 later', 'C: QUIT', 'S: 221 bye'],
      [...HELLO, 'C: MAIL FROM:<>', 'C: RCPT TO:<Postmaster>', 'S: 450 later', 'close'],
    ],
  },
  {
    is: 'inconclusive cut-off',
    where: 'after 5 minutes without a word, twice',
    seen: [
      ['S: 220 mx.example.org', 'C: EHLO probe.example', 'close 300000'],
      ['S: 220 mx.example.org', 'C: EHLO probe.example', 'close 300000'],
    ],
  },
  { is: 'inconclusive cut-off', where: 'at the start of TLS, twice', seen: [IN_TLS, IN_TLS] },
  { is: 'inconclusive cut-off', where: 'without a greeting, twice', seen: [['close'], ['close']] },
  {
    is: 'inconclusive timeout',
    where: 'with silence',
    seen: [['S: 220 mx.example.org', 'C: EHLO probe.example', 'timeout', 'leave']],
  },
  { is: 'inconclusive transient-negative', where: 'after an opening 421', seen: [BUSY_421] },
  { is: 'not-applicable', where: 'after an opening 554', seen: [HASTY_554, HASTY_554] },
  { is: 'not-applicable', where: 'after an opening 521', seen: [noop521(OPEN_521, 'close')] },
  { is: 'inconclusive unreachable', where: 'without a connection', seen: [REFUSED] },
);

cases(
  'connect.421-on-shutdown',
  { is: 'pass', where: 'where nothing was closed early', seen: [SESSION] },
  { is: 'pass', where: 'where 421 went before', seen: [[...HELLO, 'C: MAIL FROM:<>', 'S: 421 going down']] },
  { is: 'pass', where: 'where 421 came unasked', seen: [[...HELLO, 'C: MAIL FROM:<>', 'stray 421 going down']] },
  { is: 'pass', where: 'after an opening 421', seen: [BUSY_421] },
  { is: 'warn closed-early', where: 'where the host just closed', seen: [AT_EHLO] },
  {
    is: 'inconclusive cut-off',
    where: 'with a reset',
    seen: [['S: 220 mx.example.org', 'C: EHLO probe.example', 'reset']],
  },
  { is: 'inconclusive cut-off', where: 'where a refusal explains it', seen: [AFTER_550] },
  {
    is: 'inconclusive timeout',
    where: 'with silence',
    seen: [['S: 220 mx.example.org', 'C: EHLO probe.example', 'timeout', 'leave']],
  },
  { is: 'not-applicable', where: 'after an opening 554', seen: [HASTY_554] },
  { is: 'inconclusive timeout', where: 'where no opening came', seen: [SILENT] },
);

const PUBLISHED = zone('mx.example.org A 192.0.2.1\nmx.example.org AAAA 2001:db8::1');
const DNS = (['A', 'AAAA'] as const).map((type) => PUBLISHED({ name: 'mx.example.org', type }));

test('connect.listens warns of a published address that refuses twice, and of nothing else', () => {
  const listens = (seen: Connections, options: EvidenceOptions = { dns: DNS }): string =>
    short(judge('connect.listens', seen, options));
  assert.equal(listens([SESSION]), 'pass');
  assert.equal(listens([REFUSED, SESSION]), 'pass');
  assert.deepEqual(judge('connect.listens', [REFUSED, ['unreachable']], { dns: DNS }), {
    verdict: 'warn',
    cause: 'unreachable',
    because: 'refused or unreachable in 2 of 2 attempts',
    cites: [{ kind: 'dns', index: 0 }],
  });
  assert.equal(listens([REFUSED]), 'inconclusive unreachable');
  assert.equal(listens([['connect timeout'], ['connect timeout']]), 'inconclusive timeout');
  assert.equal(listens([REFUSED, ['connect timeout']]), 'inconclusive timeout');
  assert.equal(listens([['no-route'], ['no-route']]), 'inconclusive no-route');
  assert.equal(listens([REFUSED, REFUSED], { route: 'given' }), 'inconclusive unreachable');
  assert.equal(listens([REFUSED, REFUSED], { route: 'implicit-mx', dns: DNS }), 'not-applicable');
  assert.equal(listens([]), 'inconclusive not-asked');
});

test('connect.listens says of a skipped address why it was skipped', () => {
  const finding = judge('connect.listens', endpoint([], { skipped: 'address-not-allowed' }));
  assert.equal(short(finding), 'inconclusive address-not-allowed');
});

function parity(...endpoints: readonly EndpointEvidence[]): readonly string[] {
  const row = listening.find(({ id }) => id === 'mx.greeting-family-parity');
  assert.ok(row?.scope === 'endpoint');
  const all = evidence(endpoints, { dns: DNS });
  return endpoints.map((each) => short(row.judge(each, all)));
}

test('mx.greeting-family-parity is judged once a host, at an address that answers', () => {
  const four = (seen: Connections) => endpoint(seen);
  const six = (seen: Connections, skipped: EndpointEvidence['skipped'] = null) =>
    endpoint(seen, { address: '2001:db8::1', skipped });
  assert.deepEqual(parity(four([SESSION])), ['pass']);
  assert.deepEqual(parity(four([SESSION]), six([SESSION])), ['pass', 'not-applicable']);
  assert.deepEqual(parity(four([SESSION]), six([REFUSED])), ['warn unreachable', 'not-applicable']);
  assert.deepEqual(parity(four([['connect timeout']]), six([SESSION])), ['not-applicable', 'warn timeout']);
  assert.deepEqual(parity(four([SESSION]), six([['no-route']])), ['inconclusive no-route', 'not-applicable']);
  assert.deepEqual(parity(four([SESSION]), six([], 'family-not-asked')), ['inconclusive not-asked', 'not-applicable']);
  assert.deepEqual(parity(four([['connect timeout']]), six([['connect timeout']])), [
    'inconclusive timeout',
    'not-applicable',
  ]);
  assert.deepEqual(parity(four([SESSION]), endpoint([REFUSED], { host: 'mx2.example.org', address: '2001:db8::1' })), [
    'pass',
    'inconclusive unreachable',
  ]);
});

test('a warning about a dead address cites the answer that publishes it, then the opening of the live one', () => {
  const alive = endpoint([SESSION]);
  const dead = endpoint([REFUSED], { address: '2001:db8::1' });
  const row = listening.find(({ id }) => id === 'mx.greeting-family-parity');
  assert.ok(row?.scope === 'endpoint');
  assert.deepEqual(row.judge(alive, evidence([alive, dead], { dns: DNS })).cites, [
    { kind: 'dns', index: 1 },
    { kind: 'exchange', attempt: 0, index: 0 },
  ]);
});

// The connections above, each cut at each of its lines: one cut, whatever it is, makes no host a violator.
const WHOLE = { SESSION, POLITE_554, HASTY_554, ACCEPTING_554, DUMMY_521, BUSY_421, IN_TLS, AFTER_550 };

for (const [name, lines] of Object.entries(WHOLE)) {
  test(`no cut makes a fail of ${name}`, () => {
    for (const cut of [
      'close',
      'reset',
      'timeout',
      'stray 421 bye',
      '421',
      'interrupted',
      'garbage \x16\x03\x01 220',
    ]) {
      for (const cutLines of cutEverywhere(lines, cut)) {
        for (const row of ROWS) {
          if (row.scope !== 'endpoint' || isTheVeryClose(row, cutLines, cut)) continue;
          const place = endpoint([cutLines]);
          const finding = row.judge(place, evidence([place]));
          assert.notEqual(finding.verdict, 'fail', `${row.id} after ${cutLines.join(' | ')}: ${finding.because}`);
        }
      }
    }
  });
}

/** Rows whose finding is that very close, or those very octets. */
function isTheVeryClose({ id }: Requirement, lines: readonly string[], cut: string): boolean {
  if (id === 'greeting.554-quit-221') return cut === 'close' && lines.at(-2) === 'C: QUIT';
  return id === 'greeting.present' && cut.startsWith('garbage') && lines.length === 1;
}

/** The lines up to each place where something is awaited, with the cut in place of what came. */
function cutEverywhere(lines: readonly string[], cut: string): readonly (readonly string[])[] {
  return lines.flatMap((line, index) => {
    const before = lines.slice(0, index);
    if (line.startsWith('linger ')) return cut === 'timeout' || cut === '421' ? [] : [[...before, `linger ${cut}`]];
    if (!/^(?:S|close|reset)/.test(line) || lines[index - 1]?.startsWith('S') === true) return [];
    return [[...before, cut === '421' ? 'S: 421 bye' : cut]];
  });
}

test('a cut in one of two connections makes no fail either', () => {
  for (const [cutOff, whole] of [
    [POLITE_554, BRIEF_554],
    [SESSION, SESSION],
    [DUMMY_521, DUMMY_521],
  ] as const) {
    for (const cut of ['close', 'reset', 'timeout', 'stray 421 bye', '421', 'interrupted', 'garbage HTTP/1.1 400']) {
      for (const lines of cutEverywhere(cutOff, cut)) {
        for (const row of ROWS) {
          if (row.scope !== 'endpoint') continue;
          const place = endpoint([lines, whole]);
          const finding = row.judge(place, evidence([place]));
          assert.notEqual(finding.verdict, 'fail', `${row.id} after ${lines.join(' | ')}: ${finding.because}`);
        }
      }
    }
  }
});

test('the rows are those of the catalogue, each once', () => {
  assert.deepEqual(ROWS.map(({ id }) => id).toSorted(), [
    'connect.421-on-shutdown',
    'connect.listens',
    'connect.no-premature-close',
    'greeting.421-then-close',
    'greeting.521-behaviour',
    'greeting.521-not-for-policy',
    'greeting.554-503-to-commands',
    'greeting.554-informative',
    'greeting.554-quit-221',
    'greeting.554-waits-for-quit',
    'greeting.code',
    'greeting.name-fqdn',
    'greeting.name-not-literal',
    'greeting.name-resolves',
    'greeting.no-early-5xx-other',
    'greeting.present',
    'greeting.syntax',
    'mx.greeting-family-parity',
  ]);
});
