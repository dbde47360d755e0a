// What the control recipient, a random local-part at the domain, got from RCPT: once a mail host and run (plan.ts).
import { isPositive, type Reply } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { echoOf, hasLostStep } from './observe.js';
import { contextOf, rcptObservations } from './rcpt-observation.js';
import { CONTROL_RECIPIENT, fillRecipient } from './recipient-template.js';
import type { Cite } from './requirement.js';
import type { Place } from './scripted-row.js';

/** One reply to it, with the exchange that it was given in; at another address of the host, that is named. */
export interface ControlReply {
  readonly reply: Reply;
  readonly cite: Cite;
}

/** The replies of the mail host to the control recipient where MAIL was accepted, those of this address first. */
export function controlReplies({ endpoint, evidence }: Place): readonly ControlReply[] {
  const others = evidence.endpoints.flatMap((other, number) =>
    other.host === endpoint.host && (other.address !== endpoint.address || other.port !== endpoint.port)
      ? [{ at: other, number }]
      : [],
  );
  return [{ at: endpoint, number: null }, ...others].flatMap(({ at, number }) => {
    const to = fillRecipient(CONTROL_RECIPIENT, contextOf(at, evidence));
    return rcptObservations(at).flatMap((one): readonly ControlReply[] => {
      const attempt = at.attempts[one.attempt];
      if (one.to !== to || attempt === undefined || hasLostStep(attempt)) return [];
      if (one.mail.what.kind !== 'reply' || !isPositive(one.mail.what.reply)) return [];
      if (one.rcpt.what.kind !== 'reply') return [];
      const { cite } = one.rcpt;
      return [
        {
          reply: one.rcpt.what.reply,
          cite: number === null || cite.kind === 'dns' ? cite : { ...cite, endpoint: number },
        },
      ];
    });
  });
}

/** Whether the name is refused as unknown, accepted, or nothing is known of it; accepted once outweighs. */
export function whichControl(
  control: readonly ControlReply[],
  { endpoint, evidence }: Place,
): 'refused' | 'accepted' | 'untold' {
  if (control.some(({ reply }) => isPositive(reply))) return 'accepted';
  const echo = echoOf(endpoint, evidence);
  return control.some(({ reply }) => classifyReply(reply, 'rcpt', echo) === 'perm.no-mailbox') ? 'refused' : 'untold';
}
