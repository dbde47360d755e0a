// Postfix as administrators set it up: once well, and in the ways that one meets out there.

import {
  type MailHost,
  type Place,
  type Readiness,
  cache,
  linesOf,
  makeInstance,
  untilReady,
  users,
} from './instance.js';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One way to configure the server. */
export interface PostfixVariant {
  /** What the administrator did, and what follows from it. */
  readonly what: string;
  /** Lines of main.cf that replace or follow those of the good configuration. */
  readonly main: (domain: string) => string;
  /** Files of /etc/postfix beside main.cf. */
  readonly files?: (domain: string) => Readonly<Record<string, string>>;
  /** Who listens: smtpd, or postscreen in front of it. */
  readonly listener?: 'smtpd' | 'postscreen';
  readonly readiness?: Readiness;
}

export const postfixVariants = {
  stock: {
    what: 'what the Debian package asks for and writes for an Internet site: TLS offered, strangers who relay put off',
    main: (domain) => `smtpd_banner = $myhostname ESMTP $mail_name (Debian/GNU)
biff = no
append_dot_mydomain = no
readme_directory = no
smtpd_tls_cert_file = /etc/postfix/cert.pem
smtpd_tls_key_file = /etc/postfix/key.pem
smtpd_tls_security_level = may
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination
myorigin = ${domain}
mydestination = $myhostname, ${domain}, localhost.${domain}, localhost
mailbox_size_limit = 0
recipient_delimiter = +`,
    files: () => ({ aliases: 'postmaster: root\n' }),
  },
  good: {
    what: 'domain in mydestination, alias postmaster: root, root: alice',
    main: () => '',
  },
  'good-virtual': {
    what: 'virtual alias domain with postmaster@ in its map',
    main: (domain) => `mydestination = $myhostname, localhost
virtual_alias_domains = ${domain}
virtual_alias_maps = texthash:/etc/postfix/virtual`,
    files: (domain) => ({ virtual: `postmaster@${domain} alice@localhost\ninfo@${domain} alice@localhost\n` }),
  },
  'catch-all': {
    what: 'virtual alias domain where every local-part is taken',
    main: (domain) => `mydestination = $myhostname, localhost
virtual_alias_domains = ${domain}
virtual_alias_maps = texthash:/etc/postfix/virtual`,
    files: (domain) => ({ virtual: `@${domain} alice@localhost\n` }),
  },
  strict: {
    what: 'what the hardening guides advise: HELO required and checked, no VRFY, fully-qualified addresses only',
    main: () => `smtpd_helo_required = yes
disable_vrfy_command = yes
strict_rfc821_envelopes = yes
smtpd_helo_restrictions = reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
smtpd_sender_restrictions = reject_non_fqdn_sender
smtpd_recipient_restrictions = reject_non_fqdn_recipient, reject_unauth_pipelining, reject_unauth_destination`,
  },
  'strict-error-limit': {
    what: 'one error and the session ends: only our control recipient is one',
    main: () => `smtpd_soft_error_limit = 1
smtpd_hard_error_limit = 1
smtpd_error_sleep_time = 1s`,
  },
  'recipient-list': {
    what: 'a list of valid recipients that lacks bare postmaster: Postfix takes that past every restriction all the same',
    main: () => `myorigin = $myhostname
mydestination = $mydomain
local_recipient_maps =
smtpd_sender_restrictions = check_recipient_access regexp:/etc/postfix/recipients`,
    files: (domain) => ({
      recipients: `/^(postmaster|alice)@${domain.replaceAll('.', '\\.')}$/ OK\n/./ 550 5.1.1 No such user here\n`,
    }),
  },
  'bare-rejected': {
    what: 'smtpd_command_filter that lets no RCPT without @ through: what rejects it must stand in front of the restrictions',
    main: () => 'smtpd_command_filter = regexp:/etc/postfix/commands',
    files: () => ({ commands: '/^RCPT\\s+TO:\\s*<[^@>]*>/ RCPT TO:<an address without a domain>\n' }),
  },
  'postmaster-unknown': {
    what: 'virtual mailbox domain without a postmaster',
    main: (domain) => `mydestination = $myhostname, localhost
virtual_mailbox_domains = ${domain}
virtual_mailbox_base = /var/mail
virtual_mailbox_maps = texthash:/etc/postfix/mailboxes`,
    files: (domain) => ({ mailboxes: `alice@${domain} alice/\n` }),
  },
  'postmaster-unknown-soft': {
    what: 'the same with soft_bounce left on after testing',
    main: (domain) => `soft_bounce = yes
mydestination = $myhostname, localhost
virtual_mailbox_domains = ${domain}
virtual_mailbox_base = /var/mail
virtual_mailbox_maps = texthash:/etc/postfix/mailboxes`,
    files: (domain) => ({ mailboxes: `alice@${domain} alice/\n` }),
  },
  'postmaster-unknown-alias': {
    what: 'virtual alias domain without a postmaster',
    main: (domain) => `mydestination = $myhostname, localhost
virtual_alias_domains = ${domain}
virtual_alias_maps = texthash:/etc/postfix/virtual`,
    files: (domain) => ({ virtual: `alice@${domain} alice@localhost\n` }),
  },
  'regexp-with-i': {
    what: 'mailboxes by regexp, Postmaster with a capital and an /i that in Postfix means: mind the case. Keys come in lower case',
    main: (domain) => `mydestination = $myhostname, localhost
virtual_mailbox_domains = ${domain}
virtual_mailbox_base = /var/mail
virtual_mailbox_maps = regexp:/etc/postfix/mailboxes`,
    files: (domain) => ({ mailboxes: `/^(Postmaster|alice)@${domain.replaceAll('.', '\\.')}$/i alice/\n` }),
  },
  'null-sender-refused-at-mail': {
    what: 'bounces kept out by a sender access map, checked at once',
    main: () => `smtpd_delay_reject = no
smtpd_sender_restrictions = check_sender_access texthash:/etc/postfix/senders`,
    files: () => ({ senders: '<> 550 5.7.1 We do not accept bounces\n' }),
  },
  'null-sender-refused-at-rcpt': {
    what: 'bounces kept out by a sender access map: by default Postfix says so at RCPT',
    main: () => 'smtpd_sender_restrictions = check_sender_access texthash:/etc/postfix/senders',
    files: () => ({ senders: '<> REJECT\n' }),
  },
  '554-at-connect': {
    what: 'no service for anybody: smtpd_client_restrictions = reject, not delayed',
    main: () => `smtpd_delay_reject = no
smtpd_client_restrictions = reject`,
  },
  '554-dnsbl-at-connect': {
    what: 'clients of a blocklist refused at connect, in the words of reject_rbl_client',
    main: () => `smtpd_delay_reject = no
smtpd_client_restrictions = check_client_access cidr:/etc/postfix/clients`,
    files: () => ({
      clients: `127.0.0.0/8 554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using dnsbl.example; Listed, see https://dnsbl.example/127.0.0.1\n`,
    }),
  },
  '521-at-connect': {
    what: 'an access map that answers 521, upon which Postfix hangs up',
    main: () => `smtpd_delay_reject = no
smtpd_client_restrictions = check_client_access cidr:/etc/postfix/clients`,
    files: () => ({ clients: '0.0.0.0/0 521 5.3.2 This host does not accept mail\n' }),
  },
  '421-maintenance': {
    what: 'closed for maintenance',
    main: () => `smtpd_delay_reject = no
smtpd_client_restrictions = check_client_access cidr:/etc/postfix/clients`,
    files: () => ({ clients: '0.0.0.0/0 421 4.3.2 Closed for maintenance\n' }),
  },
  'postscreen-drop': {
    what: 'postscreen with a denylist, action drop',
    main: () => `postscreen_access_list = cidr:/etc/postfix/postscreen_access
postscreen_blacklist_action = drop
postscreen_greet_wait = 1s`,
    files: () => ({ postscreen_access: '127.0.0.0/8 reject\n' }),
    listener: 'postscreen',
  },
  'postscreen-enforce': {
    what: 'postscreen with a denylist, action enforce',
    main: () => `postscreen_access_list = cidr:/etc/postfix/postscreen_access
postscreen_blacklist_action = enforce
postscreen_greet_wait = 1s`,
    files: () => ({ postscreen_access: '127.0.0.0/8 reject\n' }),
    listener: 'postscreen',
  },
  'postscreen-first-contact': {
    what: 'postscreen with its tests after 220: the first session is put off, the next one passes',
    main: () => `postscreen_access_list = cidr:/etc/postfix/postscreen_access
postscreen_greet_wait = 1s
postscreen_pipelining_enable = yes
postscreen_pipelining_action = enforce
postscreen_non_smtp_command_enable = yes
postscreen_bare_newline_enable = yes`,
    files: () => ({ postscreen_access: '192.0.2.1 permit\n' }),
    listener: 'postscreen',
    readiness: 'listens',
  },
  greylisting: {
    what: 'greylisting of whoever is unknown, in the words of postgrey among the recipient restrictions',
    main: () =>
      'smtpd_recipient_restrictions = reject_unauth_destination, check_recipient_access regexp:/etc/postfix/greylist',
    files: () => ({ greylist: '/./ DEFER_IF_PERMIT 4.2.0 Greylisted, see https://postgrey.example/help\n' }),
  },
  'deferred-client': {
    what: 'strangers put off by an access map for clients: Postfix says that it is about the client',
    main: () =>
      'smtpd_recipient_restrictions = reject_unauth_destination, check_client_access cidr:/etc/postfix/deferred',
    files: () => ({ deferred: '0.0.0.0/0 DEFER_IF_PERMIT 4.7.1 Not now\n' }),
  },
  'tls-required': {
    what: 'smtpd_tls_security_level = encrypt on the public port',
    main: () => `smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = /etc/postfix/cert.pem
smtpd_tls_key_file = /etc/postfix/key.pem`,
  },
  'tls-required-without-certificate': {
    what: 'the same with a certificate file that is not there',
    main: () => `smtpd_tls_security_level = encrypt
smtpd_tls_cert_file = /etc/postfix/renewed.pem
smtpd_tls_key_file = /etc/postfix/key.pem`,
  },
  'tls-offered': {
    what: 'STARTTLS offered, certificate of nobody in particular',
    main: () => `smtpd_tls_security_level = may
smtpd_tls_cert_file = /etc/postfix/cert.pem
smtpd_tls_key_file = /etc/postfix/key.pem`,
  },
  dnsbl: {
    what: 'clients of a blocklist refused, in the words of reject_rbl_client; by default at RCPT',
    main: () => 'smtpd_client_restrictions = check_client_access cidr:/etc/postfix/clients',
    files: () => ({
      clients: `127.0.0.0/8 554 5.7.1 Service unavailable; Client host [127.0.0.1] blocked using dnsbl.example; Listed, see https://dnsbl.example/127.0.0.1\n`,
    }),
  },
  'client-rejected': {
    what: 'the restrictions of a submission service on port 25: whoever does not log in is refused',
    main: () => 'smtpd_client_restrictions = permit_mynetworks, permit_sasl_authenticated, reject',
  },
  'recipients-only-for-ours': {
    what: 'no stranger may write to anybody: smtpd_recipient_restrictions ends in reject',
    main: () => 'smtpd_recipient_restrictions = permit_mynetworks, permit_sasl_authenticated, reject',
  },
  'helo-literal-refused': {
    what: 'address literals refused as EHLO names',
    main: () => `smtpd_helo_required = yes
smtpd_helo_restrictions = check_helo_access regexp:/etc/postfix/helo`,
    files: () => ({ helo: '/^\\[/ REJECT Use a name\n/^localhost/ REJECT You are not me\n' }),
  },
  'relay-denied': {
    what: 'the domain is not in mydestination (a lame MX)',
    main: () => `mydestination = $myhostname, localhost
smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination`,
  },
  'relay-deferred': {
    what: 'the same with the relay restrictions of a fresh installation (defer_unauth_destination)',
    main: () => 'mydestination = $myhostname, localhost',
  },
  'mailbox-full': {
    what: 'a quota service that refuses for good',
    main: () =>
      'smtpd_recipient_restrictions = reject_unauth_destination, check_recipient_access texthash:/etc/postfix/quota',
    files: (domain) => ({ quota: `postmaster@${domain} 552 5.2.2 Mailbox is full\n` }),
  },
  'mailbox-full-for-now': {
    what: 'a quota service that puts off',
    main: () =>
      'smtpd_recipient_restrictions = reject_unauth_destination, check_recipient_access texthash:/etc/postfix/quota',
    files: (domain) => ({ quota: `postmaster@${domain} 452 4.2.2 Mailbox is full\n` }),
  },
  'postmaster-refused': {
    what: 'spam against postmaster@ stopped with REJECT',
    main: () =>
      'smtpd_recipient_restrictions = check_recipient_access texthash:/etc/postfix/closed, reject_unauth_destination',
    files: (domain) => ({ closed: `postmaster@${domain} REJECT\n` }),
  },
  'rate-limited': {
    what: 'one recipient a minute for each client',
    main: () => `smtpd_client_recipient_rate_limit = 1
anvil_rate_time_unit = 60s`,
  },
} satisfies Record<string, PostfixVariant>;

