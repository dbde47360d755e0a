import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  MAX_LINE_OCTETS,
  MAX_REPLY_LINES,
  MAX_REPLY_OCTETS,
  ReplyParser,
  type Parsed,
} from '../src/smtp/reply-parser.js';
import type { EnhancedStatusCode, Reply } from '../src/smtp/reply.js';

/** What a parser makes of octets in a given cut. */
function parse(chunks: Iterable<string>): { readonly parsed: readonly Parsed[]; readonly partial: string } {
  const parser = new ReplyParser();
  const parsed: Parsed[] = [];
  for (const chunk of chunks) parsed.push(...parser.feed(chunk));
  return { parsed, partial: parser.partial };
}

const reply = (raw: string, code: number, lines: readonly string[], rest: Partial<Reply> = {}): Reply => ({
  code,
  enhanced: null,
  lines,
  raw,
  defects: [],
  ...rest,
});
const enhanced = (code: string): EnhancedStatusCode => code as EnhancedStatusCode;

const REPLIES: readonly (readonly [string, Reply])[] = [
  ['one line', reply('250 ok\r\n', 250, ['ok'])],
  ['SP and no text', reply('250 \r\n', 250, [''])],
  ['a bare code, which is to be accepted (4.2)', reply('250\r\n', 250, [''], { defects: ['code-alone'] })],
  ['several lines', reply('250-mx.example\r\n250-SIZE 1\r\n250 HELP\r\n', 250, ['mx.example', 'SIZE 1', 'HELP'])],
  ['several lines, the last a bare code', reply('250-a\r\n250\r\n', 250, ['a', ''], { defects: ['code-alone'] })],
  ['an enhanced status code', reply('550 5.1.1 no\r\n', 550, ['5.1.1 no'], { enhanced: enhanced('5.1.1') })],
  [
    'an enhanced status code on each line',
    reply('550-5.1.1 no\r\n550 5.1.1 such\r\n', 550, ['5.1.1 no', '5.1.1 such'], { enhanced: enhanced('5.1.1') }),
  ],
  [
    'lines of different codes: the last one counts',
    reply('250-a\r\n550 b\r\n', 550, ['a', 'b'], { defects: ['mixed-codes'] }),
  ],
  ['text right behind the code', reply('250ok\r\n', 250, ['ok'], { defects: ['no-separator'] })],
  ['a tab for the separator', reply('250\tok\r\n', 250, ['\tok'], { defects: ['no-separator'] })],
  ['octets above 127', reply('250 gr\u{fc}\u{df}\r\n', 250, ['gr\u{fc}\u{df}'], { defects: ['non-ascii'] })],
  ['NUL', reply('250 a\0b\r\n', 250, ['a\0b'], { defects: ['nul'] })],
  ['ESC', reply('250 \u{1b}[2J\r\n', 250, ['\u{1b}[2J'], { defects: ['control'] })],
  ['DEL', reply('250 \u{7f}\r\n', 250, ['\u{7f}'], { defects: ['control'] })],
  ['bare LF', reply('250 ok\n', 250, ['ok'], { defects: ['bare-lf'] })],
  ['bare LF in one line of two', reply('250-a\n250 b\r\n', 250, ['a', 'b'], { defects: ['bare-lf'] })],
  ['bare CR', reply('250 a\rb\r\n', 250, ['a\rb'], { defects: ['bare-cr'] })],
  ['CR CR LF', reply('250 a\r\r\n', 250, ['a\r'], { defects: ['bare-cr'] })],
  ['code 571, outside the grammar', reply('571 no\r\n', 571, ['no'], { defects: ['code-out-of-range'] })],
  ['code 000', reply('000 no\r\n', 0, ['no'], { defects: ['code-out-of-range'] })],
  ['code 199', reply('199 no\r\n', 199, ['no'], { defects: ['code-out-of-range'] })],
  ['code 559, the last of the grammar', reply('559 no\r\n', 559, ['no'])],
  ['a second digit above 5', reply('260 no\r\n', 260, ['no'], { defects: ['code-out-of-range'] })],
  ['512 octets', reply(`250 ${'x'.repeat(506)}\r\n`, 250, ['x'.repeat(506)])],
  ['513 octets', reply(`250 ${'x'.repeat(507)}\r\n`, 250, ['x'.repeat(507)], { defects: ['line-too-long'] })],
  [
    'the longest line that is read',
    reply(`250 ${'x'.repeat(MAX_LINE_OCTETS - 6)}\r\n`, 250, ['x'.repeat(MAX_LINE_OCTETS - 6)], {
      defects: ['line-too-long'],
    }),
  ],
  [
    'as many lines as are read',
    reply(`${'250-a\r\n'.repeat(MAX_REPLY_LINES - 1)}250 a\r\n`, 250, Array<string>(MAX_REPLY_LINES).fill('a')),
  ],
];

