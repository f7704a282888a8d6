// Arithmetic modulo p = 2^256 − 2^224 + 2^192 + 2^96 − 1 on two elements at once in integers: the twin of field_p256.mjs. Ten limbs of 27 bits, in
// Montgomery form with R = 2^270, which leaves 14 bits to spare: sums and differences need no reduction.

import { BIAS, IntegerField, LIMBS } from './integer_field.mjs';

const WIDTH = 27;
const MASK = (1n << BigInt(WIDTH)) - 1n;
/** Two chains of carries at once; the second begins again where the first runs into it. The top limb takes what there is. */
const ORDER = [0, 5, 1, 6, 2, 7, 3, 8, 4, 5];
const TOP = LIMBS - 1;
/** What a carry leaves. The top limb has weight 2^243: values stay below 2^262 in size. */
const BOUNDS = [...Array(TOP).fill((1n << 26n) + (1n << 10n)), 1n << 19n];

export class IntegerP256 extends IntegerField {
  constructor(program) {
    super(program, Array(LIMBS).fill(WIDTH), BOUNDS);
  }

  /** The columns of the sum of some products, reduced; a product of an array with itself is a square. */
  productColumns(...terms) {
    const { p } = this;
    const products = terms.map(([a, b]) => ({ square: a === b, product: this.limbProducts(a, b, 1, 1) }));
    const columns = Array.from({ length: 2 * LIMBS }, (_, k) => {
      const values = products.flatMap(({ square, product }) =>
        Array.from({ length: LIMBS }, (_, i) => i).filter((i) => k - i >= (square ? i : 0) && k - i < LIMBS)
          .map((i) => product(i, k - i)));
      return values.length === 0 ? undefined : this.sumColumn(values, k);
    });
    return this.#reduce(columns);
  }

  /**
   * Montgomery's reduction, a limb at a time: −p⁻¹ is 1 modulo 2^27, so the multiple of p that clears a column's low 27 bits q is q·p itself,
   * which adds and subtracts q at the bits of p.
   */
  #reduce(columns) {
    const { p } = this;
    const v = [...columns];
    const add = (k, value) => v[k] = v[k] === undefined ? value : p.add(v[k], value);
    // Each column is made positive by 2^61, whose part of the carry counts for the next.
    const [positive, carried] = [BIAS >> 1n, BIAS >> 1n + BigInt(WIDTH)];
    for (let k = 0; k < LIMBS; k++) {
      add(k, p.constant(k === 0 ? positive : positive - carried));
      const q = p.and(v[k], p.constant(MASK));
      add(k + 1, p.shiftRight(v[k], WIDTH));
      add(k + 3, p.shiftLeft(q, 15)); // 2^96 = 2^(3·27 + 15)
      add(k + 7, p.shiftLeft(q, 3)); // 2^192
      v[k + 8] = p.subtract(v[k + 8], p.shiftLeft(q, 8)); // 2^224
      add(k + 9, p.shiftLeft(q, 13)); // 2^256
    }
    add(LIMBS, p.constant(-carried));
    return [...v.slice(LIMBS, -1), p.constant(0n)]; // nothing but a carry gets to the top
  }

  carry(columns) {
    const { p } = this;
    const { values, offsets } = this.carryChain(columns, ORDER);
    // The top limb, positive and small enough for half of a vector.
    const offset = 1n << 28n;
    values[TOP] = p.add(values[TOP], p.constant(offset - offsets[TOP]));
    offsets[TOP] = offset;
    return this.pack({ values, offsets });
  }

  multiply(a, b) {
    return this.carry(this.productColumns([a, b]));
  }

  square(a) {
    return this.multiply(a, a);
  }
}
