// What each finding counts for in a run: the levels of a profile file, --strict, waivers and a baseline, in this order.
// A row that sums up others is put aside where it fails only because of what is put aside.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Finding, Judged, Requirement } from '../requirements/requirement.js';
import type { Baseline } from './baseline.js';
import { isAside } from './counting.js';
import { isLowered, levelled } from './levels.js';
import type { Weight } from './report.js';
import { hasExpired, isAbout, type Waiver } from './waivers.js';

/** What counts, as the user sees it; by default all. None of it changes what is probed or seen. */
export interface Accounting {
  /** Warnings of SHOULD rows, inexact codes and a 4yz that stayed are violations. */
  readonly strict?: boolean;
  readonly waivers?: readonly Waiver[];
  /** The day on which waivers are looked at, YYYY-MM-DD. */
  readonly today?: string;
  readonly baseline?: Baseline;
}

/** A finding with what it counts for. */
export interface Accounted {
  /** As the row gave it. */
  readonly raw: Judged;
  /** At the level of this run. */
  readonly finding: Finding;
  readonly weight: Weight;
}

/** Accounts for a finding by itself. */
export function account(raw: Judged, evidence: DomainEvidence, accounting: Accounting): Accounted {
  const { finding, adjusted } = levelled(raw, evidence, accounting.strict === true);
  const levels = adjusted === null ? {} : { adjusted };
  if (finding.verdict !== 'fail' && finding.verdict !== 'warn') {
    return { raw, finding, weight: { waived: null, ...levels } };
  }
  const waivers = waiversOf(raw, evidence, accounting);
  if (waivers.waived !== null || finding.verdict === 'warn' || accounting.baseline === undefined) {
    return { raw, finding, weight: { ...waivers, ...levels } };
  }
  const baseline = accounting.baseline.has({
    domain: evidence.domain,
    host: raw.endpoint?.host ?? null,
    requirement: raw.requirement.id,
    cause: finding.cause,
  });
  return { raw, finding, weight: { ...waivers, baseline: baseline ? 'known' : 'new', ...levels } };
}

function waiversOf(
  { requirement, endpoint }: Judged,
  evidence: DomainEvidence,
  { waivers = [], today = '' }: Accounting,
): Pick<Weight, 'waived' | 'expiredWaiver'> {
  const place = { requirement: requirement.id, host: endpoint?.host, address: endpoint?.address };
  const about = waivers.filter((waiver) => isAbout(waiver, place, evidence));
  const holding = about.find((waiver) => !hasExpired(waiver, today));
  if (holding !== undefined) return { waived: { reason: holding.reason, until: holding.until } };
  const expired = about.toSorted((one, other) => ((one.until ?? '') < (other.until ?? '') ? 1 : -1))[0];
  if (expired === undefined) return { waived: null };
  return { waived: null, expiredWaiver: { reason: expired.reason, until: expired.until } };
}

/** Accounts for a row that sums up others, from the findings of those. */
export function accountSum(
  row: Extract<Requirement, { readonly scope: 'aggregate' }>,
  plain: readonly Accounted[],
  evidence: DomainEvidence,
  accounting: Accounting,
): Accounted {
  const findingWithout = (left: (one: Accounted) => boolean): Finding =>
    row.judge(
      evidence,
      plain.filter((one) => !left(one)).map(({ raw }) => raw),
    );
  const judged = (finding: Finding): Judged => ({ requirement: row, endpoint: null, finding });
  const own = account(judged(findingWithout(() => false)), evidence, accounting);
  const { finding, weight } = own;
  if (finding.verdict !== 'fail' || isAside(weight)) return own;
  const holdsWithout = (left: (one: Accounted) => boolean): boolean =>
    plain.some(left) &&
    levelled(judged(findingWithout(left)), evidence, accounting.strict === true).finding.verdict !== 'fail';

  const isToldOnly = ({ raw }: Accounted): boolean => isLowered(raw.requirement, evidence, 'none');
  const isMild = ({ raw }: Accounted): boolean => isLowered(raw.requirement, evidence, 'warn');
  if (holdsWithout(isToldOnly)) return lowered(own, 'none');
  if (holdsWithout(isMild)) return lowered(own, 'warn');
  const isKnown = (one: Accounted): boolean => one.weight.baseline === 'known';
  if (holdsWithout((one) => isMild(one) || isKnown(one))) return { ...own, weight: { ...weight, baseline: 'known' } };
  const isLeft = (one: Accounted): boolean => isMild(one) || isAside(one.weight);
  if (!holdsWithout(isLeft)) return own;
  // Of the waivers, those without which it would fail.
  const needed = plain.filter(
    (one) => one.weight.waived !== null && !holdsWithout((other) => isLeft(other) && other !== one),
  );
  const [first] = needed.flatMap((one) => one.weight.waived ?? []);
  const ends = needed.flatMap((one) => one.weight.waived?.until ?? []).toSorted();
  const waived = { reason: first?.reason ?? 'what it sums up is waived', until: ends[0] ?? null };
  return { ...own, weight: { waived, ...(weight.adjusted === undefined ? {} : { adjusted: weight.adjusted }) } };
}

/** A sum that is violated only by what the profile makes of less weight. */
function lowered(own: Accounted, to: 'warn' | 'none'): Accounted {
  const { verdict, cites = [] } = own.raw.finding;
  const { because } = own.finding;
  // By the catalogue it is a warning, which --strict would have raised.
  if (to === 'warn' && verdict !== 'fail') return { ...own, finding: own.raw.finding, weight: { waived: null } };
  const adjusted = { from: verdict === 'fail' ? 'fail' : 'warn', by: 'profile' } as const;
  const finding: Finding =
    to === 'warn' && own.finding.verdict === 'fail'
      ? { ...own.finding, verdict: 'warn' }
      : {
          verdict: 'not-applicable',
          because: `${adjusted.from} by the catalogue, but the profile turns off what it sums up: ${because}`,
          cites,
        };
  return { ...own, finding, weight: { waived: null, adjusted } };
}
