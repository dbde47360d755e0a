// What replies to a refused command mean: one row a class, in the order in which text patterns are tried.
// Codes are normative, from RFC 3463, RFC 5248, RFC 7372, RFC 7504 and RFC 7505. Words are not: they are what hosts
// are seen to say.
//
// Decided here:
// - `plain` words name their class under every 5yz code and under 5.7.x: "554 user unknown" and "550 5.7.1 No such
//   user!" are said of a mailbox, and "550 mailbox full" is not said of a missing one.
// - `overrules` words clear a host of an accusation, whatever its code: who blames the client or the sender, asks to
//   come back, or limits a rate has not judged the mailbox. A text can hold both; then the doubt counts.
// - "Recipient address rejected", "Access denied" and "policy" alone overrule nothing: they are said of mailboxes, too.

import {
  words,
  STARTTLS,
  LIST_NAME,
  REVERSE_DNS,
  HELO,
  CLIENT_REASONS,
  CLIENT_REFUSED,
  SENDER_REFUSED,
  GREYLIST,
  COME_BACK,
  USER,
  NO_SUCH_USER,
  NOT_OF_A_NAME,
} from './reply-words.js';

/** What a reply means for the command that it answers. */
export type ReplyClass =
  | 'accept'
  | 'accept-nonstandard'
  | 'intermediate'
  | 'temp.starttls'
  | 'temp.closing'
  | 'temp.rate'
  | 'temp.batch'
  | 'temp.mailbox-full'
  | 'temp.sender'
  | 'temp.relay'
  | 'temp.client-policy'
  | 'temp.no-mailbox'
  | 'temp.system'
  | 'temp.greylist'
  | 'perm.starttls'
  | 'perm.sender-policy'
  | 'perm.relay'
  | 'perm.auth'
  | 'perm.sequence'
  | 'perm.no-mailbox'
  | 'perm.no-domain'
  | 'perm.syntax'
  | 'perm.full'
  | 'perm.client-policy'
  | 'perm.refuses-postmaster'
  | 'perm.policy-ambiguous';

/** How a class is recognised. */
export interface ClassRow {
  /** Enhanced status codes; `4.7.x` and `5.7.x` stand for every code of that kind that no class lists by itself. */
  readonly enhanced: readonly string[];
  /** Reply codes under which `text` counts, beside those of `alone`; `4yz` stands for all of that kind. */
  readonly basic: readonly (number | '4yz')[];
  /** Reply codes that mean this class where no words say otherwise; `4yz`, `5yz`: those that no class has. */
  readonly alone: readonly (number | '4yz' | '5yz')[];
  readonly text: RegExp | null;
  /** Words that name the class under every 5yz code. */
  readonly plain?: RegExp;
  /** Words that put this class in the place of an accusing one. */
  readonly overrules?: RegExp;
}

/** Classes that say something against the host; no host may be accused that blames the client or the sender. */
export const ACCUSING: ReadonlySet<ReplyClass> = new Set<ReplyClass>([
  'perm.relay',
  'perm.auth',
  'perm.no-mailbox',
  'perm.no-domain',
  'perm.syntax',
  'perm.full',
  'perm.refuses-postmaster',
]);

