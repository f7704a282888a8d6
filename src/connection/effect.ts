import type { Signer } from '../crypto/provider.ts';
import type { Credentials } from './config.ts';

/** What a ClientHello tells before anything is chosen. */
export interface ClientHelloInfo {
  /** Lower case; undefined when the client sent none. */
  readonly serverName: string | undefined;
  readonly applicationProtocols: readonly string[];
  readonly cipherSuites: readonly number[];
  readonly groups: readonly number[];
  readonly signatureSchemes: readonly number[];
}

/**
 * What a handshake waits for from outside. `Connection.pending` holds it; `Connection.resolve(value)` or `reject(error)`
 * goes on. While one is pending, received bytes are held and nothing is processed.
 */
export type Effect =
  /** Server: choose the credentials. Resolve with `Credentials`, or undefined for unrecognized_name. */
  | { readonly type: 'select_credentials'; readonly clientHello: ClientHelloInfo }
  /** Make the CertificateVerify signature. Resolve with its bytes. */
  | { readonly type: 'sign'; readonly signer: Signer; readonly scheme: number; readonly content: Uint8Array }
  /**
   * Check the peer's chain and its CertificateVerify. Resolve with true, or with the `Reason` (see error.ts) it fails for.
   */
  | {
    readonly type: 'verify_peer';
    readonly role: 'server' | 'client';
    readonly serverName: string | undefined;
    readonly chain: readonly Uint8Array[];
    readonly scheme: number;
    readonly content: Uint8Array;
    readonly signature: Uint8Array;
  };

/** What each effect is resolved with. */
export interface EffectResult {
  select_credentials: Credentials | undefined;
  sign: Uint8Array;
  verify_peer: true | import('../error.ts').Reason;
}
