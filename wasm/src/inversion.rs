//! Inversion modulo odd numbers: Bernstein and Yang's "safegcd" (2019), with the "half delta" start of Pornin and Wuille. Constant time.
//!
//! Batches of 30 division steps look at the low bits of f and g alone and give a matrix, which is then applied to whole numbers: f and g, and the
//! d and e that follow them modulo m. A division step is a chain of dependent operations with little to do at a time, so that vectors do the steps of
//! two inversions in hardly more than the time of one: `inversion_simd.rs`.

use crate::constant_time::{hide, wipe};
use crate::montgomery::Modulus;

/// 30-bit words of a signed number: enough for 384 bits and a sign. All but the last are in [0, 2^30).
pub const SIGNED_WORDS: usize = 13;
const M30: i32 = (1 << 30) - 1;
pub type Signed = [i32; SIGNED_WORDS];

/// a⁻¹ mod m for a < m, neither in Montgomery form; 0 for 0.
///
/// 256 bits need 590 steps; this takes 600. For 384 bits the proven bound of the original start, (49·384 + 57)/17 =
/// 1110, is taken, with that start.
#[inline(never)]
pub fn invert<const N: usize>(modulus: &Modulus<N>, a: &[u32; N]) -> [u32; N] {
    let words = (32 * N).div_ceil(30);
    let (batches, half_delta) = if N <= 8 { (20, true) } else { (37, false) };
    let mut running = Inversion::new(modulus, a);
    for _ in 0..batches {
        let t = running.division_steps(half_delta);
        running.update_de(&t, words);
        running.update_fg(&t, words);
    }
    let out = finish(&mut running.d, &running.f, &modulus.signed, words);
    wipe(core::slice::from_mut(&mut running));
    out
}

/// Two at once.
pub fn invert_pair(pairs: [(&Modulus<8>, &[u32; 8]); 2]) -> [[u32; 8]; 2] {
    #[cfg(target_arch = "wasm32")]
    return crate::inversion_simd::invert_pair(pairs);
    #[cfg(not(target_arch = "wasm32"))]
    pairs.map(|(modulus, a)| invert(modulus, a))
}

/// The matrix of 30 division steps: (f, g) becomes (u·f + v·g, q·f + r·g) / 2^30. |u| + |v| ≤ 2^30, and so q and r.
struct Transition {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// One inversion in progress.
#[derive(Clone, Copy)]
struct Inversion {
    d: Signed,
    e: Signed,
    f: Signed,
    g: Signed,
    /// With the half-delta start delta is an odd multiple of one half and zeta = −(delta + 1/2); otherwise zeta = −delta.
    zeta: i32,
    m: Signed,
    /// m⁻¹ mod 2^32, of which 30 bits count.
    inverse: u32,
}

impl Inversion {
    fn new<const N: usize>(modulus: &Modulus<N>, a: &[u32; N]) -> Self {
        let mut e = [0; SIGNED_WORDS];
        e[0] = 1;
        let (m, inverse) = (modulus.signed, modulus.negated_inverse.wrapping_neg());
        Self { d: [0; SIGNED_WORDS], e, f: m, g: to_signed(a), zeta: -1, m, inverse }
    }

    /// Thirty steps on the low bits of f (odd) and g. Written for zeta = −(delta + 1/2); the original start, delta = 1, differs in one
    /// added to zeta each time that f and g change places.
    ///
    /// u and v, and q and r, are two halves of one number each, u + 2^32·v: every step is linear in them.
    #[inline(always)]
    fn division_steps(&mut self, half_delta: bool) -> Transition {
        let low_bits = |a: &Signed| (a[0] as u32 | (a[1] as u32) << 30) as i64;
        let (mut uv, mut qr) = (1i64, 1i64 << 32);
        let (mut f, mut g, mut zeta) = (low_bits(&self.f), low_bits(&self.g), self.zeta as i64);
        for _ in 0..30 {
            let negative = zeta >> 63;
            let odd = -(g & 1);
            // ±f and ±(u, v), negative if zeta < 0, are added where g is odd.
            g += ((f ^ negative) - negative) & odd;
            qr = qr.wrapping_add((uv ^ negative).wrapping_sub(negative) & odd);
            let swap = negative & odd;
            zeta = (zeta ^ swap) - if half_delta { 1 } else { 1 + swap };
            f += g & swap;
            uv = uv.wrapping_add(qr & swap);
            g >>= 1;
            uv = uv.wrapping_shl(1);
        }
        self.zeta = zeta as i32;
        let halves = |pair: i64| {
            let low = pair as i32 as i64;
            (low, (pair - low) >> 32)
        };
        let ((u, v), (q, r)) = (halves(uv), halves(qr));
        Transition { u, v, q, r }
    }

