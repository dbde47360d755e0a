// Which rows are judged, which of them are asked for, and which decide (cli.md, "Profiles and the rows that decide").
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';
import { CATALOGUE } from './index.js';
import { BUILT_IN, type CustomProfile, type Profile, type ProfileName, type RowSetting } from './profiles.js';
import type { Requirement, Tier, Violation } from './requirement.js';

/** What a selection is made of; an id, a group (`postmaster`) or a section (`4.5.1`, `RFC 7505 3`) selects rows. */
export interface SelectionOptions {
  readonly profile?: Profile;
  /** These rows alone, from the whole catalogue, whatever the profile. */
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  /** Unlocks the rows that provoke errors or take long, and adds them to the profile. */
  readonly intrusive?: boolean;
  /** Unlocks the rows that send a message, and adds them to the profile. */
  readonly deliver?: boolean;
  /** The long time-outs: rows that take minutes are asked for as well. */
  readonly rfcTimeouts?: boolean;
}

/** The rows of a run. */
export interface Selection {
  /** The name of the profile. */
  readonly profile: string;
  /** Judged, from whatever was seen. */
  readonly judged: readonly Requirement[];
  /** Asked for: their needs are sent. */
  readonly asked: readonly Requirement[];
  /** Those that decide the headline. */
  readonly deciding: readonly Requirement[];
  /** Whether a violation decides wherever it is, also one that --strict makes; else the core rows alone do. */
  readonly everyViolationDecides: boolean;
  /** The levels of violation that a profile file gives to rows in place of the catalogue's. */
  readonly violations: Readonly<Record<string, Violation>>;
  readonly mailingLists: readonly string[];
}

/** Chooses the rows; a UsageError where a selector matches nothing, or nothing that may be asked for. */
export function selectRequirements(
  options: SelectionOptions = {},
  catalogue: readonly Requirement[] = CATALOGUE,
): Selection {
  const { profile = 'postmaster', only = [], skip = [] } = options;
  const custom = typeof profile === 'string' ? null : profile;
  const locks = locksOf(options, custom);
  const settings = custom === null ? new Map<Requirement, RowSetting>() : settingsOf(custom, locks, catalogue);
  const base = custom === null ? (profile as ProfileName) : custom.extends;
  const violations = changedLevels(settings);

  const skipped = new Set(skip.flatMap((selector) => matching(selector, catalogue)));
  const chosen = only.length > 0 ? new Set(only.flatMap((one) => unlocked(one, locks, catalogue))) : null;
  const picked = chosen ?? pickedBy(base, settings, locks, catalogue);
  const judged = catalogue.filter((row) => picked.has(row) && !skipped.has(row));
  if (judged.length === 0) throw new UsageError(nothingLeft(options));

  const coreDecides = chosen === null && base === 'postmaster';
  const violationOf = (row: Requirement): Violation => violations[row.id] ?? row.violation;
  const isListed = (row: Requirement): boolean => settings.has(row);
  const asked = judged.filter((row) => !coreDecides || isListed(row) || isAskedByDefault(row));
  const binding = judged.filter((row) => {
    // A level that the file changes says by itself whether the row decides; one that it only repeats changes nothing.
    if (!coreDecides || violations[row.id] !== undefined) return violationOf(row) === 'fail';
    return row.tier === 'core' || (isListed(row) && row.violation === 'fail');
  });
  return {
    profile: custom?.name ?? (profile as ProfileName),
    judged,
    asked,
    deciding: binding.length > 0 ? binding : judged,
    everyViolationDecides: !coreDecides,
    violations,
    mailingLists: custom?.mailingLists ?? [],
  };
}

/** What the default profile sends for: the core, the null sender, and what the user unlocked. */
const isAskedByDefault = ({ tier, id, safety }: Requirement): boolean =>
  tier === 'core' || id === 'postmaster.null-sender' || safety !== 'safe';

