// The DNS rows, one zone a claim. A finding is written as one line: its verdict, its cause, the question that it rests
// on first, and what it says.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DomainEvidence } from '../src/evidence/evidence.js';
import { domainSyntax } from '../src/requirements/4.1.2-domain-syntax.js';
import { mailRoute } from '../src/requirements/5.1-mail-route.js';
import { mxBogus } from '../src/requirements/5.1-mx-bogus.js';
import { mxTargets } from '../src/requirements/5.1-mx-targets.js';
import { ipv6 } from '../src/requirements/5.2-ipv6.js';
import type { Finding, Requirement } from '../src/requirements/requirement.js';
import { mxRecords } from '../src/requirements/rfc1035-mx-records.js';
import { rejectingHosts } from '../src/requirements/rfc1846-rejecting-hosts.js';
import { aliases } from '../src/requirements/rfc2181-aliases.js';
import { specialNames } from '../src/requirements/rfc6761-special-names.js';
import { specialAddresses } from '../src/requirements/rfc6890-addresses.js';
import { nullMx } from '../src/requirements/rfc7505-null-mx.js';
import { planMailRoute, type DnsOutcome, type DnsRecord } from '../src/smtp/mail-route.js';
import type { Domain } from '../src/smtp/address.js';
import { anyCodePoint } from './support/code-point.js';
import { dnsEvidence, exchange, opened, unreached, type EvidenceOptions } from './support/dns-evidence.js';

const DOMAIN = 'example.org';
const ROWS: readonly Requirement[] = [
  domainSyntax, mailRoute, mxBogus, mxTargets, ipv6, mxRecords, rejectingHosts, aliases, specialNames, specialAddresses, nullMx,
].flat(); // prettier-ignore

function judge(id: string, evidence: DomainEvidence): Finding {
  const row = ROWS.find((each) => each.id === id);
  assert.ok(row?.scope === 'domain', `${id} is a row of the domain`);
  return row.judge(evidence);
}

/** "fail no-address <a.example.org A> because". */
function lineOf(finding: Finding, evidence: DomainEvidence): string {
  const cite = finding.cites?.[0];
  const question = cite === undefined ? undefined : evidence.dns[cite.index]?.question;
  const cause = 'cause' in finding ? ` ${finding.cause}` : '';
  const rests = question === undefined ? '' : ` <${question.name} ${question.type}>`;
  return `${finding.verdict}${cause}${rests} ${finding.because}`;
}

interface Claim {
  readonly zone: string;
  readonly domain?: string;
  readonly options?: EvidenceOptions;
  readonly says: string;
}

function claims(id: string, cases: Readonly<Record<string, Claim>>): void {
  describe(id, () => {
    for (const [claim, { zone, domain = DOMAIN, options, says }] of Object.entries(cases)) {
      test(claim, () => {
        const evidence = dnsEvidence(domain, zone, options);
        assert.equal(lineOf(judge(id, evidence), evidence), says);
      });
    }
  });
}

const SOUND = `
  example.org MX 10 a.mail.net
  example.org MX 20 b.mail.net
  a.mail.net A 5.5.5.1
  a.mail.net AAAA 2a00::1
  b.mail.net A 5.5.5.2
`;
const NULL_MX = 'example.org MX 0 .';
const NO_MX = 'example.org A 5.5.5.1';
const NOTHING = 'www.example.org A 5.5.5.1';
const ABSENT = 'example.net A 5.5.5.1';
const BROKEN = 'example.org MX SERVFAIL\nexample.org A 5.5.5.1';

claims('domain.syntax', {
  'letters, digits and hyphens pass': { zone: SOUND, says: 'pass example.org consists of letters, digits and hyphens' },
  'a single label is unusual': {
    domain: 'org',
    zone: 'org A 5.5.5.1',
    says: 'warn bad-name <org MX> org is a single label: legal (2.3.5), but many systems take no mail for such a name',
  },
  'an underscore is no domain': {
    domain: 'a_b.example.org',
    zone: 'a_b.example.org A 5.5.5.1',
    says: 'fail bad-name <a_b.example.org MX> a_b.example.org is no domain: labels are 1 to 63 letters, digits and inner hyphens, 253 characters in all',
  },
});

claims('domain.exists', {
  'a name with MX records exists': { zone: SOUND, says: 'pass <example.org MX> the DNS knows example.org' },
  'a name without MX records exists': { zone: NO_MX, says: 'pass <example.org MX> the DNS knows example.org' },
  'NXDOMAIN is no result about mail': {
    zone: ABSENT,
    says: 'not-applicable <example.org MX> example.org does not exist (NXDOMAIN)',
  },
  'an alias of nothing is told with its end': {
    zone: 'example.org CNAME gone.example.net',
    says: 'not-applicable <example.org MX> example.org (alias of gone.example.net) does not exist (NXDOMAIN)',
  },
  'SERVFAIL tells nothing': {
    zone: BROKEN,
    says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: the name server failed (SERVFAIL)',
  },
  'REFUSED tells nothing': {
    zone: 'example.org MX REFUSED',
    says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: the name server refused (REFUSED)',
  },
  'silence tells nothing': {
    zone: 'example.org MX TIMEOUT',
    says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: no name server answered in time',
  },
  'nonsense tells nothing': {
    zone: 'example.org MX MALFORMED',
    says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: the answer could not be used',
  },
  'aliases in a circle tell nothing': {
    zone: 'example.org CNAME b.net\nb.net CNAME example.org',
    says: 'inconclusive dns <example.org MX> the MX records of example.org (alias of b.net) are not known: its aliases lead in a circle or over more than 8 links',
  },
  'the end of a chain asked link by link is cited first': {
    zone: 'example.org CNAME b.net\nb.net MX TIMEOUT',
    options: { style: 'one-link' },
    says: 'inconclusive dns <b.net MX> the MX records of example.org (alias of b.net) are not known: no name server answered in time',
  },
});

