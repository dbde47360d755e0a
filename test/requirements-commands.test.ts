// The rows about commands: what the scenarios do not tell, in transcripts of a few lines.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attempt } from '../src/evidence/transcript.js';
import { CATALOGUE } from '../src/requirements/index.js';
import type { Finding } from '../src/requirements/requirement.js';
import { fillScript } from '../src/requirements/script-fill.js';
import { scriptContextOf } from '../src/requirements/script-run.js';
import { attempt, endpoint, evidence } from './support/evidence-builder.js';

const GREETED = ['S: 220 mx.example.org ESMTP', 'C: EHLO probe.example', 'S: 250 mx.example.org'];

function rowOf(id: string): Extract<(typeof CATALOGUE)[number], { scope: 'endpoint' }> {
  const row = CATALOGUE.find((each) => each.id === id);
  if (row?.scope !== 'endpoint') throw new Error(`no row ${id} about endpoints`);
  return row;
}

/** A connection in which the script of a row got these lines, behind so many other commands that were refused. */
function played(id: string, lines: readonly string[], company = 0, host = 'mx.example.org'): Attempt {
  const need = rowOf(id).needs.find(({ ask }) => ask === 'script');
  const place = endpoint([], { host });
  const script = need?.ask === 'script' ? fillScript(need.script, scriptContextOf(place, evidence([place]))) : null;
  if (script === null) throw new Error(`${id} has no script that can be filled`);
  const head = script.from === 'hello' ? GREETED : GREETED.slice(0, 1);
  const before = Array.from({ length: company }, () => ['C: XPMC-OTHER', 'S: 500 what']).flat();
  const built = attempt([...head, ...before, ...lines], {
    plan: { purpose: 'script', scripts: company > 0 ? [{ from: 'hello', steps: [] }, script] : [script] },
  });
  const numbered = head.length === 1 ? 1 : 2;
  const exchanges = built.exchanges.map((exchange, at) => {
    if (exchange.act === 'opening' || exchange.act === 'leave' || at < numbered) return exchange;
    return { ...exchange, script: company > 0 && at >= numbered + company ? 1 : 0 };
  });
  return { ...built, exchanges };
}

const short = (finding: Finding): string =>
  'cause' in finding ? `${finding.verdict} ${finding.cause}` : finding.verdict;

function is(expected: string, id: string, where: string, ...attempts: readonly (Attempt | readonly string[])[]): void {
  test(`${id} is ${expected} ${where}`, () => {
    const place = endpoint(attempts);
    const finding = rowOf(id).judge(place, evidence([place]));
    assert.equal(short(finding), expected, finding.because);
  });
}

/** The same connection twice: what accuses has to be seen again. */
function twice(expected: string, id: string, where: string, ...lines: readonly string[]): void {
  is(expected, id, where, played(id, lines), played(id, lines));
}

const LF = 'C: NOOP\nNOOP';
const OK = 'S: 250 OK';
twice('pass', 'command.bare-lf', 'where one reply comes and no more', LF, 'S: 500 what?', 'linger quiet 5000');
twice('pass', 'command.bare-lf', 'where the whole line is one NOOP', LF, OK, 'linger quiet 5000');
twice(
  'pass',
  'command.bare-lf',
  'where the LF is refused twice',
  LF,
  'S: 550 5.5.2 bare <LF>',
  'linger stray 550 again',
);
twice('pass', 'command.bare-lf', 'where a refusal is followed by a close', LF, 'S: 500 what?', 'linger close 10');
twice('fail malformed', 'command.bare-lf', 'where two replies come', LF, OK, 'linger stray 250 OK', 'leave');
is(
  'inconclusive out-of-turn',
  'command.bare-lf',
  'where two replies came once',
  played('command.bare-lf', [LF, OK, 'linger stray 250 OK']),
);
twice('inconclusive out-of-turn', 'command.bare-lf', 'where the second reply is a 421', LF, OK, 'linger stray 421 bye');
twice('inconclusive cut-off', 'command.bare-lf', 'where a close follows a 250', LF, OK, 'linger close 10');
twice('inconclusive cut-off', 'command.bare-lf', 'where no reply comes', LF, 'close');
twice(
  'inconclusive client-refused',
  'command.bare-lf',
  'where the host complains of pipelining',
  LF,
  'S: 500 5.5.1 Invalid command: Pipelining not supported',
  'linger close 10',
);

