// The kernels of aes_simd.rs: layout and names as there. They are written in the order in which they should run: left to itself the compiler
// begins more than the registers of x86 hold.

import { Program } from './program.mjs';

const VECTOR = 16;
const range = (count) => Array.from({ length: count }, (_, i) => i);

/**
 * The S-box without its constant 0x63: a circuit of 113 gates. Its first two parts (y: linear map to the tower field; t, z: inversion) are by Boyar
 * and Peralta ("A small depth-16 circuit for the AES S-box", 2012), with their names; the last (u, s: linear map back, with the affine map's matrix),
 * two gates shorter, is by Çalık. x0 and s0 are the most significant bits. Of all orders this is one that needs the fewest moves to and from memory
 * with 15 registers: 9 and 11, where part after part needs 20 and 25.
 */
const CIRCUIT = `
  y13 = x0 ^ x6; y14 = x3 ^ x5; y12 = y13 ^ y14; t0 = x1 ^ x2; t1 = x4 ^ y12; y20 = t1 ^ x1; y1 = t0 ^ x7; y15 = t1 ^ x5;
  y4 = y1 ^ x3; t2 = y12 & y15; y8 = x0 ^ x5; y5 = y1 ^ x6; y6 = y15 ^ x7; y9 = x0 ^ x3; y3 = y5 ^ y8; t5 = y4 & x7; t3 = y3 & y6;
  t4 = t3 ^ t2; y11 = y20 ^ y9; y10 = y15 ^ t0; y7 = x7 ^ y11; y17 = y10 ^ y11; t6 = t5 ^ t2; t13 = y14 & y17; t15 = y8 & y10;
  t12 = y9 & y11; t14 = t13 ^ t12; t17 = t4 ^ t14; y16 = t0 ^ y11; t16 = t15 ^ t12; y19 = y10 ^ y8; t8 = y5 & y1; t21 = t17 ^ y20;
  t7 = y13 & y16; t9 = t8 ^ t7; t18 = t6 ^ t16; t22 = t18 ^ y19; y2 = y1 ^ x0; t19 = t9 ^ t14; y18 = x0 ^ y16; t10 = y2 & y7;
  t11 = t10 ^ t7; y21 = y13 ^ y16; t23 = t19 ^ y21; t26 = t21 & t23; t20 = t11 ^ t16; t25 = t21 ^ t22; t24 = t20 ^ y18;
  t31 = t22 ^ t26; t27 = t24 ^ t26; t30 = t23 ^ t24; t32 = t31 & t30; t33 = t32 ^ t24; t35 = t27 ^ t33; t34 = t23 ^ t33;
  t36 = t24 & t35; t37 = t36 ^ t34; t38 = t27 ^ t36; t28 = t25 & t27; t29 = t28 ^ t22; t44 = t33 ^ t37; t39 = t29 & t38;
  z5 = t29 & y7; t40 = t25 ^ t39; z2 = t33 & x7; t43 = t29 ^ t40; z12 = t43 & y13; z3 = t43 & y16; u11 = z3 ^ z5; z4 = t40 & y1;
  z14 = t29 & y2; z0 = t44 & y15; u3 = z0 ^ z2; t42 = t29 ^ t33; u13 = u3 ^ u11; u5 = z3 ^ z4; z15 = t42 & y9; z1 = t37 & y6;
  u4 = z1 ^ z0; z6 = t42 & y11; z13 = t40 & y5; t41 = t40 ^ t37; t45 = t42 ^ t41; u6 = z12 ^ u3; z10 = t37 & y3; z9 = t44 & y12;
  z8 = t41 & y10; u8 = z8 ^ u6; z16 = t45 & y14; u0 = z15 ^ z16; u1 = z10 ^ u0; u10 = u5 ^ u4; u12 = z13 ^ u0; u16 = u12 ^ u13;
  z7 = t45 & y17; s7 = z12 ^ u16; u7 = z7 ^ u5; z11 = t33 & y4; u9 = u7 ^ u8; z17 = t41 & y8; u14 = z6 ^ u7; u2 = z9 ^ u1;
  u17 = z15 ^ u14; u15 = z14 ^ u9; s3 = u2 ^ u10; s6 = u9 ^ u16; u18 = u1 ^ z11; u19 = u15 ^ u17; s2 = u19 ^ z17; s4 = u13 ^ s3;
  s5 = u18 ^ u15; s0 = u2 ^ u14; s1 = s3 ^ u14`;
