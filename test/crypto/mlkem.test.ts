/** ML-KEM-768 and ML-KEM-1024 in both builds: Wycheproof's vectors, an independent implementation, the runtime's own, and wrong inputs. */
import * as crypto from 'node:crypto';
import { ml_kem1024, ml_kem768 } from '@noble/post-quantum/ml-kem.js';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { mlKem1024, mlKem1024KeyExchange, mlKem768, mlKem768KeyExchange } from '../../src/crypto/wasm/mlkem.ts';
import { CASES, timeFor } from '../support/differential.ts';
import { seededBytes } from '../support/seeded.ts';
import { WASM_BUILDS, wasmBuild } from '../support/wasm_builds.ts';
import { fromHex, hasWycheproof, wycheproof } from '../support/wycheproof.ts';

const random = seededBytes('ML-KEM');

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

/** The parameter sets: bytes of the vector, of keys and of a ciphertext. */
const SETS = [
  {
    size: 768,
    vector: 1152,
    ek: 1184,
    dk: 2400,
    c: 1088,
    make: mlKem768,
    exchange: mlKem768KeyExchange,
    noble: ml_kem768,
  },
  {
    size: 1024,
    vector: 1536,
    ek: 1568,
    dk: 3168,
    c: 1568,
    make: mlKem1024,
    exchange: mlKem1024KeyExchange,
    noble: ml_kem1024,
  },
] as const;

