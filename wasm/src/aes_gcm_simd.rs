//! AES-GCM (NIST SP 800-38D) with 12-byte nonces and 16-byte tags over aes_simd.rs and ghash_simd.rs. The plain twin is aes_gcm.rs.

use crate::aead::{Aead, Key, Source};
use crate::aes::Aes;
use crate::constant_time::wipe;
use crate::aes_ahead::Ahead;
use crate::aes_simd::{self, Narrow, Wide};
use crate::ghash_simd::{self, Batch, Single};
use crate::memory::with_clean_stack;
use crate::simd::{load, store};
use core::arch::wasm32::*;

/// What a key slot holds; the tables are made of it in each call.
#[repr(C)]
pub struct AesGcm {
    aes: Aes,
    /// GHASH's key, the encryption of zero, and its powers 16, 32, 48 and 64.
    h: [u8; 16],
    powers: [[u8; 16]; ghash_simd::TOGETHER],
}

/// Bytes of stack below the tables.
const STACK: usize = 6 * 1024;

/// From this many bytes in a call on, the round keys for 32 blocks at once are worth making.
const WIDE: usize = 384;
/// From this many bytes in a record on, and below the other number, it pays to do the first two rounds for all its blocks.
const AHEAD: usize = 2048;
const AHEAD_LIMIT: usize = 16 * (Ahead::BLOCKS as usize - 32);
/// From this many bytes in a call on, the tables of `Batch` are worth making.
const BATCH: usize = 2048;
/// From this many bytes in a record on, they are worth using.
const BATCH_RECORD: usize = 768;

static NOTHING: [u8; Wide::BYTES] = [0; Wide::BYTES];

pub struct Ready<'a> {
    narrow: &'a Narrow,
    single: &'a Single,
    wide: Option<&'a Wide>,
    batch: Option<&'a Batch>,
}

impl AesGcm {
    /// `key` has 16 or 32 bytes.
    pub fn new(key: &[u8]) -> Self {
        let aes = Aes::with(key, aes_simd::sub_word);
        let h = Narrow::new(&aes).zero();
        Self { aes, h, powers: ghash_simd::powers(&h) }
    }
}

impl Key for AesGcm {
    type Aead<'a> = Ready<'a>;

    fn ready(&self, bytes: usize, work: &mut dyn FnMut(&Ready<'_>)) {
        let (narrow, single) = (Narrow::new(&self.aes), Single::new(&self.h));
        let ready = Ready { narrow: &narrow, single: &single, wide: None, batch: None };
        if bytes < WIDE {
            work(&ready);
        } else {
            self.ready_wide(ready, bytes, work);
        }
    }
}

impl AesGcm {
    // Apart, because of their large frames. These hold the tables alone, which are wiped here, as is the stack below them: the wiping of whoever
    // called does not reach that far.

    #[inline(never)]
    fn ready_wide(&self, ready: Ready<'_>, bytes: usize, work: &mut dyn FnMut(&Ready<'_>)) {
        let mut wide = Wide::new(&self.aes);
        let ready = Ready { wide: Some(&wide), ..ready };
        with_clean_stack::<STACK, _>(|| if bytes < BATCH { work(&ready) } else { self.ready_batch(ready, work) });
        wipe(core::slice::from_mut(&mut wide));
    }

    #[inline(never)]
    fn ready_batch(&self, ready: Ready<'_>, work: &mut dyn FnMut(&Ready<'_>)) {
        let mut batch = Batch::EMPTY;
        with_clean_stack::<STACK, _>(|| {
            batch.fill(&self.powers);
            work(&Ready { batch: Some(&batch), ..ready });
        });
        wipe(core::slice::from_mut(&mut batch));
    }
}

/// Exclusive or of `text` and `stream`, of which the last block may be too long.
#[inline(always)]
fn exclusive_or(text: &mut [u8], stream: &[v128]) {
    let (blocks, rest) = text.as_chunks_mut();
    for (block, key) in blocks.iter_mut().zip(stream) {
        store(block, v128_xor(load(block), *key));
    }
    if !rest.is_empty() {
        let mut key = [0; 16];
        store(&mut key, stream[blocks.len()]);
        rest.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    }
}

