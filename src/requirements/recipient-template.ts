// The recipients that rows ask for, as templates; planner and rules fill them in the same way.
import { addressLiteral } from '../smtp/address.js';

/** What the places of a recipient template stand for at one endpoint. */
export interface RecipientContext {
  readonly domain: string | null;
  readonly unicode: string | null;
  /** What an alias leads to; null where the domain is no alias. */
  readonly canonical: string | null;
  readonly host: string;
  readonly address: string;
  readonly controlLocalPart: string | null;
  /** The other domains that the mail host is said to serve (--host). */
  readonly served: readonly string[];
  /** The mailing lists that the profile file names. */
  readonly lists: readonly string[];
  /** The mailbox of the domain's SOA record, where it lies in that domain. */
  readonly soa: string | null;
}

/** The control recipient: a random local-part that no host should know. */
export const CONTROL_RECIPIENT = '{random}@{domain}';

/** The forward-paths of a template: one for each served domain where it speaks of them, else one or none. */
export function fillRecipients(template: string, context: RecipientContext): readonly string[] {
  if (template.includes('{served}')) return context.served.map((domain) => template.replaceAll('{served}', domain));
  if (template.includes('{list}')) {
    return context.lists.flatMap((list) => fillRecipients(template.replaceAll('{list}', list), context));
  }
  const path = fillRecipient(template, context);
  return path === null ? [] : [path];
}

/** The forward-path of a template, or null where a place cannot be filled here. */
export function fillRecipient(template: string, context: RecipientContext): string | null {
  return template.includes('{') ? fillPlaces(template, placesOf(context)) : template;
}

/** What each place stands for; null where there is nothing to stand for it. */
export function placesOf(context: RecipientContext): Readonly<Record<string, string | null>> {
  return {
    domain: context.domain,
    DOMAIN: context.domain?.toUpperCase() ?? null,
    canonical: context.canonical,
    // A host that was named by its address has no name to put there (RFC 5321 4.1.2).
    host: /^[\d.]+$|:/.test(context.host) ? null : context.host,
    literal: addressLiteral(context.address),
    'u-label': context.unicode,
    random: context.controlLocalPart,
    soa: context.soa,
  };
}

/** A text with its places filled, or null where one cannot be. */
export function fillPlaces(text: string, places: Readonly<Record<string, string | null>>): string | null {
  let isComplete = true;
  const filled = text.replaceAll(/\{([^}]+)\}/g, (_, place: string) => {
    const value = places[place] ?? null;
    if (value === null) isComplete = false;
    return value ?? '';
  });
  return isComplete ? filled : null;
}
