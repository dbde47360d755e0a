// The words of the text report: a total table for each union that is put into words.
import type { EndpointEvidence } from '../evidence/transcript.js';
import type { CitedExchange, CitedLookup, CitedOutcome, DomainVerdict } from './report.js';
import type {
  Cause,
  MailServer,
  RequirementText,
  RetryPath,
  Safety,
  Tier,
  Verdict,
  Violation,
} from '../requirements/requirement.js';
import type { ConnectOutcome } from '../smtp/outcome.js';
import type { MailRoute, PassedOver } from '../smtp/mail-route.js';
import type { Purpose } from '../smtp/conversation.js';
import type { Tone } from './layout.js';

/** What a verdict, or what stands in its place in the matrix, is called. `short` is for narrow terminals. */
export interface Sign {
  readonly word: string;
  readonly short: string;
  /** In running text. */
  readonly name: string;
  readonly tone: Tone;
  readonly meaning: string;
}

/**
 * A cell of the matrix: a verdict, `exempt` where a host that takes no mail at all need not be asked, or what does not
 * count because it is waived, or known by a baseline.
 */
export type CellKind = Verdict | 'exempt' | 'not-asked' | 'waived' | 'known';

export const SIGNS = {
  pass: { word: 'pass', short: 'pass', name: 'pass', tone: 'good', meaning: 'holds' },
  fail: { word: 'FAIL', short: 'FAIL', name: 'fail', tone: 'bad', meaning: 'violated' },
  warn: { word: 'warn', short: 'warn', name: 'warn', tone: 'doubt', meaning: 'see below' },
  inconclusive: { word: '?', short: '?', name: 'inconclusive', tone: 'doubt', meaning: 'could not be told' },
  'not-applicable': { word: '-', short: '-', name: 'not applicable', tone: 'dim', meaning: 'does not apply' },
  exempt: {
    word: 'exempt',
    short: 'ex',
    name: 'exempt',
    tone: 'dim',
    meaning: 'need not be met: the host takes no mail at all',
  },
  waived: { word: 'waived', short: 'wv', name: 'waived', tone: 'doubt', meaning: 'does not count, by a waiver' },
  known: { word: 'known', short: 'kn', name: 'known', tone: 'doubt', meaning: 'does not count, by the baseline' },
  'not-asked': { word: '.', short: '.', name: 'not asked', tone: 'dim', meaning: 'not asked for' },
} as const satisfies Record<CellKind, Sign>;

/** The word between the domain and the reason in a headline, and its tone. */
export const HEADLINES = {
  conforms: { say: (subject, why) => `${subject} conforms: ${why}`, tone: 'good' },
  violates: { say: (subject, why, source) => `${subject} violates ${source}: ${why}`, tone: 'bad' },
  inconclusive: { say: (subject, why) => `${subject} is inconclusive: ${why}`, tone: 'doubt' },
  exempt: { say: (subject, why) => `${subject} is exempt: ${why}`, tone: 'strong' },
  'not-applicable': {
    say: (subject, why) => `${subject} has nothing to judge (not applicable): ${why}`,
    tone: 'strong',
  },
} as const satisfies Record<
  DomainVerdict,
  { say: (subject: string, why: string, source: string) => string; tone: Tone }
>;

/** What came in place of a reply. */
const OUTCOMES: Readonly<Record<CitedOutcome, string>> = {
  timeout: 'no reply came in time',
  closed: 'the connection was closed',
  quiet: 'silence, and the connection stayed open',
  'out-of-turn': 'a reply came that no command had asked for',
  'not-a-reply': 'octets came that are no SMTP reply',
  interrupted: 'we stopped here',
  secured: 'TLS began',
  'tls-failed': 'the TLS handshake failed',
  injected: 'plaintext lay behind the reply to STARTTLS',
  'not awaited': 'said in leaving; no reply was waited for',
  beside: 'another connection was tried at the same time',
};

export const sayOutcome = ({ outcome }: CitedExchange): string =>
  outcome === undefined ? 'no reply' : OUTCOMES[outcome];

export const LOOKUPS = {
  records: 'answered',
  'no-data': 'no record of this type',
  'no-such-name': 'no such name (NXDOMAIN)',
  'server-failure': 'the name server failed (SERVFAIL)',
  refused: 'the name server refused (REFUSED)',
  timeout: 'no answer in time',
  unreachable: 'the name server could not be reached',
  malformed: 'an answer that cannot be read',
} as const satisfies Record<CitedLookup['outcome'], string>;

export const PASSED_OVER = {
  timeout: 'gave no answer in time',
  unreachable: 'could not be reached',
  refused: 'refused to answer',
  'server-failure': 'failed (SERVFAIL)',
  malformed: 'gave an answer that cannot be read',
  mismatched: 'answered another question than was asked',
} as const satisfies Record<PassedOver['why'], string>;

