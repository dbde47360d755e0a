// What a user gets wrong: one sentence that says what to change, exit code 2, and nobody was connected to. Each is said
// to the program in a thread, and one of each kind to the real binary as well.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { cliInThread, type Cli } from './support/cli-in-thread.js';
import { cli } from './support/cli-run.js';
import { openWorld } from './support/cli-world.js';

const world = await openWorld();
const folder = mkdtempSync(join(tmpdir(), 'postmaster-check-'));
after(async () => {
  rmSync(folder, { recursive: true });
  await world.close();
});

const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const missing = join(folder, 'no', 'such', 'file');

/** The whole command line, and the sentence on stderr. */
const MISUSES: readonly (readonly [words: readonly string[], sentence: RegExp])[] = [
  [[], /^name a domain, or see --help$/],
  [['--nope', 'good.example'], /^unknown option '--nope'/],
  [['--formt', 'json', 'good.example'], /^unknown option '--formt' \(Did you mean --format\?\)$/],
  [['profles'], /^there is no command "profles" \(did you mean profiles\?\); .*: postmaster-check check profles$/],
  [['requirement', 'postmaster.bare'], /^there is no command "requirement" \(did you mean requirements\?\)/],
  [['good.example', '--format'], /'--format <name>' argument missing/],
  [['good.example', '--format', 'xml'], /^--format: "xml" is not one of text, json, ndjson$/],
  [['good.example', '--fail-on', 'sometimes'], /^--fail-on: .* violation, inconclusive, incomplete, never$/],
  [['good.example', '--starttls', 'maybe'], /^--starttls: "maybe" is not one of auto, never, require$/],
  [
    ['good.example', '--profile', 'nope'],
    /^--profile: "nope" is neither one of postmaster, rfc5321, role-mailboxes, rfc-ignorant, all nor a file$/,
  ],
  [['good.example', '--port', '65536'], /^--port: "65536" is no port/],
  [['good.example', '--timeout', 'soon'], /^--timeout: "soon" is no number of seconds$/],
  [['good.example', '--timeout', '0'], /^--timeout: .* above 0 seconds$/],
  [['good.example', '--linger', '-1'], /^--linger: "-1" is no number of seconds$/],
  [['good.example', '--retries', '1.5'], /^--retries: "1\.5" is no whole number from 0 up$/],
  [['good.example', '--concurrency', '0'], /^--concurrency: "0" is no whole number from 1 up$/],
  [['replay'], /^missing required argument 'evidence'$/],
  [['replay', missing], /^cannot read .*no\/such\/file: ENOENT/],
  [['replay', '--nameserver', '127.0.0.1', missing], /^unknown option '--nameserver'/],
  [['requirements', 'nobody.home'], /no requirement .* "nobody\.home"$/],
  [['requirements', '--json', '--markdown'], /^--json and --markdown exclude each other$/],
  [['schema', 'nope'], /^there is no schema "nope": write report or evidence$/],
  [['demo', 'good.example'], /^too many arguments/],
];

/** Told when the options are read together, before anybody is asked: the words behind the options of the world. */
const MISUSES_OF_CHECK: readonly (readonly [words: readonly string[], sentence: RegExp])[] = [
  [['good.example', '-4', '-6'], /^-4 and -6 exclude each other$/],
  [['good.example', '--only', 'postmaster.nobody'], /no requirement .* "postmaster\.nobody"$/],
  [['good.example', '--only', 'mx.usable', '--skip', 'mx'], /^--only and --skip leave no requirement to judge$/],
  [['good.example', '--nameserver', 'ns.example'], /^"ns\.example" is no name server/],
  [['good.example', '--host', '[::1'], /^"\[::1" is no mail host/],
  [['good.example', '--mail-from', 'a\r\nRCPT TO:<b@c.example>'], /^"a\\r\\nRCPT TO:<b@c\.example>" /],
  [['good.example', '--ehlo', 'localhost'], /^"localhost" is no name for EHLO/],
  [['good.example', '-o', `xml=${folder}/x`], / is no output: write FORMAT=PATH/],
  [['good.example', '-o', `json=${missing}`], /^cannot write .*no\/such\/file: ENOENT/],
  [['good.example', '--save-evidence', missing], /^cannot write .*no\/such\/file: ENOENT/],
  [['good.example', `@${missing}`], /^cannot read the list .*no\/such\/file: ENOENT/],
  [['good.example', `@${folder}`], /^cannot read the list .*: it is a directory$/],
  [['not..good'], /^"not\.\.good" has an empty label$/],
  [['https://good.example/'], /^"https:\/\/good\.example\/" is a URL: give the domain alone$/],
  [['192.0.2.1'], /^"192\.0\.2\.1" is an address, not a domain: use --host/],
  [['good.example\r\nQUIT'], /^"good\.example\\r\\nQUIT" /],
  [[`@${file('bad-only', '# nothing\nnot..good\n')}`], /^.*bad-only, line 2: "not\.\.good" has an empty label$/],
];

describe('a misuse is one sentence and exit code 2', () => {
  for (const [words, sentence] of MISUSES) {
    test(`postmaster-check ${JSON.stringify(words)}`, () => expectMisuse(words, sentence));
  }
  for (const [words, sentence] of MISUSES_OF_CHECK) {
    test(`postmaster-check ${JSON.stringify(words)}`, () => expectMisuse([...world.args, ...words], sentence));
  }
});

describe('and so it is to the real binary', { concurrency: 2 }, () => {
  for (const [words, sentence] of MISUSES.slice(0, 2)) {
    test(JSON.stringify(words), () => expectMisuse(words, sentence, cli));
  }
  for (const [words, sentence] of MISUSES_OF_CHECK.slice(-2)) {
    test(JSON.stringify(words), () => expectMisuse([...world.args, ...words], sentence, cli));
  }
});

async function expectMisuse(args: readonly string[], sentence: RegExp, run: Cli = cliInThread): Promise<void> {
  const { code, stdout, stderr } = await run(args);
  assert.match(stderr, /^postmaster-check: [^\n]+\n$/);
  assert.match(stderr.slice('postmaster-check: '.length, -1), sentence);
  assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
}

test('nobody was connected to', () => {
  assert.equal(world.mailHost.connections.length, 0);
});
