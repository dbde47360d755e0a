// The demonstration: what a newcomer sees first, and what the package must hold to play it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { playDemo, SCENES } from '../src/lab/demo.js';
import { readScenario } from '../src/lab/scenario-files.js';

test('each scene comes out as its scenario states, all of them within ten seconds', async () => {
  const start = performance.now();
  const played = await playDemo();
  assert.deepEqual(
    played.flatMap(({ scene, unmet }) => unmet.map((one) => `${scene.domain}: ${one}`)),
    [],
  );
  assert.deepEqual(
    played.map(({ report }) => report.verdict),
    ['conforms', 'violates', 'exempt', 'violates', 'inconclusive', 'not-applicable'],
  );
  assert.ok(performance.now() - start < 10_000);
});

test('the package holds the fixtures that the demo plays', async () => {
  const { files } = JSON.parse(readFileSync('package.json', 'utf8')) as { readonly files: readonly string[] };
  for (const { scenario } of SCENES) {
    const session = `fixtures/sessions/${scenario}.smtp`;
    assert.ok(files.includes(session), session);
    const zone = (await readScenario(scenario)).settings.get('zone');
    if (zone !== undefined) assert.ok(files.includes(`fixtures/zones/${zone}.json`), zone);
  }
  for (const file of files.filter((name) => name !== 'dist')) assert.ok(existsSync(file), file);
});
