// What a check may be told, and the settings that follow from it.
import type { ProbeSettings } from './evidence/evidence.js';
import { connect as connectSmtp } from './io/client.js';
import { resolvesHere } from './io/host-lookup.js';
import { openPace, sleep, type Pace } from './io/pace.js';
import type { Connect, Resolver } from './io/ports.js';
import { DEFAULT_TIME_OUTS, RFC_TIME_OUTS, type TimeOuts } from './io/session.js';
import { selectRequirements, type Selection } from './requirements/selection.js';
import type { Profile } from './requirements/profiles.js';
import {
  isFullyQualified,
  NULL_REVERSE_PATH,
  parseEhloName,
  parseReversePath,
  type EhloName,
  type ReversePath,
} from './smtp/address.js';
import type { DnsExchange } from './smtp/mail-route.js';

/** A mail host named by the user, its addresses looked up by the operating system. */
export interface GivenHost {
  readonly host: string;
  readonly port: number;
  readonly addresses: readonly string[];
}

/** What is going on, for a progress line. */
export interface Progress {
  readonly domain: string | null;
  readonly step: 'dns' | 'session' | 'waiting' | 'done';
  /** The mail host and address of a session. */
  readonly endpoint?: string;
}

/** Options of `check`. All are optional; times are milliseconds. */
export interface CheckOptions {
  /** Name servers as IP or IP:PORT; the system's by default. */
  readonly nameServers?: readonly string[];
  /** Mail hosts to probe in place of those that the DNS names (`--host`). */
  readonly hosts?: readonly GivenHost[];
  /** With `hosts`: all domains that they serve, for the row postmaster.additional-domains. */
  readonly servedDomains?: readonly string[];
  /** The port of mail hosts that the DNS names: 25 by default. */
  readonly port?: number;
  /** The argument of EHLO: a fully-qualified name, or an address literal. */
  readonly ehlo?: string;
  /** This machine's name: used for EHLO where `ehlo` is not given and it is a name that resolves, else the literal. */
  readonly hostname?: string;
  /** A real sender to use before the null reverse-path. */
  readonly mailFrom?: string;
  /** `auto`: plaintext, TLS only where a host demands it. */
  readonly starttls?: 'auto' | 'never' | 'require';
  /** False: lock-step even where PIPELINING is offered. */
  readonly pipelining?: boolean;
  /** Replaces each of the default time-outs. */
  readonly timeoutMs?: number;
  /** RFC 5321 4.5.3.2's time-outs, and the catalogue's long lingers. */
  readonly rfcTimeouts?: boolean;
  /** After this long no new command: what is open ends with QUIT, the rest is inconclusive. */
  readonly maxTimeMs?: number;
  /** How often a transient negative is tried again (R3): 0 by default. */
  readonly retries?: number;
  /** How long to wait before each: 30 minutes by default. */
  readonly retryAfterMs?: number;
  /** How long to send nothing after an opening 554: 5 seconds by default. */
  readonly lingerMs?: number;
  /** False: no control recipient, and no `strong` or `weak` evidence. */
  readonly controls?: boolean;
  /** Domains at once: 10 by default. */
  readonly concurrency?: number;
  /** The least time between two connections to one address. */
  readonly pauseMs?: number;
  /** The name of a profile, or one of the user's own (`parseProfile`). */
  readonly profile?: Profile;
  /** Ask for the rows too that provoke errors, use unusual syntax or idle. */
  readonly intrusive?: boolean;
  /** Ask for the rows too that send one message: whoever says so agrees to that. */
  readonly deliver?: boolean;
  /** Ids, groups or sections of requirements. */
  readonly only?: readonly string[];
  readonly skip?: readonly string[];
  /** Connect over this IP version alone. */
  readonly family?: 4 | 6;
  /** Connect to special-purpose addresses that DNS gave. */
  readonly allowPrivate?: boolean;
  /** Aborting ends every wait; sessions are closed with QUIT where they can be, and what was seen is reported. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Randomness for shuffling and for the control local-part: from 0 up to 1. */
  readonly random?: () => number;
}

