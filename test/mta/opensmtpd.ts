// OpenSMTPD with a configuration of a few lines, as its manual shows it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MailHost, type Place, cache, linesOf, makeInstance, untilReady, users } from './instance.js';

/** One way to configure the server. */
export interface OpensmtpdVariant {
  readonly what: string;
  /** The statements after the tables and `listen`. */
  readonly rules: (domain: string) => string;
  readonly listenOptions?: string;
  /** The content of /etc/mailname, which `local` means; by default the name of the mail host. */
  readonly mailname?: (domain: string) => string;
  readonly files?: (domain: string) => Readonly<Record<string, string>>;
}

const local = (domain: string) => `action "local" mbox alias <aliases>
match from any for domain "${domain}" action "local"
match from any for local action "local"
`;

const virtual = (domain: string) => `action "virtual" maildir virtual <virtuals>
match from any for domain "${domain}" action "virtual"
`;

export const opensmtpdVariants = {
  stock: {
    what: 'the rules as shipped, which serve this machine only: to them the probe is a local client, and the domain is the mailname',
    rules: () => `action "local" maildir alias <aliases>
action "relay" relay
match for local action "local"
match from local for any action "relay"
`,
    mailname: (domain) => domain,
  },
  good: {
    what: 'local users with an alias table; the domain and, for bare Postmaster, the host name open to everybody',
    rules: local,
  },
  'bare-rejected': {
    what: 'the machine has another name (/etc/mailname) than the mail host: bare Postmaster is at the latter, `local` the former',
    rules: local,
    mailname: (domain) => `vm17.${domain}`,
  },
  'catch-all': {
    what: 'virtual domain with a catch-all',
    rules: virtual,
    files: () => ({ virtuals: '@ alice\n' }),
  },
  'postmaster-unknown': {
    what: 'virtual domain without a postmaster',
    rules: virtual,
    files: (domain) => ({ virtuals: `alice@${domain} alice\n` }),
  },
  'relay-denied': {
    what: 'no rule for the domain (a lame MX)',
    rules: () => 'action "local" mbox alias <aliases>\nmatch for local action "local"\n',
  },
  'null-sender-refused': {
    what: 'a filter against bounces',
    rules: (domain) => `filter "bounces" phase mail-from match !mail-from regex ".+@.+" reject "550 no bounces, please"
${local(domain)}`,
    listenOptions: 'filter "bounces"',
  },
  'connect-reject': {
    what: 'a filter that rejects everybody at connect with 554',
    rules: (domain) => `filter "closed" phase connect match src 127.0.0.0/8 reject "554 No SMTP service here"
${local(domain)}`,
    listenOptions: 'filter "closed"',
  },
  'connect-disconnect': {
    what: 'a filter that disconnects everybody at connect',
    rules: (domain) => `filter "closed" phase connect match src 127.0.0.0/8 disconnect "554 No SMTP service here"
${local(domain)}`,
    listenOptions: 'filter "closed"',
  },
  'no-reverse-dns': {
    what: 'the words of the filter in smtpd.conf(5) against clients without reverse name, at connect (here for everybody)',
    rules: (domain) => `filter "rdns" phase connect match src 127.0.0.0/8 disconnect "550 no rDNS available"
${local(domain)}`,
    listenOptions: 'filter "rdns"',
  },
  'tls-required-handshake-fails': {
    what: 'tls-require on the public port, and this build on OpenSSL 3 fails in the handshake',
    rules: local,
    listenOptions: 'tls-require pki mail',
  },
} satisfies Record<string, OpensmtpdVariant>;

export type OpensmtpdVariantName = keyof typeof opensmtpdVariants;

/** Starts an OpenSMTPD of its own; resolves when it greets. */
export async function startOpensmtpd(name: OpensmtpdVariantName, place: Place): Promise<MailHost> {
  const variant: OpensmtpdVariant = opensmtpdVariants[name];
  const instance = await makeInstance('opensmtpd');
  const log = () => instance.log();
  try {
    const files = { aliases: 'postmaster: alice\nabuse: alice\n', virtuals: '', ...variant.files?.(place.domain) };
    for (const [file, content] of Object.entries(files)) await instance.write(`/etc/${file}`, content);
    for (const file of ['cert.pem', 'key.pem']) {
      await instance.write(`/etc/ssl/${file}`, await readFile(join(cache, 'tls', file), 'utf8'), 0o600);
    }
    const filters = variant
      .rules(place.domain)
      .split('\n')
      .filter((line) => line.startsWith('filter '));
    const rules = variant
      .rules(place.domain)
      .split('\n')
      .filter((line) => !line.startsWith('filter '));
    await instance.write(
      '/etc/smtpd.conf',
      `pki mail cert "/etc/ssl/cert.pem"
pki mail key "/etc/ssl/key.pem"
table aliases file:/etc/aliases
table virtuals file:/etc/virtuals
${filters.join('\n')}
listen on ${place.address} port ${place.port} hostname mx.${place.domain} ${variant.listenOptions ?? ''}
${rules.join('\n')}
`,
      0o600,
    );
    await instance.folder('/var/spool/smtpd', 0, 0, 0o711);
    await instance.folder('/var/spool/smtpd/offline', 0, users.opensmtpq, 0o770);
    for (const queue of ['corrupt', 'incoming', 'purge', 'queue', 'temporary']) {
      await instance.folder(`/var/spool/smtpd/${queue}`, users.opensmtpq, 0, 0o700);
    }
    await instance.write('/etc/mailname', `${variant.mailname?.(place.domain) ?? `mx.${place.domain}`}\n`);
    instance.start('/usr/sbin/smtpd', '-d', '-f', '/etc/smtpd.conf');
    await untilReady(place, 'greets', log);
  } catch (error) {
    await instance.stop();
    throw error;
  }
  return {
    address: place.address,
    port: place.port,
    log,
    accepted: async () => [
      ...(await instance.files('/var/spool/smtpd')),
      ...(await linesOf(log, / smtp message msgid=/)),
    ],
    stop: () => instance.stop(),
  };
}
