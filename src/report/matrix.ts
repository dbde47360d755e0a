// The matrix of the text report: mail hosts and addresses against the requirements that decide.
// It shrinks by itself: the mail host on a line of its own, then smaller gaps, then several tables one below the other.
import type { EndpointEvidence } from '../evidence/transcript.js';
import { CATALOGUE } from '../requirements/index.js';
import { isExempt, wasReached } from '../requirements/observe.js';
import type { Requirement } from '../requirements/requirement.js';
import { visible } from '../smtp/visible.js';
import { shownAs } from './counting.js';
import { grouped, isAt } from './groups.js';
import { inReportOrder } from './judge.js';
import {
  columnsOf,
  cutMiddle,
  dim,
  EMPTY_LINE,
  plain,
  strong,
  trimmed,
  wrap,
  type Line,
  type Span,
  type TextStyle,
} from './layout.js';
import { layOutWithHeads, type Layout, type Row } from './matrix-layout.js';
import type { DomainReport, Judgement } from './report.js';
import { CONNECTS, counted, NO_MAIL_HOSTS, SIGNS, SKIPPED, type CellKind } from './words.js';

/** The requirements that are columns: those that decide at an endpoint, as far as they apply to one that was reached. */
export function matrixColumns(report: DomainReport): readonly Requirement[] {
  const { evidence, judgements } = report;
  const deciding = new Set(report.deciding);
  const rows = CATALOGUE.filter(({ id, scope }) => scope === 'endpoint' && deciding.has(id));
  const core = rows.filter(({ tier }) => tier === 'core');
  const reached = evidence.endpoints.filter(wasReached);
  const hasExempt = reached.some((endpoint) => isExempt(endpoint, evidence));
  const applying = new Set(
    judgements
      .filter(
        (judgement) => judgement.verdict !== 'not-applicable' && reached.some((endpoint) => isAt(judgement, endpoint)),
      )
      .map(({ requirement }) => requirement),
  );
  return (core.length > 0 ? core : rows).filter(
    ({ id, needs }) => applying.has(id) || (hasExempt && needs.some(({ ask }) => ask === 'rcpt')),
  );
}

/** The matrix with its legend, or a sentence where there is no mail host. */
export function renderMatrix(report: DomainReport, style: TextStyle): readonly Line[] {
  const { evidence } = report;
  const columns = columnsOf(style);
  const requirements = matrixColumns(report);
  const rows = [
    ...inReportOrder(evidence).map((endpoint) => rowOf(endpoint, report, requirements)),
    ...hostsWithoutAddress(report),
  ];
  if (rows.length === 0) return wrap(NO_MAIL_HOSTS[evidence.route.kind], { columns });
  const shown =
    style.detail === 'verbose' || rows.length <= MOST_ROWS ? rows.map((row) => ({ row, more: [] })) : collapse(rows);
  const used = new Set(rows.flatMap(({ instead, cells }) => (instead === null ? cells : [])));
  const { layout, heads } = layOutWithHeads(rows, requirements, used, columns);
  const bands = Array.from(
    { length: Math.ceil(requirements.length / layout.perBand) },
    (_, band) => band * layout.perBand,
  );
  if (bands.length === 0) return drawBand(shown, [], 0, layout, columns);
  return [
    ...bands.flatMap((from) => [
      ...(from > 0 ? [EMPTY_LINE] : []),
      ...drawBand(shown, heads.slice(from, from + layout.perBand), from, layout, columns),
    ]),
    EMPTY_LINE,
    ...drawLegend(requirements, heads, used, layout, columns),
  ];
}

/** More rows than this are shown by what they have in common. */
const MOST_ROWS = 16;
const MOST_ALIKE = 3;

function rowOf(endpoint: EndpointEvidence, report: DomainReport, requirements: readonly Requirement[]): Row {
  const { evidence } = report;
  const preference = evidence.route.hosts.find(({ host }) => host === endpoint.host)?.preference;
  const here = report.judgements.filter((judgement) => isAt(judgement, endpoint));
  const exempt = isExempt(endpoint, evidence);
  const port = endpoint.port === evidence.probe.port ? '' : `port ${endpoint.port}`;
  return {
    preference: evidence.route.kind === 'given' || preference === undefined ? '' : String(preference),
    host: visible(endpoint.host),
    // A host that was named by its address stands there once.
    address: [endpoint.host === endpoint.address ? '' : visible(endpoint.address), port].join(' ').trim(),
    cells: requirements.map(({ id }) =>
      cellOf(
        here.find(({ requirement }) => requirement === id),
        exempt,
      ),
    ),
    instead: wasReached(endpoint) ? null : `not reached: ${whyNotReached(endpoint)}`,
  };
}

function cellOf(judgement: Judgement | undefined, exempt: boolean): CellKind {
  if (judgement === undefined || judgement.cause === 'not-asked') return 'not-asked';
  return judgement.verdict === 'not-applicable' && exempt ? 'exempt' : shownAs(judgement);
}

/** Why an endpoint sent no opening reply. */
function whyNotReached({ skipped, attempts }: EndpointEvidence): string {
  if (skipped !== null) return SKIPPED[skipped];
  const last = attempts.at(-1);
  if (last === undefined) return 'no connection was made';
  const { connect } = last;
  if (connect.kind === 'connected') return 'it was connected to, but sent no SMTP greeting';
  return connect.code === null ? CONNECTS[connect.kind] : `${CONNECTS[connect.kind]} (${connect.code})`;
}

