// The rows about EHLO, HELO, STARTTLS, SIZE and SMTPUTF8: what their tables say beyond the scenarios.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attempt, EndpointEvidence } from '../src/evidence/transcript.js';
import { greetingName } from '../src/requirements/2.3.5-greeting-name.js';
import { CATALOGUE } from '../src/requirements/index.js';
import type { Finding } from '../src/requirements/requirement.js';
import { fillScript } from '../src/requirements/script-fill.js';
import { scriptContextOf } from '../src/requirements/script-run.js';
import { say, type Script } from '../src/smtp/script.js';
import { attempt, endpoint, evidence, reply, type AttemptOptions } from './support/evidence-builder.js';

const rowOf = (id: string): (typeof CATALOGUE)[number] => {
  const row = CATALOGUE.find((each) => each.id === id);
  if (row === undefined) throw new Error(`no row ${id}`);
  return row;
};

function judge(id: string, place: EndpointEvidence): Finding {
  const row = rowOf(id);
  if (row.scope !== 'endpoint') throw new Error(`${id} is not about endpoints`);
  return row.judge(place, evidence([place]));
}

/** A verdict in short: "pass", "fail closed-early", "inconclusive cut-off". */
const short = (finding: Finding): string =>
  'cause' in finding ? `${finding.verdict} ${finding.cause}` : finding.verdict;

const GREETING = 'S: 220 mx.example.org ESMTP';
const BYE = ['C: QUIT', 'S: 221 bye'];
const EHLO = ['C: EHLO probe.example', 'S: 250-mx.example.org', 'S: 250-8BITMIME', 'S: 250 SIZE 10240000'];

/** An ordinary session whose EHLO is answered so. */
const greeted = (answer: readonly string[], greeting = GREETING): readonly string[] => [
  greeting,
  'C: EHLO probe.example',
  ...answer.map((line) => `S: ${line}`),
  ...BYE,
];
const HELO: AttemptOptions = { plan: { purpose: 'helo', hello: 'HELO' } };

interface Answer {
  readonly id: string;
  readonly is: string;
  readonly where: string;
  readonly ehlo: readonly string[];
  readonly greeting?: string;
}

