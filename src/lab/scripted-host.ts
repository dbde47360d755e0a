// Plays the connections of a scripted mail host on a loopback address. What the probe says and the script does not
// hold is a mismatch, told with both lines, and answered 500; so is a connection that the script waited for in vain.
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { ScriptedHost, Step } from '../evidence/notation.js';
import { visible } from '../smtp/visible.js';
import { OrdinarySession, ordinaryGreeting } from './ordinary-host.js';
import { ScriptedSocket } from './scripted-socket.js';

/** A scripted mail host at work. */
export interface RunningHost {
  readonly port: number;
  /** Where the probe and the script parted so far; with `ended`, also what the script still waits for. */
  mismatches(when: 'so far' | 'ended'): readonly string[];
  /** Closes every connection and stops listening. */
  stop(): Promise<void>;
}

/** Where and how a host is played. */
export interface Stage {
  readonly address: string;
  /** 0 for any free one. */
  readonly port: number;
  /** `dribbled`: every octet in a segment of its own. */
  readonly delivery: 'whole' | 'dribbled';
  /** Whether the probe may provoke errors: else an ordinary host takes what it would refuse as a mismatch. */
  readonly mayProvoke: boolean;
  /** What stands for `{random}`: bound by the first host of the lab that hears it. */
  readonly control: { localPart: string | null };
}

/** Listens on the stage and plays. Rejects with the system's error where the address cannot be listened on. */
export async function startScriptedHost(host: ScriptedHost, stage: Stage): Promise<RunningHost> {
  const mismatches: string[] = [];
  const sockets = new Set<ScriptedSocket>();
  let played: Promise<unknown> = Promise.resolve();
  let count = 0;
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (raw) => {
    const number = count++;
    const socket = new ScriptedSocket(raw, stage.delivery);
    sockets.add(socket);
    const steps = host.connections[number] ?? host.connections.at(-1);
    if (steps === undefined) mismatches.push(`${host.name}: no connection was expected`);
    const play = new Play(host, number + 1, steps ?? [], socket, stage, mismatches, played);
    played = Promise.all([played, play.run()]);
  });
  await listen(server, stage);
  return {
    port: (server.address() as AddressInfo).port,
    mismatches(when) {
      const missing = host.connections
        .slice(count)
        .map((_, index) => `connection ${count + index + 1} of ${host.name} was never made`);
      return when === 'ended' ? [...mismatches, ...missing] : mismatches;
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, { port, address }: Stage): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, address, resolve);
  });
}

/** The catalogue's {random-24}: letters and digits, a letter first. */
const CONTROL_LOCAL_PART = /^[A-Za-z][A-Za-z0-9]{23}$/;

/** One connection, from the first step to the last. */
class Play {
  readonly #host: ScriptedHost;
  readonly #place: string;
  readonly #isFirst: boolean;
  readonly #steps: readonly Step[];
  readonly #socket: ScriptedSocket;
  readonly #stage: Stage;
  readonly #mismatches: string[];
  /** Settled when all connections before this one are over. */
  readonly #before: Promise<unknown>;
  #hasSpoken = false;
  #offersPipelining = false;
  #isQuitting = false;
  #ordinary: OrdinarySession;
  /** What the script answers itself: an ordinary host learns of it where it was accepted. */
  #answering: string | null = null;

  constructor(
    host: ScriptedHost,
    number: number,
    steps: readonly Step[],
    socket: ScriptedSocket,
    stage: Stage,
    mismatches: string[],
    before: Promise<unknown>,
  ) {
    this.#host = host;
    this.#place = `connection ${number} of ${host.name}`;
    this.#isFirst = number === 1;
    this.#steps = steps;
    this.#socket = socket;
    this.#stage = stage;
    this.#mismatches = mismatches;
    this.#before = before;
    this.#ordinary = new OrdinarySession(host.name);
  }

