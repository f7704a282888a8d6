/**
 * The limb bounds of the floating-point kernels, followed instruction by instruction for the worst case; and that the checker sees what it must
 * see: each bound, tightened to where it matters, is refused.
 */
import { describe, expect, test } from 'vitest';
import { bitsOf, type Bounds, checkBounds, KERNEL_FILES, Program } from '../support/kernels.ts';

describe.each(KERNEL_FILES.filter(({ bounded }) => bounded).flatMap(({ programs }) => programs))('$name', (program) => {
  const stored = checkBounds(program);

  test('stores what it promises', () => {
    expect(stored.length).toBeGreaterThan(4);
    for (const { magnitude, promised } of stored) expect(magnitude).toBeLessThanOrEqual(promised);
  });

  test('needs the bounds that it is promised', () => {
    // Limbs 64 times as large overflow somewhere.
    const widened = Object.assign(Object.create(Object.getPrototypeOf(program)), program) as Program;
    widened.operations = program.operations.map((operation) => {
      const { op, bounds } = operation;
      if (op !== 'load' || bounds === undefined || bounds === 'mask') return operation;
      const widen = ({ lo, hi }: Bounds) => ({ lo: lo * 64n, hi: hi * 64n });
      return { ...operation, bounds: Array.isArray(bounds) ? bounds.map(widen) : widen(bounds as Bounds) };
    });
    expect(() => checkBounds(widened)).toThrow();
  });
});

describe('the checker refuses', () => {
  const limb = (size: bigint) => ({ lo: -size, hi: size });
  /** A program of one parameter, whose stored value is promised to be below 2^60. */
  const checked = (build: (p: Program) => number) => () => {
    const p = new Program('example', ['a']);
    p.store('a', 0, build(p), limb(1n << 60n));
    return checkBounds(p);
  };
  const HIGH = 1.5 * 2 ** 103;
  const LOW = 1.5 * 2 ** 52;

  test('a sum that may be rounded', () => {
    const sum = (size: bigint) => checked((p) => p.floatAdd(p.load('a', 0, limb(size)), p.load('a', 16, limb(size))));
    expect(sum(1n << 52n)).not.toThrow();
    expect(sum((1n << 52n) + 1n)).toThrow('may be rounded');
  });

  test('a product whose high half leaves its binade', () => {
    const high = (size: bigint) =>
      checked((p) => {
        const x = p.load('a', 0, limb(size));
        const h = p.fusedMultiplyAdd(x, x, p.float(HIGH));
        const low = p.fusedMultiplyAdd(x, x, p.floatSubtract(p.float(HIGH + LOW), h));
        return p.floatSubtract(low, p.float(LOW));
      });
    expect(high((1n << 51n) - 1n)).not.toThrow();
    expect(high((1n << 51n) + 1n)).toThrow('binade');
  });

  test('the low half of another product', () => {
    expect(checked((p) => {
      const [x, y] = [p.load('a', 0, limb(1n << 50n)), p.load('a', 16, limb(1n << 50n))];
      const h = p.fusedMultiplyAdd(x, y, p.float(HIGH));
      return p.fusedMultiplyAdd(x, x, p.floatSubtract(p.float(HIGH + LOW), h));
    })).toThrow();
  });

  test('a shift of a column that may be negative', () => {
    const shifted = (bias: bigint) =>
      checked((p) => {
        const column = p.floatAdd(p.load('a', 0, limb(1n << 50n)), p.float(LOW));
        const high = p.shiftRight(p.add(column, p.constant(bias - bitsOf(LOW))), 48);
        return p.floatSubtract(p.or(high, p.constant(bitsOf(2 ** 52))), p.float(2 ** 52));
      });
    expect(shifted(1n << 50n)).not.toThrow();
    expect(shifted((1n << 50n) - 1n)).toThrow('may wrap');
  });

  test('a store that breaks its promise', () => {
    const p = new Program('example', ['a']);
    p.store('a', 0, p.load('a', 0, limb(5n)), limb(4n));
    expect(() => checkBounds(p)).toThrow('promise');
  });

  test('a 32-bit product that does not fit', () => {
    const product = (bits: number) =>
      checked((p) => {
        const column = p.floatAdd(p.load('a', 0, limb(1n << 50n)), p.float(LOW));
        const low = p.and(column, p.constant((1n << BigInt(bits)) - 1n));
        const product = p.multiply32(low, p.constant(19n | 19n << 32n));
        return p.floatSubtract(p.or(product, p.constant(bitsOf(2 ** 52))), p.float(2 ** 52));
      });
    expect(product(27)).not.toThrow();
    expect(product(28)).toThrow('32 bits');
  });

  test('integers of 32 bits whose sum does not fit', () => {
    const sum = (size: bigint) => () => {
      const p = new Program('example', ['a']);
      const pair = [limb(size), limb(1n)];
      const x = p.load('a', 0, pair);
      p.store('a', 0, p.add32(x, x), [limb(1n << 40n), limb(2n)]);
      return checkBounds(p);
    };
    expect(sum((1n << 30n) - 1n)).not.toThrow();
    expect(sum(1n << 30n)).toThrow('32 bits');
  });

  test('products of 64 bits whose sum wraps', () => {
    const carry = (size: bigint) =>
      checked((p) => {
        const x = p.load('a', 0, [limb(size), limb(size)]);
        const product = p.productLow32(x, x);
        const column = p.add(p.add(p.add(product, product), product), p.constant(1n << 63n));
        return p.floatSubtract(p.or(p.shiftRight(column, 20), p.constant(bitsOf(2 ** 52))), p.float(2 ** 52));
      });
    expect(carry(1n << 30n)).not.toThrow();
    expect(carry((1n << 31n) - 1n)).toThrow('may wrap');
  });
});
