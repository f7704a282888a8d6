//! GHASH (NIST SP 800-38D §6.4) with byte shuffles as small tables: every table is read at a fixed address, and the secret picks a byte within a
//! register. The plain twin is ghash.rs.
//!
//! A block is a polynomial whose byte i has the coefficients x^8i (its top bit) to x^(8i+7). The product of a nibble and a fixed
//! polynomial is a table of 16 polynomials; stored byte by byte, vector k has byte k of all 16, and one shuffle looks it up for 16 nibbles
//! at once.
//!
//! Long texts go 16 blocks at a time: byte i of all of them is one vector, and all are multiplied by H^16 (tables for each nibble of each
//! byte, 8 KiB, made per call). Short ones go block by block: the 16 bytes of one block are multiplied by H at once with the tables of
//! byte 0 (512 bytes), and the products are added up, shifted by their place, and reduced.

use crate::simd::{base, load, look_up, store};
use core::arch::wasm32::*;

const BLOCKS: usize = 16;
/// Result bytes computed at once: as many sums as leave registers for the rest.
const GROUP: usize = 8;
/// Bytes that one multiplication by H^16 takes in.
pub const BATCH: usize = 16 * BLOCKS;

type Bytes = [v128; 16];

#[inline(always)]
fn zero() -> v128 {
    u64x2(0, 0)
}

#[inline(always)]
fn nibbles(x: v128) -> (v128, v128) {
    let mask = u8x16_splat(15);
    // The shift crosses bytes, so what it brings in is masked away.
    (v128_and(u32x4_shr(x, 4), mask), v128_and(x, mask))
}

#[inline(always)]
fn interleave(a: v128, b: v128) -> [v128; 2] {
    [
        i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(a, b),
        i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(a, b),
    ]
}

/// Gives `put` the vectors that `get` has, 16 × 16 bytes, transposed: four rounds of interleaving halves, two at a time, so that they stay
/// in registers. (Nothing is copied as a whole: V8 makes a call of that.)
#[inline(always)]
fn transpose(get: impl Fn(usize) -> v128, mut put: impl FnMut(usize, v128)) {
    let mut middle = [zero(); 16];
    let two_rounds = |v: [v128; 4]| {
        let ([a, b], [c, d]) = (interleave(v[0], v[2]), interleave(v[1], v[3]));
        let ([a, b], [c, d]) = (interleave(a, c), interleave(b, d));
        [a, b, c, d]
    };
    for i in 0..4 {
        let four = two_rounds([get(i), get(i + 4), get(i + 8), get(i + 12)]);
        for j in 0..4 {
            middle[4 * i + j] = four[j];
        }
    }
    for i in 0..4 {
        let four = two_rounds([middle[i], middle[i + 4], middle[i + 8], middle[i + 12]]);
        for j in 0..4 {
            put(4 * i + j, four[j]);
        }
    }
}

/// An element and its successive products with x.
struct Powers {
    /// Coefficient x^0 is the top bit.
    value: u128,
}

impl Powers {
    #[inline(always)]
    fn next(&mut self) -> v128 {
        let now = u64x2(self.value as u64, (self.value >> 64) as u64);
        let out = 0u128.wrapping_sub(self.value & 1);
        self.value = self.value >> 1 ^ out & 0xe1 << 120;
        // Big-endian bytes.
        i8x16_shuffle::<15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0>(now, now)
    }

    /// The products of the next four powers with all nibbles, byte by byte.
    #[inline(always)]
    fn nibble_table(&mut self, put: impl FnMut(usize, v128)) {
        // The top bit of the nibble is the lowest power.
        let basis: [v128; 4] = [self.next(), self.next(), self.next(), self.next()];
        let mut products = [zero(); 16];
        for n in 1..16usize {
            let lowest = n.trailing_zeros() as usize;
            products[n] = v128_xor(products[n & (n - 1)], basis[3 - lowest]);
        }
        transpose(|n| products[n], put);
    }
}

