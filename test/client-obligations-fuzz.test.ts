// Obligations that must hold whatever a host says: the real planner, conversations and driver against hosts that choose
// each move at random, and every octet read by the auditor.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { DomainEvidence } from '../src/evidence/evidence.js';
import { reportDomain, runFacts } from '../src/report/roll-up.js';
import type { DomainReport } from '../src/report/report.js';
import { audit, type Entry } from './support/obligations-audit.js';
import { choosingHost, probeFake, type FakeHost, type Move } from './support/obligations-fake.js';

const CODES = [
  220, 221, 235, 250, 250, 250, 250, 250, 251, 252, 259, 334, 354, 400, 421, 450, 451, 452, 454, 499, 500, 501, 502, 503, 504, 521, 530, 535,
  550, 551, 552, 553, 554, 555, 556, 571, 599,
]; // prettier-ignore
const TEXTS = [
  'ok',
  '5.1.1 User unknown',
  '4.7.1 Greylisted, try again later',
  '5.7.0 Must issue a STARTTLS command first',
  '5.7.1 Relay access denied',
  '5.7.1 Client host blocked using zen.spamhaus.org',
  '5.1.8 Sender address rejected: Domain not found',
  '4.5.3 too many recipients',
  '5.5.1 bad sequence',
  'start mail input',
  '',
];
const EHLO_KEYWORDS = [
  [],
  ['PIPELINING'],
  ['STARTTLS'],
  ['PIPELINING', 'STARTTLS', 'SMTPUTF8', 'SIZE 1'],
  ['pipelining', 'CHUNKING'],
];

const says = (code: number, text: string, keywords: readonly string[] = []): Move => {
  const lines = [text, ...keywords];
  return {
    kind: 'says',
    octets: lines.map((line, index) => `${code}${index === lines.length - 1 ? ' ' : '-'}${line}\r\n`).join(''),
  };
};

const reply = fc
  .tuple(fc.constantFrom(...CODES), fc.constantFrom(...TEXTS), fc.constantFrom(...EHLO_KEYWORDS))
  .map(([code, text, keywords]) => says(code, text, keywords));
const quiet: fc.Arbitrary<Move> = fc.constantFrom<Move>({ kind: 'silence' }, { kind: 'fin' }, { kind: 'reset' });
const anything: fc.Arbitrary<Move> = fc.oneof(
  { arbitrary: reply, weight: 12 },
  { arbitrary: quiet, weight: 1 },
  { arbitrary: fc.constant<Move>({ kind: 'garbage' }), weight: 1 },
  {
    arbitrary: fc.constantFrom(...CODES).map((code): Move => ({ kind: 'stray', octets: `${code} stray\r\n` })),
    weight: 1,
  },
);

/** A host of these moves, one a step; when they are used up it is an ordinary one. `likely` keeps sessions going. */
function hostOf(moves: readonly Move[], likely: readonly boolean[]): FakeHost {
  let at = 0;
  return choosingHost((step) => {
    const move = moves[at];
    const isLikely = likely[at] ?? true;
    at += 1;
    if (move !== undefined && !isLikely) return move;
    if (step === 'linger') return { kind: 'silence' };
    if (step === 'opening') return says(220, 'mx');
    if (step === 'QUIT') return says(221, 'bye');
    return step === 'EHLO' && move?.kind === 'says'
      ? says(250, 'mx', EHLO_KEYWORDS[at % EHLO_KEYWORDS.length])
      : says(250, 'ok');
  });
}

/** What the probe said in a conversation. */
const octetsOf = (log: readonly Entry[]): string =>
  log.flatMap((entry) => (entry.who === 'probe' && 'octets' in entry ? [entry.octets] : [])).join('');

const report = (evidence: DomainEvidence): DomainReport => reportDomain(evidence, runFacts([evidence]));

const sequence = (
  move: fc.Arbitrary<Move>,
  minLength: number,
): fc.Arbitrary<readonly [readonly Move[], readonly boolean[]]> =>
  fc.tuple(fc.array(move, { minLength, maxLength: 60 }), fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }));

const options = fc.record({
  starttls: fc.constantFrom('auto' as const, 'never' as const, 'require' as const),
  pipelining: fc.boolean(),
  mailFrom: fc.constantFrom('<>', 'me@other.example'),
  profile: fc.constantFrom('postmaster' as const, 'rfc5321' as const),
});

