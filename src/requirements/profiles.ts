// The selections of rows that have a name, and the form of those that a user writes (cli.md, "Profiles and the rows that
// decide").
import type { Tier, Violation } from './requirement.js';

/** The built-in profiles. */
export const PROFILES = ['postmaster', 'rfc5321', 'role-mailboxes', 'rfc-ignorant', 'all'] as const;
export type ProfileName = (typeof PROFILES)[number];

/** What a profile file says of a row: its level of violation, `true` for the catalogue's own, or `off`. */
export type RowSetting = Violation | 'off' | true;

/** A profile of the user's own: rows picked one by one, or another profile with some rows changed. */
export interface CustomProfile {
  readonly name: string;
  readonly extends: ProfileName | null;
  /** By id, group or section. An id wins over a group or section; of two of a kind the later wins. */
  readonly requirements: Readonly<Record<string, RowSetting>>;
  readonly intrusive: boolean;
  /** Mailing lists of the domains: each has a -request mailbox. */
  readonly mailingLists: readonly string[];
}

export type Profile = ProfileName | CustomProfile;

/** The rows of a built-in profile, by tier, and what it is for in one line. */
export const BUILT_IN = {
  postmaster: {
    tiers: ['core', 'session', 'extended'],
    about: 'the core of RFC 5321 decides; what else the same replies show is judged beside it (default)',
  },
  rfc5321: {
    tiers: ['core', 'session', 'extended'],
    about: 'all that ordinary commands can show of RFC 5321 and its neighbours; every violation decides',
  },
  'role-mailboxes': { tiers: ['roles'], about: 'the mailboxes of RFC 2142: abuse, noc, security, hostmaster, ...' },
  'rfc-ignorant': { tiers: ['rfc-ignorant'], about: 'the old lists of rfc-ignorant.org' },
  all: {
    tiers: ['core', 'session', 'extended', 'roles', 'rfc-ignorant'],
    about: 'the rows of all profiles above together',
  },
} as const satisfies Record<ProfileName, { readonly tiers: readonly Tier[]; readonly about: string }>;
