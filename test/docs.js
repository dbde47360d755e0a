// Generated docs: docs/requirements.md, and the reports in README.md as the program really prints them.
// `node test/docs.js` writes them; `--check` says what is stale and exits 1.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('../', import.meta.url);
const run = (...args) =>
  execFileSync(process.execPath, ['bin/postmaster-check.js', ...args], {
    cwd: fileURLToPath(root),
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  });

/** The scenes of the demo by number, without the rules between them. Ports differ from run to run. */
function demoScenes() {
  const parts = run('demo').split(/^-{20,}\n/m);
  const scenes = new Map();
  for (const part of parts) {
    const found = /^(\d+)\. [\s\S]*?\n\n([\s\S]*)$/.exec(part);
    if (found !== null) scenes.set(found[1], found[2].trim());
  }
  return scenes;
}

function wanted() {
  const scenes = demoScenes();
  const readme = readFileSync(new URL('README.md', root), 'utf8').replaceAll(
    /(<!-- demo scene (\d+) -->\n```text\n)[\s\S]*?(\n```)(?=\n)/g,
    (whole, head, number, tail) => {
      if (!scenes.has(number)) throw new Error(`the demo has no scene ${number}`);
      return `${head}${scenes.get(number)}${tail}`;
    },
  );
  return new Map([
    ['docs/requirements.md', run('requirements', '--markdown')],
    ['README.md', readme],
  ]);
}

const isCheck = process.argv.includes('--check');
let stale = 0;
for (const [path, text] of wanted()) {
  const file = new URL(path, root);
  let old = null;
  try {
    old = readFileSync(file, 'utf8');
  } catch {
    // Not there yet: stale.
  }
  if (old === text) continue;
  stale += 1;
  if (isCheck) {
    process.stderr.write(`${path} is stale: npm run docs\n`);
  } else {
    mkdirSync(new URL('.', file), { recursive: true });
    writeFileSync(file, text);
  }
}
process.exitCode = isCheck && stale > 0 ? 1 : 0;
