// Drives one dialogue over one connection and writes down what came: an attempt. The time-outs of steps are here, one
// each, counted from our command (RFC 5321 4.5.3.2). A budget for the whole run may keep a command from
// being started, never cut one short.
import type { Attempt, Exchange } from '../evidence/transcript.js';
import { addressLiteral, type EhloName } from '../smtp/address.js';
import type { ConversationPlan } from '../smtp/conversation.js';
import { linesOf, type Act, type ActResult } from '../smtp/dialogue-steps.js';
import type { Verb } from '../smtp/command.js';
import { converse } from '../smtp/dialogue.js';
import type { ConnectOutcome, Outcome } from '../smtp/outcome.js';
import { Beside } from './beside.js';
import type { Channel, Connect } from './ports.js';

/** How long each step may take, in milliseconds. */
export interface TimeOuts {
  readonly connectMs: number;
  readonly greetingMs: number;
  readonly commandMs: number;
  readonly quitMs: number;
  /** From the end of a message to its reply. */
  readonly messageMs: number;
}

/**
 * The defaults: shorter than the RFC's, so a time-out of ours is never a verdict on a host. A message is waited for to
 * the end: who gives up before makes a duplicate likely (4.5.3.2.6).
 */
export const DEFAULT_TIME_OUTS: TimeOuts = {
  connectMs: 30_000,
  greetingMs: 60_000,
  commandMs: 30_000,
  quitMs: 10_000,
  messageMs: 600_000,
};
/** RFC 5321 4.5.3.2: 5 minutes for the greeting, MAIL and RCPT; steps without a number get the same, QUIT 10 s. */
export const RFC_TIME_OUTS: TimeOuts = {
  connectMs: 30_000,
  greetingMs: 300_000,
  commandMs: 300_000,
  quitMs: 10_000,
  messageMs: 600_000,
};

/** How long QUIT may take to be heard when a session is left in the middle. */
const LEAVE_WAIT_MS = 2_000;

/** What a session needs of the world. */
export interface SessionOptions {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  /** Null: the address literal of this end of the connection (RFC 5321 4.1.4). */
  readonly ehlo: EhloName | null;
  readonly timeOuts: TimeOuts;
  readonly connect: Connect;
  /** Ends every wait at once; QUIT is still said. */
  readonly signal?: AbortSignal | undefined;
  /** True when no new command may be started (--max-time). */
  readonly isOver: () => boolean;
}

/** Opens a connection, holds the conversation, closes. Never rejects for what a host does. */
export async function runSession(plan: ConversationPlan, options: SessionOptions): Promise<Attempt> {
  const startedAt = new Date().toISOString();
  const start = performance.now();
  const now = (): number => Math.round(performance.now() - start);
  const { address, port, signal } = options;
  // The turn at this address may have come after the end of the run.
  if (options.isOver() || signal?.aborted === true) {
    return {
      plan,
      startedAt,
      durationMs: 0,
      ehlo: null,
      connect: { kind: 'interrupted', afterMs: 0, code: null },
      exchanges: [],
    };
  }
  const { outcome, channel } = await options.connect({ address, port, timeoutMs: options.timeOuts.connectMs, signal });
  const attempt = (ehlo: EhloName | null, exchanges: readonly Exchange[]): Attempt => ({
    plan,
    startedAt,
    durationMs: now(),
    ehlo,
    connect: outcome satisfies ConnectOutcome,
    exchanges,
  });
  if (channel === null) return attempt(null, []);

  const self = addressLiteral(channel.localAddress);
  const ehlo = options.ehlo ?? self;
  const exchanges: Exchange[] = [];
  const beside = new Beside(options, ehlo);
  try {
    const dialogue = converse(plan, ehlo, { self, startedAt });
    let group = 0;
    for (let step = dialogue.next(); step.done !== true;) {
      const act = step.value;
      const atMs = now();
      const result = await perform(act, channel, beside, options);
      if (act.kind === 'send') group += 1;
      exchanges.push(...written(act, result, atMs, group));
      step = dialogue.next(result);
    }
  } finally {
    channel.close();
    beside.close();
  }
  return attempt(ehlo, exchanges);
}

async function perform(act: Act, channel: Channel, beside: Beside, options: SessionOptions): Promise<ActResult> {
  const { timeOuts } = options;
  switch (act.kind) {
    case 'opening':
      return { kind: 'opening', outcome: await channel.opening(timeOuts.greetingMs) };
    case 'send': {
      const isQuit = act.commands[0]?.verb === 'QUIT';
      if (!isQuit && (options.isOver() || options.signal?.aborted === true)) {
        return { kind: 'send', outcomes: act.commands.map((): Outcome => ({ kind: 'interrupted', afterMs: 0 })) };
      }
      return {
        kind: 'send',
        outcomes: await channel.send(act.commands, timeOutOf(act.commands[0]?.verb, timeOuts)),
      };
    }
    case 'linger':
      return { kind: 'linger', outcome: await channel.linger(act.forMs) };
    case 'handshake':
      return { kind: 'handshake', outcome: await channel.handshake(options.host, timeOuts.commandMs) };
    case 'beside':
      if (act.session === 'over') channel.close();
      return { kind: 'beside', outcome: await beside.look(act.forMs) };
    case 'leave':
      await channel.leave(LEAVE_WAIT_MS);
      return { kind: 'leave' };
  }
}

function timeOutOf(verb: Verb | undefined, timeOuts: TimeOuts): number {
  if (verb === 'QUIT') return timeOuts.quitMs;
  return verb === 'MESSAGE' ? timeOuts.messageMs : timeOuts.commandMs;
}

/** The exchanges that an act and its result leave in the transcript. */
function written(act: Act, result: ActResult, atMs: number, group: number): readonly Exchange[] {
  const of = 'script' in act ? { script: act.script } : {};
  switch (result.kind) {
    case 'opening':
      return [{ act: 'opening', atMs, outcome: result.outcome }];
    case 'send': {
      const lines = linesOf(act);
      // In a group a command's turn begins with the reply before it.
      let turnMs = atMs;
      return result.outcomes.map((outcome, index) => {
        const command = lines[index] ?? '';
        const exchange: Exchange = { act: 'command', command, group, atMs: turnMs, outcome, ...of };
        turnMs += outcome.afterMs;
        return exchange;
      });
    }
    case 'linger':
      return [{ act: 'linger', forMs: act.kind === 'linger' ? act.forMs : 0, atMs, outcome: result.outcome, ...of }];
    case 'handshake':
      return [{ act: 'handshake', atMs, outcome: result.outcome, ...of }];
    case 'beside': {
      const { session, forMs } = act.kind === 'beside' ? act : { session: 'idle' as const, forMs: 0 };
      return [{ act: 'beside', session, forMs, atMs, outcome: result.outcome, ...of }];
    }
    case 'leave':
      return [{ act: 'leave', atMs }];
  }
}
