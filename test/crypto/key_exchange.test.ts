/** ECDHE in both builds: known answers, Wycheproof's vectors, two independent implementations, and wrong inputs. */
import * as crypto from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import { p256, p384 } from '@noble/curves/nist.js';
import { describe, expect, test } from 'vitest';
import { ecdheKeyExchanges } from '../../src/crypto/wasm/key_exchange.ts';
import type { KeyExchange } from '../../src/crypto/provider.ts';
import { UsageError } from '../../src/error.ts';
import { NamedGroup, type NamedGroupName } from '../../src/registry/named_group.ts';
import { casesOf, SLOW_STEP, timeFor } from '../support/differential.ts';
import { seededBytes } from '../support/seeded.ts';
import { WASM_BUILDS, wasmBuild } from '../support/wasm_builds.ts';
import { fromHex, WYCHEPROOF, wycheproof } from '../support/wycheproof.ts';

interface Curve {
  name: NamedGroupName;
  /** Bytes of a private key and of the secret. */
  size: number;
  /** Its name in OpenSSL. */
  openssl: string;
  /** Random cases. P-384 has plain kernels in the strict build and in OpenSSL: up to 20 ms for a case. */
  cases: number;
  vectors: string;
  /** Of the NIST curves: private keys are numbers below it. */
  order: bigint | undefined;
  publicKey(privateKey: Uint8Array): Uint8Array;
  sharedSecret(privateKey: Uint8Array, peer: Uint8Array): Uint8Array;
}

const CURVES: Curve[] = [
  {
    name: 'x25519',
    size: 32,
    openssl: 'X25519',
    cases: casesOf(),
    vectors: 'x25519_test.json',
    order: undefined,
    publicKey: (privateKey) => x25519.getPublicKey(privateKey),
    sharedSecret: (privateKey, peer) => x25519.getSharedSecret(privateKey, peer),
  },
  {
    name: 'secp256r1',
    size: 32,
    openssl: 'prime256v1',
    cases: casesOf(),
    vectors: 'ecdh_secp256r1_ecpoint_test.json',
    order: p256.Point.Fn.ORDER,
    publicKey: (privateKey) => p256.getPublicKey(privateKey, false),
    sharedSecret: (privateKey, peer) => p256.getSharedSecret(privateKey, peer).subarray(1),
  },
  {
    name: 'secp384r1',
    size: 48,
    openssl: 'secp384r1',
    cases: casesOf(200),
    vectors: 'ecdh_secp384r1_ecpoint_test.json',
    order: p384.Point.Fn.ORDER,
    publicKey: (privateKey) => p384.getPublicKey(privateKey, false),
    sharedSecret: (privateKey, peer) => p384.getSharedSecret(privateKey, peer).subarray(1),
  },
];

/** The random bytes that make this private key: NIST scalars are read as a longer little-endian number. */
function randomOf(curve: Curve, exchange: KeyExchange, privateKey: Uint8Array): Uint8Array {
  if (curve.name === 'x25519') return privateKey;
  const random = new Uint8Array(exchange.offerRandomLength);
  random.set(Uint8Array.from(privateKey).reverse());
  return random;
}

/** A private key as Wycheproof writes it: a number, of any length. */
function padded(hex: string, size: number): Uint8Array {
  return fromHex(hex.padStart(2 * size, '0').slice(-2 * size));
}

/** node:crypto's public key and secret. */
function openssl(curve: Curve, privateKey: Uint8Array, peer: Uint8Array): { share: Uint8Array; secret: Uint8Array } {
  if (curve.name === 'x25519') {
    const der = (prefix: string, key: Uint8Array) => Buffer.concat([Buffer.from(prefix, 'hex'), key]);
    const own = crypto.createPrivateKey({
      key: der('302e020100300506032b656e04220420', privateKey),
      format: 'der',
      type: 'pkcs8',
    });
    const other = crypto.createPublicKey({ key: der('302a300506032b656e032100', peer), format: 'der', type: 'spki' });
    const share = crypto.createPublicKey(own).export({ format: 'der', type: 'spki' }).subarray(-32);
    return { share, secret: crypto.diffieHellman({ privateKey: own, publicKey: other }) };
  }
  const ecdh = crypto.createECDH(curve.openssl);
  ecdh.setPrivateKey(privateKey);
  return { share: ecdh.getPublicKey(), secret: ecdh.computeSecret(peer) };
}

