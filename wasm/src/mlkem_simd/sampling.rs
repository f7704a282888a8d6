//! The matrix and the noise, two Keccak states at a time (FIPS 203 §4.2.2).

use core::arch::wasm32::*;

use crate::keccak::{self, SHA3_512_RATE, SHA3_SUFFIX, SHAKE128_RATE, SHAKE256_RATE, SHAKE_SUFFIX};
use crate::keccak_pair::KeccakPair;
use crate::mlkem::K;

use super::encoding::{unpack_12, window};
use super::{Polynomial, Q, ZERO};

/// For each set of accepted lanes, the bytes of those lanes first (and zeros after).
const fn compactions() -> [[u8; 16]; 256] {
    let mut table = [[0x80; 16]; 256];
    let mut set = 0;
    while set < 256 {
        let (mut lane, mut to) = (0, 0);
        while lane < 8 {
            if set >> lane & 1 == 1 {
                table[set][2 * to] = 2 * lane as u8;
                table[set][2 * to + 1] = 2 * lane as u8 + 1;
                to += 1;
            }
            lane += 1;
        }
        set += 1;
    }
    table
}

static COMPACTIONS: [[u8; 16]; 256] = compactions();

/// Indices at or above 128 give zero with either instruction.
#[inline(always)]
fn swizzle(a: v128, indices: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return i8x16_relaxed_swizzle(a, indices);
    #[cfg(not(target_feature = "relaxed-simd"))]
    return i8x16_swizzle(a, indices);
}

const SAMPLE_BYTES: usize = 3 * SHAKE128_RATE;

/// Three blocks of SHAKE128 output, enough for an entry of the matrix in 99 of 100 cases, and room to read vectors from.
struct Stream {
    bytes: [u8; SAMPLE_BYTES + 4],
}

/// An entry of the matrix in the making: the last vector written may stick out by up to 7 coefficients.
#[repr(C, align(16))]
struct Entry {
    coefficients: [i16; 256 + 8],
    count: usize,
}

impl Entry {
    /// Takes the candidates below q (Algorithm 7) from `length` bytes, a multiple of 12. Public data.
    #[inline(never)]
    fn take(&mut self, stream: &Stream, length: usize) {
        let mut at = 0;
        while at < length && self.count < 256 {
            let candidates = unpack_12(window(&stream.bytes, at));
            let accepted = i16x8_bitmask(i16x8_lt(candidates, i16x8_splat(Q)));
            // SAFETY: 16 bytes; `count` is below 256, so eight more coefficients fit.
            unsafe {
                let order = v128_load(COMPACTIONS[usize::from(accepted)].as_ptr().cast());
                v128_store(self.coefficients.as_mut_ptr().add(self.count).cast(), swizzle(candidates, order));
            }
            self.count += accepted.count_ones() as usize;
            at += 12;
        }
    }

    fn polynomial(&self) -> &Polynomial {
        // SAFETY: the first 256 coefficients are 32 vectors, aligned as such.
        unsafe { &*self.coefficients.as_ptr().cast() }
    }
}

/// The matrix, row by row, from rho. Only entries that have been sampled are meaningful.
pub(super) struct Matrix<'a> {
    rho: &'a [u8],
    entries: [Entry; K * K],
    pub(super) pair: KeccakPair,
    streams: [Stream; 2],
}

/// A message of exactly nine blocks of 136 bytes, padded, to be hashed beside three entries.
pub(super) struct NineBlocks([u8; 9 * SHAKE256_RATE]);

impl NineBlocks {
    /// `parts` have 1088 to 1223 bytes together.
    pub(super) fn new(parts: [&[u8]; 2], suffix: u8) -> Self {
        let mut blocks = NineBlocks([0; 9 * SHAKE256_RATE]);
        let length = parts[0].len() + parts[1].len();
        blocks.0[..parts[0].len()].copy_from_slice(parts[0]);
        blocks.0[parts[0].len()..length].copy_from_slice(parts[1]);
        blocks.0[length] = suffix;
        blocks.0[9 * SHAKE256_RATE - 1] |= 0x80;
        blocks
    }
}

impl<'a> Matrix<'a> {
    pub(super) fn new(rho: &'a [u8]) -> Self {
        Matrix {
            rho,
            entries: [const { Entry { coefficients: [0; 264], count: 0 } }; K * K],
            pair: KeccakPair::new(),
            streams: [const { Stream { bytes: [0; SAMPLE_BYTES + 4] } }; 2],
        }
    }

    /// Entry (i, j) is sampled from rho || j || i. This is the word that follows rho.
    fn index(entry: usize) -> u64 {
        let (i, j) = ((entry / K) as u64, (entry % K) as u64);
        j | i << 8 | u64::from(SHAKE_SUFFIX) << 16
    }

    #[inline(always)]
    fn read(&mut self, block: usize, both: bool) {
        const WORDS: usize = SHAKE128_RATE / 8;
        self.pair.read_first::<WORDS>(&mut self.streams[0].bytes[block * SHAKE128_RATE..]);
        if both {
            self.pair.read_second::<WORDS>(&mut self.streams[1].bytes[block * SHAKE128_RATE..]);
        }
    }

    fn finish(&mut self, state: usize, entry: usize) {
        self.entries[entry].take(&self.streams[state], SAMPLE_BYTES);
        if self.entries[entry].count < 256 {
            self.finish_slowly(state, entry);
        }
    }

