//! P-256 for WebAssembly: the fast twin of `weierstrass.rs`. Two field elements are computed at once, one in each half of a vector; `limbs_p256.rs` says
//! how they are written, and wasm/kernels/ how the kernels are made.
//!
//! Scalars are recoded to 52 odd digits from −31 to 31: k = Σ dᵢ·32ⁱ with dᵢ = 2bᵢ − 31 and bᵢ the 5-bit digits of (k − 1)/2 + 2^259, for odd
//! k; for even k, n − k and the negative of the result. No digit is zero, so no step is special.
//!
//! The formulas for addition are not complete: they fail for equal and for opposite points and for the point at infinity. That does not come up.
//! From the top digit down (`multiply_point`), the partial sum is m·P with m ≥ 1, since 32·m + d ≥ 32 − 31; then d·P is added to 32·m·P with |d| <
//! 32·m, and 32·m ± d is n neither: 32m + d is at most k, and 32m − d = k − 2d = n, k odd, has no solution whose last digit is d (n mod 64 = 17 would need d ≡ 15,
//! but d < 0). With a fixed base (`multiply_generator`), digit i is added to a sum of lower ones, which is smaller than 32ⁱ in size, and both are below n/2. At the end the sums of the two lanes
//! meet; they are equal for one k of 2^256, n − 2·(n mod 2^130), which no one will ever draw.

use crate::constant_time::{hide, wipe};
use crate::inversion::invert_pair;
use crate::limbs_p256::{canonical, limbs, negate, pack, subtract as subtract_limbs, unpack, ONE, R2, VECTORS};
use crate::look_up::look_up;
use crate::montgomery::{select, subtract};
use crate::p256::{CURVE, FIELD, ORDER};
use crate::weierstrass::Affine;
use core::arch::wasm32::*;
use core::cell::UnsafeCell;

/// A pair of field elements.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
struct Pair([v128; VECTORS]);

/// One point: (X, Y) and (Z, W), W = a·Z⁴, on a curve with any a.
#[repr(C)]
#[derive(Clone, Copy)]
struct Point {
    xy: Pair,
    zw: Pair,
}

/// An odd multiple of a point on the way to a table: (X, Y), and the second and third power of what its z is times that of the one before.
#[repr(C)]
#[derive(Clone, Copy)]
struct Multiple {
    xy: Pair,
    powers: Pair,
}

/// 1, 3, 5, … 31 times a point, (x, y) each.
type Multiples = [Pair; ENTRIES];
/// A point in each lane: X, Y, Z², Z³.
type Points = [Pair; 4];
/// One point: (X, Y), (Z², Z³).
type Joined = [Pair; 2];
/// An affine point in each lane: x, y.
type Entry = [Pair; 2];

// Vectors are not called FFI-safe, but only addresses of them cross here.
#[allow(improper_ctypes)]
extern "C" {
    fn p256_add_affine(sum: *mut Points, entry: *const Entry);
    fn p256_double(point: *mut Point);
    fn p256_add(sum: *mut Point, entry: *const Pair);
    fn p256_next_multiple(twice: *mut Pair, multiple: *mut Multiple);
    fn p256_multiply(out: *mut Pair, a: *const Pair, b: *const Pair);
}

const PLAIN_ONE: [u32; 8] = [1, 0, 0, 0, 0, 0, 0, 0];
/// The coefficient a of P-256: p − 3.
const MINUS_THREE: [u32; 8] = [0xfffffffc, 0xffffffff, 0xffffffff, 0, 0, 0, 1, 0xffffffff];

impl Pair {
    const ZERO: Self = Self([i64x2(0, 0); VECTORS]);

    fn from_words(low: &[u32; 8], high: &[u32; 8]) -> Self {
        Self(pack(&limbs(low), &limbs(high)))
    }

    fn splat(words: &[u32; 8]) -> Self {
        Self::from_words(words, words)
    }

