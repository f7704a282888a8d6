/** What several workers give. */
import type { LoadAnswer } from './load.ts';
import { type Bench, ordinaryOffer, type Row } from './row.ts';

function handshakes(bench: Bench, count: number): Promise<LoadAnswer> {
  return bench.load.run({ ...ordinaryOffer, op: 'handshakes', port: bench.port, count, concurrency: 32 });
}

/**
 * Handshakes per CPU second of the busiest thread, and per second. The first is what two workers give where cores and client
 * are not the limit; on a machine of two cores the client takes its part of them, so the second cannot double.
 */
function workersRow(workers: number): Row {
  return {
    id: `workers-${workers}`,
    key: 'ECDSA',
    workers,
    only: ['sallyport-node24', 'sallyport-node20', 'sallyport-deno'],
    figures: [
      { id: `workers-${workers}`, title: `${workers} worker(s): handshakes per CPU second of the busiest`, unit: '/s' },
      { id: `workers-${workers}-rate`, title: `${workers} worker(s): handshakes per second`, unit: '/s' },
    ],
    warmUp: (bench) => handshakes(bench, 2000 * workers),
    measure: async (bench) => {
      const before = bench.server.threadCpu();
      const { count, seconds = NaN, suite } = await handshakes(bench, bench.quick ? 800 : 4000);
      const spent = [...bench.server.threadCpu()].map(([thread, cpu]) => cpu - (before.get(thread) ?? 0));
      return { values: [Math.max(...spent), seconds].map((divisor) => count / divisor), suite };
    },
  };
}

export const workerRows: readonly Row[] = [workersRow(1), workersRow(2)];
