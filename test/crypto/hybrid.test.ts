/** The hybrid groups of RFC 10024 against a composition of independent implementations, and all groups' order and wrong inputs. */
import { createECDH, createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';
import { x25519 } from '@noble/curves/ed25519.js';
import { p256 } from '@noble/curves/nist.js';
import { ml_kem768 as noble } from '@noble/post-quantum/ml-kem.js';
import { describe, expect, test } from 'vitest';
import type { KeyExchange } from '../../src/crypto/provider.ts';
import { hybridKeyExchange, wasmKeyExchanges } from '../../src/crypto/wasm/hybrid.ts';
import { UsageError } from '../../src/error.ts';
import { NamedGroup } from '../../src/registry/named_group.ts';
import { CASES, SLOW_STEP, timeFor } from '../support/differential.ts';
import { seededBytes } from '../support/seeded.ts';
import { WASM_BUILDS, wasmBuild } from '../support/wasm_builds.ts';

/** A client's classical half: its share, and the secret with a server's half by each of two implementations; the second may take long. */
interface Peer {
  share: Uint8Array;
  agree(serverShare: Uint8Array): Uint8Array;
  agreeSlowly(serverShare: Uint8Array): Uint8Array;
}

function x25519Peer(random: Uint8Array): Peer {
  const der = (prefix: string, key: Uint8Array) => Buffer.concat([Buffer.from(prefix, 'hex'), key]);
  const pkcs8 = der('302e020100300506032b656e04220420', random);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  return {
    share: createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32),
    agree(share) {
      const spki = der('302a300506032b656e032100', share);
      return diffieHellman({ privateKey, publicKey: createPublicKey({ key: spki, format: 'der', type: 'spki' }) });
    },
    agreeSlowly: (share) => x25519.getSharedSecret(random, share),
  };
}

function p256Peer(random: Uint8Array): Peer {
  const ecdh = createECDH('prime256v1');
  const privateKey = random.fill(0x55, 0, 1);
  ecdh.setPrivateKey(privateKey);
  return {
    share: ecdh.getPublicKey(),
    agree: (share) => ecdh.computeSecret(share),
    agreeSlowly: (share) => p256.getSharedSecret(privateKey, share).subarray(1),
  };
}

/** As `toEqual`, which is slow. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

const concatenate = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));

test.each(
  [
    { name: 'X25519MLKEM768', order: 'ML-KEM first', mlkemFirst: true, size: 32, makePeer: x25519Peer },
    { name: 'SecP256r1MLKEM768', order: 'the curve first', mlkemFirst: false, size: 65, makePeer: p256Peer },
  ] as const,
)('$name: $order, in shares and secret', timeFor(CASES), ({ name, mlkemFirst, size, makePeer }) => {
  const exchanges = WASM_BUILDS.map((build) => wasmKeyExchanges(wasmBuild(build)).get(NamedGroup[name])!);
  const random = seededBytes(name);
  const join = (kem: Uint8Array, curve: Uint8Array) => mlkemFirst ? concatenate(kem, curve) : concatenate(curve, kem);
  for (let i = 0; i < CASES; i++) {
    const key = noble.keygen(random(64));
    const peer = makePeer(random(32));
    const share = join(key.publicKey, peer.share);
    const serverRandom = random(exchanges[0]!.respondRandomLength);
    const [made, ...others] = exchanges.map((exchange) => exchange.respond(share, serverRandom)!);
    for (const other of others) {
      expectSame(other.share, made!.share);
      expectSame(other.secret, made!.secret);
    }
    const [curveAt, kemAt] = mlkemFirst ? [1088, 0] : [0, size];
    const curveShare = made!.share.subarray(curveAt, curveAt + size);
    const kemSecret = noble.decapsulate(made!.share.subarray(kemAt, kemAt + 1088), key.secretKey);
    expectSame(made!.secret, join(kemSecret, peer.agree(curveShare)));
    if (i % SLOW_STEP === 0) expectSame(made!.secret, join(kemSecret, peer.agreeSlowly(curveShare)));
  }
});

describe.each(WASM_BUILDS)('%s build', (build) => {
  const exchanges = wasmKeyExchanges(wasmBuild(build));
  const get = (group: number): KeyExchange => exchanges.get(group)!;

  test('the groups, in order of preference', () => {
    expect([...exchanges.keys()]).toEqual([0x11ec, 0x001d, 0x0017, 0x0018, 0x11eb, 0x0202]);
    for (const [group, exchange] of exchanges) expect(exchange.group).toBe(group);
  });

  test('lengths of shares', () => {
    const lengths = ({ clientShareLength, serverShareLength }: KeyExchange) => [clientShareLength, serverShareLength];
    expect(lengths(get(NamedGroup.X25519MLKEM768))).toEqual([1184 + 32, 1088 + 32]);
    expect(lengths(get(NamedGroup.SecP256r1MLKEM768))).toEqual([65 + 1184, 65 + 1088]);
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
