// RFC 5321 3.1: the server speaks first, and one that refuses all sessions says why.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { replyText } from '../smtp/reply.js';
import { openingsOf } from './observe.js';
import { noOpening, otherOpening, SERVER_TIMEOUT_MS, sessionsOpenedWith } from './openings.js';
import { T_IO } from './readings.js';
import { fail, pass, warn, type Finding, type Requirement } from './requirement.js';
import { outcomeTrouble, quoteReply, seconds } from './session-trouble.js';

function judgePresent(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const openings = openingsOf(endpoint);
  const decisive = openings.findLast(({ what }) => what.kind === 'reply' || what.kind === 'not-a-reply');
  if (decisive?.what.kind === 'reply') {
    const { reply, afterMs } = decisive.what;
    return pass(`the host opened with ${quoteReply(reply)} after ${seconds(afterMs)}`, [decisive.cite]);
  }
  // What begins with a reply code was meant as SMTP, however it went on: reply.* rows judge its form.
  if (decisive?.what.kind === 'not-a-reply' && !/^[0-9]{3}(?:[ -]|$)/.test(decisive.what.raw)) {
    return fail(
      'malformed',
      `the first octets are no SMTP reply, ${decisive.what.raw.length} octets were read`,
      decisive.cite,
    );
  }
  const silent = openings.filter(({ what }) => what.kind === 'timeout' && what.afterMs >= SERVER_TIMEOUT_MS);
  const [first, second] = silent;
  if (first !== undefined && second !== undefined && silent.length === openings.length) {
    return warn('timeout', `no opening reply in 5 minutes, ${silent.length} times`, first.cite, second.cite);
  }
  const last = openings.at(-1);
  if (last === undefined || last.what.kind === 'reply') return noOpening(endpoint, evidence);
  return outcomeTrouble(last.what, 'the opening reply', [last.cite]);
}

function judgeInformative(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const sessions = sessionsOpenedWith(endpoint, ({ code }) => code === 554);
  const [first] = sessions;
  if (first === undefined) return otherOpening(endpoint, evidence, '554');
  const bare = sessions.find(({ opening }) => !/[A-Za-z]/.test(replyText(opening.what)));
  if (bare !== undefined)
    return warn('malformed', `the opening ${quoteReply(bare.opening.what)} gives no reason`, bare.opening.cite);
  return pass(
    `the opening says ${quoteReply(first.opening.what)}`,
    sessions.map(({ opening }) => opening.cite),
  );
}

/** RFC 5321 3.1: the opening itself. */
export const sessionInitiation: readonly Requirement[] = [
  {
    id: 'greeting.present',
    group: 'greeting',
    title: 'Server speaks first',
    level: 'derived',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.1',
      quote:
        'An SMTP session is initiated when a client opens a connection to a server and the server responds with an opening message.',
    },
    demand: 'After TCP connect the server sends an opening reply without waiting for the client.',
    probe: 'Connect, send nothing, read one complete reply.',
    readings: [
      { verdict: 'pass', when: 'a complete reply arrives' },
      { verdict: 'fail', when: 'what arrives is no SMTP reply (HTTP, an SSH version, binary)' },
      { verdict: 'warn', when: 'silence for the full 5 minutes in two connections' },
      { verdict: 'inconclusive', when: 'silence for less than 5 minutes: a slow opening is allowed' },
      ...T_IO,
    ],
    rationale:
      'A mail client says nothing before the opening reply. If none comes it waits 5 minutes, gives up and queues the message, for days.',
    remedy: {
      general:
        'See what listens on port 25 of this address (a forward to the wrong port is usual), and let the mail server itself answer there.',
      postfix:
        'master.cf: "smtp inet n - y - - smtpd" (or postscreen with 1 in maxproc). A line with smtpd_tls_wrappermode=yes belongs to port 465.',
      exim: 'Port 25 in daemon_smtp_ports but not in tls_on_connect_ports.',
    },
    retry: ['R9'],
    needs: [],
    note: 'Octets that begin with a reply code and then go wrong are judged by the rows about reply syntax. Silence alone never fails.',
    scope: 'endpoint',
    judge: judgePresent,
  },
  {
    id: 'greeting.554-informative',
    group: 'greeting',
    title: '554 greeting explains itself',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.1',
      quote: 'SHOULD provide enough information in the reply text to facilitate debugging of the sending system.',
    },
    demand: 'The text of an opening 554 lets the sender find out why.',
    probe: 'The text of the opening reply.',
    readings: [
      { verdict: 'pass', when: 'a host name, a reason or a URL' },
      { verdict: 'warn', when: 'no text, or numbers alone' },
      { verdict: 'not-applicable', when: 'the opening is not 554' },
    ],
    rationale:
      'Whoever connects to a host that takes no mail is probably misled by a stale DNS record; the text is the only place where the host can say so.',
    remedy: {
      general:
        'Put the name of the host, the reason and a place to ask behind the 554, for example "554 mx.example.org no mail service here, use mail.example.org".',
      postfix: 'Give the reject in the access table a text: "554 5.7.1 no mail service here, see https://...".',
      exim: 'Set message in the deny of the ACL, beginning with 554.',
    },
    retry: [],
    needs: [],
    scope: 'endpoint',
    judge: judgeInformative,
  },
];