export const CONNECTS = {
  connected: 'connected',
  refused: 'the connection was refused',
  timeout: 'the connection was not answered in time',
  reset: 'the connection was reset',
  unreachable: 'the network says that it cannot be reached',
  'no-route': 'this machine has no route to it',
  interrupted: 'the run was stopped',
} as const satisfies Record<ConnectOutcome['kind'], string>;

export const PURPOSES = {
  probe: 'the probe',
  'second-opening': 'a second opening: is it always so?',
  'over-tls': 'once more over TLS (R2)',
  'other-sender': 'with another sender (R1)',
  alone: 'the recipients in doubt, alone (R8)',
  helo: 'a HELO session',
  script: 'what single requirements want said',
  retry: 'once more, later (R3)',
} as const satisfies Record<Purpose, string>;

/** Mail servers by the words of their opening reply. */
export const MAIL_SERVERS = {
  postfix: { name: 'Postfix', greeting: /\bpostfix\b/i },
  exim: { name: 'Exim', greeting: /\bexim\b/i },
  sendmail: { name: 'sendmail', greeting: /\bsendmail\b/i },
  opensmtpd: { name: 'OpenSMTPD', greeting: /\bopensmtpd\b/i },
  exchange: { name: 'Exchange', greeting: /\bmicrosoft esmtp\b|\bexchange\b/i },
} as const satisfies Record<MailServer, { name: string; greeting: RegExp }>;

export const TIERS = {
  core: 'core: decides the verdict of the default profile',
  session: 'session: decides with --profile rfc5321',
  extended: 'extended: decides with --profile rfc5321',
  roles: 'roles: part of --profile role-mailboxes',
  'rfc-ignorant': 'rfc-ignorant: part of --profile rfc-ignorant',
  intrusive: 'intrusive: only with --intrusive',
  deliver: 'deliver: only with --deliver',
} as const satisfies Record<Tier, string>;

/** What the cause of a failure asks for, before what the requirement does. */
export const FIRST_REMEDIES: { readonly [cause in Cause]?: string } = {
  'mailbox-full': 'Empty the mailbox, or raise its quota.',
  'relay-denied': 'List the domain among those that this host takes mail for.',
  'no-domain': 'List the domain among those that this host takes mail for, or take the host out of its MX set.',
  'auth-required': 'Do not demand authentication on port 25: a stranger has no account.',
};

export const VIOLATIONS = {
  fail: 'it fails, which is a violation',
  warn: 'it warns, which is no violation',
  none: 'it is told, and accuses nobody',
} as const satisfies Record<Violation, string>;

export const SAFETIES = {
  safe: 'safe: ordinary commands that send no mail',
  intrusive: 'intrusive: errors on purpose, unusual syntax or long silence, only with --intrusive',
  deliver: 'deliver: sends a message, only with --deliver',
} as const satisfies Record<Safety, string>;

/** When a row that waits for a word of the user's is asked for. */
export const ON_DEMAND = {
  named: 'asked for only where --only or a profile file names this very requirement',
  'rfc-timeouts':
    'asked for only with --rfc-timeouts, or where --only or a profile file names this very requirement: it takes minutes',
} as const satisfies Record<NonNullable<RequirementText['onDemand']>, string>;

/** The retry paths of the catalogue, as what the reader can do. */
export const RETRY_PATHS = {
  R1: 'Run again with --mail-from and an address of yours: some hosts refuse the null sender or want one they can verify.',
  R2: 'Let the probe use TLS: leave --starttls at auto, or say --starttls require.',
  R3: 'Run again later, or with --retries 1 (it waits 30 minutes): greylisting ends after minutes to hours, and so do most limits.',
  R4: 'Another address of the same host may answer: each one is tried in every run.',
  R5: 'Another mail host may answer: each one is tried in every run; none speaks for this one.',
  R6: 'Run again with --ehlo and a name of yours that resolves to the address you connect from.',
  R7: 'Run from another network: the refusal may be about the address you connect from, or something on the way may block port 25.',
  R8: 'Run again with --no-pipelining: one command at a time, so that each reply has its command.',
  R9: 'Run again with --rfc-timeouts: RFC 5321 gives a host five minutes for its greeting and for most replies.',
  R10: 'Only a message that is delivered and answered would tell.',
  R11: "Run again with --nameserver and another resolver, or ask the domain's own name servers.",
} as const satisfies Record<RetryPath, string>;

/** Why something could not be told: a heading, and what would settle it. */
export interface Doubt {
  readonly heading: string;
  readonly settle: readonly (RetryPath | { readonly say: string })[];
}

