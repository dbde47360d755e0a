// What a requirement is: one demand of an RFC, where it stands, what must be asked to judge it, and how the answers
// are read. The catalogue (index.ts) holds them all; nothing outside requirements/ knows one by name.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import type { Script } from '../smtp/script.js';

/** RFC 2119 level; `derived` where the sentence has no such keyword (ABNF, prose, another RFC's lower-case must). */
export type Level = 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT' | 'MAY' | 'derived';
/** What breaking it is called: MUST fails, SHOULD warns, MAY neither; rows that differ say why in their note. */
export type Violation = 'fail' | 'warn' | 'none';
/** Which rows decide: `core` alone with the default profile (cli.md, "Profiles"). */
export type Tier = 'core' | 'session' | 'extended' | 'roles' | 'rfc-ignorant' | 'intrusive' | 'deliver';
/** `safe`: legal commands only; `intrusive`: errors on purpose, unusual syntax, idling; `deliver`: sends a message. */
export type Safety = 'safe' | 'intrusive' | 'deliver';
/** What a row is about; `--only` and `--skip` take these. */
export type Group =
  | 'aggregate' | 'postmaster' | 'greeting' | 'dns' | 'connect' | 'timeouts' | 'ehlo' | 'reply' | 'command' | 'vrfy'
  | 'mail' | 'rcpt' | 'data' | 'limits' | 'starttls' | 'pipelining' | 'esc' | 'size' | 'smtputf8' | 'deliver' | 'role'
  | 'rfc-ignorant'; // prettier-ignore
/** Ways to make an inconclusive finding conclusive; docs/requirements and --help name them. */
export type RetryPath = 'R1' | 'R2' | 'R3' | 'R4' | 'R5' | 'R6' | 'R7' | 'R8' | 'R9' | 'R10' | 'R11';

/**
 * What a row needs asked. The conversation is planned from the needs of the selected rows (plan.ts).
 * A recipient template has `{domain}`, `{DOMAIN}` (upper case), `{canonical}` (what an alias leads to), `{host}` (the
 * mail host's own name), `{literal}` (the address connected to), `{u-label}`, `{served}` (each other domain named with
 * --host), `{list}` (each mailing list of the profile file), `{soa}` (the mailbox of the domain's SOA record) and `{random}` (the control local-part).
 * One that cannot be filled is not asked.
 */
export type Need =
  /** `apart`: in a transaction of its own under a real sender too, so that no other recipient spoils the answer. */
  | { readonly ask: 'rcpt'; readonly to: string; readonly under?: 'null' | 'smtputf8' | 'apart' }
  | { readonly ask: 'helo-session' }
  /** The control recipient, which every ordinary conversation ends with unless --no-controls forbids it. */
  | { readonly ask: 'control' }
  /** Commands of its own (script.ts), with the same places and `{sender}`. `errors`: how many of them provoke one. */
  | { readonly ask: 'script'; readonly script: Script; readonly errors: 0 | 1 | 2 }
  | { readonly ask: 'dns'; readonly what: 'domain-alias' | 'greeting-name' | 'wildcard' | 'host-mx' | 'soa' };

/** Why a finding is what it is, in one word that a script may branch on (cli.md, `cause`). */
export type Cause =
  | 'no-mailbox' | 'no-domain' | 'relay-denied' | 'syntax' | 'mailbox-full' | 'auth-required' | 'tls-required'
  | 'closed-early' | 'kept-open' | 'wrong-code' | 'malformed' | 'sequence' | 'flapping' | 'no-usable-mx'
  | 'null-mx-mixed' | 'alias' | 'bad-name' | 'no-address' | 'special-address'
  | 'unreachable' | 'timeout' | 'cut-off' | 'transient-negative' | 'client-refused' | 'sender-refused' | 'needs-tls'
  | 'dns' | 'not-asked' | 'out-of-turn' | 'not-published' | 'address-not-allowed' | 'no-route'; // prettier-ignore

/**
 * A place in the evidence that a finding rests on; `attempt` and `index` count within the endpoint, or within `dns`.
 * A finding that has no endpoint of its own names it: its number in `evidence.endpoints`.
 */
export type Cite =
  | { readonly kind: 'exchange'; readonly attempt: number; readonly index: number; readonly endpoint?: number }
  | { readonly kind: 'dns'; readonly index: number };

