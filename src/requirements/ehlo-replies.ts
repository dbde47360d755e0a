// The 250 replies to EHLO in the ordinary conversations of an endpoint, plaintext and TLS, for the rules that read them.
// Nothing is sent for these rules: every session begins with EHLO. A session that lost step shows nothing.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import type { Outcome } from '../smtp/outcome.js';
import { readOnce } from '../smtp/read-once.js';
import { isPositive, type Reply } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { ehloLine, type EhloLine } from './ehlo-keywords.js';
import { asked, askedIn, echoOf, hasLostStep, type Seen } from './observe.js';
import { gravest, sessionsOpenedWith, type OpenedSession } from './openings.js';
import { inconclusive, notApplicable, pass, warn, type Finding } from './requirement.js';
import { quoteReply, sessionTrouble } from './session-trouble.js';

/** An EHLO or HELO of a session that was opened, and what came of it. */
export interface Hello extends Seen<Outcome> {
  readonly verb: 'EHLO' | 'HELO';
  /** Our name, as it was said. */
  readonly argument: string;
  readonly session: OpenedSession;
}

/** A 250 reply to EHLO. */
export interface EhloReply extends Seen<Reply> {
  readonly argument: string;
  readonly session: OpenedSession;
  /** The lines behind the first. */
  readonly lines: readonly EhloLine[];
}

/** Every EHLO and HELO of the ordinary sessions that a 2yz opened and that never lost step. */
export const hellosOf = readOnce((endpoint: EndpointEvidence): readonly Hello[] =>
  sessionsOpenedWith(endpoint, isPositive).flatMap((session) => {
    if (hasLostStep(session.attempt)) return [];
    return askedIn(session.attempt, session.number).flatMap(({ what, ...place }) => {
      const [, verb, argument = ''] = /^(EHLO|HELO) (.*)$/.exec(what.command) ?? [];
      return verb === 'EHLO' || verb === 'HELO' ? [{ ...place, what: what.outcome, verb, argument, session }] : [];
    });
  }),
);

/** Every 250 reply to EHLO among them. */
export const ehloReplies = readOnce((endpoint: EndpointEvidence): readonly EhloReply[] =>
  hellosOf(endpoint).flatMap(({ what, verb, ...place }) =>
    verb === 'EHLO' && what.kind === 'reply' && what.reply.code === 250
      ? [{ ...place, what: what.reply, lines: what.reply.lines.slice(1).map(ehloLine) }]
      : [],
  ),
);

/** The gravest of the findings about each EHLO reply of an endpoint, or why there is no such reply. */
export function judgeEhloReplies(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  read: (reply: EhloReply) => Finding,
): Finding {
  const [first, ...more] = ehloReplies(endpoint);
  return first === undefined ? noEhloReply(endpoint, evidence) : gravest([read(first), ...more.map(read)]);
}

/** Why there is no EHLO reply to read. */
function noEhloReply(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  const last = hellosOf(endpoint).findLast(({ verb }) => verb === 'EHLO');
  if (last === undefined) {
    const because = 'the host and we lost step in each session: its replies cannot be told apart';
    return inconclusive('out-of-turn', because);
  }
  return notApplicable(
    last.what.kind === 'reply' ? `EHLO was answered ${quoteReply(last.what.reply)}` : 'EHLO was not answered',
    [last.cite],
  );
}

/** For a row that wants a keyword offered: in any of the replies, since some hosts offer little before TLS. */
export function judgeOffer(endpoint: EndpointEvidence, evidence: DomainEvidence, keyword: string): Finding {
  const replies = ehloReplies(endpoint);
  const [first, ...more] = replies.map(({ cite }) => cite);
  if (first === undefined) return noEhloReply(endpoint, evidence);
  const offer = replies.find((reply) => offers(reply, keyword));
  if (offer !== undefined) return pass(`EHLO is answered with ${keyword}`, [offer.cite]);
  if (isUnseenInTls(endpoint, evidence))
    return inconclusive('needs-tls', 'mail is taken in TLS alone, and no reply to EHLO was seen there', [
      first,
      ...more,
    ]);
  return warn('malformed', `${keyword} is not among what EHLO is answered with`, first, ...more);
}

/**
 * Whether the host offers STARTTLS and refuses mail without it (530, or in words), and no EHLO was answered inside TLS:
 * what it offers to those that it takes mail from is not known.
 */
export function isUnseenInTls(endpoint: EndpointEvidence, evidence: DomainEvidence): boolean {
  if (!ehloReplies(endpoint).some((reply) => offers(reply, 'STARTTLS'))) return false;
  const said = asked(endpoint);
  const echo = echoOf(endpoint, evidence);
  const demandsTls = said.some(({ what: { command, outcome, inTls } }) => {
    if (inTls || !/^(?:MAIL|RCPT) /.test(command) || outcome.kind !== 'reply' || isPositive(outcome.reply))
      return false;
    const kind = classifyReply(outcome.reply, command.startsWith('MAIL ') ? 'mail' : 'rcpt', echo);
    return outcome.reply.code === 530 || kind === 'temp.starttls' || kind === 'perm.starttls';
  });
  if (!demandsTls) return false;
  return !said.some(
    ({ what: { command, outcome, inTls } }) =>
      inTls && command.startsWith('EHLO ') && outcome.kind === 'reply' && isPositive(outcome.reply),
  );
}

/** Whether the reply lists the keyword. */
export const offers = ({ lines }: Pick<EhloReply, 'lines'>, keyword: string): boolean =>
  lines.some((line) => line.keyword === keyword);
