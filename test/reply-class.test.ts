import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ReplyParser } from '../src/smtp/reply-parser.js';
import {
  blamesClient,
  blamesNullSender,
  claimsAttack,
  classifyReply,
  isBare550,
  type Echo,
  type ReplyClass,
  type ReplyStep,
} from '../src/smtp/reply-class.js';
import { ACCUSING, REPLY_CLASSES } from '../src/smtp/reply-patterns.js';
import { parseEnhancedStatusCode, type Reply } from '../src/smtp/reply.js';

const PLAIN: Echo = { domain: 'example.com', host: 'mx1.example.com' };
const P = '<postmaster@example.com>';

/** One reply as a host writes it, a line an array element or a LF; only the first and last codes are looked at. */
function replyOf(text: string): Reply {
  const octets = `${text.replaceAll('\n', '\r\n')}\r\n`;
  const [parsed] = new ReplyParser().feed(octets);
  assert.ok(parsed?.kind === 'reply', `not a reply: ${text}`);
  return parsed.reply;
}

type Row = readonly [text: string, expected: ReplyClass, step?: ReplyStep, echo?: Echo];

const FOR = (domain: string, host: string | null = null): Echo => ({ domain, host });

const ACCEPTED: readonly Row[] = [
  ['250 2.1.5 Ok', 'accept'],
  ['250 Accepted', 'accept'],
  ['250', 'accept'],
  ['250 relay access denied', 'accept'],
  ['251 User not local; will forward to <x@other.example>', 'accept'],
  ['252 2.1.5 Cannot VRFY user, but will accept message', 'accept-nonstandard'],
  ['200 ok', 'accept-nonstandard'],
  ['354 Go ahead', 'intermediate'],
  ['150 what', 'intermediate'],
  ['650 what', 'intermediate'],
];

const TEMPORARY: readonly Row[] = [
  // STARTTLS
  ['451 4.7.0 Must issue a STARTTLS command first', 'temp.starttls'],
  ['400 STARTTLS is required to send mail', 'temp.starttls'],
  ['454 TLS required by policy', 'temp.starttls'],
  ['450 4.7.10 Encryption needed', 'temp.starttls'],
  // closing
  ['421', 'temp.closing'],
  ['421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints - 4.16.55.1', 'temp.closing'],
  [
    '421 4.7.0 Our system has detected an unusual rate of unsolicited mail originating from your IP address.',
    'temp.closing',
  ],
  ['421 4.3.2 Service not available, closing transmission channel', 'temp.closing'],
  ['421 Too many concurrent SMTP connections; please try again later.', 'temp.closing', 'opening'],
  ['421 4.7.0 mx1.example.com Error: too many errors', 'temp.closing'],
  ['421 4.4.2 mx1.example.com Error: timeout exceeded', 'temp.closing'],
  ['450 4.4.2 Connection dropped', 'temp.closing'],
  ['421 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]', 'temp.client-policy'],
  // rate
  ['450 4.2.1 The user you are trying to contact is receiving mail too quickly.', 'temp.rate'],
  [
    '450-4.2.1 The user you are trying to contact is receiving mail at a rate that\n450 4.2.1 prevents additional messages',
    'temp.rate',
  ],
  ['451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (AS77712)', 'temp.rate'],
  ['451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.', 'temp.rate'],
  ['450 4.7.1 Error: too much mail from 192.0.2.1, rate limit exceeded', 'temp.rate'],
  ['451 Too many connections from your host', 'temp.rate'],
  ['450 You are sending too fast, slow down', 'temp.rate'],
  ['452 Throttled', 'temp.rate'],
  // batch
  ['452 4.5.3 Too many recipients', 'temp.batch'],
  ['452 Too many recipients', 'temp.batch'],
  ['552 Too many recipients', 'temp.batch'],
  ['552 5.5.3 Too many recipients', 'temp.batch'],
  // full
  [`452 4.2.2 ${P}: mailbox full`, 'temp.mailbox-full'],
  [
    '452-4.2.2 The email account that you tried to reach is over quota.\n452 4.2.2 Please direct the recipient',
    'temp.mailbox-full',
  ],
  ['452 4.3.1 Insufficient system storage', 'temp.mailbox-full'],
  ['452 Requested action not taken: insufficient system storage', 'temp.mailbox-full'],
  ['452', 'temp.mailbox-full'],
  ['451 4.2.2 over quota', 'temp.mailbox-full'],
  // sender
  ['450 4.1.8 <me@probe.example>: Sender address rejected: Domain not found', 'temp.sender'],
  ['451 4.1.8 Domain of sender address me@probe.example does not resolve', 'temp.sender'],
  ['450 4.1.7 <me@probe.example>: Sender address rejected: unverified address: connection refused', 'temp.sender'],
  ['451 4.4.3 Temporary DNS error', 'temp.sender'],
  ['451 4.7.24 SPF validation error', 'temp.sender'],
  ['451 Could not complete sender verify callout', 'temp.sender'],
  ['451 DNS temporary failure (#4.3.0)', 'temp.system'],
  ['450 4.7.1 <me@probe.example>: Sender address rejected: Access denied', 'temp.sender'],
  // relay
  [`454 4.7.1 ${P}: Relay access denied`, 'temp.relay'],
  [`450 4.7.1 ${P}: Relay access denied`, 'temp.relay'],
  ['451 Relaying temporarily denied. Cannot resolve PTR record for 192.0.2.1', 'temp.relay'],
  ['450 4.7.1 postmaster@example.com... Relaying temporarily denied.', 'temp.relay'],
  // client
  ['450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]', 'temp.client-policy'],
  ['450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]', 'temp.client-policy'],
  ['450 4.7.1 <probe>: Helo command rejected: Host not found', 'temp.client-policy'],
  ['450 4.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org', 'temp.client-policy'],
  ['451 Your IP is listed by our blocklist', 'temp.client-policy'],
  ['450 reverse DNS lookup failed', 'temp.client-policy'],
  ['451 4.7.1 No PTR record', 'temp.client-policy'],
  // no mailbox
  [
    `450 4.1.1 ${P}: Recipient address rejected: unverified address: Address verification in progress`,
    'temp.no-mailbox',
  ],
  [`450 4.1.1 ${P}: Recipient address rejected: User unknown in local recipient table`, 'temp.no-mailbox'],
  [`450 ${P}: User unknown in virtual mailbox table`, 'temp.no-mailbox'],
  // system
  [`451 4.3.0 ${P}: Temporary lookup failure`, 'temp.system'],
  ['451 4.3.5 Server configuration error', 'temp.system'],
  ['451 Requested action aborted: local error in processing', 'temp.system'],
  ['451 Temporary local problem - please try later', 'temp.system'],
  ['450 mailbox busy', 'temp.system'],
  ['450', 'temp.system'],
  ['454 Temporary authentication failure', 'temp.system'],
  ['499 whatever', 'temp.system'],
  ['450 5.1.1 odd', 'temp.system'],
  // greylisting
  [
    `450 4.2.0 ${P}: Recipient address rejected: Greylisted, see http://postgrey.schweikert.ch/help/example.com.html`,
    'temp.greylist',
  ],
  [`450 4.7.1 ${P}: Recipient address rejected: Greylisted for 5 minutes`, 'temp.greylist'],
  ['451 4.7.1 Greylisting in action, please come back in 00:05:00', 'temp.greylist'],
  ['451 4.7.1 Try again later', 'temp.greylist'],
  ['450 4.3.2 Service currently unavailable', 'temp.greylist'],
  ['451 Temporary failure, please try again later.', 'temp.greylist'],
  ['451 Greylisting enabled, try again in 15 minutes', 'temp.greylist'],
  ['451 grey-listed, come back later', 'temp.greylist'],
  ['450 Graylisted', 'temp.greylist'],
  ['450 4.7.0 not now', 'temp.greylist'],
  [`450 4.7.1 ${P}: Recipient address rejected: Access denied`, 'temp.greylist'],
];

