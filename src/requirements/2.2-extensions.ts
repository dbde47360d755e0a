// RFC 5321 2.2 and 2.4: EHLO works, offers what is registered, and offers 8BITMIME.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPositive } from '../smtp/reply.js';
import { visible } from '../smtp/visible.js';
import { KEYWORDS_AS_OF, mayBeOffered } from './ehlo-keywords.js';
import { hellosOf, judgeEhloReplies, judgeOffer, type EhloReply } from './ehlo-replies.js';
import { judgeHellos } from './hello-refusal.js';
import { T_IO } from './readings.js';
import { pass, warn, type Finding, type Requirement } from './requirement.js';

function judgeSupport(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const hellos = hellosOf(endpoint).filter(({ verb }) => verb === 'EHLO');
  for (const { what, cite } of hellos) {
    if (what.kind === 'reply' && isPositive(what.reply)) return pass(`EHLO was answered ${what.reply.code}`, [cite]);
  }
  return judgeHellos(hellos, { endpoint, evidence });
}

function judgeKeywords({ lines, cite }: EhloReply): Finding {
  const keywords = lines.map(({ keyword }) => keyword).filter((keyword) => keyword !== '');
  const others = [...new Set(keywords.filter((keyword) => !mayBeOffered(keyword)))];
  if (others.length === 0) return pass(`${keywords.length} keywords, all registered or beginning with X`, [cite]);
  const named = others.map(visible).join(', ');
  return warn(
    'malformed',
    `offers ${named}: not in the registry as of ${KEYWORDS_AS_OF}, and not beginning with X`,
    cite,
  );
}

/** RFC 5321 2.2.1, 2.2.2 and 2.4, in the order of their text. */
export const extensions: readonly Requirement[] = [
  {
    id: 'ehlo.supported',
    group: 'ehlo',
    title: 'EHLO supported',
    level: 'MUST',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '2.2.1',
      quote: 'servers MUST support the EHLO command even if they do not implement any specific extensions',
    },
    demand: 'EHLO works on every server, whether or not it has an extension to offer.',
    probe: 'Nothing of its own: every session begins with EHLO.',
    readings: [
      { verdict: 'pass', when: '250, or another 2yz' },
      { verdict: 'fail', when: '500 or 502: EHLO is not recognised, or not implemented' },
      { verdict: 'inconclusive', when: '4yz, or another 5yz: about our name, our PTR, our address' },
      ...T_IO,
    ],
    rationale: 'Without EHLO there is no extension at all: no TLS, no size limit known beforehand, no 8-bit mail.',
    remedy: {
      general: 'Let EHLO through to the mail server: a firewall that inspects SMTP may be what refuses it.',
    },
    retry: ['R6', 'R3'],
    needs: [],
    scope: 'endpoint',
    judge: judgeSupport,
  },
  {
    id: 'ehlo.keyword-registered',
    group: 'ehlo',
    title: 'Only registered or X- keywords',
    level: 'MUST NOT',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '2.2.2',
      quote:
        'A conforming server MUST NOT offer non-"X"-prefixed keyword values that are not described in a registered extension.',
    },
    demand: 'Every keyword of the EHLO reply is in the IANA registry or begins with X.',
    probe: 'Nothing of its own: the keywords of every EHLO reply.',
    readings: [
      { verdict: 'pass', when: 'every keyword is registered or begins with X' },
      { verdict: 'warn', when: 'another keyword: PRDR, PIPECONNECT, a last line of OK, AUTH=LOGIN as one word' },
      { verdict: 'not-applicable', when: 'EHLO is not answered 250 (ehlo.supported judges that)' },
      ...T_IO,
    ],
    rationale: 'A keyword that nobody has described means whatever each side thinks it does.',
    remedy: {
      general: 'Turn off what the keyword stands for, or take the line out of the EHLO reply.',
      postfix: 'smtpd_discard_ehlo_keywords takes out keywords; broken_sasl_auth_clients = no takes out AUTH=.',
      exim: 'prdr_enable = false takes out PRDR; pipelining_connect_advertise_hosts = : takes out PIPECONNECT.',
    },
    retry: ['R3'],
    needs: [],
    note: `A warning at the most: the registry was read on ${KEYWORDS_AS_OF}, and takes new keywords at any time.`,
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeEhloReplies(endpoint, evidence, judgeKeywords),
  },
  {
    id: 'ehlo.8bitmime',
    group: 'ehlo',
    title: '8BITMIME offered',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '2.4', quote: '8BITMIME SHOULD be supported by SMTP servers.' },
    demand: 'The EHLO reply offers 8BITMIME.',
    probe: 'Nothing of its own: the keywords of every EHLO reply.',
    readings: [
      { verdict: 'pass', when: '8BITMIME is offered, in plaintext or in TLS' },
      { verdict: 'warn', when: 'no EHLO reply offers it' },
      { verdict: 'inconclusive', when: 'mail is taken in TLS alone, and no reply to EHLO was seen there' },
      { verdict: 'not-applicable', when: 'EHLO is not answered 250 (ehlo.supported judges that)' },
      ...T_IO,
    ],
    rationale: 'Where it is missing, mail in most of the languages of the world has to be recoded on the way.',
    remedy: {
      general: 'Offer 8BITMIME.',
      postfix: 'Take 8bitmime out of smtpd_discard_ehlo_keywords.',
      exim: 'accept_8bitmime = true, which is the default.',
    },
    retry: ['R3'],
    needs: [],
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeOffer(endpoint, evidence, '8BITMIME'),
  },
];
