// The way in. `--version` is answered before anything else is loaded; what nobody catches ends here, with exit code 5.
import { readFileSync } from 'node:fs';
import { tellFault } from './faults.js';
import { UsageError } from '../smtp/usage-error.js';

const packageFile = new URL('../../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { readonly version: string };

// A reader that has gone away (`| head`) is no crash; a full disk is said.
const onWriteError = (error: NodeJS.ErrnoException): void => {
  if (error.code === 'EPIPE') return;
  process.stderr.write(`postmaster-check: cannot write the output: ${error.message}\n`);
  process.exit(2);
};
process.stdout.on('error', onWriteError);

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`${version}\n`);
} else {
  process.stderr.on('error', () => undefined); // nobody is left to be told
  process.on('uncaughtException', (error) => fatal(error));
  process.on('unhandledRejection', (error) => fatal(error));
  const { run } = await import('./program.js');
  try {
    process.exitCode = await run(argv, version);
  } catch (error) {
    if (!(error instanceof UsageError)) fatal(error);
    process.stderr.write(`postmaster-check: ${(error as Error).message}\n`);
    process.exitCode = 2;
  }
}

/** Exit code 5: a bug of ours. */
function fatal(error: unknown): never {
  tellFault(error);
  process.exit(5);
}
