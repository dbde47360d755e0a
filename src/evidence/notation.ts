// The notation of conversations: text that is script, recording and expectation at once (fixtures/sessions/*.smtp).
//
//   # a comment; the lines before anything else say what the host does
//   @ key: value       how the domain is checked, where that differs from the default
//   S: 250 ok          the host says; one line, ended by CR LF
//   C: RSET            the probe must say this, word for word; `{random}` is the run's control local-part
//   ...                an ordinary host answers what comes, until the probe says what the next `C:` line holds
//   ! close            what the socket does: see Deed
//   --- connection     what follows is the next connection; one beyond the last plays the last again
//   --- host mx2.good.example 20      what follows is another mail host; the same name again is another address of it
//   = postmaster.bare: fail syntax    the verdict of a requirement, with its cause (of a pass: its evidence)
//   = mx2.good.example connect.listens: warn         the same of one mail host (`/2` behind it: of its second address)
//   = domain: violates    = exit: 1                  the verdict on the domain, and the exit code
//
// Escapes in S: and C: lines are those of `visible`: \r \n \t \\ \xNN \u{N}. An S: line that ends in a single backslash
// says only what is written: `S: 250 ok\n\` ends in a bare LF. S: lines in a row are one write, so one segment.
import { linesOf } from '../smtp/dialogue-steps.js';
import type { Outcome } from '../smtp/outcome.js';
import { visible } from '../smtp/visible.js';
import { tellBeside } from './beside.js';
import type { Attempt, Exchange } from './transcript.js';

/** What a scripted socket does besides talking. */
export type Deed =
  | 'close' // FIN, behind all that was said
  | 'reset' // RST, which also takes away what was not read yet
  | 'stall' // hears and says nothing any more, and stays open
  | 'stay' // stays open where an ordinary host would close: behind the reply to QUIT
  | 'pause' // waits, in milliseconds
  | 'dribble' // from here on one octet a segment, that many milliseconds apart (0 where none are given)
  | 'queue' // waits its turn: until all connections before this one are over
  | 'repeat' // writes the S: lines before it over and over, until the other side closes
  | 'starttls' // the handshake, as the server; what follows is inside TLS
  | 'refuse'; // nothing listens: the connection is refused

/** One line of a script, with its number in the file. */
export type Step = { readonly line: number } & (
  | { readonly kind: 'says'; readonly octets: string } // latin1, one character an octet
  | { readonly kind: 'expects'; readonly command: string }
  | { readonly kind: 'ordinary' }
  | { readonly kind: 'does'; readonly deed: Deed; readonly ms: number }
);

/** One address of a mail host, and what it does in each connection. */
export interface ScriptedHost {
  readonly name: string;
  readonly preference: number;
  readonly connections: readonly (readonly Step[])[];
}

/** One `=` line. `host` is null where it holds for every endpoint, or for the domain. */
export interface Expectation {
  readonly subject: string;
  readonly host: string | null;
  readonly verdict: string;
  /** The cause, or the evidence of a pass; null where the file does not say. */
  readonly detail: string | null;
}

/** A scenario file, read. */
export interface Scenario {
  readonly name: string;
  readonly description: string;
  /** The `@` lines, by key. */
  readonly settings: ReadonlyMap<SettingKey, string>;
  readonly domain: string;
  /** The name that stands for good.example where the story is told of another domain. */
  readonly home: string;
  readonly hosts: readonly ScriptedHost[];
  readonly expected: readonly Expectation[];
}

/**
 * Options of a check, under their names on the command line, and what only a scenario has: `domain`, `zone`,
 * `no-allow-private` (the lab lies on loopback, which is allowed otherwise), `one-segment`, where the story is about
 * octets that come together, so that it cannot be told octet by octet, and `slow`, where the probe waits for seconds.
 */
const SETTING_KEYS = [
  'domain', 'zone', 'one-segment', 'slow', 'no-allow-private', 'mail-from', 'starttls', 'no-pipelining', 'no-controls',
  'timeout', 'linger', 'retries', 'retry-after', 'profile', 'only', 'intrusive', 'deliver', 'rfc-timeouts', 'mailing-list',
] as const; // prettier-ignore
export type SettingKey = (typeof SETTING_KEYS)[number];

const DEEDS: readonly string[] = [
  'close', 'reset', 'stall', 'stay', 'pause', 'dribble', 'queue', 'repeat', 'starttls', 'refuse',
] satisfies readonly Deed[]; // prettier-ignore

