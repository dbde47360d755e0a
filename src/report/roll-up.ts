// From judgements to the verdict on a domain (cli.md, Roll-up): every MX is bound, one bad host fails the domain;
// what could not be reached or told is never a violation, and nothing judged is never success.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { CATALOGUE } from '../requirements/index.js';
import { hostsUnknown, isExempt, nameOf, wasReached } from '../requirements/observe.js';
import { followLookup, isOpen } from '../smtp/mail-route.js';
import { visible } from '../smtp/visible.js';
import type { Accounting } from './account.js';
import { isAside, isViolation, sayAside, sayRaised } from './counting.js';
import { judge } from './judge.js';
import type { DomainReport, DomainVerdict, Judgement } from './report.js';

/** What a domain's verdict must know of the run around it. */
export interface RunFacts {
  /** Whether any SMTP connection of the run was answered: then port 25 is not closed on our side. */
  readonly wasAnswered: boolean;
}

/** Whether any connection was answered, over all domains of a run. */
export function runFacts(all: readonly DomainEvidence[]): RunFacts {
  return { wasAnswered: all.some(({ endpoints }) => endpoints.some(wasReached)) };
}

/** Judges a domain's evidence and tells its verdict. What is waived or known from before does not count for it. */
export function reportDomain(evidence: DomainEvidence, facts: RunFacts, accounting: Accounting = {}): DomainReport {
  const judgements = judge(evidence, accounting);
  const deciding = decidingRows(judgements, evidence);
  const decisive = judgements.filter(({ requirement }) => deciding.has(requirement));
  // What -4 or -6 leaves out was not wanted: it is no lack.
  const wanted = evidence.endpoints.filter(({ skipped }) => skipped !== 'family-not-asked');
  const standings = wanted.map((endpoint) => standingOf(endpoint, evidence, decisive));
  const { verdict, because } = decide(evidence, decisive, standings, judgements, facts);
  const judged = standings.filter(
    ({ standing }) => standing === 'passes' || standing === 'fails' || standing === 'exempt',
  ).length;
  return {
    domain: evidence.domain,
    verdict,
    because: `${because}${sayAside(judgements)}`,
    deciding: [...deciding],
    coverage: { endpoints: wanted.length + hostsUnknown(evidence).length, judged },
    judgements,
    evidence,
  };
}

/** The rows that decide; what --strict makes a violation decides with them, unless the core decides alone. */
function decidingRows(judgements: readonly Judgement[], { probe }: DomainEvidence): ReadonlySet<string> {
  const raised = judgements.filter(({ adjusted }) => probe.everyViolationDecides === true && adjusted?.by === 'strict');
  return new Set([...probe.deciding, ...raised.map(({ requirement }) => requirement)]);
}

/** How one endpoint stands towards the deciding rows. */
export type Standing = 'fails' | 'passes' | 'exempt' | 'open' | 'silent' | 'not-reached';

interface EndpointStanding {
  readonly endpoint: EndpointEvidence;
  readonly standing: Standing;
  /** The judgement that decides it, where there is one. */
  readonly judgement: Judgement | null;
}

const MAILBOX_ROWS: ReadonlySet<string> = new Set(
  CATALOGUE.filter(({ level, needs }) => level.startsWith('MUST') && needs.some(({ ask }) => ask === 'rcpt')).map(
    ({ id }) => id,
  ),
);

function standingOf(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  decisive: readonly Judgement[],
): EndpointStanding {
  const here = decisive.filter(
    ({ host, address, port }) => host === endpoint.host && address === endpoint.address && port === endpoint.port,
  );
  const failed = here.find(isViolation);
  if (!wasReached(endpoint)) {
    return {
      endpoint,
      standing: 'not-reached',
      judgement: here.find(({ verdict }) => verdict === 'inconclusive') ?? null,
    };
  }
  if (failed !== undefined) return { endpoint, standing: 'fails', judgement: failed };
  // With rows about the mailbox among the deciding ones, those alone can leave an endpoint untold.
  const mailbox = here.filter(({ requirement }) => MAILBOX_ROWS.has(requirement));
  const open = (mailbox.length > 0 ? mailbox : here).find(({ verdict }) => verdict === 'inconclusive');
  if (open !== undefined) return { endpoint, standing: 'open', judgement: open };
  if (isExempt(endpoint, evidence)) return { endpoint, standing: 'exempt', judgement: null };
  const passed = here.find((one) => one.verdict === 'pass' || (one.verdict === 'warn' && !isAboutUs(one)));
  const aside = here.find((one) => one.verdict === 'fail');
  const doubt = here.find((one) => one.verdict === 'warn');
  // A failure that does not count stands in the way of nothing, but of a claim that mail gets in.
  if (aside !== undefined) return { endpoint, standing: 'passes', judgement: aside };
  if (passed === undefined && doubt !== undefined) return { endpoint, standing: 'open', judgement: doubt };
  return { endpoint, standing: passed === undefined ? 'silent' : 'passes', judgement: passed ?? null };
}

