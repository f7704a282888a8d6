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

use crate::hash::load_be32;
use crate::simd::{load, look_up, store};
use core::arch::wasm32::*;

// Made by wasm/kernels/ghash.mjs.
#[allow(improper_ctypes)] // v128 is a type of WebAssembly's
extern "C" {
    fn ghash_tables(tables: *mut [[[v128; SPAN]; 2]; 3], field: *const [u8; 16]);
    fn ghash_factors(factors: *mut [[v128; PART]; PRODUCTS], y: *const Bytes, batch: *const [u8; BATCH]);
    fn ghash_part(sums: *mut [v128; 2 * PART], factors: *const [v128; PART], tables: *const [[v128; SPAN]; 2]);
    fn ghash_unite(y: *mut Bytes, products: *const [[v128; 2 * PART]; PRODUCTS]);
}

const BLOCKS: usize = 16;
/// Batches whose products are added up before they are reduced.
pub const TOGETHER: usize = 4;
/// Bytes that one multiplication by H^16 takes in.
pub const BATCH: usize = 16 * BLOCKS;

type Bytes = [v128; 16];

static NOTHING: Bytes = [u64x2(0, 0); 16];

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

/// Transposes 16 × 16 bytes: four rounds of interleaving halves, two at a time, so that they stay in registers.
#[inline(never)]
fn transpose(from: &Bytes, to: &mut Bytes) {
    let mut middle = [zero(); 16];
    let two_rounds = |v: [v128; 4]| {
        let ([a, b], [c, d]) = (interleave(v[0], v[2]), interleave(v[1], v[3]));
        let ([a, b], [c, d]) = (interleave(a, c), interleave(b, d));
        [a, b, c, d]
    };
    for i in 0..4 {
        let four = two_rounds([from[i], from[i + 4], from[i + 8], from[i + 12]]);
        for j in 0..4 {
            middle[4 * i + j] = four[j];
        }
    }
    for i in 0..4 {
        let four = two_rounds([middle[i], middle[i + 4], middle[i + 8], middle[i + 12]]);
        for j in 0..4 {
            to[4 * i + j] = four[j];
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
    #[inline(never)]
    fn nibble_table(&mut self, table: &mut Bytes) {
        // The top bit of the nibble is the lowest power.
        let basis: [v128; 4] = [self.next(), self.next(), self.next(), self.next()];
        let mut products = [zero(); 16];
        for n in 1..16usize {
            let lowest = n.trailing_zeros() as usize;
            products[n] = v128_xor(products[n & (n - 1)], basis[3 - lowest]);
        }
        transpose(&products, table);
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
        powers.nibble_table(&mut single.high);
        powers.nibble_table(&mut single.low);
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
}

/// The square of an element: a power of x goes to twice its place.
#[inline(never)]
fn square(x: v128) -> v128 {
    const SPREAD: v128 = u8x16(0, 2, 8, 10, 32, 34, 40, 42, 128, 130, 136, 138, 160, 162, 168, 170);
    let (high, low) = nibbles(x);
    let [below, above] = interleave(look_up(SPREAD, high), look_up(SPREAD, low));
    let (first, second) = reduce(above);
    // What byte 31 adds to byte 16 is reduced again.
    let over = i8x16_shuffle::<15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30>(second, zero());
    let (first_again, second_again) = reduce(over);
    let firsts = v128_xor(first, first_again);
    v128_xor(below, v128_xor(firsts, shift_up(v128_xor(second, second_again))))
}

/// The powers 16, 32, 48 and 64 of an element.
pub fn powers(h: &[u8; 16]) -> [[u8; 16]; TOGETHER] {
    let mut power_16 = load(h);
    for _ in 0..4 {
        power_16 = square(power_16);
    }
    let mut powers = [[0; 16]; TOGETHER];
    let power_32 = square(power_16);
    store(&mut powers[0], power_16);
    store(&mut powers[1], power_32);
    store(&mut powers[3], square(power_32));
    let power_48 = Single::new(&powers[0]).multiply(power_32);
    store(&mut powers[2], power_48);
    powers
}

/// Moves each byte to the next place; the first becomes zero.
#[inline(always)]
fn shift_up(x: v128) -> v128 {
    i8x16_shuffle::<15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30>(zero(), x)
}

/// Bytes of a part of a block, see `parts`, and of the product of a nibble and a part.
const PART: usize = 4;
const SPAN: usize = PART + 1;
/// Products of parts that make a product of blocks: Karatsuba's method, twice.
const PRODUCTS: usize = 9;

/// What the kernels work on.
struct Work {
    /// By batch, product, byte of the part.
    factors: [[[v128; PART]; PRODUCTS]; TOGETHER],
    products: [[v128; 2 * PART]; PRODUCTS],
}

/// The tables of an element, by product, nibble (high, low), byte of the result.
type Tables = [[[v128; SPAN]; 2]; PRODUCTS];

#[inline(never)]
fn fill_three(tables: &mut [[[v128; SPAN]; 2]; 3], [a, b, c]: [u32; 3]) {
    let field = (a as u128) << 96 | (b as u128) << 56 | (c as u128) << 16;
    // SAFETY (of all): the kernels read and write whole values of these types.
    unsafe { ghash_tables(tables, &field.to_be_bytes()) };
}

/// Multiplies batches by successive elements.
#[derive(Clone, Copy)]
pub struct Batch {
    tables: [Tables; TOGETHER],
}

impl Batch {
    pub const EMPTY: Self = Self { tables: [[[[u64x2(0, 0); SPAN]; 2]; PRODUCTS]; TOGETHER] };

    /// Makes the tables of the elements.
    #[inline(never)]
    pub fn fill(&mut self, elements: &[[u8; 16]; TOGETHER]) {
        for (tables, element) in self.tables.iter_mut().zip(elements) {
            let [a, b, c, d] = [0, 1, 2, 3].map(|i| load_be32(element, 4 * i));
            let parts = [[a, b, a ^ b], [c, d, c ^ d], [a ^ c, b ^ d, a ^ b ^ c ^ d]];
            for (tables, parts) in tables.as_chunks_mut().0.iter_mut().zip(parts) {
                fill_three(tables, parts);
            }
        }
    }

    /// The sum of the products of the batches, the last with the first element.
    #[inline(always)]
    fn multiply(&self, work: &mut Work, y: &mut Bytes) {
        for n in 0..PRODUCTS {
            unsafe { ghash_part(&mut work.products[n], &work.factors[0][n], &self.tables[0][n]) };
        }
        unsafe { ghash_unite(y, &work.products) };
    }
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
// Apart, because of its large frame.
#[inline(never)]
pub fn long(h: &Single, batch: &Batch, additional: &[u8], text: &mut [u8], ready: impl Fn(usize, &mut [u8])) -> [u8; 16] {
    let length = text.len();
    let additional_blocks = additional.len().div_ceil(16);
    let blocks = additional_blocks + length.div_ceil(16) + 1;
    // Zero blocks in front, which do not count, make whole batches.
    let front = (16 * (blocks.next_multiple_of(BLOCKS) - blocks), 16 * additional_blocks);
    let mut first = [0; BATCH];
    first[front.0..front.0 + additional.len()].copy_from_slice(additional);
    let used = front.0 + front.1;
    let (head, rest) = text.split_at_mut(BATCH - used);
    ready(0, head);
    first[used..].copy_from_slice(head);
    let mut at = head.len();
    let (chunks, tail) = rest.as_chunks_mut::<BATCH>();
    let mut y = [zero(); 16];
    let mut work = Work { factors: [[[zero(); PART]; PRODUCTS]; TOGETHER], products: [[zero(); 2 * PART]; PRODUCTS] };
    // So many that the last round has all.
    let mut filled = TOGETHER - 1 - chunks.len() % TOGETHER;
    unsafe { ghash_factors(&mut work.factors[filled], &NOTHING, &first) };
    filled += 1;
    for chunk in chunks {
        if filled == TOGETHER {
            batch.multiply(&mut work, &mut y);
            filled = 0;
        }
        ready(at, chunk);
        let add = if filled == 0 { &y } else { &NOTHING };
        unsafe { ghash_factors(&mut work.factors[filled], add, chunk) };
        filled += 1;
        at += BATCH;
    }
    batch.multiply(&mut work, &mut y);
    ready(at, tail);
    let mut last = [0; BATCH];
    last[..tail.len()].copy_from_slice(tail);
    last[BATCH - 16..].copy_from_slice(&lengths(additional.len(), length));
    // Lane n has seen n blocks fewer than it should.
    let mut blocks = [zero(); 16];
    transpose(&y, &mut blocks);
    let mut sum = zero();
    for (block, last) in blocks.iter().zip(last.as_chunks().0) {
        sum = h.multiply(v128_xor(sum, v128_xor(*block, load(last))));
    }
    let mut hash = [0; 16];
    store(&mut hash, sum);
    hash
}
