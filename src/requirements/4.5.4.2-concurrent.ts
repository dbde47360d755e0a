// RFC 5321 4.5.4.2: two clients in a session at the same time.
//
// Decided here: a greeting that is slow is not one that waits. A host is said to serve one at a time only where this
// client was greeted quickly, the other was not in twice that time, and then was as soon as the first had gone; twice.
import type { EndpointEvidence } from '../evidence/transcript.js';
import type { BesideOutcome, Outcome } from '../smtp/outcome.js';
import { isPositive } from '../smtp/reply.js';
import { beside, say, type Script } from '../smtp/script.js';
import { T_IO } from './readings.js';
import { inconclusive, pass, warn, type Cite, type Finding, type Requirement } from './requirement.js';
import { scripted, type Place } from './scripted-row.js';
import { runsOf, type ScriptRun } from './script-run.js';
import { outcomeTrouble, quoteReply, seconds } from './session-trouble.js';

/** How long the second greeting is awaited, and how long again when the first session is over. */
const WAIT_MS = 4_000;
/** What counts as quick and as at once: half of it. */
const QUICK_MS = WAIT_MS / 2;

const TWO_SESSIONS: Script = { from: 'hello', steps: [beside(WAIT_MS), say('QUIT'), beside(WAIT_MS)] };

interface Seen {
  readonly outcome: BesideOutcome;
  readonly cite: Cite;
}

const seenIn = ({ done }: ScriptRun): readonly Seen[] => done.flatMap((one) => (one.kind === 'beside' ? [one] : []));

/** Whether the other connection was greeted only when the first was over, and neither had waited for anything else. */
function hadToWait(run: ScriptRun, { attempts }: EndpointEvidence): boolean {
  const opening = attempts[run.attempt]?.exchanges[0];
  const [idle, over] = seenIn(run);
  return (
    opening?.act === 'opening' &&
    opening.outcome.kind === 'reply' &&
    opening.outcome.afterMs < QUICK_MS &&
    idle?.outcome.opening?.kind === 'timeout' &&
    over?.outcome.opening?.kind === 'reply' &&
    isPositive(over.outcome.opening.reply) &&
    over.outcome.afterMs < QUICK_MS
  );
}

function readSessions(run: ScriptRun, { endpoint, evidence }: Place): Finding | null {
  const [first, later] = seenIn(run);
  if (first === undefined) return null;
  const { connect, opening, hello } = first.outcome;
  if (connect.kind !== 'connected') {
    const cause = connect.kind === 'interrupted' ? 'not-asked' : 'client-refused';
    const because = `a second connection: ${connect.code === null ? connect.kind : `${connect.kind} (${connect.code})`}`;
    return inconclusive(cause, because, [first.cite]);
  }
  if (opening?.kind === 'reply' && hello !== null) return greeted(hello, first.cite);
  if (opening?.kind === 'reply') {
    const because = `a second session was refused: ${quoteReply(opening.reply)}; that may be a limit for each client`;
    return inconclusive('client-refused', because, [first.cite]);
  }
  if (opening?.kind !== 'timeout') {
    return opening === null ? null : outcomeTrouble(opening, 'the second greeting', [first.cite]);
  }
  if (!hadToWait(run, endpoint)) {
    const because = `a second connection was not greeted in ${seconds(opening.afterMs)}`;
    return inconclusive('timeout', because, later === undefined ? [first.cite] : [first.cite, later.cite]);
  }
  const waits = (runsOf(TWO_SESSIONS, endpoint, evidence) ?? []).filter((one) => hadToWait(one, endpoint));
  const because = 'a second connection was greeted only when the first session was over';
  const cites = waits.flatMap((one) => seenIn(one).map(({ cite }) => cite));
  if (waits.length < 2) return inconclusive('out-of-turn', `${because}; seen once only`, cites);
  return warn(
    'sequence',
    `${because}, ${waits.length} times`,
    first.cite,
    ...cites.filter((cite) => cite !== first.cite),
  );
}

function greeted(hello: Outcome, cite: Cite): Finding {
  if (hello.kind !== 'reply') return outcomeTrouble(hello, 'the reply to EHLO in the second session', [cite]);
  const { reply } = hello;
  if (isPositive(reply)) return pass('a second session came to EHLO while the first was open', [cite]);
  return inconclusive('client-refused', `EHLO in the second session was answered ${quoteReply(reply)}`, [cite]);
}

/** RFC 5321 4.5.4.2, on serving more than one client. */
export const concurrentSessions: readonly Requirement[] = [
  scripted({
    id: 'connect.concurrent',
    group: 'connect',
    title: 'More than one session at a time',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.5.4.2',
      quote:
        'servers that cannot handle more than one SMTP transaction at a time are not in conformance with the intent of this specification.',
    },
    demand: 'A second client is served while the first is in its session.',
    probe: 'EHLO, and while that session is idle a second connection with EHLO and QUIT; then QUIT.',
    script: TWO_SESSIONS,
    errors: 0,
    readings: [
      { verdict: 'pass', when: 'both sessions come to 250 to EHLO' },
      {
        verdict: 'warn',
        when: 'the second is not greeted while the first is open, and is at once when that is over, twice',
      },
      {
        verdict: 'inconclusive',
        when: 'the second is refused (421 too many connections): a limit for each client is allowed',
      },
      { verdict: 'inconclusive', when: 'the second is not greeted in time in either case, or the first was slow too' },
      ...T_IO,
    ],
    rationale: 'One client that is slow, or that means harm, keeps everybody else from sending you mail.',
    remedy: {
      general: 'Allow more than one server process, thread or connection for port 25.',
      postfix: 'The column maxproc of smtp inet in master.cf; with postscreen, 1 belongs to that line alone.',
      exim: 'smtp_accept_max (20 by default).',
      sendmail: 'confMAX_DAEMON_CHILDREN, which has no limit by default.',
      exchange: 'Set-ReceiveConnector -MaxInboundConnection.',
    },
    retry: ['R8'],
    note: 'The RFC forbids no second session; it is intrusive all the same, because this program promises one session at a time to an address without --intrusive.',
    read: readSessions,
  }),
];