claims('mx.implicit', {
  'MX records count alone': {
    zone: SOUND,
    says: 'pass <example.org MX> example.org has 2 MX records: its own addresses do not count',
  },
  'an address is the mail host where there is no MX': {
    zone: NO_MX,
    options: { endpoints: [opened(DOMAIN, '5.5.5.1', '220 hello')] },
    says: 'pass <example.org MX> example.org has no MX record but an address: it is its own mail host',
  },
  'a refused port is no mail service': {
    zone: NO_MX,
    options: { endpoints: [unreached(DOMAIN, '5.5.5.1', 'refused')] },
    says: 'not-applicable <example.org MX> example.org has no MX record, and its addresses refuse port 25: no mail service',
  },
  'a refused port tells nothing of addresses that are not known': {
    zone: `${NO_MX}\nexample.org AAAA TIMEOUT`,
    options: { endpoints: [unreached(DOMAIN, '5.5.5.1', 'refused')] },
    says: 'inconclusive dns <example.org MX> example.org has no MX record, and its addresses refuse port 25; but not all of them are known',
  },
  'silence on the port tells nothing': {
    zone: NO_MX,
    options: { endpoints: [unreached(DOMAIN, '5.5.5.1', 'refused'), unreached(DOMAIN, '5.5.5.2', 'timeout')] },
    says: 'inconclusive timeout <example.org MX> example.org has no MX record but an address: it is its own mail host, but no connection to it came about',
  },
  'neither MX nor address is no mail service': {
    zone: NOTHING,
    says: 'not-applicable <example.org MX> example.org has neither MX records nor an address: no mail service',
  },
  'an address question that failed tells nothing': {
    zone: `${NOTHING}\nexample.org AAAA TIMEOUT`,
    says: 'inconclusive dns <example.org AAAA> the addresses of example.org are not known: no name server answered in time',
  },
  'a failed MX question is no "no MX"': {
    zone: BROKEN,
    says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: the name server failed (SERVFAIL)',
  },
  'a Null MX is no matter of it': {
    zone: NULL_MX,
    says: 'not-applicable <example.org MX> example.org says by a Null MX that it takes no mail',
  },
});

claims('mx.usable', {
  'one usable host is enough': {
    zone: 'example.org MX 10 gone.net\nexample.org MX 20 b.net\nb.net A 5.5.5.2',
    says: 'pass <b.net A> 1 of 2 mail hosts can be used: b.net',
  },
  'no host with an address fails': {
    zone: 'example.org MX 10 gone.net\nexample.org MX 20 b.net\nwww.b.net A 5.5.5.2\nexample.org MX 30 192.0.2.1',
    says: 'fail no-usable-mx <gone.net A> no mail host can be used: gone.net does not exist (NXDOMAIN), b.net has neither an A nor an AAAA record and 192.0.2.1 is no host name',
  },
  'special-purpose addresses alone fail': {
    zone: 'example.org MX 0 localhost\nlocalhost A 127.0.0.1\nlocalhost AAAA ::1',
    says: 'fail no-usable-mx <localhost A> no mail host can be used: localhost has special-purpose addresses only (127.0.0.1 and ::1)',
  },
  'special-purpose addresses that are allowed are usable': {
    zone: 'example.org MX 0 localhost\nlocalhost A 127.0.0.1',
    options: { probe: { allowPrivate: true } },
    says: 'pass <localhost A> 1 of 1 mail host can be used: localhost',
  },
  'one unknown host beside dead ones tells nothing but that': {
    zone: 'example.org MX 10 gone.net\nexample.org MX 20 b.net\nb.net * SERVFAIL',
    says: 'inconclusive dns <b.net A> no mail host is known to be usable: the addresses of b.net are not known: the name server failed (SERVFAIL) (certainly not usable: gone.net does not exist (NXDOMAIN))',
  },
  'a private address beside an unknown family is not certain': {
    zone: 'example.org MX 10 b.net\nb.net A 10.0.0.1\nb.net AAAA TIMEOUT',
    says: 'inconclusive dns <b.net A> not every address is known, and none that is can be used',
  },
  'no MX is no matter of it': { zone: NO_MX, says: 'not-applicable <example.org MX> example.org has no MX record' },
  'a Null MX is no matter of it': {
    zone: NULL_MX,
    says: 'not-applicable <example.org MX> example.org says by a Null MX that it takes no mail',
  },
});

claims('mx.null-mx', {
  'a Null MX is told': { zone: NULL_MX, says: 'pass <example.org MX> example.org takes no mail and says so: MX 0 .' },
  'mail hosts are no Null MX': {
    zone: SOUND,
    says: 'not-applicable <example.org MX> example.org names mail hosts: no Null MX',
  },
  '"." beside others is no Null MX': {
    zone: `${NULL_MX}\n${SOUND}`,
    says: 'not-applicable <example.org MX> "." stands beside other MX records of example.org: no Null MX',
  },
  'SERVFAIL tells nothing': {
    zone: BROKEN,
    says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: the name server failed (SERVFAIL)',
  },
});

