// qpsmtpd as Debian configures it, and with the plugins that one adds to know one's recipients.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type MailHost, type Place, cache, linesOf, makeInstance, untilReady, users } from './instance.js';

/** One way to set up the server. */
export interface QpsmtpdVariant {
  readonly what: string;
  /** Lines of /etc/qpsmtpd/plugins in front of those that are there. */
  readonly plugins?: (domain: string) => string;
  /** Files of /etc/qpsmtpd. */
  readonly files?: (domain: string) => Readonly<Record<string, string>>;
}

// The blank after OK belongs there: without it rcpt_map takes the end of the line for a part of the word.
const known = (address: string) => `${address} OK \n`;
const map = (domain: string) => `rcpt_map domain ${domain} file /etc/qpsmtpd/mailboxes\n`;

export const qpsmtpdVariants = {
  stock: { what: 'as Debian ships it, the domain in rcpthosts: every local-part of it is taken, and bare Postmaster' },
  good: {
    what: 'rcpt_map with the mailboxes, postmaster among them',
    plugins: map,
    files: (domain) => ({ mailboxes: known(`postmaster@${domain}`) + known(`alice@${domain}`) }),
  },
  'postmaster-unknown': {
    what: 'rcpt_map with the mailboxes and no postmaster: the bare one needs no map',
    plugins: map,
    files: (domain) => ({ mailboxes: known(`alice@${domain}`) }),
  },
  'postmaster-refused': {
    what: 'postmaster@ in badrcptto',
    files: (domain) => ({ badrcptto: `postmaster@${domain}\n` }),
  },
  'relay-denied': {
    what: 'the domain is not in rcpthosts (a lame MX)',
    files: () => ({ 'debian-rcpthosts': '' }),
  },
  'connect-deny': {
    what: 'hosts_allow that denies everybody',
    plugins: () => 'hosts_allow\n',
    files: () => ({ hosts_allow: '0.0.0.0/0 DENY No SMTP service here\n' }),
  },
} satisfies Record<string, QpsmtpdVariant>;

export type QpsmtpdVariantName = keyof typeof qpsmtpdVariants;

/** Starts a qpsmtpd of its own; resolves when it greets. */
export async function startQpsmtpd(name: QpsmtpdVariantName, place: Place): Promise<MailHost> {
  const variant: QpsmtpdVariant = qpsmtpdVariants[name];
  const { domain, address, port } = place;
  const instance = await makeInstance('qpsmtpd');
  const log = () => instance.log('/var/log/qpsmtpd/qpsmtpd.log');
  try {
    // No way leads to this name server: whatever it asks of the DNS fails at once.
    await instance.write('/etc/resolv.conf', 'nameserver 127.0.0.1\noptions force_v6\n');
    await instance.write('/etc/qpsmtpd/me', `mx.${domain}\n`);
    const plugins = await readFile(join(cache, 'qpsmtpd/etc/qpsmtpd/plugins'), 'utf8');
    await instance.write('/etc/qpsmtpd/plugins', (variant.plugins?.(domain) ?? '') + plugins);
    const files = {
      // What the installation asks for: the domains, and here no queue.
      'debian-rcpthosts': `${domain}\n`,
      'debian-queue-method': '\n',
      // Strangers are strangers, even from this machine.
      relayclients: '',
      ...variant.files?.(domain),
    };
    for (const [file, content] of Object.entries(files)) await instance.write(`/etc/qpsmtpd/${file}`, content);
    for (const folder of ['/var/spool/qpsmtpd', '/var/log/qpsmtpd']) {
      await instance.folder(folder, users.qpsmtpd, users.qpsmtpd, 0o700);
    }
    const where = ['--listen-address', address, '--port', String(port)];
    instance.start(
      '/usr/bin/env',
      'QPSMTPD_CONFIG=/etc/qpsmtpd',
      '/usr/bin/qpsmtpd-forkserver',
      ...where,
      '--user',
      'qpsmtpd',
    );
    await untilReady(place, 'greets', log);
  } catch (error) {
    await instance.stop();
    throw error;
  }
  return {
    address,
    port,
    log,
    accepted: async () => [
      ...(await instance.files('/var/spool/qpsmtpd')),
      ...(await linesOf(log, /dispatching DATA|354 go ahead/)),
    ],
    stop: () => instance.stop(),
  };
}
