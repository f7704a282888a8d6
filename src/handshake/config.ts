import type { CryptoProvider, Signer } from '../crypto/provider.ts';
import type { EchKeys } from '../ech/keys.ts';
import type { AntiReplay, Session, SessionTickets } from '../session/session.ts';
import type { Lender } from '../wire/bytes.ts';

/** What the outside world gives a connection: the core itself has no clock and no randomness. */
export interface Environment {
  readonly crypto: CryptoProvider;
  /** Cryptographically secure random bytes. */
  readonly random: (length: number) => Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /**
   * Space for what a connection writes, asked for with a minimum length in bytes. A caller that owns the provider's memory
   * hands out regions of it, so that nothing is copied. Without them, fresh arrays are used.
   */
  readonly memory?: {
    /** Space for records; owned by the connection until `takeOutput` returns it. */
    output(minimumLength: number): Uint8Array;
    /** Space for received application data; borrowed until the call (`receive`, `resolve`) that asked for it returns. */
    plaintext(minimumLength: number): Uint8Array;
    /** Space for what has come of a record until its rest comes. Default: fresh arrays. */
    readonly incomplete?: Lender;
  };
}

/** A key that the certificate's key has delegated to, for some days (RFC 9345). */
export interface DelegatedCredential {
  /** The serialized DelegatedCredential (§4). */
  readonly credential: Uint8Array;
  /** Holds its private key. */
  readonly signer: Signer;
  /** dc_cert_verify_algorithm: the SignatureScheme of its signatures. */
  readonly scheme: number;
  /** algorithm: the SignatureScheme it was signed with. */
  readonly issuedWith: number;
  /** Milliseconds since the epoch: from then on the certificate's own key signs. */
  readonly expires: number;
}

/** One certificate with its key, as the handshake needs it. */
export interface Credentials {
  /**
   * DER certificates, the end entity's first; of a raw public key its DER SubjectPublicKeyInfo alone. Empty for a server that
   * authenticates by PSKs alone.
   */
  readonly chain: readonly Uint8Array[];
  readonly signer: Signer;
  /** CertificateType code point (RFC 7250) of `chain`. Default: X509. A peer that does not take it is refused. */
  readonly certificateType?: number;
  /** DER OCSPResponse to staple (RFC 6066 §8). */
  readonly ocspResponse?: Uint8Array;
  /** A SignedCertificateTimestampList (RFC 6962 §3.3). */
  readonly signedCertificateTimestamps?: Uint8Array;
  /** Signs in place of the certificate's own key for clients that take it (RFC 9345). Servers only. */
  readonly delegatedCredential?: DelegatedCredential;
}

/** What a server is for one name: its credentials, and what differs from the connection's configuration there. */
export interface HostConfig extends Credentials {
  /** In place of `ServerConfig.applicationProtocols`. */
  readonly applicationProtocols?: readonly string[];
  /** In place of `ServerConfig.clientAuthentication`. */
  readonly clientAuthentication?: ClientAuthentication;
  /** Sessions resume within one context only. Default: ''. Give each host and each set of client-certificate rules its own. */
  readonly sessionContext?: string;
}

export interface ClientAuthentication {
  readonly mode: 'request' | 'require';
  /** DER DistinguishedNames sent as a hint (certificate_authorities). */
  readonly authorities?: readonly Uint8Array[];
  /** CertificateType code points (RFC 7250) accepted, in order of preference. Default: X509 alone. */
  readonly certificateTypes?: readonly number[];
}

/** Compresses certificate messages (RFC 8879); made of what the runtime offers. */
export interface CertificateCompression {
  /** CertificateCompressionAlgorithm code points in order of preference. */
  readonly algorithms: readonly number[];
  compress(algorithm: number, message: Uint8Array): Uint8Array;
  /** Never more than `length` bytes; undefined when the input is malformed or does not give exactly that many. */
  decompress(algorithm: number, compressed: Uint8Array, length: number): Uint8Array | undefined;
}

/** What both roles can be told. */
export interface CommonConfig extends Environment {
  /** CipherSuite code points in order of preference. Default: ChaCha20-Poly1305, AES-128-GCM, AES-256-GCM. */
  readonly cipherSuites?: readonly number[];
  /** NamedGroup code points in order of preference. Default: all the provider has but P-384, which is costly, in its order. */
  readonly groups?: readonly number[];
  /** ALPN protocol names in order of preference (RFC 7301). Default: none. */
  readonly applicationProtocols?: readonly string[];
  /** Records are zero-padded to a multiple of this many bytes, 1 to 16384. Default 1: no padding. */
  readonly paddingMultiple?: number;
  /** Most plaintext bytes in a record that is sent, 64 to 16384. Default 16384. */
  readonly maxFragmentLength?: number;
  /** Most plaintext bytes in a record that is received, announced by record_size_limit (RFC 8449), 64 to 16384. Default 16384. */
  readonly receiveFragmentLength?: number;
  /**
   * The first records of application data are as small as a TCP segment until the first congestion window is through, so that the
   * receiver can begin with the first segment; after that they are full. Default true.
   */
  readonly rampRecords?: boolean;
  readonly certificateCompression?: CertificateCompression;
  /** Called with SSLKEYLOGFILE labels (RFC 9850). What it gets is secret: off unless the user asked for it. */
  readonly keyLog?: (label: string, clientRandom: Uint8Array, secret: Uint8Array) => void;
  readonly limits?: Partial<Limits>;
}

