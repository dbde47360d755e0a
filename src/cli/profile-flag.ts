// The value of --profile: the name of a built-in profile, or the path of a file.
import { parseProfile } from '../requirements/profile-file.js';
import { PROFILES, type Profile } from '../requirements/profiles.js';
import { visible } from '../smtp/visible.js';
import { readText } from './files.js';

/** The profile of that name, else the one in the file of that name; a UsageError where there is neither. */
export function readProfile(text: string, option = ''): Profile {
  const name = PROFILES.find((one) => one === text);
  if (name !== undefined) return name;
  // What cannot be a path by its looks is a name misspelt.
  const shown = visible(text);
  const contents = readText(text, (why) =>
    /[./\\]/.test(text)
      ? `${option}cannot read ${shown}: ${why}`
      : `${option}"${shown}" is neither one of ${PROFILES.join(', ')} nor a file`,
  );
  return parseProfile(contents, shown);
}
