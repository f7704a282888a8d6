/**
 * Hands out the memory above the scratch: key slots from one part, data-plane regions from the other. See wasm/src/memory.rs for the
 * whole plan.
 */
import { UsageError } from '../../error.ts';
import type { WasmInstance } from './instance.ts';

/** The part of the memory above the scratch that is for slots: a half (128 MiB of 256 hold 250,000 connections with ChaCha20-Poly1305). */
const SLOT_SHARE = 2;

/** Slots of one size for keys, secrets and running hashes: freed ones are used again first. */
export class Slots {
  readonly #arena: SlotArena;
  readonly #length: number;
  readonly #free: number[] = [];

  constructor(arena: SlotArena, length: number) {
    this.#arena = arena;
    this.#length = length;
  }

  /** The address of a slot, 16-byte aligned, all zeros. Throws `RangeError` when the part of the memory for slots is full. */
  allocate(): number {
    return this.#free.pop() ?? this.#arena.cut(this.#length);
  }

  /** Wipes the slot, then hands it to the next who asks. */
  free(address: number): void {
    this.#arena.wipe(address, this.#length);
    this.#free.push(address);
  }
}

/** Cuts slots from its part of the memory. */
export class SlotArena {
  readonly wipe: (address: number, length: number) => void;
  readonly #end: number;
  readonly #slots = new Map<number, Slots>();
  #next: number;

  constructor(start: number, end: number, wipe: (address: number, length: number) => void) {
    this.wipe = wipe;
    this.#next = start;
    this.#end = end;
  }

  /** The slots of `length` bytes, rounded up to 16: the same for all who ask. */
  slots(length: number): Slots {
    const size = (length + 15) & ~15;
    let slots = this.#slots.get(size);
    if (slots === undefined) this.#slots.set(size, slots = new Slots(this, size));
    return slots;
  }

  cut(size: number): number {
    if (this.#next + size > this.#end) {
      throw new RangeError('no room for another key or secret: give the provider more memory');
    }
    const address = this.#next;
    this.#next += size;
    return address;
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
  const slots = new SlotArena(start, middle, instance.exports.wipe);
  return { slots, regions: new RegionArena(bytes, middle, bytes.length) };
}
