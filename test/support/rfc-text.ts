/**
 * The RFC texts in fixtures/rfc, made searchable, so that a test can say that a quote stands in the section it names.
 *
 * The texts are kept as they were published, page breaks and all. A section is its own text: from its heading to the
 * next heading, the subsections not included. Headings are recognised by their order ("4.5.1" can only come after
 * "4.5"), because numbered lists look just like them.
 */
import { readFileSync } from 'node:fs';

const FIXTURES = new URL('../../fixtures/rfc/', import.meta.url);

const HEADING =
  /^(\s*)(?:(\d+(?:\.\d+)*)\.?\s|(?:appendix\s+)?([A-Z](?:\.\d+)*)(?:\.|\s+[-:]|\d\.?)\s)\s*(?=\S*[A-Za-z])/i;

interface Section {
  readonly number: string;
  readonly text: string;
}

const cache = new Map<string, readonly string[]>();

/** The text of `document` ("RFC 5321"), page headers and footers removed, line-end hyphens joined, white space folded. */
export function rfcText(document: string): string {
  return fold(lines(document).join('\n'));
}

/**
 * The text of one section, heading included, in the same form as `rfcText`.
 *
 * `section` is a number ("4.5.1"), an appendix ("F", "F.2") or, in an RFC that does not number, the heading itself
 * ("Minor Special Issues"). Throws when the document or the section is not there.
 */
export function sectionText(document: string, section: string): string {
  const numbered = /^(?:\d+|[A-Z])(?:\.\d+)*$/.test(section);
  const found = numbered ? numberedSection(document, section) : namedSection(document, section);
  if (found === undefined) throw new Error(`${document} has no section ${section}`);
  return fold(found);
}

/** The numbers of all sections of `document`, in order: what `sectionText` finds. */
export function outline(document: string): readonly string[] {
  return sections(lines(document)).map((section) => section.number);
}

/** Whether `quote` occurs in `text`, white space, line-end hyphens and typographic quotation marks aside. */
export function foldedIncludes(text: string, quote: string): boolean {
  const wanted = fold(quote);
  return wanted !== '' && (fold(text).includes(wanted) || unhyphenated(text).includes(unhyphenated(quote)));
}

function fold(text: string): string {
  return text
    .replaceAll(/[\u2018\u2019]/g, "'")
    .replaceAll(/[\u201C\u201D]/g, '"')
    .replaceAll(/(\w)-[ \t]*\n\s*(?=\w)/g, '$1-')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

/** RFC 822 hyphenates words at line ends, the others only break at a hyphen that belongs there: allow both. */
function unhyphenated(text: string): string {
  return fold(text).replaceAll(/(\w)-\s?(?=\w)/g, '$1');
}

function lines(document: string): readonly string[] {
  const cached = cache.get(document);
  if (cached !== undefined) return cached;
  const name = /^RFC (\d+)$/.exec(document)?.[1];
  if (name === undefined) throw new Error(`not the name of an RFC: ${document}`);
  const text = withoutPageBreaks(readFileSync(new URL(`rfc${name}.txt`, FIXTURES), 'utf8'));
  cache.set(document, text);
  return text;
}

function withoutPageBreaks(text: string): readonly string[] {
  const pages = text.replaceAll('\r', '').split('\f');
  return pages.flatMap((page, index) => {
    const kept = page.split('\n').map((line) => line.trimEnd());
    while (kept.at(-1) === '') kept.pop();
    if (isFooter(kept.at(-1))) kept.pop();
    if (index === 0) return kept;
    while (kept[0] === '') kept.shift();
    kept[0] = ''; // the running header
    return kept;
  });
}

function isFooter(line: string | undefined): boolean {
  return line !== undefined && /\[Page \w+\]$|\s- \w+ -\s/.test(line);
}

function numberedSection(document: string, number: string): string | undefined {
  return sections(lines(document)).find((section) => section.number === number)?.text;
}

function sections(text: readonly string[]): readonly Section[] {
  const starts: { number: string; line: number }[] = [];
  // Modern RFCs put headings in the first column; the old ones that indent everything have none there.
  const inFirstColumn = text.filter((line) => /^\d+\.?\s+[A-Z]/.test(line) && !isContentsEntry(line)).length >= 3;
  for (const [line, content] of text.entries()) {
    const heading = HEADING.exec(content);
    const number = heading?.[2] ?? heading?.[3];
    if (heading === null || number === undefined) continue;
    if (line > 0 && text[line - 1] !== '') continue;
    if (isContentsEntry(content) || isContentsEntry(`${content}${text[line + 1] ?? ''}`)) continue;
    if (inFirstColumn && heading[1] !== '' && !number.includes('.')) continue;
    if (!mayFollow(number, starts.at(-1)?.number)) continue;
    starts.push({ number, line });
  }
  return starts.map(({ number, line }, index) => ({
    number,
    text: text.slice(line, starts[index + 1]?.line).join('\n'),
  }));
}

/** A line of a table of contents: leaders, or a page number far to the right. */
function isContentsEntry(line: string): boolean {
  return /\.{3,}|(?:\. ){3,}|\s{3,}\d+$/.test(line);
}

/** Whether heading `number` can come right after heading `previous`: its first child, or the next of it or an ancestor. */
function mayFollow(number: string, previous: string | undefined): boolean {
  if (previous === undefined) return number === '1';
  if (number === `${previous}.1` || number === `${previous}.2`) return true; // RFC 1846 has a 4.2 but no 4.1
  if (number === 'A' && /^\d/.test(previous)) return true;
  const parts = previous.split('.');
  return parts.some((part, depth) => number === [...parts.slice(0, depth), next(part)].join('.'));
}

function next(part: string): string {
  return /^\d+$/.test(part) ? String(Number(part) + 1) : String.fromCodePoint((part.codePointAt(0) ?? 0) + 1);
}

function namedSection(document: string, name: string): string | undefined {
  const text = lines(document);
  const start = text.findIndex((line) => line === name);
  if (start === -1) return undefined;
  const length = text.slice(start + 1).findIndex((line) => /^[A-Z][A-Za-z ]+$/.test(line));
  return text.slice(start, length === -1 ? undefined : start + 1 + length).join('\n');
}