const NO_MAILBOX: readonly Row[] = [
  // Postfix, Zimbra, Zoho, Amazon
  [`550 5.1.1 ${P}: Recipient address rejected: User unknown in local recipient table`, 'perm.no-mailbox'],
  [`550 5.1.1 ${P}: Recipient address rejected: User unknown in virtual mailbox table`, 'perm.no-mailbox'],
  [`550 ${P}: Recipient address rejected: User unknown in relay recipient table`, 'perm.no-mailbox'],
  [
    `550 5.1.1 ${P}: Recipient address rejected: undeliverable address: host 10.0.0.1 said: 550 User unknown`,
    'perm.no-mailbox',
  ],
  [`550 5.1.0 ${P}: Recipient address rejected: User unknown`, 'perm.no-mailbox'],
  [`550 ${P} User doesn't exist`, 'perm.no-mailbox'],
  ['550 5.1.1 User does not exist - postmaster@example.com', 'perm.no-mailbox'],
  // Exim
  ['550 Unrouteable address', 'perm.no-mailbox'],
  ['550 unroutable address', 'perm.no-mailbox'],
  ['550 No such user here', 'perm.no-mailbox'],
  ['550 No Such User Here"', 'perm.no-mailbox'],
  ['550-Callout verification failed:\n550 550 5.1.1 <x>: Recipient address rejected: User unknown', 'perm.no-mailbox'],
  ['550 unknown user', 'perm.no-mailbox'],
  ['550 No such recipient here', 'perm.no-mailbox'],
  ['550 Invalid recipient postmaster@example.com', 'perm.no-mailbox'],
  // sendmail
  [`550 5.1.1 ${P}... User unknown`, 'perm.no-mailbox'],
  [`550 ${P}... User unknown`, 'perm.no-mailbox'],
  // qmail and its kin
  ['550 sorry, no mailbox here by that name (#5.1.1 - chkuser)', 'perm.no-mailbox'],
  ['511 sorry, no mailbox here by that name (#5.1.1 - chkuser)', 'perm.no-mailbox'],
  ['550 sorry, no mailbox here by that name. (#5.7.17)', 'perm.no-mailbox'],
  ['554 Sorry, no mailbox here by that name. (#5.1.1)', 'perm.no-mailbox'],
  ['550 5.1.1 mail to postmaster@example.com not accepted here', 'perm.no-mailbox'],
  ['550 user postmaster@example.com unknown', 'perm.no-mailbox'],
  // Courier, OpenSMTPD, Haraka, smtp-server
  ['550 User unknown.', 'perm.no-mailbox'],
  [`550 Invalid recipient: ${P}`, 'perm.no-mailbox'],
  ['524 5.2.4 Mailing list expansion problem: <postmaster@example.com>', 'perm.no-mailbox'],
  ['550 5.1.1 No such user: postmaster@example.com', 'perm.no-mailbox'],
  ['550 I cannot deliver mail to postmaster@example.com', 'perm.no-mailbox'],
  // Exchange and Office 365
  [
    '550 5.4.1 Recipient address rejected: Access denied. [AM0EUR02FT024.eop-EUR02.prod.protection.outlook.com]',
    'perm.no-mailbox',
  ],
  [
    '550 5.4.1 [postmaster@example.com]: Recipient address rejected: Access denied. AS(201806281) [DB5EUR03FT022.eop-EUR03.prod.protection.outlook.com 2024-01-09T12:00:00.000Z 08DC0F]',
    'perm.no-mailbox',
  ],
  ['550 5.1.1 User unknown', 'perm.no-mailbox'],
  ['550 5.1.1 RESOLVER.ADR.RecipNotFound; not found', 'perm.no-mailbox'],
  ['550 5.2.1 Mailbox disabled', 'perm.no-mailbox'],
  ['550 Requested action not taken: mailbox unavailable', 'perm.no-mailbox'],
  ['550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).', 'perm.no-mailbox'],
  // Google, Yahoo, Apple, Yandex, mail.ru
  [
    "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos or\n550-5.1.1 unnecessary spaces. Learn more at\n550 5.1.1  https://support.google.com/mail/?p=NoSuchUser d9443c01a7336-1a - gsmtp",
    'perm.no-mailbox',
  ],
  [
    '550-5.2.1 The email account that you tried to reach is disabled. Learn more at\n550 5.2.1  https://support.google.com/mail/?p=DisabledUser - gsmtp',
    'perm.no-mailbox',
  ],
  [
    "554 delivery error: dd This user doesn't have a yahoo.com account (postmaster@example.com) [0] - mta1007.mail.gq1.yahoo.com",
    'perm.no-mailbox',
  ],
  ['550 5.1.1 unknown or illegal alias: postmaster@example.com', 'perm.no-mailbox'],
  ['550 5.1.1 <postmaster@example.com>: user does not exist', 'perm.no-mailbox'],
  ['550 5.7.1 No such user! 1700000000-abcdefGHIJ', 'perm.no-mailbox'],
  [
    '550 Message was not accepted -- invalid mailbox.  Local mailbox postmaster@example.com is unavailable: user not found',
    'perm.no-mailbox',
  ],
  // filters in front
  ['550 Invalid Recipient - https://community.mimecast.com/docs/DOC-1369#550 [xYz.uk123]', 'perm.no-mailbox'],
  ['550 #5.1.0 Address rejected.', 'perm.no-mailbox'],
  ['550 #5.1.0 Address rejected postmaster@example.com', 'perm.no-mailbox'],
  ['550 5.1.1 <postmaster@example.com>... User Unknown', 'perm.no-mailbox'],
  ['550 No such user (postmaster@example.com)', 'perm.no-mailbox'],
  [
    '550 permanent failure for one or more recipients (postmaster@example.com:550 5.1.1 user unknown)',
    'perm.no-mailbox',
  ],
  ['550 5.1.1 Recipient address rejected: unknown, see https://www.policy.example/blocked', 'perm.no-mailbox'],
  // MDaemon, Kerio, hMailServer, Domino, GroupWise, CommuniGate, MailEnable, IMail, Merak
  [`550 ${P}, Recipient unknown`, 'perm.no-mailbox'],
  ['550 5.1.1 Recipient unknown', 'perm.no-mailbox'],
  ['550 5.1.1 User unknown. Please check the address and try again.', 'perm.no-mailbox'],
  ['550 Unknown user', 'perm.no-mailbox'],
  ['550 Account is not active.', 'perm.no-mailbox'],
  ['550 postmaster@example.com... No such user', 'perm.no-mailbox'],
  ['550 5.1.1 postmaster@example.com... User not listed in Domino Directory', 'perm.no-mailbox'],
  ['550 postmaster@example.com not listed in public Name & Address Book', 'perm.no-mailbox'],
  [`550 Mailbox unavailable or access denied - ${P}`, 'perm.no-mailbox'],
  ['550 postmaster@example.com unknown user account', 'perm.no-mailbox'],
  ['550 account disabled', 'perm.no-mailbox'],
  ['550 5.2.1 This mailbox has been blocked due to inactivity', 'perm.no-mailbox'],
  ['550 Mailbox not found. http://service.mail.qq.com/cgi-bin/help?subtype=1&&id=20022', 'perm.no-mailbox'],
  ['554 5.7.1 <postmaster@example.com>: Recipient address rejected: User unknown', 'perm.no-mailbox'],
  [
    '550 response to "RCPT TO:<postmaster@example.com>" from mx2.example.com [10.0.0.1] was: 550 5.1.1 User unknown',
    'perm.no-mailbox',
  ],
  ['550 #5.1.1 unknown or illegal user', 'perm.no-mailbox'],
  ['550 You must use SMTP AUTH', 'perm.auth'],
  ['550 5.7.1 Client does not have permission to relay', 'perm.relay'],
  ['550 Requested action not taken: mailbox unavailable or not local', 'perm.no-mailbox'],
  ['550 unknown recipient postmaster', 'perm.no-mailbox'],
  [`550 ${P} No such user here`, 'perm.no-mailbox'],
  [`553 ${P} does not exist`, 'perm.no-mailbox'],
  ['550 Recipient Rejected: No account by that name here', 'perm.no-mailbox'],
  ['550 No such user - returned to sender. User not found', 'perm.sender-policy'],
  ['550 Address unknown. Contact your system administrator', 'perm.no-mailbox'],
  ['550 No such user, ask your mail server administrator', 'perm.no-mailbox'],
  // the code alone
  ['550', 'perm.no-mailbox'],
  ['550 5.0.0', 'perm.no-mailbox'],
  ['550 5.3.0 no', 'perm.no-mailbox'],
  ['550 5.9.9 no', 'perm.no-mailbox'],
  ['550 4.7.1 no', 'perm.no-mailbox'],
  ['551 no', 'perm.no-mailbox'],
  ['553 no', 'perm.no-mailbox'],
  ['554 5.2.0 no', 'perm.no-mailbox'],
];

