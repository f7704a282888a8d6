import { chooseBuild } from '../crypto/wasm/instance.ts';
import { createWasmProvider, type WasmProvider } from '../crypto/wasm/provider.ts';
import type { Runtime } from './runtime.ts';

/**
 * Where the builds lie, seen from this file and from the bundles in dist/cli and dist/lib alike: two folders up. The names are written
 * out so that bundlers and readers find them.
 */
const BUILDS = {
  strict: new URL('../../wasm/sallyport.wasm', import.meta.url),
  relaxed: new URL('../../wasm/sallyport.relaxed.wasm', import.meta.url),
};

/** Compiles the build that suits this runtime, and runs its self-test. */
export function loadWasmProvider(runtime: Runtime): WasmProvider {
  const build = chooseBuild();
  const bytes = runtime.readFile(BUILDS[build]) as Uint8Array<ArrayBuffer>;
  return createWasmProvider({ module: new WebAssembly.Module(bytes), build });
}
