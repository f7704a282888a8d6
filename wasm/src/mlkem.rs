//! ML-KEM (FIPS 203), plain: a transcription of the standard, algorithm by algorithm. With the parameters of ML-KEM-768 it is the oracle
//! of `mlkem_simd.rs`, with those of ML-KEM-1024 (`mlkem1024.rs`) it is what runs. It also holds what all share: the sizes, the
//! parameters and the powers of zeta.
//!
//! Constant time: coefficients are kept in [0, q) by multiplication and masks; there is no division and no branch on a
//! secret. Only the sampling of the matrix, which is public, branches on its data.

use crate::constant_time::{declassify, hide, nonzero_mask, wipe};
use crate::keccak::{sha3_256, sha3_512, shake128, shake256};

pub const Q: u32 = 3329;
/// The parameters of ML-KEM-768 (§8): the rank, and bits per coefficient of the two parts of a ciphertext.
pub const K: usize = 3;
pub const DU: u32 = 10;
pub const DV: u32 = 4;

/// Bytes of a polynomial of 12-bit coefficients.
pub const POLYNOMIAL_BYTES: usize = 384;
pub const SEED_BYTES: usize = 64;
pub const MESSAGE_BYTES: usize = 32;
pub const SHARED_SECRET_BYTES: usize = 32;
pub const ENCAPSULATION_KEY_BYTES: usize = K * POLYNOMIAL_BYTES + 32;
/// dk_PKE || ek || H(ek) || z.
pub const DECAPSULATION_KEY_BYTES: usize = K * POLYNOMIAL_BYTES + ENCAPSULATION_KEY_BYTES + 64;
/// The compressed vector u, then the compressed v.
pub const U_BYTES: usize = K * 32 * DU as usize;
pub const CIPHERTEXT_BYTES: usize = U_BYTES + 32 * DV as usize;

/// Where the parts of a decapsulation key begin.
pub const DK_EK: usize = K * POLYNOMIAL_BYTES;
pub const DK_HASH: usize = DK_EK + ENCAPSULATION_KEY_BYTES;
pub const DK_Z: usize = DK_HASH + 32;

pub type EncapsulationKey = [u8; ENCAPSULATION_KEY_BYTES];
pub type DecapsulationKey = [u8; DECAPSULATION_KEY_BYTES];
pub type Ciphertext = [u8; CIPHERTEXT_BYTES];

/// A parameter set (§8) besides its rank: bits per coefficient of the two parts of a ciphertext.
#[derive(Clone, Copy)]
pub struct Compression {
    pub du: u32,
    pub dv: u32,
}

const COMPRESSION: Compression = Compression { du: DU, dv: DV };

/// Bytes of the longest encapsulation key and ciphertext there are: those of ML-KEM-1024.
const LONGEST_EK: usize = 4 * POLYNOMIAL_BYTES + 32;
const LONGEST_CIPHERTEXT: usize = 32 * (4 * 11 + 5);

/// The bits of a 7-bit number in reverse order (§4.3).
pub const fn bit_reverse_7(i: usize) -> usize {
    (i as u8).reverse_bits() as usize >> 1
}

/// 17^exponent mod q: 17 is the standard's zeta, a 256th root of one.
pub const fn zeta_power(exponent: usize) -> u32 {
    let mut power = 1;
    let mut i = 0;
    while i < exponent {
        power = power * 17 % Q;
        i += 1;
    }
    power
}

/// A constant factor of the vector twin: its representative nearest to zero, and round(2^15 factor / q).
#[derive(Clone, Copy)]
pub struct Factor(pub i16, pub i16);

/// The factor of a value.
pub const fn factor(value: u32) -> Factor {
    let q = Q as i32;
    let mut centered = value as i32 % q;
    if centered > q / 2 {
        centered -= q;
    }
    // Rounded to nearest; q is odd, so there are no ties.
    let scaled = centered * 32768;
    let quotient = if scaled >= 0 { (scaled + q / 2) / q } else { (scaled - q / 2) / q };
    Factor(centered as i16, quotient as i16)
}

const fn zetas() -> [u16; 128] {
    let mut table = [0; 128];
    let mut i = 0;
    while i < 128 {
        table[i] = zeta_power(bit_reverse_7(i)) as u16;
        i += 1;
    }
    table
}

const fn gammas() -> [u16; 128] {
    let mut table = [0; 128];
    let mut i = 0;
    while i < 128 {
        table[i] = zeta_power(2 * bit_reverse_7(i) + 1) as u16;
        i += 1;
    }
    table
}

