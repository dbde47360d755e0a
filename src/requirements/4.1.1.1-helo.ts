// RFC 5321 4.1.1.1 and 3.2: the old HELO still works, and its reply lists no extensions.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPositive } from '../smtp/reply.js';
import { visible } from '../smtp/visible.js';
import { isKeywordLine } from './ehlo-keywords.js';
import { hellosOf, type Hello } from './ehlo-replies.js';
import { judgeHellos } from './hello-refusal.js';
import { T_IO } from './readings.js';
import { fail, pass, type Finding, type Requirement } from './requirement.js';

const helosOf = (endpoint: EndpointEvidence): readonly Hello[] =>
  hellosOf(endpoint).filter(({ verb }) => verb === 'HELO');

function judgeFallback(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const helos = helosOf(endpoint);
  for (const { what, cite } of helos) {
    if (what.kind === 'reply' && isPositive(what.reply)) return pass(`HELO was answered ${what.reply.code}`, [cite]);
  }
  // Behind a refused EHLO a refused HELO may be about the session: only as its first command does it accuse.
  const first = helos.filter(({ session }) => session.attempt.plan.hello === 'HELO');
  return judgeHellos(first, { endpoint, evidence });
}

function judgeOneLine(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const helos = helosOf(endpoint);
  const accepted = helos.flatMap(({ what, cite }) =>
    what.kind === 'reply' && isPositive(what.reply) ? [{ reply: what.reply, cite }] : [],
  );
  for (const { reply, cite } of accepted) {
    const keywords = reply.lines.slice(1).filter(isKeywordLine);
    if (keywords.length > 0)
      return fail(
        'malformed',
        `HELO was answered with ${keywords.map((line) => visible(line.trim())).join(', ')}`,
        cite,
      );
  }
  if (accepted.length === 0) return judgeHellos([], { endpoint, evidence });
  return pass(
    'the reply to HELO lists no extension',
    accepted.map(({ cite }) => cite),
  );
}

/** RFC 5321 4.1.1.1 and 3.2, as far as HELO goes. */
export const helo: readonly Requirement[] = [
  {
    id: 'helo.fallback',
    group: 'ehlo',
    title: 'HELO supported',
    level: 'MUST',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.1.1',
      quote: 'servers MUST support the HELO command and reply properly to it.',
    },
    demand: 'HELO is still accepted.',
    probe: 'A connection of its own that begins with HELO.',
    readings: [
      { verdict: 'pass', when: '250, or another 2yz' },
      { verdict: 'fail', when: '500 or 502 to a HELO that is the first command, even where EHLO works' },
      { verdict: 'inconclusive', when: '4yz, or another 5yz: about our name or address, or TLS is demanded first' },
      ...T_IO,
    ],
    rationale: 'Old devices know nothing else, and a client whose EHLO is refused falls back to HELO.',
    remedy: {
      general: 'Accept HELO as well as EHLO: every mail server does where nothing before it filters commands.',
    },
    retry: ['R6', 'R3'],
    needs: [{ ask: 'helo-session' }],
    note: 'HELO takes a domain: where we have only an address literal, its refusal with 501 or 504 is ours.',
    scope: 'endpoint',
    judge: judgeFallback,
  },
  {
    id: 'helo.no-extended-response',
    group: 'ehlo',
    title: 'HELO does not list extensions',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.2',
      quote: 'Servers MUST NOT return the extended EHLO-style response to a HELO command.',
    },
    demand: 'The reply to HELO has no list of keywords.',
    probe: 'A connection of its own that begins with HELO.',
    readings: [
      { verdict: 'pass', when: 'one line, or more of which none is an EHLO keyword' },
      { verdict: 'fail', when: 'a line behind the first is a registered keyword: SIZE, 8BITMIME, STARTTLS, AUTH' },
      { verdict: 'inconclusive', when: 'HELO was not said, or not accepted (helo.fallback judges that)' },
      ...T_IO,
    ],
    rationale: 'A client that says HELO expects one line; some take the second for the reply to their next command.',
    remedy: { general: 'Answer HELO with one line: the code and the name of the host.' },
    retry: ['R3'],
    needs: [{ ask: 'helo-session' }],
    note: 'A line counts where it is a registered keyword alone, or with the parameters of that keyword: text for people may have any word in it.',
    scope: 'endpoint',
    judge: judgeOneLine,
  },
];