const GATES = [...CIRCUIT.matchAll(/(\w+) = (\w+) ([&^]) (\w+)/g)];

/** SubBytes on the eight vectors from `at` on, of which vector b holds bit b; `done(b, x)` is called with each as soon as it is known. */
function subBytes(p, area, at, done) {
  const bit = (name) => 7 - Number(name[1]);
  const values = new Map();
  const value = (name) => {
    if (!values.has(name)) values.set(name, p.load(area, VECTOR * (at + bit(name))));
    return values.get(name);
  };
  for (const [, name, a, gate, b] of GATES) {
    values.set(name, gate === '^' ? p.xor(value(a), value(b)) : p.and(value(a), value(b)));
    if (name[0] === 's') done(bit(name), value(name));
  }
}

/** One row, or all bytes of `Narrow`. */
export function aesSubBytes() {
  const p = new Program('aes_sub_bytes', ['q']);
  subBytes(p, 'q', 0, (bit, x) => p.store('q', VECTOR * bit, x));
  return p;
}

/** A round of `Narrow`, whose vectors hold a bit of all bytes. `lookUp` is the byte shuffle of the build. */
export function aesNarrowRound(lookUp) {
  const p = new Program('aes_narrow_round', ['q', 'key']);
  const bytesFrom = (source) => {
    const half = (bytes) => bytes.reduceRight((sum, byte) => sum << 8n | BigInt(byte), 0n);
    const places = range(16).map(source);
    return p.constant(half(places.slice(0, 8)), half(places.slice(8)));
  };
  const rowAfter = (count) => bytesFrom((i) => (i & 12) + (i + count) % 4);
  const shiftRows = bytesFrom((i) => 5 * i % 16);
  const q = [];
  subBytes(p, 'q', 0, (bit, x) => q[bit] = p.lookUp(lookUp, x, shiftRows));
  // MixColumns as in aesMixAndAdd.
  const next = q.map((x) => p.lookUp(lookUp, x, rowAfter(1)));
  const sums = q.map((x, bit) => p.xor(x, next[bit]));
  for (const bit of range(8)) {
    const mixed = p.xor(sums[(bit + 7) % 8], p.xor(next[bit], p.lookUp(lookUp, sums[bit], rowAfter(2))));
    const doubled = [1, 3, 4].includes(bit) ? p.xor(mixed, sums[7]) : mixed;
    p.store('q', VECTOR * bit, p.xor(doubled, p.load('key', VECTOR * bit)));
  }
  return p;
}

/** SubBytes and ShiftRows. */
export function aesSubAndShift() {
  const p = new Program('aes_sub_and_shift', ['blocks']);
  for (const row of range(4)) {
    const shift = (x) => row === 0 ? x : p.shuffle32(x, x, range(4).map((column) => (column + row) % 4));
    subBytes(p, 'blocks', 8 * row, (bit, x) => p.store('blocks', VECTOR * (8 * row + bit), shift(x)));
  }
  return p;
}

/**
 * MixColumns and AddRoundKey, bit by bit: each byte becomes 2·(itself + the next) + the next + the two after that. With `sums` those of neighbours,
 * doubling takes the sum one bit below and, in bits 0, 1, 3 and 4, the one of bit 7.
 */