const NO_DOMAIN: readonly Row[] = [
  ['550 5.1.2 Host unknown', 'perm.no-domain'],
  ['550 5.4.4 Invalid domain', 'perm.no-domain'],
  ['556 5.1.10 Recipient address has null MX', 'perm.no-domain'],
  ['556 no mail here', 'perm.no-domain'],
  ['521 this domain takes no mail', 'perm.no-domain'],
  ['521', 'perm.no-domain'],
  ['521', 'perm.policy-ambiguous', 'opening'],
  ['521', 'perm.policy-ambiguous', 'mail'],
  ['521', 'perm.policy-ambiguous', 'other'],
  ['521 mx1.example.com does not accept mail', 'perm.policy-ambiguous', 'opening'],
  ['550 Unknown domain', 'perm.no-domain'],
  ['550 domain not found', 'perm.no-domain'],
  ['550 Domain example.com does not exist here', 'perm.no-domain'],
  ['551 User not local; please try <x@other.example>', 'perm.no-domain'],
  ['550 <postmaster@example.com>... Host unknown', 'perm.no-domain'],
  ['554 this host does not accept mail for that', 'perm.no-domain'],
  ['521 Client 192.0.2.1 is on our blacklist', 'perm.client-policy'],
];

const RELAY: readonly Row[] = [
  [`554 5.7.1 ${P}: Relay access denied`, 'perm.relay'],
  ['554 5.7.1 <postmaster>: Relay access denied', 'perm.relay'],
  [`554 ${P}: Relay access denied`, 'perm.relay'],
  [`550 5.7.1 ${P}... Relaying denied`, 'perm.relay'],
  ['550 5.7.1 Relaying denied. Proper authentication required.', 'perm.relay'],
  ['550 relay not permitted', 'perm.relay'],
  ['550 Relaying not allowed', 'perm.relay'],
  ['550 5.7.1 Unable to relay', 'perm.relay'],
  ['550 5.7.1 Unable to relay for postmaster@example.com', 'perm.relay'],
  ['550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain', 'perm.relay'],
  [
    '550 5.7.64 TenantAttribution; Relay Access Denied [AM0EUR02FT024.eop-EUR02.prod.protection.outlook.com]',
    'perm.relay',
  ],
  ["553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)", 'perm.relay'],
  ["553 sorry, that domain isn't in my list of allowed rcpthosts (#5.5.3 - chkuser)", 'perm.relay'],
  ['553 sorry, relaying denied from your location [192.0.2.1] (#5.7.1)', 'perm.relay'],
  ['513 Relaying denied.', 'perm.relay'],
  ['550 5.7.1 Relaying to <postmaster@example.com> denied (authentication required)', 'perm.relay'],
  ['554 Relay rejected for policy reasons.', 'perm.relay'],
  ['550 5.7.1 Relaying rejected for policy reasons', 'perm.relay'],
  ['553 5.7.1 Relaying disallowed as postmaster@example.com', 'perm.relay'],
  ['550 we do not relay', 'perm.relay'],
  ['551 we do not relay', 'perm.relay'],
  ['550 Sorry, we do not relay for <postmaster@example.com>', 'perm.relay'],
  ['550 cannot relay to postmaster@example.com', 'perm.relay'],
  ['551 This mail server requires authentication; relaying is not permitted', 'perm.relay'],
  ['550 I cannot deliver mail for postmaster@example.com', 'perm.relay'],
  ['550 relaying mail to example.com is not allowed', 'perm.relay'],
  [
    '550-Please turn on SMTP Authentication in your mail client.\n550-probe.example [192.0.2.1]:41234 is not permitted to relay through this\n550 server without authentication.',
    'perm.relay',
  ],
  [
    '550-(probe.example) [192.0.2.1]:41234 is currently not permitted to relay through this server. Perhaps you\n550 have not logged into the pop/imap server in the last 30 minutes.',
    'perm.relay',
  ],
  [
    '550-you are trying to use me [server-5.tower-1.messagelabs.com] as a relay, but\n550 I have not been configured to let you [192.0.2.1] do this.',
    'perm.relay',
  ],
  ['550 This server is not an open relay', 'perm.client-policy'],
  ['550 5.7.1 relay access denied: your IP address is listed at zen.spamhaus.org', 'perm.client-policy'],
  ['550 5.7.1 <postmaster@example.com>... Relaying denied. IP name lookup failed [192.0.2.1]', 'perm.client-policy'],
];

