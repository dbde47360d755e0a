// RFC 3207 4: a mail host that the DNS names takes local mail without TLS.
//
// Decided here: the ordinary conversation begins in plaintext and is all that is needed; R2 has shown inside TLS what a
// 530 without words was about.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPositive, replyText, type Reply } from '../smtp/reply.js';
import { classifyReply, type ReplyClass } from '../smtp/reply-class.js';
import { ACCUSING } from '../smtp/reply-patterns.js';
import { GREYLIST, words } from '../smtp/reply-words.js';
import { visible } from '../smtp/visible.js';
import { asked, echoOf, hasLostStep, type Asked, type Seen } from './observe.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, notApplicable, pass, type Finding, type Requirement } from './requirement.js';
import { causeOfRefusal, outcomeTrouble, quoteReply, sessionTrouble } from './session-trouble.js';

/** A MAIL or RCPT with its reply, and what that means. */
interface Told extends Pick<Seen<Asked>, 'cite' | 'what'> {
  readonly reply: Reply;
  readonly kind: ReplyClass;
}

/** Who greylists may say that TLS spares the wait: that demands nothing. */
const GREYLISTED = words(GREYLIST);

function judgeRequired(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  if (evidence.route.kind === 'given')
    return notApplicable('the mail host was given: its DNS, which would make it a public one, was not asked');
  if (endpoint.port === 587 || endpoint.port === 465) return notApplicable('a submission port may require TLS');

  const inStep = new Set(endpoint.attempts.flatMap((attempt, number) => (hasLostStep(attempt) ? [] : [number])));
  const mail = asked(endpoint).filter(
    ({ what: { command }, attempt }) => /^(?:MAIL|RCPT) /.test(command) && inStep.has(attempt),
  );
  const echo = echoOf(endpoint, evidence);
  const told = mail.flatMap(({ what, cite }): readonly Told[] => {
    const { outcome, command } = what;
    if (outcome.kind !== 'reply') return [];
    const kind = classifyReply(outcome.reply, command.startsWith('MAIL ') ? 'mail' : 'rcpt', echo);
    return [{ what, cite, reply: outcome.reply, kind }];
  });
  const plain = told.filter(({ what }) => !what.inTls);
  const demand = plain.find(
    ({ kind, reply }) => kind === 'perm.starttls' || (kind === 'temp.starttls' && !GREYLISTED.test(replyText(reply))),
  );
  if (demand !== undefined) {
    const because = `${visible(demand.what.command)} without TLS was answered ${quoteReply(demand.reply)}`;
    return fail('tls-required', because, demand.cite);
  }
  const bare = plain.find(({ reply }) => reply.code === 530);
  if (bare !== undefined) {
    return bare530(
      bare,
      told.filter(({ what }) => what.inTls),
    );
  }

  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  const normal = plain.find(
    ({ reply, kind, what }) => what.command.startsWith('RCPT ') && (isPositive(reply) || ACCUSING.has(kind)),
  );
  if (normal !== undefined) {
    return pass(`${visible(normal.what.command)} without TLS was answered ${quoteReply(normal.reply)}`, [normal.cite]);
  }
  return untold(
    plain.at(-1),
    mail.filter(({ what }) => !what.inTls),
  );
}

/** A 530 whose words do not tell TLS from a login (RFC 4954 6 has the same code): TLS has shown which it was. */
function bare530(bare: Told, inTls: readonly Told[]): Finding {
  const said = `${visible(bare.what.command)} without TLS was answered ${quoteReply(bare.reply)}`;
  const same = inTls.filter(({ what }) => what.command === bare.what.command);
  const still = same.find(({ kind, reply }) => kind === 'perm.auth' || reply.code === 530);
  if (still !== undefined) {
    const because = `${said}, and so it was inside TLS: a login is required; whether TLS is too cannot be told`;
    return inconclusive('needs-tls', because, [bare.cite, still.cite]);
  }
  const gone = same.find(({ reply }) => isPositive(reply));
  if (gone === undefined) return inconclusive('needs-tls', `${said}; TLS or a login may be meant`, [bare.cite]);
  return fail('tls-required', `${said}, inside TLS ${quoteReply(gone.reply)}`, bare.cite, gone.cite);
}

/** No recipient was judged in plaintext: why. */
function untold(last: Told | undefined, plain: readonly Seen<Asked>[]): Finding {
  const silent = plain.at(-1);
  if (silent !== undefined && silent.what.outcome.kind !== 'reply')
    return outcomeTrouble(silent.what.outcome, `the reply to ${visible(silent.what.command)}`, [silent.cite]);
  if (last === undefined) return inconclusive('not-asked', 'nothing was asked without TLS');
  if (isPositive(last.reply)) return inconclusive('not-asked', 'no recipient was named without TLS', [last.cite]);
  const because = `${visible(last.what.command)} was answered ${quoteReply(last.reply)}, which does not demand TLS`;
  return inconclusive(causeOfRefusal(last.kind, last.reply), because, [last.cite]);
}

/** RFC 3207 4, on who may require TLS. */
export const tlsRequired: readonly Requirement[] = [
  {
    id: 'starttls.not-required',
    group: 'starttls',
    title: 'TLS not required on a public MX',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 3207',
      section: '4',
      quote:
        'A publicly-referenced SMTP server MUST NOT require use of the STARTTLS extension in order to deliver mail locally.',
    },
    demand: 'A mail host that the DNS names takes mail for its own domains without TLS.',
    probe: 'MAIL and RCPT TO:<Postmaster@domain> in the ordinary conversation, which begins without TLS.',
    readings: [
      { verdict: 'pass', when: 'RCPT without TLS is accepted, or refused for a reason of the mailbox' },
      {
        verdict: 'fail',
        when: 'a 4yz or 5yz to MAIL or RCPT that asks for STARTTLS or encryption (530, 400, 550 ...)',
      },
      { verdict: 'fail', when: 'a 530 without such words that is gone inside TLS' },
      { verdict: 'inconclusive', when: 'a 530 without such words that comes again inside TLS, or TLS was not tried' },
      { verdict: 'inconclusive', when: 'MAIL and RCPT were refused for other reasons, or for now' },
      { verdict: 'not-applicable', when: 'the host was given with --host, or the port is one for submission' },
      ...T_IO,
    ],
    rationale:
      'A sender without TLS, or whose TLS has nothing in common with yours, cannot reach anybody in the domain, postmaster included.',
    remedy: {
      general: 'Offer STARTTLS and take mail without it; keep required TLS for the submission ports.',
      postfix: 'smtpd_tls_security_level = may, and no smtpd_enforce_tls; "encrypt" only for submission in master.cf.',
      exim: 'In the ACLs of MAIL and RCPT take out the deny with !encrypted = * for mail to local domains.',
      sendmail: 'In the access map take out the entries TLS_Clt: with ENCR or VERIFY.',
      opensmtpd: 'listen on ... tls, not tls-require.',
      exchange: 'Set-ReceiveConnector -RequireTLS $false on the connector of port 25.',
    },
    retry: ['R2'],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{domain}' }],
    note: 'Some operators refuse plaintext on purpose today. The sentence stands unchanged; the postmaster rows are judged inside TLS all the same.',
    scope: 'endpoint',
    judge: judgeRequired,
  },
];