export const DEFAULT_DOMAIN = 'good.example';

/** Reads a scenario file. Throws a SyntaxError that names the line: scenario files are ours. */
export function parseScenario(text: string, name: string): Scenario {
  const settings = new Map<SettingKey, string>();
  const expected: Expectation[] = [];
  const description: string[] = [];
  const hosts: { name: string; preference: number; connections: Step[][] }[] = [];
  let isHead = true;
  let isFresh = false;

  const complain = (line: number, what: string): never => {
    throw new SyntaxError(`${name}, line ${line}: ${what}`);
  };
  const steps = (): Step[] => {
    if (hosts.length === 0) hosts.push({ name: `mx.${domainOf(settings)}`, preference: 10, connections: [] });
    const host = hosts.at(-1);
    if (host === undefined) throw new TypeError('unreachable');
    if (host.connections.length === 0 || isFresh) host.connections.push([]);
    isFresh = false;
    return host.connections.at(-1) ?? [];
  };

  for (const [index, row] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    if (row.startsWith('#')) {
      if (isHead) description.push(row.slice(1).trim());
      continue;
    }
    if (row.trim() === '') continue;
    isHead = false;
    const mark = /^(S:|C:|!|=|@|---|\.\.\.)/.exec(row)?.[0] ?? complain(line, `"${row}" has no mark`);
    const rest = row.slice(mark.length).replace(/^ /, '');
    switch (mark) {
      case 'S:':
        steps().push({ kind: 'says', octets: readSaid(rest), line });
        break;
      case 'C:':
        steps().push({ kind: 'expects', command: unescaped(rest), line });
        break;
      case '...':
        steps().push({ kind: 'ordinary', line });
        break;
      case '!': {
        const [, deed = '', ms] = /^(\w+)(?: (\d+))?$/.exec(rest) ?? complain(line, 'expected "! DEED [MS]"');
        if (!isDeed(deed)) return complain(line, `"${deed}" is nothing that a socket does`);
        steps().push({ kind: 'does', deed, ms: Number(ms ?? 0), line });
        break;
      }
      case '---': {
        const host = /^host (\S+) (\d+)$/.exec(rest);
        if (host !== null) hosts.push({ name: host[1] ?? '', preference: Number(host[2]), connections: [] });
        else if (/^connection\b/.test(rest)) isFresh = (hosts.at(-1)?.connections.length ?? 0) > 0;
        else complain(line, 'expected "--- connection" or "--- host NAME PREFERENCE"');
        break;
      }
      case '@': {
        const [, key = '', value = ''] =
          /^([a-z-]+)(?:: (.*))?$/.exec(rest) ?? complain(line, 'expected "@ KEY: VALUE"');
        if (!isSettingKey(key)) return complain(line, `"${key}" is no setting`);
        settings.set(key, value);
        break;
      }
      default: {
        const [, host, subject = '', verdict = '', detail] =
          /^(?:(\S+) )?([a-z0-9.-]+): ([a-z0-9-]+)(?: ([a-z-]+))?$/.exec(rest) ??
          complain(line, 'expected "= [HOST] SUBJECT: VERDICT [CAUSE]"');
        expected.push({ subject, host: host ?? null, verdict, detail: detail ?? null });
      }
    }
  }
  for (const { connections } of hosts) {
    for (const script of connections) {
      script.forEach(({ kind, line }, index) => {
        const next = script[index + 1];
        if (kind === 'ordinary' && next !== undefined && next.kind !== 'expects')
          complain(line, '"..." ends at a "C:" line');
      });
    }
  }
  return {
    name,
    description: description.join('\n').trim(),
    settings,
    domain: domainOf(settings),
    home: DEFAULT_DOMAIN,
    hosts,
    expected,
  };
}

const domainOf = (settings: ReadonlyMap<SettingKey, string>): string => settings.get('domain') ?? DEFAULT_DOMAIN;
const isDeed = (word: string): word is Deed => DEEDS.includes(word);
const isSettingKey = (word: string): word is SettingKey => (SETTING_KEYS as readonly string[]).includes(word);

function readSaid(text: string): string {
  const backslashes = /\\*$/.exec(text)?.[0].length ?? 0;
  return backslashes % 2 === 1 ? unescaped(text.slice(0, -1)) : `${unescaped(text)}\r\n`;
}

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '\\': '\\' };

