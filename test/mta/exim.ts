// Exim as administrators set it up: once well, and in the ways that one meets out there.
// The good configuration is that of Exim's own example file, with a virtual domain added.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MailHost, type Place, cache, linesOf, makeInstance, untilReady, users } from './instance.js';

/** One way to configure the server: what takes the place of parts of the good configuration. */
export interface EximVariant {
  /** What the administrator did, and what follows from it. */
  readonly what: string;
  /** Whether the configuration is Debian's own; nothing else is then said here. */
  readonly shipped?: true;
  /** Main options, after those of the good configuration. */
  readonly main?: (domain: string) => string;
  /** `domainlist local_domains` of the good configuration is the domain and the host's own name. */
  readonly localDomains?: (domain: string) => string;
  /** What qualifies a bare recipient; the domain itself in the good configuration. */
  readonly qualifyRecipient?: (domain: string) => string;
  /** Statements at the head of acl_check_rcpt. */
  readonly rcptFirst?: (domain: string) => string;
  /** Whether the example's `accept local_parts = postmaster` stands in acl_check_rcpt. */
  readonly postmasterStatement?: 'present' | 'absent';
  /** Further ACLs. */
  readonly acls?: (domain: string) => string;
  /** The routers, in place of the good ones. */
  readonly routers?: (domain: string) => string;
  readonly files?: (domain: string) => Readonly<Record<string, string>>;
}

const goodRouters = `system_aliases:
  driver = redirect
  allow_fail
  allow_defer
  data = \${lookup{$local_part}lsearch{/etc/aliases}}
`;

