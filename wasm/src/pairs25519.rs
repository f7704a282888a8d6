//! 2^255 − 19 and edwards25519 for WebAssembly: the fast twin of `field25519.rs` and `edwards25519.rs`. Two elements are computed at once, one in
//! each half of a vector; `limbs25519.rs` says how they are written, and wasm/kernels/ how the kernels are made.

use crate::constant_time::wipe;
use crate::edwards25519;
use crate::field25519::PRIME;
use crate::limbs25519::{canonical, limbs, negate, pack, unpack, Limbs, VECTORS, ZERO};
use crate::look_up::look_up;
use crate::montgomery::{from_little_endian, to_little_endian};
use core::arch::wasm32::*;
use core::cell::UnsafeCell;

/// A pair of elements.
#[repr(C, align(16))]
#[derive(Clone, Copy)]
pub struct Pair([v128; VECTORS]);

// Vectors are not called FFI-safe, but only addresses of them cross here.
#[allow(improper_ctypes)]
extern "C" {
    fn x25519_ladder_step(doubled: *mut Pair, added: *mut Pair, factors: *const Pair, mask: *const v128);
    fn edwards25519_add(sum: *mut Points, entry: *const Entry);
    fn edwards25519_join(out: *mut [Pair; 4], sum: *const Points, twice_d: *const Pair);
    fn field25519_butterfly(out: *mut Pair, a: *const Pair);
    fn field25519_multiply(out: *mut Pair, a: *const Pair, b: *const Pair);
}

const ONE: Limbs = {
    let mut one = ZERO;
    one[0] = 1;
    one
};

impl Pair {
    const ZERO: Self = Self(pack(&ZERO, &ZERO));
    const ONE: Self = Self(pack(&ONE, &ONE));

    fn from_limbs(low: &Limbs, high: &Limbs) -> Self {
        Self(pack(low, high))
    }

    fn from_bytes(low: &[u8; 32], high: &[u8; 32]) -> Self {
        Self(pack(&limbs(low), &limbs(high)))
    }

    fn to_bytes(self) -> [[u8; 32]; 2] {
        unpack(&self.0).map(canonical)
    }

    fn low(&self) -> [u8; 32] {
        canonical(unpack(&self.0)[0])
    }

    fn high(&self) -> [u8; 32] {
        canonical(unpack(&self.0)[1])
    }

    fn multiply(&self, other: &Self) -> Self {
        let mut out = Self::ZERO;
        // SAFETY, of all kernels: they read and write whole values of the types declared above.
        unsafe { field25519_multiply(&mut out, self, other) };
        out
    }

    /// (x + y, x − y).
    fn butterfly(&self) -> Self {
        let mut out = Self::ZERO;
        unsafe { field25519_butterfly(&mut out, self) };
        out
    }

    /// Lane I of the four lanes of both beside lane J.
    fn shuffle<const I: usize, const J: usize>(&self, other: &Self) -> Self {
        Self(core::array::from_fn(|k| i64x2_shuffle::<I, J>(self.0[k], other.0[k])))
    }
}

fn invert(bytes: &[u8; 32]) -> [u8; 32] {
    let mut out = [0; 32];
    to_little_endian(&PRIME.invert(&from_little_endian(bytes)), &mut out);
    out
}

/// A fraction in two lanes: (numerator, denominator).
pub struct Fraction(Pair);

impl Fraction {
    /// Canonical; 0 when the denominator is 0.
    pub fn value(&self) -> [u8; 32] {
        let inverse = invert(&self.0.high());
        self.0.multiply(&Pair::from_bytes(&inverse, &inverse)).low()
    }

    /// Both values for one inversion. Both are 0 when one of the denominators is 0.
    pub fn values(a: &Self, b: &Self) -> ([u8; 32], [u8; 32]) {
        let denominators = a.0.shuffle::<1, 3>(&b.0);
        let crossed = denominators.shuffle::<1, 0>(&denominators);
        let inverse = invert(&denominators.multiply(&crossed).low());
        let inverses = crossed.multiply(&Pair::from_bytes(&inverse, &inverse));
        let quotients = a.0.shuffle::<0, 2>(&b.0).multiply(&inverses);
        let [a, b] = quotients.to_bytes();
        (a, b)
    }
}

/// The Montgomery ladder: X25519 of a clamped scalar, as a fraction.
pub fn ladder(scalar: &[u8; 32], u: &[u8; 32]) -> Fraction {
    let u = limbs(u);
    let mut small = ZERO;
    small[0] = 121665;
    let factors = Pair::from_limbs(&small, &u);
    // (x + z, x − z) of 1/0 and of u/1.
    let mut doubled = Pair::ONE;
    let (mut plus, mut minus) = (u, u);
    plus[0] += 1;
    minus[0] -= 1;
    let mut added = Pair::from_limbs(&plus, &minus);
    let mut previous = 0u64;
    for t in (0..255).rev() {
        let bit = (scalar[t >> 3] >> (t & 7) & 1) as u64;
        let mask = u64x2_splat((bit ^ previous).wrapping_neg());
        previous = bit;
        unsafe { x25519_ladder_step(&mut doubled, &mut added, &factors, &mask) };
    }
    // The lowest bit of a clamped scalar is 0: nothing is left to exchange. 2x and 2z are as good as x and z.
    Fraction(doubled.butterfly())
}

// Fixed base: the scalar's 52 signed digits of 5 bits, two at a time. Digit i of lane 0 has weight 32^i, of lane 1 32^(i + STEPS).

const STEPS: usize = 26;
const ENTRIES: usize = 16;