function hostsWithoutAddress({ evidence }: DomainReport): readonly Row[] {
  return evidence.route.hosts
    .filter(({ addresses }) => addresses.length === 0)
    .map(({ host, preference }) => ({
      preference: String(preference),
      host: visible(host),
      address: '',
      cells: [],
      instead: 'no address was found for this name',
    }));
}

/** A row, and those after it that look the same and are not shown. */
interface Shown {
  readonly row: Row;
  readonly more: readonly Row[];
}

/** Rows that look alike stand together, the first few shown and the others counted; failures come first. */
function collapse(rows: readonly Row[]): readonly Shown[] {
  const alike = grouped(rows, ({ cells, instead }) => instead ?? cells.join(' '));
  const groups = alike.toSorted((one, other) => urgency(one[0]) - urgency(other[0]));
  return groups.flatMap((group) => {
    const kept = group.length <= MOST_ALIKE + 1 ? group : group.slice(0, MOST_ALIKE);
    return kept.map((row, index) => ({ row, more: index === kept.length - 1 ? group.slice(kept.length) : [] }));
  });
}

function urgency(row: Row | undefined): number {
  if (row === undefined) return 9;
  if (row.instead !== null) return 3;
  const worst = (['fail', 'inconclusive', 'warn'] as const).findIndex((kind) => row.cells.includes(kind));
  return worst === -1 ? 4 : worst;
}

/** One table. `from` is the number of its first column among all cells. */
function drawBand(
  shown: readonly Shown[],
  heads: readonly string[],
  from: number,
  layout: Layout,
  columns: number,
): readonly Line[] {
  const { margin, hostWidth, label, cell, wording } = layout;
  const lines: Line[] =
    heads.length === 0 ? [] : [[plain(' '.repeat(label)), dim(heads.map((head) => head.padEnd(cell)).join(''))]];
  let before: string | null = null;
  for (const { row, more } of shown) {
    const isNew = before !== row.host;
    before = row.host;
    const preference = `  ${(isNew ? row.preference : '').padStart(margin - 4)}`.padEnd(margin);
    if (hostWidth === null && isNew) lines.push([plain(preference), strong(cutMiddle(row.host, columns - margin))]);
    const head: Line =
      hostWidth === null
        ? [plain(' '.repeat(margin)), plain(cutMiddle(row.address, label - margin - 1).padEnd(label - margin))]
        : [
            plain(preference),
            strong((isNew ? row.host : '').padEnd(hostWidth)),
            plain(row.address.padEnd(label - margin - hostWidth)),
          ];
    const cells = row.cells.slice(from, from + heads.length);
    const below = hostWidth === null ? margin + 2 : margin + hostWidth + 2;
    if (row.instead !== null) lines.push(...besideOrBelow(head, label, below, row.instead, columns));
    else
      lines.push([
        ...head,
        ...cells.map((kind): Span => ({ text: SIGNS[kind][wording].padEnd(cell), tone: SIGNS[kind].tone })),
      ]);
    if (more.length > 0) lines.push(...wrap([dim(sayMore(more))], { columns, first: [plain(' '.repeat(margin))] }));
  }
  return lines.map(trimmed);
}

/** A sentence in place of cells: behind the address, or below it where that leaves too little room. */
function besideOrBelow(head: Line, label: number, below: number, sentence: string, columns: number): readonly Line[] {
  const span: Span = { text: sentence, tone: 'doubt' };
  if (columns - label >= Math.min(30, sentence.length)) return wrap([span], { columns, first: head, hang: label });
  return [head, ...wrap([span], { columns, first: [plain(' '.repeat(below))] })];
}

function sayMore(more: readonly Row[]): string {
  const hosts = new Set(more.map(({ host }) => host)).size;
  const hostsMore = counted(hosts, 'more mail host');
  return `and ${hosts === more.length ? hostsMore : `${counted(more.length, 'address', 'addresses')} of ${hostsMore}`} just like the last`;
}

function drawLegend(
  requirements: readonly Requirement[],
  heads: readonly string[],
  used: ReadonlySet<CellKind>,
  { wording }: Layout,
  columns: number,
): readonly Line[] {
  const headWidth = Math.max(0, ...heads.map(({ length }) => length)) + 2;
  const idWidth = Math.max(...requirements.map(({ id }) => id.length)) + 2;
  const isNarrow = columns < headWidth + idWidth + 41;
  const entries = requirements.flatMap(({ id, title }, index) => {
    const first: Line = [plain('  '), dim((heads[index] ?? '').padEnd(headWidth))];
    if (isNarrow) return wrap([plain(title), dim(` (${id})`)], { columns, first });
    return wrap(title, { columns, first: [...first, dim(id.padEnd(idWidth))] });
  });
  const signs = (Object.keys(SIGNS) as CellKind[])
    .filter((kind) => used.has(kind) && kind !== 'pass')
    .map((kind) => `${SIGNS[kind][wording]} = ${SIGNS[kind].meaning}`);
  return [...entries, ...(signs.length > 0 ? wrap([dim(signs.join('; '))], { columns, first: [plain('  ')] }) : [])];
}
