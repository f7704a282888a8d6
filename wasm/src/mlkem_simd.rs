//! ML-KEM-768 in 8 × 16-bit SIMD. The twin of `mlkem.rs`, which explains the algorithms and is the oracle.
//!
//! - Polynomials are 32 vectors of signed 16-bit coefficients, not fully reduced: `mlkem_bounds.rs` follows their bounds.
//! - Products with constants are Barrett's, with a rounding high multiplication (`q15mulr`); products of two variables are
//!   sums of 32-bit products, reduced by Montgomery.
//! - Two Keccak states run side by side: two entries of the matrix, or one beside the hash of the key.
//!
//! Constant time as in the twin: only the sampling of the public matrix branches. Callers wipe the stack.

use core::arch::wasm32::*;

use crate::constant_time::nonzero_mask;
use crate::keccak::{self, sha3_256, SHA3_512_RATE, SHA3_SUFFIX, SHAKE128_RATE, SHAKE256_RATE, SHAKE_SUFFIX};
use crate::keccak_pair::KeccakPair;
use crate::mlkem::{
    bit_reverse_7, factor, zeta_power, Ciphertext, DecapsulationKey, EncapsulationKey, Factor, CIPHERTEXT_BYTES, DK_EK, DK_HASH, DK_Z,
    DU, ENCAPSULATION_KEY_BYTES, K, MESSAGE_BYTES, POLYNOMIAL_BYTES, SEED_BYTES, SHARED_SECRET_BYTES, U_BYTES,
};

const Q: i16 = crate::mlkem::Q as i16;

/// Coefficients 8i to 8i + 7 in vector i.
type Polynomial = [v128; 32];
const ZERO: Polynomial = [i16x8(0, 0, 0, 0, 0, 0, 0, 0); 32];

/// Bytes of stack that the functions here use, at most, and that their callers wipe.
pub const STACK_BYTES: usize = 24 * 1024;

// Arithmetic

/// A factor for each of eight lanes.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Factors {
    values: [i16; 8],
    quotients: [i16; 8],
}

#[derive(Clone, Copy)]
struct FactorVector(v128, v128);

impl Factor {
    /// In all lanes.
    #[inline(always)]
    fn splat(self) -> FactorVector {
        FactorVector(i16x8_splat(self.0), i16x8_splat(self.1))
    }
}

impl Factors {
    #[inline(always)]
    fn load(&self) -> FactorVector {
        // SAFETY: both are 16 bytes.
        unsafe { FactorVector(v128_load(self.values.as_ptr().cast()), v128_load(self.quotients.as_ptr().cast())) }
    }
}

/// round(a b / 2^15). The strict and the relaxed instruction differ for a = b = -2^15 alone, which does not occur: the second
/// operand is a Barrett quotient, below 2^14 in magnitude.
#[inline(always)]
fn multiply_high(a: v128, b: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return i16x8_relaxed_q15mulr(a, b);
    #[cfg(not(target_feature = "relaxed-simd"))]
    return i16x8_q15mulr_sat(a, b);
}

/// a · factor mod q, for any a: at most q / 2 + q |a| / 2^16 in magnitude, so less than q.
#[inline(always)]
fn multiply(a: v128, factor: FactorVector) -> v128 {
    let quotient = multiply_high(a, factor.1);
    i16x8_sub(i16x8_mul(a, factor.0), i16x8_mul(quotient, i16x8_splat(Q)))
}

/// a mod q, for any a: at most 2187 in magnitude. (10 = round(2^15 / q).)
#[inline(always)]
fn reduce(a: v128) -> v128 {
    i16x8_sub(a, i16x8_mul(multiply_high(a, i16x8_splat(10)), i16x8_splat(Q)))
}

/// a mod q in [0, q), for any a.
#[inline(always)]
fn canonical(a: v128) -> v128 {
    let reduced = reduce(a);
    i16x8_add(reduced, v128_and(i16x8_shr(reduced, 15), i16x8_splat(Q)))
}

