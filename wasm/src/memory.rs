//! The memory plan. One linear memory, imported and of fixed size (JavaScript makes it with `initial` = `maximum`, so that views
//! of it never die; untouched pages cost nothing):
//!
//! ```text
//! 0            stack, growing down: an overflow traps instead of writing into data
//! STACK        static data: constants and tables; no secrets, but for the caches named in README.md
//! heap_base()  from here on JavaScript hands memory out, see src/crypto/wasm/instance.ts:
//!   scratch      arguments and results of calls; wiped by the caller that put a secret there
//!   slots        traffic keys, secrets, running hashes; wiped when freed
//!   data plane   regions where records are opened and sealed in place
//! ```
//!
//! Kernels keep secrets on the stack; `abi.rs` calls them through `with_clean_stack`.

/// Bytes of stack, as told to the linker by build.mjs.
pub const STACK: usize = 256 * 1024;

#[cfg(target_arch = "wasm32")]
extern "C" {
    static __heap_base: u8;
}

/// The first address that is neither stack nor static data, 64-byte aligned.
#[cfg(target_arch = "wasm32")]
pub fn heap_base() -> usize {
    (core::ptr::addr_of!(__heap_base) as usize + 63) & !63
}

/// Overwrites `N` bytes of the stack below the caller's frame, where the functions it called kept their secrets.
#[inline(never)]
fn wipe_stack<const N: usize>() {
    let mut frame = [0u8; N];
    core::hint::black_box(&mut frame);
}

/// Does `work` in a stack frame below this one, and wipes `N` bytes of the stack there afterwards.
#[inline(always)]
pub fn with_clean_stack<const N: usize, R>(work: impl FnOnce() -> R) -> R {
    /// Never inlined: otherwise secrets would live in the caller's own frame, which is not wiped.
    #[inline(never)]
    fn apart<R>(work: impl FnOnce() -> R) -> R {
        work()
    }
    let result = apart(work);
    wipe_stack::<N>();
    result
}
