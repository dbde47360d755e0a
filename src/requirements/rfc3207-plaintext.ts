// RFC 3207 4.2 and 6: what was said before the TLS handshake counts for nothing after it.
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { HANDSHAKE, say, sayIfAccepted, wait } from '../smtp/script.js';
import { visible } from '../smtp/visible.js';
import { echoOf } from './observe.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { handshakeOf, NOT_OFFERED, saysPlaintext } from './rfc3207-starttls.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import { linesOfRun } from './script-run.js';
import { quoteReply, seconds } from './session-trouble.js';

/** How long TLS is watched for the reply to what was said before it. */
const WATCH_MS = 5_000;

/** RFC 3207 4.2 and 6, in the order of their text. */
export const plaintextBeforeTls: readonly Requirement[] = [
  scripted({
    id: 'starttls.state-reset',
    group: 'starttls',
    title: 'State discarded after the handshake',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 3207',
      section: '4.2',
      quote: 'The server MUST discard any knowledge obtained from the client, such as the argument to the EHLO command',
    },
    demand: 'After the TLS handshake the server has forgotten EHLO and the transaction that were before it.',
    probe: 'EHLO, MAIL, STARTTLS, the TLS handshake, and inside TLS, without EHLO, RCPT for Postmaster.',
    script: {
      from: 'hello',
      offered: 'STARTTLS',
      steps: [say('MAIL FROM:<{sender}>'), sayIfAccepted('STARTTLS'), HANDSHAKE, say('RCPT TO:<{postmaster}>')],
    },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '503, or another 5yz that asks for EHLO or MAIL' },
      { verdict: 'fail', when: '2yz, twice: the MAIL of before TLS was kept' },
      { verdict: 'inconclusive', when: '4yz, another 5yz, MAIL refused, or a handshake that fails' },
      { verdict: 'not-applicable', when: 'STARTTLS is not offered, or is refused inside a transaction' },
      ...T_IO,
    ],
    rationale:
      'What came in plaintext may have been put there by anybody on the way; inside TLS it would pass for true.',
    remedy: { general: 'Begin a fresh session after the handshake; a proxy in front must not keep one of its own.' },
    retry: ['R8'],
    read(run, place): Finding | null {
      const mail = answerTo(run, 0);
      if (mail === null) return null;
      if (!isPositive(mail.reply)) {
        const because = `MAIL was answered ${quoteReply(mail.reply)}`;
        return (
          doubtAbout(mail.reply, mail.line, mail.cite, place) ?? inconclusive('sender-refused', because, [mail.cite])
        );
      }
      const start = answerTo(run, 1);
      if (start !== null && isPermanentNegative(start.reply))
        return notApplicable(`STARTTLS inside a transaction was answered ${quoteReply(start.reply)}`, [start.cite]);
      const answer = answerTo(run, 2);
      if (answer === null) return null;
      const { reply, cite, line } = answer;
      if (isPositive(reply)) {
        return fail('sequence', `without EHLO or MAIL inside TLS, ${line} was answered ${quoteReply(reply)}`, cite);
      }
      const kind = classifyReply(reply, 'rcpt', echoOf(place.endpoint, place.evidence));
      const asksToBegin = reply.code === 503 || kind === 'perm.sequence' || /\b(?:EHLO|HELO)\b/i.test(reply.raw);
      if (isPermanentNegative(reply) && asksToBegin) return pass(`answered ${quoteReply(reply)}`, [cite]);
      const because = `answered ${quoteReply(reply)}, which does not tell whether MAIL was kept`;
      return doubtAbout(reply, line, cite, place) ?? inconclusive('client-refused', because, [cite]);
    },
  }),
  scripted({
    id: 'starttls.no-injection',
    group: 'starttls',
    title: 'Plaintext after STARTTLS not executed in TLS',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 3207',
      section: '6',
      quote:
        'clients and servers MUST discard any knowledge obtained prior to the start of the TLS handshake upon completion of the TLS handshake.',
    },
    demand: 'Commands that come in plaintext behind STARTTLS are not carried out inside TLS.',
    probe: 'EHLO, then STARTTLS and NOOP in one write, the TLS handshake, and 5 s of silence inside TLS.',
    // One reply is due: the 220. That to NOOP is what must not come.
    script: { from: 'hello', offered: 'STARTTLS', steps: [say('STARTTLS\r\nNOOP'), HANDSHAKE, wait(WATCH_MS)] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: 'nothing comes inside TLS, or STARTTLS or the handshake is refused' },
      { verdict: 'fail', when: '250 comes inside TLS, twice: the NOOP of before TLS was carried out' },
      { verdict: 'warn', when: 'NOOP is answered in plaintext behind the 220' },
      {
        verdict: 'inconclusive',
        when: 'another reply comes inside TLS, 454 to STARTTLS, or plaintext in the handshake',
      },
      NOT_OFFERED,
      ...T_IO,
    ],
    rationale:
      'Somebody on the way could put commands behind STARTTLS, and the server would take them for what was said under TLS (CVE-2011-0411).',
    remedy: {
      general:
        'Update the server, or the proxy in front of it: what was read before the handshake must be thrown away.',
      postfix: 'Postfix 2.8 and later, and 2.7.3, 2.6.9, 2.5.12 and 2.4.16, discard it.',
    },
    retry: ['R8'],
    note: 'The probe breaks a rule itself: after 220 a client has to begin TLS (RFC 3207 4). It is never sent without --intrusive.',
    read(run, place): Finding | null {
      const [start] = linesOfRun(run);
      if (start?.outcome.kind !== 'reply') return null;
      const { reply } = start.outcome;
      if (reply.code !== 220) {
        const doubt = doubtAbout(reply, 'STARTTLS', start.cite, place);
        if (doubt !== null || !isPermanentNegative(reply)) return doubt;
        return pass(`STARTTLS with a command behind it was refused: ${quoteReply(reply)}`, [start.cite]);
      }
      const handshake = handshakeOf(run);
      switch (handshake?.outcome.kind) {
        case 'injected':
          return warn('sequence', 'NOOP was answered in plaintext, behind the 220', handshake.cite, start.cite);
        case 'tls-failed':
          if (saysPlaintext(handshake.outcome.why)) return null;
          return pass(`the handshake was refused: ${visible(handshake.outcome.why)}`, [start.cite, handshake.cite]);
        case 'closed':
          return pass('the host closed in place of a handshake', [start.cite, handshake.cite]);
        case 'secured':
          break;
        default:
          return null;
      }
      const watched = run.done.find((one) => one.kind === 'wait');
      if (watched?.outcome.kind === 'quiet')
        return pass(`nothing came inside TLS in ${seconds(watched.outcome.afterMs)}`, [watched.cite]);
      if (watched?.outcome.kind !== 'out-of-turn' || watched.outcome.reply.code !== 250) return null;
      const because = `NOOP was said before TLS and answered inside: ${quoteReply(watched.outcome.reply)}`;
      return fail('sequence', because, watched.cite, start.cite);
    },
  }),
];
