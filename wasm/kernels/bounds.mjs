// Follows a program with intervals, instruction by instruction, for the worst case over all inputs within the promised bounds. It throws when
// any floating-point result might be rounded where the kernel needs it exact, any integer might leave its range, or a stored value
// its promise. What it accepts cannot lose a bit, whatever the inputs.
//
// Each lane is one of
//   { kind: 'float', lo, hi, unit }: a multiple of 2^unit in [lo, hi], held exactly as a double; lo, hi are BigInts;
//   { kind: 'int', offset, lo, hi }: a 64-bit pattern equal to offset + v modulo 2^64 for some v in [lo, hi];
//   { kind: 'pair', halves }: two signed integers of 32 bits, the low half first, each { lo, hi };
//   { kind: 'mask' }: all ones or all zeros.
// A float in [2^e, 2^(e+1)) is also a pattern: its bits are linear in its value, which is how kernels add floats as integers.

import { bitsOf } from './program.mjs';

const TWO64 = 1n << 64n;

const min = (...values) => values.reduce((a, b) => (a < b ? a : b));
const max = (...values) => values.reduce((a, b) => (a > b ? a : b));
const magnitude = ({ lo, hi }) => max(hi, -lo);
/** The number of bits of a BigInt: 2^(n−1) ≤ value < 2^n. */
const bitLength = (value) => value === 0n ? 0 : value.toString(2).length;

class BoundsError extends Error {}

function require(condition, message) {
  if (!condition) throw new BoundsError(message);
}

function float(lo, hi, unit) {
  return { kind: 'float', lo, hi, unit };
}

/** A float that is represented exactly: a multiple of 2^unit not beyond 2^(53 + unit). */
function exact(lo, hi, unit, what) {
  require(magnitude({ lo, hi }) <= 1n << BigInt(53 + unit), `${what} may be rounded`);
  return float(lo, hi, unit);
}

/** The unit in the last place in the one binade in which the whole interval lies. */
function binadeUnit({ lo, hi }, what) {
  require(lo > 0n && bitLength(lo) === bitLength(hi), `${what} may leave its binade`);
  return bitLength(lo) - 53;
}

/** A constant pattern: an integer, until a floating-point operation asks for its double. */
function constantLane(pattern) {
  return { kind: 'int', offset: pattern, lo: 0n, hi: 0n, constant: true };
}

function asFloat(lane, what) {
  if (lane.kind === 'float') return lane;
  require(lane.kind === 'int', `${what}: a mask is not a number`);
  const { lo, hi } = absolute(lane, what);
  if (lane.constant) {
    const value = new Float64Array(BigUint64Array.of(lo).buffer)[0];
    const exactValue = BigInt(value);
    return { ...float(exactValue, exactValue, trailingZeros(exactValue)), constant: true };
  }
  // 2^52 + n has the pattern bits(2^52) + n, for n in [0, 2^52).
  const base = bitsOf(2 ** 52);
  require(lo >= base && hi < base + (1n << 52n), `${what}: not the pattern of a float in [2^52, 2^53)`);
  return float((1n << 52n) + lo - base, (1n << 52n) + hi - base, 0);
}

function trailingZeros(value) {
  let count = 0;
  while (value !== 0n && (value & 1n) === 0n) {
    value >>= 1n;
    count++;
  }
  return count;
}

function asInt(lane, what) {
  if (lane.kind === 'int') return lane;
  require(lane.kind === 'float', `${what}: a mask is not a number`);
  const unit = binadeUnit(lane, what);
  const bottom = 1n << BigInt(unit + 52);
  // Steps of the last place above the bottom of the binade.
  const steps = (value) => (value - bottom) >> BigInt(unit);
  return { kind: 'int', offset: bitsOf(Number(bottom)), lo: steps(lane.lo), hi: steps(lane.hi) };
}

/** An integer lane as an interval of unsigned 64-bit numbers. */
function absolute({ offset, lo, hi }, what) {
  for (const base of [offset, offset - TWO64]) {
    if (base + lo >= 0n && base + hi < TWO64) return { lo: base + lo, hi: base + hi };
  }
  throw new BoundsError(`${what} may wrap: from ${offset + lo} to ${offset + hi}`);
}

/** A half that is within 32 bits. */
function half(lo, hi, what) {
  require(lo >= -(1n << 31n) && hi < 1n << 31n, `${what} may exceed 32 bits: from ${lo} to ${hi}`);
  return { lo, hi };
}

function asPair(lane, what) {
  if (lane.kind === 'pair') return lane.halves;
  require(lane.constant, `${what}: not a pair`);
  return [lane.offset, lane.offset >> 32n].map((value) => BigInt.asIntN(32, value)).map((value) => ({ lo: value, hi: value }));
}

/** A rule for each half of both. */
const pairwise = (combine) => (a, b, _, what) => {
  const [x, y] = [asPair(a, what), asPair(b, what)];
  return { kind: 'pair', halves: x.map((one, i) => half(...combine(one, y[i]), what)) };
};

