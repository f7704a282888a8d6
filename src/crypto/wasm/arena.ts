/**
 * Hands out the memory above the scratch: key slots from one part, data-plane regions from the other. See wasm/src/memory.rs for the
 * whole plan.
 */
import { UsageError } from '../../error.ts';
import type { WasmInstance } from './instance.ts';

/** The part of the memory above the scratch that is for key slots: an eighth (32 MiB of 256 hold 400,000 ChaCha20-Poly1305 keys). */
const SLOT_SHARE = 8;

/** Slots of a fixed size each, by size: freed ones are used again first. */
export class SlotArena {
  readonly #bytes: Uint8Array;
  readonly #free = new Map<number, number[]>();
  readonly #end: number;
  #next: number;

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#next = start;
    this.#end = end;
  }

  /** The address of `length` bytes, 16-byte aligned. Throws `RangeError` when the part of the memory for keys is full. */
  allocate(length: number): number {
    const size = (length + 15) & ~15;
    const reused = this.#free.get(size)?.pop();
    if (reused !== undefined) return reused;
    if (this.#next + size > this.#end) {
      throw new RangeError('no room for another traffic key: give the provider more memory');
    }
    const address = this.#next;
    this.#next += size;
    return address;
  }

  /** Wipes the slot, then hands it to the next who asks for its size. */
  free(address: number, length: number): void {
    const size = (length + 15) & ~15;
    this.#bytes.fill(0, address, address + size);
    const list = this.#free.get(size);
    if (list === undefined) this.#free.set(size, [address]);
    else list.push(address);
  }
}

interface Span {
  address: number;
  length: number;
}

/** Regions are multiples of this. */
const REGION_UNIT = 4096;

/** First-fit allocation of large regions; free neighbours are joined. Meant for hundreds of regions, not for one per connection. */
export class RegionArena {
  readonly #bytes: Uint8Array;
  /** By address. */
  readonly #free: Span[];
  readonly #taken = new Map<number, number>();

  constructor(bytes: Uint8Array, start: number, end: number) {
    this.#bytes = bytes;
    this.#free = [{ address: start, length: end - start }];
  }

  /** A view of `length` bytes, page-aligned; undefined when no free span is long enough. The bytes are zero. */
  allocate(length: number): Uint8Array | undefined {
    const size = Math.max(REGION_UNIT, Math.ceil(length / REGION_UNIT) * REGION_UNIT);
    const index = this.#free.findIndex((span) => span.length >= size);
    const span = this.#free[index];
    if (span === undefined) return undefined;
    const { address } = span;
    span.address += size;
    span.length -= size;
    if (span.length === 0) this.#free.splice(index, 1);
    this.#taken.set(address, size);
    return this.#bytes.subarray(address, address + length);
  }

  /** Wipes and takes back the region that starts where `view` starts. Throws `UsageError` when there is none. */
  free(view: Uint8Array): void {
    const address = view.byteOffset;
    const length = this.#taken.get(address);
    if (length === undefined) throw new UsageError('not a region of this provider, or freed before');
    this.#taken.delete(address);
    this.#bytes.fill(0, address, address + length);
    const after = this.#free.findIndex((span) => span.address > address);
    const index = after < 0 ? this.#free.length : after;
    this.#free.splice(index, 0, { address, length });
    this.#join(index);
    if (index > 0) this.#join(index - 1);
  }

  #join(index: number): void {
    const span = this.#free[index];
    const next = this.#free[index + 1];
    if (span === undefined || next === undefined || span.address + span.length !== next.address) return;
    span.length += next.length;
    this.#free.splice(index + 1, 1);
  }
}

export function createArenas(instance: WasmInstance): { slots: SlotArena; regions: RegionArena } {
  const { bytes, heapBase } = instance;
  const align = (address: number) => Math.ceil(address / REGION_UNIT) * REGION_UNIT;
  const start = align(heapBase);
  const middle = align(start + (bytes.length - start) / SLOT_SHARE);
  return { slots: new SlotArena(bytes, start, middle), regions: new RegionArena(bytes, middle, bytes.length) };
}
