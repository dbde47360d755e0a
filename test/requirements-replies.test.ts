// The rows that read replies, where their tables are subtle: what counts once and what twice, which session shows what,
// and which code belongs to which command. The ordinary cases are scenarios.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attempt, Exchange } from '../src/evidence/transcript.js';
import { CATALOGUE } from '../src/requirements/index.js';
import type { Finding } from '../src/requirements/requirement.js';
import type { Script } from '../src/smtp/script.js';
import { attempt, endpoint, evidence } from './support/evidence-builder.js';

type Connection = Attempt | readonly string[];

function judge(id: string, connections: readonly Connection[]): Finding {
  const row = CATALOGUE.find((each) => each.id === id);
  if (row?.scope !== 'endpoint') throw new Error(`no row ${id} about endpoints`);
  const place = endpoint(connections);
  return row.judge(place, evidence([place]));
}

/** A verdict in short: "pass", "fail malformed". */
const short = (finding: Finding): string =>
  'cause' in finding ? `${finding.verdict} ${finding.cause}` : finding.verdict;

interface Case {
  readonly is: string;
  readonly where: string;
  readonly seen: readonly Connection[];
}

function cases(id: string, ...all: readonly Case[]): void {
  for (const { is, where, seen } of all) {
    test(`${id} is ${is} ${where}`, () => {
      const finding = judge(id, seen);
      assert.equal(short(finding), is, finding.because);
    });
  }
}

const OPEN = ['S: 220 mx.example.org ESMTP', 'C: EHLO probe.example', 'S: 250 mx.example.org'];
const WITH_CODES = [
  'S: 220 mx.example.org ESMTP',
  'C: EHLO probe.example',
  'S: 250-mx.example.org',
  'S: 250 ENHANCEDSTATUSCODES',
];
const MAIL = ['C: MAIL FROM:<>', 'S: 250 2.1.0 Ok'];
const RCPT = 'C: RCPT TO:<Postmaster@example.org>';
const QUIT = ['C: QUIT', 'S: 221 2.0.0 Bye'];

/** A session with one command and its reply. */
const after = (command: string, ...reply: readonly string[]): readonly string[] => [
  ...OPEN,
  `C: ${command}`,
  ...reply.map((line) => `S: ${line}`),
  ...QUIT,
];
const SCRIPT: Script = { from: 'hello', steps: [] };
const scripted = (lines: readonly string[]): Attempt =>
  attempt(lines, { plan: { purpose: 'script', scripts: [SCRIPT] } });

const EXTRA = [...OPEN, ...MAIL, RCPT, 'stray 250 again', 'leave'];
const SHUTDOWN = [...OPEN, ...MAIL, RCPT, 'stray 421 bye'];
const silentAt = (command: string, ms: number): readonly string[] => [
  ...OPEN,
  `C: ${command}`,
  `timeout ${ms}`,
  'leave',
];
cases(
  'reply.one-per-command',
  { is: 'pass', where: 'where each command got one', seen: [after('NOOP', '250 ok')] },
  { is: 'warn sequence', where: 'with one extra reply', seen: [EXTRA, after('NOOP', '250 ok')] },
  { is: 'fail sequence', where: 'with one in each of two sessions', seen: [EXTRA, EXTRA] },
  { is: 'pass', where: 'behind a shutdown, twice', seen: [SHUTDOWN, SHUTDOWN] },
  {
    is: 'fail sequence',
    where: 'where each QUIT got two',
    seen: [
      [...OPEN, 'C: QUIT', 'S: 250 ok', 'linger stray 221 bye'],
      [...OPEN, 'C: QUIT', 'S: 250 ok', 'linger stray 221 bye'],
    ],
  },
  {
    is: 'not-applicable',
    where: 'where a host that opens with 554 says so again while we wait',
    seen: [
      ['S: 554 mx.example.org', 'linger stray 554 still not', 'leave'],
      ['S: 554 mx.example.org', 'linger stray 554 still not', 'leave'],
    ],
  },
  {
    is: 'pass',
    where: 'behind a bare LF of ours, which may be read as two commands',
    seen: [scripted([...OPEN, 'C: NOOP\nNOOP', 'S: 250 ok', 'C: RSET', 'stray 250 ok', 'leave']), OPEN.concat(QUIT)],
  },
  {
    is: 'inconclusive timeout',
    where: 'where we waited for less than the RFC says',
    seen: [silentAt('RSET', 30_000), silentAt('RSET', 30_000)],
  },
  { is: 'inconclusive timeout', where: 'where it was silent once', seen: [silentAt('RSET', 300_000)] },
  {
    is: 'fail sequence',
    where: 'where it was silent for 5 minutes at the same command, twice',
    seen: [silentAt('RSET', 300_000), silentAt('RSET', 300_000)],
  },
  {
    is: 'inconclusive timeout',
    where: 'where it was silent at different commands',
    seen: [silentAt('RSET', 300_000), silentAt('MAIL FROM:<>', 300_000)],
  },
  { is: 'inconclusive timeout', where: 'without an opening', seen: [['timeout']] },
);

