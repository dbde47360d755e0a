// RFC 5321 4.5.1 binds every system with an SMTP server: backup hosts too, and every address of a host.
import type { DomainEvidence } from '../evidence/evidence.js';
import { visible } from '../smtp/visible.js';
import { postmaster } from './4.5.1-postmaster.js';
import { hostsUnknown, isExempt, nameOf } from './observe.js';
import {
  fail,
  inconclusive,
  notApplicable,
  pass,
  warn,
  type Cite,
  type Finding,
  type Judged,
  type Requirement,
} from './requirement.js';

const MAILBOX_ROWS: ReadonlySet<string> = new Set(postmaster.map(({ id }) => id));
const MAILBOX_NEEDS = postmaster.flatMap(({ needs }) => needs);

type Standing = 'failed' | 'accepted' | 'open' | 'exempt';

/** What the mailbox rows say of one endpoint, and where. */
interface EndpointStanding {
  readonly host: string;
  readonly name: string;
  readonly standing: Standing;
  readonly cites: readonly Cite[];
  /** The cause of the first failure or doubt. */
  readonly cause: (Finding & { verdict: 'fail' | 'inconclusive' })['cause'] | null;
}

function standings(evidence: DomainEvidence, judged: readonly Judged[]): readonly EndpointStanding[] {
  return evidence.endpoints.flatMap((endpoint, number) => {
    // Left out by -4 or -6: not wanted, so no lack.
    if (endpoint.skipped === 'family-not-asked') return [];
    const findings = judged
      .filter((one) => one.endpoint === endpoint && MAILBOX_ROWS.has(one.requirement.id))
      .map(({ finding }) => finding);
    const bad = findings.find(({ verdict }) => verdict === 'fail');
    const open = findings.find(({ verdict }) => verdict === 'inconclusive');
    const good = findings.find(({ verdict }) => verdict === 'pass' || verdict === 'warn');
    const deciding = bad ?? open ?? good;
    const cites = (deciding?.cites ?? []).map((cite) =>
      cite.kind === 'exchange' ? { ...cite, endpoint: number } : cite,
    );
    const standing: Standing = bad
      ? 'failed'
      : open
        ? 'open'
        : good
          ? 'accepted'
          : isExempt(endpoint, evidence)
            ? 'exempt'
            : 'open';
    const cause = deciding?.verdict === 'fail' || deciding?.verdict === 'inconclusive' ? deciding.cause : null;
    return { host: endpoint.host, name: nameOf(endpoint), standing, cites, cause };
  });
}

const names = (some: readonly EndpointStanding[]): string => some.map(({ name }) => name).join(', ');

function judgeEveryMx(evidence: DomainEvidence, judged: readonly Judged[]): Finding {
  const all = standings(evidence, judged);
  if (evidence.route.kind === 'unknown') return inconclusive('dns', 'the mail hosts could not be looked up');
  const untold = hostsUnknown(evidence);
  if (all.length === 0 && untold.length > 0)
    return inconclusive('dns', 'the addresses of the mail hosts could not be looked up');
  if (all.length === 0) return notApplicable('there is no mail host to ask');
  if (all.every(({ standing }) => standing === 'exempt'))
    return notApplicable('every mail host is exempt: none takes mail at all');

  const failed = all.filter(({ standing }) => standing === 'failed');
  const [first, ...more] = failed.flatMap(({ cites }) => cites);
  const cause = failed[0]?.cause;
  if (first !== undefined && cause !== null && cause !== undefined)
    return fail(cause, `postmaster is refused at ${names(failed)}`, first, ...more);

  const accepted = all.filter(({ standing }) => standing === 'accepted');
  const open = all.filter(({ standing }) => standing === 'open');
  const doubt = open.find(({ cause: word }) => word !== null)?.cause ?? 'not-asked';
  if (accepted.length === 0)
    return inconclusive(
      doubt,
      `no mail host gave a conclusive answer`,
      open.flatMap(({ cites }) => cites),
    );
  const hosts = new Set(all.filter(({ standing }) => standing !== 'exempt').map(({ host }) => host));
  const settled = new Set(accepted.map(({ host }) => host));
  const unsettled = [...[...hosts].filter((host) => !settled.has(host)), ...untold.map(visible)];
  if (unsettled.length === 0)
    return pass(
      `accepted at ${names(accepted)}`,
      accepted.flatMap(({ cites }) => cites.slice(0, 1)),
    );
  const because = `accepted at ${names(accepted)}; not to be told at ${unsettled.join(', ')}`;
  const [cite, ...rest] = [
    ...open.flatMap(({ cites }) => cites.slice(0, 1)),
    ...accepted.flatMap(({ cites }) => cites.slice(0, 1)),
  ];
  return cite === undefined ? inconclusive(doubt, because) : warn(doubt, because, cite, ...rest);
}

