//! AEAD_CHACHA20_POLY1305 (RFC 8439 §2.8), fused: while four ChaCha20 blocks are computed in the vector unit, one column of each vector
//! per block, Poly1305 takes in 256 bytes of text on the scalar multiplier, two blocks per double round. The plain twin is
//! chacha20_poly1305.rs.
//!
//! The first four blocks give the one-time key of Poly1305 and the key stream of the first 192 bytes, which is all a short record
//! needs. Decryption hashes the very bytes it is about to decrypt; encryption hashes those of the step before.

use crate::aead::{Aead, Key, Source};
use crate::chacha20::{self, load_le32};
use crate::poly1305_fast::Poly1305;
use crate::simd::{base, load, store};
#[cfg(target_feature = "relaxed-simd")]
use crate::simd::{look_up, Indices};
use core::arch::wasm32::*;

#[repr(C)]
pub struct ChaCha20Poly1305 {
    key: [u8; 32],
}

/// Bytes of key stream in one step: four blocks.
const STEP: usize = 256;
/// Bytes of text that the first step's key stream covers, behind the block for Poly1305's key.
const HEAD: usize = STEP - 64;

#[cfg(target_feature = "relaxed-simd")]
static ROTATE_16: Indices = Indices([2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13]);
#[cfg(target_feature = "relaxed-simd")]
static ROTATE_8: Indices = Indices([3, 0, 1, 2, 7, 4, 5, 6, 11, 8, 9, 10, 15, 12, 13, 14]);

/// Rotations: by 16 and 8 they are one shuffle where that is one instruction.
#[derive(Clone, Copy)]
struct Rotations {
    #[cfg(target_feature = "relaxed-simd")]
    by_16: v128,
    #[cfg(target_feature = "relaxed-simd")]
    by_8: v128,
}

impl Rotations {
    #[cfg(target_feature = "relaxed-simd")]
    #[inline(always)]
    fn load() -> Self {
        Self { by_16: ROTATE_16.get(), by_8: ROTATE_8.get() }
    }

    #[cfg(not(target_feature = "relaxed-simd"))]
    #[inline(always)]
    fn load() -> Self {
        Self {}
    }

    #[inline(always)]
    fn rotate<const N: u32>(self, x: v128) -> v128 {
        match N {
            #[cfg(target_feature = "relaxed-simd")]
            16 => look_up(x, self.by_16),
            #[cfg(target_feature = "relaxed-simd")]
            8 => look_up(x, self.by_8),
            // Two instructions in V8. The strict look-up by 8 would be as many as the shifts.
            #[cfg(not(target_feature = "relaxed-simd"))]
            16 => i16x8_shuffle::<1, 0, 3, 2, 5, 4, 7, 6>(x, x),
            _ => v128_or(i32x4_shl(x, N), u32x4_shr(x, 32 - N)),
        }
    }
}

/// The state in the middle of its rounds. Of the third row two vectors are at hand and the other two in memory, changed over after each
/// pair of quarter rounds: 14 vectors and what is in flight fit in the registers of x86-64, of which V8 gives 15. (With all sixteen as
/// variables V8 spills several times as many, and a load that waits for a store is in the way of all that follows.)
struct Rounds {
    a: [v128; 4],
    b: [v128; 4],
    /// Vectors 0 and 1, or 2 and 3, of the third row.
    c: [v128; 2],
    d: [v128; 4],
    c_in_memory: [v128; 4],
}

impl Rounds {
    #[inline(always)]
    fn new(state: &[u32; 16]) -> Self {
        let row = |i: usize| core::array::from_fn(|j| initial(state, 4 * i + j));
        let c: [v128; 4] = row(2);
        Self { a: row(0), b: row(1), c: [c[0], c[1]], d: row(3), c_in_memory: c }
    }

    /// Two quarter rounds side by side, of these columns of the first, second and fourth row and of `c`.
    #[inline(always)]
    fn two_quarter_rounds(&mut self, a: [usize; 2], b: [usize; 2], d: [usize; 2]) {
        let rotations = Rotations::load();
        for (rotate_d, rotate_b) in [(16, 12), (8, 7)] {
            for i in 0..2 {
                self.a[a[i]] = i32x4_add(self.a[a[i]], self.b[b[i]]);
            }
            for i in 0..2 {
                let x = v128_xor(self.d[d[i]], self.a[a[i]]);
                self.d[d[i]] = if rotate_d == 16 { rotations.rotate::<16>(x) } else { rotations.rotate::<8>(x) };
            }
            for i in 0..2 {
                self.c[i] = i32x4_add(self.c[i], self.d[d[i]]);
            }
            for i in 0..2 {
                let x = v128_xor(self.b[b[i]], self.c[i]);
                self.b[b[i]] = if rotate_b == 12 { rotations.rotate::<12>(x) } else { rotations.rotate::<7>(x) };
            }
        }
    }