cases(
  'reply.code-format',
  { is: 'fail malformed', where: 'where a reply has no code', seen: [[...OPEN, 'C: RSET', 'garbage ok then']] },
  { is: 'inconclusive cut-off', where: 'where the opening is none of SMTP', seen: [['garbage SSH-2.0-x']] },
  { is: 'pass', where: 'with a code that stands alone', seen: [after('RSET', '250')] },
  { is: 'fail malformed', where: 'with a tab behind the code', seen: [after('RSET', '250\tok')] },
);

cases(
  'reply.first-digit',
  { is: 'fail wrong-code', where: 'with 199', seen: [after('NOOP', '199 well')] },
  { is: 'fail wrong-code', where: 'on a line that is not the last', seen: [after('NOOP', '150-a', '250 b')] },
  { is: 'pass', where: 'with 571', seen: [after('RSET', '571 no')] },
);
cases(
  'reply.second-digit',
  { is: 'warn wrong-code', where: 'with 571', seen: [after('RSET', '571 no')] },
  { is: 'pass', where: 'with 650', seen: [after('RSET', '650 no')] },
);

const OFFERS_TLS = ['S: 220 mx.example.org', 'C: EHLO probe.example', 'S: 250-mx.example.org', 'S: 250 STARTTLS'];
cases(
  'reply.codes-listed',
  { is: 'pass', where: 'with 556', seen: [after('RCPT TO:<a@example.org>', '556 no')] },
  { is: 'warn wrong-code', where: 'with 454, STARTTLS not on offer', seen: [after('STARTTLS', '454 not now')] },
  { is: 'pass', where: 'with 454 to STARTTLS', seen: [[...OFFERS_TLS, 'C: STARTTLS', 'S: 454 not now', ...QUIT]] },
  { is: 'warn wrong-code', where: 'with 535, AUTH not on offer', seen: [after('RSET', '535 no')] },
);

cases(
  'reply.codes-per-command',
  { is: 'warn wrong-code', where: 'with 554 to RCPT', seen: [after('RCPT TO:<a@example.org>', '554 no')] },
  { is: 'pass', where: 'with 530 to MAIL', seen: [after('MAIL FROM:<>', '530 5.7.0 STARTTLS first')] },
  { is: 'warn wrong-code', where: 'with 530 to NOOP', seen: [after('NOOP', '530 5.7.0 STARTTLS first')] },
  { is: 'pass', where: 'with 501 to anything', seen: [after('RSET', '501 no')] },
  { is: 'pass', where: 'with 421 to anything', seen: [[...OPEN, 'C: RSET', 'S: 421 bye']] },
  { is: 'warn wrong-code', where: 'with 250 to QUIT', seen: [[...OPEN, 'C: QUIT', 'S: 250 ok', 'quiet 1000']] },
  { is: 'warn wrong-code', where: 'with 503 to RSET', seen: [after('RSET', '503 no')] },
  { is: 'pass', where: 'with 503 to RSET among errors of ours', seen: [scripted(after('RSET', '503 no'))] },
  { is: 'pass', where: 'with 555 to a parameter of ours', seen: [scripted(after('MAIL FROM:<> X=1', '555 no'))] },
  { is: 'pass', where: 'with 571 to a line that is no command', seen: [scripted(after('MAIL FROM: <>', '571 no'))] },
  { is: 'pass', where: 'with 571 to an unknown verb', seen: [scripted(after('XYZZY', '571 no'))] },
  { is: 'pass', where: 'with 553 to a bad EHLO', seen: [scripted(after('EHLO bad_name', '553 no'))] },
  {
    is: 'inconclusive out-of-turn',
    where: 'in a session that lost step',
    seen: [[...OPEN, RCPT, 'S: 554 no', 'C: QUIT', 'stray 221 bye', 'leave']],
  },
  {
    is: 'not-applicable',
    where: 'behind 554',
    seen: [
      ['S: 554 mx.example.org', 'C: NOOP', 'S: 554 no', ...QUIT],
      ['S: 554 mx.example.org', ...QUIT],
    ],
  },
);

