// The EHLO keywords that have been registered (RFC 5321 2.2.2), and the lines of replies in which hosts offer them.

/** When the table below was taken from the registry "SMTP Service Extensions" of IANA. */
export const KEYWORDS_AS_OF = '2026-08-02';

const REGISTERED: ReadonlySet<string> = new Set([
  '8BITMIME', 'ATRN', 'AUTH', 'BINARYMIME', 'BURL', 'CHECKPOINT', 'CHUNKING', 'CONNEG', 'CONPERM', 'DELIVERBY', 'DSN',
  'ENHANCEDSTATUSCODES', 'ETRN', 'EXPN', 'FUTURERELEASE', 'HELP', 'LIMITS', 'MT-PRIORITY', 'MTRK', 'NO-SOLICITING',
  'ONEX', 'PIPELINING', 'REQUIRETLS', 'RRVS', 'SAML', 'SEND', 'SIZE', 'SMTPUTF8', 'SOML', 'STARTTLS', 'SUBMITTER',
  'TURN', 'UTF8SMTP', 'VERB', 'VRFY',
]); // prettier-ignore

/** Whether the keyword, in upper case, is in the registry. */
export const isRegistered = (keyword: string): boolean => REGISTERED.has(keyword);

/** Whether a host may offer it: registered, or of private use (RFC 5321 2.2.2). */
export const mayBeOffered = (keyword: string): boolean => isRegistered(keyword) || keyword.startsWith('X');

/** One line of an EHLO reply behind the first, as it was written. */
export interface EhloLine {
  /** Its first word, in upper case; `AUTH=LOGIN` is one word. */
  readonly keyword: string;
  readonly parameters: readonly string[];
}

/** The keyword and the parameters of a line. Words stand apart by SP alone (RFC 5321 4.1.1.1). */
export function ehloLine(text: string): EhloLine {
  const [keyword = '', ...parameters] = text.split(' ').filter((word) => word !== '');
  return { keyword: keyword.toUpperCase(), parameters };
}

// Bare, or with the parameters that only the extension has: "SEND us your mail" is a sentence, and no keyword.
const WITH_PARAMETERS = /^(?:SIZE \d+|AUTH(?:[ =][A-Z0-9_-]+)+|LIMITS(?: [A-Z]+=\d+)+|DELIVERBY \d+)$/;

/** Whether a line of a reply is one that only an EHLO reply has, and no text for people. */
export function isKeywordLine(text: string): boolean {
  const line = text.trim();
  return isRegistered(line.toUpperCase()) || WITH_PARAMETERS.test(line);
}
