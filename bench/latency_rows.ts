/** What clients wait for. */
import { ordinaryOffer, type Row } from './row.ts';

function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length * share)] ?? NaN;
}

const handshakeLatencyRow: Row = {
  id: 'latency',
  key: 'ECDSA',
  figures: [
    { id: 'latency-p50', title: 'handshake latency at 200 per second, p50', unit: 'ms' },
    { id: 'latency-p99', title: 'handshake latency at 200 per second, p99', unit: 'ms' },
  ],
  measure: async (bench) => {
    const count = bench.quick ? 400 : 1000;
    const command = { ...ordinaryOffer, op: 'latency', port: bench.port, rate: 200 } as const;
    const { latencies = [], suite } = await bench.load.run({ ...command, count });
    return { values: [0.5, 0.99].map((share) => percentile(latencies, share)), suite };
  },
};

/** From the client's first byte to the end of a reply in two parts: a stall between two small writes shows here. */
const firstReplyRow: Row = {
  id: 'first-reply',
  key: 'ECDSA',
  figures: [{ id: 'first-reply', title: 'first reply, in two parts, p50', unit: 'ms' }],
  measure: async (bench) => {
    const command = { ...ordinaryOffer, op: 'first_reply', port: bench.port, count: 50 } as const;
    const { latencies = [], suite } = await bench.load.run(command);
    return { values: [percentile(latencies, 0.5)], suite };
  },
};

export const latencyRows: readonly Row[] = [handshakeLatencyRow, firstReplyRow];
