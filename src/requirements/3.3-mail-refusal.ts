// RFC 5321 3.3, 4.2.2, 4.5.3.1.10: what replies to MAIL and RCPT must tell besides yes and no.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { firstDigit, isPermanentNegative, isPositive, replyText } from '../smtp/reply.js';
import { asked, type Asked, type Seen } from './observe.js';
import { T_IO } from './readings.js';
import { accuse, before, nothingToJudge, replyLog, verbOf, type SeenReply } from './replies.js';
import { fail, pass, type Finding, type Requirement } from './requirement.js';
import { outcomeTrouble, quoteReply } from './session-trouble.js';

const PLAIN_MAIL = /^mail from:<[^<>\s]*>(?: smtputf8)?$/i;

function judgeMailRefusal(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const answers = replyLog(endpoint).replies.filter(
    ({ command, verb, session }) => verb === 'MAIL' && session.isInStep && PLAIN_MAIL.test(command ?? ''),
  );
  const odd = answers.find(({ reply }) => firstDigit(reply) === 3);
  if (odd !== undefined)
    return fail('wrong-code', `MAIL was answered with ${quoteReply(odd.reply)}, neither yes nor no`, odd.cite);
  const unanswered = asked(endpoint, 'MAIL').filter(({ what: { outcome } }) => outcome.kind !== 'reply');
  const closes = unanswered.filter((seen) => isUnexplainedClose(seen, endpoint));
  const [first, again] = closes;
  if (first !== undefined && again !== undefined)
    return fail('closed-early', 'closed at MAIL without a reply, in 2 sessions', first.cite, again.cite);
  if (answers.length > 0) return pass(`${answers.length} replies to MAIL, each yes, not now or no`);
  const last = unanswered.at(-1);
  if (last !== undefined && last.what.outcome.kind !== 'reply')
    return outcomeTrouble(last.what.outcome, 'the reply to MAIL', [last.cite]);
  return nothingToJudge(endpoint, evidence, 'a reply to MAIL');
}

/** A close by the host at a MAIL that stood alone, behind nothing but positive replies: 7.8 allows defence, and 421 says its reason. */
function isUnexplainedClose({ attempt, index, what }: Seen<Asked>, endpoint: EndpointEvidence): boolean {
  if (what.outcome.kind !== 'closed' || what.outcome.how !== 'fin' || !PLAIN_MAIL.test(what.command)) return false;
  const exchanges = endpoint.attempts[attempt]?.exchanges ?? [];
  const [here, next] = exchanges.slice(index);
  // In a group, what is closed at may be any of its commands.
  if (here?.act !== 'command' || (next?.act === 'command' && next.group === here.group)) return false;
  const earlier = exchanges.slice(0, index);
  return earlier.every((exchange) => {
    if (exchange.act === 'handshake') return exchange.outcome.kind === 'secured';
    if (exchange.act !== 'command' && exchange.act !== 'opening') return false;
    return exchange.outcome.kind === 'reply' && isPositive(exchange.outcome.reply);
  });
}

const isForwarding = ({ reply: { code }, isStray }: SeenReply): boolean => !isStray && (code === 251 || code === 551);

function judgeForwardPath(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const { replies } = replyLog(endpoint);
  const paired = replies.filter(({ session, command }) => command !== null && session.isInStep);
  if (paired.length === 0) return nothingToJudge(endpoint, evidence, 'a reply to a command');
  const forwarding = paired.filter(isForwarding);
  const blank = forwarding.filter(({ reply }) => !/<[^<>@]+@[^<>]+>/.test(replyText(reply)));
  const [first] = blank;
  if (first !== undefined) {
    const what = 'no forward-path in the text';
    return accuse({ verdict: 'warn', cause: 'malformed', what }, blank, first, forwarding);
  }
  return forwarding.length === 0
    ? pass('neither 251 nor 551 was said')
    : pass(
        `251 and 551 name a forward-path, ${forwarding.length} times`,
        forwarding.slice(0, 1).map(({ cite }) => cite),
      );
}

/** Words and code (RFC 3463 3.6) for more recipients in one transaction than the host takes. */
function isTooMany(seen: SeenReply): boolean {
  const { reply } = seen;
  if (reply.enhanced !== '5.5.3' && !/too many recipients/i.test(replyText(reply))) return false;
  // Of a null sender a second recipient may be refused: no bounce has two.
  const mail = before(seen).findLast((one) => one.act === 'command' && verbOf(one.command) === 'MAIL');
  return mail?.act === 'command' && !/^mail from:<>/i.test(mail.command);
}

