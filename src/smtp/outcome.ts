// What can come of each step of a session. What a peer does is data: none of these is an exception.
import type { Reply } from './reply.js';
import type { NotAReply } from './reply-parser.js';

/** What came of awaiting a reply. `partial` and `raw` are octets of the host, latin1, cut at 4096. */
export type Outcome =
  | { readonly kind: 'reply'; readonly reply: Reply; readonly afterMs: number }
  | { readonly kind: 'timeout'; readonly afterMs: number; readonly partial: string }
  /** A reply that no command was waiting for: the sides have lost step. The command of this exchange was not sent. */
  | { readonly kind: 'out-of-turn'; readonly reply: Reply; readonly afterMs: number }
  | { readonly kind: 'not-a-reply'; readonly why: NotAReply; readonly raw: string; readonly afterMs: number }
  | { readonly kind: 'closed'; readonly how: 'fin' | 'reset'; readonly afterMs: number; readonly partial: string }
  /** We stopped: Ctrl-C, or the end of --max-time. */
  | { readonly kind: 'interrupted'; readonly afterMs: number };

/** What came of sending nothing for a while. `timeout` is not among them: quiet is what was asked for. */
export type LingerOutcome =
  | { readonly kind: 'quiet'; readonly afterMs: number }
  | Extract<Outcome, { kind: 'out-of-turn' | 'not-a-reply' | 'closed' | 'interrupted' }>;

/** What a TLS session told about itself. The certificate is noted, never judged (RFC 3207 4.1 leaves it to policy). */
export interface TlsFacts {
  readonly protocol: string;
  readonly cipher: string;
  readonly certificate: {
    readonly subject: string;
    readonly issuer: string;
    readonly validTo: string;
    /** True where it verifies against the system's roots and names the mail host. */
    readonly trusted: boolean;
    /** Why not, in OpenSSL's word, else null. */
    readonly problem: string | null;
  } | null;
}

/** What came of a TLS handshake after `220` to STARTTLS. `injected`: plaintext lay behind the 220 (RFC 3207 4.2). */
export type HandshakeOutcome =
  | { readonly kind: 'secured'; readonly tls: TlsFacts; readonly afterMs: number }
  | { readonly kind: 'tls-failed'; readonly why: string; readonly afterMs: number }
  | { readonly kind: 'injected'; readonly raw: string; readonly afterMs: number }
  | Extract<Outcome, { kind: 'timeout' | 'closed' | 'interrupted' }>;

/**
 * What came of another connection to the same address, beside the one of the session. `opening` is null where no
 * connection came about, `hello` where no greeting did: EHLO was not said then.
 */
export interface BesideOutcome {
  readonly kind: 'beside';
  readonly afterMs: number;
  readonly connect: ConnectOutcome;
  readonly opening: Outcome | null;
  readonly hello: Outcome | null;
}

/** What came of opening a TCP connection. `no-route` is this machine's lack of a way there, IPv6 for one. */
export type ConnectOutcome =
  | { readonly kind: 'connected'; readonly afterMs: number; readonly localAddress: string }
  | {
      readonly kind: 'refused' | 'timeout' | 'reset' | 'unreachable' | 'no-route' | 'interrupted';
      readonly afterMs: number;
      readonly code: string | null;
    };
