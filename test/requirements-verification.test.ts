// The rows about VRFY, EXPN, MAIL, RCPT and sizes: the branches of their tables that no scenario plays.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DomainEvidence } from '../src/evidence/evidence.js';
import { transcriptLines } from '../src/report/json.js';
import { judge } from '../src/report/judge.js';
import { CATALOGUE } from '../src/requirements/index.js';
import { fillScript } from '../src/requirements/script-fill.js';
import { scriptContextOf } from '../src/requirements/script-run.js';
import { saysTooMany } from '../src/requirements/too-many-recipients.js';
import { isBracketed, mailboxesIn, saysDisabled, sourceRouteIn } from '../src/requirements/verification-replies.js';
import type { Attempt, EndpointEvidence } from '../src/evidence/transcript.js';
import { attempt, endpoint, evidence, reply } from './support/evidence-builder.js';

/** Evidence of a run that had a control recipient. */
const around = (endpoints: readonly EndpointEvidence[]): DomainEvidence =>
  evidence(endpoints, { probe: { controlLocalPart: 'abcdefghijklmnopqrstuvwx' } });

const OPENING = ['S: 220 mx.example ESMTP', 'C: EHLO probe.example', 'S: 250-mx.example', 'S: 250 SIZE 1000'];

/** A connection in which the script of a row is answered so, line by line; what is no reply ends it. */
function playing(id: string, answers: readonly string[], opening: readonly string[] = OPENING): Attempt {
  const row = CATALOGUE.find((one) => one.id === id);
  const need = row?.needs.find(({ ask }) => ask === 'script');
  assert.ok(need?.ask === 'script');
  const place = endpoint([]);
  const script = fillScript(need.script, scriptContextOf(place, around([place])));
  assert.ok(script !== null);
  const lines = script.steps.flatMap((step) => (step.step === 'say' ? step.lines : []));
  const said = answers.flatMap((answer, at) => [`C: ${lines[at] ?? 'RSET'}`, ...answer.split(' / ')]);
  const before = opening.filter((line) => !line.startsWith('C: EHLO') || need.script.from === 'hello');
  const played = attempt([...before, ...said], { plan: { purpose: 'script', scripts: [script] } });
  return {
    ...played,
    exchanges: played.exchanges.map((exchange) =>
      exchange.act === 'command' && !exchange.command.startsWith('EHLO') ? { ...exchange, script: 0 } : exchange,
    ),
  };
}

const MAIN = (control: string): readonly string[] => [
  ...OPENING,
  'C: MAIL FROM:<>',
  'S: 250 ok',
  'C: RCPT TO:<Postmaster@example.org>',
  'S: 250 ok',
  'C: RSET',
  'S: 250 ok',
  'C: MAIL FROM:<>',
  'S: 250 ok',
  'C: RCPT TO:<abcdefghijklmnopqrstuvwx@example.org>',
  control,
  'C: QUIT',
  'S: 221 bye',
];

/** What a row says of an ordinary session and two runs of its script, answered alike. */
function verdict(id: string, answers: readonly string[], control = 'S: 550 5.1.1 User unknown'): string {
  const row = CATALOGUE.find((one) => one.id === id);
  assert.ok(row?.scope === 'endpoint');
  const runs = [playing(id, answers), playing(id, answers)];
  const main = attempt(MAIN(control));
  const place = { ...endpoint([]), attempts: [main, ...runs] };
  const finding = row.judge(place, around([place]));
  return 'cause' in finding ? `${finding.verdict} ${finding.cause}` : finding.verdict;
}

test('VRFY is judged by its code, and by what is said of a mailbox or of a policy', () => {
  assert.equal(verdict('vrfy.supported', ['S: 554 5.7.1 Access denied']), 'warn wrong-code');
  assert.equal(verdict('vrfy.supported', ['S: 214 Try HELP']), 'warn wrong-code');
  assert.equal(
    verdict('vrfy.supported', ['S: 530 5.7.0 Must issue a STARTTLS command first']),
    'inconclusive needs-tls',
  );
  assert.equal(verdict('vrfy.supported', ['S: 450 4.3.2 Not now']), 'inconclusive transient-negative');
  assert.equal(verdict('vrfy.disabled-252', ['S: 550 VRFY is not allowed']), 'fail wrong-code');
  assert.equal(verdict('vrfy.disabled-252', ['S: 550 5.2.1 Mailbox disabled']), 'pass');
  assert.equal(verdict('vrfy.disabled-252', ['S: 502 Not implemented']), 'not-applicable');
  assert.equal(verdict('vrfy.250-has-mailbox', ['S: 250 <postmaster@mx>']), 'warn malformed');
  assert.equal(verdict('vrfy.250-has-mailbox', ['S: 551 Not local']), 'fail malformed');
  assert.equal(verdict('vrfy.250-has-mailbox', ['S: 551 5.7.1 Your host is blocked']), 'inconclusive client-refused');
  assert.equal(verdict('postmaster.vrfy', ['S: 550 5.1.1 That is a mailing list, not a user']), 'pass');
  assert.equal(verdict('postmaster.vrfy', ['S: 553 User ambiguous']), 'pass');
  assert.equal(verdict('postmaster.vrfy', ['S: 550 User unknown']), 'warn no-mailbox');
  assert.equal(verdict('postmaster.vrfy', ['S: 252 VRFY is disabled']), 'pass');
});

test('a random name that is verified is a lie only where RCPT refuses it', () => {
  const said = ['S: 250 <abcdefghijklmnopqrstuvwx@example.org>'];
  assert.equal(verdict('vrfy.not-syntax-only', said), 'fail wrong-code');
  assert.equal(verdict('vrfy.not-syntax-only', said, 'S: 250 ok'), 'warn wrong-code');
  assert.equal(verdict('vrfy.not-syntax-only', said, 'S: 450 4.7.1 Greylisted'), 'inconclusive not-asked');
});