describe.each(SETS.flatMap((set) => WASM_BUILDS.map((build) => ({ ...set, build }))))(
  'ML-KEM-$size, $build build',
  (set) => {
    const { build, size } = set;
    const kem = set.make(wasmBuild(build));

    // The vectors are not in the repository; a folder of them may lack those of one size.
    describe.skipIf(!hasWycheproof(`mlkem_${size}_test.json`))('Wycheproof', () => {
      test('key generation', () => {
        const vectors = wycheproof<Vector>(`mlkem_${size}_keygen_seed_test.json`);
        expect(vectors.length).toBeGreaterThan(0);
        for (const vector of vectors) {
          const { encapsulationKey, decapsulationKey } = kem.generateKey(fromHex(vector.seed));
          expectSame(encapsulationKey, fromHex(vector.ek));
          expectSame(decapsulationKey, fromHex(vector.dk));
        }
      });

      test('encapsulation', () => {
        const vectors = wycheproof<Vector>(`mlkem_${size}_encaps_test.json`);
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
        const vectors = wycheproof<Vector>(`mlkem_${size}_test.json`);
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
        const vectors = wycheproof<Vector>(`mlkem_${size}_semi_expanded_decaps_test.json`);
        expect(vectors.length).toBeGreaterThan(0);
        for (const vector of vectors) {
          const secret = kem.decapsulate(fromHex(vector.dk), fromHex(vector.c));
          expect(secret, `${vector.tcId} ${vector.comment}`)
            .toEqual(vector.result === 'valid' ? fromHex(vector.K) : undefined);
        }
      });
    });

    const native = nativeMlKem(set);
    // Node 20 and 22 have no ML-KEM; Node 24 with OpenSSL 3.5 has.
    test.skipIf(native === undefined)('agrees with the runtime both ways', timeFor(CASES), () => {
      for (let i = 0; i < CASES; i++) {
        const key = native!.generateKey();
        const { ciphertext, secret } = kem.encapsulate(key.encapsulationKey, random(32))!;
        expectSame(key.decapsulate(ciphertext), secret);

        const own = kem.generateKey(random(64));
        const theirs = native!.encapsulate(own.encapsulationKey);
        expectSame(kem.decapsulate(own.decapsulationKey, theirs.ciphertext)!, theirs.secret);
      }
    });

    test('a coefficient at or above q is refused wherever it is', () => {
      const { encapsulationKey } = kem.generateKey(random(64));
      for (let i = 0; i < size; i++) {
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
      for (const length of [0, 1, set.ek - 1, set.ek + 1, set.dk]) {
        expect(kem.encapsulate(new Uint8Array(length), random(32))).toBeUndefined();
      }
      for (const length of [0, set.c - 1, set.c + 1]) {
        expect(kem.decapsulate(decapsulationKey, new Uint8Array(length))).toBeUndefined();
      }
      expect(kem.decapsulate(decapsulationKey.subarray(1), new Uint8Array(set.c))).toBeUndefined();
      expect(() => kem.generateKey(random(63))).toThrow(UsageError);
      expect(() => kem.encapsulate(encapsulationKey, random(31))).toThrow(UsageError);
    });

    test('a damaged decapsulation key is refused', () => {
      const { decapsulationKey, encapsulationKey } = kem.generateKey(random(64));
      const { ciphertext } = kem.encapsulate(encapsulationKey, random(32))!;
      for (const at of [set.vector, set.vector + 348, set.dk - 65, set.dk - 64, set.dk - 33]) {
        const damaged = decapsulationKey.slice();
        damaged[at]! ^= 1;
        expect(kem.decapsulate(damaged, ciphertext)).toBeUndefined();
      }
    });

    test('random bytes in any place never trap', () => {
      for (let i = 0; i < 200; i++) {
        kem.encapsulate(random(set.ek), random(32));
        kem.decapsulate(random(set.dk), random(set.c));
        const { decapsulationKey } = kem.generateKey(random(64));
        expect(kem.decapsulate(decapsulationKey, random(set.c))).toHaveLength(32);
      }
    });

    test('as a key exchange: an offer is good for one answer', () => {
      const exchange = set.exchange(wasmBuild(build));
      const offer = exchange.offer(random(exchange.offerRandomLength));
      expect(offer.share).toHaveLength(exchange.clientShareLength);
      const answer = exchange.respond(offer.share, random(exchange.respondRandomLength))!;
      expect(answer.share).toHaveLength(exchange.serverShareLength);
      expect(offer.finish(answer.share)).toEqual(answer.secret);
      expect(() => offer.finish(answer.share)).toThrow(UsageError);
    });

    test('leaves no secret in memory', () => {
      const instance = wasmBuild(build);
      const fresh = set.make(instance);
      const seed = random(64);
      const message = random(32);
      const { encapsulationKey, decapsulationKey } = fresh.generateKey(seed);
      const { ciphertext, secret } = fresh.encapsulate(encapsulationKey, message)!;
      expect(fresh.decapsulate(decapsulationKey, ciphertext)).toEqual(secret);
      const memory = Buffer.from(instance.bytes);
      // Any 16 bytes in a row of each secret, the encoded s of the decapsulation key among them.
      for (const bytes of [seed, message, secret, decapsulationKey.subarray(0, set.vector)]) {
        for (let at = 0; at + 16 <= bytes.length; at += 16) {
          expect(memory.indexOf(bytes.subarray(at, at + 16))).toBe(-1);
        }
      }
    });
  },
);

test.each(SETS)('ML-KEM-$size: all builds agree with noble in random cases', timeFor(CASES), ({ make, noble }) => {
  const kems = WASM_BUILDS.map((build) => make(wasmBuild(build)));
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

/** The runtime's ML-KEM, if it has it. */
function nativeMlKem({ size, ek }: { readonly size: number; readonly ek: number }): NativeMlKem | undefined {
  const type = `ml-kem-${size}`;
  // Types for Node 24.7 and above; the functions may be missing.
  const { encapsulate, decapsulate, generateKeyPairSync } = crypto as unknown as {
    encapsulate?(key: crypto.KeyObject): { ciphertext: Buffer; sharedKey: Buffer };
    decapsulate(key: crypto.KeyObject, ciphertext: Uint8Array): Buffer;
    generateKeyPairSync(type: string): { publicKey: crypto.KeyObject; privateKey: crypto.KeyObject };
  };
  if (encapsulate === undefined) return undefined;
  try {
    generateKeyPairSync(type);
  } catch {
    return undefined;
  }
  // A SubjectPublicKeyInfo is a fixed prefix before the key.
  const prefix = generateKeyPairSync(type).publicKey.export({ format: 'der', type: 'spki' }).subarray(0, -ek);
  return {
    generateKey() {
      const { publicKey, privateKey } = generateKeyPairSync(type);
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
