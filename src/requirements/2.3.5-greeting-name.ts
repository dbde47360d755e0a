// RFC 5321 2.3.4, 2.3.5, 4.3.1: the name by which a host greets is fully-qualified, resolvable, and a name.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { isDomainSyntax } from '../smtp/address.js';
import { addressesOf, followLookup, isAskable, isDottedQuad, isOpen } from '../smtp/mail-route.js';
import { isPositive, type Reply } from '../smtp/reply.js';
import { visible } from '../smtp/visible.js';
import { asked, openingRepliesOf, type Seen } from './observe.js';
import { gravest, otherOpening, refusesClient } from './openings.js';
import { T_IO } from './readings.js';
import {
  fail,
  inconclusive,
  notApplicable,
  pass,
  warn,
  type Cite,
  type Finding,
  type Remedy,
  type Requirement,
} from './requirement.js';

/** True for `[192.0.2.1]`, `[IPv6:2001:db8::1]` and other tagged forms (RFC 5321 4.1.3). */
export function isAddressLiteral(word: string): boolean {
  const quad = /^\[(\d{1,3}(?:\.\d{1,3}){3})\]$/.exec(word)?.[1];
  if (quad !== undefined) return quad.split('.').every((number) => Number(number) < 256);
  if (/^\[IPv6:/i.test(word)) return /^\[IPv6:[0-9a-f:]*:[0-9a-f:.]*\]$/i.test(word);
  return /^\[[a-z0-9-]*[a-z0-9]:[\x21-\x5a\x5e-\x7e]+\]$/i.test(word);
}

// A word with dots whose last label is not a number: a name, or what was meant as one ("mx_1.example.org").
const DOTTED =
  /^[^\s.,:;!?*()<>"'/\\=@[\]]+(?:\.[^\s.,:;!?*()<>"'/\\=@[\]]+)*\.[^\s.,:;!?*()<>"'/\\=@[\]]*[^\s.,:;!?*()<>"'/\\=@[\]\d][^\s.,:;!?*()<>"'/\\=@[\]]*\.?$/;
// One label is a name where the protocol follows it ("220 mailhost ESMTP"), not where it begins a sentence.
const ONE_LABEL = /^(\S+) (?:Microsoft )?E?SMTP\b/i;
/** Words that by their letters could be domains of one label, and never are: they stand where the name is missing. */
export const TEXT_WORD =
  /^(?:e?smtps?d?|lmtp|mail|welcome|hello|hi|to|service|server|ready|ok|postfix|exim|sendmail|microsoft|our|the|this|your)$/i;

/**
 * The domain or address literal that a 220 reply greets with, or null. A domain comes in lower case without trailing
 * dot; it may be no legal one (one label, underscores, an address without brackets). ESMTP, Welcome and the like are text.
 */
export function greetingName(reply: Reply): string | null {
  if (reply.code !== 220) return null;
  const text = (reply.lines[0] ?? '').trimStart();
  const name = nameOfWord(/^\S+/.exec(text)?.[0] ?? '');
  if (name !== null) return name;
  const label = ONE_LABEL.exec(text)?.[1];
  return label === undefined || TEXT_WORD.test(label) || !/^[\w-]+$/.test(label) ? null : label.toLowerCase();
}

/** The domain or address literal that a word is by itself, as `greetingName` gives it; null of a single label. */
export function nameOfWord(word: string): string | null {
  if (isAddressLiteral(word)) return word;
  if (DOTTED.test(word) || isDottedQuad(word)) return word.toLowerCase().replace(/\.$/, '');
  return /^localhost$/i.test(word) ? 'localhost' : null;
}

/** The greeting's name where the DNS can be asked for it: no literal, no address, no octets that DNS names lack. */
export function greetingDomain(reply: Reply): string | null {
  const name = greetingName(reply);
  return name !== null && !isAddressLiteral(name) && isAskable(name) ? name : null;
}

/** Of other openings only a first word that can be nothing but a name counts: most hosts put plain text there. */
function refusalName(reply: Reply): string | null {
  const word = /^\S+/.exec(reply.lines[0] ?? '')?.[0] ?? '';
  return DOTTED.test(word) && isDomainSyntax(word) ? word.toLowerCase() : null;
}

// RFC 6762 3 and appendix G, RFC 8375, ICANN's .internal; localdomain is what some systems fill in by themselves.
const PRIVATE_SCOPE = /(?:^|\.)(?:local|localdomain|localhost|lan|internal|intranet|private|corp|home|home\.arpa)$/;

const greetingsOf = (endpoint: EndpointEvidence): readonly Seen<Reply>[] =>
  openingRepliesOf(endpoint).filter(({ what }) => what.code === 220);

function judgeFqdn(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const openings = openingRepliesOf(endpoint);
  const [first, ...more] = openings.flatMap(({ what, cite }) => {
    const isGreeting = what.code === 220;
    const isRefusal = [554, 521, 421].includes(what.code) && !refusesClient(what, endpoint, evidence);
    const name = isGreeting ? greetingName(what) : isRefusal ? refusalName(what) : null;
    return name === null ? [] : [judgeName(name, cite)];
  });
  if (first !== undefined) return gravest([first, ...more]);
  if (openings.length === 0) return otherOpening(endpoint, evidence, '220');
  return notApplicable(
    'the opening names no host (greeting.syntax judges that)',
    openings.map(({ cite }) => cite),
  );
}

/** What a name that a host goes by is worth; `says` is how it came by it. */
export function judgeName(name: string, cite: Cite, says: 'greets as' | 'answers EHLO as' = 'greets as'): Finding {
  const shown = visible(name);
  if (isAddressLiteral(name)) return pass(`${says} ${shown}, an address literal`, [cite]);
  if (!name.includes('.')) return fail('bad-name', `${says} ${shown}, which is not fully-qualified`, cite);
  if (isDottedQuad(name)) return warn('bad-name', `${says} ${shown}, an address without brackets`, cite);
  if (!isDomainSyntax(name))
    return warn('bad-name', `${says} ${shown}, which has more than letters, digits and hyphens in a label`, cite);
  if (PRIVATE_SCOPE.test(name)) return warn('bad-name', `${says} ${shown}, a name of private scope`, cite);
  return pass(`${says} ${shown}`, [cite]);
}

function judgeResolves(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const greetings = greetingsOf(endpoint);
  if (greetings.length === 0) return otherOpening(endpoint, evidence, '220');
  const [first, ...more] = greetings.flatMap(({ what, cite }) => {
    const name = greetingDomain(what);
    return name === null ? [] : [judgeLookup(name, cite, endpoint, evidence)];
  });
  if (first === undefined)
    return notApplicable(
      'the greeting has no domain that the DNS can be asked for',
      greetings.map(({ cite }) => cite),
    );
  return gravest([first, ...more]);
}

function judgeLookup(name: string, cite: Cite, endpoint: EndpointEvidence, { dns }: DomainEvidence): Finding {
  const lookups = (['A', 'AAAA', 'MX'] as const).map((type) => followLookup(name, type, dns));
  const cites = dns.flatMap(({ question }, index): readonly Cite[] =>
    question.name === name ? [{ kind: 'dns', index }] : [],
  );
  const [firstCite, ...moreCites] = cites;
  if (lookups.some(({ kind }) => kind === 'found')) {
    const addresses = addressesOf(name, dns);
    const where = addresses.includes(endpoint.address)
      ? 'to this address too'
      : 'though not to this address, which no rule demands';
    const led =
      addresses.length === 0
        ? 'has an MX record'
        : `leads to ${addresses.length === 1 ? '1 address' : `${addresses.length} addresses`}, ${where}`;
    return pass(`the greeting's name ${name} ${led}`, [...cites, cite]);
  }
  // NXDOMAIN speaks for every type; otherwise all three types must have been denied.
  const isGone = lookups.some(({ kind }) => kind === 'no-such-name');
  if (firstCite !== undefined && (isGone || !lookups.some(isOpen))) {
    const why = isGone ? 'does not exist in the DNS' : 'has neither address nor MX records';
    return warn(
      isGone ? 'bad-name' : 'no-address',
      `the greeting's name ${name} ${why}`,
      firstCite,
      ...moreCites,
      cite,
    );
  }
  if (lookups.some(({ kind }) => kind === 'failed'))
    return inconclusive('dns', `the DNS did not answer for the greeting's name ${name}`, [...cites, cite]);
  return inconclusive('not-asked', `the DNS was not asked for the greeting's name ${name}`, [cite]);
}

function judgeNotLiteral(endpoint: EndpointEvidence, evidence: DomainEvidence): Finding {
  const greetings = greetingsOf(endpoint);
  if (greetings.length === 0) return otherOpening(endpoint, evidence, '220');
  const named = greetings.flatMap(({ what, cite }) => {
    const name = greetingName(what);
    return name === null ? [] : [{ name, cite, where: 'greets' }];
  });
  const hello = asked(endpoint, 'EHLO').flatMap(({ what: { command, outcome }, cite }) => {
    if (outcome.kind !== 'reply' || !isPositive(outcome.reply)) return [];
    const name = /^\S+/.exec(outcome.reply.lines[0] ?? '')?.[0] ?? '';
    // Some hosts put our own name first in the reply.
    return isAddressLiteral(name) && command !== `EHLO ${name}` ? [{ name, cite, where: 'answers EHLO' }] : [];
  });
  const literal = [...named, ...hello].find(({ name }) => isAddressLiteral(name));
  if (literal !== undefined)
    return warn('bad-name', `the host ${literal.where} as ${visible(literal.name)}, not by a name`, literal.cite);
  const [first] = named;
  if (first === undefined)
    return notApplicable(
      'the greeting names no host',
      greetings.map(({ cite }) => cite),
    );
  return pass(
    `greets as ${visible(first.name)}`,
    named.map(({ cite }) => cite),
  );
}

/** How a host is given its name. */
export const NAME_REMEDY: Remedy = {
  general:
    'Give the mail server the full name that its MX record and its PTR record have, and let it greet by that name.',
  postfix: 'myhostname = mx.example.org, with smtpd_banner = $myhostname ESMTP.',
  exim: 'primary_hostname = mx.example.org (or smtp_active_hostname, where one host has several).',
  sendmail: "define(`confDOMAIN_NAME', `mx.example.org')dnl in sendmail.mc.",
  opensmtpd: 'The full name in /etc/mail/mailname, or "hostname mx.example.org" on the listen line.',
  exchange: 'Set-ReceiveConnector -Fqdn mx.example.org, or the name in -Banner "220 mx.example.org".',
};

/** RFC 5321 2.3.4 and 2.3.5, as far as the greeting goes. */
export const greetingNames: readonly Requirement[] = [
  {
    id: 'greeting.name-fqdn',
    group: 'greeting',
    title: 'Greeting names the host by FQDN',
    level: 'MUST NOT',
    violation: 'fail',
    tier: 'extended',
    safety: 'safe',
    source: { document: 'RFC 5321', section: '2.3.5', quote: 'Local nicknames or unqualified names MUST NOT be used.' },
    demand:
      'The name in the greeting is a fully-qualified domain name (or an address literal), not localhost or a single label.',
    probe: 'The first word behind the code of the opening reply.',
    readings: [
      { verdict: 'pass', when: 'two labels or more of letters, digits and hyphens, or a literal in brackets' },
      { verdict: 'fail', when: 'a single label, localhost' },
      {
        verdict: 'warn',
        when: 'a name of private scope (localhost.localdomain, .local, .lan, .internal), an underscore or other octets, an address without brackets',
      },
      { verdict: 'not-applicable', when: 'no name is there (greeting.syntax judges that)' },
      ...T_IO,
    ],
    rationale:
      'A host that calls itself localhost or mail cannot be told from any other in a log or a bounce, and senders that meet their own name suspect a loop.',
    remedy: NAME_REMEDY,
    retry: [],
    needs: [],
    note: '4.3.1: all openings have the full name of the host as first word. Of 554, 521 and 421 only a first word that can be nothing else counts, since most hosts put plain text there. One label counts as a name where ESMTP or SMTP follows it.',
    scope: 'endpoint',
    judge: judgeFqdn,
  },
  {
    id: 'greeting.name-resolves',
    group: 'greeting',
    title: 'Greeting name resolves',
    level: 'derived',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '2.3.5',
      quote: 'Only resolvable, fully-qualified domain names (FQDNs) are permitted when domain names are used in SMTP.',
    },
    demand: 'The name that the host greets with exists in the DNS, with an address or an MX record.',
    probe: "DNS: A, AAAA and MX of the greeting's name.",
    readings: [
      { verdict: 'pass', when: 'the name has an address or an MX record; that it be this address no rule demands' },
      { verdict: 'warn', when: 'no such name, or neither address nor MX records' },
      { verdict: 'inconclusive', when: 'the DNS did not answer' },
      { verdict: 'not-applicable', when: 'the opening is not 220, or has no domain' },
      ...T_IO,
    ],
    rationale: 'A name that leads nowhere cannot be used to find the host again or whom to ask about it.',
    remedy: {
      ...NAME_REMEDY,
      general: 'Publish an address record for the name in the greeting, or greet with the name that is published.',
    },
    retry: ['R11'],
    needs: [{ ask: 'dns', what: 'greeting-name' }],
    scope: 'endpoint',
    judge: judgeResolves,
  },
  {
    id: 'greeting.name-not-literal',
    group: 'greeting',
    title: 'Greeting name is not an address literal',
    level: 'SHOULD NOT',
    violation: 'warn',
    tier: 'extended',
    safety: 'safe',
    source: {
      document: 'RFC 5321',
      section: '2.3.4',
      quote:
        'they SHOULD NOT be identified by numerical addresses, i.e., by address literals as described in Section 4.1.2.',
    },
    demand: 'A mail host goes by a name.',
    probe: 'The name in the greeting and in the reply to EHLO.',
    readings: [
      { verdict: 'pass', when: 'a domain name' },
      { verdict: 'warn', when: '[192.0.2.1] or [IPv6:2001:db8::1]' },
      { verdict: 'not-applicable', when: 'no 220, or no name in it' },
    ],
    rationale: 'An address says nothing about who runs the host, and changes when the host moves.',
    remedy: NAME_REMEDY,
    retry: [],
    needs: [],
    scope: 'endpoint',
    judge: judgeNotLiteral,
  },
];
