// Says a fixed list of things to a mail host over a plain socket and writes down, word for word, what comes back.
// It shares no code with the program under test: what it saw is what the scripted twins are held against.

import { connect, type Socket } from 'node:net';

/** One line of what happened: `S:` the host, `C:` we, `!` the socket. */
export type Line = string;

/** Speaks the ordinary session, or after a 554 or 521 opening the one that waits; never sends DATA. */
export async function dialogue(address: string, port: number, domain: string): Promise<readonly Line[]> {
  const line = await Wire.open(address, port);
  const opening = await line.reply(20_000);
  if (opening?.startsWith('220')) await ordinary(line, domain);
  else if (opening !== undefined) await refused(line);
  line.end();
  return line.lines;
}

async function ordinary(line: Wire, domain: string): Promise<void> {
  if ((await line.say('EHLO [127.0.0.1]')) === undefined) return;
  const recipients = ['Postmaster', 'postmaster', 'POSTMASTER'].flatMap((name) => [`${name}@${domain}`, name]);
  for (const recipient of [...recipients, `nobody-of-that-name@${domain}`]) {
    if (!(await line.ask('<>', recipient))) return;
  }
  if (!(await line.ask('<probe@probe.example>', `Postmaster@${domain}`))) return;
  await line.say('QUIT');
  await line.untilClosed(5000);
}

async function refused(line: Wire): Promise<void> {
  if (await line.untilClosed(5000)) return;
  if ((await line.say('EHLO [127.0.0.1]')) === undefined) return;
  if ((await line.say('NOOP')) === undefined) return;
  if ((await line.say(`MAIL FROM:<>`)) === undefined) return;
  await line.say('QUIT');
  await line.untilClosed(5000);
}

class Wire {
  readonly lines: Line[] = [];
  #text = '';
  #closed: 'FIN' | 'RST' | undefined;
  #wake: () => void = () => undefined;

  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.#text += text;
      this.#wake();
    });
    socket.on('end', () => this.#close('FIN'));
    socket.on('error', () => this.#close('RST'));
  }

  static open(address: string, port: number): Promise<Wire> {
    return new Promise((done, fail) => {
      const socket = connect({ host: address, port, allowHalfOpen: true });
      socket.once('error', fail);
      socket.once('connect', () => {
        socket.off('error', fail);
        done(new Wire(socket));
      });
    });
  }

  #close(how: 'FIN' | 'RST'): void {
    this.#closed ??= how;
    this.#wake();
  }

  async say(command: string): Promise<string | undefined> {
    this.lines.push(`C: ${command}`);
    this.#socket.write(`${command}\r\n`);
    return this.reply(20_000);
  }

  /** One transaction up to RCPT, and no further than the reverse-path if that is refused; false when the host is gone. */
  async ask(reversePath: string, recipient: string): Promise<boolean> {
    const sender = await this.say(`MAIL FROM:${reversePath}`);
    if (sender === undefined || sender.startsWith('421')) return false;
    if (!sender.startsWith('2')) return true;
    const reply = await this.say(`RCPT TO:<${recipient}>`);
    if (reply === undefined || reply.startsWith('421')) return false;
    return (await this.say('RSET')) !== undefined;
  }

  /** The next whole reply; undefined when there is none to come. */
  async reply(withinMs: number): Promise<string | undefined> {
    const deadline = Date.now() + withinMs;
    for (;;) {
      const found = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r?\n/.exec(this.#text)?.[0];
      if (found !== undefined) {
        this.#text = this.#text.slice(found.length);
        for (const text of found.trimEnd().split(/\r?\n/)) this.lines.push(`S: ${text}`);
        return found;
      }
      if (this.#closed !== undefined) {
        this.lines.push(`! ${this.#closed} instead of a reply`);
        return undefined;
      }
      if (!(await this.#change(deadline))) {
        this.lines.push('! no reply');
        return undefined;
      }
    }
  }

  /** Waits for the host to close; says whether it did. */
  async untilClosed(withinMs: number): Promise<boolean> {
    const deadline = Date.now() + withinMs;
    const start = Date.now();
    while (this.#closed === undefined && (await this.#change(deadline)));
    if (this.#text !== '') {
      for (const text of this.#text.trimEnd().split(/\r?\n/)) this.lines.push(`S: ${text}`);
      this.#text = '';
    }
    // A wait is a yes or no: a second more or less is no difference between servers.
    const seconds = Math.round((Date.now() - start) / 1000);
    this.lines.push(
      this.#closed === undefined
        ? `! still open after ${seconds} s`
        : `! ${this.#closed} ${seconds === 0 ? 'at once' : 'later'}`,
    );
    return this.#closed !== undefined;
  }

  async #change(deadline: number): Promise<boolean> {
    const left = deadline - Date.now();
    if (left <= 0) return false;
    return new Promise((done) => {
      const timer = setTimeout(() => done(false), left);
      this.#wake = () => {
        clearTimeout(timer);
        done(true);
      };
    });
  }

  end(): void {
    this.#socket.destroy();
  }
}
