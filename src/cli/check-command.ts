// The main job at the command line: domains in, reports out in the order of the input, an exit code.
import { hostname } from 'node:os';
import { openProbe, type Probe } from '../check.js';
import type { CheckOptions, GivenHost } from '../check-options.js';
import type { DomainEvidence } from '../evidence/evidence.js';
import { lookUpHost } from '../io/host-lookup.js';
import { sendsMessageFor } from '../requirements/sends-message.js';
import { selectRequirements, type SelectionOptions } from '../requirements/selection.js';
import type { ParsedDomain } from '../smtp/address.js';
import { UsageError } from '../smtp/usage-error.js';
import { confirmDelivery } from './confirm.js';
import { readDomains, type DomainEntry } from './domains.js';
import { EvidenceFile } from './evidence-file.js';
import { watchInterrupts } from './interrupts.js';
import type { CheckFlags } from './flags.js';
import { readProfile } from './profile-flag.js';
import { openProgress } from './progress.js';
import { Reporter } from './reporter.js';
import { parseHostPort } from './values.js';

/** Checks the domains and reports; the exit code. */
export async function check(words: readonly string[], flags: CheckFlags, version: string): Promise<number> {
  const named = [...words, ...(flags.servedDomain ?? [])];
  if (named.length === 0 && flags.host === undefined) throw new UsageError('name a domain, or see --help');
  const rows = selectionOf(flags);
  const sendsMessage = sendsMessageFor(selectRequirements(rows).asked);
  if (sendsMessage && flags.yes !== true && flags.dryRun !== true) await confirmDelivery(named);
  const stop = watchInterrupts();
  const progress = openProgress(flags.progress === true);
  const hosts = flags.host === undefined ? undefined : await givenHosts(flags.host, flags);
  const servedDomains = hosts === undefined ? undefined : await namedHere(named);
  const probe = await openProbe({
    ...toCheckOptions(flags, hosts, servedDomains, stop.signal, progress.show),
    ...rows,
  });
  try {
    if (flags.dryRun === true) {
      if (
        flags.json === true ||
        flags.format !== undefined ||
        flags.output !== undefined ||
        flags.saveEvidence !== undefined
      ) {
        throw new UsageError('--dry-run prints text alone: leave out --json, --format, -o and --save-evidence');
      }
      const { dryRun } = await import('./dry-run.js');
      return await dryRun(probe, entries(named, hosts), sendsMessage);
    }
    const reporter = await Reporter.open(flags, version, {
      isGiven: hosts !== undefined,
      isInterrupted: () => stop.isInterrupted,
      onGone: stop.now,
    });
    const saved = flags.saveEvidence === undefined ? null : new EvidenceFile(flags.saveEvidence, version);
    await inOrder(probe, entries(named, hosts), flags.concurrency, stop.signal, async (result) => {
      progress.clear();
      if ('problem' in result) return reporter.problem(result.problem);
      if ('fault' in result) return reporter.fault(result.fault);
      saved?.add(result);
      await reporter.domain(result);
    });
    progress.close();
    saved?.write();
    return await reporter.end();
  } finally {
    progress.close();
    probe.close();
    stop.close();
  }
}

/** The entries of the input; with --host and no domain, one that stands for the hosts alone. */
async function* entries(
  named: readonly string[],
  hosts: readonly GivenHost[] | undefined,
): AsyncGenerator<DomainEntry | { readonly parsed: null }> {
  if (named.length === 0 && hosts !== undefined) yield { parsed: null };
  else yield* readDomains(named);
}

/** What became of an entry: evidence, or why it is no domain, or a fault of ours that met it. */
type Result = DomainEvidence | { readonly problem: string } | { readonly fault: unknown };

/** Keeps a bounded number of domains going and hands their results on in the order of the input. */
async function inOrder(
  probe: Probe,
  all: AsyncIterable<DomainEntry | { readonly parsed: ParsedDomain | null }>,
  concurrency: number,
  signal: AbortSignal,
  take: (result: Result) => Promise<void>,
): Promise<void> {
  const going: Promise<Result>[] = [];
  const takeFirst = async (): Promise<void> => {
    const first = going.shift();
    if (first !== undefined) await take(await first);
  };
  for await (const entry of all) {
    // Ctrl-C: what was started is finished and reported, nothing new is begun.
    if (signal.aborted) break;
    // A bug that one domain brings to light must not cost the others: it is told at the end, with exit code 5.
    going.push(
      'problem' in entry ? Promise.resolve(entry) : probe.gather(entry.parsed).catch((fault: unknown) => ({ fault })),
    );
    // The window is wider than what runs at once, so that one slow domain does not idle the others.
    if (going.length >= concurrency * 2) await takeFirst();
  }
  while (going.length > 0) await takeFirst();
}

/** The domains that are named as such: with --host, those that it serves. Lists are not read for it. */
async function namedHere(words: readonly string[]): Promise<readonly string[]> {
  const plain = words.filter((word) => word !== '-' && !word.startsWith('@'));
  const entries: DomainEntry[] = [];
  for await (const entry of readDomains(plain)) entries.push(entry);
  return entries.flatMap((entry) => ('parsed' in entry ? [entry.parsed.domain] : []));
}

async function givenHosts(texts: readonly string[], { port }: CheckFlags): Promise<readonly GivenHost[]> {
  const given = texts.map((text) => parseHostPort(text, port));
  // One that is named twice is probed once.
  const each = new Map(given.map((one) => [`${one.host} ${one.port}`, one]));
  return Promise.all(
    [...each.values()].map(async ({ host, port: at }) => ({ host, port: at, addresses: await lookUpHost(host) })),
  );
}

/** What chooses the rows. */
function selectionOf(flags: CheckFlags): SelectionOptions {
  return {
    ...withoutUndefined({ only: flags.only, skip: flags.skip }),
    profile: readProfile(flags.profile, '--profile: '),
    intrusive: flags.intrusive ?? false,
    deliver: flags.deliver ?? false,
    rfcTimeouts: flags.rfcTimeouts ?? false,
  };
}

function toCheckOptions(
  flags: CheckFlags,
  hosts: readonly GivenHost[] | undefined,
  servedDomains: readonly string[] | undefined,
  signal: AbortSignal,
  onProgress: CheckOptions['onProgress'],
): CheckOptions {
  if (flags.ipv4 === true && flags.ipv6 === true) throw new UsageError('-4 and -6 exclude each other');
  const family = flags.ipv4 === true ? 4 : flags.ipv6 === true ? 6 : undefined;
  const given = {
    nameServers: flags.nameserver,
    hosts,
    ehlo: flags.ehlo,
    mailFrom: flags.mailFrom,
    timeoutMs: flags.timeout,
    maxTimeMs: flags.maxTime,
    lingerMs: flags.linger,
    servedDomains,
    family,
    onProgress,
  } as const;
  return {
    ...withoutUndefined(given),
    hostname: hostname(),
    port: flags.port,
    starttls: flags.starttls,
    pipelining: flags.pipelining,
    retries: flags.retries,
    retryAfterMs: flags.retryAfter,
    controls: flags.controls,
    concurrency: flags.concurrency,
    pauseMs: flags.pause,
    allowPrivate: flags.allowPrivate ?? false,
    signal,
  };
}

type Defined<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function withoutUndefined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
