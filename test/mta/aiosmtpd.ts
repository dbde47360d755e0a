// aiosmtpd by its command line, with the handler that it comes with and with handlers as its documentation shows them.

import { hostname } from 'node:os';
import { type MailHost, type Place, linesOf, makeInstance, untilReady } from './instance.js';

/** One way to set up the server. */
export interface AiosmtpdVariant {
  readonly what: string;
  /** A module with a class `Handler`, in place of the handler that it comes with. */
  readonly handler?: (domain: string) => string;
}

const rcpt = (rule: string) => `from aiosmtpd.handlers import Debugging

class Handler(Debugging):
    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
${rule}        envelope.rcpt_tos.append(address)
        return '250 OK'
`;

export const aiosmtpdVariants = {
  stock: { what: 'as it comes: the handler Debugging, which takes everything and prints it' },
  good: {
    what: 'a handler that knows the mailboxes, Postmaster among them with the domain and without',
    handler: (domain) =>
      rcpt(`        if address.lower() not in ('postmaster', 'postmaster@${domain}', 'alice@${domain}'):
            return '550 5.1.1 No such user here'
`),
  },
  'not-relaying': {
    what: 'the handler of the documentation: what does not end in @ and the domain is refused',
    handler: (domain) =>
      rcpt(`        if not address.endswith('@${domain}'):
            return '550 not relaying to that domain'
`),
  },
} satisfies Record<string, AiosmtpdVariant>;

export type AiosmtpdVariantName = keyof typeof aiosmtpdVariants;

/** Starts an aiosmtpd of its own; resolves when it greets. */
export async function startAiosmtpd(name: AiosmtpdVariantName, place: Place): Promise<MailHost> {
  const variant: AiosmtpdVariant = aiosmtpdVariants[name];
  const instance = await makeInstance('aiosmtpd');
  const log = () => instance.log();
  try {
    await instance.write('/etc/hosts', `127.0.0.1 localhost\n${place.address} mx.${place.domain} ${hostname()}\n`);
    const handler = variant.handler?.(place.domain);
    if (handler !== undefined) await instance.write('/usr/lib/python3/dist-packages/handler.py', handler);
    instance.start(
      '/usr/bin/python3',
      '-u', // What it prints of a message is to be seen at once.
      '/usr/bin/aiosmtpd',
      '--listen',
      `${place.address}:${place.port}`,
      ...(handler === undefined ? [] : ['--class', 'handler.Handler']),
    );
    await untilReady(place, 'greets', log);
  } catch (error) {
    await instance.stop();
    throw error;
  }
  return {
    address: place.address,
    port: place.port,
    log,
    accepted: () => linesOf(log, /MESSAGE FOLLOWS/),
    stop: () => instance.stop(),
  };
}
