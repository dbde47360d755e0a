// Hostile mail hosts: each check ends in a verdict, in time, and none of them is accused of what it did not do.
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { CheckOptions } from '../src/check-options.js';
import type { Outcome } from '../src/smtp/outcome.js';
import type { DomainReport } from '../src/report/report.js';
import { answering, heard, linesHeard, offering, type HostScript, type HostSide } from './support/obligations-peer.js';
import { judged, verdictOf, visit, type Visit } from './support/obligations-run.js';

/** The time-out of each step here, and what a whole check may take: connections, steps, and a busy machine. */
const TIMEOUT_MS = 150;
const DEADLINE_MS = 8_000;
/** Where the host answers in the end, however oddly: the time-out must not be what ends it. */
const PATIENT: CheckOptions = { timeoutMs: 4_000 };

/** Checks against the host; the check must end in time. */
async function survive(
  t: TestContext,
  script: HostScript,
  options: CheckOptions = {},
  hasStrays = false,
): Promise<Visit> {
  const startedMs = performance.now();
  const visited = await visit(t, script, { options: { timeoutMs: TIMEOUT_MS, ...options }, hasStrays });
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs < DEADLINE_MS, `${Math.round(tookMs)} ms`);
  return visited;
}

/** The same, and the host is not accused: it was inconclusive. */
async function doubt(t: TestContext, script: HostScript, options?: CheckOptions): Promise<DomainReport> {
  const { report } = await survive(t, script, options);
  assert.equal(report.verdict, 'inconclusive', report.because);
  assert.deepEqual(
    judged(report, 'fail').filter((id) => id.startsWith('postmaster.')),
    [],
  );
  return report;
}

/** What came first that was no reply. */
function trouble({ evidence }: DomainReport): Exclude<Outcome, { kind: 'reply' }> | undefined {
  return evidence.endpoints[0]?.attempts
    .flatMap(({ exchanges }) =>
      exchanges.flatMap((exchange) =>
        exchange.act === 'opening' || exchange.act === 'command' ? [exchange.outcome] : [],
      ),
    )
    .find((outcome) => outcome.kind !== 'reply');
}

const GREETING = '220 mx.good.example ESMTP\r\n';

/** Ordinary until the line that begins with `verb`; then `act` takes over. `opening`: from the start. */
function until(verb: string, act: HostScript, ehlo = offering()): HostScript {
  return async (host, index) => {
    if (verb !== 'opening') {
      host.say(GREETING);
      for (let line = await host.line(); line !== null && !line.startsWith(verb); line = await host.line()) {
        host.say(
          line.startsWith('EHLO')
            ? ehlo
            : line === 'QUIT'
              ? '221 bye\r\n'
              : /^RCPT TO:<[a-z0-9]{24}@/.test(line)
                ? '550 5.1.1 unknown\r\n'
                : '250 ok\r\n',
        );
        if (line === 'QUIT') return host.fin();
      }
    }
    return act(host, index);
  };
}

const STEPS = ['opening', 'EHLO', 'MAIL', 'RCPT', 'RSET', 'QUIT'];

describe('a host without end', { concurrency: 3 }, () => {
  const ENDLESS: Readonly<Record<string, string>> = {
    'a line': 'x'.repeat(1_000),
    'a line with a code': '220 ',
    'continuation lines': '250-and so on\r\n',
    'complete replies': '250 ok\r\n',
    'empty lines': '\r\n',
  };
  for (const [name, octets] of Object.entries(ENDLESS)) {
    for (const step of ['opening', 'EHLO', 'RCPT']) {
      it(`${name}, at ${step}`, async (t) => {
        await doubt(
          t,
          until(step, (host) => host.flood(octets)),
          PATIENT,
        );
      });
    }
  }

  it('a line is told as an endless line, continuation lines as an endless reply', async (t) => {
    const told = [];
    for (const octets of ['x', '250-and so on\r\n']) {
      const first = trouble(
        await doubt(
          t,
          until('EHLO', (host) => host.flood(octets)),
          PATIENT,
        ),
      );
      told.push(first?.kind === 'not-a-reply' ? first.why : first?.kind);
    }
    assert.deepEqual(told, ['endless-line', 'endless-reply']);
  });

  it('one octet every so often, at each step: the deadline is not renewed', async (t) => {
    await Promise.all(
      STEPS.map((step) =>
        survive(
          t,
          until(step, (host) => host.dribble('250-'.repeat(100), 40)),
        ),
      ),
    );
  });
});