// The number-theoretic transform

/// zeta^BitRev7(i).
const fn zetas() -> [Factor; 128] {
    let mut table = [Factor(0, 0); 128];
    let mut i = 0;
    while i < 128 {
        table[i] = factor(zeta_power(bit_reverse_7(i)));
        i += 1;
    }
    table
}

/// The factors of 16 pairs of vectors in a layer whose blocks are shorter than a vector: lane l of pair i has the zeta of index
/// `first + per_pair · i + l / lanes`.
const fn short_layer(first: usize, per_pair: usize, lanes: usize) -> [Factors; 16] {
    let zetas = zetas();
    let mut table = [Factors { values: [0; 8], quotients: [0; 8] }; 16];
    let mut i = 0;
    while i < 16 {
        let mut lane = 0;
        while lane < 8 {
            let zeta = zetas[first + per_pair * i + lane / lanes];
            table[i].values[lane] = zeta.0;
            table[i].quotients[lane] = zeta.1;
            lane += 1;
        }
        i += 1;
    }
    table
}

/// 1 in even lanes, the gamma of the pair of coefficients (zeta^(2 BitRev7(i) + 1)) in odd ones.
const fn gammas() -> [Factors; 32] {
    let mut table = [Factors { values: [0; 8], quotients: [0; 8] }; 32];
    let mut i = 0;
    while i < 32 {
        let mut lane = 0;
        while lane < 8 {
            let pair = 4 * i + lane / 2;
            let gamma = if lane % 2 == 0 { factor(1) } else { factor(zeta_power(2 * bit_reverse_7(pair) + 1)) };
            table[i].values[lane] = gamma.0;
            table[i].quotients[lane] = gamma.1;
            lane += 1;
        }
        i += 1;
    }
    table
}

static ZETAS: [Factor; 128] = zetas();
static LAYER_4: [Factors; 16] = short_layer(32, 2, 4);
static LAYER_2: [Factors; 16] = short_layer(64, 4, 2);
static GAMMAS: [Factors; 32] = gammas();

/// 2^16 and 2^16 / 128 mod q: they take back Montgomery's 2^-16 from `dot`, the latter with the inverse transform's 1 / 128.
const MONTGOMERY: Factor = factor(65536 % Q as u32);
const MONTGOMERY_128: Factor = factor(65536 % Q as u32 * 3303);

/// Butterflies between vectors `STRIDE` apart.
#[inline(always)]
fn forward_layer<const STRIDE: usize>(f: &mut Polynomial) {
    for (block, half) in f.chunks_exact_mut(2 * STRIDE).enumerate() {
        let zeta = ZETAS[16 / STRIDE + block].splat();
        let (low, high) = half.split_at_mut(STRIDE);
        for (a, b) in low.iter_mut().zip(high) {
            let t = multiply(*b, zeta);
            *b = i16x8_sub(*a, t);
            *a = i16x8_add(*a, t);
        }
    }
}

#[inline(always)]
fn inverse_layer<const STRIDE: usize, const REDUCE: bool>(f: &mut Polynomial) {
    for (block, half) in f.chunks_exact_mut(2 * STRIDE).enumerate() {
        let zeta = ZETAS[32 / STRIDE - 1 - block].splat();
        let (low, high) = half.split_at_mut(STRIDE);
        for (a, b) in low.iter_mut().zip(high) {
            let sum = i16x8_add(*a, *b);
            *b = multiply(i16x8_sub(*b, *a), zeta);
            *a = if REDUCE { reduce(sum) } else { sum };
        }
    }
}

