// Which rows are judged, which of them are asked for, and which decide (cli.md, "Profiles and the rows that decide").
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';
import { CATALOGUE } from './index.js';
import type { Profile } from './profiles.js';
import type { Requirement } from './requirement.js';

/** The rows of a run. */
export interface Selection {
  readonly profile: Profile;
  /** Judged, from whatever was seen. */
  readonly judged: readonly Requirement[];
  /** Asked for: their needs are sent. */
  readonly asked: readonly Requirement[];
  /** Those that decide the headline. */
  readonly deciding: readonly Requirement[];
}

/** Chooses rows by profile, `only` and `skip`: an id, a group (`postmaster`), or a section (`4.5.1`, `RFC 7505 3`). */
export function selectRequirements(
  profile: Profile,
  only: readonly string[] = [],
  skip: readonly string[] = [],
): Selection {
  const skipped = new Set(skip.flatMap(matching));
  const chosen = only.length > 0 ? new Set(only.flatMap(matching)) : null;
  const judged = CATALOGUE.filter((row) => !skipped.has(row) && (chosen === null || chosen.has(row)));
  if (judged.length === 0) throw new UsageError('--only and --skip leave no requirement to judge');
  const isDefault = profile === 'postmaster' && chosen === null;
  const asked = isDefault
    ? judged.filter(({ tier, id }) => tier === 'core' || id === 'postmaster.null-sender')
    : judged;
  const binding = judged.filter(({ tier, violation }) => (isDefault ? tier === 'core' : violation === 'fail'));
  return { profile, judged, asked, deciding: binding.length > 0 ? binding : judged };
}

/** The rows that a selector names; a UsageError where there is none. */
export function matching(selector: string): readonly Requirement[] {
  const wanted = selector.trim().toLowerCase();
  const found = CATALOGUE.filter(({ id, group, source }) => {
    const section = `${source.document} ${source.section}`.toLowerCase();
    return (
      id === wanted ||
      group === wanted ||
      id.split('.')[0] === wanted ||
      section === wanted ||
      source.section.toLowerCase() === wanted
    );
  });
  if (found.length === 0) throw new UsageError(`no requirement has the id, group or section "${visible(selector)}"`);
  return found;
}
