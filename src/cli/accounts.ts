// --strict, --waive, --baseline and --write-baseline over a run: the files are read before anything is probed, and at the
// end is said which entries of theirs are out of date.
import { accessSync, constants, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Accounting } from '../report/account.js';
import { Baseline, encodeBaseline, parseBaseline, type KnownViolation } from '../report/baseline.js';
import type { DomainReport, Judgement } from '../report/report.js';
import { isAbout, parseWaivers, type Waiver } from '../report/waivers.js';
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';
import { readText } from './files.js';
import type { ReportFlags } from './flags.js';
import { writeWhole } from './streams.js';

/** More entries than this are counted, not listed. */
const MOST_LISTED = 20;

export class Accounts {
  /** What the files and --strict say, for judging. */
  readonly accounting: Accounting;
  readonly #unmatched: Set<Waiver>;
  /** What the baseline knows, by domain. */
  readonly #known = new Map<string | null, readonly KnownViolation[]>();
  readonly #found = new Baseline();
  readonly #gone = new Baseline();
  #isCut = false;
  private readonly flags: ReportFlags;

  /** Reads the files that the flags name; a UsageError where one is not what it should be. */
  constructor(flags: ReportFlags) {
    const { strict = false, waive, baseline, writeBaseline } = flags;
    this.flags = flags;
    this.accounting = {
      strict,
      waivers: waive === undefined ? [] : parseWaivers(readText(waive), visible(waive)),
      // A day that ends everywhere at once: the same file means the same on every machine.
      today: new Date().toISOString().slice(0, 10),
      ...(baseline === undefined ? {} : { baseline: parseBaseline(readText(baseline), visible(baseline)) }),
    };
    this.#unmatched = new Set(this.accounting.waivers);
    for (const one of this.accounting.baseline?.violations ?? []) {
      this.#known.set(one.domain, [...(this.#known.get(one.domain) ?? []), one]);
    }
    if (writeBaseline !== undefined) expectWritable(writeBaseline);
  }

  /** Takes note of what a report uses of the files, and of its violations. */
  add(report: DomainReport): void {
    const { judgements, evidence } = report;
    for (const waiver of this.#unmatched) {
      // Where it could not be told today, the waiver may well be needed tomorrow.
      const isUsed = judgements.some((one) => MAY_BE_WAIVED.has(one.verdict) && isAbout(waiver, one, evidence));
      if (isUsed) this.#unmatched.delete(waiver);
    }
    for (const one of judgements) {
      const violation = violationOf(one, report);
      if (violation !== null && one.waived === null) this.#found.add(violation);
    }
    for (const one of this.#known.get(report.domain) ?? []) if (hasGone(one, report)) this.#gone.add(one);
    if (evidence.interrupted) this.cutShort();
  }

  /** The run does not see all that it should: what it did not find may be there all the same. */
  cutShort(): void {
    this.#isCut = true;
  }

  /** Says what is out of date, and writes the new baseline. A run that was cut short says nothing of what it left out. */
  end(): void {
    const { waive = '', baseline = '', writeBaseline } = this.flags;
    if (!this.#isCut) {
      tell(
        'warning',
        [...this.#unmatched].map((one) => `${visible(waive)}: the waiver ${wordsOf(one)} matches nothing in this run`),
      );
      tell(
        'note',
        this.#gone.violations.map((one) => `${visible(baseline)}: no longer there: ${lineOf(one)}`),
      );
    }
    if (writeBaseline === undefined) return;
    if (this.#isCut) {
      tell('warning', [`${visible(writeBaseline)} is not written: the run was cut short`]);
      return;
    }
    // What is known and was not asked or could not be told in this run stays known.
    const kept = (this.accounting.baseline?.violations ?? []).filter((one) => !this.#gone.has(one));
    const all = new Baseline([...kept, ...this.#found.violations]);
    writeWhole(writeBaseline, encodeBaseline(all));
    const count = all.violations.length;
    process.stderr.write(
      `postmaster-check: ${count} ${count === 1 ? 'violation' : 'violations'} written to ${visible(writeBaseline)}\n`,
    );
  }
}

const MAY_BE_WAIVED: ReadonlySet<string> = new Set(['fail', 'warn', 'inconclusive']);

function violationOf(
  { requirement, verdict, cause, host }: Judgement,
  { domain }: DomainReport,
): KnownViolation | null {
  return verdict === 'fail' && cause !== undefined ? { domain, host: host ?? null, requirement, cause } : null;
}

/** Whether a known violation of a domain is there no more: it was looked for, and nothing like it was left open. */
function hasGone(known: KnownViolation, { judgements, evidence }: DomainReport): boolean {
  const { probe, route } = evidence;
  if (!probe.requirements.includes(known.requirement) || route.kind === 'unknown') return false;
  if (known.host !== null && !route.hosts.some(({ host }) => host === known.host)) return true;
  const here = judgements.filter((one) => one.requirement === known.requirement && (one.host ?? null) === known.host);
  // A warning of the same cause is the same thing without --strict.
  const isLikeIt = ({ verdict, cause }: Judgement): boolean =>
    verdict === 'inconclusive' || ((verdict === 'fail' || verdict === 'warn') && cause === known.cause);
  return here.length > 0 && !here.some(isLikeIt);
}

function wordsOf({ requirement, domain, host }: Waiver): string {
  const where = [...(domain === null ? [] : [`for ${domain}`]), ...(host === null ? [] : [`at ${host}`])];
  return visible([`of ${requirement}`, ...where].join(' '));
}

const lineOf = ({ domain, host, requirement, cause }: KnownViolation): string =>
  visible([domain, host, requirement, cause].filter((one) => one !== null).join(' '));

function tell(kind: 'note' | 'warning', sentences: readonly string[]): void {
  const shown = sentences.slice(0, MOST_LISTED);
  const hidden = sentences.length - shown.length;
  for (const sentence of [...shown, ...(hidden > 0 ? [`and ${hidden} more of the kind`] : [])]) {
    process.stderr.write(`postmaster-check: ${kind}: ${sentence}\n`);
  }
}

/** Said before anything is probed; the file itself is left alone until it can be replaced as a whole. */
function expectWritable(path: string): void {
  const say = (why: string): never => {
    throw new UsageError(`cannot write ${visible(path)}: ${why}`);
  };
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    say((error as Error).message);
  }
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) say('it is a directory');
}