export type PostfixVariantName = keyof typeof postfixVariants;

// texthash: is hash: without the compiling (and its slow synchronising to disk); the look-ups are the same.
// notify_classes: Postfix would write to its own postmaster about a broken certificate, and the queues are to be empty.
// Strangers are strangers: mynetworks does not hold the address that the probe comes from.
const goodMain = (domain: string) => `compatibility_level = 3.6
myhostname = mx.${domain}
mydomain = ${domain}
myorigin = $mydomain
mydestination = $myhostname, $mydomain, localhost
mynetworks = 192.0.2.0/28
alias_maps = texthash:/etc/postfix/aliases
inet_interfaces = loopback-only
inet_protocols = ipv4
smtpd_banner = $myhostname ESMTP
notify_classes =
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
queue_directory = /var/spool/postfix
data_directory = /var/lib/postfix
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = /var/log/mail.log
`;

const services = `cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
tlsproxy unix - - n - 0 tlsproxy
dnsblog unix - - n - 0 dnsblog
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
`;

const listeners = {
  smtpd: (at: string) => `${at} inet n - n - - smtpd\n`,
  postscreen: (at: string) => `${at} inet n - n - 1 postscreen\nsmtpd pass - - n - - smtpd\n`,
} as const;

/** The main.cf of a variant: the good one, with the variant's lines in place of those of the same name. */
function postfixMain(variant: PostfixVariant, domain: string): string {
  const lines = variant.main(domain).split('\n').filter(Boolean);
  const replaced = new Set(lines.map((line) => line.split(' = ')[0]?.replace(/ =$/, '')));
  const kept = goodMain(domain)
    .split('\n')
    .filter((line) => !replaced.has(line.split(' = ')[0]));
  return [...kept, ...lines, ''].join('\n');
}

