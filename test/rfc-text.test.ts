import assert from 'node:assert/strict';
import { test } from 'node:test';
import { foldedIncludes, outline, rfcText, sectionText } from './support/rfc-text.js';

const QUOTES: readonly (readonly [document: string, section: string, quote: string])[] = [
  [
    'RFC 5321',
    '4.5.1',
    'as well as the special case of "RCPT TO:<Postmaster>" (with no domain specification), MUST be supported.',
  ],
  ['RFC 5321', '4.5.3.2', 'It MUST use per-command timeouts'],
  ['RFC 5321', 'F.2', 'RFC 821 utilized the concept of explicit source routing'],
  ['RFC 822', '6.3', 'to send mail to a site, without knowing any of its valid addresses'],
  ['RFC 974', 'Minor Special Issues', 'There are a couple of special issues left out of the preceding section'],
  ['RFC 1034', '3.6.2', 'If a CNAME RR is present at a node, no other data should be present'],
  [
    'RFC 1035',
    '3.3.9',
    'A 16 bit integer which specifies the preference given to this RR among others at the same owner.',
  ],
  ['RFC 1123', '5.2.9', 'An empty reverse path MUST be supported.'],
  ['RFC 1846', '4.4', 'An SMTP server which sends a 521 greeting message IS NOT subject to the postmaster requirement'],
  ['RFC 7505', '3', 'single MX RR (see Section 3.3.9 of [RFC1035])'],
];

for (const [document, section, quote] of QUOTES) {
  test(`${document}, ${section} holds its quote`, () => {
    assert.ok(foldedIncludes(sectionText(document, section), quote));
  });
}

test('a quote of one section is not found in its neighbour', () => {
  assert.equal(foldedIncludes(sectionText('RFC 5321', '4.5.2'), 'RCPT TO:<Postmaster>'), false);
});

test('a section ends where its first subsection begins', () => {
  assert.equal(sectionText('RFC 5321', '4.5'), '4.5. Additional Implementation Issues');
});

test('nothing of a page break is left', () => {
  assert.doesNotMatch(rfcText('RFC 5321'), /\[Page \d+\]|Standards Track (?!document)\[|RFC 5321 SMTP October 2008/);
});

test('the table of contents and numbered lists are no headings', () => {
  const numbers = outline('RFC 5321');
  assert.equal(new Set(numbers).size, numbers.length);
  assert.deepEqual(numbers.slice(0, 5), ['1', '1.1', '1.2', '1.3', '2']);
  assert.deepEqual(numbers.slice(-3), ['F.4', 'F.5', 'F.6']);
});

test('a section, a heading or a document that is not there is refused by name', () => {
  assert.throws(() => sectionText('RFC 5321', '4.5.9'), /RFC 5321 has no section 4\.5\.9/);
  assert.throws(() => sectionText('RFC 974', 'Major Special Issues'), /RFC 974 has no section Major/);
  assert.throws(() => rfcText('the RFC'), /not the name of an RFC/);
});

test('an empty quote is found nowhere', () => {
  assert.equal(foldedIncludes('anything', ' '), false);
});
