// Facts read from transcripts, for the rules to judge. Nothing here has an opinion; everything is found, not stored.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Attempt, EndpointEvidence, Exchange } from '../evidence/transcript.js';
import { followLookup, isOpen } from '../smtp/mail-route.js';
import { visible } from '../smtp/visible.js';
import type { ConnectOutcome, Outcome } from '../smtp/outcome.js';
import { readOnce } from '../smtp/read-once.js';
import { ehloKeywords, firstDigit, isPositive, type Reply } from '../smtp/reply.js';
import { blamesClient, type Echo } from '../smtp/reply-class.js';
import type { Cite } from './requirement.js';

/** One thing seen, with the place where it was seen. */
export interface Seen<T> {
  readonly attempt: number;
  readonly index: number;
  readonly cite: Cite;
  readonly what: T;
}

/** A command and what came of it. */
export interface Asked {
  readonly command: string;
  readonly outcome: Outcome;
  /** Whether TLS was active. */
  readonly inTls: boolean;
}

/** What a reply may merely echo: the domain asked about and the mail host's own name. */
export function echoOf(endpoint: EndpointEvidence, evidence: DomainEvidence): Echo {
  return { domain: evidence.domain, host: endpoint.host };
}

const citeOf = (attempt: number, index: number): Cite => ({ kind: 'exchange', attempt, index });

/** Every exchange of every attempt, in order. */
export const exchangesOf = readOnce((endpoint: EndpointEvidence): readonly Seen<Exchange>[] =>
  endpoint.attempts.flatMap(({ exchanges }, attempt) =>
    exchanges.map((what, index) => ({ attempt, index, cite: citeOf(attempt, index), what })),
  ),
);

/** What came of each TCP connection. */
export function connectsOf(
  endpoint: EndpointEvidence,
): readonly { readonly attempt: number; readonly what: ConnectOutcome }[] {
  return endpoint.attempts.map(({ connect }, attempt) => ({ attempt, what: connect }));
}

/** What came first in each connection that was made. */
export const openingsOf = readOnce((endpoint: EndpointEvidence): readonly Seen<Outcome>[] =>
  exchangesOf(endpoint).flatMap(({ what, ...place }) =>
    what.act === 'opening' ? [{ ...place, what: what.outcome }] : [],
  ),
);

/** The opening replies, one a connection at most. */
export const openingRepliesOf = readOnce((endpoint: EndpointEvidence): readonly Seen<Reply>[] =>
  openingsOf(endpoint).flatMap(({ what, ...place }) => (what.kind === 'reply' ? [{ ...place, what: what.reply }] : [])),
);

/** A connection that says what single rows want said: script-run.ts reads it, and only that. */
export const isScripted = ({ plan }: Attempt): boolean => plan.purpose === 'script';

/** Every command of the ordinary conversations with its outcome; `verb` alone selects those that begin with it. */
export function asked(endpoint: EndpointEvidence, verb?: string): readonly Seen<Asked>[] {
  const all = allAsked(endpoint);
  return verb === undefined ? all : all.filter(({ what }) => isVerb(what.command, verb));
}

const allAsked = readOnce((endpoint: EndpointEvidence): readonly Seen<Asked>[] =>
  endpoint.attempts.flatMap((attempt, number) => (isScripted(attempt) ? [] : askedIn(attempt, number))),
);

const isVerb = (command: string, verb: string): boolean => command === verb || command.startsWith(`${verb} `);

/** The commands of one attempt with their outcomes. */
export function askedIn(attempt: Attempt, number: number, verb?: string): readonly Seen<Asked>[] {
  let inTls = false;
  const found: Seen<Asked>[] = [];
  attempt.exchanges.forEach((exchange, index) => {
    if (exchange.act === 'handshake' && exchange.outcome.kind === 'secured') inTls = true;
    if (exchange.act !== 'command' || (verb !== undefined && !isVerb(exchange.command, verb))) return;
    const what = { command: exchange.command, outcome: exchange.outcome, inTls };
    found.push({ attempt: number, index, cite: citeOf(number, index), what });
  });
  return found;
}

/** True where a plaintext EHLO reply of the attempt offered STARTTLS. */
export function offersStartTls(attempt: Attempt): boolean {
  return askedIn(attempt, 0, 'EHLO').some(
    ({ what: { outcome, inTls } }) => !inTls && outcome.kind === 'reply' && ehloKeywords(outcome.reply).has('STARTTLS'),
  );
}

/**
 * True where the two sides of a connection no longer agree which reply belongs to which command: a reply out of turn
 * (after a QUIT that was not answered with 221 we listen on for strays), lines that disagree about their code, a 221 to
 * something else than QUIT, or a group that ended without a reply or with another one than QUIT has. Nothing rests on
 * such a session, neither an accusation nor a pass.
 */
