//! The curve P-256 (FIPS 186-5, SP 800-186 §3.2.1.3).

use crate::montgomery::Modulus;
#[cfg(target_arch = "wasm32")]
use crate::weierstrass::Affine;
use crate::weierstrass::{Curve, Group};

pub static FIELD: Modulus<8> = Modulus::new([0xffffffff, 0xffffffff, 0xffffffff, 0, 0, 0, 1, 0xffffffff]);

pub static ORDER: Modulus<8> = Modulus::new([
    0xfc632551, 0xf3b9cac2, 0xa7179e84, 0xbce6faad, 0xffffffff, 0xffffffff, 0, 0xffffffff,
]);

pub static CURVE: Curve<8> = Curve {
    field: &FIELD,
    order: &ORDER,
    b: [0x27d2604b, 0x3bce3c3e, 0xcc53b0f6, 0x651d06b0, 0x769886bc, 0xb3ebbd55, 0xaa3a93e7, 0x5ac635d8],
    generator: [
        [0xd898c296, 0xf4a13945, 0x2deb33a0, 0x77037d81, 0x63a440f2, 0xf8bce6e5, 0xe12c4247, 0x6b17d1f2],
        [0x37bf51f5, 0xcbb64068, 0x6b315ece, 0x2bce3357, 0x7c0f9e16, 0x8ee7eb4a, 0xfe1a7f9b, 0x4fe342e2],
    ],
};

pub struct P256;

impl Group<8> for P256 {
    const CURVE: &'static Curve<8> = &CURVE;

    #[cfg(target_arch = "wasm32")]
    fn multiply_generator(k: &[u32; 8]) -> Affine<8> {
        crate::pairs_p256::multiply_generator(k)
    }

    #[cfg(target_arch = "wasm32")]
    fn commit(k: &[u32; 8]) -> ([u32; 8], [u32; 8]) {
        crate::pairs_p256::commit(k)
    }

    #[cfg(target_arch = "wasm32")]
    fn multiply_point(k: &[u32; 8], point: &Affine<8>) -> Affine<8> {
        crate::pairs_p256::multiply_point(k, point)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_belong_together() {
        assert!(CURVE.is_on_curve(&CURVE.generator));
        // n·G is the point at infinity, whose affine form is written (0, 0).
        assert_eq!(CURVE.multiply_generator(&ORDER.words), [[0; 8]; 2]);
    }
}