/// zeta^BitRev7(i), for the NTT, and zeta^(2 BitRev7(i) + 1), for products (Appendix A).
const ZETAS: [u16; 128] = zetas();
const GAMMAS: [u16; 128] = gammas();

/// 256 coefficients in [0, q). Whether they are of R_q or of T_q (§2.3) is said by the name of the variable: T_q has `_hat`.
type Polynomial = [u16; 256];

/// x mod q for x < 2q.
fn reduce_once(x: u32) -> u16 {
    let y = x.wrapping_sub(Q);
    // All ones when x < q.
    let mask = hide(((y as i32) >> 31) as u32);
    y.wrapping_add(Q & mask) as u16
}

/// x mod q for x < 2q², by Barrett: floor(2^36 / q) = 20642678 gives the quotient or one less.
fn reduce(x: u32) -> u16 {
    let quotient = ((u64::from(x) * 20642678) >> 36) as u32;
    reduce_once(x - quotient * Q)
}

fn add(a: u16, b: u16) -> u16 {
    reduce_once(u32::from(a) + u32::from(b))
}

fn subtract(a: u16, b: u16) -> u16 {
    reduce_once(u32::from(a) + Q - u32::from(b))
}

fn multiply(a: u16, b: u16) -> u16 {
    reduce(u32::from(a) * u32::from(b))
}

fn add_polynomials(f: &Polynomial, g: &Polynomial) -> Polynomial {
    core::array::from_fn(|i| add(f[i], g[i]))
}

fn subtract_polynomials(f: &Polynomial, g: &Polynomial) -> Polynomial {
    core::array::from_fn(|i| subtract(f[i], g[i]))
}

/// Compress_d (§4.2.1): round(2^d x / q) mod 2^d. The division is a multiplication by 2^36 / q rounded up, exact for all x < q and
/// d ≤ 11 (see the test).
fn compress(x: u16, d: u32) -> u16 {
    let numerator = (u64::from(x) << d) + u64::from(Q) / 2;
    ((numerator * 20642679) >> 36) as u16 & ((1 << d) - 1)
}

/// Decompress_d: round(q y / 2^d).
fn decompress(y: u16, d: u32) -> u16 {
    ((hide(u32::from(y)) * Q + (1 << (d - 1))) >> d) as u16
}

/// ByteEncode_d (Algorithm 5): d bits of each coefficient, lowest first.
fn byte_encode(f: &Polynomial, d: u32, output: &mut [u8]) {
    let (mut pending, mut bits, mut at) = (0u32, 0, 0);
    for &coefficient in f {
        pending |= u32::from(coefficient) << bits;
        bits += d;
        while bits >= 8 {
            output[at] = pending as u8;
            at += 1;
            pending >>= 8;
            bits -= 8;
        }
    }
}

/// ByteDecode_d (Algorithm 6) without the reduction modulo q, which callers do who need it.
fn byte_decode(input: &[u8], d: u32) -> Polynomial {
    let mut f = [0; 256];
    let (mut pending, mut bits, mut at) = (0u32, 0, 0);
    for coefficient in &mut f {
        while bits < d {
            pending |= u32::from(input[at]) << bits;
            at += 1;
            bits += 8;
        }
        *coefficient = (pending & ((1 << d) - 1)) as u16;
        pending >>= d;
        bits -= d;
    }
    f
}

/// SampleNTT (Algorithm 7) of rho || column || row: an entry of the matrix. Public.
fn sample_ntt(rho: &[u8], column: usize, row: usize) -> Polynomial {
    let mut xof = shake128(&[rho, &[column as u8, row as u8]]);
    let mut a_hat = [0; 256];
    let mut count = 0;
    while count < 256 {
        let mut c = [0; 3];
        xof.squeeze(&mut c);
        let c = c.map(u16::from);
        for candidate in [c[0] | (c[1] & 15) << 8, c[1] >> 4 | c[2] << 4] {
            if u32::from(candidate) < Q && count < 256 {
                a_hat[count] = candidate;
                count += 1;
            }
        }
    }
    a_hat
}

/// SamplePolyCBD_2 (Algorithm 8) of PRF_2(seed, n): differences of sums of two bits.
fn sample_noise(seed: &[u8], n: u8) -> Polynomial {
    let mut bytes = shake256::<128>(&[seed, &[n]]);
    let f = core::array::from_fn(|i| {
        let bits = u32::from(bytes[i / 2]) >> (4 * (i % 2));
        let x = (bits & 1) + (bits >> 1 & 1);
        let y = (bits >> 2 & 1) + (bits >> 3 & 1);
        reduce_once(x + Q - y)
    });
    wipe(&mut bytes);
    f
}

