// Haraka in the folder that `haraka -i` makes, with the plugins that are on in it and with some that are not.

import { type MailHost, type Place, linesOf, makeInstance, untilReady } from './instance.js';

/** One way to set up the server. */
export interface HarakaVariant {
  readonly what: string;
  /** The lines of config/plugins; by default those that are on in the file as it comes. */
  readonly plugins?: readonly string[];
  /** Plugins of the administrator's own, in plugins/. */
  readonly own?: (domain: string) => Readonly<Record<string, string>>;
}

const shipped = ['mail_from.is_resolvable', 'rcpt_to.in_host_list', 'queue/smtp_forward'];
const withOwn = ['mail_from.is_resolvable', 'mailboxes', 'queue/smtp_forward'];

/** A plugin that answers one hook with what an expression over its parameters calls. */
const onRcpt = (answer: string) => `exports.hook_rcpt = (next, connection, [rcpt]) => ${answer};\n`;
const onConnect = (answer: string) => `exports.hook_connect = (next) => ${answer};\n`;

export const harakaVariants = {
  stock: {
    what: 'as it comes, the domain in host_list: every local-part of it is taken, and what has no domain is on no list',
  },
  good: {
    what: 'a plugin that knows the mailboxes, Postmaster among them with the domain and without',
    plugins: withOwn,
    own: (domain) => ({
      mailboxes: onRcpt(
        `['postmaster', 'postmaster@${domain}', 'alice@${domain}'].includes(rcpt.address.toLowerCase())
  ? next(OK) : next(DENY, 'No such user here')`,
      ),
    }),
  },
  'good-catch-all': {
    what: 'as it comes, and a plugin of a line that takes bare Postmaster',
    plugins: ['postmaster', ...shipped],
    own: () => ({
      postmaster: onRcpt("!rcpt.host && rcpt.user.toLowerCase() === 'postmaster' ? next(OK) : next()"),
    }),
  },
  'recipient-list': {
    what: 'a plugin that compares whole addresses as they come',
    plugins: withOwn,
    own: (domain) => ({
      mailboxes: onRcpt(
        `['postmaster@${domain}', 'alice@${domain}'].includes(rcpt.address) ? next(OK) : next(DENY, 'No such user here')`,
      ),
    }),
  },
  'connect-deny': {
    what: 'a plugin that answers hook_connect with DENY: Haraka then says 554 to every command',
    plugins: ['closed', ...shipped],
    own: () => ({ closed: onConnect("next(DENY, 'No SMTP service here')") }),
  },
  'connect-deny-disconnect': {
    what: 'the same with DENYDISCONNECT',
    plugins: ['closed', ...shipped],
    own: () => ({ closed: onConnect("next(DENYDISCONNECT, 'No SMTP service here')") }),
  },
} satisfies Record<string, HarakaVariant>;

export type HarakaVariantName = keyof typeof harakaVariants;

// What install.sh had `haraka --install` make.
const folder = '/srv/haraka';

/** Starts a Haraka of its own; resolves when it greets. */
export async function startHaraka(name: HarakaVariantName, place: Place): Promise<MailHost> {
  const variant: HarakaVariant = harakaVariants[name];
  const instance = await makeInstance('haraka');
  const log = () => instance.log();
  try {
    // Whatever it asks of the DNS goes to a port where nobody is.
    await instance.write('/etc/resolv.conf', `nameserver ${place.address}:${place.port}\n`);
    await instance.write(`${folder}/config/me`, `mx.${place.domain}\n`);
    await instance.write(`${folder}/config/host_list`, `${place.domain}\nmx.${place.domain}\n`);
    await instance.write(`${folder}/config/smtp.ini`, `listen=${place.address}:${place.port}\n`);
    await instance.write(`${folder}/config/plugins`, (variant.plugins ?? shipped).map((line) => `${line}\n`).join(''));
    for (const [plugin, script] of Object.entries(variant.own?.(place.domain) ?? {})) {
      await instance.write(`${folder}/plugins/${plugin}.js`, script);
    }
    instance.start('/usr/bin/node', '/opt/haraka/node_modules/Haraka/bin/haraka', '--configs', folder);
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
      ...(await instance.files(`${folder}/queue`)),
      // What it took, put off and refused of the messages of a connection.
      ...(await linesOf(log, / msgs=(?!0\/0\/0 )| hook=data /)),
    ],
    stop: () => instance.stop(),
  };
}
