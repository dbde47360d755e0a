// RFC 5321 4.1.1.9: NOOP, which does nothing and is always answered.
import { isPermanentNegative, isPositive } from '../smtp/reply.js';
import { say } from '../smtp/script.js';
import { T_IO } from './readings.js';
import { fail, pass, warn, type Finding, type Requirement } from './requirement.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import { quoteReply } from './session-trouble.js';

/** RFC 5321 4.1.1.9, in the order of its text. */
export const noop: readonly Requirement[] = [
  scripted({
    id: 'noop.250',
    group: 'command',
    title: 'NOOP answered 250',
    level: 'derived',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.9',
      quote: 'It specifies no action other than that the receiver send a "250 OK" reply.',
    },
    demand: 'NOOP is answered 250, whenever it comes.',
    probe: 'EHLO and NOOP.',
    script: { from: 'hello', steps: [say('NOOP')] },
    errors: 0,
    readings: [
      { verdict: 'pass', when: '250' },
      { verdict: 'fail', when: '5yz, twice; 530 too: the extensions for TLS and logging in exempt NOOP' },
      { verdict: 'warn', when: 'another 2yz' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale: 'Clients use NOOP to see whether a session is still alive; one that is refused they give up.',
    remedy: { general: 'Let NOOP through whatever the policy of the session is.' },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, cite, line } = answer;
      if (reply.code === 250) return pass(`answered ${quoteReply(reply)}`, [cite]);
      if (reply.code === 530) return fail('wrong-code', `refused before TLS or a login: ${quoteReply(reply)}`, cite);
      if (isPositive(reply)) return warn('wrong-code', `answered ${quoteReply(reply)}, not 250`, cite);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null || !isPermanentNegative(reply)) return doubt;
      return fail('wrong-code', `refused: ${quoteReply(reply)}`, cite);
    },
  }),
  scripted({
    id: 'noop.argument',
    group: 'command',
    title: 'NOOP argument ignored',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.9',
      quote: 'If a parameter string is specified, servers SHOULD ignore it.',
    },
    demand: 'A word after NOOP changes nothing.',
    probe: 'EHLO and NOOP postmaster-check.',
    script: { from: 'hello', steps: [say('NOOP postmaster-check')] },
    errors: 0,
    readings: [
      { verdict: 'pass', when: '250' },
      { verdict: 'warn', when: '501, another 5yz or another 2yz' },
      { verdict: 'inconclusive', when: '4yz, or a refusal about this client' },
      ...T_IO,
    ],
    rationale: 'A client may mark its NOOP, to find it again in the log of the server.',
    remedy: { general: 'Ignore what stands behind NOOP.' },
    retry: ['R3', 'R8'],
    read(run, place): Finding | null {
      const answer = answerTo(run, 0);
      if (answer === null) return null;
      const { reply, cite, line } = answer;
      if (reply.code === 250) return pass(`answered ${quoteReply(reply)}`, [cite]);
      const doubt = doubtAbout(reply, line, cite, place);
      if (doubt !== null) return doubt;
      if (!isPositive(reply) && !isPermanentNegative(reply)) return null;
      return warn('wrong-code', `answered ${quoteReply(reply)}, not 250`, cite);
    },
  }),
];
