//! X25519 (RFC 7748 §5). Constant time.

use crate::constant_time::{equal, wipe};
#[cfg(not(target_arch = "wasm32"))]
use crate::edwards25519;
#[cfg(not(target_arch = "wasm32"))]
use crate::field25519::{Element, ONE, ZERO};
#[cfg(target_arch = "wasm32")]
use crate::pairs25519;

/// Clamps 32 random bytes to a scalar (RFC 7748 §5).
pub fn clamp(random: &[u8; 32]) -> [u8; 32] {
    let mut scalar = *random;
    scalar[0] &= 248;
    scalar[31] = scalar[31] & 127 | 64;
    scalar
}

/// X25519(k, 9). By the isomorphic Edwards curve: its generator has u = 9 on the Montgomery curve.
pub fn public_key(private: &[u8; 32], out: &mut [u8; 32]) {
    let mut scalar = clamp(private);
    #[cfg(target_arch = "wasm32")]
    let share = pairs25519::multiply_generator_montgomery(&scalar).value();
    #[cfg(not(target_arch = "wasm32"))]
    let share = edwards25519::multiply_generator(&scalar).to_montgomery();
    *out = share;
    wipe(&mut scalar);
}

/// X25519(k, u). False, with `secret` all zero, when the result is zero: then `public` was of low order (RFC 7748 §6.1, RFC 9846 §7.4.2).
pub fn shared_secret(private: &[u8; 32], public: &[u8; 32], secret: &mut [u8; 32]) -> bool {
    let mut scalar = clamp(private);
    #[cfg(target_arch = "wasm32")]
    let product = pairs25519::ladder(&scalar, public).value();
    #[cfg(not(target_arch = "wasm32"))]
    let product = ladder(&scalar, &Element::from_bytes(public)).to_bytes();
    *secret = product;
    wipe(&mut scalar);
    !equal(secret, &[0; 32])
}

/// `public_key` and `shared_secret` in one. When it is false, both results are zero or worthless.
pub fn respond(private: &[u8; 32], public: &[u8; 32], share: &mut [u8; 32], secret: &mut [u8; 32]) -> bool {
    #[cfg(target_arch = "wasm32")]
    {
        let mut scalar = clamp(private);
        let own = pairs25519::multiply_generator_montgomery(&scalar);
        (*share, *secret) = pairs25519::Fraction::values(&own, &pairs25519::ladder(&scalar, public));
        wipe(&mut scalar);
        !equal(secret, &[0; 32])
    }
    #[cfg(not(target_arch = "wasm32"))]
    {
        public_key(private, share);
        shared_secret(private, public, secret)
    }
}

/// The Montgomery ladder of RFC 7748 §5, in its notation.
#[cfg(not(target_arch = "wasm32"))]
fn ladder(scalar: &[u8; 32], x1: &Element) -> Element {
    let (mut x2, mut z2, mut x3, mut z3) = (ONE, ZERO, *x1, ONE);
    let mut swapped = 0u32;
    for t in (0..255).rev() {
        let bit = (scalar[t >> 3] >> (t & 7) & 1) as u32;
        let swap = (bit ^ swapped).wrapping_neg();
        swapped = bit;
        Element::exchange_if(swap, &mut x2, &mut x3);
        Element::exchange_if(swap, &mut z2, &mut z3);
        let (a, b) = (x2.add(&z2), x2.subtract(&z2));
        let (aa, bb) = (a.square(), b.square());
        let e = aa.subtract(&bb);
        let (c, d) = (x3.add(&z3), x3.subtract(&z3));
        let (da, cb) = (d.multiply(&a), c.multiply(&b));
        x3 = da.add(&cb).square();
        z3 = da.subtract(&cb).square().multiply(x1);
        x2 = aa.multiply(&bb);
        z2 = e.multiply(&aa.add(&e.multiply_small(121665)));
    }
    // The lowest bit of a clamped scalar is 0: nothing is left to exchange.
    x2.multiply(&z2.invert())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> [u8; 32] {
        core::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
    }

    #[test]
    fn rfc_7748_section_5_2() {
        let mut out = [0; 32];
        assert!(shared_secret(
            &bytes("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"),
            &bytes("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c"),
            &mut out,
        ));
        assert_eq!(out, bytes("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552"));
        assert!(!shared_secret(&bytes("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"), &[0; 32], &mut out));
        let nine: [u8; 32] = core::array::from_fn(|i| 9 * (i == 0) as u8);
        let (mut k, mut u, mut k_edwards) = (nine, nine, [0; 32]);
        for _ in 0..1000 {
            assert!(shared_secret(&k, &u, &mut out));
            if u == nine {
                public_key(&k, &mut k_edwards);
                assert_eq!(k_edwards, out);
            }
            (k, u) = (out, k);
        }
        assert_eq!(k, bytes("684cf59ba83309552800ef566f2f4d3c1c3887c49360e3875f2eb94d99532c51"));
    }

    #[test]
    fn the_edwards_public_key_is_the_ladders() {
        let nine: [u8; 32] = core::array::from_fn(|i| 9 * (i == 0) as u8);
        let (mut from_ladder, mut from_edwards) = ([0; 32], [0; 32]);
        for i in 0..100 {
            let private = core::array::from_fn(|j| if i == 0 { 0 } else { (i * 37 + j * j * 11) as u8 });
            assert!(shared_secret(&private, &nine, &mut from_ladder));
            public_key(&private, &mut from_edwards);
            assert_eq!(from_edwards, from_ladder);
        }
    }
}