const AUTH: readonly Row[] = [
  ['530 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM', 'perm.auth'],
  [
    '530 5.7.57 Client not authenticated to send mail. [AM0PR01CA0001.eurprd01.prod.exchangelabs.com]',
    'perm.auth',
    'mail',
  ],
  ['550 5.7.57 SMTP; Client was not authenticated to send anonymous mail during MAIL FROM', 'perm.auth'],
  ['530 5.7.1 Client was not authenticated', 'perm.auth'],
  ['530 5.7.0 Authentication required', 'perm.auth'],
  ['530 SMTP authentication is required.', 'perm.auth'],
  ['530', 'perm.auth'],
  ['550 5.7.1 RESOLVER.RST.AuthRequired; authentication required', 'perm.auth'],
  ['550 Authentication is required for relay', 'perm.auth'],
  ['554 5.7.1 You must authenticate first', 'perm.auth'],
  ['550 Please log in first', 'perm.auth'],
  ['535 no', 'perm.auth'],
  ['535 5.7.8 Error: authentication failed', 'perm.auth'],
  ['530 5.7.1 Authentication required: your IP address is listed in the PBL', 'perm.client-policy'],
];

const STARTTLS: readonly Row[] = [
  ['530 5.7.0 Must issue a STARTTLS command first', 'perm.starttls'],
  ['530 5.5.1 Must issue a STARTTLS command first', 'perm.starttls'],
  ['550 5.7.10 Encryption needed', 'perm.starttls'],
  ['554 5.7.1 TLS required', 'perm.starttls'],
  ['554 5.7.0 Session encryption is required', 'perm.starttls'],
  ['550 Mail without TLS is not taken: this host requires TLS', 'perm.starttls'],
];

const SENDER: readonly Row[] = [
  ['550 Sender verify failed', 'perm.sender-policy'],
  [
    '550-Verification failed for <me@probe.example>\n550-No Such User Here\n550 Sender verify failed',
    'perm.sender-policy',
  ],
  [
    '550-Verification failed for <me@probe.example>\n550-The mail server could not deliver mail to me@probe.example.  The account or domain may not exist, they may be blacklisted, or missing the proper dns entries.\n550 Sender verify failed',
    'perm.sender-policy',
  ],
  ['550 Verification failed for <me@probe.example>', 'perm.sender-policy'],
  [
    '550-Callback setup failed while verifying <me@probe.example>\n550-The initial connection, or a HELO or MAIL FROM:<> command was\n550 rejected.',
    'perm.sender-policy',
  ],
  [
    '550-Postmaster verification failed while checking <me@probe.example>\n550-Several RFCs state that you are required to have a postmaster\n550-mailbox for each mail domain. This host does not accept mail\n550 from domains whose servers reject the postmaster address.',
    'perm.sender-policy',
  ],
  ['550 5.1.8 <me@probe.example>: Sender address rejected: Domain not found', 'perm.sender-policy'],
  [
    '553 5.1.8 <me@probe.example>... Domain of sender address me@probe.example does not exist',
    'perm.sender-policy',
    'mail',
  ],
  ['550 5.1.7 Invalid address', 'perm.sender-policy'],
  ['550 5.1.0 <> sender rejected', 'perm.sender-policy'],
  ['550 5.1.0 Sender denied', 'perm.sender-policy'],
  ['550 5.7.1 <me@probe.example>: Sender address rejected: not owned by user', 'perm.sender-policy'],
  ['550 5.7.1 SPF fail - not authorized', 'perm.sender-policy'],
  ['550 SPF: 192.0.2.1 is not allowed to send mail from probe.example', 'perm.sender-policy'],
  ['550 5.7.1 Email rejected per DMARC policy for probe.example', 'perm.sender-policy'],
  [
    '550 DMARC Sender Invalid - envelope rejected - https://community.mimecast.com/docs/DOC-1369#550',
    'perm.sender-policy',
  ],
  ['550 5.7.27 Sender address has null MX', 'perm.sender-policy'],
  ['550 5.7.60 SMTP; Client does not have permissions to send as this sender', 'perm.sender-policy'],
  ['550 5.7.511 Access denied, banned sender', 'perm.sender-policy'],
  ['553 sorry, your envelope sender is in my badmailfrom list (#5.7.1)', 'perm.sender-policy'],
  ["550 sorry, can't find a valid MX for sender domain (#5.1.8 - chkuser)", 'perm.sender-policy'],
  ['553 5.5.4 <probe>... Domain name required for sender address probe', 'perm.sender-policy', 'mail'],
  ['501 5.1.7 Bad sender address syntax', 'perm.sender-policy', 'mail'],
  ['501 <probe>: sender address must contain a domain', 'perm.sender-policy', 'mail'],
  ['550 We do not accept bounces', 'perm.sender-policy'],
  ['550 5.7.1 null sender not allowed for this recipient', 'perm.sender-policy'],
  ['550 5.1.1 this address never sends mail, no bounces expected', 'perm.sender-policy'],
  ['554 5.7.1 bad return path', 'perm.sender-policy'],
  ['550 sender domain does not exist', 'perm.sender-policy'],
  ['550 MAIL FROM domain does not exist', 'perm.sender-policy'],
  ['550 No such user here', 'perm.sender-policy', 'mail'],
  ['550 Domain not found', 'perm.sender-policy', 'mail'],
  ['517 SPF fail probe.example: Address does not pass the Sender Policy Framework', 'perm.sender-policy', 'mail'],
  ['517 Domain does not exist: probe.example.', 'perm.sender-policy', 'mail'],
];

