/** The generator of the floating-point kernels (wasm/kernels/, plain JavaScript, as the build of the crate runs it), with types. */
// @ts-ignore: JavaScript without declarations
import * as bounds from '../../wasm/kernels/bounds.mjs';
// @ts-ignore: JavaScript without declarations
import * as generate from '../../wasm/kernels/generate.mjs';
// @ts-ignore: JavaScript without declarations
import * as program from '../../wasm/kernels/program.mjs';

export interface Bounds {
  readonly lo: bigint;
  readonly hi: bigint;
}

/** See wasm/kernels/program.mjs. Values are numbers. */
export interface Program {
  readonly name: string;
  operations: { readonly op: string; readonly bounds?: Bounds | readonly Bounds[] | 'mask' }[];
  load(parameter: string, offset: number, bounds: Bounds | readonly Bounds[] | 'mask'): number;
  store(parameter: string, offset: number, value: number, bounds: Bounds | readonly Bounds[]): void;
  constant(low: bigint, high?: bigint): number;
  float(value: number): number;
  floatAdd(a: number, b: number): number;
  floatSubtract(a: number, b: number): number;
  fusedMultiplyAdd(a: number, b: number, c: number): number;
  add(a: number, b: number): number;
  and(a: number, b: number): number;
  or(a: number, b: number): number;
  multiply32(a: number, b: number): number;
  add32(a: number, b: number): number;
  productLow32(a: number, b: number): number;
  shiftRight(a: number, bits: number): number;
}

export interface Stored {
  readonly parameter: string;
  readonly offset: number;
  readonly magnitude: bigint;
  readonly promised: bigint;
}

export const Program = program.Program as new (name: string, parameters: string[]) => Program;
export const bitsOf = program.bitsOf as (float: number) => bigint;
export const checkBounds = bounds.checkBounds as (program: Program) => Stored[];
export const KERNEL_FILES = generate.KERNEL_FILES as readonly {
  readonly programs: readonly Program[];
  readonly bounded: boolean;
}[];