/// Multiplies single blocks by one element.
pub struct Single {
    high: Bytes,
    low: Bytes,
}

/// x^128 = 1 + x + x^2 + x^7: what the high and low nibble of byte 16 + i add to bytes i and i + 1.
const fn reduction(high: bool, second: bool) -> v128 {
    let mut bytes = [0u8; 16];
    let mut n = 0;
    while n < 16 {
        let x = if high { (n as u16) << 12 } else { (n as u16) << 8 };
        let product = x ^ x >> 1 ^ x >> 2 ^ x >> 7;
        bytes[n] = if second { product as u8 } else { (product >> 8) as u8 };
        n += 1;
    }
    // SAFETY: same size, any bits are valid.
    unsafe { core::mem::transmute(bytes) }
}

/// What each byte adds, when it stands at byte 16 + i, to bytes i and i + 1.
#[inline(always)]
fn reduce(above: v128) -> (v128, v128) {
    let (high, low) = nibbles(above);
    (
        v128_xor(look_up(reduction(true, false), high), look_up(reduction(false, false), low)),
        v128_xor(look_up(reduction(true, true), high), look_up(reduction(false, true), low)),
    )
}

impl Single {
    #[inline(always)]
    pub fn new(h: &[u8; 16]) -> Self {
        let mut powers = Powers { value: u128::from_be_bytes(*h) };
        let mut single = Self { high: [zero(); 16], low: [zero(); 16] };
        powers.nibble_table(|k, table| single.high[k] = table);
        powers.nibble_table(|k, table| single.low[k] = table);
        single
    }

    #[inline(never)]
    fn multiply(&self, x: v128) -> v128 {
        let (high, low) = nibbles(x);
        // Lane i of product k is byte k of (byte i of x) · H, and belongs to byte i + k of the sum, of which `below` has 16.
        let (mut above, mut below) = (zero(), zero());
        for k in (0..16).rev() {
            let product = v128_xor(look_up(self.high[k], high), look_up(self.low[k], low));
            above = i8x16_shuffle::<15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30>(below, above);
            below = v128_xor(shift_up(below), product);
        }
        let (first, second) = reduce(above);
        v128_xor(below, v128_xor(first, shift_up(second)))
    }

    /// The element to the power of 16.
    pub fn power_16(&self, h: &[u8; 16]) -> [u8; 16] {
        let mut power = load(h);
        for _ in 1..16 {
            power = self.multiply(power);
        }
        let mut bytes = [0; 16];
        store(&mut bytes, power);
        bytes
    }
}

/// Moves each byte to the next place; the first becomes zero.
#[inline(always)]
fn shift_up(x: v128) -> v128 {
    i8x16_shuffle::<15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30>(zero(), x)
}

/// Multiplies 16 blocks by one element.
#[derive(Clone, Copy)]
pub struct Batch {
    /// By group of result bytes, byte of the block, nibble (low, high), result byte.
    tables: [[[[v128; GROUP]; 2]; 16]; 16 / GROUP],
}

impl Batch {
    pub const EMPTY: Self = Self { tables: [[[[u64x2(0, 0); GROUP]; 2]; 16]; 16 / GROUP] };

    /// Makes the tables of `element`.
    #[inline(never)]
    pub fn fill(&mut self, element: &[u8; 16]) {
        let mut powers = Powers { value: u128::from_be_bytes(*element) };
        for nibble in [1, 0] {
            powers.nibble_table(|k, table| self.tables[k / GROUP][0][nibble][k % GROUP] = table);
        }
        // The next byte's products are x^8 times these: each byte moves on by one place, and the last comes back reduced.
        for i in 1..16 {
            for nibble in 0..2 {
                let mut before = [zero(); 16];
                for k in 0..16 {
                    before[k] = self.tables[k / GROUP][i - 1][nibble][k % GROUP];
                }
                let (first, second) = reduce(before[15]);
                let mut put = |k: usize, table| self.tables[k / GROUP][i][nibble][k % GROUP] = table;
                put(0, first);
                put(1, v128_xor(before[0], second));
                for k in 2..16 {
                    put(k, before[k - 1]);
                }
            }
        }
    }