    /// Into Montgomery form.
    fn enter(low: &[u32; 8], high: &[u32; 8]) -> Self {
        Self::from_words(low, high).multiply(&Self::splat(&R2))
    }

    /// Out of Montgomery form. A product with 1 is at most p/2 + 1 in size.
    fn leave(&self) -> [[u32; 8]; 2] {
        unpack(&self.multiply(&Self::splat(&PLAIN_ONE)).0).map(canonical)
    }

    /// `self` may be a sum of five products; `other` may not.
    fn multiply(&self, other: &Self) -> Self {
        let mut out = Self::ZERO;
        // SAFETY, of all kernels: they read and write whole values of the types declared above.
        unsafe { p256_multiply(&mut out, self, other) };
        out
    }

    /// Without a carry.
    fn subtract(&self, other: &Self) -> Self {
        Self(core::array::from_fn(|k| subtract_limbs(self.0[k], other.0[k])))
    }

    fn carried(&self) -> Self {
        self.multiply(&Self::splat(&ONE))
    }

    fn swap(&self) -> Self {
        self.shuffle::<1, 0>(self)
    }

    /// Lane I of the four lanes of both beside lane J.
    fn shuffle<const I: usize, const J: usize>(&self, other: &Self) -> Self {
        Self(core::array::from_fn(|k| i64x2_shuffle::<I, J>(self.0[k], other.0[k])))
    }
}

impl Point {
    fn from_affine([x, y]: &Affine<8>) -> Self {
        Self { xy: Pair::enter(x, y), zw: Pair::enter(&PLAIN_ONE, &MINUS_THREE) }
    }

    fn double(&mut self) {
        unsafe { p256_double(self) };
    }

    fn add(&mut self, other: &Pair) {
        unsafe { p256_add(self, other) };
    }

    /// (Z², Z³).
    fn powers(&self) -> Pair {
        let z = self.zw.shuffle::<0, 0>(&self.zw);
        z.multiply(&z).multiply(&Pair::splat(&ONE).shuffle::<0, 2>(&z))
    }

    /// The table of this point's odd multiples, all with one z, so that they are affine points of the curve which that z makes of this one; and (z², z³).
    fn odd_multiples(&self) -> (Multiples, Pair) {
        // First on the curve on which this point is affine.
        let mut twice = Self { xy: self.xy, zw: Pair::splat(&ONE).shuffle::<0, 3>(&self.zw) };
        twice.double();
        let mut powers = twice.powers();
        let mut steps = [Multiple { xy: self.xy.multiply(&powers), powers }; ENTRIES];
        for i in 1..ENTRIES {
            // SAFETY: it reads one element and writes the next.
            unsafe { p256_next_multiple(&mut twice.xy, steps[i - 1..=i].as_mut_ptr()) };
        }
        // From the last down, with what the z of each lacks.
        powers = steps[ENTRIES - 1].powers;
        let mut out = steps.map(|step| step.xy);
        for i in (0..ENTRIES - 1).rev() {
            out[i] = out[i].multiply(&powers);
            powers = powers.multiply(&steps[i].powers);
        }
        (out, powers.multiply(&self.powers()))
    }
}

/// 1/Z² and 1/Z³ in each of two pairs, of (Z², Z³).
fn invert_powers(powers: [&Pair; 2]) -> [Pair; 2] {
    let [low, high] = powers;
    let cubes = low.shuffle::<1, 3>(high);
    let plain = cubes.leave();
    let [a, b] = invert_pair([(&FIELD, &plain[0]), (&FIELD, &plain[1])]);
    let cube_inverses = Pair::enter(&a, &b);
    let inverses = low.shuffle::<0, 2>(high).multiply(&cube_inverses);
    let square_inverses = inverses.multiply(&inverses);
    [square_inverses.shuffle::<0, 2>(&cube_inverses), square_inverses.shuffle::<1, 3>(&cube_inverses)]
}

