// The options of the command line as commander hands them on, read: times are milliseconds.
import type { FailOn } from '../report/exit-code.js';

/** The formats of a report. */
export const FORMATS = ['text', 'json', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

/** Options that say how a report comes out, shared by check and replay. */
export interface ReportFlags {
  readonly format?: Format;
  readonly json?: true;
  readonly output?: readonly string[];
  readonly verbose?: true;
  readonly quiet?: true;
  readonly color: boolean;
  readonly failOn: FailOn;
  readonly requireMail?: true;
  readonly strict?: true;
  readonly waive?: string;
  readonly baseline?: string;
  readonly writeBaseline?: string;
}

/** Options of check. Times are milliseconds. */
export interface CheckFlags extends ReportFlags {
  readonly nameserver?: readonly string[];
  readonly port: number;
  readonly host?: readonly string[];
  readonly servedDomain?: readonly string[];
  readonly ipv4?: true;
  readonly ipv6?: true;
  readonly allowPrivate?: true;
  readonly ehlo?: string;
  readonly mailFrom?: string;
  readonly starttls: 'auto' | 'never' | 'require';
  readonly pipelining: boolean;
  readonly timeout?: number;
  readonly rfcTimeouts?: true;
  readonly maxTime?: number;
  readonly retries: number;
  readonly retryAfter: number;
  readonly linger?: number;
  readonly controls: boolean;
  readonly concurrency: number;
  readonly pause: number;
  /** A name, or the path of a file. */
  readonly profile: string;
  readonly intrusive?: true;
  readonly deliver?: true;
  readonly yes?: true;
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  readonly saveEvidence?: string;
  readonly progress?: true;
  readonly dryRun?: true;
}
