/**
 * postmaster-check as a library: checks whether a domain's mail servers keep the promises of RFC 5321.
 *
 * `check` gathers evidence over the network and judges it; `reportDomain` judges evidence that is at hand.
 */
export { check, openProbe, type Probe } from './check.js';
export type { CheckOptions, GivenHost, Progress } from './check-options.js';
export { decodeArchive, encodeArchive } from './evidence/archive.js';
export type { DomainEvidence, ProbeSettings } from './evidence/evidence.js';
export type { Attempt, EndpointEvidence, Exchange } from './evidence/transcript.js';
export type { Accounting } from './report/account.js';
export { Baseline, encodeBaseline, parseBaseline, type KnownViolation } from './report/baseline.js';
export { isViolation } from './report/counting.js';
export { reportDomain, runFacts, type RunFacts } from './report/roll-up.js';
export { toJsonDomain, type JsonDomain, type JsonReport } from './report/json.js';
export type { CitedExchange, CitedLookup, DomainReport, DomainVerdict, Judgement, Waived } from './report/report.js';
export { parseWaivers, type Waiver } from './report/waivers.js';
export { CATALOGUE } from './requirements/index.js';
export { parseProfile } from './requirements/profile-file.js';
export type { CustomProfile, Profile, ProfileName } from './requirements/profiles.js';
export type { Cause, Requirement, Verdict } from './requirements/requirement.js';
export { parseDomain, type Domain, type ParsedDomain } from './smtp/address.js';
export { UsageError } from './smtp/usage-error.js';
