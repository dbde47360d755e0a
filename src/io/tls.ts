// TLS for the line (RFC 3207): a certificate is noted, never judged, so old protocols and weak keys are let in
// (4.1 leaves it to policy).
import { isIP, type Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { HandshakeOutcome, TlsFacts } from '../smtp/outcome.js';

/** The package of TLS, loaded with the first handshake. */
export type Tls = typeof import('node:tls');

/** Begins a handshake over a connected socket. SNI only for names (RFC 6066 3). */
export function beginHandshake(tls: Tls, socket: Socket, host: string): TLSSocket {
  const name = isDnsName(host) ? { servername: host } : {};
  return tls.connect({
    socket,
    ...name,
    secureContext: lenientContext(tls),
    rejectUnauthorized: false,
    // The name is checked in tlsFacts, where odd names in a certificate can only be noted.
    checkServerIdentity: () => undefined,
  });
}

/** What a handshake that came to its end told, or that the certificate is one that this Node cannot read. */
export function handshakeOutcome(secure: TLSSocket, host: string, afterMs: number): HandshakeOutcome {
  try {
    return { kind: 'secured', tls: tlsFacts(secure, host), afterMs };
  } catch (error) {
    // The host's certificate is the host's doing, so data.
    return { kind: 'tls-failed', why: `unreadable certificate: ${String(error).slice(0, 100)}`, afterMs };
  }
}

/** Whether a mail host may be named by SNI: RFC 6066 3 wants a DNS name, never an IP address. */
const isDnsName = (host: string): boolean =>
  isIP(host) === 0 && /^[\w-]+(?:\.[\w-]+)*$/.test(host) && host.length < 254;

let context: SecureContext | undefined;

/** One context for all handshakes: every protocol from TLS 1.0 on and keys of any size. */
function lenientContext(tls: Tls): SecureContext {
  context ??= tls.createSecureContext({ minVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' });
  return context;
}

/** Node reports a FIN inside the handshake as ECONNRESET too, but without the system call that failed. */
export function handshakeFailure(error: NodeJS.ErrnoException, afterMs: number): HandshakeOutcome {
  const { code, syscall } = error;
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return { kind: 'closed', how: syscall === undefined ? 'fin' : 'reset', afterMs, partial: '' };
  }
  return { kind: 'tls-failed', why: code ?? error.message.slice(0, 100), afterMs };
}

function tlsFacts(secure: TLSSocket, host: string): TlsFacts {
  const protocol = secure.getProtocol() ?? 'unknown';
  const cipher = secure.getCipher().name;
  const certificate = secure.getPeerX509Certificate();
  if (certificate === undefined) return { protocol, cipher, certificate: null };
  const isNamed =
    isIP(host) === 0
      ? isDnsName(host) && certificate.checkHost(host) !== undefined
      : certificate.checkIP(host) !== undefined;
  const mismatch = isNamed ? null : 'ERR_TLS_CERT_ALTNAME_INVALID';
  // An OpenSSL code, though its declared type is Error.
  const problem = secure.authorized ? mismatch : String(secure.authorizationError);
  const validTo = new Date(certificate.validTo);
  return {
    protocol,
    cipher,
    certificate: {
      subject: distinguishedName(certificate.subject),
      issuer: distinguishedName(certificate.issuer),
      validTo: Number.isNaN(validTo.getTime()) ? certificate.validTo : validTo.toISOString(),
      trusted: problem === null,
      problem,
    },
  };
}

/** On one line, cut: a certificate may carry any amount of text. */
function distinguishedName(lines: string | undefined): string {
  return (lines ?? '').replaceAll('\n', ', ').slice(0, 512);
}
