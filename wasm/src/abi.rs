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
