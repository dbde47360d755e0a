// What could not be told, by cause, and what would settle it. A doubt accuses nobody.
import { CATALOGUE } from '../requirements/index.js';
import { wasReached } from '../requirements/observe.js';
import type { RetryPath } from '../requirements/requirement.js';
import { isSum } from './counting.js';
import { grouped, isAt, listed, placesOf, seenBlocks, sentenceOf } from './groups.js';
import {
  columnsOf,
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
import { isShown } from './shown.js';
import { DOUBTS, RETRY_PATHS, SIGNS, type Doubt } from './words.js';

/** Inconclusive findings, each cause once. */
export function renderDoubts(report: DomainReport, style: TextStyle): readonly Line[] {
  const open = report.judgements.filter(
    (judgement) => judgement.verdict === 'inconclusive' && isShown(judgement, report.evidence),
  );
  // What is said of an address that was reached is told apart from what is said of one that was not.
  const { endpoints } = report.evidence;
  const isReached = (judgement: Judgement): boolean =>
    endpoints.some((endpoint) => (judgement.host === undefined || isAt(judgement, endpoint)) && wasReached(endpoint));
  return grouped(open, (judgement) => `${judgement.cause} ${isReached(judgement)}`).flatMap((group) => [
    EMPTY_LINE,
    ...renderDoubt(group, report, style),
  ]);
}

function renderDoubt(group: readonly Judgement[], report: DomainReport, style: TextStyle): readonly Line[] {
  const columns = columnsOf(style);
  const { heading, settle }: Doubt = DOUBTS[group[0]?.cause ?? 'not-asked'];
  const { word, tone } = SIGNS.inconclusive;
  const ids = [...new Set(group.map(({ requirement }) => requirement))];
  const isVerbose = style.detail === 'verbose';
  const samples = samplesOf(group);
  const shown = isVerbose ? samples : samples.slice(0, 2);
  const hidden = samples.length - shown.length;
  return [
    ...wrap([plain('Could not be told: '), strong(heading)], { columns, first: [{ text: word, tone }, plain('  ')] }),
    ...labelled('where', [placesOf(group, report.evidence, style)], columns),
    ...labelled('about', [listed(ids, isVerbose ? ids.length : 3, 'more requirement')], columns),
    ...labelled(
      'seen',
      [
        ...shown.flatMap((judgement) => seenBlocks(judgement, style)),
        ...(hidden > 0 ? ['(and the like: -v shows all)'] : []),
      ],
      columns,
    ),
    ...labelled('what settles it', settleBlocks(group, settle, report), columns),
  ];
}

/** Judgements that stand for the others: no two that tell the same, and none that only sums up where another does not. */
function samplesOf(group: readonly Judgement[]): readonly Judgement[] {
  const plainOnes = group.filter((judgement) => !isSum(judgement));
  const samples: Judgement[] = [];
  for (const judgement of plainOnes.length > 0 ? plainOnes : group) {
    const tellsTheSame = (other: Judgement): boolean =>
      sentenceOf(judgement).endsWith(sentenceOf(other)) && codeOf(judgement) === codeOf(other);
    if (!samples.some(tellsTheSame)) samples.push(judgement);
  }
  return samples;
}

function codeOf({ exchanges }: Judgement): string {
  const [first] = exchanges;
  return `${first?.reply?.code ?? first?.outcome} ${first?.reply?.enhanced}`;
}

/** Of the ways that fit the cause, those that the rows name; where they name none of them, the first that fits. */
function settleBlocks(group: readonly Judgement[], settle: Doubt['settle'], report: DomainReport): readonly Block[] {
  if (group[0]?.cause === 'not-asked') return askingBlocks(group, report);
  const named = new Set<RetryPath>(
    CATALOGUE.filter(({ id }) => group.some(({ requirement }) => requirement === id)).flatMap(({ retry }) => retry),
  );
  const fitting = settle.filter((way) => typeof way !== 'string' || named.has(way));
  return (fitting.length > 0 ? fitting : settle.slice(0, 1)).map((way) =>
    typeof way === 'string' ? RETRY_PATHS[way] : way.say,
  );
}

/** What would have been asked in another run: that depends on what kept this one from it. */
function askingBlocks(group: readonly Judgement[], { evidence }: DomainReport): readonly Block[] {
  const { interrupted, probe } = evidence;
  const rows = CATALOGUE.filter(({ id }) => group.some(({ requirement }) => requirement === id));
  const delivering = rows.filter(({ safety }) => safety === 'deliver');
  const ways = [
    ...(interrupted ? ['Let the run finish.'] : []),
    ...(delivering.length > 0 ? ['One message is sent for a domain, where a mail host takes the recipient.'] : []),
    ...(probe.given && rows.length > delivering.length
      ? ['With --host the DNS is not asked: what rests on it is told where the domain alone is named.']
      : []),
    ...(rows.every(({ id }) => probe.asked.includes(id)) ? [] : ['Select it with --only, or say --profile rfc5321.']),
  ];
  return ways.length > 0 ? ways : ['Run again; -v shows what kept this run from asking.'];
}
