/** Medians, and the tables that are printed. */
import type { Figure } from './row.ts';

export interface Result {
  readonly figure: Figure;
  readonly peer: string;
  /** One per slice. */
  readonly values: number[];
  suite?: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [
    sorted[sorted.length % 2 === 1 ? middle : middle - 1],
    sorted[middle],
  ];
  return low === undefined || high === undefined ? NaN : (low + high) / 2;
}

const suiteNames = new Map([[0x1301, 'A'], [0x1302, 'B'], [0x1303, 'C']]);

export function format(value: number): string {
  if (Number.isNaN(value)) return '–';
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

/** The figure of one peer, from all slices; NaN where it has none. */
export function figureOf(
  results: readonly Result[],
  figure: string,
  peer: string,
): number {
  return median(valuesOf(results, figure, peer));
}

/** One per slice, in their order. */
export function valuesOf(results: readonly Result[], figure: string, peer: string): readonly number[] {
  return results.find((candidate) => candidate.figure.id === figure && candidate.peer === peer)?.values ?? [];
}

export function valueTable(
  results: readonly Result[],
  peers: readonly string[],
): string {
  const figures = new Map(results.map(({ figure }) => [figure.id, figure]));
  const head = ['server CPU, medians', ...peers];
  const lines = [...figures.values()].map((figure) => [
    `${figure.title}${figure.unit === '' ? '' : `, ${figure.unit}`}`,
    ...peers.map((peer) => {
      const result = results.find((candidate) => candidate.figure.id === figure.id && candidate.peer === peer);
      const suite = result?.suite === undefined ? '' : ` ${suiteNames.get(result.suite) ?? '?'}`;
      return format(median(result?.values ?? [])) + suite;
    }),
  ]);
  return table([head, ...lines]) +
    '\nA: AES-128-GCM, B: AES-256-GCM, C: ChaCha20-Poly1305.';
}

export function table(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const row = (line: readonly string[]): string =>
    `| ${
      line.map((cell, column) => column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))
        .join(' | ')
    } |`;
  const rule = `|${
    widths.map((width, column) => '-'.repeat(width + (column === 0 ? 2 : 1)) + (column === 0 ? '' : ':')).join('|')
  }|`;
  return [row(lines[0] ?? []), rule, ...lines.slice(1).map(row)].join('\n');
}
