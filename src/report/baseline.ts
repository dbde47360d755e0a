// Baselines: the violations that were there before, so that only new ones count. One a mail host, not one an address:
// a host that moves is no new violation.
import { list, nullable, number, object, oneOf, parseJson, string } from '../evidence/shape.js';
import { UsageError } from '../smtp/usage-error.js';

/** A violation as a baseline keeps it; `domain` and `host` are null where it is of none. */
export interface KnownViolation {
  readonly domain: string | null;
  readonly host: string | null;
  readonly requirement: string;
  readonly cause: string;
}

const BASELINE_VERSION = 1;

const shape = object({
  schemaVersion: number,
  kind: oneOf('baseline'),
  violations: list(object({ domain: nullable(string), host: nullable(string), requirement: string, cause: string })),
});

/** Violations, each once. */
export class Baseline {
  readonly #entries = new Map<string, KnownViolation>();

  constructor(violations: Iterable<KnownViolation> = []) {
    for (const one of violations) this.add(one);
  }

  add({ domain, host, requirement, cause }: KnownViolation): void {
    const one = { domain, host, requirement, cause };
    this.#entries.set(keyOf(one), one);
  }

  has(violation: KnownViolation): boolean {
    return this.#entries.has(keyOf(violation));
  }

  /** All, by domain, mail host, requirement and cause. */
  get violations(): readonly KnownViolation[] {
    return [...this.#entries].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, violation]) => violation);
  }
}

const keyOf = ({ domain, host, requirement, cause }: KnownViolation): string =>
  JSON.stringify([domain ?? '', host ?? '', requirement, cause]);

/** The text of a baseline file: sorted, a violation a line, and nothing that differs from run to run. */
export function encodeBaseline({ violations }: Baseline): string {
  const lines = violations.map((one) => `    ${JSON.stringify(one)}`);
  const all = lines.length === 0 ? '[]' : `[\n${lines.join(',\n')}\n  ]`;
  return `{\n  "schemaVersion": ${BASELINE_VERSION},\n  "kind": "baseline",\n  "violations": ${all}\n}\n`;
}

/** Reads the text of a baseline file; `name` is the file's. A UsageError where it is none. */
export function parseBaseline(text: string, name: string): Baseline {
  const document = parseJson(text, name);
  const head = object({ schemaVersion: number, kind: oneOf('baseline') })(document, '');
  if (head !== null) throw new UsageError(`${name} is no baseline: ${head}`);
  const { schemaVersion, violations } = document as {
    readonly schemaVersion: number;
    readonly violations: readonly KnownViolation[];
  };
  if (schemaVersion > BASELINE_VERSION) {
    throw new UsageError(
      `${name} was made by a newer version (schemaVersion ${schemaVersion}): update postmaster-check`,
    );
  }
  const problem = shape(document, '');
  if (problem !== null) throw new UsageError(`${name} is no baseline: ${problem}`);
  return new Baseline(violations);
}