describe('a host with odd octets', { concurrency: 3 }, () => {
  it('NUL, ESC and octets beyond ASCII in every reply accuse nobody of having no postmaster', async (t) => {
    const text = 'a\0b\x1b[2J\x1b]0;title\x07\xff\x80\x7f';
    const { report } = await survive(
      t,
      answering(
        {
          EHLO: `250 ${text}\r\n`,
          MAIL: `250 ${text}\r\n`,
          RCPT: `250 ${text}\r\n`,
          RSET: `250 ${text}\r\n`,
          QUIT: `221 ${text}\r\n`,
        },
        { greeting: `220 mx.good.example ${text}\r\n` },
      ),
      PATIENT,
    );
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
    assert.equal(verdictOf(report, 'postmaster.bare'), 'pass');
    assert.notEqual(report.verdict, 'violates');
  });

  it('bare LF ends a line as CR LF does, and is kept as a defect', async (t) => {
    const bare = (octets: string): string => octets.replaceAll('\r\n', '\n');
    const { report } = await survive(
      t,
      answering(
        { EHLO: bare(offering('PIPELINING')), MAIL: '250 ok\n', RCPT: '250 ok\n', RSET: '250 ok\n', QUIT: '221 bye\n' },
        { greeting: bare(GREETING) },
      ),
      PATIENT,
    );
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
    const defects = report.evidence.endpoints[0]?.attempts[0]?.exchanges.flatMap((one) =>
      one.act === 'opening' && one.outcome.kind === 'reply' ? one.outcome.reply.defects : [],
    );
    assert.deepEqual(defects, ['bare-lf']);
  });

  it('wrong codes in one reply rest no accusation', async (t) => {
    for (const reply of [
      '250-2.1.5 ok\r\n550 5.1.1 unknown\r\n',
      '550-5.1.1 unknown\r\n250 2.1.5 ok\r\n',
      '250-a\r\n421-b\r\n550 c\r\n',
    ]) {
      const { report } = await survive(t, answering({ RCPT: reply }), PATIENT);
      assert.notEqual(report.verdict, 'violates', reply);
      assert.deepEqual(
        judged(report, 'fail').filter((id) => id.startsWith('postmaster.')),
        [],
        reply,
      );
    }
  });

  for (const [name, octets] of Object.entries({
    HTTP: 'HTTP/1.1 400 Bad Request\r\n\r\n',
    SSH: 'SSH-2.0-x\r\n',
    TLS: '\x15\x03\x01\0\x02\x02\x50\r\n',
    nothing: '\0\0\0\0\r\n',
  })) {
    it(`${name} in place of SMTP`, async (t) => {
      for (const step of ['opening', 'EHLO', 'RCPT'])
        await doubt(
          t,
          until(step, (host) => host.say(octets)),
          PATIENT,
        );
    });
  }
});

describe('a host that loses step', { concurrency: 3 }, () => {
  it('replies before it is asked', async (t) => {
    for (const early of ['250 early\r\n', '550 5.1.1 unknown\r\n', '421 bye\r\n']) {
      await doubt(t, answering({}, { greeting: `${GREETING}${early}` }), PATIENT);
    }
  });

  it('says two replies to one command, in one segment', async (t) => {
    for (const verb of ['EHLO', 'MAIL', 'RCPT', 'RSET']) {
      const reply = verb === 'RCPT' ? '250 ok\r\n550 5.1.1 unknown\r\n' : '250 ok\r\n250 ok\r\n';
      for (const ehlo of [offering(), offering('PIPELINING')]) {
        const { report } = await survive(
          t,
          answering({ EHLO: verb === 'EHLO' ? `${ehlo}250 again\r\n` : ehlo, [verb === 'EHLO' ? 'X' : verb]: reply }),
          { timeoutMs: 400 },
        );
        assert.notEqual(report.verdict, 'violates', `${verb}: ${report.because}`);
        assert.deepEqual(
          judged(report, 'fail').filter((id) => id.startsWith('postmaster.')),
          [],
          verb,
        );
      }
    }
  });

  it('says a second reply 100 ms later', async (t) => {
    for (const verb of ['EHLO', 'MAIL', 'RCPT']) {
      for (const ehlo of [offering(), offering('PIPELINING')]) {
        const { report } = await survive(
          t,
          async (host) => {
            host.say(GREETING);
            for (let line = await host.line(); line !== null; line = await host.line()) {
              host.say(line.startsWith('EHLO') ? ehlo : line === 'QUIT' ? '221 bye\r\n' : '250 ok\r\n');
              if (line.startsWith(verb)) void host.after(100).then(() => host.say('550 5.1.1 unknown\r\n'));
              if (line.startsWith('RCPT')) await host.after(30);
              if (line === 'QUIT') host.fin();
            }
          },
          { timeoutMs: 400, controls: false },
          true,
        );
        assert.notEqual(report.verdict, 'violates', `${verb}: ${report.because}`);
        assert.deepEqual(
          judged(report, 'fail').filter((id) => id.startsWith('postmaster.')),
          [],
          verb,
        );
      }
    }
  });
});

