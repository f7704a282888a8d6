/** Given out in this turn. */
const IN_TURN = 1;
/** Kept beyond the turn, because a socket still reads from it. */
const HELD = 2;

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
  /** Regions given out in this turn: the first `#turnLength`. (Emptying an array that grew makes V8 allocate it anew.) */
  readonly #turn: Uint32Array;
  #turnLength = 0;
  /** For each region, `IN_TURN` and `HELD`. */
  readonly #states: Uint8Array;
  #depth = 0;

  /** Cuts `memory` into regions of `regionLength` bytes. With none, every request gets a fresh array. */
  constructor(memory: Uint8Array, regionLength: number) {
    this.#memory = memory;
    this.#regionLength = regionLength;
    const count = Math.floor(memory.length / regionLength);
    this.#regions = Array.from({ length: count }, (_, i) => memory.subarray(i * regionLength, (i + 1) * regionLength));
    this.#turn = new Uint32Array(count);
    this.#states = new Uint8Array(count);
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
    this.#turn[this.#turnLength++] = index;
    this.#states[index] = IN_TURN;
    return this.#regions[index] as Uint8Array;
  }

  /** Keeps the region that `bytes` lies in beyond this turn. Nothing happens to bytes of another origin. */
  hold(bytes: Uint8Array): void {
    const index = this.#indexOf(bytes);
    if (index !== undefined) this.#states[index] = (this.#states[index] as number) | HELD;
  }

  /** Takes a held region back. Nothing happens to bytes of another origin. */
  release(bytes: Uint8Array): void {
    const index = this.#indexOf(bytes);
    if (index === undefined) return;
    const state = this.#states[index] as number;
    if ((state & HELD) === 0) return;
    this.#states[index] = state & ~HELD;
    // In the turn in which it was taken, `settle` will find it.
    if (state === HELD) this.#free.push(index);
  }

  settle(): void {
    if (--this.#depth > 0) return;
    for (let at = 0; at < this.#turnLength; at++) {
      const index = this.#turn[at] as number;
      const state = (this.#states[index] as number) & ~IN_TURN;
      this.#states[index] = state;
      if (state === 0) this.#free.push(index);
    }
    this.#turnLength = 0;
  }

  #indexOf(bytes: Uint8Array): number | undefined {
    if (bytes.buffer !== this.#memory.buffer) return undefined;
    const offset = bytes.byteOffset - this.#memory.byteOffset;
    if (offset < 0 || offset >= this.#states.length * this.#regionLength) return undefined;
    return Math.floor(offset / this.#regionLength);
  }
}
