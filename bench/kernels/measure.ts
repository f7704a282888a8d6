/** One runtime's part of the bench: nanoseconds of each row, ours and node:crypto's in turn, printed as one line of JSON. */
import { readFileSync } from 'node:fs';
import { chooseBuild, instantiate, type WasmBuild } from '../../src/crypto/wasm/instance.ts';
import { createWasmProvider } from '../../src/crypto/wasm/provider.ts';
import { ROWS } from './rows.ts';

export interface Measured {
  readonly build: WasmBuild;
  /** Milliseconds from bytes to a tested provider. */
  readonly coldStart: number;
  readonly rows: Record<string, { ours: number; node?: number }>;
}

/** Nanoseconds one sample should take: much less than a time slice, so that on a busy machine most samples are not interrupted. */
const SAMPLE = 4e5;
const WARM_UP = 60e6;

export function measure(folder: string, samples: number, filter: string, build: WasmBuild = chooseBuild()): Measured {
  const bytes = readFileSync(`${folder}/${build === 'relaxed' ? 'sallyport.relaxed.wasm' : 'sallyport.wasm'}`);
  const before = performance.now();
  const module = new WebAssembly.Module(bytes);
  const provider = createWasmProvider({ module, build });
  const coldStart = performance.now() - before;
  const rows: Measured['rows'] = {};
  for (const row of ROWS.flatMap((rows) => rows(provider, instantiate({ module, build }, 4 * 1024 * 1024)))) {
    if (!row.name.toLowerCase().includes(filter.toLowerCase())) continue;
    const ours = new Timer(row.ours);
    const node = row.node === undefined ? undefined : timerOf(row.node);
    for (let i = 0; i < samples; i++) {
      ours.sample();
      node?.sample();
    }
    const times = row.times ?? 1;
    rows[row.name] = { ours: ours.median() / times, ...(node === undefined ? {} : { node: node.median() }) };
  }
  return { build, coldStart, rows };
}

/** Undefined where this runtime does not know the algorithm. */
function timerOf(call: () => void): Timer | undefined {
  try {
    return new Timer(call);
  } catch {
    return undefined;
  }
}

class Timer {
  readonly #call: () => void;
  readonly #repeat: number;
  readonly #samples: number[] = [];

  /** Warms the call up, so that the optimizing compiler is done, and finds how often it fits in a sample. */
  constructor(call: () => void) {
    this.#call = call;
    let calls = 0;
    const start = now();
    while (now() - start < WARM_UP) {
      call();
      calls++;
    }
    this.#repeat = Math.max(1, Math.round(calls * SAMPLE / WARM_UP));
  }

  sample(): void {
    const call = this.#call;
    const start = now();
    for (let i = 0; i < this.#repeat; i++) call();
    this.#samples.push((now() - start) / this.#repeat);
  }

  median(): number {
    return this.#samples.sort((a, b) => a - b)[this.#samples.length >> 1]!;
  }
}

function now(): number {
  return performance.now() * 1e6;
}
