// RFC 2142: what holds for all role mailboxes, for mailing lists, and for the mailbox that an SOA record names.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPositive } from '../smtp/reply.js';
import { classifyReply } from '../smtp/reply-class.js';
import { say, sayIfAccepted, type Script } from '../smtp/script.js';
import { visible } from '../smtp/visible.js';
import { echoOf, nameOf } from './observe.js';
import { T_IO } from './readings.js';
import { contextOf } from './rcpt-observation.js';
import { judgeRecipient } from './recipient.js';
import { fillRecipients } from './recipient-template.js';
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
import { judgeRole, ORDINARY_ROLES } from './rfc2142-role-mailboxes.js';
import { runsOf } from './script-run.js';
import { answerTo } from './scripted-row.js';
import { quoteReply, sessionTrouble } from './session-trouble.js';
import { mailboxOfRname, soaOf } from './soa.js';

/** Asks for a role in capitals, where it is accepted as it is usually written. */
const inCapitals = (role: string): Script => ({
  from: 'hello',
  steps: [
    say('MAIL FROM:<{sender}>'),
    sayIfAccepted(`RCPT TO:<${role}@{domain}>`),
    sayIfAccepted('RSET'),
    sayIfAccepted('MAIL FROM:<{sender}>'),
    sayIfAccepted(`RCPT TO:<${role.toUpperCase()}@{domain}>`),
  ],
});

const CAPITALS = ORDINARY_ROLES.map((role) => ({ role, script: inCapitals(role) }));

function judgeCapitals(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  const accepted: Cite[] = [];
  let open: Finding | null = null;
  for (const { role, script } of CAPITALS) {
    for (const run of runsOf(script, endpoint, evidence) ?? []) {
      const plain = answerTo(run, 1);
      const capital = answerTo(run, 4);
      if (plain === null || capital === null || !isPositive(plain.reply)) continue;
      if (isPositive(capital.reply)) {
        accepted.push(capital.cite);
        continue;
      }
      const said = `${role} is accepted, ${role.toUpperCase()} is answered ${quoteReply(capital.reply)}`;
      if (classifyReply(capital.reply, 'rcpt', echoOf(endpoint, evidence)) === 'perm.no-mailbox')
        return warn('no-mailbox', said, capital.cite, plain.cite);
      open = inconclusive('transient-negative', said, [capital.cite, plain.cite]);
    }
  }
  if (open !== null) return open;
  return accepted.length > 0
    ? pass(`${accepted.length} of ${CAPITALS.length} roles, accepted in capitals too`, accepted)
    : notApplicable('no role mailbox was accepted');
}

function judgeLists(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const { lists, ...context } = contextOf(endpoint, evidence);
  if (lists.length === 0) return notApplicable('no mailing list is named: a profile file can (mailingLists)');
  const findings = lists.map((list): Finding => {
    const one = { ...context, lists: [list] };
    const [main = '', request = ''] = ['{list}@{domain}', '{list}-request@{domain}'].flatMap((template) =>
      fillRecipients(template, one),
    );
    if (main === '') return notApplicable('no domain was named');
    const ofList = judgeRecipient(endpoint, evidence, main);
    if (ofList.verdict === 'inconclusive') return ofList;
    if (ofList.verdict !== 'pass' && ofList.verdict !== 'warn')
      return notApplicable(`the list ${visible(main)} is not accepted here`);
    const finding = judgeRecipient(endpoint, evidence, request);
    if (finding.verdict !== 'fail') return finding;
    if (finding.cause !== 'no-mailbox')
      return inconclusive(finding.cause, `refused, but not as unknown: ${finding.because}`, finding.cites);
    const [cite, ...more] = finding.cites;
    return fail(
      finding.cause,
      `${visible(main)} is accepted, ${visible(request)} is not: ${finding.because}`,
      cite,
      ...more,
      ...ofList.cites,
    );
  });
  return worst(findings) ?? notApplicable('no list is accepted here');
}

const ORDER = ['fail', 'warn', 'inconclusive', 'pass', 'not-applicable'] as const;

const worst = (findings: readonly Finding[]): Finding | undefined =>
  ORDER.map((verdict) => findings.find((finding) => finding.verdict === verdict)).find((found) => found !== undefined);

