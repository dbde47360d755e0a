// What does not hold, requirement by requirement: what is demanded, what was seen, why it matters, how to mend it.
import { CATALOGUE } from '../requirements/index.js';
import { openingRepliesOf } from '../requirements/observe.js';
import type { MailServer, Requirement } from '../requirements/requirement.js';
import { isAside, isSum, sayWeight, shownAs } from './counting.js';
import { grouped, isAt, likeness, placesOf, seenBlocks } from './groups.js';
import {
  columnsOf,
  dim,
  EMPTY_LINE,
  labelled,
  plain,
  strong,
  wrap,
  type Block,
  type Line,
  type TextStyle,
} from './layout.js';
import type { DomainReport, Judgement } from './report.js';
import { FIRST_REMEDIES, MAIL_SERVERS, saySource, SIGNS } from './words.js';

/** Failures and then warnings, each requirement once; last what does not count, waived or known from before. */
export function renderFailures(report: DomainReport, style: TextStyle): readonly Line[] {
  return (['fail', 'warn', 'waived', 'known'] as const).flatMap((kind) => {
    const found = report.judgements.filter((judgement) => shownAs(judgement) === kind);
    const groups = grouped(found, (judgement) => `${judgement.requirement} ${sayWeight(judgement)}`);
    // Rows that sum up what other rows say are one sentence each: those are told in full, here or among the doubts.
    return groups.flatMap((group) => [
      EMPTY_LINE,
      ...(rowOf(group)?.scope === 'aggregate' ? renderSum(group, style) : renderGroup(group, report, style)),
    ]);
  });
}

const rowOf = ([first]: readonly Judgement[]): Requirement | undefined =>
  CATALOGUE.find(({ id }) => id === first?.requirement);

function renderGroup(group: readonly Judgement[], report: DomainReport, style: TextStyle): readonly Line[] {
  const row = rowOf(group);
  const [first] = group;
  if (row === undefined || first === undefined) return [];
  const columns = columnsOf(style);
  const { quote } = row.source;
  const seen = grouped(group, likeness).flatMap((same) => renderSeen(same, report, style));
  // Who waived it knows what it is and why it matters.
  if (isAside(first)) return [...heading(row, first, columns), ...seen, ...weightOf(first, columns)];
  const isShort = isToldInShort(first, report, style);
  return [
    ...heading(row, first, columns),
    ...(isShort
      ? []
      : labelled('expected', [row.demand, [plain(`"${quote}"`), dim(` (${saySource(row.source, ', ')})`)]], columns)),
    ...seen,
    ...weightOf(first, columns),
    ...(isShort ? [] : labelled('why it matters', [row.rationale], columns)),
    ...labelled('how to fix', remedyBlocks(row, group, report, isShort, style), columns),
  ];
}

/** A warning that decides nothing must not bury what does: what was seen and what to change, and a pointer to the rest. */
const isToldInShort = (judgement: Judgement, { deciding }: DomainReport, { detail }: TextStyle): boolean =>
  detail === 'normal' && shownAs(judgement) === 'warn' && !deciding.includes(judgement.requirement);

/** Where the rest stands of the warnings that are told in short, or null where none is. */
export function whereWarningsAreExplained(report: DomainReport, style: TextStyle): string | null {
  const short = report.judgements.find((one) => isToldInShort(one, report, style) && !isSum(one));
  return short === undefined
    ? null
    : `What a warning rests on, and why it matters: -v, or postmaster-check requirements ${short.requirement}`;
}

function weightOf(judgement: Judgement, columns: number): readonly Line[] {
  const said = sayWeight(judgement);
  return said === '' ? [] : labelled('counts', [said], columns);
}

function heading({ title, id, level, source }: Requirement, judgement: Judgement, columns: number): readonly Line[] {
  const { word, tone } = SIGNS[shownAs(judgement)];
  const place = `${id}: ${level}, ${saySource(source)}`;
  return [
    ...wrap([strong(title)], { columns, first: [{ text: word, tone }, plain('  ')] }),
    ...wrap([dim(place)], { columns, first: [plain('      ')] }),
  ];
}

function renderSeen(same: readonly Judgement[], report: DomainReport, style: TextStyle): readonly Line[] {
  const [first] = same;
  if (first === undefined) return [];
  const columns = columnsOf(style);
  const texts = new Set(same.map(({ exchanges }) => exchanges[0]?.reply?.lines.join('\n')));
  const note =
    texts.size > 1 ? [[dim(`(the reply of the first of ${same.length}; the text of the others differs)`)]] : [];
  return [
    ...labelled('where', [[strong(placesOf(same, report.evidence, style))]], columns),
    ...labelled('seen', [...seenBlocks(first, style), ...note], columns),
  ];
}

/** The general remedy, and that of the servers that were recognised; with -v, that of all. */
function remedyBlocks(
  { remedy, id }: Requirement,
  group: readonly Judgement[],
  report: DomainReport,
  isShort: boolean,
  style: TextStyle,
): readonly Block[] {
  const known = (Object.keys(MAIL_SERVERS) as MailServer[]).filter((server) => remedy[server] !== undefined);
  const recognised = known.filter((server) => recognisedAt(group, report).has(server));
  const shown = style.detail === 'verbose' ? known : recognised;
  const hidden = known.length - shown.length;
  const cause = group[0]?.cause;
  const first = cause === undefined ? undefined : FIRST_REMEDIES[cause];
  return [
    ...(first === undefined ? [] : [first]),
    remedy.general,
    ...shown.map((server): Block => [strong(`${MAIL_SERVERS[server].name}:`), plain(` ${remedy[server] ?? ''}`)]),
    ...(hidden > 0 && !isShort
      ? [[dim(`For ${shown.length > 0 ? 'other' : 'the common'} mail servers: postmaster-check requirements ${id}`)]]
      : []),
  ];
}

/** The mail servers that the opening replies at these places name. */
function recognisedAt(group: readonly Judgement[], { evidence }: DomainReport): ReadonlySet<MailServer> {
  const texts = evidence.endpoints
    .filter((endpoint) => group.some((judgement) => isAt(judgement, endpoint)))
    .flatMap((endpoint) => openingRepliesOf(endpoint).map(({ what }) => what.lines.join(' ')));
  const servers = Object.keys(MAIL_SERVERS) as MailServer[];
  return new Set(servers.filter((server) => texts.some((text) => MAIL_SERVERS[server].greeting.test(text))));
}

function renderSum(group: readonly Judgement[], style: TextStyle): readonly Line[] {
  const [first] = group;
  const row = rowOf(group);
  if (first === undefined || row === undefined) return [];
  const { word, tone } = SIGNS[shownAs(first)];
  const columns = columnsOf(style);
  return [
    ...wrap([strong(row.title), plain(`: ${first.because}`)], { columns, first: [{ text: word, tone }, plain('  ')] }),
    ...wrap([dim(`${row.id}: ${row.level}, ${saySource(row.source)}`)], {
      columns,
      first: [plain('      ')],
    }),
    ...weightOf(first, columns),
  ];
}
