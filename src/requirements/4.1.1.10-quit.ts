// RFC 5321 4.1.1.10: QUIT at the end of every session, also in the middle of a transaction.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPermanentNegative, isPositive, type Reply } from '../smtp/reply.js';
import { say } from '../smtp/script.js';
import {
  closesAnywhere,
  commandsOf,
  isInTransaction,
  isUntroubled,
  oneASession,
  type SaidCommand,
} from './every-session.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, pass, warn, type Cite, type Finding, type Requirement } from './requirement.js';
import { otherAnswer } from './script-answers.js';
import { doubtAbout, type Place } from './scripted-row.js';
import { outcomeTrouble, quoteReply, sessionTrouble } from './session-trouble.js';

interface QuitReply {
  readonly line: string;
  readonly reply: Reply;
  readonly cite: Cite;
  readonly attempt: number;
}

const quitsOf = (endpoint: EndpointEvidence): readonly SaidCommand[] =>
  commandsOf(endpoint).filter(({ command }) => command === 'QUIT');

const repliesTo = (quits: readonly SaidCommand[]): readonly QuitReply[] =>
  quits.flatMap(({ command, outcome, cite, attempt }) =>
    outcome.kind === 'reply' ? [{ line: command, reply: outcome.reply, cite, attempt }] : [],
  );

/** A QUIT that was refused, in two sessions; in one only it is a doubt. */
function refusal(replies: readonly QuitReply[], where: string, place: Place): Finding | null {
  const [first, ...more] = replies.filter(
    ({ reply, line, cite }) => isPermanentNegative(reply) && doubtAbout(reply, line, cite, place) === null,
  );
  if (first === undefined) return null;
  const because = `QUIT${where} was answered ${quoteReply(first.reply)}`;
  if (more.length === 0) return inconclusive('out-of-turn', `${because}; seen in one session only`, [first.cite]);
  return fail('wrong-code', `${because}, in ${more.length + 1} sessions`, first.cite, ...more.map(({ cite }) => cite));
}

function judge221(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const quits = quitsOf(endpoint);
  const replies = repliesTo(quits);
  const refused = refusal(replies, '', { endpoint, evidence });
  if (refused !== null) return refused;
  const closes = quits.filter(({ outcome, before }) => outcome.kind === 'closed' && isUntroubled(before));
  const [first, again] = closes;
  if (first !== undefined && again !== undefined && !closesAnywhere(endpoint, /^QUIT$/))
    return fail('closed-early', `closed at QUIT without a reply, in ${closes.length} sessions`, first.cite, again.cite);
  const odd = replies.find(({ reply }) => isPositive(reply) && reply.code !== 221);
  if (odd !== undefined) return warn('wrong-code', `QUIT was answered ${quoteReply(odd.reply)}, not 221`, odd.cite);
  const other = replies.find(({ reply }) => reply.code !== 221 && reply.code !== 421);
  if (other !== undefined) return otherAnswer(other, { endpoint, evidence });
  const good = replies.filter(({ reply }) => reply.code === 221);
  if (good.length > 0) {
    const times = good.length === 1 ? 'in the one session' : `in ${good.length} sessions`;
    return pass(
      `answered 221 ${times} that came to QUIT`,
      good.map(({ cite }) => cite),
    );
  }
  return unanswered(quits, endpoint, evidence);
}

/** Why no reply to QUIT tells anything. */
function unanswered(quits: readonly SaidCommand[], endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const last = quits.findLast(({ outcome }) => outcome.kind !== 'reply');
  if (last !== undefined && last.outcome.kind !== 'reply')
    return outcomeTrouble(last.outcome, '221 to QUIT', [last.cite]);
  const closing = repliesTo(quits).at(-1);
  if (closing !== undefined) return otherAnswer(closing, { endpoint, evidence });
  return sessionTrouble(endpoint, evidence) ?? inconclusive('not-asked', 'no session came so far as QUIT');
}

function judgeAnyTime(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const quits = oneASession(quitsOf(endpoint)).filter(({ before }) => isInTransaction(before));
  const replies = repliesTo(quits);
  const refused = refusal(replies, ' inside a transaction', { endpoint, evidence });
  if (refused !== null) return refused;
  const good = replies.find(({ reply }) => isPositive(reply));
  if (good !== undefined) return pass(`inside a transaction QUIT was answered ${quoteReply(good.reply)}`, [good.cite]);
  if (quits.length > 0) return unanswered(quits, endpoint, evidence);
  return (
    sessionTrouble(endpoint, evidence) ?? inconclusive('not-asked', 'no session came to QUIT with a transaction open')
  );
}

/** RFC 5321 4.1.1.10, in the order of its text. */
export const quit: readonly Requirement[] = [
  {
    id: 'quit.221',
    group: 'command',
    title: 'QUIT answered 221',
    level: 'MUST',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.10',
      quote:
        'This command specifies that the receiver MUST send a "221 OK" reply, and then close the transmission channel.',
    },
    demand: 'QUIT is answered 221.',
    probe: 'QUIT, at the end of every session.',
    readings: [
      { verdict: 'pass', when: '221' },
      { verdict: 'fail', when: '5yz in two sessions' },
      { verdict: 'fail', when: 'closed or reset without a reply, in two sessions in which nothing had been refused' },
      { verdict: 'warn', when: 'another 2yz' },
      {
        verdict: 'inconclusive',
        when: '4yz, a refusal about this client, 5yz or a close seen once, or a close after a refusal',
      },
      ...T_IO,
    ],
    rationale:
      'With its 221 a client knows that the session ended as it should; without it logs fill with lost connections.',
    remedy: { general: 'Answer QUIT with 221 in every state of a session, and close behind it.' },
    retry: ['R8'],
    needs: [{ ask: 'script', script: { from: 'hello', steps: [say('NOOP')] }, errors: 0 }],
    note: 'Sessions that open with 554 are left to greeting.554-quit-221, and other refusals at the opening to nobody.',
    scope: 'endpoint',
    judge: judge221,
  },
  {
    id: 'quit.any-time',
    group: 'command',
    title: 'QUIT works inside a transaction',
    level: 'derived',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.10',
      quote: 'The QUIT command may be issued at any time.  Any current uncompleted mail transaction will be aborted.',
    },
    demand: 'QUIT is accepted while a transaction is open.',
    probe: 'MAIL, RCPT TO:<Postmaster@domain>, QUIT: the end of the main session, and of one that begins with HELO.',
    readings: [
      { verdict: 'pass', when: '221' },
      { verdict: 'fail', when: '5yz in two sessions' },
      {
        verdict: 'inconclusive',
        when: '4yz, a refusal about this client, 5yz seen once, or no transaction was open at QUIT',
      },
      ...T_IO,
    ],
    rationale: 'A client that must stop leaves by QUIT at once; a server that wants RSET first makes it hang up.',
    remedy: { general: 'Take QUIT at any point: drop the open transaction, answer 221 and close.' },
    retry: ['R8'],
    needs: [{ ask: 'rcpt', to: 'Postmaster@{domain}' }, { ask: 'helo-session' }],
    note: 'A transaction is open from an accepted MAIL on, whether or not its recipient was accepted.',
    scope: 'endpoint',
    judge: judgeAnyTime,
  },
];