export function hasLostStep({ exchanges }: Attempt): boolean {
  return exchanges.some((exchange, index) => {
    if (exchange.act === 'leave') return false;
    const { outcome } = exchange;
    if (outcome.kind === 'out-of-turn') return outcome.reply.code !== 421;
    const isInGroup = exchange.act === 'command' && isOfGroup(exchange.group, exchanges[index - 1]);
    if (outcome.kind === 'timeout') return isInGroup;
    if (outcome.kind !== 'reply') return false;
    if (outcome.reply.defects.includes('mixed-codes')) return true;
    if (exchange.act !== 'command') return false;
    const { code } = outcome.reply;
    if (!/^quit$/i.test(exchange.command)) return code === 221;
    return isInGroup && code !== 221 && firstDigit(outcome.reply) !== 4;
  });
}

const isOfGroup = (group: number, before: Exchange | undefined): boolean =>
  before?.act === 'command' && before.group === group;

/** How the host closed a connection before we said QUIT, or where QUIT was said, without a reply to it; else null. */
export function unsolicitedClose(
  attempt: Attempt,
  number: number,
): Seen<{ readonly how: 'fin' | 'reset'; readonly afterMs: number }> | null {
  for (const [index, exchange] of attempt.exchanges.entries()) {
    if (exchange.act === 'leave' || exchange.outcome.kind !== 'closed') continue;
    if (attempt.exchanges.slice(0, index).some((before) => before.act === 'command' && before.command === 'QUIT'))
      return null;
    return { attempt: number, index, cite: citeOf(number, index), what: exchange.outcome };
  }
  return null;
}

/** What the openings of an endpoint say about the exemption of 4.5.1 (554) and RFC 7504 (521). */
export type OpeningKind =
  | 'none' // no opening reply was seen
  | 'session' // 220, or another 2yz, at least once
  | 'always-554' // 554 at least twice and nothing else, for no reason of ours
  | 'always-521'
  | 'once' // 554 or 521, seen once only
  | 'client-refused' // 554 or 521 whose text blames this client
  | 'refused'; // other openings: 421, 4yz, another 5yz

/** Reads all openings of an endpoint together (catalogue, postmaster.exempt-554 and exempt-521). */
export function openingKind(endpoint: EndpointEvidence, evidence: DomainEvidence): OpeningKind {
  const replies = openingRepliesOf(endpoint).map(({ what }) => what);
  if (replies.length === 0) return 'none';
  if (replies.some(isPositive)) return 'session';
  const isRefusal = ({ code }: Reply): boolean => code === 554 || code === 521;
  if (!replies.every(isRefusal)) return 'refused';
  if (replies.some((reply) => blamesClient(reply, echoOf(endpoint, evidence)))) return 'client-refused';
  const isBlamedLater = asked(endpoint).some(
    ({ what: { command, outcome } }) =>
      /^(?:MAIL|RCPT) /.test(command) &&
      outcome.kind === 'reply' &&
      !isPositive(outcome.reply) &&
      blamesClient(outcome.reply, echoOf(endpoint, evidence)),
  );
  if (isBlamedLater) return 'client-refused';
  // RFC 5321 4.5.1 exempts a host that "always" opens so: twice is the least that can be called always.
  if (replies.length < 2) return 'once';
  // A host that took a recipient after its 554 does serve mail: the exemption is void (section 5, item 11).
  const accepts = asked(endpoint, 'RCPT').some(
    ({ what: { outcome } }) => outcome.kind === 'reply' && isPositive(outcome.reply),
  );
  if (accepts) return 'session';
  return replies.every(({ code }) => code === 521) ? 'always-521' : 'always-554';
}

/** True where the endpoint need not serve postmaster at all. */
export function isExempt(endpoint: EndpointEvidence, evidence: DomainEvidence): boolean {
  const kind = openingKind(endpoint, evidence);
  return kind === 'always-554' || kind === 'always-521';
}

/** An endpoint was reached when it sent an SMTP opening reply (cli.md, Roll-up). */
export function wasReached(endpoint: EndpointEvidence): boolean {
  return openingRepliesOf(endpoint).length > 0;
}

/** A mail host and its address for people, escaped. */
export function nameOf({ host, address }: { readonly host: string; readonly address: string }): string {
  return host === address ? host : `${visible(host)} [${address}]`;
}

/** Mail hosts whose addresses the DNS, or with --host the system, did not tell: endpoints that could not be reached. */
export function hostsUnknown({ route, dns }: DomainEvidence): readonly string[] {
  return route.hosts.flatMap(({ host, addresses }) => {
    const isUntold =
      route.kind === 'given' || (['A', 'AAAA'] as const).some((type) => isOpen(followLookup(host, type, dns)));
    return addresses.length === 0 && isUntold ? [host] : [];
  });
}
