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

/** One case-insensitive pattern of several alternatives. */
const words = (...alternatives: readonly string[]): RegExp => new RegExp(alternatives.join('|'), 'i');

const STARTTLS = words(
  String.raw`\bstarttls\b`,
  String.raw`\b(?:tls|ssl)\b(?: \w+){0,3} required`,
  String.raw`(?:require[sd]?|must use|needs?|without|only over) (?:an? )?(?:\w+ )?\b(?:tls|ssl)\b`,
  'encrypt',
);

/** The name of a list of hosts, or the word for one. */
export const LIST_NAME = words(
  String.raw`\b(?:rbls?|rhsbl|uribl|surbl|sbl|xbl|pbl|cbl|dbl|dul|bl)\b`,
  String.raw`\b(?:sorbs|ordb)\b`,
  'dnsbl|dnsrbl|black[- ]?list|block[- ]?list|den(?:y|ied)[- ]?list|blackhole',
  'spamhaus|spamcop|uceprotect|barracudacentral|barracuda reputation|abuseat|njabl|psbl|mailspike|spamrats',
  'nixspam|manitu|invaluement|hostkarma|backscatterer|mail-abuse|gbudb|abusix|spfbl|trustedsource',
);
const LISTED = words(
  LIST_NAME.source,
  // "not listed in the directory" is said of a mailbox, "grey-listed" of a first contact.
  String.raw`(?<!(?:\bnot|n't|\bno longer)(?: \w+)? )(?<!gr[ea]y[- ])(?<!white[- ])\blisted (?:in|on|at|by|with)\b`,
  String.raw`\bopen[- ](?:mail )?(?:relay|proxy)`,
);
const REVERSE_DNS = words(
  String.raw`reverse[- ](?:dns|lookup|host|name|resol|record|address|pointer|mapping)`,
  String.raw`\b(?:fc)?r-?dns\b|\bptr\b|in-addr|ip6\.arpa`,
  String.raw`\bip name (?:lookup|possibly)|cannot find your (?:reverse|host|ip|dns|server)`,
);
const HELO = words(String.raw`\b(?:helo|ehlo)\b`);
const REPUTATION = words(String.raw`reputation|sender ?score|sender ?base|\((?:rtr|rly|hvu|dyn|con|dns):`);
const RATE = words(
  String.raw`\brate\b|ratelimit|throttl|too (?:fast|quickly|frequent|often)|\bfrequency\b`,
  String.raw`\bper (?:second|minute|hour|day)\b`,
  String.raw`too many (?!messages in)|\bmaximum (?:number of |allowed )?(?:recipients|connections|sessions)`,
  String.raw`\b(?:sending|daily|hourly|outgoing|connection|sender|rate|ip) (?:\w+ )?quota\b`,
  String.raw`\b(?:rp|mi|dt|hl):[a-z]{3}\b`,
  String.raw`\b(?:connections?|concurrency|sending|hourly|message|session) (?:rate|limit)`,
);
const ORIGIN = words(
  String.raw`\bdynamic(?:ally)?\b|dial-?up|residential|\bcountr(?:y|ies)\b|\bgeo-?(?:ip|graph|block|location)`,
  // Not "ask your system administrator", which ends many a plain refusal.
  String.raw`(?<!contact |ask |check |to |by )\byour (?:\w+ )?(?:host|ip|e?smtp server|mail ?server|server|network|isp|mta|machine|connection)` +
    String.raw`\b(?!'?s? (?:mail )?(?:admin|support|manager|operator))`,
  String.raw`\b(?:(?:sending|source|connecting|remote) (?:ip|host|server|mta)|this ip|the ip)\b[^.;!]{0,50}\b(?:not|reject|refus|den|block|bann|prohibit|unauthori)`,
  String.raw`\b(?:accepted|allowed|refused|rejected|denied|blocked|banned) from (?:ip |host )?[[(]?\d`,
  String.raw`\bIP ?(?:=|address(?:es)? (?:is|was|has|are|blocked|banned|rejected|refused|denied|not)|(?:is|was|has|blocked|banned|not) )`,
  String.raw`\bIP you\b`,
  String.raw`\bfrom (?:this ip|your (?:ip|address|network))\b`,
);

/** Words that blame the client by a list, its reverse DNS, HELO, reputation, rate or where it stands. */
export const CLIENT_REASONS: readonly RegExp[] = [LISTED, REVERSE_DNS, HELO, REPUTATION, RATE, ORIGIN];

/** Postfix's own words, which decide before any code. */
export const POSTFIX_BLAMES = {
  client: /\b(?:client host|helo command) rejected\b/i,
  sender: /\bsender address rejected\b/i,
} as const;

