//! The curve P-384 (FIPS 186-5, SP 800-186 §3.2.1.4).

use crate::montgomery::Modulus;
#[cfg(target_feature = "relaxed-simd")]
use crate::weierstrass::Affine;
use crate::weierstrass::{Curve, Group};

const ONES: u32 = 0xffffffff;

pub static FIELD: Modulus<12> =
    Modulus::new([ONES, 0, 0, ONES, 0xfffffffe, ONES, ONES, ONES, ONES, ONES, ONES, ONES]);

pub static ORDER: Modulus<12> = Modulus::new([
    0xccc52973, 0xecec196a, 0x48b0a77a, 0x581a0db2, 0xf4372ddf, 0xc7634d81, ONES, ONES, ONES, ONES, ONES, ONES,
]);

pub static CURVE: Curve<12> = Curve {
    field: &FIELD,
    order: &ORDER,
    b: [
        0xd3ec2aef, 0x2a85c8ed, 0x8a2ed19d, 0xc656398d, 0x5013875a, 0x0314088f, 0xfe814112, 0x181d9c6e, 0xe3f82d19,
        0x988e056b, 0xe23ee7e4, 0xb3312fa7,
    ],
    generator: [
        [
            0x72760ab7, 0x3a545e38, 0xbf55296c, 0x5502f25d, 0x82542a38, 0x59f741e0, 0x8ba79b98, 0x6e1d3b62, 0xf320ad74,
            0x8eb1c71e, 0xbe8b0537, 0xaa87ca22,
        ],
        [
            0x90ea0e5f, 0x7a431d7c, 0x1d7e819d, 0x0a60b1ce, 0xb5f0b8c0, 0xe9da3113, 0x289a147c, 0xf8f41dbd, 0x9292dc29,
            0x5d9e98bf, 0x96262c6f, 0x3617de4a,
        ],
    ],
};

pub struct P384;

impl Group<12> for P384 {
    const CURVE: &'static Curve<12> = &CURVE;

    // The strict build has no room for the fast twin within 400 KiB.
    #[cfg(all(target_arch = "wasm32", not(target_feature = "relaxed-simd")))]
    fn multiply_generator(k: &[u32; 12]) -> crate::weierstrass::Affine<12> {
        table::multiply_generator(k)
    }

    #[cfg(target_feature = "relaxed-simd")]
    fn multiply_generator(k: &[u32; 12]) -> Affine<12> {
        crate::pairs_p384::multiply_generator(k)
    }

    #[cfg(target_feature = "relaxed-simd")]
    fn multiply_point(k: &[u32; 12], point: &Affine<12>) -> Affine<12> {
        crate::pairs_p384::multiply_point(k, point)
    }
}

/// Multiples of the generator, for windows of four bits: 200 KiB, filled at the first use. Public.
#[cfg(all(target_arch = "wasm32", not(target_feature = "relaxed-simd")))]
mod table {
    use super::CURVE;
    use crate::weierstrass::{Affine, Point, Table};
    use core::cell::UnsafeCell;

    const ROWS: usize = 96;

    struct Shared(UnsafeCell<(Table<12, ROWS>, bool)>);

    // SAFETY: an instance of WebAssembly has one thread.
    unsafe impl Sync for Shared {}

    const ZERO: Point<12> = Point { x: [0; 12], y: [0; 12], z: [0; 12] };
    static SHARED: Shared = Shared(UnsafeCell::new(([[ZERO; 15]; ROWS], false)));

    pub fn multiply_generator(k: &[u32; 12]) -> Affine<12> {
        // SAFETY: no reference from an earlier call is alive, and filling calls nothing that calls this.
        let table = unsafe {
            let (table, ready) = &mut *SHARED.0.get();
            if !*ready {
                CURVE.fill_table(table);
                *ready = true;
            }
            &*table
        };
        CURVE.multiply_table(k, table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_belong_together() {
        assert!(CURVE.is_on_curve(&CURVE.generator));
        // n·G is the point at infinity, whose affine form is written (0, 0).
        assert_eq!(CURVE.multiply_generator(&ORDER.words), [[0; 12]; 2]);
    }
}
