// Facts are found in evidence, not stored in it, and many rows look for the same ones. Evidence never changes, so what
// a pure reading found in a value stays right, and is found once.
//
// Decided here: only the latest values are remembered. Rows ask about one domain after the other, and a WeakMap keeps
// what it holds until the next full collection: memory then grows with the length of the list.

/** As many values as one domain has at once: evidence and endpoints. */
const MOST_KEPT = 8;

/** The same reading, done once a value, for pure functions alone; `mostKept` values are remembered. */
export function readOnce<Value extends object, Found>(
  read: (value: Value) => Found,
  mostKept = MOST_KEPT,
): (value: Value) => Found {
  const known = new Map<Value, { readonly found: Found }>();
  return (value) => {
    const before = known.get(value);
    if (before !== undefined) return before.found;
    const found = read(value);
    if (known.size >= mostKept) known.clear();
    known.set(value, { found });
    return found;
  };
}