function judgeTooMany(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const answers = replyLog(endpoint).replies.filter(({ verb, session }) => verb === 'RCPT' && session.isInStep);
  if (answers.length === 0) return nothingToJudge(endpoint, evidence, 'a reply to RCPT');
  const wrong = answers.filter((seen) => isPermanentNegative(seen.reply) && isTooMany(seen));
  const [first] = wrong;
  if (first === undefined) return pass('no refusal for too many recipients with another code than 452');
  const what = 'too many recipients refused for good';
  return accuse({ verdict: 'warn', cause: 'wrong-code', what }, wrong, first, answers);
}

/** RFC 5321 3.3, 4.2.2 and 4.5.3.1.10, in this order. */
export const envelopeReplies: readonly Requirement[] = [
  {
    id: 'mail.refusal-class',
    group: 'mail',
    title: 'Sender refusal says permanent or temporary',
    level: 'MUST',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '3.3',
      quote: 'the server MUST return a reply indicating whether the failure is permanent',
    },
    demand: 'A refused reverse-path is answered with 4yz or 5yz.',
    probe: 'Nothing of its own: the replies to MAIL.',
    readings: [
      { verdict: 'pass', when: '2yz, 4yz or 5yz' },
      { verdict: 'fail', when: '3yz' },
      {
        verdict: 'fail',
        when: 'closed at a MAIL that stood alone, behind nothing but positive replies, in two sessions',
      },
      ...T_IO,
    ],
    rationale: 'A sender that is not told whether to try again tries again, for days, and nobody learns the reason.',
    remedy: { general: 'Refuse a sender with 550 or 450 and a reason, and keep the session open.' },
    retry: ['R8'],
    needs: [],
    note: 'A reset may be the doing of a middlebox and is not counted; neither is a close behind any refusal, or at a group.',
    scope: 'endpoint',
    judge: judgeMailRefusal,
  },
  {
    id: 'rcpt.251-disclosure',
    group: 'rcpt',
    title: '251/551 carry a usable forward-path',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.2.2',
      quote: '251 User not local; will forward to <forward-path>',
    },
    demand: 'Where 251 or 551 is said, its text holds the address that mail goes to.',
    probe: 'Nothing of its own: every 251 and 551 to a command.',
    readings: [
      { verdict: 'pass', when: 'the text has <local-part@domain>, or neither code was said' },
      { verdict: 'warn', when: '251 or 551 without an address' },
      { verdict: 'inconclusive', when: 'no reply to a command was seen' },
    ],
    rationale: 'These two codes exist to tell the new address; without it 551 leaves the sender nowhere to go.',
    remedy: {
      general: "Name the address in angle brackets, or say 250 and 550 where it is nobody's business (3.4, 7.4).",
      exim: 'Relaying refused with a message that begins with 551: begin it with 550.',
    },
    retry: [],
    needs: [],
    scope: 'endpoint',
    judge: judgeForwardPath,
  },
  {
    id: 'limits.too-many-452',
    group: 'limits',
    title: 'Too many recipients answered 452',
    level: 'MUST',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.3.1.10',
      quote:
        'has an implementation limit on the number of RCPT commands and this limit is exhausted, it MUST use a response code of 452',
    },
    demand: 'A host that takes no more recipients in a transaction says 452.',
    probe: 'Nothing of its own: refusals for too many recipients, if any are seen.',
    readings: [
      { verdict: 'pass', when: '452, or no such refusal was seen' },
      { verdict: 'warn', when: '5yz with such words, or with 5.5.3' },
      { verdict: 'inconclusive', when: 'no reply to RCPT was seen' },
    ],
    rationale: 'Behind 452 the client sends to the others in another transaction; behind 5yz their mail comes back.',
    remedy: {
      general: 'Answer 452 4.5.3 to recipients beyond the limit.',
      exim: 'recipients_max_reject = false, which is the default.',
    },
    retry: [],
    needs: [],
    note: 'It never fails: a 5yz may be the policy of a site, which 4.5.3.1.10 allows beside limits of the implementation. Not counted under a null reverse-path: no bounce has two recipients.',
    scope: 'endpoint',
    judge: judgeTooMany,
  },
];
