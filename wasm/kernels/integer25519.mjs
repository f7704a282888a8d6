// Arithmetic modulo p = 2^255 − 19 on two elements at once in integers: the twin of field25519.mjs. Ten limbs of alternately 26 and 25 bits, as in
// field25519.rs.

import { IntegerField } from './integer_field.mjs';

const LIMBS = 10;

const width = (k) => 26 - (k & 1);
/** Two chains of carries at once, and the two limbs again where one runs into the other. */
const ORDER = [0, 5, 1, 6, 2, 7, 3, 8, 4, 9, 5, 0];
/** What a carry leaves: half of a limb, and what the last carries bring. */
const BOUNDS = Array.from({ length: LIMBS }, (_, k) => (1n << BigInt(width(k) - 1)) + (1n << 16n));

export class Integer25519 extends IntegerField {
  constructor(program) {
    super(program, Array.from({ length: LIMBS }, (_, k) => width(k)), BOUNDS);
  }

  /** The second factor is to be carried: it is multiplied by 19. */
  multiplyColumns(a, b) {
    const products = this.limbProducts(a, b, 2, 19);
    return Array.from({ length: LIMBS }, (_, k) => {
      const pairs = Array.from({ length: LIMBS }, (_, i) => [i, (k - i + LIMBS) % LIMBS]).filter(([i, j]) => a !== b || i <= j);
      return this.sumColumn(pairs.map(([i, j]) => products(i, j)), k);
    });
  }

  squareColumns(a) {
    return this.multiplyColumns(a, a);
  }

  carry(columns) {
    const { p } = this;
    const times19 = (x) => p.add(p.shiftLeft(x, 4), p.add(p.shiftLeft(x, 1), x));
    return this.pack(this.carryChain(columns, ORDER, Object.assign(times19, { factor: 19n })));
  }

  multiply(a, b) {
    return this.carry(this.multiplyColumns(a, b));
  }

  square(a) {
    return this.carry(this.squareColumns(a));
  }
}
