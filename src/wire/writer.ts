/** Writes the presentation language of RFC 9846 §3. Grows as needed; what it grows out of is wiped. */
export class Writer {
  #bytes: Uint8Array;
  #length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  get length(): number {
    return this.#length;
  }

  uint8(value: number): this {
    return this.#number(1, value);
  }

  uint16(value: number): this {
    return this.#number(2, value);
  }

  uint24(value: number): this {
    return this.#number(3, value);
  }

  uint32(value: number): this {
    return this.#number(4, value);
  }

  opaque(bytes: Uint8Array): this {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
    return this;
  }

  /** Text of one byte for each character. */
  text(text: string): this {
    this.#room(text.length);
    for (let i = 0; i < text.length; i++) this.#bytes[this.#length++] = text.charCodeAt(i);
    return this;
  }

  /** A vector with a length prefix of `width` bytes around whatever `content` writes. */
  vector(width: 1 | 2 | 3, content: (writer: this) => void): this {
    const start = this.#length;
    this.#number(width, 0);
    content(this);
    const length = this.#length - start - width;
    if (length >> (8 * width) !== 0) throw new RangeError(`vector of ${length} bytes with a prefix of ${width}`);
    for (let i = 0; i < width; i++) this.#bytes[start + i] = length >>> (8 * (width - 1 - i));
    return this;
  }

  opaqueVector(width: 1 | 2 | 3, bytes: Uint8Array): this {
    return this.vector(width, () => this.opaque(bytes));
  }

  uint16List(width: 1 | 2 | 3, values: readonly number[]): this {
    return this.vector(width, () => {
      for (const value of values) this.uint16(value);
    });
  }

  /** To begin anew in the same space. */
  clear(): void {
    this.#length = 0;
  }

  /** The same after something secret, which is overwritten. */
  wipe(): void {
    this.#bytes.fill(0, 0, this.#length);
    this.#length = 0;
  }

  /** What has been written, or what of it from `start` on: a view, valid as long as nothing more is written. */
  finish(start = 0): Uint8Array {
    return this.#bytes.subarray(start, this.#length);
  }

  #number(width: number, value: number): this {
    this.#room(width);
    for (let i = width - 1; i >= 0; i--) this.#bytes[this.#length++] = value >>> (8 * i);
    return this;
  }

  #room(length: number): void {
    if (this.#length + length <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes.fill(0);
    this.#bytes = grown;
  }
}
