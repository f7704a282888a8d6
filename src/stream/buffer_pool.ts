/**
 * Regions for what connections open and seal, cut from one stretch of memory (usually the crypto provider's, so that nothing is
 * copied). One pool serves all connections of a thread.
 *
 * A region lives through one turn: the synchronous work for one piece of input, between `begin` and `settle` (turns nest; the
 * outermost counts). `settle` takes back every region but those that were held, because a socket still reads from them. So
 * only connections under backpressure keep memory, and a region that was asked for and not used cannot leak. The region given back last is given out first:
 * it is still in the processor's cache.
 */
export class BufferPool {
  readonly #memory: Uint8Array;
  readonly #regionLength: number;
  readonly #regions: readonly Uint8Array[];
  readonly #free: number[] = [];
  /** Regions given out in this turn. */
  readonly #turn: number[] = [];
  readonly #held: Uint8Array;
  #depth = 0;

  /** Cuts `memory` into regions of `regionLength` bytes. With none, every request gets a fresh array. */
  constructor(memory: Uint8Array, regionLength: number) {
    this.#memory = memory;
    this.#regionLength = regionLength;
    const count = Math.floor(memory.length / regionLength);
    this.#regions = Array.from({ length: count }, (_, i) => memory.subarray(i * regionLength, (i + 1) * regionLength));
    this.#held = new Uint8Array(count);
    for (let index = count - 1; index >= 0; index--) this.#free.push(index);
  }

  /** Regions neither given out nor held. */
  get available(): number {
    return this.#free.length;
  }

  begin(): void {
    this.#depth++;
  }

  /**
   * At least `minimumLength` bytes, until the end of the turn. A fresh array when that is more than a region or when all regions
   * are held: slower, and bounded by what connections may hold (see `Channel`).
   */
  take(minimumLength: number): Uint8Array {
    if (minimumLength > this.#regionLength) return new Uint8Array(minimumLength);
    const index = this.#free.pop();
    if (index === undefined) return new Uint8Array(minimumLength);
    this.#turn.push(index);
    return this.#regions[index] as Uint8Array;
  }

  /** Keeps the region that `bytes` lies in beyond this turn. Nothing happens to bytes of another origin. */
  hold(bytes: Uint8Array): void {
    const index = this.#indexOf(bytes);
    if (index !== undefined) this.#held[index] = 1;
  }

  /** Takes a held region back. Nothing happens to bytes of another origin. */
  release(bytes: Uint8Array): void {
    const index = this.#indexOf(bytes);
    if (index === undefined || this.#held[index] === 0) return;
    this.#held[index] = 0;
    // In the turn in which it was taken, `settle` will find it.
    if (!this.#turn.includes(index)) this.#free.push(index);
  }

  settle(): void {
    if (--this.#depth > 0) return;
    for (const index of this.#turn) {
      if (this.#held[index] === 0) this.#free.push(index);
    }
    this.#turn.length = 0;
  }

  #indexOf(bytes: Uint8Array): number | undefined {
    if (bytes.buffer !== this.#memory.buffer) return undefined;
    const offset = bytes.byteOffset - this.#memory.byteOffset;
    if (offset < 0 || offset >= this.#held.length * this.#regionLength) return undefined;
    return Math.floor(offset / this.#regionLength);
  }
}