/// (X, Y, Z, T) of a point in each lane.
type Points = [Pair; 4];
/// (y + x, y − x, 2d·xy) of an affine point in each lane.
type Entry = [Pair; 3];

struct Table {
    /// 1 to 16 times the generator times the weight of the digit.
    entries: [[Entry; ENTRIES]; STEPS],
    twice_d: Pair,
    ready: bool,
}

/// Filled at the first use, which is cheaper than shipping it. Public.
struct SharedTable(UnsafeCell<Table>);

// SAFETY: an instance of WebAssembly has one thread.
unsafe impl Sync for SharedTable {}

static TABLE: SharedTable = SharedTable(UnsafeCell::new(Table {
    entries: [[[Pair::ZERO; 3]; ENTRIES]; STEPS],
    twice_d: Pair::ZERO,
    ready: false,
}));

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
    let (mut low, mut high) = (edwards25519::generator(), edwards25519::generator());
    for _ in 0..5 * STEPS {
        high = high.double();
    }
    for entries in &mut table.entries {
        let (a, b) = (low.table_entries::<ENTRIES>(), high.table_entries::<ENTRIES>());
        for (i, entry) in entries.iter_mut().enumerate() {
            *entry = core::array::from_fn(|j| Pair::from_bytes(&a[i][j], &b[i][j]));
        }
        for _ in 0..5 {
            (low, high) = (low.double(), high.double());
        }
    }
    let twice_d = edwards25519::twice_d();
    table.twice_d = Pair::from_bytes(&twice_d, &twice_d);
    table.ready = true;
}

/// Signed digit `i` of the scalar: its size, 0 to 16, and all ones if it is negative. The bits of a window and the one below it decide (Booth).
fn digit(scalar: &[u32; 9], i: usize) -> (u64, u64) {
    let position = 5 * i;
    let bits = if i == 0 {
        scalar[0] << 1
    } else {
        let (word, shift) = ((position - 1) / 32, (position - 1) % 32);
        let next = if word < 8 { scalar[word + 1] } else { 0 };
        ((scalar[word] as u64 | (next as u64) << 32) >> shift) as u32
    } & 63;
    let negative = (bits >> 5).wrapping_neg();
    let size = (bits ^ negative) & 63;
    (((size + 1) >> 1) as u64, negative as u64 | (negative as u64) << 32)
}

/// The entry of each lane's digit, by reading the whole table row; for digit 0 the neutral entry (1, 1, 0).
#[inline(never)]
fn look_up_entry(row: &[Entry; ENTRIES], digits: v128, negative: v128, out: &mut Entry) {
    let (v, w) = (look_up::<0, 8, 15, _>(row, 1, digits), look_up::<8, 7, 15, _>(row, 1, digits));
    for k in 0..8 {
        out[k / VECTORS].0[k % VECTORS] = v[k];
    }
    for k in 8..15 {
        out[k / VECTORS].0[k % VECTORS] = w[k - 8];
    }
    let one = v128_and(i64x2_eq(digits, i64x2_splat(0)), Pair::ONE.0[0]);
    out[0].0[0] = v128_or(out[0].0[0], one);
    out[1].0[0] = v128_or(out[1].0[0], one);
    // The negative of a point exchanges y + x and y − x, and negates xy.
    for k in 0..VECTORS {
        let (plus, minus) = (out[0].0[k], out[1].0[k]);
        out[0].0[k] = v128_bitselect(minus, plus, negative);
        out[1].0[k] = v128_bitselect(plus, minus, negative);
        out[2].0[k] = negate(negative, out[2].0[k]);
    }
}

/// k·B, k below 2^255, as (E, F, G, H) with x = E/G and y = H/F, in the low lanes.
fn multiply_generator(k: &[u8; 32]) -> [Pair; 4] {
    let table = table();
    let mut scalar = [0u32; 9];
    scalar[..8].copy_from_slice(&from_little_endian::<8>(k));
    let mut sum: Points = [Pair::ZERO, Pair::ONE, Pair::ONE, Pair::ZERO];
    let mut entry: Entry = [Pair::ZERO; 3];
    for (i, row) in table.entries.iter().enumerate() {
        let (low, low_negative) = digit(&scalar, i);
        let (high, high_negative) = digit(&scalar, i + STEPS);
        look_up_entry(row, u64x2(low, high), u64x2(low_negative, high_negative), &mut entry);
        unsafe { edwards25519_add(&mut sum, &entry) };
    }
    wipe(&mut scalar);
    let mut out = [Pair::ZERO; 4];
    unsafe { edwards25519_join(&mut out, &sum, &table.twice_d) };
    out
}

/// u = (1 + y)/(1 − y) of k·B on the Montgomery curve.
pub fn multiply_generator_montgomery(k: &[u8; 32]) -> Fraction {
    let [_, f, _, h] = multiply_generator(k);
    Fraction(f.shuffle::<0, 2>(&h).butterfly())
}

/// x and y of k·B.
pub fn multiply_generator_affine(k: &[u8; 32]) -> ([u8; 32], [u8; 32]) {
    let [e, f, g, h] = multiply_generator(k);
    Fraction::values(&Fraction(e.shuffle::<0, 2>(&g)), &Fraction(h.shuffle::<0, 2>(&f)))
}

/// The encoding (RFC 8032 §5.1.2) of k·B.
pub fn multiply_generator_encoded(k: &[u8; 32]) -> [u8; 32] {
    let (x, mut y) = multiply_generator_affine(k);
    y[31] |= x[0] << 7;
    y
}
