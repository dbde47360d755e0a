// The evidence of one domain: all that a judgement may rest on. Plain JSON: save it, mail it, replay it.
import type { DnsExchange, MailRoute } from '../smtp/mail-route.js';
import type { EndpointEvidence } from './transcript.js';

/** How the probe was set, as far as a judgement must know it. */
export interface ProbeSettings {
  /** The name for EHLO that was configured or found; null: the address literal of each connection. */
  readonly ehlo: string | null;
  /** Reverse-paths, in the order of their use, without angle brackets: '' is the null one. */
  readonly reversePaths: readonly string[];
  readonly port: number;
  readonly profile: string;
  /** The requirements that were selected for this run, in catalogue order. */
  readonly requirements: readonly string[];
  /** Those whose needs were sent; the others are judged from what happens to be visible. */
  readonly asked: readonly string[];
  /** Those that decide the headline. */
  readonly deciding: readonly string[];
  /** True where a violation decides wherever it is, also one that --strict makes. */
  readonly everyViolationDecides?: boolean;
  /** Levels of violation, by requirement, that a profile file sets in place of the catalogue's. */
  readonly violations?: Readonly<Record<string, 'fail' | 'warn' | 'none'>>;
  /** Mailing lists that a profile file names. */
  readonly mailingLists?: readonly string[];
  /** How often a transient negative was to be tried again (R3). */
  readonly retries?: number;
  readonly allowPrivate: boolean;
  /** True with --host: the DNS of the domain was not asked. */
  readonly given: boolean;
  /** With --host: all domains that the hosts are said to serve, this one among them. */
  readonly servedDomains?: readonly string[];
  /** How long we waited for a greeting and for a reply; a silence shorter than the RFC's accuses nobody. */
  readonly greetingTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly lingerMs: number;
  /** The random local-part of the control recipient; null with --no-controls. */
  readonly controlLocalPart: string | null;
}

/** Everything observed about one domain. */
export interface DomainEvidence {
  /** A-labels; null where only hosts were named and nothing is to be judged of a domain. */
  readonly domain: string | null;
  readonly unicode: string | null;
  readonly notes: readonly string[];
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly probe: ProbeSettings;
  readonly route: MailRoute;
  /** The exchanges that the route rests on, and those that requirements asked for; cites count from 0 here. */
  readonly dns: readonly DnsExchange[];
  readonly endpoints: readonly EndpointEvidence[];
  /** True where the run was stopped before this domain was finished. */
  readonly interrupted: boolean;
}
