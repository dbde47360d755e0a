// The words by which hosts say whom they blame: not normative, what is seen in replies. reply-patterns.ts is the table
// that reads them.

/** One case-insensitive pattern of several alternatives. */
export const words = (...alternatives: readonly string[]): RegExp => new RegExp(alternatives.join('|'), 'i');

export const STARTTLS = words(
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
export const REVERSE_DNS = words(
  String.raw`reverse[- ](?:dns|lookup|host|name|resol|record|address|pointer|mapping)`,
  String.raw`\b(?:fc)?r-?dns\b|\bptr\b|in-addr|ip6\.arpa`,
  String.raw`\bno reverse\b|\bclient\b[^.;!]{0,20}\bnot found\b`,
  String.raw`\bip name (?:lookup|possibly)|cannot find your (?:reverse|host|ip|dns|server)`,
);
export const HELO = words(String.raw`\b(?:helo|ehlo)\b`);
const REPUTATION = words(String.raw`reputation|sender ?score|sender ?base|\((?:rtr|rly|hvu|dyn|con|dns):`);
const RATE = words(
  String.raw`\brate\b|ratelimit|throttl|too (?:fast|quickly|frequent|often)|\bfrequency\b`,
  String.raw`\bper (?:second|minute|hour|day)\b`,
  String.raw`too many (?!messages in)|\bmaximum (?:number of |allowed )?(?:recipients|connections|sessions)`,
  String.raw`\b(?:sending|daily|hourly|outgoing|connection|sender|rate|ip) (?:\w+ )?quota\b`,
  String.raw`\b(?:rp|mi|dt|hl):[a-z]{3}\b`,
  String.raw`\b(?:connections?|concurrency|sending|hourly|message|session) (?:rate|limit)`,
  // A full mailbox exceeds a limit as well, but one of its own.
  String.raw`(?<!\b(?:mailbox|inbox|storage|size|quota|space|disk)\b[^.;!]{0,40})\blimits?\b[^.;!]{0,20}\bexceed`,
  String.raw`\bexceed\w*\b[^.;!]{0,20}\b(?:recipient|connection|message|rate|administrative)s? limit`,
  String.raw`\bsending too\b|\bslow down\b|\bdeferred\b`,
);
const ORIGIN = words(
  String.raw`\bdynamic(?:ally)?\b|dial-?up|residential|\bcountr(?:y|ies)\b|\bgeo-?(?:ip|graph|block|location)`,
  // Not "ask your system administrator", which ends many a plain refusal.
  String.raw`(?<!contact |ask |check |to |by )\byour (?:\w+ )?(?:host|ip|e?smtp server|mail ?server|server|network|isp|mta|machine|connection)` +
    String.raw`\b(?!'?s? (?:mail )?(?:admin|support|manager|operator))`,
  String.raw`\b(?:(?:sending|source|connecting|remote) (?:ip|host|server|mta)|this ip|the ip)\b[^.;!]{0,50}\b(?:not|reject|refus|den|block|bann|prohibit|unauthori)`,
  String.raw`\b(?:accepted|allowed|refused|rejected|denied|blocked|banned) from (?:ip |host )?[[(]?\d`,
  String.raw`\bIP ?(?:=|address(?:es)? (?:is|was|has|are|blocked|banned|rejected|refused|denied|not)|(?:is|was|has|blocked|banned|not) )`,
  String.raw`\bIP\b[^.;!]{0,30}\b(?:reject|refus|block|bann|denied|gesperrt|bloqu)|\b(?:reject|refus|block|bann)\w*\b[^.;!]{0,20}\bIP\b`,
  String.raw`(?:\bnot|n't)(?: \w+)? white-?listed|\buntrusted\b`,
  String.raw`(?<!client )\b(?:client|connection|host|network)(?: is| was)? (?:rejected|refused|not trusted)\b`,
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

export const CLIENT_REFUSED = words(
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
export const SENDER_REFUSED = words(
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

/** An IP address: a reply that names one and no mailbox speaks of the client. */
export const ADDRESS = words(
  String.raw`(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])`,
  String.raw`(?<![\w:.])(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4}){1,6}(?![\w:])`,
);

export const GREYLIST = String.raw`gr[ea]y[- ]?list`;
export const COME_BACK = String.raw`(?:try|retry)(?: again)?,? (?:later|in \d|after \d|in a|after a|in some)|come back|temporarily (?:deferred|rejected|refused|blocked)`;

export const USER = '(?:user|recipient|mailbox|account|addressee|alias|local[- ]part|rcpt)';
export const NO_SUCH_USER = words(
  String.raw`\buser\b[^.;!]{0,60}\bunknown\b|\bunknown (?:or illegal )?(?:local |e-?mail )?${USER}\b`,
  String.raw`\b(?:recipient|mailbox|account)(?: address)?(?: is)? unknown\b`,
  String.raw`\bno such (?:local |e-?mail )?(?:${USER}|address|person)\b`,
  String.raw`\b${USER}\b[^.;!]{0,40}\b(?:does not|doesn't|does n't) exist\b`,
  String.raw`\buser (?:does not|doesn't) have an? (?:\S+ )?account|\bnot a valid ${USER}\b`,
  String.raw`\bno (?:one|user|account|mail ?box)(?: here)? by that name`,
);
// Of a name in DNS it is said about the client, the sender or a domain, not about a mailbox.
export const NOT_OF_A_NAME = String.raw`(?<!\b(?:domain|host|hostname|dns|records?|mx|ptr)\b[^.;:!]{0,30})`;

const HELLO = String.raw`\b(?:helo|ehlo)\b`;
const DIFFERS = String.raw`(?:mis-?match|(?:not|n't) (?:match|correspond to|agree with|belong to|map to|point to)(?:es|s)?\b(?! (?:the )?(?:rfc|syntax|require|standard)| our\b))`;
/** The name in EHLO and the address of the client do not belong together. */
export const HELLO_DIFFERS = words(
  String.raw`${HELLO}[^;!]{0,60}${DIFFERS}`,
  String.raw`${DIFFERS}[^;!]{0,40}${HELLO}`,
  String.raw`${HELLO}[^;!]{0,60}(?:not|n't) resolve to (?:your|the|this|that|client|connecting|remote|sending|[[(]?\d)`,
);
/** The name in EHLO does not exist, or is not fully-qualified. */
export const HELLO_NAME = words(
  String.raw`${HELLO}[^;!]{0,80}(?:not found|unknown|(?:not|n't) (?:exist|resolve)|non-?existent|unresolvable|fully[- ]qualified|\bfqdn\b)`,
  String.raw`${HELLO}[^;!]{0,80}(?:\bno (?:a|dns|mx|address)\b[^;!]{0,20}\brecord|invalid (?:name|domain|host))`,
);
/** What else may say "does not match" of a name in EHLO. */
export const SENDER_CHECK = words(String.raw`\b(?:spf|dkim|dmarc)\b|sender policy framework`);
