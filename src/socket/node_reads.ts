/** What a socket reads into until a read has filled it, in bytes. */
const FIRST_READ = 32 * 1024;
/** So many sockets that cannot be shortened may read long at a time. */
const MOST_FIXED = 16;

/** A socket, as far as it matters here. */
export interface Reader {
  /** Whether it may read into all of the region. */
  readonly mayReadLong: boolean;
  /** Makes it read into `short` from now on. Missing where that can be changed after a read only. */
  shorten?(): void;
}

/**
 * Where the sockets of a thread read: into the beginning of one region, or into all of it once there is more to come than that. What
 * a stalled receiver makes us hold is what one read brought. So idle connections are kept to short reads; and when memory gets
 * scarce all are, at once: however many there are, they cannot stall with a long read each.
 */
export class NodeReads {
  readonly short: Uint8Array;
  readonly #long: Uint8Array;
  readonly #crowded: () => boolean;
  /** Who reads into all of the region, and how many of them cannot be shortened. */
  readonly #longReaders = new Set<Reader>();
  #fixed = 0;

  constructor(region: Uint8Array, crowded: () => boolean) {
    this.short = region.subarray(0, FIRST_READ);
    this.#long = region;
    this.#crowded = crowded;
  }

  /** The buffer for the read after one that brought `bytesRead`; undefined when it stays as it is. */
  next(reader: Reader, isLong: boolean, bytesRead: number): Uint8Array | undefined {
    const much = bytesRead >= FIRST_READ;
    const crowded = much && this.#crowded();
    if (crowded) this.#shortenAll();
    if (isLong) {
      if (much && !crowded) return undefined;
      this.gone(reader);
      return this.short;
    }
    if (!much || crowded || !reader.mayReadLong) return undefined;
    if (reader.shorten === undefined) {
      if (this.#fixed === MOST_FIXED) return undefined;
      this.#fixed++;
    }
    this.#longReaders.add(reader);
    return this.#long;
  }

  /** It reads no more, or no longer into all of the region. */
  gone(reader: Reader): void {
    if (this.#longReaders.delete(reader) && reader.shorten === undefined) this.#fixed--;
  }

  #shortenAll(): void {
    for (const reader of this.#longReaders) {
      if (reader.shorten === undefined) continue;
      reader.shorten();
      this.#longReaders.delete(reader);
    }
  }
}
