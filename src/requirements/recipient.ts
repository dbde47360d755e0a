// The template T_RCPT (catalogue 3.2): what the replies to MAIL and RCPT say about one recipient.
// Lines are tried in the catalogue's order. A doubt is never an accusation: transient negatives, refusals of this
// client or of our sender, sessions that lost step and refusals that were not confirmed alone stay inconclusive.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Attempt, EndpointEvidence } from '../evidence/transcript.js';
import type { Outcome } from '../smtp/outcome.js';
import { readOnce } from '../smtp/read-once.js';
import { isPermanentNegative, isPositive, type Reply } from '../smtp/reply.js';
import { blamesClient, classifyReply, isBare550, type ReplyClass } from '../smtp/reply-class.js';
import { asked, echoOf, hasLostStep, offersStartTls } from './observe.js';
import {
  contextOf,
  controlStrength,
  needsConfirmation,
  rcptObservations,
  type RcptObservation,
} from './rcpt-observation.js';
import { fillRecipient } from './recipient-template.js';
import { fail, inconclusive, notApplicable, pass, warn, type Cause, type Cite, type Finding } from './requirement.js';
import { causeOfRefusal, outcomeTrouble, quoteReply, sessionTrouble } from './session-trouble.js';

/** Judges one recipient at one endpoint by T_RCPT and T_IO. */
export function judgeRecipient(
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  template: string,
  under?: 'null',
): Finding {
  const known = findingsIn(evidence)(endpoint);
  const key = `${under} ${template}`;
  const finding = known.get(key) ?? findAndJudge(endpoint, evidence, template, under);
  known.set(key, finding);
  return finding;
}

// The rows about spellings and strangers ask for the same recipients again.
const findingsIn = readOnce<DomainEvidence, (endpoint: EndpointEvidence) => Map<string, Finding>>(() =>
  readOnce(() => new Map()),
);

function findAndJudge(endpoint: EndpointEvidence, evidence: DomainEvidence, template: string, under?: 'null'): Finding {
  const to = fillRecipient(template, contextOf(endpoint, evidence));
  if (to === null) return notApplicable(`there is no ${template} to ask for here`);
  const observations = rcptObservations(endpoint).filter(
    (one) => one.to === to && (under !== 'null' || one.from === ''),
  );
  // A session that another attempt could not open again takes nothing from what an earlier one showed.
  if (observations.length === 0) return whyNotAsked(to, endpoint, evidence, under);
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble?.verdict === 'not-applicable') return trouble;

  const findings = observations.map((one) => ({ one, finding: readObservation(one, endpoint, evidence) }));
  const passes = findings.filter(({ finding }) => finding.verdict === 'pass' || finding.verdict === 'warn');
  const fails = findings.filter(({ finding }) => finding.verdict === 'fail');
  const lastPass = passes.at(-1);
  const lastFail = fails.at(-1);
  if (lastPass !== undefined) {
    const here = findings.filter(({ one }) => isSameRequest(one, lastPass.one));
    if (!here.some(({ finding }) => finding.verdict === 'fail'))
      return withStrength(lastPass.finding, endpoint, evidence);
    return changing(here, withStrength(lastPass.finding, endpoint, evidence));
  }
  if (lastFail !== undefined) return spared(lastFail.finding, endpoint);
  return findings.at(-1)?.finding ?? inconclusive('not-asked', 'not asked');
}

/** Section 5, item 9, and postmaster.submission: a submission port never fails a row about postmaster. */
function spared(finding: Finding, { port }: EndpointEvidence): Finding {
  if (port !== 587 && port !== 465) return finding;
  return notApplicable(`a submission port may refuse it: ${finding.because}`, finding.cites);
}

const isSameRequest = (one: RcptObservation, other: RcptObservation): boolean =>
  one.to === other.to && one.from === other.from && one.inTls === other.inTls && one.hello === other.hello;

interface Read {
  readonly one: RcptObservation;
  readonly finding: Finding;
}

/**
 * The same request accepted and refused. By turns, twice each and with nothing temporary between, it is a finding;
 * refused first and accepted ever since, it was mended; anything else is a doubt.
 */
function changing(here: readonly Read[], accepted: Finding): Finding {
  const told = here.filter(({ finding }) => finding.verdict !== 'inconclusive');
  const isRefusal = ({ finding }: Read): boolean => finding.verdict === 'fail';
  const turns = told.filter((read, at) => at > 0 && isRefusal(read) !== isRefusal(told[at - 1] ?? read)).length;
  const refusals = told.filter(isRefusal);
  const [first, ...more] = [...refusals, ...told.filter((read) => !isRefusal(read))].map(({ one }) => one.rcpt.cite);
  const acceptances = told.length - refusals.length;
  if (turns === 1 && acceptances >= 2 && told.slice(-2).every((read) => !isRefusal(read))) return accepted;
  const because = `accepted ${times(acceptances)} and refused ${times(refusals.length)} in the same place`;
  if (first === undefined) return accepted;
  const isByTurns = turns >= 3 && acceptances >= 2 && refusals.length >= 2 && told.length === here.length;
  return isByTurns
    ? fail('flapping', because, first, ...more)
    : inconclusive('transient-negative', because, [first, ...more]);
}

