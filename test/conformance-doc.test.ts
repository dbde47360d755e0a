// docs/mta-conformance.md is what the committed evidence says today.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { committedEvidence, committedServers, conformancePage, PAGE, verdictsOf } from './support/conformance-doc.js';

test(`${PAGE} is not stale: npm run conformance-table`, () => {
  assert.equal(readFileSync(new URL(`../${PAGE}`, import.meta.url), 'utf8'), conformancePage());
});

test('two looks at one piece of evidence say the same, octet for octet', () => {
  for (const server of committedServers()) {
    const look = (): string => JSON.stringify([...verdictsOf(committedEvidence(server))]);
    assert.equal(look(), look());
  }
});