const NAME = 'ehlo.name-fqdn';
const SYNTAX = 'ehlo.response-syntax';
const ANSWERS: readonly Answer[] = [
  { id: NAME, is: 'pass', where: 'the name is that of the greeting, in capitals', ehlo: ['250 MX.Example.Org Hello'] },
  { id: NAME, is: 'fail bad-name', where: 'it is localhost', ehlo: ['250 localhost'] },
  { id: NAME, is: 'fail bad-name', where: 'a label greets us by our name', ehlo: ['250 mail1 Hello probe.example'] },
  { id: NAME, is: 'not-applicable', where: 'a word stands alone', ehlo: ['250-Greetings', '250 HELP'] },
  { id: NAME, is: 'not-applicable', where: 'it greets without a name', ehlo: ['250 Hello probe.example, nice'] },
  { id: NAME, is: 'not-applicable', where: 'a sentence greets us', ehlo: ['250 Well hello probe.example'] },
  { id: NAME, is: 'not-applicable', where: 'a sentence begins like the name', ehlo: ['250 mx mail gateway'] },
  { id: NAME, is: 'fail bad-name', where: 'it is the first label of the name', ehlo: ['250 mx'] },
  { id: NAME, is: 'fail bad-name', where: 'that label greets', ehlo: ['250 mx Hello [192.0.2.200]'] },
  { id: NAME, is: 'not-applicable', where: 'our own name stands first', ehlo: ['250 probe.example Hello'] },
  { id: NAME, is: 'warn bad-name', where: 'it greeted by another name', ehlo: ['250 mx2.example.org'] },
  { id: NAME, is: 'pass', where: 'it greeted by none', ehlo: ['250 mx2.example.org'], greeting: 'S: 220 ESMTP' },
  { id: NAME, is: 'pass', where: 'it is a literal', ehlo: ['250 [192.0.2.1]'], greeting: 'S: 220 ESMTP' },
  { id: SYNTAX, is: 'pass', where: 'there is text behind the domain', ehlo: ['250 mx.example.org Hello, you  there'] },
  { id: SYNTAX, is: 'pass', where: 'keywords have parameters', ehlo: ['250-mx.example.org', '250 AUTH PLAIN X=1;2'] },
  { id: SYNTAX, is: 'pass', where: 'the last line is OK', ehlo: ['250-mx.example.org', '250 OK'] },
  { id: SYNTAX, is: 'warn malformed', where: 'it greets without a name', ehlo: ['250 Hello probe.example'] },
  { id: SYNTAX, is: 'warn malformed', where: 'a keyword stands first', ehlo: ['250-PIPELINING', '250 HELP'] },
  { id: SYNTAX, is: 'warn malformed', where: 'the first line ends in a space', ehlo: ['250 mx.example.org '] },
  { id: SYNTAX, is: 'warn malformed', where: 'it is AUTH=', ehlo: ['250-mx.example.org', '250 AUTH=LOGIN'] },
  { id: SYNTAX, is: 'warn malformed', where: 'a line is empty', ehlo: ['250-mx.example.org', '250-', '250 HELP'] },
  { id: SYNTAX, is: 'warn malformed', where: 'two spaces part words', ehlo: ['250-mx.example.org', '250 SIZE  1'] },
  { id: SYNTAX, is: 'warn malformed', where: 'a line has 8 bits', ehlo: ['250-mx.example.org', '250 SIZE \xfc'] },
  { id: 'ehlo.keyword-registered', is: 'pass', where: 'X leads', ehlo: ['250-mx.example.org', '250 xclient NAME'] },
  { id: 'ehlo.keyword-registered', is: 'warn malformed', where: 'OK ends it', ehlo: ['250-mx.example.org', '250 OK'] },
  { id: 'limits.size-advertised', is: 'pass', where: 'SIZE has no number', ehlo: ['250-mx.example.org', '250 SIZE'] },
  { id: 'limits.size-advertised', is: 'pass', where: 'SIZE is 0', ehlo: ['250-mx.example.org', '250 SIZE 0'] },
  { id: 'limits.size-advertised', is: 'pass', where: 'SIZE is 65536', ehlo: ['250-mx.example.org', '250 SIZE 65536'] },
  { id: 'limits.size-advertised', is: 'fail malformed', where: 'it is less', ehlo: ['250-mx.example.org', '250 SIZE 65535'] },
  { id: 'smtputf8.ehlo-ascii', is: 'not-applicable', where: 'no SMTPUTF8 is offered', ehlo: ['250 mx.b\xc3\xbc.example'] },
  { id: 'smtputf8.ehlo-ascii', is: 'not-applicable', where: 'it is text', ehlo: ['250-Gr\xfc\xdfe', '250 SMTPUTF8'] },
  { id: 'smtputf8.8bitmime', is: 'pass', where: 'letters are small', ehlo: ['250-mx.example.org', '250-smtputf8', '250 8bitmime'] },
  { id: 'ehlo.supported', is: 'inconclusive client-refused', where: 'it is 550', ehlo: ['550 Who are you?'] },
  { id: 'ehlo.supported', is: 'inconclusive transient-negative', where: 'it is 451', ehlo: ['451 Later'] },
  { id: 'ehlo.supported', is: 'inconclusive client-refused', where: 'it blames us', ehlo: ['500 5.7.1 Your IP is listed by a DNSBL'] },
  { id: 'ehlo.8bitmime', is: 'inconclusive transient-negative', where: 'EHLO is refused for now', ehlo: ['451 Later'] },
]; // prettier-ignore

for (const { id, is, where, ehlo, greeting } of ANSWERS) {
  test(`${id} is ${is} where ${where}`, () => {
    const finding = judge(id, endpoint([greeted(ehlo, greeting)]));
    assert.equal(short(finding), is, finding.because);
  });
}