claims('mx.null-mx-sole', {
  '"." alone passes': { zone: NULL_MX, says: 'pass <example.org MX> the Null MX is the only MX record' },
  'no "." passes': { zone: SOUND, says: 'pass <example.org MX> example.org names mail hosts and no Null MX' },
  'no MX passes': { zone: NO_MX, says: 'pass <example.org MX> example.org has no MX record, so no Null MX' },
  '"." beside others fails': {
    zone: `${NULL_MX}\n${SOUND}`,
    says: 'fail null-mx-mixed <example.org MX> "." says that there is no mail, but it is not alone: a.mail.net and b.mail.net',
  },
  '"." twice fails': {
    zone: `${NULL_MX}\nexample.org MX 10 .`,
    says: 'fail null-mx-mixed <example.org MX> the Null MX is published 2 times',
  },
  'a domain that does not exist is no matter of it': {
    zone: ABSENT,
    says: 'not-applicable <example.org MX> example.org does not exist (NXDOMAIN)',
  },
  'silence tells nothing': {
    zone: 'example.org MX TIMEOUT',
    says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: no name server answered in time',
  },
});

claims('mx.null-mx-preference', {
  '0 passes': { zone: NULL_MX, says: 'pass <example.org MX> "." has preference 0' },
  'another one warns': {
    zone: 'example.org MX 10 .',
    says: 'warn malformed <example.org MX> "." has preference 10 instead of 0',
  },
  'no "." is no matter of it': { zone: SOUND, says: 'not-applicable <example.org MX> no MX record is "."' },
  'no MX is no matter of it': { zone: NO_MX, says: 'not-applicable <example.org MX> example.org has no MX record' },
  'SERVFAIL tells nothing': {
    zone: BROKEN,
    says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: the name server failed (SERVFAIL)',
  },
});

const OUR_MX = {
  probe: { reversePaths: ['probe@ours.net', ''] },
  also: [
    { name: 'ours.net', type: 'MX' },
    { name: 'ours.net', type: 'A' },
  ],
} as const;
claims('mx.null-mx-sender', {
  'our domain with MX records passes': {
    zone: `${SOUND}\nours.net MX 10 mx.ours.net`,
    options: OUR_MX,
    says: 'pass <ours.net MX> our sender domain ours.net has MX records',
  },
  'our domain with an address passes': {
    zone: `${SOUND}\nours.net A 5.5.5.3`,
    options: OUR_MX,
    says: 'pass <ours.net MX> our sender domain ours.net is its own mail host',
  },
  'our domain with a Null MX warns': {
    zone: `${SOUND}\nours.net MX 0 .`,
    options: OUR_MX,
    says: 'warn sender-refused <ours.net MX> our sender domain ours.net has a Null MX: no bounce can reach us, and hosts may refuse it',
  },
  'our domain that could not be looked up tells nothing': {
    zone: `${SOUND}\nours.net MX TIMEOUT`,
    options: OUR_MX,
    says: 'inconclusive dns <ours.net MX> the MX records of ours.net are not known: no name server answered in time',
  },
  'a Null MX of the domain tested says nothing of a sender': {
    zone: NULL_MX,
    says: 'not-applicable the MX records of a sender domain of ours were not asked for in this run',
  },
});

claims('mx.null-mx-recommended', {
  'a mail host that opens sessions passes': {
    zone: SOUND,
    options: {
      endpoints: [unreached('a.mail.net', '5.5.5.1', 'timeout'), opened('b.mail.net', '5.5.5.2', '220 hello')],
    },
    says: 'pass <example.org MX> a mail host of example.org opens sessions',
  },
  'a refused port without MX warns': {
    zone: NO_MX,
    options: { endpoints: [unreached(DOMAIN, '5.5.5.1', 'refused')] },
    says: 'warn no-usable-mx <example.org MX> example.org has no MX record and its addresses refuse port 25: a Null MX would spare senders days of retries',
  },
  'mail hosts that always refuse warn': {
    zone: SOUND,
    options: {
      endpoints: [
        opened('a.mail.net', '5.5.5.1', '554 No SMTP here', '554 No SMTP here'),
        opened('b.mail.net', '5.5.5.2', '521 no', '521 no'),
      ],
    },
    says: 'warn no-usable-mx <example.org MX> every mail host of example.org always refuses the session: a Null MX would tell senders at once',
  },
  'a refusal seen once tells nothing': {
    zone: SOUND,
    options: { endpoints: [opened('a.mail.net', '5.5.5.1', '554 No SMTP here')] },
    says: 'inconclusive cut-off <example.org MX> whether example.org serves mail at all was not seen',
  },
  'an explicit MX that refuses the port is down, not mail-less': {
    zone: SOUND,
    options: { endpoints: [unreached('a.mail.net', '5.5.5.1', 'refused')] },
    says: 'inconclusive unreachable <example.org MX> whether example.org serves mail at all was not seen',
  },
  'a mail host whose addresses are not known may serve mail': {
    zone: `${SOUND}\nb.mail.net * TIMEOUT`,
    options: { endpoints: [opened('a.mail.net', '5.5.5.1', '554 No SMTP here', '554 No SMTP here')] },
    says: 'inconclusive dns <b.mail.net A> the addresses of b.mail.net are not known: no name server answered in time',
  },
  'no connection at all tells nothing': {
    zone: SOUND,
    says: 'inconclusive not-asked <example.org MX> no mail host of example.org was connected to',
  },
  'a Null MX is no matter of it': { zone: NULL_MX, says: 'not-applicable <example.org MX> example.org has a Null MX' },
  'no address is no matter of it': {
    zone: NOTHING,
    says: 'not-applicable <example.org MX> example.org has no address either: senders give up at once',
  },
});

