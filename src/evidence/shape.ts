// Shapes of JSON values, checked: a few combinators, enough for evidence that somebody else may have edited.
// A shape says where a value is wrong; what it does not name it lets through, so that newer files keep loading.
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';

/** The value of a JSON text; a UsageError with the name of the file where it is none. */
export function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UsageError(`${name} is no JSON`);
  }
}

/** Checks a value; the first thing wrong with it, with its path, or null. */
export type Shape = (value: unknown, path: string) => string | null;

const wrong = (path: string, wanted: string): string => `${path === '' ? 'the document' : path} is not ${wanted}`;

export const string: Shape = (value, path) => (typeof value === 'string' ? null : wrong(path, 'a string'));
export const boolean: Shape = (value, path) => (typeof value === 'boolean' ? null : wrong(path, 'true or false'));
export const number: Shape = (value, path) =>
  typeof value === 'number' && Number.isFinite(value) ? null : wrong(path, 'a number');

/** One of these strings. */
export const oneOf =
  (...words: readonly string[]): Shape =>
  (value, path) =>
    typeof value === 'string' && words.includes(value) ? null : wrong(path, `one of ${words.join(', ')}`);

/** Null, or the shape. */
export const nullable =
  (shape: Shape): Shape =>
  (value, path) =>
    value === null ? null : shape(value, path);

/** Absent, or the shape. */
export const optional =
  (shape: Shape): Shape =>
  (value, path) =>
    value === undefined ? null : shape(value, path);

/** A list of the shape, with no more than so many members. */
export const list =
  (shape: Shape, most = Number.POSITIVE_INFINITY): Shape =>
  (value, path) => {
    if (!Array.isArray(value)) return wrong(path, 'a list');
    if (value.length > most) return wrong(path, `a list of at most ${most}`);
    for (const [index, item] of value.entries()) {
      const problem = shape(item, `${path}[${index}]`);
      if (problem !== null) return problem;
    }
    return null;
  };

/** An object whose members, whatever their names, have the shape. */
export const mapOf =
  (shape: Shape): Shape =>
  (value, path) => {
    if (!isRecord(value)) return wrong(path, 'an object');
    for (const [name, member] of Object.entries(value)) {
      const problem = shape(member, `${path}["${visible(name)}"]`);
      if (problem !== null) return problem;
    }
    return null;
  };

/** An object with at least these members. */
export const object =
  (members: Readonly<Record<string, Shape>>): Shape =>
  (value, path) => {
    if (!isRecord(value)) return wrong(path, 'an object');
    for (const [name, shape] of Object.entries(members)) {
      const problem = shape(
        Object.hasOwn(value, name) ? value[name] : undefined,
        path === '' ? name : `${path}.${name}`,
      );
      if (problem !== null) return problem;
    }
    return null;
  };

/** An object with these members and no others: one that is misspelt in a file of the user's would be left out in silence. */
export const closed =
  (members: Readonly<Record<string, Shape>>): Shape =>
  (value, path) => {
    const problem = object(members)(value, path);
    if (problem !== null) return problem;
    const unknown = Object.keys(value as object).find((name) => !Object.hasOwn(members, name));
    if (unknown === undefined) return null;
    return `${path === '' ? 'it' : path} has a member "${visible(unknown)}"; known are ${Object.keys(members).join(', ')}`;
  };

/** A union: the member `tag` says which object it is. */
export const union =
  (tag: string, members: Readonly<Record<string, Shape>>): Shape =>
  (value, path) => {
    const which = isRecord(value) && Object.hasOwn(value, tag) ? value[tag] : undefined;
    if (typeof which !== 'string' || !Object.hasOwn(members, which)) {
      return wrong(`${path}.${tag}`, `one of ${Object.keys(members).join(', ')}`);
    }
    return members[which]?.(value, path) ?? null;
  };

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
