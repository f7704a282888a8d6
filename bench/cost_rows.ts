/** What work costs the server. */
import type { KeyType } from './certificates.ts';
import type { LoadCommand } from './load.ts';
import { aes128, type Bench, chacha, eitherSuite, type Figure, hybrid, type Row, x25519 } from './row.ts';

/** Handshakes before the first that are measured: V8 goes on optimizing what runs once in each for about 6000. */
const handshakesToWarmUp = 7500;

/** The machine's speed drifts within seconds: what is compared must be near in time. */
const slicesPerRound = 5;

/**
 * A row whose figure is the server's CPU time for one unit of work. `command.count`: units of work in a round. `scale`: from seconds to the
 * figure's unit. `warmUp`: units of work that a server does before it is measured.
 */
function costRow(
  figure: Figure,
  key: KeyType,
  command: Omit<LoadCommand, 'port' | 'key'> & { readonly count: number },
  scale: number,
  warmUp: number = command.count / 2,
): Row {
  const work = ({ port }: Bench, count: number): LoadCommand => ({ ...command, key, port, count });
  return {
    id: figure.id,
    key,
    figures: [figure],
    slices: slicesPerRound,
    // As long in a quick run: compilers need thousands of handshakes before they are done.
    warmUp: (bench) => bench.load.run(work(bench, warmUp)),
    measure: async (bench) => {
      const before = bench.server.cpu();
      const count = Math.ceil(command.count / slicesPerRound / (bench.quick ? 5 : 1));
      const answer = await bench.load.run(work(bench, count));
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
  return costRow({ ...figure, unit: 'µs' }, key, command, microseconds, handshakesToWarmUp);
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

/** Rows whose figure is the server's CPU time for one unit of work. */
export const costRows: readonly Row[] = [
  handshakeRow(
    {
      id: 'full',
      title: 'full handshake, X25519, P-256 certificate',
    },
    'ECDSA',
    x25519,
  ),
  handshakeRow(
    {
      id: 'hybrid',
      title: 'full handshake, X25519MLKEM768',
    },
    'ECDSA',
    hybrid,
  ),
  handshakeRow(
    {
      id: 'rsa',
      title: 'full handshake, RSA-2048 certificate',
    },
    'RSA',
    x25519,
  ),
  handshakeRow(
    { id: 'resumed', title: 'resumed handshake' },
    'ECDSA',
    x25519,
    true,
  ),
  bulkRow(
    {
      id: 'chacha-down',
      title: 'ChaCha20-Poly1305, download ×16',
    },
    'download',
    chacha,
  ),
  bulkRow(
    {
      id: 'chacha-up',
      title: 'ChaCha20-Poly1305, upload ×16',
    },
    'upload',
    chacha,
  ),
  bulkRow(
    {
      id: 'aes-down',
      title: 'AES-128-GCM, download ×16',
    },
    'download',
    aes128,
  ),
  bulkRow(
    { id: 'aes-up', title: 'AES-128-GCM, upload ×16' },
    'upload',
    aes128,
  ),
  roundTripRow,
];
