//! How pairs of elements modulo the prime of P-384 are written in vectors: in Montgomery form, R = 2^392, in 14 limbs of 28 bits that are centred around
//! zero, two limbs of each element in a vector: (a0, a1, b0, b1). See wasm/kernels/integer_p384.mjs and bounds.mjs.

use crate::constant_time::hide;
use crate::p384::FIELD;
use core::arch::wasm32::*;

core::arch::global_asm!(include_str!("integer_p384.s"));

const WIDTH: usize = 28;
const LIMBS: usize = 14;
pub const VECTORS: usize = LIMBS / 2;
/// R² mod p.
pub const R2: [u32; 12] = [0x10000, 0xfffe0000, 0xffff, 0x20000, 0, 0xfffe0000, 0xffff, 0x20000, 0x10000, 0, 0, 0];
/// R mod p: one in Montgomery form.
pub const ONE: [u32; 12] = [0x100, 0xffffff00, 0xffffffff, 0xff, 0x100, 0, 0, 0, 0, 0, 0, 0];

const MASK: i64 = (1 << WIDTH) - 1;

/// Limb i, not centred.
const fn limb(words: &[u32; 12], i: usize) -> i64 {
    let (at, shift) = (WIDTH * i / 32, WIDTH * i % 32);
    let next = if at + 1 < 12 { words[at + 1] as u64 } else { 0 };
    ((words[at] as u64 | next << 32) >> shift) as i64 & MASK
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

pub fn pack(low: &[u32; 12], high: &[u32; 12]) -> [v128; VECTORS] {
    let (low, high) = (limbs(low), limbs(high));
    core::array::from_fn(|k| {
        i32x4(low[2 * k] as i32, low[2 * k + 1] as i32, high[2 * k] as i32, high[2 * k + 1] as i32)
    })
}

fn limbs(words: &[u32; 12]) -> [i64; LIMBS] {
    let mut x: [i64; LIMBS] = core::array::from_fn(|i| limb(words, i));
    for i in 0..LIMBS - 1 {
        let carry = (x[i] + (1 << (WIDTH - 1))) >> WIDTH;
        x[i] -= carry << WIDTH;
        x[i + 1] += carry;
    }
    x
}

/// Both, canonical, of elements whose values lie between −p and 2p.
pub fn unpack(vectors: &[v128; VECTORS]) -> [[u32; 12]; 2] {
    let mut out = [[0; LIMBS]; 2];
    for (k, vector) in vectors.iter().enumerate() {
        out[0][2 * k] = i32x4_extract_lane::<0>(*vector) as i64;
        out[0][2 * k + 1] = i32x4_extract_lane::<1>(*vector) as i64;
        out[1][2 * k] = i32x4_extract_lane::<2>(*vector) as i64;
        out[1][2 * k + 1] = i32x4_extract_lane::<3>(*vector) as i64;
    }
    out.map(canonical)
}

#[inline(never)]
fn canonical(mut x: [i64; LIMBS]) -> [u32; 12] {
    let add = |x: &mut [i64; LIMBS], times: i64| {
        for (limb, prime) in x.iter_mut().zip(PRIME) {
            *limb += times * prime;
        }
        for i in 0..LIMBS - 1 {
            x[i + 1] += x[i] >> WIDTH;
            x[i] &= MASK;
        }
    };
    add(&mut x, 1);
    for _ in 0..2 {
        let mut less = x;
        add(&mut less, -1);
        let keep = i64::from(hide((less[LIMBS - 1] >> 63) as u32) as i32);
        for (a, b) in x.iter_mut().zip(less) {
            *a = (*a & keep) | (b & !keep);
        }
    }
    core::array::from_fn(|j| {
        let (at, shift) = (32 * j / WIDTH, 32 * j % WIDTH);
        let mut value = (x[at] as u64) >> shift | (x[at + 1] as u64) << (WIDTH - shift);
        // A word reaches into a third limb where it begins late in the first.
        if 2 * WIDTH - shift < 32 && at + 2 < LIMBS {
            value |= (x[at + 2] as u64) << (2 * WIDTH - shift);
        }
        value as u32
    })
}
