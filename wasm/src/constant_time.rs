//! Comparisons and selections whose time depends on lengths alone, and the overwriting of secrets.

/// Whether two equally long slices are equal. False, at once, when the lengths differ: lengths are public.
pub fn equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut difference = 0u8;
    for (x, y) in a.iter().zip(b) {
        difference |= x ^ y;
    }
    // Without the barrier the compiler may stop at the first difference.
    let difference = core::hint::black_box(difference);
    let same = difference == 0;
    declassify(&same);
    same
}

/// States that a value computed from secrets is public from here on, so that code may branch on it. It costs nothing: only the
/// check under valgrind (ct/) takes notice.
#[inline(always)]
pub fn declassify<T: ?Sized>(value: &T) {
    #[cfg(feature = "valgrind")]
    crate::valgrind::make_defined((value as *const T).cast(), core::mem::size_of_val(value));
    #[cfg(not(feature = "valgrind"))]
    let _ = value;
}

/// All ones if `word` is not zero, else 0.
#[inline(always)]
pub const fn nonzero_mask(word: u32) -> u32 {
    hide(hide((word | word.wrapping_neg()) >> 31).wrapping_neg())
}

/// Hides from the compiler how a bit or a mask was made. Otherwise it finds out that there are two values alone, and turns the making
/// of the mask, or the selection that follows, into a branch or into the address of a load.
#[inline(always)]
pub const fn hide(mask: u32) -> u32 {
    core::hint::black_box(mask)
}

/// Overwrites a secret with zeros, in a way that the compiler may not remove as a dead store.
pub fn wipe<T: Copy>(secret: &mut [T]) {
    // SAFETY: every type used here is an integer or a SIMD vector, for which all-zero is a valid value.
    unsafe { core::ptr::write_bytes(secret.as_mut_ptr(), 0, secret.len()) };
    core::hint::black_box(secret.as_ptr());
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sees_each_byte() {
        let a = [7u8; 33];
        assert!(equal(&a, &a));
        assert!(!equal(&a, &a[..32]));
        for i in 0..33 {
            let mut b = a;
            b[i] ^= 0x80;
            assert!(!equal(&a, &b));
        }
    }

    #[test]
    fn wipe_leaves_zeros() {
        let mut a = [7u64; 5];
        wipe(&mut a);
        assert_eq!(a, [0; 5]);
    }
}
