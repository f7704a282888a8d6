/** What a row of the kernel bench is. Rooms add theirs in `rows.ts`. */
import type { WasmInstance } from '../../src/crypto/wasm/instance.ts';
import type { WasmProvider } from '../../src/crypto/wasm/provider.ts';

export interface KernelRow {
  /** Unique; what and how much. */
  readonly name: string;
  /** Bytes processed by one call, where throughput is of interest. */
  readonly bytes?: number;
  /** How often one call does the work: times are divided by it. Default 1. */
  readonly times?: number;
  ours(): void;
  /** node:crypto's best path for the same work from the same raw bytes; absent where the runtime has none. */
  node?(): void;
  readonly openssl?: OpensslSpeed;
}

/** One measurement of `openssl speed -mr`. */
export interface OpensslSpeed {
  /** For example `['-evp', 'aes-128-gcm', '-bytes', '16384']`. */
  readonly args: readonly string[];
  /** Which figure of the last result line counts, from 0. */
  readonly column: number;
  /** Whether the figure is bytes per second, operations per second, or seconds per operation. */
  readonly unit: 'bytes/s' | 'ops/s';
  /** What one of our calls amounts to: bytes, or operations (x25519 key generation and exchange are one operation each). */
  readonly amount: number;
}

export type Rows = (provider: WasmProvider, instance: WasmInstance) => KernelRow[];
