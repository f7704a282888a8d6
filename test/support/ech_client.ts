/** The client's side of Encrypted Client Hello (RFC 9849) over node:crypto, independent of src/: HPKE's sender and the two hellos. */
import { createCipheriv, createHmac, createPrivateKey, createPublicKey, diffieHellman, randomBytes } from 'node:crypto';
import { digest, expandLabel, extract, SUITES } from './raw_keys.ts';
import {
  ascii,
  type Bytes,
  concat,
  encodeHello,
  extension,
  message,
  type RawHello,
  u16,
  u8,
  vector,
  withExtensions,
} from './raw_wire.ts';

export const ECH = 0xfe0d;
export const OUTER_EXTENSIONS = 0xfd00;

const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI = Buffer.from('302a300506032b656e032100', 'hex');
const AEADS = [undefined, 'aes-128-gcm', 'aes-256-gcm', 'chacha20-poly1305'] as const;

/** HPKE in base mode with DHKEM(X25519, HKDF-SHA256) (RFC 9180). */
export class HpkeSender {
  readonly enc: Bytes;
  readonly #aead: number;
  readonly #key: Bytes;
  readonly #baseNonce: Bytes;
  #sequence = 0;

  constructor(publicKey: Bytes, info: Bytes, kdf: number = 1, aead: number = 3, ephemeral: Bytes = randomBytes(32)) {
    this.#aead = aead;
    const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8, ephemeral]), format: 'der', type: 'pkcs8' });
    this.enc = createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(12);
    const peer = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
    const dh = diffieHellman({ privateKey, publicKey: peer });
    const kem = concat(ascii('KEM'), u16(0x20));
    const eaePrk = labeledExtract('sha256', kem, new Uint8Array(), 'eae_prk', dh);
    const shared = labeledExpand('sha256', kem, eaePrk, 'shared_secret', concat(this.enc, publicKey), 32);
    const hash = kdf === 1 ? 'sha256' : 'sha384';
    const id = concat(ascii('HPKE'), u16(0x20), u16(kdf), u16(aead));
    const empty = new Uint8Array();
    const context = concat(
      u8(0),
      labeledExtract(hash, id, empty, 'psk_id_hash', empty),
      labeledExtract(hash, id, empty, 'info_hash', info),
    );
    const secret = labeledExtract(hash, id, shared, 'secret', empty);
    this.#key = labeledExpand(hash, id, secret, 'key', context, aead === 1 ? 16 : 32);
    this.#baseNonce = labeledExpand(hash, id, secret, 'base_nonce', context, 12);
  }

  seal(additional: Bytes, plaintext: Bytes): Bytes {
    const nonce = Buffer.from(this.#baseNonce);
    nonce[11]! ^= this.#sequence++;
    const cipher = createCipheriv(AEADS[this.#aead] as 'aes-128-gcm', this.#key, nonce, { authTagLength: 16 });
    cipher.setAAD(additional, { plaintextLength: plaintext.length });
    return new Uint8Array(Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]));
  }
}

type HashName = 'sha256' | 'sha384';

function labeledExtract(hash: HashName, suite: Bytes, salt: Bytes, label: string, input: Bytes): Bytes {
  return createHmac(hash, salt).update(concat(ascii('HPKE-v1'), suite, ascii(label), input)).digest();
}

function labeledExpand(hash: HashName, suite: Bytes, key: Bytes, label: string, info: Bytes, length: number): Bytes {
  const labeled = concat(u16(length), ascii('HPKE-v1'), suite, ascii(label), info);
  const first = createHmac(hash, key).update(concat(labeled, u8(1))).digest();
  const second = createHmac(hash, key).update(concat(first, labeled, u8(2))).digest();
  return Buffer.concat([first, second]).subarray(0, length);
}

/** How the hellos differ from those of an honest client. */
export interface EchOptions {
  readonly kdf?: number;
  readonly aead?: number;
  readonly configId?: number;
  /** The EncodedClientHelloInner. */
  readonly alterInner?: (encoded: Bytes) => Bytes;
  /** The outer ClientHello's body, once it is sealed. */
  readonly alterOuter?: (body: Bytes) => Bytes;
  readonly alterPayload?: (payload: Bytes) => Bytes;
}

/** Makes outer ClientHellos around inner ones, for one ECHConfig. */
export class EchClient {
  readonly #hpke: HpkeSender;
  readonly #options: EchOptions;
  readonly #configId: number;
  #first = true;

  constructor(config: Bytes, options: EchOptions = {}) {
    // version, length, config_id, kem_id, public_key<1..2^16-1>
    const publicKey = config.subarray(9, 41);
    this.#configId = options.configId ?? config[4]!;
    this.#options = options;
    this.#hpke = new HpkeSender(publicKey, concat(ascii('tls ech\0'), config), options.kdf, options.aead);
  }

  /** The inner ClientHello as it enters the transcript, and the outer one as it goes over the wire. */
  hellos(inner: RawHello, outer: RawHello): { inner: Bytes; outer: Bytes } {
    const { kdf = 1, aead = 3, alterInner = (bytes) => bytes, alterPayload = (bytes) => bytes } = this.#options;
    const marked = withExtensions(inner, extension.raw(ECH, u8(1)));
    const encoded = alterInner(
      concat(encodeHello({ ...marked, legacySessionId: new Uint8Array() }), new Uint8Array(20)),
    );
    const enc = this.#first ? this.#hpke.enc : new Uint8Array();
    this.#first = false;
    const around = (payload: Bytes) => {
      const body = concat(u8(0), u16(kdf), u16(aead), u8(this.#configId), vector(2, enc), vector(2, payload));
      return encodeHello(withExtensions(outer, extension.raw(ECH, body)));
    };
    const additional = around(new Uint8Array(encoded.length + 16));
    const body = around(alterPayload(this.#hpke.seal(additional, encoded)));
    return {
      inner: message(1, encodeHello(expanded(marked, outer))),
      outer: message(1, this.#options.alterOuter?.(body) ?? body),
    };
  }
}

/** With the extensions that an ech_outer_extensions stands for in its place. */
function expanded(hello: RawHello, outer: RawHello): RawHello {
  const extensions = hello.extensions.flatMap((one) => {
    if (one.type !== OUTER_EXTENSIONS) return [one];
    const types = Array.from(
      { length: (one.body.length - 1) / 2 },
      (_, i) => one.body[1 + 2 * i]! << 8 | one.body[2 + 2 * i]!,
    );
    return types.flatMap((type) => outer.extensions.filter((other) => other.type === type));
  });
  return { ...hello, extensions };
}

/** What a server that has opened the inner hello writes into the message that ends `transcript`, whose eight bytes are at `place`. */
export function confirmation(
  cipherSuite: number,
  innerRandom: Bytes,
  transcript: readonly Bytes[],
  place: number,
  label: string,
): Bytes {
  const suite = SUITES.get(cipherSuite)!;
  const last = Uint8Array.from(transcript.at(-1)!);
  last.fill(0, place, place + 8);
  const hash = digest(suite, ...transcript.slice(0, -1), last);
  return expandLabel(suite, extract(suite, new Uint8Array(suite.digestLength), innerRandom), label, hash, 8);
}
