//! AES counter mode in bit slices (FIPS 197, NIST SP 800-38A §6.5): gates and fixed shuffles alone, no table, no branch on a secret. The plain
//! twin is aes.rs.
//!
//! `Wide` makes 32 blocks of key stream at once. Its vector 8·row + b holds bit b of the bytes in that row: lane c is column c, bit n of
//! the lane is block n. So SubBytes works on eight vectors of one row, ShiftRows rotates lanes, MixColumns combines rows, and a
//! transposition of 32 × 32 bits within the lanes turns the result into blocks. `Narrow` makes eight blocks, for short texts and ends:
//! vector b holds bit b of all bytes, bit n of byte p being block n.

use crate::aes::Aes;
use crate::aes_ahead::Ahead;
use crate::simd::{load, look_up, store, Indices};
use core::arch::wasm32::*;

pub type Slice = [v128; 8];

const ROUND_KEYS: usize = 15;

/// Bit b of the numbers from 0 to 31, each at its place.
pub const COUNTING: [u32; 5] = [0xaaaa_aaaa, 0xcccc_cccc, 0xf0f0_f0f0, 0xff00_ff00, 0xffff_0000];

/// The S-box without its constant 0x63, which is folded into the round keys: a circuit of 113 gates. Its first two parts are by Boyar and
/// Peralta ("A small depth-16 circuit for the AES S-box", 2012), with their names; the last, two gates shorter, is by Çalık. x0 and s0
/// are the most significant bits.
#[rustfmt::skip]
#[inline(always)]
pub fn sub_bytes(q: &mut Slice) {
    let (xor, and) = (|a: v128, b: v128| v128_xor(a, b), |a: v128, b: v128| v128_and(a, b));
    let [x7, x6, x5, x4, x3, x2, x1, x0] = *q;
    // Linear map to the tower field.
    let y14 = xor(x3, x5); let y13 = xor(x0, x6); let y9 = xor(x0, x3); let y8 = xor(x0, x5);
    let t0 = xor(x1, x2); let y1 = xor(t0, x7); let y4 = xor(y1, x3); let y12 = xor(y13, y14);
    let y2 = xor(y1, x0); let y5 = xor(y1, x6); let y3 = xor(y5, y8); let t1 = xor(x4, y12);
    let y15 = xor(t1, x5); let y20 = xor(t1, x1); let y6 = xor(y15, x7); let y10 = xor(y15, t0);
    let y11 = xor(y20, y9); let y7 = xor(x7, y11); let y17 = xor(y10, y11); let y19 = xor(y10, y8);
    let y16 = xor(t0, y11); let y21 = xor(y13, y16); let y18 = xor(x0, y16);
    // Inversion.
    let t2 = and(y12, y15); let t3 = and(y3, y6); let t4 = xor(t3, t2); let t5 = and(y4, x7);
    let t6 = xor(t5, t2); let t7 = and(y13, y16); let t8 = and(y5, y1); let t9 = xor(t8, t7);
    let t10 = and(y2, y7); let t11 = xor(t10, t7); let t12 = and(y9, y11); let t13 = and(y14, y17);
    let t14 = xor(t13, t12); let t15 = and(y8, y10); let t16 = xor(t15, t12); let t17 = xor(t4, t14);
    let t18 = xor(t6, t16); let t19 = xor(t9, t14); let t20 = xor(t11, t16); let t21 = xor(t17, y20);
    let t22 = xor(t18, y19); let t23 = xor(t19, y21); let t24 = xor(t20, y18); let t25 = xor(t21, t22);
    let t26 = and(t21, t23); let t27 = xor(t24, t26); let t28 = and(t25, t27); let t29 = xor(t28, t22);
    let t30 = xor(t23, t24); let t31 = xor(t22, t26); let t32 = and(t31, t30); let t33 = xor(t32, t24);
    let t34 = xor(t23, t33); let t35 = xor(t27, t33); let t36 = and(t24, t35); let t37 = xor(t36, t34);
    let t38 = xor(t27, t36); let t39 = and(t29, t38); let t40 = xor(t25, t39); let t41 = xor(t40, t37);
    let t42 = xor(t29, t33); let t43 = xor(t29, t40); let t44 = xor(t33, t37); let t45 = xor(t42, t41);
    let z0 = and(t44, y15); let z1 = and(t37, y6); let z2 = and(t33, x7); let z3 = and(t43, y16);
    let z4 = and(t40, y1); let z5 = and(t29, y7); let z6 = and(t42, y11); let z7 = and(t45, y17);
    let z8 = and(t41, y10); let z9 = and(t44, y12); let z10 = and(t37, y3); let z11 = and(t33, y4);
    let z12 = and(t43, y13); let z13 = and(t40, y5); let z14 = and(t29, y2); let z15 = and(t42, y9);
    let z16 = and(t45, y14); let z17 = and(t41, y8);
    // Linear map back, with the affine map's matrix.
    let u0 = xor(z15, z16); let u1 = xor(z10, u0); let u2 = xor(z9, u1); let u3 = xor(z0, z2);
    let u4 = xor(z1, z0); let u5 = xor(z3, z4); let u6 = xor(z12, u3); let u7 = xor(z7, u5);
    let u8 = xor(z8, u6); let u9 = xor(u7, u8); let u10 = xor(u5, u4); let u11 = xor(z3, z5);
    let u12 = xor(z13, u0); let u13 = xor(u3, u11); let u14 = xor(z6, u7); let u15 = xor(z14, u9);
    let u16 = xor(u12, u13); let u17 = xor(z15, u14); let u18 = xor(u1, z11); let u19 = xor(u15, u17);
    let s0 = xor(u2, u14); let s2 = xor(u19, z17); let s3 = xor(u2, u10); let s1 = xor(s3, u14);
    let s4 = xor(u13, s3); let s5 = xor(u18, u15); let s6 = xor(u9, u16); let s7 = xor(z12, u16);
    *q = [s7, s6, s5, s4, s3, s2, s1, s0];
}

