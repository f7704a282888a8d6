// Arithmetic modulo p = 2^256 − 2^224 + 2^192 + 2^96 − 1 on two elements at once, one in each lane: six limbs of 48 bits, integers held as
// doubles, in Montgomery form with R = 2^288, which leaves 32 bits to spare: sums and differences need no reduction.
//
// As in field25519.mjs a product of limbs is split by two fused multiply-adds; here the sums of a column are kept in doubles. The high
// halves are chained: h' = a·b + h, rounded to a multiple of 2^48, and a·b + (h − h') is what the rounding lost.

import { bitsOf } from './program.mjs';

const LIMBS = 6;
/** With 2^47 places more, so that the low 48 bits of a column's pattern start in the middle: remainders are then centred as they are. */
const HIGH = 1.5 * 2 ** 100 + 2 ** 47 * 2 ** 48;
const LOW = 1.5 * 2 ** 52;
const MASK48 = (1n << 48n) - 1n;
const HALF = 1n << 47n;
/** Added before a carry where a column may be negative; what must be taken away again is counted along. */
const BIAS = 1n << 58n;

const wrap = (value) => BigInt.asUintN(64, value);

/** Columns: 64-bit integers, each with the constant it contains beside its value, one for each lane. */
class Columns {
  constructor(values, offsets) {
    this.values = values;
    this.offsets = offsets;
  }
}

export class FieldP256 {
  /** Bytes of an element in memory. */
  size = 16 * LIMBS;
  /** One in so many columns goes through memory, see `Program.keep`; 0: none. */
  kept = 0;

  constructor(program) {
    this.p = program;
  }

  /** `terms`: how many elements the loaded one may be a sum of. */
  load(parameter, offset, terms = 1n) {
    return LIMB_BOUNDS.map(({ hi }, k) => this.p.load(parameter, offset + 16 * k, symmetric(terms * hi)));
  }

  store(parameter, offset, limbs) {
    limbs.forEach((limb, k) => this.p.store(parameter, offset + 16 * k, limb, LIMB_BOUNDS[k]));
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

  negate(a) {
    return a.map((x) => this.p.floatNegate(x));
  }

  /** Lane i of (a0, a1, b0, b1) beside lane j. */
  shuffle(a, b, i, j) {
    return this.#zip(a, b, (x, y) => this.p.shuffle(x, y, i, j));
  }

  swap(a) {
    return this.shuffle(a, a, 1, 0);
  }

  /** The limb products of column k of a·b, or of a² when b is a. */
  #pairs(a, b, twice, k) {
    return a.flatMap((x, i) => {
      const j = k - i;
      if (b[j] === undefined || (a === b && j < i)) return [];
      return [a === b && i !== j ? [twice[i], b[j]] : [x, b[j]]];
    });
  }

  /** The twelve columns of the sum of some products. */
  #products(terms) {
    const { p } = this;
    const doubled = terms.map(([a, b]) => a === b ? a.slice(0, LIMBS - 1).map((x) => p.floatAdd(x, x)) : undefined);
    const values = Array(2 * LIMBS).fill(undefined);
    const offsets = Array(2 * LIMBS).fill(0n);
    const gather = (k, value, pattern) => {
      values[k] = values[k] === undefined ? value : p.add(values[k], value);
      offsets[k] = wrap(offsets[k] + pattern);
    };
    for (let k = 0; k < 2 * LIMBS - 1; k++) {
      let high, lows;
      for (const [x, y] of terms.flatMap(([a, b], t) => this.#pairs(a, b, doubled[t], k))) {
        const next = p.fusedMultiplyAdd(x, y, high ?? p.float(HIGH));
        const low = p.fusedMultiplyAdd(x, y, p.floatSubtract(high ?? p.float(HIGH + LOW), next));
        lows = lows === undefined ? low : p.floatAdd(lows, low);
        high = next;
      }
      gather(k + 1, high, bitsOf(HIGH));
      gather(k, lows, bitsOf(LOW));
      if (this.kept > 0 && k % this.kept === this.kept - 1) values[k] = p.keep(values[k]);
    }
    return { values, offsets };
  }

