/** ML-KEM-768 in both builds: Wycheproof's vectors, an independent implementation, the runtime's own, and wrong inputs. */
import * as crypto from 'node:crypto';
import { ml_kem768 as noble } from '@noble/post-quantum/ml-kem.js';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { mlKem768, mlKem768KeyExchange } from '../../src/crypto/wasm/mlkem.ts';
import { WASM_BUILDS, wasmBuild } from '../support/wasm_builds.ts';
import { fromHex, WYCHEPROOF, wycheproof } from '../support/wycheproof.ts';

/** Random cases of each differential test; the nightly run sets 100000. */
const CASES = Number(process.env['SALLYPORT_CASES'] ?? 2000);

const random = (length: number) => new Uint8Array(crypto.randomBytes(length));

/** As `toEqual`, which takes a millisecond for a key. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

interface Vector {
  tcId: number;
  comment?: string;
  result: 'valid' | 'invalid';
  seed: string;
  m: string;
  ek: string;
  dk: string;
  c: string;
  K: string;
}

describe.each(WASM_BUILDS)('ML-KEM-768, %s build', (build) => {
  const kem = mlKem768(wasmBuild(build));

  // The vectors are not in the repository; CI fetches them.
  describe.skipIf(WYCHEPROOF === undefined)('Wycheproof', () => {
    test('key generation', () => {
      const vectors = wycheproof<Vector>('mlkem_768_keygen_seed_test.json');
      expect(vectors.length).toBeGreaterThan(0);
      for (const vector of vectors) {
        const { encapsulationKey, decapsulationKey } = kem.generateKey(fromHex(vector.seed));
        expectSame(encapsulationKey, fromHex(vector.ek));
        expectSame(decapsulationKey, fromHex(vector.dk));
      }
    });

    test('encapsulation', () => {
      const vectors = wycheproof<Vector>('mlkem_768_encaps_test.json');
      expect(vectors.length).toBeGreaterThan(0);
      for (const vector of vectors) {
        const made = kem.encapsulate(fromHex(vector.ek), fromHex(vector.m));
        const expected = vector.result === 'valid'
          ? { ciphertext: fromHex(vector.c), secret: fromHex(vector.K) }
          : undefined;
        expect(made, `${vector.tcId} ${vector.comment}`).toEqual(expected);
      }
    });

    test('decapsulation with a seed', () => {
      const vectors = wycheproof<Vector>('mlkem_768_test.json');
      expect(vectors.length).toBeGreaterThan(0);
      for (const vector of vectors) {
        const seed = fromHex(vector.seed);
        if (seed.length !== 64) {
          expect(() => kem.generateKey(seed)).toThrow(UsageError);
          continue;
        }
        const { encapsulationKey, decapsulationKey } = kem.generateKey(seed);
        expectSame(encapsulationKey, fromHex(vector.ek));
        const secret = kem.decapsulate(decapsulationKey, fromHex(vector.c));
        expect(secret, `${vector.tcId} ${vector.comment}`)
          .toEqual(vector.result === 'valid' ? fromHex(vector.K) : undefined);
      }
    });

    test('decapsulation with an expanded key', () => {
      const vectors = wycheproof<Vector>('mlkem_768_semi_expanded_decaps_test.json');
      expect(vectors.length).toBeGreaterThan(0);
      for (const vector of vectors) {
        const secret = kem.decapsulate(fromHex(vector.dk), fromHex(vector.c));
        expect(secret, `${vector.tcId} ${vector.comment}`)
          .toEqual(vector.result === 'valid' ? fromHex(vector.K) : undefined);
      }
    });
  });

  const native = nativeMlKem();
  // Node 20 and 22 have no ML-KEM; Node 24 with OpenSSL 3.5 has.
  test.skipIf(native === undefined)('agrees with the runtime both ways', () => {
    for (let i = 0; i < Math.ceil(CASES / 10); i++) {
      const key = native!.generateKey();
      const { ciphertext, secret } = kem.encapsulate(key.encapsulationKey, random(32))!;
      expect(key.decapsulate(ciphertext)).toEqual(secret);

      const own = kem.generateKey(random(64));
      const theirs = native!.encapsulate(own.encapsulationKey);
      expect(kem.decapsulate(own.decapsulationKey, theirs.ciphertext)).toEqual(theirs.secret);
    }
  });

  test('a coefficient at or above q is refused wherever it is', () => {
    const { encapsulationKey } = kem.generateKey(random(64));
    for (let i = 0; i < 768; i++) {
      const bytes = encapsulationKey.slice();
      const value = 3329 + i;
      const at = 3 * (i >> 1);
      if (i % 2 === 0) {
        bytes[at] = value;
        bytes[at + 1] = (bytes[at + 1]! & 0xf0) | (value >> 8);
      } else {
        bytes[at + 1] = (bytes[at + 1]! & 0x0f) | (value << 4);
        bytes[at + 2] = value >> 4;
      }
      if (value < 4096) expect(kem.encapsulate(bytes, random(32))).toBeUndefined();
    }
    expect(kem.encapsulate(encapsulationKey, random(32))).toBeDefined();
  });

  test('wrong lengths', () => {
    const { encapsulationKey, decapsulationKey } = kem.generateKey(random(64));
    for (const length of [0, 1, 1183, 1185, 2400]) {
      expect(kem.encapsulate(new Uint8Array(length), random(32))).toBeUndefined();
    }
    for (const length of [0, 1087, 1089]) {
      expect(kem.decapsulate(decapsulationKey, new Uint8Array(length))).toBeUndefined();
    }
    expect(kem.decapsulate(decapsulationKey.subarray(1), new Uint8Array(1088))).toBeUndefined();
    expect(() => kem.generateKey(random(63))).toThrow(UsageError);
    expect(() => kem.encapsulate(encapsulationKey, random(31))).toThrow(UsageError);
  });

  test('a damaged decapsulation key is refused', () => {
    const { decapsulationKey, encapsulationKey } = kem.generateKey(random(64));
    const { ciphertext } = kem.encapsulate(encapsulationKey, random(32))!;
    for (const at of [1152, 1500, 2335, 2336, 2367]) {
      const damaged = decapsulationKey.slice();
      damaged[at]! ^= 1;
      expect(kem.decapsulate(damaged, ciphertext)).toBeUndefined();
    }
  });

  test('random bytes in any place never trap', () => {
    for (let i = 0; i < 200; i++) {
      kem.encapsulate(random(1184), random(32));
      kem.decapsulate(random(2400), random(1088));
      const { decapsulationKey } = kem.generateKey(random(64));
      expect(kem.decapsulate(decapsulationKey, random(1088))).toHaveLength(32);
    }
  });

  test('as a key exchange: an offer is good for one answer', () => {
    const exchange = mlKem768KeyExchange(wasmBuild(build));
    const offer = exchange.offer(random(exchange.offerRandomLength));
    expect(offer.share).toHaveLength(exchange.clientShareLength);
    const answer = exchange.respond(offer.share, random(exchange.respondRandomLength))!;
    expect(answer.share).toHaveLength(exchange.serverShareLength);
    expect(offer.finish(answer.share)).toEqual(answer.secret);
    expect(() => offer.finish(answer.share)).toThrow(UsageError);
  });

  test('leaves no secret in memory', () => {
    const instance = wasmBuild(build);
    const fresh = mlKem768(instance);
    const seed = random(64);
    const message = random(32);
    const { encapsulationKey, decapsulationKey } = fresh.generateKey(seed);
    const { ciphertext, secret } = fresh.encapsulate(encapsulationKey, message)!;
    expect(fresh.decapsulate(decapsulationKey, ciphertext)).toEqual(secret);
    const memory = Buffer.from(instance.bytes);
    // Any 16 bytes in a row of each secret, the encoded s of the decapsulation key among them.
    for (const bytes of [seed, message, secret, decapsulationKey.subarray(0, 1152)]) {
      for (let at = 0; at + 16 <= bytes.length; at += 16) {
        expect(memory.indexOf(bytes.subarray(at, at + 16))).toBe(-1);
      }
    }
  });
});

test(`all builds agree with an independent implementation in ${CASES} random cases`, {
  timeout: CASES * 60 + 20_000,
}, () => {
  const kems = WASM_BUILDS.map((build) => mlKem768(wasmBuild(build)));
  for (let i = 0; i < CASES; i++) {
    const seed = random(64);
    const message = random(32);
    const key = noble.keygen(seed);
    const { cipherText, sharedSecret } = noble.encapsulate(key.publicKey, message);
    // Implicit rejection, of a ciphertext with one bit changed, which is one of each position in turn.
    const forged = cipherText.slice();
    forged[i % forged.length]! ^= 1 << (i % 8);
    const rejected = noble.decapsulate(forged, key.secretKey);
    for (const kem of kems) {
      const made = kem.generateKey(seed);
      expectSame(made.encapsulationKey, key.publicKey);
      expectSame(made.decapsulationKey, key.secretKey);
      const encapsulated = kem.encapsulate(key.publicKey, message)!;
      expectSame(encapsulated.ciphertext, cipherText);
      expectSame(encapsulated.secret, sharedSecret);
      expectSame(kem.decapsulate(key.secretKey, cipherText)!, sharedSecret);
      expectSame(kem.decapsulate(key.secretKey, forged)!, rejected);
    }
  }
});

interface NativeMlKem {
  generateKey(): { encapsulationKey: Uint8Array; decapsulate(ciphertext: Uint8Array): Uint8Array };
  encapsulate(encapsulationKey: Uint8Array): { ciphertext: Uint8Array; secret: Uint8Array };
}

/** The runtime's ML-KEM-768, if it has it. */
function nativeMlKem(): NativeMlKem | undefined {
  // Types for Node 24.7 and above; the functions may be missing.
  const { encapsulate, decapsulate, generateKeyPairSync } = crypto as unknown as {
    encapsulate?(key: crypto.KeyObject): { ciphertext: Buffer; sharedKey: Buffer };
    decapsulate(key: crypto.KeyObject, ciphertext: Uint8Array): Buffer;
    generateKeyPairSync(type: string): { publicKey: crypto.KeyObject; privateKey: crypto.KeyObject };
  };
  if (encapsulate === undefined) return undefined;
  try {
    generateKeyPairSync('ml-kem-768');
  } catch {
    return undefined;
  }
  // A SubjectPublicKeyInfo is a fixed prefix before the key.
  const prefix = generateKeyPairSync('ml-kem-768').publicKey.export({ format: 'der', type: 'spki' }).subarray(0, -1184);
  return {
    generateKey() {
      const { publicKey, privateKey } = generateKeyPairSync('ml-kem-768');
      return {
        encapsulationKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' }).subarray(prefix.length)),
        decapsulate: (ciphertext) => new Uint8Array(decapsulate(privateKey, ciphertext)),
      };
    },
    encapsulate(encapsulationKey) {
      const der = Buffer.concat([prefix, encapsulationKey]);
      const made = encapsulate(crypto.createPublicKey({ key: der, format: 'der', type: 'spki' }));
      return { ciphertext: new Uint8Array(made.ciphertext), secret: new Uint8Array(made.sharedKey) };
    },
  };
}
