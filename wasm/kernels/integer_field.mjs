// Arithmetic on two field elements at once in integers, for runtimes and machines without a fused multiply-add, and for P-384 on all: limbs of 25 to 28
// bits, centred around zero, an even number of them. An element takes the low or the high half of each vector, two limbs in each: (a0, a1, b0, b1),
// (a2, a3, b2, b3), ...
//
// Products of limbs are those of 32 bits to 64 of both elements at once; columns are vectors of two 64-bit integers.

/** Twice 2^32-fold: one factor for the low half of a lane, one for the high. */
const factors = (low, high) => BigInt(low) | BigInt(high) << 32n;

const symmetric = (size) => ({ lo: -size, hi: size });

export class IntegerField {
  /** Whether every second column goes through memory, see `Program.keep`; 0: none does. */
  kept = 0;

  /** `widths` of the limbs in bits, `bounds` the sizes that carried limbs may have. */
  constructor(program, widths, bounds) {
    this.p = program;
    this.widths = widths.map(BigInt);
    this.limbs = widths.length;
    this.vectors = widths.length / 2;
    /** Bytes of an element in memory. */
    this.size = 16 * this.vectors;
    this.bounds = Array.from({ length: this.vectors }, (_, k) => [symmetric(bounds[2 * k]), symmetric(bounds[2 * k + 1])]);
  }

  /** `terms`: how many elements the loaded one may be a sum of. */
  load(parameter, offset, terms = 1n) {
    return this.bounds.map((halves, k) =>
      this.p.load(parameter, offset + 16 * k, halves.map(({ hi }) => symmetric(terms * hi)))
    );
  }

  store(parameter, offset, limbs) {
    limbs.forEach((limb, k) => this.p.store(parameter, offset + 16 * k, limb, this.bounds[k]));
  }

  zip(a, b, combine) {
    return a.map((x, k) => combine(x, b[k]));
  }

  add(a, b) {
    return this.zip(a, b, this.p.add32);
  }

  subtract(a, b) {
    return this.zip(a, b, this.p.subtract32);
  }

  negate(a) {
    return a.map((x) => this.p.subtract32(this.p.constant(0n), x));
  }

  /** Lane i of (a0, a1, b0, b1) beside lane j. */
  shuffle(a, b, i, j) {
    return this.zip(a, b, (x, y) => this.p.shuffle(x, y, i, j));
  }

  swap(a) {
    return this.shuffle(a, a, 1, 0);
  }

  select(mask, a, b) {
    return this.zip(a, b, (x, y) => this.p.select(mask, x, y));
  }

  // Columns.

  addColumns(a, b) {
    return this.zip(a, b, this.p.add);
  }

  subtractColumns(a, b) {
    return this.zip(a, b, this.p.subtract);
  }

  /** The sum of the products of a column. */
  sumColumn(products, k) {
    const sum = products.reduce(this.p.add);
    return this.kept > 0 && k % 2 === 1 ? this.p.keep(sum) : sum;
  }

  /** Columns times 2^bits. */
  shiftColumns(a, bits) {
    return a.map((x) => this.p.shiftLeft(x, bits));
  }

  shuffleColumns(a, b, i, j) {
    return this.shuffle(a, b, i, j);
  }

  /** (x, y) becomes (x + y, x − y). */
  butterfly(a) {
    const swapped = this.swap(a);
    return this.shuffleColumns(this.addColumns(a, swapped), this.subtractColumns(a, swapped), 0, 2);
  }

  /** Limbs as columns. */
  columnsOf(limbs) {
    return this.sideBySide(limbs).flatMap((x) => [this.p.extendLow32(x), this.p.extendHigh32(x)]);
  }

  /** (a0, b0, a1, b1) of (a0, a1, b0, b1). */
  sideBySide(a) {
    return a.map((x) => this.p.shuffle32(x, x, [0, 2, 1, 3]));
  }

  /** (a1, b1, a0, b0). */
  #crossed(a) {
    return a.map((x) => this.p.shuffle32(x, x, [1, 3, 0, 2]));
  }

  times(a, low, high) {
    return a.map((x) => this.p.multiply32(x, this.p.constant(factors(low, high))));
  }

  /**
   * Functions (i, j) that give the product of limb i of a and limb j of b; a square's, with b = a, for i ≤ j and doubled for i < j. `odd` multiplies
   * those of two odd limbs, and `upper` those with i + j beyond the last limb.
   */
  limbProducts(a, b, odd, upper) {
    const square = a === b;
    const [left, once] = [2, 1].map((times) => {
      const scaled = square ? times : 1;
      return scaled === 1 && odd === 1 ? a : this.times(a, scaled, scaled * odd);
    }).map((x) => ({ straight: this.sideBySide(x), crossed: this.#crossed(x) }));
    const right = this.sideBySide(b);
    const folded = upper === 1 ? right : this.sideBySide(this.times(b, upper, upper));
    // `odd` stands with the odd limbs of a, and is wanted for even limbs of b nowhere: those come from vectors without it.
    const plain = odd === 1 ? undefined : this.#crossed(square ? this.times(a, 2, 2) : a);
    return (i, j) => {
      const [k, l] = [i >> 1, j >> 1];
      const y = (i + j >= this.limbs ? folded : right)[l];
      const { straight, crossed } = square && i === j ? once : left;
      const high = j % 2 === 1;
      const x = i % 2 === j % 2 ? straight[k] : (plain ?? crossed)[k];
      return high ? this.p.productHigh32(x, y) : this.p.productLow32(x, y);
    };
  }

  /**
   * Carries from limb to next limb, in the given order, out of columns that hold `offset` (a BigInt each) too much; `wrapped` takes what leaves the
   * last limb to the first. The offsets are those that make all columns positive.
   */
  carryChain(columns, order, wrapped) {
    const { p, widths } = this;
    const [values, offsets] = [[...columns], columns.map(() => 0n)];
    const positive = columns.map(() => false);
    const add = (k, value, excess) => {
      values[k] = p.add(values[k], value);
      offsets[k] += excess;
    };
    for (const k of order) {
      const [width, middle] = [widths[k], 1n << (widths[k] - 1n)];
      // A whole number of what leaves the limb, and half of a unit more, so that what remains is centred.
      if (!positive[k]) add(k, p.constant(BIAS + middle - offsets[k]), BIAS + middle - offsets[k]);
      const carry = p.shiftRight(values[k], Number(width));
      const excess = offsets[k] >> width;
      values[k] = p.and(values[k], p.constant((1n << width) - 1n));
      offsets[k] &= (1n << width) - 1n;
      positive[k] = true;
      if (k < this.limbs - 1) add(k + 1, carry, excess);
      else add(0, wrapped(carry), wrapped.factor * excess);
    }
    return { values, offsets };
  }

  /** Columns of positive numbers below 2^31, with their offsets, as limbs. */
  pack({ values, offsets }) {
    const { p } = this;
    return Array.from({ length: this.vectors }, (_, k) => {
      const both = p.or(values[2 * k], p.shiftLeft(values[2 * k + 1], 32));
      return p.subtract32(both, p.constant(factors(offsets[2 * k], offsets[2 * k + 1])));
    });
  }
}

/** Makes columns positive. */
export const BIAS = 1n << 62n;
