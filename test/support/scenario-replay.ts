// A transcript as the trace of its dialogue: the outcomes, told to the same dialogue, give the same acts again.
import type { Attempt, Exchange } from '../../src/evidence/transcript.js';
import { linesOf, type Act, type ActResult } from '../../src/smtp/dialogue-steps.js';
import { addressLiteral } from '../../src/smtp/address.js';
import { converse } from '../../src/smtp/dialogue.js';

/** The acts of an attempt, as its transcript has them and as the dialogue gives them for the recorded outcomes. */
export function retrace(attempt: Attempt): { readonly recorded: readonly string[]; readonly again: readonly string[] } {
  if (attempt.ehlo === null) return { recorded: [], again: [] };
  const steps = stepsOf(attempt.exchanges);
  const dialogue = converse(attempt.plan, attempt.ehlo, { self: selfOf(attempt), startedAt: attempt.startedAt });
  const again: string[] = [];
  let next = dialogue.next();
  for (const { result } of steps) {
    if (next.done === true) break;
    again.push(nameOf(next.value));
    next = dialogue.next(result);
  }
  if (next.done !== true) again.push(`${nameOf(next.value)}, which was not done`);
  return { recorded: steps.map(({ name }) => name), again };
}

const selfOf = ({ connect }: Attempt): string =>
  connect.kind === 'connected' ? addressLiteral(connect.localAddress) : '';

const nameOf = (act: Act): string => {
  if (act.kind === 'send') return `send ${linesOf(act).join(' | ')}`;
  if (act.kind === 'beside') return `beside, ${act.session}, ${act.forMs} ms`;
  return act.kind === 'linger' ? `linger ${act.forMs} ms` : act.kind;
};

interface Step {
  readonly name: string;
  readonly result: ActResult;
}

/** Exchanges as acts: the commands of one group are one. */
function stepsOf(exchanges: readonly Exchange[]): readonly Step[] {
  const steps: Step[] = [];
  for (let index = 0; index < exchanges.length; index++) {
    const exchange = exchanges[index];
    if (exchange === undefined) break;
    switch (exchange.act) {
      case 'opening':
        steps.push({ name: 'opening', result: { kind: 'opening', outcome: exchange.outcome } });
        break;
      case 'command': {
        const group = exchanges.slice(index).filter((one) => one.act === 'command' && one.group === exchange.group);
        const commands = group.flatMap((one) => (one.act === 'command' ? [one] : []));
        steps.push({
          name: `send ${commands.map(({ command }) => command).join(' | ')}`,
          result: { kind: 'send', outcomes: commands.map(({ outcome }) => outcome) },
        });
        index += commands.length - 1;
        break;
      }
      case 'linger':
        steps.push({ name: `linger ${exchange.forMs} ms`, result: { kind: 'linger', outcome: exchange.outcome } });
        break;
      case 'handshake':
        steps.push({ name: 'handshake', result: { kind: 'handshake', outcome: exchange.outcome } });
        break;
      case 'beside':
        steps.push({
          name: `beside, ${exchange.session}, ${exchange.forMs} ms`,
          result: { kind: 'beside', outcome: exchange.outcome },
        });
        break;
      case 'leave':
        steps.push({ name: 'leave', result: { kind: 'leave' } });
        break;
    }
  }
  return steps;
}
