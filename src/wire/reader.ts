import { fail } from '../error.ts';

/**
 * Reads the presentation language of RFC 9846 §3 from bytes, front to back. Every read names the field it is for; a read beyond
 * the end, a vector out of its bounds or bytes left over are `decode_error`. Returned arrays are views, not copies.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  /** Of the struct, or of the vector within `#outer`. */
  readonly #name: string;
  readonly #outer: Reader | undefined;
  readonly #end: number;
  #offset: number;

  /** Reads all of `bytes`, or the part from `start` to `end` of them that is a vector of `outer`'s. */
  constructor(bytes: Uint8Array, name: string, start = 0, end: number = bytes.length, outer?: Reader) {
    this.#bytes = bytes;
    this.#name = name;
    this.#outer = outer;
    this.#offset = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  uint8(field: string): number {
    return this.#number(1, field);
  }

  uint16(field: string): number {
    return this.#number(2, field);
  }

  uint24(field: string): number {
    return this.#number(3, field);
  }

  uint32(field: string): number {
    return this.#number(4, field);
  }

  /** `opaque field[length]`. */
  opaque(length: number, field: string): Uint8Array {
    const start = this.#offset;
    this.#skip(length, field);
    return this.#bytes.subarray(start, start + length);
  }

  /** `opaque field<minimum..maximum>`; the size of its length prefix follows from `maximum`, as in the RFC. */
  vector(minimum: number, maximum: number, field: string): Uint8Array {
    return this.opaque(this.#vectorLength(minimum, maximum, field), field);
  }

  /** The same to be read in its turn, in place. */
  nested(minimum: number, maximum: number, field: string): Reader {
    const length = this.#vectorLength(minimum, maximum, field);
    const start = this.#offset;
    this.#skip(length, field);
    return new Reader(this.#bytes, field, start, start + length, this);
  }

  /** A vector whose elements are read in turn by `element` until it is used up. */
  list<T>(minimum: number, maximum: number, field: string, element: (reader: Reader) => T): T[] {
    const reader = this.nested(minimum, maximum, field);
    const items: T[] = [];
    while (reader.remaining > 0) items.push(element(reader));
    return items;
  }

  /** A vector of uint16, such as `CipherSuite cipher_suites<2..2^16-2>`. */
  uint16List(minimum: number, maximum: number, field: string): number[] {
    const reader = this.nested(minimum, maximum, field);
    const items: number[] = [];
    while (reader.remaining > 0) items.push(reader.uint16('element'));
    return items;
  }

  /** To be called when the struct is complete. */
  end(): void {
    if (this.remaining > 0) this.#malformed('end', `${this.remaining} bytes left over`);
  }

  #number(width: number, field: string): number {
    if (this.remaining < width) this.#malformed(field, 'ends early');
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + (this.#bytes[this.#offset + i] as number);
    this.#offset += width;
    return value;
  }

  #vectorLength(minimum: number, maximum: number, field: string): number {
    const length = this.#number(maximum < 0x100 ? 1 : maximum < 0x10000 ? 2 : 3, field);
    if (length < minimum || length > maximum) {
      this.#malformed(field, `length ${length} is not in ${minimum}..${maximum}`);
    }
    return length;
  }

  #skip(length: number, field: string): void {
    if (this.remaining < length) this.#malformed(field, `${length} bytes announced, ${this.remaining} there`);
    this.#offset += length;
  }

  #malformed(field: string, what: string): never {
    // 9846-4.3-2, 9846-6-6
    fail('decode_error', `${this.#path()}.${field}: ${what}`);
  }

  #path(): string {
    return this.#outer === undefined ? this.#name : `${this.#outer.#path()}.${this.#name}`;
  }
}
