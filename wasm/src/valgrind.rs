//! Client requests to valgrind's memcheck (its manual, §3.1 and §4.6), for the constant-time check in ct/. "Undefined" stands for
//! secret: memcheck follows it through all computation and reports branches and addresses that depend on it. Outside of
//! valgrind the instructions do nothing.

use core::arch::asm;

const MEMCHECK: usize = (b'M' as usize) << 24 | (b'C' as usize) << 16;

/// The result is `default` when not under valgrind.
fn request(default: usize, arguments: [usize; 4]) -> usize {
    let mut result = default;
    // SAFETY: four rotations by 128 bits in all, and an exchange of a register with itself: no effect on the processor.
    unsafe {
        asm!(
            "rol rdi, 3", "rol rdi, 13", "rol rdi, 61", "rol rdi, 51", "xchg rbx, rbx",
            in("rax") arguments.as_ptr(),
            inout("rdx") result,
            out("rdi") _,
        );
    }
    result
}

pub fn is_running() -> bool {
    request(0, [0x1001, 0, 0, 0]) > 0
}

/// How many errors have been reported so far.
pub fn error_count() -> usize {
    request(0, [0x1201, 0, 0, 0])
}

pub fn make_undefined(address: *const u8, length: usize) {
    request(0, [MEMCHECK + 1, address as usize, length, 0]);
}

pub fn make_defined(address: *const u8, length: usize) {
    request(0, [MEMCHECK + 2, address as usize, length, 0]);
}

/// Whether any bit of these bytes is undefined.
pub fn is_undefined(bytes: &[u8]) -> bool {
    let mut bits = vec![0u8; bytes.len()];
    request(0, [MEMCHECK + 8, bytes.as_ptr() as usize, bits.as_mut_ptr() as usize, bytes.len()]) == 1
        && bits.iter().any(|&mask| mask != 0)
}
