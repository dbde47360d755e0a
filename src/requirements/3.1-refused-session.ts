// RFC 5321 3.1: a server that refuses all sessions with an opening 554 waits for QUIT and answers 503 to all else.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPositive } from '../smtp/reply.js';
import { askedIn } from './observe.js';
import {
  connectionCount,
  gravest,
  otherOpening,
  refusesClient,
  SERVER_TIMEOUT_MS,
  sessionsOpenedWith,
  strayReply,
  wrongCodeCause,
  type OpenedSession,
} from './openings.js';
import { fail, inconclusive, pass, warn, type Cite, type Finding, type Requirement } from './requirement.js';
import { outcomeTrouble, quoteReply, seconds } from './session-trouble.js';

const is554 = ({ code }: { readonly code: number }): boolean => code === 554;

/** How one connection that opened with 554 went, as far as QUIT. */
type Waiting =
  | { readonly kind: 'closed'; readonly cite: Cite; readonly how: string; readonly afterMs: number }
  /** QUIT was said at once and the close came for the 221: it may have come before our QUIT. */
  | { readonly kind: 'closed-for-221'; readonly cite: Cite; readonly how: string }
  | { readonly kind: 'waited'; readonly cite: Cite; readonly idleMs: number; readonly commands: number }
  | { readonly kind: 'untold'; readonly finding: Finding };

function waitingOf({ attempt, number, opening }: OpenedSession): Waiting {
  const opened = attempt.exchanges[opening.index];
  const openedAtMs = opened?.act === 'opening' ? opened.atMs + opened.outcome.afterMs : 0;
  let idleMs: number | null = null;
  let commands = 0;
  for (const [index, exchange] of attempt.exchanges.entries()) {
    const cite: Cite = { kind: 'exchange', attempt: number, index };
    if (exchange.act === 'opening') continue;
    if (exchange.act !== 'linger' && exchange.act !== 'command') break;
    const { outcome } = exchange;
    const isQuit = exchange.act === 'command' && exchange.command === 'QUIT';
    if (isQuit && idleMs !== null && commands > 0) return { kind: 'waited', cite, idleMs, commands };
    if (outcome.kind === 'closed') {
      const how = outcome.how === 'fin' ? 'closed' : 'reset';
      if (isQuit) return { kind: 'closed-for-221', cite, how };
      if (outcome.afterMs >= SERVER_TIMEOUT_MS) {
        const because = `closed after ${seconds(outcome.afterMs)} of silence: a server's time-out allows that (4.5.3.2.7)`;
        return { kind: 'untold', finding: inconclusive('cut-off', because, [cite]) };
      }
      return { kind: 'closed', cite, how, afterMs: exchange.atMs + outcome.afterMs - openedAtMs };
    }
    if (isQuit) break;
    if (outcome.kind === 'quiet') idleMs = outcome.afterMs;
    else if ((outcome.kind === 'reply' || outcome.kind === 'out-of-turn') && outcome.reply.code === 421) {
      const because = `the host said 421 and ended the session, which 3.8 allows: ${quoteReply(outcome.reply)}`;
      return { kind: 'untold', finding: inconclusive('client-refused', because, [cite]) };
    } else if (outcome.kind === 'reply') commands++;
    else
      return {
        kind: 'untold',
        finding: outcomeTrouble(outcome, exchange.act === 'linger' ? 'QUIT' : 'its reply', [cite]),
      };
  }
  const because = 'whether the host waits for QUIT was not watched in this connection';
  return { kind: 'untold', finding: inconclusive('not-asked', because, [opening.cite]) };
}

