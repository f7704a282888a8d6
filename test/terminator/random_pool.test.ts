import { expect, test } from 'vitest';
import { pooledRandom } from '../../src/terminator/random_pool.ts';

test('no byte of the source is given twice, skipped bytes aside', () => {
  let next = 1;
  const counting = {
    getRandomValues<T extends ArrayBufferView | null>(array: T): T {
      const view = new DataView((array as Uint8Array).buffer);
      for (let at = 0; at + 4 <= view.byteLength; at += 4) view.setUint32(at, next++);
      return array;
    },
  };
  const random = pooledRandom(counting);
  const seen = new Set<number>();
  for (let i = 0; i < 5000; i++) {
    const bytes = random(32);
    expect(bytes).toHaveLength(32);
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    for (let at = 0; at < 32; at += 4) {
      const value = view.getUint32(at);
      expect(value).toBeGreaterThan(0);
      expect(seen.has(value)).toBe(false);
      seen.add(value);
    }
  }
});

test('any length', () => {
  const random = pooledRandom(crypto);
  for (const length of [0, 1, 4095, 4096, 4097, 70000]) {
    expect(random(length < 65536 ? length : 65536).length).toBe(Math.min(length, 65536));
  }
  expect(random(64).some((byte) => byte !== 0)).toBe(true);
});
