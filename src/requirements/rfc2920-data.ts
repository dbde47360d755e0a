// RFC 2920 3.2: DATA where no recipient was accepted. The only row beside those of --deliver that says DATA at all, so it
// wants --deliver as well as --intrusive; nobody is accepted, so nothing can come of it.
import { firstDigit, isPermanentNegative, isPositive } from '../smtp/reply.js';
import { say, sendMessage } from '../smtp/script.js';
import { T_IO } from './readings.js';
import { inconclusive, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerTo, scripted } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';

/** DATA without valid recipients. */
export const dataWithoutRecipients: readonly Requirement[] = [
  scripted({
    id: 'data.no-valid-rcpt',
    group: 'data',
    title: 'DATA without valid recipients refused',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'intrusive',
    safety: 'deliver',
    source: {
      document: 'RFC 2920',
      section: '3.2',
      quote:
        'SHOULD issue a positive response to the DATA command if and only if one or more valid RCPT TO addresses have been previously received.',
    },
    demand: 'Where no recipient was accepted DATA is refused, not answered 354.',
    probe: 'With --intrusive and --deliver: MAIL and DATA without RCPT; behind a 354 an empty message, to nobody.',
    script: { from: 'hello', steps: [say('MAIL FROM:<{sender}>'), sendMessage('empty')] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '503, 554 or another 5yz to DATA' },
      { verdict: 'warn', when: '354, whatever comes behind the dot' },
      { verdict: 'inconclusive', when: '4yz' },
      ...T_IO,
    ],
    rationale:
      'A client that pipelines learns too late that nobody was accepted; a 354 makes it send the message to nobody.',
    remedy: { general: 'Answer DATA with 503 or 554 until a recipient was accepted.' },
    retry: ['R3', 'R8'],
    note: 'RFC 2920 3.2 (4): a server MUST NOT send anything to anybody in that case. It is locked twice: --intrusive, and --deliver because it says DATA.',
    read(run): Finding | null {
      const mail = answerTo(run, 0);
      if (mail !== null && !isPositive(mail.reply)) return null;
      const data = answerTo(run, 1);
      if (data === null) return null;
      const { reply, cite } = data;
      if (isPermanentNegative(reply)) return pass(`DATA was refused: ${quoteReply(reply)}`, [cite]);
      if (firstDigit(reply) !== 3) return null;
      const end = answerTo(run, 2);
      if (end === null)
        return inconclusive('cut-off', `DATA was answered ${quoteReply(reply)}, and then nothing`, [cite]);
      return warn(
        'wrong-code',
        `DATA was answered ${quoteReply(reply)}, and the dot ${quoteReply(end.reply)}`,
        cite,
        end.cite,
      );
    },
  }),
];
