/** What a socket reads into until a read has filled it, in bytes. */
const FIRST_READ = 32 * 1024;

/**
 * Where the sockets of a thread read: into the beginning of one region, or into all of it once there is more to come than that. What
 * a stalled receiver makes us hold is what one read brought, so idle connections and connections in a crowd are kept to short
 * reads.
 */
export class NodeReads {
  readonly short: Uint8Array;
  readonly #long: Uint8Array;
  readonly #crowded: () => boolean;

  constructor(region: Uint8Array, crowded: () => boolean) {
    this.short = region.subarray(0, FIRST_READ);
    this.#long = region;
    this.#crowded = crowded;
  }

  /** The buffer for the read after one that brought `bytesRead`; undefined when it stays as it is. */
  next(isLong: boolean, bytesRead: number): Uint8Array | undefined {
    if (isLong) return bytesRead <= FIRST_READ || this.#crowded() ? this.short : undefined;
    return bytesRead === this.short.length && !this.#crowded() ? this.#long : undefined;
  }
}
