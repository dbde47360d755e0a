// The text report, made to be read by somebody who was woken up: first the verdict in a sentence, then a matrix, then
// each failure with what to do about it, then what could not be told and why. The only file that knows colour.
//
// Peer text is escaped where it is put into words (visible), and once more here, where nothing but printable text
// passes. Colour is given line by line at the very end: with and without it the words are the same.
import { Chalk, type ChalkInstance } from 'chalk';
import { isPermanentNegative } from '../smtp/reply.js';
import { visible } from '../smtp/visible.js';
import { isSum, isViolation, sayAside, sayRaised } from './counting.js';
import { renderDoubts } from './doubts.js';
import { renderFailures, whereWarningsAreExplained } from './failures.js';
import { placeOf } from './groups.js';
import { columnsOf, dim, EMPTY_LINE, plain, printable, wrap, type Line, type TextStyle, type Tone } from './layout.js';
import { renderMatrix } from './matrix.js';
import { othersThatHold, remarksOf } from './remarks.js';
import { DOMAIN_VERDICTS, type DomainReport, type Judgement } from './report.js';
import { renderJudgements, renderTranscripts } from './verbose.js';
import { CLOSING, counted, HEADLINES } from './words.js';

export type { TextStyle } from './layout.js';

/** One domain. With `quiet` the verdict alone, on one line however long it is: one line a domain is what scripts want. */
export function renderDomain(report: DomainReport, style: TextStyle): string {
  const columns = columnsOf(style);
  const headline = { text: headlineOf(report, style), tone: HEADLINES[report.verdict].tone };
  if (style.detail === 'quiet') return paint([[headline]], style);
  const isVerbose = style.detail === 'verbose';
  const holding = isVerbose ? null : othersThatHold(report);
  const remarks = [...remarksOf(report), whereWarningsAreExplained(report, style), holding].filter(
    (one) => one !== null,
  );
  return paint(
    [
      ...wrap([headline], { columns }),
      EMPTY_LINE,
      ...renderMatrix(report, style),
      ...renderFailures(report, style),
      ...renderDoubts(report, style),
      ...(remarks.length > 0 ? [EMPTY_LINE] : []),
      ...remarks.flatMap((remark) => wrap(remark, { columns, first: [plain('- ')] })),
      ...(isVerbose ? [...renderJudgements(report, style), ...renderTranscripts(report, style)] : []),
      EMPTY_LINE,
      ...wrap([dim(CLOSING)], { columns }),
    ],
    style,
  );
}

/** How many domains came to each verdict. */
export function renderSummary(reports: readonly Pick<DomainReport, 'verdict'>[], style: TextStyle): string {
  const columns = columnsOf(style);
  const counts = DOMAIN_VERDICTS.flatMap((verdict) => {
    const count = reports.filter((report) => report.verdict === verdict).length;
    return count === 0 ? [] : [{ text: ` ${count} ${verdict},`, tone: HEADLINES[verdict].tone }];
  });
  const last = counts.at(-1);
  const shown = last === undefined ? counts : [...counts.slice(0, -1), { ...last, text: last.text.replace(/,$/, '.') }];
  return paint(wrap([plain(`${counted(reports.length, 'domain')}:`), ...shown], { columns }), style);
}

/** The verdict in one sentence. */
function headlineOf(report: DomainReport, style: TextStyle): string {
  const failure = report.verdict === 'violates' ? failureOf(report) : null;
  const why = failure === null ? report.because : sayFailure(failure, report);
  const sentence = HEADLINES[report.verdict].say(subjectOf(report, style), why, failure?.source ?? 'RFC 5321');
  const others = otherFailures(report, failure);
  const aside = failure === null ? '' : sayAside(report.judgements);
  if (others === 0) return `${sentence}${aside}`;
  return `${sentence}; ${counted(others, 'other requirement fails', 'other requirements fail')}${aside}`;
}

/** The domain, with its Unicode name where it has another one; without a domain, the hosts that were named. */
function subjectOf({ domain, evidence }: DomainReport, { unicode = true }: TextStyle): string {
  if (domain === null)
    return [...new Set(evidence.route.hosts.map(({ host }) => visible(host)))].join(', ') || 'the mail host';
  const other = evidence.unicode;
  return other !== null && other !== domain && unicode ? `${visible(domain)} (${other})` : visible(domain);
}

/** The failure that a headline names: the first that decides, of a mail host before one of the domain. */
function failureOf({ judgements, deciding }: DomainReport): Judgement | null {
  const failed = judgements.filter((one) => isViolation(one) && deciding.includes(one.requirement));
  return failed.find(({ host }) => host !== undefined) ?? failed[0] ?? null;
}

function sayFailure(failure: Judgement, { judgements, evidence }: DomainReport): string {
  const same = judgements.filter(
    (one) => one.requirement === failure.requirement && isViolation(one) && one.host !== undefined,
  );
  const rest = same.length - 1;
  const raised = sayRaised(failure);
  const others =
    rest > 0 ? `; so ${rest === 1 ? 'does 1 more' : `do ${rest} more`} of ${evidence.endpoints.length} addresses` : '';
  const place = failure.host === undefined ? '' : placeOf(failure, evidence);
  const [deciding] = failure.exchanges;
  const refused = /^RCPT TO:(<.*>)$/.exec(deciding?.command ?? '')?.[1];
  const isTold = refused === undefined || deciding === undefined || deciding.reply === null;
  if (isTold || place === '' || !isRefusal(deciding.reply)) {
    return `${place === '' ? '' : `${place}: `}${failure.because}${others}${raised}`;
  }
  const { code, lines } = deciding.reply;
  const text = visible(`${code} ${lines.join(' ').replaceAll(/\s+/g, ' ').trim()}`);
  return `${place} refuses ${visible(refused)}: "${text.length > 120 ? `${text.slice(0, 117)}...` : text}"${others}${raised}`;
}

const isRefusal = ({ code }: { readonly code: number }): boolean =>
  isPermanentNegative({ code, enhanced: null, lines: [], raw: '', defects: [] });

/** Requirements that fail beside the one of the headline. Rows that sum up others are not counted beside them. */
function otherFailures({ judgements }: DomainReport, named: Judgement | null): number {
  const failing = new Set(judgements.filter(isViolation).map(({ requirement }) => requirement));
  const plainOnes = [...failing].filter((id) => !isSum({ requirement: id }));
  return (plainOnes.length > 0 ? plainOnes : [...failing]).filter((id) => id !== named?.requirement).length;
}

/** Lines as text, each with its end; the one place where a tone becomes a colour. */
export function paint(lines: readonly Line[], { colour }: TextStyle): string {
  // A level of its own: the environment is not asked, that was done where `colour` was decided.
  const tones = colour ? tonesOf(new Chalk({ level: 1 })) : null;
  return lines
    .map((line) => `${line.map(({ text, tone }) => paintSpan(printable(text), tone, tones)).join('')}\n`)
    .join('');
}

type Tones = Readonly<Record<Tone, (text: string) => string>>;

function paintSpan(text: string, tone: Tone, tones: Tones | null): string {
  return tones === null || text.trim() === '' ? text : tones[tone](text);
}

function tonesOf(chalk: ChalkInstance): Tones {
  return {
    plain: (text) => text,
    strong: chalk.bold,
    good: chalk.green,
    bad: chalk.bold.red,
    doubt: chalk.yellow,
    dim: chalk.dim,
  };
}
