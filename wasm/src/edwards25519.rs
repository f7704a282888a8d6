//! The group edwards25519 (RFC 7748 §4.1): plain, portable, constant time.
//!
//! Points are (X : Y : Z : T), x = X/Z, y = Y/Z, xy = T/Z, of −x² + y² = 1 + d·x²y². The addition formula of Hisil, Wong, Carter and Dawson
//! (2008) is complete on this curve: no case is special.

use crate::field25519::{Element, ONE, ZERO};
use crate::weierstrass::equal_mask;

const fn from_hex(hex: &[u8; 64]) -> Element {
    let mut bytes = [0; 32];
    let mut i = 0;
    while i < 64 {
        let digit = hex[63 - i];
        let value = if digit >= b'a' { digit - b'a' + 10 } else { digit - b'0' };
        bytes[i / 2] |= value << (4 * (i & 1));
        i += 1;
    }
    Element::from_bytes(&bytes)
}

/// −121665/121666.
const D: Element = from_hex(b"52036cee2b6ffe738cc740797779e89800700a4d4141d8ab75eb4dca135978a3");
const SQUARE_ROOT_OF_MINUS_ONE: Element = from_hex(b"2b8324804fc1df0b2b4d00993dfbd7a72f431806ad2fe478c4ee1b274a0ea0b0");
const GENERATOR_X: Element = from_hex(b"216936d3cd6e53fec0a4e231fdd6dc5c692cc7609525a7b2c9562d608f25d51a");
const GENERATOR_Y: Element = from_hex(b"6666666666666666666666666666666666666666666666666666666666666658");

#[derive(Clone, Copy)]
pub struct Point {
    x: Element,
    y: Element,
    z: Element,
    t: Element,
}

pub const IDENTITY: Point = Point { x: ZERO, y: ONE, z: ONE, t: ZERO };

impl Point {
    fn from_affine(x: Element, y: Element) -> Self {
        Self { x, y, z: ONE, t: x.multiply(&y) }
    }

    /// Of canonical coordinates of a point.
    pub fn from_bytes(x: &[u8; 32], y: &[u8; 32]) -> Self {
        Self::from_affine(Element::from_bytes(x), Element::from_bytes(y))
    }

    pub fn negate(&self) -> Self {
        Self { x: self.x.negate(), y: self.y, z: self.z, t: self.t.negate() }
    }

    pub fn add(&self, other: &Self) -> Self {
        let a = self.y.subtract(&self.x).multiply(&other.y.subtract(&other.x));
        let b = self.y.add(&self.x).multiply(&other.y.add(&other.x));
        let c = self.t.multiply(&D).multiply(&other.t);
        let c = c.add(&c);
        let d = self.z.multiply(&other.z);
        let d = d.add(&d);
        Self::from_efgh(b.subtract(&a), d.subtract(&c), d.add(&c), b.add(&a))
    }

    pub fn double(&self) -> Self {
        let a = self.x.square();
        let b = self.y.square();
        let c = self.z.square();
        let h = a.add(&b);
        let e = self.x.add(&self.y).square().subtract(&h);
        let g = b.subtract(&a);
        // Multiplied by one, to be reduced before it is multiplied again.
        let f = g.subtract(&c.add(&c)).multiply_small(1);
        Self::from_efgh(e, f, g, h.negate())
    }

    fn from_efgh(e: Element, f: Element, g: Element, h: Element) -> Self {
        Self { x: e.multiply(&f), y: g.multiply(&h), t: e.multiply(&h), z: f.multiply(&g) }
    }

