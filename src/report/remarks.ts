// What is worth a word beside the verdicts: it accuses nobody and changes nothing.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence, Exchange } from '../evidence/transcript.js';
import { CATALOGUE } from '../requirements/index.js';
import { isExempt, openingRepliesOf } from '../requirements/observe.js';
import { quoteReply, seconds } from '../requirements/session-trouble.js';
import { sendsMessageFor } from '../requirements/sends-message.js';
import { delivers } from '../smtp/script.js';
import { visible } from '../smtp/visible.js';
import { grouped, listed } from './groups.js';
import { matrixColumns } from './matrix.js';
import type { DomainReport } from './report.js';
import { nameOf } from '../requirements/observe.js';
import { counted, PASSED_OVER } from './words.js';

/** One sentence each. */
export function remarksOf(report: DomainReport): readonly string[] {
  const { evidence } = report;
  return [
    ...evidence.notes.map((note) => `${note.charAt(0).toUpperCase()}${note.slice(1)}${/[.!?]$/.test(note) ? '' : '.'}`),
    ...routeRemarks(evidence),
    ...evidence.endpoints.flatMap((endpoint) => exemptRemark(endpoint, evidence)),
    ...strengthRemarks(report),
    ...certificateRemarks(evidence),
    ...nameServerRemarks(evidence),
    ...deliveryRemarks(evidence),
    ...(evidence.interrupted
      ? ['The run was stopped before this domain was finished: the report is of what was seen until then.']
      : []),
  ];
}

function routeRemarks({ route, domain }: DomainEvidence): readonly string[] {
  const alias = route.kind !== 'given' && route.canonicalName !== '' && route.canonicalName !== domain;
  return [
    ...(alias
      ? [`${domain ?? ''} is an alias: its mail goes where that of ${visible(route.canonicalName)} goes.`]
      : []),
    ...(route.kind === 'implicit-mx'
      ? ['The domain publishes no MX record, so its own addresses are its mail hosts (RFC 5321, 5.1).']
      : []),
    ...(route.kind === 'given' ? ['The mail host was named by you: the DNS of the domain was not asked.'] : []),
  ];
}

/** "Always" is a claim about all connections: the report says how many it rests on. */
function exemptRemark(endpoint: EndpointEvidence, evidence: DomainEvidence): readonly string[] {
  if (!isExempt(endpoint, evidence)) return [];
  const openings = openingRepliesOf(endpoint);
  const starts = openings.map(({ attempt }) => Date.parse(endpoint.attempts[attempt]?.startedAt ?? ''));
  const apart = seconds(Math.max(...starts) - Math.min(...starts));
  const code = openings[0]?.what.code ?? 554;
  return [
    `${nameOf(endpoint)} is exempt: each of ${openings.length} openings, ${apart} apart, was ${code}. That it is so always, and for everybody, cannot be seen from here.`,
  ];
}

function strengthRemarks({ judgements }: DomainReport): readonly string[] {
  const hostsWith = (strength: 'weak' | 'unqualified'): readonly string[] => [
    ...new Set(
      judgements.flatMap(({ verdict, evidence, host }) =>
        verdict === 'pass' && evidence === strength && host !== undefined ? [visible(host)] : [],
      ),
    ),
  ];
  const weak = hostsWith('weak');
  const unqualified = hostsWith('unqualified').filter((host) => !weak.includes(host));
  return [
    ...(weak.length > 0
      ? [
          `Weak evidence at ${listed(weak, 4, 'more mail host')}: a recipient of random letters was accepted too, so accepting Postmaster says little.`,
        ]
      : []),
    ...(unqualified.length > 0
      ? [
          `Unqualified evidence at ${listed(unqualified, 4, 'more mail host')}: whether any recipient at all is accepted there was not asked, or not answered.`,
        ]
      : []),
  ];
}

