// Arithmetic modulo p = 2^256 − 2^224 + 2^192 + 2^96 − 1 on two elements at once in integers: the twin of field_p256.mjs. Ten limbs of 27 bits, R =
// 2^270: 14 bits to spare.

import { BIAS } from './integer_field.mjs';
import { IntegerMontgomery } from './integer_montgomery.mjs';

const PARAMETERS = {
  width: 27,
  prime: [{ sign: 1, power: 96 }, { sign: 1, power: 192 }, { sign: -1, power: 224 }, { sign: 1, power: 256 }],
  // The top limb has weight 2^243: values stay below 2^262 in size.
  bounds: [...Array(9).fill((1n << 26n) + (1n << 10n)), 1n << 19n],
  positive: BIAS >> 1n,
  // Two chains at once; the second begins again where the first runs into it.
  order: [0, 5, 1, 6, 2, 7, 3, 8, 4, 5],
};

export class IntegerP256 extends IntegerMontgomery {
  constructor(program) {
    super(program, PARAMETERS);
  }
}
