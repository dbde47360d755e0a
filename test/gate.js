/**
 * The whole gate in one command: format, lint, types, unused code, build, package, tests.
 *
 *   node test/gate.js                          everything but the real mail servers: what `npm test` runs
 *   node test/gate.js --only tests [part...]   compile, then the test files whose path contains one of the parts
 *   node test/gate.js --only compiled-tests    the tests as they were compiled before: for another Node or another package
 *   node test/gate.js --mta [part...]          compile and build, then the tests in test/mta
 *   node test/gate.js --bench [part...]        compile and build, then each test/bench/*.bench.ts, one after another
 *
 * The last line is `N passed, N failed`, with `, N skipped` when there are any. A step before the tests counts as one.
 * It fails when anything failed, and also when no test ran, or a test file held none: nothing tested is never success.
 *
 * Tests run from .build/, which mirrors src/ and test/. The other folders that code finds beside itself (fixtures,
 * bin, ...) are links in there, so that '../fixtures/' is right in the source and in the compiled file.
 */
import { setMaxListeners } from 'node:events';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve, sep } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BUILD = join(ROOT, '.build');
const LINKS = [
  'fixtures',
  'bin',
  'dist',
  'docs',
  'node_modules',
  'package.json',
  'README.md',
  'CHANGELOG.md',
  'action.yml',
];
/** Files that take long, mostly waiting, by how their names begin: they begin first, and the others run beside them. */
const LONG = ['scenarios', 'cli-stop', 'hostile', 'client-obligations-', 'cli', 'schema', 'transport', 'resolver'];
const FILE_TIMEOUT_MS = 120_000;
const MTA_FILE_TIMEOUT_MS = 900_000;

process.chdir(ROOT);
const total = { passed: 0, failed: 0, skipped: 0 };
const [mode = 'all', ...parts] = process.argv.slice(2);
switch (mode) {
  case 'all':
    await everything();
    break;
  case '--only':
    if (parts[0] === 'tests') await compile();
    else if (parts[0] !== 'compiled-tests') usage();
    parts.shift();
    await tests(testFiles('test', parts), FILE_TIMEOUT_MS);
    break;
  case '--mta':
    await compile();
    await tests(testFiles('test/mta', parts), MTA_FILE_TIMEOUT_MS);
    break;
  case '--bench':
    await compile();
    await benchmarks(parts);
    break;
  default:
    usage();
}
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;

function usage() {
  console.error(
    'usage: node test/gate.js [--only tests | --only compiled-tests | --mta | --bench] [part of a file name...]',
  );
  process.exit(2);
}

/** The steps do not depend on each other, but tests and publint read what the build wrote. */
async function everything() {
  await Promise.all([
    compile(),
    (async () => {
      await step('format', ['oxfmt', '--check', 'src/**/*.ts', 'test/**/*.ts', 'test/*.js', 'bin/*.js']);
      await step('lint', ['oxlint', '--deny-warnings', 'src', 'test', 'bin']);
      await step('unused code', ['knip', '--no-config-hints']);
    })(),
  ]);
  await Promise.all([
    tests(testFiles('test', []), FILE_TIMEOUT_MS),
    step('package', ['publint', 'run', '--strict', '--pack', 'npm']),
  ]);
}

/** Into .build/ (what the tests import) and into dist/ (what bin/ runs). What has no source any more is removed. */
async function compile() {
  mkdirSync(BUILD, { recursive: true });
  for (const name of LINKS) link(name);
  removeStale(join(BUILD, 'src'), join(ROOT, 'src'));
  removeStale(join(BUILD, 'test'), join(ROOT, 'test'));
  removeStale(join(ROOT, 'dist'), join(ROOT, 'src'));
  const sound = await step('types', ['tsc', '-p', 'tsconfig.test.json']);
  await step('build', ['tsc', '-p', 'tsconfig.build.json'], sound ? undefined : 'see what types said');
}

function link(name) {
  const path = join(BUILD, name);
  const target = join('..', name);
  try {
    if (readlinkSync(path) === target) return;
  } catch {
    // Not there yet, the ordinary case of a first run.
  }
  rmSync(path, { recursive: true, force: true });
  symlinkSync(target, path, name.includes('.') ? 'file' : 'dir');
}

function removeStale(compiled, source) {
  for (const file of filesBelow(compiled)) {
    const origin = join(source, relative(compiled, file)).replace(/(?:\.d)?\.[jt]s$/, '.ts');
    if (!existsSync(origin)) rmSync(file, { force: true });
  }
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/**
 * Runs a tool of node_modules/.bin and tells whether it passed. It is quiet when it did, and shows all that it said when
 * it did not, or `known` where that was said before.
 */
async function step(name, [tool, ...args], known) {
  const startedAt = performance.now();
  const { code, output } = await spawned(join(ROOT, 'node_modules', '.bin', tool), args);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  if (code !== 0) {
    total.failed += 1;
    console.log(`FAIL ${name} (${[tool, ...args].join(' ')}), ${seconds} s\n${known ?? output.trimEnd()}\n`);
  } else {
    total.passed += 1;
    console.log(`ok   ${name}, ${seconds} s`);
  }
  return code === 0;
}

function spawned(command, args) {
  return new Promise((done) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => done({ code: -1, output: `${error.message}: has npm ci been run?` }));
    child.on('close', (code) => done({ code, output }));
  });
}

