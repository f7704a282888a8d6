/** The WebAssembly builds that this runtime can compile, each in an instance of its own. */
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { hasRelaxedSimd, instantiate, type WasmBuild, type WasmInstance } from '../../src/crypto/wasm/instance.ts';

const FILES: Record<WasmBuild, string> = { strict: 'sallyport.wasm', relaxed: 'sallyport.relaxed.wasm' };

// Node 20 knows relaxed SIMD, but only behind a flag.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

export function wasmBuild(build: WasmBuild, memoryBytes: number = 4 * 1024 * 1024): WasmInstance {
  const bytes = readFileSync(new URL(`../../wasm/${FILES[build]}`, import.meta.url));
  return instantiate({ module: new WebAssembly.Module(bytes), build }, memoryBytes);
}

export const WASM_BUILDS: readonly WasmBuild[] = hasRelaxedSimd() ? ['strict', 'relaxed'] : ['strict'];