/// (x, y) of (X, Y) and (Z², Z³).
fn to_affine([xy, powers]: &Joined) -> Affine<8> {
    let cube_inverse = invert(&powers.shuffle::<1, 1>(powers));
    let inverse = powers.shuffle::<0, 0>(powers).multiply(&cube_inverse);
    let square_inverse = inverse.multiply(&inverse);
    xy.multiply(&square_inverse.shuffle::<0, 2>(&cube_inverse)).leave()
}

/// The inverse of the low lane, in both, in Montgomery form.
fn invert(a: &Pair) -> Pair {
    let inverse = FIELD.invert(&a.leave()[0]);
    Pair::enter(&inverse, &inverse)
}

// Recoding.

const DIGITS: usize = 52;
const ENTRIES: usize = 16;

/// A scalar in [1, n − 1] made ready: the digits' 5-bit numbers b, and all ones if the result is to be negated.
struct Recoded {
    bits: [u32; 9],
    negate: u32,
}

fn recode(k: &[u32; 8]) -> Recoded {
    let negate = hide(hide(k[0] & 1).wrapping_sub(1));
    let odd = select(negate, &subtract(&ORDER.words, k).0, k);
    let mut bits = [0; 9];
    for i in 0..8 {
        bits[i] = odd[i] >> 1 | if i < 7 { odd[i + 1] << 31 } else { 0 };
    }
    bits[8] = 1 << (5 * DIGITS - 1 - 256);
    Recoded { bits, negate }
}

impl Recoded {
    /// The place of digit i's size in 1, 3, 5, …, and all ones if the digit is negative.
    fn digit(&self, i: usize) -> (u64, u64) {
        let (word, shift) = (5 * i / 32, 5 * i % 32);
        let next = if word < 8 { self.bits[word + 1] } else { 0 };
        let b = ((self.bits[word] as u64 | (next as u64) << 32) >> shift) & 31;
        let negative = (b >> 4).wrapping_sub(1);
        ((b ^ negative) & 15, negative)
    }

    fn wipe(&mut self) {
        wipe(&mut self.bits);
    }
}

// Fixed base: two digits at a time. Digit i of lane 0 has weight 32^i, of lane 1 32^(i + STEPS).

const STEPS: usize = DIGITS / 2;

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
    let mut points = [Point::from_affine(&CURVE.generator); 2];
    for _ in 0..5 * STEPS {
        points[1].double();
    }
    for entries in &mut table.entries {
        let [(a, a_powers), (b, b_powers)] = points.each_ref().map(Point::odd_multiples);
        let [a_inverses, b_inverses] = invert_powers([&a_powers, &b_powers]);
        for (entry, (a, b)) in entries.iter_mut().zip(a.iter().zip(&b)) {
            let (a, b) = (a.multiply(&a_inverses), b.multiply(&b_inverses));
            *entry = [a.shuffle::<0, 2>(&b), a.shuffle::<1, 3>(&b)];
        }
        for _ in 0..5 {
            points.iter_mut().for_each(Point::double);
        }
    }
    table.ready = true;
}

#[inline(never)]
fn look_up_entry(row: &[Entry; ENTRIES], low: (u64, u64), high: (u64, u64)) -> Entry {
    let v = look_up::<0, { 2 * VECTORS }, { 2 * VECTORS }, _>(row, 0, u64x2(low.0, high.0));
    let negative = u64x2(low.1, high.1);
    [Pair(core::array::from_fn(|k| v[k])), Pair(core::array::from_fn(|k| negate(negative, v[VECTORS + k])))]
}

#[inline(never)]
fn look_up_multiple(table: &Multiples, (place, negative): (u64, u64)) -> Pair {
    let v = look_up::<0, VECTORS, VECTORS, _>(table, 0, u64x2_splat(place));
    let negative = u64x2(0, negative);
    Pair(core::array::from_fn(|k| negate(negative, v[k])))
}

