// The catalogue: every requirement that is judged, in RFC order within its subject.
import { greetingNames } from './2.3.5-greeting-name.js';
import { replyLines } from './2.3.8-reply-lines.js';
import { sessionInitiation } from './3.1-session-initiation.js';
import { refusedSession } from './3.1-refused-session.js';
import { envelopeReplies } from './3.3-mail-refusal.js';
import { connection } from './3.8-connection.js';
import { quitAfter554 } from './4.1.1.10-quit-after-554.js';
import { noop } from './4.1.1.9-noop.js';
import { domainSyntax } from './4.1.2-domain-syntax.js';
import { helloVerification } from './4.1.4-hello-verification.js';
import { openingReplies } from './4.2-opening-replies.js';
import { replyCodes } from './4.2-reply-codes.js';
import { replyForm } from './4.2-replies.js';
import { multilineReplies } from './4.2.1-multiline-replies.js';
import { blocking } from './4.5.1-blocking.js';
import { everyMx } from './4.5.1-every-mx.js';
import { exemption } from './4.5.1-exemption.js';
import { postmasterPlaces } from './4.5.1-postmaster-places.js';
import { postmaster } from './4.5.1-postmaster.js';
import { openingWith421 } from './3.8-opening-421.js';
import { listening } from './4.5.4.2-listening.js';
import { mailRoute } from './5.1-mail-route.js';
import { mxBogus } from './5.1-mx-bogus.js';
import { mxTargets } from './5.1-mx-targets.js';
import { ipv6 } from './5.2-ipv6.js';
import { policyRefusals } from './7.9-policy-refusals.js';
import { mxRecords } from './rfc1035-mx-records.js';
import { rcptDelay } from './rfc1123-rcpt-delay.js';
import { rejectingHosts } from './rfc1846-rejecting-hosts.js';
import { enhancedCodes } from './rfc2034-enhanced-codes.js';
import { aliases } from './rfc2181-aliases.js';
import { nullSender } from './rfc2505-null-sender.js';
import { idn } from './rfc6531-idn.js';
import { specialNames } from './rfc6761-special-names.js';
import { specialAddresses } from './rfc6890-addresses.js';
import { noMailHost } from './rfc7504-521.js';
import { nullMx } from './rfc7505-null-mx.js';
import type { Requirement } from './requirement.js';

/** All requirements, in the order in which reports show them: what decides first, then greetings, connections, replies, the DNS. */
export const CATALOGUE: readonly Requirement[] = [
  ...postmaster,
  ...everyMx,
  ...blocking,
  ...exemption,
  ...nullSender,
  ...postmasterPlaces,
  ...idn,
  ...sessionInitiation,
  ...refusedSession,
  ...quitAfter554,
  ...openingReplies,
  ...openingWith421,
  ...noMailHost,
  ...greetingNames,
  ...noop,
  ...listening,
  ...connection,
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
];
