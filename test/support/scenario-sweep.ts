// The fault sweep: the evidence of a scenario, cut wherever a connection can break, must not accuse anybody newly.
import type { DomainEvidence } from '../../src/evidence/evidence.js';
import type { Attempt, EndpointEvidence, Exchange } from '../../src/evidence/transcript.js';
import { CATALOGUE } from '../../src/requirements/index.js';
import type { LingerOutcome, Outcome } from '../../src/smtp/outcome.js';
import { isPositive, type Reply } from '../../src/smtp/reply.js';

/** How a connection breaks at one exchange. */
type Fault = 'fin' | 'reset' | 'time-out' | 'half a line' | '421';

const FAULTS: readonly Fault[] = ['fin', 'reset', 'time-out', 'half a line', '421'];
const AFTER_MS = 20;

/**
 * The rows whose finding is a close: they may come to fail where a session is cut, because the close is what the RFC
 * forbids there. Most of them want to see it in two connections.
 */
const MAY_COME_TO_FAIL: ReadonlySet<string> = new Set([
  'greeting.present',
  'greeting.554-waits-for-quit',
  'greeting.554-quit-221',
  'connect.no-premature-close',
  'mail.refusal-class',
]);

/** The rows that can accuse an endpoint; those of the DNS see no session, those that combine rows follow from these. */
const ACCUSING = CATALOGUE.flatMap((row) =>
  row.scope === 'endpoint' && row.violation === 'fail' && !MAY_COME_TO_FAIL.has(row.id) ? [row] : [],
);

/** What came to fail, and at which cut; empty when all is well. */
export function sweep(evidence: DomainEvidence, offset: number): readonly string[] {
  return evidence.endpoints.flatMap((endpoint, at) => {
    const failing = accusations(endpoint, evidence);
    return endpoint.attempts.flatMap((attempt, number) =>
      cutsOf(attempt, offset + number).flatMap(({ where, exchanges }) => {
        // What would have followed in other connections depends on this one: it is dropped like the rest.
        const attempts = [...endpoint.attempts.slice(0, number), { ...attempt, exchanges }];
        const cut: EndpointEvidence = { ...endpoint, attempts };
        return accusations(cut, { ...evidence, endpoints: evidence.endpoints.with(at, cut) })
          .filter((id) => !failing.includes(id))
          .map((id) => `${endpoint.host}, connection ${number + 1}, ${where}: ${id} came to fail`);
      }),
    );
  });
}

function accusations(endpoint: EndpointEvidence, evidence: DomainEvidence): readonly string[] {
  return ACCUSING.filter((row) => row.judge(endpoint, evidence).verdict === 'fail').map(({ id }) => id);
}

interface Cut {
  readonly where: string;
  readonly exchanges: readonly Exchange[];
}

/**
 * The attempt, broken at its exchanges. All faults are tried at the opening, where the host first does something out of
 * the ordinary, and right behind that; later one in turn at each exchange, and before, where all scenarios are alike, at
 * every other run of five.
 */
function cutsOf({ exchanges }: Attempt, offset: number): readonly Cut[] {
  const remarkable = exchanges.findIndex((exchange) => exchange.act !== 'opening' && !isOrdinary(exchange));
  return exchanges.flatMap((exchange, index) => {
    const turn = (index + offset) % (index < remarkable ? 2 * FAULTS.length : FAULTS.length);
    const isClose = index === 0 || (remarkable !== -1 && (index === remarkable || index === remarkable + 1));
    const faults = isClose ? FAULTS : FAULTS.slice(turn, turn + 1);
    return faults.flatMap((fault): readonly Cut[] => {
      const cut = cutAt(exchanges, index, fault);
      const what = exchange.act === 'command' ? exchange.command : exchange.act;
      return cut === null ? [] : [{ where: `${fault} at exchange ${index} (${what})`, exchanges: cut }];
    });
  });
}

function isOrdinary(exchange: Exchange): boolean {
  return exchange.act === 'command' && exchange.outcome.kind === 'reply' && isPositive(exchange.outcome.reply);
}

/** The transcript up to this exchange, which breaks; null where the fault cannot happen there. */
function cutAt(exchanges: readonly Exchange[], index: number, fault: Fault): readonly Exchange[] | null {
  const before = exchanges.slice(0, index);
  const exchange = exchanges[index];
  if (exchange === undefined || exchange.act === 'leave') return null;
  const outcome = brokenOutcome(fault, exchange);
  switch (exchange.act) {
    case 'opening':
      return [...before, { ...exchange, outcome }];
    case 'command': {
      // The rest of a pipelined group gets the same end: 421 is followed by the close.
      const rest = exchanges.slice(index + 1).filter((next) => next.act === 'command' && next.group === exchange.group);
      const end: Outcome =
        outcome.kind === 'reply' ? CLOSED : outcome.kind === 'timeout' ? { ...outcome, partial: '' } : CLOSED;
      const after = rest.map((next): Exchange => (next.act === 'command' ? { ...next, outcome: end } : next));
      const isLeft = outcome.kind === 'timeout' && exchange.command !== 'QUIT';
      return [
        ...before,
        { ...exchange, outcome },
        ...after,
        ...(isLeft ? [{ act: 'leave', atMs: exchange.atMs } as const] : []),
      ];
    }
    case 'linger':
      if (outcome.kind === 'timeout') return null; // to hear nothing is what a linger is for
      return [...before, { ...exchange, outcome: lingerOutcome(outcome) }];
    case 'beside':
      return null; // it is another connection that would break
    case 'handshake':
      if (outcome.kind === 'reply' || outcome.kind === 'out-of-turn' || outcome.kind === 'not-a-reply') return null;
      return [...before, { ...exchange, outcome }];
  }
}

const CLOSED = { kind: 'closed', how: 'fin', afterMs: AFTER_MS, partial: '' } as const satisfies Outcome;

function brokenOutcome(fault: Fault, exchange: Exclude<Exchange, { act: 'leave' }>): Outcome {
  switch (fault) {
    case 'fin':
      return CLOSED;
    case 'reset':
      return { ...CLOSED, how: 'reset' };
    case 'time-out':
      return { kind: 'timeout', afterMs: AFTER_MS, partial: '' };
    case 'half a line': {
      const { outcome } = exchange;
      const raw = outcome.kind === 'reply' ? outcome.reply.raw : '550 5.1.1 no su';
      return { ...CLOSED, partial: raw.slice(0, Math.ceil(raw.length / 2)) };
    }
    case '421':
      return { kind: 'reply', reply: SHUTTING_DOWN, afterMs: AFTER_MS };
  }
}

const SHUTTING_DOWN: Reply = {
  code: 421,
  enhanced: null,
  lines: ['mx.good.example shutting down'],
  raw: '421 mx.good.example shutting down\r\n',
  defects: [],
};

function lingerOutcome(outcome: Outcome): LingerOutcome {
  if (outcome.kind === 'reply') return { ...outcome, kind: 'out-of-turn' };
  return outcome.kind === 'timeout' ? { kind: 'quiet', afterMs: outcome.afterMs } : outcome;
}
