//! Follows the worst case of each coefficient through the transforms of `mlkem_simd.rs`, with the very factors that it uses: nothing
//! leaves 16 bits. The largest result of a product is not argued but found, by trying all operands.

use crate::mlkem::{bit_reverse_7, factor, zeta_power, Factor, Q};

const Q16: i32 = Q as i32;

/// `multiply` of the vector twin, of one lane, without wrapping where it must not.
fn multiply(a: i32, Factor(value, quotient): Factor) -> i32 {
    let high = (a * i32::from(quotient) + (1 << 14)) >> 15;
    assert!((-32768..32768).contains(&high));
    // The two low products wrap; their difference does not.
    let result = (a.wrapping_mul(i32::from(value)) as i16).wrapping_sub((high * Q16) as i16);
    i32::from(result)
}

/// The largest result for operands of at most `bound`; each is checked to be right.
fn largest_product(bound: i32, factor: Factor) -> i32 {
    assert!(bound < 32768);
    (-bound..=bound)
        .map(|a| {
            let result = multiply(a, factor);
            assert_eq!((i64::from(a) * i64::from(factor.0) - i64::from(result)) % i64::from(Q16), 0);
            result.abs()
        })
        .max()
        .unwrap()
}

fn zeta(i: usize) -> Factor {
    factor(zeta_power(bit_reverse_7(i)))
}

fn fits(bound: i32) -> i32 {
    assert!(bound < 32768, "{bound} does not fit");
    bound
}

/// Indices of the zetas of each layer of the forward transform.
fn layers() -> impl DoubleEndedIterator<Item = core::ops::Range<usize>> {
    (0..7).map(|layer| 1 << layer..2 << layer)
}

fn reduced(bound: i32) -> i32 {
    largest_product(fits(bound), factor(1))
}

#[test]
fn reduction_of_anything() {
    assert!(reduced(32767) <= 2187);
    // -2^15 as well.
    assert!(multiply(-32768, factor(1)).abs() <= 2187);
}

#[test]
fn forward_transform() {
    let mut bound = Q16;
    for zetas in layers() {
        let product = zetas.map(|i| largest_product(bound, zeta(i))).max().unwrap();
        bound = fits(bound + product);
    }
    assert!(bound <= 18296);
    assert!(reduced(bound) <= 2187);
}

/// What `prepare` and `dot` make of two transforms: the right-hand side times gamma, or as it is, and the left-hand side below q.
fn dot_bound() -> i32 {
    let gammas = (0..128).map(|i| factor(zeta_power(2 * bit_reverse_7(i) + 1)));
    let right = gammas.map(|gamma| largest_product(2187, gamma)).max().unwrap().max(2187);
    // Six products, and Montgomery's q · (x q^-1 mod 2^16), which is signed.
    let sum = 6 * (Q16 - 1) * right + Q16 * 32768;
    sum / 65536 + 1
}

#[test]
fn inverse_transform() {
    assert!(dot_bound() <= 2741);
    let mut bound = 2741;
    for (layer, zetas) in layers().rev().enumerate() {
        let sum = fits(2 * bound);
        let product = zetas.map(|i| largest_product(sum, zeta(i))).max().unwrap();
        // Layers 1, 3 and 5, from 0, reduce their sums.
        bound = if layer % 2 == 1 { reduced(sum) } else { sum }.max(product);
    }
    let result = largest_product(bound, factor(65536 % Q * 3303));
    assert!(result < Q16);
    // Noise and message are added, and, when decrypting, a decompressed coefficient.
    fits(result + 3 + 1665);
    fits(result + Q16);
}
