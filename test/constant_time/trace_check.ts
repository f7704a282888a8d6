/** Runs the exports of an instrumented module with many secrets, and compares their traces. See `trace.ts`. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { instantiate, type WasmBuild } from '../../src/crypto/wasm/instance.ts';
import { instrument, TRACE } from './instrument.ts';
import { LEAKY_MODULE } from './leaky.ts';
import { type Target, targets } from './targets.ts';

export interface Traced {
  readonly target: Target;
  /** Whether all secrets gave one trace. */
  readonly same: boolean;
}

function check(
  target: Target,
  bytes: Uint8Array,
  address: number,
  trace: WebAssembly.Global<'i64'>,
  secrets: number,
): boolean {
  // By the shape of what becomes public, which may steer.
  const hashes = new Map<string, bigint>();
  // The first call may fill tables.
  bytes.set(target.secret(false), address);
  target.run();
  for (let i = 0; i < secrets; i++) {
    bytes.set(target.secret(i % 4 === 0), address);
    trace.value = 0n;
    target.run();
    const shape = target.shape?.() ?? '';
    const hash = hashes.get(shape);
    if (hash !== undefined && hash !== trace.value) return false;
    hashes.set(shape, trace.value);
  }
  return true;
}

/** All targets of one build, each with so many secrets, the fixed one among them. */
export function traceTargets(build: WasmBuild, file: string | URL, secrets: number): Traced[] {
  const module = new WebAssembly.Module(instrument(readFileSync(file)));
  const instance = instantiate({ module, build }, 4 * 1024 * 1024);
  const { memory } = instance;
  const leaky = new WebAssembly.Instance(new WebAssembly.Module(instrument(LEAKY_MODULE)), { env: { memory } });
  const traceOf = ({ exports }: { exports: object }) =>
    (exports as Record<string, unknown>)[TRACE] as WebAssembly.Global<'i64'>;
  return targets(instance, (length) => new Uint8Array(randomBytes(length)), leaky)
    .filter(({ inJavaScript }) => !inJavaScript)
    .map((target) => {
      const trace = traceOf(target.leaky ? leaky : instance);
      return { target, same: check(target, instance.bytes, instance.scratch, trace, secrets) };
    });
}