export const eximVariants = {
  stock: {
    what: 'the configuration that Debian writes for an Internet site with the domain as mail name',
    shipped: true,
  },
  good: { what: 'the example configuration with the domain in local_domains and its postmaster statement' },
  'good-by-alias': {
    what: 'no postmaster statement: the alias alone decides',
    postmasterStatement: 'absent',
  },
  'catch-all': {
    what: 'every local-part is taken',
    postmasterStatement: 'absent',
    routers: () => `everybody:
  driver = redirect
  data = alice@localhost
`,
  },
  'bare-rejected': {
    what: 'several virtual domains, and a host name that is none of them: bare Postmaster becomes postmaster@ that name',
    localDomains: (domain) => domain,
    qualifyRecipient: (domain) => `mx.${domain}`,
  },
  'bare-unknown': {
    what: 'the host name is a local domain, but the virtual users of the host name have no postmaster',
    postmasterStatement: 'absent',
    localDomains: (domain) => `${domain} : mx.${domain}`,
    qualifyRecipient: (domain) => `mx.${domain}`,
    routers: () => `virtual_users:
  driver = redirect
  data = \${lookup{$local_part@$domain}lsearch{/etc/virtual}}
`,
    files: (domain) => ({ virtual: `postmaster@${domain}: alice@localhost\nalice@${domain}: alice@localhost\n` }),
  },
  'bare-rejected-by-acl': {
    what: 'an ACL that takes a look at the argument of RCPT and wants an @ in it',
    rcptFirst: () => `  deny    message = 501 5.1.3 Recipient address must contain a domain
          condition = \${if !match{$smtp_command_argument}{@}}
`,
  },
  'postmaster-unknown': {
    what: 'virtual domain without a postmaster, and the postmaster statement taken for a spam hole',
    postmasterStatement: 'absent',
    routers: () => `virtual_users:
  driver = redirect
  data = \${lookup{$local_part@$domain}lsearch{/etc/virtual}}
`,
    files: (domain) => ({ virtual: `alice@${domain}: alice@localhost\n` }),
  },
  'postmaster-unknown-in-words': {
    what: 'the same, with a message of its own for unknown users',
    postmasterStatement: 'absent',
    routers: () => `virtual_users:
  driver = redirect
  data = \${lookup{$local_part@$domain}lsearch{/etc/virtual}}
  domains = ! localhost
  no_more
  cannot_route_message = Unknown user
`,
    files: (domain) => ({ virtual: `alice@${domain}: alice@localhost\n` }),
  },
  'case-sensitive': {
    what: 'mailboxes are folders, looked up with caseful_local_part',
    postmasterStatement: 'absent',
    routers: () => `mailbox_folders:
  driver = redirect
  caseful_local_part
  data = \${if exists{/var/mailboxes/$local_part}{alice@localhost}}
`,
    files: () => ({ '../var/mailboxes/postmaster': '', '../var/mailboxes/alice': '' }),
  },
  'case-sensitive-capital': {
    what: 'the same, and the folder is called Postmaster as in the RFC',
    postmasterStatement: 'absent',
    routers: () => `mailbox_folders:
  driver = redirect
  caseful_local_part
  data = \${if exists{/var/mailboxes/$local_part}{alice@localhost}}
`,
    files: () => ({ '../var/mailboxes/Postmaster': '', '../var/mailboxes/alice': '' }),
  },
  'null-sender-refused-at-mail': {
    what: 'bounces kept out in acl_smtp_mail',
    main: () => 'acl_smtp_mail = acl_check_mail',
    acls: () => `acl_check_mail:
  deny    message = Bounces are not accepted here
          senders = :
  accept
`,
  },
  'null-sender-refused-at-rcpt': {
    what: 'bounces kept out in acl_smtp_rcpt: this domain does not send mail',
    rcptFirst: () => `  deny    message = This address never sends mail, so there are no bounces
          senders = :
`,
  },
  'connect-deny': {
    what: 'acl_smtp_connect denies everybody, with no message of its own',
    main: () => 'acl_smtp_connect = acl_check_connect',
    acls: () => `acl_check_connect:
  deny
`,
  },
  'connect-deny-554': {
    what: 'acl_smtp_connect denies everybody with the 554 of RFC 5321 3.1',
    main: () => 'acl_smtp_connect = acl_check_connect',
    acls: () => `acl_check_connect:
  deny    message = 554 No SMTP service here
`,
  },
  'connect-drop-554': {
    what: 'the same with drop',
    main: () => 'acl_smtp_connect = acl_check_connect',
    acls: () => `acl_check_connect:
  drop    message = 554 No SMTP service here
`,
  },
  'connect-deny-554-dnsbl': {
    what: 'clients of a blocklist refused at connect',
    main: () => 'acl_smtp_connect = acl_check_connect',
    acls: () => `acl_check_connect:
  deny    message = 554 5.7.1 $sender_host_address is listed at dnsbl.example; see https://dnsbl.example/$sender_host_address
          hosts = 127.0.0.0/8
`,
  },
  'connect-defer': {
    what: 'acl_smtp_connect defers: too busy',
    main: () => 'acl_smtp_connect = acl_check_connect',
    acls: () => `acl_check_connect:
  defer   message = Too busy, come back later
`,
  },
  'host-reject': {
    what: 'host_reject_connection for everybody',
    main: () => 'host_reject_connection = *',
  },
  greylisting: {
    what: 'greylisting of whoever is unknown',
    rcptFirst: () => `  defer   message = Greylisted, please try again in 5 minutes
          !hosts = +relay_from_hosts
`,
  },
  'tls-required': {
    what: 'no transaction without TLS, in the words of RFC 3207',
    main: () => `acl_smtp_mail = acl_check_mail
tls_advertise_hosts = *
tls_certificate = /etc/exim4/cert.pem
tls_privatekey = /etc/exim4/key.pem`,
    acls: () => `acl_check_mail:
  deny    message = 530 5.7.0 Must issue a STARTTLS command first
          !encrypted = *
  accept
`,
  },
  'tls-required-550': {
    what: 'no recipient without TLS, refused with the code that Exim gives by itself',
    main: () => `tls_advertise_hosts = *
tls_certificate = /etc/exim4/cert.pem
tls_privatekey = /etc/exim4/key.pem`,
    rcptFirst: () => `  deny    message = TLS required: encryption is mandatory for this domain
          !encrypted = *
`,
  },
  'tls-offered': {
    what: 'STARTTLS offered, certificate of nobody in particular',
    main: () => `tls_advertise_hosts = *
tls_certificate = /etc/exim4/cert.pem
tls_privatekey = /etc/exim4/key.pem`,
  },
  dnsbl: {
    what: 'clients of a blocklist refused at RCPT, postmaster not excepted',
    rcptFirst: () => `  deny    message = $sender_host_address is in a black list at dnsbl.example
          hosts = 127.0.0.0/8
`,
  },
  'dnsbl-but-postmaster': {
    what: 'clients of a blocklist refused at RCPT after the postmaster statement, as the example file has it',
    rcptFirst: () => `  accept  local_parts = postmaster
          domains = +local_domains
  deny    message = $sender_host_address is in a black list at dnsbl.example
          hosts = 127.0.0.0/8
`,
  },
  'auth-required': {
    what: 'the rules of a submission service on port 25',
    rcptFirst: () => `  deny    message = 530 5.7.0 Authentication required
          !authenticated = *
`,
  },
  'relay-denied': {
    what: 'the domain is not in local_domains (a lame MX)',
    localDomains: (domain) => `mx.${domain}`,
    qualifyRecipient: (domain) => `mx.${domain}`,
  },
  'mailbox-full': {
    what: 'quota checked at RCPT, refused for good',
    rcptFirst: () => `  deny    message = 552 5.2.2 Mailbox full
          local_parts = postmaster
`,
  },
  'mailbox-full-for-now': {
    what: 'quota checked at RCPT, put off',
    rcptFirst: () => `  defer   message = 452 4.2.2 Mailbox full
          local_parts = postmaster
`,
  },
  'helo-literal-refused': {
    what: 'address literals refused as EHLO names',
    main: () => 'acl_smtp_helo = acl_check_helo',
    acls: () => `acl_check_helo:
  deny    message = 550 5.7.1 HELO should be a name, not an address
          condition = \${if match{$sender_helo_name}{^\\\\[}}
  accept
`,
  },
  'rate-limited': {
    what: 'two recipients a minute for each client',
    rcptFirst: () => `  defer   message = Sender rate $sender_rate / $sender_rate_period exceeds the limit
          ratelimit = 2 / 1m / strict / per_rcpt
`,
  },
  'few-nonmail-commands': {
    what: 'smtp_accept_max_nonmail = 2: RSET, NOOP and the like are counted, then 554 and a close in mid-session',
    main: () => 'smtp_accept_max_nonmail = 2',
  },
  'one-recipient': {
    what: 'one recipient a transaction',
    main: () => `recipients_max = 1
recipients_max_reject = true`,
  },
  tarpit: {
    what: 'every RCPT takes two seconds',
    rcptFirst: () => '  warn    delay = 2s\n',
  },
  'lookup-broken': {
    what: 'the user database is away: a lookup that cannot be made',
    postmasterStatement: 'absent',
    routers: () => `system_aliases:
  driver = redirect
  data = \${lookup{$local_part}lsearch{/etc/not-there}}
`,
  },
} satisfies Record<string, EximVariant>;