test('a limit of recipients shows nothing where the sender is the null one', () => {
  const second = ['S: 250 ok', 'S: 250 ok', 'S: 503 one recipient only'];
  assert.equal(verdict('rcpt.repeatable', second), 'inconclusive sender-refused');
  assert.equal(verdict('rcpt.repeatable', ['S: 250 ok', 'S: 250 ok', 'S: 550 5.1.1 User unknown']), 'pass');
  assert.equal(verdict('rcpt.repeatable', ['S: 250 ok', 'S: 550 5.1.1 User unknown']), 'not-applicable');
  const many = ['S: 250 ok', 'S: 250 ok', 'S: 452 4.5.3 Too many recipients'];
  assert.equal(verdict('limits.recipients-100', many), 'inconclusive sender-refused');
  const rate = ['S: 250 ok', 'S: 250 ok', 'S: 450 4.7.1 Too many recipients per hour'];
  assert.notEqual(verdict('limits.recipients-100', rate).split(' ')[0], 'fail');
  const all = ['S: 250 ok', ...Array.from({ length: 100 }, () => 'S: 250 ok'), 'S: 250 ok'];
  assert.equal(verdict('limits.recipients-100', all), 'pass');
});

test('the number of recipients is told from a rate and from a full mailbox', () => {
  assert.equal(saysTooMany(reply('452 4.5.3 Error')), true);
  assert.equal(saysTooMany(reply('550 too many recipients')), true);
  assert.equal(saysTooMany(reply('452 4.2.2 Mailbox full')), false);
  assert.equal(saysTooMany(reply('450 4.7.1 too many recipients from you in the last hour')), false);
  assert.equal(saysTooMany(reply('450 4.7.1 Error: too many recipients from unknown[192.0.2.1]')), false);
  assert.equal(saysTooMany(reply('452 Too many recipients received this hour')), false);
  assert.equal(saysTooMany(reply('421 4.5.3 Too many recipients')), false);
});

test('a long local-part is compared with a short one, a long path with what it names', () => {
  const local = (answer: string): readonly string[] => ['S: 250 ok', answer];
  assert.equal(verdict('limits.local-part-64', local('S: 553 5.1.1 no'), 'S: 553 5.1.1 no'), 'pass');
  assert.equal(verdict('limits.local-part-64', local('S: 553 sorry'), 'S: 550 5.1.1 no'), 'fail syntax');
  assert.equal(verdict('limits.local-part-64', local('S: 553 sorry'), 'S: 450 later'), 'inconclusive not-asked');
  assert.equal(verdict('limits.local-part-64', local('S: 554 5.7.1 Rejected')), 'inconclusive client-refused');
  assert.equal(verdict('limits.path-256', local('S: 501 5.1.2 Unknown domain')), 'pass');
  assert.equal(verdict('limits.path-256', local('S: 550 5.7.1 Relaying denied')), 'pass');
  assert.equal(verdict('limits.path-256', local('S: 501 Unknown domain')), 'pass');
  assert.equal(verdict('limits.path-256', local('S: 501 Bad address')), 'fail syntax');
  assert.equal(verdict('limits.path-256', local('S: 553 5.1.3 Bad address')), 'inconclusive out-of-turn');
  assert.equal(verdict('limits.command-line-512', ['close']), 'fail closed-early');
  assert.equal(verdict('limits.command-line-512', ['S: 501 5.5.4 NOOP takes no argument']), 'pass');
  assert.equal(verdict('limits.command-line-512', ['timeout']), 'inconclusive timeout');
});

test('what a reply to VRFY names is found in whatever form', () => {
  assert.deepEqual(mailboxesIn(reply('250 Fred <fred@example.org>')), [{ isQualified: true }]);
  assert.deepEqual(mailboxesIn(reply('250 "a b"@[192.0.2.1]')), [{ isQualified: true }]);
  assert.deepEqual(mailboxesIn(reply('250 fred@mx.')), [{ isQualified: false }]);
  assert.deepEqual(mailboxesIn(reply('250 2.0.0 Ok @ once')), []);
  assert.equal(isBracketed(reply('250-<a@example.org>', '250 b@example.org')), false);
  assert.equal(sourceRouteIn(reply('250 <@a.example,@b.example:c@d.example>')), '<@a.example,@b.example:c@d.example>');
  assert.equal(sourceRouteIn(reply('250 <c@d.example>')), null);
  assert.equal(saysDisabled(reply('252 Administrative prohibition')), true);
  assert.equal(saysDisabled(reply('550 5.2.1 VRFY: user disabled')), false);
});

test('no report shows whom EXPN lists', () => {
  const listed = playing('expn.supported', ['S: 250-Ann <ann@example.org> / S: 250 Bob <bob@example.org>']);
  const place = { ...endpoint([]), attempts: [attempt(MAIN('S: 550 5.1.1 no')), listed] };
  const whole = around([place]);
  const rows = ['expn.supported', 'expn.listed'];
  const judged = judge({ ...whole, probe: { ...whole.probe, requirements: rows } });
  assert.deepEqual(
    judged.map(({ requirement, verdict: came }) => `${requirement}: ${came}`),
    ['expn.supported: pass', 'expn.listed: inconclusive'],
  );
  const told = JSON.stringify([judged, transcriptLines(listed)]);
  assert.match(told, /250-\(not shown: members\)/);
  assert.doesNotMatch(told, /ann|bob/i);
});
