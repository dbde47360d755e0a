// The built program against real mail servers and a real name server, all started here on loopback and gone after.
// RECORD=1 writes the evidence of the hosts that refuse at connect to fixtures/evidence/mta/.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { freePort, whyNotHere, type MailHost } from './instance.js';
import { type NameServer, startNameServer } from './name-server.js';
import { type Setup, setups, startSetup } from './servers.js';

/** What a run of the program must come to. A row is a verdict, with its cause where it has one. */
interface Expected {
  readonly verdict: 'conforms' | 'violates' | 'inconclusive' | 'exempt' | 'not-applicable';
  readonly rows: Readonly<Record<string, string>>;
  readonly evidence?: 'strong' | 'weak' | 'unqualified';
  readonly args?: readonly string[];
  readonly recorded?: true;
}

const accepted = {
  'postmaster.domain': 'pass',
  'postmaster.bare': 'pass',
  'postmaster.case-insensitive': 'pass',
  'postmaster.bare.case-insensitive': 'pass',
} as const;
const conforms: Expected = {
  verdict: 'conforms',
  evidence: 'strong',
  rows: { ...accepted, 'postmaster.null-sender': 'pass' },
};
const conformsWeakly: Expected = { ...conforms, evidence: 'weak' };
// The control recipient was refused for a reason of ours: that says nothing about the mailboxes.
const conformsUnqualified: Expected = { ...conforms, evidence: 'unqualified' };
const waits = { 'greeting.554-waits-for-quit': 'pass', 'greeting.554-quit-221': 'pass' } as const;
const closesEarly: Expected = {
  verdict: 'violates',
  rows: { 'greeting.554-waits-for-quit': 'fail closed-early' },
  recorded: true,
};
const onlyBareRefused = (cause: string): Expected => ({
  verdict: 'violates',
  rows: { 'postmaster.domain': 'pass', 'postmaster.case-insensitive': 'pass', 'postmaster.bare': `fail ${cause}` },
});
const onlyDomainRefused = (cause: string): Expected => ({
  verdict: 'violates',
  rows: { 'postmaster.domain': `fail ${cause}`, 'postmaster.bare': 'pass', 'postmaster.bare.case-insensitive': 'pass' },
});
const bothRefused = (cause: string): Expected => ({
  verdict: 'violates',
  rows: { 'postmaster.domain': `fail ${cause}`, 'postmaster.bare': `fail ${cause}` },
});
const bareIsSyntax = (cause: string): Expected => ({
  verdict: 'violates',
  rows: { 'postmaster.domain': `fail ${cause}`, 'postmaster.bare': 'fail syntax' },
});
const cannotTell = (cause: string, bare: 'pass' | 'same' = 'same'): Expected => ({
  verdict: 'inconclusive',
  rows: {
    'postmaster.domain': `inconclusive ${cause}`,
    'postmaster.bare': bare === 'pass' ? 'pass' : `inconclusive ${cause}`,
  },
});