const CLIENT_REFUSED = words(
  POSTFIX_BLAMES.client.source,
  String.raw`\bclient\b[^.;!]{0,60}\b(?:blocked|rejected|refused|denied|banned)\b`,
  String.raw`\b(?:connection|access)\b[^.;!]{0,20}\b(?:blocked|banned|refused|prohibited)\b`,
  String.raw`\b(?:looks? like|considered|(?:identified|detected|marked) as) (?:a )?spam|\bspam (?:source|detected)`,
  // A mailbox is blocked, too.
  String.raw`(?<!\b(?:mailbox|account|user|recipient)\b[^.;!]{0,20})\bblocked (?:by|using|due|because|for|from|via)\b`,
  // "Relay rejected for policy reasons" is a refused relay.
  String.raw`(?<!relay\w* )\b(?:reject\w*|refus\w+|denied|not accepted) (?:due to|for|because of|by|per) (?:\w+ ){0,2}polic(?:y|ies)`,
  String.raw`policy restriction|violat\w+ (?:\w+ ){0,2}polic`,
  String.raw`\b(?:mail|e-?mails?|messages?|connections?|traffic|deliver(?:y|ies)) (?:directly )?from \[?\d`,
);

/** Words that blame an empty reverse-path, or what is sent under one. */
export const NULL_SENDER = words(
  String.raw`(?<!\bto: ?)<>`,
  String.raw`\b(?:null|empty|blank|missing|no)[- ](?:envelope[- ]|smtp[- ]|return[- ]|reverse[- ]|mail[- ])?(?:senders?|from|return[- ]?paths?|reverse[- ]?paths?|path)\b`,
  String.raw`\bbounces\b|\b(?:an?|no|this|your|accept|invalid|forged) bounce\b`,
  String.raw`\bbounce (?:mail|e-?mail|message|address|rejected|not)`,
  String.raw`backscatter|\b(?:delivery[- ](?:status |failure )?(?:notif|report)|non-?delivery)|\bdsns?\b`,
  String.raw`mailer-daemon|\bbatv\b|\bprvs\b`,
  String.raw`never (?:sends?|sent|originates?)\b`,
  String.raw`(?:does|did|do) ?(?:not|n't) (?:send|originate) (?:any |this |that |e-?)*(?:mail|message)`,
);
const SENDER_REFUSED = words(
  POSTFIX_BLAMES.sender.source,
  NULL_SENDER.source,
  String.raw`sender(?:'s)?[- ](?:address |e-?mail )?(?:verif|callout|callback)`,
  String.raw`verif\w+ (?:of )?(?:the )?(?:envelope )?sender`,
  // Exim says so of senders; of recipients it says "Callout verification failed".
  String.raw`(?<!callout )verification failed (?:for|while)|callback setup failed`,
  String.raw`\b(?:spf|dkim|dmarc)\b|sender policy framework|\bsender[- ]id\b`,
  String.raw`\bsender(?:'s)? (?:e-?mail |mail )?(?:address|domain|host)`,
  String.raw`\b(?:of|for|from) (?:the |this )?(?:envelope )?sender\b`,
  String.raw`\b(?:invalid|bad|unknown|illegal|blocked|banned|forged|fake|spoofed|unresolvable|denied|reject(?:ed|s|ing)?|refus(?:ed|es|ing)|unverified|untrusted|envelope) (?:envelope |mail |smtp )?(?:senders?|mail[- ]from|from address)\b`,
  String.raw`(?<!\bto (?:the )?(?:original )?)\bsenders?\b(?! ?(?:score|base))[^.;!]{0,40}\b(?:reject|refus|den(?:y|ied)|block|black|bann|invalid|unknown|not\b|fail|illegal|bad\b|forge|spoof|unresolv|unverif|prohibit|restrict)`,
  String.raw`\b(?:return|reverse)[- ]?path\b`,
  String.raw`\bmail[- ]from:? (?:command |domain |address )?(?:is |was )?(?:reject|refus|denied|invalid|not|does)`,
  String.raw`\byour domain\b|forgery|spoof`,
);

const GREYLIST = String.raw`gr[ea]y[- ]?list`;
const COME_BACK = String.raw`(?:try|retry)(?: again)?,? (?:later|in \d|after \d|in a|after a|in some)|come back|temporarily (?:deferred|rejected|refused|blocked)`;

const USER = '(?:user|recipient|mailbox|account|addressee|alias|local[- ]part|rcpt)';
const NO_SUCH_USER = words(
  String.raw`\buser\b[^.;!]{0,60}\bunknown\b|\bunknown (?:or illegal )?(?:local |e-?mail )?${USER}\b`,
  String.raw`\b(?:recipient|mailbox|account)(?: address)?(?: is)? unknown\b`,
  String.raw`\bno such (?:local |e-?mail )?(?:${USER}|address|person)\b`,
  String.raw`\b${USER}\b[^.;!]{0,40}\b(?:does not|doesn't|does n't) exist\b`,
  String.raw`\buser (?:does not|doesn't) have an? (?:\S+ )?account|\bnot a valid ${USER}\b`,
  String.raw`\bno (?:one|user|account|mail ?box)(?: here)? by that name`,
);
// Of a name in DNS it is said about the client, the sender or a domain, not about a mailbox.
const NOT_OF_A_NAME = String.raw`(?<!\b(?:domain|host|hostname|dns|records?|mx|ptr)\b[^.;:!]{0,30})`;

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
    overrules: words(GREYLIST, String.raw`^(?!.*\b(?:quota|full|storage)\b).*(?:${COME_BACK})`),
  },
} as const satisfies Record<ReplyClass, ClassRow>;
