//! ML-KEM-768 in 8 × 16-bit SIMD. The twin of `mlkem.rs`, which explains the algorithms and is the oracle.
//!
//! - Polynomials are 32 vectors of signed 16-bit coefficients, not fully reduced: `mlkem_bounds.rs` follows their bounds.
//! - Products with constants are Barrett's, with a rounding high multiplication (`q15mulr`); products of two variables are
//!   sums of 32-bit products, reduced by Montgomery.
//! - Two Keccak states run side by side: two entries of the matrix, or one beside the hash of the key.
//!
//! Constant time as in the twin: only the sampling of the public matrix branches. Callers wipe the stack.

mod arithmetic;
mod encoding;
mod sampling;

use core::arch::wasm32::*;

use crate::constant_time::nonzero_mask;
use crate::keccak::{sha3_256, SHA3_512_RATE, SHA3_SUFFIX, SHAKE256_RATE, SHAKE_SUFFIX};
use crate::keccak_pair::KeccakPair;
use crate::mlkem::{
    Ciphertext, DecapsulationKey, EncapsulationKey, CIPHERTEXT_BYTES, DK_EK, DK_HASH, DK_Z, DU, ENCAPSULATION_KEY_BYTES, K,
    MESSAGE_BYTES, POLYNOMIAL_BYTES, SEED_BYTES, SHARED_SECRET_BYTES, U_BYTES,
};

use arithmetic::{dot, inverse_ntt, multiply, ntt, prepare, MONTGOMERY};
use encoding::{add_message, compress_10, compress_4, decode_12, decompress_10, decompress_4, encode_12, to_message, window};
use sampling::{g, sample_noise, Matrix, NineBlocks};

const Q: i16 = crate::mlkem::Q as i16;

/// Coefficients 8i to 8i + 7 in vector i.
type Polynomial = [v128; 32];
const ZERO: Polynomial = [i16x8(0, 0, 0, 0, 0, 0, 0, 0); 32];

/// Bytes of stack that the functions here use, at most, and that their callers wipe.
pub const STACK_BYTES: usize = 24 * 1024;

fn concatenate(a: &[u8], b: &[u8]) -> [u8; 64] {
    let mut both = [0; 64];
    both[..32].copy_from_slice(a);
    both[32..].copy_from_slice(b);
    both
}

fn decode_vector(bytes: &[u8]) -> [Polynomial; K] {
    core::array::from_fn(|i| {
        let bytes = &bytes[POLYNOMIAL_BYTES * i..][..POLYNOMIAL_BYTES + 4];
        // SAFETY: as long as the array.
        decode_12(unsafe { &*bytes.as_ptr().cast() })
    })
}

/// The modulus check of §7.2.
fn is_reduced(t_hat: &[Polynomial; K]) -> bool {
    let mut too_large = i16x8_splat(0);
    for v in t_hat.iter().flatten() {
        too_large = v128_or(too_large, i16x8_ge(*v, i16x8_splat(Q)));
    }
    !v128_any_true(too_large)
}

/// K-PKE.Encrypt (Algorithm 14), the matrix and t being sampled and decoded.
#[inline(never)]
fn encrypt(
    matrix: &mut Matrix,
    t_hat: &[Polynomial; K],
    message: &[u8; MESSAGE_BYTES],
    randomness: &[u8],
    ciphertext: &mut Ciphertext,
) {
    let [mut y0, mut y1, mut y2, e1_0, e1_1, e1_2, e2] = sample_noise::<7>(&mut matrix.pair, randomness);
    ntt(&mut y0);
    ntt(&mut y1);
    ntt(&mut y2);
    let y_hat = prepare(&[y0, y1, y2]);
    let mut sum = ZERO;
    for (i, (e1, bytes)) in [e1_0, e1_1, e1_2].iter().zip(ciphertext.chunks_exact_mut(32 * DU as usize)).enumerate() {
        dot(matrix.column(i), &y_hat, &mut sum);
        inverse_ntt(&mut sum);
        add(&mut sum, e1);
        compress_10(&sum, bytes);
    }
    dot([&t_hat[0], &t_hat[1], &t_hat[2]], &y_hat, &mut sum);
    inverse_ntt(&mut sum);
    add(&mut sum, &e2);
    add_message(&mut sum, message);
    compress_4(&sum, &mut ciphertext[U_BYTES..]);
}

fn add(f: &mut Polynomial, g: &Polynomial) {
    for (a, b) in f.iter_mut().zip(g) {
        *a = i16x8_add(*a, *b);
    }
}

/// K-PKE.Decrypt (Algorithm 15). `dk` is the whole decapsulation key, so that vectors may be read over the end of a part.
#[inline(never)]
fn decrypt(dk: &DecapsulationKey, ciphertext: &Ciphertext) -> [u8; MESSAGE_BYTES] {
    let mut u_hat = [ZERO; K];
    for (i, u) in u_hat.iter_mut().enumerate() {
        *u = decompress_10(&ciphertext[32 * DU as usize * i..]);
        ntt(u);
    }
    let u_hat = prepare(&u_hat);
    let s_hat = decode_vector(dk);
    let mut product = ZERO;
    dot([&s_hat[0], &s_hat[1], &s_hat[2]], &u_hat, &mut product);
    inverse_ntt(&mut product);
    let mut w = decompress_4(&ciphertext[U_BYTES..]);
    for (v, product) in w.iter_mut().zip(&product) {
        *v = i16x8_sub(*v, *product);
    }
    to_message(&w)
}

