/**
 * `npm run bench:handshake [-- --only KIND] [--runtime NAME] [--json FILE]`: what the engine spends on one connection's life, without
 * sockets: handshake, one byte and its echo, close. Recorded clients (recording.ts), so that the server's side alone is run.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseBuild } from '../../src/crypto/wasm/instance.ts';
import { createWasmProvider, type WasmProvider } from '../../src/crypto/wasm/provider.ts';
import { type Allocated, measureAllocation, type Measured, measureTime } from './measure.ts';
import { type Exchange, type Kind, KINDS, record, type Recording } from './recording.ts';

const MODULES = 'bench/runtime/node_modules';
const EXCHANGES = 64;

interface Runtime {
  readonly name: string;
  readonly command: readonly string[];
  /** What makes the young generation large, so that nothing is collected during a sample. */
  readonly roomy: readonly string[];
  /** As the command sets it (src/cli/main.ts, src/cli/host_node.ts). */
  readonly usual: readonly string[];
}

const V8_ROOMY = ['--min-semi-space-size=64', '--max-semi-space-size=64'];
const V8_USUAL = ['--min-semi-space-size=4', '--max-semi-space-size=4'];
const node = (major: number, ...flags: string[]): Runtime => ({
  name: `node-${major}`,
  command: [`${MODULES}/node-${major}-${process.arch}/bin/node`, ...flags],
  roomy: V8_ROOMY,
  usual: V8_USUAL,
});

const RUNTIMES: readonly Runtime[] = [
  node(24, '--invocation-count-for-turbofan=1500'),
  node(20, '--experimental-wasm-relaxed-simd'),
  {
    name: 'deno',
    command: [`${MODULES}/.bin/deno`, 'run', '--allow-all', '--no-config'],
    roomy: [`--v8-flags=${V8_ROOMY.join(',')}`],
    usual: [],
  },
];

function loadProvider(): WasmProvider {
  const build = chooseBuild();
  const bytes = readFileSync(build === 'relaxed' ? 'wasm/sallyport.relaxed.wasm' : 'wasm/sallyport.wasm');
  return createWasmProvider({ module: new WebAssembly.Module(bytes), build });
}

/** Bytes as base64 in JSON. */
function write(path: string, recording: Recording): void {
  writeFileSync(
    path,
    JSON.stringify(
      recording,
      (_key, value: unknown) =>
        value instanceof Uint8Array
          ? { base64: Buffer.from(value).toString('base64') }
          : isBuffer(value)
          ? { base64: Buffer.from(value.data).toString('base64') }
          : value,
    ),
  );
}

/** What JSON.stringify hands on for a Buffer. */
function isBuffer(value: unknown): value is { data: number[] } {
  return (value as { type?: unknown } | null)?.type === 'Buffer';
}

function read(path: string): Recording {
  return JSON.parse(
    readFileSync(path, 'utf8'),
    (_key, value: { base64?: string }) =>
      value?.base64 === undefined ? value : new Uint8Array(Buffer.from(value.base64, 'base64')),
  ) as Recording & { exchanges: Exchange[] };
}

function run<Result>(runtime: Runtime, flags: readonly string[], ...args: string[]): Result {
  const [program, ...before] = runtime.command;
  const all = [...before, ...flags, process.argv[1]!, ...args];
  const { status, stdout, stderr } = spawnSync(program!, all, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${runtime.name}: ${stderr}`);
  return JSON.parse(stdout) as Result;
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: 'string' },
      runtime: { type: 'string' },
      json: { type: 'string' },
      keep: { type: 'string' },
    },
  });
  const [task, file] = positionals;
  if (task === 'time') return console.log(JSON.stringify(measureTime(loadProvider(), read(file!))));
  if (task === 'allocation') return console.log(JSON.stringify(measureAllocation(loadProvider(), read(file!))));

  const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'sallyport-handshake-'));
  const provider = loadProvider();
  const kinds = KINDS.filter((kind) => values.only === undefined || values.only.split(',').includes(kind));
  const runtimes = RUNTIMES.filter(({ name, command }) =>
    (values.runtime === undefined || values.runtime.split(',').includes(name)) && existsSync(command[0]!)
  );
  console.log(
    'µs of one connection without its sockets; cold: of the first 100, up to 1000, up to 5000, with all threads\n',
  );
  console.log(
    `${'runtime'.padEnd(9)}${'handshake'.padEnd(11)}   least  median     cold              heap + buffers, bytes`,
  );
  const results: Record<string, Measured & Allocated> = {};
  for (const kind of kinds) {
    const path = join(folder, `${kind}.json`);
    write(path, record(provider, provider.signatures, kind, EXCHANGES));
    for (const runtime of runtimes) {
      const time = run<Measured>(runtime, runtime.usual, 'time', path);
      const allocated = run<Allocated>(runtime, runtime.roomy, 'allocation', path);
      results[`${runtime.name} ${kind}`] = { ...time, ...allocated };
      print(runtime.name, kind, time, allocated);
    }
  }
  if (values.keep === undefined) rmSync(folder, { recursive: true });
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify(results, null, 2));
}

function print(runtime: string, kind: Kind, { least, median, cold }: Measured, { heap, buffers }: Allocated): void {
  const figures = [least, median].map((value) => value.toFixed(1).padStart(8)).join('');
  const steps = cold.map((value) => value.toFixed(0).padStart(6)).join('');
  const bytes = `${heap.toFixed(0).padStart(9)} + ${buffers.toFixed(0)}`;
  console.log(`${runtime.padEnd(9)}${kind.padEnd(11)}${figures} ${steps} ${bytes}`);
}

main();
