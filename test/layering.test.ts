/**
 * The two laws of the architecture, read from the import lines of src/.
 *
 * Law 1: arrows run one way (smtp <- evidence <- requirements <- report <- cli, io beside them).
 * Law 2: each npm package is imported by one file, types and the lab's DNS server aside; replacing one is a one-file change.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, sep } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
const MOST_LINES = 300;

interface Layer {
  /** Folders of src, or files that stand beside them, whose modules may be imported. */
  readonly from: readonly string[];
  readonly packages: readonly string[];
  readonly node: boolean;
}

const BELOW_CLI = [
  'smtp',
  'evidence',
  'requirements',
  'report',
  'io',
  'check.ts',
  'check-options.ts',
  'probe-host.ts',
  'deliver.ts',
];

const LAYERS: Readonly<Record<string, Layer>> = {
  smtp: { from: ['smtp'], packages: ['tr46', 'ipaddr.js'], node: false },
  evidence: { from: ['smtp', 'evidence'], packages: [], node: false },
  requirements: { from: ['smtp', 'evidence', 'requirements'], packages: ['ipaddr.js'], node: false },
  report: { from: ['smtp', 'evidence', 'requirements', 'report'], packages: ['chalk'], node: false },
  io: {
    from: ['smtp', 'evidence', 'io'],
    packages: ['dns2', 'smtp-client', 'p-limit', 'ipaddr.js', 'tr46'],
    node: true,
  },
  'check.ts': { from: BELOW_CLI, packages: [], node: true },
  'check-options.ts': { from: BELOW_CLI, packages: [], node: true },
  'probe-host.ts': { from: BELOW_CLI, packages: [], node: true },
  'deliver.ts': { from: BELOW_CLI, packages: [], node: true },
  survey: { from: [...BELOW_CLI, 'survey'], packages: ['p-limit'], node: true },
  lab: { from: [...BELOW_CLI, 'lab'], packages: ['dns2'], node: true },
  'index.ts': { from: [...BELOW_CLI, 'survey', 'lab'], packages: [], node: true },
  cli: { from: [...BELOW_CLI, 'survey', 'lab', 'index.ts', 'cli'], packages: ['commander'], node: true },
};

/** The one file that may import a package, where the architecture names it. */
const HOME: Readonly<Record<string, RegExp>> = {
  chalk: /^report\/text\.ts$/,
  commander: /^cli\/[^/]+\.ts$/,
};

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

type Sources = ReadonlyMap<string, string>;

const sources = readSources();

test('src/ is not empty', () => {
  assert.notEqual(sources.size, 0);
});

test('arrows run one way', () => {
  assert.deepEqual(backArrows(sources), []);
});

test('each npm package is imported by one file', () => {
  assert.deepEqual(sharedPackages(sources), []);
});

test('only cli/ knows the process', () => {
  assert.deepEqual(usersOfProcess(sources), []);
});

test(`a file of src/ has at most ${MOST_LINES} lines`, () => {
  const long = [...sources].filter(([, text]) => lineCount(text) > MOST_LINES);
  assert.deepEqual(
    long.map(([file, text]) => `${file} has ${lineCount(text)} lines`),
    [],
  );
});

test('an arrow that runs back is named', () => {
  const bad: Sources = new Map([
    ['smtp/a.ts', "import type {\n  Report,\n} from '../report/report.js';\nimport './b.js';\n"],
    ['evidence/b.ts', "export { x } from '../requirements/c.js';\nimport { connect } from 'node:net';\n"],
    ['report/json.ts', "const chalk = await import('chalk');\n"],
    ['report/text.ts', "import chalk from 'chalk';\n// import { x } from '../cli/main.js';\n"],
    ['io/client.ts', "import { judge } from '../report/judge.js';\n"],
    ['tools/x.ts', ''],
    ['cli/main.ts', "import { check } from '../check.js';\n"],
  ]);
  assert.deepEqual(backArrows(bad), [
    'smtp/a.ts imports ../report/report.js',
    'evidence/b.ts imports ../requirements/c.js',
    'evidence/b.ts imports node:net',
    'report/json.ts imports chalk',
    'io/client.ts imports ../report/judge.js',
    'tools/x.ts lies in no layer',
  ]);
});

