import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';

test('docs/requirements.md and the reports in README.md are as the program prints them', async () => {
  const { stderr } = await promisify(execFile)(process.execPath, ['test/docs.js', '--check'], {
    timeout: 30_000,
  }).catch((error: { readonly stderr?: string }) => ({ stderr: error.stderr ?? String(error) }));
  assert.equal(stderr, '');
});
