// RFC 5321 4.5.3.1.7: how long a message may be, as far as the EHLO reply tells.
import { judgeEhloReplies, judgeOffer, type EhloReply } from './ehlo-replies.js';
import { T_IO } from './readings.js';
import { fail, pass, type Finding, type Requirement } from './requirement.js';

/** The least that every host has to take. */
const LEAST_OCTETS = 65_536;

function judgeSize({ lines, cite }: EhloReply): Finding {
  const declared = lines.flatMap(({ keyword, parameters }) => (keyword === 'SIZE' ? [parameters[0] ?? ''] : []));
  const [size] = declared;
  if (size === undefined) return pass('SIZE is not offered', [cite]);
  if (!/^\d+$/.test(size)) return pass('SIZE is offered without a number', [cite]);
  const octets = Number(size);
  if (octets === 0) return pass('SIZE 0: no fixed maximum', [cite]);
  if (octets < LEAST_OCTETS) return fail('malformed', `SIZE ${octets}: less than ${LEAST_OCTETS} octets`, cite);
  return pass(`SIZE ${size}`, [cite]);
}

/** RFC 5321 4.5.3.1.7. */
export const messageSize: readonly Requirement[] = [
  {
    id: 'limits.size-advertised',
    group: 'limits',
    title: 'Advertised SIZE not below 64K',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.3.1.7',
      quote:
        'message content (including any message header section as well as the message body) MUST BE at least 64K octets.',
    },
    demand: 'The size that the host declares as its maximum is 65536 octets at least.',
    probe: 'Nothing of its own: the parameter of SIZE in every EHLO reply.',
    readings: [
      { verdict: 'pass', when: 'no SIZE, SIZE without a number, SIZE 0, or 65536 and more' },
      { verdict: 'fail', when: 'SIZE from 1 to 65535' },
      { verdict: 'not-applicable', when: 'EHLO is not answered 250 (ehlo.supported judges that)' },
      ...T_IO,
    ],
    rationale: 'Below that, ordinary letters are refused, and a sender may count on it that they are not.',
    remedy: {
      general: 'Raise the limit of messages to 65536 octets at the least; today 10 megabytes and more are usual.',
      postfix: 'message_size_limit = 10240000, which is the default.',
      exim: 'message_size_limit = 50M, which is the default.',
      sendmail: "define(`confMAX_MESSAGE_SIZE', `10240000')dnl, or 0 for none.",
      opensmtpd: 'smtp max-message-size "35M", which is the default.',
      exchange: 'Set-ReceiveConnector -MaxMessageSize 36MB.',
    },
    retry: ['R3'],
    needs: [],
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeEhloReplies(endpoint, evidence, judgeSize),
  },
  {
    id: 'limits.size-extension',
    group: 'limits',
    title: 'SIZE offered when a limit exists',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.3.1.7',
      quote:
        'SMTP server systems that must impose restrictions SHOULD implement the "SIZE" service extension of RFC 1870 [10]',
    },
    demand: 'A host that limits messages says so with SIZE.',
    probe: 'Nothing of its own: the keywords of every EHLO reply.',
    readings: [
      { verdict: 'pass', when: 'SIZE is offered, in plaintext or in TLS' },
      { verdict: 'warn', when: 'no EHLO reply offers it' },
      { verdict: 'inconclusive', when: 'mail is taken in TLS alone, and no reply to EHLO was seen there' },
      { verdict: 'not-applicable', when: 'EHLO is not answered 250 (ehlo.supported judges that)' },
      ...T_IO,
    ],
    rationale: 'Without it a message that is too long is sent to its end before it is refused.',
    remedy: {
      general: 'Offer SIZE with the limit that you have.',
      postfix: 'Take size out of smtpd_discard_ehlo_keywords.',
    },
    retry: ['R3'],
    needs: [],
    note: 'Whether there is a limit cannot be seen; there nearly always is one.',
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeOffer(endpoint, evidence, 'SIZE'),
  },
];
