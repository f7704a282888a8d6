import type { TlsError } from '../error.ts';

/** What a finished handshake agreed on. */
export interface HandshakeInfo {
  readonly role: 'server' | 'client';
  readonly version: 'TLSv1.3';
  readonly cipherSuite: number;
  readonly cipherSuiteName: string;
  /** NamedGroup code point; undefined for a PSK without (EC)DHE. */
  readonly group: number | undefined;
  readonly groupName: string | undefined;
  /** The server name the client asked for, lower case. */
  readonly serverName: string | undefined;
  readonly applicationProtocol: string | undefined;
  /** SignatureScheme of the server's CertificateVerify; undefined when resumed. */
  readonly signatureScheme: number | undefined;
  readonly helloRetryRequest: boolean;
  readonly resumed: boolean;
  /** DER certificates of the peer, end entity first; empty when it did not authenticate. */
  readonly peerCertificates: readonly Uint8Array[];
}

/** What a connection reports, in order. */
export type ConnectionEvent =
  | { readonly type: 'handshake'; readonly info: HandshakeInfo }
  /** Application data. `bytes` is valid until the next call into the connection, or lies in memory the caller provided. */
  | { readonly type: 'data'; readonly bytes: Uint8Array; readonly early: boolean }
  /** The peer sent close_notify: its direction ended cleanly. Ours is still open. */
  | { readonly type: 'end' }
  /** The peer moved to its next traffic key. */
  | { readonly type: 'key_update'; readonly replyRequested: boolean }
  /** The connection is over; what is in the output still should be sent (the alert). */
  | { readonly type: 'failed'; readonly error: TlsError };