function judgeWaits(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const sessions = sessionsOpenedWith(endpoint, is554);
  if (sessions.length === 0) return otherOpening(endpoint, evidence, '554');
  const seen = sessions.map(waitingOf);
  const blamed = sessions.some(({ opening }) => refusesClient(opening.what, endpoint, evidence));

  const at = seen.findIndex(({ kind }) => kind === 'closed');
  const first = seen[at];
  if (first?.kind === 'closed') {
    const when = `${first.how} ${seconds(first.afterMs)} after the 554, before QUIT`;
    const again = seen.slice(at + 1).find(({ kind }) => kind === 'closed' || kind === 'closed-for-221');
    if (again?.kind !== 'closed' && again?.kind !== 'closed-for-221') {
      return inconclusive(blamed ? 'client-refused' : 'cut-off', `${when}, but in one connection only`, [first.cite]);
    }
    const then = again.kind === 'closed' ? `after ${seconds(again.afterMs)}` : 'in place of the 221';
    const because = `554 in ${connectionCount(sessions)}; ${when}, then ${again.how} ${then}`;
    const cites = sessions.map(({ opening }) => opening.cite);
    if (!blamed) return fail('closed-early', because, first.cite, again.cite, ...cites);
    return warn(
      'client-refused',
      `${because}; by its own words the host defends itself against this client`,
      first.cite,
      again.cite,
      ...cites,
    );
  }
  const waited = seen.find((one) => one.kind === 'waited');
  if (waited !== undefined) {
    const commands = waited.commands === 1 ? '1 command' : `${waited.commands} commands`;
    return pass(`554, then open through ${seconds(waited.idleMs)} of silence and ${commands} until QUIT`, [
      waited.cite,
    ]);
  }
  const untold = seen.find((one) => one.kind === 'untold');
  if (untold !== undefined) return untold.finding;
  return inconclusive(
    'not-asked',
    'QUIT was said at once: whether the host waits for it was not watched',
    sessions.map(({ opening }) => opening.cite),
  );
}

function judge503(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const [first, ...more] = sessionsOpenedWith(endpoint, is554).map((session) =>
    judgeIntervening(session, endpoint, evidence),
  );
  if (first === undefined) return otherOpening(endpoint, evidence, '554');
  // A second connection that only says QUIT tells nothing about other commands.
  const told = [first, ...more].filter(
    (finding) => finding.verdict !== 'inconclusive' || finding.cause !== 'not-asked',
  );
  const [one, ...others] = told;
  return one === undefined ? first : gravest([one, ...others]);
}

function judgeIntervening(session: OpenedSession, endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const commands = askedIn(session.attempt, session.number).filter(({ what }) => what.command !== 'QUIT');
  const [first, ...more] = commands;
  if (first === undefined) {
    const cut = session.attempt.exchanges.findIndex(
      (exchange) => exchange.act === 'linger' && exchange.outcome.kind === 'closed',
    );
    if (cut === -1)
      return inconclusive('not-asked', 'no command but QUIT was sent after the 554', [session.opening.cite]);
    return inconclusive('cut-off', 'the host closed before a command was sent', [
      { kind: 'exchange', attempt: session.number, index: cut },
    ]);
  }
  const stray = strayReply(session);
  if (stray !== null)
    return inconclusive('out-of-turn', `a reply came that no command had asked for: ${quoteReply(stray.what)}`, [
      stray.cite,
    ]);
  for (const { what, cite } of commands) {
    const verb = what.command.split(' ', 1)[0] ?? '';
    if (what.outcome.kind !== 'reply') return outcomeTrouble(what.outcome, `the reply to ${verb}`, [cite]);
    const { reply } = what.outcome;
    if (reply.code === 503) continue;
    if (reply.code === 421)
      return inconclusive('client-refused', `${verb} was answered with 421: the host ends the session`, [cite]);
    const blamed = refusesClient(session.opening.what, endpoint, evidence);
    const cause = blamed ? 'client-refused' : wrongCodeCause(reply, endpoint, evidence);
    if (!isPositive(reply))
      return warn(cause, `after 554, ${verb} was answered with ${quoteReply(reply)} instead of 503`, cite);
    const accepted = commands.find(
      ({ what: { command, outcome } }) =>
        command.startsWith('RCPT ') && outcome.kind === 'reply' && isPositive(outcome.reply),
    );
    const because = `after 554 the session goes on: ${verb} was answered with ${quoteReply(reply)} instead of 503`;
    if (accepted === undefined) return warn(cause, because, cite);
    return warn(cause, `${because}; even a recipient was accepted, which voids the exemption`, cite, accepted.cite);
  }
  return pass(
    `503 to ${commands.length === 1 ? 'the command' : `each of ${commands.length} commands`} after the 554`,
    [first, ...more].map(({ cite }) => cite),
  );
}

