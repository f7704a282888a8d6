/** SHA-256, SHA-384, HMAC and HKDF in both builds, against OpenSSL and noble. */
import { createHash, createHmac, hkdfSync } from 'node:crypto';
import { expand as nobleExpand, extract as nobleExtract } from '@noble/hashes/hkdf.js';
import { hmac as nobleHmac } from '@noble/hashes/hmac.js';
import { sha256, sha384 } from '@noble/hashes/sha2.js';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../src/error.ts';
import { CASES, Random } from '../support/random.ts';
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

    test('HMAC and HKDF of random inputs', () => {
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
        if (i % 8 === 0) {
          expectSame(tag, nobleHmac(noble, key, message), `HMAC by noble ${i}`);
          const secret = random.bytes(40);
          const whole = hash.expand(hash.extract(key, secret), message, hash.digestLength);
          const expected = new Uint8Array(hkdfSync(node, secret, key, message, hash.digestLength));
          expectSame(whole, expected, `HKDF ${i}`);
        }
      }
    }, 600_000);

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
