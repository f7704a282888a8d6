//! Arithmetic modulo an odd number of `N` 32-bit words, in Montgomery form. Constant time, portable.
//!
//! This is the plain twin of the floating-point fields of P-256 and P-384, and the arithmetic of scalars: residues modulo the
//! group orders are few per operation, so they need no faster one. Numbers are little-endian arrays of words.

use crate::constant_time::{hide, nonzero_mask};
use crate::inversion::{self, to_signed, Signed};

pub struct Modulus<const N: usize> {
    pub words: [u32; N],
    /// −words⁻¹ mod 2^32.
    pub negated_inverse: u32,
    /// 2^(32N) mod m: one in Montgomery form.
    pub one: [u32; N],
    /// 2^(64N) mod m: multiplying by it brings a number into Montgomery form.
    r2: [u32; N],
    /// As `inversion.rs` writes it.
    pub signed: Signed,
}

impl<const N: usize> Modulus<N> {
    /// `words` is odd and has its top bit set, or (2^255 − 19, the order of edwards25519) lies above a quarter of 2^(32N).
    pub const fn new(words: [u32; N]) -> Self {
        let mut inverse = 1u32;
        let mut i = 0;
        while i < 5 {
            inverse = inverse.wrapping_mul(2u32.wrapping_sub(words[0].wrapping_mul(inverse)));
            i += 1;
        }
        let mut one = [0; N];
        let mut power = [0; N];
        power[0] = 1;
        let mut bit = 0;
        while bit < 64 * N {
            if bit == 32 * N {
                one = power;
            }
            power = double(&power, &words);
            bit += 1;
        }
        Self { words, negated_inverse: inverse.wrapping_neg(), one, r2: power, signed: to_signed(&words) }
    }

    /// a·b / 2^(32N) mod m. One factor below m and the other any number of N words gives a result below m.
    #[inline(never)]
    pub fn multiply(&self, a: &[u32; N], b: &[u32; N]) -> [u32; N] {
        let m = &self.words;
        let mut t = [0u32; N];
        let mut top = 0u32;
        for i in 0..N {
            let mut carry = 0u64;
            let b_i = b[i] as u64;
            for j in 0..N {
                carry += t[j] as u64 + a[j] as u64 * b_i;
                t[j] = carry as u32;
                carry >>= 32;
            }
            carry += top as u64;
            let (t_n, t_n1) = (carry as u32, (carry >> 32) as u32);
            let q = t[0].wrapping_mul(self.negated_inverse) as u64;
            let mut carry = (t[0] as u64 + q * m[0] as u64) >> 32;
            for j in 1..N {
                carry += t[j] as u64 + q * m[j] as u64;
                t[j - 1] = carry as u32;
                carry >>= 32;
            }
            carry += t_n as u64;
            t[N - 1] = carry as u32;
            top = t_n1 + (carry >> 32) as u32;
        }
        subtract_if_not_below(&t, top, m)
    }

    pub fn square(&self, a: &[u32; N]) -> [u32; N] {
        self.multiply(a, a)
    }

    // Not inlined, nor is `subtract`: copies of either were 25 KB of the strict module and no faster.
    #[inline(never)]
    pub fn add(&self, a: &[u32; N], b: &[u32; N]) -> [u32; N] {
        let mut sum = [0; N];
        let mut carry = 0u64;
        for i in 0..N {
            carry += a[i] as u64 + b[i] as u64;
            sum[i] = carry as u32;
            carry >>= 32;
        }
        subtract_if_not_below(&sum, carry as u32, &self.words)
    }

    #[inline(never)]
    pub fn subtract(&self, a: &[u32; N], b: &[u32; N]) -> [u32; N] {
        let (difference, borrow) = subtract(a, b);
        let mut carry = 0u64;
        let mut out = [0; N];
        for i in 0..N {
            carry += difference[i] as u64 + (self.words[i] & borrow) as u64;
            out[i] = carry as u32;
            carry >>= 32;
        }
        out
    }

    pub fn negate(&self, a: &[u32; N]) -> [u32; N] {
        self.subtract(&[0; N], a)
    }

    /// Into Montgomery form; `a` may be any number of N words.
    pub fn enter(&self, a: &[u32; N]) -> [u32; N] {
        self.multiply(a, &self.r2)
    }

    /// Out of Montgomery form: canonical, below m.
    pub fn leave(&self, a: &[u32; N]) -> [u32; N] {
        let mut one = [0; N];
        one[0] = 1;
        self.multiply(a, &one)
    }

    /// a mod m for a < 2^(32N) ≤ 2m.
    pub fn reduce(&self, a: &[u32; N]) -> [u32; N] {
        subtract_if_not_below(a, 0, &self.words)
    }

    /// All ones when a < m, else 0.
    pub fn is_canonical(&self, a: &[u32; N]) -> u32 {
        subtract(a, &self.words).1
    }

