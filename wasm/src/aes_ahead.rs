//! The first two rounds of AES in counter mode, done once for all blocks of a record. The counter blocks of a record differ in their last
//! two bytes alone: byte 15 counts, byte 14 changes every 256 blocks. Of the state (rows from 0, columns from 0),
//!
//! - the first ShiftRows moves byte 15 (row 3, column 3) to column 0, and byte 14 (row 2, column 3) to column 1;
//! - so the first round leaves 256 values of column 0, while the other columns depend on byte 14 alone;
//! - the second ShiftRows moves the four bytes of column 0 to four different columns. MixColumns is linear: each column is a sum of what
//!   one of these bytes gives, the same for all 256 values of byte 14, and of what does not depend on byte 15.
//!
//! That makes two rounds of two exclusive ors. Layout as in aes_simd.rs, `Wide`.

use crate::aes_simd::{add_changed, mix_and_add, sub_and_shift, sub_bytes, Slice, Wide, COUNTING};
use core::arch::wasm32::*;

pub struct Ahead {
    /// The state after two rounds without the part of byte 15. Bit n of each lane is for byte 14 = n, which is less than 32.
    base: [v128; 32],
    /// For each 32 values of byte 15 the four bytes that it changed in the first round, after the second SubBytes; lane c holds the one
    /// that ShiftRows moves to column c.
    changed: [Slice; 8],
}

const fn lanes(of: [u32; 4]) -> v128 {
    u32x4(0u32.wrapping_sub(of[0]), 0u32.wrapping_sub(of[1]), 0u32.wrapping_sub(of[2]), 0u32.wrapping_sub(of[3]))
}

/// Twice each byte, in the field of AES.
#[inline(always)]
fn doubled(q: &Slice) -> Slice {
    core::array::from_fn(|b| if matches!(b, 1 | 3 | 4) { v128_xor(q[b - 1], q[7]) } else { q[(b + 7) & 7] })
}

/// Clears one column of one row.
#[inline(always)]
fn clear(state: &mut [v128; 32], row: usize, column: usize) {
    let others = lanes(core::array::from_fn(|lane| (lane != column) as u32));
    for x in &mut state[8 * row..8 * row + 8] {
        *x = v128_and(*x, others);
    }
}

impl Ahead {
    /// Blocks from this counter on are not covered.
    pub const BLOCKS: u32 = 32 * 256;

    #[inline(always)]
    pub fn new(keys: &Wide, nonce: &[u8; 12]) -> Self {
        let mut ahead = Self { base: [u32x4_splat(0); 32], changed: [[u32x4_splat(0); 8]; 8] };
        ahead.fill(keys, nonce);
        ahead
    }

    #[inline(never)]
    fn fill(&mut self, keys: &Wide, nonce: &[u8; 12]) {
        let state = &mut self.base;
        keys.begin(nonce, state);
        for bit in 0..5 {
            let counting = u32x4_replace_lane::<3>(u32x4_splat(0), COUNTING[bit]);
            state[16 + bit] = v128_xor(state[16 + bit], counting);
        }
        sub_and_shift(state);
        clear(state, 3, 0);
        mix_and_add(state, keys.round_key(1));
        let mut column_0 = [u32x4_splat(0); 32];
        for i in 0..32 {
            column_0[i] = i32x4_shuffle::<0, 0, 0, 0>(state[i], state[i]);
        }
        sub_and_shift(state);
        for row in 0..4 {
            clear(state, row, (4 - row) & 3);
        }
        mix_and_add(state, keys.round_key(2));
        self.change(keys, &column_0, 0);
        self.change(keys, &column_0, 1);
    }

    /// Fills half of `changed`: lane n of the four rows has the values of byte 15 from 128 · `half` + 32n on.
    #[inline(never)]
    fn change(&mut self, keys: &Wide, column_0: &[v128; 32], half: usize) {
        let (rows, _) = column_0.as_chunks::<8>();
        let key = keys.round_key(0);
        let mut byte: Slice = core::array::from_fn(|bit| {
            let counter = match bit {
                0..5 => u32x4_splat(COUNTING[bit]),
                5 => lanes([0, 1, 0, 1]),
                6 => lanes([0, 0, 1, 1]),
                _ => u32x4_splat(0u32.wrapping_sub(half as u32)),
            };
            v128_xor(counter, i32x4_shuffle::<3, 3, 3, 3>(key[24 + bit], key[24 + bit]))
        });
        sub_bytes(&mut byte);
        let twice = doubled(&byte);
        // What MixColumns gives the rows of column 0 of the byte in row 3.
        let mut column: [Slice; 4] = core::array::from_fn(|row| {
            core::array::from_fn(|bit| {
                let times = [byte[bit], byte[bit], v128_xor(byte[bit], twice[bit]), twice[bit]];
                v128_xor(rows[row][bit], times[row])
            })
        });
        column.iter_mut().for_each(sub_bytes);
        for bit in 0..8 {
            // From rows with four sets of values to sets with the columns that the rows are moved to.
            let [a, b, c, d] = [0, 3, 2, 1].map(|row: usize| column[row][bit]);
            let (ab_low, ab_high) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
            let (cd_low, cd_high) = (i32x4_shuffle::<0, 4, 1, 5>(c, d), i32x4_shuffle::<2, 6, 3, 7>(c, d));
            self.changed[4 * half][bit] = i64x2_shuffle::<0, 2>(ab_low, cd_low);
            self.changed[4 * half + 1][bit] = i64x2_shuffle::<1, 3>(ab_low, cd_low);
            self.changed[4 * half + 2][bit] = i64x2_shuffle::<0, 2>(ab_high, cd_high);
            self.changed[4 * half + 3][bit] = i64x2_shuffle::<1, 3>(ab_high, cd_high);
        }
    }

    /// The state after two rounds of the 32 counter blocks from `counter`, a multiple of 32.
    #[inline(always)]
    pub fn begin(&self, counter: u32, blocks: &mut [v128; 32]) {
        let bit_of_14 = u32x4_splat(1 << (counter >> 8));
        for i in 0..32 {
            // Not by shifts: V8 would move their number to a vector for each.
            blocks[i] = i32x4_eq(v128_and(self.base[i], bit_of_14), bit_of_14);
        }
        add_changed(blocks, &self.changed[(counter >> 5 & 7) as usize]);
    }
}