function unescaped(text: string): string {
  return text.replaceAll(/\\(?:x([0-9a-f]{2})|u\{([0-9a-f]{1,6})\}|([rnt\\]))/gi, (_, octet, point, letter) => {
    const hex: string | undefined = octet ?? point;
    return hex === undefined ? (ESCAPES[letter] ?? '') : String.fromCodePoint(parseInt(hex, 16));
  });
}

/**
 * The connections of an endpoint in the same notation, octets of the host escaped as `visible` does. Read back and
 * played, they say the same; how long things took, and what has no notation, stands in comments.
 */
export function printTranscript(attempts: readonly Attempt[]): string {
  const rows = attempts.flatMap(({ connect, plan, exchanges }) => {
    const head = `--- connection: ${plan.purpose}`;
    if (connect.kind === 'refused') return [head, '! refuse'];
    if (connect.kind !== 'connected') return [head, `# no connection: ${connect.kind}`];
    return [head, ...exchanges.flatMap((exchange, index) => printExchange(exchange, index, exchanges))];
  });
  return rows.map((row) => `${row}\n`).join('');
}

function printExchange(exchange: Exchange, index: number, all: readonly Exchange[]): readonly string[] {
  switch (exchange.act) {
    case 'opening':
      return printOutcome(exchange.outcome);
    case 'command':
      return printCommand(exchange, index, all);
    case 'linger':
      if (exchange.outcome.kind === 'quiet') return [`# silence for ${exchange.outcome.afterMs} ms`];
      return [`! pause ${exchange.outcome.afterMs}`, ...printOutcome(exchange.outcome)];
    case 'handshake':
      switch (exchange.outcome.kind) {
        case 'secured':
          return ['! starttls', `# ${visible(`${exchange.outcome.tls.protocol} ${exchange.outcome.tls.cipher}`)}`];
        case 'tls-failed':
          return ['! starttls', `# the handshake failed: ${visible(exchange.outcome.why)}`];
        case 'injected':
          return [...printSaid(exchange.outcome.raw), '# plaintext behind the reply to STARTTLS'];
        default:
          return printOutcome(exchange.outcome);
      }
    case 'beside':
      return [`# ${tellBeside(exchange)}`];
    case 'leave':
      return linesOf({ kind: 'leave' }).map((line) => `C: ${line}`);
  }
}

type CommandExchange = Extract<Exchange, { act: 'command' }>;

/** A command and its outcome; where a group broke off, what was on its way stands before the break. */
function printCommand(exchange: CommandExchange, index: number, all: readonly Exchange[]): readonly string[] {
  const { outcome, group } = exchange;
  if (outcome.kind === 'reply') return [...printLines(exchange), ...printOutcome(outcome)];
  const inGroup = (other: Exchange | undefined): other is CommandExchange =>
    other?.act === 'command' && other.group === group;
  const before = all[index - 1];
  if (inGroup(before) && before.outcome.kind !== 'reply') return [];
  const commands = all.slice(index).filter(inGroup);
  if (outcome.kind === 'out-of-turn') {
    return [...printOutcome(outcome), ...commands.map(({ command }) => `# not answered: ${visible(command)}`)];
  }
  return [...commands.flatMap(printLines), ...printOutcome(outcome)];
}

/** What was said for one command: a message has many lines, and so has what breaks the rule on purpose. */
const printLines = ({ command }: CommandExchange): readonly string[] =>
  command.split('\r\n').map((line) => `C: ${visible(line)}`);

function printOutcome(outcome: Outcome): readonly string[] {
  switch (outcome.kind) {
    case 'reply':
    case 'out-of-turn':
      return printSaid(outcome.reply.raw);
    case 'not-a-reply':
      return [...printSaid(outcome.raw), `# no reply: ${outcome.why}`];
    case 'timeout':
      return [...printSaid(outcome.partial), '! stall', `# nothing more for ${outcome.afterMs} ms`];
    case 'closed':
      return [...printSaid(outcome.partial), outcome.how === 'fin' ? '! close' : '! reset'];
    case 'interrupted':
      return ['# we stopped here'];
  }
}

/** Octets of a host as S: lines; a line without CR LF shows its end. */
function printSaid(octets: string): readonly string[] {
  return (octets.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((line) => {
    const shown = line.endsWith('\r\n') ? visible(line.slice(0, -2)) : `${visible(line)}\\`;
    // A space at the end of a row is easily lost; an escape is not.
    return `S: ${shown.replace(/ (?=\\?$)/, '\\x20')}`;
  });
}
