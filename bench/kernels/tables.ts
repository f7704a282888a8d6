/** The tables of the kernel bench. */
import { table } from '../report.ts';
import { coldStart, type Figure, figure, type RuntimeResult, type Spread } from './results.ts';
import type { KernelRow } from './row.ts';

const time = (spread: Spread | undefined) =>
  spread === undefined ? ['–', ''] : [spread.median, spread.least].map((ns) => (ns / 1e3).toFixed(ns < 1e5 ? 2 : 0));

const ratio = (spread: Spread | undefined) =>
  spread === undefined ? ['–', '', ''] : [
    spread.median.toFixed(2),
    `${spread.lower.toFixed(2)}–${spread.upper.toFixed(2)}`,
    spread.least.toFixed(2),
  ];

function line({ name, bytes }: KernelRow, { ours, node, openssl, toNode, toOpenssl }: Figure): string[] {
  const speed = bytes === undefined ? '' : (bytes / ours.median * 1e3).toFixed(0);
  return [name, ...time(ours), speed, ...time(node), ...time(openssl), ...ratio(toNode), ...ratio(toOpenssl)];
}

export function runtimeTable(rows: readonly KernelRow[], result: RuntimeResult): string {
  const part = (name: 'compile' | 'test') => Math.min(...result.coldStarts.map((start) => start[name])).toFixed(0);
  const cold = coldStart(result);
  const starts = cold === undefined
    ? ''
    : `; cold start ${cold.median.toFixed(0)} ms, least ${cold.least.toFixed(0)} (compiling ${
      part('compile')
    }, testing ${part('test')})`;
  const head = [
    ...['µs', 'ours', 'least', 'MB/s', 'node:crypto', 'least', 'openssl', 'least'],
    ...['to node', 'quartiles', 'least', 'to openssl', 'quartiles', 'least'],
  ];
  const lines = rows.flatMap((row) => {
    const slices = result.slices.get(row.name);
    return slices === undefined ? [] : [line(row, figure(slices))];
  });
  return `${result.name}, ${result.build} build${starts}\n${table([head, ...lines])}`;
}
