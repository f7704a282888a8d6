/** The WebAssembly builds that this runtime can compile, each in an instance of its own. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import {
  hasRelaxedSimd,
  instantiate,
  type WasmBuild,
  type WasmInstance,
  type WasmModule,
} from '../../src/crypto/wasm/instance.ts';

const FILES: Record<WasmBuild, string> = { strict: 'sallyport.wasm', relaxed: 'sallyport.relaxed.wasm' };

// Node 20 knows relaxed SIMD, but only behind a flag.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

export function wasmModule(build: WasmBuild): WasmModule {
  const bytes = readFileSync(new URL(`../../wasm/${FILES[build]}`, import.meta.url));
  return { module: new WebAssembly.Module(bytes), build };
}

export function wasmBuild(build: WasmBuild, memoryBytes: number = 4 * 1024 * 1024): WasmInstance {
  return instantiate(wasmModule(build), memoryBytes);
}

export const WASM_BUILDS: readonly WasmBuild[] = hasRelaxedSimd() ? ['strict', 'relaxed'] : ['strict'];
