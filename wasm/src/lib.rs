//! Sallyport's cryptography. Each primitive is one file: a plain, constant-time, portable implementation, and where it pays a
//! `simd128` twin with the same signature, for which the plain one is the oracle.
//!
//! The crate is free of TLS but for `record.rs`. Everything works on byte slices; `abi.rs` is the one place that turns
//! addresses from JavaScript into slices. See `README.md` for the memory plan, the bounds and the constant-time arguments.

#![cfg_attr(target_arch = "wasm32", no_std)]
#![cfg_attr(target_arch = "wasm32", feature(asm_experimental_arch))]
#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(target_arch = "wasm32")]
pub mod abi;
pub mod memory;

pub mod aead;
pub mod aes;
pub mod aes_gcm;
#[cfg(target_arch = "wasm32")]
pub mod aes_ahead;
#[cfg(target_arch = "wasm32")]
pub mod aes_gcm_simd;
#[cfg(target_arch = "wasm32")]
pub mod aes_simd;
pub mod chacha20;
pub mod chacha20_poly1305;
#[cfg(target_arch = "wasm32")]
pub mod chacha20_poly1305_simd;
pub mod constant_time;
pub mod ghash;
#[cfg(target_arch = "wasm32")]
pub mod ghash_simd;
pub mod hash;
pub mod keccak;
#[cfg(target_arch = "wasm32")]
pub mod keccak_pair;
pub mod mlkem;
pub mod mlkem1024;
#[cfg(test)]
mod mlkem_bounds;
#[cfg(target_arch = "wasm32")]
pub mod mlkem_simd;
pub mod poly1305;
pub mod poly1305_fast;
pub mod record;
pub mod secret;
pub mod sha256;
pub mod sha2_fast;
pub mod sha512;
#[cfg(target_arch = "wasm32")]
pub mod simd;
#[cfg(feature = "valgrind")]
pub mod valgrind;

pub mod ecdh;
pub mod ecdsa;
pub mod ed25519;
pub mod edwards25519;
pub mod field25519;
pub mod inversion;
#[cfg(target_arch = "wasm32")]
pub mod inversion_simd;
#[cfg(target_arch = "wasm32")]
pub mod limbs25519;
#[cfg(target_arch = "wasm32")]
pub mod limbs_p256;
#[cfg(target_feature = "relaxed-simd")]
pub mod limbs_p384;
#[cfg(target_arch = "wasm32")]
pub mod look_up;
pub mod montgomery;
pub mod p256;
pub mod p384;
#[cfg(target_arch = "wasm32")]
pub mod pairs25519;
#[cfg(target_arch = "wasm32")]
pub mod pairs_p256;
#[cfg(target_feature = "relaxed-simd")]
pub mod pairs_p384;
pub mod weierstrass;
pub mod x25519;

#[cfg(target_arch = "wasm32")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}
