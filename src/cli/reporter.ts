// Judges evidence as it comes in, writes it in every format asked for, and counts what the exit code rests on.
import type { DomainEvidence } from '../evidence/evidence.js';
import { exitCode, RunTally } from '../report/exit-code.js';
import { dependsOnRun, reportDomain, runFacts } from '../report/roll-up.js';
import type { DomainReport } from '../report/report.js';
import { Accounts } from './accounts.js';
import { tellFault } from './faults.js';
import type { ReportFlags } from './flags.js';
import { standardOutput } from './streams.js';
import { openWriters, type Writer } from './writers.js';

interface RunState {
  /** Mail hosts were named with --host. */
  readonly isGiven: boolean;
  readonly isInterrupted: () => boolean;
  /** When recorded evidence was gathered; absent for a run that is going on. */
  readonly recorded?: { readonly startedAt: string; readonly durationMs: number };
  /** The reader of standard output has gone. */
  readonly onGone: () => void;
}

export class Reporter {
  readonly #started = new Date();
  readonly #tally = new RunTally();
  readonly #held: DomainEvidence[] = [];
  #wasAnswered = false;
  #hasBadInput = false;
  #hasFault = false;

  private readonly writers: readonly Writer[];
  private readonly accounts: Accounts;
  private readonly flags: ReportFlags;
  private readonly state: RunState;

  private constructor(writers: readonly Writer[], accounts: Accounts, flags: ReportFlags, state: RunState) {
    this.writers = writers;
    this.accounts = accounts;
    this.flags = flags;
    this.state = state;
  }

  static async open(flags: ReportFlags, version: string, state: RunState): Promise<Reporter> {
    const accounts = new Accounts(flags);
    const onGone = (): void => {
      accounts.cutShort();
      state.onGone();
    };
    const writers = await openWriters(flags, standardOutput(onGone), { name: 'postmaster-check', version });
    return new Reporter(writers, accounts, flags, state);
  }

  /** An entry of the input that is no domain: said, counted, and the rest goes on. */
  problem(text: string): void {
    this.#hasBadInput = true;
    process.stderr.write(`postmaster-check: ${text}\n`);
  }

  /** A fault of ours that one domain brought to light: told, and the others go on. */
  fault(error: unknown): void {
    this.#hasFault = true;
    this.accounts.cutShort();
    tellFault(error);
  }

  async domain(evidence: DomainEvidence): Promise<void> {
    for (const note of evidence.notes) process.stderr.write(`postmaster-check: note: ${note}\n`);
    this.#wasAnswered ||= runFacts([evidence]).wasAnswered;
    // A closed port 25 means one thing where others answered and another where none did: told when that is known. What
    // comes behind such a domain waits with it, so that the output keeps the order of the input.
    if (!this.#wasAnswered && (this.#held.length > 0 || dependsOnRun(evidence))) {
      this.#held.push(evidence);
      return;
    }
    await this.#writeHeld();
    await this.#write(evidence);
  }

  async #writeHeld(): Promise<void> {
    for (const evidence of this.#held.splice(0)) await this.#write(evidence);
  }

  async #write(evidence: DomainEvidence): Promise<void> {
    const report = this.#judge(evidence);
    if (report === null) return;
    this.#tally.add(report);
    this.accounts.add(report);
    for (const writer of this.writers) await writer.domain(report);
  }

  #judge(evidence: DomainEvidence): DomainReport | null {
    try {
      return reportDomain(evidence, { wasAnswered: this.#wasAnswered }, this.accounts.accounting);
    } catch (error) {
      this.fault(error);
      return null;
    }
  }

  /** Writes what is left; the exit code. */
  async end(): Promise<number> {
    await this.#writeHeld();
    const code = exitCode(this.#tally, {
      failOn: this.flags.failOn,
      requireMail: this.flags.requireMail === true,
      hasBadInput: this.#hasBadInput,
      isInterrupted: this.state.isInterrupted(),
      isGiven: this.state.isGiven,
      hasFault: this.#hasFault,
    });
    const run = {
      startedAt: this.#started.toISOString(),
      durationMs: Date.now() - this.#started.getTime(),
      ...this.state.recorded,
      exitCode: code,
    };
    for (const writer of this.writers) await writer.end(run);
    if (this.state.isInterrupted()) this.accounts.cutShort();
    this.accounts.end();
    return code;
  }
}