    /// More blocks from this state alone.
    #[cold]
    #[inline(never)]
    fn finish_slowly(&mut self, state: usize, entry: usize) {
        let mut lanes = self.pair.extract(state);
        while self.entries[entry].count < 256 {
            keccak::permute(&mut lanes);
            for (lane, bytes) in lanes.iter().zip(self.streams[state].bytes[..SHAKE128_RATE].chunks_exact_mut(8)) {
                bytes.copy_from_slice(&lane.to_le_bytes());
            }
            self.entries[entry].take(&self.streams[state], SHAKE128_RATE);
        }
    }

    /// Samples an entry and the next.
    #[inline(never)]
    pub(super) fn sample_two(&mut self, entry: usize) {
        self.pair.start_both::<4>(SHAKE128_RATE, self.rho, [Self::index(entry), Self::index(entry + 1)]);
        for block in 0..3 {
            self.pair.permute();
            self.read(block, true);
        }
        self.finish(0, entry);
        self.finish(1, entry + 1);
    }

    #[inline(never)]
    pub(super) fn sample_one(&mut self, entry: usize) {
        self.pair.start_first::<4>(SHAKE128_RATE, self.rho, Self::index(entry));
        for block in 0..3 {
            self.pair.permute();
            self.read(block, false);
        }
        self.finish(0, entry);
    }

    /// Samples three entries and hashes a message beside them; the first 32 bytes of its hash.
    #[inline(never)]
    pub(super) fn sample_three_beside(&mut self, entry: usize, message: &NineBlocks) -> [u8; 32] {
        self.pair = KeccakPair::new();
        for (i, blocks) in message.0.chunks_exact(3 * SHAKE256_RATE).enumerate() {
            self.pair.start_first::<4>(SHAKE128_RATE, self.rho, Self::index(entry + i));
            for (n, block) in blocks.chunks_exact(SHAKE256_RATE).enumerate() {
                self.pair.absorb_second::<{ SHAKE256_RATE / 8 }>(block);
                self.pair.permute();
                self.read(n, false);
            }
            self.finish(0, entry + i);
        }
        let mut hash = [0; 32];
        self.pair.read_second::<4>(&mut hash);
        hash
    }

    pub(super) fn row(&self, i: usize) -> [&Polynomial; K] {
        core::array::from_fn(|j| self.entries[K * i + j].polynomial())
    }

    pub(super) fn column(&self, j: usize) -> [&Polynomial; K] {
        core::array::from_fn(|i| self.entries[K * i + j].polynomial())
    }
}

/// SamplePolyCBD_2 (Algorithm 8).
#[inline(never)]
fn centered_binomial(bytes: &[u8; 128]) -> Polynomial {
    let mut f = ZERO;
    for i in 0..8 {
        // SAFETY: 16 bytes.
        let x = unsafe { v128_load(window(bytes, 16 * i).as_ptr().cast()) };
        let low_bits = u8x16_splat(0x55);
        let sums = i8x16_add(v128_and(x, low_bits), v128_and(u16x8_shr(x, 1), low_bits));
        // In each nibble: the sum of two bits, plus 3, minus the sum of the other two.
        let low_pairs = u8x16_splat(0x33);
        let differences = i8x16_sub(
            i8x16_add(v128_and(sums, low_pairs), low_pairs),
            v128_and(u16x8_shr(sums, 2), low_pairs),
        );
        let nibble = u8x16_splat(15);
        let (even, odd) = (v128_and(differences, nibble), v128_and(u16x8_shr(differences, 4), nibble));
        let first = i8x16_shuffle::<0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23>(even, odd);
        let second = i8x16_shuffle::<8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31>(even, odd);
        let three = i16x8_splat(3);
        f[4 * i] = i16x8_sub(u16x8_extend_low_u8x16(first), three);
        f[4 * i + 1] = i16x8_sub(u16x8_extend_high_u8x16(first), three);
        f[4 * i + 2] = i16x8_sub(u16x8_extend_low_u8x16(second), three);
        f[4 * i + 3] = i16x8_sub(u16x8_extend_high_u8x16(second), three);
    }
    f
}

/// The first N noise polynomials from a seed of 32 bytes, two at a time.
#[inline(never)]
pub(super) fn sample_noise<const N: usize>(pair: &mut KeccakPair, seed: &[u8]) -> [Polynomial; N] {
    let mut noise = [ZERO; N];
    let mut bytes = [0; 128];
    for (i, two) in noise.chunks_mut(2).enumerate() {
        let n = 2 * i as u64;
        let suffix = u64::from(SHAKE_SUFFIX) << 8;
        pair.start_both::<4>(SHAKE256_RATE, seed, [n | suffix, (n + 1) | suffix]);
        pair.permute();
        pair.read_first::<16>(&mut bytes);
        two[0] = centered_binomial(&bytes);
        if let Some(second) = two.get_mut(1) {
            pair.read_second::<16>(&mut bytes);
            *second = centered_binomial(&bytes);
        }
    }
    noise
}

/// G (§4.1): SHA3-512 of two 32-byte strings.
pub(super) fn g(pair: &mut KeccakPair, message: &[u8; 64]) -> [u8; 64] {
    pair.start_first::<8>(SHA3_512_RATE, message, u64::from(SHA3_SUFFIX));
    pair.permute();
    let mut output = [0; 64];
    pair.read_first::<8>(&mut output);
    output
}
