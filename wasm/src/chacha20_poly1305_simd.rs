//! AEAD_CHACHA20_POLY1305 (RFC 8439 §2.8), fused: while four ChaCha20 blocks are computed in the vector unit, one column of each vector
//! per block, Poly1305 takes in 256 bytes of text on the scalar multiplier, two blocks per double round. The plain twin is
//! chacha20_poly1305.rs.
//!
//! The first four blocks give the one-time key of Poly1305 and the key stream of the first 192 bytes, which is all a short record
//! needs. Decryption hashes the very bytes it is about to decrypt; encryption hashes those of the step before.

use crate::aead::Aead;
use crate::chacha20::{self, load_le32};
use crate::poly1305_fast::Poly1305;
use crate::simd::{load, store, Indices};
use core::arch::wasm32::*;

#[repr(C)]
pub struct ChaCha20Poly1305 {
    key: [u8; 32],
}

/// Bytes of key stream in one step: four blocks.
const STEP: usize = 256;
/// Bytes of text that the first step's key stream covers, behind the block for Poly1305's key.
const HEAD: usize = STEP - 64;

static ROTATE_8: Indices = Indices([3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14]);

#[inline(always)]
fn rotate<const N: u32>(x: v128) -> v128 {
    match N {
        // V8 has two instructions for this shuffle; the mask of `rotate_8` is better kept in a register.
        16 => i16x8_shuffle::<1, 0, 3, 2, 5, 4, 7, 6>(x, x),
        8 => crate::simd::look_up(x, ROTATE_8.get()),
        _ => v128_or(i32x4_shl(x, N), u32x4_shr(x, 32 - N)),
    }
}

#[inline(always)]
fn quarter_round(x: &mut [v128; 16], a: usize, b: usize, c: usize, d: usize) {
    x[a] = i32x4_add(x[a], x[b]);
    x[d] = rotate::<16>(v128_xor(x[d], x[a]));
    x[c] = i32x4_add(x[c], x[d]);
    x[b] = rotate::<12>(v128_xor(x[b], x[c]));
    x[a] = i32x4_add(x[a], x[b]);
    x[d] = rotate::<8>(v128_xor(x[d], x[a]));
    x[c] = i32x4_add(x[c], x[d]);
    x[b] = rotate::<7>(v128_xor(x[b], x[c]));
}

#[inline(always)]
fn columns(x: &mut [v128; 16]) {
    quarter_round(x, 0, 4, 8, 12);
    quarter_round(x, 1, 5, 9, 13);
    quarter_round(x, 2, 6, 10, 14);
    quarter_round(x, 3, 7, 11, 15);
}

#[inline(always)]
fn diagonals(x: &mut [v128; 16]) {
    quarter_round(x, 0, 5, 10, 15);
    quarter_round(x, 1, 6, 11, 12);
    quarter_round(x, 2, 7, 8, 13);
    quarter_round(x, 3, 4, 9, 14);
}

/// Word i of the state in all four lanes; the counter's lanes count up.
#[inline(always)]
fn initial(state: &[u32; 16], i: usize) -> v128 {
    // SAFETY: a readable word.
    let word = unsafe { v128_load32_splat(&state[i]) };
    if i == 12 { i32x4_add(word, u32x4(0, 1, 2, 3)) } else { word }
}

/// The four blocks from the counter in `state`, one per lane, and Poly1305 over `pairs` of blocks, at most ten.
#[inline(always)]
fn step(state: &[u32; 16], poly: &mut Poly1305, pairs: &[[u8; 32]]) -> [v128; 16] {
    let mut x = core::array::from_fn(|i| initial(state, i));
    for pair in pairs {
        let (blocks, _) = pair.as_chunks();
        columns(&mut x);
        poly.block(&blocks[0]);
        diagonals(&mut x);
        poly.block(&blocks[1]);
    }
    for _ in pairs.len()..10 {
        columns(&mut x);
        diagonals(&mut x);
    }
    x
}

/// Adds the initial state, brings the four blocks from lanes into order, and hands out their 16 vectors with their places.
#[inline(always)]
fn key_stream(x: &[v128; 16], state: &[u32; 16], mut each: impl FnMut(usize, v128)) {
    for group in 0..4 {
        let [a, b, c, d] = core::array::from_fn(|i| i32x4_add(x[4 * group + i], initial(state, 4 * group + i)));
        let (ab_low, ab_high) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
        let (cd_low, cd_high) = (i32x4_shuffle::<0, 4, 1, 5>(c, d), i32x4_shuffle::<2, 6, 3, 7>(c, d));
        each(group, i64x2_shuffle::<0, 2>(ab_low, cd_low));
        each(4 + group, i64x2_shuffle::<1, 3>(ab_low, cd_low));
        each(8 + group, i64x2_shuffle::<0, 2>(ab_high, cd_high));
        each(12 + group, i64x2_shuffle::<1, 3>(ab_high, cd_high));
    }
}

