// What one connection is to be used for, as plain data: it is planned from what the selected rows need, and kept in the
// evidence. The dialogue that follows it is dialogue.ts.
import type { ForwardPath, ReversePath } from './address.js';
import type { Script } from './script.js';

/** A reverse-path and the recipients that are tried under it, in order. */
export interface Transaction {
  readonly from: ReversePath;
  readonly recipients: readonly ForwardPath[];
  /** Ask for SMTPUTF8 (RFC 6531 3.4); the transaction is left out where the EHLO reply does not offer it. */
  readonly smtputf8?: true;
}

/** Why a connection is made: the probe itself, or a follow-up that could make a doubt conclusive. */
export type Purpose =
  | 'probe'
  | 'second-opening' // after an opening 554 or 521: is it always so?
  | 'over-tls' // R2
  | 'other-sender' // R1
  | 'alone' // R8: only the recipients in doubt, lock-step
  | 'helo' // a HELO session, for the rows that ask for one
  | 'script' // what rows want said beyond transactions
  | 'retry'; // R3: the same again, later

/** One conversation, planned. Plain data: it is kept in the evidence. */
export interface ConversationPlan {
  readonly purpose: Purpose;
  readonly hello: 'EHLO' | 'HELO';
  /** `require`: into TLS before any transaction; where that fails the conversation ends. */
  readonly tls: 'avoid' | 'require';
  /** Whether groups may be sent where the current EHLO reply offers PIPELINING. */
  readonly pipelining: boolean;
  readonly transactions: readonly Transaction[];
  /** With the purpose `script`: what is played in place of transactions, in order. */
  readonly scripts?: readonly Script[];
  /** After an opening 554: `full` lingers and sends intervening commands, `brief` only says QUIT. */
  readonly afterRefusal: 'full' | 'brief';
  /** How long to send nothing after an opening 554. */
  readonly lingerMs: number;
}