test('8BITMIME and SIZE may be offered in TLS alone', () => {
  const tls = ['C: STARTTLS', 'S: 220 go', 'handshake secured', ...EHLO, ...BYE];
  const place = endpoint([[GREETING, 'C: EHLO probe.example', 'S: 250-mx.example.org', 'S: 250 STARTTLS', ...tls]]);
  assert.deepEqual(
    [short(judge('ehlo.8bitmime', place)), short(judge('limits.size-extension', place))],
    ['pass', 'pass'],
  );
});

/** A host that demands TLS and offers little before it, and what came of the handshake. */
const tlsOnly = (...handshake: readonly string[]): readonly (readonly string[])[] => {
  const before = [GREETING, 'C: EHLO probe.example', 'S: 250-mx.example.org', 'S: 250 STARTTLS'];
  return [
    [...before, 'C: MAIL FROM:<>', 'S: 530 5.7.0 Must issue a STARTTLS command first', ...BYE],
    [...before, 'C: STARTTLS', 'S: 220 go', ...handshake],
  ];
};

test('what a host offers that demands TLS is not known where no EHLO was answered inside', () => {
  const told = (...handshake: readonly string[]): readonly string[] =>
    ['ehlo.8bitmime', 'limits.size-extension'].map((id) => short(judge(id, endpoint(tlsOnly(...handshake)))));
  assert.deepEqual(told('handshake close'), ['inconclusive needs-tls', 'inconclusive needs-tls']);
  const inside = ['handshake secured', 'C: EHLO probe.example', 'S: 250 mx.example.org', ...BYE];
  assert.deepEqual(told(...inside), ['warn malformed', 'warn malformed']);
});

test('a session that lost step shows nothing of the EHLO reply', () => {
  const place = endpoint([
    [GREETING, 'C: EHLO probe.example', 'S: 250 localhost', 'C: NOOP', 'stray 250 again', 'leave'],
  ]);
  assert.equal(short(judge(NAME, place)), 'inconclusive out-of-turn');
});

test('HELO is judged where it is the first command, and by its continuation lines', () => {
  const helo = (answer: readonly string[]): EndpointEvidence =>
    endpoint([
      greeted(['250 mx.example.org']),
      attempt([GREETING, 'C: HELO probe.example', ...answer.map((line) => `S: ${line}`), ...BYE], HELO),
    ]);
  const told = (id: string, ...answer: readonly string[]): string => short(judge(id, helo(answer)));
  const fallback = 'helo.fallback';
  assert.equal(told(fallback, '502 no'), 'fail wrong-code');
  assert.equal(told(fallback, '530 5.7.0 Must issue a STARTTLS command first'), 'inconclusive client-refused');
  assert.equal(told(fallback, '501 bad name'), 'inconclusive client-refused');
  const behindEhlo = endpoint([
    [GREETING, 'C: EHLO probe.example', 'S: 502 no', 'C: HELO probe.example', 'S: 502 no', ...BYE],
  ]);
  assert.equal(short(judge(fallback, behindEhlo)), 'inconclusive client-refused');
  const lines = 'helo.no-extended-response';
  assert.equal(told(lines, '250-mx.example.org', '250-Send your mail', '250 Help is at hand'), 'pass');
  assert.equal(told(lines, '250-mx.example.org', '250 AUTH PLAIN LOGIN'), 'fail malformed');
  assert.equal(told(lines, '250-mx.example.org', '250 PIPELINING'), 'fail malformed');
});

