/** The built-in selections of rows (cli.md, "Profiles and the rows that decide"). */
export const PROFILES = ['postmaster', 'rfc5321'] as const;
export type Profile = (typeof PROFILES)[number];
