// The kernels of ghash_simd.rs, written in the order in which they should run, so that all sums stay in registers. The compiler would put
// together what belongs to one sum, and V8 would run out of registers.
//
// A vector holds one byte of 16 blocks, or of all multiples of a polynomial by a nibble. Bytes are in the order of a block; the top bit of a byte is its
// lowest power.

import { Program } from './program.mjs';

/** As in ghash_simd.rs. */
const BATCHES = 4;
const PART = 4;
const SPAN = PART + 1;
const PRODUCTS = 9;

const VECTOR = 16;
const LOW_NIBBLES = 0x0f0f0f0f0f0f0f0fn;
const range = (count) => Array.from({ length: count }, (_, i) => i);

/** Transposes 16 × 16 bytes: four rounds of interleaving halves. */
function transpose(p, get) {
  const interleave = (a, b) => [0, 8].map((from) => p.shuffleBytes(a, b, range(16).map((i) => from + (i >> 1) + 16 * (i & 1))));
  const twoRounds = ([a, b, c, d]) => {
    const [[e, f], [g, h]] = [interleave(a, c), interleave(b, d)];
    return [...interleave(e, g), ...interleave(f, h)];
  };
  const middle = range(4).flatMap((i) => twoRounds(range(4).map((j) => get(i + 4 * j))));
  return range(4).flatMap((i) => twoRounds(range(4).map((j) => middle[i + 4 * j])));
}

/**
 * The factors of a batch and `y`: by part (three pairs of parts with their sums; the last pair are sums themselves), the bytes of the part.
 */
export function ghashFactors() {
  const p = new Program('ghash_factors', ['factors', 'y', 'batch'], ['batch']);
  const three = (a, b) => [a, b, p.xor(a, b)];
  const bytes = transpose(p, (n) => p.load('batch', VECTOR * n)).map((x, i) => p.xor(x, p.load('y', VECTOR * i)));
  for (const i of range(PART)) {
    const [a, b, c, d] = range(4).map((part) => bytes[PART * part + i]);
    const factors = [...three(a, b), ...three(c, d), ...three(p.xor(a, c), p.xor(b, d))];
    factors.forEach((x, n) => p.store('factors', VECTOR * (PART * n + i), x));
  }
  return p;
}

/** `lookUp` is the byte shuffle of the build. */
const splitter = (p) => {
  const mask = p.constant(LOW_NIBBLES);
  return { high: (x) => p.and(p.shiftRightUnsigned32(x, 4), mask), low: (x) => p.and(x, mask) };
};

/**
 * One of the nine products, for the batches of a group, added up. `factors`: the four bytes of the part, of the first batch; `tables`: of the first power, which
 * is for the last batch.
 */
export function ghashPart(lookUp) {
  const p = new Program('ghash_part', ['sums', 'factors', 'tables']);
  const { high, low } = splitter(p);
  const sums = Array(2 * PART);
  for (const batch of range(BATCHES)) {
    const byte = (i) => p.load('factors', VECTOR * (batch * PRODUCTS * PART + i));
    for (const [nibble, split] of [high, low].entries()) {
      const nibbles = range(PART).map((i) => split(byte(i)));
      for (const k of range(SPAN)) {
        const table = p.load('tables', VECTOR * (((BATCHES - 1 - batch) * PRODUCTS * 2 + nibble) * SPAN + k));
        nibbles.forEach((nibble, i) => {
          const product = p.lookUp(lookUp, table, nibble);
          sums[i + k] = sums[i + k] === undefined ? product : p.xor(sums[i + k], product);
        });
      }
    }
  }
  sums.forEach((sum, i) => p.store('sums', VECTOR * i, sum));
  return p;
}

/** The product of two polynomials of `2 · length` bytes, of the products of their halves and of the sums of these: Karatsuba's method. */
function unite(p, low, high, middle) {
  const length = low.length / 2;
  const all = [...low, ...high];
  range(2 * length).forEach((i) => {
    all[length + i] = p.xor(all[length + i], p.xor(middle[i], p.xor(low[i], high[i])));
  });
  return all;
}

/** x^128 = 1 + x + x^2 + x^7: what nibble n of byte 16 + i adds to byte i (to byte i + 1: `second`). */
function reductionTable(p, isHigh, isSecond) {
  const entries = range(16).map((n) => {
    const x = n << (isHigh ? 12 : 8);
    const product = x ^ x >> 1 ^ x >> 2 ^ x >> 7;
    return BigInt(isSecond ? product & 255 : product >> 8);
  });
  const half = (bytes) => bytes.reduceRight((sum, byte) => sum << 8n | byte, 0n);
  return p.constant(half(entries.slice(0, 8)), half(entries.slice(8)));
}

/** From the nine products to a block, reduced. */
export function ghashUnite(lookUp) {
  const p = new Program('ghash_unite', ['y', 'products']);
  const product = (n) => range(2 * PART).map((i) => p.load('products', VECTOR * (2 * PART * n + i)));
  const half = (n) => unite(p, product(3 * n), product(3 * n + 1), product(3 * n + 2));
  const all = unite(p, half(0), half(1), half(2));
  const { high, low } = splitter(p);
  const table = (isHigh, isSecond) => reductionTable(p, isHigh, isSecond);
  for (const i of range(16).reverse()) {
    const [a, b] = [high(all[16 + i]), low(all[16 + i])];
    const folded = (isSecond) => p.xor(p.lookUp(lookUp, table(true, isSecond), a), p.lookUp(lookUp, table(false, isSecond), b));
    all[i] = p.xor(all[i], folded(false));
    all[i + 1] = p.xor(all[i + 1], folded(true));
    if (i < 15) p.store('y', VECTOR * (i + 1), all[i + 1]);
  }
  p.store('y', 0, all[0]);
  return p;
}

/**
 * The tables of three parts of an element: `field` has 40 bits for each, of which the last eight are zero, and eight zeros at its end. So all eight
 * products of a part and a power of x have room.
 */
export function ghashTables() {
  const p = new Program('ghash_tables', ['tables', 'field'], ['field']);
  const zero = p.constant(0n);
  const field = p.load('field', 0);
  const before = p.shuffleBytes(zero, field, range(16).map((i) => 15 + i));
  // The products with x^0 to x^3: bits that move on within the byte, and those that come from the byte before.
  const moved = (bits) => {
    const mask = BigInt(0xff >> bits) * 0x0101010101010101n;
    const [within, from] = [p.shiftRightUnsigned32(field, bits), p.shiftLeft32(before, 8 - bits)];
    return p.xor(p.and(within, p.constant(mask)), p.and(from, p.constant(~mask)));
  };
  // A nibble's top bit is its lowest power.
  const sums = (a, b) => [zero, b, a, p.xor(a, b)];
  const [tops, ends] = [sums(field, moved(1)), sums(moved(2), moved(3))];
  const high = transpose(p, (n) => p.xor(tops[n >> 2], ends[n & 3]));
  const mask = p.constant(LOW_NIBBLES);
  for (const i of range(3 * SPAN)) {
    const [part, k] = [Math.floor(i / SPAN), i % SPAN];
    const store = (nibble, table) => p.store('tables', VECTOR * ((part * 2 + nibble) * SPAN + k), table);
    store(0, high[i]);
    // The products of low nibbles are x^4 times those of high ones.
    const within = p.and(p.shiftRightUnsigned32(high[i], 4), mask);
    store(1, k === 0 ? within : p.xor(within, p.shiftLeft32(p.and(high[i - 1], mask), 4)));
  }
  return p;
}