impl Ready<'_> {
    /// Counter mode over `text` from counter 2; returns the encryption of counter 1, which masks the tag. `source` is moved piece by
    /// piece. Texts are shorter than 2^16 - 32 blocks.
    fn apply(&self, nonce: &[u8; 12], source: Source, text: &mut [u8]) -> v128 {
        match self.wide {
            Some(wide) if (AHEAD..AHEAD_LIMIT).contains(&text.len()) => self.apply_ahead(wide, nonce, source, text),
            _ => self.apply_with(None, nonce, source, text),
        }
    }

    #[inline(never)]
    fn apply_ahead(&self, wide: &Wide, nonce: &[u8; 12], source: Source, text: &mut [u8]) -> v128 {
        self.apply_with(Some(&Ahead::new(wide, nonce)), nonce, source, text)
    }

    #[inline(never)]
    fn apply_with(&self, ahead: Option<&Ahead>, nonce: &[u8; 12], source: Source, text: &mut [u8]) -> v128 {
        assert!(text.len() < 16 * ((1 << 16) - 32));
        let mut mask = u64x2(0, 0);
        let mut counter = 0;
        let mut at = 0;
        let mut stream = [mask; 32];
        let mut rest = text;
        loop {
            // The stream's first two blocks, of counters 0 and 1, are not for the text.
            let skip = if counter == 0 { 2 } else { 0 };
            let left = rest.len() + 16 * skip;
            // Two runs of the narrow form cost less than one of the wide.
            let made = match self.wide.filter(|_| left > 2 * Narrow::BYTES) {
                Some(wide) => {
                    // SAFETY: arrays.
                    unsafe { wide.apply(ahead, nonce, counter, &NOTHING, stream.as_mut_ptr().cast()) };
                    32
                }
                None => {
                    self.narrow.stream(nonce, counter, &mut stream);
                    8
                }
            };
            if counter == 0 {
                mask = stream[1];
            }
            let (piece, after) = rest.split_at_mut(rest.len().min(16 * (made - skip)));
            source.take(at, piece);
            exclusive_or(piece, &stream[skip..made]);
            at += piece.len();
            counter += made as u32;
            rest = after;
            // Whole runs go to the text at once.
            while let (Some(wide), true) = (self.wide, rest.len() >= Wide::BYTES) {
                let (piece, after) = rest.split_first_chunk_mut().unwrap();
                // SAFETY: as `Source` promises.
                unsafe { wide.apply(ahead, nonce, counter, source.find(at, piece).cast(), piece) };
                (at, counter, rest) = (at + Wide::BYTES, counter + 32, after);
            }
            if rest.is_empty() {
                return mask;
            }
        }
    }

    fn hash(&self, additional: &[u8], source: Source, text: &mut [u8]) -> [u8; 16] {
        match self.batch {
            Some(batch) if text.len() >= BATCH_RECORD && additional.len() <= 16 => {
                ghash_simd::long(self.single, batch, additional, text, |at, piece| source.take(at, piece))
            }
            _ => {
                source.take(0, text);
                ghash_simd::short(self.single, additional, text)
            }
        }
    }
}

fn masked(hash: [u8; 16], mask: v128) -> [u8; 16] {
    let mut tag = [0; 16];
    store(&mut tag, v128_xor(load(&hash), mask));
    tag
}

impl Aead for Ready<'_> {
    fn seal(&self, nonce: &[u8; 12], additional: &[u8], source: Source, text: &mut [u8]) -> [u8; 16] {
        let mask = self.apply(nonce, source, text);
        masked(self.hash(additional, Source::NONE, text), mask)
    }

    fn open(&self, nonce: &[u8; 12], additional: &[u8], source: Source, text: &mut [u8]) -> [u8; 16] {
        let hash = self.hash(additional, source, text);
        masked(hash, self.apply(nonce, Source::NONE, text))
    }
}
