// Lists the catalogue, or explains requirements, as text, JSON or Markdown.
import { CATALOGUE } from '../requirements/index.js';
import { matching } from '../requirements/selection.js';
import type { Requirement, RequirementText } from '../requirements/requirement.js';
import { UsageError } from '../smtp/usage-error.js';
import { standardOutput } from './streams.js';
import { screenColumns, wantsColour } from './writers.js';

interface Flags {
  readonly json?: true;
  readonly markdown?: true;
  readonly color: boolean;
}

/** Prints the rows; always 0, a selector that matches nothing is a UsageError. */
export async function requirements(selectors: readonly string[], flags: Flags): Promise<number> {
  if (flags.json === true && flags.markdown === true) throw new UsageError('--json and --markdown exclude each other');
  const chosen = new Set(selectors.flatMap((selector) => matching(selector)));
  const rows = selectors.length === 0 ? CATALOGUE : CATALOGUE.filter((row) => chosen.has(row));
  const out = standardOutput(() => undefined);
  if (flags.json === true) {
    await out.write(`${JSON.stringify({ schemaVersion: 1, requirements: rows.map(toText) }, null, 2)}\n`);
    return 0;
  }
  const { renderCatalogue, renderMarkdown, renderRequirement } = await import('../report/explain.js');
  const style = { columns: screenColumns(), colour: wantsColour(flags), detail: 'normal' } as const;
  if (flags.markdown === true) await out.write(renderMarkdown(rows));
  else if (selectors.length === 0) await out.write(renderCatalogue(rows, style));
  else await out.write(rows.map((row) => renderRequirement(row, style)).join('\n'));
  return 0;
}

/** A row without its rule. */
function toText({ scope: _scope, judge: _judge, ...text }: Requirement): RequirementText {
  return text;
}
