// The command line: commands, options and their help (commander's place). What each command does stands in its own file.
import { Command, CommanderError, Option } from 'commander';
import { PROFILES } from '../requirements/profiles.js';
import { expectNoCommand } from './misspelt.js';
import { FORMATS, type CheckFlags, type ReportFlags } from './flags.js';
import { UsageError } from '../smtp/usage-error.js';
import { collect, parseCount, parsePort, parseSeconds, parseTimeout, parseWord } from './values.js';

/** Parses the arguments and runs the command; the exit code. Throws a UsageError for what cannot be. */
export async function run(argv: readonly string[], version: string): Promise<number> {
  let code = 0;
  const done = (result: Promise<number>): Promise<void> =>
    result.then((value) => {
      code = value;
    });
  const program = new Command('postmaster-check');
  program
    .description("Finds out, from outside, whether a domain's mail servers keep the promises of RFC 5321.")
    .version(version, '-V, --version')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText('after', EXAMPLES);
  checkOptions(program.argument('[domain...]', 'domains; also user@domain, @FILE, or - for standard input'));
  program.action((domains: readonly string[], flags: CheckFlags) => {
    expectNoCommand(
      domains,
      program.commands.map((command) => command.name()),
    );
    return done(runCheck(domains, flags, version));
  });
  checkOptions(
    program
      .command('check')
      .argument('[domain...]', 'domains; also user@domain, @FILE, or - for standard input')
      .summary('check domains: the main job, by its long name'),
  ).action((domains: readonly string[], flags: CheckFlags) => done(runCheck(domains, flags, version)));
  reportOptions(program.command('replay').argument('<evidence...>', 'files made with --save-evidence'))
    .summary('judge recorded evidence again, without network')
    .description('Judges evidence that was saved with --save-evidence again: the same verdicts, without network.')
    .action((files: readonly string[], flags: ReportFlags) =>
      done(import('./replay-command.js').then(({ replay }) => replay(files, flags, version))),
    );
  program
    .command('requirements')
    .argument('[id...]', 'ids, groups or sections: postmaster.bare, greeting, 4.5.1')
    .summary('list the catalogue, or explain requirements')
    .description('Lists the requirements that are judged, or explains those that are named.')
    .option('--json', 'as JSON')
    .option('--markdown', 'as Markdown')
    .option('--no-color', 'no colour')
    .action((ids: readonly string[], flags: { json?: true; markdown?: true; color: boolean }) =>
      done(import('./requirements-command.js').then(({ requirements }) => requirements(ids, flags))),
    );
  program
    .command('profiles')
    .argument('[name]', `one of ${PROFILES.join(', ')}, or a profile file`)
    .summary('list the profiles, or the requirements of one')
    .description('Lists the profiles, or what one of them asks for and what decides with it.')
    .option('--json', 'as JSON: with a name, a profile file to start from')
    .option('--no-color', 'no colour')
    .action((name: string | undefined, flags: { json?: true; color: boolean }) =>
      done(import('./profiles-command.js').then(({ profiles }) => profiles(name, flags))),
    );
  program
    .command('demo')
    .summary('scripted mail hosts on loopback, checked for real')
    .description(
      'Plays scripted mail hosts and a DNS server on loopback and checks them for real; needs no network and no root.',
    )
    .option('--no-color', 'no colour')
    .action((flags: { color: boolean }) => done(import('./demo-command.js').then(({ demo }) => demo(flags))));
  program
    .command('schema')
    .argument('[which]', 'report (also one line of NDJSON), or evidence', 'report')
    .summary('print the JSON Schema of the report, or of evidence')
    .description('Prints the JSON Schema (2020-12) of the report, or of evidence files.')
    .action((which: string) => done(import('./schema-command.js').then(({ schema }) => schema(which))));
  program.helpCommand('help [command]', 'show this, or the options of a command');

  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => undefined });
    command.options.forEach(nameInErrors);
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    throw new UsageError(sentence(error));
  }
  return code;
}

async function runCheck(domains: readonly string[], flags: CheckFlags, version: string): Promise<number> {
  const { check } = await import('./check-command.js');
  return check(domains, flags, version);
}

/** Puts the option before what is wrong with its value. */
function nameInErrors(option: Option): void {
  const { parseArg: parse, long } = option;
  if (parse === undefined) return;
  option.argParser((text, previous) => {
    try {
      return parse(text, previous);
    } catch (error) {
      throw error instanceof UsageError ? new UsageError(`${long}: ${error.message}`) : error;
    }
  });
}

/** What commander says, as one sentence. */
function sentence({ message, code }: CommanderError): string {
  if (code === 'commander.help') return 'name a domain, or see --help';
  return message
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ')
    .trim();
}

