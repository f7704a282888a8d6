/** Seeded choices and seeded bytes: a run with the same seed does the same things, as far as the network lets it. */

/** Numbers in [0, 1) from a 32-bit seed (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `bound` - 1. */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** A size up to `most`, small ones as often as large ones. */
  size(most: number): number {
    return Math.floor(most ** this.next()) - 1 + this.below(2);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.below(choices.length)];
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}

/** A prime, so that bytes lost or repeated in steps of a buffer's size do not go unseen. */
const blockLength = 1_048_573;
const largestChunk = 65_536;
const block = (() => {
  const random = new Random(1);
  const bytes = Buffer.alloc(blockLength + largestChunk);
  for (let i = 0; i < blockLength; i++) bytes[i] = random.below(256);
  bytes.copy(bytes, blockLength, 0, largestChunk);
  return bytes;
})();

/** The bytes of stream `id` from `offset` on, at most 64 KiB of them. Not to be written to. */
export function streamBytes(id: number, offset: number, length: number): Buffer {
  const start = (id * 7919 + offset) % blockLength;
  return block.subarray(start, start + Math.min(length, largestChunk));
}

/** Whether `bytes` are those of stream `id` from `offset` on. */
export function isStream(id: number, offset: number, bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length;) {
    const expected = streamBytes(id, offset + at, bytes.length - at);
    if (expected.compare(bytes, at, at + expected.length) !== 0) return false;
    at += expected.length;
  }
  return true;
}