/** The connection with its time-out in the middle of a reply. */
function withPartial(connection: readonly string[], partial: string): Attempt {
  const whole = attempt(connection);
  const exchanges = whole.exchanges.map((exchange): Exchange =>
    exchange.act === 'command' && exchange.outcome.kind === 'timeout'
      ? { ...exchange, outcome: { ...exchange.outcome, partial } }
      : exchange,
  );
  return { ...whole, exchanges };
}
const unfinished = (ms: number, partial = '250-one\r\n250-two\r\n'): Attempt =>
  withPartial(silentAt('RSET', ms), partial);
cases(
  'reply.multiline-format',
  { is: 'inconclusive timeout', where: 'with a reply that does not end soon', seen: [unfinished(30_000)] },
  { is: 'inconclusive timeout', where: 'with one that does not end, once', seen: [unfinished(300_000)] },
  {
    is: 'fail malformed',
    where: 'with one that never ends, twice',
    seen: [unfinished(300_000), unfinished(300_000)],
  },
  {
    is: 'pass',
    where: 'where time runs out within a line',
    seen: [unfinished(300_000, '250-one\r\n25'), unfinished(300_000, '250-one\r\n25')],
  },
);
cases(
  'reply.multiline-same-code',
  { is: 'fail malformed', where: 'with two codes', seen: [after('RSET', '250-a', '550 b')] },
  { is: 'pass', where: 'where a shutdown cuts in', seen: [[...OPEN, 'C: RSET', 'S: 250-a', 'S: 421 bye']] },
);

cases(
  'reply.crlf',
  { is: 'warn malformed', where: 'with a CR in a text', seen: [after('RSET', '250 a\rb')] },
  { is: 'warn malformed', where: 'with CR CR LF', seen: [after('RSET', '250 a\r')] },
  { is: 'fail malformed', where: 'where CR alone ends a line', seen: [after('RSET', '250-a\r250 b', '250 c')] },
);

const UTF8 = ['C: MAIL FROM:<> SMTPUTF8', 'S: 250 ok'];
cases(
  'reply.ascii',
  { is: 'warn malformed', where: 'with an octet above 127', seen: [after('RSET', '250 gr\u{fc}n')] },
  { is: 'pass', where: 'with a tab', seen: [after('RSET', '250 a\tb')] },
  {
    is: 'pass',
    where: 'with such an octet in 251 under SMTPUTF8',
    seen: [[...OPEN, ...UTF8, RCPT, 'S: 251 <\u{fc}@a.example>', ...QUIT]],
  },
  { is: 'warn malformed', where: 'with one in 251 otherwise', seen: [after('RSET', '251 <\u{fc}@a.example>')] },
  {
    is: 'pass',
    where: 'where it repeats what we said',
    seen: [after('RCPT TO:<postmaster@\u{fc}.example>', '553 <postmaster@\u{fc}.example> no')],
  },
);

