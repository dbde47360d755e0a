// The journey on one screen: a domain in, its mail route from the DNS, a conversation with every address of every mail
// host, the evidence judged, a report. Facts are gathered here and judged in report/; nothing here has an opinion.
import {
  hasStopped,
  probeSettings,
  readOptions,
  retryAfter,
  stopSignal,
  type CheckOptions,
  type Settings,
} from './check-options.js';
import type { DomainEvidence } from './evidence/evidence.js';
import type { EndpointEvidence } from './evidence/transcript.js';
import type { ConversationPlan } from './smtp/conversation.js';
import { sleep } from './io/pace.js';
import { openResolver, parseNameServer, systemNameServers } from './io/resolver.js';
import { reportDomain, runFacts } from './report/roll-up.js';
import { deliver } from './deliver.js';
import type { DomainReport } from './report/report.js';
import { plansFor, portsOf, probeHost, scriptPlansFor, wantsHelo, whySkipped } from './probe-host.js';
import { heloSession } from './requirements/follow-up.js';
import { extraQuestions, laterQuestions } from './requirements/dns-needs.js';
import { parseDomain, type EhloName, type ParsedDomain } from './smtp/address.js';
import {
  nextQuestions,
  planMailRoute,
  type DnsExchange,
  type MailHost,
  type MailRoute,
  type Question,
} from './smtp/mail-route.js';

/** A run over one domain or many: one resolver, one pace. */
export interface Probe {
  /** Gathers the evidence of one domain, or, with null, of the given hosts alone. Never rejects for what a peer does. */
  gather(domain: ParsedDomain | null): Promise<DomainEvidence>;
  /** What would be asked of the mail hosts of a domain; only the DNS is asked. */
  plan(domain: ParsedDomain | null): Promise<DomainPlan>;
  /** How many domains wait for their turn. */
  readonly waiting: number;
  close(): void;
}

/**
 * Checks one domain and reports: every address of every mail host, judged by RFC 5321.
 * Rejects with a UsageError for what is no domain or no valid option, never for what a name server or mail host does.
 */
export async function check(domain: string, options: CheckOptions = {}): Promise<DomainReport> {
  const parsed = await parseDomain(domain);
  const probe = await openProbe(options);
  try {
    const evidence = await probe.gather(parsed);
    return reportDomain(evidence, runFacts([evidence]));
  } finally {
    probe.close();
  }
}

/** Opens a run. Throws a UsageError for options that cannot be. */
export async function openProbe(options: CheckOptions): Promise<Probe> {
  const nameServers = options.nameServers?.map(parseNameServer) ?? systemNameServers();
  const signal = stopSignal(options);
  const resolver = openResolver({ nameServers, timeoutMs: options.timeoutMs ?? 5_000, tries: 2, signal });
  const settings = await readOptions(options, resolver, signal);
  const delivered = new Set<string | null>();
  return {
    gather: (domain) => settings.pace.domain(() => gather(domain, settings, delivered)),
    plan: (domain) => settings.pace.domain(() => planDomain(domain, settings)),
    get waiting() {
      return settings.pace.waiting;
    },
    close: () => resolver.close(),
  };
}

/** `delivered`: the domains whose turn with --deliver has come in this run; one that is named twice has one. */
async function gather(
  parsed: ParsedDomain | null,
  settings: Settings,
  delivered: Set<string | null>,
): Promise<DomainEvidence> {
  const { options } = settings;
  const start = performance.now();
  const frame = await openFrame(parsed, settings);
  const inTurn = settings.pace.hosts();
  const perHost = await Promise.all(
    shuffled(frame.route.hosts, settings.random).map((host) => inTurn(() => probeHost(host, frame, settings))),
  );
  const isDue = options.deliver === true && !delivered.has(frame.domain);
  if (isDue) delivered.add(frame.domain);
  const endpoints = perHost.flat();
  const seen: DomainEvidence = { ...frame, endpoints: isDue ? await deliver(endpoints, frame, settings) : endpoints };
  const dns = [...frame.dns];
  await askAll(laterQuestions(seen, settings.selection.asked), dns, settings);
  options.onProgress?.({ domain: frame.domain, step: 'done' });
  return { ...seen, dns, durationMs: Math.round(performance.now() - start), interrupted: hasStopped(settings) };
}

/** The evidence of a domain before any mail host was spoken to. */
async function openFrame(parsed: ParsedDomain | null, settings: Settings): Promise<DomainEvidence> {
  const startedAt = new Date().toISOString();
  const dns: DnsExchange[] = [];
  const route = await findRoute(parsed, dns, settings);
  return {
    domain: parsed?.domain ?? null,
    unicode: parsed?.unicode ?? null,
    notes: parsed?.notes ?? [],
    startedAt,
    durationMs: 0,
    probe: probeSettings(settings, notOf(parsed, await settings.ehlo, settings)),
    route,
    dns,
    endpoints: [],
    interrupted: false,
  };
}