const expected = {
  'postfix/stock': conforms,
  'postfix/good': conforms,
  'postfix/good-virtual': conforms,
  'postfix/catch-all': conformsWeakly,
  'postfix/strict': conforms,
  'postfix/strict-error-limit': conforms,
  'postfix/recipient-list': conforms,
  'postfix/bare-rejected': onlyBareRefused('syntax'),
  'postfix/postmaster-unknown': onlyDomainRefused('no-mailbox'),
  'postfix/postmaster-unknown-soft': cannotTell('transient-negative', 'pass'),
  'postfix/postmaster-unknown-alias': onlyDomainRefused('no-mailbox'),
  'postfix/regexp-with-i': onlyDomainRefused('no-mailbox'),
  'postfix/null-sender-refused-at-mail': cannotTell('sender-refused'),
  'postfix/null-sender-refused-at-rcpt': cannotTell('sender-refused', 'pass'),
  'postfix/554-at-connect': {
    verdict: 'exempt',
    rows: { ...waits, 'greeting.554-503-to-commands': 'pass', 'postmaster.exempt-554': 'pass' },
    recorded: true,
  },
  'postfix/554-dnsbl-at-connect': { verdict: 'inconclusive', rows: waits, recorded: true },
  'postfix/521-at-connect': { verdict: 'exempt', rows: { 'postmaster.exempt-521': 'pass' }, recorded: true },
  'postfix/421-maintenance': { verdict: 'inconclusive', rows: {}, recorded: true },
  'postfix/postscreen-drop': { verdict: 'exempt', rows: { 'postmaster.exempt-521': 'pass' }, recorded: true },
  'postfix/postscreen-enforce': cannotTell('client-refused'),
  'postfix/postscreen-first-contact': cannotTell('transient-negative'),
  'postfix/greylisting': cannotTell('transient-negative', 'pass'),
  'postfix/deferred-client': cannotTell('client-refused', 'pass'),
  'postfix/tls-required': { ...conforms, rows: accepted },
  'postfix/tls-required-without-certificate': cannotTell('needs-tls'),
  'postfix/tls-offered': conforms,
  'postfix/dnsbl': cannotTell('client-refused', 'pass'),
  'postfix/client-rejected': cannotTell('client-refused', 'pass'),
  'postfix/recipients-only-for-ours': cannotTell('client-refused', 'pass'),
  'postfix/helo-literal-refused': { ...cannotTell('client-refused', 'pass'), args: ['--ehlo', '[127.0.0.1]'] },
  'postfix/relay-denied': onlyDomainRefused('relay-denied'),
  'postfix/relay-deferred': cannotTell('transient-negative', 'pass'),
  'postfix/mailbox-full': onlyDomainRefused('mailbox-full'),
  'postfix/mailbox-full-for-now': cannotTell('transient-negative', 'pass'),
  'postfix/postmaster-refused': cannotTell('client-refused', 'pass'),
  'postfix/rate-limited': {
    verdict: 'inconclusive',
    rows: { 'postmaster.domain': 'pass', 'postmaster.bare': 'inconclusive client-refused' },
  },

  'exim/stock': conforms,
  'exim/good': conforms,
  'exim/good-by-alias': conforms,
  'exim/catch-all': conformsWeakly,
  'exim/bare-rejected': onlyBareRefused('relay-denied'),
  'exim/bare-unknown': onlyBareRefused('no-mailbox'),
  'exim/bare-rejected-by-acl': onlyBareRefused('syntax'),
  'exim/postmaster-unknown': bothRefused('no-mailbox'),
  'exim/postmaster-unknown-in-words': bothRefused('no-mailbox'),
  'exim/case-sensitive': bothRefused('no-mailbox'),
  'exim/case-sensitive-capital': {
    verdict: 'violates',
    rows: {
      'postmaster.domain': 'pass',
      'postmaster.bare': 'pass',
      'postmaster.case-insensitive': 'fail no-mailbox',
      'postmaster.bare.case-insensitive': 'fail no-mailbox',
    },
  },
  'exim/null-sender-refused-at-mail': cannotTell('sender-refused'),
  'exim/null-sender-refused-at-rcpt': cannotTell('sender-refused'),
  'exim/connect-deny': { verdict: 'inconclusive', rows: {}, recorded: true },
  'exim/connect-deny-554': closesEarly,
  'exim/connect-drop-554': closesEarly,
  'exim/connect-deny-554-dnsbl': {
    verdict: 'inconclusive',
    rows: { 'greeting.554-waits-for-quit': 'warn client-refused' },
    recorded: true,
  },
  'exim/connect-defer': { verdict: 'inconclusive', rows: {}, recorded: true },
  'exim/host-reject': closesEarly,
  'exim/greylisting': cannotTell('transient-negative'),
  'exim/tls-required': { ...conforms, rows: accepted },
  'exim/tls-required-550': { ...conforms, rows: accepted },
  'exim/tls-offered': conforms,
  'exim/dnsbl': cannotTell('client-refused'),
  'exim/dnsbl-but-postmaster': { ...conformsUnqualified, rows: { ...accepted, 'postmaster.any-system': 'pass' } },
  'exim/auth-required': bothRefused('auth-required'),
  'exim/relay-denied': onlyDomainRefused('relay-denied'),
  'exim/mailbox-full': bothRefused('mailbox-full'),
  'exim/mailbox-full-for-now': cannotTell('transient-negative'),
  'exim/helo-literal-refused': { ...cannotTell('client-refused'), args: ['--ehlo', '[127.0.0.1]'] },
  'exim/rate-limited': {
    verdict: 'inconclusive',
    rows: { 'postmaster.domain': 'pass', 'postmaster.bare': 'pass' },
  },
  // Exim counts our RSETs and ends the session with a 554: the rest is asked in a fresh connection (R8).
  'exim/few-nonmail-commands': { verdict: 'conforms', rows: accepted },
  'exim/one-recipient': conforms,
  'exim/tarpit': conforms,
  'exim/lookup-broken': cannotTell('transient-negative'),

  'sendmail/stock': conforms,
  'sendmail/good': conforms,
  'sendmail/without-alias': bothRefused('no-mailbox'),
  'sendmail/postmaster-unknown': onlyDomainRefused('no-mailbox'),
  'sendmail/postmaster-in-virtual-domain': conforms,
  'sendmail/client-refused': cannotTell('client-refused'),
  'sendmail/client-refused-at-recipient': cannotTell('client-refused'),
  'sendmail/client-refused-but-postmaster': conformsUnqualified,
  'sendmail/recipient-blocked': bothRefused('no-mailbox'),

  'opensmtpd/stock': conforms,
  'opensmtpd/good': conforms,
  'opensmtpd/bare-rejected': onlyBareRefused('no-mailbox'),
  'opensmtpd/catch-all': onlyBareRefused('no-mailbox'),
  'opensmtpd/postmaster-unknown': bothRefused('no-mailbox'),
  'opensmtpd/relay-denied': onlyDomainRefused('no-mailbox'),
  'opensmtpd/null-sender-refused': cannotTell('sender-refused'),
  'opensmtpd/connect-reject': {
    verdict: 'exempt',
    rows: { ...waits, 'greeting.554-503-to-commands': 'warn wrong-code', 'postmaster.exempt-554': 'pass' },
    recorded: true,
  },
  'opensmtpd/connect-disconnect': closesEarly,
  'opensmtpd/no-reverse-dns': { verdict: 'inconclusive', rows: {}, recorded: true },
  'opensmtpd/tls-required-handshake-fails': cannotTell('needs-tls'),

  'courier/stock': bareIsSyntax('no-mailbox'),
  'courier/stock-without-tarpit': bareIsSyntax('no-mailbox'),
  'courier/good': onlyBareRefused('syntax'),
  'courier/relay-denied': bareIsSyntax('relay-denied'),

  'qpsmtpd/stock': conformsWeakly,
  'qpsmtpd/good': conforms,
  'qpsmtpd/postmaster-unknown': onlyDomainRefused('no-mailbox'),
  'qpsmtpd/postmaster-refused': onlyDomainRefused('no-mailbox'),
  'qpsmtpd/relay-denied': onlyDomainRefused('relay-denied'),
  'qpsmtpd/connect-deny': { verdict: 'inconclusive', rows: {}, recorded: true },

  'aiosmtpd/stock': conformsWeakly,
  'aiosmtpd/good': conforms,
  'aiosmtpd/not-relaying': onlyBareRefused('relay-denied'),

  'haraka/stock': onlyBareRefused('relay-denied'),
  'haraka/good': conforms,
  'haraka/good-catch-all': conformsWeakly,
  'haraka/recipient-list': bothRefused('no-mailbox'),
  'haraka/connect-deny': {
    verdict: 'exempt',
    rows: { ...waits, 'greeting.554-503-to-commands': 'warn wrong-code', 'postmaster.exempt-554': 'pass' },
    recorded: true,
  },
  'haraka/connect-deny-disconnect': closesEarly,

  'smtp-server/stock': bothRefused('auth-required'),
  'smtp-server/auth-optional': conformsWeakly,
  'smtp-server/recipient-list': onlyBareRefused('no-mailbox'),
  'smtp-server/case-sensitive': {
    verdict: 'violates',
    rows: {
      'postmaster.domain': 'fail no-mailbox',
      'postmaster.bare': 'pass',
      'postmaster.bare.case-insensitive': 'fail no-mailbox',
    },
  },
  'smtp-server/null-sender-refused': cannotTell('sender-refused'),
  'smtp-server/connect-refused-554': closesEarly,
} satisfies Record<Setup, Expected>;

