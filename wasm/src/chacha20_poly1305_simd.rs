//! AEAD_CHACHA20_POLY1305 (RFC 8439 §2.8), fused: while four ChaCha20 blocks are computed in the vector unit, one column of each vector
//! per block, Poly1305 takes in 256 bytes of text on the scalar multiplier, two blocks per double round. The plain twin is
//! chacha20_poly1305.rs.
//!
//! The first four blocks give the one-time key of Poly1305 and the key stream of the first 192 bytes, which is all a short record
//! needs. Decryption hashes the very bytes it is about to decrypt; encryption hashes those of the step before.

use crate::aead::{Aead, Key, Source};
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

/// Exclusive or of `text` and the four blocks from the counter in `state`, which is moved on; meanwhile Poly1305 takes in `PAIRS` pairs of
/// blocks, at most ten: of `text` as it was before (`OWN`), or of `behind`.
///
/// Never inlined: each of its instances fills the registers, and V8 compiles small functions better.
#[inline(never)]
fn step<const PAIRS: usize, const OWN: bool>(
    state: &mut [u32; 16],
    poly: &mut Poly1305,
    behind: &[u8],
    text: &mut [u8; STEP],
) {
    let mut x: [v128; 16] = core::array::from_fn(|i| initial(state, i));
    let mut hash = *poly;
    for i in 0..PAIRS {
        let (blocks, _) = if OWN { text.as_chunks() } else { behind.as_chunks() };
        columns(&mut x);
        hash.block(&blocks[2 * i]);
        diagonals(&mut x);
        hash.block(&blocks[2 * i + 1]);
    }
    *poly = hash;
    for _ in PAIRS..10 {
        columns(&mut x);
        diagonals(&mut x);
    }
    let (vectors, _) = text.as_chunks_mut();
    for group in 0..4 {
        let [a, b, c, d] = core::array::from_fn(|i| i32x4_add(x[4 * group + i], initial(state, 4 * group + i)));
        // From lanes to blocks: a transposition.
        let (ab_low, ab_high) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
        let (cd_low, cd_high) = (i32x4_shuffle::<0, 4, 1, 5>(c, d), i32x4_shuffle::<2, 6, 3, 7>(c, d));
        let mut add = |block: usize, key| {
            let vector = &mut vectors[4 * block + group];
            store(vector, v128_xor(load(vector), key));
        };
        add(0, i64x2_shuffle::<0, 2>(ab_low, cd_low));
        add(1, i64x2_shuffle::<1, 3>(ab_low, cd_low));
        add(2, i64x2_shuffle::<0, 2>(ab_high, cd_high));
        add(3, i64x2_shuffle::<1, 3>(ab_high, cd_high));
    }
    state[12] += 4;
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

    /// The first step: its 256 bytes of key stream, and Poly1305 with `additional` taken in.
    #[inline(always)]
    fn begin(state: &mut [u32; 16], additional: &[u8]) -> ([u8; STEP], Poly1305) {
        let mut first = [0; STEP];
        step::<0, false>(state, &mut Poly1305::new(&[0; 16]), &[], &mut first);
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

impl Key for ChaCha20Poly1305 {
    type Aead<'a> = Self;

    #[inline(always)]
    fn ready(&self, _bytes: usize, work: &mut dyn FnMut(&Self)) {
        work(self);
    }
}

impl Aead for ChaCha20Poly1305 {
    fn seal(&self, nonce: &[u8; 12], additional: &[u8], source: Source, text: &mut [u8]) -> [u8; 16] {
        let mut state = self.state(nonce);
        let (first, mut poly) = Self::begin(&mut state, additional);
        let length = text.len();
        let Some((head, rest)) = text.split_first_chunk_mut::<HEAD>() else {
            source.take(0, text);
            exclusive_or_bytes(text, &first[64..]);
            poly.update_padded(text);
            return end(poly, &first, additional.len(), length);
        };
        source.take(0, head);
        exclusive_or_bytes(head, &first[64..]);
        // Each step hashes the ciphertext of the one before.
        let (chunks, tail) = rest.as_chunks_mut::<STEP>();
        let mut behind: &[u8] = head;
        let mut at = HEAD;
        for chunk in chunks {
            source.take(at, chunk);
            if at == HEAD {
                step::<6, false>(&mut state, &mut poly, behind, chunk);
            } else {
                step::<8, false>(&mut state, &mut poly, behind, chunk);
            }
            behind = chunk;
            at += STEP;
        }
        if !tail.is_empty() {
            source.take(at, tail);
            let mut last = [0; STEP];
            if at == HEAD {
                step::<6, false>(&mut state, &mut poly, behind, &mut last);
            } else {
                step::<8, false>(&mut state, &mut poly, behind, &mut last);
            }
            exclusive_or_bytes(tail, &last);
            behind = tail;
        }
        poly.update_padded(behind);
        end(poly, &first, additional.len(), length)
    }

    fn open(&self, nonce: &[u8; 12], additional: &[u8], source: Source, text: &mut [u8]) -> [u8; 16] {
        let mut state = self.state(nonce);
        let (first, mut poly) = Self::begin(&mut state, additional);
        let length = text.len();
        let (head, rest) = text.split_at_mut(length.min(HEAD));
        source.take(0, head);
        poly.update_padded(head);
        exclusive_or_bytes(head, &first[64..]);
        let (chunks, tail) = rest.as_chunks_mut::<STEP>();
        let mut at = HEAD;
        for chunk in chunks {
            source.take(at, chunk);
            step::<8, true>(&mut state, &mut poly, &[], chunk);
            at += STEP;
        }
        if !tail.is_empty() {
            source.take(at, tail);
            let mut last = [0; STEP];
            step::<0, false>(&mut state, &mut poly, &[], &mut last);
            poly.update_padded(tail);
            exclusive_or_bytes(tail, &last);
        }
        end(poly, &first, additional.len(), length)
    }
}