cases(
  'reply.221-421-domain',
  { is: 'pass', where: 'with a name', seen: [[...OPEN, 'C: QUIT', 'S: 221 mx.example.org bye']] },
  { is: 'pass', where: 'without one, which is recorded', seen: [[...OPEN, 'C: QUIT', 'S: 221 Bye']] },
  { is: 'not-applicable', where: 'where nothing of the kind was said', seen: [[...OPEN, 'C: QUIT', 'close']] },
);

const underCodes = (command: string, ...reply: readonly string[]): readonly string[] => [
  ...WITH_CODES,
  `C: ${command}`,
  ...reply.map((line) => `S: ${line}`),
  ...QUIT,
];
cases(
  'esc.present',
  { is: 'warn malformed', where: 'without one', seen: [underCodes('RSET', '250 ok')] },
  { is: 'pass', where: 'with one that is badly written', seen: [underCodes('RSET', '250 2.00.0 ok')] },
  { is: 'pass', where: 'without one in 354', seen: [underCodes('DATA', '354 go')] },
  { is: 'not-applicable', where: 'where none are offered', seen: [after('RSET', '250 ok')] },
  {
    is: 'not-applicable',
    where: 'where TLS began anew without them',
    seen: [
      [...WITH_CODES.slice(0, 3), 'S: 250 STARTTLS', 'C: STARTTLS', 'S: 220 go', 'handshake secured', ...OPEN.slice(1)],
    ],
  },
);
cases(
  'esc.class-matches',
  { is: 'warn wrong-code', where: 'with 550 4.7.1', seen: [after('RSET', '550 4.7.1 no')] },
  { is: 'warn wrong-code', where: 'on the second line', seen: [after('RSET', '550-5.7.1 no', '550 4.7.1 no')] },
  {
    is: 'not-applicable',
    where: 'where there is none',
    seen: [[...OPEN, 'C: QUIT', 'S: 221 bye']],
  },
);
cases(
  'esc.syntax',
  { is: 'warn malformed', where: 'with four digits', seen: [underCodes('RSET', '250 2.1000.0 ok')] },
  { is: 'warn malformed', where: 'with another class', seen: [underCodes('RSET', '250 3.0.0 ok')] },
  { is: 'pass', where: 'with an address in its place', seen: [underCodes('RSET', '250 192.0.2.1 ok')] },
  { is: 'pass', where: 'with a date, where no codes are offered', seen: [after('RSET', '250 22.11.2026 it is')] },
);
cases(
  'esc.mailbox-full-transient',
  { is: 'warn mailbox-full', where: 'with 552 5.2.2', seen: [[...OPEN, ...MAIL, RCPT, 'S: 552 5.2.2 full', ...QUIT]] },
  { is: 'pass', where: 'with 452 4.2.2', seen: [[...OPEN, ...MAIL, RCPT, 'S: 452 4.2.2 full', ...QUIT]] },
);

const slow = (ms: number): readonly string[] => [...OPEN, ...MAIL, RCPT, `S ${ms}: 250 ok`, ...QUIT];
cases(
  'timeouts.rcpt-delay',
  { is: 'pass', where: 'after 60 s', seen: [slow(60_000)] },
  { is: 'warn timeout', where: 'after more', seen: [slow(60_001)] },
  {
    is: 'inconclusive timeout',
    where: 'where we waited 30 s',
    seen: [[...OPEN, ...MAIL, RCPT, 'timeout 30000', 'leave']],
  },
  {
    is: 'warn timeout',
    where: 'after 5 minutes without a reply, twice',
    seen: [
      [...OPEN, ...MAIL, RCPT, 'timeout 300000', 'leave'],
      [...OPEN, ...MAIL, RCPT, 'timeout 300000', 'leave'],
    ],
  },
  { is: 'inconclusive unreachable', where: 'where nothing listens', seen: [['refused']] },
);