function checkOptions(command: Command): Command {
  command
    .optionsGroup('Where:')
    .option('--nameserver <ip[:port]>', "ask this name server; repeatable (default: the system's)", collect)
    .option('--port <n>', 'port of the mail hosts', parsePort, 25)
    .option('--host <host[:port]>', 'probe this mail host and skip the DNS of the domain; repeatable', collect)
    .option('--served-domain <domain>', 'a domain that --host serves; repeatable, the same as naming it', collect)
    .option('-4, --ipv4', 'connect over IPv4 alone')
    .option('-6, --ipv6', 'connect over IPv6 alone')
    .option('--allow-private', 'connect to private, loopback and other special-purpose addresses that DNS gave')
    .optionsGroup('Who we are:')
    .option('--ehlo <name>', "argument of EHLO (default: this machine's name if it resolves, else its address)")
    .option('--mail-from <address>', 'a sender to use before the null one')
    .optionsGroup('Conversation:')
    .addOption(
      new Option('--starttls <when>', 'TLS: auto only where it is demanded')
        .argParser(parseWord(['auto', 'never', 'require']))
        .default('auto'),
    )
    .option('--no-pipelining', 'one command at a time even where groups are offered')
    .option(
      '--timeout <seconds>',
      'replaces each time-out (connect 30, greeting 60, command 30, QUIT 10, DNS 5)',
      parseTimeout,
    )
    .option('--rfc-timeouts', 'the time-outs of RFC 5321 4.5.3.2: minutes')
    .option('--max-time <seconds>', 'start no new command after this long', parseTimeout)
    .option('--retries <n>', 'try again what was refused for now', parseCount(0), 0)
    .addOption(
      new Option('--retry-after <seconds>', 'wait before each (60 at least against public addresses)')
        .argParser(parseSeconds)
        .default(1_800_000, '1800'),
    )
    .option('--linger <seconds>', 'send nothing for so long after an opening 554 (default: 5)', parseSeconds)
    .option('--no-controls', 'no random recipient to compare with')
    .option('--concurrency <n>', 'domains at once', parseCount(1), 10)
    .option('--pause <seconds>', 'least time between two connections to one address', parseSeconds, 0)
    .optionsGroup('What is judged:')
    .option('--profile <name>', `which requirements decide: ${PROFILES.join(', ')}, or a file`, 'postmaster')
    .option('--only <id>', 'these requirements alone: an id, a group or a section; repeatable', collect)
    .option('--skip <id>', 'not these; repeatable', collect)
    .option('--intrusive', 'also those that provoke errors, use unusual syntax or idle')
    .option('--deliver', 'also those that send one message to Postmaster; asks first')
    .option('--yes', 'do not ask before --deliver');
  reportOptions(command);
  return command
    .option('--save-evidence <file>', 'keep all that was seen, for replay')
    .option('--progress', 'tell on stderr what is going on, also where it is no terminal')
    .option('--dry-run', 'print what would be sent, and to whom; connect to no mail host');
}

function reportOptions(command: Command): Command {
  return command
    .optionsGroup('What counts:')
    .option('--strict', 'warnings of SHOULD, inexact codes and refusals "for now" that stayed count as violations')
    .option('--waive <file>', 'violations that do not count, with a reason and a day when that ends (JSON)')
    .option('--baseline <file>', 'only violations that this file does not list count')
    .option('--write-baseline <file>', 'write the violations of this run, for --baseline')
    .optionsGroup('Report:')
    .addOption(new Option('--format <name>', `one of ${FORMATS.join(', ')}`).argParser(parseWord(FORMATS)))
    .option('--json', 'short for --format json')
    .option('-o, --output <format=path>', 'also write this format to this file; repeatable', collect)
    .option('-v, --verbose', 'every judgement, and the transcripts')
    .option('-q, --quiet', 'one line a domain')
    .option('--no-color', 'no colour (also NO_COLOR)')
    .addOption(
      new Option('--fail-on <what>', 'what a non-zero exit code is for: violation, inconclusive, incomplete, never')
        .argParser(parseWord(['violation', 'inconclusive', 'incomplete', 'never'] as const))
        .default('inconclusive'),
    )
    .option('--require-mail', 'a domain without mail service counts as a violation');
}

const EXAMPLES = `
Examples:
  postmaster-check example.org
  postmaster-check --json example.org example.net > report.json
  postmaster-check --host localhost:2525 --served-domain a.test
  postmaster-check demo

Exit codes: 0 conforms, 1 violates, 2 usage, 3 could not be told, 4 this machine
cannot probe, 5 a bug in this program, 130 interrupted.`;
