import type { CryptoProvider, Signer } from '../crypto/provider.ts';
import type { CipherSuite } from '../registry/cipher_suite.ts';

/** What the outside world gives a connection: the core itself has no clock and no randomness. */
export interface Environment {
  readonly crypto: CryptoProvider;
  /** Cryptographically secure random bytes. */
  readonly random: (length: number) => Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /**
   * Space for what the connection writes, asked for with a minimum length in bytes. A caller that owns the provider's memory
   * hands out regions of it, so that nothing is copied. Without them, fresh arrays are used.
   */
  readonly memory?: {
    /** Space for records; owned by the connection until `takeOutput` returns it. */
    output(minimumLength: number): Uint8Array;
    /** Space for received application data; owned by the connection until the `data` event that carries it. */
    plaintext(minimumLength: number): Uint8Array;
  };
}

/** One certificate with its key, as the handshake needs it. */
export interface Credentials {
  /** DER certificates, the end entity's first. */
  readonly chain: readonly Uint8Array[];
  readonly signer: Signer;
  /** DER OCSPResponse to staple (RFC 6066 §8). */
  readonly ocspResponse?: Uint8Array;
  /** A SignedCertificateTimestampList (RFC 6962 §3.3). */
  readonly signedCertificateTimestamps?: Uint8Array;
}

/** What both roles can be told. All numbers have safe defaults. */
export interface CommonConfig extends Environment {
  /** In order of preference. Default: ChaCha20-Poly1305, AES-128-GCM, AES-256-GCM. */
  readonly cipherSuites?: readonly (typeof CipherSuite)[keyof typeof CipherSuite][];
  /** NamedGroup code points in order of preference. Default: all the provider has, its order. */
  readonly groups?: readonly number[];
  /** ALPN protocol names in order of preference (RFC 7301). Default: none. */
  readonly applicationProtocols?: readonly string[];
  /** Records are zero-padded to a multiple of this many bytes, 1 to 16384. Default 1: no padding. */
  readonly paddingMultiple?: number;
  /** Most plaintext bytes in a record that is sent, 64 to 16384. Default 16384. */
  readonly maxFragmentLength?: number;
  /** Called with SSLKEYLOGFILE labels (RFC 9850). The lines are secret: off unless the user asked for it. */
  readonly keyLog?: (label: string, clientRandom: Uint8Array, secret: Uint8Array) => void;
  readonly limits?: Partial<Limits>;
}

/** Bounds on what a peer can make this side hold or do. */
export interface Limits {
  /** Bytes of one handshake message, header excluded. Default 65536. */
  readonly handshakeMessageLength: number;
  /** Bytes of one ClientHello. Default 16384. */
  readonly clientHelloLength: number;
  /** Extensions in one message. Default 64. */
  readonly extensions: number;
  /** Records without content in a row. Default 16. */
  readonly emptyRecords: number;
  /** KeyUpdates received in a row, without application data between. Default 16. */
  readonly keyUpdates: number;
  /** Bytes received but not processed while an effect is pending. Default 65536. */
  readonly pendingInput: number;
}
