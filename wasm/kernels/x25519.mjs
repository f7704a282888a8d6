// The kernels of X25519 and of edwards25519, over either field of pairs of elements: `Field25519` or `Integer25519`. Areas are arrays of elements.

import { Program } from './program.mjs';

/**
 * One step of the Montgomery ladder (RFC 7748 §5): doubles one point, adds the two.
 *
 * `doubled` holds (x + z, x − z) of one point and `added` of the other, in two lanes; the squares are of `added` where `mask` is set. After
 * the step `doubled` holds the doubled point. `factors` holds (121665, the u coordinate).
 */
export function ladderStep(Field) {
  const p = new Program('x25519_ladder_step', ['doubled', 'added', 'factors', 'mask']);
  const f = new Field(p);
  const ab = f.load('doubled', 0);
  const cd = f.load('added', 0);
  const chosen = f.select(p.load('mask', 0, 'mask'), cd, ab);
  // Differential addition: (da + cb, da − cb), squared.
  const crossed = f.carry(f.butterfly(f.multiplyColumns(ab, f.swap(cd))));
  const squares = f.square(chosen); // (aa, bb)
  const sumColumns = f.squareColumns(crossed);
  const sums = f.carry(sumColumns);
  const e = f.subtract(squares, f.swap(squares)); // lane 0: aa − bb
  const scaled = f.multiplyColumns(f.shuffle(e, sums, 0, 3), f.load('factors', 0)); // (121665·e, u·(da − cb)²)
  f.store('added', 0, f.carry(f.butterfly(f.shuffleColumns(sumColumns, scaled, 0, 3))));
  const g = f.carry(f.addColumns(scaled, f.columnsOf(squares))); // lane 0: aa + 121665·e
  const doubled = f.multiplyColumns(f.shuffle(squares, e, 0, 2), f.shuffle(squares, g, 1, 2)); // (aa·bb, e·g)
  f.store('doubled', 0, f.carry(f.butterfly(doubled)));
  return p;
}

/**
 * Adds to a point (X, Y, Z, T) of edwards25519 in each lane a table entry (y + x, y − x, 2d·xy) of affine coordinates: the formula of
 * `Point::add` in edwards25519.rs.
 */
export function edwardsAdd(Field) {
  const p = new Program('edwards25519_add', ['sum', 'entry']);
  const f = new Field(p);
  f.kept = true;
  const [x, y, z, t] = [0, 1, 2, 3].map((i) => f.load('sum', i * f.size));
  const [plus, minus, product] = [0, 1, 2].map((i) => f.load('entry', i * f.size));
  const a = f.multiplyColumns(f.subtract(y, x), minus);
  const b = f.multiplyColumns(f.add(y, x), plus);
  const e = f.carry(f.subtractColumns(b, a));
  const h = f.carry(f.addColumns(b, a));
  const c = f.multiplyColumns(t, product);
  const zColumns = f.columnsOf(z);
  const d = f.addColumns(zColumns, zColumns);
  const ff = f.carry(f.subtractColumns(d, c));
  const g = f.carry(f.addColumns(d, c));
  f.store('sum', 0, f.multiply(e, ff));
  f.store('sum', f.size, f.multiply(g, h));
  f.store('sum', 3 * f.size, f.multiply(e, h));
  f.store('sum', 2 * f.size, f.multiply(ff, g));
  return p;
}

/**
 * Adds the points of the two lanes of `sum`; in lane 0 of `out` are E, F, G and H, of which x = E/G and y = H/F. `twice_d` holds 2d.
 */
export function edwardsJoin(Field) {
  const p = new Program('edwards25519_join', ['out', 'sum', 'twice_d']);
  const f = new Field(p);
  const [x, y, z, t] = [0, 1, 2, 3].map((i) => f.load('sum', i * f.size));
  const columns = f.columnsOf(y);
  const minus = f.carry(f.subtractColumns(columns, f.columnsOf(x)));
  const plus = f.carry(f.addColumns(columns, f.columnsOf(x)));
  const crosswise = (u, v) => f.multiplyColumns(f.shuffle(u, v, 0, 2), f.shuffle(u, v, 1, 3));
  const ab = crosswise(minus, plus);
  const tz = crosswise(t, z);
  const c = f.multiplyColumns(f.carry(tz), f.load('twice_d', 0)); // lane 0
  const zz = f.shuffleColumns(tz, tz, 1, 1);
  const d = f.addColumns(zz, zz);
  const ba = f.shuffleColumns(ab, ab, 1, 0);
  const parts = [f.subtractColumns(ba, ab), f.subtractColumns(d, c), f.addColumns(d, c), f.addColumns(ba, ab)];
  parts.forEach((part, i) => f.store('out', i * f.size, f.carry(part)));
  return p;
}

/** (x, y) becomes (x + y, x − y), carried. */
export function butterfly25519(Field) {
  const p = new Program('field25519_butterfly', ['out', 'a']);
  const f = new Field(p);
  f.store('out', 0, f.carry(f.butterfly(f.columnsOf(f.load('a', 0)))));
  return p;
}

/** out = a·b in each lane. */
export function multiply25519(Field) {
  const p = new Program('field25519_multiply', ['out', 'a', 'b']);
  const f = new Field(p);
  f.store('out', 0, f.multiply(f.load('a', 0), f.load('b', 0)));
  return p;
}