for (const id of ['mx.target-is-name', 'mx.address-literal']) {
  claims(id, {
    'names pass': { zone: SOUND, says: 'pass <example.org MX> no MX record holds an address' },
    'addresses in any form fail': {
      zone: 'example.org MX 1 192.0.2.1\nexample.org MX 2 [192.0.2.1]\nexample.org MX 3 2001:db8::1\nexample.org MX 4 192\\.0\\.2\\.1',
      says: 'fail bad-name <example.org MX> an MX record holds an address where a name must stand: 192.0.2.1, [192.0.2.1], 2001:db8::1 and 1 more',
    },
    'an address beside a good name fails': {
      zone: `${SOUND}\nexample.org MX 30 ipv6:2001:db8::1`,
      says: 'fail bad-name <example.org MX> an MX record holds an address where a name must stand: ipv6:2001:db8::1',
    },
    'SERVFAIL tells nothing': {
      zone: BROKEN,
      says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: the name server failed (SERVFAIL)',
    },
    'no MX is no matter of it': { zone: NO_MX, says: 'not-applicable <example.org MX> example.org has no MX record' },
  });
}

claims('mx.target-syntax', {
  'letters, digits and hyphens pass': {
    zone: SOUND,
    says: 'pass <example.org MX> every MX record names a host in letters, digits and hyphens',
  },
  'other characters fail, and are shown escaped': {
    zone: `example.org MX 1 mail_1.net\nexample.org MX 2 *.mail.net\nexample.org MX 3 caf\xe9.net\n${SOUND}`,
    says: 'fail bad-name <example.org MX> no host name: mail_1.net, *.mail.net and caf\\xe9.net',
  },
  'a URL, an e-mail address and an inner dot fail': {
    zone: 'example.org MX 1 https://a.net\nexample.org MX 2 joe@a.net\nexample.org MX 3 joe\\.doe.a.net',
    says: 'fail bad-name <example.org MX> no host name: https://a.net, joe@a.net and joe\\\\.doe.a.net',
  },
  'a single label warns': {
    zone: 'example.org MX 10 mail\nmail A 5.5.5.1',
    says: 'warn bad-name <example.org MX> a single label, which few resolvers look up: mail',
  },
  'addresses are another row': {
    zone: 'example.org MX 10 192.0.2.1',
    says: 'not-applicable <example.org MX> no MX record holds a name',
  },
  'silence tells nothing': {
    zone: 'example.org MX TIMEOUT',
    says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: no name server answered in time',
  },
});

const hundred = Array.from(
  { length: 100 },
  (_, index) => `example.org MX ${index} m${index}.net\nm${index}.net A 5.5.${index}.1`,
).join('\n');
claims('mx.target-resolves', {
  'an address each passes': {
    zone: SOUND,
    says: 'pass <a.mail.net A> every mail host has an address: a.mail.net and b.mail.net',
  },
  'one name that does not exist fails beside good ones': {
    zone: `${SOUND}\nexample.org MX 30 gone.net`,
    says: 'fail no-address <gone.net A> gone.net does not exist (NXDOMAIN)',
  },
  'neither A nor AAAA fails': {
    zone: 'example.org MX 10 b.net\nwww.b.net A 5.5.5.1',
    says: 'fail no-address <b.net A> b.net has neither an A nor an AAAA record',
  },
  'an alias of nothing fails': {
    zone: 'example.org MX 10 b.net\nb.net CNAME gone.net',
    says: 'fail no-address <b.net A> b.net (alias of gone.net) does not exist (NXDOMAIN)',
  },
  'what is known is said beside what is not': {
    zone: 'example.org MX 10 gone.net\nexample.org MX 20 b.net\nb.net * SERVFAIL',
    says: 'fail no-address <gone.net A> gone.net does not exist (NXDOMAIN); of b.net it is not known',
  },
  'one family that was not told is no "no address"': {
    zone: 'example.org MX 10 b.net\nwww.b.net A 5.5.5.1\nb.net AAAA TIMEOUT',
    says: 'inconclusive dns <b.net AAAA> the addresses of b.net are not known: no name server answered in time; 0 of 1 mail host have an address',
  },
  'hosts beyond the bound are not accused': {
    zone: hundred,
    says: 'inconclusive not-asked the addresses of m64.net are not known: they were not asked for; 64 of 100 mail hosts have an address',
  },
  'addresses are another row': {
    zone: 'example.org MX 10 192.0.2.1',
    says: 'not-applicable <example.org MX> no MX record holds a host name',
  },
  'no MX is no matter of it': { zone: NO_MX, says: 'not-applicable <example.org MX> example.org has no MX record' },
});

