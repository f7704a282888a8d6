/** The hybrid groups of RFC 10024 against a composition of independent implementations, and all groups' order and wrong inputs. */
import { createECDH } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import { ml_kem768 as noble } from '@noble/post-quantum/ml-kem.js';
import { describe, expect, test } from 'vitest';
import type { KeyExchange } from '../../src/crypto/provider.ts';
import { hybridKeyExchange, wasmKeyExchanges } from '../../src/crypto/wasm/hybrid.ts';
import { UsageError } from '../../src/error.ts';
import { NamedGroup } from '../../src/registry/named_group.ts';
import { seededBytes } from '../support/seeded.ts';
import { WASM_BUILDS, wasmBuild } from '../support/wasm_builds.ts';

const CASES = Math.ceil(Number(process.env['SALLYPORT_CASES'] ?? 2000) / 20);

/** A classical client: makes its half of the share, and agrees with the server's half. */
interface Peer {
  share: Uint8Array;
  agree(serverShare: Uint8Array): Uint8Array;
}

function x25519Peer(random: Uint8Array): Peer {
  return { share: x25519.getPublicKey(random), agree: (share) => x25519.getSharedSecret(random, share) };
}

function p256Peer(): Peer {
  const ecdh = createECDH('prime256v1');
  return {
    share: new Uint8Array(ecdh.generateKeys()),
    agree: (share) => new Uint8Array(ecdh.computeSecret(share)),
  };
}

const concatenate = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

describe.each(WASM_BUILDS)('%s build', (build) => {
  const exchanges = wasmKeyExchanges(wasmBuild(build));
  const get = (group: number): KeyExchange => exchanges.get(group)!;

  test('the groups, in order of preference', () => {
    expect([...exchanges.keys()]).toEqual([0x11ec, 0x001d, 0x0017, 0x0018, 0x11eb, 0x0202]);
    for (const [group, exchange] of exchanges) expect(exchange.group).toBe(group);
  });

  test('X25519MLKEM768: ML-KEM first, in shares and secret', () => {
    const exchange = get(NamedGroup.X25519MLKEM768);
    expect([exchange.clientShareLength, exchange.serverShareLength]).toEqual([1184 + 32, 1088 + 32]);
    const random = seededBytes('hybrid 1');
    for (let i = 0; i < CASES; i++) {
      const key = noble.keygen(random(64));
      const peer = x25519Peer(random(32));
      const made = exchange.respond(concatenate(key.publicKey, peer.share), random(exchange.respondRandomLength))!;
      const secret = concatenate(
        noble.decapsulate(made.share.subarray(0, 1088), key.secretKey),
        peer.agree(made.share.subarray(1088)),
      );
      expect(Buffer.compare(made.secret, secret)).toBe(0);
    }
  });

  test('SecP256r1MLKEM768: the curve first, in shares and secret', () => {
    const exchange = get(NamedGroup.SecP256r1MLKEM768);
    expect([exchange.clientShareLength, exchange.serverShareLength]).toEqual([65 + 1184, 65 + 1088]);
    const random = seededBytes('hybrid 2');
    for (let i = 0; i < CASES; i++) {
      const key = noble.keygen(random(64));
      const peer = p256Peer();
      const made = exchange.respond(concatenate(peer.share, key.publicKey), random(exchange.respondRandomLength))!;
      const secret = concatenate(
        peer.agree(made.share.subarray(0, 65)),
        noble.decapsulate(made.share.subarray(65), key.secretKey),
      );
      expect(Buffer.compare(made.secret, secret)).toBe(0);
    }
  });

  test.each([...exchanges.values()])('$name: offer, respond and finish agree; wrong shares are refused', (exchange) => {
    const random = seededBytes(exchange.name);
    const offer = () => exchange.offer(random(exchange.offerRandomLength));
    const respond = (share: Uint8Array) => exchange.respond(share, random(exchange.respondRandomLength));
    for (let i = 0; i < 20; i++) {
      const own = offer();
      expect(own.share).toHaveLength(exchange.clientShareLength);
      const made = respond(own.share)!;
      expect(made.share).toHaveLength(exchange.serverShareLength);
      expect(own.finish(made.share)).toEqual(made.secret);
      expect(() => own.finish(made.share)).toThrow(UsageError);
    }
    const { share } = offer();
    for (const length of [0, 1, share.length - 1, share.length + 1]) {
      expect(respond(new Uint8Array(length))).toBeUndefined();
      expect(offer().finish(new Uint8Array(length))).toBeUndefined();
    }
    // Zeros are no point; of ML-KEM alone they are a key, but 4095 is no coefficient.
    const invalid = new Uint8Array(share.length).fill(exchange.group === NamedGroup.MLKEM1024 ? 0xff : 0);
    expect(respond(invalid)).toBeUndefined();
    const wiped = offer();
    wiped.wipe();
    expect(() => wiped.finish(respond(share)!.share)).toThrow(UsageError);
  });

  test('a hybrid is refused when either half is', () => {
    const random = seededBytes('hybrid 3');
    const exchange = get(NamedGroup.X25519MLKEM768);
    const respond = (share: Uint8Array) => exchange.respond(share, random(exchange.respondRandomLength));
    const { share } = exchange.offer(random(exchange.offerRandomLength));
    expect(respond(share)).toBeDefined();
    // The first coefficient is not below q.
    const notReduced = share.slice();
    notReduced.fill(0xff, 0, 2);
    expect(respond(notReduced)).toBeUndefined();
    // A point of low order.
    const lowOrder = share.slice();
    lowOrder.fill(0, 1184);
    expect(respond(lowOrder)).toBeUndefined();
    const serverShare = respond(share)!.share;
    serverShare.fill(0, 1088);
    expect(exchange.offer(random(exchange.offerRandomLength)).finish(serverShare)).toBeUndefined();
  });

  test('the parts of a secret are wiped when it is put together', () => {
    const made: Uint8Array[] = [];
    const watched = (inner: KeyExchange): KeyExchange => ({
      ...inner,
      respond(share, random) {
        const result = inner.respond(share, random);
        if (result) made.push(result.secret);
        return result;
      },
    });
    const random = seededBytes('hybrid 4');
    const [first, second] = [get(NamedGroup.secp256r1), get(NamedGroup.x25519)];
    const exchange = hybridKeyExchange('test', 0xff00, watched(first), watched(second));
    const { share } = exchange.offer(random(exchange.offerRandomLength));
    expect(exchange.respond(share, random(exchange.respondRandomLength))).toBeDefined();
    share.fill(0, 65);
    expect(exchange.respond(share, random(exchange.respondRandomLength))).toBeUndefined();
    expect(made).toHaveLength(3);
    for (const secret of made) expect(secret.every((byte) => byte === 0)).toBe(true);
  });
});