export interface ServerConfig extends CommonConfig {
  /** Default: clients are not asked for a certificate. */
  readonly clientAuthentication?: ClientAuthentication;
  /** SignatureScheme code points accepted from clients, in order of preference. Default: all of TLS 1.3's. */
  readonly verifySchemes?: readonly number[];
  /** Open Encrypted Client Hellos (RFC 9849) with these keys. Default: the extension is not known. */
  readonly encryptedClientHello?: EchKeys;
  /** Refuse clients that send no server_name (`missing_extension`). Default false. */
  readonly requireServerName?: boolean;
  /** Without it there is no resumption. */
  readonly tickets?: {
    readonly store: SessionTickets;
    /** Tickets per connection, 0 to 16; after a resumption one at most. Default 2. */
    readonly count?: number;
    /** Seconds, at most 604800 (7 days). Default 86400. */
    readonly lifetime?: number;
    /** They leave together with our first application data and save a write, instead of right after the handshake. Default false. */
    readonly withFirstData?: boolean;
  };
  /**
   * Put an extension that means nothing into every ticket, so that clients do not unlearn to ignore what they do not know (RFC 8701
   * §4). Default false.
   */
  readonly grease?: boolean;
  /** Without it early data is refused. It needs `tickets`. */
  readonly earlyData?: {
    /** Bytes. */
    readonly maxSize: number;
    /**
     * Milliseconds that the age a client claims for its ticket may be off (§8.3), up to 600000. Default 10000. The register of
     * `antiReplay` has to remember for twice as long.
     */
    readonly ageTolerance?: number;
    readonly antiReplay: AntiReplay;
    /** For which server names and protocols it is offered and accepted. Default: for all. */
    readonly allows?: (session: Pick<Session, 'serverName' | 'applicationProtocol'>) => boolean;
  };
  /** External PSKs (RFC 9846 §4.3.11), by identity, as `externalSession` makes them; `importPsk` makes those of RFC 9258. */
  readonly externalPsk?: (identity: Uint8Array) => Session | undefined;
}

export interface ClientConfig extends CommonConfig {
  /** Sent as server_name, and what the server's certificate must be for. */
  readonly serverName?: string;
  /** For servers that ask for a certificate. */
  readonly credentials?: Credentials;
  /** SignatureScheme code points accepted from the server. Default: all of TLS 1.3's. */
  readonly verifySchemes?: readonly number[];
  /** CertificateType code points (RFC 7250) accepted of the server, in order of preference. Default: X509 alone. */
  readonly serverCertificateTypes?: readonly number[];
  /** Groups to send key shares for in the first ClientHello. Default: the first of `groups`. */
  readonly keyShareGroups?: readonly number[];
  readonly requestOcsp?: boolean;
  /** A session to resume with its ticket, or an external PSK with its identity. */
  readonly resume?: { readonly session: Session; readonly ticket: Uint8Array };
}

/** Bounds on what a peer can make this side hold or do; 0 allows none. */
export interface Limits {
  /** Bytes of one handshake message that carries certificates or a ticket. Default 65536; other messages: at most 16384. */
  readonly handshakeMessageLength: number;
  /** Bytes of one ClientHello. Default 16384. */
  readonly clientHelloLength: number;
  /** Extensions in one block. Default 64. */
  readonly extensions: number;
  /** Certificates in a peer's chain. Default 10. */
  readonly certificates: number;
  /** PSK identities looked at. Default 4. */
  readonly pskIdentities: number;
  /** Records without content in a row. Default 32. */
  readonly emptyRecords: number;
  /** change_cipher_spec records in all. Default 4. */
  readonly changeCipherSpecs: number;
  /** Warning alerts in all. Default 4. */
  readonly warningAlerts: number;
  /** KeyUpdates in a row, without application data between. Default 16. */
  readonly keyUpdates: number;
  /** KeyUpdates within a second, whatever comes between: each makes this side derive and install keys. Default 32. */
  readonly keyUpdatesPerSecond: number;
  /** Bytes of rejected early data that are skipped; never less than `earlyData.maxSize`. Default 16384. */
  readonly skippedEarlyData: number;
  /** Client: tickets taken from one connection; what comes after is discarded. Default 32. */
  readonly tickets: number;
  /** Bytes held while an effect is pending; `receive` throws when there are more. Default 1048576. */
  readonly pendingInput: number;
}

export const DEFAULT_LIMITS: Limits = {
  handshakeMessageLength: 65536,
  clientHelloLength: 16384,
  extensions: 64,
  certificates: 10,
  pskIdentities: 4,
  emptyRecords: 32,
  changeCipherSpecs: 4,
  warningAlerts: 4,
  keyUpdates: 16,
  keyUpdatesPerSecond: 32,
  skippedEarlyData: 16384,
  tickets: 32,
  pendingInput: 1 << 20,
};
