// RFC 5321 4.5.4.2 and 5.1: the port is listened on, at every address that is published for a mail host.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { connectsOf, openingsOf } from './observe.js';
import { noOpening } from './openings.js';
import {
  inconclusive,
  notApplicable,
  pass,
  warn,
  type Cite,
  type Finding,
  type Remedy,
  type Requirement,
} from './requirement.js';

const isConnected = (endpoint: EndpointEvidence): boolean =>
  connectsOf(endpoint).some(({ what }) => what.kind === 'connected');

/** True where each connection was turned down by the host or the network; a time-out or our own lack of a way is not that. */
function isTurnedDown(endpoint: EndpointEvidence): boolean {
  const connects = connectsOf(endpoint);
  return (
    connects.length > 0 &&
    connects.every(({ what: { kind } }) => kind === 'refused' || kind === 'reset' || kind === 'unreachable')
  );
}

/** The DNS answers that publish the address: what an endpoint without a connection is accused by. */
function publishedBy({ address }: EndpointEvidence, { dns }: DomainEvidence): readonly Cite[] {
  return dns.flatMap(({ outcome }, index): readonly Cite[] => {
    const records = 'records' in outcome ? outcome.records : [];
    return records.some((record) => 'address' in record && record.address === address) ? [{ kind: 'dns', index }] : [];
  });
}

function judgeListens(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const connects = connectsOf(endpoint);
  if (isConnected(endpoint)) {
    const connected = connects.filter(({ what }) => what.kind === 'connected').length;
    return pass(
      `connected in ${connected} of ${connects.length} attempts`,
      openingsOf(endpoint).map(({ cite }) => cite),
    );
  }
  if (!isTurnedDown(endpoint)) return noOpening(endpoint, evidence);
  if (evidence.route.kind === 'implicit-mx' && !evidence.endpoints.some(isConnected)) {
    return notApplicable(
      'no MX record names this host as one for mail, and no address of it takes connections: no mail service',
    );
  }
  const [cite, ...cites] = publishedBy(endpoint, evidence);
  if (connects.length < 2 || cite === undefined) return noOpening(endpoint, evidence);
  return warn(
    'unreachable',
    `refused or unreachable in ${connects.length} of ${connects.length} attempts`,
    cite,
    ...cites,
  );
}

function judgeParity(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const siblings = evidence.endpoints.filter(({ host, port }) => host === endpoint.host && port === endpoint.port);
  const tried = siblings.filter(({ attempts }) => attempts.length > 0);
  const open = tried.filter(isConnected);
  // One judgement a host: it stands at the first address that answers, so that there is a transcript beside it.
  const place = open[0] ?? tried[0] ?? siblings[0];
  if (place !== undefined && place !== endpoint) return notApplicable(`judged once for the host, at ${place.address}`);
  if (open.length === 0) return noOpening(endpoint, evidence);

  const opening = openingsOf(endpoint).map(({ cite }) => cite);
  const silent = tried.filter(
    (one) =>
      !isConnected(one) && connectsOf(one).some(({ what: { kind } }) => kind !== 'no-route' && kind !== 'interrupted'),
  );
  const [cite, ...cites] = [...silent.flatMap((one) => publishedBy(one, evidence)), ...opening];
  if (silent.length > 0 && cite !== undefined) {
    const addresses = silent.map(({ address }) => address).join(', ');
    const cause = silent.every(isTurnedDown) ? 'unreachable' : 'timeout';
    return warn(
      cause,
      `${open.length} of ${tried.length} addresses answer; no connection to ${addresses}`,
      cite,
      ...cites,
    );
  }
  if (open.length === siblings.length)
    return pass(`${open.length === 1 ? 'the one address answers' : `all ${open.length} addresses answer`}`, opening);
  const untried = siblings.filter((one) => !open.includes(one));
  const cause = untried.some((one) => connectsOf(one).some(({ what }) => what.kind === 'no-route'))
    ? 'no-route'
    : 'not-asked';
  return inconclusive(
    cause,
    `${open.length} of ${siblings.length} addresses answer; the others could not be tried from here`,
    opening,
  );
}

const LISTEN_REMEDY: Remedy = {
  general:
    'Let the mail server listen on port 25 of every address that the DNS publishes for it and open the firewall, or take the address out of the DNS.',
  postfix: 'inet_interfaces = all and inet_protocols = all in main.cf, and the line "smtp inet" in master.cf.',
  exim: 'daemon_smtp_ports with 25, and no local_interfaces setting that leaves the address out.',
  sendmail: "DAEMON_OPTIONS(`Port=smtp, Name=MTA')dnl without Addr=127.0.0.1, and one with Family=inet6 for IPv6.",
  opensmtpd:
    'A listen line for the interface or address in smtpd.conf; the default listens on the loopback interface only.',
  exchange: 'Set-ReceiveConnector -Bindings 0.0.0.0:25,[::]:25.',
};

/** RFC 5321 4.5.4.2 and 5.1, as far as connections go. */
export const listening: readonly Requirement[] = [
  {
    id: 'connect.listens',
    group: 'connect',
    title: 'Port 25 listens',
    level: 'SHOULD',
    violation: 'warn',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '4.5.4.2',
      quote:
        'The SMTP server SHOULD attempt to keep a pending listen on the SMTP port (specified by IANA as port 25) at all times.',
    },
    demand: 'A mail host accepts TCP connections on port 25.',
    probe: 'A TCP connection to every address of every mail host, a second one where the first is refused.',
    readings: [
      { verdict: 'pass', when: 'connected' },
      { verdict: 'warn', when: 'refused, or unreachable by the word of the network, in two attempts' },
      {
        verdict: 'inconclusive',
        when: 'a time-out (a firewall, perhaps our own), refused once, no route, or a host named with --host',
      },
      {
        verdict: 'not-applicable',
        when: 'Null MX, or no MX record and no address that takes connections: no mail service',
      },
    ],
    rationale:
      'Every message that is tried at a dead address waits for another host or another day; when all are dead, mail to the domain is queued and then lost.',
    remedy: LISTEN_REMEDY,
    retry: ['R3', 'R4'],
    needs: [],
    note: 'Many networks block port 25 outwards: a time-out never counts against the host. The warning rests on the DNS answer that publishes the address.',
    scope: 'endpoint',
    judge: judgeListens,
  },
  {
    id: 'mx.greeting-family-parity',
    group: 'connect',
    title: 'Each published address answers',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '5.1',
      quote:
        'the SMTP client MUST be able to try (and retry) each of the relevant addresses in this list in order, until a delivery attempt succeeds.',
    },
    demand: 'Every published address of a mail host is a working SMTP endpoint.',
    probe: 'A TCP connection to every address of the mail host.',
    readings: [
      { verdict: 'pass', when: 'all addresses take connections' },
      { verdict: 'warn', when: 'some refuse or do not answer while another address of the same host does' },
      { verdict: 'inconclusive', when: 'none takes a connection, or some could not be tried from here' },
      { verdict: 'not-applicable', when: 'judged at another address of the same host' },
    ],
    rationale:
      'A dead IPv6 address beside a live IPv4 one delays every sender that prefers IPv6, by a time-out for each message.',
    remedy: LISTEN_REMEDY,
    retry: ['R3'],
    needs: [],
    note: 'Judged once a host, at the first address that answers.',
    scope: 'endpoint',
    judge: judgeParity,
  },
];
