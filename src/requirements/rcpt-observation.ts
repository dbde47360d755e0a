// Every RCPT of an endpoint with the MAIL that it stood under, and what a random recipient got: facts, no opinion.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Attempt, EndpointEvidence } from '../evidence/transcript.js';
import type { Outcome } from '../smtp/outcome.js';
import { readOnce } from '../smtp/read-once.js';
import { isPositive } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { askedIn, echoOf, hasLostStep, isScripted, type Seen } from './observe.js';
import { soaMailbox } from './soa.js';
import { CONTROL_RECIPIENT, fillRecipient, type RecipientContext } from './recipient-template.js';
import type { Cite, EvidenceStrength } from './requirement.js';

/** One RCPT of a recipient, with the MAIL it stood under. */
export interface RcptObservation {
  readonly to: string;
  /** The reverse-path, '' for the null one. */
  readonly from: string;
  readonly inTls: boolean;
  readonly hello: 'EHLO' | 'HELO';
  readonly attempt: number;
  readonly mail: Seen<Outcome>;
  readonly rcpt: Seen<Outcome>;
  /** Whether it was the first recipient of its transaction. */
  readonly isFirst: boolean;
  /** Whether nothing else was asked before it in a connection made for recipients in doubt (R8). */
  readonly isAlone: boolean;
  /** Whether another spelling of it was accepted before it in the same connection. */
  readonly isAfterAnother: boolean;
  /** Whether the next command got a reply other than 421: the session was seen to go on. */
  readonly isAnsweredAfter: boolean;
}

/** The places of a recipient template at one endpoint. */
export function contextOf(endpoint: EndpointEvidence, evidence: DomainEvidence): RecipientContext {
  const { route, domain } = evidence;
  return {
    domain,
    unicode: evidence.unicode,
    canonical: route.kind !== 'given' && route.canonicalName !== domain ? route.canonicalName : null,
    host: endpoint.host,
    address: endpoint.address,
    controlLocalPart: evidence.probe.controlLocalPart,
    served: (evidence.probe.servedDomains ?? []).filter((served) => served !== domain),
    lists: evidence.probe.mailingLists ?? [],
    soa: soaMailbox(evidence),
  };
}

/** Every RCPT of the ordinary conversations, in order. */
export const rcptObservations = readOnce((endpoint: EndpointEvidence): readonly RcptObservation[] =>
  endpoint.attempts.flatMap((attempt, number) => (isScripted(attempt) ? [] : observationsIn(attempt, number))),
);

function observationsIn(attempt: Attempt, number: number): readonly RcptObservation[] {
  const commands = askedIn(attempt, number);
  const found: RcptObservation[] = [];
  let mail: (Seen<Outcome> & { readonly from: string }) | null = null;
  let recipients = 0;
  let hello: 'EHLO' | 'HELO' = 'EHLO';
  commands.forEach((seen, position) => {
    const { what } = seen;
    const place = { attempt: number, index: seen.index, cite: seen.cite };
    if (what.command.startsWith('HELO ')) hello = 'HELO';
    if (what.command.startsWith('EHLO ')) hello = 'EHLO';
    const isMail = what.command.startsWith('MAIL ');
    const from = isMail ? /^MAIL FROM:<(.*?)>/.exec(what.command)?.[1] : undefined;
    if (from !== undefined) {
      mail = { ...place, what: what.outcome, from };
      recipients = 0;
      return;
    }
    const to = what.command.startsWith('RCPT ') ? /^RCPT TO:<(.*)>$/.exec(what.command)?.[1] : undefined;
    if (to === undefined || mail === null) return;
    const next = commands[position + 1];
    found.push({
      to,
      from: mail.from,
      inTls: what.inTls,
      hello,
      attempt: number,
      mail,
      rcpt: { ...place, what: what.outcome },
      isFirst: recipients === 0,
      isAlone: attempt.plan.purpose === 'alone' && found.length === 0,
      isAfterAnother: found.some(
        (before) =>
          before.to !== to &&
          before.to.toLowerCase() === to.toLowerCase() &&
          before.rcpt.what.kind === 'reply' &&
          isPositive(before.rcpt.what.reply),
      ),
      isAnsweredAfter: next?.what.outcome.kind === 'reply' && next.what.outcome.reply.code !== 421,
    });
    recipients += 1;
  });
  return found;
}

/** Whether a refusal may be of our own making: in company, or behind another spelling that was accepted (R8). */
export function needsConfirmation({ isFirst, isAlone, isAfterAnother }: RcptObservation): boolean {
  return !isAlone && (!isFirst || isAfterAnother);
}

/** Whether a random local-part was refused (strong), accepted (weak), or not asked with an answer (unqualified). */
export function controlStrength(evidence: DomainEvidence, here: EndpointEvidence): ControlStrength {
  return strengthIn(evidence)(here);
}

export interface ControlStrength {
  readonly strength: EvidenceStrength;
  readonly cites: readonly Cite[];
}

const strengthIn = readOnce((evidence: DomainEvidence) =>
  readOnce((here: EndpointEvidence) => findStrength(evidence, here)),
);

function findStrength(evidence: DomainEvidence, here: EndpointEvidence): ControlStrength {
  let strength: EvidenceStrength = 'unqualified';
  let cites: readonly Cite[] = [];
  for (const endpoint of evidence.endpoints.filter(({ host }) => host === here.host)) {
    const to = fillRecipient(CONTROL_RECIPIENT, contextOf(endpoint, evidence));
    for (const one of rcptObservations(endpoint)) {
      if (one.to !== to || one.rcpt.what.kind !== 'reply' || one.mail.what.kind !== 'reply') continue;
      const attempt = endpoint.attempts[one.attempt];
      if (!isPositive(one.mail.what.reply) || attempt === undefined || hasLostStep(attempt)) continue;
      const accepted = isPositive(one.rcpt.what.reply);
      const refused = classifyReply(one.rcpt.what.reply, 'rcpt', echoOf(endpoint, evidence)) === 'perm.no-mailbox';
      if (accepted) strength = 'weak';
      else if (refused && strength !== 'weak') strength = 'strong';
      // Cites count within an endpoint: what was seen at another address is not cited here.
      if ((accepted || refused) && endpoint === here) cites = [one.rcpt.cite];
    }
  }
  return { strength, cites };
}
