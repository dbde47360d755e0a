// RFC 5321 4.2, 4.3.1, 4.3.2: which reply codes there are, and which belong to which command.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { ehloKeywords, isPositive, type Reply } from '../smtp/reply.js';
import { accuse, isHelloVerb, judgeForm, nothingToJudge, replyLog, type SeenReply } from './replies.js';
import { pass, type Finding, type Requirement } from './requirement.js';

/** The codes of the lines of a reply: one, but where they disagree. */
function codesOf({ code, defects, raw }: Reply): readonly number[] {
  if (!defects.includes('mixed-codes')) return [code];
  return raw
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(line.slice(0, 3)));
}

const isFirstDigitOff = (code: number): boolean => code < 200 || code > 599;
const isSecondDigitOff = (code: number): boolean => Math.floor(code / 10) % 10 > 5;

const someCode = (isOff: (code: number) => boolean, { reply }: SeenReply): boolean =>
  reply.defects.includes('code-out-of-range') && codesOf(reply).some(isOff);

const LISTED: ReadonlySet<number> = new Set([
  211, 214, 220, 221, 250, 251, 252, 354, 421, 450, 451, 452, 455, 500, 501, 502, 503, 504, 521, 530, 550, 551, 552, 553,
  554, 555, 556,
]); // prettier-ignore

/** Codes that extensions add, where the host offers them: RFC 3207, RFC 4954, RFC 1985, RFC 2645. */
const OF_EXTENSIONS: Readonly<Record<string, readonly number[]>> = {
  STARTTLS: [454],
  AUTH: [235, 334, 432, 454, 523, 524, 534, 535, 538],
  ETRN: [253, 458, 459],
  ATRN: [453],
};

function judgeListed(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  let added: ReadonlySet<number> | null = null;
  // What is offered in one session, STARTTLS before the handshake for one, is known in all.
  const isAdded = (code: number): boolean => (added ??= addedCodes(endpoint)).has(code);
  const isUnlisted = (code: number): boolean => !LISTED.has(code) && !isAdded(code);
  return judgeForm(
    endpoint,
    evidence,
    {
      verdict: 'warn',
      cause: 'wrong-code',
      what: 'a code that neither RFC 5321 nor an extension on offer lists',
      sound: 'all of their codes are listed',
    },
    ({ reply }) => (reply.defects.includes('mixed-codes') ? codesOf(reply).some(isUnlisted) : isUnlisted(reply.code)),
  );
}

function addedCodes(endpoint: EndpointEvidence): ReadonlySet<number> {
  const keywords = replyLog(endpoint).replies.flatMap(({ verb, reply }) =>
    isHelloVerb(verb) && isPositive(reply) ? [...ehloKeywords(reply).keys()] : [],
  );
  return new Set(keywords.flatMap((keyword) => OF_EXTENSIONS[keyword] ?? []));
}

/** RFC 5321 4.3.2 with RFC 7504 5.1 and RFC 3207 4. DATA: what is meant for after the message is not told apart. */
const PER_COMMAND: ReadonlyMap<string, ReadonlySet<number>> = new Map(
  Object.entries({
    EHLO: [250, 504, 550, 502],
    HELO: [250, 504, 550, 502],
    MAIL: [250, 552, 451, 452, 550, 553, 503, 455, 555],
    RCPT: [250, 251, 550, 551, 552, 553, 450, 451, 452, 503, 455, 555, 556],
    DATA: [354, 503, 554, 450, 550, 451, 452, 552],
    RSET: [250],
    VRFY: [250, 251, 252, 550, 551, 553, 502, 504],
    EXPN: [250, 252, 550, 500, 502, 504],
    HELP: [211, 214, 502, 504],
    NOOP: [250],
    QUIT: [221],
    STARTTLS: [220, 501, 454],
  }).map(([verb, codes]) => [verb, new Set(codes)]),
);