const CLIENT: readonly Row[] = [
  [
    '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org; https://www.spamhaus.org/query/ip/192.0.2.1',
    'perm.client-policy',
  ],
  ['550 5.7.1 Service unavailable, Client host [192.0.2.1] blocked using Spamhaus.', 'perm.client-policy'],
  ['554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied', 'perm.client-policy'],
  ['550 5.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]', 'perm.client-policy'],
  [
    '550-5.7.25 [192.0.2.1] The IP address sending this message does not have a PTR\n550 5.7.25 record setup',
    'perm.client-policy',
  ],
  ['550 5.7.25', 'perm.client-policy'],
  [
    '550-5.7.26 Your email has been blocked because the sender is unauthenticated.\n550 5.7.26 Gmail requires all senders to authenticate with either SPF or DKIM.',
    'perm.client-policy',
  ],
  ['550 5.7.23 The message was rejected because of Sender Policy Framework violation', 'perm.client-policy'],
  ['504 5.5.2 <probe>: Helo command rejected: need fully-qualified hostname', 'perm.client-policy'],
  ['550 Bad HELO', 'perm.client-policy'],
  ['550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)', 'perm.client-policy'],
  ['501 5.5.4 HELO argument has no valid syntax', 'perm.client-policy'],
  ['550 reverse DNS does not exist', 'perm.client-policy'],
  ['550 PTR record not found', 'perm.client-policy'],
  ['550 Sorry, we do not accept mail from hosts with dynamic IP or generic DNS PTR-records.', 'perm.client-policy'],
  [
    "550-5.7.1 [192.0.2.1] The IP you're using to send mail is not authorized to\n550-5.7.1 send email directly to our servers. Please use the SMTP relay at your\n550 5.7.1 service provider instead.",
    'perm.client-policy',
  ],
  [
    "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150).",
    'perm.client-policy',
  ],
  [
    '550 5.7.606 Access denied, banned sending IP [192.0.2.1]. To request removal from this list please visit https://sender.office.com/',
    'perm.client-policy',
  ],
  ['550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.', 'perm.client-policy'],
  [
    "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list; see https://postmaster.yahooinc.com",
    'perm.client-policy',
  ],
  [
    '554-gmx.net (mxgmx016) Nemesis ESMTP Service not available\n554-No SMTP service\n554-IP address is black listed.\n554 For explanation visit https://postmaster.gmx.net/en/error-messages?ip=192.0.2.1&c=bl',
    'perm.client-policy',
    'opening',
  ],
  [
    '550-Requested action not taken: mailbox unavailable\n550-Reject due to policy restrictions.\n550 For explanation visit https://postmaster.gmx.net/en/error-messages?ip=192.0.2.1&c=hi',
    'perm.client-policy',
  ],
  [
    "554 5.7.1 Your access to this mail system has been rejected due to the sending MTA's poor reputation.",
    'perm.client-policy',
  ],
  ['550 Administrative prohibition', 'perm.client-policy'],
  [
    '550 Administrative prohibition - envelope blocked - https://community.mimecast.com/docs/DOC-1369#550',
    'perm.client-policy',
  ],
  ['550 local CT IP:BLACKLISTED - https://community.mimecast.com/docs/DOC-1369#550', 'perm.client-policy'],
  ['571 Delivery not authorized', 'perm.client-policy'],
  ['571 no', 'perm.client-policy'],
  ['554 too many nonmail commands', 'perm.client-policy'],
  ['550 Connections from your country are not accepted', 'perm.client-policy'],
  ['554 5.7.1 Geo-blocked: country not accepted', 'perm.client-policy'],
  [
    '550-5.2.1 The user you are trying to contact is receiving mail at a rate that\n550 5.2.1 prevents additional messages from being delivered.',
    'perm.client-policy',
  ],
  ['550 5.1.1 Too many invalid recipients', 'perm.client-policy'],
  ['550 Rejected: see https://www.spamhaus.org/query/ip/192.0.2.1', 'perm.client-policy'],
  ['550 192.0.2.1 is listed at bl.spamcop.net', 'perm.client-policy'],
  [
    '554 resimta-po-01v.sys.comcast.net comcast 192.0.2.1 found on one or more DNSBLs, see http://postmaster.comcast.net',
    'perm.client-policy',
  ],
  ['550 Blocked - see https://support.proofpoint.com/dnsbl-lookup.cgi?ip=192.0.2.1', 'perm.client-policy'],
  ['550 mail from 192.0.2.1 refused, does not exist in PTR', 'perm.client-policy'],
  ['550 Access denied', 'perm.client-policy'],
  ['550 5.7.1 Access denied', 'perm.client-policy'],
  ['550 Rejected because 192.0.2.1 is in a black list at dnsbl.sorbs.net', 'perm.client-policy'],
  ['553 Dialup/Dynamic IPs are not accepted', 'perm.client-policy'],
  ['550 5.7.1 Mail rejected because your server is an open relay', 'perm.client-policy'],
  ['554 5.7.1 You are using our own IP address', 'perm.client-policy'],
  ['550 #5.7.1 Your access to submit messages to this e-mail system has been denied', 'perm.client-policy'],
  [`550 5.7.1 ${P}: Recipient address rejected: Access denied`, 'perm.client-policy'],
  [`554 5.7.1 ${P}: Recipient address rejected: Access denied`, 'perm.client-policy'],
  ['550 rate limit exceeded', 'perm.client-policy'],
  ['550 spam message rejected', 'perm.client-policy'],
  ['550 Ip frequency limited. http://service.mail.qq.com/cgi-bin/help?subtype=1', 'perm.client-policy'],
  ['550 RP:TRL smtp1,AbCdEf 1700000000 http://mail.163.com/help/help_spam_16.htm?ip=192.0.2.1', 'perm.client-policy'],
  [
    '501 Connection rejected by policy [7.7] 12345, please visit www.symanteccloud.com/troubleshooting',
    'perm.client-policy',
  ],
  ['553-mail rejected because your IP is in the PBL. See\n553 http://www.spamhaus.org/pbl', 'perm.client-policy'],
  ['521 5.2.1 :  (RTR:DU)  http://postmaster.info.aol.com/errors/554rtrdu.html', 'perm.client-policy'],
  ['550 5.7.1 daily sending quota exceeded', 'perm.client-policy'],
  ['550 5.1.1 sorry, your mailserver [192.0.2.1] is rejected, see http://spamauditor.org/', 'perm.client-policy'],
  [
    '550 5.7.1 <postmaster@example.com>: Recipient address rejected: Mail appeared to be SPAM or forged. Ask your Mail/DNS-Administrator to correct HELO and DNS MX settings or to get removed from DNSBLs',
    'perm.client-policy',
  ],
  ['550 R1: HELO should be a FQDN or address literal (See RFC2821 4.1.1.1)', 'perm.client-policy'],
  [
    '553 5.3.0 <postmaster@example.com>... Spam blocked see: http://spamcop.net/bl.shtml?192.0.2.1',
    'perm.client-policy',
  ],
  ['550 this host does not accept mail from your kind', 'perm.client-policy'],
  ['552 5.2.0 Message identified as spam', 'perm.client-policy'],
];

