// Which rows have a message sent: whoever runs the program is asked before, and told afterwards.
import { delivers } from '../smtp/script.js';
import type { Requirement } from './requirement.js';

/** Whether a message is sent for some of these rows. */
export const sendsMessageFor = (rows: readonly Requirement[]): boolean =>
  rows.some(({ needs }) => needs.some((need) => need.ask === 'script' && delivers(need.script)));
