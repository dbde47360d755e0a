// A real server, started for one test in a folder of its own and gone afterwards.
//
// install.sh unpacked each server into a root (`.mta-cache/<server>`). An instance is a copy of that root by hard links,
// which takes some ten milliseconds, with the test's configuration written into it; the server runs in a chroot there.
// So it sees neither the machine's mail configuration nor its resolver, and whatever process has that folder as its root
// is one of ours: the keeper finds them all by that, however they forked, and ends them even when the test is killed.

import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { chown, chmod, mkdir, mkdtemp, readFile, readdir, rename, utimes, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

// The servers get nothing of our environment.
const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' };

/** Where install.sh unpacked the servers. */
export const cache = resolve(process.env['MTA_CACHE'] ?? '.mta-cache');

export type ServerName =
  | 'postfix'
  | 'exim'
  | 'sendmail'
  | 'opensmtpd'
  | 'courier'
  | 'qpsmtpd'
  | 'aiosmtpd'
  | 'haraka'
  | 'nsd';

const longAgo = new Date('2020-01-01T00:00:00Z');

/** The users of the roots' /etc/passwd, as install.sh writes it. */
export const users = {
  postfix: 64101,
  postdrop: 64102,
  exim: 64103,
  smmta: 64104,
  smmsp: 64105,
  opensmtpd: 64106,
  opensmtpq: 64107,
  nsd: 64108,
  courier: 64109,
  qpsmtpd: 64110,
  alice: 64200,
} as const;

/** Says why the real servers cannot run here, or nothing. */
export function whyNotHere(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root (the servers run in a chroot)';
  if (!existsSync(join(cache, 'tls', 'cert.pem'))) return 'run test/mta/install.sh first';
  return undefined;
}

/** The package and version that install.sh unpacked, such as `postfix 3.7.11-0+deb12u1`. */
export function versionOf(server: ServerName): string {
  return readFileSync(join(cache, `${server}.version`), 'utf8').trim();
}

/** What a launcher promises: a mail host that greets at an address, and ends without a trace. */
export interface MailHost {
  readonly address: string;
  readonly port: number;
  /** The server's own log so far. */
  log(): Promise<string>;
  /**
   * The signs of a message that it took: files in its queues, lines in its log. Empty for as long as nobody sends mail;
   * Postfix has a file in `incoming` while a transaction is open, and for a moment after.
   */
  accepted(): Promise<readonly string[]>;
  /** Ends every process of it and removes its folder. */
  stop(): Promise<void>;
}

/** Where a mail host is to listen and what it is to serve. */
export interface Place {
  readonly domain: string;
  readonly address: string;
  readonly port: number;
}

export interface Instance {
  readonly root: string;
  /** Writes a file of the instance, with its folders; never through a hard link into the cache. */
  write(path: string, content: string, mode?: number): Promise<void>;
  folder(path: string, uid: number, gid: number, mode?: number): Promise<void>;
  /** Runs a program of the root to its end (10 s at most), with a standard input, and gives its standard output. */
  exec(argv: readonly string[], input?: string): Promise<string>;
  /** Starts the server itself, in the foreground. */
  start(...argv: readonly string[]): void;
  /** What the server wrote on its standard streams, and the log file if one is named. */
  log(path?: string): Promise<string>;
  /** The paths of all files below a folder of the root. */
  files(path: string): Promise<readonly string[]>;
  stop(): Promise<void>;
}

/** Makes an instance of a server; nothing runs yet. */
export async function makeInstance(server: ServerName): Promise<Instance> {
  await mkdir(join(cache, 'run'), { recursive: true });
  const root = await mkdtemp(join(cache, 'run', `${server}-`));
  await chmod(root, 0o755);
  await run('cp', ['--archive', '--link', `${join(cache, server)}/.`, root]);
  const keeper = startKeeper(root);
  let output = '';

  return {
    root,
    async write(path, content, mode = 0o644) {
      const file = join(root, path);
      await mkdir(dirname(file), { recursive: true });
      const fresh = `${file}.fresh`;
      await writeFile(fresh, content, { mode });
      await chmod(fresh, mode);
      // Postfix waits for as long as a file could still be in the writing.
      await utimes(fresh, longAgo, longAgo);
      await rename(fresh, file);
    },
    async folder(path, uid, gid, mode = 0o755) {
      const folder = join(root, path);
      await mkdir(folder, { recursive: true });
      await chown(folder, uid, gid);
      await chmod(folder, mode);
    },
    async exec(argv, input = '') {
      const running = run('/usr/sbin/chroot', [root, ...argv], { timeout: 10_000, env });
      // A program that ends before it has read everything says why by its exit code.
      running.child.stdin?.on('error', () => undefined).end(input);
      return (await running).stdout;
    },
    start(...argv) {
      const child = spawn('/usr/sbin/chroot', [root, ...argv], { stdio: ['ignore', 'pipe', 'pipe'], env });
      for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          if (output.length < 1_000_000) output += text;
        });
      }
      child.on('error', (error) => (output += `${error.message}\n`));
      child.on('exit', (code, signal) => (output += `(ended: ${code ?? signal})\n`));
    },
    async log(path) {
      return output + (path === undefined ? '' : await readFile(join(root, path), 'utf8').catch(() => ''));
    },
    async files(path) {
      const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true }).catch(() => []);
      return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    },
    async stop() {
      keeper.ref();
      keeper.stdin.end();
      await new Promise((done) => (keeper.exitCode === null ? keeper.once('exit', done) : done(undefined)));
    },
  };
}