const SYNTAX: readonly Row[] = [
  ['504 5.5.2 <Postmaster>: Recipient address rejected: need fully-qualified address', 'perm.syntax'],
  ['501 <Postmaster>: recipient address must contain a domain', 'perm.syntax'],
  ['501 Postmaster: recipient address must contain a domain', 'perm.syntax'],
  ['501 5.1.3 Bad recipient address syntax', 'perm.syntax'],
  ['553 5.1.3 <x>... User address required', 'perm.syntax'],
  ['500 unrecognized command', 'perm.syntax'],
  ['502 5.5.2 Error: command not recognized', 'perm.syntax'],
  ['501 Syntax: EHLO hostname', 'perm.syntax', 'hello'],
  ['555 5.5.4 Unsupported option', 'perm.syntax'],
  ['550 could not parse address', 'perm.syntax'],
  ['553 malformed address', 'perm.syntax'],
  ['513 no', 'perm.syntax'],
  ['554 5.5.2 no', 'perm.syntax'],
];

const SEQUENCE: readonly Row[] = [
  ['503 5.5.1 Error: need MAIL command', 'perm.sequence'],
  ['503 bad sequence of commands', 'perm.sequence'],
  ['503', 'perm.sequence'],
  ['554 SMTP synchronization error', 'perm.sequence'],
  ['550 Improper use of pipelining', 'perm.sequence'],
  ['502 5.5.1 Command not implemented', 'perm.sequence'],
  ['503 HELO first', 'perm.sequence'],
];

const FULL: readonly Row[] = [
  ['552 5.2.2 The email account that you tried to reach is over quota', 'perm.full'],
  ['552 Requested mail action aborted: exceeded storage allocation', 'perm.full'],
  ['552 5.2.2 Mailbox full, please try again later', 'perm.full'],
  ['552', 'perm.full'],
  ['550 5.2.2 no', 'perm.full'],
  ['554 mailbox is full', 'perm.full'],
  ['550 mailbox full', 'perm.full'],
  ['552 5.2.2 too many messages in mailbox', 'perm.full'],
];

const POSTMASTER: readonly Row[] = [
  ['554 5.7.1 We accept no mail to postmaster', 'perm.refuses-postmaster'],
  ['554 5.7.1 postmaster address is not in use', 'perm.refuses-postmaster'],
  ['554 postmaster does not exist here', 'perm.refuses-postmaster'],
  ['550 5.7.1 Postmaster mail refused', 'perm.refuses-postmaster'],
  ['554 5.7.1 Contact postmaster for help', 'perm.policy-ambiguous'],
  [
    '554 IP=192.0.2.1 - A problem occurred. Ask your postmaster for help or to contact tosa@rx.example.',
    'perm.client-policy',
    'opening',
  ],
];

const AMBIGUOUS: readonly Row[] = [
  ['554', 'perm.policy-ambiguous'],
  ['554 Transaction failed', 'perm.policy-ambiguous'],
  ['554 5.4.6 Hop count exceeded', 'perm.policy-ambiguous'],
  ['550 5.3.2 System not accepting network messages', 'perm.policy-ambiguous'],
  ['550 5.7.1 no', 'perm.policy-ambiguous'],
  ['550 5.7.0', 'perm.policy-ambiguous'],
  ['571 5.7.1 Delivery not authorized, message refused', 'perm.policy-ambiguous'],
  [`550 5.7.1 ${P}: Recipient address rejected: Greylisted`, 'perm.policy-ambiguous'],
  [`550 ${P}: Recipient address rejected: Greylisted`, 'perm.policy-ambiguous'],
  ['550 Greylisted, please try again later', 'perm.policy-ambiguous'],
  ['550 Requested action not taken: mailbox unavailable, try again later', 'perm.policy-ambiguous'],
  ['550 internal error', 'perm.policy-ambiguous'],
  ['550 mailbox temporarily unavailable', 'perm.policy-ambiguous'],
  ['550 invalid DNS MX or A/AAAA resource record', 'perm.policy-ambiguous'],
  ['550 Not authorized', 'perm.policy-ambiguous'],
  ['550 Delivery is not allowed to this address.', 'perm.policy-ambiguous'],
  ['550 Could not resolve name', 'perm.policy-ambiguous'],
  ['550 service unavailable', 'perm.policy-ambiguous'],
  ['599 no', 'perm.policy-ambiguous'],
  ['550', 'perm.policy-ambiguous', 'opening'],
  ['550 no such user', 'perm.policy-ambiguous', 'hello'],
  ['554 mx1.example.com no SMTP service here', 'perm.policy-ambiguous', 'opening'],
  ['554 5.7.1 relay access denied', 'perm.policy-ambiguous', 'opening'],
  ['552 message size exceeds limit', 'perm.policy-ambiguous', 'mail'],
];

