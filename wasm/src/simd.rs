//! Loads and stores of 128-bit vectors from byte arrays, and the byte shuffle of each build.

use core::arch::wasm32::*;

#[inline(always)]
pub fn load(bytes: &[u8; 16]) -> v128 {
    // SAFETY: 16 readable bytes; the instruction knows no alignment.
    unsafe { v128_load(bytes.as_ptr().cast()) }
}

#[inline(always)]
pub fn store(bytes: &mut [u8; 16], vector: v128) {
    // SAFETY: 16 writable bytes.
    unsafe { v128_store(bytes.as_mut_ptr().cast(), vector) }
}

/// The reference itself, of which the compiler knows nothing more: parts of `T` are then loads at constant distances. Otherwise it steps one
/// index through a loop and computes the address of every part anew, an instruction for each.
#[inline(always)]
pub fn base<T>(reference: &T) -> &T {
    let mut pointer = reference as *const T as usize;
    // SAFETY: a comment; the same reference.
    unsafe {
        core::arch::asm!("/* {0} */", inout(local) pointer, options(nomem, nostack, preserves_flags));
        &*(pointer as *const T)
    }
}

/// The byte of `table` at each index of `indices`, all of which are below 16 (relaxed SIMD leaves others to the machine).
#[inline(always)]
pub fn look_up(table: v128, indices: v128) -> v128 {
    #[cfg(target_feature = "relaxed-simd")]
    return i8x16_relaxed_swizzle(table, indices);
    #[cfg(not(target_feature = "relaxed-simd"))]
    return i8x16_swizzle(table, indices);
}

/// A constant for `look_up`, loaded from memory where it is used: V8 would build one known at compile time anew at each use, from two
/// 64-bit immediates.
#[repr(align(16))]
pub struct Indices(pub [u8; 16]);

impl Indices {
    #[inline(always)]
    pub fn get(&'static self) -> v128 {
        // SAFETY: 16 readable, aligned bytes. Volatile, so that the compiler does not see through it.
        unsafe { core::ptr::read_volatile((self as *const Self).cast()) }
    }
}
