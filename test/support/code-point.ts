// Strings of any code points, for fast-check.
//
// Its own unit for them, 'binary', lists all 1.1 million whenever a string of them is declared: that takes seconds. This
// one draws the same strings, and can tell the number of a code point, so that strings known to be risky are drawn too.
import fc from 'fast-check';

const SURROGATES = { from: 0xd800, count: 0x800 } as const;

/** One code point that is no half of a surrogate pair. */
export const anyCodePoint: fc.Arbitrary<string> = fc
  .integer({ min: 0, max: 0x10ffff - SURROGATES.count })
  .map((number) => String.fromCodePoint(number < SURROGATES.from ? number : number + SURROGATES.count), numberOf);

function numberOf(text: unknown): number {
  const code = typeof text === 'string' ? text.codePointAt(0) : undefined;
  if (code === undefined || text !== String.fromCodePoint(code)) throw new TypeError('not one code point');
  return code < SURROGATES.from ? code : code - SURROGATES.count;
}