/** The classes, in the order in which their text patterns are tried. */
export const REPLY_CLASSES = {
  accept: { enhanced: [], basic: [], alone: [250, 251], text: null },
  'accept-nonstandard': { enhanced: [], basic: [], alone: [], text: null },
  intermediate: { enhanced: [], basic: [], alone: [], text: null },

  'temp.starttls': { enhanced: ['4.7.10', '4.7.x'], basic: ['4yz'], alone: [], text: STARTTLS },
  'temp.closing': { enhanced: ['4.4.2'], basic: [], alone: [421], text: null },
  'temp.rate': {
    enhanced: ['4.2.1', '4.7.x'],
    basic: [450, 451, 452],
    alone: [],
    text: words(
      String.raw`\brate[- ]?limit|ratelimit|rate (?:has been |was )?exceeded|unusual rate|too many\b.{0,80}\bfrom\b`,
      String.raw`too fast|too quickly|throttl|server (?:is )?(?:too )?busy`,
    ),
  },
  'temp.batch': { enhanced: ['4.5.3'], basic: [452, 552], alone: [], text: /too many recipients/i },
  'temp.mailbox-full': {
    enhanced: ['4.2.2', '4.3.1'],
    basic: [],
    alone: [452],
    text: /\bquota\b|\bfull\b|storage/i,
  },
  'temp.sender': {
    enhanced: ['4.1.8', '4.1.7', '4.4.3', '4.7.24', '4.7.x'],
    basic: [450, 451],
    alone: [],
    text: words(String.raw`\bsenders?\b`, 'domain not found', String.raw`(?<!reverse[- ])\bdns\b(?! ptr)`),
  },
  'temp.relay': {
    enhanced: ['4.7.x'],
    basic: [450, 451, 454],
    alone: [],
    text: /(?<!open )\brelay access denied|\brelaying (?:temporarily )?denied/i,
  },
  'temp.client-policy': {
    enhanced: ['4.7.25', '4.7.x'],
    basic: [450, 451, 454],
    alone: [],
    text: words(
      String.raw`(?<!gr[ea]y[- ])(?<!white[- ])\blisted\b|black[- ]?list|block[- ]?list|${LIST_NAME.source}`,
      String.raw`\bblocked\b|reputation|${HELO.source}|${REVERSE_DNS.source}`,
    ),
  },
  'temp.no-mailbox': {
    enhanced: ['4.1.1'],
    basic: [450, 451],
    alone: [],
    text: words(NO_SUCH_USER.source, 'unverified address'),
  },
  'temp.system': {
    enhanced: ['4.3.0', '4.3.5'],
    basic: [],
    alone: [450, 451, '4yz'],
    text: /local (?:problem|error)|lookup failure|configuration (?:error|problem)|error in processing/i,
  },
  'temp.greylist': {
    enhanced: ['4.2.0', '4.3.2', '4.7.x'],
    basic: [450, 451],
    alone: [],
    text: words(GREYLIST, COME_BACK),
  },

  'perm.starttls': { enhanced: ['5.7.10', '5.7.x'], basic: [530, 550, 554], alone: [], text: STARTTLS },
  'perm.sender-policy': {
    enhanced: ['5.1.7', '5.1.8', '5.7.27', '5.7.x'],
    basic: [501, 550, 553, 554],
    alone: [],
    text: words(
      String.raw`\bsenders?\b(?! ?(?:score|base))`,
      // "We take no mail from dynamic hosts" is about the client.
      String.raw`\bmail from\b(?! ?(?:[\[(]?\d|your|this|these|the|hosts?|dynamic|ip\b|servers?|clients?|systems?|networks?|outside|external))`,
      SENDER_REFUSED.source,
    ),
    overrules: SENDER_REFUSED,
  },
  'perm.relay': {
    enhanced: ['5.7.54', '5.7.x'],
    basic: [513, 550, 551, 553, 554],
    alone: [],
    text: words(
      String.raw`(?<!open[- ])\brelay(?:ing)?(?: [\w&]+){0,5} (?:denied|prohibited|refused|rejected|disabled|disallowed|forbidden|blocked)\b`,
      String.raw`(?<!open[- ])\brelay(?:ing)?(?: [\w&]+){0,4} not (?:permitted|allowed|supported|authori[sz]ed|available|accepted)\b`,
      String.raw`\b(?:not|unable to|cannot|can't|don't|won't|doesn't|no|never|not (?:configured |permitted |allowed |authori[sz]ed )?to) (?:third[- ]party |mail )?relay(?:ing)?\b(?![.-]\w)`,
      'rcpthosts|cannot deliver mail for|as a relay|permission to relay',
    ),
  },
  'perm.auth': {
    enhanced: ['5.7.57', '5.7.8', '5.7.x'],
    basic: [550, 554],
    alone: [530, 535],
    text: words(
      String.raw`\b(?:authentication|auth) (?:is |was )?(?:required|needed|necessary)`,
      String.raw`\brequires? (?:smtp[- ])?auth(?:entication)?\b`,
      String.raw`\b(?:must|need to|please|have to)(?: first)? (?:be )?authenticated?\b`,
      String.raw`\b(?:not|n't|never)(?: been)? authenticated\b`,
      String.raw`\bsmtp auth\b|\blog in\b|\b(?:please|must|to|first) login\b`,
    ),
  },
  'perm.sequence': {
    enhanced: ['5.5.1'],
    basic: [500, 502, 550, 554],
    alone: [503],
    text: /bad sequence|out of (?:sequence|order)|need mail\b|mail first|pipelining|synchroni[sz]ation|protocol error/i,
  },
  'perm.no-mailbox': {
    // 5.4.1 is how one large provider refuses an unknown recipient at its edge.
    enhanced: ['5.1.0', '5.1.1', '5.1.6', '5.2.0', '5.2.1', '5.2.4', '5.4.1'],
    basic: [],
    alone: [550, 551, 553],
    text: words(
      NO_SUCH_USER.source,
      String.raw`${NOT_OF_A_NAME}\b(?:does not|doesn't|do not|don't) exist\b|${NOT_OF_A_NAME}\b(?:not|be) found\b`,
      String.raw`not listed in`,
      String.raw`\bno (?:mailbox|account|valid recipients?)\b`,
      String.raw`\b(?:mailbox|account)(?: is)?(?: currently)? (?:unavailable|not available|inactive|not active|closed|suspended|locked)`,
      String.raw`\brecipient(?: is| was| has been)? (?:rejected|refused|invalid|not valid|not known|not recogni[sz]ed)`,
      String.raw`\b(?:invalid|bad|illegal|non-?existent|unknown|incorrect) (?:${USER}|destination|(?:e-?mail )?address(?: of recipient)?)\b`,
      String.raw`(?<!\b(?:vrfy|expn|command)(?: is| has been)? )\bdisabled\b|deactivated|unrout(?:e)?able`,
      String.raw`no longer (?:available|valid|active|in use|here|works?|with)`,
    ),
    plain: NO_SUCH_USER,
  },
  'perm.no-domain': {
    enhanced: ['5.1.2', '5.1.10', '5.4.4'],
    basic: [550, 551, 553, 554],
    alone: [556, 521],
    text: words(
      String.raw`\bdomain\b[^.;!]{0,40}\b(?:not found|(?:does not|doesn't) exist|unknown|(?:not|isn't) (?:known|hosted|served|handled|configured|recogni[sz]ed|valid|here|ours))\b`,
      String.raw`\b(?:unknown|invalid|no such) (?:mail |recipient )?domain\b|\bhost unknown\b|\bnot (?:a )?local\b`,
      String.raw`\bnull mx\b`,
      String.raw`(?<!\b(?:postmaster|${USER}|address) )\b(?:does not|doesn't) accept (?:any )?(?:e-?)?mail\b(?! from)`,
    ),
  },
  'perm.syntax': {
    enhanced: ['5.1.3', '5.5.2', '5.5.4'],
    basic: [550, 553, 554],
    alone: [500, 501, 502, 504, 513, 555],
    text: words(
      String.raw`\bsyntax\b|need (?:a )?fully[- ]qualified|fully[- ]qualified (?:\w+ )?(?:address|required)`,
      String.raw`must (?:contain|have|include) a domain`,
      String.raw`\b(?:invalid|malformed) (?:e-?mail )?address\b|could not parse|cannot (?:parse|decode)`,
      String.raw`command (?:unrecogni[sz]ed|not recogni[sz]ed)|unrecogni[sz]ed command`,
    ),
  },
  'perm.full': {
    enhanced: ['5.2.2'],
    basic: [],
    alone: [552],
    text: /\bquota\b|\bfull\b|exceeded (?:\w+ )?storage/i,
    plain:
      /\bover ?quota\b|\bquota (?:has been |is )?exceeded|\bexceed\w* (?:\w+ ){0,3}quota|\bmailbox(?: is)? full\b/i,
  },
  'perm.client-policy': {
    enhanced: ['5.7.25', '5.7.26', '5.7.23', '5.7.24', '5.7.x'],
    basic: [521, 550, 553, 554],
    alone: [571],
    text: words(
      ...CLIENT_REASONS.map((reason) => reason.source),
      CLIENT_REFUSED.source,
      String.raw`(?<!\bnot )(?<!gr[ea]y[- ])\blisted\b|\bour list\b|\bblocked\b|polic(?:y|ies)\b|denied|prohibit`,
      String.raw`banned|too many`,
      String.raw`\byour (?:host|ip|address|client)|our own ip address|\bspam|unsolicited|\babus|suspicious|malicious`,
      String.raw`virus|firewall|filter|attack`,
      String.raw`\b(?:mail|messages?|connections?|traffic) from\b`,
    ),
    overrules: words(...CLIENT_REASONS.map((reason) => reason.source), CLIENT_REFUSED.source),
  },
  'perm.refuses-postmaster': {
    enhanced: ['5.7.x'],
    basic: [554],
    alone: [],
    text: words(
      String.raw`\bno (?:e-?)?mail (?:is accepted )?(?:to|for) postmaster\b`,
      String.raw`\bpostmaster (?:mail |address |mailbox |account )?(?:is |has been )?(?:not|refused|rejected|disabled|does not|doesn't)\b`,
    ),
  },
  'perm.policy-ambiguous': {
    enhanced: ['5.3.2', '5.7.x'],
    basic: [550, 551, 552, 553],
    alone: [554, '5yz'],
    // What a code alone must not turn into a missing mailbox: rights, name service and trouble of the host itself.
    text: words(
      String.raw`authori[sz]|authenticat|\bnot (?:allowed|permitted)\b|restrict|violation|security|\bresolv|\bdns\b`,
      String.raw`\bmx\b|\b(?:host|hostname|mx|records?) (?:was )?not found`,
      String.raw`\btemporar|\btry again\b|\bservice (?:is )?(?:unavailable|not available)`,
      String.raw`\b(?:internal|system|server|local) (?:error|failure|problem)|time-?out|timed out|unreachable|busy`,
      String.raw`overload|connection (?:refused|failed)`,
    ),
    // A full mailbox may well be worth another try later: it is still a full mailbox.
    overrules: words(
      GREYLIST,
      'closing transmission channel',
      String.raw`^(?!.*\b(?:quota|full|storage)\b).*(?:${COME_BACK})`,
    ),
  },
} as const satisfies Record<ReplyClass, ClassRow>;
