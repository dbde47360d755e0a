// The record of what real servers say is true of the servers as they are now.
// RECORD=1 writes it anew.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { freePort, whyNotHere } from './instance.js';
import { observe, recordOf, recordedText } from './observe.js';
import { type Setup, setups } from './servers.js';

const file = 'test/mta/OBSERVED.md';
const recording = process.env['RECORD'] === '1';
const addresses = setups.map((_, index) => `127.0.8.${index + 1}`);

test('real servers can run here', () => assert.equal(whyNotHere(), undefined));

describe(
  'what the servers say is what OBSERVED.md says',
  { concurrency: 4, timeout: 600_000, skip: whyNotHere() ?? false },
  () => {
    const texts = new Map<Setup, string>();
    let port: number;
    const record = recording ? '' : readFileSync(file, 'utf8');
    before(async () => {
      port = await freePort(addresses);
    });
    for (const [index, { setup }] of setups.entries()) {
      test(setup, async () => {
        const text = await observe(setup, { address: addresses[index] ?? '', port });
        texts.set(setup, text);
        if (recording && texts.size === setups.length) writeFileSync(file, recordOf(texts));
        if (!recording) assert.equal(text, recordedText(record, setup));
      });
    }
  },
);