/// ML-KEM.KeyGen_internal (Algorithm 16) of the seed d || z.
#[inline(never)]
pub fn generate_key(seed: &[u8; SEED_BYTES], ek: &mut EncapsulationKey, dk: &mut DecapsulationKey) {
    let (d, z) = seed.split_at(32);
    let mut pair = KeccakPair::new();
    pair.start_first::<4>(SHA3_512_RATE, d, K as u64 | u64::from(SHA3_SUFFIX) << 8);
    pair.permute();
    let mut rho_sigma = [0; 64];
    pair.read_first::<8>(&mut rho_sigma);
    let (rho, sigma) = rho_sigma.split_at(32);
    let mut matrix = Matrix::new(rho);
    for entry in [0, 2, 4, 6] {
        matrix.sample_two(entry);
    }
    matrix.sample_one(8);
    let mut noise = sample_noise::<6>(&mut pair, sigma);
    for f in &mut noise {
        ntt(f);
    }
    let [s0, s1, s2, e0, e1, e2] = noise;
    let s_hat = prepare(&[s0, s1, s2]);
    let mut t_hat = ZERO;
    for (i, (e, bytes)) in [e0, e1, e2].iter().zip(ek.chunks_exact_mut(POLYNOMIAL_BYTES)).enumerate() {
        dot(matrix.row(i), &s_hat, &mut t_hat);
        for v in &mut t_hat {
            *v = multiply(*v, MONTGOMERY.splat());
        }
        add(&mut t_hat, e);
        encode_12(&t_hat, bytes);
    }
    ek[K * POLYNOMIAL_BYTES..].copy_from_slice(rho);
    for (s, bytes) in [s0, s1, s2].iter().zip(dk.chunks_exact_mut(POLYNOMIAL_BYTES)) {
        encode_12(s, bytes);
    }
    dk[DK_EK..DK_HASH].copy_from_slice(ek);
    dk[DK_HASH..DK_Z].copy_from_slice(&sha3_256(&[ek]));
    dk[DK_Z..].copy_from_slice(z);
}

/// ML-KEM.Encaps_internal (Algorithm 17) after the checks of §7.2. False, with nothing written, when the key fails them.
#[inline(never)]
pub fn encapsulate(
    ek: &EncapsulationKey,
    message: &[u8; MESSAGE_BYTES],
    ciphertext: &mut Ciphertext,
    shared_secret: &mut [u8; SHARED_SECRET_BYTES],
) -> bool {
    let t_hat = decode_vector(ek);
    if !is_reduced(&t_hat) {
        return false;
    }
    let mut matrix = Matrix::new(&ek[K * POLYNOMIAL_BYTES..]);
    let hash = matrix.sample_three_beside(0, &NineBlocks::new([ek, &[]], SHA3_SUFFIX));
    for entry in [3, 5, 7] {
        matrix.sample_two(entry);
    }
    let key_and_randomness = g(&mut matrix.pair, &concatenate(message, &hash));
    let (key, randomness) = key_and_randomness.split_at(32);
    encrypt(&mut matrix, &t_hat, message, randomness, ciphertext);
    shared_secret.copy_from_slice(key);
    true
}

/// ML-KEM.Decaps_internal (Algorithm 18) after the hash check of §7.3 and the modulus check of the key within. False, with
/// nothing written, when the key fails them. A ciphertext that was not made by `encapsulate` gives a pseudo-random secret.
#[inline(never)]
pub fn decapsulate(dk: &DecapsulationKey, ciphertext: &Ciphertext, shared_secret: &mut [u8; SHARED_SECRET_BYTES]) -> bool {
    let ek = &dk[DK_EK..DK_HASH];
    let (hash, z) = dk[DK_HASH..].split_at(32);
    let t_hat = decode_vector(ek);
    let mut matrix = Matrix::new(&ek[K * POLYNOMIAL_BYTES..]);
    let actual_hash = matrix.sample_three_beside(0, &NineBlocks::new([ek, &[]], SHA3_SUFFIX));
    if actual_hash != *hash || !is_reduced(&t_hat) {
        return false;
    }
    let rejected = matrix.sample_three_beside(3, &NineBlocks::new([z, ciphertext], SHAKE_SUFFIX));
    matrix.sample_two(6);
    matrix.sample_one(8);
    let message = decrypt(dk, ciphertext);
    let key_and_randomness = g(&mut matrix.pair, &concatenate(&message, hash));
    let (key, randomness) = key_and_randomness.split_at(32);
    let mut again = [0; CIPHERTEXT_BYTES];
    encrypt(&mut matrix, &t_hat, &message, randomness, &mut again);
    let mut difference = u8x16_splat(0);
    for i in (0..CIPHERTEXT_BYTES).step_by(16) {
        // SAFETY: 16 bytes each.
        let (a, b) = unsafe {
            (v128_load(window(&again, i).as_ptr().cast()), v128_load(window(ciphertext, i).as_ptr().cast()))
        };
        difference = v128_or(difference, v128_xor(a, b));
    }
    // All ones when the ciphertexts differ; never a branch, which `v128_any_true` could become.
    let halves = u64x2_extract_lane::<0>(difference) | u64x2_extract_lane::<1>(difference);
    let mask = nonzero_mask(halves as u32 | (halves >> 32) as u32) as u8;
    for i in 0..SHARED_SECRET_BYTES {
        shared_secret[i] = key[i] ^ (mask & (key[i] ^ rejected[i]));
    }
    true
}

const _: () = assert!(ENCAPSULATION_KEY_BYTES + 1 <= 9 * SHAKE256_RATE && 32 + CIPHERTEXT_BYTES >= 8 * SHAKE256_RATE);
