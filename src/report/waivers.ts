// Waivers: violations that somebody has taken note of, with a reason and a day until when. What is waived is shown and
// does not count; a waiver that has expired is shown, too, and counts for nothing.
import { closed, list, object, optional, parseJson, string, type Shape } from '../evidence/shape.js';
import type { DomainEvidence } from '../evidence/evidence.js';
import { matching } from '../requirements/selection.js';
import { UsageError } from '../smtp/usage-error.js';
import type { Waived } from './report.js';

/** One entry of a waiver file. */
export interface Waiver extends Waived {
  /** An id, a group or a section, as it was written. */
  readonly requirement: string;
  /** The ids that it selects. */
  readonly ids: ReadonlySet<string>;
  /** A domain, or `*.example.org` for all below it; null: all domains. */
  readonly domain: string | null;
  /** A mail host or its address, or `*.example.org`; null: all mail hosts, and what is of none. */
  readonly host: string | null;
}

/** What a waiver may match. */
export interface Place {
  readonly requirement: string;
  readonly host?: string | undefined;
  readonly address?: string | undefined;
}

const pattern: Shape = (value, path) =>
  typeof value === 'string' && /^(?:\*\.)?[^\s*@/]+$/.test(value)
    ? null
    : `${path} is not a name, nor "*." with a name behind it`;

const reason: Shape = (value, path) =>
  typeof value === 'string' && value.trim() !== '' ? null : `${path} does not say why: a waiver needs a reason`;

const day: Shape = (value, path) =>
  typeof value === 'string' && isDay(value) ? null : `${path} is not a day: write YYYY-MM-DD`;

function isDay(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

const waiver = closed({
  requirement: string,
  domain: optional(pattern),
  host: optional(pattern),
  reason,
  until: optional(day),
});

interface Entry {
  readonly requirement: string;
  readonly domain?: string;
  readonly host?: string;
  readonly reason: string;
  readonly until?: string;
}

/** Reads the text of a waiver file, a list or `{"waivers": [...]}`; `name` is the file's. A UsageError where it is none. */
export function parseWaivers(text: string, name: string): readonly Waiver[] {
  const document = parseJson(text, name);
  const isList = Array.isArray(document);
  const shape = list(waiver);
  const problem = isList ? shape(document, 'waivers') : object({ waivers: shape })(document, '');
  if (problem !== null) throw new UsageError(`${name} is no list of waivers: ${problem}`);
  const entries = isList ? document : (document as { readonly waivers: unknown }).waivers;
  return (entries as readonly Entry[]).map((entry, index) => toWaiver(entry, `${name}: waivers[${index}]`));
}

function toWaiver(entry: Entry, place: string): Waiver {
  return {
    requirement: entry.requirement,
    ids: idsOf(entry.requirement, place),
    domain: entry.domain === undefined ? null : canonical(entry.domain),
    host: entry.host === undefined ? null : canonical(entry.host),
    reason: entry.reason,
    until: entry.until ?? null,
  };
}

function idsOf(selector: string, place: string): ReadonlySet<string> {
  try {
    return new Set(matching(selector).map(({ id }) => id));
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${place}: ${error.message}`) : error;
  }
}

const canonical = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/** Whether a waiver is about this requirement, there. */
export function isAbout(
  { ids, domain, host }: Waiver,
  place: Place,
  { domain: name, unicode }: Pick<DomainEvidence, 'domain' | 'unicode'>,
): boolean {
  if (!ids.has(place.requirement)) return false;
  if (domain !== null && ![name, unicode].some((one) => fits(domain, one))) return false;
  return host === null || [place.host, place.address].some((one) => fits(host, one));
}

function fits(wanted: string, name: string | null | undefined): boolean {
  if (name === null || name === undefined) return false;
  const own = canonical(name);
  return wanted.startsWith('*.') ? own.endsWith(wanted.slice(1)) && own.length >= wanted.length : own === wanted;
}

/** Whether a waiver no longer holds on a day (YYYY-MM-DD): `until` is its last. */
export const hasExpired = ({ until }: Waived, today: string): boolean => until !== null && until < today;