    /// k·P, k little-endian, any: windows of four bits, each looked up by reading the whole table.
    pub fn multiply(&self, k: &[u8; 32]) -> Self {
        let mut table = [IDENTITY; 16];
        for i in 1..16 {
            table[i] = table[i - 1].add(self);
        }
        let mut sum = IDENTITY;
        for window in (0..64).rev() {
            for _ in 0..4 {
                sum = sum.double();
            }
            let digit = (k[window / 2] >> (4 * (window & 1)) & 15) as u32;
            let mut entry = IDENTITY;
            for (i, candidate) in table.iter().enumerate().skip(1) {
                let mask = equal_mask(i as u32, digit);
                entry.x = Element::select(mask, &candidate.x, &entry.x);
                entry.y = Element::select(mask, &candidate.y, &entry.y);
                entry.z = Element::select(mask, &candidate.z, &entry.z);
                entry.t = Element::select(mask, &candidate.t, &entry.t);
            }
            sum = sum.add(&entry);
        }
        sum
    }

    /// RFC 8032 §5.1.2.
    pub fn encode(&self) -> [u8; 32] {
        let inverse = self.z.invert();
        let x = self.x.multiply(&inverse);
        let mut out = self.y.multiply(&inverse).to_bytes();
        out[31] |= x.is_odd() << 7;
        out
    }

    /// RFC 8032 §5.1.3: undefined for what `encode` does not make. For public points: not constant time.
    pub fn decode(bytes: &[u8; 32]) -> Option<Self> {
        let sign = bytes[31] >> 7;
        let y = Element::from_bytes(bytes);
        let mut canonical = y.to_bytes();
        canonical[31] |= sign << 7;
        if canonical != *bytes {
            return None;
        }
        // x² = u/v; the candidate root is u·v³·(u·v⁷)^((p−5)/8), right up to a factor √−1.
        let yy = y.square();
        let u = yy.subtract(&ONE);
        let v = yy.multiply(&D).add(&ONE);
        let v3 = v.square().multiply(&v);
        let v7 = v3.square().multiply(&v);
        let mut x = u.multiply(&v3).multiply(&u.multiply(&v7).power_2_252_3());
        let vxx = v.multiply(&x.square());
        if !vxx.subtract(&u).is_zero() {
            if !vxx.add(&u).is_zero() {
                return None;
            }
            x = x.multiply(&SQUARE_ROOT_OF_MINUS_ONE);
        }
        if x.is_zero() && sign == 1 {
            return None;
        }
        if x.is_odd() != sign {
            x = x.negate();
        }
        Some(Self::from_affine(x, y))
    }

    /// (y + x, y − x, 2d·xy) of 1 to N times this point, canonical, for tables. N is at most 16; the point is of large order.
    pub fn table_entries<const N: usize>(&self) -> [[[u8; 32]; 3]; N] {
        let mut multiples = [*self; N];
        let mut products = [self.z; N]; // of the z up to each
        for i in 1..N {
            multiples[i] = multiples[i - 1].add(self);
            products[i] = products[i - 1].multiply(&multiples[i].z);
        }
        let mut inverse = products[N - 1].invert(); // of the product of the z up to i
        let mut out = [[[0; 32]; 3]; N];
        for i in (0..N).rev() {
            let point = &multiples[i];
            let z_inverse = if i == 0 { inverse } else { inverse.multiply(&products[i - 1]) };
            inverse = inverse.multiply(&point.z);
            let (x, y) = (point.x.multiply(&z_inverse), point.y.multiply(&z_inverse));
            let product = x.multiply(&y).multiply(&D.add(&D));
            out[i] = [y.add(&x), y.subtract(&x), product].map(|e| e.multiply_small(1).to_bytes());
        }
        out
    }

    /// u = (1 + y)/(1 − y) of the isomorphic Montgomery curve; 0 for the identity (RFC 7748 §4.1).
    pub fn to_montgomery(&self) -> [u8; 32] {
        self.z.add(&self.y).multiply(&self.z.subtract(&self.y).invert()).to_bytes()
    }
}

pub fn generator() -> Point {
    Point::from_affine(GENERATOR_X, GENERATOR_Y)
}

/// k·B, k little-endian, any.
pub fn multiply_generator(k: &[u8; 32]) -> Point {
    generator().multiply(k)
}

/// 2d, canonical.
pub fn twice_d() -> [u8; 32] {
    D.add(&D).multiply_small(1).to_bytes()
}
