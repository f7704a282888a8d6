/** What is measured: each row of the table, and how its figures come about. */
import type { KeyType } from './certificates.ts';
import type { Load, LoadCommand } from './load.ts';
import { kernelBytes, pause, type PinnedProcess } from './process.ts';

/** A server that runs, with the load client beside it. */
export interface Bench {
  readonly server: PinnedProcess;
  readonly port: number;
  readonly load: Load;
  /** Less work per slice: for a first look. */
  readonly quick: boolean;
}

export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** Issue's goals: the most that ours may be of node:tls on Node 24, and of the best of nginx, haproxy and hitch. */
  readonly goals?: readonly [ordinary: number, native: number | undefined];
}

export interface Row {
  readonly id: string;
  readonly key: KeyType;
  readonly figures: readonly Figure[];
  readonly workers?: number;
  /** A server of its own for each slice; otherwise one serves all rounds and rows. */
  readonly fresh?: boolean;
  /** Only the peers whose id begins so. */
  readonly only?: string;
  /** Not part of a run that names no rows. */
  readonly onDemand?: boolean;
  /** Work that is not measured, once per server. */
  warmUp?(bench: Bench): Promise<unknown>;
  measure(bench: Bench): Promise<Measured>;
}

export interface Measured {
  /** One per figure of the row. */
  readonly values: readonly number[];
  /** The cipher suite all connections had. */
  readonly suite: number | undefined;
}

const aes128 = 0x1301;
const chacha = 0x1303;
const x25519 = 29;
const hybrid = 4588;
/** Where the row leaves it to the server: each takes what it likes best. Both use SHA-256. */
const eitherSuite = [aes128, chacha];

/** What a server handles before it is measured, as a part of a slice. */
const warmUpShare = 0.5;

/** A row whose figure is the server's CPU time for one unit of work. `scale`: from seconds to the figure's unit. */
function costRow(
  figure: Figure,
  key: KeyType,
  command: Omit<LoadCommand, 'port' | 'key'> & { readonly count: number },
  scale: number,
): Row {
  const work = (bench: Bench, share: number): LoadCommand => ({
    ...command,
    key,
    port: bench.port,
    count: Math.ceil(command.count * share),
  });
  return {
    id: figure.id,
    key,
    figures: [figure],
    // As long in a quick run: compilers need thousands of handshakes before they are done.
    warmUp: (bench) => bench.load.run(work(bench, warmUpShare)),
    measure: async (bench) => {
      const before = bench.server.cpu();
      const answer = await bench.load.run(work(bench, bench.quick ? 0.2 : 1));
      const spent = bench.server.cpu() - before;
      return { values: [spent / answer.count * scale], suite: answer.suite };
    },
  };
}

const microseconds = 1e6;

function handshakeRow(
  figure: Omit<Figure, 'unit'>,
  key: KeyType,
  group: number,
  resume = false,
): Row {
  const command = {
    op: 'handshakes',
    suites: eitherSuite,
    group,
    resume,
    concurrency: 16,
    count: 3000,
  } as const;
  return costRow({ ...figure, unit: 'µs' }, key, command, microseconds);
}

function bulkRow(
  figure: Omit<Figure, 'unit'>,
  op: 'download' | 'upload',
  suite: number,
): Row {
  const command = {
    op,
    suites: [suite],
    group: x25519,
    concurrency: 16,
    count: 2e9,
  } as const;
  return costRow({ ...figure, unit: 's/GB' }, 'ECDSA', command, 1e9);
}

const roundTripRow = costRow(
  {
    id: 'round-trip',
    title: '64-byte round trip, 64 connections',
    unit: 'µs',
    goals: [0.9, 1.3],
  },
  'ECDSA',
  {
    op: 'round_trips',
    suites: eitherSuite,
    group: x25519,
    concurrency: 64,
    count: 100_000,
  },
  microseconds,
);

/** Opens `count` connections, gives the server time to tidy up, and tells what is resident then. */
async function occupy(
  bench: Bench,
  key: KeyType,
  count: number,
): Promise<{ resident: number; kernel: number }> {
  await bench.load.run({
    op: 'hold',
    port: bench.port,
    suites: eitherSuite,
    group: x25519,
    key,
    concurrency: 16,
    count,
  });
  await pause(2000);
  return { resident: bench.server.residentBytes(), kernel: kernelBytes() };
}

/** The slope between two numbers of idle connections, so that what a server takes once does not count. */
const memoryRow: Row = {
  id: 'memory',
  key: 'ECDSA',
  fresh: true,
  figures: [
    {
      id: 'memory',
      title: 'resident memory per idle connection',
      unit: 'KiB',
      goals: [0.35, 1],
    },
    {
      id: 'memory-kernel',
      title: 'kernel slabs per idle connection, all four sockets',
      unit: 'KiB',
    },
  ],
  measure: async (bench) => {
    const [first, more] = bench.quick ? [200, 800] : [500, 2000];
    const before = await occupy(bench, 'ECDSA', first);
    const after = await occupy(bench, 'ECDSA', more);
    await bench.load.run({ op: 'release' });
    const perConnection = (bytes: number): number => bytes / more / 1024;
    return {
      values: [
        perConnection(after.resident - before.resident),
        perConnection(after.kernel - before.kernel),
      ],
      suite: undefined,
    };
  },
};

