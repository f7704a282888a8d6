/**
 * One runtime's part of the bench, a process of its own. It answers lines of JSON, each a `Request`, with one line of `Answer`; or, alone, tells how
 * long it took to start.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { chooseBuild, instantiate, type WasmBuild, type WasmModule } from '../../src/crypto/wasm/instance.ts';
import { createWasmProvider } from '../../src/crypto/wasm/provider.ts';
import type { KernelRow } from './row.ts';
import { ROWS } from './rows.ts';

const WASM = 'wasm';

/** What it says first. */
export interface Ready {
  readonly build: WasmBuild;
  readonly pid: number;
}

/** Measure these rows, each for so long. */
export interface Request {
  readonly rows: readonly string[];
  readonly milliseconds: number;
}

/** Nanoseconds of one call; the i-th of ours and of node:crypto's were measured one after the other. */
export interface Samples {
  readonly ours: readonly number[];
  readonly node?: readonly number[];
}

export type Answer = Readonly<Record<string, Samples>>;

/** Milliseconds from a file's bytes to a tested provider, and what they consist of. */
export interface ColdStart {
  readonly compile: number;
  readonly test: number;
}

/** Nanoseconds one sample should take: much less than a time slice, so that on a busy machine most samples are not interrupted. */
const SAMPLE = 4e5;
/** Of each call before its first sample, so that the optimizing compiler is done. */
const WARM_UP = 100e6;

function compile(build: WasmBuild): WasmModule {
  const bytes = readFileSync(`${WASM}/${build === 'relaxed' ? 'sallyport.relaxed.wasm' : 'sallyport.wasm'}`);
  return { module: new WebAssembly.Module(bytes), build };
}

export function coldStart(build: WasmBuild = chooseBuild()): ColdStart {
  const before = performance.now();
  const source = compile(build);
  const between = performance.now();
  createWasmProvider(source);
  return { compile: between - before, test: performance.now() - between };
}

export function makeRows(build: WasmBuild): KernelRow[] {
  const source = compile(build);
  const provider = createWasmProvider(source);
  return ROWS.flatMap((rows) => rows(provider, instantiate(source, 4 * 1024 * 1024)));
}

/** Says that it is ready, and measures what standard input asks for until it ends. */
export async function serve(build: WasmBuild = chooseBuild()): Promise<void> {
  const rows = new Map(makeRows(build).map((row) => [row.name, row]));
  const pairs = new Map<string, Pair>();
  console.log(JSON.stringify({ build, pid: process.pid } satisfies Ready));
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as Request;
    const answer: Record<string, Samples> = {};
    for (const name of request.rows) {
      const pair = pairs.get(name) ?? new Pair(rows.get(name)!);
      pairs.set(name, pair);
      answer[name] = pair.sample(request.milliseconds);
    }
    console.log(JSON.stringify(answer));
  }
}

/** Our call and node:crypto's, which are measured in turn. */
class Pair {
  readonly #ours: Timer;
  readonly #node: Timer | undefined;
  readonly #times: number;

  constructor(row: KernelRow) {
    this.#ours = new Timer(row.ours);
    this.#node = row.node === undefined ? undefined : timerOf(row.node);
    this.#times = row.times ?? 1;
  }

  sample(milliseconds: number): Samples {
    const [ours, node]: [number[], number[]] = [[], []];
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {
      ours.push(this.#ours.sample() / this.#times);
      if (this.#node !== undefined) node.push(this.#node.sample());
    }
    return this.#node === undefined ? { ours } : { ours, node };
  }
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

  /** Warms the call up, and finds how often it fits in a sample. */
  constructor(call: () => void) {
    this.#call = call;
    const warm = now() + WARM_UP;
    while (now() < warm) call();
    let calls = 0;
    const start = now();
    while (now() < start + SAMPLE * 10) {
      call();
      calls++;
    }
    this.#repeat = Math.max(1, Math.round(calls / 10));
  }

  sample(): number {
    const call = this.#call;
    const start = now();
    for (let i = 0; i < this.#repeat; i++) call();
    return (now() - start) / this.#repeat;
  }
}

function now(): number {
  return performance.now() * 1e6;
}
