/** What several workers give. */
import type { LoadAnswer } from './load.ts';
import { type Bench, ordinaryOffer, type Row } from './row.ts';

/** Per worker, so that each is as warm as one alone. */
const warmUp = 5000;

function handshakes(bench: Bench, count: number): Promise<LoadAnswer> {
  return bench.load.run({ ...ordinaryOffer, op: 'handshakes', port: bench.port, count, concurrency: 32 });
}

/**
 * Handshakes per CPU second of the busiest thread: what several workers give where each has a core and the client is not the limit. Here
 * they share the first core: on the second the load client would get in their way, and take what they could give.
 */
function workersRow(workers: number): Row {
  const title = workers === 1 ? 'one worker' : `${workers} workers`;
  return {
    id: `workers-${workers}`,
    key: 'ECDSA',
    workers,
    only: ['sallyport-node24', 'sallyport-node20', 'sallyport-deno'],
    figures: [
      { id: `workers-${workers}`, title: `${title}: handshakes per CPU second of the busiest thread`, unit: '/s' },
    ],
    warmUp: (bench) => handshakes(bench, warmUp * workers),
    measure: async (bench) => {
      const before = bench.server.threadCpu();
      const { count, suite } = await handshakes(bench, (bench.quick ? 1000 : 2000) * workers);
      const spent = [...bench.server.threadCpu()].map(([thread, cpu]) => cpu - (before.get(thread) ?? 0));
      return { values: [count / Math.max(...spent)], suite };
    },
  };
}

export const workerRows: readonly Row[] = [workersRow(1), workersRow(2)];
