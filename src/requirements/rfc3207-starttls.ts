// RFC 3207 4 and 4.2: what STARTTLS is answered, and what EHLO says inside TLS.
import { ehloKeywords, isPermanentNegative, isPositive } from '../smtp/reply.js';
import { HANDSHAKE, say, type Script } from '../smtp/script.js';
import { visible } from '../smtp/visible.js';
import { T_IO } from './readings.js';
import {
  fail,
  inconclusive,
  notApplicable,
  pass,
  warn,
  type Finding,
  type Reading,
  type Requirement,
} from './requirement.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import type { Done, ScriptRun } from './script-run.js';
import { quoteReply } from './session-trouble.js';

/** Into TLS, and EHLO there. */
const INTO_TLS: Script = {
  from: 'hello',
  offered: 'STARTTLS',
  steps: [say('STARTTLS'), HANDSHAKE, say('EHLO {ehlo}')],
};

export const NOT_OFFERED: Reading = { verdict: 'not-applicable', when: 'STARTTLS is not offered' };

/** OpenSSL's words for octets in the handshake that are no TLS: plaintext came. */
export const saysPlaintext = (why: string): boolean => /WRONG_VERSION_NUMBER|PACKET_LENGTH|HTTP_REQUEST/.test(why);

/** The handshake of a run, or undefined where it came to none. */
export const handshakeOf = ({ done }: ScriptRun): Extract<Done, { kind: 'handshake' }> | undefined =>
  done.find((one) => one.kind === 'handshake');

