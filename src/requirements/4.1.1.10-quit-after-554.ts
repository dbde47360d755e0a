// RFC 5321 4.1.1.10: QUIT gets 221 and then the close, in a session that was refused at its opening as in any other.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence, Exchange } from '../evidence/transcript.js';
import { CLOSE_WAIT_MS } from '../smtp/dialogue.js';
import { firstDigit, type Reply } from '../smtp/reply.js';
import { otherOpening, refusesClient, sessionsOpenedWith, strayReply, type OpenedSession } from './openings.js';
import {
  fail,
  inconclusive,
  pass,
  warn,
  type Cite,
  type Finding,
  type Requirement,
  type Verdict,
} from './requirement.js';
import { outcomeTrouble, quoteReply, seconds } from './session-trouble.js';

// A second connection whose close was not awaited leaves open what the first one showed.
const RANK = { fail: 0, warn: 1, pass: 2, inconclusive: 3, 'not-applicable': 4 } as const satisfies Record<
  Verdict,
  number
>;

function judgeQuit(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const sessions = sessionsOpenedWith(endpoint, ({ code }) => code === 554);
  const [first, ...more] = sessions.map((session) => findingOf(session));
  if (first === undefined) return otherOpening(endpoint, evidence, '554');
  const gravest = more.reduce((one, other) => (RANK[other.verdict] < RANK[one.verdict] ? other : one), first);
  if (gravest.verdict !== 'fail' && gravest.verdict !== 'warn') return gravest;
  const [cite, ...cites] = gravest.cites;
  if (gravest.cause === 'closed-early' && sessions.some((session) => quitReply(session)?.code === 221)) {
    return inconclusive('cut-off', `${gravest.because}, but in another connection 221 came`, gravest.cites);
  }
  const blamed = sessions.some(({ opening }) => refusesClient(opening.what, endpoint, evidence));
  return blamed ? warn('client-refused', `${gravest.because}; the 554 blames this client`, cite, ...cites) : gravest;
}

/** QUIT as it was sent and answered; a QUIT in taking leave of a session out of step is not among them. */
function quitIndex({ attempt }: OpenedSession): number {
  return attempt.exchanges.findIndex((exchange) => exchange.act === 'command' && exchange.command === 'QUIT');
}

function quitReply(session: OpenedSession): Reply | null {
  const exchange = session.attempt.exchanges[quitIndex(session)];
  return exchange?.act === 'command' && exchange.outcome.kind === 'reply' ? exchange.outcome.reply : null;
}

function findingOf(session: OpenedSession): Finding {
  const { exchanges } = session.attempt;
  const index = quitIndex(session);
  const quit = exchanges[index];
  if (quit?.act !== 'command') return beforeQuit(session);
  const stray = strayReply(session);
  if (stray !== null)
    return inconclusive('out-of-turn', `a reply came that no command had asked for: ${quoteReply(stray.what)}`, [
      stray.cite,
    ]);
  const cite: Cite = { kind: 'exchange', attempt: session.number, index };
  if (quit.outcome.kind === 'closed') {
    // Only after a silence or a reply is it known that the host had not closed before our QUIT; a reset may be anybody's.
    if (quit.outcome.how === 'reset' || index < 2)
      return inconclusive('cut-off', 'the connection ended before 221 to QUIT', [cite]);
    return fail('closed-early', 'after 554, QUIT was answered with a close and no 221', cite);
  }
  if (quit.outcome.kind !== 'reply') return outcomeTrouble(quit.outcome, '221 to QUIT', [cite]);
  const { reply } = quit.outcome;
  if (reply.code === 221) return afterQuit(exchanges[index + 1], session, index);
  if (reply.code === 421)
    return inconclusive('client-refused', 'QUIT was answered with 421: the host ends the session', [cite]);
  const because = `after 554, QUIT was answered with ${quoteReply(reply)} instead of 221`;
  switch (firstDigit(reply)) {
    case 5:
      return fail('wrong-code', because, cite);
    case 2:
      return warn('wrong-code', because, cite);
    case 4:
      return inconclusive('transient-negative', because, [cite]);
    default:
      return inconclusive('out-of-turn', because, [cite]);
  }
}

function beforeQuit({ attempt, number, opening }: OpenedSession): Finding {
  for (const [index, exchange] of attempt.exchanges.entries()) {
    const cite: Cite = { kind: 'exchange', attempt: number, index };
    if (exchange.act !== 'linger' && exchange.act !== 'command') continue;
    const { outcome } = exchange;
    if (outcome.kind === 'quiet') continue;
    if (outcome.kind !== 'reply') return outcomeTrouble(outcome, '221 to QUIT', [cite]);
    if (outcome.reply.code === 421) return inconclusive('client-refused', 'the host said 421 before QUIT', [cite]);
  }
  return inconclusive('not-asked', 'the session ended before QUIT was said', [opening.cite]);
}

function afterQuit(exchange: Exchange | undefined, { number }: OpenedSession, index: number): Finding {
  const quit: Cite = { kind: 'exchange', attempt: number, index };
  if (exchange?.act !== 'linger') return inconclusive('not-asked', '221 to QUIT; the close was not awaited', [quit]);
  const cite: Cite = { kind: 'exchange', attempt: number, index: index + 1 };
  const { outcome, forMs } = exchange;
  if (outcome.kind === 'closed') return pass(`221 to QUIT and closed ${seconds(outcome.afterMs)} later`, [quit, cite]);
  if (outcome.kind !== 'quiet') return outcomeTrouble(outcome, 'the close after 221', [cite]);
  const because = `221 to QUIT, and not closed ${seconds(outcome.afterMs)} later`;
  return forMs >= CLOSE_WAIT_MS
    ? warn('kept-open', because, cite, quit)
    : inconclusive('timeout', because, [cite, quit]);
}

/** RFC 5321 4.1.1.10, as far as refused sessions go. */
export const quitAfter554: readonly Requirement[] = [
  {
    id: 'greeting.554-quit-221',
    group: 'greeting',
    title: 'QUIT after 554 gets 221 and close',
    short: '221',
    level: 'MUST',
    violation: 'fail',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.10',
      quote:
        'This command specifies that the receiver MUST send a "221 OK" reply, and then close the transmission channel.',
    },
    demand: 'QUIT works as usual in a session that was refused with 554: 221, and then the host closes.',
    probe: 'After 554: silence, EHLO, NOOP, QUIT; read the reply and wait 10 s for the close.',
    readings: [
      { verdict: 'pass', when: '221, then closed' },
      { verdict: 'fail', when: '5yz to QUIT, or a close and no reply where the session was open just before' },
      { verdict: 'warn', when: 'another 2yz, or 221 and still open after 10 s' },
      { verdict: 'warn', when: 'any of these where the 554 blames this client' },
      {
        verdict: 'inconclusive',
        when: 'neither reply nor close in time, a reset, 4yz, or closed before QUIT was said',
      },
      { verdict: 'not-applicable', when: 'the opening is not 554' },
    ],
    rationale:
      'The 221 tells a client that the refusal was meant and the connection did not just break; without it the mail is queued and tried again.',
    remedy: {
      general:
        'Treat QUIT apart from the commands that get 503: answer 221 and close. A fixed reply to every line is not enough.',
      postfix:
        'smtpd answers QUIT with 221 after a 554 by itself: look for another program on the port, or a proxy in front of it.',
    },
    retry: ['R9'],
    needs: [],
    note: 'A close in place of the 221 is inconclusive where another connection of the run got its 221, or where QUIT was said at once: the host may have closed before it.',
    scope: 'endpoint',
    judge: judgeQuit,
  },
];
