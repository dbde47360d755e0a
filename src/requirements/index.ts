// The catalogue: every requirement that is judged, in RFC order within its subject.
import { greetingNames } from './2.3.5-greeting-name.js';
import { sessionInitiation } from './3.1-session-initiation.js';
import { refusedSession } from './3.1-refused-session.js';
import { connection } from './3.8-connection.js';
import { quitAfter554 } from './4.1.1.10-quit-after-554.js';
import { noop } from './4.1.1.9-noop.js';
import { domainSyntax } from './4.1.2-domain-syntax.js';
import { openingReplies } from './4.2-opening-replies.js';
import { blocking } from './4.5.1-blocking.js';
import { everyMx } from './4.5.1-every-mx.js';
import { exemption } from './4.5.1-exemption.js';
import { postmasterPlaces } from './4.5.1-postmaster-places.js';
import { postmaster } from './4.5.1-postmaster.js';
import { openingWith421 } from './3.8-opening-421.js';
import { serverTimeOut } from './4.5.3.2.7-server-timeout.js';
import { concurrentSessions } from './4.5.4.2-concurrent.js';
import { listening } from './4.5.4.2-listening.js';
import { mailRoute } from './5.1-mail-route.js';
import { mxBogus } from './5.1-mx-bogus.js';
import { mxTargets } from './5.1-mx-targets.js';
import { ipv6 } from './5.2-ipv6.js';
import { mxRecords } from './rfc1035-mx-records.js';
import { rejectingHosts } from './rfc1846-rejecting-hosts.js';
import { aliases } from './rfc2181-aliases.js';
import { nullSender } from './rfc2505-null-sender.js';
import { pipelining } from './rfc2920-pipelining.js';
import { plaintextBeforeTls } from './rfc3207-plaintext.js';
import { tlsRequired } from './rfc3207-required.js';
import { startTls } from './rfc3207-starttls.js';
import { idn } from './rfc6531-idn.js';
import { specialNames } from './rfc6761-special-names.js';
import { specialAddresses } from './rfc6890-addresses.js';
import { noMailHost } from './rfc7504-521.js';
import { nullMx } from './rfc7505-null-mx.js';
import type { Requirement } from './requirement.js';

/** All requirements, in the order in which reports show them: what decides first, then greetings, the DNS, connections. */
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
  ...concurrentSessions,
  ...connection,
  ...serverTimeOut,
  ...tlsRequired,
  ...startTls,
  ...plaintextBeforeTls,
  ...pipelining,
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