const ODD = 'C: XPMC-NOSUCH';
const ID = 'command.unknown-no-close';
is('warn closed-early', ID, 'where the only error of a session ends it', played(ID, [ODD, 'S: 421 enough']));
is('inconclusive cut-off', ID, 'where the second error of a session ends it', played(ID, [ODD, 'S: 421 enough'], 1));
is(
  'warn closed-early',
  ID,
  'where a 421 follows the 500 at once',
  played(ID, [ODD, 'S: 500 what', 'C: NOOP', 'stray 421 too many errors']),
);
twice('fail closed-early', ID, 'where the close stands in place of the reply', ODD, 'close');
twice(
  'inconclusive client-refused',
  ID,
  'where the host blames this client',
  ODD,
  'S: 554 5.7.1 Your host is on a blacklist',
  'C: NOOP',
  'close',
);
twice('pass', ID, 'where the session goes on', ODD, 'S: 450 later', 'C: NOOP', OK);
is(
  'inconclusive cut-off',
  'command.unknown-500',
  'where the session ends in place of a reply',
  played(ID, [ODD, 'close']),
);

const SOURCE = 'postmaster.source-route';
const routed = (reply: string, plain = OK): readonly string[] => [
  'C: MAIL FROM:<>', OK, 'C: RCPT TO:<Postmaster@example.org>', plain, 'C: RSET', OK,
  'C: MAIL FROM:<>', OK, 'C: RCPT TO:<@mx.example.org:Postmaster@example.org>', `S: ${reply}`, 'C: RSET', OK,
]; // prettier-ignore
twice('pass', SOURCE, 'where the route is ignored', ...routed('250 ok'));
twice('pass', SOURCE, 'where it is declined as routing', ...routed('553 source routing not supported here'));
twice('pass', SOURCE, 'where it is declined as relaying', ...routed('550 5.7.1 Relaying denied'));
twice('pass', SOURCE, 'where it is declined without a reason', ...routed('554 no'));
twice('fail syntax', SOURCE, 'where the address is called malformed', ...routed('501 malformed address'));
twice('fail syntax', SOURCE, 'where 5.1.3 says so', ...routed('550 5.1.3 bad address'));
twice('warn no-mailbox', SOURCE, 'where the route is taken for a mailbox', ...routed('550 5.1.1 User unknown'));
twice('inconclusive transient-negative', SOURCE, 'where it is refused for now', ...routed('450 later'));
twice('not-applicable', SOURCE, 'where the plain word is refused as well', ...routed('501 bad', 'S: 550 5.1.1 no'));
test(`${SOURCE} is not-applicable where the mail host has no name`, () => {
  const host = '192.0.2.1';
  const place = endpoint([played(SOURCE, routed('501 bad'), 0, host)], { host });
  assert.equal(rowOf(SOURCE).judge(place, evidence([place])).verdict, 'not-applicable');
});

const SESSION = [...GREETED, 'C: NOOP', OK];
const quitting = (...lines: readonly string[]): readonly string[] => [...SESSION, 'C: QUIT', ...lines];
is('pass', 'quit.221', 'where one session has it and another was lost', quitting('S: 221 bye'), quitting('timeout'));
is('fail closed-early', 'quit.221', 'where two sessions end without it', quitting('close'), quitting('reset'));
is('inconclusive cut-off', 'quit.221', 'where one session ends without it', quitting('close'));
is('warn wrong-code', 'quit.221', 'where another 2yz comes', quitting('S: 250 bye'), quitting('S: 221 bye'));
is('inconclusive out-of-turn', 'quit.221', 'where it is refused once', quitting('S: 500 what'), quitting('S: 221 bye'));
is('fail wrong-code', 'quit.221', 'where it is refused twice', quitting('S: 500 what'), quitting('S: 500 what'));
const REFUSED = [...GREETED, 'C: MAIL FROM:<>', 'S: 550 no', 'C: QUIT', 'close'];
is('inconclusive cut-off', 'quit.221', 'where a refusal may be the reason of the close', REFUSED, REFUSED);
const ODDLY_OPENED = ['S: 554 no service', 'C: QUIT', 'S: 500 what'];
is('not-applicable', 'quit.221', 'where all sessions are refused', ODDLY_OPENED, ODDLY_OPENED);

const resetting = (reply: string): readonly string[] => [...GREETED, 'C: RSET', reply, 'C: QUIT', 'S: 221 bye'];
const EARLY = ['S: 220 mx.example.org', 'C: RSET', 'S: 503 say EHLO first', 'C: QUIT', 'S: 221 bye'];
is('pass', 'rset.250', 'whatever it got before EHLO', resetting(OK), EARLY, EARLY);
is('pass', 'rset.250', 'where a session ends with 421 at it', [...GREETED, 'C: RSET', 'S: 421 bye'], resetting(OK));
is('inconclusive client-refused', 'rset.250', 'where it only got 421', [...GREETED, 'C: RSET', 'S: 421 bye']);
is(
  'fail wrong-code',
  'rset.250',
  'where it is refused in two sessions',
  resetting('S: 503 no'),
  resetting('S: 503 no'),
);
is(
  'inconclusive needs-tls',
  'rset.250',
  'where TLS is demanded',
  resetting('S: 530 5.7.0 Must issue a STARTTLS command first'),
);
is(
  'inconclusive out-of-turn',
  'rset.250',
  'where the session has its limit',
  resetting('S: 554 Too many nonmail commands'),
  resetting('S: 554 Too many nonmail commands'),
);

