// RFC 6531 3.1 and 3.7: what a host that offers SMTPUTF8 has to offer, to say and to accept beside it.
import type { DomainEvidence } from '../evidence/evidence.js';
import { visible } from '../smtp/visible.js';
import { nameOfWord } from './2.3.5-greeting-name.js';
import { ehloReplies, isUnseenInTls, judgeEhloReplies, offers, type EhloReply } from './ehlo-replies.js';
import { parameterScript, readParameter } from './mail-parameter.js';
import { T_IO } from './readings.js';
import {
  fail,
  inconclusive,
  notApplicable,
  pass,
  warn,
  type Cite,
  type Finding,
  type Requirement,
} from './requirement.js';
import { scripted } from './scripted-row.js';

const notOffered = ({ cite }: EhloReply): Finding => notApplicable('SMTPUTF8 is not offered', [cite]);

function judge8bitMime(reply: EhloReply): Finding {
  if (!offers(reply, 'SMTPUTF8')) return notOffered(reply);
  return offers(reply, '8BITMIME')
    ? pass('SMTPUTF8 and 8BITMIME are both offered', [reply.cite])
    : fail('malformed', 'SMTPUTF8 is offered, and 8BITMIME is not', reply.cite);
}

function judgeBare(reply: EhloReply): Finding {
  const lines = reply.lines.filter(({ keyword }) => keyword === 'SMTPUTF8');
  if (lines.length === 0) return notOffered(reply);
  const parameters = lines.flatMap((line) => line.parameters);
  return parameters.length === 0
    ? pass('SMTPUTF8 stands alone', [reply.cite])
    : fail('malformed', `SMTPUTF8 has parameters: ${visible(parameters.join(' '))}`, reply.cite);
}

const BEYOND_ASCII = /[^\x00-\x7f]/;

function judgeAscii(reply: EhloReply): Finding {
  const word = /^\S+/.exec((reply.what.lines[0] ?? '').trimStart())?.[0] ?? '';
  if (!BEYOND_ASCII.test(word)) return pass('the reply to EHLO begins in ASCII', [reply.cite]);
  const because = `the reply to EHLO begins with ${visible(word)}`;
  if (nameOfWord(word) === null) return notApplicable(`${because}, which is no domain`, [reply.cite]);
  if (!offers(reply, 'SMTPUTF8')) return notApplicable(`${because}; SMTPUTF8 is not offered`, [reply.cite]);
  return fail('bad-name', because, reply.cite);
}

/** What one mail host offers at any of its addresses. */
interface Stand {
  readonly host: string;
  readonly isOffered: boolean;
  readonly cite: Cite;
}

function judgeAllMx(evidence: DomainEvidence): Finding {
  const { hosts } = evidence.route;
  if (hosts.length === 0) return notApplicable('there is no mail host to ask');
  if (hosts.length === 1) return notApplicable('there is one mail host: nothing to compare');
  const stands = evidence.endpoints.flatMap((endpoint, number): readonly Stand[] => {
    const replies = ehloReplies(endpoint);
    const reply = replies.find((one) => offers(one, 'SMTPUTF8')) ?? replies[0];
    if (reply === undefined) return [];
    if (!offers(reply, 'SMTPUTF8') && isUnseenInTls(endpoint, evidence)) return [];
    const cite: Cite = { kind: 'exchange', attempt: reply.attempt, index: reply.index, endpoint: number };
    return [{ host: endpoint.host, isOffered: offers(reply, 'SMTPUTF8'), cite }];
  });
  const cites = stands.map(({ cite }) => cite);
  if (new Set(stands.map(({ host }) => host)).size < 2)
    return inconclusive('not-asked', 'fewer than two mail hosts answered EHLO where they take mail', cites);
  const names = (isOffered: boolean): string =>
    [...new Set(stands.filter((stand) => stand.isOffered === isOffered).map(({ host }) => visible(host)))].join(', ');
  const odd = stands.find(({ isOffered }) => isOffered);
  const even = stands.find(({ isOffered }) => !isOffered);
  if (odd === undefined || even === undefined)
    return pass(odd === undefined ? 'no mail host offers SMTPUTF8' : 'every mail host offers SMTPUTF8', cites);
  return warn('malformed', `${names(true)} offers SMTPUTF8, ${names(false)} does not`, odd.cite, even.cite);
}

const REMEDY = {
  general: 'Offer SMTPUTF8 only where 8BITMIME is offered, without parameters, and behind a name in ASCII.',
  postfix: 'smtputf8_enable = no, or let smtpd_discard_ehlo_keywords name smtputf8 wherever it names 8bitmime.',
  exim: 'smtputf8_advertise_hosts = : turns it off; accept_8bitmime = true, which is the default, goes with it.',
} as const;

