// Every requirement against real servers as they are shipped: `--profile all --intrusive`, compared with the evidence in
// fixtures/evidence/conformance. RECORD=1 writes that evidence, and docs/mta-conformance.md from it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { decodeArchive } from '../../src/evidence/archive.js';
import type { DomainEvidence } from '../../src/evidence/evidence.js';
import {
  committedEvidence,
  committedServers,
  conformancePage,
  fileOf,
  FOLDER,
  PAGE,
  verdictsOf,
  type ServerFacts,
} from '../support/conformance-doc.js';
import { freePort, whyNotHere, type MailHost } from './instance.js';
import { type Setup, setups, startSetup, versionOfSetup } from './servers.js';

const RECORD = process.env['RECORD'] === '1';
/** The whole profile takes no longer than this against a server that answers at once. */
const MOST_SECONDS = 30;

/** The servers of the page, with the variant that is their default. */
const SHIPPED: readonly { readonly setup: Setup; readonly name: string }[] = [
  { setup: 'postfix/stock', name: 'Postfix' },
  { setup: 'exim/stock', name: 'Exim' },
  { setup: 'sendmail/stock', name: 'sendmail' },
  { setup: 'opensmtpd/stock', name: 'OpenSMTPD' },
  // Its tarpit makes each refusal take twice as long as the one before: minutes, which would show nothing more.
  { setup: 'courier/stock-without-tarpit', name: 'Courier' },
  { setup: 'haraka/stock', name: 'Haraka' },
  { setup: 'qpsmtpd/stock', name: 'qpsmtpd' },
  { setup: 'smtp-server/stock', name: 'smtp-server' },
  { setup: 'aiosmtpd/stock', name: 'aiosmtpd' },
];

const folder = mkdtempSync(join(tmpdir(), 'conformance-'));
after(() => rmSync(folder, { recursive: true }));

/** Runs the built program and gives its exit code, its report and how long it took. */
function run(
  args: readonly string[],
): Promise<{ readonly code: number; readonly stderr: string; readonly seconds: number }> {
  const start = performance.now();
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      ['bin/postmaster-check.js', ...args],
      { timeout: 240_000, maxBuffer: 50_000_000 },
      (_error, _stdout, stderr) =>
        done({ code: child.exitCode ?? -1, stderr, seconds: (performance.now() - start) / 1000 }),
    );
  });
}

/** Asks a host everything that the arguments want; the evidence. */
async function ask(
  host: MailHost,
  domain: string,
  name: string,
  args: readonly string[],
): Promise<{ readonly evidence: DomainEvidence; readonly seconds: number }> {
  const file = join(folder, `${name}.json`);
  const { code, stderr, seconds } = await run([
    '--host',
    `${host.address}:${host.port}`,
    '--served-domain',
    domain,
    '--ehlo',
    'probe.example',
    '--quiet',
    '--save-evidence',
    file,
    ...args,
  ]);
  assert.ok([0, 1, 3].includes(code), `exit ${code}: ${stderr}`);
  const [evidence] = decodeArchive(readFileSync(file, 'utf8'), file);
  assert.ok(evidence !== undefined);
  return { evidence, seconds };
}

/** Verdict and cause by requirement. */
const wordsOf = (evidence: DomainEvidence): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...verdictsOf(evidence)].map(([id, { verdict, cause }]) => [
      id,
      cause === undefined ? verdict : `${verdict} ${cause}`,
    ]),
  );