claims('mx.cname-target', {
  'canonical names pass': { zone: SOUND, says: 'pass <a.mail.net A> no MX record names an alias' },
  'an alias fails': {
    zone: `${SOUND}\nexample.org MX 30 c.net\nc.net CNAME b.mail.net`,
    says: 'fail alias <c.net A> c.net is an alias of b.mail.net',
  },
  'an alias of itself fails': {
    zone: 'example.org MX 30 c.net\nc.net CNAME c.net',
    says: 'fail alias <c.net A> c.net is an alias of c.net',
  },
  'one answer is enough to tell': {
    zone: 'example.org MX 10 b.net\nb.net A 5.5.5.1\nb.net AAAA TIMEOUT',
    says: 'pass <b.net A> no MX record names an alias',
  },
  'SERVFAIL of both tells nothing': {
    zone: `${SOUND}\nexample.org MX 30 c.net\nc.net * SERVFAIL`,
    says: 'inconclusive dns <c.net A> the addresses of c.net are not known: the name server failed (SERVFAIL)',
  },
  'a Null MX is no matter of it': {
    zone: NULL_MX,
    says: 'not-applicable <example.org MX> example.org says by a Null MX that it takes no mail',
  },
});

const CNAME = { also: [{ name: DOMAIN, type: 'CNAME' }] } as const;
claims('mx.cname-owner', {
  'no alias passes': { zone: SOUND, options: CNAME, says: 'pass <example.org CNAME> example.org is no alias' },
  'an alias alone passes': {
    zone: 'example.org CNAME b.net\nb.net MX 10 m.net',
    options: CNAME,
    says: 'pass <example.org MX> example.org is an alias of b.net and nothing else',
  },
  'an alias and MX records warn': {
    zone: `${SOUND}\nexample.org CNAME b.net`,
    options: CNAME,
    says: 'warn alias <example.org CNAME> example.org is answered both with a CNAME record and with other records',
  },
  'a CNAME question that was not asked tells nothing': {
    zone: SOUND,
    says: 'inconclusive not-asked <example.org MX> whether example.org has a CNAME record was not asked',
  },
  'a CNAME question that failed tells nothing': {
    zone: `${SOUND}\nexample.org CNAME REFUSED`,
    options: CNAME,
    says: 'inconclusive dns <example.org CNAME> the CNAME records of example.org are not known: the name server refused (REFUSED)',
  },
  'a domain that does not exist is no matter of it': {
    zone: ABSENT,
    options: CNAME,
    says: 'not-applicable <example.org MX> example.org does not exist (NXDOMAIN)',
  },
});

claims('mx.loopback', {
  'public addresses pass': {
    zone: SOUND,
    says: 'pass <a.mail.net A> no loopback or unspecified address at 2 mail hosts',
  },
  'any loopback address fails': {
    zone: `${SOUND}\nb.mail.net A 127.0.0.1\na.mail.net AAAA ::ffff:0.0.0.1`,
    says: 'fail special-address <a.mail.net A> a.mail.net has ::ffff:0.0.0.1 (unspecified, 0.0.0.0/8) and b.mail.net has 127.0.0.1 (loopback, 127.0.0.0/8)',
  },
  'a family that was not told leaves it open': {
    zone: 'example.org MX 10 b.net\nb.net A 5.5.5.1\nb.net AAAA TIMEOUT',
    says: 'inconclusive dns <b.net A> the addresses of b.net are not all known; no loopback or unspecified address so far',
  },
  'a host that was not told leaves it open': {
    zone: `${SOUND}\nb.mail.net * SERVFAIL`,
    says: 'inconclusive dns <b.mail.net A> the addresses of b.mail.net are not known: the name server failed (SERVFAIL)',
  },
  'no address is no matter of it': {
    zone: 'example.org MX 10 gone.net',
    says: 'not-applicable <example.org MX> no MX target has an address',
  },
  'what you allowed is no matter of it': {
    zone: 'example.org MX 0 localhost\nlocalhost A 127.0.0.1',
    options: { probe: { allowPrivate: true } },
    says: 'not-applicable allowed by you: --allow-private',
  },
});

claims('mx.private', {
  'public addresses pass': { zone: SOUND, says: 'pass <a.mail.net A> no special-purpose address at 2 mail hosts' },
  'a host with such addresses only fails': {
    zone: `${SOUND}\nexample.org MX 30 c.net\nc.net A 10.0.0.1\nc.net AAAA fd00::1`,
    says: 'fail special-address <c.net A> c.net has 10.0.0.1 (private, 10.0.0.0/8) and fd00::1 (unique-local, fc00::/7) and no public address',
  },
  'such an address beside a public one warns': {
    zone: `${SOUND}\na.mail.net A 192.168.1.1`,
    says: 'warn special-address <a.mail.net A> a.mail.net has 192.168.1.1 (private, 192.168.0.0/16)',
  },
  'such an address beside an unknown family warns, no more': {
    zone: 'example.org MX 10 b.net\nb.net A 10.0.0.1\nb.net AAAA TIMEOUT',
    says: 'warn special-address <b.net A> b.net has 10.0.0.1 (private, 10.0.0.0/8)',
  },
  'what is only noted warns': {
    zone: 'example.org MX 10 b.net\nb.net AAAA 2002:505:501::1',
    says: 'warn special-address <b.net A> b.net has 2002:505:501::1 (6to4, 2002::/16)',
  },
  'a loopback address is another row': {
    zone: 'example.org MX 10 b.net\nb.net A 127.0.0.1',
    says: 'pass <b.net A> no special-purpose address at 1 mail host',
  },
  'a host that was not told leaves it open': {
    zone: `${SOUND}\nb.mail.net * TIMEOUT`,
    says: 'inconclusive dns <b.mail.net A> the addresses of b.mail.net are not known: no name server answered in time',
  },
  'what you allowed is no matter of it': {
    zone: 'example.org MX 0 b.net\nb.net A 10.0.0.1',
    options: { probe: { allowPrivate: true } },
    says: 'not-applicable allowed by you: --allow-private',
  },
});

