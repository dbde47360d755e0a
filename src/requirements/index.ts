// The catalogue: every requirement that is judged, in RFC order within its subject.
import { extensions } from './2.2-extensions.js';
import { ehloNames } from './2.3.5-ehlo-name.js';
import { greetingNames } from './2.3.5-greeting-name.js';
import { lines } from './2.3.8-lines.js';
import { commandSyntax } from './2.4-command-syntax.js';
import { replyLines } from './2.3.8-reply-lines.js';
import { sessionInitiation } from './3.1-session-initiation.js';
import { recipients } from './3.3-recipients.js';
import { expansion } from './3.5-expansion.js';
import { verification } from './3.5-verification.js';
import { verificationMeaning } from './3.5.3-verification-meaning.js';
import { relaying } from './3.6.2-relaying.js';
import { refusedSession } from './3.1-refused-session.js';
import { closing } from './3.8-closing.js';
import { envelopeReplies } from './3.3-mail-refusal.js';
import { connection } from './3.8-connection.js';
import { announcedCommands } from './4.1.1.1-announced-commands.js';
import { ehloReply } from './4.1.1.1-ehlo-reply.js';
import { helo } from './4.1.1.1-helo.js';
import { quitAfter554 } from './4.1.1.10-quit-after-554.js';
import { quit } from './4.1.1.10-quit.js';
import { sourceRoute } from './4.1.1.3-source-route.js';
import { rset } from './4.1.1.5-rset.js';
import { help } from './4.1.1.8-help.js';
import { noop } from './4.1.1.9-noop.js';
import { domainSyntax } from './4.1.2-domain-syntax.js';
import { ehloAgain } from './4.1.4-ehlo-again.js';
import { recipientSpellings } from './4.1.2-recipients.js';
import { commandOrder } from './4.1.4-order.js';
import { parameters } from './4.1.1.11-parameters.js';
import { mailOrder } from './4.1.4-mail-order.js';
import { openingReplies } from './4.2-opening-replies.js';
import { unknownCommand } from './4.2.4-unknown-command.js';
import { commandArguments } from './4.3.2-arguments.js';
import { helloVerification } from './4.1.4-hello-verification.js';
import { replyCodes } from './4.2-reply-codes.js';
import { replyForm } from './4.2-replies.js';
import { multilineReplies } from './4.2.1-multiline-replies.js';
import { blocking } from './4.5.1-blocking.js';
import { everyMx } from './4.5.1-every-mx.js';
import { exemption } from './4.5.1-exemption.js';
import { delivery } from './4.5.1-delivery.js';
import { minimumSet } from './4.5.1-minimum-set.js';
import { postmasterPlaces } from './4.5.1-postmaster-places.js';
import { postmaster } from './4.5.1-postmaster.js';
import { domainLength } from './4.5.3.1.2-domain-length.js';
import { messageSize } from './4.5.3.1.7-message-size.js';
import { openingWith421 } from './3.8-opening-421.js';
import { manyRecipients } from './4.5.3.1.8-recipients.js';
import { sizes } from './4.5.3.1-sizes.js';
import { serverTimeOut } from './4.5.3.2.7-server-timeout.js';
import { concurrentSessions } from './4.5.4.2-concurrent.js';
import { listening } from './4.5.4.2-listening.js';
import { mailRoute } from './5.1-mail-route.js';
import { mxBogus } from './5.1-mx-bogus.js';
import { mxTargets } from './5.1-mx-targets.js';
import { ipv6 } from './5.2-ipv6.js';
import { verificationSecurity } from './7.3-verification-security.js';
import { mxRecords } from './rfc1035-mx-records.js';
import { nullReversePath } from './rfc1123-null-reverse-path.js';
import { rejectingHosts } from './rfc1846-rejecting-hosts.js';
import { size } from './rfc1870-size.js';
import { policyRefusals } from './7.9-policy-refusals.js';
import { rcptDelay } from './rfc1123-rcpt-delay.js';
import { enhancedCodes } from './rfc2034-enhanced-codes.js';
import { aliases } from './rfc2181-aliases.js';
import { nullSender } from './rfc2505-null-sender.js';
import { pipelining } from './rfc2920-pipelining.js';
import { plaintextBeforeTls } from './rfc3207-plaintext.js';
import { tlsRequired } from './rfc3207-required.js';
import { startTls } from './rfc3207-starttls.js';
import { idn } from './rfc6531-idn.js';
import { smtputf8 } from './rfc6531-smtputf8.js';
import { specialNames } from './rfc6761-special-names.js';
import { specialAddresses } from './rfc6890-addresses.js';
import { dataWithoutRecipients } from './rfc2920-data.js';
import { noMailHost } from './rfc7504-521.js';
import { nullMx } from './rfc7505-null-mx.js';
import { rfcIgnorant } from './rfc-ignorant.js';
import { roleMailboxes } from './rfc2142-role-mailboxes.js';
import { roleRules } from './rfc2142-role-rules.js';
import type { Requirement } from './requirement.js';

/** All requirements, in the order in which reports show them: what decides first, then greetings, connections, replies, the DNS. */
export const CATALOGUE: readonly Requirement[] = [
  ...postmaster,
  ...everyMx,
  ...blocking,
  ...exemption,
  ...nullSender,
  ...postmasterPlaces,
  ...recipientSpellings,
  ...sourceRoute,
  ...idn,
  ...delivery,
  ...sessionInitiation,
  ...refusedSession,
  ...quitAfter554,
  ...openingReplies,
  ...openingWith421,
  ...noMailHost,
  ...greetingNames,
  ...extensions,
  ...helo,
  ...ehloReply,
  ...ehloNames,
  ...announcedCommands,
  ...ehloAgain,
  ...dataWithoutRecipients,
  ...messageSize,
  ...domainLength,
  ...size,
  ...smtputf8,
  ...minimumSet,
  ...commandSyntax,
  ...lines,
  ...commandArguments,
  ...unknownCommand,
  ...closing,
  ...commandOrder,
  ...noop,
  ...rset,
  ...quit,
  ...help,
  ...verification,
  ...verificationMeaning,
  ...verificationSecurity,
  ...expansion,
  ...nullReversePath,
  ...mailOrder,
  ...parameters,
  ...recipients,
  ...relaying,
  ...sizes,
  ...manyRecipients,
  ...listening,
  ...concurrentSessions,
  ...connection,
  ...serverTimeOut,
  ...tlsRequired,
  ...startTls,
  ...plaintextBeforeTls,
  ...pipelining,
  ...envelopeReplies,
  ...rcptDelay,
  ...policyRefusals,
  ...helloVerification,
  ...replyForm,
  ...replyCodes,
  ...multilineReplies,
  ...replyLines,
  ...enhancedCodes,
  ...domainSyntax,
  ...mailRoute,
  ...nullMx,
  ...mxTargets,
  ...aliases,
  ...specialAddresses,
  ...specialNames,
  ...mxRecords,
  ...rejectingHosts,
  ...ipv6,
  ...mxBogus,
  ...roleMailboxes,
  ...roleRules,
  ...rfcIgnorant,
];
