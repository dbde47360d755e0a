// What counts: of all failures those that nobody has waived and no baseline knows. The verdict on a domain, the exit code
// and the headline ask here.
import { CATALOGUE } from '../requirements/index.js';
import type { Verdict } from '../requirements/requirement.js';
import { visible } from '../smtp/visible.js';
import type { Judgement, Weight } from './report.js';

/** Whether a finding is left out of all verdicts: waived, or known from before. */
export const isAside = ({ waived, baseline }: Weight): boolean => waived !== null || baseline === 'known';

/** Whether a judgement is a violation that counts. */
export const isViolation = (judgement: Judgement): boolean => judgement.verdict === 'fail' && !isAside(judgement);

/** What a judgement is shown as. */
export function shownAs(judgement: Judgement): Verdict | 'waived' | 'known' {
  if (judgement.waived !== null) return 'waived';
  return judgement.baseline === 'known' ? 'known' : judgement.verdict;
}

/** Whether and why a finding counts, where that is not plain from its verdict; else empty. */
export function sayWeight({ verdict, waived, expiredWaiver, baseline, adjusted }: Judgement): string {
  if (waived !== null) {
    const until = waived.until === null ? '' : ` until ${waived.until}`;
    return `no, it is waived${until}: ${visible(waived.reason)}`;
  }
  if (baseline === 'known') return 'no: known (baseline)';
  const said: string[] = [];
  if (adjusted?.by === 'strict') said.push(`yes, because of --strict: without it this is ${adjusted.from}`);
  if (adjusted?.by === 'profile') {
    said.push(
      verdict === 'fail'
        ? `yes, because the profile says so: by the catalogue this is ${adjusted.from}`
        : `no, because the profile says so: by the catalogue this is ${adjusted.from}`,
    );
  }
  if (expiredWaiver !== undefined) {
    said.push(`its waiver expired on ${expiredWaiver.until ?? ''}: ${visible(expiredWaiver.reason)}`);
  }
  return said.join('; ');
}

/** For a headline: why a finding counts that by the catalogue is no violation; else empty. */
export function sayRaised({ verdict, adjusted }: Judgement): string {
  if (verdict !== 'fail' || adjusted === undefined) return '';
  return ` (counts because of ${adjusted.by === 'strict' ? '--strict' : 'the profile'})`;
}

/** Rows that only sum up others: those are counted in their place. */
const SUMS: ReadonlySet<string> = new Set(CATALOGUE.filter(({ scope }) => scope === 'aggregate').map(({ id }) => id));

/** Whether a judgement only sums up others. */
export const isSum = ({ requirement }: Pick<Judgement, 'requirement'>): boolean => SUMS.has(requirement);

/** How many findings are left out, for the end of a headline; empty where none is. */
export function sayAside(judgements: readonly Judgement[]): string {
  const aside = judgements.filter(isAside);
  const plain = aside.filter((judgement) => !isSum(judgement));
  const counted = plain.length > 0 ? plain : aside;
  const waived = counted.filter((judgement) => judgement.waived !== null).length;
  const known = counted.length - waived;
  const isOrAre = (count: number): string => (count === 1 ? '1 finding is' : `${count} findings are`);
  if (waived > 0 && known > 0) return `; ${isOrAre(waived)} waived, ${known} known (baseline)`;
  if (waived > 0) return `; ${isOrAre(waived)} waived`;
  return known > 0 ? `; ${isOrAre(known)} known (baseline)` : '';
}
