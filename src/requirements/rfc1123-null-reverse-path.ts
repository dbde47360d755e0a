// RFC 1123 5.2.9: the empty reverse-path is a legal one. Read from the ordinary conversations, with what other
// reverse-paths got there: postmaster.null-sender judges the pair of MAIL and RCPT.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPermanentNegative, isPositive, type Reply } from '../smtp/reply.js';
import { classifyReply, type ReplyClass } from '../smtp/reply-class.js';
import { asked, echoOf, hasLostStep } from './observe.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, pass, type Cite, type Finding, type Requirement } from './requirement.js';
import { NULL_SENDER_REMEDY } from './rfc2505-null-sender.js';
import { causeOfRefusal, outcomeTrouble, quoteReply, sessionTrouble } from './session-trouble.js';

/** One MAIL and its reply. */
interface MailReply {
  readonly isNull: boolean;
  readonly inTls: boolean;
  readonly reply: Reply;
  readonly cite: Cite;
}

function mailReplies(endpoint: EndpointEvidence): readonly MailReply[] {
  return asked(endpoint, 'MAIL').flatMap(({ attempt, cite, what: { command, inTls, outcome } }) => {
    const session = endpoint.attempts[attempt];
    if (outcome.kind !== 'reply' || session === undefined || hasLostStep(session)) return [];
    return [{ isNull: command.startsWith('MAIL FROM:<>'), inTls, reply: outcome.reply, cite }];
  });
}

/** Bad syntax, or a refusal of this sender; other codes are about the session, the message or the host. */
const REFUSES_SENDER: ReadonlySet<number> = new Set([500, 501, 550, 553, 554, 555]);
const ABOUT_US: ReadonlySet<ReplyClass> = new Set<ReplyClass>(['perm.client-policy', 'perm.starttls', 'perm.auth']);

function judgeNullReversePath(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  const mails = mailReplies(endpoint);
  const accepted = mails.find(({ isNull, reply }) => isNull && isPositive(reply));
  if (accepted !== undefined) return pass(`accepted: ${quoteReply(accepted.reply)}`, [accepted.cite]);
  const refused = mails.findLast(({ isNull }) => isNull);
  if (refused === undefined) return whyUnknown(endpoint);

  const { reply, cite } = refused;
  const said = quoteReply(reply);
  const kind = classifyReply(reply, 'mail', echoOf(endpoint, evidence));
  if (!isPermanentNegative(reply)) return inconclusive(causeOfRefusal(kind, reply), `not now: ${said}`, [cite]);
  if (ABOUT_US.has(kind) || reply.code === 530)
    return inconclusive(causeOfRefusal(kind, reply), `the refusal is not about the empty reverse-path: ${said}`, [
      cite,
    ]);
  const others = mails.filter(({ isNull, inTls }) => !isNull && inTls === refused.inTls);
  const other = others.find((one) => isPositive(one.reply));
  if (other === undefined) {
    const because =
      others.length === 0 ? 'no other sender was tried to compare with' : 'another sender is refused in the same place';
    return inconclusive('sender-refused', `${because}: ${said}`, [cite, ...others.map((one) => one.cite)]);
  }
  if (!REFUSES_SENDER.has(reply.code))
    return inconclusive('sender-refused', `refused with a code that is not about the sender: ${said}`, [cite]);
  return fail('sender-refused', `MAIL FROM:<> is refused, another sender is taken: ${said}`, cite, other.cite);
}

function whyUnknown(endpoint: EndpointEvidence): Finding {
  const mail = asked(endpoint, 'MAIL').findLast(({ what }) => what.command.startsWith('MAIL FROM:<>'));
  if (mail === undefined) return inconclusive('not-asked', 'MAIL FROM:<> was not asked');
  if (mail.what.outcome.kind !== 'reply')
    return outcomeTrouble(mail.what.outcome, 'the reply to MAIL FROM:<>', [mail.cite]);
  return inconclusive('out-of-turn', 'the host and we lost step in the session: its replies cannot be told apart', [
    mail.cite,
  ]);
}

/** The row of RFC 1123 5.2.9. */
export const nullReversePath: readonly Requirement[] = [
  {
    id: 'mail.null-reverse-path',
    group: 'mail',
    title: 'MAIL FROM:<> supported',
    level: 'MUST',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: { document: 'RFC 1123', section: '5.2.9', quote: 'An empty reverse path MUST be supported.' },
    demand: 'MAIL FROM:<> is accepted where MAIL from another sender is.',
    probe: 'MAIL FROM:<>, beside MAIL from another sender where there is one.',
    readings: [
      { verdict: 'pass', when: 'MAIL FROM:<> accepted' },
      {
        verdict: 'fail',
        when: 'refused with 500, 501, 550, 553, 554 or 555, while another sender is taken in the same place',
      },
      { verdict: 'inconclusive', when: '4yz, 530, another 5yz, or a refusal about this client' },
      { verdict: 'inconclusive', when: 'another sender is refused as well, or none was tried' },
      ...T_IO,
    ],
    rationale:
      'Bounces and other notifications have no other sender: a host that refuses them is not told of lost mail.',
    remedy: NULL_SENDER_REMEDY,
    retry: ['R1', 'R2', 'R3'],
    needs: [
      { ask: 'rcpt', to: 'Postmaster@{domain}', under: 'null' },
      { ask: 'rcpt', to: 'Postmaster', under: 'null' },
    ],
    note: 'RFC 5321 has the empty reverse-path in its grammar (4.1.2) and demands it of clients (4.5.5); the duty of servers is in RFC 1123 and RFC 2505 2.6.1.',
    scope: 'endpoint',
    judge: judgeNullReversePath,
  },
];
