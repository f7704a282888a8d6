import type { Lender } from '../wire/bytes.ts';

/** Requests below this part of a buffer's length get an array of what they ask for: small, and no buffer goes to a few bytes. */
const LEAST_PART = 8;

/**
 * Buffers for incomplete records, cut from one stretch of memory and used again. Nearly every read of a busy connection ends within a
 * record, and with an array for each such end V8's collecting thread took 5 % of an upload's time. The buffer given back last is
 * lent first: it is still in the processor's cache.
 */
export class RecordBuffers implements Lender {
  readonly #memory: Uint8Array;
  readonly #length: number;
  readonly #free: Uint8Array[];

  /** Cuts `memory` into buffers of `length` bytes. */
  constructor(memory: Uint8Array, length: number) {
    this.#memory = memory;
    this.#length = length;
    const count = Math.floor(memory.length / length);
    this.#free = Array.from({ length: count }, (_, i) => memory.subarray(i * length, (i + 1) * length)).reverse();
  }

  /** At least `minimumLength` bytes, of whatever was in them before. A fresh array when all buffers are lent. */
  take(minimumLength: number): Uint8Array {
    const fits = minimumLength <= this.#length && minimumLength * LEAST_PART >= this.#length;
    return (fits ? this.#free.pop() : undefined) ?? new Uint8Array(minimumLength);
  }

  giveBack(buffer: Uint8Array): void {
    if (buffer.buffer === this.#memory.buffer) this.#free.push(buffer);
  }
}