const ECHOED: readonly Row[] = [
  ['550 5.7.1 mail to relay.example denied: no', 'perm.client-policy', 'rcpt', FOR('relay.example')],
  ['550 relay.example not permitted', 'perm.policy-ambiguous', 'rcpt', FOR('relay.example')],
  ['550 no relay.example here', 'perm.no-mailbox', 'rcpt', FOR('relay.example')],
  ['552 full.example', 'perm.full', 'rcpt', FOR('full.example')],
  ['450 full.example busy', 'temp.system', 'rcpt', FOR('full.example')],
  ['452 4.7.1 quota.full.example', 'temp.greylist', 'rcpt', FOR('full.example')],
  ['550 5.1.1 postmaster@rbl.example: user unknown at rbl.example', 'perm.no-mailbox', 'rcpt', FOR('rbl.example')],
  ['550 5.1.1 <postmaster@rbl.example> mx.rbl.example: user unknown', 'perm.no-mailbox', 'rcpt', FOR('rbl.example')],
  ['554 spamhaus.example does not serve', 'perm.policy-ambiguous', 'rcpt', FOR('spamhaus.example')],
  ['550 greylist.example: user unknown', 'perm.no-mailbox', 'rcpt', FOR('greylist.example')],
  [
    '550 User unknown at dnsbl-filter.hosting.example',
    'perm.no-mailbox',
    'rcpt',
    FOR('a.example', 'dnsbl-filter.hosting.example'),
  ],
  ['550 unknown.user.example', 'perm.no-mailbox', 'rcpt', FOR('user.example')],
  ['554 unknown.user.example', 'perm.policy-ambiguous', 'rcpt', FOR('unknown.user.example')],
  ['554 "relay access denied"@example.com', 'perm.policy-ambiguous'],
  ['554 <relay access denied>', 'perm.policy-ambiguous'],
  ['554 relay denied', 'perm.client-policy', 'rcpt', FOR('relay')],
  ['550 5.1.1 User unknown (in reply to HELO.example.com)', 'perm.no-mailbox'],
];

const TABLES = {
  accepted: ACCEPTED,
  temporary: TEMPORARY,
  'no mailbox': NO_MAILBOX,
  'no domain': NO_DOMAIN,
  relay: RELAY,
  auth: AUTH,
  starttls: STARTTLS,
  sender: SENDER,
  client: CLIENT,
  syntax: SYNTAX,
  sequence: SEQUENCE,
  full: FULL,
  postmaster: POSTMASTER,
  ambiguous: AMBIGUOUS,
  echoed: ECHOED,
} as const;
const ROWS: readonly Row[] = Object.values(TABLES).flat();

for (const [name, rows] of Object.entries(TABLES)) {
  test(`replies are read as what hosts mean by them: ${name}`, () => {
    const told = rows.map(([text, , step = 'rcpt', echo = PLAIN]) => [text, classifyReply(replyOf(text), step, echo)]);
    assert.deepEqual(
      told,
      rows.map(([text, expected]) => [text, expected]),
    );
  });
}

const OPENINGS: readonly (readonly [text: string, blames: boolean])[] = [
  ['554 mx1.example.com No SMTP service here', false],
  ['554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied', false],
  ['554 5.7.1 Access denied', false],
  ['554 5.7.1', false],
  ['554 no service for you', false],
  ['554', false],
  ['521 mx1.example.com does not accept mail', false],
  ['554 This server does not accept mail, ask the postmaster at postmaster@rbl.example', false],
  ['554 blacklist.example.com no SMTP service, see https://www.example.com/helo', false],
  ['421 Service not available, closing transmission channel', false],
  [
    '554-No SMTP service\n554-Bad DNS PTR resource record.\n554 For explanation visit https://postmaster.gmx.net/en',
    true,
  ],
  ['554-No SMTP service\n554 IP address is black listed.', true],
  ['554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org', true],
  ['554 5.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]', true],
  ["554 Your access to this mail system has been rejected due to the sending MTA's poor reputation.", true],
  ['421 Too many concurrent connections from your IP', true],
  ['554 Invalid HELO', true],
  ['421 4.7.0 rate limit exceeded', true],
  ['554 IP=192.0.2.1 - A problem occurred. Ask your postmaster for help.', true],
  ['554 Dynamic addresses are not welcome', true],
  ['521 192.0.2.1 is listed in our black list', true],
  ['554 See http://www.spamhaus.org/query/bl?ip=192.0.2.1', true],
];

test('an opening refusal blames the client only where it names a reason to be found in the client', () => {
  assert.deepEqual(
    OPENINGS.map(([text]) => [text, blamesClient(replyOf(text), PLAIN)]),
    OPENINGS,
  );
});

const ATTACKS: readonly (readonly [text: string, claims: boolean])[] = [
  ['550 5.7.1 We are under attack, mail is restricted', true],
  ['550 5.7.1 rate limit exceeded', true],
  ['554 Too many connections', true],
  ['550 postmaster closed for now: containment of a security breach', true],
  ['550 dictionary attacks from your network', true],
  ['554 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org', false],
  ['550 5.7.25 no PTR record', false],
  ['550 Access denied', false],
  ['550 attack.example: access denied', false],
];

test('an attack, a rate limit or a breach is claimed only in so many words', () => {
  const echo = FOR('attack.example');
  assert.deepEqual(
    ATTACKS.map(([text]) => [text, claimsAttack(replyOf(text), echo)]),
    ATTACKS,
  );
});

const NULL_SENDERS: readonly (readonly [text: string, blames: boolean])[] = [
  ['550 5.1.0 <> sender rejected', true],
  ['550 5.7.1 null sender not allowed', true],
  ['553 Requested action not taken: NULL sender is not allowed', true],
  ['550 We do not accept bounces', true],
  ['550 This address never sends mail', true],
  ['550 this mailbox does not send mail, so no bounce can be for it', true],
  ['550 Backscatter refused', true],
  ['550 empty envelope sender rejected', true],
  ['550 5.7.1 <>: Sender address rejected: Access denied', true],
  ['550 5.1.8 <me@probe.example>: Sender address rejected: Domain not found', false],
  ['550 Message bounced due to Content Examination Policy', false],
  ['550 5.1.1 <postmaster@example.com>: Recipient address rejected: User unknown', false],
  ['550 bounces.example: user unknown', false],
  ['550', false],
];