describe('whatever a host says', () => {
  it('client.no-data: DATA is never said, no rule is broken, and the session ends', async () => {
    await fc.assert(
      fc.asyncProperty(sequence(anything, 0), options, async ([moves, likely], given) => {
        const host = hostOf(moves, likely);
        const evidence = await probeFake({
          connect: host.connect,
          options: { ...given, lingerMs: 1, retries: 1, retryAfterMs: 0 },
        });
        for (const log of host.conversations) {
          assert.deepEqual(audit(log, 1), []);
          assert.doesNotMatch(octetsOf(log), /^(?:DATA|BDAT)\b/im);
        }
        assert.ok(host.conversations.length <= 16);
        // Whatever came, there is a report of it.
        assert.ok(report(evidence).because.length > 0);
      }),
      { numRuns: 300 },
    );
  });

  it('client.error-budget: one control recipient at most in a conversation, and not two of them in a run', async () => {
    await fc.assert(
      fc.asyncProperty(sequence(anything, 0), options, async ([moves, likely], given) => {
        const host = hostOf(moves, likely);
        await probeFake({ connect: host.connect, options: { ...given, lingerMs: 1 } });
        const controls = host.conversations.map((log) =>
          [...octetsOf(log).matchAll(/RCPT TO:<([a-z][a-z0-9]{23})@/g)].map(([, name]) => name),
        );
        for (const each of controls) assert.ok(each.length <= 1, each.join(', '));
        assert.ok(new Set(controls.flat()).size <= 1);
      }),
      { numRuns: 80 },
    );
  });

  const transient = fc.oneof(
    fc
      .tuple(fc.constantFrom(400, 421, 447, 450, 451, 452, 454, 499), fc.constantFrom(...TEXTS))
      .map(([code, text]) => says(code, text)),
    quiet,
  );

  it('client.closed-as-451: transient negatives, closes and silence alone never make a violation', async () => {
    await fc.assert(
      fc.asyncProperty(sequence(transient, 1), options, async ([moves, likely], given) => {
        const host = hostOf(moves, likely);
        const told = report(
          await probeFake({ connect: host.connect, options: { ...given, profile: 'postmaster', lingerMs: 1 } }),
        );
        assert.notEqual(
          told.verdict,
          'violates',
          JSON.stringify(told.judgements.filter(({ verdict }) => verdict === 'fail')),
        );
        const failed = told.judgements.filter(
          ({ verdict, requirement }) => verdict === 'fail' && requirement.startsWith('postmaster.'),
        );
        assert.deepEqual(failed, []);
      }),
      { numRuns: 300 },
    );
  });

  const blocking = fc.constantFrom(
    says(554, '5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org'),
    says(550, '5.7.25 Client host rejected: cannot find your reverse hostname, [192.0.2.1]'),
    says(550, '5.7.1 <probe.example>: Helo command rejected: Host not found'),
    says(571, 'your IP address has a poor reputation'),
    says(554, 'too many connections from your host'),
  );

  it('a host that refuses this client, by its own words, never comes out as a violation', async () => {
    await fc.assert(
      fc.asyncProperty(sequence(fc.oneof(blocking, transient), 1), options, async ([moves, likely], given) => {
        const host = hostOf(moves, likely);
        const told = report(
          await probeFake({ connect: host.connect, options: { ...given, profile: 'postmaster', lingerMs: 1 } }),
        );
        assert.notEqual(told.verdict, 'violates', told.because);
      }),
      { numRuns: 200 },
    );
  });

  it('client.code-decides: texts change nothing in a conversation', async () => {
    const codes = fc.array(fc.constantFrom(220, 250, 250, 250, 251, 299, 421, 450, 499), {
      minLength: 1,
      maxLength: 40,
    });
    const texts = fc.array(fc.constantFrom(...TEXTS), { minLength: 40, maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(codes, texts, async (given, words) => {
        const said: string[] = [];
        for (const wording of [words, words.map(() => 'ok')]) {
          let at = 0;
          const host = choosingHost((step) =>
            step === 'linger' ? { kind: 'silence' } : says(given[at] ?? 250, wording[at++] ?? 'ok'),
          );
          await probeFake({ connect: host.connect, options: { controls: false, lingerMs: 1 } });
          said.push(octetsOf(host.conversations[0] ?? []));
        }
        assert.equal(said[0], said[1]);
      }),
      { numRuns: 80 },
    );
  });
});