const longLines = `250-${'x'.repeat(1018)}\r\n`.repeat(MAX_REPLY_OCTETS / 1024);

const NOT_REPLIES: readonly (readonly [string, string, Extract<Parsed, { kind: 'not-a-reply' }>['why']])[] = [
  ['an HTTP server', 'HTTP/1.1 400 Bad Request\r\n', 'no-code'],
  ['an SSH server', 'SSH-2.0-OpenSSH_9.9\r\n', 'no-code'],
  ['a word for a code', 'abc whatever\r\n', 'no-code'],
  ['an empty line', '\r\n', 'no-code'],
  ['LF alone', '\n', 'no-code'],
  ['four digits', '2200 mx\r\n', 'no-code'],
  ['two digits', '25 mx\r\n', 'no-code'],
  ['SP before the code', ' 250 mx\r\n', 'no-code'],
  ['digits of another script', '\u{b2}\u{b2}\u{b9} mx\r\n', 'no-code'],
  ['prose inside a reply', '250-mx\r\nWelcome\r\n', 'no-code'],
  ['a line without end', `250 ${'x'.repeat(MAX_LINE_OCTETS)}`, 'endless-line'],
  ['a line that ends too late', `250 ${'x'.repeat(MAX_LINE_OCTETS)}\r\n`, 'endless-line'],
  ['a reply of too many lines', '250-a\r\n'.repeat(MAX_REPLY_LINES + 1), 'endless-reply'],
  ['a reply of too many octets', `${longLines}250-a\r\n`, 'endless-reply'],
];

describe('the reply parser reads', () => {
  for (const [name, expected] of REPLIES) {
    const complete = [{ kind: 'reply', reply: expected }];

    it(name, () => {
      assert.deepEqual(parse([expected.raw]), { parsed: complete, partial: '' });
    });
    it(`${name}, octet by octet`, () => {
      assert.deepEqual(parse(expected.raw), { parsed: complete, partial: '' });
    });
    it(`${name}, with the next reply and half of another behind it`, () => {
      const next = reply('354 go\r\n', 354, ['go']);
      const { parsed, partial } = parse([`${expected.raw}${next.raw}250-ha`]);
      assert.deepEqual(
        { parsed, partial },
        { parsed: [...complete, { kind: 'reply', reply: next }], partial: '250-ha' },
      );
    });
    it(`${name}, but not before its last octet`, () => {
      const started = expected.raw.slice(0, -1);
      assert.deepEqual(parse([started]), { parsed: [], partial: started });
    });
  }

  it('nothing from nothing', () => {
    assert.deepEqual(parse(['', '']), { parsed: [], partial: '' });
  });

  it('a lower-case text as it is written', () => {
    assert.deepEqual(parse(['250 starttls\r\n']).parsed, [
      { kind: 'reply', reply: reply('250 starttls\r\n', 250, ['starttls']) },
    ]);
  });

  it('three replies of one segment as three', () => {
    const codes = parse(['250 a\r\n550 b\r\n250 c\r\n']).parsed.map((one) => one.kind === 'reply' && one.reply.code);
    assert.deepEqual(codes, [250, 550, 250]);
  });

  it('defects of one reply without telling them of the next', () => {
    const [first, second] = parse(['250 a\n250 b\r\n']).parsed;
    assert.deepEqual(
      [first, second].map((one) => one?.kind === 'reply' && one.reply.defects),
      [['bare-lf'], []],
    );
  });
});