claims('mx.special-name', {
  'other names pass': { zone: SOUND, says: 'pass <example.org MX> no MX record names a special-use name' },
  'reserved names fail': {
    zone: 'example.org MX 0 localhost\nexample.org MX 1 mail.corp.internal\nexample.org MX 2 test.net',
    says: 'fail bad-name <example.org MX> a name that cannot be public: localhost and mail.corp.internal',
  },
  'example names warn': {
    zone: 'example.org MX 0 mx.example.com\nexample.org MX 1 mx.example\nexample.org MX 2 myexample.org',
    says: 'warn bad-name <example.org MX> a name for documentation: mx.example.com and mx.example',
  },
  'REFUSED tells nothing': {
    zone: 'example.org MX REFUSED',
    says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: the name server refused (REFUSED)',
  },
  'what you allowed is no matter of it': {
    zone: 'example.org MX 0 localhost',
    options: { probe: { allowPrivate: true } },
    says: 'not-applicable allowed by you: --allow-private',
  },
});

claims('mx.duplicate', {
  'each host once passes': { zone: SOUND, says: 'pass <example.org MX> each mail host stands in one MX record' },
  'the same host twice warns': {
    zone: `${SOUND}\nexample.org MX 30 a.mail.net`,
    says: 'warn malformed <example.org MX> a.mail.net stands in 2 MX records',
  },
  'the same address under two names is told': {
    zone: 'example.org MX 10 a.net\nexample.org MX 20 b.net\na.net A 5.5.5.1\nb.net A 5.5.5.1',
    says: 'pass <a.net A> each host stands once, but a.net and b.net have the same addresses',
  },
  'silence tells nothing': {
    zone: 'example.org MX TIMEOUT',
    says: 'inconclusive dns <example.org MX> the MX records of example.org are not known: no name server answered in time',
  },
  'no MX is no matter of it': { zone: NO_MX, says: 'not-applicable <example.org MX> example.org has no MX record' },
});

claims('mx.rejecting-host-listed', {
  'hosts that open sessions pass': {
    zone: SOUND,
    options: {
      endpoints: [opened('a.mail.net', '5.5.5.1', '220 hello'), unreached('b.mail.net', '5.5.5.2', 'timeout')],
    },
    says: 'pass <example.org MX> no address that answered always refuses the session (1 seen)',
  },
  'one that always refuses beside one that serves warns': {
    zone: SOUND,
    options: {
      endpoints: [
        opened('a.mail.net', '5.5.5.1', '554 No SMTP here', '554 No SMTP here'),
        opened('b.mail.net', '5.5.5.2', '220 hello'),
      ],
    },
    says: 'warn no-usable-mx <example.org MX> listed as MX but always refusing the session: a.mail.net (554 at 5.5.5.1) while b.mail.net takes mail: some senders return it at the refusal',
  },
  'a set that always refuses warns': {
    zone: 'example.org MX 10 a.mail.net\na.mail.net A 5.5.5.1',
    options: { endpoints: [opened('a.mail.net', '5.5.5.1', '521 no mail', '521 no mail')] },
    says: 'warn no-usable-mx <example.org MX> listed as MX but always refusing the session: a.mail.net (521 at 5.5.5.1): none that was reached takes mail, which a Null MX would say',
  },
  'a refusal seen once tells nothing': {
    zone: SOUND,
    options: {
      endpoints: [opened('a.mail.net', '5.5.5.1', '554 No SMTP here'), opened('b.mail.net', '5.5.5.2', '220 hello')],
    },
    says: 'inconclusive cut-off <example.org MX> a.mail.net refused the session, but was seen to do so once only',
  },
  'a refusal of this client tells nothing': {
    zone: SOUND,
    options: {
      endpoints: [
        opened(
          'a.mail.net',
          '5.5.5.1',
          '554 blocked: your IP is on a blocklist',
          '554 blocked: your IP is on a blocklist',
        ),
      ],
    },
    says: 'inconclusive client-refused <example.org MX> a.mail.net refused the session, in words about this client',
  },
  'hosts that were not reached tell nothing': {
    zone: SOUND,
    options: { endpoints: [unreached('a.mail.net', '5.5.5.1', 'timeout')] },
    says: 'inconclusive unreachable <example.org MX> no mail host of the MX set was reached',
  },
  'an implicit mail host is not listed': {
    zone: NO_MX,
    options: { endpoints: [opened(DOMAIN, '5.5.5.1', '554 no', '554 no')] },
    says: 'not-applicable <example.org MX> example.org has no MX record',
  },
});

