// RFC 5321 4.2, 4.2.2, 4.3.1: the codes and the form of the first reply.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { firstDigit, type Reply } from '../smtp/reply.js';
import { isDomainSyntax } from '../smtp/address.js';
import { isAddressLiteral, TEXT_WORD } from './2.3.5-greeting-name.js';
import { openingRepliesOf, type Seen } from './observe.js';
import { noOpening, otherOpening, wrongCodeCause } from './openings.js';
import { T_IO } from './readings.js';
import { notApplicable, pass, warn, type Finding, type Requirement } from './requirement.js';
import { quoteReply } from './session-trouble.js';

/** RFC 5321 4.3.2 lists 220 and 554 and allows 421 to everything; RFC 7504 5.1 adds 521. */
const LISTED: ReadonlySet<number> = new Set([220, 554, 521, 421]);

/** True for a code that other rows have no quarrel with: a digit 2 to 5 in front, and the same on every line. */
const isReadable = ({ what }: Seen<Reply>): boolean =>
  firstDigit(what) >= 2 && firstDigit(what) <= 5 && !what.defects.includes('mixed-codes');

function judgeCode(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const openings = openingRepliesOf(endpoint);
  if (openings.length === 0) return noOpening(endpoint, evidence);
  const cites = openings.map(({ cite }) => cite);
  const readable = openings.filter(isReadable);
  const [first] = readable;
  if (first === undefined)
    return notApplicable('the code of the opening is judged by the rows about reply codes', cites);
  const odd = readable.find(({ what }) => !LISTED.has(what.code));
  if (odd === undefined)
    return pass(`opened with ${[...new Set(readable.map(({ what }) => what.code))].join(', ')}`, cites);
  const because = `the opening ${quoteReply(odd.what)} is none of 220, 554, 521 and 421`;
  return warn(wrongCodeCause(odd.what, endpoint, evidence), because, odd.cite);
}

function judgeEarly5yz(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const openings = openingRepliesOf(endpoint);
  if (openings.length === 0) return noOpening(endpoint, evidence);
  const odd = openings.find(
    (opening) => isReadable(opening) && firstDigit(opening.what) === 5 && !LISTED.has(opening.what.code),
  );
  if (odd === undefined)
    return pass(
      'no opening refuses with a 5yz other than 554 and 521',
      openings.map(({ cite }) => cite),
    );
  const because = `the host refuses all sessions with ${quoteReply(odd.what)} instead of 554`;
  return warn(wrongCodeCause(odd.what, endpoint, evidence), because, odd.cite);
}

/** What is wrong with a 220 reply as the production Greeting has it, or null. */
function greetingFlaw({ lines, defects }: Reply): string | null {
  if (defects.includes('non-ascii')) return 'it has octets above 127';
  if (defects.some((defect) => defect === 'control' || defect === 'nul' || defect === 'bare-cr'))
    return 'it has control octets';
  if (defects.includes('no-separator')) return 'no space or hyphen follows the code';
  const name = /^(\S+)(?: [\t\x20-\x7e]*)?$/.exec(lines[0] ?? '')?.[1];
  return name !== undefined && (isDomainSyntax(name) || isAddressLiteral(name)) && !TEXT_WORD.test(name)
    ? null
    : 'no domain or address literal stands behind the code';
}

function judgeSyntax(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const greetings = openingRepliesOf(endpoint).filter((opening) => opening.what.code === 220 && isReadable(opening));
  const [first] = greetings;
  if (first === undefined) return otherOpening(endpoint, evidence, 'a 220 that can be read');
  for (const { what, cite } of greetings) {
    const flaw = greetingFlaw(what);
    if (flaw !== null)
      return warn('malformed', `the greeting ${quoteReply(what)} does not follow its grammar: ${flaw}`, cite);
  }
  return pass(
    `the greeting ${quoteReply(first.what)} follows its grammar`,
    greetings.map(({ cite }) => cite),
  );
}

