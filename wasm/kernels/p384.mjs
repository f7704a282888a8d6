// The kernels of P-384, over pairs of elements. Points are put together of them in pairs_p384.rs: whole additions would make the module too long.

import { Program } from './program.mjs';

/** out = a·b in each lane. `a` may be a sum of three elements, `b` of two. */
export function p384Multiply(Field) {
  const p = new Program('p384_multiply', ['out', 'a', 'b']);
  const f = new Field(p);
  f.store('out', 0, f.multiply(f.load('a', 0, 3n), f.load('b', 0, 2n)));
  return p;
}

/** out = a² in each lane. `a` may be a sum of three elements. */
export function p384Square(Field) {
  const p = new Program('p384_square', ['out', 'a']);
  const f = new Field(p);
  f.store('out', 0, f.square(f.load('a', 0, 3n)));
  return p;
}

/** out = a as one element. `a` may be a sum of thirteen. */
export function p384ReduceSum(Field) {
  const p = new Program('p384_reduce_sum', ['out', 'a']);
  const f = new Field(p);
  f.store('out', 0, f.reduceSum(f.load('a', 0, 13n)));
  return p;
}
