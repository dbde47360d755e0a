// RFC 7504 3: a host that never takes mail opens with 521; it may go on with 521 or close, and does not block clients so.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPositive } from '../smtp/reply.js';
import { askedIn, openingRepliesOf } from './observe.js';
import {
  connectionCount,
  gravest,
  otherOpening,
  refusesClient,
  sessionsOpenedWith,
  wrongCodeCause,
  type OpenedSession,
} from './openings.js';
import { inconclusive, pass, warn, type Finding, type Requirement } from './requirement.js';
import { outcomeTrouble, quoteReply } from './session-trouble.js';

const is521 = ({ code }: { readonly code: number }): boolean => code === 521;

function judgeBehaviour(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const [first, ...more] = sessionsOpenedWith(endpoint, is521).map((session) =>
    judgeSession(session, endpoint, evidence),
  );
  if (first === undefined) return otherOpening(endpoint, evidence, '521');
  // A connection in which nothing was asked or answered takes nothing from what another one showed.
  const [one, ...others] = [first, ...more].filter(({ verdict }) => verdict !== 'inconclusive');
  return one === undefined ? first : gravest([one, ...others]);
}

function judgeSession(session: OpenedSession, endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const commands = askedIn(session.attempt, session.number);
  const last = commands.at(-1);
  if (last === undefined) return inconclusive('not-asked', 'no command was sent after the 521', [session.opening.cite]);
  for (const { what, cite } of commands) {
    if (what.outcome.kind === 'closed') return pass(`521, and closed at ${what.command}`, [cite]);
    if (what.outcome.kind !== 'reply')
      return outcomeTrouble(what.outcome, `the reply to ${what.command}, or the close`, [cite]);
    const { reply } = what.outcome;
    // RFC 7504 3: QUIT is answered as ever.
    if (what.command === 'QUIT' || reply.code === 521) continue;
    if (reply.code === 421)
      return inconclusive('client-refused', `${what.command} was answered with 421: the host ends the session`, [cite]);
    const blamed = refusesClient(session.opening.what, endpoint, evidence);
    const cause = blamed ? 'client-refused' : wrongCodeCause(reply, endpoint, evidence);
    return warn(
      cause,
      `after 521, ${what.command} was answered with ${quoteReply(reply)} instead of 521 or a close`,
      cite,
    );
  }
  const others = commands.filter(({ what }) => what.command !== 'QUIT');
  if (others.length === 0) return inconclusive('not-asked', 'no command but QUIT was sent after the 521', [last.cite]);
  return pass(
    `521 again to ${others.map(({ what }) => what.command).join(', ')}`,
    others.map(({ cite }) => cite),
  );
}

function judgeNotForPolicy(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const sessions = sessionsOpenedWith(endpoint, is521);
  const [first] = sessions;
  if (first === undefined) return otherOpening(endpoint, evidence, '521');
  const blaming = sessions.find(({ opening }) => refusesClient(opening.what, endpoint, evidence));
  if (blaming !== undefined) {
    return warn(
      'client-refused',
      `521 that blames this client: ${quoteReply(blaming.opening.what)}`,
      blaming.opening.cite,
    );
  }
  const open = openingRepliesOf(endpoint).find(({ what }) => isPositive(what));
  if (open !== undefined) {
    return warn(
      'flapping',
      `521 in ${connectionCount(sessions)}, and ${open.what.code} in another`,
      first.opening.cite,
      open.cite,
    );
  }
  const elsewhere = evidence.endpoints.find(
    (other) =>
      other.host === endpoint.host &&
      other !== endpoint &&
      openingRepliesOf(other).some(({ what }) => isPositive(what)),
  );
  if (elsewhere !== undefined) {
    return warn(
      'flapping',
      `521 here, and a session at ${elsewhere.address}, another address of the same host`,
      first.opening.cite,
    );
  }
  return pass(
    `521 in ${connectionCount(sessions)}, and no word about this client`,
    sessions.map(({ opening }) => opening.cite),
  );
}

/** RFC 7504 3. */
export const noMailHost: readonly Requirement[] = [
  {
    id: 'greeting.521-behaviour',
    group: 'greeting',
    title: '521 server keeps answering 521 or closes',
    short: 'stays',
    level: 'MAY',
    violation: 'none',
    tier: 'core',
    safety: 'safe',
    source: {
      document: 'RFC 7504',
      section: '3',
      quote: 'the server MAY either continue sending 521 reply codes or simply close the connection.',
    },
    demand: 'After opening with 521 the host answers other commands with 521, or closes; either will do.',
    probe: 'After 521: NOOP, and QUIT where the connection is still open.',
    readings: [
      { verdict: 'pass', when: '521 again, or a close' },
      { verdict: 'warn', when: 'another code (503, 250, 554) to a command other than QUIT' },
      { verdict: 'inconclusive', when: 'neither reply nor close in time, or 421' },
      { verdict: 'not-applicable', when: 'the opening is not 521' },
    ],
    rationale:
      'A dummy server exists to turn clients away at once; one that answers commands in other ways looks as if there were a mail service behind it.',
    remedy: {
      general: 'Answer every command but QUIT with 521, or close the connection right behind the opening 521.',
    },
    retry: [],
    needs: [],
    note: 'Unlike after 554 there is no duty to wait for QUIT: RFC 7504 3 prefers the close, to save resources.',
    scope: 'endpoint',
    judge: judgeBehaviour,
  },
  {
    id: 'greeting.521-not-for-policy',
    group: 'greeting',
    title: '521 not used as a client block',
    level: 'SHOULD NOT',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 7504',
      section: '3',
      quote: 'It SHOULD NOT be used for situations in which the server rejects mail from particular hosts or addresses',
    },
    demand: '521 says that the host never accepts mail; to block some clients there are 554 and other codes.',
    probe: 'The text of the opening 521, and the openings of the other connections to the host.',
    readings: [
      { verdict: 'pass', when: '521 in every connection and no words about this client' },
      { verdict: 'warn', when: 'words about this client, or 521 in some connections and 220 in others' },
      { verdict: 'not-applicable', when: 'the opening is not 521' },
    ],
    rationale:
      'A sender that is told 521 may take the host off its list for everybody, although only one client was meant.',
    remedy: {
      general: 'Refuse particular clients with 554, and keep 521 for hosts that take no mail from anybody.',
      postfix:
        'The action drop of postscreen says 521: set postscreen_dnsbl_action, postscreen_greet_action and postscreen_denylist_action (before 3.6: postscreen_blacklist_action) to enforce. In access tables write 554 instead of 521.',
    },
    retry: ['R7'],
    needs: [],
    scope: 'endpoint',
    judge: judgeNotForPolicy,
  },
];
