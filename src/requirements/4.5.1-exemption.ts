// RFC 5321 4.5.1 (end), RFC 1846 4.4, RFC 7504: who need not serve postmaster at all.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPositive } from '../smtp/reply.js';
import { blamesClient } from '../smtp/reply-class.js';
import { echoOf, openingKind, openingRepliesOf } from './observe.js';
import { T_IO } from './readings.js';
import { inconclusive, notApplicable, pass, type Finding, type Requirement } from './requirement.js';
import { quoteReply, seconds, sessionTrouble } from './session-trouble.js';

/** How many openings were seen and how far apart: "always" is a universal claim, so the report says what it rests on. */
function openingCount(endpoint: EndpointEvidence): string {
  const starts = openingRepliesOf(endpoint).map(({ attempt }) =>
    Date.parse(endpoint.attempts[attempt]?.startedAt ?? ''),
  );
  const apart = Math.max(...starts) - Math.min(...starts);
  const count = starts.length === 1 ? 'one opening' : `${starts.length} openings`;
  return starts.length < 2 ? count : `${count}, ${seconds(apart)} apart`;
}

function judgeExemption(endpoint: EndpointEvidence, evidence: DomainEvidence, code: 554 | 521): Finding {
  const openings = openingRepliesOf(endpoint);
  const withCode = openings.filter(({ what }) => what.code === code);
  const cites = openings.map(({ cite }) => cite);
  const [first] = withCode;
  if (first === undefined) {
    if (openings.length > 0) return notApplicable(`no connection was opened with ${code}`, cites);
    return sessionTrouble(endpoint, evidence) ?? inconclusive('not-asked', 'no opening reply was seen');
  }
  const said = quoteReply(first.what);
  switch (openingKind(endpoint, evidence)) {
    case 'always-554':
    case 'always-521':
      return pass(`every connection was opened with ${said} (${openingCount(endpoint)}): exempt`, cites);
    case 'client-refused':
      return inconclusive(
        'client-refused',
        `the opening ${said} names this client: whether it is so for everybody cannot be told from here`,
        cites,
      );
    case 'session':
      return notApplicable(`opened with ${code} once, but not always: the exemption is void`, cites);
    default: {
      const accepted = openings.some(({ what }) => isPositive(what));
      if (accepted) return notApplicable(`opened with ${code} once, but not always: the exemption is void`, cites);
      return inconclusive(
        'cut-off',
        `opened with ${said}, but that it is always so was not shown (${openingCount(endpoint)})`,
        cites,
      );
    }
  }
}

function judge521(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const finding = judgeExemption(endpoint, evidence, 521);
  const blaming = openingRepliesOf(endpoint).find(
    ({ what }) => what.code === 521 && blamesClient(what, echoOf(endpoint, evidence)),
  );
  if (finding.verdict !== 'pass' || blaming === undefined) return finding;
  return inconclusive('client-refused', `521 that names this client: ${quoteReply(blaming.what)}`, [blaming.cite]);
}

/** RFC 5321 4.5.1: the exemptions. */
export const exemption: readonly Requirement[] = [
  {
    id: 'postmaster.exempt-554',
    group: 'postmaster',
    title: 'Exemption: server always answers 554',
    short: '554',
    level: 'MAY',
    violation: 'none',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote: 'This postmaster address is not strictly necessary if the server always returns 554 on connection opening',
    },
    demand: 'A server that never opens a session (554 to everyone, every time) needs no postmaster mailbox.',
    probe: 'Two connections to each address that opens with 554; the rows greeting.554-* are asked on the first.',
    readings: [
      { verdict: 'not-applicable', when: 'no connection was opened with 554' },
      {
        verdict: 'pass',
        when: 'every connection, two at least, was opened with 554 for no reason of this client: exempt',
      },
      { verdict: 'inconclusive', when: 'the text names this client, or 554 was seen once only' },
      { verdict: 'not-applicable', when: '554 on some connections and 220 on others: the exemption is void' },
      ...T_IO,
    ],
    rationale:
      'A host that takes no mail has nobody to be postmaster of; calling that a failure is what other tools get wrong.',
    remedy: { general: 'Nothing is wrong. A domain without mail says so better with a Null MX (RFC 7505).' },
    retry: ['R7', 'R3'],
    needs: [],
    note: '"Always" is a universal claim: two openings are the least evidence for it, and the report says how many were seen. The exemption is of this server alone, not of the domain\'s other mail hosts.',
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeExemption(endpoint, evidence, 554),
  },
  {
    id: 'postmaster.exempt-521',
    group: 'postmaster',
    title: 'Exemption: 521 dummy server',
    short: '521',
    level: 'derived',
    violation: 'none',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 1846',
      section: '4.4',
      quote: 'An SMTP server which sends a 521 greeting message IS NOT subject to the postmaster requirement',
    },
    demand: 'A 521 host accepts no mail at all and therefore needs no postmaster.',
    probe: 'Two connections to each address that opens with 521.',
    readings: [
      { verdict: 'pass', when: '521 on every connection, two at least: exempt' },
      { verdict: 'inconclusive', when: '521 with a text that names this client, or seen once only' },
      { verdict: 'not-applicable', when: 'the host did not open with 521' },
      ...T_IO,
    ],
    rationale: 'RFC 7504 made 521 the code of a host that never accepts mail.',
    remedy: { general: 'Nothing is wrong. A domain without mail says so better with a Null MX (RFC 7505).' },
    retry: [],
    needs: [],
    note: 'RFC 1846 was Experimental and RFC 7504 did not repeat the sentence; a 521 host by definition is no "SMTP server supporting mail relaying or delivery", so it is exempt all the same.',
    scope: 'endpoint',
    judge: judge521,
  },
];