  async run(): Promise<void> {
    for (let index = 0; index < this.#steps.length; index++) {
      const step = this.#steps[index];
      if (step === undefined) return;
      if (!(await this.#perform(step, this.#steps[index + 1], this.#steps[index - 1]))) return;
      // The C: line that ends an ordinary stretch was heard with it.
      if (step.kind === 'ordinary') index++;
    }
    if (this.#isQuitting) return this.#socket.close();
    // The script has no more to say: nor should the probe.
    const command = await this.#socket.line();
    if (command !== null) await this.#partWays('nothing more', command);
  }

  /** Whether the play goes on. */
  async #perform(step: Step, next: Step | undefined, before: Step | undefined): Promise<boolean> {
    switch (step.kind) {
      case 'says':
        await this.#say(step.octets, next?.kind === 'says' ? 'more follows' : 'now', next);
        return true;
      case 'expects':
        return this.#expect(step);
      case 'ordinary':
        return this.#beOrdinary(next);
      case 'does':
        return this.#do(step, before);
    }
  }

  /** What an ordinary host says is the same in every connection: dribbled once, it has been. */
  get #ordinarily(): 'now' | 'at once' {
    return this.#isFirst ? 'now' : 'at once';
  }

  async #say(octets: string, when: 'now' | 'at once' | 'more follows', next?: Step): Promise<void> {
    const early = this.#socket.buffered;
    if (!this.#hasSpoken && early !== '')
      this.#note(`${this.#place}: the probe spoke before the opening reply: ${shown(early)}`);
    this.#hasSpoken = true;
    if (/^250[ -]PIPELINING\b/im.test(octets)) this.#offersPipelining = true;
    if (this.#answering !== null) this.#ordinary.answered(this.#answering, /^[23]/.test(octets));
    this.#answering = null;
    // Lines in a row leave in one write, and the client's hello of TLS is no SMTP line.
    if (next?.kind === 'does' && next.deed === 'starttls') this.#socket.stopReading();
    await this.#socket.say(octets, when);
  }

  async #expect(step: Extract<Step, { kind: 'expects' }>): Promise<boolean> {
    const expected = this.#filled(step.command);
    const command = await this.#socket.line();
    const place = `${this.#place}, line ${step.line}`;
    if (command === null) {
      this.#note(`${place}: the probe closed where it was to say ${shown(expected)}`);
      return false;
    }
    if (!this.#isSaid(step.command, command)) return this.#partWays(shown(expected), command, `, line ${step.line}`);
    this.#heard(command);
    this.#answering = command;
    return true;
  }

  /** Answers as ordinary hosts do, until the probe says what `until` holds. */
  async #beOrdinary(until: Step | undefined): Promise<boolean> {
    if (!this.#hasSpoken) await this.#say(ordinaryGreeting(this.#host.name), this.#ordinarily);
    const awaited = until?.kind === 'expects' ? until : null;
    for (;;) {
      const command = await this.#socket.line();
      if (command === null) {
        if (awaited !== null)
          this.#note(`${this.#place}, line ${awaited.line}: the probe never said ${shown(awaited.command)}`);
        return false;
      }
      this.#heard(command);
      if (awaited !== null && this.#isSaid(awaited.command, command)) {
        this.#answering = command;
        return true;
      }
      const reply = this.#ordinary.reply(command) ?? '500 5.5.2 Error: command not recognized\r\n';
      if (!this.#stage.mayProvoke && /^5(?:0\d|55)/.test(reply)) return this.#partWays('an ordinary command', command);
      await this.#say(reply, this.#ordinarily);
      if (!this.#isQuitting) continue;
      if (awaited !== null)
        this.#note(`${this.#place}, line ${awaited.line}: the probe never said ${shown(awaited.command)}`);
      this.#socket.close();
      return false;
    }
  }

  async #do(step: Extract<Step, { kind: 'does' }>, before: Step | undefined): Promise<boolean> {
    switch (step.deed) {
      case 'close':
        this.#socket.close();
        return false;
      case 'reset':
        this.#socket.reset();
        return false;
      case 'stall':
      case 'stay':
        return false;
      case 'pause':
        await new Promise((resolve) => setTimeout(resolve, step.ms));
        return true;
      case 'queue':
        await this.#before;
        return true;
      case 'dribble':
        this.#socket.dribble(step.ms);
        return true;
      case 'repeat':
        await this.#socket.flood(before?.kind === 'says' ? before.octets : '');
        return false;
      case 'starttls':
        if (this.#socket.buffered !== '')
          this.#note(`${this.#place}, line ${step.line}: plaintext came behind STARTTLS`);
        this.#offersPipelining = false;
        this.#ordinary = new OrdinarySession(this.#host.name);
        return this.#socket.secure();
      case 'refuse':
        return false; // the lab does not listen for such a host
    }
  }

  #heard(command: string): void {
    this.#isQuitting = /^quit$/i.test(command);
    if (this.#ordinary.isInMessage) return;
    // RFC 2920 2: commands in a row only where the EHLO reply offered it.
    if (!this.#offersPipelining && this.#socket.buffered.includes('\n')) {
      this.#note(`${this.#place}: more commands behind ${shown(command)}, and PIPELINING was not offered`);
    }
  }

  /** The probe left the script: 500 to everything, 221 to QUIT. */
  async #partWays(expected: string, said: string, where = ''): Promise<false> {
    this.#note(`${this.#place}${where}: expected ${expected}, the probe said ${shown(said)}`);
    for (let command: string | null = said; command !== null; command = await this.#socket.line()) {
      await this.#socket.say(command === 'QUIT' ? '221 2.0.0 Bye\r\n' : '500 5.5.1 not in the scenario\r\n', 'now');
      if (command === 'QUIT') this.#socket.close();
    }
    return false;
  }

  #isSaid(template: string, command: string): boolean {
    const before = this.#filled(template);
    if (before === command) return true;
    const { control } = this.#stage;
    const [head = '', tail] = this.#wire(template).split('{random}');
    if (control.localPart !== null || tail === undefined) return false;
    const localPart = command.slice(head.length, command.length - tail.length);
    if (command !== head + localPart + tail || !CONTROL_LOCAL_PART.test(localPart)) return false;
    control.localPart = localPart;
    return true;
  }

  #filled(template: string): string {
    return this.#wire(template).replace('{random}', this.#stage.control.localPart ?? '{random}');
  }

  /** A template in octets: UTF-8 on the wire (RFC 6531), latin1 in memory. */
  #wire(template: string): string {
    return Buffer.from(template.replace('{literal}', `[${this.#stage.address}]`)).toString('latin1');
  }

  #note(mismatch: string): void {
    this.#mismatches.push(mismatch);
  }
}

const shown = (line: string): string => `"${visible(line)}"`;