export type EximVariantName = keyof typeof eximVariants;

/** The whole configuration file of a variant. */
function eximConfiguration(variant: EximVariant, { domain, address, port }: Place): string {
  const postmaster = `  accept  local_parts = postmaster
          domains = +local_domains
`;
  const main = variant.main?.(domain) ?? '';
  return `primary_hostname = mx.${domain}
qualify_domain = ${domain}
qualify_recipient = ${variant.qualifyRecipient?.(domain) ?? domain}
domainlist local_domains = ${variant.localDomains?.(domain) ?? `${domain} : mx.${domain} : localhost`}
domainlist relay_to_domains =
hostlist relay_from_hosts = 192.0.2.0/28
acl_smtp_rcpt = acl_check_rcpt
never_users = root
host_lookup =
rfc1413_hosts =
local_interfaces = ${address}
daemon_smtp_ports = ${port}
disable_ipv6 = true
keep_environment =
${main.includes('tls_advertise_hosts') ? '' : 'tls_advertise_hosts =\n'}log_file_path = /var/log/exim4/%slog
pid_file_path = /run/exim.pid
spool_directory = /var/spool/exim4
${main}

begin acl

${variant.acls?.(domain) ?? ''}
acl_check_rcpt:
${variant.rcptFirst?.(domain) ?? ''}  deny    message = Restricted characters in address
          domains = +local_domains
          local_parts = ^[.] : ^.*[@%!/|]
${variant.postmasterStatement === 'absent' ? '' : postmaster}  accept  hosts = +relay_from_hosts
  require message = relay not permitted
          domains = +local_domains : +relay_to_domains
  require verify = recipient
  accept

begin routers

${variant.routers?.(domain) ?? goodRouters}
localhost:
  driver = accept
  domains = localhost
  transport = nowhere

begin transports

nowhere:
  driver = appendfile
  file = /dev/null
  user = alice

begin retry

* * F,2h,15m
`;
}