test('the null reverse-path is blamed only where the text names it or what is sent under it', () => {
  const echo = FOR('bounces.example');
  assert.deepEqual(
    NULL_SENDERS.map(([text]) => [text, blamesNullSender(replyOf(text), echo)]),
    NULL_SENDERS,
  );
});

test('a 550 is bare where neither an enhanced code nor words say what it means', () => {
  const texts = [
    '550',
    '550 no',
    '550 5.0.0 <postmaster@example.com>',
    '550 4.1.1 no',
    '550 user unknown',
    '550 5.1.1 no',
    '550 denied',
    '551 no',
  ];
  assert.deepEqual(
    texts.filter((text) => isBare550(replyOf(text), PLAIN)),
    ['550', '550 no', '550 5.0.0 <postmaster@example.com>', '550 4.1.1 no'],
  );
});

test('an enhanced status code stands for one class, or is shared', () => {
  const listed = Object.values(REPLY_CLASSES).flatMap(({ enhanced }) => enhanced as readonly string[]);
  const single = listed.filter((code) => !code.endsWith('.x'));
  assert.equal(new Set(single).size, single.length);
});

test('a reply code alone stands for one class', () => {
  const alone = Object.values(REPLY_CLASSES).flatMap((row) => row.alone as readonly unknown[]);
  assert.equal(new Set(alone).size, alone.length);
});

const STEPS: readonly ReplyStep[] = ['opening', 'hello', 'mail', 'rcpt', 'other'];
const anyStep = fc.constantFrom(...STEPS);
const anyOctets = fc
  .array(fc.integer({ min: 0, max: 255 }).map((octet) => String.fromCharCode(octet)))
  .map((octets) => octets.join(''));
const WORDS =
  'relay denied user unknown listed blocked sender < > @ <> quota full greylisted try again later not found spf helo 5.1.1 (#5.7.1) postmaster'.split(
    ' ',
  );
const anyText = fc.oneof(
  anyOctets,
  fc.array(fc.constantFrom(...WORDS), { maxLength: 12 }).map((said) => said.join(' ')),
);
const anyEcho = fc.record({ domain: fc.option(anyOctets), host: fc.option(anyOctets) });
const replyWith = (code: fc.Arbitrary<number>): fc.Arbitrary<Reply> =>
  fc.tuple(code, fc.array(anyText, { minLength: 1, maxLength: 4 })).map(([number, lines]) => ({
    code: number,
    enhanced: parseEnhancedStatusCode(lines[0] ?? ''),
    lines,
    raw: lines.map((line) => `${number} ${line}\r\n`).join(''),
    defects: [],
  }));

test('no octets make a reply unreadable, and the first digit bounds what it can mean', () => {
  fc.assert(
    fc.property(replyWith(fc.integer({ min: 0, max: 999 })), anyStep, anyEcho, (reply, step, echo) => {
      const found = classifyReply(reply, step, echo);
      const digit = Math.floor(reply.code / 100);
      if (digit === 2) assert.match(found, /^accept/);
      else if (digit === 4) assert.match(found, /^temp\./);
      else if (digit === 5) assert.match(found, reply.code === 552 ? /^perm\.|^temp\.batch$/ : /^perm\./);
      else assert.equal(found, 'intermediate');
      for (const asks of [blamesClient, claimsAttack, blamesNullSender, isBare550])
        assert.equal(typeof asks(reply, echo), 'boolean');
    }),
    { numRuns: 1000 },
  );
});

test('a refusal before RCPT never judges a mailbox', () => {
  const ofMailboxes: readonly ReplyClass[] = [
    'perm.no-mailbox',
    'perm.no-domain',
    'perm.full',
    'perm.relay',
    'perm.refuses-postmaster',
  ];
  const before = fc.constantFrom<ReplyStep>('opening', 'hello', 'mail');
  fc.assert(
    fc.property(replyWith(fc.integer({ min: 500, max: 599 })), before, (reply, step) => {
      assert.ok(!ofMailboxes.includes(classifyReply(reply, step, PLAIN)));
    }),
  );
});

test('letter case says nothing', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ROWS),
      fc.infiniteStream(fc.boolean()),
      ([text, expected, step = 'rcpt', echo = PLAIN], upper) => {
        const shaken = text.replaceAll(/[a-z]/gi, (letter) =>
          upper.next().value ? letter.toUpperCase() : letter.toLowerCase(),
        );
        assert.equal(classifyReply(replyOf(shaken), step, echo), expected);
      },
    ),
    { numRuns: 2000 },
  );
});

const label = fc.oneof(
  fc.constantFrom(
    'relay',
    'full',
    'rbl',
    'greylist',
    'spf',
    'denied',
    'postmaster',
    'helo',
    'listed',
    'sender',
    'user-unknown',
    'rate',
  ),
  fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/),
);
const anyDomain = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => [...labels, 'example'].join('.'));

test('the name of the tested domain says nothing, wherever it stands', () => {
  const naming = ROWS.filter(([text, , , echo]) => echo === undefined && text.includes('example.com'));
  assert.ok(naming.length > 50);
  fc.assert(
    fc.property(fc.constantFrom(...naming), anyDomain, ([text, expected, step = 'rcpt'], domain) => {
      const echo = FOR(domain, `mx1.${domain}`);
      assert.equal(classifyReply(replyOf(text.replaceAll('example.com', domain)), step, echo), expected);
    }),
    { numRuns: 2000 },
  );
});

test('no host is accused that blames the client, the sender, a rate or a first contact in the same reply', () => {
  const accusing = ROWS.filter(([, expected, step = 'rcpt']) => ACCUSING.has(expected) && step === 'rcpt');
  const excuse = fc.constantFrom(
    'Client host rejected: no',
    'Helo command rejected: no',
    'Sender address rejected: no',
    'Sender verify failed',
    'your IP is listed at zen.spamhaus.org',
    'reverse DNS missing',
    'no PTR record',
    'bad reputation',
    'rate limit exceeded',
    'throttled',
    'greylisted',
    'blocked using dnsbl.example.net',
    'SPF fail',
    'null sender refused',
  );
  fc.assert(
    fc.property(fc.constantFrom(...accusing), excuse, ([text], words) => {
      const found = classifyReply(replyOf(`${text}; ${words}`), 'rcpt', PLAIN);
      assert.ok(!ACCUSING.has(found), `${found}: ${text}; ${words}`);
    }),
    { numRuns: 2000 },
  );
});
