// What -v adds: every judgement, and every session as it went.
import type { Attempt, EndpointEvidence } from '../evidence/transcript.js';
import { visible } from '../smtp/visible.js';
import { sayWeight, shownAs } from './counting.js';
import { grouped, placeOf } from './groups.js';
import { transcriptLines, type JsonTranscriptLine } from './json.js';
import { inReportOrder } from './judge.js';
import { columnsOf, dim, EMPTY_LINE, plain, strong, wrap, wrapVerbatim, type Line, type TextStyle } from './layout.js';
import type { DomainReport } from './report.js';
import { nameOf } from '../requirements/observe.js';
import { PURPOSES, SIGNS } from './words.js';

/** Every judgement, those too that do not apply or were not asked. */
export function renderJudgements(report: DomainReport, style: TextStyle): readonly Line[] {
  const columns = columnsOf(style);
  return [
    EMPTY_LINE,
    [strong('All judgements')],
    ...grouped(report.judgements, ({ requirement }) => requirement).flatMap((group) => [
      ...wrap(
        [
          plain(group[0]?.requirement ?? ''),
          dim(` ${group[0]?.level ?? ''}, ${group[0]?.source ?? ''} ${group[0]?.section ?? ''}`),
        ],
        {
          columns,
          first: [plain('  ')],
        },
      ),
      ...group.flatMap((judgement) => {
        const { word, tone } = SIGNS[judgement.cause === 'not-asked' ? 'not-asked' : shownAs(judgement)];
        const weight = sayWeight(judgement);
        const how = [
          ...[judgement.cause, judgement.evidence].filter((one) => one !== undefined),
          ...(weight === '' ? [] : [`counts: ${weight}`]),
        ].join(', ');
        const where = judgement.host === undefined ? '' : `${placeOf(judgement, report.evidence)}: `;
        const content = [plain(`${where}${judgement.because}`), ...(how === '' ? [] : [dim(` (${how})`)])];
        return wrap(content, { columns, first: [plain('    '), { text: `${word} `.padEnd(6), tone }] });
      }),
    ]),
  ];
}

/** Every session, with the time since it began: `C:` is the probe, `S:` the host, `--` what is no line. */
export function renderTranscripts(report: DomainReport, style: TextStyle): readonly Line[] {
  return inReportOrder(report.evidence).flatMap((endpoint) =>
    endpoint.attempts.flatMap((attempt, index) => [EMPTY_LINE, ...renderSession(endpoint, attempt, index, style)]),
  );
}

function renderSession(endpoint: EndpointEvidence, attempt: Attempt, index: number, style: TextStyle): readonly Line[] {
  const columns = columnsOf(style);
  const what = `, ${PURPOSES[attempt.plan.purpose]}, ${visible(attempt.startedAt)}`;
  return [
    ...wrap([strong(`Session ${index + 1} with ${nameOf(endpoint)} port ${endpoint.port}`), dim(what)], {
      columns,
      hang: 4,
    }),
    ...transcriptLines(attempt).flatMap(({ afterMs, from, line }) => {
      const time = `${(afterMs / 1000).toFixed(3)} s`.padStart(11);
      const first: Line = [dim(time), dim(`  ${MARKS[from]} `)];
      return from === 'note'
        ? wrap([dim(visible(line))], { columns, first })
        : wrapVerbatim(visible(line), { columns, first });
    }),
  ];
}

const MARKS = { host: 'S:', probe: 'C:', note: '--' } as const satisfies Record<JsonTranscriptLine['from'], string>;
