// --deliver: one message for a domain, to the first of its mail hosts that took the recipient, when all have been asked.
// Never a second one, whatever comes of it; a domain that is named twice in a run has one turn (check.ts).
import { hasStopped, type Settings } from './check-options.js';
import type { DomainEvidence } from './evidence/evidence.js';
import type { EndpointEvidence } from './evidence/transcript.js';
import { runSession } from './io/session.js';
import { judgeRecipient } from './requirements/recipient.js';
import { deliveryOf, scriptPlan } from './requirements/script-plan.js';
import { scriptContextOf } from './requirements/script-run.js';
import type { EhloName } from './smtp/address.js';

/** The endpoints, one of them with the connection in which the message was sent, where it was asked for and could be. */
export async function deliver(
  endpoints: readonly EndpointEvidence[],
  frame: DomainEvidence,
  settings: Settings,
): Promise<readonly EndpointEvidence[]> {
  const { selection, timeOuts, connect, signal, isOver, options } = settings;
  const at = endpoints.findIndex((endpoint) => takesPostmaster(endpoint, { ...frame, endpoints }));
  const endpoint = endpoints[at];
  if (endpoint === undefined || hasStopped(settings)) return endpoints;
  const script = deliveryOf(selection.asked, scriptContextOf(endpoint, frame));
  const like = endpoint.attempts.findLast(({ exchanges }) => exchanges.some(isAcceptedRcpt))?.plan;
  if (script === null || like === undefined) return endpoints;
  const { host, address, port } = endpoint;
  options.onProgress?.({ domain: frame.domain, step: 'session', endpoint: `${host} [${address}]` });
  const ehlo = frame.probe.ehlo as EhloName | null;
  const plan = scriptPlan(like, [script]);
  const attempt = await settings.pace.session(address, () =>
    runSession(plan, { host, address, port, ehlo, timeOuts, connect, signal, isOver }),
  );
  return endpoints.with(at, { ...endpoint, attempts: [...endpoint.attempts, attempt] });
}

function takesPostmaster(endpoint: EndpointEvidence, evidence: DomainEvidence): boolean {
  const { verdict } = judgeRecipient(
    endpoint,
    evidence,
    evidence.domain === null ? 'Postmaster' : 'Postmaster@{domain}',
  );
  return verdict === 'pass' || verdict === 'warn';
}

const isAcceptedRcpt = (exchange: EndpointEvidence['attempts'][number]['exchanges'][number]): boolean =>
  exchange.act === 'command' &&
  /^RCPT TO:<Postmaster\b/.test(exchange.command) &&
  exchange.outcome.kind === 'reply' &&
  exchange.outcome.reply.code < 300;