/** RFC 5321 4.2 and its tables, in the order of the catalogue. */
export const openingReplies: readonly Requirement[] = [
  {
    id: 'greeting.code',
    group: 'greeting',
    title: 'Only listed codes at connection opening',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'session',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '4.3.1', quote: 'These SHOULD be strictly adhered to.' },
    demand: 'The opening reply is 220, 554, 521 (RFC 7504) or 421.',
    probe: 'The code of the opening reply.',
    readings: [
      { verdict: 'pass', when: '220, 554, 521 or 421' },
      { verdict: 'warn', when: 'another 2yz, 4yz or 5yz; it is read by its first digit' },
      { verdict: 'warn', when: '3yz, which no opening can be' },
      {
        verdict: 'not-applicable',
        when: 'a code that is none, or lines that disagree: reply.first-digit and reply.code-format judge it',
      },
      ...T_IO,
    ],
    rationale:
      'Clients differ in what they make of an unlisted opening: one retries the host for days, another bounces, a third goes on to the next MX.',
    remedy: {
      general: 'Open with 220, or refuse with 554 (this client, for good), 521 (no mail ever) or 421 (not now).',
      exim: 'A deny in acl_smtp_connect says 550 and a defer 451: begin its message with 554 or 421, for example "deny message = 554 No SMTP service here".',
      exchange: 'Set-ReceiveConnector -Banner must begin with 220.',
    },
    retry: [],
    needs: [],
    note: 'The warning has the cause transient-negative for a 4yz, and client-refused where the text blames this client: neither is ever a violation.',
    scope: 'endpoint',
    judge: judgeCode,
  },
  {
    id: 'greeting.syntax',
    group: 'greeting',
    title: '220 greeting follows the ABNF',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '4.2', quote: 'Greeting = ( "220 " (Domain / address-literal)' },
    demand: 'Behind 220 and a space or hyphen stands a domain or an address literal, then printable text if any.',
    probe: 'The lines of the 220 greeting.',
    readings: [
      { verdict: 'pass', when: 'the greeting follows the production Greeting of 4.2' },
      { verdict: 'warn', when: 'the first word is no name: "220 ESMTP ready", "220 ****", a bare 220' },
      { verdict: 'warn', when: 'control octets, or octets above 127' },
      { verdict: 'not-applicable', when: 'the opening is not 220' },
      ...T_IO,
    ],
    rationale:
      'The name in the greeting is how people, and loop checks of other mail servers, tell which host they have reached behind an MX or a load balancer.',
    remedy: {
      general:
        'Begin the greeting with the full name of the host. A row of asterisks is the SMTP inspection of a firewall: turn it off, it breaks more than this.',
      postfix: 'smtpd_banner = $myhostname ESMTP: the parameter must begin with $myhostname.',
      exim: 'smtp_banner = $smtp_active_hostname ESMTP Exim: the option must begin with the host name.',
      sendmail: "define(`confSMTP_LOGIN_MSG', `$j Sendmail; $b'): it must begin with $j.",
      exchange: 'Set-ReceiveConnector -Banner "220 mx.example.org ESMTP": the name right behind 220.',
    },
    retry: [],
    needs: [],
    note: 'ESMTP, SMTP, Welcome and the like are letters that could be a domain of one label; they are read as text.',
    scope: 'endpoint',
    judge: judgeSyntax,
  },
  {
    id: 'greeting.no-early-5xx-other',
    group: 'greeting',
    title: 'Refusal greetings use 554/521 not 5xx others',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.2.2',
      quote: 'in the case of a connection-opening response, "No SMTP service here"',
    },
    demand: 'A refusal for good at connect time has the code that is defined for it.',
    probe: 'The code of the opening reply.',
    readings: [
      { verdict: 'pass', when: 'no opening is a 5yz other than 554 and 521' },
      { verdict: 'warn', when: '550, 553, 571 and so on; QUIT is said, and the greeting.554 rows do not apply' },
      { verdict: 'inconclusive', when: 'no opening reply was seen' },
    ],
    rationale:
      'Only 554 and 521 say that the host as such gives no service; 550 is about a mailbox, and a client may bounce on it instead of trying the next MX.',
    remedy: {
      general: 'Refuse connections with 554, or with 521 where the host never takes mail.',
      exim: 'The default of acl_smtp_connect is 550: begin the message of the deny with 554, "deny message = 554 No SMTP service here".',
    },
    retry: ['R7'],
    needs: [],
    note: 'Where the text blames this client the cause is client-refused, which is never a violation.',
    scope: 'endpoint',
    judge: judgeEarly5yz,
  },
];