    #[inline(never)]
    fn multiply(&self, y: &mut Bytes) {
        let mut split = [[zero(); 2]; 16];
        for i in 0..16 {
            let (high, low) = nibbles(y[i]);
            split[i] = [low, high];
        }
        for (tables, results) in self.tables.iter().zip(y.as_chunks_mut::<GROUP>().0) {
            let mut sums = [zero(); GROUP];
            for (table, nibbles) in tables.iter().zip(&split) {
                let table = base(table);
                for k in 0..GROUP {
                    let product = v128_xor(look_up(table[0][k], nibbles[0]), look_up(table[1][k], nibbles[1]));
                    sums[k] = v128_xor(sums[k], product);
                }
            }
            for k in 0..GROUP {
                results[k] = sums[k];
            }
        }
    }
}

#[inline(always)]
fn absorb(y: &mut Bytes, batch: &[u8; BATCH]) {
    let (blocks, _) = batch.as_chunks();
    transpose(|n| load(&blocks[n]), |i, bytes| y[i] = v128_xor(y[i], bytes));
}

/// GHASH of `additional` and `text` with their lengths, block by block.
pub fn short(h: &Single, additional: &[u8], text: &[u8]) -> [u8; 16] {
    let mut y = zero();
    for part in [additional, text] {
        let (blocks, rest) = part.as_chunks();
        for block in blocks {
            y = h.multiply(v128_xor(y, load(block)));
        }
        if !rest.is_empty() {
            let mut last = [0; 16];
            last[..rest.len()].copy_from_slice(rest);
            y = h.multiply(v128_xor(y, load(&last)));
        }
    }
    y = h.multiply(v128_xor(y, load(&lengths(additional.len(), text.len()))));
    let mut hash = [0; 16];
    store(&mut hash, y);
    hash
}

fn lengths(additional: usize, text: usize) -> [u8; 16] {
    (((additional as u128) << 64 | text as u128) << 3).to_be_bytes()
}

/// The same of at most one block of `additional` and a text of at least `BATCH` bytes, 16 blocks at a time. `ready(at, piece)` is called on each piece of the text before it is read.
pub fn long(h: &Single, h16: &Batch, additional: &[u8], text: &mut [u8], ready: impl Fn(usize, &mut [u8])) -> [u8; 16] {
    let length = text.len();
    let additional_blocks = additional.len().div_ceil(16);
    let blocks = additional_blocks + length.div_ceil(16) + 1;
    // Zero blocks in front, which do not count, make whole batches.
    let front = (16 * (blocks.next_multiple_of(BLOCKS) - blocks), 16 * additional_blocks);
    let mut y = [zero(); 16];
    let mut batch = [0; BATCH];
    batch[front.0..front.0 + additional.len()].copy_from_slice(additional);
    let used = front.0 + front.1;
    let (head, rest) = text.split_at_mut(BATCH - used);
    ready(0, head);
    batch[used..].copy_from_slice(head);
    absorb(&mut y, &batch);
    let mut at = head.len();
    let (chunks, tail) = rest.as_chunks_mut::<BATCH>();
    for chunk in chunks {
        ready(at, chunk);
        h16.multiply(&mut y);
        absorb(&mut y, chunk);
        at += BATCH;
    }
    ready(at, tail);
    batch = [0; BATCH];
    batch[..tail.len()].copy_from_slice(tail);
    batch[BATCH - 16..].copy_from_slice(&lengths(additional.len(), length));
    h16.multiply(&mut y);
    absorb(&mut y, &batch);
    // Lane n has seen n blocks fewer than it should.
    let mut blocks = [zero(); 16];
    transpose(|i| y[i], |n, block| blocks[n] = block);
    let mut sum = zero();
    for block in &blocks {
        sum = h.multiply(v128_xor(sum, *block));
    }
    let mut hash = [0; 16];
    store(&mut hash, sum);
    hash
}
