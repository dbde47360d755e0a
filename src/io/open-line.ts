// Opens a line: a TCP connection to an IP address, within its own deadline.
import { connect, isIP } from 'node:net';
import type { ConnectOutcome } from '../smtp/outcome.js';
import { onAbort } from './abort.js';
import type { ConnectOptions } from './ports.js';
import { Line } from './transport.js';

/** Octets taken from the socket at once: one buffer a line, used again and again. */
const READ_OCTETS = 4096;

/** Opens a line to an IP address. Never rejects for what the network does; a name for an address is our own bug. */
export function openLine(
  options: ConnectOptions,
): Promise<{ readonly outcome: ConnectOutcome; readonly line: Line | null }> {
  const { address, port, timeoutMs, signal } = options;
  if (isIP(address) === 0) return Promise.reject(new RangeError('a line is opened to an IP address, never to a name'));
  // Nothing is waited for, so no clock is read.
  if (signal?.aborted === true) {
    return Promise.resolve({ outcome: { kind: 'interrupted', afterMs: 0, code: null }, line: null });
  }
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const fail = (kind: ConnectFailure, code: string | null): void => {
      resolve({ outcome: { kind, afterMs: Math.round(performance.now() - startedAt), code }, line: null });
    };

    let line: Line | null = null;
    const buffer = Buffer.allocUnsafeSlow(READ_OCTETS);
    const socket = connect({
      host: address,
      port,
      autoSelectFamily: false,
      noDelay: true,
      onread: { buffer, callback: (count) => line?.take(buffer.toString('latin1', 0, count)) ?? false },
    });
    const stop = (kind: ConnectFailure, code: string | null): void => {
      clearTimeout(timer);
      forget();
      socket.destroy();
      fail(kind, code);
    };
    const timer = setTimeout(() => stop('timeout', null), timeoutMs);
    const forget = onAbort(signal, () => stop('interrupted', null));
    const onError = (error: NodeJS.ErrnoException): void => stop(connectFailure(error.code), error.code ?? null);
    socket.on('error', onError);
    socket.once('connect', () => {
      clearTimeout(timer);
      forget();
      line = new Line(socket, signal);
      socket.off('error', onError);
      const localAddress = socket.localAddress ?? '';
      resolve({
        outcome: { kind: 'connected', afterMs: Math.round(performance.now() - startedAt), localAddress },
        line,
      });
    });
  });
}

type ConnectFailure = Exclude<ConnectOutcome['kind'], 'connected'>;

function connectFailure(code: string | undefined): ConnectFailure {
  switch (code) {
    case 'ECONNREFUSED':
      return 'refused';
    case 'ETIMEDOUT':
      return 'timeout';
    case 'ECONNRESET':
      return 'reset';
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EMFILE':
    case 'ENFILE':
    case 'EACCES':
    case 'EPERM':
      // Not the host's doing: no way there, no descriptor left, or a firewall rule of this machine.
      return 'no-route';
    default:
      return 'unreachable';
  }
}
