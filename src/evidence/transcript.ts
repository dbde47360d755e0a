// What was seen in one connection. A transcript is the trace of a dialogue: each step with what came of it.
// Plain JSON; times are whole milliseconds from the start of the attempt; text of hosts is latin1, one character an octet.
import type { EhloName } from '../smtp/address.js';
import type { ConversationPlan } from '../smtp/conversation.js';
import type { BesideOutcome, ConnectOutcome, HandshakeOutcome, LingerOutcome, Outcome } from '../smtp/outcome.js';

/** One step of a conversation and what came of it. `script` counts within the scripts of the plan. */
export type Exchange =
  | { readonly act: 'opening'; readonly atMs: number; readonly outcome: Outcome }
  /** `group` counts the writes: commands of one pipelined group share it. */
  | {
      readonly act: 'command';
      readonly command: string;
      readonly group: number;
      readonly atMs: number;
      readonly outcome: Outcome;
      readonly script?: number;
    }
  | {
      readonly act: 'linger';
      readonly forMs: number;
      readonly atMs: number;
      readonly outcome: LingerOutcome;
      readonly script?: number;
    }
  | { readonly act: 'handshake'; readonly atMs: number; readonly outcome: HandshakeOutcome; readonly script?: number }
  /** Another connection while this one was idle, or the wait for its greeting when this one was over. */
  | {
      readonly act: 'beside';
      readonly session: 'idle' | 'over';
      readonly forMs: number;
      readonly atMs: number;
      readonly outcome: BesideOutcome;
      readonly script?: number;
    }
  /** QUIT written into a session that is out of step; nothing that comes is taken as its reply. */
  | { readonly act: 'leave'; readonly atMs: number };

/** One connection to one endpoint: which conversation was meant, and what came. */
export interface Attempt {
  readonly plan: ConversationPlan;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** The argument of our EHLO; null where no connection came about. */
  readonly ehlo: EhloName | null;
  readonly connect: ConnectOutcome;
  readonly exchanges: readonly Exchange[];
}

/** All that was seen at one address and port. */
export interface EndpointEvidence {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** `address-not-allowed`: special-purpose and not asked for; `family-not-asked`: -4 or -6; `too-many`: over the bound. */
  readonly skipped: 'address-not-allowed' | 'family-not-asked' | 'too-many' | 'interrupted' | null;
  readonly attempts: readonly Attempt[];
}