/** What update-exim4.conf makes of Debian's template. */
async function shippedConfiguration({ domain, address, port }: Place): Promise<string> {
  const template = await readFile(join(cache, 'exim/etc/exim4/exim4.conf.template'), 'utf8');
  // Strangers are strangers, even from this machine; and the root has no user uucp.
  const macros = `MAIN_LOCAL_INTERFACES = ${address}.${port}
MAIN_HARDCODE_PRIMARY_HOSTNAME = mx.${domain}
MAIN_LOCAL_DOMAINS = @:localhost:${domain}
MAIN_RELAY_TO_DOMAINS =
MAIN_RELAY_NETS = 192.0.2.0/28
MAIN_TRUSTED_USERS = mail
ETC_MAILNAME = ${domain}
LOCAL_DELIVERY = mail_spool
DC_eximconfig_configtype = internet
DCconfig_internet = 1
DCreadhost =
DCsmarthost =`;
  return template.replace(/^UPEX4CmacrosUPEX4C = 1$/m, macros);
}

/** Starts an Exim of its own; resolves when it greets. */
export async function startExim(name: EximVariantName, place: Place): Promise<MailHost> {
  const variant: EximVariant = eximVariants[name];
  const instance = await makeInstance('exim');
  const log = async () =>
    (await instance.log('/var/log/exim4/mainlog')) + (await instance.log('/var/log/exim4/paniclog'));
  try {
    // Nothing can be sent to that address: whatever Exim asks of the DNS fails at once.
    await instance.write('/etc/resolv.conf', 'nameserver 255.255.255.255\n');
    await instance.write(
      '/etc/exim4/exim4.conf',
      variant.shipped ? await shippedConfiguration(place) : eximConfiguration(variant, place),
    );
    await instance.write(
      '/etc/aliases',
      'postmaster: alice@localhost\nabuse: alice@localhost\nalice: alice@localhost\n',
    );
    for (const [file, content] of Object.entries(variant.files?.(place.domain) ?? {})) {
      await instance.write(`/etc/${file}`, content);
    }
    for (const file of ['cert.pem', 'key.pem']) {
      await instance.write(`/etc/exim4/${file}`, await readFile(join(cache, 'tls', file), 'utf8'), 0o644);
    }
    await instance.folder('/var/log/exim4', users.exim, users.exim);
    await instance.folder('/var/spool/exim4', users.exim, users.exim, 0o750);
    await instance.folder('/run', 0, 0);
    instance.start('/usr/sbin/exim4', '-bdf');
    await untilReady(place, 'greets', log);
  } catch (error) {
    await instance.stop();
    throw error;
  }
  return {
    address: place.address,
    port: place.port,
    log,
    accepted: async () => [...(await instance.files('/var/spool/exim4/input')), ...(await linesOf(log, / <= /))],
    stop: () => instance.stop(),
  };
}
