/** Secrets of the key schedule over the exports of wasm/src/secret.rs. Each is a slot of the memory; JavaScript holds its address. */
import { UsageError } from '../../error.ts';
import type { Secret } from '../provider.ts';
import type { Slots } from './arena.ts';

/** The exports of one hash, and where they work. */
export interface SecretExports {
  put(slot: number, bytes: number): void;
  mac(slot: number, message: number, length: number, tag: number): void;
  extract(slot: number, material: number, length: number, to: number): void;
  derive(slot: number, info: number, length: number, to: number): void;
  expand(slot: number, info: number, length: number, okm: number, okmLength: number): void;
  wipe(address: number, length: number): void;
  readonly slots: Slots;
  readonly digestLength: number;
  readonly bytes: Uint8Array;
  /** Areas of the scratch for what goes in and for what comes out. */
  readonly input: number;
  readonly inputLength: number;
  readonly output: number;
}

export class WasmSecret implements Secret {
  readonly #exports: SecretExports;
  /** 0 after `wipe`: no slot has this address. */
  #slot: number;

  /** Takes the slot over. */
  constructor(exports: SecretExports, slot: number) {
    this.#exports = exports;
    this.#slot = slot;
  }

  /** A secret of these bytes, which it copies. */
  static of(exports: SecretExports, secret: Uint8Array): WasmSecret {
    const { digestLength } = exports;
    if (secret.length !== digestLength) {
      throw new UsageError(`a secret has ${digestLength} bytes, not ${secret.length}`);
    }
    const slot = exports.slots.allocate();
    exports.bytes.set(secret, exports.input);
    exports.put(slot, exports.input);
    exports.wipe(exports.input, digestLength);
    return new WasmSecret(exports, slot);
  }

  extract(inputKeyingMaterial: Uint8Array): Secret {
    const exports = this.#exports;
    const from = this.#address();
    const { length } = inputKeyingMaterial;
    const slot = exports.slots.allocate();
    this.#place(inputKeyingMaterial);
    exports.extract(from, exports.input, length, slot);
    exports.wipe(exports.input, length);
    return new WasmSecret(exports, slot);
  }

  derive(info: Uint8Array): Secret {
    const exports = this.#exports;
    const from = this.#address();
    this.#place(info);
    const slot = exports.slots.allocate();
    exports.derive(from, exports.input, info.length, slot);
    return new WasmSecret(exports, slot);
  }

  expand(info: Uint8Array, length: number): Uint8Array {
    const { bytes, output, digestLength, wipe } = this.#exports;
    if (!Number.isInteger(length) || length < 0 || length > 255 * digestLength) {
      throw new UsageError(`HKDF-Expand gives at most ${255 * digestLength} bytes, not ${length}`);
    }
    this.expandTo(info, output, length);
    const okm = bytes.slice(output, output + length);
    wipe(output, length);
    return okm;
  }

  /** `expand` to an address outside of the areas of this file; for what stays in the memory. The length is the caller's to keep. */
  expandTo(info: Uint8Array, address: number, length: number): void {
    const exports = this.#exports;
    const from = this.#address();
    this.#place(info);
    exports.expand(from, exports.input, info.length, address, length);
  }

  mac(message: Uint8Array): Uint8Array {
    const { bytes, input, output, digestLength, wipe, mac } = this.#exports;
    const from = this.#address();
    this.#place(message);
    mac(from, input, message.length, output);
    const tag = bytes.slice(output, output + digestLength);
    wipe(output, digestLength);
    return tag;
  }

  reveal(): Uint8Array {
    const slot = this.#address();
    return this.#exports.bytes.slice(slot, slot + this.#exports.digestLength);
  }

  wipe(): void {
    if (this.#slot === 0) return;
    this.#exports.slots.free(this.#slot);
    this.#slot = 0;
  }

  #address(): number {
    if (this.#slot === 0) throw new UsageError('this secret was wiped');
    return this.#slot;
  }

  /** To the scratch. Stays there: public, unless the caller wipes it. */
  #place(input: Uint8Array): void {
    const { bytes, input: at, inputLength } = this.#exports;
    if (input.length > inputLength) throw new UsageError(`what goes into a secret is limited to ${inputLength} bytes`);
    bytes.set(input, at);
  }
}
