// Rows that have a script of their own: how what came of it becomes a finding.
//
// Decided here: a fail counts when it was seen twice, the second time alone in a fresh connection (R8, follow-up.ts); a
// run that shows no fail outweighs one that does. What the row has no word for is told as T_IO does (catalogue 3.1).
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { firstDigit, isPermanentNegative, type Reply } from '../smtp/reply.js';
import { classifyReply, type ReplyStep } from '../smtp/reply-class.js';
import { delivers, type Script } from '../smtp/script.js';
import { visible } from '../smtp/visible.js';
import { echoOf, isScripted, nameOf } from './observe.js';
import { gravest } from './openings.js';
import {
  fail,
  inconclusive,
  notApplicable,
  type Cite,
  type Finding,
  type Requirement,
  type RequirementText,
} from './requirement.js';
import { isCut, linesOfRun, runsOf, type Done, type ScriptRun } from './script-run.js';
import { causeOfRefusal, outcomeTrouble, quoteReply, sessionTrouble } from './session-trouble.js';

/** Where a run was played, for a rule that looks beyond it. */
export interface Place {
  readonly endpoint: EndpointEvidence;
  readonly evidence: DomainEvidence;
}

/** A script, and how one run of it reads. */
export interface ScriptReading {
  readonly script: Script;
  /** Why the row does not apply where the script was passed over: its keyword is not offered, a line cannot be filled. */
  readonly absent?: string;
  /** A finding, or null where the run shows nothing that the row has a word for. */
  read(run: ScriptRun, place: Place): Finding | null;
}

/** The text of a row, its script, and how one run of it reads. */
export interface ScriptedRow extends Omit<RequirementText, 'needs'>, ScriptReading {
  /** How many of its lines provoke an error. */
  readonly errors: 0 | 1 | 2;
  /** What else must be asked for the rule. */
  readonly needs?: RequirementText['needs'];
}

/** The requirement that a scripted row is. */
export function scripted({ script, errors, needs = [], absent, read, ...text }: ScriptedRow): Requirement {
  const reading: ScriptReading = { script, read, ...(absent === undefined ? {} : { absent }) };
  return {
    ...text,
    needs: [{ ask: 'script', script, errors }, ...needs],
    scope: 'endpoint',
    judge: (endpoint, evidence) => judgeScript(reading, { endpoint, evidence }),
  };
}

/** One of several scripts of a row. */
export interface ScriptPart extends ScriptReading {
  /** How many of its lines provoke an error; null where it is said for other rows alone, and read where it was. */
  readonly errors: 0 | 1 | 2 | null;
}

/** The text of a row that has several scripts. */
export interface ScriptedPartsRow extends Omit<RequirementText, 'needs'> {
  readonly parts: readonly [ScriptPart, ...ScriptPart[]];
}

/** The requirement that a row of several scripts is: each is read by itself, and the gravest finding counts. */
export function scriptedParts({ parts, ...text }: ScriptedPartsRow): Requirement {
  return {
    ...text,
    needs: parts.flatMap(({ script, errors }) => (errors === null ? [] : [{ ask: 'script', script, errors } as const])),
    scope: 'endpoint',
    judge: (endpoint, evidence) => {
      const place = { endpoint, evidence };
      const [first, ...more] = parts.filter((part) => part.errors !== null || wasPlayed(part.script, place));
      // Some part is always the row's own.
      if (first === undefined) return inconclusive('not-asked', 'not asked in this run');
      return gravest([judgeScript(first, place), ...more.map((part) => judgeScript(part, place))]);
    },
  };
}

const wasPlayed = (script: Script, { endpoint, evidence }: Place): boolean =>
  (runsOf(script, endpoint, evidence) ?? []).length > 0;

function absence({ offered, notOffered }: Script): string {
  if (offered !== undefined) return `${offered} is not offered`;
  return notOffered === undefined ? 'what it would send cannot be put together here' : `${notOffered} is offered`;
}

function judgeScript({ script, read, absent = absence(script) }: ScriptReading, place: Place): Finding {
  const { endpoint, evidence } = place;
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  // Most runs ask for no script at all: nothing is put together then.
  if (!delivers(script) && !endpoint.attempts.some(isScripted)) return NOT_ASKED;
  const runs = runsOf(script, endpoint, evidence);
  if (runs === null)
    return notApplicable('what it would send cannot be put together here: no domain, or no control recipient');
  if (runs.length === 0) return whyNotPlayed(script, endpoint, evidence);
  const findings = runs.map((run) =>
    run.isPassedOver ? notApplicable(absent) : (read(run, place) ?? unread(run, place)),
  );
  // A message is never sent twice, so what came of it is not seen again.
  const [only] = findings;
  return delivers(script) && only !== undefined ? only : settle(findings);
}

const NOT_ASKED = inconclusive('not-asked', 'not asked in this run, or the sessions ended before it');

function whyNotPlayed(script: Script, endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  if (!delivers(script)) return NOT_ASKED;
  const other = evidence.endpoints.find((one) => one !== endpoint && (runsOf(script, one, evidence) ?? []).length > 0);
  return other === undefined
    ? inconclusive(
        'not-asked',
        'no message was sent: none was asked for, one was sent for this domain before, or no mail host took the recipient',
      )
    : notApplicable(`one message is sent for a domain, and it went to ${nameOf(other)}`);
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

/** What a run tells that the row has no word for: it was cut short, or an answer is about us, for now, or unexpected. */
function unread(run: ScriptRun, place: Place): Finding {
  for (const one of run.done) {
    const finding = troubleOf(one, place);
    if (finding !== null) return finding;
  }
  const cites = run.done.map(({ cite }) => cite);
  const attempt = place.endpoint.attempts[run.attempt];
  if (attempt === undefined || isCut(attempt))
    return inconclusive('cut-off', 'the session ended before it was all said', cites);
  const answers = linesOfRun(run).flatMap(({ line, outcome, cite }) =>
    outcome.kind === 'reply' ? [{ line, reply: outcome.reply, cite }] : [],
  );
  const odd = answers.find(({ reply }) => isPermanentNegative(reply)) ?? answers.at(-1);
  if (odd === undefined) return inconclusive('not-asked', 'nothing of it was said in the session', cites);
  const cause = isPermanentNegative(odd.reply) ? 'client-refused' : 'out-of-turn';
  return inconclusive(cause, `${named(odd.line)} was answered ${quoteReply(odd.reply)}`, [odd.cite]);
}

function troubleOf(one: Done, place: Place): Finding | null {
  switch (one.kind) {
    case 'line': {
      const { outcome, cite, line } = one;
      if (outcome.kind !== 'reply') return outcomeTrouble(outcome, `the reply to ${named(line)}`, [cite]);
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
  const said = `${named(line)} was answered ${quoteReply(reply)}`;
  if (isPermanentNegative(reply) && saysEnough(reply))
    return inconclusive('out-of-turn', `${said}: a limit of the session, it seems`, [cite]);
  if (isPermanentNegative(reply) && !isAboutUs) return null;
  return inconclusive(causeOfRefusal(kind, reply), said, [cite]);
}

/** Exim and others refuse what comes behind too many commands or errors, whatever it is. Recipients are another matter. */
export const saysEnough = ({ code, lines }: Reply): boolean =>
  code >= 400 && /\btoo many\b(?!.{0,20}\brecipients?\b)|\bonly one\b.{0,20}\bper\b/i.test(lines.join(' '));

/** A line for people; a message is many. */
const named = (line: string): string => (line.includes('\r\n') ? 'the message' : visible(line));

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