const exitCodes = { conforms: 0, exempt: 0, 'not-applicable': 0, violates: 1, inconclusive: 3 } as const;

/** The part of the JSON report that is asserted here. */
interface Report {
  readonly exitCode: number;
  readonly domains: readonly {
    readonly domain: string;
    readonly verdict: string;
    readonly because: string;
    readonly route: { readonly kind: string };
    readonly judgements: readonly {
      readonly requirement: string;
      readonly verdict: string;
      readonly cause?: string;
      readonly evidence?: string;
      readonly because: string;
      readonly host?: string;
    }[];
    readonly sessions: readonly unknown[];
  }[];
}

/** Runs the built program, three minutes at most: a tarpit takes more than one. */
function run(
  args: readonly string[],
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((done) => {
    const options = { timeout: 180_000, maxBuffer: 10_000_000 };
    const child = execFile(
      process.execPath,
      ['bin/postmaster-check.js', ...args],
      options,
      (_error, stdout, stderr) => {
        done({ code: child.exitCode ?? -1, stdout, stderr });
      },
    );
  });
}

const nameOf = (setup: Setup) => `${setup.replace('/', '.')}.example`;
const addressOf = (setup: Setup) => `127.0.7.${setups.findIndex((one) => one.setup === setup) + 1}`;
const evidenceFile = (setup: Setup) => `fixtures/evidence/mta/${setup.replace('/', '-')}.json`;
const nobody = '127.0.9.250';