/// NTT (Algorithm 9). In: |f| ≤ q. Out: at most 2187.
#[inline(never)]
fn ntt(f: &mut Polynomial) {
    forward_layer::<16>(f);
    forward_layer::<8>(f);
    forward_layer::<4>(f);
    forward_layer::<2>(f);
    forward_layer::<1>(f);
    // Blocks of 8 and of 4 lie within vectors: bring their halves into vectors of their own, and back.
    for (pair, (zeta_4, zeta_2)) in f.chunks_exact_mut(2).zip(LAYER_4.iter().zip(&LAYER_2)) {
        let (a, b) = (i64x2_shuffle::<0, 2>(pair[0], pair[1]), i64x2_shuffle::<1, 3>(pair[0], pair[1]));
        let t = multiply(b, zeta_4.load());
        let (a, b) = (i16x8_add(a, t), i16x8_sub(a, t));
        let (c, d) = (i64x2_shuffle::<0, 2>(a, b), i64x2_shuffle::<1, 3>(a, b));
        let (a, b) = (i32x4_shuffle::<0, 2, 4, 6>(c, d), i32x4_shuffle::<1, 3, 5, 7>(c, d));
        let t = multiply(b, zeta_2.load());
        let (a, b) = (reduce(i16x8_add(a, t)), reduce(i16x8_sub(a, t)));
        pair[0] = i32x4_shuffle::<0, 4, 1, 5>(a, b);
        pair[1] = i32x4_shuffle::<2, 6, 3, 7>(a, b);
    }
}

/// NTT⁻¹ (Algorithm 10) and multiplication by 2^16. In: |f| ≤ 2741, as `dot` leaves it. Out: less than q.
///
/// The zetas are those of the forward transform from the end of the table backwards: -zeta^-BitRev7(i) is the zeta of the
/// mirrored index, and the sign is in the order of the subtraction.
#[inline(never)]
fn inverse_ntt(f: &mut Polynomial) {
    for (pair, (zeta_4, zeta_2)) in f.chunks_exact_mut(2).zip(LAYER_4.iter().rev().zip(LAYER_2.iter().rev())) {
        let (zeta_4, zeta_2) = (zeta_4.load(), zeta_2.load());
        let mirror_2 = |z: v128| i32x4_shuffle::<3, 2, 1, 0>(z, z);
        let mirror_4 = |z: v128| i64x2_shuffle::<1, 0>(z, z);
        let (a, b) = (i32x4_shuffle::<0, 2, 4, 6>(pair[0], pair[1]), i32x4_shuffle::<1, 3, 5, 7>(pair[0], pair[1]));
        let zeta = FactorVector(mirror_2(zeta_2.0), mirror_2(zeta_2.1));
        let (a, b) = (i16x8_add(a, b), multiply(i16x8_sub(b, a), zeta));
        let (c, d) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
        let (a, b) = (i64x2_shuffle::<0, 2>(c, d), i64x2_shuffle::<1, 3>(c, d));
        let zeta = FactorVector(mirror_4(zeta_4.0), mirror_4(zeta_4.1));
        let (a, b) = (reduce(i16x8_add(a, b)), multiply(i16x8_sub(b, a), zeta));
        pair[0] = i64x2_shuffle::<0, 2>(a, b);
        pair[1] = i64x2_shuffle::<1, 3>(a, b);
    }
    inverse_layer::<1, false>(f);
    inverse_layer::<2, true>(f);
    inverse_layer::<4, false>(f);
    inverse_layer::<8, true>(f);
    inverse_layer::<16, false>(f);
    let scale = MONTGOMERY_128.splat();
    for v in f {
        *v = multiply(*v, scale);
    }
}

/// The right-hand side of products in T_q: for each pair b0 + b1 X, (b0, gamma b1) and (b1, b0), so that two dot products of
/// (a0, a1) with them are the product's coefficients.
struct Prepared {
    even: [Polynomial; K],
    odd: [Polynomial; K],
}

#[inline(never)]
fn prepare(f_hat: &[Polynomial; K]) -> Prepared {
    let mut prepared = Prepared { even: [ZERO; K], odd: [ZERO; K] };
    for j in 0..K {
        for i in 0..32 {
            let f = f_hat[j][i];
            prepared.even[j][i] = multiply(f, GAMMAS[i].load());
            prepared.odd[j][i] = i8x16_shuffle::<2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13>(f, f);
        }
    }
    prepared
}

