// The kernels of P-256, over either field of pairs of elements: `FieldP256` or `IntegerP256`. Areas are arrays of elements. The formulas are Jacobian (x = X/Z², y = Y/Z³) and not
// complete: see pairs_p256.rs for why no exceptional case comes up.

import { Program } from './program.mjs';

/**
 * Adds to a point (X, Y, Z², Z³) in each lane an affine table entry (x, y), two points at once: 8M + 2S (madd-2008-s). Z itself is not needed.
 */
export function p256AddAffine(Field) {
  const p = new Program('p256_add_affine', ['sum', 'entry']);
  const f = new Field(p);
  f.kept = 3;
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
 * Doubles one point, ((X, Y), (Z, W)) with W = a·Z⁴, the two lanes sharing the work: 4M + 4S (Cohen, Miyaji, Ono 1998) as 4 products of pairs, of which
 * the second and third do not wait for each other. It does for any a.
 */
export function p256Double(Field) {
  const p = new Program('p256_double', ['point']);
  const f = new Field(p);
  const xy = f.load('point', 0);
  const zw = f.load('point', f.size);
  const squares = f.productColumns(square(xy)); // (X², Y²)
  // m = 3X² + W; (m, gamma), gamma = Y²
  const m = f.addColumns(f.addColumns(f.shiftColumns(squares, 1), squares), f.columnsOf(f.swap(zw)));
  const mGamma = f.carry(f.shuffleColumns(m, squares, 0, 3));
  f.kept = 1;
  const fourth = f.productColumns(square(mGamma)); // (m², gamma²)
  const products = f.productColumns([xy, f.shuffle(mGamma, zw, 1, 2)]); // (beta, Y·Z), beta = X·gamma
  f.kept = 0;
  // X3 = m² − 8·beta; w = 4·beta − X3 = 12·beta − m²
  const eight = f.shiftColumns(products, 3);
  const x3 = f.subtractColumns(fourth, eight);
  const w = f.subtractColumns(f.addColumns(eight, f.shiftColumns(products, 2)), fourth);
  const wFourth = f.carry(f.shuffleColumns(w, fourth, 0, 3));
  const last = f.productColumns([f.shuffle(mGamma, zw, 0, 3), wFourth]); // (m·w, W·gamma²)
  // Y3 = m·w − 8·gamma²; Z3 = 2·Y·Z; W3 = 16·gamma²·W
  const y3 = f.subtractColumns(last, f.shuffleColumns(f.shiftColumns(fourth, 3), fourth, 1, 1));
  f.store('point', 0, f.carry(f.shuffleColumns(x3, y3, 0, 2)));
  f.store('point', f.size, f.carry(f.shuffleColumns(f.shiftColumns(products, 1), f.shiftColumns(last, 4), 1, 3)));
  return p;
}

const square = (a) => [a, a];

/**
 * Adds to one point ((X, Y), (Z, W)) an affine one (x, y), the two lanes sharing the work: 10M + 3S as 7 products of pairs, 6 of them one after the
 * other.
 */
export function p256Add(Field) {
  const p = new Program('p256_add', ['sum', 'entry']);
  const f = new Field(p);
  f.kept = 1;
  const [xy1, zw1] = [0, 1].map((i) => f.load('sum', i * f.size));
  const xy2 = f.load('entry', 0);
  const zz = f.square(f.shuffle(zw1, zw1, 0, 0));
  const uz = f.multiply(f.shuffle(xy2, zw1, 0, 2), zz); // (u2, z1³) = (x2·z1², z1·z1²)
  const h = f.subtract(uz, xy1); // lane 0: u2 − x1
  const sh = f.multiply(f.shuffle(xy2, h, 1, 2), f.shuffle(uz, h, 1, 2)); // (s2, h²), s2 = y2·z1³
  const r = f.subtract(sh, f.swap(xy1)); // lane 0: s2 − y1
  const rw = f.productColumns([f.shuffle(r, h, 0, 2), f.shuffle(r, zw1, 0, 3)]); // (r², h·W1)
  const cubes = f.productColumns([f.shuffle(h, xy1, 0, 2), f.shuffle(sh, sh, 1, 1)]); // (h³, v), v = x1·h²
  const v = f.shuffleColumns(cubes, cubes, 1, 0); // lane 0
  // In lane 0: X3 = r² − h³ − 2v; w = v − X3
  const x3 = f.subtractColumns(f.subtractColumns(f.subtractColumns(rw, cubes), v), v);
  const x3hw = f.carry(f.shuffleColumns(x3, rw, 0, 3));
  const whhh = f.carry(f.shuffleColumns(f.subtractColumns(v, x3), cubes, 0, 2));
  // Y3 = r·w − y1·h³; Z3 = h·z1; W3 = W1·h⁴
  const last = f.productColumns([f.shuffle(r, xy1, 0, 3), whhh]);
  const y3 = f.carry(f.subtractColumns(last, f.shuffleColumns(last, last, 1, 0)));
  f.store('sum', 0, f.shuffle(x3hw, y3, 0, 2));
  f.store('sum', f.size, f.multiply(f.shuffle(h, x3hw, 0, 3), f.shuffle(zw1, whhh, 0, 3)));
  return p;
}

/**
 * The next multiple: `twice` is 2P and the first element of `multiple` is nP, both (X, Y) for the same z. The third element becomes (n + 2)P, `twice` is written
 * anew for the z of that, and the fourth becomes the second and third power of what z was multiplied by. Co-Z addition with update (Meloni 2007): 4M + 2S as 3
 * products of pairs.
 */
export function p256NextMultiple(Field) {
  const p = new Program('p256_next_multiple', ['twice', 'multiple']);
  const f = new Field(p);
  const [xy1, xy2] = [f.load('twice', 0), f.load('multiple', 0)];
  const d = f.subtract(xy1, xy2); // (x1 − x2, y1 − y2)
  const squares = f.productColumns([d, d]);
  const dd = f.carry(f.shuffleColumns(squares, squares, 0, 0)); // (x1 − x2)², in both lanes
  const v = f.productColumns([f.shuffle(xy1, xy2, 0, 2), dd]); // (x1, x2)·(x1 − x2)²
  const swapped = f.shuffleColumns(v, v, 1, 0);
  // In lane 0: X3 = (y1 − y2)² − v1 − v2; w = v1 − X3; (x1 − x2)³ = v1 − v2
  const x3 = f.subtractColumns(f.subtractColumns(f.shuffleColumns(squares, squares, 1, 1), v), swapped);
  const wCube = f.carry(f.shuffleColumns(f.subtractColumns(v, x3), f.subtractColumns(v, swapped), 0, 2));
  const last = f.productColumns([f.shuffle(d, xy1, 1, 3), wCube]); // ((y1 − y2)·w, y1·(x1 − x2)³)
  const y3 = f.subtractColumns(last, f.shuffleColumns(last, last, 1, 0));
  f.store('multiple', 2 * f.size, f.carry(f.shuffleColumns(x3, y3, 0, 2)));
  f.store('multiple', 3 * f.size, f.shuffle(dd, wCube, 0, 3));
  f.store('twice', 0, f.carry(f.shuffleColumns(v, last, 0, 3)));
  return p;
}

/** out = a·b in each lane. `a` may be a sum of five elements. */
export function p256Multiply(Field) {
  const p = new Program('p256_multiply', ['out', 'a', 'b']);
  const f = new Field(p);
  f.store('out', 0, f.multiply(f.load('a', 0, 5n), f.load('b', 0)));
  return p;
}