/// The sum of the points of both lanes: 12M + 2S, the lanes sharing the work.
fn join([x, y, zz, zzz]: &Points) -> Joined {
    let (u, s) = (x.multiply(&zz.swap()), y.multiply(&zzz.swap()));
    let hr = u.swap().subtract(&u).shuffle::<0, 2>(&s.swap().subtract(&s)).carried();
    let squares = hr.multiply(&hr); // (h², r²)
    let hh = squares.shuffle::<0, 0>(&squares);
    let cubes = hr.shuffle::<0, 2>(&u).multiply(&hh); // (h³, v), v = u·h²
    let v = cubes.swap();
    // In the low lane: X3 = r² − h³ − 2v, w = v − X3; Y3 = r·w − s·h³.
    let x3 = squares.swap().subtract(&cubes).subtract(&v).subtract(&v);
    let x3w = x3.shuffle::<0, 2>(&v.subtract(&x3)).carried();
    let last = hr.shuffle::<1, 2>(&s).multiply(&x3w.shuffle::<1, 2>(&cubes));
    let y3 = last.subtract(&last.swap());
    let zs = zz.shuffle::<0, 2>(zzz).multiply(&zz.shuffle::<1, 3>(zzz));
    [x3w.shuffle::<0, 2>(&y3), zs.multiply(&hh.shuffle::<0, 2>(&cubes))]
}

/// k·G or −k·G, and all ones in the latter case. X and Y may be differences.
fn generator_multiple(k: &[u32; 8]) -> (Joined, u32) {
    let table = table();
    let mut scalar = recode(k);
    let mut sum: Points = [Pair::ZERO; 4];
    for (i, row) in table.entries.iter().enumerate() {
        let entry = look_up_entry(row, scalar.digit(i), scalar.digit(i + STEPS));
        if i == 0 {
            sum = [entry[0], entry[1], Pair::splat(&ONE), Pair::splat(&ONE)];
        } else {
            unsafe { p256_add_affine(&mut sum, &entry) };
        }
    }
    scalar.wipe();
    (join(&sum), scalar.negate)
}

/// k·G for k in [1, n − 1], secret.
pub fn multiply_generator(k: &[u32; 8]) -> Affine<8> {
    let (sum, negate) = generator_multiple(k);
    let [x, y] = to_affine(&sum);
    [x, select(negate, &FIELD.negate(&y), &y)]
}

/// x of k·G, and the inverse of k modulo the order, for k in [1, n − 1], secret: the two inversions are made at once.
pub fn commit(k: &[u32; 8]) -> ([u32; 8], [u32; 8]) {
    let ([xy, powers], _) = generator_multiple(k);
    let [square, _] = powers.leave();
    let [square_inverse, inverse] = invert_pair([(&FIELD, &square), (&ORDER, k)]);
    let [x, _] = xy.multiply(&Pair::enter(&square_inverse, &square_inverse)).leave();
    (x, inverse)
}

/// k·P for k in [1, n − 1], secret, and P on the curve.
pub fn multiply_point(k: &[u32; 8], point: &Affine<8>) -> Affine<8> {
    let point = Point::from_affine(point);
    let (table, powers) = point.odd_multiples();
    let mut scalar = recode(k);
    // On the curve of the table, whose a is ours times z⁴. The top digit is 1.
    let a = powers.multiply(&powers).shuffle::<0, 0>(&powers).multiply(&point.zw.swap());
    let mut sum = Point { xy: table[0], zw: Pair::splat(&ONE).shuffle::<0, 2>(&a) };
    for i in (0..DIGITS - 1).rev() {
        for _ in 0..5 {
            sum.double();
        }
        sum.add(&look_up_multiple(&table, scalar.digit(i)));
    }
    let [x, y] = to_affine(&[sum.xy, sum.powers().multiply(&powers)]);
    let result = [x, select(scalar.negate, &FIELD.negate(&y), &y)];
    scalar.wipe();
    result
}