describe('the reply parser gives up on', () => {
  for (const [name, octets, why] of NOT_REPLIES) {
    it(name, () => {
      const { parsed, partial } = parse([octets]);
      assert.deepEqual({ parsed, partial }, { parsed: [{ kind: 'not-a-reply', why, raw: octets }], partial: '' });
    });
    it(`${name}, octet by octet, and takes nothing after`, () => {
      const { parsed, partial } = parse(`${octets}250 ok\r\n`);
      const [only] = parsed;
      assert.ok(only?.kind === 'not-a-reply' && octets.startsWith(only.raw));
      assert.deepEqual({ count: parsed.length, why: only.why, partial }, { count: 1, why, partial: '' });
    });
    it(`${name} after a good reply, which it still returns`, () => {
      const kinds = parse([`220 mx\r\n${octets}`]).parsed.map(({ kind }) => kind);
      assert.deepEqual(kinds, ['reply', 'not-a-reply']);
    });
  }
});

/** Chunks of the given sizes, and the rest. */
function chop(whole: string, sizes: readonly number[], unit: number): string[] {
  const chunks: string[] = [];
  let from = 0;
  for (const size of sizes) {
    chunks.push(whole.slice(from, from + size * unit));
    from += size * unit;
  }
  return [...chunks, whole.slice(from)];
}

const replies = (parsed: readonly Parsed[]): unknown => parsed.filter(({ kind }) => kind === 'reply');

/** The law of the parser: the cut changes nothing, and what is returned and left over is what was fed. */
function holds(whole: string, chunks: readonly string[]): void {
  const expected = parse([whole]);
  const actual = parse(chunks);
  assert.deepEqual(replies(actual.parsed), replies(expected.parsed));
  assert.equal(actual.partial, expected.partial);

  const last = actual.parsed.at(-1);
  const lastOfWhole = expected.parsed.at(-1);
  const returned = actual.parsed.map((one) => (one.kind === 'reply' ? one.reply.raw : one.raw)).join('');
  if (last?.kind !== 'not-a-reply') {
    assert.notEqual(lastOfWhole?.kind, 'not-a-reply');
    assert.equal(returned + actual.partial, whole);
    return;
  }
  // After octets that are no reply the rest of that chunk is kept and later chunks are dropped.
  assert.ok(lastOfWhole?.kind === 'not-a-reply' && lastOfWhole.why === last.why);
  assert.ok(whole.startsWith(returned) && chunks.some((_, count) => chunks.slice(0, count + 1).join('') === returned));
}

describe('for any octets in any cut', () => {
  const octet = fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code));
  const octets = fc.string({ unit: octet, maxLength: 40 });
  const anyLine = fc
    .tuple(
      fc.constantFrom('220', '250', '550', '421', '571', '000', '25', '2500', 'abc', ''),
      fc.constantFrom(' ', '-', '', '\t'),
      fc.oneof(fc.constantFrom('', 'ok', '5.1.1 no', '\r', '\0', 'x'.repeat(600)), octets),
      fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r\r\n', '\r', ''),
    )
    .map((parts) => parts.join(''));
  const goodLine = fc
    .tuple(fc.constantFrom('220', '250', '550'), fc.constantFrom(' ', '-'), fc.constantFrom('ok', '5.1.1 no', ''))
    .map((parts) => `${parts.join('')}\r\n`);
  const stream = fc.oneof(
    fc.array(goodLine, { maxLength: 12 }).map((lines) => lines.join('')),
    fc
      .array(fc.oneof({ weight: 4, arbitrary: goodLine }, { weight: 1, arbitrary: anyLine }), { maxLength: 12 })
      .map((lines) => lines.join('')),
    octets,
  );
  // Now and then something beyond the bounds; rarely, for these are long.
  const longStream = fc
    .tuple(stream, fc.constantFrom(...NOT_REPLIES.map(([, long]) => long)), stream)
    .map((parts) => parts.join(''));
  const cuts = fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 30 });

  it('replies are the same and no octet is lost', () => {
    fc.assert(
      fc.property(stream, cuts, (whole, sizes) => holds(whole, chop(whole, sizes, 1))),
      { numRuns: 20_000 },
    );
  });

  it('they are beyond the bounds too', () => {
    fc.assert(
      fc.property(longStream, cuts, (whole, sizes) => holds(whole, chop(whole, sizes, 500))),
      { numRuns: 300 },
    );
  });

  it('a line of one-octet segments costs no more than its bound', () => {
    const before = performance.now();
    const parser = new ReplyParser();
    for (let count = 0; count < 1_000_000; count++) parser.feed('x');
    assert.ok(performance.now() - before < 2_000);
    assert.equal(parser.partial, '');
  });
});
