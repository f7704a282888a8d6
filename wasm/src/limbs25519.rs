//! How pairs of elements modulo 2^255 − 19 are written in vectors: in doubles where there is a fused multiply-add, in integers elsewhere.

#[cfg(target_feature = "relaxed-simd")]
pub use doubles::*;
#[cfg(not(target_feature = "relaxed-simd"))]
pub use integers::*;

/// Five limbs of 51 bits, centred around zero, integers held as doubles. Each vector holds one limb of both elements. Every limb in memory is at
/// most 2^50 + 19·2^9 in size, which the kernels promise and expect: see wasm/kernels/field25519.mjs and bounds.mjs.
#[cfg(target_feature = "relaxed-simd")]
mod doubles {
    use core::arch::wasm32::*;

    core::arch::global_asm!(include_str!("fma25519.s"));

    pub const VECTORS: usize = 5;
    const LIMBS: usize = VECTORS;
    pub type Limbs = [i64; LIMBS];
    pub const ZERO: Limbs = [0; LIMBS];

    const MASK51: i64 = (1 << 51) - 1;

    /// The limbs of 32 little-endian bytes, top bit ignored.
    pub fn limbs(bytes: &[u8; 32]) -> Limbs {
        let word = |i: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[8 * i..8 * i + 8]);
            u64::from_le_bytes(eight)
        };
        let w = [word(0), word(1), word(2), word(3)];
        let mut x = [
            w[0],
            w[0] >> 51 | w[1] << 13,
            w[1] >> 38 | w[2] << 26,
            w[2] >> 25 | w[3] << 39,
            w[3] >> 12,
        ]
        .map(|limb| limb as i64 & MASK51);
        for i in 0..LIMBS {
            let carry = (x[i] + (1 << 50)) >> 51;
            x[i] -= carry << 51;
            x[(i + 1) % LIMBS] += if i == LIMBS - 1 { 19 * carry } else { carry };
        }
        x
    }

    /// The canonical bytes of limbs below 2^52 in size.
    pub fn canonical(limbs: Limbs) -> [u8; 32] {
        // 4p added, so that carries are positive.
        let mut x = limbs;
        for (i, limb) in x.iter_mut().enumerate() {
            *limb += (1 << 53) - if i == 0 { 76 } else { 4 };
        }
        for _ in 0..2 {
            for i in 0..LIMBS - 1 {
                x[i + 1] += x[i] >> 51;
                x[i] &= MASK51;
            }
            x[0] += 19 * (x[4] >> 51);
            x[4] &= MASK51;
        }
        // Below 2^255 + 2^10 now. The quotient by p is 1 when x + 19 reaches 2^255.
        let mut quotient = (x[0] + 19) >> 51;
        for limb in &x[1..] {
            quotient = (limb + quotient) >> 51;
        }
        x[0] += 19 * quotient;
        for i in 0..LIMBS - 1 {
            x[i + 1] += x[i] >> 51;
            x[i] &= MASK51;
        }
        x[4] &= MASK51;
        let u = x.map(|limb| limb as u64);
        let words = [u[0] | u[1] << 51, u[1] >> 13 | u[2] << 38, u[2] >> 26 | u[3] << 25, u[3] >> 39 | u[4] << 12];
        let mut out = [0; 32];
        for (chunk, word) in out.chunks_exact_mut(8).zip(words) {
            chunk.copy_from_slice(&word.to_le_bytes());
        }
        out
    }

    pub const fn pack(low: &Limbs, high: &Limbs) -> [v128; VECTORS] {
        let mut out = [f64x2(0.0, 0.0); VECTORS];
        let mut i = 0;
        while i < LIMBS {
            out[i] = f64x2(low[i] as f64, high[i] as f64);
            i += 1;
        }
        out
    }

    /// The limbs of both.
    pub fn unpack(vectors: &[v128; VECTORS]) -> [Limbs; 2] {
        [
            vectors.map(|limb| f64x2_extract_lane::<0>(limb) as i64),
            vectors.map(|limb| f64x2_extract_lane::<1>(limb) as i64),
        ]
    }

    /// Negated in the lanes where `mask` is all ones.
    pub fn negate(mask: v128, limb: v128) -> v128 {
        v128_xor(limb, v128_and(mask, f64x2_splat(-0.0)))
    }
}

/// The ten limbs of field25519.rs, two of each element in a vector: (a0, a1, b0, b1). They are at most 2^25 or 2^24, and 2^16, in size: see
/// wasm/kernels/integer25519.mjs and bounds.mjs.
#[cfg(not(target_feature = "relaxed-simd"))]
mod integers {
    use crate::field25519::Element;
    use core::arch::wasm32::*;

    core::arch::global_asm!(include_str!("integer25519.s"));

    pub const VECTORS: usize = 5;
    pub type Limbs = [i32; 10];
    pub const ZERO: Limbs = [0; 10];

    /// The limbs of 32 little-endian bytes, top bit ignored.
    pub fn limbs(bytes: &[u8; 32]) -> Limbs {
        Element::from_bytes(bytes).limbs
    }

    pub fn canonical(limbs: Limbs) -> [u8; 32] {
        Element { limbs }.to_bytes()
    }

    pub const fn pack(low: &Limbs, high: &Limbs) -> [v128; VECTORS] {
        let mut out = [i32x4(0, 0, 0, 0); VECTORS];
        let mut k = 0;
        while k < VECTORS {
            out[k] = i32x4(low[2 * k], low[2 * k + 1], high[2 * k], high[2 * k + 1]);
            k += 1;
        }
        out
    }

    /// The limbs of both.
    pub fn unpack(vectors: &[v128; VECTORS]) -> [Limbs; 2] {
        let mut out = [[0; 10]; 2];
        for (k, vector) in vectors.iter().enumerate() {
            out[0][2 * k] = i32x4_extract_lane::<0>(*vector);
            out[0][2 * k + 1] = i32x4_extract_lane::<1>(*vector);
            out[1][2 * k] = i32x4_extract_lane::<2>(*vector);
            out[1][2 * k + 1] = i32x4_extract_lane::<3>(*vector);
        }
        out
    }

    /// Negated in the lanes where `mask` is all ones.
    pub fn negate(mask: v128, limbs: v128) -> v128 {
        i32x4_sub(v128_xor(limbs, mask), mask)
    }
}