/** How much an accepted recipient proves: whether a random local-part was refused, accepted, or not asked. */
export type EvidenceStrength = 'strong' | 'weak' | 'unqualified';

/** A rule's answer. An accusation always cites what it rests on; the deciding cite stands first. */
export type Finding =
  | {
      readonly verdict: 'pass';
      readonly evidence: EvidenceStrength | null;
      readonly because: string;
      readonly cites: readonly Cite[];
    }
  | {
      readonly verdict: 'fail' | 'warn';
      readonly cause: Cause;
      readonly because: string;
      readonly cites: readonly [Cite, ...Cite[]];
    }
  | {
      readonly verdict: 'inconclusive';
      readonly cause: Cause;
      readonly because: string;
      readonly cites: readonly Cite[];
    }
  | { readonly verdict: 'not-applicable'; readonly because: string; readonly cites?: readonly Cite[] };

export type Verdict = Finding['verdict'];

/** A finding with its place. Domain-wide findings have no endpoint. */
export interface Judged {
  readonly requirement: Requirement;
  readonly endpoint: EndpointEvidence | null;
  readonly finding: Finding;
}

/** Common mail servers that remedies are written for. */
export type MailServer = 'postfix' | 'exim' | 'sendmail' | 'opensmtpd' | 'exchange';
/** What to change: in general, and on the servers where there is something to name. */
export type Remedy = { readonly general: string } & { readonly [server in MailServer]?: string };

/** One line of a row's verdict table, for people: what is observed, and what it means. */
export interface Reading {
  readonly verdict: Verdict;
  readonly when: string;
}

/** The text of a requirement: everything but the rule. */
export interface RequirementText {
  /** Named, never numbered; the same in code, JSON, command line and docs. */
  readonly id: string;
  readonly group: Group;
  readonly title: string;
  /** A word of at most seven letters: the head of its column in a matrix. */
  readonly short?: string;
  readonly level: Level;
  readonly violation: Violation;
  readonly tier: Tier;
  readonly safety: Safety;
  /**
   * Asked for only on demand: where `--only` or a profile file names this very row, or also with --rfc-timeouts, as
   * it takes minutes. Without that it is not judged either.
   */
  readonly onDemand?: 'named' | 'rfc-timeouts';
  readonly source: { readonly document: string; readonly section: string; readonly quote: string };
  /** The demand in one sentence of our own. */
  readonly demand: string;
  /** What is sent or looked up for it. */
  readonly probe: string;
  readonly readings: readonly Reading[];
  /** Why it matters to a person. */
  readonly rationale: string;
  readonly remedy: Remedy;
  readonly retry: readonly RetryPath[];
  readonly needs: readonly Need[];
  /** What was decided where the RFC leaves room. */
  readonly note?: string;
}

/** A requirement with its rule. Rules are pure and synchronous: no clock, no socket, no colour. */
export type Requirement = RequirementText &
  (
    | { readonly scope: 'endpoint'; judge(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding }
    | { readonly scope: 'domain'; judge(evidence: DomainEvidence): Finding }
    /** Judged last, from the findings of the other rows. */
    | { readonly scope: 'aggregate'; judge(evidence: DomainEvidence, judged: readonly Judged[]): Finding }
  );

export const pass = (
  because: string,
  cites: readonly Cite[] = [],
  evidence: EvidenceStrength | null = null,
): Finding => ({
  verdict: 'pass',
  evidence,
  because,
  cites,
});
export const fail = (cause: Cause, because: string, cite: Cite, ...more: readonly Cite[]): Finding => ({
  verdict: 'fail',
  cause,
  because,
  cites: [cite, ...more],
});
export const warn = (cause: Cause, because: string, cite: Cite, ...more: readonly Cite[]): Finding => ({
  verdict: 'warn',
  cause,
  because,
  cites: [cite, ...more],
});
export const inconclusive = (cause: Cause, because: string, cites: readonly Cite[] = []): Finding => ({
  verdict: 'inconclusive',
  cause,
  because,
  cites,
});
export const notApplicable = (because: string, cites: readonly Cite[] = []): Finding => ({
  verdict: 'not-applicable',
  because,
  cites,
});
