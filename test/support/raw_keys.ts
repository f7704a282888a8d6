/**
 * Key schedule and record protection of the raw client, over node:crypto and independent of src/ (RFC 9846 §5.2, §7).
 */
import {
  createCipheriv,
  createDecipheriv,
  createECDH,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
} from 'node:crypto';
import { ascii, type Bytes, concat, u16, u8, vector } from './raw_wire.ts';

export interface Suite {
  readonly hash: 'sha256' | 'sha384';
  readonly digestLength: number;
  readonly cipher: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
  readonly keyLength: number;
}

export const SUITES: ReadonlyMap<number, Suite> = new Map([
  [0x1301, { hash: 'sha256', digestLength: 32, cipher: 'aes-128-gcm', keyLength: 16 }],
  [0x1302, { hash: 'sha384', digestLength: 48, cipher: 'aes-256-gcm', keyLength: 32 }],
  [0x1303, { hash: 'sha256', digestLength: 32, cipher: 'chacha20-poly1305', keyLength: 32 }],
]);

export function digest(suite: Suite, ...parts: readonly Bytes[]): Bytes {
  const hash = createHash(suite.hash);
  for (const part of parts) hash.update(part);
  return hash.digest();
}

export function hmac(suite: Suite, key: Bytes, content: Bytes): Bytes {
  return createHmac(suite.hash, key).update(content).digest();
}

/** HKDF-Extract(salt, IKM). */
export function extract(suite: Suite, salt: Bytes, inputKeyingMaterial: Bytes): Bytes {
  return hmac(suite, salt, inputKeyingMaterial);
}

export function expandLabel(suite: Suite, secret: Bytes, label: string, context: Bytes, length: number): Bytes {
  const info = concat(u16(length), vector(1, ascii(`tls13 ${label}`)), vector(1, context));
  let block: Bytes = new Uint8Array();
  const blocks: Bytes[] = [];
  for (let counter = 1; blocks.length * suite.digestLength < length; counter++) {
    block = hmac(suite, secret, concat(block, info, u8(counter)));
    blocks.push(block);
  }
  return concat(...blocks).subarray(0, length);
}

/** Derive-Secret over a transcript that is already hashed. */
export function deriveSecret(suite: Suite, secret: Bytes, label: string, transcriptHash: Bytes): Bytes {
  return expandLabel(suite, secret, label, transcriptHash, suite.digestLength);
}

export function zeros(length: number): Bytes {
  return new Uint8Array(length);
}

/** One direction's traffic keys, with their sequence number. */
export class TrafficKey {
  readonly suite: Suite;
  readonly secret: Bytes;
  readonly #key: Bytes;
  readonly #iv: Bytes;
  sequence: number = 0;

  constructor(suite: Suite, secret: Bytes) {
    this.suite = suite;
    this.secret = secret;
    this.#key = expandLabel(suite, secret, 'key', zeros(0), suite.keyLength);
    this.#iv = expandLabel(suite, secret, 'iv', zeros(0), 12);
  }

  /** The key after a KeyUpdate. */
  next(): TrafficKey {
    return new TrafficKey(
      this.suite,
      expandLabel(this.suite, this.secret, 'traffic upd', zeros(0), this.suite.digestLength),
    );
  }

  /** A whole TLSCiphertext record. `inner` is content, type and padding. */
  seal(inner: Bytes, outerType: number = 23, version: number = 0x0303): Bytes {
    const header = concat(u8(outerType), u16(version), u16(inner.length + 16));
    const cipher = createCipheriv(this.suite.cipher as 'aes-128-gcm', this.#key, this.#nonce(), { authTagLength: 16 });
    cipher.setAAD(header);
    const sealed = concat(header, cipher.update(inner), cipher.final());
    return concat(sealed, cipher.getAuthTag());
  }

  /** The inner plaintext of a whole record; throws when it does not authenticate. */
  open(record: Bytes): Bytes {
    const decipher = createDecipheriv(this.suite.cipher as 'aes-128-gcm', this.#key, this.#nonce(), {
      authTagLength: 16,
    });
    decipher.setAAD(record.subarray(0, 5));
    decipher.setAuthTag(record.subarray(record.length - 16));
    return concat(decipher.update(record.subarray(5, record.length - 16)), decipher.final());
  }

  #nonce(): Bytes {
    const nonce = Uint8Array.from(this.#iv);
    let rest = this.sequence++;
    for (let i = 11; i >= 4; i--, rest = Math.floor(rest / 256)) nonce[i]! ^= rest % 256;
    return nonce;
  }
}

/** The client's half of a key exchange. */
export interface RawKeyPair {
  readonly group: number;
  readonly share: Bytes;
  finish(serverShare: Bytes): Bytes;
}

const EC_CURVES: ReadonlyMap<number, string> = new Map([[0x17, 'prime256v1'], [0x18, 'secp384r1']]);
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');

/** A fresh key pair of secp256r1, secp384r1 or x25519; or a repeatable one of x25519 from its 32 private bytes. */
export function keyPair(group: number, privateBytes?: Bytes): RawKeyPair {
  const curve = EC_CURVES.get(group);
  if (curve !== undefined) {
    const ecdh = createECDH(curve);
    return { group, share: ecdh.generateKeys(), finish: (theirs) => ecdh.computeSecret(theirs) };
  }
  if (group !== 0x1d) throw new Error(`no key exchange for group ${group}`);
  const privateKey = privateBytes === undefined ? generateKeyPairSync('x25519').privateKey : createPrivateKey({
    key: Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), privateBytes]),
    format: 'der',
    type: 'pkcs8',
  });
  const share = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(12);
  return {
    group,
    share,
    finish: (theirs) => {
      const key = Buffer.concat([X25519_SPKI, theirs]);
      const publicKey = createPublicKey({ key, format: 'der', type: 'spki' });
      return diffieHellman({ privateKey, publicKey });
    },
  };
}
