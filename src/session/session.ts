/** RFC 9846 §4.7.1: a ticket lives for seven days at most. Seconds. */
export const MAX_TICKET_LIFETIME = 604800;

/** Where a PSK comes from: a ticket, or from outside, as it is or imported (RFC 9258). Binders keep them apart. */
export type PskKind = 'resumption' | 'external' | 'imported';

/** A pre-shared key with what it is bound to (RFC 9846 §2.2, §4.7.1). */
export interface Session {
  readonly kind: PskKind;
  /** The PSK: secret. */
  readonly secret: Uint8Array;
  /** CipherSuite the session was made under; its hash binds the PSK. */
  readonly cipherSuite: number;
  /** The server name of the connection that made it, undefined for none. A resumption must ask for the same. */
  readonly serverName: string | undefined;
  readonly applicationProtocol: string | undefined;
  /** Names the server's configuration it was made under: another host, or other rules for client certificates, is another. */
  readonly context: string;
  /** Milliseconds since the epoch: when this ticket was made. */
  readonly createdAt: number;
  /** When the certificates were last checked and a full key exchange began this line of resumptions: it does not move with them. */
  readonly authenticatedAt: number;
  /** Seconds. */
  readonly lifetime: number;
  readonly ageAdd: number;
  /** Most bytes of early data; 0 for none. */
  readonly maxEarlyDataSize: number;
  /** The client's DER certificates, end entity first, when it authenticated. */
  readonly peerCertificates: readonly Uint8Array[];
  /** CertificateType of `peerCertificates` (RFC 7250). Default: X509. */
  readonly peerCertificateType?: number;
}

/**
 * A pre-shared key that was agreed on outside of TLS (RFC 9846 §4.3.11), bound to the hash of `cipherSuite` alone: what `externalPsk`
 * answers with.
 */
export function externalSession(
  secret: Uint8Array,
  cipherSuite: number,
  kind: 'external' | 'imported' = 'external',
): Session {
  return {
    kind,
    secret,
    cipherSuite,
    serverName: undefined,
    applicationProtocol: undefined,
    context: '',
    createdAt: 0,
    authenticatedAt: 0,
    lifetime: 0,
    ageAdd: 0,
    maxEarlyDataSize: 0,
    peerCertificates: [],
  };
}

/** Turns sessions into tickets and back: by sealing them (stateless) or by storing them. May be remote, so asynchronous. */
export interface SessionTickets {
  /** The ticket a client may come back with, 1 to 65535 bytes; undefined when this session is not to be resumed. */
  seal(session: Session, now: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
  /** The session of a ticket; undefined when it is not ours, was altered, or is too old. */
  open(ticket: Uint8Array, now: number): Session | undefined | Promise<Session | undefined>;
}

/** The anti-replay register of RFC 9846 §8. */
export interface AntiReplay {
  /** True the first time it sees `binder` (unique to a ClientHello) within its window; false ever after, or when it cannot tell. */
  accept(binder: Uint8Array, now: number): boolean | Promise<boolean>;
}
