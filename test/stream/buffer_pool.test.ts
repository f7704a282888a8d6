import { expect, test } from 'vitest';
import { BufferPool } from '../../src/stream/buffer_pool.ts';

function inside(pool: BufferPool, turn: () => void): void {
  pool.begin();
  turn();
  pool.settle();
}

test('regions come back at the end of the turn', () => {
  const pool = new BufferPool(new Uint8Array(4096), 1024);
  inside(pool, () => {
    const first = pool.take(1024);
    expect(first.length).toBe(1024);
    expect(pool.take(1).byteOffset).not.toBe(first.byteOffset);
    expect(pool.available).toBe(2);
  });
  expect(pool.available).toBe(4);
});

test('held regions stay out until released', () => {
  const pool = new BufferPool(new Uint8Array(2048), 1024);
  let held: Uint8Array = new Uint8Array(0);
  inside(pool, () => {
    held = pool.take(10).subarray(3, 7);
    pool.hold(held);
  });
  expect(pool.available).toBe(1);
  inside(pool, () => expect(pool.take(10).byteOffset >> 10).not.toBe(held.byteOffset >> 10));
  pool.release(held);
  expect(pool.available).toBe(2);
  pool.release(held);
  expect(pool.available).toBe(2);
});

test('held and released within one turn: given back once', () => {
  const pool = new BufferPool(new Uint8Array(1024), 1024);
  inside(pool, () => {
    const region = pool.take(10);
    pool.hold(region);
    pool.release(region);
  });
  expect(pool.available).toBe(1);
});

test('turns nest: only the outermost ends', () => {
  const pool = new BufferPool(new Uint8Array(2048), 1024);
  inside(pool, () => {
    pool.take(10);
    inside(pool, () => void pool.take(10));
    expect(pool.available).toBe(0);
  });
  expect(pool.available).toBe(2);
});

test('more than a region, or than there are: a fresh array, which hold and release leave alone', () => {
  const memory = new Uint8Array(1024);
  const pool = new BufferPool(memory, 1024);
  inside(pool, () => {
    expect(pool.take(5000).length).toBe(5000);
    pool.take(1);
    const spare = pool.take(100);
    expect(spare.buffer).not.toBe(memory.buffer);
    pool.hold(spare);
    pool.release(spare);
  });
  expect(pool.available).toBe(1);
});