function judgeConsistent(evidence: DomainEvidence, judged: readonly Judged[]): Finding {
  const all = standings(evidence, judged);
  const hosts = [...new Set(all.map(({ host }) => host))];
  let compared = 0;
  for (const host of hosts) {
    const here = all.filter((one) => one.host === host);
    const failed = here.filter(({ standing }) => standing === 'failed');
    const accepted = here.filter(({ standing }) => standing === 'accepted');
    if (failed.length > 0 && accepted.length > 0) {
      const [cite, ...more] = [...failed, ...accepted].flatMap(({ cites }) => cites.slice(0, 1));
      const cause = failed[0]?.cause ?? 'flapping';
      if (cite !== undefined) return fail(cause, `${names(accepted)} accepts, ${names(failed)} refuses`, cite, ...more);
    }
    if (failed.length + accepted.length > 1) compared += 1;
  }
  const partial = hosts.find((host) => {
    const here = all.filter((one) => one.host === host).map(({ standing }) => standing);
    return here.includes('accepted') && here.includes('open');
  });
  if (partial !== undefined) {
    const here = all.filter((one) => one.host === partial);
    const [cite, ...more] = here.flatMap(({ cites }) => cites.slice(0, 1));
    const cause = here.find(({ standing }) => standing === 'open')?.cause ?? 'unreachable';
    if (cite !== undefined)
      return warn(cause, `one address of ${partial} accepts, another gave no answer`, cite, ...more);
  }
  if (compared === 0) return inconclusive('not-asked', 'no mail host has two addresses that gave an answer');
  return pass('all addresses of each mail host agree');
}

/** The rows that look at all endpoints together. */
export const everyMx: readonly Requirement[] = [
  {
    id: 'postmaster.every-mx',
    group: 'aggregate',
    title: 'Every MX endpoint satisfies the postmaster rows',
    level: 'MUST',
    violation: 'fail',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote:
        'Any system that includes an SMTP server supporting mail relaying or delivery MUST support the reserved mailbox',
    },
    demand: 'The duty sits on each SMTP server: backup and secondary hosts are each judged, not only the best one.',
    probe: 'Nothing of its own: the postmaster rows over all addresses of all mail hosts, together.',
    readings: [
      { verdict: 'pass', when: 'every mail host gave a conclusive answer at one address at least, and all passed' },
      { verdict: 'fail', when: 'any address of any mail host fails, even where others accept' },
      { verdict: 'warn', when: 'one at least passed, none failed, but some mail host could not be told' },
      { verdict: 'inconclusive', when: 'no mail host gave a conclusive answer' },
      { verdict: 'not-applicable', when: 'no mail host, a Null MX, or every one exempt (554 or 521 always)' },
    ],
    rationale:
      'Senders go to the next MX when the first is busy: a backup that refuses postmaster loses the mail on the worst day.',
    remedy: {
      general: 'Give the hosts that are named the same aliases as the others, or take them out of the MX set.',
      postfix: 'A backup MX: list the domain in relay_domains and postmaster in relay_recipient_maps.',
      sendmail:
        'A backup MX: list the domain in /etc/mail/relay-domains, and let the access map refuse no postmaster@ there.',
      opensmtpd:
        'A backup MX: "match from any for domain example.org action relay", and postmaster in the table of "rcpt-to" where one is named.',
      exchange:
        'A backup: Set-AcceptedDomain -DomainType InternalRelay passes on the recipients that it does not know.',
      exim: 'A backup MX: list the domain in relay_to_domains; recipient verification must know postmaster there too.',
    },
    retry: [],
    needs: MAILBOX_NEEDS,
    note: 'rfc-ignorant.org used the same rule. A host that always opens with 554 is left out.',
    scope: 'aggregate',
    judge: judgeEveryMx,
  },
  {
    id: 'postmaster.consistent',
    group: 'aggregate',
    title: 'Same answer from all addresses of one MX host',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.1',
      quote:
        'Any system that includes an SMTP server supporting mail relaying or delivery MUST support the reserved mailbox',
    },
    demand: 'The addresses of one mail host, IPv4 and IPv6, agree about postmaster.',
    probe: 'Nothing of its own: the postmaster rows of the addresses of each mail host, compared.',
    readings: [
      { verdict: 'pass', when: 'all conclusive answers agree' },
      { verdict: 'warn', when: 'one address accepts and another is down or refused by policy' },
      { verdict: 'fail', when: 'one address accepts and another refuses the mailbox' },
      { verdict: 'inconclusive', when: 'fewer than two conclusive addresses' },
    ],
    rationale:
      'A pool whose members differ refuses postmaster to some senders, some of the time: the hardest fault to report.',
    remedy: { general: 'Bring all members of the pool to one configuration, IPv6 listeners too.' },
    retry: [],
    needs: [],
    scope: 'aggregate',
    judge: judgeConsistent,
  },
];