/** The compiled test files below `folder`; those of the real mail servers only when it is their folder. */
function testFiles(folder, wanted) {
  return filesBelow(join(BUILD, folder))
    .map((file) => relative(BUILD, file).replaceAll(sep, '/'))
    .filter((file) => file.endsWith('.test.js'))
    .filter((file) => folder === 'test/mta' || !file.startsWith('test/mta/'))
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part.replace(/\.ts$/, ''))))
    .toSorted((one, other) => rank(one) - rank(other) || (one < other ? -1 : 1));
}

function rank(file) {
  const at = LONG.findIndex((beginning) => file.startsWith(`test/${beginning}`));
  return at === -1 ? LONG.length : at;
}

async function tests(files, timeout) {
  if (files.length === 0) {
    total.failed += 1;
    console.log('FAIL tests: no test file matches\n');
    return;
  }
  const byPath = new Map(
    files.map((file) => [resolve(BUILD, file), { file, passed: 0, failed: 0, skipped: 0, ms: 0, said: '' }]),
  );
  const failures = [];
  const stray = []; // what went wrong after the test that started it had ended
  // Newer Nodes take the time-out for one test, not for its file: a process that stays alive needs a watchdog as well.
  const watchdog = new AbortController();
  // One listener a test file.
  setMaxListeners(0, watchdog.signal);
  const bite = () => watchdog.abort(new Error(`nothing was heard of any test file for ${timeout / 1000} s`));
  let timer = setTimeout(bite, timeout + 3000);
  const stream = run({
    files: [...byPath.keys()],
    concurrency: availableParallelism() + 2,
    timeout,
    signal: watchdog.signal,
  });
  for await (const { type, data } of stream) {
    clearTimeout(timer);
    timer = setTimeout(bite, timeout + 3000);
    const of = byPath.get(data?.file) ?? byPath.get(data?.name);
    if (type === 'test:diagnostic' && data.message.startsWith('Error: ')) stray.push(data.message);
    if (of === undefined) continue;
    if (type === 'test:stdout' || type === 'test:stderr') of.said += data.message;
    if (type === 'test:pass' || type === 'test:fail') count(of, type, data, failures);
  }
  clearTimeout(timer);
  for (const of of byPath.values()) {
    if (of.passed + of.failed + of.skipped === 0) {
      of.failed += 1;
      failures.push({ of, name: 'the file', error: 'it holds no test' });
    }
    total.passed += of.passed;
    total.failed += of.failed;
    total.skipped += of.skipped;
    const failed = of.failed > 0 ? `, ${of.failed} failed` : '';
    const skips = of.skipped > 0 ? `, ${of.skipped} skipped` : '';
    const mark = of.failed > 0 ? 'FAIL' : 'ok  ';
    console.log(
      `${mark} ${of.file.replace(/\.js$/, '.ts')}: ${of.passed} passed${failed}${skips}, ${(of.ms / 1000).toFixed(1)} s`,
    );
  }
  for (const { of, name, error } of failures) {
    console.log(`\nFAIL ${of.file.replace(/\.js$/, '.ts')}: ${name}\n${indented(error)}`);
  }
  for (const of of byPath.values()) {
    if (of.failed > 0 && of.said.trim() !== '') console.log(`\n${of.file} printed:\n${indented(of.said.trimEnd())}`);
  }
  if (stray.length > 0) console.log(`\n${stray.join('\n')}`);
  if (failures.length > 0) console.log('');
}

/** A suite is no test of its own, nor is the process of a file, unless that is what failed. */
function count(of, type, data, failures) {
  const isFile = resolve(BUILD, data.name) === resolve(BUILD, of.file);
  if (isFile) of.ms = data.details.duration_ms;
  else if (data.nesting === 0) of.ms += data.details.duration_ms;
  const error = data.details.error;
  const childFailed = error?.failureType === 'subtestsFailed';
  if (type === 'test:pass') {
    if (isFile || data.details.type === 'suite') return;
    if (data.skip !== undefined || data.todo !== undefined) of.skipped += 1;
    else of.passed += 1;
    return;
  }
  if (childFailed && (isFile || data.details.type === 'suite')) return;
  of.failed += 1;
  if (childFailed) return;
  const exit = isFile && error?.exitCode ? `, exit code ${error.exitCode}` : '';
  failures.push({ of, name: isFile ? 'the file' : data.name, error: told(error) + exit });
}

function told(error) {
  const cause = error?.cause ?? error;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 8, maxStringLength: 4000, breakLength: 120 });
}

function indented(text) {
  return text.replaceAll(/^(?=.)/gm, '    ');
}

/** A benchmark is a program: it prints what it measured, and fails when a claim of its own does not hold. */
async function benchmarks(wanted) {
  const files = filesBelow(join(BUILD, 'test', 'bench'))
    .filter((file) => file.endsWith('.bench.js'))
    .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)));
  if (files.length === 0) {
    total.failed += 1;
    console.log('FAIL bench: no benchmark matches');
  }
  for (const file of files.toSorted()) {
    console.log(`\n${relative(BUILD, file)}`);
    const code = await new Promise((done) => {
      spawn(process.execPath, ['--expose-gc', file], { stdio: 'inherit' }).on('close', done);
    });
    total[code === 0 ? 'passed' : 'failed'] += 1;
  }
}