describe('a host that leaves', { concurrency: 3 }, () => {
  it('by RST or FIN at any step', async (t) => {
    for (const step of STEPS) {
      for (const ehlo of [offering(), offering('PIPELINING')]) {
        for (const leave of [(host: HostSide) => host.reset(), (host: HostSide) => host.fin()]) {
          const { report } = await survive(t, until(step, leave, ehlo), PATIENT);
          assert.notEqual(report.verdict, 'violates', `${step}: ${report.because}`);
        }
      }
    }
  });

  it('in the midst of a reply', async (t) => {
    for (const step of STEPS) {
      for (const half of ['5', '550', '550 5.1.1 unknown', '550-5.1.1 unknown\r\n']) {
        const { report } = await survive(
          t,
          until(step, (host) => {
            host.say(half);
            host.fin();
          }),
          PATIENT,
        );
        assert.notEqual(report.verdict, 'violates', `${step} ${half}: ${report.because}`);
      }
    }
  });

  it('with silence at each step', async (t) => {
    await Promise.all(
      STEPS.map(async (step) => {
        const { report, hosts } = await survive(
          t,
          until(step, () => {}),
        );
        assert.notEqual(report.verdict, 'violates', step);
        // 4.3.1: where no greeting came there is nobody to take leave of.
        for (const conversation of hosts.conversations)
          assert.equal(linesHeard(conversation).at(-1), step === 'opening' ? undefined : 'QUIT', step);
      }),
    );
  });

  it('and one that greets late is waited for, within the time-out', async (t) => {
    const late =
      (times: number): HostScript =>
      async (host, index) => {
        for (let time = 0; time < times; time++) await host.after(250);
        await answering()(host, index);
      };
    const { report } = await survive(t, late(1), { timeoutMs: 2_000 });
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
    const first = trouble(await doubt(t, late(6), { timeoutMs: 100 }));
    assert.equal(first?.kind, 'timeout');
  });
});

describe('a host with odd TLS', { concurrency: 3 }, () => {
  const IN_TLS: CheckOptions = { starttls: 'require' };
  const atTls = (act: HostScript, go = '220 go\r\n'): HostScript =>
    until(
      'STARTTLS',
      (host, index) => {
        host.say(go);
        return act(host, index);
      },
      offering('STARTTLS'),
    );

  it('plaintext injected behind STARTTLS is told, never taken as said in TLS', async (t) => {
    for (const injected of ['250 injected\r\n', '250-mx\r\n250 PIPELINING\r\n', '5', '\x16\x03\x03']) {
      const report = await doubt(
        t,
        atTls(() => {}, `220 go\r\n${injected}`),
        { ...IN_TLS, ...PATIENT },
      );
      const handshakes = report.evidence.endpoints[0]?.attempts[0]?.exchanges.filter((one) => one.act === 'handshake');
      assert.deepEqual(
        handshakes?.map(({ outcome }) => outcome.kind),
        ['injected'],
        JSON.stringify(injected),
      );
    }
  });

  it('octets that are no TLS, or TLS that ends, are inconclusive', async (t) => {
    const deeds: Readonly<Record<string, HostScript>> = {
      text: (host) => host.say('500 what\r\n'),
      zeros: (host) => host.say('\0'.repeat(2_000)),
      'an alert': (host) => host.say('\x15\x03\x03\0\x02\x02\x28'),
      'half a record': (host) => host.say('\x16\x03\x03\x40\0\x02'),
      fin: (host) => host.fin(),
      reset: (host) => host.reset(),
      'an endless flood': (host) => host.flood('x'.repeat(1_000)),
    };
    for (const deed of Object.values(deeds)) {
      await doubt(
        t,
        atTls(async (host, index) => {
          await host.after(20);
          return deed(host, index);
        }),
        { ...IN_TLS, timeoutMs: 300 },
      );
    }
  });

  it('a certificate that does not verify is a note, not a failure', async (t) => {
    const { report } = await survive(t, answering({ EHLO: offering('STARTTLS'), STARTTLS: '220 go\r\n' }), {
      ...IN_TLS,
      ...PATIENT,
    });
    assert.equal(verdictOf(report, 'postmaster.domain'), 'pass');
    assert.deepEqual(judged(report, 'fail'), []);
  });

  it('flooding inside TLS ends as it does outside', async (t) => {
    await doubt(
      t,
      atTls(async (host) => {
        if (!(await host.secure())) return;
        await host.line();
        await host.flood('250-and so on\r\n');
      }),
      { ...IN_TLS, ...PATIENT },
    );
  });

  it('without STARTTLS that was required nothing else is said', async (t) => {
    const { hosts } = await survive(t, answering(), { ...IN_TLS, ...PATIENT });
    assert.deepEqual(hosts.conversations.map(heard), ['EHLO probe.example\r\nQUIT\r\n']);
  });
});