const times = (count: number): string => (count === 1 ? 'once' : `${count} times`);

/** Why a recipient was not asked for at this endpoint. */
function whyNotAsked(to: string, endpoint: EndpointEvidence, evidence: DomainEvidence, under?: 'null'): Finding {
  const trouble = sessionTrouble(endpoint, evidence);
  if (trouble !== null) return trouble;
  const wasPlanned = endpoint.attempts.some(({ plan }) =>
    plan.transactions.some(({ recipients }) => (recipients as readonly string[]).includes(to)),
  );
  if (!wasPlanned) return inconclusive('not-asked', 'not asked in this run');
  const mails = asked(endpoint, 'MAIL').filter(
    ({ what }) => under !== 'null' || what.command.startsWith('MAIL FROM:<>'),
  );
  const refusal = mails.findLast(({ what: { outcome } }) => outcome.kind !== 'reply' || !isPositive(outcome.reply));
  if (refusal !== undefined) {
    const attempt = endpoint.attempts[refusal.attempt];
    if (attempt !== undefined)
      return readMail(refusal.what.outcome, refusal.cite, attempt, endpoint, evidence, refusal.what.inTls);
  }
  const broken = asked(endpoint).findLast(({ what: { outcome } }) => outcome.kind !== 'reply');
  if (broken !== undefined && broken.what.outcome.kind !== 'reply') {
    return outcomeTrouble(broken.what.outcome, `the reply to ${broken.what.command}`, [broken.cite]);
  }
  const ended = asked(endpoint).findLast(
    ({ what: { outcome } }) => outcome.kind === 'reply' && outcome.reply.code === 421,
  );
  if (ended?.what.outcome.kind === 'reply') {
    const because = `the host ended the session before it was asked: ${quoteReply(ended.what.outcome.reply)}`;
    return inconclusive('client-refused', because, [ended.cite]);
  }
  return inconclusive('not-asked', 'not asked in this run');
}

function readObservation(one: RcptObservation, endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const attempt = endpoint.attempts[one.attempt];
  if (attempt === undefined) return inconclusive('not-asked', 'not asked');
  const mail = one.mail.what;
  if (mail.kind !== 'reply' || !isPositive(mail.reply)) {
    return readMail(mail, one.mail.cite, attempt, endpoint, evidence, one.inTls);
  }
  const cites = [one.rcpt.cite, one.mail.cite] as const;
  const outcome = one.rcpt.what;
  if (outcome.kind !== 'reply') return outcomeTrouble(outcome, `the reply to RCPT TO:<${one.to}>`, cites);

  const finding = readRcptReply(outcome.reply, one, attempt, endpoint, evidence);
  if (hasLostStep(attempt) && finding.verdict !== 'inconclusive') {
    const because = 'the host and we lost step in this session: its replies cannot be told apart';
    return inconclusive('out-of-turn', because, cites);
  }
  if (finding.verdict !== 'fail') return finding;
  // cli.md: a 5yz to a recipient that was not the first of its transaction counts when it was repeated alone.
  if (needsConfirmation(one)) {
    return inconclusive('out-of-turn', `${finding.because}; not confirmed with this recipient alone`, cites);
  }
  return finding;
}

/** MAIL refused or lost: a refusal before RCPT never judges the mailbox, but where AUTH is demanded of strangers. */
function readMail(
  outcome: Outcome,
  cite: Cite,
  attempt: Attempt,
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
  inTls: boolean,
): Finding {
  if (outcome.kind !== 'reply') return outcomeTrouble(outcome, 'the reply to MAIL', [cite]);
  const kind = classifyReply(outcome.reply, 'mail', echoOf(endpoint, evidence));
  if (kind === 'perm.auth') return authDemanded(outcome.reply, [cite], attempt, endpoint, inTls);
  return inconclusive(causeOfRefusal(kind, outcome.reply), `MAIL was refused: ${quoteReply(outcome.reply)}`, [cite]);
}

