/** The WebAssembly provider for tests, from the committed modules. `wasm_builds.ts` has the bare instances. */
import { readFileSync } from 'node:fs';
import { chooseBuild, type WasmBuild } from '../../src/crypto/wasm/instance.ts';
import { createWasmProvider, type WasmProvider, type WasmProviderOptions } from '../../src/crypto/wasm/provider.ts';

const FILES: Record<WasmBuild, URL> = {
  strict: new URL('../../wasm/sallyport.wasm', import.meta.url),
  relaxed: new URL('../../wasm/sallyport.relaxed.wasm', import.meta.url),
};

/** A new provider, with a memory of its own. By default the build that this runtime would choose. */
export function wasmProvider(build: WasmBuild = chooseBuild(), options: WasmProviderOptions = {}): WasmProvider {
  return createWasmProvider({ build, module: new WebAssembly.Module(readFileSync(FILES[build])) }, options);
}