/** RFC 3207 4 and 4.2, in the order of their text. */
export const startTls: readonly Requirement[] = [
  scripted({
    id: 'starttls.command',
    group: 'starttls',
    title: 'STARTTLS works when advertised',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 3207',
      section: '4',
      quote: 'the server responds with one of the following reply codes',
    },
    demand: 'STARTTLS is answered 220 where it is offered, and the TLS handshake succeeds.',
    probe: 'EHLO, STARTTLS, and the TLS handshake; the certificate is not verified.',
    script: INTO_TLS,
    errors: 0,
    readings: [
      { verdict: 'pass', when: '220, and the handshake comes to its end' },
      { verdict: 'fail', when: '500 or 502, twice: a command that EHLO lists is not known' },
      { verdict: 'warn', when: '454, or another code; or the handshake fails for want of a common protocol or cipher' },
      { verdict: 'inconclusive', when: 'the connection ends, or octets come in plaintext, in the handshake' },
      NOT_OFFERED,
      ...T_IO,
    ],
    rationale: 'A sender that insists on TLS cannot deliver, and one that does not sends the mail readable for all.',
    remedy: {
      general:
        'Give the server a readable key and certificate and the protocols TLS 1.2 and 1.3, or stop offering STARTTLS.',
      postfix:
        'smtpd_tls_chain_files (or smtpd_tls_cert_file and smtpd_tls_key_file); smtpd_tls_loglevel = 1 tells what fails.',
      exim: 'tls_certificate and tls_privatekey, readable for the Exim user; tls_advertise_hosts empty stops the offer.',
      sendmail: 'confSERVER_CERT and confSERVER_KEY; the key readable for its owner alone.',
      opensmtpd: 'pki NAME cert and pki NAME key, and the same pki in the listen line.',
      exchange: 'Enable-ExchangeCertificate -Services SMTP with a valid certificate.',
    },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, cite, line } = answer;
      if (reply.code === 220) {
        const handshake = handshakeOf(run);
        if (handshake?.outcome.kind === 'secured') {
          const { protocol, cipher } = handshake.outcome.tls;
          return pass(`${quoteReply(reply)}, then ${visible(`${protocol} with ${cipher}`)}`, [cite, handshake.cite]);
        }
        if (handshake?.outcome.kind !== 'tls-failed' || saysPlaintext(handshake.outcome.why)) return null;
        return warn('needs-tls', `220, and the handshake failed: ${visible(handshake.outcome.why)}`, handshake.cite);
      }
      if (reply.code === 421) return null;
      if (reply.code === 454) return warn('transient-negative', `answered ${quoteReply(reply)}`, cite);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null) return doubt;
      if (reply.code === 500 || reply.code === 502)
        return fail('wrong-code', `offered, and answered ${quoteReply(reply)}`, cite);
      return warn('wrong-code', `answered ${quoteReply(reply)}, not 220`, cite);
    },
  }),
  scripted({
    id: 'starttls.not-offered-in-tls',
    group: 'starttls',
    title: 'STARTTLS not offered again inside TLS',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 3207',
      section: '4.2',
      quote:
        'A server MUST NOT return the STARTTLS extension in response to an EHLO command received after a TLS handshake has completed.',
    },
    demand: 'The EHLO reply inside TLS does not list STARTTLS.',
    probe: 'EHLO, STARTTLS, the TLS handshake, and EHLO inside TLS.',
    script: INTO_TLS,
    errors: 0,
    readings: [
      { verdict: 'pass', when: 'not listed inside TLS' },
      { verdict: 'fail', when: 'listed inside TLS, twice' },
      { verdict: 'inconclusive', when: 'EHLO inside TLS is refused' },
      { verdict: 'not-applicable', when: 'STARTTLS is not offered, or it led to no TLS session' },
      ...T_IO,
    ],
    rationale: 'A client that believes the offer begins TLS inside TLS, and the session breaks.',
    remedy: {
      general:
        'Mostly a proxy or filter that ends TLS before the mail server: let it leave STARTTLS out of EHLO replies inside TLS.',
    },
    retry: ['R8'],
    read(run, place): Finding | null {
      const start = answerTo(run, 0);
      const handshake = handshakeOf(run);
      if (start === null || start.reply.code === 421) return null;
      if (handshake === undefined) {
        return notApplicable(`no TLS session: STARTTLS was answered ${quoteReply(start.reply)}`, [start.cite]);
      }
      if (handshake.outcome.kind === 'tls-failed')
        return notApplicable(`no TLS session: ${visible(handshake.outcome.why)}`, [handshake.cite]);
      const hello = answerTo(run, 1);
      if (handshake.outcome.kind !== 'secured' || hello === null) return null;
      const { reply, cite, line } = hello;
      if (!isPositive(reply)) {
        const because = `EHLO inside TLS was answered ${quoteReply(reply)}`;
        return doubtAbout(reply, line, cite, place) ?? inconclusive('client-refused', because, [cite]);
      }
      if (ehloKeywords(reply).has('STARTTLS')) return fail('malformed', 'EHLO inside TLS lists STARTTLS', cite);
      return pass('EHLO inside TLS does not list STARTTLS', [cite]);
    },
  }),
  scripted({
    id: 'starttls.argument-501',
    group: 'starttls',
    title: 'STARTTLS with parameter gets 501',
    level: 'derived',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'intrusive',
    source: { document: 'RFC 3207', section: '4', quote: '501 Syntax error (no parameters allowed)' },
    demand: 'STARTTLS with a word behind it is answered 501.',
    probe: 'EHLO and STARTTLS now; the TLS handshake where that is answered 220.',
    script: { from: 'hello', offered: 'STARTTLS', steps: [say('STARTTLS now'), HANDSHAKE] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '501' },
      { verdict: 'warn', when: '220 or another 2yz, or another 5yz' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      NOT_OFFERED,
      ...T_IO,
    ],
    rationale: 'A server that skips what it did not ask for hides the faults of clients and of what stands between.',
    remedy: { general: 'Answer 501 to STARTTLS with a parameter.' },
    retry: ['R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, cite, line } = answer;
      if (reply.code === 501) return pass(`answered ${quoteReply(reply)}`, [cite]);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null) return doubt;
      if (!isPositive(reply) && !isPermanentNegative(reply)) return null;
      return warn('wrong-code', `answered ${quoteReply(reply)}, not 501`, cite);
    },
  }),
];
