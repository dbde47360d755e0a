// Rows that have a script of their own: how what came of it becomes a finding.
//
// Decided here: a fail counts when it was seen twice, the second time alone in a fresh connection (R8, follow-up.ts); a
// run that shows no fail outweighs one that does. What the row has no word for is told as T_IO does (catalogue 3.1).
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { firstDigit, isPermanentNegative, type Reply } from '../smtp/reply.js';
import { classifyReply, type ReplyStep } from '../smtp/reply-class.js';
import type { Script } from '../smtp/script.js';
import { visible } from '../smtp/visible.js';
import { echoOf } from './observe.js';
import {
  fail,
  inconclusive,
  notApplicable,
  type Cite,
  type Finding,
  type Requirement,
  type RequirementText,
} from './requirement.js';
import { linesOfRun, runsOf, type Done, type ScriptRun } from './script-run.js';
import { causeOfRefusal, outcomeTrouble, quoteReply, sessionTrouble } from './session-trouble.js';

/** Where a run was played, for a rule that looks beyond it. */
export interface Place {
  readonly endpoint: EndpointEvidence;
  readonly evidence: DomainEvidence;
}

/** The text of a row, its script, and how one run of it reads. */
export interface ScriptedRow extends Omit<RequirementText, 'needs'> {
  readonly script: Script;
  /** How many of its lines provoke an error. */
  readonly errors: 0 | 1 | 2;
  /** What else must be asked for the rule. */
  readonly needs?: RequirementText['needs'];
  /** Why the row does not apply where the script was passed over: its keyword is not offered, a line cannot be filled. */
  readonly absent?: string;
  /** A finding, or null where the run shows nothing that the row has a word for. */
  read(run: ScriptRun, place: Place): Finding | null;
}

/** The requirement that a scripted row is. */
export function scripted({ script, errors, needs = [], absent, read, ...text }: ScriptedRow): Requirement {
  return {
    ...text,
    needs: [{ ask: 'script', script, errors }, ...needs],
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      judgeRuns(endpoint, evidence, script, absent ?? absence(script), (run) => read(run, { endpoint, evidence })),
  };
}

function absence({ offered, notOffered }: Script): string {
  if (offered !== undefined) return `${offered} is not offered`;
  return notOffered === undefined ? 'what it would send cannot be put together here' : `${notOffered} is offered`;
}

function judgeRuns(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  script: Script,
  absent: string,
  read: (run: ScriptRun) => Finding | null,
): Finding {
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  const runs = runsOf(script, endpoint, evidence);
  if (runs === null)
    return notApplicable('what it would send cannot be put together here: no domain, or no control recipient');
  if (runs.length === 0) return inconclusive('not-asked', 'not asked in this run, or the sessions ended before it');
  return settle(
    runs.map((run) => (run.isPassedOver ? notApplicable(absent) : (read(run) ?? unread(run, { endpoint, evidence })))),
  );
}

/** One finding of those of all runs. */
function settle(findings: readonly Finding[]): Finding {
  const [first, again] = findings.filter((finding) => finding.verdict === 'fail');
  if (first?.verdict === 'fail' && again?.verdict === 'fail') {
    const [cite, ...more] = first.cites;
    return fail(first.cause, first.because, cite, ...more, ...again.cites);
  }
  const other = findings.findLast(({ verdict }) => verdict !== 'fail' && verdict !== 'inconclusive');
  if (other !== undefined) return other;
  if (first !== undefined) return inconclusive('out-of-turn', `${first.because}; seen once only`, first.cites);
  return findings.at(-1) ?? inconclusive('not-asked', 'not asked in this run');
}

/** What a run tells that the row has no word for: it was cut short, or an answer is about us or for now. */
function unread(run: ScriptRun, place: Place): Finding {
  for (const one of run.done) {
    const finding = troubleOf(one, place);
    if (finding !== null) return finding;
  }
  const cites = run.done.map(({ cite }) => cite);
  return inconclusive('cut-off', 'the session ended before it was all said', cites);
}

function troubleOf(one: Done, place: Place): Finding | null {
  switch (one.kind) {
    case 'line': {
      const { outcome, cite, line } = one;
      if (outcome.kind !== 'reply') return outcomeTrouble(outcome, `the reply to ${visible(line)}`, [cite]);
      return doubtAbout(outcome.reply, line, cite, place);
    }
    case 'wait':
      return one.outcome.kind === 'quiet' ? null : outcomeTrouble(one.outcome, 'our next command', [one.cite]);
    case 'handshake':
      if (one.outcome.kind === 'secured') return null;
      return inconclusive('needs-tls', 'the TLS handshake did not succeed', [one.cite]);
    case 'beside':
      // What comes of it is the subject of the row that asks for it.
      return null;
  }
}

/** Why a refusal shows nothing of the row: it is for now, or about this client, its sender, TLS or a login; else null. */
export function doubtAbout(reply: Reply, line: string, cite: Cite, { endpoint, evidence }: Place): Finding | null {
  const digit = firstDigit(reply);
  if (digit !== 4 && digit !== 5) return null;
  const kind = classifyReply(reply, stepOf(line), echoOf(endpoint, evidence));
  const isAboutUs =
    kind === 'perm.client-policy' ||
    kind === 'perm.sender-policy' ||
    kind === 'perm.starttls' ||
    kind === 'perm.auth' ||
    reply.code === 530;
  if (isPermanentNegative(reply) && !isAboutUs) return null;
  return inconclusive(causeOfRefusal(kind, reply), `${visible(line)} was answered ${quoteReply(reply)}`, [cite]);
}

function stepOf(line: string): ReplyStep {
  if (/^mail\b/i.test(line)) return 'mail';
  if (/^rcpt\b/i.test(line)) return 'rcpt';
  return /^(?:ehlo|helo)\b/i.test(line) ? 'hello' : 'other';
}

/** A line of a run, with its reply; null where it has none. */
export interface Answered {
  readonly line: string;
  readonly reply: Reply;
  readonly cite: Cite;
}

/** The line at `at` of a run (from 0) with its reply, or null where none came. */
export function answerTo(run: ScriptRun, at: number): Answered | null {
  const one = linesOfRun(run)[at];
  return one?.outcome.kind === 'reply' ? { line: one.line, reply: one.outcome.reply, cite: one.cite } : null;
}