// The default is never the target's name; a name that was given is the user's to choose.
const notOf = (parsed: ParsedDomain | null, ehlo: EhloName | null, { options }: Settings): EhloName | null =>
  options.ehlo === undefined && ehlo !== null && ehlo === (parsed?.domain as string | undefined) ? null : ehlo;

/** RFC 5321 5.1: asks until the route is known, or takes the hosts that were given. */
async function findRoute(parsed: ParsedDomain | null, dns: DnsExchange[], settings: Settings): Promise<MailRoute> {
  const { options, selection } = settings;
  if (options.hosts !== undefined || parsed === null) {
    // One mail host may be named with several ports: it stands in the route once.
    const names = [...new Set((options.hosts ?? []).map(({ host }) => host))];
    const hosts = names.map((host): MailHost => {
      const addresses = (options.hosts ?? [])
        .filter((given) => given.host === host)
        .flatMap((given) => given.addresses);
      return { host, preference: 0, addresses: [...new Set(addresses)] };
    });
    return { kind: 'given', canonicalName: parsed?.domain ?? '', hosts };
  }
  const { domain } = parsed;
  for (let round = 0; ; round++) {
    options.onProgress?.({ domain, step: 'dns' });
    const extra =
      round === 0 ? extraQuestions(domain, settings.controlLocalPart, settings.reversePaths, selection.asked) : [];
    for (let questions = nextQuestions(domain, dns); questions.length > 0 && !hasStopped(settings);) {
      await askAll([...questions, ...(dns.length === 0 ? extra : [])], dns, settings);
      questions = nextQuestions(domain, dns);
    }
    const route = planMailRoute(domain, dns);
    // 5.1: a temporary error is retried later, never taken for "no MX".
    if (route.kind !== 'unknown' || round >= (options.retries ?? 0) || hasStopped(settings)) return route;
    options.onProgress?.({ domain, step: 'waiting' });
    await sleep(retryAfter(settings), settings.signal);
    dns.splice(0, dns.length, ...dns.filter(({ outcome }) => 'records' in outcome));
  }
}

async function askAll(questions: readonly Question[], dns: DnsExchange[], { resolver }: Settings): Promise<void> {
  dns.push(...(await Promise.all(questions.map((question) => resolver.ask(question)))));
}

/** What would be said to each address of a domain: the DNS is asked, no mail host is spoken to (--dry-run). */
export interface DomainPlan {
  readonly domain: string | null;
  readonly route: MailRoute;
  /** The argument of EHLO; null: the address literal of each connection. */
  readonly ehlo: string | null;
  readonly endpoints: readonly {
    readonly host: string;
    readonly address: string;
    readonly port: number;
    readonly skipped: EndpointEvidence['skipped'];
    readonly plans: readonly ConversationPlan[];
  }[];
}

async function planDomain(parsed: ParsedDomain | null, settings: Settings): Promise<DomainPlan> {
  const frame = await openFrame(parsed, settings);
  const endpoints = frame.route.hosts.flatMap((host) =>
    portsOf(host, settings).flatMap((port) =>
      host.addresses.map((address, at) => {
        const skipped = whySkipped(address, at, frame, settings);
        const empty: EndpointEvidence = { host: host.host, address, port, skipped, attempts: [] };
        return {
          host: host.host,
          address,
          port,
          skipped,
          plans: skipped === null ? allPlans(empty, at === 0, frame, settings) : [],
        };
      }),
    ),
  );
  return { domain: frame.domain, route: frame.route, ehlo: frame.probe.ehlo, endpoints };
}

function allPlans(
  endpoint: EndpointEvidence,
  withControl: boolean,
  frame: DomainEvidence,
  settings: Settings,
): readonly ConversationPlan[] {
  const plans = plansFor(endpoint, withControl, frame, settings);
  const helo = wantsHelo(settings) ? [heloSession(plans[0], frame)] : [];
  return [...plans, ...helo, ...scriptPlansFor(endpoint, plans[0], frame, settings)];
}

/** Sorted by preference, shuffled within one (5.1: "MUST randomize them"). */
function shuffled(hosts: readonly MailHost[], random: () => number): readonly MailHost[] {
  return hosts
    .map((host) => ({ host, key: random() }))
    .toSorted((one, other) => one.host.preference - other.host.preference || one.key - other.key)
    .map(({ host }) => host);
}
