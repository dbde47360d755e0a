// The demonstration: scripted mail hosts and a name server in this process, on loopback and free ports, checked for real.
import { openProbe } from '../check.js';
import type { Scenario } from '../evidence/notation.js';
import { reportDomain, runFacts } from '../report/roll-up.js';
import type { DomainReport } from '../report/report.js';
import { parseDomain } from '../smtp/address.js';
import { openLab } from './lab.js';
import { readScenario } from './scenario-files.js';

/** A scene: which scenario is played as which domain, and what a newcomer sees in it. */
export interface Scene {
  readonly scenario: string;
  readonly domain: string;
  readonly lesson: string;
}

export const SCENES: readonly Scene[] = [
  {
    scenario: 'conforming-with-pipelining',
    domain: 'conforming.example',
    lesson: 'Mail to Postmaster gets in, bare and at the domain, in any letter case.',
  },
  {
    scenario: 'rejects-bare-postmaster-pipelined',
    domain: 'no-bare-postmaster.example',
    lesson: 'Postmaster@domain works, but the bare <Postmaster> of RFC 5321 4.1.1.3 does not.',
  },
  {
    scenario: 'refuses-all-sessions-and-waits',
    domain: 'takes-no-mail.example',
    lesson: 'A host that always opens with 554 and waits for QUIT keeps the law: it needs no postmaster.',
  },
  {
    scenario: 'hangs-up-while-we-wait',
    domain: 'hangs-up.example',
    lesson: 'A host that says 554 must still wait for QUIT; this one hangs up.',
  },
  {
    scenario: 'greylists',
    domain: 'greylists.example',
    lesson: '"Not now" is no verdict: nobody is accused, and the exit code says that it could not be told.',
  },
  {
    scenario: 'publishes-a-null-mx',
    domain: 'null-mx.example',
    lesson: 'A Null MX says that there is no mail: nothing to check, and no connection is made.',
  },
];

/** A scene that was played: what the check reported, and what of the scenario's statements did not come true. */
export interface Played {
  readonly scene: Scene;
  readonly report: DomainReport;
  readonly unmet: readonly string[];
}

const LINGER_MS = 1_000;

/** Plays all scenes at once and checks each domain for real. */
export async function playDemo(signal?: AbortSignal): Promise<readonly Played[]> {
  const scenarios = await Promise.all(SCENES.map(({ scenario, domain }) => readScenario(scenario, domain)));
  const lab = await openLab(scenarios);
  try {
    const probe = await openProbe({
      nameServers: [lab.nameServer],
      port: lab.port,
      allowPrivate: true,
      ehlo: 'probe.example',
      lingerMs: LINGER_MS,
      timeoutMs: 5_000,
      ...(signal === undefined ? {} : { signal }),
    });
    try {
      const all = await Promise.all(scenarios.map(async ({ domain }) => probe.gather(await parseDomain(domain))));
      const facts = runFacts(all);
      return all.flatMap((evidence, at): readonly Played[] => {
        const [scene, scenario] = [SCENES[at], scenarios[at]];
        if (scene === undefined || scenario === undefined) return [];
        const report = reportDomain(evidence, facts);
        return [{ scene, report, unmet: unmetOf(scenario, report) }];
      });
    } finally {
      probe.close();
    }
  } finally {
    await lab.stop();
  }
}

/** The statements of a scenario (`=` lines) about verdicts that the report does not bear out. */
function unmetOf({ expected }: Scenario, report: DomainReport): readonly string[] {
  return expected.flatMap(({ subject, verdict, host }) => {
    if (subject === 'exit') return [];
    const here = report.judgements.filter((one) => one.requirement === subject && (host === null || one.host === host));
    const got = subject === 'domain' ? [report.verdict] : here.map((one) => one.verdict);
    return got.length > 0 && got.every((one) => one === verdict)
      ? []
      : [`${subject}: expected ${verdict}, got ${got.join(', ')}`];
  });
}