function certificateRemarks({ endpoints }: DomainEvidence): readonly string[] {
  const found = endpoints.flatMap((endpoint) => {
    const secured = endpoint.attempts
      .flatMap(({ exchanges }) => exchanges)
      .flatMap((exchange) =>
        exchange.act === 'handshake' && exchange.outcome.kind === 'secured' ? [exchange.outcome.tls] : [],
      )
      .at(-1);
    const certificate = secured?.certificate;
    if (certificate === undefined || certificate === null || certificate.trusted) return [];
    const why = certificate.problem === null ? '' : ` (${visible(certificate.problem)})`;
    return [
      { place: nameOf(endpoint), what: `the certificate does not verify${why}, for "${visible(certificate.subject)}"` },
    ];
  });
  return grouped(found, ({ what }) => what).map(
    (same) =>
      `TLS at ${listed(
        same.map(({ place }) => place),
        4,
        'more address',
        'more addresses',
      )}: ${same[0]?.what ?? ''}. Noted, not judged.`,
  );
}

const TIMES: readonly string[] = ['never', 'once', 'twice'];

function nameServerRemarks({ dns }: DomainEvidence): readonly string[] {
  const all = dns.flatMap(({ passedOver }) => passedOver);
  return grouped(all, ({ nameServer, why }) => `${nameServer} ${why}`).flatMap((same) => {
    const [first] = same;
    if (first === undefined) return [];
    return [
      `Name server ${visible(first.nameServer)} was passed over ${TIMES[same.length] ?? `${same.length} times`}: it ${PASSED_OVER[first.why]}.`,
    ];
  });
}

/** --deliver says what it sent, to whom, and what became of it. */
function deliveryRemarks({ endpoints, probe, interrupted }: DomainEvidence): readonly string[] {
  const told = endpoints.flatMap((endpoint) =>
    endpoint.attempts
      .filter(({ plan }) => plan.scripts?.some(delivers) === true)
      .map(({ exchanges }) => sayDelivery(exchanges, `${nameOf(endpoint)} port ${endpoint.port}`, interrupted)),
  );
  const isAsked = (): boolean => sendsMessageFor(CATALOGUE.filter(({ id }) => probe.asked.includes(id)));
  if (told.length > 0 || endpoints.length === 0 || !isAsked()) return told;
  return [`No message was sent: ${interrupted ? 'the run was stopped before' : 'no mail host took the recipient'}.`];
}

function sayDelivery(exchanges: readonly Exchange[], place: string, isInterrupted: boolean): string {
  const said = exchanges.flatMap((exchange) => (exchange.act === 'command' ? [exchange] : []));
  const message = said.find(({ command }) => command.startsWith('Date: '));
  if (message === undefined) {
    const why = isInterrupted ? 'the run was stopped before' : 'the host did not let it come so far';
    return `No message was sent to ${place}: ${why} (-v shows the session).`;
  }
  const envelope = said.filter(({ command }) => /^(?:MAIL|RCPT) /.test(command)).map(({ command }) => command);
  const id = /^Message-ID: (.*)\r$/m.exec(message.command)?.[1] ?? '';
  const { outcome } = message;
  const became = outcome.kind === 'reply' ? `the final reply was ${quoteReply(outcome.reply)}` : 'no final reply came';
  const later = envelope.includes('MAIL FROM:<>')
    ? 'With the null sender no bounce can come'
    : 'A bounce would come later, to the sender';
  return `One message was sent to ${place} (${visible(envelope.join(', '))}; Message-ID ${visible(id)}): ${became}. ${later}.`;
}

/** How many requirements hold beside those of the matrix, or null where there is none. */
export function othersThatHold(report: DomainReport): string | null {
  const inMatrix = new Set(matrixColumns(report).map(({ id }) => id));
  const holding = grouped(report.judgements, ({ requirement }) => requirement).filter((group) => {
    const verdicts = new Set(group.map(({ verdict }) => verdict));
    return verdicts.has('pass') && !verdicts.has('fail') && !verdicts.has('warn') && !verdicts.has('inconclusive');
  });
  const others = holding.filter(([first]) => first !== undefined && !inMatrix.has(first.requirement)).length;
  const other = report.evidence.endpoints.length > 0 ? 'other ' : '';
  return others === 0
    ? null
    : `${counted(others, `${other}requirement holds`, `${other}requirements hold`)} (-v lists them).`;
}
