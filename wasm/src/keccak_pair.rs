//! Two Keccak states at once in the two halves of SIMD vectors. The twin of `keccak.rs`.
//!
//! All 25 lanes do not fit in the 16 registers of x86-64, and V8 spills badly where they are locals. So the state stays in
//! memory and each round reads one array and writes the other, with the five column parities, which the next round needs
//! first, as the only values carried in registers.

use core::arch::wasm32::*;

use crate::keccak::{ROTATIONS, ROUND_CONSTANTS};

#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Lanes([v128; 25]);

/// Two states, called 0 and 1, and the room in which odd rounds leave them.
pub struct KeccakPair {
    lanes: Lanes,
    other: Lanes,
}

const ZERO: Lanes = Lanes([u64x2(0, 0); 25]);

#[inline(always)]
fn rotate<const N: u32>(lane: v128) -> v128 {
    match N {
        0 => lane,
        // Whole bytes move in one instruction.
        8 => i8x16_shuffle::<7, 0, 1, 2, 3, 4, 5, 6, 15, 8, 9, 10, 11, 12, 13, 14>(lane, lane),
        56 => i8x16_shuffle::<1, 2, 3, 4, 5, 6, 7, 0, 9, 10, 11, 12, 13, 14, 15, 8>(lane, lane),
        _ => v128_or(u64x2_shl(lane, N), u64x2_shr(lane, 64 - N)),
    }
}

/// Theta, rho and pi of the lane that goes to row `Y` and column `X`.
#[inline(always)]
fn moved<const X: usize, const Y: usize, const N: u32>(from: &Lanes, mix: &[v128; 5]) -> v128 {
    // The inverse of (x, y) -> (y, 2x + 3y): it comes from (X + 3Y, X).
    let x = (X + 3 * Y) % 5;
    rotate::<N>(v128_xor(from.0[x + 5 * X], mix[x]))
}

const fn rotation(x: usize, y: usize) -> u32 {
    ROTATIONS[(x + 3 * y) % 5 + 5 * x]
}

/// Row `Y` after chi, and `iota` on its first lane.
macro_rules! row {
    ($y:literal, $from:ident, $to:ident, $mix:ident, $parity:ident, $iota:expr) => {
        let b = [
            moved::<0, $y, { rotation(0, $y) }>($from, &$mix),
            moved::<1, $y, { rotation(1, $y) }>($from, &$mix),
            moved::<2, $y, { rotation(2, $y) }>($from, &$mix),
            moved::<3, $y, { rotation(3, $y) }>($from, &$mix),
            moved::<4, $y, { rotation(4, $y) }>($from, &$mix),
        ];
        for x in 0..5 {
            let mut lane = v128_xor(b[x], v128_andnot(b[(x + 2) % 5], b[(x + 1) % 5]));
            if $y == 0 && x == 0 {
                lane = v128_xor(lane, $iota);
            }
            $to.0[x + 5 * $y] = lane;
            $parity[x] = if $y == 0 { lane } else { v128_xor($parity[x], lane) };
        }
    };
}

/// One round; `parity` is that of the columns of `from` and becomes that of `to`.
#[inline(always)]
fn round(from: &Lanes, to: &mut Lanes, parity: &mut [v128; 5], round_constant: u64) {
    let mut mix = [u64x2_splat(0); 5];
    for x in 0..5 {
        mix[x] = v128_xor(parity[(x + 4) % 5], rotate::<1>(parity[(x + 1) % 5]));
    }
    let iota = u64x2_splat(round_constant);
    row!(0, from, to, mix, parity, iota);
    row!(1, from, to, mix, parity, iota);
    row!(2, from, to, mix, parity, iota);
    row!(3, from, to, mix, parity, iota);
    row!(4, from, to, mix, parity, iota);
}

#[inline(never)]
fn permute(lanes: &mut Lanes, other: &mut Lanes) {
    let mut parity = [u64x2_splat(0); 5];
    for x in 0..5 {
        for y in 0..5 {
            parity[x] = v128_xor(parity[x], lanes.0[x + 5 * y]);
        }
    }
    for pair in ROUND_CONSTANTS.chunks_exact(2) {
        round(lanes, other, &mut parity, pair[0]);
        // Keeps the compiler from carrying the lanes to the next round in locals, which V8 would spill.
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
        round(other, lanes, &mut parity, pair[1]);
        core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
    }
}

/// 8 bytes of a message.
#[inline(always)]
fn word(bytes: &[u8], i: usize) -> u64 {
    let b = &bytes[8 * i..8 * i + 8];
    u64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])
}

/// States are written as whole vectors: a vector load that follows two stores of its halves waits for both to reach the cache.
impl KeccakPair {
    pub fn new() -> Self {
        KeccakPair { lanes: ZERO, other: ZERO }
    }

    /// Makes both states that of a message of one block: N words that both begin with, then a word of each, which holds what
    /// remains of the message and the suffix.
    #[inline(always)]
    pub fn start_both<const N: usize>(&mut self, rate: usize, message: &[u8], last: [u64; 2]) {
        self.lanes = ZERO;
        for i in 0..N {
            self.lanes.0[i] = u64x2_splat(word(message, i));
        }
        self.lanes.0[N] = u64x2(last[0], last[1]);
        let end = &mut self.lanes.0[rate / 8 - 1];
        *end = v128_xor(*end, u64x2_splat(1 << 63));
    }

    /// Likewise state 0 alone; state 1 goes on.
    #[inline(always)]
    pub fn start_first<const N: usize>(&mut self, rate: usize, message: &[u8], last: u64) {
        for (i, lane) in self.lanes.0.iter_mut().enumerate() {
            let mut start = if i < N { word(message, i) } else { 0 };
            start ^= if i == N { last } else { 0 };
            start ^= if i == rate / 8 - 1 { 1 << 63 } else { 0 };
            *lane = u64x2_replace_lane::<0>(*lane, start);
        }
    }

    /// Adds a block of N words to state 1.
    #[inline(always)]
    pub fn absorb_second<const N: usize>(&mut self, block: &[u8]) {
        for i in 0..N {
            self.lanes.0[i] = v128_xor(self.lanes.0[i], u64x2(0, word(block, i)));
        }
    }

    /// The first N words of state 0, as bytes.
    #[inline(always)]
    pub fn read_first<const N: usize>(&self, output: &mut [u8]) {
        for (lane, bytes) in self.lanes.0[..N].iter().zip(output[..8 * N].chunks_exact_mut(8)) {
            bytes.copy_from_slice(&u64x2_extract_lane::<0>(*lane).to_le_bytes());
        }
    }

    /// The first N words of state 1, as bytes.
    #[inline(always)]
    pub fn read_second<const N: usize>(&self, output: &mut [u8]) {
        for (lane, bytes) in self.lanes.0[..N].iter().zip(output[..8 * N].chunks_exact_mut(8)) {
            bytes.copy_from_slice(&u64x2_extract_lane::<1>(*lane).to_le_bytes());
        }
    }

    /// A copy of one state, for `keccak::permute`.
    pub fn extract(&self, state: usize) -> [u64; 25] {
        let words: [[u64; 2]; 25] = self.lanes.0.map(|lane| [u64x2_extract_lane::<0>(lane), u64x2_extract_lane::<1>(lane)]);
        words.map(|pair| pair[state])
    }

    pub fn permute(&mut self) {
        permute(&mut self.lanes, &mut self.other);
    }
}