/** A warning that is about us, or for now, shows nothing of the host. */
const isAboutUs = ({ cause }: Judgement): boolean => cause !== undefined && ABOUT_US.has(cause);
const ABOUT_US: ReadonlySet<string> = new Set([
  'client-refused',
  'sender-refused',
  'unreachable',
  'timeout',
  'transient-negative',
]);

interface Decision {
  readonly verdict: DomainVerdict;
  readonly because: string;
}

function decide(
  evidence: DomainEvidence,
  decisive: readonly Judgement[],
  standings: readonly EndpointStanding[],
  judgements: readonly Judgement[],
  facts: RunFacts,
): Decision {
  const failing = standings.filter(({ standing }) => standing === 'fails');
  // What sums up the mailbox rows adds nothing to them where they decide themselves.
  const hasMailbox = decisive.some(({ host, requirement }) => host !== undefined && MAILBOX_ROWS.has(requirement));
  const ofDomain = decisive.find(
    (one) => one.host === undefined && isViolation(one) && !(hasMailbox && one.requirement === 'postmaster.every-mx'),
  );
  if (failing.length > 0 || ofDomain !== undefined) {
    return {
      verdict: 'violates',
      because: failing[0] === undefined ? sayOfDomain(ofDomain) : sayFailing(failing, standings),
    };
  }
  switch (evidence.route.kind) {
    case 'null-mx':
      return { verdict: 'not-applicable', because: 'the domain accepts no mail: it publishes a Null MX (RFC 7505)' };
    case 'no-mail-host':
      return {
        verdict: 'not-applicable',
        because: 'the domain has neither an MX nor an address: it has no mail service',
      };
    case 'no-such-domain':
      return { verdict: 'inconclusive', because: 'the domain does not exist' };
    case 'unknown':
      if (evidence.interrupted)
        return { verdict: 'inconclusive', because: 'the run was stopped before it was looked up' };
      return { verdict: 'inconclusive', because: `the DNS did not tell where its mail goes: ${dnsTrouble(evidence)}` };
    default:
  }
  if (dependsOnRun(evidence)) {
    if (facts.wasAnswered)
      return { verdict: 'not-applicable', because: 'no MX, and its address refuses port 25: it has no mail service' };
    return {
      verdict: 'inconclusive',
      because: 'no MX, and its address refuses port 25; a firewall on this side could do the same',
    };
  }
  const reached = standings.filter(({ standing }) => standing !== 'not-reached');
  if (reached.length === 0) return { verdict: 'inconclusive', because: sayUnreached(evidence, standings) };
  const open = reached.filter(({ standing }) => standing === 'open');
  if (open[0] !== undefined) {
    const where = nameOf(open[0].endpoint);
    return { verdict: 'inconclusive', because: `${where} could not be judged: ${open[0].judgement?.because ?? ''}` };
  }
  if (reached.every(({ standing }) => standing === 'exempt')) {
    return {
      verdict: 'exempt',
      because: 'every mail host refuses all sessions with 554 or 521: none takes mail, so none needs a postmaster',
    };
  }
  const passing = reached.filter(({ standing }) => standing === 'passes');
  if (passing.length > 0) return { verdict: 'conforms', because: sayPassing(passing, standings) };
  const openOfDomain = decisive.find(({ verdict }) => verdict === 'inconclusive');
  if (openOfDomain !== undefined) return { verdict: 'inconclusive', because: openOfDomain.because };
  // Where nothing that decides is asked of a mail host (--only mx.usable), the rows of the domain decide alone.
  const holds = decisive.some((one) => one.verdict === 'pass' || one.verdict === 'warn' || isAside(one));
  if (holds && decisive.every(({ host }) => host === undefined))
    return { verdict: 'conforms', because: 'what was asked holds' };
  // Role mailboxes only warn: with a profile of such rows nothing that could decide applies, and yet they were asked.
  if (judgements.some(({ verdict, host }) => verdict === 'pass' && host !== undefined))
    return { verdict: 'conforms', because: 'nothing that was asked is violated' };
  return { verdict: 'not-applicable', because: 'none of the requirements that decide applies here' };
}

