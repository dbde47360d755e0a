// RFC 5321 4.1.4: that the name in EHLO and the address of the client do not belong together is no reason to refuse mail.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { Attempt, EndpointEvidence } from '../evidence/transcript.js';
import { isPermanentNegative, isTransientNegative } from '../smtp/reply.js';
import { blamesHello } from '../smtp/reply-class.js';
import { echoOf } from './observe.js';
import { T_IO } from './readings.js';
import { isHelloVerb, nothingToJudge, placeOf, replyLog, verbOf, type SeenReply } from './replies.js';
import { fail, pass, warn, type Finding, type Requirement } from './requirement.js';
import { quoteReply } from './session-trouble.js';

function judgeVerification(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const answers = replyLog(endpoint).replies.filter(({ command, isStray }) => command !== null && !isStray);
  const refusals = answers.filter((seen) => isRefusal(seen) && isUnderOurName(seen.session.attempt));
  const echo = echoOf(endpoint, evidence);
  const blames = refusals.flatMap((seen) => {
    const blame = blamesHello(seen.reply, echo);
    return blame === null ? [] : [{ seen, blame }];
  });
  const mismatches = blames.flatMap(({ seen, blame }) => (blame === 'mismatch' ? [seen] : []));
  const final = mismatches.find(({ reply }) => isPermanentNegative(reply));
  if (final !== undefined)
    return fail('client-refused', `refused because EHLO name and address differ: ${said(final)}`, final.cite);
  const [passing] = mismatches;
  if (passing !== undefined)
    return warn('transient-negative', `put off because EHLO name and address differ: ${said(passing)}`, passing.cite);
  const [other] = blames;
  if (other !== undefined)
    return warn('client-refused', `refused for the EHLO name itself: ${said(other.seen)}`, other.seen.cite);
  if (answers.length === 0) return nothingToJudge(endpoint, evidence, 'a reply to a command');
  return pass('no refusal names a mismatch of EHLO name and address');
}

const said = (seen: SeenReply): string => `${quoteReply(seen.reply)} ${placeOf(seen)}`;

const isRefusal = ({ reply, isStray }: SeenReply): boolean =>
  !isStray && (isPermanentNegative(reply) || isTransientNegative(reply));

/** Names that a script tries on purpose need not be ours. */
const isUnderOurName = ({ plan, ehlo, exchanges }: Attempt): boolean =>
  plan.scripts === undefined ||
  exchanges.every(
    (exchange) =>
      exchange.act !== 'command' ||
      !isHelloVerb(verbOf(exchange.command)) ||
      exchange.command.slice('EHLO '.length) === ehlo,
  );

/** RFC 5321 4.1.4, as far as the name of the client goes. */
export const helloVerification: readonly Requirement[] = [
  {
    id: 'ehlo.no-verify-reject',
    group: 'ehlo',
    title: 'EHLO name/IP mismatch is no reason to refuse mail',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.1.4',
      quote: 'if the verification fails, the server MUST NOT refuse to accept a message on that basis.',
    },
    demand:
      'The server may compare the EHLO name with the address of the client, but does not refuse because they differ.',
    probe: 'Nothing of its own: the texts of all refusals.',
    readings: [
      { verdict: 'pass', when: 'no refusal says so' },
      { verdict: 'fail', when: 'a 5yz says that the EHLO or HELO name does not match the address of the client' },
      { verdict: 'warn', when: 'a 4yz says so: put off is not refused' },
      {
        verdict: 'warn',
        when: 'a refusal because the EHLO name does not exist or is not fully-qualified: another check',
      },
      ...T_IO,
    ],
    rationale:
      'A host behind NAT, or with several addresses, cannot have one name that matches: its mail would never get through.',
    remedy: {
      general: 'Use the comparison for logs or a score, and refuse for other reasons only.',
      exim: 'Remove helo_verify_hosts and "!verify = helo" in deny statements; helo_try_verify_hosts only notes the result.',
    },
    retry: ['R6', 'R7'],
    needs: [],
    note: '7.9 keeps a general right to refuse; the prohibition covers the match of name and address alone. Where our own name does not exist, mend that first.',
    scope: 'endpoint',
    judge: judgeVerification,
  },
];