/** Everything a run works with. */
export interface Settings {
  readonly options: CheckOptions;
  readonly selection: Selection;
  /** Null: the address literal of each connection. Settled while the first questions are asked. */
  readonly ehlo: Promise<EhloName | null>;
  readonly reversePaths: readonly ReversePath[];
  readonly timeOuts: TimeOuts;
  readonly lingerMs: number;
  readonly secondOpeningAfterMs: number;
  readonly controlLocalPart: string | null;
  readonly connect: Connect;
  readonly pace: Pace;
  readonly resolver: Resolver;
  readonly random: () => number;
  /** True when no new command may be started (--max-time). */
  readonly isOver: () => boolean;
  /** Ends every wait at once: the caller's signal, or the end of --max-time. */
  readonly signal: AbortSignal | undefined;
  readonly remainingMs: () => number;
  /** R1: senders to try where the planned ones are refused. */
  readonly otherSenders: Promise<readonly ReversePath[]>;
}

/** Whether nothing new may be begun: Ctrl-C, or the end of --max-time. */
export const hasStopped = ({ signal, isOver }: Settings): boolean => signal?.aborted === true || isOver();

/** The longest that a timer of Node can run. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * What ends every wait of a run: the caller's signal, and the end of --max-time where there is one. A timer of our own:
 * AbortSignal.any holds AbortSignal.timeout weakly on Node 20, where a collection of garbage takes the end away.
 */
export function stopSignal({ signal, maxTimeMs }: CheckOptions): AbortSignal | undefined {
  if (maxTimeMs === undefined) return signal;
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  setTimeout(stop, Math.min(maxTimeMs, MAX_TIMER_MS)).unref();
  if (signal?.aborted === true) stop();
  signal?.addEventListener('abort', stop, { once: true });
  return controller.signal;
}

/** How long to wait before a retry (R3), `leastMs` at least; never beyond the end of --max-time. */
export function retryAfter({ options, remainingMs }: Settings, leastMs = 0): number {
  return Math.min(Math.max(options.retryAfterMs ?? 1_800_000, leastMs), remainingMs());
}

/** R3 is never sooner than this against public addresses (RFC 6647 5: greylisting windows start at a minute). */
export const LEAST_RETRY_AFTER_MS = 60_000;

/** Reads the options once for a whole run; throws a UsageError on what a user got wrong. */
export async function readOptions(
  options: CheckOptions,
  resolver: Resolver,
  signal: AbortSignal | undefined = stopSignal(options),
): Promise<Settings> {
  const { timeoutMs, rfcTimeouts = false, random = Math.random } = options;
  const base = rfcTimeouts ? RFC_TIME_OUTS : DEFAULT_TIME_OUTS;
  const timeOuts: TimeOuts =
    timeoutMs === undefined
      ? base
      : { connectMs: timeoutMs, greetingMs: timeoutMs, commandMs: timeoutMs, quitMs: timeoutMs, messageMs: timeoutMs };
  const sender = options.mailFrom === undefined ? NULL_REVERSE_PATH : await parseReversePath(options.mailFrom);
  const over = options.maxTimeMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + options.maxTimeMs;
  const ehlo = options.ehlo === undefined ? ownName(options, resolver) : parseEhloName(options.ehlo);
  if (options.ehlo !== undefined) await ehlo;
  return {
    options,
    selection: selectRequirements(options),
    ehlo,
    otherSenders: fallbackSenders(ehlo, sender, options, resolver),
    reversePaths: sender === NULL_REVERSE_PATH ? [NULL_REVERSE_PATH] : [sender, NULL_REVERSE_PATH],
    timeOuts,
    lingerMs: options.lingerMs ?? (rfcTimeouts ? 60_000 : 5_000),
    secondOpeningAfterMs: rfcTimeouts ? 30_000 : 0,
    controlLocalPart: options.controls === false ? null : randomLocalPart(random),
    connect: connectSmtp,
    pace: openPace({ concurrency: options.concurrency ?? 10, pauseMs: options.pauseMs ?? 0, signal }),
    resolver,
    random,
    isOver: () => performance.now() > over,
    signal,
    remainingMs: () => Math.max(0, over - performance.now()),
  };
}

