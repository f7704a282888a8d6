/**
 * `npm run bench:kernels [-- --json FILE] [--rounds N] [--only TEXT]`: each primitive on Node 24, Node 20 and Deno beside node:crypto and
 * `openssl speed`. In each round every runtime measures every row, ours and node:crypto's in turn, and `openssl speed` runs
 * between them; the table shows medians of the rounds.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { instantiate, type WasmBuild } from '../../src/crypto/wasm/instance.ts';
import { createWasmProvider } from '../../src/crypto/wasm/provider.ts';
import { measure, type Measured } from './measure.ts';
import type { KernelRow, OpensslSpeed } from './row.ts';
import { ROWS } from './rows.ts';

const WASM = 'wasm';
/** Of each row in each round, ours and node:crypto's in turn. */
const SAMPLES = 61;
const RUNTIMES_FOLDER = 'bench/runtime/node_modules';

interface Runtime {
  readonly name: string;
  readonly command: readonly string[];
}

/** The runtimes that are installed; the one this runs on stands for its own version. */
function findRuntimes(): Runtime[] {
  const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
  const candidates = [
    { name: 'Node 24', command: [`${RUNTIMES_FOLDER}/node-24-${architecture}/bin/node`] },
    { name: 'Node 20', command: [`${RUNTIMES_FOLDER}/node-20-${architecture}/bin/node`] },
    {
      name: 'Node 20 relaxed',
      command: [`${RUNTIMES_FOLDER}/node-20-${architecture}/bin/node`, '--experimental-wasm-relaxed-simd'],
    },
    { name: 'Deno', command: [`${RUNTIMES_FOLDER}/.bin/deno`, 'run', '--allow-all', '--no-config'] },
  ];
  const found = candidates.filter(({ command }) => existsSync(command[0]!));
  for (const { name, command } of candidates) {
    if (!existsSync(command[0]!)) {
      console.error(`${name} skipped: ${command[0]} is not there (npm ci --prefix bench/runtime)`);
    }
  }
  return found.length > 0 ? found : [{ name: `Node ${process.versions.node}`, command: [process.execPath] }];
}

/** Nanoseconds that OpenSSL needs for what one call of ours does; undefined when there is no openssl. */
function openssl({ args, column, unit, amount }: OpensslSpeed): number | undefined {
  const run = spawnSync('openssl', ['speed', '-mr', '-seconds', '1', ...args], { encoding: 'utf8' });
  const line = run.stdout?.split('\n').findLast((line) => line.startsWith('+F'));
  if (line === undefined) return undefined;
  // '+F:25:AES-128-GCM:668047360.00', '+F4:3:256:29529.41:10909.09', '+F5:22:253:22584.61:0.000044'
  const figure = Number(line.split(':')[3 + column]);
  return unit === 'bytes/s' ? amount / figure * 1e9 : amount * 1e9 / figure;
}

function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** All rows, as this process would run them: for their names and OpenSSL arguments. */
function rowList(): KernelRow[] {
  const source = { module: new WebAssembly.Module(readFileSync(`${WASM}/sallyport.wasm`)), build: 'strict' as const };
  return ROWS.flatMap((rows) => rows(createWasmProvider(source), instantiate(source, 4 * 1024 * 1024)));
}

interface Figure {
  ours: number | undefined;
  node: number | undefined;
  openssl: number | undefined;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', default: '' },
      build: { type: 'string' },
      measure: { type: 'boolean', default: false },
    },
  });
  if (values.measure) {
    console.log(JSON.stringify(measure(WASM, SAMPLES, values.only, values.build as WasmBuild ?? undefined)));
    return;
  }
  const runtimes = findRuntimes();
  const rows = rowList().filter(({ name }) => name.toLowerCase().includes(values.only.toLowerCase()));
  const ours = new Map(runtimes.map(({ name }) => [name, [] as Measured[]]));
  const native = new Map<string, (number | undefined)[]>();
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const runtime of runtimes) {
      const [program, ...args] = runtime.command;
      const own = [
        process.argv[1]!,
        '--measure',
        '--only',
        values.only,
        ...(values.build ? ['--build', values.build] : []),
      ];
      const run = spawnSync(program!, [...args, ...own], { encoding: 'utf8', maxBuffer: 1 << 24 });
      if (run.status !== 0) throw new Error(`${runtime.name} failed: ${run.stderr}`);
      ours.get(runtime.name)!.push(JSON.parse(run.stdout) as Measured);
    }
    const done = new Set<string>();
    for (const { openssl: speed } of rows) {
      const id = JSON.stringify(speed);
      if (speed === undefined || done.has(id)) continue;
      done.add(id);
      native.set(id, [...native.get(id) ?? [], openssl(speed)]);
    }
  }
  const report = runtimes.map(({ name }) => {
    const measured = ours.get(name)!;
    const figures = Object.fromEntries(rows.map((row): [string, Figure] => [row.name, {
      ours: median(measured.map(({ rows }) => rows[row.name]?.ours)),
      node: median(measured.map(({ rows }) => rows[row.name]?.node)),
      openssl: median(native.get(JSON.stringify(row.openssl)) ?? []),
    }]));
    return { runtime: name, build: measured[0]!.build, coldStartMs: median(measured.map((m) => m.coldStart)), figures };
  });
  for (const { runtime, build, coldStartMs, figures } of report) {
    console.log(`\n${runtime}, ${build} build, cold start ${coldStartMs?.toFixed(1)} ms`);
    console.log(`${''.padEnd(44)}    ours      MB/s node:crypto   openssl  ours/node ours/openssl`);
    for (const { name, bytes } of rows) print(name, bytes, figures[name]!);
  }
  if (values.json !== undefined) writeFileSync(values.json, JSON.stringify({ nanoseconds: report }, null, 2));
}

function print(name: string, bytes: number | undefined, { ours, node, openssl }: Figure): void {
  const time = (ns: number | undefined, width: number) =>
    (ns === undefined ? '–' : ns < 1e4 ? `${ns.toFixed(0)} ns` : `${(ns / 1e3).toFixed(1)} µs`).padStart(width);
  const ratio = (a: number | undefined, b: number | undefined) =>
    a !== undefined && b !== undefined ? (a / b).toFixed(2) : '–';
  const speed = bytes === undefined || ours === undefined ? '' : (bytes / ours * 1e3).toFixed(0);
  const ratios = `${ratio(ours, node).padStart(10)} ${ratio(ours, openssl).padStart(12)}`;
  console.log(
    `${name.padEnd(44)} ${time(ours, 7)} ${speed.padStart(8)} ${time(node, 11)} ${time(openssl, 9)} ${ratios}`,
  );
}

main();