/** Whether the verdict depends on what the rest of the run saw: the implicit MX refuses port 25. */
export function dependsOnRun({ route, endpoints, dns }: DomainEvidence): boolean {
  // "Every address": an address that the DNS did not tell may well answer.
  const isWhole = (['A', 'AAAA'] as const).every((type) => !isOpen(followLookup(route.canonicalName, type, dns)));
  return route.kind === 'implicit-mx' && isWhole && endpoints.length > 0 && endpoints.every(refusedPort);
}

const refusedPort = ({ attempts }: EndpointEvidence): boolean =>
  attempts.length > 0 && attempts.every(({ connect }) => connect.kind === 'refused');

function sayOfDomain(failed: Judgement | undefined): string {
  return failed === undefined ? '' : `${failed.because}${sayRaised(failed)}`;
}

function sayFailing(failing: readonly EndpointStanding[], all: readonly EndpointStanding[]): string {
  const [first] = failing;
  if (first?.judgement === null || first === undefined) return '';
  const rest = failing.length - 1;
  const others = rest === 0 ? '' : `; so ${rest === 1 ? 'does 1 more' : `do ${rest} more`} of ${all.length} addresses`;
  return `${nameOf(first.endpoint)} fails ${first.judgement.requirement}: ${first.judgement.because}${others}${sayRaised(first.judgement)}`;
}

function sayPassing(passing: readonly EndpointStanding[], all: readonly EndpointStanding[]): string {
  const deciders = passing.flatMap(({ judgement }) => judgement ?? []);
  const isMailbox = deciders.some(({ requirement }) => MAILBOX_ROWS.has(requirement));
  const what = deciders.some(isAside)
    ? 'what counts holds'
    : isMailbox
      ? 'mail to Postmaster gets in'
      : 'what was asked holds';
  const [first] = passing;
  const where =
    passing.length === 1 && first !== undefined ? `at ${nameOf(first.endpoint)}` : `at ${passing.length} addresses`;
  const missing = all.filter(({ standing }) => standing === 'not-reached').length;
  const exempt = all.filter(({ standing }) => standing === 'exempt').length;
  const notes = [
    ...(exempt > 0 ? [`${exempt} exempt`] : []),
    ...(missing > 0 ? [`${missing} could not be reached`] : []),
  ];
  return `${what} ${where}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
}

function sayUnreached(evidence: DomainEvidence, standings: readonly EndpointStanding[]): string {
  if (evidence.interrupted && standings.length === 0) return 'the run was stopped before it was probed';
  const [first] = standings;
  const [unknown] = hostsUnknown(evidence);
  if (first === undefined && unknown !== undefined && evidence.route.kind !== 'given') {
    return `the DNS did not tell the address of ${visible(unknown)}: ${dnsTrouble(evidence)}`;
  }
  if (first === undefined && evidence.endpoints.length > 0) return 'every address is left out by -4 or -6';
  if (first === undefined)
    return evidence.route.kind === 'given' ? 'the mail host has no address' : 'none of its mail hosts has an address';
  const why = first.judgement?.because ?? 'no session came about';
  return standings.length === 1
    ? `${nameOf(first.endpoint)}: ${why}`
    : `none of ${standings.length} addresses could be reached; ${nameOf(first.endpoint)}: ${why}`;
}

function dnsTrouble({ dns }: DomainEvidence): string {
  const bad = dns.find(({ outcome }) => !('records' in outcome));
  if (bad === undefined) return 'its aliases lead nowhere';
  const names = {
    'server-failure': 'SERVFAIL',
    refused: 'REFUSED',
    timeout: 'no answer',
    unreachable: 'no name server could be reached',
    malformed: 'a malformed answer',
  };
  const what = bad.outcome.kind in names ? names[bad.outcome.kind as keyof typeof names] : bad.outcome.kind;
  if (bad.outcome.kind === 'unreachable') return `${what} (${bad.nameServer})`;
  return `${what} for ${bad.question.type} ${visible(bad.question.name)} from ${bad.nameServer}`;
}
