// Courier with the files of /etc/courier that Debian ships, started by its own scripts.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MailHost, type Place, cache, makeInstance, untilReady, users } from './instance.js';

/** One way to set up the server. */
export interface CourierVariant {
  readonly what: string;
  /** Lines of /etc/courier/esmtpd after those that are there. */
  readonly esmtpd?: string;
  /** The domains that it takes mail for. */
  readonly accepts?: (domain: string) => string;
  /** /etc/courier/aliases/system. */
  readonly aliases?: string;
}

// Each refusal in a session takes twice as long as the one before it, the first 8 seconds: the shipped TARPIT=1.
const withoutTarpit = 'TARPIT=0\n';
const aliases = 'root: postmaster\npostmaster: alice\n';

export const courierVariants = {
  stock: { what: 'as Debian ships it: the alias of postmaster has no target yet, and who errs is tarpitted' },
  'stock-without-tarpit': { what: 'the same with TARPIT=0', esmtpd: withoutTarpit },
  good: {
    what: 'alias postmaster: alice. Bare Postmaster is a syntax error to Courier, and nothing configures that',
    esmtpd: withoutTarpit,
    aliases,
  },
  'relay-denied': {
    what: 'the domain is not in esmtpacceptmailfor (a lame MX), although it is local',
    esmtpd: withoutTarpit,
    aliases,
    accepts: () => '',
  },
} satisfies Record<string, CourierVariant>;

export type CourierVariantName = keyof typeof courierVariants;

/** Starts a Courier of its own; resolves when it greets. */
export async function startCourier(name: CourierVariantName, place: Place): Promise<MailHost> {
  const variant: CourierVariant = courierVariants[name];
  const { domain, address, port } = place;
  const instance = await makeInstance('courier');
  const log = () => instance.log();
  try {
    const shipped = (file: string) => readFile(join(cache, 'courier/etc/courier', file), 'utf8');
    const tls = (file: string) => readFile(join(cache, 'tls', file), 'utf8');
    // Nothing can be sent to that address: whatever Courier asks of the DNS fails at once.
    await instance.write('/etc/resolv.conf', 'nameserver 255.255.255.255\n');
    const files: Readonly<Record<string, string>> = {
      me: `mx.${domain}\n`,
      esmtpd: `${await shipped('esmtpd')}ADDRESS=${address}\nPORT=${port}\n${variant.esmtpd ?? ''}`,
      'esmtpacceptmailfor.dir/default': variant.accepts?.(domain) ?? `${domain}\n`,
      'aliases/system': variant.aliases ?? (await shipped('aliases/system')),
      // What the installation makes.
      defaultdomain: `${domain}\n`,
      locals: `localhost\n${domain}\n`,
      dsnfrom: `mailer-daemon@${domain}\n`,
      'esmtpd.pem': (await tls('key.pem')) + (await tls('cert.pem')),
    };
    for (const [file, content] of Object.entries(files)) await instance.write(`/etc/courier/${file}`, content);
    for (const folder of ['', 'allfilters', 'filters', 'msgq', 'msgs', 'tmp', 'track']) {
      await instance.folder(`/var/lib/courier/${folder}`, users.courier, users.courier, 0o770);
    }
    await instance.folder('/run/courier/authdaemon', users.courier, users.courier);
    await instance.exec(['/usr/bin/ln', '-s', 'makedat.courier', '/usr/bin/makedat']);
    for (const script of ['makeacceptmailfor', 'makealiases']) await instance.exec([`/usr/sbin/${script}`]);
    for (const daemon of ['authdaemond', 'esmtpd']) await instance.exec([`/usr/sbin/${daemon}`, 'start']);
    await untilReady(place, 'greets', log);
  } catch (error) {
    await instance.stop();
    throw error;
  }
  return {
    address,
    port,
    log,
    async accepted() {
      const folders = ['tmp', 'msgs', 'msgq'];
      return (await Promise.all(folders.map((folder) => instance.files(`/var/lib/courier/${folder}`)))).flat();
    },
    stop: () => instance.stop(),
  };
}
