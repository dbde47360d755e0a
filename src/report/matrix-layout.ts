// How wide a matrix is: words or letters as heads, the mail host beside its address or above it, one table or several.
import type { Requirement } from '../requirements/requirement.js';
import { SIGNS, type CellKind } from './words.js';

/** One address of a mail host: a cell for each column, or a sentence where there was no session to ask in. */
export interface Row {
  readonly preference: string;
  readonly host: string;
  readonly address: string;
  readonly cells: readonly CellKind[];
  readonly instead: string | null;
}

/** The least room for an address. */
const LEAST_LABEL = 22;

/** How a matrix is drawn; all its bands alike. */
export interface Layout {
  /** Where addresses, or on one line the mail hosts, begin. */
  readonly margin: number;
  /** The width of the mail hosts where they share a line with the address, else null. */
  readonly hostWidth: number | null;
  /** Where the cells begin. */
  readonly label: number;
  readonly cell: number;
  readonly perBand: number;
  readonly wording: 'word' | 'short';
}

/** Words as heads where they fit in one table with the cells written out, else letters. */
export function layOutWithHeads(
  rows: readonly Row[],
  requirements: readonly Requirement[],
  used: ReadonlySet<CellKind>,
  columns: number,
): { readonly layout: Layout; readonly heads: readonly string[] } {
  const words = requirements.flatMap(({ short }) => short ?? []);
  const widest = Math.max(0, ...words.map(({ length }) => length));
  const layout = layOut(rows, requirements.length, used, columns, widest);
  if (words.length === requirements.length && layout.perBand >= requirements.length && layout.wording === 'word') {
    return { layout, heads: words };
  }
  const letters = requirements.map((_, index) =>
    requirements.length > 26 ? String(index + 1) : String.fromCharCode(65 + index),
  );
  return { layout: layOut(rows, requirements.length, used, columns, 1), heads: letters };
}

/** From roomy to narrow: the first that fits whole, then the first that fits with cut addresses, then several bands. */
function layOut(
  rows: readonly Row[],
  count: number,
  used: ReadonlySet<CellKind>,
  columns: number,
  head: number,
): Layout {
  const longest = (some: readonly string[]): number => Math.max(0, ...some.map(({ length }) => length));
  const preference = longest(rows.map((row) => row.preference));
  const margin = 2 + (preference > 0 ? preference + 2 : 0);
  const hostWidth = longest(rows.map(({ host }) => host)) + 2;
  const address = margin + longest(rows.map((row) => row.address)) + 2;
  const ways = (
    [
      ['word', 2],
      ['word', 1],
      ['short', 1],
    ] as const
  ).map(([wording, gap]) => {
    const cell = Math.max(head, longest([...used].map((kind) => SIGNS[kind][wording]))) + gap;
    return { margin, cell, perBand: Math.max(1, count), wording, room: columns - count * cell + gap };
  });
  for (const { room, ...way } of ways) {
    if (address + hostWidth <= room) return { ...way, hostWidth, label: address + hostWidth };
    if (address <= room) return { ...way, hostWidth: null, label: address };
  }
  for (const { room, ...way } of ways) {
    if (room >= LEAST_LABEL) return { ...way, hostWidth: null, label: room };
  }
  const label = Math.min(address, Math.max(LEAST_LABEL, Math.floor(columns / 2)));
  const cell = longest([...used].map((kind) => SIGNS[kind].short)) + 1;
  return {
    margin,
    cell,
    wording: 'short',
    hostWidth: null,
    label,
    perBand: Math.max(1, Math.floor((columns - label + 1) / cell)),
  };
}
