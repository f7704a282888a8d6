//! P-384 for the relaxed build: the fast twin of `weierstrass.rs`, in integers. Two field elements are computed at once, one in each half of a vector;
//! `limbs_p384.rs` says how they are written, wasm/kernels/ how they are multiplied. Sums of elements are not carried: each value says how many terms it
//! may have, of three that a product takes from its first factor and two from its second.
//!
//! The formulas are those of `pairs_p256.rs`, and scalars are recoded alike: k (or n − k, the result negated: whichever is odd) is a sum of odd digits, none of which
//! is zero, so that no step is special but where a sum meets its own addend or its opposite.
//!
//! `multiply_point`: k = d + 8·Σ dᵢ·32ⁱ with dᵢ from −31 to 31 and d from −7 to 7; the top digit, d₇₆, is 1. Before the last step the partial sum is m·P with
//! m ≥ 1 and 32·m + 31 < n, to which a smaller multiple of P is added. In the last, 8m ± d is n neither: 8m + d is k, and 8m − d = k − 2d = n has no
//! solution whose last digit is d: n mod 16 = 3 would need d ≡ 5, but d < 0. (With five bits there would be one, n − 38: hence the three.)
//!
//! `multiply_generator`: k = Σ dᵢ·32ⁱ, i < 78, and d₇₇ = 1. Lane 0 sums digits 0 to 38, lane 1 the others. A digit is added to a sum of lower ones, which is smaller in
//! size; both are below n/2 but in lane 1 at the end, where a multiple of 2^195 below 2^385 in size meets 2^385 ≡ 2·(2^384 − n): neither their sum nor their difference is a
//! multiple of n, for that would be k less its lower digits plus 0 or 2^386, and k is not among its own lower digits. When the two lanes meet they are equal for one k,
//! which no one will ever draw, but a forger could choose: `Group::multiply_add` sees to that.

use crate::constant_time::{hide, wipe};
use crate::limbs_p384::{pack, unpack, ONE, R2, VECTORS};
use crate::look_up::look_up;
use crate::montgomery::{select, subtract};
use crate::p384::{CURVE, FIELD, ORDER};
use crate::weierstrass::Affine;
use core::arch::wasm32::*;
use core::cell::UnsafeCell;

/// A pair of field elements.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
struct Pair([v128; VECTORS]);

/// One point: (X, Y) and (Z, Z). Y and Z may be sums of two.
#[repr(C)]
#[derive(Clone, Copy)]
struct Jacobian {
    xy: Pair,
    z: Pair,
}

/// One point to be added: with (Z², Z³).
#[repr(C)]
#[derive(Clone, Copy)]
struct Addend {
    point: Jacobian,
    powers: Pair,
}

/// An affine point in each lane: x, y.
type Entry = [Pair; 2];

// Vectors are not called FFI-safe, but only addresses of them cross here.
#[allow(improper_ctypes)]
extern "C" {
    fn p384_multiply(out: *mut Pair, a: *const Pair, b: *const Pair);
    fn p384_square(out: *mut Pair, a: *const Pair);
    fn p384_reduce_sum(out: *mut Pair, a: *const Pair);
}

const PLAIN_ONE: [u32; 12] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

impl Pair {
    const ZERO: Self = Self([i64x2(0, 0); VECTORS]);

    #[inline(never)]
    fn from_words(low: &[u32; 12], high: &[u32; 12]) -> Self {
        Self(pack(low, high))
    }

    fn splat(words: &[u32; 12]) -> Self {
        Self::from_words(words, words)
    }

    /// Into Montgomery form.
    fn enter(low: &[u32; 12], high: &[u32; 12]) -> Self {
        Self::from_words(low, high).multiply(&Self::splat(&R2))
    }

    /// Out of Montgomery form. A product with 1 lies between −1 and p + 1.
    fn leave(&self) -> [[u32; 12]; 2] {
        unpack(&self.multiply(&Self::splat(&PLAIN_ONE)).0)
    }