    /// a⁻¹ for a in Montgomery form, in Montgomery form; 0 for 0.
    pub fn invert_montgomery(&self, a: &[u32; N]) -> [u32; N] {
        // (aR)⁻¹ = a⁻¹/R, which needs R² twice: a⁻¹/R · R² / R = a⁻¹, and once more.
        self.enter(&self.enter(&self.invert(a)))
    }

    /// a⁻¹ mod m for a < m, neither in Montgomery form; 0 for 0.
    pub fn invert(&self, a: &[u32; N]) -> [u32; N] {
        inversion::invert(self, a)
    }
}

/// 2a mod m for a < m.
const fn double<const N: usize>(a: &[u32; N], m: &[u32; N]) -> [u32; N] {
    let mut twice = [0u32; N];
    let mut carry = 0u32;
    let mut i = 0;
    while i < N {
        twice[i] = (a[i] << 1) | carry;
        carry = a[i] >> 31;
        i += 1;
    }
    subtract_if_not_below(&twice, carry, m)
}

/// a − b mod 2^(32N), and all ones if it is negative, else 0.
pub const fn subtract<const N: usize>(a: &[u32; N], b: &[u32; N]) -> ([u32; N], u32) {
    let mut out = [0; N];
    let mut borrow = 0i64;
    let mut i = 0;
    while i < N {
        borrow += a[i] as i64 - b[i] as i64;
        out[i] = borrow as u32;
        borrow >>= 32;
        i += 1;
    }
    (out, borrow as u32)
}

/// (top·2^(32N) + a) − m if that is not negative, else a. For top·2^(32N) + a < 2m.
const fn subtract_if_not_below<const N: usize>(a: &[u32; N], top: u32, m: &[u32; N]) -> [u32; N] {
    let (difference, borrow) = subtract(a, m);
    // Keep `a` when there was a borrow that `top` does not cover.
    let keep = hide(borrow & hide(top).wrapping_sub(1));
    let mut out = [0; N];
    let mut i = 0;
    while i < N {
        out[i] = (a[i] & keep) | (difference[i] & !keep);
        i += 1;
    }
    out
}

/// All ones if `a` is zero, else 0.
pub fn is_zero<const N: usize>(a: &[u32; N]) -> u32 {
    let mut any = 0u32;
    for word in a {
        any |= word;
    }
    !nonzero_mask(any)
}

/// `a` where `mask` is all ones, `b` where it is 0.
pub fn select<const N: usize>(mask: u32, a: &[u32; N], b: &[u32; N]) -> [u32; N] {
    let mut out = [0; N];
    for i in 0..N {
        out[i] = (a[i] & mask) | (b[i] & !mask);
    }
    out
}

/// Little-endian words of a big-endian byte string of 4N bytes.
pub fn from_big_endian<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut out = [0; N];
    for i in 0..N {
        let at = 4 * (N - 1 - i);
        out[i] = u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    }
    out
}

pub fn to_big_endian<const N: usize>(words: &[u32; N], out: &mut [u8]) {
    for i in 0..N {
        let at = 4 * (N - 1 - i);
        out[at..at + 4].copy_from_slice(&words[i].to_be_bytes());
    }
}

pub fn from_little_endian<const N: usize>(bytes: &[u8]) -> [u32; N] {
    let mut out = [0; N];
    for i in 0..N {
        out[i] = u32::from_le_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]]);
    }
    out
}

pub fn to_little_endian<const N: usize>(words: &[u32; N], out: &mut [u8]) {
    for i in 0..N {
        out[4 * i..4 * i + 4].copy_from_slice(&words[i].to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{p256, p384};

    /// a·a⁻¹ = 1 for numbers of many shapes.
    fn inverts<const N: usize>(modulus: &Modulus<N>) {
        let mut a = [0x9e37_79b9u32; N];
        for round in 0..300u32 {
            for (i, word) in a.iter_mut().enumerate() {
                *word = match round {
                    0 => (i == 0) as u32,
                    1..=31 => ((i == 0) as u32) << round,
                    _ => word.rotate_left(5).wrapping_mul(0x85eb_ca6b).wrapping_add(round ^ i as u32),
                };
            }
            let mut residue = modulus.reduce(&a);
            if round == 32 {
                residue = subtract(&modulus.words, &core::array::from_fn(|i| (i == 0) as u32)).0;
            }
            let form = modulus.enter(&residue);
            assert_eq!(modulus.multiply(&form, &modulus.invert_montgomery(&form)), modulus.one);
        }
        assert_eq!(modulus.invert(&[0; N]), [0; N]);
    }

    #[test]
    fn inverts_modulo_each_modulus() {
        inverts(&p256::FIELD);
        inverts(&p256::ORDER);
        inverts(&p384::FIELD);
        inverts(&p384::ORDER);
    }

    #[test]
    fn montgomery_form_is_left_as_it_was_entered() {
        let a = [1u32, 2, 3, 4, 5, 6, 7, 8];
        assert_eq!(p256::FIELD.leave(&p256::FIELD.enter(&a)), a);
        assert_eq!(p256::FIELD.negate(&[0; 8]), [0; 8]);
    }
}
