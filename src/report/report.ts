// What we say, before it is put into a format: judgements with their places, the verdict on each domain, the run.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Cause, EvidenceStrength, Level, Verdict } from '../requirements/requirement.js';
import type { DnsExchange } from '../smtp/mail-route.js';
import type { BesideOutcome, HandshakeOutcome, LingerOutcome, Outcome } from '../smtp/outcome.js';

/** The verdict on a domain: another vocabulary than that of a requirement at an endpoint. */
export type DomainVerdict = 'conforms' | 'violates' | 'inconclusive' | 'exempt' | 'not-applicable';

export const DOMAIN_VERDICTS = [
  'conforms',
  'violates',
  'inconclusive',
  'exempt',
  'not-applicable',
] as const satisfies readonly DomainVerdict[];

/** What may come in place of a reply; `not awaited`: we were leaving. */
export type CitedOutcome =
  | Exclude<(Outcome | LingerOutcome | HandshakeOutcome | BesideOutcome)['kind'], 'reply'>
  | 'not awaited';

/** A command and its reply, as evidence. `command` is null for the opening reply, `reply` where none came. */
export interface CitedExchange {
  readonly command: string | null;
  readonly reply: { readonly code: number; readonly enhanced: string | null; readonly lines: readonly string[] } | null;
  /** What came in place of a reply: `timeout`, `closed`, `quiet`, ...; absent with a reply. */
  readonly outcome?: CitedOutcome;
}

/** A question to the DNS and what came, as evidence. */
export interface CitedLookup {
  readonly name: string;
  readonly type: string;
  readonly nameServer: string;
  readonly outcome: DnsExchange['outcome']['kind'];
  readonly records: readonly string[];
}

/** Why a finding does not count, by a waiver of the user's. */
export interface Waived {
  readonly reason: string;
  /** The last day on which it holds, YYYY-MM-DD; null: for ever. */
  readonly until: string | null;
}

/** A verdict that is not the catalogue's own. */
export interface Adjusted {
  readonly from: 'fail' | 'warn' | 'inconclusive';
  readonly by: 'strict' | 'profile';
}

/** What a judgement counts for beside its verdict. */
export interface Weight {
  /** Set: it is a fail or a warn that does not count. */
  readonly waived: Waived | null;
  /** A waiver that holds no more, so that the finding counts. */
  readonly expiredWaiver?: Waived;
  /** With a baseline, of a fail that is not waived: `known` does not count. */
  readonly baseline?: 'known' | 'new';
  readonly adjusted?: Adjusted;
}

/** One requirement's finding with its place. Field names are those of the JSON report (cli.md). */
export interface Judgement extends Weight {
  readonly requirement: string;
  readonly level: Level;
  readonly source: string;
  readonly section: string;
  readonly tier: string;
  readonly verdict: Verdict;
  readonly cause?: Cause;
  readonly because: string;
  readonly evidence?: EvidenceStrength;
  /** Absent on judgements of the domain as a whole. */
  readonly host?: string;
  readonly address?: string;
  readonly port?: number;
  /** The deciding one first. */
  readonly exchanges: readonly CitedExchange[];
  /** The DNS answers it rests on, where it does. */
  readonly lookups?: readonly CitedLookup[];
}

/** Everything said about one domain. */
export interface DomainReport {
  /** A-labels; null where only hosts were named. */
  readonly domain: string | null;
  readonly verdict: DomainVerdict;
  /** One plain sentence. */
  readonly because: string;
  /** Endpoints published, and those of them that were reached and could be judged. */
  readonly coverage: { readonly endpoints: number; readonly judged: number };
  /** The requirements that decide the verdict, by id. */
  readonly deciding: readonly string[];
  /** All judgements in catalogue order, each requirement's by host and address. */
  readonly judgements: readonly Judgement[];
  readonly evidence: DomainEvidence;
}