/// The sum of MultiplyNTTs (Algorithm 11), times 2^-16. `f_hat` is in [0, q); out: at most 2741 in magnitude.
#[inline(never)]
fn dot(f_hat: [&Polynomial; K], g_hat: &Prepared, sum: &mut Polynomial) {
    // q^-1 mod 2^16.
    let q_inverse = i16x8_splat(-3327);
    let q = i32x4_splat(Q as i32);
    // x - q (x q^-1 mod 2^16), divisible by 2^16. The dot product picks the low half of each lane, since the high half of `q` is 0.
    let reduced = |x: v128| i32x4_sub(x, i32x4_dot_i16x8(i16x8_mul(x, q_inverse), q));
    for i in 0..32 {
        let products = |g: &[Polynomial; K]| {
            let (a, b) = (i32x4_dot_i16x8(f_hat[0][i], g[0][i]), i32x4_dot_i16x8(f_hat[1][i], g[1][i]));
            i32x4_add(i32x4_add(a, b), i32x4_dot_i16x8(f_hat[2][i], g[2][i]))
        };
        let (even, odd) = (reduced(products(&g_hat.even)), reduced(products(&g_hat.odd)));
        sum[i] = v128_or(u32x4_shr(even, 16), v128_and(odd, u32x4_splat(0xffff0000)));
    }
}

// Bits and bytes

/// Eight 12-bit coefficients from the first 12 of 16 bytes.
#[inline(always)]
fn unpack_12(bytes: &[u8; 16]) -> v128 {
    // SAFETY: 16 bytes.
    let x = unsafe { v128_load(bytes.as_ptr().cast()) };
    let y = i8x16_shuffle::<0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11>(x, x);
    v128_bitselect(v128_and(y, i16x8_splat(0xfff)), u16x8_shr(y, 4), u32x4_splat(0xffff))
}

/// ByteDecode_12 without reduction, of bytes that at least four others follow.
#[inline(never)]
fn decode_12(bytes: &[u8; POLYNOMIAL_BYTES + 4]) -> Polynomial {
    let mut f = ZERO;
    for (i, v) in f.iter_mut().enumerate() {
        *v = unpack_12(window(bytes, 12 * i));
    }
    f
}

/// ByteEncode_12 of any representatives.
#[inline(never)]
fn encode_12(f: &Polynomial, output: &mut [u8]) {
    for (v, bytes) in f.iter().zip(output.chunks_exact_mut(12)) {
        // 24 bits in each 32-bit lane.
        let pairs = i32x4_dot_i16x8(canonical(*v), i32x4_splat(1 | 4096 << 16));
        let packed = i8x16_shuffle::<0, 1, 2, 4, 5, 6, 8, 9, 10, 12, 13, 14, 3, 3, 3, 3>(pairs, pairs);
        bytes[..8].copy_from_slice(&u64x2_extract_lane::<0>(packed).to_le_bytes());
        bytes[8..].copy_from_slice(&u32x4_extract_lane::<2>(packed).to_le_bytes());
    }
}

/// 16 bytes of a longer array.
#[inline(always)]
fn window(bytes: &[u8], at: usize) -> &[u8; 16] {
    let bytes = &bytes[at..at + 16];
    // SAFETY: it has 16 bytes.
    unsafe { &*bytes.as_ptr().cast() }
}

/// floor((x · multiplier + addend) / 2^shift) for x in [0, q): Compress_d before the reduction modulo 2^d.
#[inline(always)]
fn scale(x: v128, multiplier: u32, addend: u32, shift: u32) -> v128 {
    let half = |half: v128| {
        u32x4_shr(i32x4_add(i32x4_mul(half, u32x4_splat(multiplier)), u32x4_splat(addend)), shift)
    };
    i16x8_narrow_i32x4(half(u32x4_extend_low_u16x8(x)), half(u32x4_extend_high_u16x8(x)))
}