/** As `toEqual`, which is slow. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

describe.each(CURVES)('$name', (curve) => {
  const { cases } = curve;
  test(`${cases} random cases of all builds against OpenSSL and noble`, timeFor(cases), () => {
    const exchanges = WASM_BUILDS.map((build) => ecdheKeyExchanges(wasmBuild(build)).get(NamedGroup[curve.name])!);
    const random = seededBytes(curve.name);
    const validShare = exchanges[0]!.offer(random(exchanges[0]!.offerRandomLength)).share;
    for (let i = 0; i < cases; i++) {
      const privateKey = random(curve.size);
      // Below every order, and edge cases of the windows: long runs of ones and of zeros.
      if (curve.name !== 'x25519') privateKey[0]! &= 0x7f;
      if (i % 8 === 1) privateKey.fill(0xff, 4 + i % 11, 9 + i % 17);
      if (i % 8 === 2) privateKey.fill(0, 4 + i % 11, 9 + i % 17);
      const peerKey = random(curve.size);
      if (curve.name !== 'x25519') peerKey[0]! &= 0x7f;
      const peer = openssl(curve, peerKey, validShare).share;
      const expected = openssl(curve, privateKey, peer);
      for (const exchange of exchanges) {
        const offer = exchange.offer(randomOf(curve, exchange, privateKey));
        expectSame(offer.share, expected.share);
        expectSame(offer.finish(peer)!, expected.secret);
        const responded = exchange.respond(peer, randomOf(curve, exchange, privateKey))!;
        expectSame(responded.share, expected.share);
        expectSame(responded.secret, expected.secret);
      }
      if (i % SLOW_STEP === 0) {
        expectSame(curve.publicKey(privateKey), expected.share);
        expectSame(curve.sharedSecret(privateKey, peer), expected.secret);
      }
    }
  });
});

describe.each(WASM_BUILDS)('%s build', (build) => {
  const exchanges = ecdheKeyExchanges(wasmBuild(build));

  describe.each(CURVES)('$name', (curve) => {
    const exchange = exchanges.get(NamedGroup[curve.name])!;
    const agree = (privateKey: Uint8Array, peer: Uint8Array) =>
      exchange.offer(randomOf(curve, exchange, privateKey)).finish(peer);
    const random = seededBytes(`${curve.name} ${build}`);
    const validShare = exchange.offer(random(exchange.offerRandomLength)).share;

    // The formulas are not complete: these are where sums could meet their addends.
    const { order } = curve;
    if (order !== undefined) {
      test('the smallest and the largest private keys', () => {
        // Around the digits' powers of two; 38 is what pairs_p384.rs tells of.
        for (const i of [1n, 2n, 3n, 7n, 8n, 9n, 15n, 16n, 17n, 31n, 32n, 33n, 38n]) {
          for (const scalar of [i, order - i]) {
            const privateKey = padded(scalar.toString(16), curve.size);
            expectSame(exchange.offer(randomOf(curve, exchange, privateKey)).share, curve.publicKey(privateKey));
            expectSame(agree(privateKey, validShare)!, curve.sharedSecret(privateKey, validShare));
          }
        }
      });
    }

    // The vectors are not in the repository; CI fetches them.
    test.skipIf(WYCHEPROOF === undefined)('Wycheproof', () => {
      interface Vector {
        tcId: number;
        comment: string;
        flags: string[];
        public: string;
        private: string;
        shared: string;
        result: 'valid' | 'acceptable' | 'invalid';
      }
      const vectors = wycheproof<Vector>(curve.vectors);
      expect(vectors.length).toBeGreaterThan(100);
      for (const vector of vectors) {
        const peer = fromHex(vector.public);
        // TLS 1.3 allows neither compressed points nor X25519's zero result; both may be 'acceptable' to Wycheproof.
        const refused = vector.result === 'invalid' || vector.flags.includes('CompressedPoint') ||
          (curve.name === 'x25519' && /^0*$/.test(vector.shared));
        const secret = agree(padded(vector.private, curve.size), peer);
        expect(secret, `${vector.tcId} ${vector.comment}`).toEqual(refused ? undefined : fromHex(vector.shared));
      }
    });

    test('both sides agree', () => {
      for (let i = 0; i < 20; i++) {
        const offer = exchange.offer(random(exchange.offerRandomLength));
        const answer = exchange.respond(offer.share, random(exchange.respondRandomLength))!;
        expect(answer.share.length).toBe(exchange.serverShareLength);
        expect(answer.secret.length).toBe(curve.size);
        expect(offer.finish(answer.share)).toEqual(answer.secret);
      }
    });

    test('a share of another length is not valid', () => {
      for (const length of [0, 1, exchange.clientShareLength - 1, exchange.clientShareLength + 1, 5000]) {
        expect(exchange.respond(new Uint8Array(length), random(exchange.respondRandomLength))).toBeUndefined();
        expect(exchange.offer(random(exchange.offerRandomLength)).finish(new Uint8Array(length))).toBeUndefined();
      }
    });

    test('random bytes of another length are an error of the caller', () => {
      expect(() => exchange.offer(new Uint8Array(exchange.offerRandomLength - 1))).toThrow(UsageError);
      expect(() => exchange.respond(validShare, new Uint8Array(exchange.respondRandomLength + 1))).toThrow(UsageError);
    });

    test('an offer is finished once', () => {
      const offer = exchange.offer(random(exchange.offerRandomLength));
      expect(offer.finish(validShare)).toBeDefined();
      expect(() => offer.finish(validShare)).toThrow(UsageError);
      const wiped = exchange.offer(random(exchange.offerRandomLength));
      wiped.wipe();
      expect(() => wiped.finish(validShare)).toThrow(UsageError);
    });

    test('leaves no secret in memory', () => {
      const instance = wasmBuild(build);
      const own = ecdheKeyExchanges(instance).get(NamedGroup[curve.name])!;
      const randomBytes = random(own.respondRandomLength);
      const { secret } = own.respond(validShare, randomBytes)!;
      const memory = Buffer.from(instance.memory.buffer);
      for (const bytes of [secret, Uint8Array.from(secret).reverse()]) {
        expect(memory.indexOf(bytes)).toBe(-1);
        expect(memory.indexOf(bytes.subarray(0, 8))).toBe(-1);
      }
      for (const bytes of [randomBytes, Uint8Array.from(randomBytes).reverse()]) {
        expect(memory.indexOf(bytes.subarray(0, 16))).toBe(-1);
      }
    });
  });

  describe.each(CURVES.slice(1))('$name', (curve) => {
    const exchange = exchanges.get(NamedGroup[curve.name])!;
    const random = new Uint8Array(exchange.respondRandomLength).fill(7);
    const valid = exchange.offer(random).share;

    test('a share that is not an uncompressed point of the curve is not valid', () => {
      for (let i = 0; i < valid.length; i++) {
        const wrong = valid.slice();
        wrong[i]! ^= 1 << (i % 8);
        expect(exchange.respond(wrong, random), `byte ${i}`).toBeUndefined();
      }
      const zero = new Uint8Array(valid.length);
      expect(exchange.respond(zero, random)).toBeUndefined();
      zero[0] = 4;
      expect(exchange.respond(zero, random)).toBeUndefined();
      // x + p, where that fits in the coordinate, is not canonical.
      expect(exchange.respond(new Uint8Array(valid.length).fill(0xff).fill(4, 0, 1), random)).toBeUndefined();
    });

    test('zero random bytes still make a private key', () => {
      const { share } = exchange.offer(new Uint8Array(exchange.offerRandomLength));
      const one = new Uint8Array(curve.size);
      one[curve.size - 1] = 1;
      expect(share).toEqual(curve.publicKey(one));
    });
  });

  describe('x25519', () => {
    const exchange = exchanges.get(NamedGroup.x25519)!;

    test('RFC 8448 §3', () => {
      const client = exchange.offer(fromHex('49af42ba7f7994852d713ef2784bcbcaa7911de26adc5642cb634540e7ea5005'));
      expect(client.share).toEqual(fromHex('99381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c'));
      const secret = fromHex('8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d');
      const server = exchange.respond(
        client.share,
        fromHex('b1580eeadf6dd589b8ef4f2d5652578cc810e9980191ec8d058308cea216a21e'),
      );
      expect(server).toEqual({
        share: fromHex('c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f'),
        secret,
      });
      expect(client.finish(server!.share)).toEqual(secret);
    });

    test('RFC 7748 §5.2, after 1000 rounds', () => {
      const nine = new Uint8Array(32);
      nine[0] = 9;
      let [k, u]: [Uint8Array, Uint8Array] = [nine, nine];
      for (let i = 0; i < 1000; i++) [k, u] = [exchange.offer(k).finish(u)!, k];
      expect(k).toEqual(fromHex('684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51'));
    });

    test('a share of low order gives nothing', () => {
      // RFC 7748 §6.1 and the points of order 1, 2, 4, 8 and their non-canonical forms.
      const lowOrder = [
        '0000000000000000000000000000000000000000000000000000000000000000',
        '0100000000000000000000000000000000000000000000000000000000000000',
        'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
        '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
        'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
        'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
        'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
        'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
      ];
      for (const share of lowOrder) {
        expect(exchange.respond(fromHex(share), new Uint8Array(32).fill(0x55)), share).toBeUndefined();
      }
    });
  });
});