// Sits beside an instance until stop(), or until the test process is gone for whatever reason; then ends every process
// that has the instance as its root and removes the folder: nothing in there is worth a polite shutdown.
const keeperScript = `
cat >/dev/null
for try in $(seq 100); do
  ours=$(find /proc -mindepth 2 -maxdepth 2 -name root -lname "$1" 2>/dev/null | cut -d/ -f3)
  [ -z "$ours" ] && break
  kill -s KILL $ours 2>/dev/null
  sleep 0.03
done
rm -rf "$1"
`;

function startKeeper(root: string) {
  const keeper = spawn('sh', ['-c', keeperScript, 'keeper', root], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  keeper.unref();
  return keeper;
}

/** Finds a port that is free on each of the addresses, so that all hosts of a domain can share one `--port`. */
export async function freePort(addresses: readonly string[]): Promise<number> {
  for (let tries = 0; tries < 50; tries++) {
    // Below the range that the kernel takes for outgoing connections, so that none of those sits on it meanwhile.
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await Promise.all(addresses.map((address) => isFree(address, port)));
    if (free.every(Boolean)) return port;
  }
  throw new Error('no free port');
}

function isFree(address: string, port: number): Promise<boolean> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(false));
    server.listen(port, address, () => server.close(() => done(true)));
  });
}

/** The lines of a log that a pattern finds. */
export async function linesOf(log: () => Promise<string>, pattern: RegExp): Promise<readonly string[]> {
  return (await log()).split('\n').filter((line) => pattern.test(line));
}

/** How one knows that a server is up: by its opening reply, or by its listening where a connection would be remembered. */
export type Readiness = 'greets' | 'listens';

/** Waits until a server is up; a minute at most, then throws its log. */
export async function untilReady(
  place: Omit<Place, 'domain'>,
  readiness: Readiness,
  log: () => Promise<string>,
): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    if (await isReady(place, readiness)) return;
    await new Promise((done) => setTimeout(done, 20));
  }
  throw new Error(`nobody greets at ${place.address}:${place.port}:\n${await log()}`);
}

function isReady({ address, port }: Omit<Place, 'domain'>, readiness: Readiness): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: address, port });
    const end = (ready: boolean) => {
      socket.destroy();
      done(ready);
    };
    socket.setTimeout(5000, () => end(false));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    if (readiness === 'listens') {
      socket.on('connect', () => end(true));
      return;
    }
    socket.once('data', () => {
      // Leaves as a client should, so that no server counts this against the next one.
      socket.on('data', () => end(true));
      socket.removeAllListeners('close').on('close', () => end(true));
      socket.write('QUIT\r\n');
    });
  });
}
