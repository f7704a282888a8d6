// The kernels of X25519 and of edwards25519. Areas are arrays of field elements of five vectors, 80 bytes each.

import { Field25519, LIMB, MASK } from './field25519.mjs';
import { Program } from './program.mjs';

const ELEMENT = 80;

/**
 * One step of the Montgomery ladder (RFC 7748 §5): doubles one point, adds the two.
 *
 * `doubled` holds (x + z, x − z) of one point and `added` of the other, in two lanes; the squares are of `added` where `mask` is set. After
 * the step `doubled` holds the doubled point. `factors` holds (121665, the u coordinate).
 */
export function ladderStep() {
  const p = new Program('x25519_ladder_step', ['doubled', 'added', 'factors', 'mask']);
  const f = new Field25519(p);
  const ab = f.load('doubled', 0, LIMB);
  const cd = f.load('added', 0, LIMB);
  const chosen = f.select(p.load('mask', 0, MASK), cd, ab);
  // Differential addition: (da + cb, da − cb), squared.
  const crossed = f.carry(f.butterfly(f.multiplyColumns(ab, f.swap(cd))));
  const squares = f.square(chosen); // (aa, bb)
  const sumColumns = f.squareColumns(crossed);
  const sums = f.carry(sumColumns);
  const e = f.subtract(squares, f.swap(squares)); // lane 0: aa − bb
  const scaled = f.multiplyColumns(f.shuffle(e, sums, 0, 3), f.load('factors', 0, LIMB)); // (121665·e, u·(da − cb)²)
  f.store('added', 0, f.carry(f.butterfly(f.shuffleColumns(sumColumns, scaled, 0, 3))), LIMB);
  const g = f.carry(f.addColumns(scaled, f.columnsOf(squares))); // lane 0: aa + 121665·e
  const doubled = f.multiplyColumns(f.shuffle(squares, e, 0, 2), f.shuffle(squares, g, 1, 2)); // (aa·bb, e·g)
  f.store('doubled', 0, f.carry(f.butterfly(doubled)), LIMB);
  return p;
}

/**
 * Adds to a point (X, Y, Z, T) of edwards25519 in each lane a table entry (y + x, y − x, 2d·xy) of affine coordinates: the formula of
 * `Point::add` in edwards25519.rs.
 */
export function edwardsAdd() {
  const p = new Program('edwards25519_add', ['sum', 'entry']);
  const f = new Field25519(p);
  const [x, y, z, t] = [0, 1, 2, 3].map((i) => f.load('sum', i * ELEMENT, LIMB));
  const [plus, minus, product] = [0, 1, 2].map((i) => f.load('entry', i * ELEMENT, LIMB));
  const a = f.multiplyColumns(f.subtract(y, x), minus);
  const b = f.multiplyColumns(f.add(y, x), plus);
  const e = f.carry(f.subtractColumns(b, a));
  const h = f.carry(f.addColumns(b, a));
  const c = f.multiplyColumns(t, product);
  const zColumns = f.columnsOf(z);
  const d = f.addColumns(zColumns, zColumns);
  const ff = f.carry(f.subtractColumns(d, c));
  const g = f.carry(f.addColumns(d, c));
  f.store('sum', 0, f.multiply(e, ff), LIMB);
  f.store('sum', ELEMENT, f.multiply(g, h), LIMB);
  f.store('sum', 3 * ELEMENT, f.multiply(e, h), LIMB);
  f.store('sum', 2 * ELEMENT, f.multiply(ff, g), LIMB);
  return p;
}

/**
 * Adds the points of the two lanes of `sum`; out = (E, F, G, H) of which x = E/G and y = H/F, the same in both lanes. `twice_d` holds 2d.
 */
export function edwardsJoin() {
  const p = new Program('edwards25519_join', ['out', 'sum', 'twice_d']);
  const f = new Field25519(p);
  const [x, y, z, t] = [0, 1, 2, 3].map((i) => f.load('sum', i * ELEMENT, LIMB));
  const timesSwapped = (a) => f.multiplyColumns(a, f.swap(a));
  const a = timesSwapped(f.carry(f.subtractColumns(f.columnsOf(y), f.columnsOf(x))));
  const b = timesSwapped(f.carry(f.addColumns(f.columnsOf(y), f.columnsOf(x))));
  const c = f.multiplyColumns(f.carry(timesSwapped(t)), f.load('twice_d', 0, LIMB));
  const zz = timesSwapped(z);
  const d = f.addColumns(zz, zz);
  const parts = [f.subtractColumns(b, a), f.subtractColumns(d, c), f.addColumns(d, c), f.addColumns(b, a)];
  parts.forEach((part, i) => f.store('out', i * ELEMENT, f.carry(part), LIMB));
  return p;
}

/** (x, y) becomes (x + y, x − y), carried. */
export function butterfly25519() {
  const p = new Program('field25519_butterfly', ['out', 'a']);
  const f = new Field25519(p);
  f.store('out', 0, f.carry(f.butterfly(f.columnsOf(f.load('a', 0, LIMB)))), LIMB);
  return p;
}

/** out = a·b in each lane. */
export function multiply25519() {
  const p = new Program('field25519_multiply', ['out', 'a', 'b']);
  const f = new Field25519(p);
  f.store('out', 0, f.multiply(f.load('a', 0, LIMB), f.load('b', 0, LIMB)), LIMB);
  return p;
}
