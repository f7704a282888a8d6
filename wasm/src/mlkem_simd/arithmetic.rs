//! Polynomials modulo q in vectors: products with constants and with each other, and the number-theoretic transform.

use core::arch::wasm32::*;

use crate::mlkem::{bit_reverse_7, factor, zeta_power, Factor, K};

use super::{Polynomial, Q, ZERO};

/// A factor for each of eight lanes.
#[derive(Clone, Copy)]
#[repr(C, align(16))]
struct Factors {
    values: [i16; 8],
    quotients: [i16; 8],
}

#[derive(Clone, Copy)]
pub(super) struct FactorVector(v128, v128);

impl Factor {
    /// In all lanes.
    #[inline(always)]
    pub(super) fn splat(self) -> FactorVector {
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
pub(super) fn multiply(a: v128, factor: FactorVector) -> v128 {
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
pub(super) fn canonical(a: v128) -> v128 {
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
pub(super) const MONTGOMERY: Factor = factor(65536 % Q as u32);
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
pub(super) fn ntt(f: &mut Polynomial) {
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
pub(super) fn inverse_ntt(f: &mut Polynomial) {
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
pub(super) struct Prepared {
    even: [Polynomial; K],
    odd: [Polynomial; K],
}

#[inline(never)]
pub(super) fn prepare(f_hat: &[Polynomial; K]) -> Prepared {
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
pub(super) fn dot(f_hat: [&Polynomial; K], g_hat: &Prepared, sum: &mut Polynomial) {
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
