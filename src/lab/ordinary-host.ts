// What an ordinary, conforming mail host answers, where a scenario says nothing else (`...`): Postfix's words, lock-step.

/** The opening reply of an ordinary host. */
export function ordinaryGreeting(host: string): string {
  return `220 ${host} ESMTP\r\n`;
}

/** The most octets of a message that it takes, as its EHLO reply declares (RFC 1870). */
const MAX_MESSAGE_OCTETS = 10_240_000;

/** Mailboxes that it has: postmaster and the names of RFC 2142. */
const MAILBOXES: ReadonlySet<string> = new Set([
  'postmaster', 'abuse', 'noc', 'security', 'hostmaster', 'webmaster', 'www', 'usenet', 'news', 'uucp', 'ftp', 'info',
  'marketing', 'sales', 'support',
]); // prettier-ignore

/** One session of an ordinary host, from the greeting on. */
export class OrdinarySession {
  readonly #host: string;
  #isGreeted = false;
  #hasSender = false;
  #recipients = 0;
  #isInMessage = false;

  constructor(host: string) {
    this.#host = host;
  }

  /** The reply to a line: empty inside a message, null to what an ordinary client would never say. */
  reply(line: string): string | null {
    if (this.#isInMessage) return this.#content(line);
    const [verb = '', ...rest] = line.split(' ');
    const argument = rest.join(' ');
    switch (verb.toUpperCase()) {
      case 'EHLO':
        if (argument === '') return '501 5.5.4 Syntax: EHLO hostname\r\n';
        this.#begin();
        return `250-${this.#host}\r\n250-8BITMIME\r\n250-SIZE ${MAX_MESSAGE_OCTETS}\r\n250-HELP\r\n250 ENHANCEDSTATUSCODES\r\n`;
      case 'HELO':
        if (argument === '') return '501 5.5.4 Syntax: HELO hostname\r\n';
        this.#begin();
        return `250 ${this.#host}\r\n`;
      case 'MAIL':
        return this.#mail(argument);
      case 'RCPT':
        return this.#rcpt(argument);
      case 'DATA':
        return this.#data(argument);
      case 'RSET':
        if (argument !== '') return '501 5.5.4 Syntax: RSET\r\n';
        this.#reset();
        return '250 2.0.0 Ok\r\n';
      case 'NOOP':
        return '250 2.0.0 Ok\r\n';
      case 'QUIT':
        return argument === '' ? '221 2.0.0 Bye\r\n' : '501 5.5.4 Syntax: QUIT\r\n';
      case 'HELP':
        return '214 2.0.0 Commands: EHLO HELO MAIL RCPT DATA RSET NOOP QUIT VRFY EXPN HELP\r\n';
      case 'VRFY':
      case 'EXPN':
        return argument === '' ? `501 5.5.4 Syntax: ${verb} address\r\n` : '252 2.5.2 Cannot tell, send it and see\r\n';
      default:
        return null;
    }
  }

  /** Takes note of a line that the scenario answered itself. */
  answered(line: string, isAccepted: boolean): void {
    if (this.#isInMessage && line === '.') {
      this.#isInMessage = false;
      this.#reset();
      return;
    }
    if (!isAccepted || this.#isInMessage) return;
    const verb = (line.split(' ', 1)[0] ?? '').toUpperCase();
    if (verb === 'EHLO' || verb === 'HELO') this.#begin();
    if (verb === 'MAIL') this.#hasSender = true;
    if (verb === 'RCPT') this.#recipients += 1;
    if (verb === 'RSET') this.#reset();
    if (verb === 'DATA') this.#isInMessage = true;
  }

  /** Whether what comes is a message, up to the dot. */
  get isInMessage(): boolean {
    return this.#isInMessage;
  }

  #begin(): void {
    this.#isGreeted = true;
    this.#reset();
  }

  #reset(): void {
    this.#hasSender = false;
    this.#recipients = 0;
  }

  #mail(argument: string): string {
    if (!this.#isGreeted) return '503 5.5.1 Error: send HELO/EHLO first\r\n';
    if (this.#hasSender) return '503 5.5.1 Error: nested MAIL command\r\n';
    const parameters = /^FROM:<[^<>\s]*>((?: \S+)*) ?$/i.exec(argument)?.[1];
    if (parameters === undefined) return '501 5.5.4 Syntax: MAIL FROM:<address>\r\n';
    for (const parameter of parameters.split(' ').filter((word) => word !== '')) {
      const [keyword = '', value = ''] = parameter.toUpperCase().split('=');
      if (keyword === 'SIZE' && Number(value) > MAX_MESSAGE_OCTETS)
        return '552 5.3.4 Message size exceeds fixed limit\r\n';
      if (keyword !== 'SIZE' && keyword !== 'BODY') return '555 5.5.4 Unsupported option\r\n';
    }
    this.#hasSender = true;
    return '250 2.1.0 Ok\r\n';
  }

  #rcpt(argument: string): string {
    if (!this.#hasSender) return '503 5.5.1 Error: need MAIL command\r\n';
    const [, path, parameters] = /^TO:<(.*)>(.*)$/i.exec(argument) ?? [];
    if (path === undefined) return '501 5.5.4 Syntax: RCPT TO:<address>\r\n';
    if ((parameters ?? '').trim() !== '') return '555 5.5.4 Unsupported option\r\n';
    // RFC 5321 4.1.1.3: a source route is stripped; 4.1.2: all quoted forms are the same mailbox.
    const mailbox = path.replace(/^@[^:]*:/, '');
    const [, localPart = '', domain = ''] = /^(".*"|[^@]*)(?:@(.*))?$/.exec(mailbox) ?? [];
    if (/[^\x20-\x7e]/.test(mailbox)) return '501 5.1.3 Bad recipient address syntax\r\n';
    if (/[^A-Za-z0-9.[\]:-]/.test(domain)) return '501 5.1.3 Bad recipient address syntax\r\n';
    const plain = localPart.startsWith('"') ? localPart.slice(1, -1).replaceAll(/\\(.)/g, '$1') : localPart;
    const isKnown = MAILBOXES.has(plain.toLowerCase()) && (domain !== '' || plain.toLowerCase() === 'postmaster');
    if (!isKnown) return `550 5.1.1 <${path}>: Recipient address rejected: User unknown\r\n`;
    this.#recipients += 1;
    return '250 2.1.5 Ok\r\n';
  }

  #data(argument: string): string {
    if (argument !== '') return '501 5.5.4 Syntax: DATA\r\n';
    if (!this.#hasSender) return '503 5.5.1 Error: need RCPT command\r\n';
    if (this.#recipients === 0) return '554 5.5.1 Error: no valid recipients\r\n';
    this.#isInMessage = true;
    return '354 End data with <CR><LF>.<CR><LF>\r\n';
  }

  #content(line: string): string {
    if (line !== '.') return '';
    this.#isInMessage = false;
    this.#reset();
    return '250 2.0.0 Ok: queued\r\n';
  }
}