/// NTT (Algorithm 9).
fn ntt(mut f: Polynomial) -> Polynomial {
    let mut i = 1;
    let mut length = 128;
    while length >= 2 {
        for start in (0..256).step_by(2 * length) {
            let zeta = ZETAS[i];
            i += 1;
            for j in start..start + length {
                let t = multiply(zeta, f[j + length]);
                f[j + length] = subtract(f[j], t);
                f[j] = add(f[j], t);
            }
        }
        length /= 2;
    }
    f
}

/// NTT⁻¹ (Algorithm 10).
fn inverse_ntt(mut f: Polynomial) -> Polynomial {
    let mut i = 127;
    let mut length = 2;
    while length <= 128 {
        for start in (0..256).step_by(2 * length) {
            let zeta = ZETAS[i];
            i -= 1;
            for j in start..start + length {
                let t = f[j];
                f[j] = add(t, f[j + length]);
                f[j + length] = multiply(zeta, subtract(f[j + length], t));
            }
        }
        length *= 2;
    }
    // 3303 = 128⁻¹ mod q.
    f.map(|coefficient| multiply(coefficient, 3303))
}

/// The sum of MultiplyNTTs (Algorithms 11 and 12) over the pairs.
fn dot<const K: usize>(f_hat: [&Polynomial; K], g_hat: &[Polynomial; K]) -> Polynomial {
    let mut sum = [0; 256];
    for (f, g) in f_hat.into_iter().zip(g_hat) {
        for i in 0..128 {
            let (a0, a1, b0, b1) = (f[2 * i], f[2 * i + 1], g[2 * i], g[2 * i + 1]);
            let c0 = add(multiply(a0, b0), multiply(multiply(a1, b1), GAMMAS[i]));
            let c1 = add(multiply(a0, b1), multiply(a1, b0));
            sum[2 * i] = add(sum[2 * i], c0);
            sum[2 * i + 1] = add(sum[2 * i + 1], c1);
        }
    }
    sum
}

fn sample_matrix<const K: usize>(rho: &[u8]) -> [[Polynomial; K]; K] {
    core::array::from_fn(|i| core::array::from_fn(|j| sample_ntt(rho, j, i)))
}

fn decode_vector<const K: usize>(bytes: &[u8]) -> [Polynomial; K] {
    core::array::from_fn(|i| byte_decode(&bytes[POLYNOMIAL_BYTES * i..], 12))
}

fn encode_vector<const K: usize>(vector: &[Polynomial; K], output: &mut [u8]) {
    for (f, bytes) in vector.iter().zip(output.chunks_exact_mut(POLYNOMIAL_BYTES)) {
        byte_encode(f, 12, bytes);
    }
}

/// K-PKE.Encrypt (Algorithm 14). The key has been checked.
fn encrypt<const K: usize>(p: Compression, ek: &[u8], message: &[u8; 32], randomness: &[u8], ciphertext: &mut [u8]) {
    let Compression { du, dv } = p;
    let (t, rho) = ek.split_at(K * POLYNOMIAL_BYTES);
    let t_hat = decode_vector::<K>(t);
    let a_hat = sample_matrix::<K>(rho);
    let mut y_hat: [Polynomial; K] = core::array::from_fn(|i| ntt(sample_noise(randomness, i as u8)));
    for i in 0..K {
        let mut e1 = sample_noise(randomness, (K + i) as u8);
        let column = core::array::from_fn(|j| &a_hat[j][i]);
        let mut u = add_polynomials(&inverse_ntt(dot(column, &y_hat)), &e1);
        byte_encode(&u.map(|x| compress(x, du)), du, &mut ciphertext[32 * du as usize * i..]);
        wipe(&mut e1);
        wipe(&mut u);
    }
    let mut e2 = sample_noise(randomness, 2 * K as u8);
    let mut mu = byte_decode(message, 1).map(|bit| decompress(bit, 1));
    let noise = add_polynomials(&e2, &mu);
    let mut v = add_polynomials(&inverse_ntt(dot(t_hat.each_ref(), &y_hat)), &noise);
    byte_encode(&v.map(|x| compress(x, dv)), dv, &mut ciphertext[32 * du as usize * K..]);
    for secret in [&mut e2, &mut mu, &mut v] {
        wipe(secret);
    }
    wipe(&mut y_hat);
}

