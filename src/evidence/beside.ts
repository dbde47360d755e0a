// A connection beside a session, for people, on one line: transcripts have no lines of their own for it.
import type { Outcome } from '../smtp/outcome.js';
import { visible } from '../smtp/visible.js';
import type { Exchange } from './transcript.js';

/** What was done beside the session, and what came of it. Octets of the host are escaped. */
export function tellBeside({ session, outcome }: Extract<Exchange, { act: 'beside' }>): string {
  const { connect, opening, hello } = outcome;
  const which = session === 'idle' ? 'another connection beside this one' : 'this connection closed, the other one';
  if (connect.kind !== 'connected') {
    return `${which}: ${connect.code === null ? connect.kind : `${connect.kind} (${connect.code})`}`;
  }
  const greeting = opening === null ? '' : `, opening ${tellOutcome(opening)}`;
  return `${which}: connected${greeting}${hello === null ? '' : `, EHLO ${tellOutcome(hello)}`}`;
}

function tellOutcome(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'reply':
    case 'out-of-turn':
      return `"${visible(outcome.reply.raw.trimEnd())}" after ${outcome.afterMs} ms`;
    case 'not-a-reply':
      return `octets that are no reply (${outcome.why})`;
    case 'timeout':
      return `did not come within ${outcome.afterMs} ms`;
    case 'closed':
      return outcome.how === 'fin' ? 'ended by a close' : 'ended by a reset';
    case 'interrupted':
      return 'not awaited: stopped';
  }
}