const setupLines = setups.map(({ setup }) => {
  const name = setup.replace('/', '.');
  return `${name} MX 10 mx.${name}\nmx.${name} A ${addressOf(setup)}\n`;
});

// Each setup is a domain with one mail host; after them the domains of the tests about routes.
const zone = `${setupLines.join('')}
two-hosts MX 10 mx1.two-hosts
two-hosts MX 20 mx2.two-hosts
mx1.two-hosts A 127.0.9.1
mx2.two-hosts A 127.0.9.2
refusing-first MX 10 mx1.refusing-first
refusing-first MX 20 mx2.refusing-first
mx1.refusing-first A 127.0.9.3
mx2.refusing-first A 127.0.9.4
null-mx MX 0 .
null-mx A 127.0.9.5
null-mx-and-more MX 0 .
null-mx-and-more MX 10 mx.null-mx-and-more
mx.null-mx-and-more A 127.0.9.6
implicit A 127.0.9.7
implicit-lame A 127.0.9.8
no-mail-service A ${nobody}
no-address MX 10 mx.no-address
only-text TXT "neither mail nor host"
dead-backup MX 10 mx1.dead-backup
dead-backup MX 20 mx2.dead-backup
mx1.dead-backup A 127.0.9.9
mx2.dead-backup A ${nobody}
aliased-target MX 10 alias.aliased-target
alias.aliased-target CNAME mx.aliased-target
mx.aliased-target A 127.0.9.10
alias CNAME canonical
canonical MX 10 mx.canonical
mx.canonical A 127.0.9.11
`;
const routeAddresses = Array.from({ length: 11 }, (_, index) => `127.0.9.${index + 1}`);

test('real servers can run here', () => assert.equal(whyNotHere(), undefined));

