import { expect, test } from 'vitest';
import { RecordBuffers } from '../../src/stream/record_buffers.ts';

test('a buffer given back is lent next, and no buffer is lent twice', () => {
  const memory = new Uint8Array(3000);
  const buffers = new RecordBuffers(memory, 1000);
  const lent = [buffers.take(1000), buffers.take(125), buffers.take(500)];
  expect(lent.map((buffer) => [buffer.buffer === memory.buffer, buffer.byteOffset, buffer.length])).toEqual([
    [true, 0, 1000],
    [true, 1000, 1000],
    [true, 2000, 1000],
  ]);
  buffers.giveBack(lent[1] as Uint8Array);
  expect(buffers.take(300).byteOffset).toBe(1000);
});

test('a fresh array for few bytes, for more than a buffer, and when all are lent; giving it back changes nothing', () => {
  const memory = new Uint8Array(1000);
  const buffers = new RecordBuffers(memory, 1000);
  const fresh = [buffers.take(5), buffers.take(1001)];
  const only = buffers.take(1000);
  expect(only.buffer).toBe(memory.buffer);
  fresh.push(buffers.take(1000));
  expect(fresh.map((array) => array.length)).toEqual([5, 1001, 1000]);
  for (const array of fresh) {
    expect(array.buffer).not.toBe(memory.buffer);
    buffers.giveBack(array);
  }
  expect(buffers.take(1000).buffer).not.toBe(memory.buffer);
});