const closedAtMail = [...OPEN, 'C: MAIL FROM:<>', 'close'];
cases(
  'mail.refusal-class',
  { is: 'fail wrong-code', where: 'with 354', seen: [after('MAIL FROM:<>', '354 go')] },
  { is: 'pass', where: 'with 5yz', seen: [after('MAIL FROM:<>', '550 no')] },
  { is: 'inconclusive cut-off', where: 'where it was closed once', seen: [closedAtMail] },
  { is: 'fail closed-early', where: 'where it was closed twice', seen: [closedAtMail, closedAtMail] },
  {
    is: 'inconclusive cut-off',
    where: 'where a group was closed at, twice',
    seen: [
      [...OPEN, 'C: MAIL FROM:<>', RCPT, 'close'],
      [...OPEN, 'C: MAIL FROM:<>', RCPT, 'close'],
    ],
  },
  {
    is: 'inconclusive cut-off',
    where: 'where it was reset twice',
    seen: [
      [...OPEN, 'C: MAIL FROM:<>', 'reset'],
      [...OPEN, 'C: MAIL FROM:<>', 'reset'],
    ],
  },
);

const refused = (text: string): readonly Connection[] => [[...OPEN, ...MAIL, RCPT, `S: ${text}`, ...QUIT]];
cases(
  'ehlo.no-verify-reject',
  {
    is: 'fail client-refused',
    where: 'for a mismatch',
    seen: refused('550 EHLO argument does not match calling host'),
  },
  { is: 'fail client-refused', where: 'for the reverse DNS', seen: refused('550 your HELO does not match your rDNS') },
  { is: 'fail client-refused', where: 'in one word', seen: refused('550 5.7.1 HELO/IP mismatch') },
  { is: 'warn transient-negative', where: 'for now', seen: refused('450 HELO does not resolve to your address') },
  { is: 'warn client-refused', where: 'for no such name', seen: refused('550 Helo command rejected: Host not found') },
  {
    is: 'warn client-refused',
    where: 'for a short name',
    seen: refused('504 Helo command rejected: need fully-qualified hostname'),
  },
  { is: 'pass', where: 'for SPF of the name', seen: refused('550 SPF: HELO probe.example does not match policy') },
  { is: 'pass', where: 'for another reason', seen: refused('550 Helo command rejected: Access denied') },
  { is: 'pass', where: 'where EHLO is only asked for', seen: refused('503 send EHLO first') },
  {
    is: 'pass',
    where: 'for a name of a script that is not ours',
    seen: [scripted(after('EHLO other.example', '550 EHLO does not match your address'))],
  },
);

cases(
  'policy.refusal-550',
  { is: 'warn wrong-code', where: 'with 554', seen: refused('554 5.7.1 blocked using bl.example') },
  { is: 'pass', where: 'with 550', seen: refused('550 5.7.1 blocked using bl.example') },
  { is: 'pass', where: 'with 554 for no reason', seen: refused('554 no') },
  { is: 'pass', where: 'with 553 for the address of the sender', seen: refused('553 5.1.8 sender domain unknown') },
  { is: 'pass', where: 'for refused relaying', seen: refused('554 5.7.1 Relay access denied') },
  {
    is: 'warn wrong-code',
    where: 'to EHLO with 554',
    seen: [['S: 220 mx.example.org', 'C: EHLO probe.example', 'S: 554 blocked using bl.example', ...QUIT]],
  },
  {
    is: 'pass',
    where: 'where the argument of EHLO is not acceptable',
    seen: [['S: 220 mx.example.org', 'C: EHLO [192.0.2.2]', 'S: 501 HELO requires domain address', ...QUIT]],
  },
  {
    is: 'pass',
    where: 'of errors made on purpose',
    seen: [...refused('550 no'), scripted(after('MAIL FROM:<probe>', '553 5.5.4 sender address rejected'))],
  },
);

cases(
  'limits.too-many-452',
  {
    is: 'warn wrong-code',
    where: 'with 550',
    seen: [[...OPEN, 'C: MAIL FROM:<a@b.example>', 'S: 250 ok', RCPT, 'S: 550 too many recipients', ...QUIT]],
  },
  { is: 'pass', where: 'of a null sender', seen: refused('550 5.5.3 too many recipients') },
);

cases(
  'rcpt.251-disclosure',
  { is: 'warn malformed', where: 'with 551 alone', seen: refused('551 not here') },
  { is: 'pass', where: 'with an address', seen: refused('551 not here, try <a@b.example>') },
);
