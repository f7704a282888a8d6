//! Reading one entry of a table, for each lane, without telling which: the whole table is read, under masks.

use core::arch::wasm32::*;

/// A pointer of which the compiler does not know whence it comes. Otherwise it computes each address anew from an index, with an instruction per
/// load, instead of using the offset that a load has for nothing.
#[inline(always)]
fn opaque(pointer: *const v128) -> *const v128 {
    let out;
    // SAFETY: this copies a local to another.
    unsafe {
        core::arch::asm!("local.get {}", "local.set {}", in(local) pointer, out(local) out, options(pure, nomem, nostack));
    }
    out
}

/// In each lane, of entries numbered from `first`, the one whose number is in `numbers`, and zeros if there is none: vectors FROM to FROM + COUNT of
/// the N that an entry consists of. Not more than a dozen at a time, so that the sums stay in registers.
#[inline(always)]
pub fn look_up<const FROM: usize, const COUNT: usize, const N: usize, T>(table: &[T], first: i64, numbers: v128) -> [v128; COUNT] {
    const { assert!(core::mem::size_of::<T>() == 16 * N && FROM + COUNT <= N) };
    let mut out = [i64x2_splat(0); COUNT];
    let mut number = i64x2_splat(first);
    let mut entry = table.as_ptr().cast::<v128>();
    for _ in 0..table.len() {
        entry = opaque(entry);
        let mask = i64x2_eq(number, numbers);
        number = i64x2_add(number, i64x2_splat(1));
        for (k, sum) in out.iter_mut().enumerate() {
            // SAFETY: T is made of N vectors, of which this is one.
            let vector = unsafe { *entry.add(FROM + k) };
            *sum = v128_or(*sum, v128_and(mask, vector));
        }
        // SAFETY: behind the last entry at most.
        entry = unsafe { entry.add(N) };
    }
    out
}
