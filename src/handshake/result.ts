import type { Secret } from '../crypto/provider.ts';
import type { Suite } from './flow.ts';

/** What a finished handshake agreed on. */
export interface HandshakeInfo {
  readonly role: 'server' | 'client';
  readonly version: 'TLSv1.3';
  readonly cipherSuite: number;
  readonly cipherSuiteName: string;
  /** NamedGroup code point of the key exchange. */
  readonly group: number;
  readonly groupName: string;
  /** The server name the client asked for, lower case. */
  readonly serverName: string | undefined;
  readonly applicationProtocol: string | undefined;
  /** SignatureScheme of the server's CertificateVerify; undefined when resumed. */
  readonly signatureScheme: number | undefined;
  readonly helloRetryRequest: boolean;
  /**
   * Server with ECH keys: whether it opened the client's Encrypted Client Hello; undefined where there was none. Rejected are also
   * those that clients send without meaning it (GREASE).
   */
  readonly encryptedClientHello: 'accepted' | 'rejected' | undefined;
  readonly resumed: boolean;
  /** Identity of the external PSK (RFC 9846 §4.3.11) both sides hold; undefined for certificates and resumption. */
  readonly pskIdentity: Uint8Array | undefined;
  /**
   * Server, resumed: by how much the age that the client claims for its ticket is above what it is, in milliseconds (§8.3).
   * Large ones tell of replays, or of clocks that run differently.
   */
  readonly ticketAgeSkew: number | undefined;
  /** Early data was offered and accepted. */
  readonly earlyData: boolean;
  /** DER certificates of the peer, end entity first; empty when it did not authenticate. */
  readonly peerCertificates: readonly Uint8Array[];
  /** CertificateType of `peerCertificates`: X509, or RawPublicKey for one DER SubjectPublicKeyInfo (RFC 7250). */
  readonly peerCertificateType: number;
}

/** What the connection keeps when the handshake is over. The secrets are its own to wipe. */
export interface HandshakeResult {
  readonly info: HandshakeInfo;
  readonly suite: Suite;
  readonly readSecret: Secret;
  readonly writeSecret: Secret;
  readonly exporterSecret: Secret;
  /** Client: the secret that tickets turn into PSKs. */
  readonly resumptionSecret: Secret | undefined;
  /** What was sent last (a server's tickets) need not leave before the first application data. */
  readonly lastFlightWaits: boolean;
}
