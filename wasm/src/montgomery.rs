//! Arithmetic modulo an odd number of `N` 32-bit words, in Montgomery form, and inversion. Constant time, portable.
//!
//! This is the plain twin of the floating-point fields of P-256 and P-384, and the arithmetic of scalars: residues modulo the
//! group orders are few per operation, so they need no faster one. Numbers are little-endian arrays of words.

use crate::constant_time::{hide, nonzero_mask};

/// 30-bit words of the signed numbers in `invert`: enough for 384 bits and a sign.
const SIGNED_WORDS: usize = 13;
const M30: i32 = (1 << 30) - 1;

pub struct Modulus<const N: usize> {
    pub words: [u32; N],
    /// −words⁻¹ mod 2^32.
    negated_inverse: u32,
    /// 2^(32N) mod m: one in Montgomery form.
    pub one: [u32; N],
    /// 2^(64N) mod m: multiplying by it brings a number into Montgomery form.
    r2: [u32; N],
    signed: [i32; SIGNED_WORDS],
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

    /// a⁻¹ mod m for a < m, neither in Montgomery form; 0 for 0. Bernstein and Yang's "safegcd" (2019), with the "half delta"
    /// start of Pornin and Wuille, in batches of 30 division steps.
    ///
    /// 256 bits need 590 steps; this takes 600. For 384 bits the proven bound of the original start, (49·384 + 57)/17 =
    /// 1110, is taken, with that start.
    #[inline(never)]
    pub fn invert(&self, a: &[u32; N]) -> [u32; N] {
        let words = (32 * N).div_ceil(30);
        let (batches, half_delta) = if N <= 8 { (20, true) } else { (37, false) };
        let m = &self.signed;
        // m⁻¹ mod 2^30, of which −m⁻¹ mod 2^32 holds the low bits.
        let inverse = self.negated_inverse.wrapping_neg();
        let (mut d, mut e, mut f, mut g) = ([0i32; SIGNED_WORDS], [0i32; SIGNED_WORDS], *m, to_signed(a));
        e[0] = 1;
        // With the half-delta start delta is an odd multiple of one half and zeta = −(delta + 1/2); otherwise zeta = −delta.
        let mut zeta = -1i32;
        for _ in 0..batches {
            let (next, t) = division_steps(zeta, low_bits(&f), low_bits(&g), half_delta);
            zeta = next;
            update_de(&mut d, &mut e, &t, m, inverse, words);
            update_fg(&mut f, &mut g, &t, words);
        }
        // f is now ±1 (or ±m when a was 0, and then d is 0): d·sign(f) is the inverse.
        normalize(&mut d, hide((f[words - 1] >> 31) as u32) as i32, m, words);
        let out = from_signed(&d);
        for secret in [&mut d, &mut e, &mut g] {
            crate::constant_time::wipe(secret);
        }
        out
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

// Inversion: signed numbers of 30-bit words, all but the last in [0, 2^30).

const fn to_signed<const N: usize>(words: &[u32; N]) -> [i32; SIGNED_WORDS] {
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

fn from_signed<const N: usize>(signed: &[i32; SIGNED_WORDS]) -> [u32; N] {
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

fn low_bits(a: &[i32; SIGNED_WORDS]) -> u32 {
    a[0] as u32 | (a[1] as u32) << 30
}

/// The matrix of 30 division steps: (f, g) becomes (u·f + v·g, q·f + r·g) / 2^30. |u| + |v| ≤ 2^30, and so q and r.
struct Transition {
    u: i64,
    v: i64,
    q: i64,
    r: i64,
}

/// Thirty steps on the low 30 bits of f (odd) and g. Written for zeta = −(delta + 1/2); the original start, delta = 1,
/// differs in one added to zeta each time that f and g change places.
///
/// u and v, and q and r, are two halves of one number each, u + 2^32·v: every step is linear in them.
#[inline(always)]
fn division_steps(zeta: i32, f: u32, g: u32, half_delta: bool) -> (i32, Transition) {
    let (mut uv, mut qr) = (1i64, 1i64 << 32);
    let (mut f, mut g, mut zeta) = (f as i64, g as i64, zeta as i64);
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
    let halves = |pair: i64| {
        let low = pair as i32 as i64;
        (low, (pair - low) >> 32)
    };
    let ((u, v), (q, r)) = (halves(uv), halves(qr));
    (zeta as i32, Transition { u, v, q, r })
}

/// (d, e) = t·(d, e) / 2^30 mod m, both kept in (−2m, m).
#[inline(always)]
fn update_de(
    d: &mut [i32; SIGNED_WORDS],
    e: &mut [i32; SIGNED_WORDS],
    t: &Transition,
    m: &[i32; SIGNED_WORDS],
    inverse: u32,
    words: usize,
) {
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
fn update_fg(f: &mut [i32; SIGNED_WORDS], g: &mut [i32; SIGNED_WORDS], t: &Transition, words: usize) {
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

/// Brings d in (−2m, m), negated if `negate` is all ones, into [0, m).
fn normalize(d: &mut [i32; SIGNED_WORDS], negate: i32, m: &[i32; SIGNED_WORDS], words: usize) {
    let add_if_negative = |d: &mut [i32; SIGNED_WORDS]| {
        let mask = hide((d[words - 1] >> 31) as u32) as i32;
        for i in 0..words {
            d[i] += m[i] & mask;
        }
    };
    let carry = |d: &mut [i32; SIGNED_WORDS]| {
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
