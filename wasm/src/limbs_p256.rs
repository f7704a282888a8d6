//! How pairs of elements modulo the prime of P-256 are written in vectors: in doubles where there is a fused multiply-add, in integers elsewhere.
//! Either way in Montgomery form, R = 2^(WIDTH·LIMBS), in limbs that are centred around zero.

use crate::constant_time::hide;
use crate::p256::FIELD;

#[cfg(target_feature = "relaxed-simd")]
pub use doubles::*;
#[cfg(not(target_feature = "relaxed-simd"))]
pub use integers::*;

/// Six limbs of 48 bits, integers held as doubles. Each vector holds one limb of both elements. See wasm/kernels/field_p256.mjs and bounds.mjs.
#[cfg(target_feature = "relaxed-simd")]
mod doubles {
    use core::arch::wasm32::*;

    core::arch::global_asm!(include_str!("fma_p256.s"));

    pub const WIDTH: usize = 48;
    pub const LIMBS: usize = 6;
    pub const VECTORS: usize = LIMBS;
    /// R² mod p.
    pub const R2: [u32; 8] = [
        0x00000002, 0x00000005, 0x00000003, 0xfffffffe, 0xfffffff9, 0xfffffffb, 0xfffffffc, 0xfffffffc,
    ];
    /// R mod p: one in Montgomery form.
    pub const ONE: [u32; 8] = [
        0x00000000, 0x00000001, 0x00000000, 0x00000000, 0xffffffff, 0xffffffff, 0xffffffff, 0xfffffffe,
    ];

    pub fn pack(low: &[i64; LIMBS], high: &[i64; LIMBS]) -> [v128; VECTORS] {
        core::array::from_fn(|i| f64x2(low[i] as f64, high[i] as f64))
    }

    /// The limbs of both.
    pub fn unpack(vectors: &[v128; VECTORS]) -> [[i64; LIMBS]; 2] {
        [
            vectors.map(|limb| f64x2_extract_lane::<0>(limb) as i64),
            vectors.map(|limb| f64x2_extract_lane::<1>(limb) as i64),
        ]
    }

    pub fn subtract(a: v128, b: v128) -> v128 {
        f64x2_sub(a, b)
    }

    /// Negated in the lanes where `mask` is all ones.
    pub fn negate(mask: v128, limb: v128) -> v128 {
        v128_xor(limb, v128_and(mask, f64x2_splat(-0.0)))
    }
}

/// Ten limbs of 27 bits, two of each element in a vector: (a0, a1, b0, b1). See wasm/kernels/integer_p256.mjs and bounds.mjs.
#[cfg(not(target_feature = "relaxed-simd"))]
mod integers {
    use core::arch::wasm32::*;

    core::arch::global_asm!(include_str!("integer_p256.s"));

    pub const WIDTH: usize = 27;
    pub const LIMBS: usize = 10;
    pub const VECTORS: usize = 5;
    /// R² mod p.
    pub const R2: [u32; 8] = [
        0x30000000, 0x00000000, 0xf0000000, 0xbfffffff, 0xefffffff, 0xffffffff, 0xdfffffff, 0x4fffffff,
    ];
    /// R mod p: one in Montgomery form.
    pub const ONE: [u32; 8] = [
        0x00004000, 0x00000000, 0x00000000, 0xffffc000, 0xffffffff, 0xffffffff, 0xffffbfff, 0x00003fff,
    ];

    pub fn pack(low: &[i64; LIMBS], high: &[i64; LIMBS]) -> [v128; VECTORS] {
        core::array::from_fn(|k| {
            i32x4(low[2 * k] as i32, low[2 * k + 1] as i32, high[2 * k] as i32, high[2 * k + 1] as i32)
        })
    }

    /// The limbs of both.
    pub fn unpack(vectors: &[v128; VECTORS]) -> [[i64; LIMBS]; 2] {
        let mut out = [[0; LIMBS]; 2];
        for (k, vector) in vectors.iter().enumerate() {
            out[0][2 * k] = i32x4_extract_lane::<0>(*vector) as i64;
            out[0][2 * k + 1] = i32x4_extract_lane::<1>(*vector) as i64;
            out[1][2 * k] = i32x4_extract_lane::<2>(*vector) as i64;
            out[1][2 * k + 1] = i32x4_extract_lane::<3>(*vector) as i64;
        }
        out
    }

    pub fn subtract(a: v128, b: v128) -> v128 {
        i32x4_sub(a, b)
    }

    /// Negated in the lanes where `mask` is all ones.
    pub fn negate(mask: v128, limbs: v128) -> v128 {
        i32x4_sub(v128_xor(limbs, mask), mask)
    }
}

const MASK: i64 = (1 << WIDTH) - 1;

/// Limb i, not centred.
const fn limb(words: &[u32; 8], i: usize) -> i64 {
    const fn word(words: &[u32; 8], i: usize) -> u64 {
        if i < 8 { words[i] as u64 } else { 0 }
    }
    let (at, shift) = (WIDTH * i / 32, WIDTH * i % 32);
    let mut value = (word(words, at) | word(words, at + 1) << 32) >> shift;
    if shift > 0 {
        value |= word(words, at + 2) << (64 - shift);
    }
    value as i64 & MASK
}

const PRIME: [i64; LIMBS] = {
    let mut out = [0; LIMBS];
    let mut i = 0;
    while i < LIMBS {
        out[i] = limb(&FIELD.words, i);
        i += 1;
    }
    out
};

pub fn limbs(words: &[u32; 8]) -> [i64; LIMBS] {
    let mut x: [i64; LIMBS] = core::array::from_fn(|i| limb(words, i));
    for i in 0..LIMBS - 1 {
        let carry = (x[i] + (1 << (WIDTH - 1))) >> WIDTH;
        x[i] -= carry << WIDTH;
        x[i + 1] += carry;
    }
    x
}

/// The canonical number of limbs whose value is at most 2p in size.
pub fn canonical(mut x: [i64; LIMBS]) -> [u32; 8] {
    let add = |x: &mut [i64; LIMBS], times: i64| {
        for (limb, prime) in x.iter_mut().zip(PRIME) {
            *limb += times * prime;
        }
        for i in 0..LIMBS - 1 {
            x[i + 1] += x[i] >> WIDTH;
            x[i] &= MASK;
        }
    };
    add(&mut x, 2);
    for _ in 0..4 {
        let mut less = x;
        add(&mut less, -1);
        let keep = i64::from(hide((less[LIMBS - 1] >> 63) as u32) as i32);
        for (a, b) in x.iter_mut().zip(less) {
            *a = (*a & keep) | (b & !keep);
        }
    }
    core::array::from_fn(|j| {
        let (at, shift) = (32 * j / WIDTH, 32 * j % WIDTH);
        let mut value = (x[at] as u64) >> shift;
        // What the next limbs bring, as far as there are any and they reach into the word.
        for next in 1..3 {
            let place = next * WIDTH - shift;
            if place < 32 && at + next < LIMBS {
                value |= (x[at + next] as u64) << place;
            }
        }
        value as u32
    })
}