/// Exchanges the bits of `a` that `mask << shift` selects with those of `b` that `mask` selects.
#[inline(always)]
fn swap_bits(a: &mut v128, b: &mut v128, mask: v128, shift: u32) {
    let t = v128_and(v128_xor(u32x4_shr(*a, shift), *b), mask);
    *b = v128_xor(*b, t);
    *a = v128_xor(*a, i32x4_shl(t, shift));
}

/// Transposes the 8 × 8 bits at each byte position of eight vectors.
#[inline(always)]
fn transpose_8(q: &mut [v128; 8]) {
    for (distance, mask) in [(1, 0x55), (2, 0x33), (4, 0x0f)] {
        let mask = u8x16_splat(mask);
        for i in 0..8 {
            if i & distance == 0 {
                let (mut a, mut b) = (q[i], q[i + distance]);
                swap_bits(&mut a, &mut b, mask, distance as u32);
                (q[i], q[i + distance]) = (a, b);
            }
        }
    }
}

/// A round key with the S-box's constant: MixColumns leaves 0x63 in every byte as it is.
#[inline(always)]
fn round_key(aes: &Aes, round: usize) -> v128 {
    let key = load(&aes.round_keys()[round]);
    if round == 0 { key } else { v128_xor(key, u8x16_splat(0x63)) }
}

/// The S-box on the four bytes of a word, for the key schedule.
pub fn sub_word(word: [u8; 4]) -> [u8; 4] {
    let mut q = [u32x4_splat(u32::from_le_bytes(word)); 8];
    transpose_8(&mut q);
    sub_bytes(&mut q);
    transpose_8(&mut q);
    (u32x4_extract_lane::<0>(q[0]) ^ 0x6363_6363).to_le_bytes()
}

/// 32 blocks at once.
#[derive(Clone, Copy)]
pub struct Wide {
    rounds: usize,
    keys: [[v128; 32]; ROUND_KEYS],
}

/// All ones in each lane whose bit `i` is set.
#[inline(always)]
pub fn spread(words: v128, i: usize) -> v128 {
    i32x4_shr(i32x4_shl(words, 31 - i as u32), 31)
}

impl Wide {
    pub const BYTES: usize = 512;

    #[inline(always)]
    pub fn new(aes: &Aes) -> Self {
        let mut wide = Self { rounds: aes.rounds(), keys: [[u32x4_splat(0); 32]; ROUND_KEYS] };
        for round in 0..=wide.rounds {
            let key = round_key(aes, round);
            for i in 0..32 {
                wide.keys[round][i] = spread(key, i);
            }
        }
        wide
    }

