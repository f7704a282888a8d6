/**
 * Constant time at the level of WebAssembly, on the very modules that are shipped, both builds, SIMD kernels included: with any
 * secret, each call takes the same branches, makes the same selections (V8 makes branches of them), reads and writes the same
 * addresses and divides the same numbers. `npm run ct:trace`.
 */
import { setFlagsFromString } from 'node:v8';
import { hasRelaxedSimd, type WasmBuild } from '../../src/crypto/wasm/instance.ts';
import { traceTargets } from './trace_check.ts';

const SECRETS = 40;

// Node 20 knows relaxed SIMD, but only behind a flag.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');

let failures = 0;
const builds: [WasmBuild, string][] = [['strict', 'wasm/sallyport.wasm'], ['relaxed', 'wasm/sallyport.relaxed.wasm']];
for (const [build, file] of builds) {
  for (const { target: { name, leaky }, same } of traceTargets(build, file, SECRETS)) {
    if (same === (leaky ?? false)) failures++;
    const verdict = leaky
      ? (same ? 'FAILED: not caught' : 'caught, as it must be')
      : (same ? 'one trace for all secrets' : 'FAILED: depends on the secret');
    console.log(`${build.padEnd(8)} ${((leaky ? 'control: ' : '') + name).padEnd(42)} ${verdict}`);
  }
}
console.log(failures === 0 ? 'no failures' : `${failures} failures`);
process.exitCode = failures > 0 ? 1 : 0;
