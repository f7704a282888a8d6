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

#[cfg(target_feature = "relaxed-simd")]
core::arch::global_asm!(include_str!("aes_gcm_relaxed.s"));
#[cfg(not(target_feature = "relaxed-simd"))]
core::arch::global_asm!(include_str!("aes_gcm_strict.s"));

// Made by wasm/kernels/aes.mjs, and those of ghash_simd.rs in the same file.
#[allow(improper_ctypes)] // v128 is a type of WebAssembly's
extern "C" {
    fn aes_sub_bytes(q: *mut Slice);
    fn aes_narrow_round(q: *mut Slice, key: *const Slice);
    fn aes_sub_and_shift(blocks: *mut [v128; 32]);
    fn aes_mix_and_add(blocks: *mut [v128; 32], key: *const [v128; 32]);
    fn aes_blocks(blocks: *mut [v128; 32], key: *const v128, from: *const [u8; 512], to: *mut [u8; 512]);
    fn aes_add_changed(blocks: *mut [v128; 32], changed: *const Slice);
}

/// The S-box without its constant 0x63, which is folded into the round keys.
#[inline(always)]
pub fn sub_bytes(q: &mut Slice) {
    // SAFETY (of all): the kernels read and write whole values of these types.
    unsafe { aes_sub_bytes(q) };
}

/// Rows, 8 vectors each: SubBytes, then ShiftRows.
#[inline(always)]
pub fn sub_and_shift(blocks: &mut [v128; 32]) {
    unsafe { aes_sub_and_shift(blocks) };
}

/// Adds what a changed byte gives the rows: aes_ahead.rs.
#[inline(always)]
pub fn add_changed(blocks: &mut [v128; 32], changed: &Slice) {
    unsafe { aes_add_changed(blocks, changed) };
}

/// MixColumns and AddRoundKey.
#[inline(always)]
pub fn mix_and_add(blocks: &mut [v128; 32], key: &[v128; 32]) {
    unsafe { aes_mix_and_add(blocks, key) };
}

/// Exchanges the bits of `a` that `mask << shift` selects with those of `b` that `mask` selects.
#[inline(always)]
fn swap_bits(a: &mut v128, b: &mut v128, mask: v128, shift: u32) {
    let t = v128_and(v128_xor(u32x4_shr(*a, shift), *b), mask);
    *b = v128_xor(*b, t);
    *a = v128_xor(*a, i32x4_shl(t, shift));
}

/// Transposes the 8 × 8 bits at each byte position of eight vectors.
#[inline(never)]
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
    /// All round keys but the last, as slices.
    keys: [[v128; 32]; ROUND_KEYS - 1],
    last_key: v128,
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
        let last_key = round_key(aes, aes.rounds());
        let mut wide = Self { rounds: aes.rounds(), keys: [[u32x4_splat(0); 32]; ROUND_KEYS - 1], last_key };
        for round in 0..wide.rounds {
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

    /// The 32 counter blocks from `counter` as slices, with the first round key.
    #[inline(never)]
    fn count(&self, nonce: &[u8; 12], counter: u32, blocks: &mut [v128; 32]) {
        self.begin(nonce, blocks);
        // The counter is big-endian in column 3: bits 0 to 7 in row 3, bits 8 to 15 in row 2.
        for bit in 0..16 {
            let word = if bit < 5 { COUNTING[bit] } else { 0u32.wrapping_sub(counter >> bit & 1) };
            let i = if bit < 8 { 24 + bit } else { 16 + bit - 8 };
            blocks[i] = v128_xor(blocks[i], u32x4_replace_lane::<3>(u32x4_splat(0), word));
        }
    }

    /// Writes to `to` what `from` has, exclusive or the encryption of the 32 counter blocks from `counter`, a multiple of 32 below 2^16.
    ///
    /// SAFETY: 512 bytes readable and writable; `from` is `to`, lies behind it, or is apart from it.
    #[inline(never)]
    pub unsafe fn apply(&self, ahead: Option<&Ahead>, nonce: &[u8; 12], counter: u32, from: *const [u8; 512], to: *mut [u8; 512]) {
        let mut blocks = [u32x4_splat(0); 32];
        let first = match ahead {
            Some(ahead) => {
                ahead.begin(counter, &mut blocks);
                3
            }
            None => {
                self.count(nonce, counter, &mut blocks);
                1
            }
        };
        for key in &self.keys[first..self.rounds] {
            sub_and_shift(&mut blocks);
            mix_and_add(&mut blocks, key);
        }
        sub_and_shift(&mut blocks);
        unsafe { aes_blocks(&mut blocks, &self.last_key, from, to) };
    }
}

/// Eight blocks at once.
pub struct Narrow {
    rounds: usize,
    keys: [Slice; ROUND_KEYS],
}

static SHIFT_ROWS: Indices = Indices([0, 5, 10, 15, 4, 9, 14, 3, 8, 13, 2, 7, 12, 1, 6, 11]);

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
        for key in &self.keys[1..self.rounds] {
            unsafe { aes_narrow_round(q, key) };
        }
        sub_bytes(q);
        for b in 0..8 {
            q[b] = v128_xor(look_up(q[b], SHIFT_ROWS.get()), self.keys[self.rounds][b]);
        }
        transpose_8(q);
    }
}