describe('the program against real servers', { concurrency: 4, timeout: 800_000, skip: whyNotHere() ?? false }, () => {
  let names: NameServer;
  let port: number;

  before(async () => {
    names = await startNameServer('127.0.0.1', await freePort(['127.0.0.1']), { example: zone });
    port = await freePort([...setups.map(({ setup }) => addressOf(setup)), ...routeAddresses, nobody]);
    if (process.env['RECORD'] === '1') mkdirSync('fixtures/evidence/mta', { recursive: true });
  });
  after(() => names.stop());

  const check = async (domains: readonly string[], more: readonly string[] = []) => {
    const where = ['--nameserver', `127.0.0.1:${names.port}`, '--allow-private', '--port', String(port)];
    const { code, stdout, stderr } = await run([...where, '--json', ...more, ...domains]);
    assert.ok(stdout.startsWith('{'), `no report; exit ${code}\n${stdout}${stderr}`);
    // The shape is the contract of the JSON report; that it holds is another test's business.
    const report = JSON.parse(stdout) as Report;
    assert.equal(code, report.exitCode, 'the exit code is that of the report');
    return { report, of: (domain: string) => told(report, domain) };
  };

  /** Starts hosts (server, domain, address) for the time of a test; none of them may take a message. */
  const withHosts = async (wanted: readonly (readonly [Setup, string, string])[], ask: () => Promise<void>) => {
    const hosts: MailHost[] = [];
    try {
      for (const [setup, domain, address] of wanted) hosts.push(await startSetup(setup, { domain, address, port }));
      await ask();
      for (const host of hosts) assert.deepEqual(await settled(host), [], 'no mail was sent');
    } finally {
      await Promise.all(hosts.map((host) => host.stop()));
    }
  };

  for (const { setup, what } of setups) {
    const { verdict, rows, evidence, args = [], recorded }: Expected = expected[setup];
    test(`${setup} ${verdict}: ${what}`, async () => {
      await withHosts([[setup, nameOf(setup), addressOf(setup)]], async () => {
        const save = recorded && process.env['RECORD'] === '1' ? ['--save-evidence', evidenceFile(setup)] : [];
        const { report, of } = await check([nameOf(setup)], [...args, ...save]);
        const seen = of(nameOf(setup));
        const asked = Object.fromEntries(Object.keys(rows).map((row) => [row, seen.rows[row]]));
        assert.deepEqual({ verdict: seen.verdict, rows: asked }, { verdict, rows }, seen.explained);
        assert.equal(report.exitCode, exitCodes[verdict]);
        if (evidence !== undefined) assert.equal(seen.evidence, evidence);
      });
    });
    if (recorded) {
      test(
        `${setup} ${verdict}, judged again from its evidence`,
        { skip: !existsSync(evidenceFile(setup)) },
        async () => {
          const { code, stdout } = await run(['replay', '--json', evidenceFile(setup)]);
          const seen = told(JSON.parse(stdout) as Report, nameOf(setup));
          const asked = Object.fromEntries(Object.keys(rows).map((row) => [row, seen.rows[row]]));
          assert.deepEqual({ verdict: seen.verdict, rows: asked }, { verdict, rows }, seen.explained);
          assert.equal(code, exitCodes[verdict]);
        },
      );
    }
  }

  test('a good first mail host does not make up for a bad second one', async () => {
    const domain = 'two-hosts.example';
    const hosts = [
      ['postfix/good', domain, '127.0.9.1'],
      ['exim/postmaster-unknown', domain, '127.0.9.2'],
    ] as const;
    await withHosts(hosts, async () => {
      const { report, of } = await check([domain]);
      const seen = of(domain);
      assert.equal(seen.verdict, 'violates', seen.explained);
      assert.equal(report.exitCode, 1);
      assert.deepEqual(seen.at('postmaster.domain'), {
        'mx1.two-hosts.example': 'pass',
        'mx2.two-hosts.example': 'fail no-mailbox',
      });
    });
  });

  test('a first mail host that always says 554 is exempt, and the second one is judged', async () => {
    const domain = 'refusing-first.example';
    const hosts = [
      ['postfix/554-at-connect', domain, '127.0.9.3'],
      ['postfix/good', domain, '127.0.9.4'],
    ] as const;
    await withHosts(hosts, async () => {
      const { report, of } = await check([domain]);
      const seen = of(domain);
      assert.equal(seen.verdict, 'conforms', seen.explained);
      assert.equal(report.exitCode, 0);
      assert.equal(seen.at('postmaster.exempt-554')['mx1.refusing-first.example'], 'pass');
      assert.equal(seen.at('postmaster.domain')['mx2.refusing-first.example'], 'pass');
    });
  });

  test('a Null MX is not applicable, and its address is left alone', async () => {
    await withHosts([['exim/postmaster-unknown', 'null-mx.example', '127.0.9.5']], async () => {
      const { report, of } = await check(['null-mx.example']);
      const seen = of('null-mx.example');
      assert.deepEqual([seen.verdict, seen.route, report.exitCode], ['not-applicable', 'null-mx', 0], seen.explained);
      assert.deepEqual(report.domains[0]?.sessions, []);
    });
  });

  test('a Null MX beside another MX violates RFC 7505', async () => {
    await withHosts([['exim/good', 'null-mx-and-more.example', '127.0.9.6']], async () => {
      const { report, of } = await check(['null-mx-and-more.example']);
      const seen = of('null-mx-and-more.example');
      assert.deepEqual([seen.verdict, report.exitCode], ['violates', 1], seen.explained);
      assert.equal(seen.rows['mx.null-mx-sole'], 'fail null-mx-mixed');
      assert.equal(seen.rows['postmaster.domain'], 'pass');
    });
  });

  test('an address without MX is the implicit MX', async () => {
    await withHosts([['exim/good', 'implicit.example', '127.0.9.7']], async () => {
      const { report, of } = await check(['implicit.example']);
      const seen = of('implicit.example');
      assert.deepEqual([seen.verdict, seen.route, report.exitCode], ['conforms', 'implicit-mx', 0], seen.explained);
    });
  });

  test('an implicit MX that does not relay for the name never promised to', async () => {
    await withHosts([['exim/relay-denied', 'implicit-lame.example', '127.0.9.8']], async () => {
      const { report, of } = await check(['implicit-lame.example']);
      const seen = of('implicit-lame.example');
      assert.deepEqual([seen.verdict, report.exitCode], ['inconclusive', 3], seen.explained);
      assert.equal(seen.rows['postmaster.domain'], 'inconclusive not-published');
      assert.equal(seen.rows['postmaster.bare'], 'pass');
    });
  });

  test('a dead backup is no violation, and a domain without mail service is told from our own firewall', async () => {
    await withHosts([['postfix/good', 'dead-backup.example', '127.0.9.9']], async () => {
      const { report, of } = await check(['dead-backup.example', 'no-mail-service.example']);
      const [backup, service] = [of('dead-backup.example'), of('no-mail-service.example')];
      assert.equal(backup.verdict, 'conforms', backup.explained);
      assert.equal(service.verdict, 'not-applicable', service.explained);
      assert.equal(report.exitCode, 0);
    });
    const { report, of } = await check(['no-mail-service.example']);
    assert.deepEqual([of('no-mail-service.example').verdict, report.exitCode], ['inconclusive', 3]);
  });

  test('a mail host named by an alias is probed all the same', async () => {
    await withHosts([['postfix/good', 'aliased-target.example', '127.0.9.10']], async () => {
      const { report, of } = await check(['aliased-target.example']);
      assert.deepEqual([of('aliased-target.example').verdict, report.exitCode], ['conforms', 0]);
    });
  });

  test('a domain that is an alias of one that is served cannot be told to violate', async () => {
    await withHosts([['exim/good', 'canonical.example', '127.0.9.11']], async () => {
      const { report, of } = await check(['alias.example', 'canonical.example']);
      const seen = of('alias.example');
      assert.equal(seen.verdict, 'inconclusive', seen.explained);
      assert.equal(seen.rows['postmaster.domain'], 'inconclusive not-published');
      assert.equal(of('canonical.example').verdict, 'conforms');
      assert.equal(report.exitCode, 3);
    });
  });

  test('an MX that leads to no address is an unusable MX set', async () => {
    const { report, of } = await check(['no-address.example']);
    assert.deepEqual([of('no-address.example').verdict, report.exitCode], ['violates', 1]);
    assert.equal(of('no-address.example').rows['mx.usable'], 'fail no-usable-mx');
  });

  test('a domain that does not exist and one without mail are told apart', async () => {
    const { report, of } = await check(['missing.example', 'only-text.example']);
    assert.deepEqual([of('missing.example').verdict, of('missing.example').route], ['inconclusive', 'no-such-domain']);
    assert.deepEqual(
      [of('only-text.example').verdict, of('only-text.example').route],
      ['not-applicable', 'no-mail-host'],
    );
    assert.equal(report.exitCode, 3);
  });
});

