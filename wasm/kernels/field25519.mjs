// Arithmetic modulo p = 2^255 − 19 on two elements at once, one in each lane: five limbs of 51 bits, integers held as doubles.
//
// A product of two limbs is split by two fused multiply-adds: h = a·b + 1.5·2^103 rounds a·b to a multiple of 2^51, which stands in the
// low bits of h's pattern, and a·b − (h − 1.5·2^103) + 1.5·2^52 holds the rest, exact, in its own. The patterns are added as 64-bit
// integers, with the constants they contain counted along and taken away at the end.

import { bitsOf } from './program.mjs';

const LIMBS = 5;
const HIGH = 1.5 * 2 ** 103;
const LOW = 1.5 * 2 ** 52;
const MASK51 = (1n << 51n) - 1n;
/** Added before a carry, to make columns positive: what must be taken away again is BIAS >> 51 in the next limb. */
const BIAS = (1n << 60n) + (1n << 50n);
const CARRY_BIAS = Number(BIAS >> 51n);

/** Columns: 64-bit integers, each with the constant it contains beside its value, one for each lane. */
class Columns {
  constructor(values, offsets) {
    this.values = values;
    this.offsets = offsets;
  }
}

export class Field25519 {
  /** Bytes of an element in memory. */
  size = 16 * LIMBS;
  /** Whether columns go through memory, see `Program.keep`: for long kernels. */
  kept = false;

  constructor(program) {
    this.p = program;
  }

  load(parameter, offset) {
    return Array.from({ length: LIMBS }, (_, k) => this.p.load(parameter, offset + 16 * k, LIMB));
  }

  store(parameter, offset, limbs) {
    limbs.forEach((limb, k) => this.p.store(parameter, offset + 16 * k, limb, LIMB));
  }

  #zip(a, b, combine) {
    return a.map((x, k) => combine(x, b[k]));
  }

  add(a, b) {
    return this.#zip(a, b, this.p.floatAdd);
  }

  subtract(a, b) {
    return this.#zip(a, b, this.p.floatSubtract);
  }

  swap(a) {
    return a.map((x) => this.p.swap(x));
  }

  /** Lane i of (a0, a1, b0, b1) beside lane j. */
  shuffle(a, b, i, j) {
    return this.#zip(a, b, (x, y) => this.p.shuffle(x, y, i, j));
  }

  select(mask, a, b) {
    return this.#zip(a, b, (x, y) => this.p.select(mask, x, y));
  }

  /** Columns 0 to 4 of a product: pairs(k) lists the limb products of column k of 9, and 2^255 = 19 folds the upper ones. */
  #product(pairs) {
    const { p } = this;
    const sums = Array(2 * LIMBS).fill(undefined);
    const offsets = Array(2 * LIMBS).fill(0n);
    const gather = (column, value, pattern) => {
      sums[column] = sums[column] === undefined ? value : p.add(sums[column], value);
      offsets[column] += pattern;
    };
    const column = (k) => {
      for (const [a, b] of pairs(k)) {
        const high = p.fusedMultiplyAdd(a, b, p.float(HIGH));
        const low = p.fusedMultiplyAdd(a, b, p.floatSubtract(p.float(HIGH + LOW), high));
        gather(k + 1, high, bitsOf(HIGH));
        gather(k, low, bitsOf(LOW));
      }
    };
    const folded = [];
    const fold = (k) => {
      const sum = p.add(this.#times19(sums[k + LIMBS]), sums[k]);
      folded[k] = this.kept && k % 2 === 0 ? p.keep(sum) : sum;
    };
    // Column k + 5 is folded into column k as soon as both are complete, which keeps few values alive.
    for (let k = 0; k < LIMBS; k++) {
      column(k + LIMBS);
      column(k);
      if (k > 0) fold(k);
    }
    fold(0);
    const total = (k) => BigInt.asUintN(64, offsets[k] + 19n * offsets[k + LIMBS]);
    return new Columns(folded, folded.map((_, k) => [total(k), total(k)]));
  }

  #times19(x) {
    const { p } = this;
    return p.add(p.shiftLeft(x, 4), p.add(p.add(x, x), x));
  }

  multiplyColumns(a, b) {
    return this.#product((k) => a.flatMap((x, i) => b[k - i] === undefined ? [] : [[x, b[k - i]]]));
  }

  squareColumns(a) {
    const twice = a.slice(0, LIMBS - 1).map((x) => this.p.floatAdd(x, x));
    return this.#product((k) =>
      a.flatMap((x, i) => {
        const j = k - i;
        if (j < i || a[j] === undefined) return [];
        return [i === j ? [x, x] : [twice[i], a[j]]];
      })
    );
  }

  addColumns(a, b) {
    return this.#combine(a, b, this.p.add, (x, y) => x + y);
  }

  subtractColumns(a, b) {
    return this.#combine(a, b, this.p.subtract, (x, y) => x - y);
  }

  #combine(a, b, values, offsets) {
    return new Columns(this.#zip(a.values, b.values, values), a.offsets.map((lanes, k) => [0, 1].map((i) =>
      BigInt.asUintN(64, offsets(lanes[i], b.offsets[k][i])))));
  }

  shuffleColumns(a, b, i, j) {
    return new Columns(this.shuffle(a.values, b.values, i, j), a.offsets.map((lanes, k) => {
      const all = [...lanes, ...b.offsets[k]];
      return [all[i], all[j]];
    }));
  }

  /** (x, y) becomes (x + y, x − y). */
  butterfly(a) {
    const swapped = this.shuffleColumns(a, a, 1, 0);
    return this.shuffleColumns(this.addColumns(a, swapped), this.subtractColumns(a, swapped), 0, 2);
  }

  /** Limbs as columns. */
  columnsOf(limbs) {
    const offset = bitsOf(LOW);
    return new Columns(limbs.map((x) => this.p.floatAdd(x, this.p.float(LOW))), limbs.map(() => [offset, offset]));
  }

  /** One parallel carry, which brings columns back to limbs just over 2^50 in size: `LIMB` below. */
  carry({ values, offsets }) {
    const { p } = this;
    const biased = values.map((x, k) => p.add(x, p.constant(BIAS - offsets[k][0], BIAS - offsets[k][1])));
    const carries = biased.map((x) => p.shiftRight(x, 51));
    return biased.map((x, k) => {
      // A number below 2^52 under the exponent of 2^52 is that number plus 2^52, as a double.
      const low = p.or(p.and(x, p.constant(MASK51)), p.constant(bitsOf(2 ** 52)));
      const [carried, factor] = k === 0
        ? [p.multiply32(carries[LIMBS - 1], p.constant(19n | 19n << 32n)), 19]
        : [carries[k - 1], 1];
      return p.floatSubtract(p.add(low, carried), p.float(2 ** 52 + 2 ** 50 + factor * CARRY_BIAS));
    });
  }

  multiply(a, b) {
    return this.carry(this.multiplyColumns(a, b));
  }

  square(a) {
    return this.carry(this.squareColumns(a));
  }
}

/** A carried limb: |x| ≤ 2^50 + 19·2^9, what `carry` leaves of columns below 2^60 in size. */
const CARRIED = (1n << 50n) + (19n << 9n);
const LIMB = { lo: -CARRIED, hi: CARRIED };