    #[inline(always)]
    pub fn round_key(&self, round: usize) -> &[v128; 32] {
        &self.keys[round]
    }

    /// Counter block 0 as slices, with the first round key.
    #[inline(always)]
    pub fn begin(&self, nonce: &[u8; 12], blocks: &mut [v128; 32]) {
        let mut bytes = [0; 16];
        bytes[..12].copy_from_slice(nonce);
        let words = load(&bytes);
        for i in 0..32 {
            blocks[i] = v128_xor(self.keys[0][i], spread(words, i));
        }
    }

    /// The encryption of the 32 counter blocks from `counter`, a multiple of 32 below 2^16.
    pub fn stream(&self, nonce: &[u8; 12], counter: u32, blocks: &mut [v128; 32]) {
        self.begin(nonce, blocks);
        // The counter is big-endian in column 3: bits 0 to 7 in row 3, bits 8 to 15 in row 2.
        for bit in 0..16 {
            let word = if bit < 5 { COUNTING[bit] } else { 0u32.wrapping_sub(counter >> bit & 1) };
            let i = if bit < 8 { 24 + bit } else { 16 + bit - 8 };
            blocks[i] = v128_xor(blocks[i], u32x4_replace_lane::<3>(u32x4_splat(0), word));
        }
        self.finish(1, blocks);
    }

    /// The same of a record whose first two rounds are done.
    #[inline(always)]
    pub fn stream_ahead(&self, ahead: &Ahead, counter: u32, blocks: &mut [v128; 32]) {
        ahead.begin(counter, blocks);
        self.finish(3, blocks);
    }

    /// From round `first` to blocks.
    #[inline(never)]
    fn finish(&self, first: usize, blocks: &mut [v128; 32]) {
        for round in first..self.rounds {
            sub_and_shift(blocks);
            mix_and_add(blocks, &self.keys[round]);
        }
        sub_and_shift(blocks);
        for i in 0..32 {
            blocks[i] = v128_xor(blocks[i], self.keys[self.rounds][i]);
        }
        transpose_32(blocks);
    }
}

/// Rows, 8 vectors each: SubBytes, then ShiftRows. Not inlined, for it is long: a kilobyte of gates per row. One row after the other, so that all
/// addresses are known: in a loop V8 computes each.
#[inline(never)]
pub fn sub_and_shift(blocks: &mut [v128; 32]) {
    let (rows, _) = blocks.as_chunks_mut::<8>();
    sub_and(&mut rows[0], |x| x);
    sub_and(&mut rows[1], |x| i32x4_shuffle::<1, 2, 3, 0>(x, x));
    sub_and(&mut rows[2], |x| i32x4_shuffle::<2, 3, 0, 1>(x, x));
    sub_and(&mut rows[3], |x| i32x4_shuffle::<3, 0, 1, 2>(x, x));
}

#[inline(always)]
fn sub_and(row: &mut Slice, shift: impl Fn(v128) -> v128) {
    sub_bytes(row);
    row.iter_mut().for_each(|x| *x = shift(*x));
}

/// MixColumns, bit by bit: each byte becomes 2·(itself + the next) + the next + the two after that. With `sums` those of neighbours, doubling
/// takes the sum one bit below and, in bits 0, 1, 3 and 4, the one of bit 7.
#[inline(always)]
pub fn mix_and_add(blocks: &mut [v128; 32], key: &[v128; 32]) {
    let sums = |blocks: &[v128; 32], bit: usize| -> [v128; 4] {
        core::array::from_fn(|row| v128_xor(blocks[8 * row + bit], blocks[8 * ((row + 1) & 3) + bit]))
    };
    let top = sums(blocks, 7);
    let mut below = top;
    for bit in 0..8 {
        let now = sums(blocks, bit);
        let old: [v128; 4] = core::array::from_fn(|row| blocks[8 * row + bit]);
        for row in 0..4 {
            let mut x = v128_xor(v128_xor(below[row], old[(row + 1) & 3]), now[(row + 2) & 3]);
            if matches!(bit, 1 | 3 | 4) {
                x = v128_xor(x, top[row]);
            }
            blocks[8 * row + bit] = v128_xor(x, key[8 * row + bit]);
        }
        below = now;
    }
}

