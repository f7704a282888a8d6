/**
 * The core's cryptography over node:crypto: an oracle that shares no code with the WebAssembly provider. Plain, slow and
 * not constant time: for tests alone.
 */
import * as crypto from 'node:crypto';
import type {
  Aead,
  CryptoProvider,
  Hash,
  KeyExchange,
  Opened,
  RecordKey,
  RunningHash,
  Secret,
  Signer,
} from '../../src/crypto/provider.ts';
import { CipherSuite } from '../../src/registry/cipher_suite.ts';
import { NamedGroup } from '../../src/registry/named_group.ts';
import { SignatureScheme } from '../../src/registry/signature_scheme.ts';

/** A copy with an ArrayBuffer of its own: node:crypto's Buffers are slices of a pool. */
function bytes(buffer: Uint8Array | ArrayBuffer): Uint8Array {
  return new Uint8Array(buffer instanceof ArrayBuffer ? buffer.slice(0) : buffer.slice());
}

function nodeHash(name: 'SHA-256' | 'SHA-384', digestLength: number): Hash {
  const algorithm = name.replace('-', '').toLowerCase();
  const running = (hash: crypto.Hash): RunningHash => ({
    update: (part) => void hash.update(part),
    digest: () => bytes(hash.copy().digest()),
    fork: () => running(hash.copy()),
    wipe: () => {},
  });
  const hmac = (key: Uint8Array, message: Uint8Array) =>
    bytes(crypto.createHmac(algorithm, key).update(message).digest());
  const expand = (prk: Uint8Array, info: Uint8Array, length: number): Uint8Array => {
    const output = new Uint8Array(length);
    let block = new Uint8Array(0);
    for (let counter = 1, offset = 0; offset < length; counter++) {
      block = bytes(hmac(prk, Buffer.concat([block, info, Uint8Array.of(counter)]))) as Uint8Array<ArrayBuffer>;
      output.set(block.subarray(0, length - offset), offset);
      offset += block.length;
    }
    return output;
  };
  const secret = (key: Uint8Array): Secret => {
    if (key.length !== digestLength) throw new Error(`a secret of ${key.length} bytes`);
    const own = key.slice();
    let wiped = false;
    const use =
      <Args extends readonly unknown[], Result>(how: (...args: Args) => Result) => (...args: Args): Result => {
        if (wiped) throw new Error('the secret was wiped');
        return how(...args);
      };
    return {
      extract: use((material: Uint8Array) => secret(hmac(own, material))),
      derive: use((info: Uint8Array) => secret(expand(own, info, digestLength))),
      expand: use((info: Uint8Array, length: number) => expand(own, info, length)),
      mac: use((message: Uint8Array) => hmac(own, message)),
      reveal: use(() => own.slice()),
      wipe(): void {
        wiped = true;
        own.fill(0);
      },
    };
  };
  return {
    name,
    digestLength,
    secret,
    digest: (message) => bytes(crypto.createHash(algorithm).update(message).digest()),
    start: () => running(crypto.createHash(algorithm)),
    hmac,
    extract: hmac,
    expand,
  };
}

type NodeAeadName = 'chacha20-poly1305' | 'aes-128-gcm' | 'aes-256-gcm';

function nodeAead(name: NodeAeadName, keyLength: number, recordLimit: number): Aead {
  return {
    name,
    keyLength,
    ivLength: 12,
    tagLength: 16,
    recordLimit,
    installKey: (key, iv) => new NodeRecordKey(name, key, iv),
    deriveKey: (secret, keyInfo, ivInfo) =>
      new NodeRecordKey(name, secret.expand(keyInfo, keyLength), secret.expand(ivInfo, 12)),
    decrypt(key, nonce, additional, sealed) {
      if (sealed.length < 16) return undefined;
      const decipher = crypto.createDecipheriv(name as 'aes-128-gcm', key, nonce, { authTagLength: 16 });
      decipher.setAAD(additional, { plaintextLength: sealed.length - 16 });
      decipher.setAuthTag(sealed.subarray(sealed.length - 16));
      try {
        return bytes(Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - 16)), decipher.final()]));
      } catch {
        return undefined;
      }
    },
  };
}

class NodeRecordKey implements RecordKey {
  readonly #name: NodeAeadName;
  readonly #key: Uint8Array;
  readonly #iv: Uint8Array;
  #wiped = false;

