// The exit code of a run (cli.md, "Exit codes"): never additive, never always 0. Precedence 130, 5, 2, 1, 4, 3, 0.
import type { DomainReport } from './report.js';

export type FailOn = 'violation' | 'inconclusive' | 'incomplete' | 'never';

/** What an exit code rests on beside the domains. */
export interface ExitFacts {
  readonly failOn: FailOn;
  /** An exempt or mail-less domain counts as a violation (--require-mail). */
  readonly requireMail: boolean;
  /** Whether some of the input was no domain; the rest was checked. */
  readonly hasBadInput: boolean;
  readonly isInterrupted: boolean;
  /** Whether a bug of ours cost a domain its report. */
  readonly hasFault: boolean;
  /** Mail hosts were named (--host): what fails then is the host under test, not this machine. */
  readonly isGiven: boolean;
}

/** What the exit code of a run rests on, counted domain by domain: no report has to be kept for it. */
export class RunTally {
  domains = 0;
  violations = 0;
  withoutMail = 0;
  inconclusive = 0;
  incomplete = 0;
  #lookups = 0;
  #lookupsAnswered = 0;
  #connects = 0;
  #noRoute = 0;
  #timedOut = 0;
  readonly #networks = new Set<string>();

  add({ verdict, coverage, evidence }: DomainReport): void {
    this.domains += 1;
    if (verdict === 'violates') this.violations += 1;
    if (verdict === 'inconclusive') this.inconclusive += 1;
    if (verdict === 'exempt' || verdict === 'not-applicable') this.withoutMail += 1;
    if (coverage.judged < coverage.endpoints) this.incomplete += 1;
    for (const { outcome } of evidence.dns) {
      this.#lookups += 1;
      if (outcome.kind !== 'timeout' && outcome.kind !== 'unreachable') this.#lookupsAnswered += 1;
    }
    for (const { address, attempts } of evidence.endpoints) {
      for (const { connect } of attempts) {
        this.#connects += 1;
        if (connect.kind === 'no-route') this.#noRoute += 1;
        if (connect.kind === 'timeout') this.#timedOut += 1;
        // Two networks are enough to know.
        if (connect.kind === 'timeout' && this.#networks.size < 2) this.#networks.add(networkOf(address));
      }
    }
  }

  /** True where it is this machine that cannot probe: no name server, no route, or every connection unanswered. */
  get cannotProbe(): boolean {
    if (this.#lookups > 0 && this.#lookupsAnswered === 0) return true;
    if (this.#connects === 0) return false;
    if (this.#noRoute === this.#connects) return true;
    return this.#networks.size >= 2 && this.#noRoute + this.#timedOut === this.#connects;
  }
}

/** The exit code of a finished run. */
export function exitCode(tally: RunTally, facts: ExitFacts): number {
  if (facts.isInterrupted) return 130;
  if (facts.hasFault) return 5;
  if (facts.hasBadInput) return 2;
  const violations = tally.violations + (facts.requireMail ? tally.withoutMail : 0);
  if (facts.failOn !== 'never' && violations > 0) return 1;
  if (!facts.isGiven && tally.cannotProbe) return 4;
  if (facts.failOn === 'never' || facts.failOn === 'violation') return 0;
  if (tally.domains === 0 || tally.inconclusive > 0) return 3;
  // cli.md: "any failure under --host", a dead address of a host under test too.
  const mustBeComplete = facts.failOn === 'incomplete' || facts.isGiven;
  return mustBeComplete && tally.incomplete > 0 ? 3 : 0;
}

/** The /24 or /48 of an address: one dead network is not our fault, two are a sign. */
function networkOf(address: string): string {
  return address.includes(':') ? address.split(':').slice(0, 3).join(':') : address.split('.').slice(0, 3).join('.');
}
