//! Ed25519 (RFC 8032 §5.1).

use crate::constant_time::wipe;
#[cfg(not(target_arch = "wasm32"))]
use crate::edwards25519::multiply_generator;
use crate::edwards25519::Point;
#[cfg(target_arch = "wasm32")]
use crate::pairs25519;
use crate::hash::digest;
use crate::montgomery::{from_little_endian, to_little_endian, Modulus};
use crate::sha512::Sha512;

/// L, the order of the generator.
static ORDER: Modulus<8> =
    Modulus::new([0x5cf5d3ed, 0x5812631a, 0xa2f79cd6, 0x14def9de, 0, 0, 0, 0x10000000]);

/// A private key, expanded. Plain data: it may be copied as bytes, and is as secret as the seed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SigningKey {
    /// The clamped scalar.
    scalar: [u8; 32],
    prefix: [u8; 32],
    pub public: [u8; 32],
}

impl SigningKey {
    pub fn new(seed: &[u8; 32]) -> Self {
        let mut expanded = [0u8; 64];
        digest::<Sha512>(&[seed], &mut expanded);
        let (scalar, prefix) = expanded.split_at(32);
        let (scalar, prefix) = (crate::x25519::clamp(scalar.try_into().unwrap_or(&[0; 32])), prefix);
        let mut key = Self { scalar, prefix: [0; 32], public: multiply_generator_encoded(&scalar) };
        key.prefix.copy_from_slice(prefix);
        wipe(&mut expanded);
        key
    }

    pub fn sign(&self, message: &[u8], signature: &mut [u8; 64]) {
        let mut r = hash_to_scalar(&[&self.prefix, message]);
        let mut nonce = [0; 32];
        to_little_endian(&ORDER.leave(&r), &mut nonce);
        let r_point = multiply_generator_encoded(&nonce);
        let k = hash_to_scalar(&[&r_point, &self.public, message]);
        let mut scalar = ORDER.enter(&from_little_endian(&self.scalar));
        let s = ORDER.leave(&ORDER.add(&r, &ORDER.multiply(&k, &scalar)));
        signature[..32].copy_from_slice(&r_point);
        to_little_endian(&s, &mut signature[32..]);
        wipe(&mut r);
        wipe(&mut nonce);
        wipe(&mut scalar);
    }
}

/// k·B for k below 2^255, encoded.
fn multiply_generator_encoded(k: &[u8; 32]) -> [u8; 32] {
    #[cfg(target_arch = "wasm32")]
    let encoded = pairs25519::multiply_generator_encoded(k);
    #[cfg(not(target_arch = "wasm32"))]
    let encoded = multiply_generator(k).encode();
    encoded
}

/// k·B for k below 2^255.
#[cfg(target_arch = "wasm32")]
fn multiply_generator(k: &[u8; 32]) -> Point {
    let (x, y) = pairs25519::multiply_generator_affine(k);
    Point::from_bytes(&x, &y)
}

/// SHA-512 as a little-endian number modulo L, in Montgomery form.
fn hash_to_scalar(parts: &[&[u8]]) -> [u32; 8] {
    let mut hash = [0u8; 64];
    digest::<Sha512>(parts, &mut hash);
    let (low, high) = (from_little_endian(&hash[..32]), from_little_endian(&hash[32..]));
    wipe(&mut hash);
    // Entered twice, the high half is multiplied by 2^256 on the way.
    ORDER.add(&ORDER.enter(&low), &ORDER.enter(&ORDER.enter(&high)))
}

/// Whether `bytes` encode a point, canonically. Points of small order are points.
pub fn is_public_key(bytes: &[u8; 32]) -> bool {
    Point::decode(bytes).is_some()
}

/// RFC 8032 §5.1.7 without the cofactor, as most implementations do: S below L, A canonical, and R equal, byte for byte, to what S·B − k·A
/// encodes to. Nothing here is secret.
pub fn verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    let Some(a) = Point::decode(public) else {
        return false;
    };
    let (r, s) = signature.split_at(32);
    if ORDER.is_canonical(&from_little_endian(s)) == 0 {
        return false;
    }
    let mut s_bytes = [0; 32];
    s_bytes.copy_from_slice(s);
    let mut k = [0; 32];
    to_little_endian(&ORDER.leave(&hash_to_scalar(&[r, public, message])), &mut k);
    multiply_generator(&s_bytes).add(&a.negate().multiply(&k)).encode() == *r
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const L: usize>(hex: &str) -> [u8; L] {
        core::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
    }

    /// RFC 8032 §7.1, tests 1 and 2.
    #[test]
    fn rfc_8032() {
        let cases: [(&str, &str, &[u8], &str); 2] = [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                b"",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                &[0x72],
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
        ];
        for (seed, public, message, expected) in cases {
            let key = SigningKey::new(&bytes(seed));
            assert_eq!(key.public, bytes(public));
            let mut signature = [0; 64];
            key.sign(message, &mut signature);
            assert_eq!(signature, bytes(expected));
            assert!(verify(&key.public, message, &signature));
            for i in 0..64 {
                let mut bad = signature;
                bad[i] ^= 1;
                assert!(!verify(&key.public, message, &bad));
            }
        }
    }
}