function product(a, b) {
  const corners = [a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi];
  return [min(...corners), max(...corners)];
}

const integer = ([lo, hi]) => ({ kind: 'int', offset: 0n, lo, hi });

/** What makes a vector of the four halves of each argument. */
const VECTOR_OPERATIONS = {
  'i64x2.extmul_low_i32x4_s': (a, b) => [0, 1].map((i) => integer(product(a[i], b[i]))),
  'i64x2.extmul_high_i32x4_s': (a, b) => [2, 3].map((i) => integer(product(a[i], b[i]))),
  'i64x2.extend_low_i32x4_s': (a) => [0, 1].map((i) => integer([a[i].lo, a[i].hi])),
  'i64x2.extend_high_i32x4_s': (a) => [2, 3].map((i) => integer([a[i].lo, a[i].hi])),
};

const unsigned = (lo, hi) => ({ kind: 'int', offset: 0n, lo, hi });
const wrap = (value) => BigInt.asUintN(64, value);

/** What each operation makes of lanes. */
const LANE_OPERATIONS = {
  'f64x2.add': (a, b, _, what) => {
    [a, b] = [asFloat(a, what), asFloat(b, what)];
    return exact(a.lo + b.lo, a.hi + b.hi, Math.min(a.unit, b.unit), what);
  },
  'f64x2.sub': (a, b, _, what) => {
    [a, b] = [asFloat(a, what), asFloat(b, what)];
    const difference = exact(a.lo - b.hi, a.hi - b.lo, Math.min(a.unit, b.unit), what);
    return { ...difference, minuend: a, subtrahend: b };
  },
  'f64x2.neg': (a, _b, _c, what) => {
    a = asFloat(a, what);
    return float(-a.hi, -a.lo, a.unit);
  },
  'f64x2.relaxed_madd': multiplyAdd,
  'i64x2.add': (a, b, _, what) => {
    [a, b] = [asInt(a, what), asInt(b, what)];
    return { kind: 'int', offset: wrap(a.offset + b.offset), lo: a.lo + b.lo, hi: a.hi + b.hi };
  },
  'i64x2.sub': (a, b, _, what) => {
    [a, b] = [asInt(a, what), asInt(b, what)];
    return { kind: 'int', offset: wrap(a.offset - b.offset), lo: a.lo - b.hi, hi: a.hi - b.lo };
  },
  'i64x2.shl': (a, _b, { bits }, what) => {
    a = asInt(a, what);
    const shift = BigInt(bits);
    const shifted = { kind: 'int', offset: wrap(a.offset << shift), lo: a.lo << shift, hi: a.hi << shift };
    return bits === 32 ? { ...shifted, upperHalf: a } : shifted;
  },
  'i64x2.shr_u': (a, _b, { bits }, what) => {
    const { lo, hi } = absolute(asInt(a, what), what);
    return unsigned(lo >> BigInt(bits), hi >> BigInt(bits));
  },
  'v128.and': (a, b, _, what) => {
    // With a constant mask of low bits: what is above is dropped, and need not be known.
    const { lo: mask } = absolute(b, what);
    require(b.constant && (mask & (mask + 1n)) === 0n, `${what}: not a mask of low bits`);
    const value = asInt(a, what);
    const low = wrap(value.offset + value.lo);
    return low + value.hi - value.lo <= mask ? unsigned(low, low + value.hi - value.lo) : unsigned(0n, mask);
  },
  'v128.or': (a, b, _, what) => {
    if (b.upperHalf !== undefined) {
      // Two numbers become the halves of a pair.
      const halves = [a, b.upperHalf].map((lane) => absolute(lane, what));
      return { kind: 'pair', halves: halves.map(({ lo, hi }) => half(lo, hi, what)) };
    }
    // With a constant whose bits lie above all of a's.
    const { lo, hi } = absolute(asInt(a, what), what);
    const { lo: pattern } = absolute(b, what);
    require(b.constant && pattern % (1n << BigInt(bitLength(hi))) === 0n, `${what}: bits overlap`);
    return { kind: 'int', offset: pattern, lo, hi };
  },
  'i8x16.relaxed_swizzle': (_a, b, _, what) => {
    // Bytes of the same lane, or zero: see `moveBytes`.
    const { lo: indices } = absolute(b, what);
    require(b.constant, `${what}: indices must be constant`);
    let most = 0n;
    for (let byte = 0n; byte < 64n; byte += 8n) if (!(indices >> byte & 0x80n)) most |= 0xffn << byte;
    return unsigned(0n, most);
  },
  'i32x4.add': pairwise((a, b) => [a.lo + b.lo, a.hi + b.hi]),
  'i32x4.sub': pairwise((a, b) => [a.lo - b.hi, a.hi - b.lo]),
  'i32x4.mul': (a, b, _, what) => {
    if (a.kind === 'pair') return pairwise(product)(a, b, _, what);
    const { lo, hi } = absolute(asInt(a, what), what);
    const { lo: pair } = absolute(b, what);
    const factor = pair & 0xffffffffn;
    require(b.constant && hi * factor < 1n << 32n, `${what}: the product may exceed 32 bits`);
    return unsigned(lo * factor, hi * factor);
  },
  'v128.bitselect': (a, b, _, what) => {
    if (a.kind === 'pair') return pairwise((x, y) => [min(x.lo, y.lo), max(x.hi, y.hi)])(a, b, _, what);
    [a, b] = [asFloat(a, what), asFloat(b, what)];
    return float(min(a.lo, b.lo), max(a.hi, b.hi), Math.min(a.unit, b.unit));
  },
};