/** 4.3.2: "any SMTP command can return any of the following codes". */
const FOR_ANY: ReadonlySet<number> = new Set([500, 501, 421]);
/** What our own errors may get as well, whatever command they are made with. */
const FOR_ERRORS: ReadonlySet<number> = new Set([502, 503, 504]);
/** RFC 3207 4 and RFC 4954 6 allow 530 to all others. */
const NEVER_530: ReadonlySet<string> = new Set(['EHLO', 'NOOP', 'QUIT']);

/** A command exactly as 4.1.1 writes it; any other line is an error of ours, or an extension's. */
const PLAIN = new RegExp(
  [
    String.raw`^(?:(?:ehlo|helo) (?:[a-z\d](?:[a-z\d.-]*[a-z\d])?|\[[\x21-\x5a\x5e-\x7e]+\])`,
    String.raw`mail from:<[\x21-\x3b\x3d\x3f-\x7e]*>(?: [\x21-\x7e]+)*`,
    String.raw`rcpt to:<[\x20-\x3b\x3d\x3f-\x7e]+>(?: [\x21-\x7e]+)*`,
    String.raw`rset|quit|data|starttls`,
    String.raw`(?:noop|help)(?: [\x20-\x7e]+)?`,
    String.raw`(?:vrfy|expn) [\x20-\x7e]+)$`,
  ].join('|'),
  'i',
);

function isMisplaced({ command, verb, reply, session }: SeenReply): boolean {
  if (command === null) return false;
  const listed = PER_COMMAND.get(verb);
  const { code } = reply;
  if (listed === undefined || listed.has(code) || FOR_ANY.has(code)) return false;
  if (code === 530 && !NEVER_530.has(verb)) return false;
  if (session.isScripted && FOR_ERRORS.has(code)) return false;
  return PLAIN.test(command);
}

function judgePerCommand(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  // Openings, and what follows one that refuses the session, have rows of their own.
  const paired = replyLog(endpoint).replies.filter(
    ({ command, session }) => command !== null && session.isInStep && session.isOpen,
  );
  if (paired.length === 0) return nothingToJudge(endpoint, evidence, 'a reply that surely belongs to a command');
  const wrong = paired.filter(isMisplaced);
  const [first] = wrong;
  if (first === undefined) return pass(`${paired.length} replies to commands, each with a code listed for its command`);
  const what = `a code that 4.3.2 does not list for ${first.verb}`;
  return accuse({ verdict: 'warn', cause: 'wrong-code', what }, wrong, first, paired);
}

