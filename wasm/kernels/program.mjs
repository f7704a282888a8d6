// A straight-line program over v128 values: what the floating-point kernels are written in. One and the same list of operations is
// turned into WebAssembly assembly (`assembly.mjs`) and followed with intervals (`bounds.mjs`), so that what is proven is what runs.
//
// Values are numbers that name the result of an operation; there is no control flow and no address but parameter + constant.

const MASK64 = (1n << 64n) - 1n;

/** The bit pattern of a double, as a BigInt. */
export function bitsOf(float) {
  return new BigUint64Array(Float64Array.of(float).buffer)[0];
}

export class Program {
  /** `parameters` are the names of i32 addresses: multiples of 16, but for those in `unaligned`. */
  constructor(name, parameters, unaligned = []) {
    this.name = name;
    this.parameters = parameters;
    this.unaligned = unaligned;
    /** Each operation: { op, args (values), ... }. Stores have no value, but a number all the same. */
    this.operations = [];
    this.constants = new Map();
  }

  #emit(operation) {
    return this.operations.push(operation) - 1;
  }

  /**
   * A vector at `parameter` + `offset`. `bounds` is what the caller promises of each lane: { lo, hi }, an integer held as a float;
   * 'mask' for all ones or all zeros; or [{ lo, hi }, { lo, hi }], two integers of 32 bits.
   */
  load(parameter, offset, bounds) {
    return this.#emit({ op: 'load', args: [], parameter: this.parameters.indexOf(parameter), offset, bounds });
  }

  /** `bounds` is what is promised to whoever loads it. */
  store(parameter, offset, value, bounds) {
    this.#emit({ op: 'store', args: [value], parameter: this.parameters.indexOf(parameter), offset, bounds });
  }

  /** Two 64-bit patterns, one for each lane. */
  constant(low, high = low) {
    const lanes = [BigInt(low) & MASK64, BigInt(high) & MASK64];
    const key = lanes.join();
    if (!this.constants.has(key)) this.constants.set(key, this.#emit({ op: 'constant', args: [], lanes }));
    return this.constants.get(key);
  }

  /** The same double in both lanes. */
  float(value) {
    return this.constant(bitsOf(value));
  }

  #binary(op) {
    return (a, b) => this.#emit({ op, args: [a, b] });
  }

  floatAdd = this.#binary('f64x2.add');
  floatSubtract = this.#binary('f64x2.sub');
  add = this.#binary('i64x2.add');
  subtract = this.#binary('i64x2.sub');
  and = this.#binary('v128.and');
  or = this.#binary('v128.or');
  /** The low 32 bits of 32-bit products. */
  multiply32 = this.#binary('i32x4.mul');

  /**
   * In each lane: `count` low bytes of it, moved up by `by` bytes; the rest is zero. Indices with their top bit set give zero on every machine.
   */
  moveBytes(a, count, by) {
    const indices = (first) => Array.from({ length: 8 }, (_, i) => i >= by && i < by + count ? first + i - by : 0x80);
    const pattern = (first) => indices(first).reduceRight((sum, index) => sum << 8n | BigInt(index), 0n);
    return this.#emit({ op: 'i8x16.relaxed_swizzle', args: [a, this.constant(pattern(0), pattern(8))] });
  }

  /** The bytes of `table` at the places that `indices` says, all below 16, by `op`: 'i8x16.swizzle' or 'i8x16.relaxed_swizzle'. */
  lookUp(op, table, indices) {
    return this.#emit({ op, args: [table, indices] });
  }

  // Lanes of 32 bits.
  add32 = this.#binary('i32x4.add');
  subtract32 = this.#binary('i32x4.sub');
  equal32 = this.#binary('i32x4.eq');
  greater32 = this.#binary('i32x4.gt_s');
  xor = this.#binary('v128.xor');
  /** The signed products of the first two lanes, of 64 bits; of the last two. */
  productLow32 = this.#binary('i64x2.extmul_low_i32x4_s');
  productHigh32 = this.#binary('i64x2.extmul_high_i32x4_s');

  /** The first two lanes of 32 bits, with their signs, to 64 bits; the last two. */
  extendLow32(a) {
    return this.#emit({ op: 'i64x2.extend_low_i32x4_s', args: [a] });
  }

  extendHigh32(a) {
    return this.#emit({ op: 'i64x2.extend_high_i32x4_s', args: [a] });
  }

  shiftLeft32(a, bits) {
    return this.#emit({ op: 'i32x4.shl', args: [a], bits });
  }

  shiftRightUnsigned32(a, bits) {
    return this.#emit({ op: 'i32x4.shr_u', args: [a], bits });
  }

  shiftRightSigned32(a, bits) {
    return this.#emit({ op: 'i32x4.shr_s', args: [a], bits });
  }

  /** 16 of the 32 bytes of both. */
  shuffleBytes(a, b, lanes) {
    return this.#emit({ op: 'i8x16.shuffle', args: [a, b], lanes });
  }

  /** Four of the eight lanes of both. */
  shuffle32(a, b, lanes) {
    return this.#emit({ op: 'i8x16.shuffle', args: [a, b], lanes });
  }

  /**
   * The same value, once through memory. Engines that place pure operations by themselves (V8 before 12) compute what leads to it before what follows; left
   * alone they would begin everything at once, and run out of registers.
   */
  keep(a) {
    return this.#emit({ op: 'keep', args: [a] });
  }

  floatNegate(a) {
    return this.#emit({ op: 'f64x2.neg', args: [a] });
  }

  /** a·b + c, rounded once. */
  fusedMultiplyAdd(a, b, c) {
    return this.#emit({ op: 'f64x2.relaxed_madd', args: [a, b, c] });
  }

  shiftLeft(a, bits) {
    return this.#emit({ op: 'i64x2.shl', args: [a], bits });
  }

  shiftRight(a, bits) {
    return this.#emit({ op: 'i64x2.shr_u', args: [a], bits });
  }

  /** Lane i of the four lanes (a0, a1, b0, b1) beside lane j. */
  shuffle(a, b, i, j) {
    return this.#emit({ op: 'i8x16.shuffle', args: [a, b], lanes: [i, j] });
  }

  swap(a) {
    return this.shuffle(a, a, 1, 0);
  }

  /** `a` where `mask` is all ones, `b` where it is zero. */
  select(mask, a, b) {
    return this.#emit({ op: 'v128.bitselect', args: [a, b, mask] });
  }
}
