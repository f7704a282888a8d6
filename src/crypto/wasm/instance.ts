/**
 * One instance of the WebAssembly module with its one memory. The memory is fixed in size (`initial` = `maximum`), so that views
 * of it never die; pages that are never touched cost nothing. Its plan is in wasm/src/memory.rs: below `heap_base()` the stack
 * and constants, above it what this file hands out.
 */
import { UsageError } from '../../error.ts';
import type { CurveExports } from './curve_exports.ts';

/** What WebAssembly exports, see wasm/src/abi.rs. Numbers are addresses and lengths in bytes unless a name says otherwise. */
export interface WasmExports extends CurveExports {
  heap_base(): number;
  wipe(area: number, length: number): void;

  sha256_init(running: number): void;
  sha256_update(running: number, message: number, length: number): void;
  sha256_finish(running: number, digest: number): void;
  sha256_hmac(key: number, keyLength: number, message: number, length: number, tag: number): void;
  sha256_expand(prk: number, prkLength: number, info: number, infoLength: number, okm: number, okmLength: number): void;
  sha384_init(running: number): void;
  sha384_update(running: number, message: number, length: number): void;
  sha384_finish(running: number, digest: number): void;
  sha384_hmac(key: number, keyLength: number, message: number, length: number, tag: number): void;
  sha384_expand(prk: number, prkLength: number, info: number, infoLength: number, okm: number, okmLength: number): void;

  sha256_secret_bytes(): number;
  sha256_secret_put(slot: number, bytes: number): void;
  sha256_secret_mac(slot: number, message: number, length: number, tag: number): void;
  sha256_secret_extract(slot: number, material: number, length: number, to: number): void;
  sha256_secret_derive(slot: number, info: number, length: number, to: number): void;
  sha256_secret_expand(slot: number, info: number, length: number, okm: number, okmLength: number): void;
  sha384_secret_bytes: WasmExports['sha256_secret_bytes'];
  sha384_secret_put: WasmExports['sha256_secret_put'];
  sha384_secret_mac: WasmExports['sha256_secret_mac'];
  sha384_secret_extract: WasmExports['sha256_secret_extract'];
  sha384_secret_derive: WasmExports['sha256_secret_derive'];
  sha384_secret_expand: WasmExports['sha256_secret_expand'];

  chacha20_poly1305_install(slot: number, key: number, iv: number): void;
  chacha20_poly1305_slot_bytes(): number;
  chacha20_poly1305_open: OpenExport;
  chacha20_poly1305_seal: SealExport;
  chacha20_poly1305_encrypt: CryptExport;
  chacha20_poly1305_decrypt: CryptExport;
  aes_gcm_install(slot: number, key: number, keyLength: number, iv: number): void;
  aes_gcm_slot_bytes(): number;
  aes_gcm_open: OpenExport;
  aes_gcm_seal: SealExport;
  aes_gcm_encrypt: CryptExport;
  aes_gcm_decrypt: CryptExport;

  mlkem768_generate_key(seed: number, encapsulationKey: number, decapsulationKey: number): void;
  mlkem768_encapsulate(encapsulationKey: number, message: number, ciphertext: number, secret: number): number;
  mlkem768_decapsulate(decapsulationKey: number, ciphertext: number, secret: number): number;
  mlkem1024_generate_key(seed: number, encapsulationKey: number, decapsulationKey: number): void;
  mlkem1024_encapsulate(encapsulationKey: number, message: number, ciphertext: number, secret: number): number;
  mlkem1024_decapsulate(decapsulationKey: number, ciphertext: number, secret: number): number;
}

export type CryptExport = (
  slot: number,
  nonce: number,
  additional: number,
  additionalLength: number,
  text: number,
  length: number,
) => number | void;

export type OpenExport = (
  slot: number,
  sequenceLow: number,
  sequenceHigh: number,
  from: number,
  length: number,
  to: number,
  contentLimit: number,
  opened: number,
) => void;

export type SealExport = (
  slot: number,
  sequenceLow: number,
  sequenceHigh: number,
  contentType: number,
  content: number,
  contentLength: number,
  records: number,
  recordsLength: number,
  fragmentLimit: number,
  paddingMultiple: number,
) => number;

export type WasmBuild = 'strict' | 'relaxed';

/** A compiled module and the build it came from. */
export interface WasmModule {
  readonly module: WebAssembly.Module;
  readonly build: WasmBuild;
}

