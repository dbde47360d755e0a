// The verdict tables that many rows share, for people (catalogue 3): T_IO, why there was no session, and T_RCPT,
// what the replies about a recipient mean. session-trouble.ts and recipient.ts are the rules.
import type { Reading } from './requirement.js';

export const T_IO: readonly Reading[] = [
  { verdict: 'inconclusive', when: 'no connection: refused, unreachable, no route, or no answer in time' },
  { verdict: 'inconclusive', when: 'the host opens with 421 or another 4yz, or says 421 before this step' },
  {
    verdict: 'inconclusive',
    when: 'the connection is closed or reset, time runs out, or octets come that are no SMTP reply',
  },
  {
    verdict: 'inconclusive',
    when: 'the opening 554 names this client: a list, its PTR or HELO name, reputation, a rate',
  },
  { verdict: 'inconclusive', when: 'the host opens with another 5yz: no session, and only 554 and 521 exempt' },
  { verdict: 'inconclusive', when: 'the two sides lost step: early replies, two replies to one command' },
  { verdict: 'not-applicable', when: 'the host always opens with 554 or 521, for no reason of this client' },
  { verdict: 'not-applicable', when: 'the domain has a Null MX, or no mail host at all' },
];

export const T_RCPT: readonly Reading[] = [
  { verdict: 'pass', when: '250 or 251; the evidence is weak where a random recipient is accepted too' },
  { verdict: 'warn', when: '252 or another 2yz: accepted, but no code that 4.3.2 lists for RCPT' },
  {
    verdict: 'inconclusive',
    when: '4yz of any kind: greylisting, first contact, rate limit, full for now, lookup failure',
  },
  {
    verdict: 'fail',
    when: '5yz: no such mailbox (5.1.1, 5.2.1, "user unknown", a bare 550 in a session that stays open)',
  },
  {
    verdict: 'inconclusive',
    when: 'relaying or unknown domain at an implicit MX, or at an alias whose canonical name is accepted',
  },
  { verdict: 'fail', when: '5yz: this domain is not served here (5.1.2, 556), or relaying denied' },
  { verdict: 'fail', when: '5yz: bad syntax, "need fully-qualified address" (500, 501, 504, 555, 5.1.3)' },
  { verdict: 'fail', when: '552 or 5.2.2: mailbox full, refused for good' },
  { verdict: 'fail', when: '5yz whose text refuses mail to postmaster as such' },
  { verdict: 'fail', when: '530 or 5.7.57: authentication demanded of a stranger, in TLS or where none is offered' },
  { verdict: 'not-applicable', when: 'authentication demanded on a submission port' },
  { verdict: 'inconclusive', when: 'STARTTLS demanded: asked again inside TLS, and judged there' },
  {
    verdict: 'inconclusive',
    when: '5yz about this client (blocklist, PTR, HELO, SPF), about our sender, or a policy it does not name',
  },
  { verdict: 'inconclusive', when: 'a bare 550 and then a close: a blocked client, not an unknown user' },
  { verdict: 'inconclusive', when: 'MAIL, or EHLO and HELO, refused: the mailbox was never asked for' },
  {
    verdict: 'inconclusive',
    when: '503 although MAIL was accepted; a fail when it comes again alone in a fresh connection',
  },
  { verdict: 'fail', when: 'accepted and refused by turns in the same place, three times in all or more' },
  ...T_IO,
];
