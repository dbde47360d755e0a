// Profile files: rows picked, and their levels of violation, as a user writes them in JSON.
import { boolean, closed, list, mapOf, oneOf, optional, parseJson, type Shape } from '../evidence/shape.js';
import { UsageError } from '../smtp/usage-error.js';
import { PROFILES, type CustomProfile, type ProfileName, type RowSetting } from './profiles.js';
import { selectRequirements } from './selection.js';

const SETTINGS = ['fail', 'warn', 'none', 'off'] as const;

const setting: Shape = (value, path) =>
  value === true || oneOf(...SETTINGS)(value, path) === null
    ? null
    : `${path} is not one of ${SETTINGS.join(', ')}, true`;

/** A name that cannot be taken for one of ours, nor move a terminal's cursor. */
const profileName: Shape = (value, path) => {
  if (typeof value !== 'string' || !/^[\w.-]{1,64}$/.test(value)) {
    return `${path} is not a name of letters, digits, ".", "_" and "-"`;
  }
  return PROFILES.some((own) => own === value) ? `${path} is the name of a built-in profile: choose another` : null;
};

const mailingList: Shape = (value, path) =>
  typeof value === 'string' && /^[A-Za-z0-9._+-]{1,56}$/.test(value)
    ? null
    : `${path} is not the local-part of a mailing list`;

const shape = closed({
  name: optional(profileName),
  extends: optional(oneOf(...PROFILES)),
  requirements: optional(mapOf(setting)),
  intrusive: optional(boolean),
  mailingLists: optional(list(mailingList)),
} satisfies Record<keyof CustomProfile, Shape>);

/**
 * Reads the text of a profile file; `name` is the file's, for messages.
 * A UsageError says what is wrong with it; whether its ids exist is seen when rows are selected by it.
 */
export function parseProfile(text: string, name: string): CustomProfile {
  const document = parseJson(text, name);
  const problem = shape(document, '');
  if (problem !== null) throw new UsageError(`${name} is no profile: ${problem}`);
  const file = document as Partial<CustomProfile>;
  return {
    name: file.name ?? 'custom',
    extends: file.extends ?? null,
    requirements: file.requirements ?? {},
    intrusive: file.intrusive ?? false,
    mailingLists: file.mailingLists ?? [],
  };
}

/** A profile file to start from: the rows of a built-in profile with their levels. It selects the same rows. */
export function encodeProfile(profile: ProfileName): string {
  const { judged, asked, deciding } = selectRequirements({ profile });
  // A row that is asked for and yet does not decide would decide if the file listed it.
  const listed = judged.filter((row) => asked.includes(row) && (deciding.includes(row) || row.violation !== 'fail'));
  const requirements: Readonly<Record<string, RowSetting>> = Object.fromEntries(
    listed.map(({ id, violation }) => [id, violation]),
  );
  return `${JSON.stringify({ name: `my-${profile}`, extends: profile, requirements }, null, 2)}\n`;
}