/// K-PKE.Decrypt (Algorithm 15).
fn decrypt<const K: usize>(p: Compression, dk: &[u8], ciphertext: &[u8]) -> [u8; MESSAGE_BYTES] {
    let Compression { du, dv } = p;
    let (u, v) = ciphertext.split_at(32 * du as usize * K);
    let u_hat: [Polynomial; K] = core::array::from_fn(|i| {
        ntt(byte_decode(&u[32 * du as usize * i..], du).map(|y| decompress(y, du)))
    });
    let v = byte_decode(v, dv).map(|y| decompress(y, dv));
    let mut s_hat = decode_vector::<K>(dk);
    let mut w = subtract_polynomials(&v, &inverse_ntt(dot(s_hat.each_ref(), &u_hat)));
    let mut message = [0; MESSAGE_BYTES];
    byte_encode(&w.map(|x| compress(x, 1)), 1, &mut message);
    wipe(&mut s_hat);
    wipe(&mut w);
    message
}

/// ML-KEM.KeyGen_internal (Algorithm 16) of the seed d || z. `ek` and `dk` have the lengths of rank K.
pub fn generate_key_of<const K: usize>(seed: &[u8; SEED_BYTES], ek: &mut [u8], dk: &mut [u8]) {
    let (d, z) = seed.split_at(32);
    let dk_ek = K * POLYNOMIAL_BYTES;
    let dk_hash = dk_ek + ek.len();
    let mut g = sha3_512(&[d, &[K as u8]]);
    let (rho, sigma) = g.split_at(32);
    // Rho is part of the public key.
    declassify(rho);
    let a_hat = sample_matrix::<K>(rho);
    let mut s_hat: [Polynomial; K] = core::array::from_fn(|i| ntt(sample_noise(sigma, i as u8)));
    let t_hat: [Polynomial; K] = core::array::from_fn(|i| {
        add_polynomials(&dot(a_hat[i].each_ref(), &s_hat), &ntt(sample_noise(sigma, (K + i) as u8)))
    });
    encode_vector(&t_hat, &mut ek[..K * POLYNOMIAL_BYTES]);
    ek[K * POLYNOMIAL_BYTES..].copy_from_slice(rho);
    encode_vector(&s_hat, &mut dk[..dk_ek]);
    dk[dk_ek..dk_hash].copy_from_slice(ek);
    dk[dk_hash..dk_hash + 32].copy_from_slice(&sha3_256(&[ek]));
    dk[dk_hash + 32..].copy_from_slice(z);
    wipe(&mut s_hat);
    wipe(&mut g);
}

/// The modulus check of §7.2: whether each coefficient of the key is below q.
fn is_reduced<const K: usize>(ek: &[u8]) -> bool {
    decode_vector::<K>(ek).iter().flatten().all(|&coefficient| u32::from(coefficient) < Q)
}

/// ML-KEM.Encaps_internal (Algorithm 17) after the checks of §7.2. False, with nothing written, when the key fails them.
pub fn encapsulate_of<const K: usize>(
    p: Compression,
    ek: &[u8],
    message: &[u8; MESSAGE_BYTES],
    ciphertext: &mut [u8],
    shared_secret: &mut [u8; SHARED_SECRET_BYTES],
) -> bool {
    if !is_reduced::<K>(ek) {
        return false;
    }
    let mut g = sha3_512(&[message, &sha3_256(&[ek])]);
    encrypt::<K>(p, ek, message, &g[32..], ciphertext);
    shared_secret.copy_from_slice(&g[..32]);
    wipe(&mut g);
    true
}

/// ML-KEM.Decaps_internal (Algorithm 18) after the hash check of §7.3 and the modulus check of the key within. False, with
/// nothing written, when the key fails them. A ciphertext that was not made by `encapsulate` gives a pseudo-random secret.
pub fn decapsulate_of<const K: usize>(
    p: Compression,
    dk: &[u8],
    ciphertext: &[u8],
    shared_secret: &mut [u8; SHARED_SECRET_BYTES],
) -> bool {
    let dk_ek = K * POLYNOMIAL_BYTES;
    let dk_hash = dk_ek + K * POLYNOMIAL_BYTES + 32;
    let mut copy = [0; LONGEST_EK];
    let ek = &mut copy[..dk_hash - dk_ek];
    ek.copy_from_slice(&dk[dk_ek..dk_hash]);
    let (hash, z) = dk[dk_hash..].split_at(32);
    // The key is the caller's own: that it is damaged may be told.
    if sha3_256(&[ek]) != *hash || !is_reduced::<K>(ek) {
        return false;
    }
    let mut message = decrypt::<K>(p, &dk[..dk_ek], ciphertext);
    let mut g = sha3_512(&[&message, hash]);
    let mut rejected = shake256::<32>(&[z, ciphertext]);
    let mut again = [0; LONGEST_CIPHERTEXT];
    encrypt::<K>(p, ek, &message, &g[32..], &mut again[..ciphertext.len()]);
    let mut difference = 0;
    for (a, b) in again.iter().zip(ciphertext) {
        difference |= a ^ b;
    }
    // All ones when the ciphertexts differ.
    let mask = nonzero_mask(u32::from(difference)) as u8;
    for i in 0..SHARED_SECRET_BYTES {
        shared_secret[i] = g[i] ^ (mask & (g[i] ^ rejected[i]));
    }
    wipe(&mut message);
    wipe(&mut g);
    wipe(&mut rejected);
    wipe(&mut again);
    true
}

