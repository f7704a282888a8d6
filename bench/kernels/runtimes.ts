/** The processes that are measured: runtimes with our kernels and their node:crypto, and `openssl speed`; on one core, one at a time. */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { WasmBuild } from '../../src/crypto/wasm/instance.ts';
import type { Answer, ColdStart, Ready, Request } from './measure.ts';

export interface Runtime {
  readonly name: string;
  readonly command: readonly string[];
  readonly build?: WasmBuild;
  /** Takes only rows whose names begin so. */
  readonly only?: string;
}

const FOLDER = 'bench/runtime/node_modules';
const node = (major: number) => `${FOLDER}/node-${major}-${process.arch}/bin/node`;

/** Node 20 runs the relaxed build when it is told to, as the terminator does. */
const CANDIDATES: readonly Runtime[] = [
  { name: 'Node 24', command: [node(24)] },
  { name: 'Node 20', command: [node(20), '--experimental-wasm-relaxed-simd'] },
  { name: 'Node 20 strict', command: [node(20)], build: 'strict' },
  { name: 'Deno', command: [`${FOLDER}/.bin/deno`, 'run', '--allow-all', '--no-config'] },
  { name: 'Node 24 strict', command: [node(24)], build: 'strict', only: 'AES-128-GCM 16 KiB' },
];

/** The runtimes that are installed; without any, the one this runs on. */
export function findRuntimes(): Runtime[] {
  const found = CANDIDATES.filter(({ command }) => existsSync(command[0]!));
  for (const { name, command } of CANDIDATES) {
    if (!existsSync(command[0]!)) {
      console.error(`${name} skipped: ${command[0]} is not there (npm ci --prefix bench/runtime)`);
    }
  }
  return found.length > 0 ? found : [{ name: `Node ${process.versions.node}`, command: [process.execPath] }];
}

const CORE = String(availableParallelism() - 1);
export const PINNED = spawnSync('taskset', ['-c', CORE, 'true'], { stdio: 'ignore' }).status === 0;

function ownArguments({ command, build }: Runtime, mode: string): string[] {
  return [...command, process.argv[1]!, mode, ...(build ? ['--build', build] : [])];
}

/** One start in a process of its own, which is not pinned: engines compile on other cores, and a server lets them. */
export function startCold(runtime: Runtime): ColdStart {
  const [program, ...args] = ownArguments(runtime, '--cold');
  const run = spawnSync(program!, args, { encoding: 'utf8' });
  if (run.status !== 0) throw new Error(`${runtime.name} failed: ${run.stderr}`);
  return JSON.parse(run.stdout) as ColdStart;
}

/** A runtime that waits for what it is to measure. */
export class Worker {
  readonly runtime: Runtime;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(runtime: Runtime) {
    this.runtime = runtime;
    const [program, ...args] = ownArguments(runtime, '--serve');
    this.#child = spawn(program!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async #read(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`${this.runtime.name} ended`);
    return JSON.parse(value as string);
  }

  /** Once, before any `measure`. The main thread alone is pinned: collectors and compilers may work beside it, as in a server. */
  async ready(): Promise<WasmBuild> {
    const { build, pid } = await this.#read() as Ready;
    if (PINNED) spawnSync('taskset', ['-p', '-c', CORE, String(pid)], { stdio: 'ignore' });
    return build;
  }

  async measure(request: Request): Promise<Answer> {
    this.#child.stdin.write(`${JSON.stringify(request)}\n`);
    return await this.#read() as Answer;
  }

  stop(): void {
    this.#child.stdin.end();
  }
}

/** The figures of the last line of `openssl speed`, from 0; undefined when there is no openssl. */
export function opensslSpeed(args: readonly string[]): number[] | undefined {
  const pin = PINNED ? ['taskset', '-c', CORE] : [];
  const [program, ...rest] = [...pin, 'openssl', 'speed', '-mr', '-seconds', '1', ...args];
  const run = spawnSync(program!, rest, { encoding: 'utf8' });
  // '+F:25:AES-128-GCM:668047360.00', '+F4:3:256:29529.41:10909.09', '+F5:22:253:22584.61:0.000044'
  return run.stdout?.split('\n').findLast((line) => line.startsWith('+F'))?.split(':').slice(3).map(Number);
}
