// RFC 1846 4.3: hosts that never take mail do not belong in an MX set.
//
// Decided here: a finding of the domain cites its MX records; the openings themselves are cited by postmaster.exempt-554
// and postmaster.exempt-521 at each endpoint. Hosts that were not reached accuse nobody and excuse nobody.
import type { DomainEvidence } from '../evidence/evidence.js';
import { judgeMx, listed, show } from './mx-set.js';
import { isExempt, openingKind, openingRepliesOf, wasReached } from './observe.js';
import { inconclusive, pass, warn, type Finding, type Requirement } from './requirement.js';

function judgeRejectingHost(evidence: DomainEvidence): Finding {
  return judgeMx(evidence, (set) => {
    const listedHosts = new Set(set.records.map(({ exchange }) => exchange));
    const reached = evidence.endpoints.filter((endpoint) => listedHosts.has(endpoint.host) && wasReached(endpoint));
    if (reached.length === 0) return inconclusive('unreachable', 'no mail host of the MX set was reached', set.cites);
    const rejecting = reached.filter((endpoint) => isExempt(endpoint, evidence));
    const serving = reached.find((endpoint) => openingKind(endpoint, evidence) === 'session');
    if (rejecting.length > 0) {
      const hosts = rejecting.map((endpoint) => {
        const code = openingRepliesOf(endpoint)[0]?.what.code ?? 0;
        return `${show(endpoint.host)} (${code} at ${show(endpoint.address)})`;
      });
      const beside =
        serving === undefined ? '' : ` while ${show(serving.host)} takes mail: some senders return it at the refusal`;
      const advice =
        rejecting.length === reached.length ? ': none that was reached takes mail, which a Null MX would say' : beside;
      return warn(
        'no-usable-mx',
        `listed as MX but always refusing the session: ${listed(hosts)}${advice}`,
        ...set.cites,
      );
    }
    const doubtful = reached.find((endpoint) => ['once', 'client-refused'].includes(openingKind(endpoint, evidence)));
    if (doubtful !== undefined) {
      const isAboutUs = openingKind(doubtful, evidence) === 'client-refused';
      const why = isAboutUs ? 'in words about this client' : 'but was seen to do so once only';
      return inconclusive(
        isAboutUs ? 'client-refused' : 'cut-off',
        `${show(doubtful.host)} refused the session, ${why}`,
        set.cites,
      );
    }
    return pass(`no address that answered always refuses the session (${reached.length} seen)`, set.cites);
  });
}

/** RFC 1846 4.3: hosts that reject everything. */
export const rejectingHosts: readonly Requirement[] = [
  {
    id: 'mx.rejecting-host-listed',
    group: 'dns',
    title: '554/521 host listed as MX',
    level: 'derived',
    violation: 'warn',
    tier: 'session',
    safety: 'safe',
    source: {
      document: 'RFC 1846',
      section: '4.3',
      quote: 'A host which sends a 521 greeting message MUST NOT be listed as an MX record for any domain.',
    },
    demand: 'A host that never takes mail is not in an MX set.',
    probe:
      'The openings of the mail hosts (postmaster.exempt-554, postmaster.exempt-521) and the MX records of {domain}.',
    readings: [
      { verdict: 'pass', when: 'none of those that answered' },
      { verdict: 'warn', when: 'one or more always open with 554 or 521, while another takes mail' },
      { verdict: 'warn', when: 'all of them do: the domain takes no mail and should say so by a Null MX' },
      {
        verdict: 'inconclusive',
        when: '554 or 521 was seen once only, or in words about this client; or no host was reached',
      },
      { verdict: 'not-applicable', when: 'no MX, Null MX' },
    ],
    rationale: 'A sender that takes the refusal as final returns the mail, although the next host would have taken it.',
    remedy: {
      general: 'Remove the MX record of that host; where no host takes mail, publish example.org. MX 0 . alone.',
    },
    retry: ['R11', 'R7', 'R3'],
    needs: [],
    note: 'RFC 1846 is Experimental and speaks of 521; RFC 5321 has no such sentence for 554. Hence a warning.',
    scope: 'domain',
    judge: judgeRejectingHost,
  },
];