    /// Puts the vectors `at` and `at + 1` of the third row into memory and takes the other two.
    #[inline(always)]
    fn change_over(&mut self, at: usize) {
        // SAFETY: places of an array. Volatile, or else the compiler would keep them all in variables.
        unsafe {
            for i in 0..2 {
                core::ptr::write_volatile(&mut self.c_in_memory[at + i], self.c[i]);
            }
            for i in 0..2 {
                self.c[i] = core::ptr::read_volatile(&self.c_in_memory[2 - at + i]);
            }
        }
    }

    /// A column round and a diagonal round; `between` is called after each quarter of the work.
    #[inline(always)]
    fn double_round(&mut self, mut between: impl FnMut(usize)) {
        self.two_quarter_rounds([0, 1], [0, 1], [0, 1]);
        self.change_over(0);
        between(0);
        self.two_quarter_rounds([2, 3], [2, 3], [2, 3]);
        between(1);
        self.two_quarter_rounds([0, 1], [1, 2], [3, 0]);
        self.change_over(2);
        between(2);
        self.two_quarter_rounds([2, 3], [3, 0], [1, 2]);
        between(3);
    }

    #[inline(always)]
    fn finish(mut self) -> [[v128; 4]; 4] {
        self.change_over(0);
        // SAFETY: a place of an array.
        let c = core::array::from_fn(|i| unsafe { core::ptr::read_volatile(&self.c_in_memory[i]) });
        [self.a, self.b, c, self.d]
    }
}

/// Word i of the state in all four lanes; the counter's lanes count up.
#[inline(always)]
fn initial(state: &[u32; 16], i: usize) -> v128 {
    // SAFETY: a readable word.
    let word = unsafe { v128_load32_splat(&state[i]) };
    if i == 12 { i32x4_add(word, u32x4(0, 1, 2, 3)) } else { word }
}

/// Exclusive or of `text` and the four blocks from the counter in `state`, which is moved on; meanwhile Poly1305 takes in `BLOCKS` blocks,
/// an even number up to twenty: of `text` as it was before (`OWN`), or of `behind`.
///
/// Never inlined: each of its instances fills the registers, and V8 compiles small functions better.
#[inline(never)]
fn step<const BLOCKS: usize, const OWN: bool>(
    state: &mut [u32; 16],
    poly: &mut Poly1305,
    behind: &[[u8; 16]; BLOCKS],
    text: &mut [u8; STEP],
) {
    let mut rounds = Rounds::new(state);
    let mut hash = *poly;
    for i in 0..BLOCKS / 2 {
        let pairs: &[[[u8; 16]; 2]] = if OWN { text.as_chunks().0.as_chunks().0 } else { behind.as_chunks().0 };
        let pair = base(&pairs[i]);
        // Half a block after each pair of quarter rounds: the processor looks a few hundred instructions ahead, and finds work for both units.
        let mut half = None;
        rounds.double_round(|quarter| match quarter {
            0 => half = Some(hash.begin(&pair[0])),
            2 => half = Some(hash.begin(&pair[1])),
            _ => {
                if let Some(half) = half {
                    hash.end(half);
                }
            }
        });
    }
    *poly = hash;
    for _ in BLOCKS / 2..10 {
        rounds.double_round(|_| ());
    }
    let rows = rounds.finish();
    let (vectors, _) = text.as_chunks_mut();
    for group in 0..4 {
        let [a, b, c, d] = core::array::from_fn(|i| i32x4_add(rows[group][i], initial(state, 4 * group + i)));
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

/// Ciphertext that Poly1305 has yet to take in.
enum Behind<'a> {
    Head(&'a [u8; HEAD]),
    Step(&'a [u8; STEP]),
}

impl Behind<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Head(bytes) => &bytes[..],
            Self::Step(bytes) => &bytes[..],
        }
    }

    /// Applies the next four blocks to `text` and takes this in.
    #[inline(always)]
    fn step(&self, state: &mut [u32; 16], poly: &mut Poly1305, text: &mut [u8; STEP]) {
        match self {
            Self::Head(bytes) => step::<12, false>(state, poly, blocks(bytes), text),
            Self::Step(bytes) => step::<16, false>(state, poly, blocks(bytes), text),
        }
    }
}

/// All of `bytes` as blocks.
#[inline(always)]
fn blocks<const BYTES: usize, const BLOCKS: usize>(bytes: &[u8; BYTES]) -> &[[u8; 16]; BLOCKS] {
    const { assert!(BYTES == 16 * BLOCKS) };
    // SAFETY: as long, and of the same alignment.
    unsafe { &*(bytes as *const [u8; BYTES]).cast() }
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
        let mut behind = Behind::Head(head);
        let mut at = HEAD;
        for chunk in chunks {
            source.take(at, chunk);
            behind.step(&mut state, &mut poly, chunk);
            behind = Behind::Step(chunk);
            at += STEP;
        }
        if tail.is_empty() {
            poly.update_padded(behind.bytes());
        } else {
            source.take(at, tail);
            let mut last = [0; STEP];
            behind.step(&mut state, &mut poly, &mut last);
            exclusive_or_bytes(tail, &last);
            poly.update_padded(tail);
        }
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
            step::<16, true>(&mut state, &mut poly, &[[0; 16]; 16], chunk);
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