export function aesMixAndAdd() {
  const p = new Program('aes_mix_and_add', ['blocks', 'key']);
  const rows = range(4);
  const place = (row, bit) => VECTOR * (8 * row + bit);
  const load = (bit) => rows.map((row) => p.load('blocks', place(row, bit)));
  const sumsOf = (bytes) => rows.map((row) => p.xor(bytes[row], bytes[(row + 1) % 4]));
  const top = sumsOf(load(7));
  let below = top;
  for (const bit of range(8)) {
    const bytes = load(bit);
    const first = rows.map((row) => p.xor(below[row], bytes[(row + 1) % 4]));
    const sums = sumsOf(bytes);
    rows.forEach((row) => {
      const mixed = p.xor(first[row], sums[(row + 2) % 4]);
      const doubled = [1, 3, 4].includes(bit) ? p.xor(mixed, top[row]) : mixed;
      p.store('blocks', place(row, bit), p.xor(doubled, p.load('key', place(row, bit))));
    });
    below = sums;
  }
  return p;
}

/**
 * Adds a byte of which each lane belongs to another row (aes_ahead.rs) by MixColumns, which takes it once or three times in some columns of a row, and twice
 * or three times in some.
 */
export function aesAddChanged() {
  const p = new Program('aes_add_changed', ['blocks', 'changed']);
  const lanes = (first) => (row) => {
    const half = (columns) => columns.reduce((sum, column, i) => sum | (first[row][column] ? 0xffffffffn << 32n * BigInt(i) : 0n), 0n);
    return p.constant(half([0, 1]), half([2, 3]));
  };
  const once = range(4).map(lanes([[0, 1, 1, 1], [1, 1, 1, 0], [1, 1, 0, 1], [1, 0, 1, 1]]));
  const twice = range(4).map(lanes([[1, 0, 0, 1], [0, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 0]]));
  const changed = (bit) => p.load('changed', VECTOR * bit);
  const top = changed(7);
  let below = top;
  for (const bit of range(8)) {
    const byte = changed(bit);
    const doubled = [1, 3, 4].includes(bit) ? p.xor(below, top) : below;
    for (const row of range(4)) {
      const at = VECTOR * (8 * row + bit);
      const delta = p.xor(p.and(byte, once[row]), p.and(doubled, twice[row]));
      p.store('blocks', at, p.xor(p.load('blocks', at), delta));
    }
    below = byte;
  }
  return p;
}

/**
 * Transposes the 32 × 32 bits of each lane, so that vector n becomes block n, adds the last round key, which is no slice, and what `from` has; `from` may be
 * `to` or lie behind it.
 */
export function aesBlocks() {
  const p = new Program('aes_blocks', ['blocks', 'key', 'from', 'to'], ['from', 'to']);
  const load = (i) => p.load('blocks', VECTOR * i);
  const store = (i, x) => p.store('blocks', VECTOR * i, x);
  /** Exchanges the bits of vector i that `mask << shift` selects with those of vector j that `mask` selects. */
  const swap = (q, i, j, mask, shift) => {
    const t = p.and(p.xor(p.shiftRightUnsigned32(q[i], shift), q[j]), mask);
    q[j] = p.xor(q[j], t);
    q[i] = p.xor(q[i], p.shiftLeft32(t, shift));
  };
  const [mask16, mask8] = [p.constant(0x0000ffff0000ffffn), p.constant(0x00ff00ff00ff00ffn)];
  for (const i of range(8)) {
    const q = range(4).map((j) => load(i + 8 * j));
    swap(q, 0, 2, mask16, 16);
    swap(q, 1, 3, mask16, 16);
    swap(q, 0, 1, mask8, 8);
    swap(q, 2, 3, mask8, 8);
    q.forEach((x, j) => store(i + 8 * j, x));
  }
  const key = p.load('key', 0);
  const masks = [[4, 0x0f0f0f0f0f0f0f0fn], [2, 0x3333333333333333n], [1, 0x5555555555555555n]].map(([d, mask]) => [d, p.constant(mask)]);
  for (const group of range(4)) {
    const q = range(8).map((i) => load(8 * group + i));
    for (const [distance, mask] of masks) {
      for (const i of range(8)) if ((i & distance) === 0) swap(q, i, i + distance, mask, distance);
    }
    range(8).forEach((i) => {
      const at = VECTOR * (8 * group + i);
      p.store('to', at, p.xor(p.xor(q[i], key), p.load('from', at)));
    });
  }
  return p;
}
