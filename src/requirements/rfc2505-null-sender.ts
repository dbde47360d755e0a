// RFC 2505 2.6.1 (BCP 30): the null reverse-path is never refused, at postmaster least of all.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { blamesNullSender, classifyReply } from '../smtp/reply-class.js';
import { asked, echoOf } from './observe.js';
import { T_IO } from './readings.js';
import { fillRecipient } from './recipient-template.js';
import { contextOf, rcptObservations } from './rcpt-observation.js';
import { judgeRecipient } from './recipient.js';
import { fail, inconclusive, notApplicable, warn, type Finding, type Remedy, type Requirement } from './requirement.js';
import { causeOfRefusal, quoteReply, sessionTrouble } from './session-trouble.js';

/** How hosts that refuse the empty reverse-path are mended. */
export const NULL_SENDER_REMEDY: Remedy = {
  general:
    'Accept MAIL FROM:<> always; bounces and other notifications have no other sender. Filter on content, not on the empty sender.',
  postfix:
    'Remove the "<>" entry from check_sender_access (smtpd_null_access_lookup_key), and restrictions that reject it.',
  exim: 'Remove "deny senders = :" and its like from the ACLs.',
  sendmail: 'Remove the rule for the empty sender from Local_check_mail.',
  opensmtpd: 'Write rules that match "mail-from" so that the empty sender passes.',
  exchange: 'Set-SenderFilterConfig -BlankSenderBlockingEnabled $false',
};

/** Judges whether the null reverse-path is taken, by comparison with another. */
export function judgeNullSender(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  const plain = evidence.domain === null ? 'Postmaster' : 'Postmaster@{domain}';
  const to = fillRecipient(plain, contextOf(endpoint, evidence));
  const echo = echoOf(endpoint, evidence);
  const seen = rcptObservations(endpoint).filter((one) => one.to === to);
  const otherAccepted = seen.find(
    ({ from, rcpt }) => from !== '' && rcpt.what.kind === 'reply' && isPositive(rcpt.what.reply),
  );

  const mail = asked(endpoint, 'MAIL').findLast(({ what }) => what.command.startsWith('MAIL FROM:<>'));
  if (mail === undefined) return inconclusive('not-asked', 'MAIL FROM:<> was not asked');
  const finding = judgeRecipient(endpoint, evidence, plain, 'null');
  if (finding.verdict === 'pass' || finding.verdict === 'warn') return finding;
  const mailReply = mail.what.outcome.kind === 'reply' ? mail.what.outcome.reply : null;
  if (mailReply !== null && isPermanentNegative(mailReply)) {
    const kind = classifyReply(mailReply, 'mail', echo);
    const isOurs = kind === 'perm.client-policy' || kind === 'perm.starttls' || kind === 'perm.auth';
    if (otherAccepted !== undefined && !isOurs) {
      return fail(
        'sender-refused',
        `MAIL FROM:<> is refused, another sender is taken: ${quoteReply(mailReply)}`,
        mail.cite,
        otherAccepted.rcpt.cite,
      );
    }
    return inconclusive(
      isOurs ? causeOfRefusal(kind, mailReply) : 'sender-refused',
      `MAIL FROM:<> is refused, and no other sender was taken to compare with: ${quoteReply(mailReply)}`,
      [mail.cite],
    );
  }
  const refused = seen.findLast(
    ({ from, rcpt }) => from === '' && rcpt.what.kind === 'reply' && isPermanentNegative(rcpt.what.reply),
  );
  if (
    refused?.rcpt.what.kind === 'reply' &&
    otherAccepted !== undefined &&
    blamesNullSender(refused.rcpt.what.reply, echo)
  ) {
    const { reply } = refused.rcpt.what;
    // rfc-ignorant.org allowed this of addresses that never send mail, so it warns (catalogue).
    const neverSends = /never sends|does not send|no bounces expected|not used (?:to|for) send/i.test(
      reply.lines.join(' '),
    );
    const because = `postmaster refuses the null sender alone: ${quoteReply(reply)}`;
    const cites = [refused.rcpt.cite, otherAccepted.rcpt.cite] as const;
    return neverSends ? warn('sender-refused', because, ...cites) : fail('sender-refused', because, ...cites);
  }
  if (finding.verdict === 'fail') {
    // One cause, told once: postmaster.domain fails, and of the sender nothing can be seen.
    return notApplicable('the mailbox itself is refused, whoever asks: see postmaster.domain', finding.cites);
  }
  return finding;
}

/** The row of the null reverse-path. */
export const nullSender: readonly Requirement[] = [
  {
    id: 'postmaster.null-sender',
    group: 'postmaster',
    title: 'Postmaster accepts the null reverse-path',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: { document: 'RFC 2505', section: '2.6.1', quote: 'The MTA MUST NOT refuse to receive "MAIL From: <>".' },
    demand: 'Error reports, whose sender is empty, are accepted for postmaster like any other mail.',
    probe: 'MAIL FROM:<> and RCPT TO:<Postmaster@domain>.',
    readings: [
      { verdict: 'pass', when: 'MAIL and RCPT accepted' },
      {
        verdict: 'fail',
        when: 'MAIL FROM:<> refused with 5yz, or RCPT refused with words that blame the empty sender, while another sender is taken',
      },
      { verdict: 'warn', when: 'RCPT refused for <> alone, by an address that says it never sends mail' },
      { verdict: 'inconclusive', when: '4yz, or with no other sender to compare' },
      { verdict: 'not-applicable', when: 'the mailbox itself is refused: that is postmaster.domain' },
      ...T_IO,
    ],
    rationale: 'A domain that refuses bounces never learns that its own mail is lost.',
    remedy: NULL_SENDER_REMEDY,
    retry: ['R1', 'R3', 'R8'],
    needs: [
      { ask: 'rcpt', to: 'Postmaster@{domain}', under: 'null' },
      { ask: 'rcpt', to: 'Postmaster', under: 'null' },
    ],
    note: 'BCP 30. A 250 to MAIL FROM:<> proves nothing alone: 3.3 lets a server complain at RCPT.',
    scope: 'endpoint',
    judge: judgeNullSender,
  },
];