/// ByteEncode_10 of Compress_10. (645084 = round(2^31 / q); that the constants are exact for all x is tested.)
#[inline(never)]
fn compress_10(f: &Polynomial, output: &mut [u8]) {
    for (v, bytes) in f.iter().zip(output.chunks_exact_mut(10)) {
        let y = v128_and(scale(canonical(*v), 645084, 1047644, 21), i16x8_splat(1023));
        // 20 bits in each 32-bit lane, then 40 in each half.
        let pairs = i32x4_dot_i16x8(y, i32x4_splat(1 | 1024 << 16));
        let halves = v128_or(
            v128_and(pairs, u64x2_splat(0xfffff)),
            v128_and(u64x2_shr(pairs, 12), u64x2_splat(0xfffff00000)),
        );
        let packed = i8x16_shuffle::<0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 15, 15, 15, 15, 15, 15>(halves, halves);
        bytes[..8].copy_from_slice(&u64x2_extract_lane::<0>(packed).to_le_bytes());
        bytes[8..].copy_from_slice(&u16x8_extract_lane::<4>(packed).to_le_bytes());
    }
}

/// ByteEncode_4 of Compress_4.
#[inline(never)]
fn compress_4(f: &Polynomial, output: &mut [u8]) {
    for (v, bytes) in f.iter().zip(output.chunks_exact_mut(4)) {
        let y = v128_and(scale(canonical(*v), 161271, 1 << 24, 25), i16x8_splat(15));
        let pairs = v128_or(y, u32x4_shr(y, 12));
        let packed = i8x16_shuffle::<0, 4, 8, 12, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15>(pairs, pairs);
        bytes.copy_from_slice(&u32x4_extract_lane::<0>(packed).to_le_bytes());
    }
}

/// Decompress_10 of ByteDecode_10, of bytes that at least six others follow.
#[inline(never)]
fn decompress_10(bytes: &[u8]) -> Polynomial {
    let mut f = ZERO;
    for (i, v) in f.iter_mut().enumerate() {
        // SAFETY: 16 bytes.
        let x = unsafe { v128_load(window(bytes, 10 * i).as_ptr().cast()) };
        // The two bytes that each coefficient lies in; it begins at bit 0, 2, 4 or 6 of them.
        let y = i8x16_shuffle::<0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 6, 7, 7, 8, 8, 9>(x, x);
        let y = u16x8_shr(i16x8_mul(y, i16x8(64, 16, 4, 1, 64, 16, 4, 1)), 6);
        *v = scale(y, Q as u32, 512, 10);
    }
    f
}

/// Decompress_4 of ByteDecode_4.
#[inline(never)]
fn decompress_4(bytes: &[u8]) -> Polynomial {
    let mut f = ZERO;
    for (v, four) in f.iter_mut().zip(bytes.chunks_exact(4)) {
        let x = u32x4_splat(u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        // Each byte twice in a 16-bit lane: the low nibble is in bits 8-11 of even lanes, the high one in bits 12-15 of odd ones.
        let y = i8x16_shuffle::<0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3>(x, x);
        let y = v128_and(u16x8_shr(i16x8_mul(y, i16x8(16, 1, 16, 1, 16, 1, 16, 1)), 12), i16x8_splat(15));
        // At most 15 q + 8 < 2^16.
        *v = u16x8_shr(i16x8_add(i16x8_mul(y, i16x8_splat(Q)), i16x8_splat(8)), 4);
    }
    f
}

/// Decompress_1 of ByteDecode_1, added to a polynomial: 1665 for each bit set.
#[inline(never)]
fn add_message(f: &mut Polynomial, message: &[u8; MESSAGE_BYTES]) {
    for (v, &byte) in f.iter_mut().zip(message) {
        let bits = v128_and(i16x8_splat(i16::from(byte)), i16x8(1, 2, 4, 8, 16, 32, 64, 128));
        *v = i16x8_add(*v, v128_and(i16x8_ne(bits, i16x8_splat(0)), i16x8_splat(1665)));
    }
}

/// ByteEncode_1 of Compress_1: the bit is set from q / 4 to 3 q / 4.
#[inline(never)]
fn to_message(f: &Polynomial) -> [u8; MESSAGE_BYTES] {
    let mut message = [0; MESSAGE_BYTES];
    for (v, byte) in f.iter().zip(&mut message) {
        let x = canonical(*v);
        *byte = i16x8_bitmask(v128_and(i16x8_gt(x, i16x8_splat(832)), i16x8_lt(x, i16x8_splat(2497))));
    }
    message
}

// Sampling

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
struct Matrix<'a> {
    rho: &'a [u8],
    entries: [Entry; K * K],
    pair: KeccakPair,
    streams: [Stream; 2],
}

