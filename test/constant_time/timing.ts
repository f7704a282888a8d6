/**
 * The second of three constant-time checks (see wasm/README.md): in V8, over the exports of the module, is the time of a call the same for one
 * fixed secret and for random ones? Welch's t-test, as dudect does it (Reparaz, Balasch, Verbauwhede 2017): the classes in random order,
 * secrets put in the same place from one pool, the slowest measurements, which are interruptions, left out. `npm run ct:timing`.
 */
import { createCipheriv, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chooseBuild, instantiate } from '../../src/crypto/wasm/instance.ts';
import { LEAKY_MODULE } from './leaky.ts';
import { type Target, targets } from './targets.ts';

/** |t| above this is a leak: by chance once in 500 000 tests, if the machine treats both classes alike. */
const THRESHOLD = 4.8;
/** A leak is one when it is seen this often in a row. */
const ATTEMPTS = 3;
const POOL = 512;
const WARM_UP_MS = 150;
const MEASURE_MS = 700;
/** Slow functions are measured longer, for so many samples or so long. */
const MIN_SAMPLES = 2000;
const MAX_MEASURE_MS = 3000;
/** One measurement takes about this long, so that the clock is fine enough. */
const MEASUREMENT_US = 4;
/** Shares of the measurements that are kept, the fastest: each is tested. */
const KEEP = [0.5, 0.8, 0.95];

interface Sample {
  readonly fixed: boolean;
  readonly time: number;
}

function welch(samples: readonly Sample[]): number {
  const stats = [true, false].map((fixed) => {
    const times = samples.filter((sample) => sample.fixed === fixed).map(({ time }) => time);
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const variance = times.reduce((sum, time) => sum + (time - mean) ** 2, 0) / (times.length - 1);
    return { mean, squaredError: variance / times.length };
  });
  // When all of the fastest are of one class, there is nothing more to ask.
  if (stats.some(({ squaredError }) => !Number.isFinite(squaredError))) return Infinity;
  const [a, b] = stats as [typeof stats[0], typeof stats[0]];
  return (a.mean - b.mean) / Math.sqrt(a.squaredError + b.squaredError || Number.MIN_VALUE);
}

/** The largest |t| over the shares kept. */
function worst(samples: Sample[]): number {
  const sorted = samples.toSorted((a, b) => a.time - b.time);
  return Math.max(...KEEP.map((share) => Math.abs(welch(sorted.slice(0, Math.floor(share * sorted.length))))));
}

function measure(target: Target, bytes: Uint8Array, address: number): { t: number; count: number } {
  const pool = Array.from({ length: POOL }, () => {
    const fixed = randomBytes(1)[0]! < 128;
    return { fixed, secret: target.secret(fixed) };
  });
  const start = performance.now();
  let calls = 0;
  while (performance.now() - start < WARM_UP_MS) {
    bytes.set(pool[calls % POOL]!.secret, address);
    target.run();
    calls++;
  }
  const repeat = Math.max(1, Math.round(MEASUREMENT_US / (1000 * WARM_UP_MS / calls)));
  const samples: Sample[] = [];
  const begin = performance.now();
  const goesOn = (elapsed: number) => elapsed < (samples.length < MIN_SAMPLES ? MAX_MEASURE_MS : MEASURE_MS);
  // The order is random, so that nothing periodic favours a class.
  const order = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16)).update(Buffer.alloc(1 << 18));
  for (let i = 0; goesOn(performance.now() - begin); i++) {
    const { fixed, secret } = pool[order.readUInt16LE((2 * i) % order.length) % POOL]!;
    bytes.set(secret, address);
    const before = process.hrtime.bigint();
    for (let n = 0; n < repeat; n++) target.run();
    samples.push({ fixed, time: Number(process.hrtime.bigint() - before) });
  }
  return { t: worst(samples), count: samples.length };
}

const build = chooseBuild();
const file = join('wasm', build === 'strict' ? 'sallyport.wasm' : 'sallyport.relaxed.wasm');
const instance = instantiate({ module: new WebAssembly.Module(readFileSync(file)), build }, 4 * 1024 * 1024);
const { memory } = instance;
const leaky = new WebAssembly.Instance(new WebAssembly.Module(LEAKY_MODULE), { env: { memory } });
const only = process.argv[2];
let failures = 0;
console.log(`${file} on V8 ${process.versions.v8}: largest |t| of each attempt, a leak above ${THRESHOLD}`);
for (const target of targets(instance, (length) => new Uint8Array(randomBytes(length)), leaky)) {
  if (target.notByTime || (only !== undefined && !target.name.includes(only))) continue;
  const attempts: string[] = [];
  let leaks = true;
  while (leaks && attempts.length < ATTEMPTS) {
    const { t, count } = measure(target, instance.bytes, instance.scratch);
    attempts.push(`${t.toFixed(1)} (${count})`);
    leaks = t > THRESHOLD;
  }
  const good = leaks === (target.leaky ?? false);
  if (!good) failures++;
  const verdict = target.leaky
    ? (leaks ? 'caught, as it must be' : 'FAILED: not caught')
    : (leaks ? 'FAILED: depends on the secret' : 'no difference');
  console.log(
    `${((target.leaky ? 'control: ' : '') + target.name).padEnd(42)} ${verdict.padEnd(30)} ${attempts.join(' ')}`,
  );
}
process.exitCode = failures > 0 ? 1 : 0;