export interface WasmInstance {
  readonly exports: WasmExports;
  readonly build: WasmBuild;
  readonly memory: WebAssembly.Memory;
  /** The whole memory. */
  readonly bytes: Uint8Array;
  /** The first address for `arena` users: everything from here to the end of `bytes` is JavaScript's to hand out. */
  readonly heapBase: number;
  /** Arguments and results of calls that are over before the next one begins. 64-byte aligned. */
  readonly scratch: number;
  readonly scratchLength: number;
}

export const PAGE = 65536;

/** Default size of the memory: 256 MiB. */
export const DEFAULT_MEMORY_BYTES = 256 * 1024 * 1024;

/** Room for the largest call's arguments and results beside each other. */
const SCRATCH_BYTES = 512 * 1024;

/**
 * A module of 36 bytes whose one function applies `f64x2.relaxed_madd` (0xfd 0x87 0x02): valid only where the runtime knows
 * relaxed SIMD.
 */
// deno-fmt-ignore
const RELAXED_SIMD_PROBE = Uint8Array.of(
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // magic, version
  0x01, 0x08, 0x01, 0x60, 0x03, 0x7b, 0x7b, 0x7b, 0x01, 0x7b, // type: (v128, v128, v128) -> v128
  0x03, 0x02, 0x01, 0x00, // one function of it
  0x0a, 0x0d, 0x01, 0x0b, 0x00, // one body of 11 bytes, no locals
  0x20, 0x00, 0x20, 0x01, 0x20, 0x02, 0xfd, 0x87, 0x02, 0x0b, // local.get 0 1 2, f64x2.relaxed_madd, end
);

/** Whether this runtime compiles relaxed SIMD. */
export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(RELAXED_SIMD_PROBE);
}

/** A module whose function `f` of three f64 is the low lane of `f64x2.relaxed_madd`. */
// deno-fmt-ignore
const MULTIPLY_ADD_PROBE = Uint8Array.of(
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, // magic, version
  0x01, 0x08, 0x01, 0x60, 0x03, 0x7c, 0x7c, 0x7c, 0x01, 0x7c, // type: (f64, f64, f64) -> f64
  0x03, 0x02, 0x01, 0x00, // one function of it
  0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x00, // exported as "f"
  0x0a, 0x16, 0x01, 0x14, 0x00, // one body of 20 bytes, no locals
  0x20, 0x00, 0xfd, 0x14, 0x20, 0x01, 0xfd, 0x14, 0x20, 0x02, 0xfd, 0x14, // local.get, f64x2.splat, three times
  0xfd, 0x87, 0x02, 0xfd, 0x21, 0x00, 0x0b, // f64x2.relaxed_madd, f64x2.extract_lane 0, end
);

/**
 * Whether `f64x2.relaxed_madd` rounds once here, as the kernels of the relaxed build need it. WebAssembly leaves that to the machine: without
 * a fused instruction it rounds twice.
 */
export function multiplyAddIsFused(): boolean {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(MULTIPLY_ADD_PROBE));
  const f = exports['f'] as (a: number, b: number, c: number) => number;
  // (2^27 + 1)² = 2^54 + 2^28 + 1, whose last bit a rounded product loses.
  return f(2 ** 27 + 1, 2 ** 27 + 1, -(2 ** 54 + 2 ** 28)) === 1;
}

/** The build this runtime and machine should load. */
export function chooseBuild(): WasmBuild {
  return hasRelaxedSimd() && multiplyAddIsFused() ? 'relaxed' : 'strict';
}

/**
 * Instantiates a build with a memory of its own, of `memoryBytes` (a multiple of 64 KiB, at least 4 MiB, at most 4 GiB). Throws `UsageError` for
 * another size, and what WebAssembly throws for bytes that are not this module.
 */
export function instantiate(source: WasmModule, memoryBytes: number = DEFAULT_MEMORY_BYTES): WasmInstance {
  if (
    !Number.isSafeInteger(memoryBytes) || memoryBytes % PAGE !== 0 || memoryBytes < 64 * PAGE ||
    memoryBytes > 65536 * PAGE
  ) {
    throw new UsageError(`memoryBytes must be a multiple of 65536 from 4 MiB to 4 GiB, not ${memoryBytes}`);
  }
  const pages = memoryBytes / PAGE;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const instance = new WebAssembly.Instance(source.module, { env: { memory } });
  const exports = instance.exports as unknown as WasmExports;
  const scratch = exports.heap_base();
  return {
    exports,
    build: source.build,
    memory,
    bytes: new Uint8Array(memory.buffer),
    heapBase: scratch + SCRATCH_BYTES,
    scratch,
    scratchLength: SCRATCH_BYTES,
  };
}
