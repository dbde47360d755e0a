// RFC 5321 5.1: the summary of the rows on MX targets. It asks their rules itself, so that it stands alone as well.
import type { DomainEvidence } from '../evidence/evidence.js';
import { judgeTargetIsName, judgeTargetResolves, judgeTargetSyntax } from './5.1-mx-targets.js';
import { judgeMx, listed } from './mx-set.js';
import {
  fail,
  inconclusive,
  notApplicable,
  pass,
  warn,
  type Cause,
  type Cite,
  type Finding,
  type Requirement,
} from './requirement.js';
import { judgeCnameTarget } from './rfc2181-aliases.js';
import { judgeSpecialName } from './rfc6761-special-names.js';
import { judgeLoopback, judgePrivate } from './rfc6890-addresses.js';

const PARTS: readonly (readonly [id: string, judge: (evidence: DomainEvidence) => Finding])[] = [
  ['mx.target-is-name', judgeTargetIsName],
  ['mx.target-syntax', judgeTargetSyntax],
  ['mx.target-resolves', judgeTargetResolves],
  ['mx.cname-target', judgeCnameTarget],
  ['mx.loopback', judgeLoopback],
  ['mx.private', judgePrivate],
  ['mx.special-name', judgeSpecialName],
];

/** The findings of one verdict, told together: those that carry a cause. */
function together(
  parts: readonly (readonly [string, Finding])[],
  verdict: 'fail' | 'warn' | 'inconclusive',
): { cause: Cause; because: string; cites: readonly Cite[] } | null {
  const meant = parts.flatMap(([id, finding]) =>
    finding.verdict === verdict && 'cause' in finding ? [{ id, ...finding }] : [],
  );
  const [first] = meant;
  if (first === undefined) return null;
  const cites = new Map(meant.flatMap(({ cites }) => cites).map((cite) => [cite.index, cite]));
  return {
    cause: first.cause,
    because: listed(
      meant.map(({ id, because }) => `${id}: ${because}`),
      PARTS.length,
    ),
    cites: [...cites.values()],
  };
}

function judgeBogus(evidence: DomainEvidence): Finding {
  return judgeMx(evidence, (set) => {
    const parts = PARTS.map(([id, judge]) => [id, judge(evidence)] as const);
    for (const verdict of ['fail', 'inconclusive', 'warn'] as const) {
      const found = together(parts, verdict);
      if (found === null) continue;
      const { cause, because, cites } = found;
      if (verdict === 'inconclusive') return inconclusive(cause, because, cites);
      const [cite = set.cites[0], ...more] = cites;
      return verdict === 'fail' ? fail(cause, because, cite, ...more) : warn(cause, because, cite, ...more);
    }
    if (parts.every(([, { verdict }]) => verdict === 'not-applicable'))
      return notApplicable('no MX record names a host', set.cites);
    return pass('nothing is wrong with what the MX records name', set.cites);
  });
}

/** RFC 5321 5.1: bogus MX sets. */
export const mxBogus: readonly Requirement[] = [
  {
    id: 'mx.bogus',
    group: 'dns',
    title: 'MX set is not bogus (summary)',
    level: 'derived',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '5.1',
      quote: 'gives the IP address of the SMTP server to which the message should be directed.',
    },
    demand: 'Each MX record leads by a canonical name to at least one public address.',
    probe:
      'Nothing of its own: mx.target-is-name, mx.target-syntax, mx.target-resolves, mx.cname-target, mx.loopback, mx.private, mx.special-name.',
    readings: [
      { verdict: 'pass', when: 'all of them pass, those aside that are not applicable' },
      { verdict: 'fail', when: 'any of them fails' },
      { verdict: 'warn', when: 'one or more warns, and the DNS told all' },
      { verdict: 'inconclusive', when: 'none fails, and of one or more the DNS did not tell' },
      { verdict: 'not-applicable', when: 'no MX, Null MX' },
    ],
    rationale:
      'A single bogus record delays or loses part of the mail, and lists of such domains were used to refuse mail from them.',
    remedy: {
      general:
        'See the rows it names. A sound set: example.org. MX 10 mail.example.org. and mail.example.org. A with a public address.',
    },
    retry: ['R11'],
    needs: [],
    scope: 'domain',
    judge: judgeBogus,
  },
];