function told(report: Report, domain: string) {
  const found = report.domains.find((one) => one.domain === domain);
  assert.ok(found, `${domain} is in the report`);
  const rows: Record<string, string> = {};
  for (const { requirement, verdict, cause } of found.judgements) {
    const row = cause === undefined ? verdict : `${verdict} ${cause}`;
    rows[requirement] = requirement in rows && rows[requirement] !== row ? `${rows[requirement]}, ${row}` : row;
  }
  return {
    verdict: found.verdict,
    route: found.route.kind,
    rows,
    at: (requirement: string) =>
      Object.fromEntries(
        found.judgements
          .filter((judgement) => judgement.requirement === requirement)
          .map(({ host = '', verdict, cause }) => [host, cause === undefined ? verdict : `${verdict} ${cause}`]),
      ),
    evidence: found.judgements.find(({ requirement }) => requirement === 'postmaster.domain')?.evidence,
    explained: JSON.stringify({ ...found, sessions: undefined }, null, 1),
  };
}

/** What a host accepted, once it had two seconds to forget the transactions that were aborted. */
async function settled(host: MailHost): Promise<readonly string[]> {
  for (let tries = 0; tries < 40 && (await host.accepted()).length > 0; tries++) {
    await new Promise((done) => setTimeout(done, 50));
  }
  return host.accepted();
}
