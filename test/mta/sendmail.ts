// sendmail, its configuration made from an .mc file by m4 as Debian's own is.

import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type MailHost, type Place, cache, makeInstance, untilReady, users } from './instance.js';

/** One way to configure the server. */
export interface SendmailVariant {
  readonly what: string;
  /** Whether the .mc file is the one that Debian ships, and not that of the good configuration. */
  readonly shipped?: true;
  /** Lines of the .mc file after the common ones. */
  readonly mc?: (domain: string) => string;
  /** /etc/mail/access: who is let in. */
  readonly access?: (domain: string) => string;
  /** /etc/mail/virtusertable. */
  readonly virtual?: (domain: string) => string;
  /** /etc/mail/aliases. */
  readonly aliases?: string;
  /** Whether the domain is among the local host names (class w). */
  readonly localHostNames?: (domain: string) => readonly string[];
}

export const sendmailVariants = {
  stock: { what: "Debian's sendmail.mc, domain in local-host-names, alias postmaster", shipped: true },
  good: { what: 'domain in local-host-names, alias postmaster' },
  'without-alias': {
    what: 'no postmaster in the aliases',
    aliases: 'abuse: alice\n',
  },
  'postmaster-unknown': {
    what: 'virtual domain that ends in error:nouser, without a postmaster',
    mc: (domain) => `VIRTUSER_DOMAIN(\`${domain}')dnl`,
    localHostNames: () => [],
    virtual: (domain) => `alice@${domain}\talice\n@${domain}\terror:5.1.1:550 No such user here\n`,
  },
  'postmaster-in-virtual-domain': {
    what: 'virtual domain that ends in error:nouser, with a postmaster',
    mc: (domain) => `VIRTUSER_DOMAIN(\`${domain}')dnl`,
    localHostNames: () => [],
    virtual: (domain) => `postmaster@${domain}\talice\n@${domain}\terror:5.1.1:550 No such user here\n`,
  },
  // No lame MX here: for 127.0.0.1 sendmail relays whatever the access map says.
  'client-refused': {
    what: 'Connect:127 REJECT in the access map',
    access: () => 'Connect:127\tREJECT\n',
  },
  'client-refused-at-recipient': {
    what: 'the same with FEATURE(delay_checks)',
    mc: () => "FEATURE(`delay_checks')dnl",
    access: () => 'Connect:127\tREJECT\n',
  },
  'client-refused-but-postmaster': {
    what: 'the same with postmaster as a spam friend',
    mc: () => "FEATURE(`delay_checks', `friend')dnl",
    access: () => 'Connect:127\tREJECT\nSpam:postmaster@\tFRIEND\n',
  },
  'recipient-blocked': {
    what: 'To:postmaster@ REJECT in the access map (FEATURE(blocklist_recipients))',
    mc: () => "FEATURE(`blocklist_recipients')dnl",
    access: () => 'To:postmaster@\tERROR:5.2.1:550 Mailbox disabled for this recipient\n',
  },
} satisfies Record<string, SendmailVariant>;

export type SendmailVariantName = keyof typeof sendmailVariants;

const ownNames = ({ domain }: Place) => `define(\`confDOMAIN_NAME', \`mx.${domain}')dnl
define(\`confPID_FILE', \`/run/sendmail.pid')dnl
define(\`confTO_IDENT', \`0')dnl`;

const listenOptions = ({ address, port }: Place) =>
  `DAEMON_OPTIONS(\`Family=inet, Name=MTA, Port=${port}, Addr=${address}')dnl`;

const mc = (variant: SendmailVariant, place: Place) => `define(\`_USE_ETC_MAIL_')dnl
include(\`/usr/share/sendmail/cf/m4/cf.m4')dnl
OSTYPE(\`debian')dnl
DOMAIN(\`debian-mta')dnl
${ownNames(place)}
define(\`confPRIVACY_FLAGS', \`authwarnings,restrictqrun')dnl
define(\`confLOG_LEVEL', \`9')dnl
FEATURE(\`no_default_msa')dnl
FEATURE(\`nocanonify')dnl
FEATURE(\`accept_unresolvable_domains')dnl
FEATURE(\`use_cw_file')dnl
FEATURE(\`access_db')dnl
FEATURE(\`virtusertable')dnl
${listenOptions(place)}
${variant.mc?.(place.domain) ?? ''}
MAILER(\`local')dnl
MAILER(\`smtp')dnl
`;

/** Debian's file with what it needs to run beside the machine's own sendmail. */
async function shippedMc(place: Place): Promise<string> {
  const file = await readFile(join(cache, 'sendmail/usr/share/sendmail/cf/debian/sendmail.mc'), 'utf8');
  return file
    .replace(/^DAEMON_OPTIONS\(.*Name=MTA-v4.*$/m, listenOptions(place))
    .replace(/^DAEMON_OPTIONS\(.*Name=MSP-v4.*$/m, ownNames(place))
    .replace(/^include\(`\/etc\/mail\/.*$/gm, 'dnl');
}

/** Starts a sendmail of its own; resolves when it greets. */
export async function startSendmail(name: SendmailVariantName, place: Place): Promise<MailHost> {
  const variant: SendmailVariant = sendmailVariants[name];
  const { domain } = place;
  const instance = await makeInstance('sendmail');
  const log = () => instance.log();
  try {
    // Nothing can be sent to that address: whatever sendmail asks of the DNS fails at once.
    await instance.write('/etc/resolv.conf', 'nameserver 255.255.255.255\n');
    const names = [`mx.${domain}`, ...(variant.localHostNames?.(domain) ?? [domain])];
    const hosts = [`mx.${domain}`, ...(variant.shipped ? [domain] : []), hostname()];
    await instance.write('/etc/hosts', `127.0.0.1 localhost\n${place.address} ${hosts.join(' ')}\n`);
    await instance.write('/etc/mail/local-host-names', names.map((local) => `${local}\n`).join(''));
    await instance.write('/etc/mail/aliases', variant.aliases ?? 'postmaster: alice\nabuse: alice\n');
    await instance.write('/etc/mail/sendmail.mc', variant.shipped ? await shippedMc(place) : mc(variant, place));
    await instance.write('/etc/mail/sendmail.cf', await instance.exec(['/usr/bin/m4', '/etc/mail/sendmail.mc']));
    const maps = { access: variant.access?.(domain) ?? '', virtusertable: variant.virtual?.(domain) ?? '' };
    for (const [map, lines] of Object.entries(maps)) {
      await instance.exec(['/usr/libexec/sendmail/makemap', 'hash', `/etc/mail/${map}`], lines);
    }
    await instance.write('/etc/mail/aliases', variant.aliases ?? 'postmaster: alice\nabuse: alice\n');
    await instance.exec(['/usr/libexec/sendmail/sendmail', '-C', '/etc/mail/sendmail.cf', '-bi']);
    await instance.folder('/var/spool/mqueue', users.smmta, users.smmta, 0o700);
    await instance.folder('/run', 0, 0);
    instance.start('/usr/libexec/sendmail/sendmail', '-bD', '-C', '/etc/mail/sendmail.cf');
    await untilReady(place, 'greets', log);
  } catch (error) {
    await instance.stop();
    throw error;
  }
  return {
    address: place.address,
    port: place.port,
    log,
    accepted: () => instance.files('/var/spool/mqueue'),
    stop: () => instance.stop(),
  };
}