/** The rows that a selector names; a UsageError where there is none. */
export function matching(selector: string, catalogue: readonly Requirement[] = CATALOGUE): readonly Requirement[] {
  const wanted = selector.trim().toLowerCase();
  const found = catalogue.filter(({ id, group, source }) => {
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

/** What keeps a row from being asked for; null where nothing does. `isNamed`: this very id was given. */
type Lock = 'intrusive' | 'deliver' | 'on-demand' | null;
type Locks = (row: Requirement, isNamed: boolean) => Lock;

function locksOf(
  { intrusive = false, deliver = false, rfcTimeouts = false }: SelectionOptions,
  custom: CustomProfile | null,
): Locks {
  const isUnlocked = { safe: true, intrusive: intrusive || custom?.intrusive === true, deliver };
  return ({ safety, tier, onDemand }, isNamed) => {
    if (safety !== 'safe' && !isUnlocked[safety]) return safety;
    // A row may want both leaves: an intrusive one that says DATA.
    if (tier === 'intrusive' && !isUnlocked.intrusive) return 'intrusive';
    if (onDemand === undefined || isNamed || (onDemand === 'rfc-timeouts' && rfcTimeouts)) return null;
    return 'on-demand';
  };
}

/** The rows of a selector that may be asked for; a UsageError where none may. */
function unlocked(selector: string, locks: Locks, catalogue: readonly Requirement[]): readonly Requirement[] {
  const found = matching(selector, catalogue);
  const free = found.filter((row) => locks(row, isIdOf(selector, row)) === null);
  if (free.length > 0) return free;
  const lock = found.map((row) => locks(row, isIdOf(selector, row))).find((one) => one !== null) ?? null;
  throw new UsageError(sayLocked(selector, lock, found));
}

const isIdOf = (selector: string, { id }: Requirement): boolean => id === selector.trim().toLowerCase();

function sayLocked(selector: string, lock: Lock, rows: readonly Requirement[]): string {
  const [first] = rows;
  const name = visible(selector.trim());
  const subject = rows.length === 1 && first?.id === name ? name : `all of ${name}`;
  switch (lock) {
    case 'deliver':
      return `${subject} sends a message: add --deliver`;
    case 'on-demand':
      return `${subject} is asked for only by name: say --only ${first?.id ?? name}`;
    default:
      return `${subject} is intrusive: add --intrusive`;
  }
}

/** The rows of a profile: those of the tiers of the built-in one, and what a file adds and takes away. */
function pickedBy(
  base: ProfileName | null,
  settings: ReadonlyMap<Requirement, RowSetting>,
  locks: Locks,
  catalogue: readonly Requirement[],
): ReadonlySet<Requirement> {
  // What is unlocked joins every profile; a file without `extends` picks its rows itself.
  const tiers = new Set<Tier>(base === null ? [] : [...BUILT_IN[base].tiers, 'intrusive', 'deliver']);
  const ofTiers = catalogue.filter((row) => tiers.has(row.tier) && locks(row, false) === null);
  const listed = [...settings].flatMap(([row, setting]) => (setting === 'off' ? [] : [row]));
  return new Set([...ofTiers.filter((row) => settings.get(row) !== 'off'), ...listed]);
}

/** What a profile file says of each row that may be asked for: ids win over groups and sections, the later over the earlier. */
function settingsOf(
  { name, requirements }: CustomProfile,
  locks: Locks,
  catalogue: readonly Requirement[],
): ReadonlyMap<Requirement, RowSetting> {
  const isId = (selector: string): boolean => catalogue.some((row) => isIdOf(selector, row));
  const selectors = Object.keys(requirements);
  const settings = new Map<Requirement, RowSetting>();
  try {
    for (const selector of [...selectors.filter((one) => !isId(one)), ...selectors.filter(isId)]) {
      const setting = requirements[selector] ?? true;
      const rows = setting === 'off' ? matching(selector, catalogue) : unlocked(selector, locks, catalogue);
      for (const row of rows) settings.set(row, setting);
    }
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`profile ${visible(name)}: ${error.message}`) : error;
  }
  return settings;
}

function changedLevels(settings: ReadonlyMap<Requirement, RowSetting>): Readonly<Record<string, Violation>> {
  return Object.fromEntries(
    [...settings].flatMap(([{ id, violation }, setting]) =>
      setting === true || setting === 'off' || setting === violation ? [] : [[id, setting] as const],
    ),
  );
}

function nothingLeft({ only = [], skip = [], profile = 'postmaster' }: SelectionOptions): string {
  if (only.length > 0 || skip.length > 0) return '--only and --skip leave no requirement to judge';
  const name = typeof profile === 'string' ? profile : profile.name;
  return `the profile ${visible(name)} has no requirement to judge`;
}