function judgeSoa(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  if (evidence.probe.given || evidence.domain === null) return notApplicable('the DNS of the domain was not asked');
  const answer = soaOf(evidence);
  if (answer.kind === 'unknown') return inconclusive('dns', 'whether the domain has an SOA record is not known');
  const cites: readonly Cite[] = [{ kind: 'dns', index: answer.index }];
  if (answer.kind === 'none') return notApplicable('the domain has no SOA record: it is not the top of a zone', cites);
  const mailbox = mailboxOfRname(answer.rname);
  if (mailbox === null) return notApplicable(`the SOA record names no mailbox: ${visible(answer.rname)}`, cites);
  if (mailbox.domain !== evidence.domain)
    return notApplicable(`the mailbox of the SOA record lies elsewhere, at ${visible(mailbox.domain)}`, cites);
  return judgeRole(endpoint, evidence, '{soa}');
}

/** Every role that some mail host accepts, every one does. */
function judgeAllMx(evidence: DomainEvidence, judged: readonly Judged[]): Finding {
  const roles = judged.filter(({ requirement, endpoint }) => requirement.group === 'role' && endpoint !== null);
  const ids = [...new Set(roles.map(({ requirement }) => requirement.id))];
  let compared = 0;
  if (evidence.endpoints.length < 2) return notApplicable('there is one mail host to ask');
  for (const id of ids) {
    const here = roles.filter(({ requirement }) => requirement.id === id);
    const accepting = here.filter(({ finding }) => finding.verdict === 'pass');
    const refusing = here.filter(({ finding }) => finding.verdict === 'warn' || finding.verdict === 'fail');
    if (accepting.length + refusing.length > 1) compared += 1;
    const [cite, ...more] = [...refusing, ...accepting].flatMap((one) => placed(one, evidence).slice(0, 1));
    if (accepting.length === 0 || refusing.length === 0 || cite === undefined) continue;
    return warn(
      'no-mailbox',
      `${id}: accepted at ${namesOf(accepting)}, refused at ${namesOf(refusing)}`,
      cite,
      ...more,
    );
  }
  return compared === 0
    ? inconclusive('not-asked', 'no role has an answer from two mail hosts')
    : pass('all mail hosts agree about every role');
}

const namesOf = (some: readonly Judged[]): string =>
  some.flatMap(({ endpoint }) => (endpoint === null ? [] : [nameOf(endpoint)])).join(', ');

/** The cites of a finding, with the place that they count in. */
function placed({ finding, endpoint }: Judged, { endpoints }: DomainEvidence): readonly Cite[] {
  const number = endpoints.findIndex((one) => one === endpoint);
  return (finding.cites ?? []).map((cite) => (cite.kind === 'exchange' ? { ...cite, endpoint: number } : cite));
}

const COMMON = { group: 'role', tier: 'roles', safety: 'safe' } as const;

