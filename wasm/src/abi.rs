//! The exports, all of them. Each line turns addresses into slices and calls one function of the crate.
//!
//! Conventions: pointers and lengths are `u32` offsets in linear memory, given by JavaScript, which owns the areas and keeps
//! inputs and outputs apart unless a function says that they may coincide. A 64-bit number comes as two `u32`, low half first.
//! A result of 0 means failure, 1 success, unless said otherwise. No export panics on any content of its inputs.

use crate::*;
use core::slice::{from_raw_parts, from_raw_parts_mut};

/// SAFETY (of both): JavaScript passes areas of linear memory that it owns, see src/crypto/wasm/instance.ts.
#[allow(dead_code)]
unsafe fn input<'a>(pointer: *const u8, length: usize) -> &'a [u8] {
    unsafe { from_raw_parts(pointer, length) }
}
#[allow(dead_code)]
unsafe fn output<'a>(pointer: *mut u8, length: usize) -> &'a mut [u8] {
    unsafe { from_raw_parts_mut(pointer, length) }
}

// memory.rs

#[no_mangle]
extern "C" fn heap_base() -> usize {
    memory::heap_base()
}

// constant_time.rs

#[no_mangle]
unsafe extern "C" fn constant_time_equal(a: *const u8, b: *const u8, length: usize) -> u32 {
    unsafe { constant_time::equal(input(a, length), input(b, length)) as u32 }
}

// mlkem_simd.rs. Areas are as long as FIPS 203 says: seed 64, ek 1184, dk 2400, message 32, ciphertext 1088, secret 32.

#[no_mangle]
unsafe extern "C" fn mlkem768_generate_key(
    seed: *const [u8; mlkem::SEED_BYTES],
    ek: *mut mlkem::EncapsulationKey,
    dk: *mut mlkem::DecapsulationKey,
) {
    unsafe { mlkem_simd::generate_key(&*seed, &mut *ek, &mut *dk) };
    memory::wipe_stack::<{ mlkem_simd::STACK_BYTES }>();
}

/// 0 when the key fails the modulus check.
#[no_mangle]
unsafe extern "C" fn mlkem768_encapsulate(
    ek: *const mlkem::EncapsulationKey,
    message: *const [u8; mlkem::MESSAGE_BYTES],
    ciphertext: *mut mlkem::Ciphertext,
    secret: *mut [u8; mlkem::SHARED_SECRET_BYTES],
) -> u32 {
    let valid = unsafe { mlkem_simd::encapsulate(&*ek, &*message, &mut *ciphertext, &mut *secret) };
    memory::wipe_stack::<{ mlkem_simd::STACK_BYTES }>();
    valid as u32
}

/// 0 when the decapsulation key is damaged. A forged ciphertext is not told from a good one.
#[no_mangle]
unsafe extern "C" fn mlkem768_decapsulate(
    dk: *const mlkem::DecapsulationKey,
    ciphertext: *const mlkem::Ciphertext,
    secret: *mut [u8; mlkem::SHARED_SECRET_BYTES],
) -> u32 {
    let valid = unsafe { mlkem_simd::decapsulate(&*dk, &*ciphertext, &mut *secret) };
    memory::wipe_stack::<{ mlkem_simd::STACK_BYTES }>();
    valid as u32
}