const own = (say: string): { readonly say: string } => ({ say });

const NOT_A_DOUBT: Doubt = { heading: 'could not be told', settle: ['R3'] };

/** The causes that an inconclusive finding may have; the others accuse, and settle nothing. */
export const DOUBTS = {
  'transient-negative': { heading: 'refused for now (4yz), which is no verdict', settle: ['R3'] },
  'client-refused': { heading: 'the host refuses us, not the mailbox', settle: ['R3', 'R7', 'R6'] },
  'sender-refused': { heading: 'the host refuses our sender, not the mailbox', settle: ['R1'] },
  'needs-tls': { heading: 'the host wants TLS first', settle: ['R2'] },
  unreachable: {
    heading: 'no session',
    settle: [own('Run again later: the host, or the network before it, may be down.'), 'R7'],
  },
  timeout: {
    heading: 'no answer in time',
    settle: [own('Run again later: the host, or the network before it, may be down.'), 'R7', 'R9'],
  },
  'cut-off': {
    heading: 'the session broke off',
    settle: [own('Run again later: one session that breaks off proves nothing.'), 'R8', 'R7'],
  },
  'out-of-turn': { heading: 'replies and commands lost step', settle: ['R8'] },
  dns: { heading: 'the DNS did not tell', settle: ['R11', own('Run again later: most failures of the DNS pass.')] },
  'no-route': {
    heading: 'this machine has no way there',
    settle: ['R7', own('Where only IPv6 is missing, -4 leaves those addresses out.')],
  },
  'address-not-allowed': {
    heading: 'special-purpose addresses are not connected to',
    settle: [own('Say --allow-private if these addresses are yours.')],
  },
  'not-published': {
    heading: 'nobody published that this host takes mail for the domain',
    settle: [own('An MX record that names the host makes it a promise, which can then be judged.')],
  },
  // What would settle it hangs on what kept the run from asking (doubts.ts).
  'not-asked': { heading: 'not asked in this run', settle: [] },
  'no-mailbox': NOT_A_DOUBT,
  'no-domain': NOT_A_DOUBT,
  'relay-denied': NOT_A_DOUBT,
  syntax: NOT_A_DOUBT,
  'mailbox-full': NOT_A_DOUBT,
  'auth-required': NOT_A_DOUBT,
  'tls-required': NOT_A_DOUBT,
  'closed-early': NOT_A_DOUBT,
  'kept-open': NOT_A_DOUBT,
  'wrong-code': NOT_A_DOUBT,
  malformed: NOT_A_DOUBT,
  sequence: NOT_A_DOUBT,
  flapping: NOT_A_DOUBT,
  'no-usable-mx': NOT_A_DOUBT,
  'null-mx-mixed': NOT_A_DOUBT,
  alias: NOT_A_DOUBT,
  'bad-name': NOT_A_DOUBT,
  'no-address': NOT_A_DOUBT,
  'special-address': NOT_A_DOUBT,
} as const satisfies Record<Cause, Doubt>;

/** What stands where there is no mail host to make a row of. */
export const NO_MAIL_HOSTS = {
  'null-mx': 'Nothing was connected to: with a Null MX the domain itself says that there is no mail host.',
  'no-mail-host': 'The domain has neither an MX record nor an address: there is no mail host to ask.',
  'no-such-domain': 'The DNS says NXDOMAIN, no such name: check the spelling, or the registration.',
  unknown: 'Without that answer there is no mail host to ask.',
  mx: 'No mail host of its MX records has an address to connect to.',
  'implicit-mx': 'The domain has no MX record, and no address to connect to in its place.',
  given: 'The mail host that was named has no address to connect to.',
} as const satisfies Record<MailRoute['kind'], string>;

export const SKIPPED = {
  'address-not-allowed': 'a special-purpose address; --allow-private connects to it',
  'family-not-asked': 'left out by -4 or -6',
  'too-many': 'left out: more addresses than are probed in one run',
  interrupted: 'the run was stopped before its turn',
} as const satisfies Record<EndpointEvidence['skipped'] & string, string>;

/** The last words of every report. */
export const CLOSING =
  'A reply to RCPT cannot prove that a person reads the mailbox: write to postmaster, and see who answers.';

/** Where a requirement stands. What is no RFC has no numbers for its sections, or no sections at all ("-"). */
export function saySource(
  { document, section }: Omit<RequirementText['source'], 'quote'>,
  numbered = ' section ',
): string {
  if (section === '-') return document;
  return /^\d/.test(section) ? `${document}${numbered}${section}` : `${document}, ${section}`;
}

/** A number with its noun. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
