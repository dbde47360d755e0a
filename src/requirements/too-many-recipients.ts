// How hosts say that a transaction has too many recipients (RFC 5321 4.5.3.1.10, RFC 3463 X.5.3).
import type { Reply } from '../smtp/reply.js';

const TOO_MANY =
  /\btoo many (?:recipients|rcpts?|addresses)\b|\b(?:only|just|at most|maximum(?: of)?) (?:one|1|\d+) (?:recipients?|rcpts?)\b|\b(?:one|1|single) (?:recipients?|rcpts?) (?:only|per|at a time|allowed)\b|\bmultiple recipients\b|\b(?:recipients?|rcpts?) (?:limit|count) (?:reached|exceeded)/i;
// Postfix: "too many recipients from host[address]"; IronPort: "too many recipients received this hour".
const RATE =
  /\brate\b|\b(?:per|this) (?:second|minute|hour|day)\b|throttl|slow down|too (?:fast|quickly)|\bin the last\b|\b(?:recipients|rcpts?) (?:from|received)\b/i;

/** Whether a refusal is about the number of recipients of this transaction, and not about a rate. */
export function saysTooMany({ code, enhanced, lines }: Reply): boolean {
  const text = lines.join(' ');
  // 421 ends the session, and X.7.z is a policy about the client.
  if (code < 400 || code === 421 || enhanced?.startsWith('.7.', 1) === true || RATE.test(text)) return false;
  return (enhanced !== null && /^[45]\.5\.3$/.test(enhanced)) || TOO_MANY.test(text);
}
