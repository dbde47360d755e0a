// RFC 5321 4.1.4: EHLO may come again, it then ends the transaction, and one that is not accepted changes nothing.
import { firstDigit, isPermanentNegative, isPositive } from '../smtp/reply.js';
import { say, sayIfAccepted } from '../smtp/script.js';
import { ehloReplies } from './ehlo-replies.js';
import { T_IO } from './readings.js';
import { fail, inconclusive, notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { linesOfRun } from './script-run.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';

const NO_EHLO = notApplicable('EHLO is not accepted (ehlo.supported judges that)');
/** What a server may refuse EHLO with. */
const REFUSALS: readonly number[] = [500, 501, 502, 550];

/** RFC 5321 4.1.4, as far as EHLO goes. */
export const ehloAgain: readonly Requirement[] = [
  scripted({
    id: 'ehlo.reissue',
    group: 'ehlo',
    title: 'EHLO may be repeated',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.4',
      quote: 'An EHLO command MAY be issued by a client later in the session.',
    },
    demand: 'A second EHLO in a session is accepted like the first.',
    probe: 'EHLO twice, with the same name.',
    script: { from: 'hello', steps: [say('EHLO {ehlo}')] },
    errors: 0,
    readings: [
      { verdict: 'pass', when: '250 (or another 2yz), with the same keywords or others' },
      { verdict: 'warn', when: '503 ("already identified") or another 5yz' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      { verdict: 'not-applicable', when: 'the first EHLO is not accepted (ehlo.supported judges that)' },
      ...T_IO,
    ],
    rationale: 'Clients say it again to begin anew, and have to after STARTTLS.',
    remedy: { general: 'Treat a second EHLO like RSET, and answer it with the keywords.' },
    retry: ['R3', 'R8'],
    note: 'The RFC knows 501, 500, 502 and 550 for an EHLO that is not acceptable, and 503 is none of them; --strict makes it a violation.',
    read(run, place): Finding | null {
      if (run.keywords === null) return NO_EHLO;
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, cite, line } = answer;
      if (isPositive(reply)) return pass(`a second EHLO was answered ${reply.code}`, [cite]);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null || !isPermanentNegative(reply)) return doubt;
      return warn('wrong-code', `a second EHLO was answered ${quoteReply(reply)}`, cite);
    },
  }),
  scripted({
    id: 'ehlo.reissue-resets',
    group: 'ehlo',
    title: 'Second EHLO clears the transaction',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.1.4',
      quote: 'the SMTP server MUST clear all buffers and reset the state exactly as if a RSET command had been issued.',
    },
    demand: 'EHLO in a transaction ends it: what was said of sender and recipients is forgotten.',
    probe: 'MAIL and RCPT of postmaster, EHLO, and the same RCPT again.',
    script: {
      from: 'hello',
      steps: [
        say('MAIL FROM:<{sender}>'),
        sayIfAccepted('RCPT TO:<{postmaster}>'),
        sayIfAccepted('EHLO {ehlo}'),
        sayIfAccepted('RCPT TO:<{postmaster}>'),
      ],
    },
    errors: 1,
    readings: [
      { verdict: 'pass', when: 'the RCPT behind the second EHLO is answered 503' },
      { verdict: 'fail', when: 'it is answered 2yz, twice: the old transaction lives on' },
      { verdict: 'warn', when: 'it is answered another 5yz' },
      { verdict: 'inconclusive', when: '4yz, or MAIL, RCPT or the second EHLO was refused' },
      { verdict: 'not-applicable', when: 'the first EHLO is not accepted (ehlo.supported judges that)' },
      ...T_IO,
    ],
    rationale: 'Where the old recipients stay, the next message of the session goes to them too.',
    remedy: { general: 'Forget sender and recipients at EHLO, as at RSET.' },
    retry: ['R3', 'R8', 'R1'],
    read(run, place): Finding | null {
      if (run.keywords === null) return NO_EHLO;
      for (const at of [0, 1, 2]) {
        const before = answerTo(run, at);
        if (before === null) return null;
        if (isPositive(before.reply)) continue;
        const doubt = doubtAbout(before.reply, before.line, before.cite, place);
        if (doubt !== null) return doubt;
        const cause = ['sender-refused', 'no-mailbox', 'sequence'] as const;
        return inconclusive(cause[at] ?? 'cut-off', `refused before it could be seen: ${quoteReply(before.reply)}`, [
          before.cite,
        ]);
      }
      const answer = answerTo(run, 3);
      if (answer === null) return null;
      const { reply, cite, line } = answer;
      const because = `RCPT behind a second EHLO was answered ${quoteReply(reply)}`;
      if (reply.code === 503) return pass(because, [cite]);
      if (isPositive(reply)) return fail('sequence', `${because}: the transaction lives on`, cite);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null || !isPermanentNegative(reply)) return doubt;
      return warn('wrong-code', because, cite);
    },
  }),
  scripted({
    id: 'ehlo.missing-argument',
    group: 'ehlo',
    title: 'EHLO without argument refused and state kept',
    level: 'MUST',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '4.1.4',
      quote:
        'If the EHLO command is not acceptable to the SMTP server, 501, 500, 502, or 550 failure replies MUST be returned as appropriate.',
    },
    demand: 'An EHLO that is not acceptable is refused with one of these codes, and the session goes on.',
    probe: 'A fresh connection: EHLO without a name, then EHLO with ours.',
    script: { from: 'opening', steps: [say('EHLO'), say('EHLO {ehlo}')] },
    errors: 1,
    readings: [
      { verdict: 'pass', when: '501, 500, 502 or 550, and then 250 to the correct EHLO' },
      { verdict: 'warn', when: 'the name is not asked for: 2yz' },
      { verdict: 'warn', when: 'another 5yz, and then 250 to the correct EHLO' },
      { verdict: 'fail', when: 'the connection is closed, or the correct EHLO is refused, twice' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      { verdict: 'not-applicable', when: 'EHLO is not accepted in other sessions either (ehlo.supported judges that)' },
      ...T_IO,
    ],
    rationale: 'A client that gets its first command wrong must be able to set it right.',
    remedy: { general: 'Refuse it with 501 and wait for the next command.' },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      if (ehloReplies(place.endpoint).length === 0) return NO_EHLO;
      const closed = linesOfRun(run).find(({ outcome }) => outcome.kind === 'closed' && outcome.how === 'fin');
      const wrong = answerTo(run, 0);
      if (wrong === null || firstDigit(wrong.reply) === 5) {
        // A reset may be anybody's doing, a middlebox's for one; a FIN is the host's.
        if (closed !== undefined)
          return fail('closed-early', 'the connection was closed over an EHLO without a name', closed.cite);
      }
      if (wrong === null) return null;
      const said = `EHLO without a name was answered ${quoteReply(wrong.reply)}`;
      if (isPositive(wrong.reply)) return warn('syntax', said, wrong.cite);
      if (!isPermanentNegative(wrong.reply)) return doubtAbout(wrong.reply, wrong.line, wrong.cite, place);
      const right = answerTo(run, 1);
      if (right === null) return null;
      if (!isPositive(right.reply)) {
        const doubt = doubtAbout(right.reply, right.line, right.cite, place);
        if (doubt !== null || !isPermanentNegative(right.reply)) return doubt;
        return fail(
          'sequence',
          `${said}, and the correct one behind it ${quoteReply(right.reply)}`,
          right.cite,
          wrong.cite,
        );
      }
      return REFUSALS.includes(wrong.reply.code)
        ? pass(said, [wrong.cite, right.cite])
        : warn('wrong-code', said, wrong.cite, right.cite);
    },
  }),
];