/// A message of exactly nine blocks of 136 bytes, padded, to be hashed beside three entries.
struct NineBlocks([u8; 9 * SHAKE256_RATE]);

impl NineBlocks {
    /// `parts` have 1088 to 1223 bytes together.
    fn new(parts: [&[u8]; 2], suffix: u8) -> Self {
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
    fn new(rho: &'a [u8]) -> Self {
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
    fn sample_two(&mut self, entry: usize) {
        self.pair.start_both::<4>(SHAKE128_RATE, self.rho, [Self::index(entry), Self::index(entry + 1)]);
        for block in 0..3 {
            self.pair.permute();
            self.read(block, true);
        }
        self.finish(0, entry);
        self.finish(1, entry + 1);
    }

    #[inline(never)]
    fn sample_one(&mut self, entry: usize) {
        self.pair.start_first::<4>(SHAKE128_RATE, self.rho, Self::index(entry));
        for block in 0..3 {
            self.pair.permute();
            self.read(block, false);
        }
        self.finish(0, entry);
    }

    /// Samples three entries and hashes a message beside them; the first 32 bytes of its hash.
    #[inline(never)]
    fn sample_three_beside(&mut self, entry: usize, message: &NineBlocks) -> [u8; 32] {
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

    fn row(&self, i: usize) -> [&Polynomial; K] {
        core::array::from_fn(|j| self.entries[K * i + j].polynomial())
    }

    fn column(&self, j: usize) -> [&Polynomial; K] {
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
fn sample_noise<const N: usize>(pair: &mut KeccakPair, seed: &[u8]) -> [Polynomial; N] {
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
fn g(pair: &mut KeccakPair, message: &[u8; 64]) -> [u8; 64] {
    pair.start_first::<8>(SHA3_512_RATE, message, u64::from(SHA3_SUFFIX));
    pair.permute();
    let mut output = [0; 64];
    pair.read_first::<8>(&mut output);
    output
}

// The scheme

fn concatenate(a: &[u8], b: &[u8]) -> [u8; 64] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(a);
    both[32..].copy_from_slice(b);
    both
}

fn decode_vector(bytes: &[u8]) -> [Polynomial; K] {
    core::array::from_fn(|i| {
        let bytes = &bytes[POLYNOMIAL_BYTES * i..][..POLYNOMIAL_BYTES + 4];
        // SAFETY: as long as the array.
        decode_12(unsafe { &*bytes.as_ptr().cast() })
    })
}

/// The modulus check of §7.2.
fn is_reduced(t_hat: &[Polynomial; K]) -> bool {
    let mut too_large = i16x8_splat(0);
    for v in t_hat.iter().flatten() {
        too_large = v128_or(too_large, i16x8_ge(*v, i16x8_splat(Q)));
    }
    !v128_any_true(too_large)
}

/// K-PKE.Encrypt (Algorithm 14), the matrix and t being sampled and decoded.
#[inline(never)]
fn encrypt(
    matrix: &mut Matrix,
    t_hat: &[Polynomial; K],
    message: &[u8; MESSAGE_BYTES],
    randomness: &[u8],
    ciphertext: &mut Ciphertext,
) {
    let [mut y0, mut y1, mut y2, e1_0, e1_1, e1_2, e2] = sample_noise::<7>(&mut matrix.pair, randomness);
    ntt(&mut y0);
    ntt(&mut y1);
    ntt(&mut y2);
    let y_hat = prepare(&[y0, y1, y2]);
    let mut sum = ZERO;
    for (i, (e1, bytes)) in [e1_0, e1_1, e1_2].iter().zip(ciphertext.chunks_exact_mut(32 * DU as usize)).enumerate() {
        dot(matrix.column(i), &y_hat, &mut sum);
        inverse_ntt(&mut sum);
        add(&mut sum, e1);
        compress_10(&sum, bytes);
    }
    dot([&t_hat[0], &t_hat[1], &t_hat[2]], &y_hat, &mut sum);
    inverse_ntt(&mut sum);
    add(&mut sum, &e2);
    add_message(&mut sum, message);
    compress_4(&sum, &mut ciphertext[U_BYTES..]);
}

fn add(f: &mut Polynomial, g: &Polynomial) {
    for (a, b) in f.iter_mut().zip(g) {
        *a = i16x8_add(*a, *b);
    }
}

/// K-PKE.Decrypt (Algorithm 15). `dk` is the whole decapsulation key, so that vectors may be read over the end of a part.
#[inline(never)]
fn decrypt(dk: &DecapsulationKey, ciphertext: &Ciphertext) -> [u8; MESSAGE_BYTES] {
    let mut u_hat = [ZERO; K];
    for (i, u) in u_hat.iter_mut().enumerate() {
        *u = decompress_10(&ciphertext[32 * DU as usize * i..]);
        ntt(u);
    }
    let u_hat = prepare(&u_hat);
    let s_hat = decode_vector(dk);
    let mut product = ZERO;
    dot([&s_hat[0], &s_hat[1], &s_hat[2]], &u_hat, &mut product);
    inverse_ntt(&mut product);
    let mut w = decompress_4(&ciphertext[U_BYTES..]);
    for (v, product) in w.iter_mut().zip(&product) {
        *v = i16x8_sub(*v, *product);
    }
    to_message(&w)
}

/// ML-KEM.KeyGen_internal (Algorithm 16) of the seed d || z.
#[inline(never)]
pub fn generate_key(seed: &[u8; SEED_BYTES], ek: &mut EncapsulationKey, dk: &mut DecapsulationKey) {
    let (d, z) = seed.split_at(32);
    let mut pair = KeccakPair::new();
    pair.start_first::<4>(SHA3_512_RATE, d, K as u64 | u64::from(SHA3_SUFFIX) << 8);
    pair.permute();
    let mut rho_sigma = [0; 64];
    pair.read_first::<8>(&mut rho_sigma);
    let (rho, sigma) = rho_sigma.split_at(32);
    let mut matrix = Matrix::new(rho);
    for entry in [0, 2, 4, 6] {
        matrix.sample_two(entry);
    }
    matrix.sample_one(8);
    let mut noise = sample_noise::<6>(&mut pair, sigma);
    for f in &mut noise {
        ntt(f);
    }
    let [s0, s1, s2, e0, e1, e2] = noise;
    let s_hat = prepare(&[s0, s1, s2]);
    let mut t_hat = ZERO;
    for (i, (e, bytes)) in [e0, e1, e2].iter().zip(ek.chunks_exact_mut(POLYNOMIAL_BYTES)).enumerate() {
        dot(matrix.row(i), &s_hat, &mut t_hat);
        for v in &mut t_hat {
            *v = multiply(*v, MONTGOMERY.splat());
        }
        add(&mut t_hat, e);
        encode_12(&t_hat, bytes);
    }
    ek[K * POLYNOMIAL_BYTES..].copy_from_slice(rho);
    for (s, bytes) in [s0, s1, s2].iter().zip(dk.chunks_exact_mut(POLYNOMIAL_BYTES)) {
        encode_12(s, bytes);
    }
    dk[DK_EK..DK_HASH].copy_from_slice(ek);
    dk[DK_HASH..DK_Z].copy_from_slice(&sha3_256(&[ek]));
    dk[DK_Z..].copy_from_slice(z);
}

/// ML-KEM.Encaps_internal (Algorithm 17) after the checks of §7.2. False, with nothing written, when the key fails them.
#[inline(never)]
pub fn encapsulate(
    ek: &EncapsulationKey,
    message: &[u8; MESSAGE_BYTES],
    ciphertext: &mut Ciphertext,
    shared_secret: &mut [u8; SHARED_SECRET_BYTES],
) -> bool {
    let t_hat = decode_vector(ek);
    if !is_reduced(&t_hat) {
        return false;
    }
    let mut matrix = Matrix::new(&ek[K * POLYNOMIAL_BYTES..]);
    let hash = matrix.sample_three_beside(0, &NineBlocks::new([ek, &[]], SHA3_SUFFIX));
    for entry in [3, 5, 7] {
        matrix.sample_two(entry);
    }
    let key_and_randomness = g(&mut matrix.pair, &concatenate(message, &hash));
    let (key, randomness) = key_and_randomness.split_at(32);
    encrypt(&mut matrix, &t_hat, message, randomness, ciphertext);
    shared_secret.copy_from_slice(key);
    true
}

/// ML-KEM.Decaps_internal (Algorithm 18) after the hash check of §7.3 and the modulus check of the key within. False, with
/// nothing written, when the key fails them. A ciphertext that was not made by `encapsulate` gives a pseudo-random secret.
#[inline(never)]
pub fn decapsulate(dk: &DecapsulationKey, ciphertext: &Ciphertext, shared_secret: &mut [u8; SHARED_SECRET_BYTES]) -> bool {
    let ek = &dk[DK_EK..DK_HASH];
    let (hash, z) = dk[DK_HASH..].split_at(32);
    let t_hat = decode_vector(ek);
    let mut matrix = Matrix::new(&ek[K * POLYNOMIAL_BYTES..]);
    let actual_hash = matrix.sample_three_beside(0, &NineBlocks::new([ek, &[]], SHA3_SUFFIX));
    if actual_hash != *hash || !is_reduced(&t_hat) {
        return false;
    }
    let rejected = matrix.sample_three_beside(3, &NineBlocks::new([z, ciphertext], SHAKE_SUFFIX));
    matrix.sample_two(6);
    matrix.sample_one(8);
    let message = decrypt(dk, ciphertext);
    let key_and_randomness = g(&mut matrix.pair, &concatenate(&message, hash));
    let (key, randomness) = key_and_randomness.split_at(32);
    let mut again = [0; CIPHERTEXT_BYTES];
    encrypt(&mut matrix, &t_hat, &message, randomness, &mut again);
    let mut difference = u8x16_splat(0);
    for i in (0..CIPHERTEXT_BYTES).step_by(16) {
        // SAFETY: 16 bytes each.
        let (a, b) = unsafe {
            (v128_load(window(&again, i).as_ptr().cast()), v128_load(window(ciphertext, i).as_ptr().cast()))
        };
        difference = v128_or(difference, v128_xor(a, b));
    }
    // All ones when the ciphertexts differ; never a branch, which `v128_any_true` could become.
    let halves = u64x2_extract_lane::<0>(difference) | u64x2_extract_lane::<1>(difference);
    let mask = nonzero_mask(halves as u32 | (halves >> 32) as u32) as u8;
    for i in 0..SHARED_SECRET_BYTES {
        shared_secret[i] = key[i] ^ (mask & (key[i] ^ rejected[i]));
    }
    true
}

const _: () = assert!(ENCAPSULATION_KEY_BYTES + 1 <= 9 * SHAKE256_RATE && 32 + CIPHERTEXT_BYTES >= 8 * SHAKE256_RATE);
