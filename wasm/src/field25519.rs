//! Arithmetic modulo p = 2^255 − 19: plain, portable, constant time. The twin of the floating-point field.
//!
//! An element is ten signed limbs of alternately 26 and 25 bits, limb i of weight 2^⌈25.5·i⌉ (Bernstein 2006). Bounds: "reduced"
//! limbs, as `multiply` returns them, are at most 2^25.01 (even) or 2^24.01 (odd) in size; `multiply` and `square` take sums and
//! differences of up to four reduced elements (limbs below 2^27.01 and 2^26.01), so that its columns fit in 64 bits:
//! ten products of at most 19 · 2^54.02 are below 2^61.6.

use crate::constant_time::hide;
use crate::montgomery::{from_little_endian, to_little_endian, Modulus};

pub static PRIME: Modulus<8> = Modulus::new([
    0xffffffed, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x7fffffff,
]);

#[derive(Clone, Copy)]
pub struct Element {
    pub limbs: [i32; 10],
}

/// Bits of limb i.
const fn width(i: usize) -> u32 {
    26 - (i as u32 & 1)
}

/// The first bit of limb i.
const fn position(i: usize) -> u32 {
    (51 * i as u32).div_ceil(2)
}

pub const ZERO: Element = Element { limbs: [0; 10] };
pub const ONE: Element = Element { limbs: [1, 0, 0, 0, 0, 0, 0, 0, 0, 0] };

/// Not canonical, and not to be compared.
impl Element {
    /// From 32 bytes, little-endian; the top bit is ignored (RFC 7748 §5).
    pub const fn from_bytes(bytes: &[u8; 32]) -> Self {
        let mut limbs = [0i64; 10];
        let mut i = 0;
        while i < 10 {
            let (byte, shift) = ((position(i) / 8) as usize, position(i) % 8);
            let mut value = 0u64;
            let mut j = 0;
            while j < 5 && byte + j < 32 {
                value |= (bytes[byte + j] as u64) << (8 * j);
                j += 1;
            }
            limbs[i] = (value >> shift & ((1 << width(i)) - 1)) as i64;
            i += 1;
        }
        carry(limbs)
    }

    /// The canonical encoding.
    pub fn to_bytes(&self) -> [u8; 32] {
        let mut limbs = self.limbs;
        // The quotient by p, from the top limb down: an estimate of ⌊(value + 19)/2^255⌋.
        let mut quotient = (19 * limbs[9] as i64 + (1 << 24)) >> 25;
        for i in 0..10 {
            quotient = (limbs[i] as i64 + quotient) >> width(i);
        }
        limbs[0] += 19 * quotient as i32;
        for i in 0..10 {
            if i < 9 {
                limbs[i + 1] += limbs[i] >> width(i);
            }
            limbs[i] &= (1 << width(i)) - 1;
        }
        let mut out = [0u8; 32];
        for (i, limb) in limbs.iter().enumerate() {
            let (byte, shift) = ((position(i) / 8) as usize, position(i) % 8);
            let value = (*limb as u64) << shift;
            for j in 0..5 {
                if byte + j < 32 {
                    out[byte + j] |= (value >> (8 * j)) as u8;
                }
            }
        }
        out
    }

    pub fn add(&self, other: &Self) -> Self {
        Self { limbs: core::array::from_fn(|i| self.limbs[i] + other.limbs[i]) }
    }

    pub fn subtract(&self, other: &Self) -> Self {
        Self { limbs: core::array::from_fn(|i| self.limbs[i] - other.limbs[i]) }
    }

    pub fn negate(&self) -> Self {
        Self { limbs: self.limbs.map(|limb| -limb) }
    }

    #[inline(never)]
    pub fn multiply(&self, other: &Self) -> Self {
        let (f, g) = (&self.limbs, &other.limbs);
        let mut h = [0i64; 10];
        for i in 0..10 {
            for j in 0..10 {
                // Two odd limbs weigh twice their place; beyond 2^255, 2^255 = 19.
                let twice = 1 + (i & j & 1) as i64;
                let wrap = if i + j >= 10 { 19 } else { 1 };
                h[(i + j) % 10] += (f[i] as i64 * twice) * (g[j] as i64 * wrap);
            }
        }
        carry(h)
    }

    pub fn square(&self) -> Self {
        self.multiply(self)
    }

    pub fn square_times(&self, times: u32) -> Self {
        let mut out = *self;
        for _ in 0..times {
            out = out.square();
        }
        out
    }

