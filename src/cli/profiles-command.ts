// Lists the profiles, tells what one of them holds, or prints it as a file to start from.
import { encodeProfile } from '../requirements/profile-file.js';
import { BUILT_IN, PROFILES } from '../requirements/profiles.js';
import { selectRequirements } from '../requirements/selection.js';
import { UsageError } from '../smtp/usage-error.js';
import { readProfile } from './profile-flag.js';
import { standardOutput } from './streams.js';
import { screenColumns, wantsColour } from './writers.js';

interface Flags {
  readonly json?: true;
  readonly color: boolean;
}

/** Prints the profiles, or the one of that name or in that file; always 0. */
export async function profiles(name: string | undefined, flags: Flags): Promise<number> {
  const out = standardOutput(() => undefined);
  const style = { columns: screenColumns(), colour: wantsColour(flags), detail: 'normal' } as const;
  if (name === undefined) {
    const all = PROFILES.map((one) => ({ name: one, about: BUILT_IN[one].about }));
    if (flags.json === true) await out.write(`${JSON.stringify({ schemaVersion: 1, profiles: all }, null, 2)}\n`);
    else await out.write((await import('../report/explain-profile.js')).renderProfiles(all, style));
    return 0;
  }
  const profile = readProfile(name);
  if (flags.json === true) {
    if (typeof profile !== 'string') throw new UsageError('--json prints a built-in profile: the file is JSON already');
    await out.write(encodeProfile(profile));
    return 0;
  }
  const { renderProfile } = await import('../report/explain-profile.js');
  const about = typeof profile === 'string' ? BUILT_IN[profile].about : 'a profile of your own';
  await out.write(renderProfile(selectRequirements({ profile }), about, style));
  return 0;
}