/** The rows about all role mailboxes. */
export const roleRules: readonly Requirement[] = [
  {
    ...COMMON,
    id: 'role.list-request',
    title: '<list>-request exists',
    level: 'MUST',
    violation: 'fail',
    source: { document: 'RFC 2142', section: '6', quote: 'there MUST be the administrative mailbox name' },
    demand: 'For every mailing list there is a mailbox of the same name with -request behind it.',
    probe: 'For each list that a profile file names: RCPT TO:<list@domain>, and RCPT TO:<list-request@domain>.',
    readings: [
      { verdict: 'pass', when: 'list and -request both accepted' },
      { verdict: 'fail', when: 'the list is accepted, and -request is refused as unknown' },
      { verdict: 'inconclusive', when: '4yz, another refusal of -request, or one by policy or of our sender' },
      { verdict: 'not-applicable', when: 'no list is named, or the list itself is not accepted here' },
      ...T_IO,
    ],
    rationale: 'It is how one leaves a list whose software one does not know, without writing to all its members.',
    remedy: {
      general: 'Make LIST-request an alias of whoever runs the list; list software brings such aliases.',
      postfix: 'Add "LIST-request: LIST-owner" to the alias map.',
      exim: 'Add "LIST-request: LIST-owner" to the alias file.',
      sendmail: 'Add "LIST-request: LIST-owner" to the alias file and run newaliases.',
      opensmtpd: 'Add "LIST-request: LIST-owner" to the alias table.',
      exchange: 'Add LIST-request@domain as an address of the owner of the group.',
    },
    retry: ['R1', 'R3'],
    needs: [
      { ask: 'rcpt', to: '{list}@{domain}', under: 'apart' },
      { ask: 'rcpt', to: '{list}-request@{domain}', under: 'apart' },
    ],
    scope: 'endpoint',
    judge: judgeLists,
  },
  {
    ...COMMON,
    id: 'role.soa-rname',
    title: 'SOA RNAME mailbox accepted',
    level: 'derived',
    violation: 'warn',
    source: {
      document: 'RFC 2142',
      section: '7',
      quote:
        "the Start Of Authority record (SOA RR) has a field for specifying the mailbox name of the zone's administrator.",
    },
    demand: "The mailbox that the zone's SOA record names takes mail.",
    probe: 'The SOA record of the domain; where its mailbox lies in the domain, RCPT TO that mailbox.',
    readings: [
      { verdict: 'pass', when: '250 or 251' },
      { verdict: 'warn', when: 'refused for good' },
      { verdict: 'inconclusive', when: '4yz, a refusal by policy, or the DNS did not tell' },
      { verdict: 'not-applicable', when: 'no SOA record, or its mailbox lies in another domain' },
      ...T_IO,
    ],
    rationale: 'It is the one address of a zone that everybody can look up.',
    remedy: { general: 'Create the mailbox, or name another in the SOA record: hostmaster@domain by custom.' },
    retry: ['R1', 'R3', 'R11'],
    needs: [
      { ask: 'dns', what: 'soa' },
      { ask: 'rcpt', to: '{soa}', under: 'apart' },
    ],
    scope: 'endpoint',
    judge: judgeSoa,
  },
  {
    ...COMMON,
    id: 'role.case-insensitive',
    title: 'Role names in other letter cases',
    level: 'derived',
    violation: 'warn',
    source: {
      document: 'RFC 2142',
      section: '2',
      quote: 'Mailbox names must be recognized independent of character case.',
    },
    demand: 'A role is the same mailbox in any letter case.',
    probe: 'For each ordinary role that is accepted: RCPT TO the same in capitals, in a new transaction.',
    readings: [
      { verdict: 'pass', when: 'every accepted role is accepted in capitals too' },
      { verdict: 'warn', when: 'one is refused as unknown in capitals' },
      { verdict: 'inconclusive', when: 'another refusal of one in capitals' },
      { verdict: 'not-applicable', when: 'no role is accepted' },
      ...T_IO,
    ],
    rationale: 'People write Abuse and ABUSE, and the RFC itself prints them so.',
    remedy: { general: 'Look local-parts up without regard to letter case, as almost every server does.' },
    retry: ['R3'],
    needs: CAPITALS.map(({ script }) => ({ ask: 'script', script, errors: 0 })),
    scope: 'endpoint',
    judge: judgeCapitals,
  },
  {
    ...COMMON,
    id: 'role.all-mx',
    title: 'Role names accepted by every MX',
    level: 'derived',
    violation: 'warn',
    source: {
      document: 'RFC 2142',
      section: '1',
      quote:
        'Servers accepting mail on behalf of a domain must accept and correctly process mailbox names for that domain',
    },
    demand: 'A role that one mail host of the domain accepts, all of them accept.',
    probe: 'Nothing of its own: the answers about each role, of all mail hosts.',
    readings: [
      { verdict: 'pass', when: 'all that answered agree' },
      { verdict: 'warn', when: 'one accepts a role that another refuses' },
      { verdict: 'inconclusive', when: 'no role has two answers' },
      { verdict: 'not-applicable', when: 'there is one mail host, with one address' },
    ],
    rationale: 'Mail goes to a backup host when the first is down: just when somebody writes to noc.',
    remedy: { general: 'Give the backup hosts the same list of recipients, or let them accept and hand on.' },
    retry: ['R4', 'R5'],
    needs: [],
    scope: 'aggregate',
    judge: judgeAllMx,
  },
];
