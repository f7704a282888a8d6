//! Points of the NIST curves y² = x³ − 3x + b, of prime order: plain, portable, constant time, for any of them.
//!
//! Points are homogeneous (x = X/Z, y = Y/Z), coordinates in Montgomery form. The formulas are the complete ones of Renes, Costello and
//! Batina (2015, algorithms 4 and 6): no case is special, neither the point at infinity (0 : 1 : 0) nor equal points.

use crate::constant_time::{declassify, nonzero_mask};
use crate::montgomery::{from_big_endian, is_zero, select, subtract, to_big_endian, Modulus};

pub struct Curve<const N: usize> {
    pub field: &'static Modulus<N>,
    pub order: &'static Modulus<N>,
    /// Not in Montgomery form.
    pub b: [u32; N],
    pub generator: [[u32; N]; 2],
}

/// A point as (x, y), not in Montgomery form.
pub type Affine<const N: usize> = [[u32; N]; 2];

#[derive(Clone, Copy)]
pub struct Point<const N: usize> {
    pub x: [u32; N],
    pub y: [u32; N],
    pub z: [u32; N],
}

/// The operations that ECDH and ECDSA need, so that a curve can offer faster ones than the plain ones of `Curve`.
pub trait Group<const N: usize> {
    const CURVE: &'static Curve<N>;

    /// k·G for k in [1, n − 1], secret.
    fn multiply_generator(k: &[u32; N]) -> Affine<N> {
        Self::CURVE.multiply_generator(k)
    }

    /// x of k·G, and the inverse of k modulo the order, for k in [1, n − 1], secret.
    fn commit(k: &[u32; N]) -> ([u32; N], [u32; N]) {
        (Self::multiply_generator(k)[0], Self::CURVE.order.invert(k))
    }

    /// k·P for k in [1, n − 1], secret, and P on the curve.
    fn multiply_point(k: &[u32; N], point: &Affine<N>) -> Affine<N> {
        Self::CURVE.multiply_point(k, point)
    }

    /// x of u·G + v·P, for v in [1, n − 1]; nothing is secret. Undefined for the point at infinity.
    fn multiply_add(u: &[u32; N], v: &[u32; N], point: &Affine<N>) -> Option<[u32; N]> {
        let curve = Self::CURVE;
        let add = |p: &Point<N>, q: &Point<N>| curve.add(p, q, &curve.field.enter(&curve.b));
        let second = curve.from_affine(&Self::multiply_point(v, point));
        let sum = if is_zero(u) != 0 {
            second
        } else {
            let mut first = Self::multiply_generator(u);
            // The fast multiplication has one scalar, and its negative, that it cannot do: no key or nonce comes upon it, but whoever makes up
            // a signature may choose it.
            let failed = is_zero(&first[0]) & is_zero(&first[1]) != 0;
            if failed {
                let mut one = [0; N];
                one[0] = 1;
                first = Self::multiply_generator(&subtract(u, &one).0);
            }
            let first = curve.from_affine(&first);
            let first = if failed { add(&first, &curve.from_affine(&curve.generator)) } else { first };
            add(&first, &second)
        };
        (is_zero(&sum.z) == 0).then(|| curve.to_affine(&sum)[0])
    }
}

/// Windows of scalars are 4 bits wide.
const WINDOW: usize = 4;

/// Multiples of the generator, see `fill_table`.
pub type Table<const N: usize, const ROWS: usize> = [[Point<N>; (1 << WINDOW) - 1]; ROWS];

fn digit<const N: usize>(k: &[u32; N], window: usize) -> u32 {
    k[window * WINDOW / 32] >> (window * WINDOW % 32) & ((1 << WINDOW) - 1)
}

impl<const N: usize> Curve<N> {
    /// Bytes of a coordinate.
    pub const SIZE: usize = 4 * N;

    pub fn infinity(&self) -> Point<N> {
        Point { x: [0; N], y: self.field.one, z: [0; N] }
    }