  constructor(name: NodeAeadName, key: Uint8Array, iv: Uint8Array) {
    this.#name = name;
    this.#key = key.slice();
    this.#iv = iv.slice();
  }

  #nonce(sequence: number): Uint8Array {
    if (this.#wiped) throw new Error('the key was wiped');
    const nonce = this.#iv.slice();
    const view = new DataView(nonce.buffer);
    view.setBigUint64(4, view.getBigUint64(4) ^ BigInt(sequence));
    return nonce;
  }

  open(sequence: number, input: Uint8Array, output: Uint8Array, contentLimit: number): Opened {
    const opened: Opened = {
      records: 0,
      consumed: 0,
      produced: 0,
      stop: 'end',
      contentType: 0,
      contentLength: 0,
      paddingLength: 0,
    };
    while (opened.consumed < input.length) {
      const header = input.subarray(opened.consumed, opened.consumed + 5);
      const length = (header[3] as number) << 8 | (header[4] as number);
      const body = input.subarray(opened.consumed + 5, opened.consumed + 5 + length);
      const decipher = crypto.createDecipheriv(this.#name as 'aes-128-gcm', this.#key, this.#nonce(sequence), {
        authTagLength: 16,
      });
      decipher.setAAD(header, { plaintextLength: length - 16 });
      decipher.setAuthTag(body.subarray(length - 16));
      let inner: Uint8Array;
      try {
        inner = Buffer.concat([decipher.update(body.subarray(0, length - 16)), decipher.final()]);
      } catch {
        opened.stop = 'bad_record_mac';
        return opened;
      }
      let end = inner.length;
      while (end > 0 && inner[end - 1] === 0) end--;
      const type = end === 0 ? 0 : inner[end - 1] as number;
      const contentLength = Math.max(0, end - 1);
      output.set(inner.subarray(0, contentLength), opened.produced);
      sequence++;
      opened.records++;
      opened.consumed += 5 + length;
      if (type !== 23 || contentLength === 0 || contentLength > contentLimit) {
        opened.stop = 'other';
        opened.contentType = type;
        opened.contentLength = contentLength;
        opened.paddingLength = inner.length - end;
        return opened;
      }
      opened.produced += contentLength;
    }
    return opened;
  }

  seal(
    sequence: number,
    contentType: number,
    content: Uint8Array,
    output: Uint8Array,
    fragmentLimit: number,
    paddingMultiple: number,
  ): number {
    let written = 0;
    let offset = 0;
    do {
      const fragment = content.subarray(offset, offset + fragmentLimit);
      const length = Math.min(16385, Math.ceil((fragment.length + 1) / paddingMultiple) * paddingMultiple);
      const inner = new Uint8Array(length);
      inner.set(fragment);
      inner[fragment.length] = contentType;
      const header = Uint8Array.of(23, 3, 3, (length + 16) >>> 8, length + 16);
      const cipher = crypto.createCipheriv(this.#name as 'aes-128-gcm', this.#key, this.#nonce(sequence++), {
        authTagLength: 16,
      });
      cipher.setAAD(header, { plaintextLength: length });
      const record = Buffer.concat([header, cipher.update(inner), cipher.final(), cipher.getAuthTag()]);
      output.set(record, written);
      written += record.length;
      offset += fragmentLimit;
    } while (offset < content.length);
    return written;
  }

  wipe(): void {
    this.#wiped = true;
    this.#key.fill(0);
    this.#iv.fill(0);
  }
}

const X25519_PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');

const x25519: KeyExchange = {
  name: 'x25519',
  group: NamedGroup.x25519,
  clientShareLength: 32,
  serverShareLength: 32,
  respondRandomLength: 32,
  offerRandomLength: 32,
  respond(clientShare, random) {
    const offer = this.offer(random);
    const secret = offer.finish(clientShare);
    return secret && { share: offer.share, secret };
  },
  offer(random) {
    const key = crypto.createPrivateKey({
      key: Buffer.concat([X25519_PKCS8, random]),
      format: 'der',
      type: 'pkcs8',
    });
    return {
      share: bytes(crypto.createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(12)),
      finish(peer) {
        if (peer.length !== 32) return undefined;
        const publicKey = crypto.createPublicKey({
          key: Buffer.concat([X25519_SPKI, peer]),
          format: 'der',
          type: 'spki',
        });
        try {
          const secret = bytes(crypto.diffieHellman({ privateKey: key, publicKey }));
          return secret.every((byte) => byte === 0) ? undefined : secret;
        } catch {
          return undefined;
        }
      },
      wipe() {},
    };
  },
};

