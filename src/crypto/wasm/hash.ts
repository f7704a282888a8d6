/** SHA-256 and SHA-384 with HMAC and HKDF, over the exports of wasm/src/hash.rs. */
import { UsageError } from '../../error.ts';
import type { Hash, RunningHash, Secret } from '../provider.ts';
import type { SlotArena, Slots } from './arena.ts';
import type { WasmInstance } from './instance.ts';
import { type SecretExports, WasmSecret } from './secret.ts';

/** The exports of one hash, and slots of the size of `Running` (wasm/src/hash.rs): state, length, one block. */
interface HashExports {
  init(running: number): void;
  update(running: number, message: number, length: number): void;
  finish(running: number, digest: number): void;
  hmac(key: number, keyLength: number, message: number, length: number, tag: number): void;
  expand(prk: number, prkLength: number, info: number, infoLength: number, okm: number, okmLength: number): void;
  readonly running: Slots;
  readonly runningLength: number;
}

/** Bytes for a running hash at the start of the scratch; then output, then input. */
const RUNNING_AREA = 256;

/** HKDF output is at most 255 digests of 48 bytes. */
const OUTPUT_AREA = 255 * 48;

/** What goes into a secret is short: labels, digests, shared secrets. What lies behind is left to those who have keys derived. */
const SECRET_INPUT_AREA = 4096;

class WasmHash implements Hash {
  readonly name: Hash['name'];
  readonly digestLength: number;
  readonly #exports: HashExports;
  readonly #secrets: SecretExports;
  readonly #bytes: Uint8Array;
  readonly #wipe: (address: number, length: number) => void;
  readonly #running: number;
  readonly #output: number;
  readonly #input: number;
  readonly #inputLength: number;

  constructor(
    name: Hash['name'],
    exports: HashExports,
    secrets: Omit<SecretExports, 'bytes' | 'wipe' | 'input' | 'inputLength' | 'output'>,
    instance: WasmInstance,
  ) {
    this.name = name;
    this.digestLength = secrets.digestLength;
    this.#exports = exports;
    this.#bytes = instance.bytes;
    this.#wipe = instance.exports.wipe;
    this.#running = instance.scratch;
    this.#output = this.#running + RUNNING_AREA;
    this.#input = this.#output + OUTPUT_AREA;
    this.#inputLength = instance.scratchLength - RUNNING_AREA - OUTPUT_AREA;
    this.#secrets = {
      ...secrets,
      bytes: instance.bytes,
      wipe: instance.exports.wipe,
      input: this.#input,
      inputLength: SECRET_INPUT_AREA,
      output: this.#output,
    };
  }

  digest(message: Uint8Array): Uint8Array {
    this.#exports.init(this.#running);
    this.update(this.#running, message);
    return this.finish(this.#running);
  }

  start(): RunningHash {
    const slot = this.#exports.running.allocate();
    this.#exports.init(slot);
    return new WasmRunningHash(this, slot);
  }

  secret(bytes: Uint8Array): Secret {
    return WasmSecret.of(this.#secrets, bytes);
  }

  hmac(key: Uint8Array, message: Uint8Array): Uint8Array {
    const at = this.#place(key, message);
    this.#exports.hmac(this.#input, key.length, at, message.length, this.#output);
    const tag = this.#bytes.slice(this.#output, this.#output + this.digestLength);
    this.#wipe(this.#output, this.digestLength);
    this.#wipe(this.#input, key.length + message.length);
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
    this.#exports.expand(this.#input, pseudorandomKey.length, at, info.length, this.#output, length);
    const okm = this.#bytes.slice(this.#output, this.#output + length);
    this.#wipe(this.#output, length);
    this.#wipe(this.#input, pseudorandomKey.length);
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

  // What running hashes are made of.

  /** Takes `message` into the running hash at `running`: directly where it lies in the memory, else through the scratch. */
  update(running: number, message: Uint8Array): void {
    const { length } = message;
    if (message.buffer === this.#bytes.buffer) {
      this.#exports.update(running, message.byteOffset, length);
      return;
    }
    for (let at = 0; at < length; at += this.#inputLength) {
      const part = length <= this.#inputLength ? message : message.subarray(at, at + this.#inputLength);
      this.#bytes.set(part, this.#input);
      this.#exports.update(running, this.#input, part.length);
    }
  }

  finish(running: number): Uint8Array {
    this.#exports.finish(running, this.#output);
    return this.#bytes.slice(this.#output, this.#output + this.digestLength);
  }

  copy(running: number): number {
    const slot = this.#exports.running.allocate();
    this.#bytes.copyWithin(slot, running, running + this.#exports.runningLength);
    return slot;
  }

  free(running: number): void {
    this.#exports.running.free(running);
  }
}

class WasmRunningHash implements RunningHash {
  readonly #hash: WasmHash;
  /** 0 after `wipe`: no slot has this address. */
  #slot: number;

  constructor(hash: WasmHash, slot: number) {
    this.#hash = hash;
    this.#slot = slot;
  }

  update(bytes: Uint8Array): void {
    this.#hash.update(this.#address(), bytes);
  }

  digest(): Uint8Array {
    return this.#hash.finish(this.#address());
  }

  fork(): RunningHash {
    return new WasmRunningHash(this.#hash, this.#hash.copy(this.#address()));
  }

  wipe(): void {
    if (this.#slot === 0) return;
    this.#hash.free(this.#slot);
    this.#slot = 0;
  }

  #address(): number {
    if (this.#slot === 0) throw new UsageError('this hash was wiped');
    return this.#slot;
  }
}

export function createHashes(instance: WasmInstance, slots: SlotArena): { sha256: Hash; sha384: Hash } {
  const { exports } = instance;
  const running256 = 32 + 8 + 64;
  const sha256: HashExports = {
    init: exports.sha256_init,
    update: exports.sha256_update,
    finish: exports.sha256_finish,
    hmac: exports.sha256_hmac,
    expand: exports.sha256_expand,
    running: slots.slots(running256),
    runningLength: running256,
  };
  const running384 = 64 + 8 + 128;
  const sha384: HashExports = {
    init: exports.sha384_init,
    update: exports.sha384_update,
    finish: exports.sha384_finish,
    hmac: exports.sha384_hmac,
    expand: exports.sha384_expand,
    running: slots.slots(running384),
    runningLength: running384,
  };
  const secrets256 = {
    put: exports.sha256_secret_put,
    mac: exports.sha256_secret_mac,
    extract: exports.sha256_secret_extract,
    derive: exports.sha256_secret_derive,
    expand: exports.sha256_secret_expand,
    slots: slots.slots(exports.sha256_secret_bytes()),
    digestLength: 32,
  };
  const secrets384 = {
    put: exports.sha384_secret_put,
    mac: exports.sha384_secret_mac,
    extract: exports.sha384_secret_extract,
    derive: exports.sha384_secret_derive,
    expand: exports.sha384_secret_expand,
    slots: slots.slots(exports.sha384_secret_bytes()),
    digestLength: 48,
  };
  return {
    sha256: new WasmHash('SHA-256', sha256, secrets256, instance),
    sha384: new WasmHash('SHA-384', sha384, secrets384, instance),
  };
}
