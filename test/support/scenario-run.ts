// Plays a scenario of fixtures/sessions for real: the lab on loopback, the check against it, and what was expected.
import { check } from '../../src/check.js';
import type { CheckOptions } from '../../src/check-options.js';
import type { Expectation, Scenario, SettingKey } from '../../src/evidence/notation.js';
import { openLab } from '../../src/lab/lab.js';
import { exitCode, RunTally } from '../../src/report/exit-code.js';
import { PROFILES } from '../../src/requirements/profiles.js';
import type { DomainReport, Judgement } from '../../src/report/report.js';

/** One live run: the report, and where the probe left the script. */
export interface Run {
  readonly report: DomainReport;
  readonly mismatches: readonly string[];
}

/** How the host's octets come: as it writes them, or each in a segment of its own. */
export const DELIVERIES = ['whole', 'dribbled'] as const;
export type Delivery = (typeof DELIVERIES)[number];

/** Long enough for a busy machine; scenarios in which the host is silent set less. */
const TIMEOUT_MS = 20_000;
/** Short: what the linger is for is played with the same clock. */
const LINGER_MS = 150;
/** Other scenarios play at the same time: one that takes this long has lost its way. */
const DEADLINE_MS = 60_000;

/**
 * Checks the scenario's domain against the scenario's hosts, over loopback. Where the host is silent, the short time-out
 * that the scenario sets is taken `patience` times: what is not silent may then be late.
 */
export async function play(scenario: Scenario, delivery: Delivery, patience = 1): Promise<Run> {
  const lab = await openLab([scenario], { delivery: scenario.settings.has('one-segment') ? 'whole' : delivery });
  try {
    const report = await check(scenario.domain, {
      ...optionsOf(scenario.settings, patience),
      nameServers: [lab.nameServer],
      port: lab.port,
      ehlo: 'probe.example',
      allowPrivate: !scenario.settings.has('no-allow-private'),
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    return { report, mismatches: lab.mismatches() };
  } finally {
    await lab.stop();
  }
}

/** A profile file that names mailing lists. */
const LISTS = { name: 'lists', extends: 'role-mailboxes', requirements: {}, intrusive: false } as const;

function optionsOf(settings: ReadonlyMap<SettingKey, string>, patience: number): CheckOptions {
  const milliseconds = (key: SettingKey): number | undefined => {
    const value = settings.get(key);
    return value === undefined ? undefined : Number(value) * 1000;
  };
  const timeoutMs = milliseconds('timeout');
  const mailFrom = settings.get('mail-from');
  const starttls = settings.get('starttls');
  const profile = PROFILES.find((name) => name === settings.get('profile'));
  const only = settings.get('only');
  const list = settings.get('mailing-list');
  return {
    timeoutMs: timeoutMs === undefined ? TIMEOUT_MS : timeoutMs * patience,
    lingerMs: milliseconds('linger') ?? LINGER_MS,
    retries: Number(settings.get('retries') ?? 0),
    retryAfterMs: milliseconds('retry-after') ?? 0,
    pipelining: !settings.has('no-pipelining'),
    controls: !settings.has('no-controls'),
    ...(mailFrom === undefined ? {} : { mailFrom }),
    ...(starttls === 'never' || starttls === 'require' ? { starttls } : {}),
    ...(list === undefined ? {} : { profile: { ...LISTS, mailingLists: [list] } }),
    ...(profile === undefined ? {} : { profile }),
    intrusive: settings.has('intrusive'),
    deliver: settings.has('deliver'),
    rfcTimeouts: settings.has('rfc-timeouts'),
    ...(only === undefined ? {} : { only: only.split(' ') }),
  };
}

/** What the scenario states, and what was reported in its place: equal when all is as stated. */
export interface Comparison {
  readonly expected: readonly string[];
  readonly got: readonly string[];
}

/**
 * Sets each `=` line beside what was reported. A `fail` or `warn` that no line states is a difference too: a scenario
 * tells all that is said against its host.
 */
export function compare({ expected }: Scenario, report: DomainReport): Comparison {
  const stated = new Set(expected.map(({ subject }) => subject));
  const surprises = report.judgements
    .filter(({ requirement, verdict }) => (verdict === 'fail' || verdict === 'warn') && !stated.has(requirement))
    .map((judgement) => `${judgement.requirement}: ${wordsOf(judgement, 'all')} (${judgement.because})`);
  return {
    expected: expected.map(print),
    got: [...expected.map((one) => print({ ...one, ...reported(one, report) })), ...surprises],
  };
}

function print({ host, subject, verdict, detail }: Expectation): string {
  return `${host === null ? '' : `${host} `}${subject}: ${verdict}${detail === null ? '' : ` ${detail}`}`;
}

/** What was reported for one `=` line; where endpoints differ, all of it. */
function reported(one: Expectation, report: DomainReport): Pick<Expectation, 'verdict' | 'detail'> {
  if (one.subject === 'domain') return { verdict: report.verdict, detail: null };
  if (one.subject === 'exit') return { verdict: String(exitOf(report)), detail: null };
  const found = report.judgements.filter(
    (judgement) => judgement.requirement === one.subject && isAt(judgement, one.host, report),
  );
  const words = [...new Set(found.map((judgement) => wordsOf(judgement, one.detail === null ? 'verdict' : 'all')))];
  if (words.length === 1) {
    const [verdict = '', detail = null] = (words[0] ?? '').split(' ');
    return { verdict, detail };
  }
  return { verdict: words.length === 0 ? 'not judged' : words.join(' and '), detail: null };
}

function wordsOf(judgement: Judgement, which: 'verdict' | 'all'): string {
  const detail = judgement.cause ?? judgement.evidence;
  return which === 'verdict' || detail === undefined ? judgement.verdict : `${judgement.verdict} ${detail}`;
}

function isAt(judgement: Judgement, host: string | null, report: DomainReport): boolean {
  if (host === null) return true;
  const [name = '', number] = host.split('/');
  const addresses = report.evidence.route.hosts.find((one) => one.host === name)?.addresses ?? [];
  return judgement.host === name && (number === undefined || judgement.address === addresses[Number(number) - 1]);
}

/** The exit code of a run over this domain alone. */
function exitOf(report: DomainReport): number {
  const facts = {
    failOn: 'inconclusive',
    requireMail: false,
    hasBadInput: false,
    isInterrupted: false,
    hasFault: false,
    isGiven: false,
  } as const;
  const tally = new RunTally();
  tally.add(report);
  return exitCode(tally, facts);
}