/// Transposes the 32 × 32 bits of each lane: vector n becomes block n.
#[inline(always)]
fn transpose_32(blocks: &mut [v128; 32]) {
    for i in 0..8 {
        let [mut a, mut b, mut c, mut d] = [0, 8, 16, 24].map(|j| blocks[i + j]);
        let (mask16, mask8) = (u32x4_splat(0x0000_ffff), u32x4_splat(0x00ff_00ff));
        swap_bits(&mut a, &mut c, mask16, 16);
        swap_bits(&mut b, &mut d, mask16, 16);
        swap_bits(&mut a, &mut b, mask8, 8);
        swap_bits(&mut c, &mut d, mask8, 8);
        (blocks[i], blocks[i + 8], blocks[i + 16], blocks[i + 24]) = (a, b, c, d);
    }
    let (groups, _) = blocks.as_chunks_mut::<8>();
    groups.iter_mut().for_each(transpose_8);
}

/// Eight blocks at once.
pub struct Narrow {
    rounds: usize,
    keys: [Slice; ROUND_KEYS],
}

static SHIFT_ROWS: Indices = Indices([0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11]);
static NEXT_ROW: Indices = Indices([1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12]);
static ROW_AFTER: Indices = Indices([2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13]);

/// Vector b: all ones in each byte whose bit b is set.
#[inline(always)]
fn spread_bytes(bytes: v128) -> Slice {
    core::array::from_fn(|b| {
        let bit = u8x16_splat(1 << b);
        i8x16_eq(v128_and(bytes, bit), bit)
    })
}

impl Narrow {
    pub const BYTES: usize = 128;

    #[inline(always)]
    pub fn new(aes: &Aes) -> Self {
        let mut narrow = Self { rounds: aes.rounds(), keys: [[u32x4_splat(0); 8]; ROUND_KEYS] };
        for round in 0..=narrow.rounds {
            narrow.keys[round] = spread_bytes(round_key(aes, round));
        }
        narrow
    }

    /// The encryption of the eight counter blocks from `counter`, a multiple of 8, to the start of `blocks`.
    pub fn stream(&self, nonce: &[u8; 12], counter: u32, blocks: &mut [v128]) {
        let mut bytes = [0; 16];
        bytes[..12].copy_from_slice(nonce);
        bytes[12..].copy_from_slice(&counter.to_be_bytes());
        let mut q = spread_bytes(load(&bytes));
        for (b, low) in [0xaa, 0xcc, 0xf0].into_iter().enumerate() {
            q[b] = u8x16_replace_lane::<15>(q[b], low);
        }
        self.encrypt(&mut q);
        for (block, q) in blocks.iter_mut().zip(q) {
            *block = q;
        }
    }

    /// The encryption of the zero block.
    pub fn zero(&self) -> [u8; 16] {
        let mut q = [u32x4_splat(0); 8];
        self.encrypt(&mut q);
        let mut block = [0; 16];
        store(&mut block, q[0]);
        block
    }

    /// From slices to encrypted blocks.
    #[inline(never)]
    fn encrypt(&self, q: &mut Slice) {
        for b in 0..8 {
            q[b] = v128_xor(q[b], self.keys[0][b]);
        }
        for round in 1..=self.rounds {
            sub_bytes(q);
            let old: Slice = core::array::from_fn(|b| look_up(q[b], SHIFT_ROWS.get()));
            let key = &self.keys[round];
            if round == self.rounds {
                *q = core::array::from_fn(|b| v128_xor(old[b], key[b]));
                break;
            }
            let next: Slice = core::array::from_fn(|b| look_up(old[b], NEXT_ROW.get()));
            let sums: Slice = core::array::from_fn(|b| v128_xor(old[b], next[b]));
            for b in 0..8 {
                let mut x = v128_xor(sums[(b + 7) & 7], v128_xor(next[b], look_up(sums[b], ROW_AFTER.get())));
                if matches!(b, 1 | 3 | 4) {
                    x = v128_xor(x, sums[7]);
                }
                q[b] = v128_xor(x, key[b]);
            }
        }
        transpose_8(q);
    }
}
