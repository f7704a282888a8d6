/**
 * What the protocol core asks of cryptography: interfaces only. Everything here but `Signer` and `Verifier` is
 * synchronous. Implementations are in `crypto/wasm/` and `crypto/webcrypto/`; the tests add one over node:crypto as an oracle.
 *
 * Byte arrays that are returned belong to the caller, who wipes them where they are secret. Arguments are never retained.
 */

/** A hash with HMAC (RFC 2104) and HKDF (RFC 5869) over it. */
export interface Hash {
  readonly name: 'SHA-256' | 'SHA-384';
  /** Bytes: 32 or 48. */
  readonly digestLength: number;
  digest(message: Uint8Array): Uint8Array;
  /** A hash in progress, to be wiped when it is done with. */
  start(): RunningHash;
  /** Takes `bytes`, `digestLength` of them, as a secret. Copies them; the caller wipes its own. */
  secret(bytes: Uint8Array): Secret;
  hmac(key: Uint8Array, message: Uint8Array): Uint8Array;
  /** HKDF-Extract(salt, IKM) → PRK of `digestLength` bytes. */
  extract(salt: Uint8Array, inputKeyingMaterial: Uint8Array): Uint8Array;
  /** HKDF-Expand(PRK, info, L). `length` ≤ 255 × `digestLength`. */
  expand(pseudorandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array;
}

export interface RunningHash {
  update(bytes: Uint8Array): void;
  /** The digest of all bytes so far; more may follow. */
  digest(): Uint8Array;
  /** An independent copy. */
  fork(): RunningHash;
  /** Overwrites and frees it. Further calls throw. Idempotent. */
  wipe(): void;
}

/**
 * A secret of the key schedule, as long as a digest of its hash. Lives in the provider's memory, where what is derived from it goes as
 * well; JavaScript holds its place alone.
 */
export interface Secret {
  /** HKDF-Extract(this as salt, input keying material). */
  extract(inputKeyingMaterial: Uint8Array): Secret;
  /** HKDF-Expand(this, info, the length of a secret). */
  derive(info: Uint8Array): Secret;
  /** HKDF-Expand(this, info, length), for what leaves the key schedule. */
  expand(info: Uint8Array, length: number): Uint8Array;
  /** HMAC(this, message). */
  mac(message: Uint8Array): Uint8Array;
  /** The secret itself, a copy: for the key log. */
  reveal(): Uint8Array;
  /** Overwrites and frees it. Further calls throw. Idempotent. */
  wipe(): void;
}

/** An AEAD of RFC 9846 §B.4: 12-byte nonce, 16-byte tag. */
export interface Aead {
  readonly name: string;
  readonly keyLength: number;
  readonly ivLength: 12;
  readonly tagLength: 16;
  /** How many records one key may protect (RFC 9846 §5.5). */
  readonly recordLimit: number;
  /** Installs one direction's traffic key. Copies both arguments; the caller wipes its own. */
  installKey(key: Uint8Array, iv: Uint8Array): RecordKey;
  /**
   * Installs the key and the iv that HKDF-Expand makes of `secret`, which is one of the same provider's, with `keyInfo` and `ivInfo`: they
   * never leave its memory.
   */
  deriveKey(secret: Secret, keyInfo: Uint8Array, ivInfo: Uint8Array): RecordKey;
  /** RFC 5116 §2.2, without records: the plaintext of ciphertext and tag, or undefined when they do not authenticate. */
  decrypt(key: Uint8Array, nonce: Uint8Array, additional: Uint8Array, sealed: Uint8Array): Uint8Array | undefined;
}

/** Why `RecordKey.open` returned before the end of its input. */
export type OpenStop =
  /** All records were application data and were opened. */
  | 'end'
  /** The last record opened is not plain application data: see `contentType`, `contentLength`. */
  | 'other'
  /** The next record did not authenticate. Nothing of it was released. */
  | 'bad_record_mac';

/** What one call of `RecordKey.open` did. The object is reused by the next call on the same provider. */
export interface Opened {
  /** Records opened, the one that stopped the call included when `stop` is 'other'. */
  records: number;
  /** Bytes of `input` those records take. */
  consumed: number;
  /** Bytes of application data written contiguously to the start of `output`. */
  produced: number;
  stop: OpenStop;
  /** With 'other': the inner content type, or 0 when the inner plaintext was all zeros. */
  contentType: number;
  /** With 'other': the length of that record's content, which lies in `output` at `produced`. */
  contentLength: number;
  /** With 'other': padding bytes removed from that record. */
  paddingLength: number;
}

/** One direction's traffic key with its nonce mask (RFC 9846 §5.2, §5.3). Lives in the provider's memory. */
export interface RecordKey {
  /**
   * Opens consecutive TLSCiphertext records, `sequence` being the number of the first.
   *
   * `input` holds whole records, headers included (type 23; the caller has checked each header's type and length: 17 to
   * 2^14 + 256). The header is the additional data. Application data (inner type 23, 1 to `contentLimit` bytes) is written
   * without gaps to the start of `output`, padding removed. The call ends after the first record that is anything else
   * (another inner type, empty or longer content), whose content lies in `output` at `produced`, or before the first record
   * that does not authenticate, of which nothing is released.
   * 9846-5.4-4: the content type is looked for in the opened bytes alone.
   *
   * `output` has at least `input.length` bytes. It may start where `input` starts (records are then opened in place) and must not overlap it
   * otherwise. Views of the provider's own memory are used as they are; others are copied through it.
   */
  open(sequence: number, input: Uint8Array, output: Uint8Array, contentLimit: number): Opened;
  /**
   * Seals `content` as TLSCiphertext records of at most `fragmentLimit` content bytes each (≥ 1 record, so that empty content
   * makes one empty record), `sequence` being the number of the first. Each inner plaintext is zero-padded up to a
   * multiple of `paddingMultiple` bytes (1: no padding), never beyond 2^14 + 1 (9846-5.4-2, 9846-5.4-6).
   * Returns the bytes written to `output`, which has room (`sealedLength`) and does not overlap `content`.
   */
  seal(
    sequence: number,
    contentType: number,
    content: Uint8Array,
    output: Uint8Array,
    fragmentLimit: number,
    paddingMultiple: number,
  ): number;
  /** Overwrites the key in memory and frees its slot. Further calls throw. Idempotent. */
  wipe(): void;
}

/**
 * An upper bound, in bytes, of what `RecordKey.seal` writes for `contentLength` bytes of content: header 5, content type 1, tag 16
 * for each record, and padding.
 */
export function sealedLength(contentLength: number, fragmentLimit: number, paddingMultiple: number): number {
  const records = Math.max(1, Math.ceil(contentLength / fragmentLimit));
  return contentLength + records * (5 + 1 + 16 + (paddingMultiple - 1));
}

/** A named group seen as a KEM, so that ECDHE and the ML-KEM hybrids are one shape. */
export interface KeyExchange {
  readonly name: string;
  /** Code point of the NamedGroup (RFC 9846 §4.3.7). */
  readonly group: number;
  /** So costly that a ClientHello could be used to keep a server busy: it is used only where the configuration names it. */
  readonly onRequest?: boolean;
  readonly clientShareLength: number;
  readonly serverShareLength: number;
  /** Random bytes `respond` takes. */
  readonly respondRandomLength: number;
  /** Random bytes `offer` takes. */
  readonly offerRandomLength: number;
  /**
   * The server's side: a fresh share and the secret shared with `clientShare`. Undefined when the client's share is not valid
   * (wrong length, not on the curve, all-zero result, ML-KEM modulus check). The secret keeps its leading zeros (9846-7.4.2-1).
   */
  respond(clientShare: Uint8Array, random: Uint8Array): { share: Uint8Array; secret: Uint8Array } | undefined;
  /** The client's side: a fresh share and the private half of it. Of x25519 `random` is the private key (RFC 7748 §6.1). */
  offer(random: Uint8Array): KeyOffer;
}

export interface KeyOffer {
  readonly share: Uint8Array;
  /** The secret shared with the server, once; undefined when the server's share is not valid. Wipes the private half. */
  finish(serverShare: Uint8Array): Uint8Array | undefined;
  wipe(): void;
}

/** Holds or reaches a private key. May be a remote machine: `sign` may be asynchronous. */
export interface Signer {
  /** SignatureScheme code points (RFC 9846 §4.3.3) this key can make in TLS 1.3, in order of preference. */
  readonly schemes: readonly number[];
  /** Signs `content` (not its digest). ECDSA signatures are DER. */
  sign(scheme: number, content: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Checks one signature with a certificate's public key. */
export interface Verifier {
  readonly schemes: readonly number[];
  verify(scheme: number, content: Uint8Array, signature: Uint8Array): boolean | Promise<boolean>;
}

/** What a certificate's key is. `rsa_pss`: an RSA key whose certificate says id-RSASSA-PSS (RFC 4055), for PSS alone. */
export type KeyType = 'ecdsa_p256' | 'ecdsa_p384' | 'ecdsa_p521' | 'ed25519' | 'rsa' | 'rsa_pss';

/** A private key that has been read and not yet been given to whoever signs with it. Secret: wiped by whoever read it. */
export interface PrivateKey {
  readonly type: KeyType;
  /** The SignatureSchemes its certificate allows it in TLS 1.3, in order of preference. */
  readonly schemes: readonly number[];
  /** PrivateKeyInfo (RFC 5958) in DER. RSA keys of both types stand under rsaEncryption here. */
  readonly pkcs8: Uint8Array;
  /** ECDSA: the private scalar, big-endian, as long as the curve's order. Ed25519: the 32-byte seed. Undefined for RSA. */
  readonly scalar: Uint8Array | undefined;
}

/** The public key of a certificate. */
export interface PublicKey {
  readonly type: KeyType;
  /** The SignatureSchemes its certificate allows it in TLS 1.3. */
  readonly schemes: readonly number[];
  /** SubjectPublicKeyInfo (RFC 5280 §4.1.2.7) in DER. RSA keys of both types stand under rsaEncryption here. */
  readonly spki: Uint8Array;
  /** ECDSA: the uncompressed point. Ed25519: the 32 bytes of RFC 8032. Undefined for RSA. */
  readonly raw: Uint8Array | undefined;
}

/** Makes signers and verifiers of keys. */
export interface SignatureProvider {
  /** Undefined when this provider cannot sign with that type of key. Copies what it keeps of `key`. */
  signer(key: PrivateKey): Signer | undefined | Promise<Signer | undefined>;
  /** Undefined when this provider cannot verify with that type of key. Throws when the key is not a valid one. */
  verifier(key: PublicKey): Verifier | undefined | Promise<Verifier | undefined>;
}

/** How a certificate, a CRL or an OCSP response is signed: wider than TLS 1.3's schemes, which bind each curve to one hash. */
export type CertificateSignature =
  | { readonly kind: 'rsa_pkcs1'; readonly hash: CertificateHash }
  | { readonly kind: 'ecdsa'; readonly hash: CertificateHash }
  | { readonly kind: 'rsa_pss'; readonly hash: CertificateHash; readonly saltLength: number }
  | { readonly kind: 'ed25519' };

export type CertificateHash = 'SHA-256' | 'SHA-384' | 'SHA-512';

/** What checking certificates takes, off the hot path and therefore asynchronous. */
export interface CertificateCrypto {
  readonly signatures: SignatureProvider;
  /** SHA-1 is for the identifiers of OCSP (RFC 6960 §4.1.1), never for signatures. */
  digest(hash: 'SHA-1' | CertificateHash, content: Uint8Array): Promise<Uint8Array>;
  /** Whether `key` made that signature. False when the algorithm is not for that type of key. */
  verify(
    key: PublicKey,
    algorithm: CertificateSignature,
    content: Uint8Array,
    signature: Uint8Array,
  ): Promise<boolean>;
}

/** All the synchronous cryptography a connection needs. Maps are keyed by IANA code points. */
export interface CryptoProvider {
  readonly sha256: Hash;
  readonly sha384: Hash;
  /** By CipherSuite. */
  readonly aeads: ReadonlyMap<number, Aead>;
  /** By NamedGroup. secp256r1 and x25519 are among them (9846-9.1-3). */
  readonly keyExchanges: ReadonlyMap<number, KeyExchange>;
  /** Whether two equally long arrays are equal, in time that depends on the length alone. False when the lengths differ. */
  constantTimeEqual(a: Uint8Array, b: Uint8Array): boolean;
}
