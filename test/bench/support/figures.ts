// What a benchmark prints: a figure a line, each with its target, and at the end whether every run was right. A figure
// over its target is told and fails nothing: machines differ, runs that go wrong do not.

/** The figures of one benchmark. */
export class Figures {
  #right = 0;
  readonly #wrong: string[] = [];

  heading(text: string): void {
    console.log(`\n${text}`);
  }

  /** A line of its own below a figure: how it comes about. */
  note(text: string): void {
    console.log(`    ${text}`);
  }

  /** A figure, and where there is a target whether it is kept. */
  figure(name: string, value: number, unit: string, target?: { readonly atMost: number }): void {
    const shown = `${value.toFixed(value < 100 ? 2 : 0)} ${unit}`;
    const verdict = target === undefined ? '' : `at most ${target.atMost}: ${value <= target.atMost ? 'PASS' : 'over'}`;
    console.log(`  ${name.padEnd(46)} ${shown.padStart(18)}   ${verdict}`.trimEnd());
  }

  /** Counts a run as right, or as wrong for these reasons. */
  ran(name: string, faults: readonly string[]): void {
    if (faults.length === 0) this.#right += 1;
    else this.#wrong.push(`${name}: ${faults.join('; ')}`);
  }

  /** The last lines; the exit code of the benchmark is 1 where a run was wrong. */
  end(): void {
    console.log('');
    for (const line of this.#wrong) console.log(`WRONG ${line}`);
    console.log(`runs: ${this.#right} right, ${this.#wrong.length} wrong`);
    process.exitCode = this.#wrong.length > 0 ? 1 : 0;
  }
}
