// `profiles [name]`: the profiles in a line each, and the requirements of one with what they count for in it.
import type { Requirement } from '../requirements/requirement.js';
import type { Selection } from '../requirements/selection.js';
import { visible } from '../smtp/visible.js';
import { columnsOf, dim, EMPTY_LINE, plain, strong, wrap, type Line, type TextStyle } from './layout.js';
import { paint } from './text.js';
import { counted } from './words.js';

/** A profile for the list of them. */
export interface ProfileLine {
  readonly name: string;
  readonly about: string;
}

/** The profiles, one line each where there is room. */
export function renderProfiles(profiles: readonly ProfileLine[], style: TextStyle): string {
  const columns = columnsOf(style);
  const width = Math.max(...profiles.map(({ name }) => name.length)) + 2;
  const hint =
    'One of them: postmaster-check profiles NAME. As a file to change and to use with --profile FILE: postmaster-check profiles NAME --json';
  return paint(
    [
      ...profiles.flatMap(({ name, about }) =>
        wrap(about, { columns, first: [strong(name), plain(' '.repeat(width - name.length))] }),
      ),
      EMPTY_LINE,
      ...wrap([dim(hint)], { columns }),
    ],
    style,
  );
}

/** The requirements of a selection: those that decide, those asked for beside them, and those judged where seen. */
export function renderProfile(selection: Selection, about: string, style: TextStyle): string {
  const columns = columnsOf(style);
  const { judged, asked, deciding } = selection;
  const isAsked = (row: Requirement): boolean => asked.includes(row);
  const decides = (row: Requirement): boolean => deciding.includes(row);
  const part = (heading: string, rows: readonly Requirement[]): readonly Line[] =>
    rows.length === 0 ? [] : [EMPTY_LINE, ...wrap([strong(heading)], { columns }), ...rows.flatMap(lineOf)];
  const lineOf = (row: Requirement): readonly Line[] => {
    const violation = selection.violations[row.id] ?? row.violation;
    return wrap([plain(row.id), dim(` (${LEVELS[violation]})`)], { columns, first: [plain('  ')], hang: 6 });
  };
  const hint = 'One requirement explained: postmaster-check requirements ID';
  return paint(
    [
      ...wrap([strong(visible(selection.profile)), plain(`: ${about}`)], { columns }),
      ...part(
        'Asked for, and decide',
        judged.filter((row) => isAsked(row) && decides(row)),
      ),
      ...part(
        'Asked for, and decide nothing',
        judged.filter((row) => isAsked(row) && !decides(row)),
      ),
      ...part(
        'Judged where the replies show it, and decide nothing',
        judged.filter((row) => !isAsked(row)),
      ),
      EMPTY_LINE,
      ...wrap([dim(`${counted(judged.length, 'requirement')}. ${hint}`)], { columns }),
    ],
    style,
  );
}

const LEVELS = { fail: 'fails', warn: 'warns', none: 'accuses nobody' } as const;
