// The notation of scenario files: what a file means, what is refused, and that a printed transcript reads back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseScenario, printTranscript, type Step } from '../src/evidence/notation.js';
import type { Attempt, Exchange } from '../src/evidence/transcript.js';
import { readScenario, scenarioNames } from '../src/lab/scenario-files.js';
import type { EhloName } from '../src/smtp/address.js';
import type { Outcome } from '../src/smtp/outcome.js';
import type { Reply } from '../src/smtp/reply.js';

const EXAMPLE = String.raw`# Refuses bare Postmaster,
# and says so.
@ linger: 0.5
@ no-controls
S: 220 mx.good.example ESMTP
...
C: RCPT TO:<Postmaster>
! pause 20
S: 501 5.1.3 no \x1b\r\n\
# in between
--- connection
! reset
--- host mx2.good.example 20
! refuse
= postmaster.bare: fail syntax
= mx2.good.example/1 connect.listens: warn
= exit: 1
`;

test('a file is description, settings, hosts with their connections, and verdicts', () => {
  assert.deepEqual(parseScenario(EXAMPLE, 'example'), {
    name: 'example',
    description: 'Refuses bare Postmaster,\nand says so.',
    settings: new Map([
      ['linger', '0.5'],
      ['no-controls', ''],
    ]),
    domain: 'good.example',
    home: 'good.example',
    hosts: [
      {
        name: 'mx.good.example',
        preference: 10,
        connections: [
          [
            { kind: 'says', octets: '220 mx.good.example ESMTP\r\n', line: 5 },
            { kind: 'ordinary', line: 6 },
            { kind: 'expects', command: 'RCPT TO:<Postmaster>', line: 7 },
            { kind: 'does', deed: 'pause', ms: 20, line: 8 },
            { kind: 'says', octets: '501 5.1.3 no \x1b\r\n', line: 9 },
          ],
          [{ kind: 'does', deed: 'reset', ms: 0, line: 12 }],
        ],
      },
      {
        name: 'mx2.good.example',
        preference: 20,
        connections: [[{ kind: 'does', deed: 'refuse', ms: 0, line: 14 }]],
      },
    ],
    expected: [
      { subject: 'postmaster.bare', host: null, verdict: 'fail', detail: 'syntax' },
      { subject: 'connect.listens', host: 'mx2.good.example/1', verdict: 'warn', detail: null },
      { subject: 'exit', host: null, verdict: '1', detail: null },
    ],
  });
});

test('a line of the host ends with CR LF, unless a single backslash ends it', () => {
  assert.equal(said('S: 250 ok'), '250 ok\r\n');
  assert.equal(said('S:'), '\r\n');
  assert.equal(said(String.raw`S: 250 ok\n` + '\\'), '250 ok\n');
  assert.equal(said('S: 25\\'), '25');
  assert.equal(said(String.raw`S: 250 back\\`), '250 back\\\r\n');
  assert.equal(said(String.raw`S: 250 back\\` + '\\'), '250 back\\');
  assert.equal(said(String.raw`S: 250\x20`), '250 \r\n');
  assert.equal(said(String.raw`S:   250 \x00\xff\t`), '  250 \0\xff\t\r\n');
});

test('what is no notation is refused, with its line', () => {
  const refused = (text: string): string => {
    try {
      parseScenario(text, 'bad');
    } catch (error) {
      assert.ok(error instanceof SyntaxError);
      return error.message;
    }
    return 'taken';
  };
  assert.equal(refused('# ok\nHELLO'), 'bad, line 2: "HELLO" has no mark');
  assert.equal(refused('! explode'), 'bad, line 1: "explode" is nothing that a socket does');
  assert.equal(refused('@ colour: blue'), 'bad, line 1: "colour" is no setting');
  assert.equal(refused('--- somewhere'), 'bad, line 1: expected "--- connection" or "--- host NAME PREFERENCE"');
  assert.equal(refused('= verdict'), 'bad, line 1: expected "= [HOST] SUBJECT: VERDICT [CAUSE]"');
  assert.equal(refused('...\nS: 250 ok'), 'bad, line 1: "..." ends at a "C:" line');
});

test('every scenario file says what its host does, and states what comes of it', async () => {
  for (const name of await scenarioNames()) {
    const { description, expected } = await readScenario(name);
    assert.match(name, /^[a-z0-9.]+(?:-[a-z0-9.]+)*$/);
    assert.match(description, /^\S.*\.\)?$/s, name);
    assert.notEqual(expected.length, 0, name);
  }
});