    /// `self` of up to three terms, `other` of two.
    fn multiply(&self, other: &Self) -> Self {
        let mut out = Self::ZERO;
        // SAFETY, of all kernels: they read and write whole values of the type declared above.
        unsafe { p384_multiply(&mut out, self, other) };
        out
    }

    /// Of up to three terms.
    fn square(&self) -> Self {
        let mut out = Self::ZERO;
        unsafe { p384_square(&mut out, self) };
        out
    }

    /// One term of up to thirteen.
    fn reduce(&self) -> Self {
        let mut out = Self::ZERO;
        unsafe { p384_reduce_sum(&mut out, self) };
        out
    }

    // Not inlined, like those that follow: it makes the module 10 KB shorter and costs nothing.
    #[inline(never)]
    fn add(&self, other: &Self) -> Self {
        Self(core::array::from_fn(|k| i32x4_add(self.0[k], other.0[k])))
    }

    #[inline(never)]
    fn subtract(&self, other: &Self) -> Self {
        Self(core::array::from_fn(|k| i32x4_sub(self.0[k], other.0[k])))
    }

    #[inline(never)]
    fn shift(&self, bits: u32) -> Self {
        Self(self.0.map(|limbs| i32x4_shl(limbs, bits)))
    }

    /// Negated in the lanes where `mask` is all ones.
    fn negate(&self, mask: v128) -> Self {
        Self(self.0.map(|limbs| i32x4_sub(v128_xor(limbs, mask), mask)))
    }

    fn swap(&self) -> Self {
        self.shuffle::<1, 0>(self)
    }

    /// Lane I of the four lanes of both beside lane J.
    #[inline(never)]
    fn shuffle<const I: usize, const J: usize>(&self, other: &Self) -> Self {
        Self(core::array::from_fn(|k| i64x2_shuffle::<I, J>(self.0[k], other.0[k])))
    }
}

impl Jacobian {
    fn from_affine([x, y]: &Affine<12>) -> Self {
        Self { xy: Pair::enter(x, y), z: Pair::splat(&ONE) }
    }

    /// dbl-2001-b: 3M + 5S as 4 products of pairs.
    #[inline(never)]
    fn double(&mut self) {
        let Self { xy, z } = self;
        let squares = z.shuffle::<0, 3>(xy).square(); // (delta, gamma) = (Z², Y²)
        let gamma_delta = squares.swap();
        let x = xy.shuffle::<0, 0>(xy);
        // (beta, m) = (X·gamma, (X − delta)(X + delta)); alpha = 3m
        let (minus, plus) = (x.subtract(&gamma_delta), x.add(&gamma_delta));
        let products = xy.shuffle::<0, 3>(&minus).multiply(&squares.shuffle::<1, 3>(&plus));
        let alpha = products.shift(1).add(&products); // in lane 1
        let fourth = alpha.shuffle::<1, 3>(&squares).square(); // (alpha², gamma²)
        // X3 = alpha² − 8·beta; w = 4·beta − X3
        let eight = products.shift(3);
        let x3 = fourth.subtract(&eight);
        let w = eight.add(&products.shift(2)).subtract(&fourth);
        let x3w = x3.shuffle::<0, 2>(&w).reduce();
        let last = alpha.shuffle::<1, 3>(xy).multiply(&x3w.shuffle::<1, 2>(z)); // (alpha·w, Y·Z)
        // Y3 = alpha·w − 8·gamma²; Z3 = 2·Y·Z
        let y3 = last.subtract(&fourth.swap().shift(3)).reduce();
        let z3 = last.shift(1);
        *self = Self { xy: x3w.shuffle::<0, 2>(&y3), z: z3.shuffle::<1, 1>(&z3) };
    }

