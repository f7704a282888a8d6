// The kernel of inversion_simd.rs: thirty division steps and what follows from them, for two inversions at once. Lanes of 32 bits: vectors (x0, x1, y0,
// y1) hold x and y of inversions 0 and 1. All words but the top ones are in [0, 2^30). Nothing here is bounded beyond what the plain
// twin is, whose tests run with overflow checks: it computes the same numbers.

import { Program } from './program.mjs';

const M30 = (1n << 30n) - 1n;
/** Added before a logical shift, to make a carry positive. */
const BIAS = 1n << 62n;

const splat32 = (value) => value | value << 32n;

/** 30-bit words of a number of 256 bits. */
const WORDS = 9;

/**
 * `state`: vectors (d, d, e, e) for each word, then (f, f, g, g) for each, then zeta, twice. `moduli`: (m, m, m, m) for each word, then the
 * inverses modulo 2^32.
 */
export function divisionStepsPair() {
  const p = new Program('division_steps_pair', ['state', 'moduli']);
  const place = (vector) => 16 * vector;
  const load = (vector) => p.load('state', place(vector));
  const store = (vector, value) => p.store('state', place(vector), value);
  const words32 = (a, b, ...lanes) => p.shuffle32(a, b, lanes);
  const lowHalf = (a) => words32(a, a, 0, 1, 0, 1);
  const highHalf = (a) => words32(a, a, 2, 3, 2, 3);

  // The low 30 bits and more of f and g. Instead of g being halved, f is doubled, and with it u and v.
  const low = p.or(load(WORDS), p.shiftLeft32(load(WORDS + 1), 30));
  let [f, g] = [lowHalf(low), highHalf(low)];
  let [uv, qr] = [p.constant(splat32(1n), 0n), p.constant(0n, splat32(1n))];
  let zeta = load(2 * WORDS);
  const [zero, one] = [p.constant(0n), p.constant(splat32(1n))];
  for (let step = 0n; step < 30n; step++) {
    const bit = p.constant(splat32(1n << step));
    const odd = p.equal32(p.and(g, bit), bit);
    const negative = p.greater32(zero, zeta);
    const swap = p.and(negative, odd);
    // ±f, negative if zeta is, is added to g if g is odd; if both, f becomes what g was.
    const signed = (x) => p.and(p.subtract32(p.xor(x, negative), negative), odd);
    const [next, nextQr] = [p.add32(g, signed(f)), p.add32(qr, signed(uv))];
    f = p.xor(f, p.and(p.xor(f, g), swap));
    uv = p.add32(uv, p.and(nextQr, swap));
    [f, uv] = [p.add32(f, f), p.add32(uv, uv)];
    [g, qr] = [next, nextQr];
    zeta = p.subtract32(p.xor(zeta, swap), one);
  }
  store(2 * WORDS, zeta);

  // t·(x, y): the sum of the low and of the high products.
  const times = (t, xy) => p.add(p.productLow32(t, xy), p.productHigh32(t, xy));
  const shifted = (carry) => p.subtract(p.shiftRight(p.add(carry, p.constant(BIAS)), 30), p.constant(BIAS >> 30n));
  const mask = p.constant(splat32(M30));
  const evens = (a, b) => words32(a, b, 0, 2, 4, 6);

  // (f, g) = t·(f, g) / 2^30, exactly.
  let carries = [uv, qr].map((t) => shifted(times(t, load(WORDS))));
  for (let i = 1; i < WORDS; i++) {
    const fg = load(WORDS + i);
    carries = [uv, qr].map((t, k) => p.add(carries[k], times(t, fg)));
    store(WORDS + i - 1, p.and(evens(...carries), mask));
    carries = carries.map(shifted);
  }
  store(2 * WORDS - 1, evens(...carries));

  // (d, e) = t·(d, e) / 2^30 mod m: m is added where d or e is negative, then the multiple of m that makes the low 30 bits zero.
  const modulus = (i) => p.load('moduli', place(i));
  const signs = p.shiftRightSigned32(load(WORDS - 1), 31);
  const [addD, addE] = [uv, qr].map((t) => p.and(t, signs)).map((x) => p.add32(x, words32(x, x, 2, 3, 0, 1)));
  let added = words32(addD, addE, 0, 1, 6, 7);
  carries = [uv, qr].map((t) => times(t, load(0)));
  const low30 = p.and(p.add32(p.multiply32(evens(...carries), modulus(WORDS)), added), mask);
  added = p.subtract32(added, low30);
  const withModulus = (sums, m) => [p.add(sums[0], p.productLow32(m, added)), p.add(sums[1], p.productHigh32(m, added))];
  carries = withModulus(carries, modulus(0)).map(shifted);
  for (let i = 1; i < WORDS; i++) {
    const de = load(i);
    carries = withModulus([uv, qr].map((t, k) => p.add(carries[k], times(t, de))), modulus(i));
    store(i - 1, p.and(evens(...carries), mask));
    carries = carries.map(shifted);
  }
  store(WORDS - 1, evens(...carries));
  return p;
}