/** What was said that was not answered 2yz or 3yz, with the code. */
function errorsIn({ endpoints, probe }: DomainEvidence): readonly string[] {
  const errors = endpoints.flatMap(({ attempts }) =>
    attempts.flatMap(({ exchanges }) =>
      exchanges.flatMap((exchange) => {
        if (exchange.act !== 'command' || exchange.outcome.kind !== 'reply') return [];
        const { code } = exchange.outcome.reply;
        const command = exchange.command.replace(probe.controlLocalPart ?? '?', 'CONTROL');
        const shown = command.replace(/@\[.*/, '@[LITERAL]').replace(/@[^[].*/, '@');
        return code < 400 ? [] : [`${shown} ${code}`];
      }),
    ),
  );
  return [...new Set(errors)].toSorted();
}

/** How long the server let us wait before it greeted, in seconds. */
function delayOf({ endpoints }: DomainEvidence): number {
  const waits = endpoints.flatMap(({ attempts }) =>
    attempts.flatMap(({ exchanges }) =>
      exchanges.map((one) => (one.act === 'opening' || one.act === 'beside' ? one.outcome.afterMs : 0)),
    ),
  );
  return waits.reduce((sum, ms) => sum + ms, 0) / 1000;
}

const saidData = ({ endpoints }: DomainEvidence): boolean =>
  endpoints.some(({ attempts }) =>
    attempts.some(({ exchanges }) =>
      exchanges.some((exchange) => exchange.act === 'command' && /^(?:DATA|BDAT)\b/i.test(exchange.command)),
    ),
  );

async function settled(host: MailHost): Promise<readonly string[]> {
  for (let tries = 0; tries < 40 && (await host.accepted()).length > 0; tries++) {
    await new Promise((done) => setTimeout(done, 50));
  }
  return host.accepted();
}

const domainOf = (setup: Setup): string => `${setup.replace('/', '.')}.example`;

describe(
  'every requirement against servers as they are shipped',
  { concurrency: 6, timeout: 800_000, skip: whyNotHere() ?? false },
  () => {
    const recorded: ServerFacts[] = [];

    for (const [index, { setup, name }] of SHIPPED.entries()) {
      const address = `127.0.11.${index + 1}`;
      test(`${name}: as committed, in ${MOST_SECONDS} s, and no message is left behind`, async () => {
        const domain = domainOf(setup);
        const host = await startSetup(setup, { domain, address, port: await freePort([address]) });
        try {
          const { evidence, seconds } = await ask(host, domain, setup.replace('/', '-'), [
            '--profile',
            'all',
            '--intrusive',
          ]);
          assert.deepEqual(await settled(host), [], 'no mail was sent');
          assert.equal(saidData(evidence), false);
          const own = seconds - delayOf(evidence);
          assert.ok(own < MOST_SECONDS, `${own.toFixed(1)} s, the server's own delays aside`);
          const what = setups.find((one) => one.setup === setup)?.what ?? '';
          const facts = { setup, name, version: versionOfSetup(setup), what };
          if (RECORD) {
            mkdirSync(FOLDER, { recursive: true });
            writeFileSync(fileOf(facts), readFileSync(join(folder, `${setup.replace('/', '-')}.json`)));
            recorded.push(facts);
            return;
          }
          assert.deepEqual(wordsOf(evidence), wordsOf(committedEvidence(facts)));
          const committed = committedServers().find((server) => server.setup === setup);
          assert.deepEqual({ name, what }, { name: committed?.name, what: committed?.what });
        } finally {
          await host.stop();
        }
      });
    }

    /**
     * Legal, ordinary requests that these servers refuse in their own right: HELP (4.2.4), and postmaster at the address
     * literal and at the name of the host, which they need not serve.
     */
    const REFUSED: Readonly<Record<string, readonly string[]>> = {
      'postfix/stock': ['HELP 500', 'RCPT TO:<Postmaster@[LITERAL] 454'],
      'exim/stock': ['RCPT TO:<Postmaster@[LITERAL] 501'],
    };

    for (const [index, setup] of (['postfix/stock', 'exim/stock', 'sendmail/stock'] as const).entries()) {
      const address = `127.0.11.${index + 101}`;
      test(`${setup}: without --intrusive nothing is provoked but the answer about the control recipient`, async () => {
        const domain = domainOf(setup);
        const host = await startSetup(setup, { domain, address, port: await freePort([address]) });
        try {
          const usual = await ask(host, domain, 'usual', []);
          assert.deepEqual(errorsIn(usual.evidence), ['RCPT TO:<CONTROL@ 550']);
          const whole = await ask(host, domain, 'whole', ['--profile', 'rfc5321']);
          assert.deepEqual(errorsIn(whole.evidence), [...(REFUSED[setup] ?? []), 'RCPT TO:<CONTROL@ 550'].toSorted());
          assert.deepEqual(await settled(host), [], 'no mail was sent');
        } finally {
          await host.stop();
        }
      });
    }

    after(() => {
      if (!RECORD || recorded.length < SHIPPED.length) return;
      writeFileSync(`${FOLDER}/servers.json`, `${JSON.stringify(recorded, null, 2)}\n`);
      writeFileSync(PAGE, conformancePage());
    });
  },
);
