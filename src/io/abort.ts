// One listener a signal, for thousands of waits: Node warns at eleven.

const stopsOf = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `stop` when the signal aborts, until forgotten. One listener a signal, for thousands of lines. */
export function onAbort(signal: AbortSignal | undefined, stop: () => void): () => void {
  if (signal === undefined) return () => {};
  let stops = stopsOf.get(signal);
  if (stops === undefined) {
    const created = new Set<() => void>();
    stops = created;
    stopsOf.set(signal, created);
    signal.addEventListener('abort', () => [...created].forEach((each) => each()), { once: true });
  }
  const added = stops;
  added.add(stop);
  return () => added.delete(stop);
}