/** As many idle connections as the machine's limit of open files allows, up to 20 000; each lives at the end. */
const manyIdleRow: Row = {
  id: 'many-idle',
  key: 'ECDSA',
  fresh: true,
  onDemand: true,
  only: 'sallyport',
  figures: [
    {
      id: 'many-idle',
      title: 'idle connections held by one process',
      unit: '',
    },
    {
      id: 'many-idle-memory',
      title: 'resident memory of that process',
      unit: 'MiB',
    },
  ],
  measure: async (bench) => {
    // Two descriptors per connection, here and in the load client, which is client and backend at once.
    const count = Math.min(20_000, Math.floor(descriptorLimit() / 2) - 100);
    const { resident } = await occupy(bench, 'ECDSA', count);
    await bench.load.run({ op: 'release' });
    return { values: [count, resident / 2 ** 20], suite: undefined };
  },
};

function descriptorLimit(): number {
  const limits = (process.report.getReport() as {
    userLimits?: { open_files?: { hard?: number | string } };
  }).userLimits;
  const hard = Number(limits?.open_files?.hard);
  return Number.isFinite(hard) ? hard : 1e6;
}

const latencyRow: Row = {
  id: 'latency',
  key: 'ECDSA',
  figures: [
    {
      id: 'latency-p50',
      title: 'handshake latency at 200 per second, p50',
      unit: 'ms',
      goals: [1, undefined],
    },
    {
      id: 'latency-p99',
      title: 'handshake latency at 200 per second, p99',
      unit: 'ms',
      goals: [1, undefined],
    },
  ],
  measure: async (bench) => {
    const answer = await bench.load.run({
      op: 'latency',
      port: bench.port,
      suites: eitherSuite,
      group: x25519,
      key: 'ECDSA',
      rate: 200,
      count: bench.quick ? 200 : 1000,
    });
    const sorted = [...answer.latencies ?? []].sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
    return { values: [at(0.5), at(0.99)], suite: answer.suite };
  },
};

/**
 * Handshakes per CPU second of the busiest thread, and per second. The first is what two workers give where cores and client
 * are not the limit; on a machine of two cores the client takes its part of them, so the second cannot double.
 */
function workersRow(workers: number): Row {
  return {
    id: `workers-${workers}`,
    key: 'ECDSA',
    workers,
    only: 'sallyport',
    figures: [
      {
        id: `workers-${workers}`,
        title: `${workers} worker(s): handshakes per CPU second of the busiest`,
        unit: '/s',
      },
      {
        id: `workers-${workers}-rate`,
        title: `${workers} worker(s): handshakes per second`,
        unit: '/s',
      },
    ],
    warmUp: (bench) => run(bench, 2000 * workers),
    measure: async (bench) => {
      const before = bench.server.threadCpu();
      const answer = await run(bench, bench.quick ? 800 : 4000);
      const spent = [...bench.server.threadCpu()].map(([thread, seconds]) => seconds - (before.get(thread) ?? 0));
      const rates = [Math.max(...spent), answer.seconds ?? NaN].map((seconds) => answer.count / seconds);
      return { values: rates, suite: answer.suite };
    },
  };
  function run(bench: Bench, count: number): ReturnType<Load['run']> {
    const { port } = bench;
    const offer = { suites: eitherSuite, group: x25519, key: 'ECDSA' } as const;
    return bench.load.run({
      op: 'handshakes',
      port,
      ...offer,
      count,
      concurrency: 32,
    });
  }
}

export const rows: readonly Row[] = [
  handshakeRow(
    {
      id: 'full',
      title: 'full handshake, X25519, P-256 certificate',
      goals: [0.45, 0.7],
    },
    'ECDSA',
    x25519,
  ),
  handshakeRow(
    {
      id: 'hybrid',
      title: 'full handshake, X25519MLKEM768',
      goals: [0.5, undefined],
    },
    'ECDSA',
    hybrid,
  ),
  handshakeRow(
    {
      id: 'rsa',
      title: 'full handshake, RSA-2048 certificate',
      goals: [0.65, 0.9],
    },
    'RSA',
    x25519,
  ),
  handshakeRow(
    { id: 'resumed', title: 'resumed handshake', goals: [0.5, 0.75] },
    'ECDSA',
    x25519,
    true,
  ),
  bulkRow(
    {
      id: 'chacha-down',
      title: 'ChaCha20-Poly1305, download ×16',
      goals: [0.85, 0.95],
    },
    'download',
    chacha,
  ),
  bulkRow(
    {
      id: 'chacha-up',
      title: 'ChaCha20-Poly1305, upload ×16',
      goals: [0.8, 1.15],
    },
    'upload',
    chacha,
  ),
  bulkRow(
    {
      id: 'aes-down',
      title: 'AES-128-GCM, download ×16',
      goals: [2, undefined],
    },
    'download',
    aes128,
  ),
  bulkRow(
    { id: 'aes-up', title: 'AES-128-GCM, upload ×16', goals: [2, undefined] },
    'upload',
    aes128,
  ),
  roundTripRow,
  memoryRow,
  latencyRow,
  workersRow(1),
  workersRow(2),
  manyIdleRow,
];