/** A connection that played a script behind EHLO (or the opening): its lines are those of no other. */
function played(script: Script, place: EndpointEvidence, said: readonly string[]): Attempt {
  const filled = fillScript(script, scriptContextOf(place, evidence([place])));
  if (filled === null) throw new Error('a script that cannot be filled');
  const ordinary = script.from === 'hello' ? EHLO : [];
  const made = attempt([GREETING, ...ordinary, ...said], { plan: { purpose: 'script', scripts: [filled] } });
  const first = script.from === 'hello' ? 2 : 1;
  return {
    ...made,
    exchanges: made.exchanges.map((exchange, at) =>
      at < first || exchange.act === 'opening' || exchange.act === 'leave' ? exchange : { ...exchange, script: 0 },
    ),
  };
}

/** The finding of a row after runs of one of its scripts, each with what was said. */
function afterRuns(id: string, script: Script | undefined, ...runs: readonly (readonly string[])[]): string {
  const need = rowOf(id).needs.find(({ ask }) => ask === 'script');
  const own = script ?? (need?.ask === 'script' ? need.script : undefined);
  if (own === undefined) throw new Error(`${id} has no script`);
  const plain = [GREETING, ...EHLO, ...BYE];
  const place = endpoint([plain]);
  const finding = judge(id, endpoint([plain, ...runs.map((said) => played(own, place, said))]));
  return short(finding);
}

test('EXPN that works and is not announced is a fail where it was seen twice; 252 is that of a disabled one', () => {
  const id = 'ehlo.lists-optional-commands';
  const expn: Script = { from: 'hello', steps: [say('EXPN postmaster')] };
  const help = ['C: HELP', 'S: 502 no'];
  const list = ['C: EXPN postmaster', 'S: 250 <someone@example.org>'];
  const plain = [GREETING, ...EHLO, ...BYE];
  const at = endpoint([plain]);
  const HELP: Script = { from: 'hello', steps: [say('HELP')] };
  const told = (...runs: readonly (readonly string[])[]): Finding =>
    judge(id, endpoint([plain, played(HELP, at, help), ...runs.map((said) => played(expn, at, said))]));
  assert.equal(short(told()), 'pass');
  assert.equal(short(told(['C: EXPN postmaster', 'S: 252 no'])), 'pass');
  assert.equal(short(told(list)), 'inconclusive out-of-turn');
  const finding = told(list, list);
  assert.equal(short(finding), 'fail malformed');
  assert.doesNotMatch(finding.because, /someone/);
});

test('an announced command may be refused by policy, but not as unknown', () => {
  const id = 'ehlo.capabilities-work';
  const vrfy: Script = { from: 'hello', steps: [say('VRFY postmaster')] };
  assert.equal(afterRuns(id, vrfy, ['C: VRFY postmaster', 'S: 502 no']), 'inconclusive not-asked');
});

