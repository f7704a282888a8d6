/** SHA-256 and SHA-384 with HMAC and HKDF, over the exports of wasm/src/hash.rs. */
import { UsageError } from '../../error.ts';
import type { Hash, RunningHash } from '../provider.ts';
import type { WasmInstance } from './instance.ts';

/** The exports of one hash and the size of `Running` (wasm/src/hash.rs): state, length, one block. */
interface HashExports {
  init(running: number): void;
  update(running: number, message: number, length: number): void;
  finish(running: number, digest: number): void;
  hmac(key: number, keyLength: number, message: number, length: number, tag: number): void;
  expand(prk: number, prkLength: number, info: number, infoLength: number, okm: number, okmLength: number): void;
  readonly runningLength: number;
}

/** Bytes for a running hash and for a digest at the start of the scratch; what is longer lies behind. */
const RUNNING_AREA = 256;
const DIGEST_AREA = 64;

/** HKDF output is at most 255 digests of 48 bytes. */
const OUTPUT_AREA = 255 * 48;

class WasmHash implements Hash {
  readonly name: Hash['name'];
  readonly digestLength: number;
  readonly #exports: HashExports;
  readonly #bytes: Uint8Array;
  readonly #running: number;
  readonly #digest: number;
  readonly #input: number;
  readonly #inputLength: number;

  constructor(name: Hash['name'], digestLength: number, exports: HashExports, instance: WasmInstance) {
    this.name = name;
    this.digestLength = digestLength;
    this.#exports = exports;
    this.#bytes = instance.bytes;
    this.#running = instance.scratch;
    this.#digest = this.#running + RUNNING_AREA;
    this.#input = this.#digest + OUTPUT_AREA;
    this.#inputLength = instance.scratchLength - RUNNING_AREA - OUTPUT_AREA;
  }

  digest(message: Uint8Array): Uint8Array {
    this.#exports.init(this.#running);
    this.#update(message);
    return this.#finish();
  }

  start(): RunningHash {
    this.#exports.init(this.#running);
    return this.#resume(this.#bytes.slice(this.#running, this.#running + this.#exports.runningLength));
  }

  /** A hash in progress from `state`, which it takes over. */
  #resume(state: Uint8Array): RunningHash {
    return {
      update: (bytes) => {
        this.#bytes.set(state, this.#running);
        this.#update(bytes);
        state.set(this.#bytes.subarray(this.#running, this.#running + state.length));
      },
      digest: () => {
        this.#bytes.set(state, this.#running);
        return this.#finish();
      },
      fork: () => this.#resume(state.slice()),
    };
  }

  hmac(key: Uint8Array, message: Uint8Array): Uint8Array {
    const at = this.#place(key, message);
    this.#exports.hmac(this.#input, key.length, at, message.length, this.#digest);
    const tag = this.#bytes.slice(this.#digest, this.#digest + this.digestLength);
    this.#bytes.fill(0, this.#digest, this.#digest + DIGEST_AREA);
    this.#bytes.fill(0, this.#input, at + message.length);
    return tag;
  }

  extract(salt: Uint8Array, inputKeyingMaterial: Uint8Array): Uint8Array {
    return this.hmac(salt, inputKeyingMaterial);
  }

  expand(pseudorandomKey: Uint8Array, info: Uint8Array, length: number): Uint8Array {
    if (!Number.isInteger(length) || length < 0 || length > 255 * this.digestLength) {
      throw new UsageError(`HKDF-Expand gives at most ${255 * this.digestLength} bytes, not ${length}`);
    }
    const at = this.#place(pseudorandomKey, info);
    this.#exports.expand(this.#input, pseudorandomKey.length, at, info.length, this.#digest, length);
    const okm = this.#bytes.slice(this.#digest, this.#digest + length);
    this.#bytes.fill(0, this.#digest, this.#digest + length);
    this.#bytes.fill(0, this.#input, this.#input + pseudorandomKey.length);
    return okm;
  }

  /** Copies a key and a message, one behind the other, to the scratch; returns the address of the message. */
  #place(key: Uint8Array, message: Uint8Array): number {
    if (key.length + message.length > this.#inputLength) {
      throw new UsageError(`key and message of HMAC are limited to ${this.#inputLength} bytes together`);
    }
    this.#bytes.set(key, this.#input);
    this.#bytes.set(message, this.#input + key.length);
    return this.#input + key.length;
  }

  /** Takes `message` in: directly where it lies in the memory, else through the scratch. */
  #update(message: Uint8Array): void {
    if (message.buffer === this.#bytes.buffer) {
      this.#exports.update(this.#running, message.byteOffset, message.length);
      return;
    }
    for (let at = 0; at < message.length; at += this.#inputLength) {
      const part = message.length <= this.#inputLength ? message : message.subarray(at, at + this.#inputLength);
      this.#bytes.set(part, this.#input);
      this.#exports.update(this.#running, this.#input, part.length);
    }
  }

  #finish(): Uint8Array {
    this.#exports.finish(this.#running, this.#digest);
    return this.#bytes.slice(this.#digest, this.#digest + this.digestLength);
  }
}

export function createHashes(instance: WasmInstance): { sha256: Hash; sha384: Hash } {
  const { exports } = instance;
  const sha256: HashExports = {
    init: exports.sha256_init,
    update: exports.sha256_update,
    finish: exports.sha256_finish,
    hmac: exports.sha256_hmac,
    expand: exports.sha256_expand,
    runningLength: 32 + 8 + 64,
  };
  const sha384: HashExports = {
    init: exports.sha384_init,
    update: exports.sha384_update,
    finish: exports.sha384_finish,
    hmac: exports.sha384_hmac,
    expand: exports.sha384_expand,
    runningLength: 64 + 8 + 128,
  };
  return {
    sha256: new WasmHash('SHA-256', 32, sha256, instance),
    sha384: new WasmHash('SHA-384', 48, sha384, instance),
  };
}