const SIX_ONLY = 'example.org MX 10 b.net\nb.net AAAA 2a00::1';
claims('mx.ipv6', {
  'any combination passes and is told': {
    zone: `${SOUND}\nexample.org MX 30 c.net\nc.net AAAA 2a00::3`,
    says: 'pass <a.mail.net A> any combination is legal: 1 mail host dual-stack, 1 mail host IPv4 only and 1 mail host IPv6 only',
  },
  'our own lack of IPv6 accuses nobody': {
    zone: SIX_ONLY,
    options: { endpoints: [unreached('b.net', '2a00::1', 'no-route')] },
    says: 'inconclusive no-route <b.net A> b.net has IPv6 addresses only, and this machine has no IPv6',
  },
  'nor does -4': {
    zone: SIX_ONLY,
    options: {
      endpoints: [{ host: 'b.net', address: '2a00::1', port: 25, skipped: 'family-not-asked', attempts: [] }],
    },
    says: 'inconclusive not-asked <b.net A> b.net has IPv6 addresses only, which -4 leaves out',
  },
  'one family that was not told is no "only"': {
    zone: 'example.org MX 10 b.net\nb.net A 5.5.5.1\nb.net AAAA TIMEOUT',
    says: 'inconclusive dns <b.net A> the addresses of b.net are not all known',
  },
  'SERVFAIL tells nothing': {
    zone: 'example.org MX 10 b.net\nb.net * SERVFAIL',
    says: 'inconclusive dns <b.net A> the addresses of b.net are not known: the name server failed (SERVFAIL)',
  },
  'no address is no matter of it': {
    zone: 'example.org MX 10 gone.net',
    says: 'not-applicable <example.org MX> no MX target has an address: gone.net',
  },
});

const RANDOM = { also: [{ name: 'x7q2m9c4k1v8.example.org', type: 'MX' }] } as const;
claims('mx.wildcard', {
  'no wildcard passes': {
    zone: SOUND,
    options: RANDOM,
    says: 'pass <x7q2m9c4k1v8.example.org MX> a random name below example.org has no MX record: no wildcard',
  },
  'a wildcard passes and is told': {
    zone: `${SOUND}\nx7q2m9c4k1v8.example.org MX 10 a.mail.net`,
    options: RANDOM,
    says: 'pass <x7q2m9c4k1v8.example.org MX> a random name below example.org has MX records too (a wildcard): a.mail.net',
  },
  'REFUSED tells nothing': {
    zone: `${SOUND}\nx7q2m9c4k1v8.example.org MX REFUSED`,
    options: RANDOM,
    says: 'inconclusive dns <x7q2m9c4k1v8.example.org MX> the MX records of x7q2m9c4k1v8.example.org are not known: the name server refused (REFUSED)',
  },
  'without the question nothing is told': {
    zone: SOUND,
    says: 'inconclusive not-asked the MX records of a random name were not asked for',
  },
  'without controls nothing is asked': {
    zone: SOUND,
    options: { probe: { controlLocalPart: null } },
    says: 'inconclusive not-asked no random name was asked for: --no-controls',
  },
  'a domain that does not exist is no matter of it': {
    zone: ABSENT,
    options: RANDOM,
    says: 'not-applicable <example.org MX> example.org does not exist (NXDOMAIN)',
  },
});

claims('mx.bogus', {
  'a sound set passes': { zone: SOUND, says: 'pass <example.org MX> nothing is wrong with what the MX records name' },
  'one bad record fails the set, and each row is named': {
    zone: `${SOUND}\nexample.org MX 0 localhost\nlocalhost A 127.0.0.1`,
    says: 'fail special-address <localhost A> mx.loopback: localhost has 127.0.0.1 (loopback, 127.0.0.0/8) and mx.special-name: a name that cannot be public: localhost',
  },
  'warnings alone warn': {
    zone: 'example.org MX 0 mx.example\nmx.example A 5.5.5.1',
    says: 'warn bad-name <example.org MX> mx.special-name: a name for documentation: mx.example',
  },
  'what was not told leaves it open': {
    zone: 'example.org MX 0 mx.example\nmx.example A TIMEOUT\nmx.example AAAA 2a00::1',
    says: 'inconclusive dns <mx.example A> mx.loopback: the addresses of mx.example are not all known; no loopback or unspecified address so far and mx.private: the addresses of mx.example are not all known; no special-purpose address so far',
  },
  'what you allowed is left out': {
    zone: 'example.org MX 0 localhost.localdomain\nlocalhost.localdomain A 127.0.0.1',
    options: { probe: { allowPrivate: true } },
    says: 'pass <example.org MX> nothing is wrong with what the MX records name',
  },
  'an implicit mail host is no matter of it': {
    zone: NO_MX,
    says: 'not-applicable <example.org MX> example.org has no MX record',
  },
});

const ZONES: readonly string[] = [
  SOUND, NULL_MX, NO_MX, NOTHING, ABSENT, `${NULL_MX}\n${SOUND}`, `${SOUND}\nexample.org CNAME b.net`,
  'example.org MX 10 gone.net\nexample.org MX 20 b.net\nb.net A 10.0.0.1\nb.net AAAA 2a00::1',
  'example.org MX 0 localhost\nlocalhost A 127.0.0.1\nexample.org MX 10 c.net\nc.net CNAME d.net\nd.net A 192.168.0.1',
  'example.org CNAME b.net\nb.net MX 10 m.net\nm.net A 5.5.5.1\nm.net AAAA 2002:505:501::1',
]; // prettier-ignore
const BAD_OUTCOMES: readonly DnsOutcome[] = [
  { kind: 'server-failure' }, { kind: 'refused' }, { kind: 'timeout' }, { kind: 'unreachable' }, { kind: 'malformed' },
  { kind: 'records', records: [{ name: 'other.example', ttl: 1, type: 'MX', preference: 0, exchange: '' }] },
]; // prettier-ignore

