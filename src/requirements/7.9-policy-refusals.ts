// RFC 5321 7.9: the code of refusals by policy.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isPermanentNegative } from '../smtp/reply.js';
import { classifyReply, type ReplyClass, type ReplyStep } from '../smtp/reply-class.js';
import { echoOf } from './observe.js';
import { accuse, isHelloVerb, nothingToJudge, replyLog, type SeenReply } from './replies.js';
import { pass, type Finding, type Requirement } from './requirement.js';

const STEPS: ReadonlyMap<string, ReplyStep> = new Map([
  ['EHLO', 'hello'],
  ['HELO', 'hello'],
  ['MAIL', 'mail'],
  ['RCPT', 'rcpt'],
]);

/** Refusals that say of themselves that they are made by policy. */
const POLICY: ReadonlySet<ReplyClass> = new Set([
  'perm.client-policy',
  'perm.sender-policy',
  'perm.refuses-postmaster',
] satisfies ReplyClass[]);

const UNACCEPTABLE: ReadonlySet<number> = new Set([500, 501, 502]);

function judgePolicyCode(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const echo = echoOf(endpoint, evidence);
  const stepOf = ({ verb }: SeenReply): ReplyStep | undefined => STEPS.get(verb);
  // Errors made on purpose are refused for what they are: "501 EHLO requires a domain" is no policy.
  const seen = replyLog(endpoint).replies.filter(
    (one) => !one.session.isScripted && one.session.isInStep && one.session.isOpen && stepOf(one) !== undefined,
  );
  if (seen.length === 0) return nothingToJudge(endpoint, evidence, 'a reply to EHLO, MAIL or RCPT');
  const wrong = seen.filter((one) => {
    const { reply } = one;
    // 530 is RFC 3207's and RFC 4954's own, 5.1.x is about an address and not about a policy.
    if (!isPermanentNegative(reply) || reply.code === 550 || reply.code === 530) return false;
    // 551 speaks of the recipient, whatever its enhanced status code says.
    if (reply.code === 551 || reply.enhanced?.startsWith('5.1.') === true) return false;
    // 4.1.4 has these for an EHLO that is not acceptable.
    if (isHelloVerb(one.verb) && UNACCEPTABLE.has(reply.code) && reply.enhanced?.startsWith('5.7.') !== true)
      return false;
    const kind = classifyReply(reply, stepOf(one) ?? 'other', echo);
    return POLICY.has(kind) || (kind === 'perm.policy-ambiguous' && reply.enhanced?.startsWith('5.7.') === true);
  });
  const [first] = wrong;
  if (first === undefined) return pass('no refusal by policy with another code than 550');
  const what = 'a refusal by policy without 550';
  return accuse({ verdict: 'warn', cause: 'wrong-code', what }, wrong, first, seen);
}

/** RFC 5321 7.9. */
export const policyRefusals: readonly Requirement[] = [
  {
    id: 'policy.refusal-550',
    group: 'rcpt',
    title: 'Policy refusals use 550',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '7.9',
      quote: 'a 550 code SHOULD be used in response to EHLO (or HELO), MAIL, or RCPT as appropriate.',
    },
    demand: 'A refusal by policy at EHLO, MAIL or RCPT has the code 550.',
    probe: 'Nothing of its own: 5yz replies to EHLO, MAIL and RCPT that name this client, the sender or a policy.',
    readings: [
      { verdict: 'pass', when: '550, or no refusal by policy was seen' },
      { verdict: 'warn', when: '554, 553, 571, 501 or another code, for a list, a PTR, SPF or another policy' },
      { verdict: 'inconclusive', when: 'no reply to EHLO, MAIL or RCPT was seen' },
    ],
    rationale:
      'With 550 the sender of a mail learns that the host does not want it; 554 sounds like a fault that may pass.',
    remedy: {
      general: 'Set the code of such refusals to 550, with 5.7.1 or another 5.7.x behind it.',
      postfix:
        'maps_rbl_reject_code = 550, access_map_reject_code = 550 and reject_code = 550; they are 554 by default.',
    },
    retry: [],
    needs: [],
    note: 'Refused relaying has a row of its own, 530 is the code of RFC 3207 and RFC 4954, 551 speaks of the recipient, 5.1.x of an address, and 500, 501 and 502 are what 4.1.4 has for the argument of EHLO. A refusal that gives no reason at all is not taken for a policy, and neither is one in a session in which errors are made on purpose.',
    scope: 'endpoint',
    judge: judgePolicyCode,
  },
];
