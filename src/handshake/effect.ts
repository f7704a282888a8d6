import type { Signer } from '../crypto/provider.ts';
import type { Reason } from '../error.ts';
import type { AntiReplay, Session, SessionTickets } from '../session/session.ts';
import type { HostConfig } from './config.ts';

/** What a ClientHello tells before anything is chosen. */
export interface ClientHelloInfo {
  /** Lower case; undefined when the client sent none. */
  readonly serverName: string | undefined;
  readonly applicationProtocols: readonly string[];
  readonly cipherSuites: readonly number[];
  readonly groups: readonly number[];
  readonly signatureSchemes: readonly number[];
  /** What it accepts in certificates: signature_algorithms_cert, or the same as `signatureSchemes`. */
  readonly certificateSignatureSchemes: readonly number[];
  /** What it accepts of delegated credentials (RFC 9345); empty where it takes none. */
  readonly delegatedCredentialSchemes: readonly number[];
  /** CertificateTypes (RFC 7250) it takes of a server, in its order of preference; X509 alone where it says nothing. */
  readonly serverCertificateTypes: readonly number[];
  /** DER DistinguishedNames of the authorities whose certificates it prefers; empty where it says nothing. */
  readonly certificateAuthorities: readonly Uint8Array[];
}

/**
 * What a handshake waits for from outside: a closed union. `Connection.pending` holds it; `Connection.resolve(value)` or
 * `reject(error)` goes on. While one is pending, received bytes are held and nothing is processed.
 */
export type Effect =
  /** Server: choose the host. Resolve with its `HostConfig`, or undefined for unrecognized_name. */
  | { readonly type: 'select_credentials'; readonly clientHello: ClientHelloInfo }
  /** Make the CertificateVerify signature. Resolve with its bytes. */
  | { readonly type: 'sign'; readonly signer: Signer; readonly scheme: number; readonly content: Uint8Array }
  /** Check the peer's chain and its CertificateVerify. Resolve with true, or with the `Reason` it fails for. */
  | {
    readonly type: 'verify_peer';
    /** Who is verified. */
    readonly role: 'server' | 'client';
    /** For a server: the name it must be for. */
    readonly serverName: string | undefined;
    /** CertificateType of `chain`: of a RawPublicKey it is one DER SubjectPublicKeyInfo. */
    readonly certificateType: number;
    readonly chain: readonly Uint8Array[];
    readonly scheme: number;
    readonly content: Uint8Array;
    readonly signature: Uint8Array;
    /** DER OCSPResponse stapled to the end entity's certificate. */
    readonly ocspResponse: Uint8Array | undefined;
  }
  /** Resolve with the result of `store.open`. */
  | { readonly type: 'open_ticket'; readonly store: SessionTickets; readonly ticket: Uint8Array; readonly now: number }
  /** Resolve with the result of `store.seal`. */
  | { readonly type: 'seal_ticket'; readonly store: SessionTickets; readonly session: Session; readonly now: number }
  /** Resolve with the result of `antiReplay.accept`. */
  | {
    readonly type: 'accept_early_data';
    readonly antiReplay: AntiReplay;
    readonly binder: Uint8Array;
    readonly now: number;
  };

/** Why a peer is not believed; `detail` is for the log, and safe to print. */
export interface PeerRefusal {
  readonly reason: Reason;
  readonly detail: string;
}

/** What each effect is resolved with. */
export interface EffectResult {
  select_credentials: HostConfig | undefined;
  sign: Uint8Array;
  verify_peer: true | Reason | PeerRefusal;
  open_ticket: Session | undefined;
  seal_ticket: Uint8Array | undefined;
  accept_early_data: boolean;
}
