import type { Aead, CryptoProvider, Hash } from '../crypto/provider.ts';
import { CipherSuite } from '../registry/cipher_suite.ts';
import { NamedGroup } from '../registry/named_group.ts';
import { ascii, concat } from '../wire/bytes.ts';

/**
 * The receiver of HPKE (RFC 9180) in base mode, with DHKEM(X25519, HKDF-SHA256): what Encrypted Client Hello needs of it, one function for
 * each formula.
 */

/** HPKE identifiers, RFC 9180 §7. */
export const HpkeKem = { DHKEM_X25519_HKDF_SHA256: 0x0020 } as const;
export const HpkeKdf = { HKDF_SHA256: 1, HKDF_SHA384: 2 } as const;
export const HpkeAead = { AES_128_GCM: 1, AES_256_GCM: 2, ChaCha20Poly1305: 3 } as const;

/** HpkeSymmetricCipherSuite, RFC 9849 §4. */
export interface HpkeSuite {
  readonly kdf: number;
  readonly aead: number;
}

const EMPTY: Uint8Array = new Uint8Array(0);
const MODE_BASE = 0;
const KEM_SUITE = concat(ascii('KEM'), uint16(HpkeKem.DHKEM_X25519_HKDF_SHA256));
/** Nsecret of the KEM. */
const SECRET_LENGTH = 32;

const SUITE_OF_AEAD: ReadonlyMap<number, number> = new Map([
  [HpkeAead.AES_128_GCM, CipherSuite.TLS_AES_128_GCM_SHA256],
  [HpkeAead.AES_256_GCM, CipherSuite.TLS_AES_256_GCM_SHA384],
  [HpkeAead.ChaCha20Poly1305, CipherSuite.TLS_CHACHA20_POLY1305_SHA256],
]);

/** The implementations of `suite`; undefined when there are none. */
export function algorithmsOf(crypto: CryptoProvider, { kdf, aead }: HpkeSuite): { kdf: Hash; aead: Aead } | undefined {
  const cipher = crypto.aeads.get(SUITE_OF_AEAD.get(aead) ?? -1);
  const hash = kdf === HpkeKdf.HKDF_SHA256 ? crypto.sha256 : kdf === HpkeKdf.HKDF_SHA384 ? crypto.sha384 : undefined;
  return cipher && hash && { kdf: hash, aead: cipher };
}

/** Opens messages of one sender in their order (§5.2). */
export class HpkeContext {
  readonly #aead: Aead;
  readonly #key: Uint8Array;
  readonly #baseNonce: Uint8Array;
  #sequence = 0;

  constructor(aead: Aead, key: Uint8Array, baseNonce: Uint8Array) {
    this.#aead = aead;
    this.#key = key;
    this.#baseNonce = baseNonce;
  }

  /** The next plaintext; undefined when it does not authenticate, and then the next attempt is at the same message. */
  open(additional: Uint8Array, ciphertext: Uint8Array): Uint8Array | undefined {
    const nonce = this.#baseNonce.slice();
    // ECH has two messages at most.
    nonce[nonce.length - 1] = (nonce[nonce.length - 1] as number) ^ this.#sequence;
    const plaintext = this.#aead.decrypt(this.#key, nonce, additional, ciphertext);
    if (plaintext !== undefined) this.#sequence++;
    return plaintext;
  }

  wipe(): void {
    this.#key.fill(0);
    this.#baseNonce.fill(0);
  }
}

/** SetupBaseR(enc, skR, info), §5.1.1; undefined when `enc` is not a valid share or the suite is not known. */
export function setupBaseR(
  crypto: CryptoProvider,
  suite: HpkeSuite,
  enc: Uint8Array,
  privateKey: Uint8Array,
  info: Uint8Array,
): HpkeContext | undefined {
  const algorithms = algorithmsOf(crypto, suite);
  const sharedSecret = decap(crypto, enc, privateKey);
  if (algorithms === undefined || sharedSecret === undefined) return undefined;
  const { kdf, aead } = algorithms;
  const id = concat(
    ascii('HPKE'),
    uint16(HpkeKem.DHKEM_X25519_HKDF_SHA256),
    uint16(suite.kdf),
    uint16(suite.aead),
  );
  // KeySchedule, §5.1, without a PSK.
  const pskIdHash = labeledExtract(kdf, id, EMPTY, 'psk_id_hash', EMPTY);
  const infoHash = labeledExtract(kdf, id, EMPTY, 'info_hash', info);
  const context = concat(Uint8Array.of(MODE_BASE), pskIdHash, infoHash);
  const secret = labeledExtract(kdf, id, sharedSecret, 'secret', EMPTY);
  const key = labeledExpand(kdf, id, secret, 'key', context, aead.keyLength);
  const baseNonce = labeledExpand(kdf, id, secret, 'base_nonce', context, aead.ivLength);
  secret.fill(0);
  sharedSecret.fill(0);
  return new HpkeContext(aead, key, baseNonce);
}

/** Decap(enc, skR), §4.1. */
function decap(crypto: CryptoProvider, enc: Uint8Array, privateKey: Uint8Array): Uint8Array | undefined {
  // What X25519 takes as random bytes is the private key.
  const own = crypto.keyExchanges.get(NamedGroup.x25519)?.offer(privateKey);
  if (own === undefined) return undefined;
  const dh = own.finish(enc);
  own.wipe();
  if (dh === undefined) return undefined;
  const pseudorandomKey = labeledExtract(crypto.sha256, KEM_SUITE, EMPTY, 'eae_prk', dh);
  const context = concat(enc, own.share);
  const secret = labeledExpand(crypto.sha256, KEM_SUITE, pseudorandomKey, 'shared_secret', context, SECRET_LENGTH);
  pseudorandomKey.fill(0);
  dh.fill(0);
  return secret;
}

/** The public key of an X25519 private key. */
export function publicKeyOf(crypto: CryptoProvider, privateKey: Uint8Array): Uint8Array | undefined {
  const own = crypto.keyExchanges.get(NamedGroup.x25519)?.offer(privateKey);
  own?.wipe();
  return own?.share;
}

/** LabeledExtract, §4. Wipes the labeled input, which may be a secret. */
function labeledExtract(hash: Hash, suite: Uint8Array, salt: Uint8Array, label: string, input: Uint8Array): Uint8Array {
  const labeled = concat(ascii('HPKE-v1'), suite, ascii(label), input);
  const result = hash.extract(salt, labeled);
  labeled.fill(0);
  return result;
}

/** LabeledExpand, §4. */
function labeledExpand(
  hash: Hash,
  suite: Uint8Array,
  pseudorandomKey: Uint8Array,
  label: string,
  info: Uint8Array,
  length: number,
): Uint8Array {
  return hash.expand(pseudorandomKey, concat(uint16(length), ascii('HPKE-v1'), suite, ascii(label), info), length);
}

function uint16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}
