// Requirements x evidence = judgements. Pure and synchronous: the same evidence gives the same judgements, for ever.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence, Exchange } from '../evidence/transcript.js';
import { CATALOGUE } from '../requirements/index.js';
import type { Cite, Finding, Judged, Requirement } from '../requirements/requirement.js';
import type { DnsExchange, DnsRecord } from '../smtp/mail-route.js';
import { account, accountSum, type Accounted, type Accounting } from './account.js';
import type { CitedExchange, CitedLookup, Judgement } from './report.js';
import { shownText } from './withheld.js';

/** Judges the requirements that were selected for the evidence. Rows unknown to this version are left out. */
export function judge(evidence: DomainEvidence, accounting: Accounting = {}): readonly Judgement[] {
  return findings(evidence, accounting).map((accounted) => toJudgement(accounted, evidence));
}

/** The findings in catalogue order, each requirement's by preference, host and address. */
function findings(evidence: DomainEvidence, accounting: Accounting): readonly Accounted[] {
  const selected = new Set(evidence.probe.requirements);
  const rows = CATALOGUE.filter(({ id }) => selected.has(id));
  const endpoints = inReportOrder(evidence);
  // Rows that combine others are judged last, from the findings of the core and of their own group, selected or not.
  const combined = new Set(rows.flatMap(({ scope, group }) => (scope === 'aggregate' ? [group] : [])));
  const byRow = new Map<Requirement, readonly Accounted[]>();
  for (const row of CATALOGUE) {
    if (row.scope === 'aggregate') continue;
    const isRead = combined.size > 0 && (row.tier === 'core' || combined.has(row.group));
    if (!selected.has(row.id) && !isRead) continue;
    const judged = judgePlain(row, endpoints, evidence);
    byRow.set(
      row,
      judged.map((one) => account(one, evidence, accounting)),
    );
  }
  const plain = [...byRow.values()].flat();
  return rows.flatMap((row) =>
    row.scope === 'aggregate' ? [accountSum(row, plain, evidence, accounting)] : (byRow.get(row) ?? []),
  );
}

function judgePlain(
  row: Exclude<Requirement, { scope: 'aggregate' }>,
  endpoints: readonly EndpointEvidence[],
  evidence: DomainEvidence,
): readonly Judged[] {
  if (row.scope === 'domain') return [{ requirement: row, endpoint: null, finding: row.judge(evidence) }];
  return endpoints.map((endpoint) => ({ requirement: row, endpoint, finding: row.judge(endpoint, evidence) }));
}

/** Reports sort by preference, host, address; the order in which hosts were tried is in the evidence. */
export function inReportOrder({ endpoints, route }: DomainEvidence): readonly EndpointEvidence[] {
  const preference = new Map(route.hosts.map(({ host, preference: value }) => [host, value]));
  const key = ({ host, address, port }: EndpointEvidence): readonly [number, string, string, number] => [
    preference.get(host) ?? 0,
    host,
    address,
    port,
  ];
  return endpoints.toSorted((one, other) => {
    const [left, right] = [key(one), key(other)];
    const at = left.findIndex((value, index) => value !== right[index]);
    if (at === -1) return 0;
    return (left[at] ?? 0) < (right[at] ?? 0) ? -1 : 1;
  });
}

function toJudgement({ raw, finding, weight }: Accounted, evidence: DomainEvidence): Judgement {
  const { requirement, endpoint } = raw;
  const cites = finding.cites ?? [];
  const lookups = cites.flatMap((cite) => (cite.kind === 'dns' ? citedLookup(evidence.dns[cite.index]) : []));
  return {
    requirement: requirement.id,
    level: requirement.level,
    source: requirement.source.document,
    section: requirement.source.section,
    tier: requirement.tier,
    verdict: finding.verdict,
    ...('cause' in finding ? { cause: finding.cause } : {}),
    because: finding.because,
    ...strengthOf(finding),
    ...(endpoint === null ? {} : { host: endpoint.host, address: endpoint.address, port: endpoint.port }),
    exchanges: cites.flatMap((cite) => citedExchange(cite, endpoint, evidence)),
    ...(lookups.length > 0 ? { lookups } : {}),
    ...weight,
  };
}

function strengthOf(finding: Finding): { evidence?: Judgement['evidence'] & string } {
  return finding.verdict === 'pass' && finding.evidence !== null ? { evidence: finding.evidence } : {};
}

function citedExchange(
  cite: Cite,
  endpoint: EndpointEvidence | null,
  evidence: DomainEvidence,
): readonly CitedExchange[] {
  if (cite.kind !== 'exchange') return [];
  const place = cite.endpoint === undefined ? endpoint : evidence.endpoints[cite.endpoint];
  const exchange = place?.attempts[cite.attempt]?.exchanges[cite.index];
  return exchange === undefined ? [] : [toCitedExchange(exchange)];
}

function toCitedExchange(exchange: Exchange): CitedExchange {
  const command = exchange.act === 'command' ? exchange.command : null;
  if (exchange.act === 'leave') return { command: 'QUIT', reply: null, outcome: 'not awaited' };
  const { outcome } = exchange;
  if (outcome.kind !== 'reply') return { command, reply: null, outcome: outcome.kind };
  const { code, enhanced } = outcome.reply;
  return { command, reply: { code, enhanced, lines: shownText(command, outcome.reply) } };
}

function citedLookup(exchange: DnsExchange | undefined): readonly CitedLookup[] {
  if (exchange === undefined) return [];
  const { question, nameServer, outcome } = exchange;
  const records = 'records' in outcome ? outcome.records.map(recordText) : [];
  return [{ name: question.name, type: question.type, nameServer, outcome: outcome.kind, records }];
}

/** A record as in a zone file, without its time to live. Names are a zone's octets: not escaped here. */
function recordText(record: DnsRecord): string {
  const owner = `${record.name === '' ? '.' : record.name}`;
  switch (record.type) {
    case 'MX':
      return `${owner} MX ${record.preference} ${record.exchange === '' ? '.' : record.exchange}`;
    case 'CNAME':
      return `${owner} CNAME ${record.target}`;
    case 'SOA':
      return `${owner} SOA ... ${record.rname}`;
    default:
      return `${owner} ${record.type} ${record.address}`;
  }
}