test('a package with two importers is named, types and the lab aside', () => {
  const bad: Sources = new Map([
    ['io/resolver.ts', "import dns2 from 'dns2';\n"],
    ['lab/dns-server.ts', "import dns2 from 'dns2';\n"],
    ['io/client.ts', "import type { X } from 'p-limit';\n"],
    ['io/pace.ts', "import pLimit from 'p-limit';\n"],
    ['survey/run.ts', "const { default: pLimit } = await import('p-limit');\n"],
  ]);
  assert.deepEqual(sharedPackages(bad), ['p-limit is imported by io/pace.ts and survey/run.ts']);
});

test('a use of the process outside cli/ is named, whether a global or an import', () => {
  const bad: Sources = new Map([
    ['io/clock.ts', '// process.exit() would be wrong here\nexport const pid = process.pid;\n'],
    ['lab/main.ts', "import { argv } from 'node:process';\n"],
    ['report/text.ts', "export const text = 'the process. It ended';\n"],
    ['cli/main.ts', 'process.exitCode = 1;\n'],
  ]);
  assert.deepEqual(usersOfProcess(bad), ['io/clock.ts', 'lab/main.ts']);
});

function lineCount(text: string): number {
  return text.trimEnd().split('\n').length;
}

function readSources(): Sources {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return new Map(
    files.toSorted().map((file) => [file.replaceAll(sep, '/'), readFileSync(join(SRC, file), 'utf8')] as const),
  );
}

function backArrows(files: Sources): readonly string[] {
  return [...files].flatMap(([file, text]) => {
    const layer = LAYERS[layerOf(file)];
    if (layer === undefined) return [`${file} lies in no layer`];
    return importsOf(text)
      .filter(({ specifier }) => !mayImport(file, layer, specifier))
      .map(({ specifier }) => `${file} imports ${specifier}`);
  });
}

function mayImport(file: string, layer: Layer, specifier: string): boolean {
  if (specifier.startsWith('node:')) return layer.node;
  if (!specifier.startsWith('.')) {
    const name = packageOf(specifier);
    return layer.packages.includes(name) && (HOME[name]?.test(file) ?? true);
  }
  const path = posix.join(dirname(file), specifier).replace(/\.js$/, '.ts');
  return layer.from.includes(layerOf(path));
}

/** The first folder below src, or the file's own name where it stands in src itself. */
function layerOf(file: string): string {
  return file.split('/')[0] ?? file;
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

function sharedPackages(files: Sources): readonly string[] {
  const importers = new Map<string, string[]>();
  for (const [file, text] of files) {
    const packages = importsOf(text)
      .filter(({ specifier, typeOnly }) => !typeOnly && !specifier.startsWith('.') && !specifier.startsWith('node:'))
      .map(({ specifier }) => packageOf(specifier))
      .filter((name) => !(name === 'dns2' && layerOf(file) === 'lab'));
    for (const name of new Set(packages)) importers.set(name, [...(importers.get(name) ?? []), file]);
  }
  return [...importers]
    .filter(([, importing]) => importing.length > 1)
    .map(([name, importing]) => `${name} is imported by ${importing.join(' and ')}`);
}

function usersOfProcess(files: Sources): readonly string[] {
  return [...files]
    .filter(([file]) => layerOf(file) !== 'cli')
    .filter(([, text]) => {
      const imported = importsOf(text).some(({ specifier }) => /^(?:node:)?process$/.test(specifier));
      return imported || /\bprocess\s*\??[.[]\s*\w/.test(withoutStrings(withoutComments(text)));
    })
    .map(([file]) => file);
}

function importsOf(text: string): readonly Import[] {
  const code = withoutComments(text);
  const fixed = code.matchAll(/^(?:import|export)\s+(type\s+)?(?:[\w*{}$,\s]+?\s*from\s*)?['"]([^'"]+)['"]/gm);
  const called = code.matchAll(/(\btypeof\s+)?\bimport\(\s*['"]([^'"]+)['"]\s*\)/g);
  return [...fixed, ...called].map(([, type, specifier]) => ({
    specifier: specifier ?? '',
    typeOnly: type !== undefined,
  }));
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

function withoutStrings(text: string): string {
  return text.replaceAll(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, "''");
}