function readRcptReply(
  reply: Reply,
  one: RcptObservation,
  attempt: Attempt,
  endpoint: EndpointEvidence,
  evidence: DomainEvidence,
): Finding {
  const cites = [one.rcpt.cite, one.mail.cite] as const;
  const said = quoteReply(reply);
  if (reply.defects.includes('mixed-codes')) {
    return inconclusive('out-of-turn', `the lines of the reply have different codes: ${said}`, cites);
  }
  const kind = classifyReply(reply, 'rcpt', echoOf(endpoint, evidence));
  // RFC 5321 7.8: no unknown user ends a session, a blocked client does. So the session must be seen to go on.
  if (!one.isAnsweredAfter && isBare550(reply, echoOf(endpoint, evidence))) {
    return inconclusive('client-refused', `refused without a reason, and the session did not go on: ${said}`, cites);
  }
  // 551 refuses whatever address it names (4.2.3), unless its words are about us.
  if (reply.code === 551 && kind === 'perm.policy-ambiguous' && !blamesClient(reply, echoOf(endpoint, evidence))) {
    return fail('no-domain', `refused, the host sends us elsewhere: ${said}`, ...cites);
  }
  const accusation = ACCUSATIONS[kind];
  if (accusation !== undefined) {
    if ((kind === 'perm.no-domain' || kind === 'perm.relay') && one.to.includes('@')) {
      const unpublished = notPublished(endpoint, evidence);
      if (unpublished !== null) return inconclusive('not-published', `${unpublished}: ${said}`, cites);
    }
    const [cause, because] = accusation;
    return fail(cause, `${because}: ${said}`, ...cites);
  }
  switch (kind) {
    case 'accept':
      return pass(`accepted: ${said}`, cites);
    case 'accept-nonstandard':
      return warn('wrong-code', `accepted with a code that is not listed for RCPT (4.3.2): ${said}`, ...cites);
    case 'perm.auth':
      return authDemanded(reply, cites, attempt, endpoint, one.inTls);
    case 'perm.sequence':
      if (blamesClient(reply, echoOf(endpoint, evidence))) {
        return inconclusive('client-refused', `the refusal is about this client: ${said}`, cites);
      }
      // 503 although MAIL was accepted: our own batching could be why, so it counts only when repeated alone.
      return one.isAlone
        ? fail('sequence', `refused as out of sequence although MAIL was accepted: ${said}`, ...cites)
        : inconclusive('out-of-turn', `refused as out of sequence although MAIL was accepted: ${said}`, cites);
    case 'intermediate':
      return inconclusive('out-of-turn', `a code that no RCPT can have: ${said}`, cites);
    default:
      return inconclusive(causeOfRefusal(kind, reply), `${doubt(kind)}: ${said}`, cites);
  }
}

const ACCUSATIONS: { readonly [kind in ReplyClass]?: readonly [Cause, string] } = {
  'perm.no-mailbox': ['no-mailbox', 'refused, there is no such mailbox'],
  'perm.refuses-postmaster': ['no-mailbox', 'refused, mail to postmaster is not taken'],
  'perm.no-domain': ['no-domain', 'refused, the host says that it does not serve this domain'],
  'perm.relay': ['relay-denied', 'refused as relaying'],
  'perm.syntax': ['syntax', 'refused as bad syntax although RFC 5321 4.1.1.3 prints this form'],
  'perm.full': ['mailbox-full', 'refused for good because the mailbox is full'],
};

function doubt(kind: ReplyClass): string {
  if (kind === 'temp.starttls' || kind === 'perm.starttls') return 'STARTTLS is demanded first';
  if (kind === 'temp.greylist') return 'not now: greylisting or a first-contact test';
  if (kind === 'temp.sender' || kind === 'perm.sender-policy') return 'the refusal is about our sender';
  if (kind === 'perm.client-policy' || kind === 'temp.client-policy') return 'the refusal is about this client';
  if (kind === 'temp.rate' || kind === 'temp.closing') return 'the host limits this client';
  if (kind === 'perm.policy-ambiguous') return 'refused by a policy that it does not name';
  return 'not now';
}

/** Section 5, item 9: a stranger can never log in. Where STARTTLS was on offer, plaintext decides nothing. */
function authDemanded(
  reply: Reply,
  cites: readonly [Cite, ...Cite[]],
  attempt: Attempt,
  endpoint: EndpointEvidence,
  inTls: boolean,
): Finding {
  const said = quoteReply(reply);
  if (endpoint.port === 587 || endpoint.port === 465) {
    return notApplicable(`a submission port may demand authentication (RFC 6409): ${said}`, cites);
  }
  if (!inTls && offersStartTls(attempt)) return inconclusive('needs-tls', `refused before TLS: ${said}`, cites);
  return fail('auth-required', `authentication is demanded of a stranger: ${said}`, ...cites);
}

/** Section 5, item 2: where nobody published the name as a mail domain of this host, a relay refusal accuses nobody. */
function notPublished(endpoint: EndpointEvidence, evidence: DomainEvidence): string | null {
  const { route } = evidence;
  if (route.kind === 'implicit-mx') return 'no MX names this host for the domain, it is the implicit one';
  const canonical = contextOf(endpoint, evidence).canonical;
  if (canonical === null) return null;
  const answers = rcptObservations(endpoint).flatMap(({ to, rcpt }) =>
    to === `Postmaster@${canonical}` && rcpt.what.kind === 'reply' ? [rcpt.what.reply] : [],
  );
  if (answers.some(isPositive)) return 'the domain is an alias, and its canonical name is accepted';
  return answers.some(isPermanentNegative)
    ? null
    : 'the domain is an alias, and of its canonical name nothing is known';
}

/** What a random recipient got from the mail host, at whichever of its addresses it was asked. */
function withStrength(finding: Finding, endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  if (finding.verdict !== 'pass') return finding;
  const { strength, cites } = controlStrength(evidence, endpoint);
  const because = strength === 'weak' ? `${finding.because}; a random recipient was accepted too` : finding.because;
  return pass(because, [...finding.cites, ...cites], strength);
}
