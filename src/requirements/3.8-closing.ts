// RFC 5321 3.8: what closes a connection: QUIT does, a command that is not understood does not.
import { isPositive, type Reply } from '../smtp/reply.js';
import { say, wait, type Script } from '../smtp/script.js';
import { closesAnywhere } from './every-session.js';
import { T_IO } from './readings.js';
import {
  fail,
  inconclusive,
  notApplicable,
  pass,
  warn,
  type Cite,
  type Finding,
  type Requirement,
} from './requirement.js';
import { closedAnywhere, closeIn, said } from './script-answers.js';
import { linesOfRun, type ScriptRun } from './script-run.js';
import { answerTo, doubtAbout, scripted } from './scripted-row.js';
import { quoteReply, seconds } from './session-trouble.js';

/** How long the close is awaited behind 221 (the catalogue's 10 s). */
const CLOSE_WAIT_MS = 10_000;

/** A verb that no extension has, and whether the session goes on behind it. */
export const UNKNOWN_COMMAND: Script = { from: 'hello', steps: [say('XPMC-NOSUCH'), say('NOOP')] };

/** The 421 that ended a run: in place of a reply, or right behind one. */
function farewellIn(run: ScriptRun): { readonly reply: Reply; readonly cite: Cite } | null {
  for (const { outcome, cite } of linesOfRun(run)) {
    if ((outcome.kind === 'reply' || outcome.kind === 'out-of-turn') && outcome.reply.code === 421)
      return { reply: outcome.reply, cite };
  }
  return null;
}

/** RFC 5321 3.8, as far as single commands go. */
export const closing: readonly Requirement[] = [
  scripted({
    id: 'quit.closes',
    group: 'command',
    title: 'Channel closed after 221',
    level: 'derived',
    violation: 'warn',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.8',
      quote: 'The server responds with a positive reply code, after which it closes the connection.',
    },
    demand: 'The server closes the connection behind its reply to QUIT.',
    probe: 'EHLO and QUIT, then up to 10 s of waiting for the close.',
    script: { from: 'hello', steps: [say('QUIT'), wait(CLOSE_WAIT_MS)] },
    errors: 0,
    readings: [
      { verdict: 'pass', when: 'closed within 10 s behind 221' },
      { verdict: 'warn', when: 'still open after 10 s' },
      { verdict: 'not-applicable', when: 'QUIT was not answered 221: quit.221 judges that' },
      ...T_IO,
    ],
    rationale: 'Of the two sides the server should close first; where both wait, connections pile up on both.',
    remedy: { general: 'Close the connection as soon as the 221 is sent.' },
    retry: [],
    read(run): Finding | null {
      const quit = answerTo(run, 0);
      if (quit === null) return null;
      if (quit.reply.code !== 221) return notApplicable(said(quit), [quit.cite]);
      const waited = run.done.find(({ kind }) => kind === 'wait');
      if (waited?.kind !== 'wait') return null;
      const { outcome, cite } = waited;
      if (outcome.kind === 'closed') return pass(`closed ${seconds(outcome.afterMs)} behind 221`, [cite, quit.cite]);
      if (outcome.kind !== 'quiet') return null;
      return warn(
        'kept-open',
        `still open ${seconds(outcome.afterMs)} behind ${quoteReply(quit.reply)}`,
        cite,
        quit.cite,
      );
    },
  }),
  scripted({
    id: 'command.unknown-no-close',
    group: 'command',
    title: 'Unknown command does not end the session',
    level: 'derived',
    violation: 'fail',
    tier: 'intrusive',
    safety: 'intrusive',
    source: {
      document: 'RFC 5321',
      section: '3.8',
      quote:
        'a server that closes connections in response to commands that are not understood is in violation of this specification.',
    },
    demand: 'The session goes on behind a command that the server does not know.',
    probe: 'EHLO, XPMC-NOSUCH and NOOP.',
    script: UNKNOWN_COMMAND,
    errors: 1,
    readings: [
      { verdict: 'pass', when: 'the NOOP behind the unknown command is answered' },
      {
        verdict: 'fail',
        when: 'closed or reset at the unknown command or right behind it, in two sessions, without 421',
      },
      { verdict: 'warn', when: '421 to the unknown command, the only one of its session, or to the NOOP behind it' },
      {
        verdict: 'inconclusive',
        when: 'closed once, behind a refusal of this client, or at commands in order as well',
      },
      ...T_IO,
    ],
    rationale:
      'A client that tries an extension which the server lacks goes on without it; a close costs it the message.',
    remedy: {
      general: 'Answer 500 and go on; leave closing to a limit of errors that an honest client cannot reach.',
      postfix:
        'smtpd_hard_error_limit must not be so low that one error ends a session; the default is 20, and 1 under overload.',
      exim: 'smtp_max_unknown_commands must not be 0; the default is 3.',
    },
    retry: ['R8'],
    read(run, place): Finding | null {
      const close = closeIn(run);
      const unknown = answerTo(run, 0);
      const doubt =
        unknown === null || unknown.reply.code === 421
          ? null
          : doubtAbout(unknown.reply, unknown.line, unknown.cite, place);
      if (close !== null) {
        if (doubt !== null) return doubt;
        const behind = unknown === null ? 'in place of a reply to XPMC-NOSUCH' : `after ${said(unknown)}`;
        if (closesAnywhere(place.endpoint, /^XPMC-NOSUCH$/)) return closedAnywhere(close);
        return fail('closed-early', `${close.how} ${behind}`, close.cite);
      }
      const farewell = farewellIn(run);
      if (farewell !== null) {
        const because = `the session was ended behind XPMC-NOSUCH: ${quoteReply(farewell.reply)}`;
        return run.isAlone && !closesAnywhere(place.endpoint, /^XPMC-NOSUCH$/)
          ? warn('closed-early', because, farewell.cite)
          : inconclusive('cut-off', `${because}; other commands had gone before, or end sessions too`, [farewell.cite]);
      }
      const noop = answerTo(run, 1);
      if (noop === null) return null;
      const state = isPositive(noop.reply) ? 'the session goes on' : 'the session stays open';
      return pass(`${state}: ${said(noop)}`, [noop.cite]);
    },
  }),
];
