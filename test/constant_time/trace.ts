/**
 * Constant time at the level of WebAssembly, on the very modules that are shipped, both builds, SIMD kernels included: with any
 * secret, each call takes the same branches, makes the same selections (V8 makes branches of them), reads and writes the same
 * addresses and divides the same numbers. `npm run ct:trace`.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { hasRelaxedSimd, instantiate, type WasmBuild } from '../../src/crypto/wasm/instance.ts';
import { instrument, TRACE } from './instrument.ts';
import { LEAKY_MODULE } from './leaky.ts';
import { type Target, targets } from './targets.ts';

/** Secrets for each target, the fixed one among them. */
const SECRETS = 40;

function check(target: Target, bytes: Uint8Array, address: number, trace: WebAssembly.Global<'i64'>): boolean {
  // By the shape of what becomes public, which may steer.
  const hashes = new Map<string, bigint>();
  // The first call may fill tables.
  bytes.set(target.secret(false), address);
  target.run();
  for (let i = 0; i < SECRETS; i++) {
    bytes.set(target.secret(i % 8 === 0), address);
    trace.value = 0n;
    target.run();
    const shape = target.shape?.() ?? '';
    const hash = hashes.get(shape);
    if (hash !== undefined && hash !== trace.value) return false;
    hashes.set(shape, trace.value);
  }
  return true;
}

function run(build: WasmBuild, file: string, only: string | undefined): number {
  const module = new WebAssembly.Module(instrument(readFileSync(file)));
  const instance = instantiate({ module, build }, 4 * 1024 * 1024);
  const { memory } = instance;
  const leaky = new WebAssembly.Instance(new WebAssembly.Module(instrument(LEAKY_MODULE)), { env: { memory } });
  const traceOf = ({ exports }: { exports: object }) =>
    (exports as Record<string, unknown>)[TRACE] as WebAssembly.Global<'i64'>;
  let failures = 0;
  for (const target of targets(instance, (length) => new Uint8Array(randomBytes(length)), leaky)) {
    if (target.inJavaScript || (only !== undefined && !target.name.includes(only))) continue;
    const same = check(target, instance.bytes, instance.scratch, traceOf(target.leaky ? leaky : instance));
    const good = same !== (target.leaky ?? false);
    if (!good) failures++;
    const verdict = target.leaky
      ? (same ? 'FAILED: not caught' : 'caught, as it must be')
      : (same ? 'one trace for all secrets' : 'FAILED: depends on the secret');
    console.log(`${build.padEnd(8)} ${((target.leaky ? 'control: ' : '') + target.name).padEnd(42)} ${verdict}`);
  }
  return failures;
}

// Node 20 knows relaxed SIMD, but only behind a flag.
if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');
const only = process.argv[2];
const failures = run('strict', 'wasm/sallyport.wasm', only) + run('relaxed', 'wasm/sallyport.relaxed.wasm', only);
console.log(failures === 0 ? 'no failures' : `${failures} failures`);
process.exitCode = failures > 0 ? 1 : 0;