const OPENS_554 =
  'smtpd_delay_reject = no with a reject in smtpd_client_restrictions opens with 554, answers 503 and waits for QUIT; a postscreen_*_action of drop, or a 521 or 421 in an access table, closes at once.';

/** RFC 5321 3.1: what a server owes a client whose session it refuses. */
export const refusedSession: readonly Requirement[] = [
  {
    id: 'greeting.554-waits-for-quit',
    group: 'greeting',
    title: '554 server waits for QUIT',
    short: 'waits',
    level: 'MUST',
    violation: 'fail',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.1',
      quote: 'A server taking this approach MUST still wait for the client to send a QUIT',
    },
    demand: 'After opening with 554 the server keeps the connection open until the client says QUIT.',
    probe: 'After 554: silence for --linger seconds, EHLO, NOOP, QUIT; then a second connection.',
    readings: [
      { verdict: 'pass', when: 'the connection stays open through the silence and the commands, until QUIT' },
      {
        verdict: 'fail',
        when: 'closed or reset before QUIT, in two connections (in the second also in place of the 221)',
      },
      {
        verdict: 'warn',
        when: 'the same, but the 554 blames this client: a list, its PTR or HELO name, reputation, a rate',
      },
      {
        verdict: 'inconclusive',
        when: 'closed in one connection only, 421 said first, or closed after 5 minutes of silence',
      },
      { verdict: 'not-applicable', when: 'the opening is not 554' },
    ],
    rationale:
      'A client whose connection closes under it takes the loss for a network failure, tries again for days and never shows its user the 554 that would have explained it.',
    remedy: {
      general: 'Close after the client said QUIT (or after a time-out of 5 minutes or more), not right behind the 554.',
      postfix: OPENS_554,
      exim: 'A refusal in acl_smtp_connect or by host_reject_connection ends the connection at once: accept there and refuse in acl_smtp_helo with deny.',
    },
    retry: ['R8'],
    needs: [],
    note: 'A close in place of the 221 counts only after an earlier connection was closed before QUIT, and only where QUIT was said at once: after a silence and commands that were answered, the host did wait (greeting.554-quit-221 judges the rest). Of a host that opens with 554 once and 220 another time, what was seen after the 554 is judged all the same.',
    scope: 'endpoint',
    judge: judgeWaits,
  },
  {
    id: 'greeting.554-503-to-commands',
    group: 'greeting',
    title: '554 server answers 503 to other commands',
    short: '503',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.1',
      quote: 'SHOULD respond to any intervening commands with "503 bad sequence of commands".',
    },
    demand: 'After opening with 554 the server answers 503 to everything but QUIT.',
    probe: 'After 554: EHLO, NOOP; where EHLO is accepted also MAIL FROM:<> and RCPT to postmaster.',
    readings: [
      { verdict: 'pass', when: '503 to each command' },
      { verdict: 'warn', when: 'another 5yz or a 4yz' },
      { verdict: 'warn', when: '250: the session goes on after all; an accepted recipient voids the exemption' },
      { verdict: 'inconclusive', when: 'closed before the reply, no reply in time, or 421' },
      { verdict: 'not-applicable', when: 'the opening is not 554' },
    ],
    rationale:
      'A client that overlooks the 554 and goes on must be told at its next command that there is no session, or it takes the host for a mail server.',
    remedy: {
      general:
        'Answer 503 to every command but QUIT once the opening was 554; if the host does take mail, open with 220.',
      postfix: OPENS_554,
    },
    retry: [],
    needs: [],
    note: 'Where the 554 blames this client, another code is warned about with the cause client-refused.',
    scope: 'endpoint',
    judge: judge503,
  },
];