#[inline(always)]
fn exclusive_or(x: &[v128; 16], state: &[u32; 16], text: &mut [u8; STEP]) {
    let (vectors, _) = text.as_chunks_mut();
    key_stream(x, state, |i, key| {
        let vector = &mut vectors[i];
        store(vector, v128_xor(load(vector), key));
    });
}

/// The key stream as bytes, for the first step and the last.
#[inline(always)]
fn key_bytes(x: &[v128; 16], state: &[u32; 16]) -> [u8; STEP] {
    let mut bytes = [0; STEP];
    let (vectors, _) = bytes.as_chunks_mut();
    key_stream(x, state, |i, key| store(&mut vectors[i], key));
    bytes
}

/// Exclusive or of `text` and as much of `key`, which is not shorter.
#[inline(always)]
fn exclusive_or_bytes(text: &mut [u8], key: &[u8]) {
    let (vectors, rest) = text.as_chunks_mut();
    let (keys, _) = key.as_chunks();
    for (vector, key) in vectors.iter_mut().zip(keys) {
        store(vector, v128_xor(load(vector), load(key)));
    }
    let done = 16 * vectors.len();
    for (byte, key) in rest.iter_mut().zip(&key[done..]) {
        *byte ^= key;
    }
}

impl ChaCha20Poly1305 {
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: *key }
    }

    fn state(&self, nonce: &[u8; 12]) -> [u32; 16] {
        let mut state = [0; 16];
        state[..4].copy_from_slice(&chacha20::CONSTANTS);
        for i in 0..8 {
            state[4 + i] = load_le32(&self.key, 4 * i);
        }
        for i in 0..3 {
            state[13 + i] = load_le32(nonce, 4 * i);
        }
        state
    }

    /// The first step: its 256 bytes of key stream and Poly1305 with `additional` taken in.
    #[inline(always)]
    fn begin(state: &mut [u32; 16], additional: &[u8]) -> ([u8; STEP], Poly1305) {
        let mut none = Poly1305::new(&[0; 16]);
        let x = step(state, &mut none, &[]);
        let first = key_bytes(&x, state);
        state[12] = 4;
        let mut poly = Poly1305::new(first.first_chunk().unwrap_or(&[0; 16]));
        poly.update_padded(additional);
        (first, poly)
    }
}

#[inline(always)]
fn end(mut poly: Poly1305, first: &[u8; STEP], additional: usize, text: usize) -> [u8; 16] {
    let mut lengths = [0; 16];
    lengths[..8].copy_from_slice(&(additional as u64).to_le_bytes());
    lengths[8..].copy_from_slice(&(text as u64).to_le_bytes());
    poly.block(&lengths);
    let (blocks, _) = first.as_chunks();
    poly.finish(&blocks[1])
}

impl Aead for ChaCha20Poly1305 {
    fn seal(&self, nonce: &[u8; 12], additional: &[u8], text: &mut [u8]) -> [u8; 16] {
        let mut state = self.state(nonce);
        let (first, mut poly) = Self::begin(&mut state, additional);
        let length = text.len();
        let (head, rest) = text.split_at_mut(length.min(HEAD));
        exclusive_or_bytes(head, &first[64..]);
        if rest.is_empty() {
            poly.update_padded(head);
            return end(poly, &first, additional.len(), length);
        }
        // The ciphertext that is not hashed yet: of the step before.
        let mut behind: &[u8] = head;
        let (chunks, tail) = rest.as_chunks_mut::<STEP>();
        for chunk in chunks {
            let x = step(&state, &mut poly, behind.as_chunks().0);
            exclusive_or(&x, &state, chunk);
            state[12] += 4;
            behind = chunk;
        }
        if !tail.is_empty() {
            let x = step(&state, &mut poly, behind.as_chunks().0);
            exclusive_or_bytes(tail, &key_bytes(&x, &state));
            behind = tail;
        }
        poly.update_padded(behind);
        end(poly, &first, additional.len(), length)
    }

    fn open(&self, nonce: &[u8; 12], additional: &[u8], text: &mut [u8]) -> [u8; 16] {
        let mut state = self.state(nonce);
        let (first, mut poly) = Self::begin(&mut state, additional);
        let length = text.len();
        let (head, rest) = text.split_at_mut(length.min(HEAD));
        poly.update_padded(head);
        exclusive_or_bytes(head, &first[64..]);
        let (chunks, tail) = rest.as_chunks_mut::<STEP>();
        for chunk in chunks {
            let x = step(&state, &mut poly, chunk.as_chunks().0);
            exclusive_or(&x, &state, chunk);
            state[12] += 4;
        }
        if !tail.is_empty() {
            let (pairs, last) = tail.as_chunks();
            let x = step(&state, &mut poly, pairs);
            poly.update_padded(last);
            exclusive_or_bytes(tail, &key_bytes(&x, &state));
        }
        end(poly, &first, additional.len(), length)
    }
}