/// The three algorithms of ML-KEM-768.
pub fn generate_key(seed: &[u8; SEED_BYTES], ek: &mut EncapsulationKey, dk: &mut DecapsulationKey) {
    generate_key_of::<K>(seed, ek, dk);
}

pub fn encapsulate(
    ek: &EncapsulationKey,
    message: &[u8; MESSAGE_BYTES],
    ciphertext: &mut Ciphertext,
    shared_secret: &mut [u8; SHARED_SECRET_BYTES],
) -> bool {
    encapsulate_of::<K>(COMPRESSION, ek, message, ciphertext, shared_secret)
}

pub fn decapsulate(dk: &DecapsulationKey, ciphertext: &Ciphertext, shared_secret: &mut [u8; SHARED_SECRET_BYTES]) -> bool {
    decapsulate_of::<K>(COMPRESSION, dk, ciphertext, shared_secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reductions_are_exact() {
        for x in 0..2 * Q {
            assert_eq!(u32::from(reduce_once(x)), x % Q);
        }
        for x in (0..2 * Q * Q).step_by(7) {
            assert_eq!(u32::from(reduce(x)), x % Q);
        }
    }

    #[test]
    fn compression_is_exact() {
        for d in [1, 4, 5, 10, 11] {
            for x in 0..Q {
                let expected = ((x << d) + Q / 2) / Q % (1 << d);
                assert_eq!(u32::from(compress(x as u16, d)), expected);
            }
            for y in 0..1u16 << d {
                assert_eq!(compress(decompress(y, d), d), y);
            }
        }
    }

    #[test]
    fn inverse_ntt_undoes_ntt() {
        let f = core::array::from_fn(|i| (i * i * 13 + i) as u16 % Q as u16);
        assert_eq!(inverse_ntt(ntt(f)), f);
    }

    fn key_pair(byte: u8) -> (EncapsulationKey, DecapsulationKey) {
        let (mut ek, mut dk) = ([0; ENCAPSULATION_KEY_BYTES], [0; DECAPSULATION_KEY_BYTES]);
        generate_key(&[byte; SEED_BYTES], &mut ek, &mut dk);
        (ek, dk)
    }

    #[test]
    fn both_sides_agree() {
        for byte in 0..20 {
            let (ek, dk) = key_pair(byte);
            let (mut ciphertext, mut sent, mut received) = ([0; CIPHERTEXT_BYTES], [0; 32], [1; 32]);
            assert!(encapsulate(&ek, &[byte ^ 0xa5; 32], &mut ciphertext, &mut sent));
            assert!(decapsulate(&dk, &ciphertext, &mut received));
            assert_eq!(sent, received);
            // Implicit rejection: another secret, and always the same.
            ciphertext[usize::from(byte) * 50] ^= 1;
            let mut rejected = [0; 32];
            assert!(decapsulate(&dk, &ciphertext, &mut rejected));
            assert_ne!(rejected, sent);
            assert_eq!(rejected, shake256::<32>(&[&dk[DK_Z..], &ciphertext]));
        }
    }

    #[test]
    fn damaged_keys_are_refused() {
        let (ek, dk) = key_pair(3);
        let (mut ciphertext, mut secret) = ([0; CIPHERTEXT_BYTES], [0; 32]);
        for i in [0, 1, 767, 1150] {
            let mut bad = ek;
            // Makes the coefficient around byte i 4095, in any alignment.
            bad[i..i + 2].fill(0xff);
            assert!(!encapsulate(&bad, &[0; 32], &mut ciphertext, &mut secret));
        }
        assert_eq!((ciphertext, secret), ([0; CIPHERTEXT_BYTES], [0; 32]));
        for i in [DK_EK, DK_EK + 1183, DK_HASH, DK_HASH + 31] {
            let mut bad = dk;
            bad[i] ^= 4;
            assert!(!decapsulate(&bad, &ciphertext, &mut secret));
        }
    }
}