/** RFC 5321 4.2 and 4.3.1: reply codes, in the order of the catalogue. */
export const replyCodes: readonly Requirement[] = [
  {
    id: 'reply.first-digit',
    group: 'reply',
    title: 'Codes start with 2 to 5',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.2',
      quote: 'MUST NOT send reply codes whose first digits are other than 2, 3, 4, or 5.',
    },
    demand: 'No reply code is below 200 or above 599.',
    probe: 'Nothing of its own: every reply of every session of the run.',
    readings: [
      { verdict: 'pass', when: 'all first digits are 2 to 5' },
      { verdict: 'fail', when: 'any other first digit, on any line of a reply' },
      { verdict: 'inconclusive', when: 'no reply was seen' },
    ],
    rationale: 'The first digit is all that a client must understand; with another one it cannot know what to do next.',
    remedy: { general: 'Find the rule, filter or script that writes the reply itself, and give it a code from 4.2.2.' },
    retry: [],
    needs: [],
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      judgeForm(
        endpoint,
        evidence,
        {
          verdict: 'fail',
          cause: 'wrong-code',
          what: 'a first digit other than 2 to 5',
          sound: 'all begin with 2 to 5',
        },
        (seen) => someCode(isFirstDigitOff, seen),
      ),
  },
  {
    id: 'reply.second-digit',
    group: 'reply',
    title: 'Second digit 0 to 5 (grammar only)',
    level: 'derived',
    violation: 'warn',
    tier: 'session',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '4.2', quote: 'Reply-code = %x32-35 %x30-35 %x30-39' },
    demand: 'The second digit of a reply code is 0 to 5.',
    probe: 'Nothing of its own: every reply of every session of the run.',
    readings: [
      { verdict: 'pass', when: 'all second digits are 0 to 5' },
      { verdict: 'warn', when: 'a second digit from 6 to 9: 571, 590' },
      { verdict: 'inconclusive', when: 'no reply was seen' },
    ],
    rationale: 'A client that reads replies by their grammar takes such a line for no reply at all.',
    remedy: { general: 'Write 550 for a refusal by policy, with what 571 was to say in an enhanced status code.' },
    retry: [],
    needs: [],
    note: 'Only the grammar has this limit, no prose backs it: it is never more than a warning.',
    scope: 'endpoint',
    judge: (endpoint, evidence) =>
      judgeForm(
        endpoint,
        evidence,
        { verdict: 'warn', cause: 'wrong-code', what: 'a second digit above 5', sound: 'no second digit is above 5' },
        (seen) => someCode(isSecondDigitOff, seen),
      ),
  },
  {
    id: 'reply.codes-listed',
    group: 'reply',
    title: 'Only reply codes listed in the RFC',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.2',
      quote: 'An SMTP server SHOULD send only the reply codes listed in this document.',
    },
    demand: 'A server sends the codes of RFC 5321, of RFC 7504 (521, 556), 530, and those of the extensions it offers.',
    probe: 'Nothing of its own: every reply of every session of the run.',
    readings: [
      {
        verdict: 'pass',
        when: 'all codes are of RFC 5321 4.2.3, or 521, 530, 556, or of an extension on offer (454, 535 and others)',
      },
      { verdict: 'warn', when: 'any other code: 571, 572, 447, 471, 511, 540' },
      { verdict: 'inconclusive', when: 'no reply was seen' },
    ],
    rationale: 'Of a code that nobody defined a client understands the first digit only, and a person nothing.',
    remedy: {
      general: 'Use a code of 4.2.2, and an enhanced status code (RFC 3463) for what it cannot tell.',
      postfix:
        'A reply code in an access table or policy service stands as it is written there: begin with 550 or 450.',
      exim: 'A message of an ACL that begins with three digits sets the code: begin with 550 or 451, or leave it out.',
    },
    retry: [],
    needs: [],
    note: 'An extension counts as offered where any EHLO reply of the host lists it, also before TLS.',
    scope: 'endpoint',
    judge: judgeListed,
  },
  {
    id: 'reply.codes-per-command',
    group: 'reply',
    title: 'Code is one listed for the command',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'session',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '4.3.1', quote: 'These SHOULD be strictly adhered to.' },
    demand: 'Each command is answered with a code that 4.3.2 lists for it; 500, 501 and 421 are for all.',
    probe: 'Nothing of its own: every reply to a command, in sessions that were opened and kept in step.',
    readings: [
      {
        verdict: 'pass',
        when: 'every code is listed for its command (with 556 to RCPT, 454 to STARTTLS, 530 where it is allowed)',
      },
      { verdict: 'warn', when: 'any other code: 554 to RCPT, 450 to MAIL, 250 to QUIT, 451 to RSET' },
      { verdict: 'inconclusive', when: 'no reply was seen that surely belongs to a command' },
    ],
    rationale:
      'Bounces and statistics of senders are made from the code: 554 to RCPT blames the transaction, 550 the mailbox.',
    remedy: {
      general: 'Refuse a recipient with 550 and put the reason into the enhanced status code.',
      postfix:
        'access_map_reject_code, maps_rbl_reject_code, relay_domains_reject_code and reject_code say 554 by default: 550 is listed for RCPT.',
    },
    retry: [],
    needs: [],
    note: 'The sentence is in 4.3.1, the table in 4.3.2. Lines that are no plain command of RFC 5321 are not judged by it, and 502, 503 and 504 are free where errors were made on purpose. What follows an opening other than 2yz has rows of its own.',
    scope: 'endpoint',
    judge: judgePerCommand,
  },
];