const ALSO = { also: [...CNAME.also, ...RANDOM.also] };

test('each row has its fields, and one name', () => {
  assert.equal(ROWS.length, 23);
  assert.equal(new Set(ROWS.map(({ id }) => id)).size, 23);
  for (const { readings, id, rationale, remedy } of ROWS) {
    assert.ok(readings.length > 0 && rationale !== '' && remedy.general !== '', id);
  }
});

test('with --host no row about the DNS applies, but for the syntax of the domain', () => {
  const evidence = dnsEvidence(DOMAIN, SOUND, { probe: { given: true } });
  const lines = ROWS.map(({ id }) => `${id} ${lineOf(judge(id, { ...evidence, dns: [] }), evidence)}`);
  const told = 'not-applicable the mail host was given, the DNS of the domain was not asked';
  assert.deepEqual(
    lines,
    ROWS.map(({ id }) =>
      id === 'domain.syntax' ? `${id} pass example.org consists of letters, digits and hyphens` : `${id} ${told}`,
    ),
  );
});

test('with --host a single label is told without an accusation that rests on nothing', () => {
  const evidence = { ...dnsEvidence('org', 'org A 5.5.5.1', { probe: { given: true } }), dns: [] };
  assert.equal(judge('domain.syntax', evidence).verdict, 'pass');
});

test('without a domain nothing is judged of one', () => {
  const evidence = { ...dnsEvidence(DOMAIN, SOUND), domain: null, dns: [] };
  const verdicts = new Set(ROWS.map(({ id }) => judge(id, evidence).verdict));
  assert.deepEqual([...verdicts], ['not-applicable']);
});

test('an MX question that told nothing accuses nobody', () => {
  for (const outcome of BAD_OUTCOMES) {
    const evidence = { ...dnsEvidence(DOMAIN, NO_MX), dns: [exchange({ name: DOMAIN, type: 'MX' }, outcome)] };
    const accused = ROWS.filter(({ id }) => ['fail', 'warn'].includes(judge(id, evidence).verdict));
    assert.deepEqual(
      accused.map(({ id }) => id),
      [],
      outcome.kind,
    );
  }
});

test('no verdict becomes a failure because answers are lost', () => {
  for (const zone of ZONES) {
    const evidence = dnsEvidence(DOMAIN, zone, ALSO);
    for (const { id } of ROWS.filter(({ id }) => judge(id, evidence).verdict !== 'fail')) {
      for (const outcome of BAD_OUTCOMES) {
        for (let lost = 1; lost < 2 ** Math.min(evidence.dns.length, 7); lost++) {
          const dns = evidence.dns.map((each, index) =>
            (lost >> index) & 1 ? exchange(each.question, outcome) : each,
          );
          const finding = judge(id, { ...evidence, dns, route: planMailRoute(DOMAIN as Domain, dns) });
          assert.notEqual(
            finding.verdict,
            'fail',
            `${id}, ${outcome.kind}, ${lost.toString(2)} of ${zone}: ${finding.because}`,
          );
        }
      }
    }
  }
});

test('whatever the DNS says, every row judges, cites what there is, and shows nothing but printable ASCII', () => {
  const name = fc.oneof(
    fc.constantFrom(DOMAIN, '', 'a.net', 'b.net', '\x1b[31m', 'a\\.b', '10.0.0.1', '\xff\x00'),
    fc.string({ unit: anyCodePoint, maxLength: 20 }),
  );
  const ttl = fc.constant(1);
  const record: fc.Arbitrary<DnsRecord> = fc.oneof(
    fc.record({ name, ttl, type: fc.constant('CNAME' as const), target: name }),
    fc.record({ name, ttl, type: fc.constant('MX' as const), preference: fc.nat({ max: 65_535 }), exchange: name }),
    fc.record({
      name,
      ttl,
      type: fc.constantFrom('A' as const, 'AAAA' as const),
      address: fc.oneof(name, fc.ipV4(), fc.ipV6()),
    }),
  );
  const outcome: fc.Arbitrary<DnsOutcome> = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constantFrom('records' as const, 'no-data' as const, 'no-such-name' as const),
        records: fc.array(record, { maxLength: 6 }),
      }),
    },
    fc.constantFrom(...BAD_OUTCOMES),
  );
  const question = fc.record({
    name,
    type: fc.constantFrom('MX' as const, 'A' as const, 'AAAA' as const, 'CNAME' as const),
  });
  fc.assert(
    fc.property(fc.array(fc.tuple(question, outcome), { maxLength: 12 }), outcome, (pairs, mx) => {
      const dns = [exchange({ name: DOMAIN, type: 'MX' }, mx), ...pairs.map(([each, given]) => exchange(each, given))];
      const evidence = { ...dnsEvidence(DOMAIN, SOUND), dns, route: planMailRoute(DOMAIN as Domain, dns) };
      for (const { id } of ROWS) {
        const finding = judge(id, evidence);
        assert.match(finding.because, /^[\x20-\x7e]+$/, id);
        for (const cite of finding.cites ?? []) assert.ok(cite.kind === 'dns' && cite.index < dns.length, id);
      }
    }),
  );
});