test('a scenario can be told of another domain', async () => {
  const scenario = await readScenario('refuses-all-sessions-and-waits', 'elsewhere.example');
  assert.equal(scenario.domain, 'elsewhere.example');
  assert.deepEqual(
    scenario.hosts.map(({ name }) => name),
    ['mx.elsewhere.example'],
  );
  assert.equal(
    octetsOf(scenario.hosts[0]?.connections[1] ?? []),
    '554 mx.elsewhere.example No SMTP service here\r\n221 2.0.0 Bye\r\n',
  );
});

test('a printed transcript reads back', () => {
  const attempt = attemptOf([
    { act: 'opening', atMs: 0, outcome: replied('220 mx.good.example \x1b[31m\r\n') },
    {
      act: 'command',
      command: 'EHLO probe.example',
      group: 1,
      atMs: 1,
      outcome: replied('250-mx.good.example\n250 \r\n'),
    },
    { act: 'command', command: 'MAIL FROM:<>', group: 2, atMs: 2, outcome: replied('250 ok\r\n') },
    { act: 'command', command: 'RCPT TO:<Postmaster>', group: 2, atMs: 2, outcome: closed('55') },
    { act: 'command', command: 'QUIT', group: 2, atMs: 2, outcome: closed('') },
  ]);
  assert.equal(
    printTranscript([attempt]),
    String.raw`--- connection: probe
S: 220 mx.good.example \x1b[31m
C: EHLO probe.example
S: 250-mx.good.example\n${'\\'}
S: 250\x20
C: MAIL FROM:<>
S: 250 ok
C: RCPT TO:<Postmaster>
C: QUIT
S: 55${'\\'}
! close
`,
  );
});

test('what has no notation stands in comments', () => {
  const printed = printTranscript([
    { ...attemptOf([]), connect: { kind: 'refused', afterMs: 1, code: 'ECONNREFUSED' } },
    { ...attemptOf([]), connect: { kind: 'timeout', afterMs: 1, code: null } },
    attemptOf([
      { act: 'opening', atMs: 0, outcome: replied('554 no\r\n') },
      { act: 'linger', forMs: 50, atMs: 1, outcome: { kind: 'quiet', afterMs: 50 } },
      { act: 'command', command: 'NOOP', group: 1, atMs: 51, outcome: { kind: 'timeout', afterMs: 9, partial: '25' } },
      { act: 'leave', atMs: 60 },
    ]),
  ]);
  assert.equal(
    printed,
    String.raw`--- connection: probe
! refuse
--- connection: probe
# no connection: timeout
--- connection: probe
S: 554 no
# silence for 50 ms
C: NOOP
S: 25${'\\'}
! stall
# nothing more for 9 ms
C: QUIT
`,
  );
});

test('whatever octets a host says, they read back as they were', () => {
  const octets = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
    minLength: 1,
  });
  const line = octets.map((text) => text.replaceAll(/[\r\n]/g, '.'));
  const reply = fc.tuple(line, fc.constantFrom('\r\n', '\n', '\r\r\n')).map(([text, end]) => text + end);
  fc.assert(
    fc.property(fc.array(reply, { minLength: 1, maxLength: 5 }), octets, (replies, partial) => {
      const exchanges = replies.map((raw, index): Exchange => ({
        act: 'command',
        command: 'NOOP',
        group: index,
        atMs: 0,
        outcome: replied(raw),
      }));
      const broken: Exchange = { act: 'command', command: 'QUIT', group: 99, atMs: 0, outcome: closed(partial) };
      const text = printTranscript([attemptOf([...exchanges, broken])]);
      assert.match(text, /^[\x20-\x7e\n]*$/);
      const steps = parseScenario(text, 'printed').hosts[0]?.connections[0] ?? [];
      assert.equal(octetsOf(steps), replies.join('') + partial);
    }),
    { numRuns: 500 },
  );
});

function said(row: string): string {
  return octetsOf(parseScenario(row, 'row').hosts[0]?.connections[0] ?? []);
}

function octetsOf(steps: readonly Step[]): string {
  return steps.map((step) => (step.kind === 'says' ? step.octets : '')).join('');
}

function replied(raw: string): Outcome {
  const reply: Reply = { code: 250, enhanced: null, lines: [], raw, defects: [] };
  return { kind: 'reply', reply, afterMs: 1 };
}

function closed(partial: string): Outcome {
  return { kind: 'closed', how: 'fin', afterMs: 1, partial };
}

function attemptOf(exchanges: readonly Exchange[]): Attempt {
  return {
    plan: {
      purpose: 'probe',
      hello: 'EHLO',
      tls: 'avoid',
      pipelining: true,
      transactions: [],
      afterRefusal: 'full',
      lingerMs: 0,
    },
    startedAt: '2026-11-21T00:00:00.000Z',
    durationMs: 1,
    ehlo: 'probe.example' as EhloName,
    connect: { kind: 'connected', afterMs: 0, localAddress: '127.0.0.1' },
    exchanges,
  };
}