    /// 12M + 2S as 7 products of pairs.
    #[inline(never)]
    fn add(&mut self, other: &Addend) {
        let (xy1, z1) = (&self.xy, &self.z);
        let Addend { point: Jacobian { xy: xy2, z: z2 }, powers: powers2 } = other;
        let zs = z1.multiply(&z1.shuffle::<0, 2>(z2)); // (z1², z1·z2)
        let us1 = xy1.multiply(powers2); // (u1, s1) = (x1·z2², y1·z2³)
        let uz = xy2.shuffle::<0, 2>(z1).multiply(&zs.shuffle::<0, 0>(&zs)); // (u2, z1³)
        let h = uz.subtract(&us1); // lane 0: u2 − u1
        let sz = xy2.shuffle::<1, 2>(&h).multiply(&uz.shuffle::<1, 3>(&zs)); // (s2, z3) = (y2·z1³, h·z1·z2)
        let r = sz.subtract(&us1.swap()); // lane 0: s2 − s1
        let squares = h.shuffle::<0, 2>(&r).square(); // (h², r²)
        let hh = squares.shuffle::<0, 0>(&squares);
        let cubes = h.shuffle::<0, 2>(&us1).multiply(&hh); // (h³, v) = (h·h², u1·h²)
        let v = cubes.swap();
        // In lane 0: X3 = r² − h³ − 2v; w = v − X3
        let x3 = squares.swap().subtract(&cubes).subtract(&v.shift(1));
        let x3w = x3.shuffle::<0, 2>(&v.subtract(&x3)).reduce();
        // Y3 = r·w − s1·h³
        let last = r.shuffle::<0, 3>(&us1).multiply(&x3w.shuffle::<1, 2>(&cubes));
        let y3 = last.subtract(&last.swap());
        *self = Self { xy: x3w.shuffle::<0, 2>(&y3), z: sz.shuffle::<1, 1>(&sz) };
    }

    fn addend(&self) -> Addend {
        let one_z = Pair::splat(&ONE).shuffle::<0, 2>(&self.z);
        Addend { point: *self, powers: self.z.square().multiply(&one_z) }
    }

    /// P, 3P, 5P, … of this point P.
    fn odd_multiples(&self) -> [Addend; ENTRIES] {
        let mut twice = *self;
        twice.double();
        let twice = twice.addend();
        let mut sum = *self;
        let mut out = [self.addend(); ENTRIES];
        for entry in &mut out[1..] {
            sum.add(&twice);
            *entry = sum.addend();
        }
        out
    }

    /// (x, y) times R, of a point whose z has this inverse, in both lanes.
    fn scaled(&self, inverse: &Pair) -> Pair {
        let one_inverse = Pair::splat(&ONE).shuffle::<0, 2>(inverse);
        self.xy.multiply(&inverse.square().multiply(&one_inverse))
    }
}

/// The inverse of the low lane, in both, in Montgomery form.
fn invert(a: &Pair) -> Pair {
    let inverse = FIELD.invert(&a.leave()[0]);
    Pair::enter(&inverse, &inverse)
}

// Recoding.

const ENTRIES: usize = 16;

/// A scalar in [1, n − 1] made ready: (k − 1)/2 + 2^(bits − 1), whose digits stand for those of k, and all ones if the result is to be negated.
struct Recoded {
    bits: [u32; 13],
    negate: u32,
}

fn recode(k: &[u32; 12], bits: usize) -> Recoded {
    let negate = hide(hide(k[0] & 1).wrapping_sub(1));
    let odd = select(negate, &subtract(&ORDER.words, k).0, k);
    let mut out = [0; 13];
    for i in 0..12 {
        out[i] = odd[i] >> 1 | if i < 11 { odd[i + 1] << 31 } else { 0 };
    }
    out[12] = 1 << (bits - 1 - 384);
    Recoded { bits: out, negate }
}

impl Recoded {
    /// The digit of `width` bits from bit `from` on: the place of its size in 1, 3, 5, …, and all ones if it is negative.
    fn digit(&self, from: usize, width: usize) -> (u64, u64) {
        let (word, shift) = (from / 32, from % 32);
        let next = if word < 12 { self.bits[word + 1] } else { 0 };
        let b = (self.bits[word] as u64 | (next as u64) << 32) >> shift & ((1 << width) - 1);
        let negative = (b >> (width - 1)).wrapping_sub(1);
        ((b ^ negative) & ((1 << (width - 1)) - 1), negative)
    }

    fn wipe(&mut self) {
        wipe(&mut self.bits);
    }
}

