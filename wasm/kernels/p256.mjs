// The kernels of P-256, over either field of pairs of elements: `FieldP256` or `IntegerP256`. Areas are arrays of elements. The formulas are Jacobian (x = X/Z², y = Y/Z³) and not
// complete: see pairs_p256.rs for why no exceptional case comes up.

import { Program } from './program.mjs';

/**
 * Adds to a point (X, Y, Z², Z³) in each lane an affine table entry (x, y), two points at once: 8M + 2S (madd-2008-s). Z itself is not needed.
 */
export function p256AddAffine(Field) {
  const p = new Program('p256_add_affine', ['sum', 'entry']);
  const f = new Field(p);
  f.kept = true;
  const [x1, y1, zz, zzz] = [0, 1, 2, 3].map((i) => f.load('sum', i * f.size));
  const [x2, y2] = [0, 1].map((i) => f.load('entry', i * f.size));
  const h = f.subtract(f.multiply(x2, zz), x1);
  const r = f.subtract(f.multiply(y2, zzz), y1);
  const hh = f.square(h);
  f.store('sum', 2 * f.size, f.multiply(zz, hh));
  const hhhColumns = f.productColumns([h, hh]);
  const hhh = f.carry(hhhColumns);
  f.store('sum', 3 * f.size, f.multiply(zzz, hhh));
  const v = f.productColumns([x1, hh]);
  const rr = f.productColumns([r, r]);
  // X3 = r² − h³ − 2v, Y3 = r·(v − X3) − y1·h³
  const x3 = f.subtractColumns(f.subtractColumns(f.subtractColumns(rr, hhhColumns), v), v);
  f.store('sum', 0, f.carry(x3));
  const w = f.carry(f.subtractColumns(v, x3));
  f.store('sum', f.size, f.carry(f.productColumns([r, w], [f.negate(y1), hhh])));
  return p;
}

/**
 * Doubles one point, ((X, Y), (Z, Z)), the two lanes sharing the work (dbl-2001-b: 3M + 5S as 4 products of pairs).
 */
export function p256Double(Field) {
  const p = new Program('p256_double', ['point']);
  const f = new Field(p);
  const xy = f.load('point', 0);
  const z = f.load('point', f.size);
  const squares = f.square(f.shuffle(z, xy, 0, 3)); // (delta, gamma) = (Z², Y²)
  const x = f.shuffle(xy, xy, 0, 0);
  const gammaDelta = f.swap(squares);
  const minus = f.subtract(x, gammaDelta); // lane 1: X − delta
  const plus = f.add(x, gammaDelta); // lane 1: X + delta
  // (beta, m) = (X·gamma, (X − delta)(X + delta)); alpha = 3m
  const products = f.productColumns([f.shuffle(xy, minus, 0, 3), f.shuffle(squares, plus, 1, 3)]);
  const alpha = f.carry(f.addColumns(f.shiftColumns(products, 1), products)); // in lane 1
  const fourth = f.productColumns(square(f.shuffle(alpha, squares, 1, 3))); // (alpha², gamma²)
  // X3 = alpha² − 8·beta; w = 4·beta − X3 = 12·beta − alpha²
  const eight = f.shiftColumns(products, 3);
  const twelve = f.addColumns(eight, f.shiftColumns(products, 2));
  const x3w = f.carry(f.shuffleColumns(f.subtractColumns(fourth, eight), f.subtractColumns(twelve, fourth), 0, 2));
  const last = f.productColumns([f.shuffle(alpha, xy, 1, 3), f.shuffle(x3w, z, 1, 2)]); // (alpha·w, Y·Z)
  // Y3 = alpha·w − 8·gamma²; Z3 = 2·Y·Z
  const y3 = f.subtractColumns(last, f.shuffleColumns(f.shiftColumns(fourth, 3), fourth, 1, 1));
  const y3z3 = f.carry(f.shuffleColumns(y3, f.shiftColumns(last, 1), 0, 3));
  f.store('point', 0, f.shuffle(x3w, y3z3, 0, 2));
  f.store('point', f.size, f.shuffle(y3z3, y3z3, 1, 1));
  return p;
}

const square = (a) => [a, a];

/**
 * Adds to one point ((X, Y), (Z, Z)) another, with the powers of its z: ((X, Y), (Z, Z), (Z², Z³)), the two lanes sharing the work: 12M + 2S as 7
 * products of pairs.
 */
export function p256Add(Field) {
  const p = new Program('p256_add', ['sum', 'entry']);
  const f = new Field(p);
  const [xy1, z1] = [0, 1].map((i) => f.load('sum', i * f.size));
  const [xy2, z2, powers2] = [0, 1, 2].map((i) => f.load('entry', i * f.size));
  const zs = f.multiply(z1, f.shuffle(z1, z2, 0, 2)); // (z1², z1·z2)
  const zz1 = f.shuffle(zs, zs, 0, 0);
  const us1 = f.multiply(xy1, powers2); // (u1, s1) = (x1·z2², y1·z2³)
  const uz = f.multiply(f.shuffle(xy2, z1, 0, 2), zz1); // (u2, z1³)
  const h = f.subtract(uz, us1); // lane 0: u2 − u1
  const sz = f.multiply(f.shuffle(xy2, h, 1, 2), f.shuffle(uz, zs, 1, 3)); // (s2, z3) = (y2·z1³, h·z1·z2)
  const r = f.subtract(sz, f.swap(us1)); // lane 0: s2 − s1
  const hr = f.shuffle(h, r, 0, 2);
  const squares = f.productColumns([hr, hr]); // (h², r²)
  const hh = f.carry(f.shuffleColumns(squares, squares, 0, 0));
  const cubes = f.productColumns([f.shuffle(h, us1, 0, 2), hh]); // (h³, v) = (h·h², u1·h²)
  const swapped = f.shuffleColumns(cubes, cubes, 1, 0); // (v, h³)
  // In lane 0: X3 = r² − h³ − 2v; w = v − X3
  const rr = f.shuffleColumns(squares, squares, 1, 1);
  const x3 = f.subtractColumns(f.subtractColumns(f.subtractColumns(rr, cubes), swapped), swapped);
  const w = f.subtractColumns(swapped, x3);
  const x3w = f.carry(f.shuffleColumns(x3, w, 0, 2));
  const hhh = f.carry(cubes); // lane 0
  // Y3 = r·w − s1·h³
  const last = f.productColumns([f.shuffle(r, us1, 0, 3), f.shuffle(x3w, hhh, 1, 2)]);
  const y3 = f.carry(f.subtractColumns(last, f.shuffleColumns(last, last, 1, 0)));
  f.store('sum', 0, f.shuffle(x3w, y3, 0, 2));
  f.store('sum', f.size, f.shuffle(sz, sz, 1, 1));
  return p;
}

/** out = a·b in each lane. `a` may be a sum of five elements. */
export function p256Multiply(Field) {
  const p = new Program('p256_multiply', ['out', 'a', 'b']);
  const f = new Field(p);
  f.store('out', 0, f.multiply(f.load('a', 0, 5n), f.load('b', 0)));
  return p;
}
