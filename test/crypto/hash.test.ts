/** SHA-256, SHA-384, HMAC and HKDF in both builds, against OpenSSL and noble. */
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { expand as nobleExpand, extract as nobleExtract } from '@noble/hashes/hkdf.js';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256, sha384 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { CASES, SLOW_STEP, timeFor } from '../support/differential.ts';
import { nodeProvider } from '../support/node_provider.ts';
import { Random } from '../support/random.ts';
import { wasmProvider } from '../support/wasm.ts';
import { WASM_BUILDS } from '../support/wasm_builds.ts';

const HASHES = [
  { field: 'sha256', node: 'sha256', noble: sha256, block: 64 },
  { field: 'sha384', node: 'sha384', noble: sha384, block: 128 },
] as const;

function expectSame(actual: Uint8Array, expected: Uint8Array, hint: string): void {
  expect(Buffer.compare(actual, expected), hint).toBe(0);
}

describe.each(WASM_BUILDS)('%s build', (build) => {
  const provider = wasmProvider(build, { memoryBytes: 4 * 1024 * 1024 });

  describe.each(HASHES)('$field', ({ field, node, noble, block }) => {
    const hash = provider[field];

    test('every length up to four blocks, whole and cut in two', () => {
      const random = new Random();
      const all = random.bytes(4 * block);
      for (let length = 0; length <= all.length; length++) {
        const message = all.subarray(0, length);
        const expected = createHash(node).update(message).digest();
        expectSame(hash.digest(message), expected, `length ${length}`);
        const running = hash.start();
        const cut = random.below(length + 1);
        running.update(message.subarray(0, cut));
        running.digest();
        running.update(message.subarray(cut));
        expectSame(running.digest(), expected, `length ${length} cut at ${cut}`);
      }
    });

    test('running hashes do not disturb each other', () => {
      const first = hash.start();
      first.update(Uint8Array.of(1, 2, 3));
      const second = hash.start();
      second.update(Uint8Array.of(4));
      first.update(Uint8Array.of(5));
      expectSame(second.digest(), noble(Uint8Array.of(4)), 'second');
      expectSame(first.digest(), noble(Uint8Array.of(1, 2, 3, 5)), 'first');
    });

    test('a message longer than the scratch, and one in the memory', () => {
      const message = new Random().bytes(1_200_000);
      const expected = createHash(node).update(message).digest();
      expectSame(hash.digest(message), expected, 'long');
      const region = provider.memory.allocateRegion(message.length);
      region.set(message);
      expectSame(hash.digest(region), expected, 'in the memory');
      provider.memory.freeRegion(region);
    });

    test('HMAC and HKDF of random inputs', timeFor(CASES), () => {
      const random = new Random();
      for (let i = 0; i < CASES; i++) {
        const key = random.bytes(random.pick([0, 1, 32, 48, block - 1, block, block + 1, random.below(300)]));
        const message = random.bytes(random.pick([0, 1, block, random.below(400)]));
        const tag = hash.hmac(key, message);
        expectSame(tag, createHmac(node, key).update(message).digest(), `HMAC ${i}`);
        expectSame(hash.extract(key, message), nobleExtract(noble, message, key), `extract ${i}`);
        const length = random.pick([0, 1, 12, 16, hash.digestLength, hash.digestLength + 1, random.below(500)]);
        const expanded = hash.expand(tag, message, length);
        if (length > 0) expectSame(expanded, nobleExpand(noble, tag, message, length), `expand ${i}`);
        else expect(expanded.length).toBe(0);
        if (i % SLOW_STEP === 0) {
          expectSame(tag, nobleHmac(noble, key, message), `HMAC by noble ${i}`);
          const secret = random.bytes(40);
          const whole = hash.expand(hash.extract(key, secret), message, hash.digestLength);
          const expected = new Uint8Array(hkdfSync(node, secret, key, message, hash.digestLength));
          expectSame(whole, expected, `HKDF ${i}`);
        }
      }
    });

    test('secrets give what plain HMAC and HKDF give, however often they are used', timeFor(CASES), () => {
      const random = new Random();
      for (let i = 0; i < CASES; i++) {
        const key = random.bytes(hash.digestLength);
        const secret = hash.secret(key);
        for (let use = 0; use < 3; use++) {
          const message = random.bytes(random.pick([0, 1, 32, 55, 56, block, random.below(400)]));
          const length = random.pick([0, 1, 12, hash.digestLength, random.below(500)]);
          expectSame(secret.mac(message), hash.hmac(key, message), `mac ${i}`);
          expectSame(secret.expand(message, length), hash.expand(key, message, length), `expand ${i}`);
          const extracted = secret.extract(message);
          expectSame(extracted.reveal(), hash.extract(key, message), `extract ${i}`);
          const derived = extracted.derive(message);
          const plain = hash.expand(hash.extract(key, message), message, hash.digestLength);
          expectSame(derived.reveal(), plain, `derive ${i}`);
          derived.wipe();
          extracted.wipe();
        }
        expectSame(secret.reveal(), key, `unchanged ${i}`);
        secret.wipe();
      }
    });

    test('a secret or a running hash that was wiped is of no use', () => {
      const secret = hash.secret(new Uint8Array(hash.digestLength));
      const running = hash.start();
      for (let twice = 0; twice < 2; twice++) {
        secret.wipe();
        running.wipe();
      }
      const message = Uint8Array.of(1);
      for (
        const use of [
          () => secret.mac(message),
          () => secret.derive(message),
          () => secret.extract(message),
          () => secret.expand(message, 1),
          () => secret.reveal(),
          () => running.update(message),
          () => running.digest(),
          () => running.fork(),
        ]
      ) expect(use).toThrow(/wiped/);
    });

    test('wrong lengths and secrets of another provider are refused', () => {
      expect(() => hash.secret(new Uint8Array(hash.digestLength - 1))).toThrow(UsageError);
      const secret = hash.secret(new Uint8Array(hash.digestLength));
      expect(() => secret.expand(Uint8Array.of(1), 255 * hash.digestLength + 1)).toThrow(UsageError);
      expect(() => secret.derive(new Uint8Array(5000))).toThrow(UsageError);
      const aead = provider.aeads.get(0x1303)!;
      const foreign = nodeProvider()[field].secret(new Uint8Array(hash.digestLength));
      expect(() => aead.deriveKey(foreign, new Uint8Array(1), new Uint8Array(1))).toThrow(UsageError);
    });

    test('a derived key is the one whose bytes are expanded', () => {
      const random = new Random(11);
      for (const aead of provider.aeads.values()) {
        const secret = hash.secret(random.bytes(hash.digestLength));
        const [keyInfo, ivInfo, content] = [random.bytes(13), random.bytes(12), random.bytes(100)];
        const records = [
          aead.deriveKey(secret, keyInfo, ivInfo),
          aead.installKey(secret.expand(keyInfo, aead.keyLength), secret.expand(ivInfo, aead.ivLength)),
        ].map((key) => {
          const record = new Uint8Array(200);
          return record.subarray(0, key.seal(5, 23, content, record, 16384, 1));
        });
        expectSame(records[0]!, records[1]!, aead.name);
      }
    });

    test('the longest output, and one byte more', () => {
      const key = new Random().bytes(hash.digestLength);
      const length = 255 * hash.digestLength;
      expectSame(hash.expand(key, key, length), nobleExpand(noble, key, key, length), 'longest');
      expect(() => hash.expand(key, key, length + 1)).toThrow(UsageError);
    });

    test('leaves no key, pad or output in the memory', () => {
      const random = new Random(7);
      const key = random.bytes(hash.digestLength);
      const message = random.bytes(50);
      const results = [hash.hmac(key, message), hash.expand(key, message, 100), hash.extract(message, key)];
      const secret = hash.secret(key);
      const [extracted, derived] = [secret.extract(message), secret.derive(message)];
      const recordKey = provider.aeads.get(0x1303)!.deriveKey(secret, message, key.subarray(0, 1));
      results.push(secret.mac(message.subarray(1)), secret.expand(message, 100), extracted.reveal(), derived.reveal());
      for (const used of [secret, extracted, derived, recordKey]) used.wipe();
      const memory = wholeMemory(provider);
      const secrets = [key, key.map((byte) => byte ^ 0x36), key.map((byte) => byte ^ 0x5c), ...results];
      secrets.forEach((secret, i) => expect(memory.indexOf(secret.subarray(0, 16)), `secret ${i}`).toBe(-1));
    });
  });

  test('constantTimeEqual', () => {
    const a = new Random().bytes(33);
    expect(provider.constantTimeEqual(a, a.slice())).toBe(true);
    expect(provider.constantTimeEqual(a, a.subarray(1))).toBe(false);
    for (let i = 0; i < a.length; i++) {
      const b = a.slice();
      b[i]! ^= 1;
      expect(provider.constantTimeEqual(a, b)).toBe(false);
    }
  });
});

function wholeMemory(provider: ReturnType<typeof wasmProvider>): Buffer {
  const region = provider.memory.allocateRegion(16);
  provider.memory.freeRegion(region);
  return Buffer.from(region.buffer);
}