/** RFC 6531 3.1 and 3.7. */
export const smtputf8: readonly Requirement[] = [
  {
    id: 'smtputf8.8bitmime',
    group: 'smtputf8',
    title: 'SMTPUTF8 implies 8BITMIME',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 6531',
      section: '3.1',
      quote: 'Servers offering this extension MUST provide support for, and announce, the 8BITMIME extension',
    },
    demand: 'A reply to EHLO that offers SMTPUTF8 offers 8BITMIME too.',
    probe: 'Nothing of its own: the keywords of every EHLO reply.',
    readings: [
      { verdict: 'pass', when: 'both are offered' },
      { verdict: 'fail', when: 'SMTPUTF8 is offered without 8BITMIME' },
      { verdict: 'not-applicable', when: 'SMTPUTF8 is not offered' },
      ...T_IO,
    ],
    rationale: 'Addresses in UTF-8 come in messages in UTF-8: without 8BITMIME these cannot be sent.',
    remedy: REMEDY,
    retry: ['R3'],
    needs: [],
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeEhloReplies(endpoint, evidence, judge8bitMime),
  },
  {
    id: 'smtputf8.no-parameters',
    group: 'smtputf8',
    title: 'SMTPUTF8 keyword has no parameters',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 6531',
      section: '3.1',
      quote: 'EHLO response MUST NOT contain any parameters for this keyword.',
    },
    demand: 'The keyword SMTPUTF8 stands alone on its line.',
    probe: 'Nothing of its own: the keywords of every EHLO reply.',
    readings: [
      { verdict: 'pass', when: 'no word behind SMTPUTF8' },
      { verdict: 'fail', when: 'a word behind it, which we ignore' },
      { verdict: 'not-applicable', when: 'SMTPUTF8 is not offered' },
      ...T_IO,
    ],
    rationale: 'Parameters are kept for a later revision: a client of that day would take them for something.',
    remedy: REMEDY,
    retry: ['R3'],
    needs: [],
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeEhloReplies(endpoint, evidence, judgeBare),
  },
  {
    id: 'smtputf8.ehlo-ascii',
    group: 'smtputf8',
    title: 'EHLO response domain in ASCII',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 6531',
      section: '3.7.1',
      quote: 'they MUST be in the form of LDH labels or A-labels.',
    },
    demand: 'The domain in the reply to EHLO is in ASCII: xn--... and not the letters themselves.',
    probe: 'Nothing of its own: the first word of every reply to EHLO.',
    readings: [
      { verdict: 'pass', when: 'the first word is in ASCII' },
      { verdict: 'fail', when: 'a domain name with other octets, from a host that offers SMTPUTF8' },
      {
        verdict: 'not-applicable',
        when: 'other octets in what is no domain, or from a host that does not offer SMTPUTF8',
      },
      ...T_IO,
    ],
    rationale: 'When the reply is read nobody knows yet whether the client can do anything with such a name.',
    remedy: { general: 'Give the mail server its name in the form that the DNS has: xn--... labels.' },
    retry: ['R3'],
    needs: [],
    note: 'The sentence binds hosts that know SMTPUTF8; ehlo.response-syntax warns of such octets everywhere.',
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeEhloReplies(endpoint, evidence, judgeAscii),
  },
  {
    id: 'smtputf8.all-mx',
    group: 'smtputf8',
    title: 'All MX hosts agree about SMTPUTF8',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 6531',
      section: '3.7.2',
      quote: 'it is strongly advised that all or none of them SHOULD support the SMTPUTF8',
    },
    demand: 'All mail hosts of a domain offer SMTPUTF8, or none does.',
    probe: 'Nothing of its own: the EHLO replies of all mail hosts, compared.',
    readings: [
      { verdict: 'pass', when: 'all or none' },
      { verdict: 'warn', when: 'some do and some do not' },
      {
        verdict: 'inconclusive',
        when: 'fewer than two of several mail hosts answered EHLO where they take mail (in TLS, where they demand it)',
      },
      { verdict: 'not-applicable', when: 'there is one mail host, or none' },
    ],
    rationale: 'Mail to an address in UTF-8 is refused on the day when the backup takes over.',
    remedy: { general: 'Bring all mail hosts of the domain to one configuration, the backups too.' },
    retry: ['R3', 'R5'],
    needs: [],
    scope: 'domain',
    judge: judgeAllMx,
  },
  scripted({
    id: 'smtputf8.param-accepted',
    group: 'smtputf8',
    title: 'SMTPUTF8 MAIL parameter accepted when advertised',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 6531',
      section: '3.1',
      quote: 'One OPTIONAL parameter, SMTPUTF8, is added to the MAIL command.',
    },
    demand: 'Where SMTPUTF8 is offered, MAIL with SMTPUTF8 is accepted like MAIL without.',
    probe: 'Where SMTPUTF8 is offered: MAIL FROM:<>, RSET, and MAIL FROM:<> SMTPUTF8.',
    script: parameterScript('SMTPUTF8', 'MAIL FROM:<>', 'SMTPUTF8'),
    errors: 0,
    readings: [
      { verdict: 'pass', when: '250 (or another 2yz) to MAIL with SMTPUTF8' },
      { verdict: 'fail', when: '501, 504 or 555, twice, where MAIL without it is accepted' },
      { verdict: 'inconclusive', when: '4yz, another 5yz, or MAIL without it is refused' },
      { verdict: 'not-applicable', when: 'SMTPUTF8 is not offered' },
      ...T_IO,
    ],
    rationale: 'What is offered is used: mail to and from addresses in UTF-8 fails where it does not work.',
    remedy: REMEDY,
    retry: ['R3', 'R8'],
    read: readParameter,
  }),
];
