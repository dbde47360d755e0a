// Values of options as people write them: one clear sentence when they are not what they should be.
import { UsageError } from '../smtp/usage-error.js';
import { visible } from '../smtp/visible.js';

/** A TCP port. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) throw new UsageError(`"${visible(text)}" is no port: give a number from 1 to 65535`);
  return port;
}

/** A number of seconds, 0 included, as milliseconds; at most a week. */
export function parseSeconds(text: string): number {
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= 604_800)) throw new UsageError(`"${visible(text)}" is no number of seconds`);
  return Math.round(seconds * 1000);
}

/** A time-out in seconds, above 0, as milliseconds. */
export function parseTimeout(text: string): number {
  const ms = parseSeconds(text);
  if (ms === 0) throw new UsageError('a time-out must be above 0 seconds');
  return ms;
}

/** A whole number from `least` up. */
export function parseCount(least: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,6}$/.test(text) ? Number(text) : -1;
    if (count < least) throw new UsageError(`"${visible(text)}" is no whole number from ${least} up`);
    return count;
  };
}

/** One of a few words. */
export function parseWord<T extends string>(words: readonly T[]): (text: string) => T {
  return (text) => {
    const word = words.find((one) => one === text);
    if (word === undefined) throw new UsageError(`"${visible(text)}" is not one of ${words.join(', ')}`);
    return word;
  };
}

/** Collects a repeatable option. */
export const collect = (text: string, sofar: readonly string[] = []): readonly string[] => [...sofar, text];

/** HOST, HOST:PORT, [v6]:PORT or a bare IPv6 address. */
export function parseHostPort(text: string, port: number): { readonly host: string; readonly port: number } {
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::(\d+))?$/.exec(text);
  if (bracketed?.[1] !== undefined)
    return { host: bracketed[1], port: bracketed[2] === undefined ? port : parsePort(bracketed[2]) };
  if (/^[0-9a-fA-F.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(text)) return { host: text, port };
  const plain = /^([A-Za-z0-9._-]{1,253})(?::(\d+))?$/.exec(text);
  if (plain?.[1] === undefined)
    throw new UsageError(`"${visible(text)}" is no mail host: write HOST, HOST:PORT or [IPv6]:PORT`);
  return { host: plain[1], port: plain[2] === undefined ? port : parsePort(plain[2]) };
}
