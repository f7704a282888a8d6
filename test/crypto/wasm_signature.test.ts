/** ECDSA and Ed25519 in both builds: known answers, Wycheproof's vectors, two independent implementations, and wrong inputs. */
import * as crypto from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { p256, p384 } from '@noble/curves/nist.js';
import { describe, expect, test } from 'vitest';
import {
  type EcdsaCurve,
  ecdsaSigner,
  ecdsaVerifier,
  ed25519Signer,
  ed25519Verifier,
  wasmSignatureProvider,
} from '../../src/crypto/wasm/signature.ts';
import { UsageError } from '../../src/error.ts';
import { SignatureScheme } from '../../src/registry/signature_scheme.ts';
import { CASES, casesOf, SLOW_STEP, timeFor } from '../support/differential.ts';
import { seededBytes } from '../support/seeded.ts';
import { WASM_BUILDS, wasmBuild } from '../support/wasm_builds.ts';
import { fromHex, WYCHEPROOF, wycheproof } from '../support/wycheproof.ts';

interface Ecdsa {
  curve: EcdsaCurve;
  scheme: number;
  size: number;
  hash: string;
  jwk: string;
  /** Random cases. P-384 has plain kernels in the strict build and in OpenSSL: up to 20 ms for a case. */
  cases: number;
  vectors: string;
  noble: typeof p256;
  order: string;
  rfc6979: { key: string; message: string; r: string; s: string };
}

const ECDSA: Ecdsa[] = [
  {
    curve: 'P-256',
    scheme: SignatureScheme.ecdsa_secp256r1_sha256,
    size: 32,
    hash: 'sha256',
    jwk: 'P-256',
    cases: casesOf(),
    vectors: 'ecdsa_secp256r1_sha256_test.json',
    noble: p256,
    order: 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551',
    // §A.2.5
    rfc6979: {
      key: 'c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721',
      message: 'sample',
      r: 'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716',
      s: 'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
    },
  },
  {
    curve: 'P-384',
    scheme: SignatureScheme.ecdsa_secp384r1_sha384,
    size: 48,
    hash: 'sha384',
    jwk: 'P-384',
    cases: casesOf(200),
    vectors: 'ecdsa_secp384r1_sha384_test.json',
    noble: p384,
    order: 'ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973',
    // §A.2.6
    rfc6979: {
      key: '6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5',
      message: 'sample',
      r: '94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46',
      s: '99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8',
    },
  },
];

/** SEQUENCE of two INTEGERs, for values whose encoding is shorter than 128 bytes. */
function der(r: Uint8Array, s: Uint8Array): Uint8Array {
  const integer = (value: Uint8Array) => {
    const first = value.findIndex((byte) => byte !== 0);
    const magnitude = first < 0 ? [0] : [...value.subarray(first)];
    const content = magnitude[0]! >= 0x80 ? [0, ...magnitude] : magnitude;
    return [2, content.length, ...content];
  };
  const content = [...integer(r), ...integer(s)];
  return Uint8Array.of(0x30, content.length, ...content);
}

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

function opensslKey({ jwk, size }: Ecdsa, point: Uint8Array): crypto.KeyObject {
  const [x, y] = [base64url(point.subarray(1, 1 + size)), base64url(point.subarray(1 + size))];
  return crypto.createPublicKey({ key: { kty: 'EC', crv: jwk, x, y }, format: 'jwk' });
}

