import { expect, test } from 'vitest';
import { NodeReads, type Reader } from '../../src/socket/node_reads.ts';

const KIBIBYTE = 1024;
const SHORT = 32 * KIBIBYTE;

class FakeReader implements Reader {
  mayReadLong = true;
  buffer: Uint8Array;
  readonly #reads: NodeReads;

  constructor(reads: NodeReads) {
    this.#reads = reads;
    this.buffer = reads.short;
  }

  /** Reads `share` of the buffer. */
  read(share = 1): number {
    const length = this.buffer.length;
    this.buffer = this.#reads.next(this, length > SHORT, length * share) ?? this.buffer;
    return length * share;
  }

  shorten(): void {
    this.buffer = this.#reads.short;
  }
}

/** Like net.Socket. */
class FixedReader extends FakeReader {
  declare shorten: never;
}
Object.defineProperty(FixedReader.prototype, 'shorten', { value: undefined });

function setUp(): { reads: NodeReads; crowd: { is: boolean } } {
  const crowd = { is: false };
  return { reads: new NodeReads(new Uint8Array(256 * KIBIBYTE), () => crowd.is), crowd };
}

test('a read that fills the buffer makes the next one long, one that brings little short again', () => {
  const reader = new FakeReader(setUp().reads);
  expect([reader.read(0.5), reader.read(), reader.read(), reader.read(0.01), reader.read()])
    .toEqual([SHORT / 2, SHORT, 256 * KIBIBYTE, 2.56 * KIBIBYTE, SHORT]);
});

test('the first large read in a crowd shortens everybody, who may read long again when it is over', () => {
  const { reads, crowd } = setUp();
  const readers = Array.from({ length: 100 }, () => new FakeReader(reads));
  for (const reader of readers) reader.read();
  expect(readers.every(({ buffer }) => buffer.length === 256 * KIBIBYTE)).toBe(true);
  crowd.is = true;
  readers[50]?.read();
  expect(readers.every(({ buffer }) => buffer.length === SHORT)).toBe(true);
  for (const reader of readers) expect(reader.read()).toBe(SHORT);
  crowd.is = false;
  for (const reader of readers) reader.read();
  expect(readers.every(({ buffer }) => buffer.length === 256 * KIBIBYTE)).toBe(true);
});

test('who may not read long does not', () => {
  const reader = new FakeReader(setUp().reads);
  reader.mayReadLong = false;
  reader.read();
  expect(reader.read()).toBe(SHORT);
});

test('of those that cannot be shortened only a few read long at a time; one that is gone makes room', () => {
  const { reads } = setUp();
  const readers = Array.from({ length: 20 }, () => new FixedReader(reads));
  for (const reader of readers) reader.read();
  expect(readers.filter(({ buffer }) => buffer.length > SHORT)).toHaveLength(16);
  reads.gone(readers[0] as Reader);
  readers[0]?.read(0.01);
  readers[1]?.read(0.01);
  for (const reader of readers.slice(16)) reader.read();
  expect(readers.filter(({ buffer }) => buffer.length > SHORT)).toHaveLength(16);
});