// Fixed base: two digits at a time. Digit i of lane 0 has weight 32^i, of lane 1 32^(i + STEPS).

const STEPS: usize = 39;

struct Table {
    /// Odd multiples, 1 to 31 times, of the generator times the weight of the digit.
    entries: [[Entry; ENTRIES]; STEPS],
    ready: bool,
}

/// Filled at the first use, which is cheaper than shipping it. Public.
struct SharedTable(UnsafeCell<Table>);

// SAFETY: an instance of WebAssembly has one thread.
unsafe impl Sync for SharedTable {}

static TABLE: SharedTable =
    SharedTable(UnsafeCell::new(Table { entries: [[[Pair::ZERO; 2]; ENTRIES]; STEPS], ready: false }));

fn table() -> &'static Table {
    // SAFETY: no reference from an earlier call is alive, and `fill` calls nothing that calls this.
    unsafe {
        let table = TABLE.0.get();
        if !(*table).ready {
            fill(&mut *table);
        }
        &*table
    }
}

#[inline(never)]
fn fill(table: &mut Table) {
    let mut low = Jacobian::from_affine(&CURVE.generator);
    let mut high = low;
    for _ in 0..5 * STEPS {
        high.double();
    }
    for entries in &mut table.entries {
        let (a, b) = (affine_odd_multiples(&low), affine_odd_multiples(&high));
        for (entry, (a, b)) in entries.iter_mut().zip(a.iter().zip(&b)) {
            *entry = [a.shuffle::<0, 2>(b), a.shuffle::<1, 3>(b)];
        }
        for _ in 0..5 {
            low.double();
            high.double();
        }
    }
    table.ready = true;
}

/// (x, y) of P, 3P, 5P, …, with one inversion.
#[inline(never)]
fn affine_odd_multiples(point: &Jacobian) -> [Pair; ENTRIES] {
    let multiples = point.odd_multiples();
    let mut products = [point.z; ENTRIES]; // of the z up to each
    for i in 1..ENTRIES {
        products[i] = products[i - 1].multiply(&multiples[i].point.z);
    }
    let mut inverse = invert(&products[ENTRIES - 1]); // of the product of the z up to i
    let mut out = [Pair::ZERO; ENTRIES];
    for i in (0..ENTRIES).rev() {
        let z_inverse = if i == 0 { inverse } else { inverse.multiply(&products[i - 1]) };
        inverse = inverse.multiply(&multiples[i].point.z);
        out[i] = multiples[i].point.scaled(&z_inverse);
    }
    out
}

#[inline(never)]
fn look_up_entry(row: &[Entry; ENTRIES], low: (u64, u64), high: (u64, u64)) -> Entry {
    const N: usize = 2 * VECTORS;
    let places = u64x2(low.0, high.0);
    let (x, y) = (look_up::<0, VECTORS, N, _>(row, 0, places), look_up::<VECTORS, VECTORS, N, _>(row, 0, places));
    [Pair(x), Pair(y).negate(u64x2(low.1, high.1))]
}

#[inline(never)]
fn look_up_addend(row: &[Addend; ENTRIES], (place, negative): (u64, u64)) -> Addend {
    const N: usize = 3 * VECTORS;
    let places = u64x2_splat(place);
    let xy = Pair(look_up::<0, VECTORS, N, _>(row, 0, places)).negate(u64x2(0, negative));
    let z = Pair(look_up::<VECTORS, VECTORS, N, _>(row, 0, places));
    let powers = Pair(look_up::<{ 2 * VECTORS }, VECTORS, N, _>(row, 0, places));
    Addend { point: Jacobian { xy, z }, powers }
}

/// A point in each lane, X, Y (a sum of two), Z², Z³.
struct Points {
    x: Pair,
    y: Pair,
    zz: Pair,
    zzz: Pair,
}

