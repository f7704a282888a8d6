// Arithmetic modulo p = 2^384 − 2^128 − 2^96 + 2^32 − 1 on two elements at once in integers. Fourteen limbs of 28 bits, in Montgomery form with R = 2^392: eight bits
// to spare.

import { BIAS } from './integer_field.mjs';
import { IntegerMontgomery } from './integer_montgomery.mjs';

const LIMBS = 14;
const TOP = LIMBS - 1;
const WIDTH = 28;
/** p + 1. */
const PRIME = [{ sign: 1, power: 32 }, { sign: -1, power: 96 }, { sign: -1, power: 128 }, { sign: 1, power: 384 }];
/** Bits of the top limb that are below 2^384. */
const TOP_BITS = 384 - TOP * WIDTH;

const PARAMETERS = {
  width: WIDTH,
  prime: PRIME,
  // The top limb has weight 2^364: values stay below 2^386 in size.
  bounds: [...Array(TOP).fill((1n << 27n) + (1n << 10n)), 1n << 22n],
  positive: BIAS,
  // Two chains at once; the second begins again where the first runs into it.
  order: [0, 7, 1, 8, 2, 9, 3, 10, 4, 11, 5, 12, 6, 7],
};

export class IntegerP384 extends IntegerMontgomery {
  constructor(program) {
    super(program, PARAMETERS);
  }

  /** A sum of elements as one: what is above 2^384 comes back as 2^128 + 2^96 − 2^32 + 1, then carries. */
  reduceSum(a) {
    const { p } = this;
    const v = this.columnsOf(a);
    const [offset, middle] = [1n << 40n, 1n << BigInt(TOP_BITS - 1)];
    const raised = p.add(v[TOP], p.constant(offset + middle));
    const above = p.subtract(p.shiftRight(raised, TOP_BITS), p.constant(offset >> BigInt(TOP_BITS)));
    v[TOP] = p.subtract(p.and(raised, p.constant((1n << BigInt(TOP_BITS)) - 1n)), p.constant(middle));
    v[0] = p.add(v[0], above);
    for (const { sign, power } of PRIME.slice(0, -1)) {
      const [at, shifted] = [Math.floor(power / WIDTH), p.shiftLeft(above, power % WIDTH)];
      v[at] = sign > 0 ? p.subtract(v[at], shifted) : p.add(v[at], shifted);
    }
    return this.carry(v);
  }
}