function nodeEcdh(name: string, curve: string, group: number, length: number): KeyExchange {
  return {
    name,
    group,
    clientShareLength: 2 * length + 1,
    serverShareLength: 2 * length + 1,
    respondRandomLength: length,
    offerRandomLength: length,
    respond(clientShare, random) {
      const offer = this.offer(random);
      const secret = offer.finish(clientShare);
      return secret && { share: offer.share, secret };
    },
    offer(random) {
      const ecdh = crypto.createECDH(curve);
      const scalar = random.slice();
      scalar[0] = (scalar[0] as number) & 0x7f;
      ecdh.setPrivateKey(scalar);
      return {
        share: bytes(ecdh.getPublicKey()),
        finish(peer) {
          if (peer.length !== 2 * length + 1 || peer[0] !== 4) return undefined;
          try {
            return bytes(ecdh.computeSecret(peer));
          } catch {
            return undefined;
          }
        },
        wipe() {},
      };
    },
  };
}

export function nodeProvider(): CryptoProvider {
  return {
    sha256: nodeHash('SHA-256', 32),
    sha384: nodeHash('SHA-384', 48),
    aeads: new Map([
      [CipherSuite.TLS_CHACHA20_POLY1305_SHA256, nodeAead('chacha20-poly1305', 32, Number.MAX_SAFE_INTEGER)],
      [CipherSuite.TLS_AES_128_GCM_SHA256, nodeAead('aes-128-gcm', 16, 23_726_566)],
      [CipherSuite.TLS_AES_256_GCM_SHA384, nodeAead('aes-256-gcm', 32, 23_726_566)],
    ]),
    keyExchanges: new Map<number, KeyExchange>([
      [NamedGroup.x25519, x25519],
      [NamedGroup.secp256r1, nodeEcdh('secp256r1', 'prime256v1', NamedGroup.secp256r1, 32)],
      [NamedGroup.secp384r1, nodeEcdh('secp384r1', 'secp384r1', NamedGroup.secp384r1, 48)],
    ]),
    constantTimeEqual: (a, b) => a.length === b.length && crypto.timingSafeEqual(a, b),
  };
}

/** A signer over a node:crypto private key of any type of certificate key. */
const SCHEME_OF_CURVE: Readonly<Record<string, number>> = {
  secp384r1: SignatureScheme.ecdsa_secp384r1_sha384,
  secp521r1: SignatureScheme.ecdsa_secp521r1_sha512,
};

export function nodeSigner(key: crypto.KeyObject): Signer {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  const schemes = key.asymmetricKeyType === 'ec'
    ? [SCHEME_OF_CURVE[curve ?? ''] ?? SignatureScheme.ecdsa_secp256r1_sha256]
    : key.asymmetricKeyType === 'ed25519'
    ? [SignatureScheme.ed25519]
    : [SignatureScheme.rsa_pss_rsae_sha256, SignatureScheme.rsa_pss_rsae_sha384, SignatureScheme.rsa_pss_rsae_sha512];
  return {
    schemes,
    sign: (scheme, content) => bytes(crypto.sign(digestOf(scheme), content, withPadding(scheme, key))),
  };
}

export function nodeVerify(key: crypto.KeyObject, scheme: number, content: Uint8Array, signature: Uint8Array): boolean {
  return crypto.verify(digestOf(scheme), content, withPadding(scheme, key), signature);
}

function digestOf(scheme: number): string | null {
  if (scheme === SignatureScheme.ed25519) return null;
  const digests: Record<number, string> = {
    3: 'sha256',
    4: 'sha256',
    5: 'sha384',
    6: 'sha512',
    9: 'sha256',
    10: 'sha384',
    11: 'sha512',
  };
  return scheme >> 8 === 8
    ? digests[scheme & 0xff] as string
    : scheme >> 8 === 4
    ? 'sha256'
    : scheme >> 8 === 5
    ? 'sha384'
    : 'sha512';
}

function withPadding(scheme: number, key: crypto.KeyObject) {
  if (scheme >> 8 !== 8 || scheme === SignatureScheme.ed25519) return { key };
  return {
    key,
    padding: crypto.constants.RSA_PKCS1_PSS_PADDING,
    saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST,
  };
}
