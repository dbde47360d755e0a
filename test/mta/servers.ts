// All servers and variants under one roof, for the tests and for the record of what was observed.

import { type MailHost, type Place, type ServerName, versionOf } from './instance.js';
import { type AiosmtpdVariantName, aiosmtpdVariants, startAiosmtpd } from './aiosmtpd.js';
import { type CourierVariantName, courierVariants, startCourier } from './courier.js';
import { type EximVariantName, eximVariants, startExim } from './exim.js';
import { type HarakaVariantName, harakaVariants, startHaraka } from './haraka.js';
import { type OpensmtpdVariantName, opensmtpdVariants, startOpensmtpd } from './opensmtpd.js';
import { type PostfixVariantName, postfixVariants, startPostfix } from './postfix.js';
import { type QpsmtpdVariantName, qpsmtpdVariants, startQpsmtpd } from './qpsmtpd.js';
import { type SendmailVariantName, sendmailVariants, startSendmail } from './sendmail.js';
import { type SmtpServerVariantName, smtpServerVariants, startSmtpServer } from './smtp-server.js';

interface Starters {
  readonly postfix: PostfixVariantName;
  readonly exim: EximVariantName;
  readonly sendmail: SendmailVariantName;
  readonly opensmtpd: OpensmtpdVariantName;
  readonly courier: CourierVariantName;
  readonly qpsmtpd: QpsmtpdVariantName;
  readonly aiosmtpd: AiosmtpdVariantName;
  readonly haraka: HarakaVariantName;
  readonly 'smtp-server': SmtpServerVariantName;
}

export type MailServerName = keyof Starters;

/** Server and variant, such as `postfix/good`. */
export type Setup = { readonly [S in MailServerName]: `${S}/${Starters[S]}` }[MailServerName];

const starters: { readonly [S in MailServerName]: (name: Starters[S], place: Place) => Promise<MailHost> } = {
  postfix: startPostfix,
  exim: startExim,
  sendmail: startSendmail,
  opensmtpd: startOpensmtpd,
  courier: startCourier,
  qpsmtpd: startQpsmtpd,
  aiosmtpd: startAiosmtpd,
  haraka: startHaraka,
  'smtp-server': startSmtpServer,
};

const variants = {
  postfix: postfixVariants,
  exim: eximVariants,
  sendmail: sendmailVariants,
  opensmtpd: opensmtpdVariants,
  courier: courierVariants,
  qpsmtpd: qpsmtpdVariants,
  aiosmtpd: aiosmtpdVariants,
  haraka: harakaVariants,
  'smtp-server': smtpServerVariants,
} as const satisfies { readonly [S in MailServerName]: Record<Starters[S], { readonly what: string }> };

/** Every setup there is, with what its administrator did. */
export const setups: readonly { readonly setup: Setup; readonly what: string }[] = Object.entries(variants).flatMap(
  ([server, ofServer]) =>
    // The keys are those of the tables above, so these are setups.
    Object.entries(ofServer).map(([variant, { what }]) => ({ setup: `${server}/${variant}` as Setup, what })),
);

/** Starts the mail host of a setup; resolves when it is up. */
export function startSetup(setup: Setup, place: Place): Promise<MailHost> {
  const [server, variant] = setup.split('/') as [MailServerName, never];
  return starters[server](variant, place);
}

/** The version of the server of a setup. */
export function versionOfSetup(setup: Setup): string {
  const server = setup.split('/')[0] as MailServerName;
  return server === 'smtp-server' ? 'smtp-server (npm)' : versionOf(server satisfies ServerName);
}
