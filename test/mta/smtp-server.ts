// The npm package smtp-server, in this process: as its README starts it, and with handlers that refuse.

import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { MailHost, Place } from './instance.js';

/** One way to set up the server. */
export interface SmtpServerVariant {
  readonly what: string;
  readonly options: (domain: string) => SMTPServerOptions;
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

export const smtpServerVariants = {
  stock: {
    what: 'as it comes: without AUTH nobody may send, which a public MX has to switch off',
    options: () => ({}),
  },
  'auth-optional': {
    what: 'authentication optional, no handlers: whatever is a valid address is taken',
    options: () => ({ authOptional: true }),
  },
  'recipient-list': {
    what: 'an onRcptTo that compares whole addresses, lower-cased: bare postmaster is on no list',
    options: (domain) => ({
      authOptional: true,
      onRcptTo({ address }, _session, done) {
        const known = [`postmaster@${domain}`, `alice@${domain}`].includes(address.toLowerCase());
        done(known ? null : refusal(550, 'No such user here'));
      },
    }),
  },
  'case-sensitive': {
    what: 'an onRcptTo that compares whole addresses as they come',
    options: (domain) => ({
      authOptional: true,
      onRcptTo({ address }, _session, done) {
        const known = ['Postmaster', 'postmaster', `postmaster@${domain}`, `alice@${domain}`].includes(address);
        done(known ? null : refusal(550, 'No such user here'));
      },
    }),
  },
  'null-sender-refused': {
    what: 'an onMailFrom that wants an address',
    options: () => ({
      authOptional: true,
      onMailFrom({ address }, _session, done) {
        done(address === '' ? refusal(550, 'Sender address required') : null);
      },
    }),
  },
  'connect-refused-554': {
    what: 'an onConnect that fails with 554',
    options: () => ({ authOptional: true, onConnect: (_session, done) => done(refusal(554, 'No SMTP service here')) }),
  },
} satisfies Record<string, SmtpServerVariant>;

export type SmtpServerVariantName = keyof typeof smtpServerVariants;

/** Starts an smtp-server in this process; resolves when it listens. */
export async function startSmtpServer(name: SmtpServerVariantName, place: Place): Promise<MailHost> {
  const variant: SmtpServerVariant = smtpServerVariants[name];
  const messages: string[] = [];
  const errors: string[] = [];
  const server = new SMTPServer({
    name: `mx.${place.domain}`,
    disableReverseLookup: true,
    logger: false,
    onData(stream, session, done) {
      messages.push(session.id);
      stream.resume().on('end', () => done(null));
    },
    ...variant.options(place.domain),
  });
  server.on('error', (error) => errors.push(error.message));
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen(place.port, place.address, () => done());
  });
  return {
    address: place.address,
    port: place.port,
    log: async () => errors.join('\n'),
    accepted: async () => messages,
    stop: () => new Promise((done) => server.close(() => done())),
  };
}