/**
 * a·b + c. Either the sum lies in one binade, and is rounded to its last place: the high half of a product. Or c takes that high half, made of
 * the same a and b, away again, and what is left is the rounding error: the low half, exact.
 */
function multiplyAdd(a, b, { third }, what) {
  [a, b] = [asFloat(a, what), asFloat(b, what)];
  const c = asFloat(third, what);
  const high = c.subtrahend?.rounded;
  if (high !== undefined && high.a === a && high.b === b) {
    // c = m − h and h = a·b + q + error, so a·b + c = m − q − error; m and q are one value, or two constants.
    const [m, q] = [c.minuend, high.addend];
    require(m === q || (m.constant && q.constant), `${what}: low half of another product`);
    const shift = m === q ? 0n : m.lo - q.lo;
    return exact(shift - high.error, shift + high.error, Math.min(a.unit + b.unit, m.unit, q.unit), what);
  }
  const corners = [a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi];
  const sum = { lo: min(...corners) + c.lo, hi: max(...corners) + c.hi };
  const unit = binadeUnit(sum, what);
  const error = 1n << BigInt(unit - 1);
  // Rounding cannot leave the binade but at its top, which is then the next one's bottom.
  require(sum.hi + error < 1n << BigInt(unit + 53), `${what} may be rounded out of its binade`);
  const result = float(((sum.lo >> BigInt(unit))) << BigInt(unit), (-(-sum.hi >> BigInt(unit))) << BigInt(unit), unit);
  return { ...result, rounded: { a, b, addend: c, error } };
}

function loadedLane(bounds, what) {
  if (Array.isArray(bounds)) return { kind: 'pair', halves: bounds.map(({ lo, hi }) => half(lo, hi, what)) };
  return bounds === 'mask' ? { kind: 'mask' } : float(bounds.lo, bounds.hi, 0);
}

/** The numbers in a lane, each with what is promised of it. */
function storedNumbers(lane, bounds, what) {
  if (!Array.isArray(bounds)) return [{ ...asFloat(lane, what), promise: bounds }];
  return asPair(lane, what).map((number, i) => ({ ...number, unit: 0, promise: bounds[i] }));
}

/**
 * Checks a whole program; throws a `BoundsError` that names the operation. Returns the largest magnitude stored at each place, as
 * { parameter, offset, magnitude, promised }.
 */
export function checkBounds(program) {
  const values = [];
  const stored = [];
  program.operations.forEach((operation, at) => {
    const { op, args, bounds } = operation;
    const what = `${program.name} operation ${at} (${op})`;
    const lanes = (value) => values[value];
    if (op === 'load') {
      const lane = loadedLane(bounds, what);
      values[at] = [lane, { ...lane }];
    } else if (op === 'constant') {
      values[at] = operation.lanes.map(constantLane);
    } else if (op === 'keep') {
      values[at] = lanes(args[0]);
    } else if (op === 'i8x16.shuffle' && operation.lanes.length === 2) {
      const all = [...lanes(args[0]), ...lanes(args[1])];
      values[at] = operation.lanes.map((lane) => all[lane]);
    } else if (op === 'i8x16.shuffle') {
      const all = args.flatMap((value) => lanes(value).flatMap((lane) => asPair(lane, what)));
      const [a, b, c, d] = operation.lanes.map((lane) => all[lane]);
      values[at] = [[a, b], [c, d]].map((halves) => ({ kind: 'pair', halves }));
    } else if (VECTOR_OPERATIONS[op] !== undefined) {
      const halves = args.map((value) => lanes(value).flatMap((lane) => asPair(lane, what)));
      values[at] = VECTOR_OPERATIONS[op](...halves);
    } else if (op === 'store') {
      for (const number of lanes(args[0]).flatMap((lane) => storedNumbers(lane, bounds, what))) {
        const { lo, hi, unit, promise } = number;
        require(lo >= promise.lo && hi <= promise.hi && unit >= 0, `${what}: [${lo}, ${hi}] exceeds its promise`);
        stored.push({
          parameter: program.parameters[operation.parameter],
          offset: operation.offset,
          magnitude: magnitude(number),
          promised: magnitude(promise),
        });
      }
    } else {
      const rule = LANE_OPERATIONS[op];
      require(rule !== undefined, `${what}: unknown`);
      values[at] = [0, 1].map((i) => {
        const [a, b, third] = args.map((value) => lanes(value)[i]);
        return rule(a, b, { bits: operation.bits, third }, what);
      });
    }
  });
  return stored;
}