  /**
   * Montgomery's reduction, a limb at a time: −p⁻¹ is 1 modulo 2^48, so the multiple of p that clears a column's low 48 bits q is q·p itself,
   * which adds and subtracts q at the bits of p.
   */
  #reduce({ values, offsets }) {
    const { p } = this;
    const [v, o] = [[...values], [...offsets]];
    const mask = p.constant(MASK48);
    const add = (k, value, pattern = 0n) => {
      v[k] = v[k] === undefined ? value : p.add(v[k], value);
      o[k] = wrap(o[k] + pattern);
    };
    const subtract = (k, value, pattern) => {
      v[k] = p.subtract(v[k], value);
      o[k] = wrap(o[k] - pattern);
    };
    for (let k = 0; k < LIMBS; k++) {
      // The pattern's constant is not taken away, but counted along: q − start is the centred digit (of column 0: from 0 to 2^48).
      const start = o[k] & MASK48;
      const q = p.and(v[k], mask);
      add(k + 1, p.shiftRight(v[k], 48), o[k] >> 48n);
      add(k + 2, q, start); // 2^96
      add(k + 4, q, start); // 2^192
      subtract(k + 4, p.moveBytes(v[k], 2, 4), (start << 32n) & MASK48); // 2^224 = 2^(4·48 + 32)
      subtract(k + 5, p.shiftRight(q, 16), start >> 16n);
      add(k + 5, p.moveBytes(v[k], 4, 2), (start << 16n) & MASK48); // 2^256 = 2^(5·48 + 16)
      add(k + 6, p.shiftRight(q, 32), start >> 32n);
    }
    return new Columns(v.slice(LIMBS), o.slice(LIMBS).map((offset) => [offset, offset]));
  }

  /** The reduced columns of the sum of some products; a product of an array with itself is a square. */
  productColumns(...terms) {
    return this.#reduce(this.#products(terms));
  }

  multiply(a, b) {
    return this.carry(this.productColumns([a, b]));
  }

  square(a) {
    return this.multiply(a, a);
  }

  addColumns(a, b) {
    return this.#combine(a, b, this.p.add, (x, y) => x + y);
  }

  subtractColumns(a, b) {
    return this.#combine(a, b, this.p.subtract, (x, y) => x - y);
  }

  #combine(a, b, values, offsets) {
    const lanes = (k) => [0, 1].map((i) => wrap(offsets(a.offsets[k][i], b.offsets[k][i])));
    return new Columns(this.#zip(a.values, b.values, values), a.offsets.map((_, k) => lanes(k)));
  }

  /** Columns times 2^bits. */
  shiftColumns({ values, offsets }, bits) {
    const shifted = offsets.map((lanes) => lanes.map((offset) => wrap(offset << BigInt(bits))));
    return new Columns(values.map((x) => this.p.shiftLeft(x, bits)), shifted);
  }

  shuffleColumns(a, b, i, j) {
    const offsets = a.offsets.map((lanes, k) => {
      const all = [...lanes, ...b.offsets[k]];
      return [all[i], all[j]];
    });
    return new Columns(this.shuffle(a.values, b.values, i, j), offsets);
  }

  /** Limbs as columns. */
  columnsOf(limbs) {
    const offset = bitsOf(LOW);
    return new Columns(limbs.map((x) => this.p.floatAdd(x, this.p.float(LOW))), limbs.map(() => [offset, offset]));
  }

  /** One parallel carry to limbs: `LIMB_BOUNDS` below. The top limb takes what there is. */
  carry({ values, offsets }) {
    const { p } = this;
    const top = LIMBS - 1;
    const lanes = (k, added) => p.constant(added - offsets[k][0], added - offsets[k][1]);
    // A column whose constant has about 2^47 in its low bits is in the middle already; another is brought there.
    const centred = (k) => offsets[k].every((offset) => BigInt.asIntN(48, offset + HALF) ** 2n < 1n << 24n);
    const started = values.slice(0, top).map((x, k) =>
      centred(k) ? { x, starts: offsets[k] } : { x: p.add(x, lanes(k, BIAS + HALF)), starts: [BIAS + HALF, BIAS + HALF] }
    );
    const carries = started.map(({ x }) => p.shiftRight(x, 48));
    const low48 = (value) => value & MASK48;
    const limbs = started.map(({ x, starts }, k) => {
      // A number below 2^52 under the exponent of 2^52 is that number plus 2^52, as a double.
      const low = p.or(p.and(x, p.constant(MASK48)), p.constant(bitsOf(2 ** 52)));
      const carried = k === 0 ? low : p.add(low, carries[k - 1]);
      const excess = starts.map((start, i) => low48(start) + (k === 0 ? 0n : started[k - 1].starts[i] >> 48n));
      return p.floatSubtract(carried, p.constant(...excess.map((value) => bitsOf(2 ** 52 + Number(value)))));
    });
    const carried = started[top - 1].starts.map((start) => start >> 48n);
    const taken = carried.map((excess, i) => bitsOf(LOW) - excess - offsets[top][i]);
    const last = p.add(p.add(values[top], carries[top - 1]), p.constant(...taken));
    return [...limbs, p.floatSubtract(last, p.float(LOW))];
  }
}

const symmetric = (size) => ({ lo: -size, hi: size });
/** Carried limbs: what `carry` leaves. The top one, of weight 2^240, holds what there is: values stay below 2^264 = 256·p in size. */
const LIMB_BOUNDS = [...Array(LIMBS - 1).fill(HALF + (1n << 16n)), 1n << 24n].map(symmetric);
