// The criteria of the lists of rfc-ignorant.org (2000 to 2012), each with the exceptions that its policy made. They are
// no RFC; what they asked is still what many an operator means by a domain that keeps the rules.
//
// Decided here: one mail host that refuses lists the domain, whatever the others do, as it was there. What the policies
// counted after days of trying (time-outs, 4yz) is never counted from one run.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { judgeTargetIsName, judgeTargetResolves } from './5.1-mx-targets.js';
import { isExempt, nameOf } from './observe.js';
import { judgeRecipient } from './recipient.js';
import {
  fail,
  inconclusive,
  notApplicable,
  pass,
  type Cause,
  type Cite,
  type Finding,
  type Requirement,
} from './requirement.js';
import { judgeCnameTarget } from './rfc2181-aliases.js';
import { judgeNullSender } from './rfc2505-null-sender.js';
import { judgeLoopback, judgePrivate } from './rfc6890-addresses.js';
import { judgeMx } from './mx-set.js';

type JudgeEndpoint = (endpoint: EndpointEvidence, evidence: DomainEvidence) => Finding;

/** What all mail hosts say: one fail that counts lists the domain, else one pass is a pass. */
function overAll(
  evidence: DomainEvidence,
  judge: JudgeEndpoint,
  counts: (cause: Cause) => boolean,
  isGood: string,
): Finding {
  const open: Cite[] = [];
  const good: Cite[] = [];
  let doubt: (Finding & { verdict: 'inconclusive' }) | null = null;
  let asked = 0;
  for (const [number, endpoint] of evidence.endpoints.entries()) {
    if (isExempt(endpoint, evidence)) continue;
    const finding = judge(endpoint, evidence);
    const cites = (finding.cites ?? []).map((cite) =>
      cite.kind === 'exchange' ? { ...cite, endpoint: number } : cite,
    );
    asked += finding.verdict === 'not-applicable' ? 0 : 1;
    const [cite, ...more] = cites;
    if (finding.verdict === 'fail' && counts(finding.cause) && cite !== undefined)
      return fail(finding.cause, `${nameOf(endpoint)}: ${finding.because}`, cite, ...more);
    if (finding.verdict === 'pass' || finding.verdict === 'warn') good.push(...cites.slice(0, 1));
    if (finding.verdict === 'inconclusive') {
      doubt ??= finding;
      open.push(...cites.slice(0, 1));
    }
  }
  if (good.length > 0) return pass(isGood, good);
  if (doubt !== null)
    return inconclusive(doubt.cause, `no mail host gave an answer that counts: ${doubt.because}`, open);
  return asked === 0
    ? notApplicable('there is no mail host that this could be asked of')
    : inconclusive('not-asked', 'refused, but not in a way that the list counted');
}

const POSTMASTER: JudgeEndpoint = (endpoint, evidence) => judgeRecipient(endpoint, evidence, 'Postmaster@{domain}');
const ABUSE: JudgeEndpoint = (endpoint, evidence) => judgeRecipient(endpoint, evidence, 'abuse@{domain}');

/** "Unless it is clear that it is rejected because the address does not exist": then the other list has it. */
const DSN: JudgeEndpoint = (endpoint, evidence) =>
  POSTMASTER(endpoint, evidence).verdict === 'fail'
    ? notApplicable('postmaster is unknown there: ri.postmaster')
    : judgeNullSender(endpoint, evidence);

const isUnknown = (cause: Cause): boolean => cause === 'no-mailbox';

/** What only warns elsewhere (one bad address beside a good one, a special-use name) listed nobody, but for an alias. */
const MX_PARTS: readonly ((evidence: DomainEvidence) => Finding)[] = [
  judgeTargetIsName,
  judgeTargetResolves,
  judgeLoopback,
  judgePrivate,
];

function judgeBogusMx(evidence: DomainEvidence): Finding {
  if (evidence.route.kind === 'implicit-mx' || evidence.route.kind === 'null-mx')
    return notApplicable('no MX record names a host');
  return judgeMx(evidence, (set) => {
    const alias = judgeCnameTarget(evidence);
    const findings = [...MX_PARTS.map((judge) => judge(evidence)), alias];
    const bad = findings.find(({ verdict }) => verdict === 'fail') ?? alias;
    if (bad.verdict === 'fail' || bad.verdict === 'warn') {
      const [cite, ...more] = bad.cites;
      return fail(bad.cause, bad.because, cite, ...more);
    }
    const open = findings.find((finding) => finding.verdict === 'inconclusive');
    if (open?.verdict === 'inconclusive') return inconclusive(open.cause, open.because, open.cites);
    return pass('each MX record names a host with a public address', set.cites);
  });
}

const COMMON = {
  group: 'rfc-ignorant',
  level: 'derived',
  violation: 'fail',
  tier: 'rfc-ignorant',
  safety: 'safe',
} as const;
const NO_MAIL = { verdict: 'not-applicable', when: 'Null MX, no mail host, or all of them exempt' } as const;

