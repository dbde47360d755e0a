// The template T_IO (catalogue 3.1): why an endpoint gave no session in which a row could have been asked.
// Nothing here accuses: silence, refusals of this client and a lawful 554 are no verdict on a mailbox.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import type { Outcome } from '../smtp/outcome.js';
import { readOnce } from '../smtp/read-once.js';
import { firstDigit, isPositive, type Reply } from '../smtp/reply.js';
import { classifyReply, type ReplyClass } from '../smtp/reply-class.js';
import { visible } from '../smtp/visible.js';
import { asked, connectsOf, echoOf, exchangesOf, openingKind, openingRepliesOf, openingsOf } from './observe.js';
import { inconclusive, notApplicable, type Cause, type Cite, type Finding } from './requirement.js';

/** Why no session was opened at the endpoint, or null where one was. */
export function sessionTrouble(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding | null {
  return troubleIn(evidence)(endpoint);
}

const troubleIn = readOnce((evidence: DomainEvidence) =>
  readOnce(
    (endpoint: EndpointEvidence): Finding | null =>
      skippedTrouble(endpoint) ??
      openingTrouble(endpoint, evidence) ??
      helloTrouble(endpoint, evidence) ??
      tlsTrouble(endpoint),
  ),
);

function skippedTrouble(endpoint: EndpointEvidence): Finding | null {
  switch (endpoint.skipped) {
    case 'address-not-allowed':
      return inconclusive('address-not-allowed', 'a special-purpose address: not connected to without --allow-private');
    case 'family-not-asked':
      return inconclusive('not-asked', 'left out by -4 or -6');
    case 'too-many':
      return inconclusive('not-asked', 'left out: the mail host has more addresses than are probed in one run');
    case 'interrupted':
      return inconclusive('not-asked', 'the run was stopped before this address was probed');
    case null:
      return null;
  }
}

const UNREACHABLE = {
  refused: ['unreachable', 'the connection was refused'],
  reset: ['unreachable', 'the connection was reset before it opened'],
  unreachable: ['unreachable', 'the network says that the address cannot be reached'],
  timeout: ['timeout', 'the connection was not answered in time'],
  'no-route': ['no-route', 'this machine has no route to the address'],
  interrupted: ['not-asked', 'the run was stopped before a connection came about'],
} as const satisfies Record<string, readonly [Cause, string]>;

function openingTrouble(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding | null {
  const openings = openingsOf(endpoint);
  if (openings.length === 0) {
    const last = connectsOf(endpoint).at(-1)?.what;
    if (last === undefined || last.kind === 'connected') return inconclusive('not-asked', 'no connection was made');
    const [cause, because] = UNREACHABLE[last.kind];
    return inconclusive(cause, last.code === null ? because : `${because} (${last.code})`);
  }
  const cites = openings.map(({ cite }) => cite);
  switch (openingKind(endpoint, evidence)) {
    case 'session':
      return null;
    case 'always-554':
    case 'always-521':
      return notApplicable(
        `every connection was opened with ${openingRepliesOf(endpoint)[0]?.what.code}: no mail service here`,
        cites,
      );
    case 'client-refused':
      return inconclusive('client-refused', 'the opening reply refuses this client, by its own words', cites);
    case 'once':
      return inconclusive('cut-off', 'the session was refused at the opening, but that was seen once only', cites);
    case 'refused':
      return refusedOpening(endpoint, cites);
    case 'none': {
      const last = openings.at(-1);
      return last === undefined || last.what.kind === 'reply'
        ? null
        : outcomeTrouble(last.what, 'the opening reply', [last.cite]);
    }
  }
}

function refusedOpening(endpoint: EndpointEvidence, cites: readonly Cite[]): Finding {
  const reply = openingRepliesOf(endpoint).at(-1)?.what;
  const code = reply?.code ?? 0;
  if (code === 421) return inconclusive('client-refused', 'the host opened with 421 and closed the channel', cites);
  if (reply !== undefined && firstDigit(reply) === 4)
    return inconclusive('transient-negative', `the host opened with ${code}: not now`, cites);
  return inconclusive('client-refused', `the host opened with ${code}: no session was offered to this client`, cites);
}

/** EHLO and HELO refused, or lost: the session never opened (catalogue 3.2). */
function helloTrouble(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding | null {
  const hellos = asked(endpoint).filter(({ what }) => /^(?:EHLO|HELO) /.test(what.command));
  if (hellos.some(({ what: { outcome } }) => outcome.kind === 'reply' && isPositive(outcome.reply))) return null;
  const last = hellos.at(-1);
  if (last === undefined) return null;
  if (last.what.outcome.kind !== 'reply') return outcomeTrouble(last.what.outcome, 'the reply to EHLO', [last.cite]);
  const { reply } = last.what.outcome;
  const kind = classifyReply(reply, 'hello', echoOf(endpoint, evidence));
  return inconclusive(causeOfRefusal(kind, reply), `EHLO and HELO were refused: ${quoteReply(reply)}`, [last.cite]);
}

/** STARTTLS was asked of the session and did not lead into TLS. */
function tlsTrouble(endpoint: EndpointEvidence): Finding | null {
  const last = endpoint.attempts.at(-1);
  if (last === undefined || last.plan.tls !== 'require') return null;
  const handshake = exchangesOf(endpoint).findLast(({ what }) => what.act === 'handshake');
  if (handshake?.what.act === 'handshake' && handshake.what.outcome.kind === 'secured') return null;
  if (asked(endpoint, 'MAIL').length > 0) return null;
  const starttls = asked(endpoint, 'STARTTLS').at(-1);
  const cite = handshake?.cite ?? starttls?.cite ?? asked(endpoint, 'EHLO').at(-1)?.cite;
  const because =
    starttls === undefined ? 'STARTTLS is required but was not offered' : 'STARTTLS did not lead into TLS';
  return inconclusive('needs-tls', because, cite === undefined ? [] : [cite]);
}

/** What a step that got no reply means: like a 451 (RFC 5321 3.8), never an accusation. */
export function outcomeTrouble(
  outcome: Exclude<Outcome, { kind: 'reply' }>,
  awaited: string,
  cites: readonly Cite[],
): Finding {
  switch (outcome.kind) {
    case 'timeout':
      return inconclusive('timeout', `${awaited} did not come within ${seconds(outcome.afterMs)}`, cites);
    case 'closed': {
      const how = outcome.how === 'fin' ? 'the host closed the connection' : 'the connection was reset';
      return inconclusive('cut-off', `${how} before ${awaited}`, cites);
    }
    case 'out-of-turn':
      return inconclusive(
        'out-of-turn',
        `a reply came that no command had asked for: ${quoteReply(outcome.reply)}`,
        cites,
      );
    case 'not-a-reply':
      return inconclusive('cut-off', `octets that are no SMTP reply came for ${awaited}`, cites);
    case 'interrupted':
      return inconclusive('not-asked', `the run was stopped before ${awaited}`, cites);
  }
}

/** The cause word of a refusal before RCPT: about us, our sender, TLS, or only for now. */
export function causeOfRefusal(kind: ReplyClass, reply: Reply): Cause {
  if (kind === 'temp.starttls' || kind === 'perm.starttls') return 'needs-tls';
  if (kind === 'temp.sender' || kind === 'perm.sender-policy') return 'sender-refused';
  if (kind === 'temp.closing' || kind === 'temp.rate' || kind === 'temp.client-policy') return 'client-refused';
  return firstDigit(reply) === 4 ? 'transient-negative' : 'client-refused';
}

/** A duration for people. */
export function seconds(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms / 100) / 10} s` : `${Math.round(ms / 1000)} s`;
}

/** A reply for people, on one line, escaped and cut. */
export function quoteReply(reply: Reply): string {
  const text = visible(reply.lines.join(' ').replaceAll(/\s+/g, ' ').trim());
  const line = text === '' ? String(reply.code) : `${reply.code} ${text}`;
  return `"${line.length > 160 ? `${line.slice(0, 157)}...` : line}"`;
}
