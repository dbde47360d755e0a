// Every obligation has its tests, and the auditor that the tests rest on tells a breach where there is one.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { audit, type Entry } from './support/obligations-audit.js';
import { OBLIGATIONS } from './support/obligations.js';

const HERE = new URL('.', import.meta.url);

/** The ids that names of tests in these files begin with. */
function provenIds(): ReadonlySet<string> {
  const files = readdirSync(HERE).filter((file) => /^client-obligations.*\.test\.js$/.test(file));
  const names = files.flatMap((file) => [
    ...readFileSync(new URL(file, HERE), 'utf8').matchAll(/\bit\(\s*["'`]((?:client|mx|dns)\.[a-z0-9-]+): /g),
  ]);
  return new Set(names.map(([, id = '']) => id));
}

describe('the obligations', () => {
  it('are the 66 rows of the catalogue', () => {
    assert.equal(Object.keys(OBLIGATIONS).length, 66);
  });

  it('are each proved by a test that is named for it, or wait for a reason', () => {
    const proven = provenIds();
    const kept = Object.entries(OBLIGATIONS).filter(([, obligation]) => obligation === 'kept');
    assert.deepEqual(
      kept.map(([id]) => id).filter((id) => !proven.has(id)),
      [],
    );
    const waiting = Object.entries(OBLIGATIONS).filter(([, obligation]) => obligation !== 'kept');
    assert.deepEqual(
      waiting.map(([id]) => id),
      ['client.dot-stuffing', 'client.auto-submitted'],
    );
    assert.deepEqual(
      waiting.map(([id]) => id).filter((id) => proven.has(id)),
      [],
    );
    assert.deepEqual(
      [...proven].filter((id) => !(id in OBLIGATIONS)),
      [],
    );
  });
});

/** A conversation from lines: "> EHLO x" is ours, "< 250 ok" the host's, ">> ..." and "<< ..." are octets as they stand. */
function log(...rows: readonly string[]): readonly Entry[] {
  return rows.map((row, index): Entry => {
    const atMs = index * 10;
    if (row === 'tls') return { who: 'both', now: 'in-tls', atMs };
    if (row === 'fin') return { who: 'probe', ends: 'fin', atMs };
    if (row === 'host fin') return { who: 'host', ends: 'fin', atMs };
    const who = row.startsWith('>') ? 'probe' : 'host';
    return { who, octets: /^(?:>>|<<) /.test(row) ? row.slice(3) : `${row.slice(2)}\r\n`, atMs };
  });
}

const OPEN = ['< 220 mx', '> EHLO a.example', '< 250 mx'];
const PIPELINED = ['< 220 mx', '> EHLO a.example', '<< 250-mx\r\n250 PIPELINING\r\n'];
const MAIL = ['> MAIL FROM:<>', '< 250 ok'];
const TLS = ['< 220 mx', '> EHLO a.example', '<< 250-mx\r\n250 STARTTLS\r\n', '> STARTTLS', '< 220 go'];
const END = ['> QUIT', '< 221 bye', 'fin'];

describe('the auditor', () => {
  it('has nothing to say of conversations that are in order', () => {
    for (const rows of [
      [...OPEN, ...MAIL, '> RCPT TO:<Postmaster>', '< 250 ok', '> RSET', '< 250 ok', ...MAIL, ...END],
      [
        ...PIPELINED,
        '>> MAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\nRSET\r\nMAIL FROM:<>\r\nQUIT\r\n',
        '<< 250 a\r\n250 b\r\n250 c\r\n250 d\r\n221 e\r\n',
        'fin',
      ],
      [...TLS, '>> \x16\x03\x01', 'tls', '> EHLO a.example', '< 250 mx', ...END],
      ['< 421 busy', ...END],
      ['< 220 mx', 'host fin', 'fin'],
      ['fin'],
    ]) {
      assert.deepEqual(audit(log(...rows)), [], rows.join(' | '));
    }
  });

  const BREACHES: readonly (readonly [string, readonly string[]])[] = [
    ['wait-greeting', ['<< 220-mx\r\n', '> EHLO a.example', '< 220 mx', '< 250 mx', ...END]],
    ['lock-step', [...OPEN, '>> MAIL FROM:<>\r\nRSET\r\n', '<< 250 a\r\n250 b\r\n', ...END]],
    ['lock-step', [...OPEN, '> MAIL FROM:<>', '> QUIT', '<< 250 a\r\n221 b\r\n', 'fin']],
    ['hello-first', ['< 220 mx', ...MAIL, ...END]],
    ['crlf-only', [...OPEN, '>> NOOP\nRSET\r\n', '< 250 ok', ...END]],
    ['crlf-only', [...OPEN, '>> NOOP\rRSET\r\n', '< 250 ok', ...END]],
    ['no-space-after-colon', [...OPEN, '> MAIL FROM: <>', '< 250 ok', ...END]],
    ['no-space-after-colon', [...OPEN, ...MAIL, '> RCPT TO :<a@b.example>', '< 250 ok', ...END]],
    ['ascii-envelope', [...OPEN, ...MAIL, '> RCPT TO:<\xfc@b.example>', '< 250 ok', ...END]],
    ['command-line-512', [...OPEN, ...MAIL, `> RCPT TO:<${'x'.repeat(510)}>`, '< 250 ok', ...END]],
    ['no-unadvertised-params', [...OPEN, '> MAIL FROM:<> SMTPUTF8', '< 250 ok', ...END]],
    ['no-unadvertised-params', [...OPEN, '> MAIL FROM:<> SIZE=1', '< 250 ok', ...END]],
    ['no-unadvertised-params', [...OPEN, '> STARTTLS', '< 500 what', ...END]],
    ['no-args', [...OPEN, '> QUIT now', '< 221 bye', 'fin']],
    ['no-nested-mail', [...OPEN, ...MAIL, ...MAIL, ...END]],
    ['no-nested-mail', [...OPEN, ...MAIL, '> RSET', '< 500 what', ...MAIL, ...END]],
    ['order', [...OPEN, '> RCPT TO:<Postmaster>', '< 503 what', ...END]],
    ['order', [...OPEN, '> TURN', '< 502 what', ...END]],
    ['no-data', [...OPEN, ...MAIL, '> DATA', '< 354 go', ...END]],
    ['no-data', [...OPEN, ...MAIL, '> BDAT 0 LAST', '< 250 ok', ...END]],
    ['abort-transaction', [...OPEN, ...MAIL, 'fin']],
    ['quit-last', [...OPEN, '> QUIT', '< 221 bye', '> NOOP', 'fin']],
    ['quit-last', [...OPEN, '> MAIL FROM:<>', '< 421 bye', '> QUIT', 'fin']],
    ['quit-wait', [...OPEN, '> QUIT', 'fin']],
    ['no-close-before-quit', [...OPEN, 'fin']],
    ['no-close-before-quit', ['< 554 no', 'fin']],
    [
      'no-repeat-5yz',
      [...OPEN, ...MAIL, '> RCPT TO:<a@b.example>', '< 550 no', '> RCPT TO:<a@b.example>', '< 550 no', ...END],
    ],
    ['no-repeat-5yz', [...OPEN, '> MAIL FROM:<>', '< 550 no', '> MAIL FROM:<>', '< 550 no', ...END]],
    ['pipelining-last', [...PIPELINED, '>> NOOP\r\nRSET\r\n', '<< 250 a\r\n250 b\r\n', ...END]],
    [
      'pipelining-window',
      [
        ...PIPELINED,
        `>> MAIL FROM:<>\r\n${`RCPT TO:<${'x'.repeat(400)}>\r\n`.repeat(10)}`,
        `<< ${'250 a\r\n'.repeat(11)}`,
        ...END,
      ],
    ],
    ['starttls-next', [...TLS, '> EHLO a.example', 'fin']],
    ['starttls-ehlo', [...TLS, '>> \x16\x03\x01', 'tls', ...MAIL, ...END]],
    [
      'starttls-once',
      [
        ...TLS,
        '>> \x16\x03\x01',
        'tls',
        '> EHLO a.example',
        '<< 250-mx\r\n250 STARTTLS\r\n',
        '> STARTTLS',
        '< 503 no',
        ...END,
      ],
    ],
    // Inside TLS the offers made in the clear are void.
    [
      'lock-step',
      [
        ...TLS.map((row) => row.replace('STARTTLS\r', 'STARTTLS\r').replace('250-mx', '250-mx\r\n250-PIPELINING')),
        '>> \x16\x03\x01',
        'tls',
        '> EHLO a.example',
        '< 250 mx',
        '>> MAIL FROM:<>\r\nRSET\r\n',
        '<< 250 a\r\n250 b\r\n',
        ...END,
      ],
    ],
  ];

  for (const [row, rows] of BREACHES) {
    it(`tells a breach of ${row}: ${JSON.stringify(rows.slice(-4).join(' | ').slice(0, 80))}`, () => {
      const told = audit(log(...rows)).map((breach) => breach.split(':')[0]);
      assert.ok(told.includes(`client.${row}`), `told: ${told.join(', ') || 'nothing'}`);
    });
  }
});
