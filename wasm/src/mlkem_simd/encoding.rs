//! Coefficients as bits and bytes, and compressed (FIPS 203 §4.2.1).

use core::arch::wasm32::*;

use crate::mlkem::{MESSAGE_BYTES, POLYNOMIAL_BYTES};

use super::arithmetic::canonical;
use super::{Polynomial, Q, ZERO};

/// Eight 12-bit coefficients from the first 12 of 16 bytes.
#[inline(always)]
pub(super) fn unpack_12(bytes: &[u8; 16]) -> v128 {
    // SAFETY: 16 bytes.
    let x = unsafe { v128_load(bytes.as_ptr().cast()) };
    let y = i8x16_shuffle::<0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 7, 8, 9, 10, 10, 11>(x, x);
    v128_bitselect(v128_and(y, i16x8_splat(0xfff)), u16x8_shr(y, 4), u32x4_splat(0xffff))
}

/// ByteDecode_12 without reduction, of bytes that at least four others follow.
#[inline(never)]
pub(super) fn decode_12(bytes: &[u8; POLYNOMIAL_BYTES + 4]) -> Polynomial {
    let mut f = ZERO;
    for (i, v) in f.iter_mut().enumerate() {
        *v = unpack_12(window(bytes, 12 * i));
    }
    f
}

/// ByteEncode_12 of any representatives.
#[inline(never)]
pub(super) fn encode_12(f: &Polynomial, output: &mut [u8]) {
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
pub(super) fn window(bytes: &[u8], at: usize) -> &[u8; 16] {
    let bytes = &bytes[at..at + 16];
    // SAFETY: it has 16 bytes.
    unsafe { &*bytes.as_ptr().cast() }
}

/// floor((x · multiplier + addend) / 2^shift) for x in [0, q): Compress_d before the reduction modulo 2^d.
#[inline(always)]
pub(super) fn scale(x: v128, multiplier: u32, addend: u32, shift: u32) -> v128 {
    let half = |half: v128| {
        u32x4_shr(i32x4_add(i32x4_mul(half, u32x4_splat(multiplier)), u32x4_splat(addend)), shift)
    };
    i16x8_narrow_i32x4(half(u32x4_extend_low_u16x8(x)), half(u32x4_extend_high_u16x8(x)))
}

/// ByteEncode_10 of Compress_10. (645084 = round(2^31 / q); that the constants are exact for all x is tested.)
#[inline(never)]
pub(super) fn compress_10(f: &Polynomial, output: &mut [u8]) {
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
pub(super) fn compress_4(f: &Polynomial, output: &mut [u8]) {
    for (v, bytes) in f.iter().zip(output.chunks_exact_mut(4)) {
        let y = v128_and(scale(canonical(*v), 161271, 1 << 24, 25), i16x8_splat(15));
        let pairs = v128_or(y, u32x4_shr(y, 12));
        let packed = i8x16_shuffle::<0, 4, 8, 12, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15>(pairs, pairs);
        bytes.copy_from_slice(&u32x4_extract_lane::<0>(packed).to_le_bytes());
    }
}

/// Decompress_10 of ByteDecode_10, of bytes that at least six others follow.
#[inline(never)]
pub(super) fn decompress_10(bytes: &[u8]) -> Polynomial {
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
pub(super) fn decompress_4(bytes: &[u8]) -> Polynomial {
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
pub(super) fn add_message(f: &mut Polynomial, message: &[u8; MESSAGE_BYTES]) {
    for (v, &byte) in f.iter_mut().zip(message) {
        let bits = v128_and(i16x8_splat(i16::from(byte)), i16x8(1, 2, 4, 8, 16, 32, 64, 128));
        *v = i16x8_add(*v, v128_and(i16x8_ne(bits, i16x8_splat(0)), i16x8_splat(1665)));
    }
}

/// ByteEncode_1 of Compress_1: the bit is set from q / 4 to 3 q / 4.
#[inline(never)]
pub(super) fn to_message(f: &Polynomial) -> [u8; MESSAGE_BYTES] {
    let mut message = [0; MESSAGE_BYTES];
    for (v, byte) in f.iter().zip(&mut message) {
        let x = canonical(*v);
        *byte = i16x8_bitmask(v128_and(i16x8_gt(x, i16x8_splat(832)), i16x8_lt(x, i16x8_splat(2497))));
    }
    message
}
