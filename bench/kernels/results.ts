/** What was measured, and the statistics of it. */
import { median } from '../report.ts';
import type { ColdStart, Samples } from './measure.ts';
import type { KernelRow } from './row.ts';

/** One row in one runtime on one pass over the table. */
export interface Slice extends Samples {
  /** Nanoseconds, measured within a second or two of the rest of the slice. */
  readonly openssl?: number;
}

/** What one runtime gave. */
export interface RuntimeResult {
  readonly name: string;
  readonly build: string;
  readonly coldStarts: ColdStart[];
  /** Of each row, one of each pass. */
  readonly slices: Map<string, Slice[]>;
}

export interface Spread {
  /** For a ratio: the ratio of both leasts. */
  readonly least: number;
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
}

const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Infinity);

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!;
}

export function spread(values: readonly number[], leastOf: number = least(values)): Spread | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  return { least: leastOf, lower: quantile(sorted, 0.25), median: median(sorted), upper: quantile(sorted, 0.75) };
}

export interface Figure {
  readonly ours: Spread;
  readonly node: Spread | undefined;
  readonly openssl: Spread | undefined;
  /** Of samples that were neighbours: ours to node:crypto's. */
  readonly toNode: Spread | undefined;
  /** Of slices: the median of ours to what OpenSSL needed beside it. */
  readonly toOpenssl: Spread | undefined;
}

export function figure(slices: readonly Slice[]): Figure {
  const ours = slices.flatMap((slice) => slice.ours);
  const node = slices.flatMap((slice) => slice.node ?? []);
  const withOpenssl = slices.filter(({ openssl }) => openssl !== undefined);
  const openssl = withOpenssl.map((slice) => slice.openssl!);
  return {
    ours: spread(ours)!,
    node: spread(node),
    openssl: spread(openssl),
    toNode: spread(node.map((value, i) => ours[i]! / value), least(ours) / least(node)),
    toOpenssl: spread(
      withOpenssl.map((slice) => median(slice.ours) / slice.openssl!),
      least(ours) / least(openssl),
    ),
  };
}

/** One runtime's time to another's for the same row, of neighbouring slices. */
export function between(ours: readonly Slice[], theirs: readonly Slice[]): Spread | undefined {
  const all = (slices: readonly Slice[]) => least(slices.flatMap((slice) => slice.ours));
  return spread(ours.map((slice, i) => median(slice.ours) / median(theirs[i]!.ours)), all(ours) / all(theirs));
}

export function coldStart({ coldStarts }: RuntimeResult): Spread | undefined {
  return spread(coldStarts.map(({ compile, test }) => compile + test));
}

export interface Results {
  readonly rows: readonly KernelRow[];
  readonly runtimes: readonly RuntimeResult[];
}