    pub fn from_affine(&self, [x, y]: &Affine<N>) -> Point<N> {
        Point { x: self.field.enter(x), y: self.field.enter(y), z: self.field.one }
    }

    /// (0, 0) for the point at infinity.
    pub fn to_affine(&self, p: &Point<N>) -> Affine<N> {
        let f = self.field;
        let inverse = f.invert_montgomery(&p.z);
        [f.leave(&f.multiply(&p.x, &inverse)), f.leave(&f.multiply(&p.y, &inverse))]
    }

    /// Algorithm 4. `b` in Montgomery form.
    fn add(&self, p: &Point<N>, q: &Point<N>, b: &[u32; N]) -> Point<N> {
        let f = self.field;
        let xx = f.multiply(&p.x, &q.x);
        let yy = f.multiply(&p.y, &q.y);
        let zz = f.multiply(&p.z, &q.z);
        let xy = f.subtract(&f.multiply(&f.add(&p.x, &p.y), &f.add(&q.x, &q.y)), &f.add(&xx, &yy));
        let yz = f.subtract(&f.multiply(&f.add(&p.y, &p.z), &f.add(&q.y, &q.z)), &f.add(&yy, &zz));
        let xz = f.subtract(&f.multiply(&f.add(&p.x, &p.z), &f.add(&q.x, &q.z)), &f.add(&xx, &zz));
        let triple = |a: &[u32; N]| f.add(&f.add(a, a), a);
        let zz3 = triple(&zz);
        let s = triple(&f.subtract(&xz, &f.multiply(b, &zz)));
        let t = triple(&f.subtract(&f.subtract(&f.multiply(b, &xz), &zz3), &xx));
        let (minus, plus) = (f.subtract(&yy, &s), f.add(&yy, &s));
        let u = f.subtract(&triple(&xx), &zz3);
        Point {
            x: f.subtract(&f.multiply(&plus, &xy), &f.multiply(&yz, &t)),
            y: f.add(&f.multiply(&plus, &minus), &f.multiply(&u, &t)),
            z: f.add(&f.multiply(&yz, &minus), &f.multiply(&xy, &u)),
        }
    }

    /// Algorithm 6. `b` in Montgomery form.
    fn double(&self, p: &Point<N>, b: &[u32; N]) -> Point<N> {
        let f = self.field;
        let triple = |a: &[u32; N]| f.add(&f.add(a, a), a);
        let twice = |a: &[u32; N]| f.add(a, a);
        let xx = f.square(&p.x);
        let yy = f.square(&p.y);
        let zz = f.square(&p.z);
        let xy2 = twice(&f.multiply(&p.x, &p.y));
        let xz2 = twice(&f.multiply(&p.x, &p.z));
        let yz2 = twice(&f.multiply(&p.y, &p.z));
        let s = triple(&f.subtract(&f.multiply(b, &zz), &xz2));
        let (minus, plus) = (f.subtract(&yy, &s), f.add(&yy, &s));
        let zz3 = triple(&zz);
        let t = triple(&f.subtract(&f.subtract(&f.multiply(b, &xz2), &zz3), &xx));
        let u = f.subtract(&triple(&xx), &zz3);
        Point {
            x: f.subtract(&f.multiply(&minus, &xy2), &f.multiply(&yz2, &t)),
            y: f.add(&f.multiply(&plus, &minus), &f.multiply(&u, &t)),
            z: twice(&twice(&f.multiply(&yz2, &yy))),
        }
    }

    /// k·P for any k of N words: windows of four bits, each looked up by reading the whole table.
    pub fn multiply(&self, k: &[u32; N], p: &Point<N>) -> Point<N> {
        let b = self.field.enter(&self.b);
        let mut table = [self.infinity(); 1 << WINDOW];
        for i in 1..1 << WINDOW {
            table[i] = self.add(&table[i - 1], p, &b);
        }
        let mut sum = self.infinity();
        for window in (0..32 * N / WINDOW).rev() {
            for _ in 0..WINDOW {
                sum = self.double(&sum, &b);
            }
            sum = self.add(&sum, &self.look_up(&table[1..], digit(k, window)), &b);
        }
        sum
    }

