/**
 * `npm run bench:kernels [-- --json FILE] [--rounds N] [--only TEXT]`: each primitive on Node 24, Node 20 and Deno beside node:crypto and
 * `openssl speed`. Each round passes over the whole table once, row by row; a row is measured in each runtime, ours and node:crypto's in turn,
 * with `openssl speed` in between. Ratios are those of neighbours, so that a machine whose speed changes does not change them.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { WasmBuild } from '../../src/crypto/wasm/instance.ts';
import { goalTable, verdicts } from './goals.ts';
import { coldStart, makeRows, type Samples, serve } from './measure.ts';
import { figure, type Results, type RuntimeResult } from './results.ts';
import type { KernelRow, OpensslSpeed } from './row.ts';
import { findRuntimes, opensslSpeed, PINNED, startCold, Worker } from './runtimes.ts';
import { runtimeTable } from './tables.ts';

/** Of each row in each runtime on each round. */
const MILLISECONDS = 80;

/** Rows that the same run of OpenSSL is measured against. */
interface Group {
  readonly openssl: readonly string[] | undefined;
  readonly rows: KernelRow[];
}

function group(rows: readonly KernelRow[]): Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const openssl = row.openssl?.args;
    const key = openssl?.join(' ') ?? row.name;
    const found = groups.get(key) ?? { openssl, rows: [] };
    groups.set(key, found);
    found.rows.push(row);
  }
  return [...groups.values()];
}

/** Nanoseconds that OpenSSL needs for what one call of ours does. */
function nanoseconds({ column, unit, amount }: OpensslSpeed, figures: readonly number[]): number {
  return unit === 'bytes/s' ? amount / figures[column]! * 1e9 : amount * 1e9 / figures[column]!;
}

/** One slice of each row of the group: half of the runtimes, OpenSSL, the other half; another runtime first each time. */
async function measureGroup({ openssl, rows }: Group, workers: readonly Worker[], results: RuntimeResult[]) {
  const samples = new Map<Worker, Readonly<Record<string, Samples>>>();
  let figures: number[] | undefined;
  for (const [i, worker] of workers.entries()) {
    if (i === workers.length >> 1 && openssl !== undefined) figures = opensslSpeed(openssl);
    const { only = '' } = worker.runtime;
    const names = rows.map(({ name }) => name).filter((name) => name.startsWith(only));
    if (names.length > 0) samples.set(worker, await worker.measure({ rows: names, milliseconds: MILLISECONDS }));
  }
  for (const [worker, answer] of samples) {
    const { slices } = results.find(({ name }) => name === worker.runtime.name)!;
    for (const row of rows) {
      const found = answer[row.name];
      if (found === undefined) continue;
      const beside = figures && row.openssl && nanoseconds(row.openssl, figures);
      const all = slices.get(row.name) ?? [];
      slices.set(row.name, all);
      all.push(beside === undefined ? found : { ...found, openssl: beside });
    }
  }
}

async function run(rounds: number, only: string): Promise<Results> {
  const runtimes = findRuntimes();
  const rows = makeRows('strict').filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()));
  const workers = runtimes.map((runtime) => new Worker(runtime));
  const results: RuntimeResult[] = [];
  for (const worker of workers) {
    const build = await worker.ready();
    results.push({ name: worker.runtime.name, build, coldStarts: [], slices: new Map() });
    const names = rows.map(({ name }) => name).filter((name) => name.startsWith(worker.runtime.only ?? ''));
    // The first request warms up.
    await worker.measure({ rows: names, milliseconds: 0 });
  }
  for (let round = 0; round < rounds; round++) {
    for (const [i, runtime] of runtimes.entries()) {
      if (runtime.only === undefined) results[i]!.coldStarts.push(startCold(runtime));
    }
    const order = [...workers.slice(round % workers.length), ...workers.slice(0, round % workers.length)];
    for (const each of group(rows)) await measureGroup(each, order, results);
  }
  for (const worker of workers) worker.stop();
  return { rows, runtimes: results };
}

function write(file: string, results: Results): void {
  const runtimes = results.runtimes.map(({ name, build, coldStarts, slices }) => ({
    name,
    build,
    coldStarts,
    nanoseconds: Object.fromEntries([...slices].map(([row, all]) => [row, figure(all)])),
  }));
  writeFileSync(file, JSON.stringify({ runtimes, goals: verdicts(results) }, null, 2));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      json: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      only: { type: 'string', default: '' },
      build: { type: 'string' },
      serve: { type: 'boolean', default: false },
      cold: { type: 'boolean', default: false },
    },
  });
  const build = values.build as WasmBuild | undefined;
  if (values.serve) return await serve(build);
  if (values.cold) return console.log(JSON.stringify(coldStart(build)));
  const results = await run(Number(values.rounds), values.only);
  if (!PINNED) console.log('not pinned to a core: there is no taskset');
  for (const result of results.runtimes) {
    if (result.slices.size > 0) console.log(`\n${runtimeTable(results.rows, result)}`);
  }
  console.log(`\n${goalTable(results)}`);
  if (values.json !== undefined) write(values.json, results);
}

await main();
