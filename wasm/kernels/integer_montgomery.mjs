// Arithmetic modulo the primes of the NIST curves on two elements at once in integers, in Montgomery form with R = 2^(width·limbs): which leaves bits to spare,
// so that sums and differences need no reduction.

import { IntegerField } from './integer_field.mjs';

export class IntegerMontgomery extends IntegerField {
  /**
   * `prime`: p + 1 as a sum of powers of two, each ± 2^power. `bounds`: what a carry leaves; the top limb takes what there is. `positive`: what makes
   * the columns of a product positive. `order` of carries, which end at the top limb.
   */
  constructor(program, { width, bounds, prime, positive, order }) {
    super(program, Array(bounds.length).fill(width), bounds);
    Object.assign(this, { width, prime, positive, order });
  }

  /** The columns of the sum of some products, reduced; a product of an array with itself is a square. */
  productColumns(...terms) {
    const products = terms.map(([a, b]) => ({ square: a === b, product: this.limbProducts(a, b, 1, 1) }));
    const columns = Array.from({ length: 2 * this.limbs }, (_, k) => {
      const values = products.flatMap(({ square, product }) =>
        Array.from({ length: this.limbs }, (_, i) => i).filter((i) => k - i >= (square ? i : 0) && k - i < this.limbs)
          .map((i) => product(i, k - i)));
      return values.length === 0 ? undefined : this.sumColumn(values, k);
    });
    return this.#reduce(columns);
  }

  /**
   * Montgomery's reduction, a limb at a time: −p⁻¹ is 1 modulo 2^width, so the multiple of p that clears a column's low bits q is q·p itself,
   * which adds and subtracts q at the bits of p.
   */
  #reduce(columns) {
    const { p, limbs, width, prime, positive } = this;
    const mask = (1n << BigInt(width)) - 1n;
    const v = [...columns];
    const add = (k, value) => v[k] = v[k] === undefined ? value : p.add(v[k], value);
    // Each column is made positive, and that part of the carry counts for the next.
    const carried = positive >> BigInt(width);
    for (let k = 0; k < limbs; k++) {
      add(k, p.constant(k === 0 ? positive : positive - carried));
      const q = p.and(v[k], p.constant(mask));
      add(k + 1, p.shiftRight(v[k], width));
      for (const { sign, power } of prime) {
        const [at, shifted] = [k + Math.floor(power / width), p.shiftLeft(q, power % width)];
        if (sign > 0) add(at, shifted);
        else v[at] = p.subtract(v[at], shifted);
      }
    }
    add(limbs, p.constant(-carried));
    return [...v.slice(limbs, -1), p.constant(0n)]; // nothing but a carry gets to the top
  }

  carry(columns) {
    const { p, limbs } = this;
    const { values, offsets } = this.carryChain(columns, this.order);
    // The top limb, positive and small enough for half of a vector.
    const [top, offset] = [limbs - 1, 1n << 28n];
    values[top] = p.add(values[top], p.constant(offset - offsets[top]));
    offsets[top] = offset;
    return this.pack({ values, offsets });
  }

  multiply(a, b) {
    return this.carry(this.productColumns([a, b]));
  }

  square(a) {
    return this.multiply(a, a);
  }
}