/** Starts a Postfix of its own; resolves when it greets. */
export async function startPostfix(name: PostfixVariantName, place: Place): Promise<MailHost> {
  const variant: PostfixVariant = postfixVariants[name];
  const instance = await makeInstance('postfix');
  const log = () => instance.log('/var/log/mail.log');
  try {
    const at = `${place.address}:${place.port}`;
    await instance.write('/etc/postfix/main.cf', postfixMain(variant, place.domain));
    await instance.write('/etc/postfix/master.cf', listeners[variant.listener ?? 'smtpd'](at) + services);
    await instance.write('/etc/postfix/cert.pem', await readFile(join(cache, 'tls', 'cert.pem'), 'utf8'));
    await instance.write('/etc/postfix/key.pem', await readFile(join(cache, 'tls', 'key.pem'), 'utf8'), 0o600);
    await instance.folder('/var/spool/postfix', 0, 0);
    await instance.folder('/var/lib/postfix', users.postfix, users.postfix, 0o700);
    await instance.folder('/var/spool/postfix/pid', 0, 0);
    for (const queue of [
      'active',
      'bounce',
      'corrupt',
      'defer',
      'deferred',
      'flush',
      'hold',
      'incoming',
      'private',
      'saved',
      'trace',
    ]) {
      await instance.folder(`/var/spool/postfix/${queue}`, users.postfix, 0, 0o700);
    }
    await instance.folder('/var/spool/postfix/public', users.postfix, users.postdrop, 0o710);
    await instance.folder('/var/spool/postfix/maildrop', users.postfix, users.postdrop, 0o730);
    const files = { aliases: 'postmaster root\nabuse root\nroot alice\n', ...variant.files?.(place.domain) };
    for (const [file, content] of Object.entries(files)) await instance.write(`/etc/postfix/${file}`, content);
    instance.start('/usr/lib/postfix/sbin/master', '-d', '-c', '/etc/postfix');
    await untilReady(place, variant.readiness ?? 'greets', log);
  } catch (error) {
    await instance.stop();
    throw error;
  }
  return {
    address: place.address,
    port: place.port,
    log,
    async accepted() {
      const queues = ['maildrop', 'incoming', 'active', 'deferred', 'hold', 'corrupt'];
      const files = await Promise.all(queues.map((queue) => instance.files(`/var/spool/postfix/${queue}`)));
      return [...files.flat(), ...(await linesOf(log, /qmgr\[\d+\]: \w+: from=/))];
    },
    stop: () => instance.stop(),
  };
}
