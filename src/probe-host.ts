// One mail host: each of its addresses in turn, and at each the planned conversation, what follows from it (R1, R2, R8,
// the second opening of a 554), and with --retries all that again later (R3).
import { hasStopped, LEAST_RETRY_AFTER_MS, retryAfter, type Settings } from './check-options.js';
import type { DomainEvidence } from './evidence/evidence.js';
import type { EndpointEvidence } from './evidence/transcript.js';
import { sleep } from './io/pace.js';
import { runSession } from './io/session.js';
import { isWorthRetrying, nextConversation } from './requirements/follow-up.js';
import { planProbe } from './requirements/plan.js';
import { goesIntoTls } from './requirements/script-fill.js';
import { planScripts } from './requirements/script-plan.js';
import { scriptContextOf, wasScriptPlayed } from './requirements/script-run.js';
import { CONTROL_RECIPIENT, fillRecipient } from './requirements/recipient-template.js';
import { contextOf, rcptObservations } from './requirements/rcpt-observation.js';
import type { EhloName } from './smtp/address.js';
import type { ConversationPlan } from './smtp/conversation.js';
import type { MailHost } from './smtp/mail-route.js';
import { specialPurpose } from './smtp/special-address.js';

/** All addresses of one mail host, one after the other, in the order of the DNS (5.1). */
export async function probeHost(
  host: MailHost,
  frame: DomainEvidence,
  settings: Settings,
): Promise<readonly EndpointEvidence[]> {
  const ports = portsOf(host, settings);
  const endpoints: EndpointEvidence[] = [];
  for (const port of ports) {
    for (const address of host.addresses) {
      const skipped = whySkipped(address, endpoints.length, frame, settings);
      const empty: EndpointEvidence = { host: host.host, address, port, skipped, attempts: [] };
      // One control recipient a host and run: the first address that answers it.
      const withControl = !endpoints.some((endpoint) => hasAskedControl(endpoint, frame));
      const scope = { withControl, before: endpoints };
      endpoints.push(skipped === null ? await probeEndpoint(empty, scope, frame, settings) : empty);
    }
  }
  return endpoints;
}

/** The ports of a mail host: those that were given with it, or the one of the run. */
export const portsOf = ({ host }: MailHost, { options }: Settings): readonly number[] =>
  options.hosts?.filter((given) => given.host === host).map(({ port }) => port) ?? [options.port ?? 25];

/** More addresses of one mail host than this are left out, and said so. */
const MAX_ADDRESSES = 32;

/** Why an address is left out, or null. `done` counts the addresses of the mail host before it. */
export function whySkipped(
  address: string,
  done: number,
  { route }: DomainEvidence,
  settings: Settings,
): EndpointEvidence['skipped'] {
  const { family, allowPrivate = false } = settings.options;
  if (family !== undefined && (family === 6) !== address.includes(':')) return 'family-not-asked';
  if (route.kind !== 'given' && !allowPrivate && !isPublic(address)) return 'address-not-allowed';
  if (done >= MAX_ADDRESSES) return 'too-many';
  return hasStopped(settings) ? 'interrupted' : null;
}

const isPublic = (address: string): boolean => specialPurpose(address)?.severity !== 'refuse';

function hasAskedControl(endpoint: EndpointEvidence, frame: DomainEvidence): boolean {
  const control = fillRecipient(CONTROL_RECIPIENT, contextOf(endpoint, frame));
  return rcptObservations(endpoint).some(({ to, rcpt }) => to === control && rcpt.what.kind === 'reply');
}

/** The conversations that an endpoint is to have at first. */
export function plansFor(
  endpoint: EndpointEvidence,
  withControl: boolean,
  frame: DomainEvidence,
  settings: Settings,
): ReturnType<typeof planProbe> {
  const { options, selection, reversePaths, lingerMs } = settings;
  const tls = options.starttls === 'require' ? 'require' : 'avoid';
  const pipelining = options.pipelining ?? true;
  return planProbe(selection.asked, {
    context: contextOf(endpoint, frame),
    reversePaths,
    tls,
    pipelining,
    lingerMs,
    withControl,
  });
}

/**
 * The connections of scripts that rows ask for, like the conversation given. `before`: the other addresses of the mail
 * host that were probed already; what takes minutes is asked of one of them alone.
 */
export function scriptPlansFor(
  endpoint: EndpointEvidence,
  like: ConversationPlan,
  frame: DomainEvidence,
  { selection, options }: Settings,
  before: readonly EndpointEvidence[] = [],
): readonly ConversationPlan[] {
  const rows = selection.asked.filter(
    (row) =>
      (options.starttls !== 'never' || !row.needs.some((need) => need.ask === 'script' && goesIntoTls(need.script))) &&
      (row.onDemand !== 'rfc-timeouts' || !before.some((other) => wasScriptPlayed(row, other, frame))),
  );
  return planScripts(rows, scriptContextOf(endpoint, frame), like);
}

/** Whether a row asks for a session that says HELO. */
export const wantsHelo = ({ selection }: Settings): boolean =>
  selection.asked.some(({ needs }) => needs.some(({ ask }) => ask === 'helo-session'));

/** The planned conversation, its follow-ups, and with --retries all that again later. */
async function probeEndpoint(
  empty: EndpointEvidence,
  { withControl, before }: { readonly withControl: boolean; readonly before: readonly EndpointEvidence[] },
  frame: DomainEvidence,
  settings: Settings,
): Promise<EndpointEvidence> {
  const { options } = settings;
  const starttls = options.starttls ?? 'auto';
  const ehlo = frame.probe.ehlo as EhloName | null;
  const otherSenders = await settings.otherSenders;
  let endpoint = empty;
  for (let round = 0; ; round++) {
    const planned = plansFor(endpoint, withControl && !hasAskedControl(endpoint, frame), frame, settings);
    const followUps = {
      planned,
      scripts: scriptPlansFor(endpoint, planned[0], frame, settings, before),
      rows: settings.selection.asked,
      otherSenders,
      mayUseTls: starttls !== 'never',
      wantsHelo: wantsHelo(settings),
      since: endpoint.attempts.length,
    };
    for (let plan = nextConversation(endpoint, frame, followUps); plan !== null && !hasStopped(settings);) {
      if (plan.purpose === 'second-opening') await sleep(settings.secondOpeningAfterMs, settings.signal);
      options.onProgress?.({ domain: frame.domain, step: 'session', endpoint: `${empty.host} [${empty.address}]` });
      const { host, address, port } = empty;
      const { timeOuts, connect, isOver } = settings;
      const current = plan;
      const attempt = await settings.pace.session(address, () =>
        runSession(current, { host, address, port, ehlo, timeOuts, connect, signal: settings.signal, isOver }),
      );
      endpoint = { ...endpoint, attempts: [...endpoint.attempts, attempt] };
      plan = nextConversation(endpoint, frame, followUps);
    }
    if (endpoint.attempts.length === 0) return { ...endpoint, skipped: 'interrupted' };
    if (round >= (options.retries ?? 0) || hasStopped(settings) || !isWorthRetrying(endpoint, frame)) return endpoint;
    options.onProgress?.({ domain: frame.domain, step: 'waiting', endpoint: `${empty.host} [${empty.address}]` });
    await sleep(retryAfter(settings, isPublic(empty.address) ? LEAST_RETRY_AFTER_MS : 0), settings.signal);
  }
}