impl Points {
    /// Adds an affine point in each lane: 8M + 2S (madd-2008-s).
    #[inline(never)]
    fn add_affine(&mut self, [x2, y2]: &Entry) {
        let Self { x, y, zz, zzz } = self;
        let h = x2.multiply(zz).subtract(x);
        let r = y2.multiply(zzz).subtract(y);
        let hh = h.square();
        let hhh = h.multiply(&hh);
        let v = x.multiply(&hh);
        // X3 = r² − h³ − 2v; Y3 = r·(v − X3) − y1·h³
        let x3 = r.square().subtract(&hhh).subtract(&v.shift(1)).reduce();
        let y3 = r.multiply(&v.subtract(&x3)).subtract(&y.multiply(&hhh));
        *self = Self { x: x3, y: y3, zz: zz.multiply(&hh), zzz: zzz.multiply(&hhh) };
    }

    /// The sum of the points of both lanes, as (X, Y) and (Z², Z³): 12M + 2S, the lanes sharing the work.
    fn join(&self) -> [Pair; 2] {
        let Self { x, y, zz, zzz } = self;
        let (u, s) = (x.multiply(&zz.swap()), y.multiply(&zzz.swap()));
        let hr = u.swap().subtract(&u).shuffle::<0, 2>(&s.swap().subtract(&s));
        let squares = hr.square(); // (h², r²)
        let hh = squares.shuffle::<0, 0>(&squares);
        let cubes = hr.shuffle::<0, 2>(&u).multiply(&hh); // (h³, v), v = u·h²
        let v = cubes.swap();
        // In the low lane: X3 = r² − h³ − 2v, w = v − X3; Y3 = r·w − s·h³.
        let x3 = squares.swap().subtract(&cubes).subtract(&v.shift(1));
        let x3w = x3.shuffle::<0, 2>(&v.subtract(&x3)).reduce();
        let last = hr.shuffle::<1, 2>(&s).multiply(&x3w.shuffle::<1, 2>(&cubes));
        let y3 = last.subtract(&last.swap());
        let zs = zz.shuffle::<0, 2>(zzz).multiply(&zz.shuffle::<1, 3>(zzz));
        [x3w.shuffle::<0, 2>(&y3), zs.multiply(&hh.shuffle::<0, 2>(&cubes))]
    }
}

/// k·G for k in [1, n − 1], secret.
pub fn multiply_generator(k: &[u32; 12]) -> Affine<12> {
    let mut scalar = recode(k, 5 * 2 * STEPS);
    let mut sum = None;
    for (i, row) in table().entries.iter().enumerate() {
        let [x, y] = look_up_entry(row, scalar.digit(5 * i, 5), scalar.digit(5 * (i + STEPS), 5));
        match &mut sum {
            None => sum = Some(Points { x, y, zz: Pair::splat(&ONE), zzz: Pair::splat(&ONE) }),
            Some(sum) => sum.add_affine(&[x, y]),
        }
    }
    scalar.wipe();
    let [xy, powers] = sum.map_or([Pair::ZERO; 2], |sum| sum.join());
    let cube_inverse = invert(&powers.shuffle::<1, 1>(&powers));
    let square_inverse = powers.shuffle::<0, 0>(&powers).multiply(&cube_inverse).square();
    let [x, y] = xy.multiply(&square_inverse.shuffle::<0, 2>(&cube_inverse)).leave();
    [x, select(scalar.negate, &FIELD.negate(&y), &y)]
}

/// k·P for k in [1, n − 1], secret, and P on the curve.
pub fn multiply_point(k: &[u32; 12], point: &Affine<12>) -> Affine<12> {
    const DIGITS: usize = 77;
    let table = Jacobian::from_affine(point).odd_multiples();
    let mut scalar = recode(k, 3 + 5 * DIGITS);
    // The top digit is 1.
    let mut sum = table[0].point;
    let mut add = |doublings: usize, digit: (u64, u64)| {
        for _ in 0..doublings {
            sum.double();
        }
        sum.add(&look_up_addend(&table, digit));
    };
    for i in (0..DIGITS - 1).rev() {
        add(5, scalar.digit(3 + 5 * i, 5));
    }
    add(3, scalar.digit(0, 3));
    let [x, y] = sum.scaled(&invert(&sum.z)).leave();
    let result = [x, select(scalar.negate, &FIELD.negate(&y), &y)];
    scalar.wipe();
    result
}