/** RFC 5321 4.1.4: this machine's own name where it has one that resolves; never a domain that is being checked. */
async function ownName({ hostname = '', hosts }: CheckOptions, resolver: Resolver): Promise<EhloName | null> {
  const name = hostname.toLowerCase();
  if (!isFullyQualified(name)) return null;
  if (hosts !== undefined) return (await resolvesHere(name)) ? (name as EhloName) : null;
  return (await resolves(name, resolver)) ? (name as EhloName) : null;
}

/** After --mail-from comes the null reverse-path, and last postmaster at our own name, where that resolves (R1). */
async function fallbackSenders(
  settled: Promise<EhloName | null>,
  sender: ReversePath,
  { hosts }: CheckOptions,
  resolver: Resolver,
): Promise<readonly ReversePath[]> {
  const planned = sender === NULL_REVERSE_PATH ? [] : [NULL_REVERSE_PATH];
  const ehlo = await settled;
  if (ehlo === null || ehlo.startsWith('[') || hosts !== undefined) return planned;
  return (await resolves(ehlo, resolver)) ? [...planned, `postmaster@${ehlo}` as ReversePath] : planned;
}

/** Our own name is worth no longer wait than this: a mail host is not kept waiting for it. */
const OWN_NAME_WAIT_MS = 2_000;

/** True for a name that the DNS gives an address to, soon. */
async function resolves(name: string, resolver: Resolver): Promise<boolean> {
  const enough = new AbortController();
  const answers = await Promise.race([
    Promise.all((['A', 'AAAA'] as const).map((type) => resolver.ask({ name, type }))),
    sleep(OWN_NAME_WAIT_MS, enough.signal).then((): readonly DnsExchange[] => []),
  ]);
  enough.abort();
  return answers.some(
    ({ outcome }) => outcome.kind === 'records' && outcome.records.some((record) => 'address' in record),
  );
}

/** 24 letters and digits, a letter first: no host has such a mailbox by chance. */
function randomLocalPart(random: () => number): string {
  const letters = 'abcdefghijklmnopqrstuvwxyz';
  const all = `${letters}0123456789`;
  const pick = (from: string): string => from[Math.floor(random() * from.length)] ?? 'x';
  return pick(letters) + Array.from({ length: 23 }, () => pick(all)).join('');
}

/** What the evidence must say of the settings. */
export function probeSettings(settings: Settings, ehlo: EhloName | null): ProbeSettings {
  const { options, selection, timeOuts } = settings;
  const ids = (rows: Selection['judged']): readonly string[] => rows.map(({ id }) => id);
  return {
    ehlo,
    reversePaths: settings.reversePaths,
    port: options.port ?? 25,
    profile: selection.profile,
    requirements: ids(selection.judged),
    asked: ids(selection.asked),
    deciding: ids(selection.deciding),
    ...(selection.everyViolationDecides ? { everyViolationDecides: true } : {}),
    ...(Object.keys(selection.violations).length === 0 ? {} : { violations: selection.violations }),
    ...(selection.mailingLists.length === 0 ? {} : { mailingLists: selection.mailingLists }),
    ...(options.retries === undefined || options.retries === 0 ? {} : { retries: options.retries }),
    allowPrivate: options.allowPrivate ?? false,
    given: options.hosts !== undefined,
    ...(options.hosts === undefined ? {} : { servedDomains: options.servedDomains ?? [] }),
    greetingTimeoutMs: timeOuts.greetingMs,
    commandTimeoutMs: timeOuts.commandMs,
    lingerMs: settings.lingerMs,
    controlLocalPart: settings.controlLocalPart,
  };
}
