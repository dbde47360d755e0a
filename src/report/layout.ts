// Text in columns: lines of spans that carry a tone, wrapped to a width. Pure; what a tone looks like is text.ts's.
// A line is built whole before it is coloured, so colour can change neither a word nor where a line breaks.

/** How a text report is to look. */
export interface TextStyle {
  /** The longest line. Only a single token that cannot be broken is longer. */
  readonly columns: number;
  readonly colour: boolean;
  readonly detail: 'quiet' | 'normal' | 'verbose';
  /** False where the output can show ASCII alone: an internationalized name is then shown in A-labels only. */
  readonly unicode?: boolean;
}

/** What a span of text is for; a terminal may show it by colour, never by colour alone. */
export type Tone = 'plain' | 'strong' | 'good' | 'bad' | 'doubt' | 'dim';

export interface Span {
  readonly text: string;
  readonly tone: Tone;
}

/** One line of output, without its end. */
export type Line = readonly Span[];

export const EMPTY_LINE: Line = [];

/** Narrower than this nothing readable fits; wider lines than this are hard to read. */
const LEAST_COLUMNS = 40;
const MOST_COLUMNS = 120;

export const plain = (text: string): Span => ({ text, tone: 'plain' });
export const strong = (text: string): Span => ({ text, tone: 'strong' });
export const dim = (text: string): Span => ({ text, tone: 'dim' });

/** The width that a style asks for, within what can be read. */
export function columnsOf({ columns }: TextStyle): number {
  if (!Number.isFinite(columns)) return MOST_COLUMNS;
  return Math.min(MOST_COLUMNS, Math.max(LEAST_COLUMNS, Math.floor(columns)));
}

// Hangul, kana, ideographs and full-width forms take two columns; marks that combine take none.
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
const COMBINING = /\p{M}/u;
const ASCII = /^[ -~]*$/;

/** How many columns of a terminal a text takes. */
function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** What stands before a wrapped text: on its first line, and as many spaces on the others. */
export interface Frame {
  readonly columns: number;
  readonly first?: Line;
  /** Spaces before the lines that follow; the width of `first` where it is not said. */
  readonly hang?: number;
}

const lineWidth = (line: Line): number => line.reduce((sum, { text }) => sum + widthOf(text), 0);

/** Wraps prose at spaces. A word longer than a line stays whole: a name that is broken cannot be copied. */
export function wrap(content: string | Line, { columns, first = [], hang = lineWidth(first) }: Frame): readonly Line[] {
  const lines: Line[] = [];
  let line: Span[] = [...first];
  let width = lineWidth(first);
  let isFresh = true;
  for (const word of wordsOf(typeof content === 'string' ? [plain(content)] : content)) {
    const size = lineWidth(word);
    if (!isFresh && width + 1 + size > columns) {
      lines.push(trimmed(line));
      line = [plain(' '.repeat(hang))];
      width = hang;
      isFresh = true;
    }
    if (!isFresh) line.push(plain(' '));
    line.push(...word);
    width += size + (isFresh ? 0 : 1);
    isFresh = false;
  }
  return [...lines, trimmed(line)];
}

/** The words of some spans; one that lies across spans is one word in several tones. */
function wordsOf(content: Line): readonly Line[] {
  const words: Span[][] = [];
  let isOpen = false;
  for (const { text, tone } of content) {
    // What cannot be printed is escaped before it is measured.
    for (const piece of printable(text).split(/( +)/)) {
      if (piece === '') continue;
      if (piece.startsWith(' ')) isOpen = false;
      else if (isOpen) words.at(-1)?.push({ text: piece, tone });
      else {
        words.push([{ text: piece, tone }]);
        isOpen = true;
      }
    }
  }
  return words;
}

/** Wraps octets that must stay as they are: broken behind a space where there is one, anywhere where there is none. */
export function wrapVerbatim(
  text: string,
  { columns, first = [], hang = lineWidth(first) }: Frame,
  tone: Tone = 'plain',
): readonly Line[] {
  const lines: Line[] = [];
  let head: Line = first;
  for (let rest = printable(text); ;) {
    const room = Math.max(8, columns - lineWidth(head));
    if (rest.length <= room) {
      lines.push(trimmed([...head, { text: rest, tone }]));
      return lines;
    }
    const space = rest.lastIndexOf(' ', room);
    const end = space > room / 2 ? space : wholeEscape(rest, room);
    lines.push(trimmed([...head, { text: rest.slice(0, end), tone }]));
    rest = rest.slice(rest[end] === ' ' ? end + 1 : end);
    head = [plain(' '.repeat(hang))];
  }
}

/** Steps back from the middle of an escape such as \x1b, which would mean something else in two halves. */
function wholeEscape(text: string, at: number): number {
  const started = /\\(?:x[0-9a-f]?|u(?:\{[0-9a-f]*)?|)$/.exec(text.slice(0, at));
  return started !== null && started.index > 0 && text[started.index - 1] !== '\\' ? started.index : at;
}

/** A line without the spaces at its end. */
export function trimmed(line: Line): Line {
  const last = line.at(-1);
  if (last === undefined) return line;
  const text = last.text.trimEnd();
  if (text === last.text) return line;
  return text === '' ? trimmed(line.slice(0, -1)) : [...line.slice(0, -1), { ...last, text }];
}

/** A text and its label: side by side where there is room, the label on a line of its own where there is not. */
export function labelled(label: string, content: readonly Block[], columns: number): readonly Line[] {
  const isWide = columns >= 72;
  const hang = isWide ? LABEL_WIDTH : 4;
  const lines: Line[] = isWide ? [] : [[plain('  '), dim(label)]];
  content.forEach((block, index) => {
    const isFirst = isWide && index === 0;
    const indent: Line = isFirst ? [plain('  '), dim(label.padEnd(hang - 2))] : [plain(' '.repeat(hang))];
    lines.push(...renderBlock(block, indent, columns));
  });
  return lines;
}

const LABEL_WIDTH = 18;

/** A paragraph of prose, an item of a list, or octets behind a mark such as `S: `. */
export type Block = string | Line | { readonly bullet: string } | { readonly mark: string; readonly verbatim: string };

function renderBlock(block: Block, indent: Line, columns: number): readonly Line[] {
  if (typeof block === 'string') return wrap(block, { columns, first: indent });
  if ('bullet' in block) return wrap(block.bullet, { columns, first: [...indent, plain('- ')] });
  if (!('verbatim' in block)) return wrap(block, { columns, first: indent });
  return wrapVerbatim(block.verbatim, { columns, first: [...indent, dim(block.mark)] }, 'strong');
}

/** A text cut in its middle: both ends of a host name or an IPv6 address say more than either. */
export function cutMiddle(text: string, most: number): string {
  if (text.length <= most) return text;
  const kept = Math.max(2, most - 3);
  const tail = Math.floor(kept / 2);
  return `${text.slice(0, kept - tail)}...${text.slice(text.length - tail)}`;
}

/** A text cut at its end, which says how much is missing. */
export function cutEnd(text: string, most: number): string {
  return text.length <= most
    ? text
    : `${text.slice(0, most)} [... ${text.length - most} more characters, -v shows them]`;
}

// What would move the cursor, hide text or turn its direction: no letter, mark, digit, punctuation, symbol or space,
// and what Unicode says may be shown as nothing at all (U+2800 is a blank that it counts among the symbols).
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|\p{Default_Ignorable_Code_Point}|\u2800/gu;

/** The last guard before a terminal: what slipped through unescaped comes out as an escape all the same. */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