const OTHERS: readonly (readonly [id: string, is: string, where: string, ...runs: readonly (readonly string[])[]])[] = [
  ['starttls.command', 'warn needs-tls', 'no protocol is common', ['C: STARTTLS', 'S: 220 go', 'handshake ERR_SSL_UNSUPPORTED_PROTOCOL']],
  ['starttls.command', 'inconclusive needs-tls', 'plaintext comes', ['C: STARTTLS', 'S: 220 go', 'handshake ERR_SSL_WRONG_VERSION_NUMBER']],
  ['ehlo.reissue', 'pass', 'it is accepted', ['C: EHLO probe.example', 'S: 250 mx.example.org']],
  ['ehlo.reissue', 'inconclusive client-refused', 'it blames us', ['C: EHLO probe.example', 'S: 554 5.7.1 Your IP is listed']],
  ['ehlo.literal-accepted', 'inconclusive transient-negative', 'it is 4yz', ['C: EHLO [192.0.2.200]', 'S: 450 later']],
  ['ehlo.missing-argument', 'warn syntax', 'no name is asked for', ['C: EHLO', 'S: 250 mx', ...EHLO]],
  ['ehlo.missing-argument', 'warn wrong-code', 'it is 504', ['C: EHLO', 'S: 504 no', ...EHLO]],
  ['ehlo.missing-argument', 'pass', 'it is 550', ['C: EHLO', 'S: 550 no', ...EHLO]],
  ['ehlo.missing-argument', 'inconclusive out-of-turn', 'a close was seen once', ['C: EHLO', 'close']],
  ['ehlo.missing-argument', 'fail closed-early', 'it was seen twice', ['C: EHLO', 'close'], ['C: EHLO', 'close']],
  ['ehlo.missing-argument', 'inconclusive cut-off', 'it was a reset', ['C: EHLO', 'reset'], ['C: EHLO', 'reset']],
  ['limits.domain-255', 'inconclusive client-refused', 'it is 550', ['C: EHLO x', 'S: 550 No such host']],
  ['size.param-accepted', 'inconclusive sender-refused', 'MAIL is refused alike', ['C: MAIL FROM:<>', 'S: 501 bad'], ['C: MAIL FROM:<>', 'S: 501 bad']],
  ['size.param-accepted', 'inconclusive client-refused', 'it is 550', ['C: MAIL FROM:<>', 'S: 250 ok', 'C: RSET', 'S: 250 ok', 'C: MAIL FROM:<> SIZE=1000', 'S: 550 no']],
  ['size.over-limit-552', 'pass', 'it is 552 at RCPT', ['C: MAIL FROM:<> SIZE=10240001', 'S: 250 ok', 'C: RCPT TO:<Postmaster@example.org>', 'S: 552 too big']],
  ['size.over-limit-552', 'warn wrong-code', 'it is 554 5.3.4', ['C: MAIL FROM:<> SIZE=10240001', 'S: 554 5.3.4 too big']],
  ['size.over-limit-552', 'inconclusive sender-refused', 'no such sender was ever accepted', ['C: MAIL FROM:<> SIZE=10240001', 'S: 501 bad']],
  ['size.over-limit-552', 'inconclusive client-refused', 'it blames us', ['C: MAIL FROM:<> SIZE=10240001', 'S: 550 5.7.1 Your IP is listed']],
  ['size.over-limit-552', 'inconclusive transient-negative', 'it is 452', ['C: MAIL FROM:<> SIZE=10240001', 'S: 452 full']],
]; // prettier-ignore

for (const [id, is, where, ...runs] of OTHERS) {
  test(`${id} is ${is} where ${where}`, () => {
    const need = rowOf(id).needs.find(({ ask }) => ask === 'script');
    assert.equal(afterRuns(id, need?.ask === 'script' ? need.script : undefined, ...runs), is);
  });
}

test('mail hosts are compared about SMTPUTF8 where two of them answered EHLO', () => {
  const offering = greeted(['250-mx.example.org', '250 SMTPUTF8']);
  const silent = greeted(['250 mx.example.org']);
  const down = ['refused'];
  const row = rowOf('smtputf8.all-mx');
  const toldOf = (...hosts: readonly (readonly (readonly string[])[])[]): string => {
    if (row.scope !== 'domain') throw new Error('not about the domain');
    const endpoints = hosts.map((sessions, at) =>
      endpoint(sessions, { host: `mx${at}.example.org`, address: `192.0.2.${at + 1}` }),
    );
    return short(row.judge(evidence(endpoints)));
  };
  const told = (...hosts: readonly (readonly string[])[]): string => toldOf(...hosts.map((lines) => [lines]));
  assert.equal(told(offering, offering), 'pass');
  assert.equal(told(silent, silent), 'pass');
  assert.equal(told(silent, offering), 'warn malformed');
  assert.equal(told(offering, down), 'inconclusive not-asked');
  assert.equal(toldOf([offering], tlsOnly('handshake close')), 'inconclusive not-asked');
  assert.equal(told(offering), 'not-applicable');
});

test('the name of a greeting reads as before', () => {
  assert.equal(greetingName(reply('220 MX.example.org. ESMTP')), 'mx.example.org');
  assert.equal(greetingName(reply('220 localhost ESMTP')), 'localhost');
  assert.equal(greetingName(reply('220 ESMTP')), null);
});
