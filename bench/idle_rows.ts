/** What connections take that do nothing, or cannot go on. */
import { kernelBytes, pause } from './process.ts';
import { type Bench, ordinaryOffer, type Row } from './row.ts';

/** Opens connections, gives the server time to tidy up, and tells what is resident then. */
async function occupy(
  bench: Bench,
  op: 'hold' | 'stall',
  count: number,
): Promise<{ resident: number; kernel: number }> {
  await bench.load.run({ ...ordinaryOffer, op, port: bench.port, concurrency: 16, count });
  await pause(2000);
  return { resident: bench.server.residentBytes(), kernel: kernelBytes() };
}

/** The slope between two numbers of connections, so that what a server takes once does not count. */
async function slope(bench: Bench, op: 'hold' | 'stall', first: number, more: number): Promise<readonly number[]> {
  const before = await occupy(bench, op, first);
  const after = await occupy(bench, op, more);
  await bench.load.run({ op: 'release' });
  return [after.resident - before.resident, after.kernel - before.kernel].map((bytes) => bytes / more / 1024);
}

const memoryRow: Row = {
  id: 'memory',
  key: 'ECDSA',
  fresh: true,
  figures: [
    { id: 'memory', title: 'resident memory per idle connection', unit: 'KiB' },
    { id: 'memory-kernel', title: 'kernel slabs per idle connection, all four sockets', unit: 'KiB' },
  ],
  measure: async (bench) => {
    // The first make what stays: compiled code, heaps. So many more that a heap's slack does not count either.
    return { values: await slope(bench, 'hold', 1000, 4000), suite: undefined };
  },
};

/** Clients that read the first megabyte of a download without end, and then no more. */
const stalledRow: Row = {
  id: 'stalled',
  key: 'ECDSA',
  fresh: true,
  onDemand: true,
  figures: [
    { id: 'stalled', title: 'resident memory per stalled download', unit: 'KiB' },
  ],
  measure: async (bench) => {
    // Well past the regions that the first of them hold.
    const [resident = NaN] = await slope(bench, 'stall', 100, 300);
    return { values: [resident], suite: undefined };
  },
};

const mostIdle = 20_000;

/** As many idle connections as open files allow; each lives at the end. */
const manyIdleRow: Row = {
  id: 'many-idle',
  key: 'ECDSA',
  fresh: true,
  onDemand: true,
  connections: mostIdle,
  only: ['sallyport-node24', 'sallyport-node20', 'sallyport-deno', 'node-tls-24', 'nginx', 'haproxy', 'deno-tls'],
  figures: [
    { id: 'many-idle', title: 'idle connections held by one process', unit: '' },
    { id: 'many-idle-memory', title: 'resident memory of that process', unit: 'MiB' },
  ],
  measure: async (bench) => {
    // Two files per connection, here and in the load client, which is client and backend at once.
    const count = Math.min(mostIdle, Math.floor(bench.openFiles / 2) - 100);
    const { resident } = await occupy(bench, 'hold', count);
    await bench.load.run({ op: 'release' });
    return { values: [count, resident / 2 ** 20], suite: undefined };
  },
};

export const idleRows: readonly Row[] = [memoryRow, stalledRow, manyIdleRow];
