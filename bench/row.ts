/** What a row of the table is. */
import type { KeyType } from './certificates.ts';
import type { Load } from './load.ts';
import type { PinnedProcess } from './process.ts';

/** A server that runs, with the load client beside it. */
export interface Bench {
  readonly server: PinnedProcess;
  readonly port: number;
  readonly load: Load;
  /** Less work per slice: for a first look. */
  readonly quick: boolean;
  /** Files that the server and the load client may each have open. */
  readonly openFiles: number;
}

export interface Figure {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
}

export interface Row {
  readonly id: string;
  readonly key: KeyType;
  readonly figures: readonly Figure[];
  readonly workers?: number;
  /** Connections that the server must be able to hold. Default: 9000. */
  readonly connections?: number;
  /** In how many slices a round measures it, the peers in turn. Default: 1. */
  readonly slices?: number;
  /** A server of its own for each slice; otherwise one serves all rounds and rows. */
  readonly fresh?: boolean;
  /** Only these peers. */
  readonly only?: readonly string[];
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

export const aes128 = 0x1301;
export const chacha = 0x1303;
export const x25519 = 29;
export const hybrid = 4588;
/** Where the row leaves it to the server: each takes what it likes best. Both use SHA-256. */
export const eitherSuite: readonly number[] = [aes128, chacha];

/** What most rows offer. */
export const ordinaryOffer = { suites: eitherSuite, group: x25519, key: 'ECDSA' } as const;