    /// (d, e) = t·(d, e) / 2^30 mod m, both kept in (−2m, m).
    #[inline(always)]
    fn update_de(&mut self, t: &Transition, words: usize) {
        let (d, e, m, inverse) = (&mut self.d, &mut self.e, &self.m, self.inverse);
        // Add m where d or e is negative, then the multiple of m that makes the low 30 bits zero.
        let (sign_d, sign_e) = ((d[words - 1] >> 31) as i64, (e[words - 1] >> 31) as i64);
        let mut add_d = (t.u & sign_d) + (t.v & sign_e);
        let mut add_e = (t.q & sign_d) + (t.r & sign_e);
        let mut carry_d = t.u * d[0] as i64 + t.v * e[0] as i64;
        let mut carry_e = t.q * d[0] as i64 + t.r * e[0] as i64;
        add_d -= (inverse.wrapping_mul(carry_d as u32).wrapping_add(add_d as u32) & M30 as u32) as i64;
        add_e -= (inverse.wrapping_mul(carry_e as u32).wrapping_add(add_e as u32) & M30 as u32) as i64;
        carry_d = (carry_d + m[0] as i64 * add_d) >> 30;
        carry_e = (carry_e + m[0] as i64 * add_e) >> 30;
        for i in 1..words {
            let (d_i, e_i, m_i) = (d[i] as i64, e[i] as i64, m[i] as i64);
            carry_d += t.u * d_i + t.v * e_i + m_i * add_d;
            carry_e += t.q * d_i + t.r * e_i + m_i * add_e;
            d[i - 1] = carry_d as i32 & M30;
            e[i - 1] = carry_e as i32 & M30;
            carry_d >>= 30;
            carry_e >>= 30;
        }
        d[words - 1] = carry_d as i32;
        e[words - 1] = carry_e as i32;
    }

    /// (f, g) = t·(f, g) / 2^30, exactly.
    #[inline(always)]
    fn update_fg(&mut self, t: &Transition, words: usize) {
        let (f, g) = (&mut self.f, &mut self.g);
        let mut carry_f = (t.u * f[0] as i64 + t.v * g[0] as i64) >> 30;
        let mut carry_g = (t.q * f[0] as i64 + t.r * g[0] as i64) >> 30;
        for i in 1..words {
            let (f_i, g_i) = (f[i] as i64, g[i] as i64);
            carry_f += t.u * f_i + t.v * g_i;
            carry_g += t.q * f_i + t.r * g_i;
            f[i - 1] = carry_f as i32 & M30;
            g[i - 1] = carry_g as i32 & M30;
            carry_f >>= 30;
            carry_g >>= 30;
        }
        f[words - 1] = carry_f as i32;
        g[words - 1] = carry_g as i32;
    }
}

/// At the end f is ±1, or ±m when a was 0, and then d is 0: d·sign(f) is the inverse.
pub fn finish<const N: usize>(d: &mut Signed, f: &Signed, m: &Signed, words: usize) -> [u32; N] {
    normalize(d, hide((f[words - 1] >> 31) as u32) as i32, m, words);
    from_signed(d)
}

/// Brings d in (−2m, m), negated if `negate` is all ones, into [0, m).
fn normalize(d: &mut Signed, negate: i32, m: &Signed, words: usize) {
    let add_if_negative = |d: &mut Signed| {
        let mask = hide((d[words - 1] >> 31) as u32) as i32;
        for i in 0..words {
            d[i] += m[i] & mask;
        }
    };
    let carry = |d: &mut Signed| {
        for i in 0..words - 1 {
            d[i + 1] += d[i] >> 30;
            d[i] &= M30;
        }
    };
    add_if_negative(d);
    for i in 0..words {
        d[i] = (d[i] ^ negate) - negate;
    }
    carry(d);
    add_if_negative(d);
    carry(d);
}

pub const fn to_signed<const N: usize>(words: &[u32; N]) -> Signed {
    let mut out = [0; SIGNED_WORDS];
    let mut i = 0;
    while 30 * i < 32 * N {
        let (word, shift) = (30 * i / 32, 30 * i % 32);
        let mut value = (words[word] as u64) >> shift;
        if word + 1 < N {
            value |= (words[word + 1] as u64) << (32 - shift);
        }
        out[i] = value as i32 & M30;
        i += 1;
    }
    out
}

fn from_signed<const N: usize>(signed: &Signed) -> [u32; N] {
    let mut out = [0; N];
    for i in 0..N {
        let (word, shift) = (32 * i / 30, 32 * i % 30);
        let mut value = (signed[word] as u64) >> shift | (signed[word + 1] as u64) << (30 - shift);
        if word + 2 < SIGNED_WORDS {
            value |= (signed[word + 2] as u64) << (60 - shift);
        }
        out[i] = value as u32;
    }
    out
}
