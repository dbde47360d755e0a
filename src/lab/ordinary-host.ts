// What an ordinary mail host answers, where a scenario says nothing else (`...`): Postfix's words, lock-step.

/** The opening reply of an ordinary host. */
export function ordinaryGreeting(host: string): string {
  return `220 ${host} ESMTP\r\n`;
}

/** The reply of an ordinary host to a command line, or null where the probe has no business to say such a thing. */
export function ordinaryReply(command: string, host: string): string | null {
  const [verb = ''] = command.split(' ', 1);
  switch (verb) {
    case 'EHLO':
      return `250-${host}\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n`;
    case 'HELO':
      return `250 ${host}\r\n`;
    case 'MAIL':
      return '250 2.1.0 Ok\r\n';
    case 'RCPT': {
      const path = /^RCPT TO:<(.*)>$/.exec(command)?.[1] ?? '';
      if (/^postmaster(?:@|$)/i.test(path)) return '250 2.1.5 Ok\r\n';
      return `550 5.1.1 <${path}>: Recipient address rejected: User unknown\r\n`;
    }
    case 'RSET':
    case 'NOOP':
      return command === verb ? '250 2.0.0 Ok\r\n' : null;
    case 'QUIT':
      return command === verb ? '221 2.0.0 Bye\r\n' : null;
    default:
      return null;
  }
}