    /// The entry of a digit: the multiples of a point from 1 on are read whole, and 0 is the point at infinity.
    fn look_up(&self, multiples: &[Point<N>], digit: u32) -> Point<N> {
        let mut entry = self.infinity();
        for (i, candidate) in multiples.iter().enumerate() {
            let mask = equal_mask(i as u32 + 1, digit);
            entry.x = select(mask, &candidate.x, &entry.x);
            entry.y = select(mask, &candidate.y, &entry.y);
            entry.z = select(mask, &candidate.z, &entry.z);
        }
        entry
    }

    /// Row i holds 1 to 15 times 16^i·G.
    pub fn fill_table<const ROWS: usize>(&self, table: &mut Table<N, ROWS>) {
        let b = self.field.enter(&self.b);
        let mut base = self.from_affine(&self.generator);
        for row in table {
            row[0] = base;
            for i in 1..row.len() {
                row[i] = self.add(&row[i - 1], &base, &b);
            }
            base = self.add(&row[row.len() - 1], &base, &b);
        }
    }

    /// k·G by a table of as many rows as k has windows: no doublings.
    pub fn multiply_table<const ROWS: usize>(&self, k: &[u32; N], table: &Table<N, ROWS>) -> Affine<N> {
        let b = self.field.enter(&self.b);
        let mut sum = self.infinity();
        for (window, row) in table.iter().enumerate() {
            sum = self.add(&sum, &self.look_up(row, digit(k, window)), &b);
        }
        self.to_affine(&sum)
    }

    pub fn multiply_generator(&self, k: &[u32; N]) -> Affine<N> {
        self.to_affine(&self.multiply(k, &self.from_affine(&self.generator)))
    }

    pub fn multiply_point(&self, k: &[u32; N], point: &Affine<N>) -> Affine<N> {
        self.to_affine(&self.multiply(k, &self.from_affine(point)))
    }

    /// Whether (x, y) are canonical and on the curve (SP 800-56A §5.6.2.3.4; the cofactor is 1, so no more is needed).
    pub fn is_on_curve(&self, [x, y]: &Affine<N>) -> bool {
        let f = self.field;
        let canonical = f.is_canonical(x) & f.is_canonical(y);
        let (x, y, b) = (f.enter(x), f.enter(y), f.enter(&self.b));
        let cube = f.multiply(&f.square(&x), &x);
        let three_x = f.add(&f.add(&x, &x), &x);
        let right = f.add(&f.subtract(&cube, &three_x), &b);
        canonical & is_zero(&f.subtract(&f.square(&y), &right)) != 0
    }

    /// An uncompressed point (SEC 1 §2.3.4), of which TLS 1.3 allows no other form (RFC 9846 §4.3.8.2), checked.
    pub fn decode(&self, bytes: &[u8]) -> Option<Affine<N>> {
        if bytes.len() != 1 + 2 * Self::SIZE || bytes[0] != 4 {
            return None;
        }
        let (x, y) = bytes[1..].split_at(Self::SIZE);
        let point = [from_big_endian(x), from_big_endian(y)];
        self.is_on_curve(&point).then_some(point)
    }

    pub fn encode(&self, [x, y]: &Affine<N>, out: &mut [u8]) {
        out[0] = 4;
        let (out_x, out_y) = out[1..1 + 2 * Self::SIZE].split_at_mut(Self::SIZE);
        to_big_endian(x, out_x);
        to_big_endian(y, out_y);
    }

    /// A private scalar in [1, n − 1].
    pub fn decode_scalar(&self, bytes: &[u8]) -> Option<[u32; N]> {
        let k = from_big_endian(bytes);
        let valid = self.order.is_canonical(&k) & !is_zero(&k) != 0;
        declassify(&valid);
        valid.then_some(k)
    }
}

/// All ones if a = b, else 0.
pub fn equal_mask(a: u32, b: u32) -> u32 {
    !nonzero_mask(a ^ b)
}