const verifying = (reply: string): readonly string[] => [
  ...GREETED,
  'C: VRFY Postmaster',
  reply,
  'C: QUIT',
  'S: 221 bye',
];
const SET = 'command.minimum-set';
is('fail wrong-code', SET, 'where VRFY is unknown twice', verifying('S: 500 what'), verifying('S: 502 no such'));
is('inconclusive out-of-turn', SET, 'where VRFY is unknown once', verifying('S: 502 5.5.1 disabled'));
is('inconclusive not-asked', SET, 'where VRFY is known once', verifying('S: 502 disabled'), verifying('S: 252 try'));
is(
  'inconclusive not-asked',
  SET,
  'where a line is too long',
  verifying('S: 500 Line too long'),
  verifying('S: 500 Line too long'),
);
is(
  'inconclusive not-asked',
  SET,
  'where an argument is missed',
  verifying('S: 501 what'),
  verifying('S: 500 5.5.4 no such argument'),
);

const CLOSING: readonly (readonly [string, readonly string[]])[] = [
  ['command.unknown-no-close', ['C: XPMC-NOSUCH', 'close']],
  ['rset.no-close', ['C: RSET', 'close']],
  ['mail.bad-argument', ['C: MAIL FROM:<unclosed@probe.example', 'close']],
  ['limits.command-line-512', [`C: NOOP ${'x'.repeat(504)}`, 'close']],
];
for (const [id, lines] of CLOSING) {
  const runs = [played(id, lines), played(id, lines)];
  is('fail closed-early', id, 'where nothing else is closed at', ...runs);
  is('inconclusive cut-off', id, 'where NOOP is closed at as well', ...runs, [...GREETED, 'C: NOOP', 'close']);
}
is(
  'inconclusive cut-off',
  'command.unknown-no-close',
  'where 421 ends other sessions too',
  played('command.unknown-no-close', ['C: XPMC-NOSUCH', 'S: 421 closing']),
  [...GREETED, 'C: NOOP', 'S: 421 closing'],
);
const UNWANTED = ['C: MAIL FROM:<unclosed@probe.example', 'S: 550 Rejected', 'C: NOOP', 'close'];
is(
  'inconclusive cut-off',
  'mail.bad-argument',
  'where every MAIL is refused',
  played('mail.bad-argument', UNWANTED),
  played('mail.bad-argument', UNWANTED),
  [...GREETED, 'C: MAIL FROM:<>', 'S: 550 Rejected', 'close'],
);
twice(
  'inconclusive client-refused',
  'mail.bad-argument',
  'where this client is refused, and closed at',
  'C: MAIL FROM:<unclosed@probe.example',
  'S: 554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org',
  'C: NOOP',
  'close',
);
const ENOUGH = [...GREETED, 'C: NOOP', 'S: 250 OK', 'C: RSET', 'S: 503 5.5.1 Too many commands'];
is('inconclusive out-of-turn', 'rset.250', 'where it is one command too many', ENOUGH, ENOUGH);
is(
  'inconclusive client-refused',
  'limits.domain-255',
  'where the name is refused for the DNS',
  [...GREETED, 'C: QUIT', 'S: 221 bye'],
  played('limits.domain-255', [`C: EHLO ${'x'.repeat(239)}.probe.example`, 'S: 501 HELO name does not resolve']),
);

/** The one message, and what its end got. */
const message = (last: string): readonly string[] =>
  ['C: MAIL FROM:<>', 'S: 250 ok', 'C: RCPT TO:<Postmaster@example.org>', 'S: 250 ok', 'C: DATA', 'S: 354 go', 'C: .', last]; // prettier-ignore
const SENT: readonly (readonly [string, string, string])[] = [
  ['postmaster.deliver', 'fail no-mailbox', '550 Unknown user'],
  ['postmaster.deliver', 'warn client-refused', '550 Sender verify failed: unknown user'],
  ['limits.message-64k', 'fail wrong-code', '552 Message size exceeds the limit'],
  ['limits.message-64k', 'inconclusive client-refused', '552 5.2.2 Over quota'],
  ['limits.message-64k', 'inconclusive client-refused', '550 Spam score exceeds the threshold'],
];
for (const [id, expected, reply] of SENT) is(expected, id, `behind ${reply}`, played(id, message(`S: ${reply}`)));
