// Judgements that say the same of several places are told once: how they are grouped, and how the places are named.
import type { DomainEvidence } from '../evidence/evidence.js';
import type { EndpointEvidence } from '../evidence/transcript.js';
import { quoteReply } from '../requirements/session-trouble.js';
import { visible } from '../smtp/visible.js';
import { cutEnd, type Block, type TextStyle } from './layout.js';
import type { CitedExchange, CitedLookup, Judgement } from './report.js';
import { nameOf } from '../requirements/observe.js';
import { counted, LOOKUPS, sayOutcome } from './words.js';

/** Groups in the order of their first members. */
export function grouped<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

/** Whether a judgement is of that endpoint. */
export function isAt(judgement: Judgement, { host, address, port }: EndpointEvidence): boolean {
  return judgement.host === host && judgement.address === address && judgement.port === port;
}

/** Where a judgement holds: a mail host and address, or the domain as a whole. */
export function placeOf({ host, address, port }: Judgement, { probe }: DomainEvidence): string {
  if (host === undefined || address === undefined) return 'the domain as a whole';
  return nameOf({ host, address }) + (port === undefined || port === probe.port ? '' : ` port ${port}`);
}

/** The places of some judgements, the first few by name; the domain itself only where there is no other. */
export function placesOf(judgements: readonly Judgement[], evidence: DomainEvidence, style: TextStyle): string {
  const placed = judgements.filter(({ host }) => host !== undefined);
  const places = [
    ...new Set((placed.length > 0 ? placed : judgements).map((judgement) => placeOf(judgement, evidence))),
  ];
  return listed(places, style.detail === 'verbose' ? places.length : 4, 'more address', 'more addresses');
}

/** `a, b and c`, or `a, b and 7 more ...`. */
export function listed(items: readonly string[], most: number, noun: string, plural = `${noun}s`): string {
  const hidden = items.length - most;
  if (hidden > 1) return `${items.slice(0, most).join(', ')} and ${counted(hidden, noun, plural)}`;
  const last = items.at(-1) ?? '';
  return items.length < 2 ? last : `${items.slice(0, -1).join(', ')} and ${last}`;
}

/** What two judgements of one requirement must share to be told together; the text of replies may differ. */
export function likeness({ verdict, cause, exchanges, lookups, because }: Judgement): string {
  const [first] = exchanges;
  if (first === undefined) return [verdict, cause, because, lookups?.[0]?.outcome].join(' ');
  const { command, reply, outcome } = first;
  return [verdict, cause, command, outcome, reply?.code, reply?.enhanced].join(' ');
}

/** Reply lines and octets of one line that a report shows without -v. */
const MOST_LINES = 6;
const MOST_OCTETS = 600;

/** What was seen: what it comes to, then the commands and replies, or the DNS answers, as they were. */
export function seenBlocks(judgement: Judgement, style: TextStyle): readonly Block[] {
  const isVerbose = style.detail === 'verbose';
  const shown = inTheirOrder(judgement.exchanges);
  const exchanges = isVerbose ? shown : shown.slice(0, 3);
  const lookups = judgement.lookups ?? [];
  const sentence = sentenceOf(judgement);
  return [
    ...(sentence === '' ? [] : [sentence]),
    ...exchanges.flatMap((exchange) => exchangeBlocks(exchange, isVerbose)),
    ...(shown.length > exchanges.length
      ? [`(and ${counted(shown.length - exchanges.length, 'more exchange')}: -v shows them)`]
      : []),
    ...(isVerbose ? lookups : lookups.slice(0, 3)).flatMap(lookupBlocks),
  ];
}

/** The deciding exchange is cited first; where it is a RCPT, the MAIL that it stood under is told before it. */
function inTheirOrder(exchanges: readonly CitedExchange[]): readonly CitedExchange[] {
  const [first, second, ...rest] = exchanges;
  const isPair = first?.command?.startsWith('RCPT ') === true && second?.command?.startsWith('MAIL ') === true;
  return isPair ? [second, first, ...rest] : exchanges;
}

/** Why, without the reply that the sentence quotes at its end: where exchanges are shown it stands right below, whole. */
export function sentenceOf({ because, exchanges }: Judgement): string {
  for (const { reply } of exchanges) {
    if (reply === null) continue;
    const quote = quoteReply({ ...reply, enhanced: null, raw: '', defects: [] });
    if (because.endsWith(`: ${quote}`)) return because.slice(0, -quote.length - 2);
  }
  return because;
}

function exchangeBlocks(exchange: CitedExchange, isVerbose: boolean): readonly Block[] {
  const { command, reply } = exchange;
  const said: readonly Block[] = command === null ? [] : [{ mark: 'C: ', verbatim: visible(command) }];
  if (reply === null) return [...said, `(${sayOutcome(exchange)})`];
  const lines = reply.lines.length === 0 ? [''] : reply.lines;
  const shown = isVerbose ? lines : lines.slice(0, MOST_LINES);
  const hidden = lines.length - shown.length;
  return [
    ...said,
    ...shown.map((line, index): Block => {
      const text = visible(`${reply.code}${index === lines.length - 1 ? ' ' : '-'}${line}`);
      return { mark: 'S: ', verbatim: isVerbose ? text : cutEnd(text, MOST_OCTETS) };
    }),
    ...(hidden > 0 ? [`(and ${counted(hidden, 'more line')}: -v shows them)`] : []),
  ];
}

function lookupBlocks({ name, type, nameServer, outcome, records }: CitedLookup): readonly Block[] {
  const came = outcome === 'records' ? '' : ` ${LOOKUPS[outcome]}`;
  const asked = `DNS: ${type} of ${visible(name) || '.'}, asked of ${visible(nameServer)}:${came}`;
  return [asked, ...records.slice(0, 12).map((record): Block => ({ mark: '  ', verbatim: visible(record) }))];
}