/** The four lists that can be judged from outside. */
export const rfcIgnorant: readonly Requirement[] = [
  {
    ...COMMON,
    id: 'ri.postmaster',
    title: 'postmaster zone criterion',
    source: {
      document: 'rfc-ignorant.org policy-postmaster',
      section: 'listing policy',
      quote: '"postmaster@example.tld" bounces as non-existent (on any of the valid MX servers for \'example.tld\')',
    },
    demand: 'No mail host of the domain refuses postmaster@domain as non-existent.',
    probe: 'RCPT TO:<Postmaster@domain> at every mail host.',
    readings: [
      { verdict: 'fail', when: 'one mail host refuses it as unknown' },
      {
        verdict: 'pass',
        when: 'one accepts it and none refuses it as unknown; refusals that name a list do not count',
      },
      { verdict: 'inconclusive', when: 'no conclusive answer' },
      NO_MAIL,
    ],
    rationale: 'Mail servers looked this list up and refused mail from the domains on it.',
    remedy: { general: 'See postmaster.domain.' },
    retry: ['R1', 'R2', 'R3'],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{domain}' }],
    scope: 'domain',
    judge: (evidence) => overAll(evidence, POSTMASTER, isUnknown, 'no mail host refuses postmaster as unknown'),
  },
  {
    ...COMMON,
    id: 'ri.dsn',
    title: 'dsn zone criterion',
    source: {
      document: 'rfc-ignorant.org policy-dsn',
      section: 'listing policy',
      quote: 'If the publicly listed MX record for domain refuses to accept mail with a originator given as <>',
    },
    demand: 'Every mail host of the domain takes mail from the null sender.',
    probe:
      'MAIL FROM:<> and RCPT TO:<Postmaster@domain> at every mail host; with --mail-from also from a real sender, to compare.',
    readings: [
      { verdict: 'fail', when: 'one mail host refuses <> for good, at MAIL or at RCPT, and takes another sender' },
      { verdict: 'pass', when: 'every one that answered accepts' },
      { verdict: 'inconclusive', when: '4yz, or no other sender to compare with' },
      { verdict: 'not-applicable', when: 'postmaster is unknown there, Null MX, or no mail host' },
    ],
    rationale: 'A domain that refuses bounces leaves those who wrote to it in the dark.',
    remedy: { general: 'See postmaster.null-sender.' },
    retry: ['R1', 'R2', 'R3'],
    needs: [
      { ask: 'rcpt', to: 'Postmaster@{domain}' },
      { ask: 'rcpt', to: 'Postmaster@{domain}', under: 'null' },
    ],
    scope: 'domain',
    judge: (evidence) => overAll(evidence, DSN, () => true, 'the null sender is taken'),
  },
  {
    ...COMMON,
    id: 'ri.abuse',
    title: 'abuse zone criterion',
    source: {
      document: 'rfc-ignorant.org policy-abuse (revised mirror)',
      section: 'listing policy',
      quote: 'any domain for which abuse@domain is rejected, times-out, or for any other reason cannot be delivered',
    },
    demand: 'No mail host of the domain refuses abuse@domain as unknown.',
    probe: 'RCPT TO:<abuse@domain> at every mail host.',
    readings: [
      { verdict: 'fail', when: 'one mail host refuses it as unknown' },
      { verdict: 'pass', when: 'one accepts it and none refuses it as unknown' },
      { verdict: 'inconclusive', when: '4yz, a refusal by policy, a time-out: the list counted those after days' },
      NO_MAIL,
    ],
    rationale: 'Who is flooded from a domain, and finds no abuse address, blocks the domain.',
    remedy: { general: 'See role.abuse.' },
    retry: ['R1', 'R2', 'R3'],
    needs: [{ ask: 'rcpt', to: 'abuse@{domain}', under: 'apart' }],
    scope: 'domain',
    judge: (evidence) => overAll(evidence, ABUSE, isUnknown, 'abuse is accepted'),
  },
  {
    ...COMMON,
    id: 'ri.bogusmx',
    title: 'bogusmx zone criterion',
    source: {
      document: 'SpamAssassin wiki on bogusmx.rfc-ignorant.org',
      section: '-',
      quote: 'an MX record must not point to an unroutable address such as those listed in RFC 5735',
    },
    demand:
      'No MX record of the domain is an address, an alias, a name without address or one with special-purpose addresses.',
    probe: 'The MX records of the domain and the addresses of what they name.',
    readings: [
      {
        verdict: 'fail',
        when: 'mx.target-is-name, mx.target-resolves, mx.loopback or mx.private fails, or a target is an alias',
      },
      { verdict: 'pass', when: 'none does' },
      { verdict: 'inconclusive', when: 'the DNS did not tell all' },
      { verdict: 'not-applicable', when: 'no MX, or a Null MX, which is younger than the list' },
    ],
    rationale: 'Mail to such a domain is lost, and its bounces with it.',
    remedy: { general: 'See mx.bogus.' },
    retry: ['R11'],
    needs: [],
    note: 'The policy itself was not to be had: the criterion is that of the rule that used the list.',
    scope: 'domain',
    judge: judgeBogusMx,
  },
];