/** As `toEqual`, which is slow. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

describe.each(ECDSA)('ECDSA $curve', (row) => {
  const { curve, scheme, size, hash, noble, cases } = row;

  test(`${cases} random cases of all builds against OpenSSL and noble`, timeFor(cases), () => {
    const random = seededBytes(`ecdsa ${curve}`);
    const instances = WASM_BUILDS.map((build) => wasmBuild(build));
    for (let i = 0; i < cases; i += 20) {
      const scalar = random(size);
      scalar[0]! &= 0x7f;
      let added: Uint8Array = new Uint8Array(16);
      const signers = instances.map((instance) => ecdsaSigner(instance, curve, scalar, () => added.slice()));
      const { publicKey } = signers[0]!;
      const verifiers = instances.map((instance) => ecdsaVerifier(instance, curve, publicKey));
      const publicObject = opensslKey(row, publicKey);
      const jwk = { ...publicObject.export({ format: 'jwk' }), d: base64url(scalar) };
      const privateObject = crypto.createPrivateKey({ key: jwk, format: 'jwk' });
      for (const signer of signers) expectSame(signer.publicKey, noble.getPublicKey(scalar, false));
      for (let j = 0; j < 20; j++) {
        const message = random(10 * j);
        added = random(16);
        // All builds draw the same nonce, so their signatures are one.
        const [signature, ...others] = signers.map((signer) => signer.sign(scheme, message));
        for (const other of others) expectSame(other, signature!);
        expect(crypto.verify(hash, message, publicObject, signature!)).toBe(true);
        if ((i + j) % SLOW_STEP === 0) {
          expect(noble.verify(signature!, message, publicKey, { format: 'der', lowS: false })).toBe(true);
        }
        const foreign = crypto.sign(hash, message, privateObject);
        const changed = signature!.slice();
        changed[9 + j]! ^= 1 << (j % 8);
        for (const verifier of verifiers) {
          expect(verifier.verify(scheme, message, signature!)).toBe(true);
          expect(verifier.verify(scheme, message, foreign)).toBe(true);
          expect(verifier.verify(scheme, message, changed)).toBe(false);
        }
      }
    }
  });
});

test(`Ed25519: ${CASES} random cases of all builds against OpenSSL and noble`, timeFor(CASES), () => {
  const scheme = SignatureScheme.ed25519;
  const random = seededBytes('ed25519');
  const instances = WASM_BUILDS.map((build) => wasmBuild(build));
  const der = (prefix: string, key: Uint8Array) => Buffer.concat([Buffer.from(prefix, 'hex'), key]);
  for (let i = 0; i < CASES; i += 20) {
    const seed = random(32);
    const expectedKey = ed25519.getPublicKey(seed);
    const key = der('302e020100300506032b657004220420', seed);
    const privateObject = crypto.createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    const signers = instances.map((instance) => ed25519Signer(instance, seed));
    for (const signer of signers) expectSame(signer.publicKey, expectedKey);
    const verifiers = instances.map((instance) => ed25519Verifier(instance, expectedKey));
    for (let j = 0; j < 20; j++) {
      const message = random(17 * j);
      const signature = new Uint8Array(crypto.sign(null, message, privateObject));
      for (const signer of signers) expectSame(signer.sign(scheme, message), signature);
      const changed = signature.slice();
      changed[3 * j]! ^= 1 << (j % 8);
      if ((i + j) % SLOW_STEP === 0) {
        expectSame(ed25519.sign(message, seed), signature);
        expect(ed25519.verify(signature, message, expectedKey)).toBe(true);
        expect(ed25519.verify(changed, message, expectedKey)).toBe(false);
      }
      for (const verifier of verifiers) {
        expect(verifier.verify(scheme, message, signature)).toBe(true);
        expect(verifier.verify(scheme, message, changed)).toBe(false);
      }
    }
  }
});

describe.each(WASM_BUILDS)('%s build', (build) => {
  const instance = wasmBuild(build);

  describe.each(ECDSA)('ECDSA $curve', (row) => {
    const { curve, scheme, size, order, rfc6979 } = row;
    const random = seededBytes(`ecdsa ${curve} ${build}`);
    const key = () => {
      const scalar = random(size);
      scalar[0]! &= 0x7f;
      return scalar;
    };

    // The vectors are not in the repository; CI fetches them.
    test.skipIf(WYCHEPROOF === undefined)('Wycheproof', () => {
      interface Vector {
        tcId: number;
        comment: string;
        publicKey: { uncompressed: string };
        msg: string;
        sig: string;
        result: 'valid' | 'invalid';
      }
      const vectors = wycheproof<Vector>(row.vectors);
      expect(vectors.length).toBeGreaterThan(100);
      for (const vector of vectors) {
        const verifier = ecdsaVerifier(instance, curve, fromHex(vector.publicKey.uncompressed));
        const good = verifier.verify(scheme, fromHex(vector.msg), fromHex(vector.sig));
        expect(good, `${vector.tcId} ${vector.comment}`).toBe(vector.result === 'valid');
      }
    });

    test('RFC 6979 signs otherwise when random bytes are added, and verifies', () => {
      const fixed = ecdsaSigner(instance, curve, fromHex(rfc6979.key), () => new Uint8Array(16));
      const other = ecdsaSigner(instance, curve, fromHex(rfc6979.key), () => new Uint8Array(16).fill(1));
      const message = new TextEncoder().encode(rfc6979.message);
      const verifier = ecdsaVerifier(instance, curve, fixed.publicKey);
      expect(fixed.sign(scheme, message)).toEqual(fixed.sign(scheme, message));
      expect(fixed.sign(scheme, message)).not.toEqual(other.sign(scheme, message));
      expect(verifier.verify(scheme, message, other.sign(scheme, message))).toBe(true);
      // The RFC's own signature, made without added bytes: see also the native tests, which make it.
      const known = der(fromHex(rfc6979.r), fromHex(rfc6979.s));
      expect(verifier.verify(scheme, message, known)).toBe(true);
    });

    test('r and s from 1 to the order less one, in one encoding', () => {
      const signer = ecdsaSigner(instance, curve, key(), random);
      const verifier = ecdsaVerifier(instance, curve, signer.publicKey);
      const message = Uint8Array.of(1, 2, 3);
      const [zero, n] = [new Uint8Array(size), fromHex(order)];
      const one = zero.slice().fill(1, size - 1);
      for (const [r, s] of [[zero, one], [one, zero], [n, one], [one, n], [zero, zero], [n, n]] as const) {
        expect(verifier.verify(scheme, message, der(r, s))).toBe(false);
      }
      const good = signer.sign(scheme, message);
      expect(verifier.verify(scheme, message, good)).toBe(true);
      for (let length = 0; length < good.length; length++) {
        expect(verifier.verify(scheme, message, good.subarray(0, length))).toBe(false);
      }
      for (const wrong of [Uint8Array.of(...good, 0), new Uint8Array(300).fill(0x30), new Uint8Array(256)]) {
        expect(verifier.verify(scheme, message, wrong)).toBe(false);
      }
      // BER's long form of a length.
      expect(verifier.verify(scheme, message, Uint8Array.of(0x30, 0x81, ...good.subarray(1)))).toBe(false);
    });

    // What is verified is u·G + v·Q, and a forger may choose u or v. The key is made to suit: the signature is right.
    test('verifies with the scalars for which the sums of the fast multiplications meet', () => {
      const { Point, Signature } = row.noble;
      const [{ Fn }, message] = [Point, Uint8Array.of(1, 2, 3)];
      const e = Fn.create(BigInt(`0x${crypto.createHash(row.hash).update(message).digest('hex')}`));
      const bytes = (value: bigint) => fromHex(value.toString(16).padStart(2 * size, '0'));
      const check = (choose: { u: bigint } | { v: bigint }) => {
        // x(R) = r is free; s follows from u or from v, and Q from all of them.
        const R = Point.BASE.multiply(1234567n);
        const r = Fn.create(R.toAffine().x);
        const s = 'u' in choose ? Fn.div(e, choose.u) : Fn.div(r, choose.v);
        const Q = R.subtract(Point.BASE.multiply(Fn.div(e, s))).multiply(Fn.div(s, r)).toBytes(false);
        const signature = der(bytes(r), bytes(s));
        const plain = Signature.fromBytes(signature, 'der').toBytes();
        expect(row.noble.verify(plain, message, Q, { lowS: false })).toBe(true);
        expect(ecdsaVerifier(instance, curve, Q).verify(scheme, message, signature)).toBe(true);
      };
      // Where the sums of both lanes meet (pairs_p256.rs, pairs_p384.rs).
      for (const split of [130n, 195n]) {
        const twice = Fn.create(2n * (Fn.ORDER % (1n << split)));
        for (const u of [twice, Fn.neg(twice)]) check({ u });
      }
      for (const i of [1n, 2n, 3n, 8n, 16n, 32n, 38n]) for (const v of [i, Fn.neg(i)]) check({ v });
    });

    test('refuses what is not a key', () => {
      const sign = (scalar: Uint8Array) => () => ecdsaSigner(instance, curve, scalar, random);
      expect(sign(new Uint8Array(size))).toThrow(UsageError);
      expect(sign(fromHex(order))).toThrow(UsageError);
      expect(sign(new Uint8Array(size).fill(0xff))).toThrow(UsageError);
      expect(sign(new Uint8Array(size - 1).fill(1))).toThrow(UsageError);
      const point = ecdsaSigner(instance, curve, key(), random).publicKey;
      const verify = (bytes: Uint8Array) => () => ecdsaVerifier(instance, curve, bytes);
      expect(verify(point)).not.toThrow();
      expect(verify(point.subarray(1))).toThrow(UsageError);
      expect(verify(new Uint8Array(point.length))).toThrow(UsageError);
      point[20]! ^= 1;
      expect(verify(point)).toThrow(UsageError);
    });

    test('refuses another scheme, too long a message, a wiped key', () => {
      const signer = ecdsaSigner(instance, curve, key(), random);
      const verifier = ecdsaVerifier(instance, curve, signer.publicKey);
      expect(() => signer.sign(SignatureScheme.ed25519, new Uint8Array(1))).toThrow(UsageError);
      expect(() => verifier.verify(SignatureScheme.ed25519, new Uint8Array(1), new Uint8Array(70))).toThrow(UsageError);
      expect(() => signer.sign(scheme, new Uint8Array(instance.scratchLength))).toThrow(UsageError);
      signer.wipe();
      expect(() => signer.sign(scheme, new Uint8Array(1))).toThrow(UsageError);
    });

    test('leaves no key in memory', () => {
      const own = wasmBuild(build);
      const scalar = key();
      const signer = ecdsaSigner(own, curve, scalar, random);
      signer.sign(scheme, random(100));
      const memory = Buffer.from(own.memory.buffer);
      expect(memory.indexOf(scalar.subarray(0, 8))).toBe(-1);
      expect(memory.indexOf(Uint8Array.from(scalar).reverse().subarray(0, 8))).toBe(-1);
    });
  });

  describe('Ed25519', () => {
    const scheme = SignatureScheme.ed25519;
    const random = seededBytes(`ed25519 ${build}`);
    // The vectors are not in the repository; CI fetches them.
    test.skipIf(WYCHEPROOF === undefined)('Wycheproof', () => {
      interface Vector {
        tcId: number;
        comment: string;
        publicKey: { pk: string };
        msg: string;
        sig: string;
        result: 'valid' | 'invalid';
      }
      const vectors = wycheproof<Vector>('ed25519_test.json');
      expect(vectors.length).toBeGreaterThan(100);
      for (const vector of vectors) {
        const verifier = ed25519Verifier(instance, fromHex(vector.publicKey.pk));
        const good = verifier.verify(scheme, fromHex(vector.msg), fromHex(vector.sig));
        expect(good, `${vector.tcId} ${vector.comment}`).toBe(vector.result === 'valid');
      }
    });

    test('RFC 8032 §7.1, test 3', () => {
      const signer = ed25519Signer(
        instance,
        fromHex('c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7'),
      );
      expect(signer.publicKey)
        .toEqual(fromHex('fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025'));
      expect(signer.sign(scheme, fromHex('af82'))).toEqual(fromHex(
        '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac' +
          '18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
      ));
    });

    test('refuses S not below the order, encodings that are not canonical, and other lengths', () => {
      const signer = ed25519Signer(instance, random(32));
      const verifier = ed25519Verifier(instance, signer.publicKey);
      const signature = signer.sign(scheme, Uint8Array.of(1));
      // S + L still satisfies the equation.
      const order = 2n ** 252n + 27742317777372353535851937790883648493n;
      let s = order;
      for (let i = 0; i < 32; i++) s += BigInt(signature[32 + i]!) << BigInt(8 * i);
      const malleable = signature.slice();
      for (let i = 0; i < 32; i++) malleable[32 + i] = Number(s >> BigInt(8 * i) & 255n);
      expect(verifier.verify(scheme, Uint8Array.of(1), malleable)).toBe(false);
      expect(verifier.verify(scheme, Uint8Array.of(1), signature.subarray(1))).toBe(false);
      expect(verifier.verify(scheme, Uint8Array.of(1), new Uint8Array(400))).toBe(false);
      // y = p + 1, y = 2^255 − 1, x = 0 with a sign, y of no point.
      const notKeys = [
        'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
        'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
        '0100000000000000000000000000000000000000000000000000000000000080',
        '0200000000000000000000000000000000000000000000000000000000000000',
        '00',
      ];
      for (const bytes of notKeys) expect(() => ed25519Verifier(instance, fromHex(bytes)), bytes).toThrow(UsageError);
      expect(() => ed25519Signer(instance, new Uint8Array(31))).toThrow(UsageError);
    });
  });

  test('the provider makes signers and verifiers of every type but RSA', async () => {
    const random = seededBytes('provider');
    const provider = wasmSignatureProvider(instance, random);
    const unused = { schemes: [], pkcs8: new Uint8Array(), spki: new Uint8Array() };
    for (const [type, size] of [['ecdsa_p256', 32], ['ecdsa_p384', 48], ['ed25519', 32]] as const) {
      const scalar = random(size).fill(1, 0, 1);
      const signer = (await provider.signer({ ...unused, type, scalar }))!;
      const { publicKey } = signer as unknown as { publicKey: Uint8Array };
      const verifier = (await provider.verifier({ ...unused, type, raw: publicKey }))!;
      const scheme = signer.schemes[0]!;
      expect(verifier.schemes).toEqual(signer.schemes);
      const signature = await signer.sign(scheme, Uint8Array.of(5));
      expect(await verifier.verify(scheme, Uint8Array.of(5), signature)).toBe(true);
      expect(await verifier.verify(scheme, Uint8Array.of(6), signature)).toBe(false);
    }
    expect(provider.signer({ ...unused, type: 'rsa', scalar: undefined })).toBeUndefined();
    expect(provider.verifier({ ...unused, type: 'rsa', raw: undefined })).toBeUndefined();
  });
});