    /// By a number below 2^17.
    pub fn multiply_small(&self, factor: i32) -> Self {
        carry(self.limbs.map(|limb| limb as i64 * factor as i64))
    }

    /// 0 for 0.
    pub fn invert(&self) -> Self {
        let mut out = [0; 32];
        to_little_endian(&PRIME.invert(&from_little_endian(&self.to_bytes())), &mut out);
        Self::from_bytes(&out)
    }

    /// self^((p − 5)/8) = self^(2^252 − 3), for square roots.
    pub fn power_2_252_3(&self) -> Self {
        let z2 = self.square();
        let z9 = z2.square_times(2).multiply(self);
        let z11 = z9.multiply(&z2);
        let e5 = z11.square().multiply(&z9); // exponent 2^5 − 1
        let e10 = e5.square_times(5).multiply(&e5);
        let e20 = e10.square_times(10).multiply(&e10);
        let e40 = e20.square_times(20).multiply(&e20);
        let e50 = e40.square_times(10).multiply(&e10);
        let e100 = e50.square_times(50).multiply(&e50);
        let e200 = e100.square_times(100).multiply(&e100);
        let e250 = e200.square_times(50).multiply(&e50);
        e250.square_times(2).multiply(self)
    }

    /// Exchanges a and b where `mask` is all ones, not where it is 0.
    pub fn exchange_if(mask: u32, a: &mut Self, b: &mut Self) {
        let mask = hide(mask) as i32;
        for (x, y) in a.limbs.iter_mut().zip(&mut b.limbs) {
            let difference = (*x ^ *y) & mask;
            *x ^= difference;
            *y ^= difference;
        }
    }

    /// `a` where `mask` is all ones, `b` where it is 0.
    pub fn select(mask: u32, a: &Self, b: &Self) -> Self {
        Self { limbs: core::array::from_fn(|i| (a.limbs[i] & mask as i32) | (b.limbs[i] & !mask as i32)) }
    }

    pub fn is_zero(&self) -> bool {
        crate::constant_time::equal(&self.to_bytes(), &[0; 32])
    }

    /// The parity of the canonical value: the sign of RFC 8032 §5.1.2.
    pub fn is_odd(&self) -> u8 {
        self.to_bytes()[0] & 1
    }
}

/// Brings columns below 2^62 to reduced limbs: each carry rounds to nearest, in an order that ends with small limbs everywhere.
const fn carry(mut h: [i64; 10]) -> Element {
    const ORDER: [usize; 12] = [0, 4, 1, 5, 2, 6, 3, 7, 4, 8, 9, 0];
    let mut step = 0;
    while step < 12 {
        let i = ORDER[step];
        let c = (h[i] + (1 << (width(i) - 1))) >> width(i);
        h[i] -= c << width(i);
        if i == 9 {
            h[0] += 19 * c;
        } else {
            h[i + 1] += c;
        }
        step += 1;
    }
    let mut out = [0; 10];
    let mut i = 0;
    while i < 10 {
        out[i] = h[i] as i32;
        i += 1;
    }
    Element { limbs: out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_montgomery_arithmetic() {
        let mut seed = 1u64;
        for round in 0..500 {
            let bytes: [[u8; 32]; 2] = core::array::from_fn(|_| {
                core::array::from_fn(|i| {
                    seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    match round {
                        0 => 0xff,
                        1 => [0xec, 0xff, 0xff, 0x7f][(i > 0) as usize + (i == 31) as usize],
                        2 => 0,
                        _ => (seed >> 56) as u8,
                    }
                })
            });
            let [a, b] = bytes.map(|x| Element::from_bytes(&x));
            let words = bytes.map(|mut x| {
                x[31] &= 127;
                from_little_endian::<8>(&x)
            });
            let mut expected = [0; 32];
            let product = PRIME.multiply(&PRIME.enter(&words[0]), &PRIME.enter(&words[1]));
            to_little_endian(&PRIME.leave(&product), &mut expected);
            assert_eq!(a.multiply(&b).to_bytes(), expected);
            // The widest operands allowed.
            let (wide, half) = (a.add(&b).add(&b), b.subtract(&a).negate());
            let sum = a.multiply(&a).add(&b.multiply(&a)).add(&b.multiply(&a));
            let difference = sum.subtract(&b.multiply(&a).add(&b.multiply(&b)).add(&b.multiply(&b)));
            assert_eq!(wide.multiply(&half).to_bytes(), carry(difference.limbs.map(|x| x as i64)).to_bytes());
            if round > 2 {
                assert_eq!(a.multiply(&a.invert()).to_bytes(), ONE.to_bytes());
            }
        }
    }
}
