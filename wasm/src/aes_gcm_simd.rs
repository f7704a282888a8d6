//! AES-GCM (NIST SP 800-38D) with 12-byte nonces and 16-byte tags over aes_simd.rs and ghash_simd.rs. The plain twin is aes_gcm.rs.

use crate::aead::{Aead, Key, Source};
use crate::aes::Aes;
use crate::constant_time::wipe;
use crate::aes_simd::{self, Narrow, Wide};
use crate::ghash_simd::{self, Batch, Single};
use crate::simd::{load, store};
use core::arch::wasm32::*;

/// What a key slot holds; the tables are made of it in each call.
#[repr(C)]
pub struct AesGcm {
    aes: Aes,
    /// GHASH's key, the encryption of zero, and its 16th power.
    h: [u8; 16],
    h16: [u8; 16],
}

/// From this many bytes in a call on, the round keys for 32 blocks at once are worth making.
const WIDE: usize = 384;
/// From this many bytes in a call on, the tables of `Batch` are worth making.
const BATCH: usize = 2048;
/// From this many bytes in a record on, they are worth using.
const BATCH_RECORD: usize = 768;

pub struct Ready<'a> {
    narrow: Narrow,
    single: Single,
    wide: Option<&'a Wide>,
    batch: Option<&'a Batch>,
}

impl AesGcm {
    /// `key` has 16 or 32 bytes.
    pub fn new(key: &[u8]) -> Self {
        let aes = Aes::with(key, aes_simd::sub_word);
        let h = Narrow::new(&aes).zero();
        Self { aes, h, h16: Single::new(&h).power_16(&h) }
    }
}

impl Key for AesGcm {
    type Aead<'a> = Ready<'a>;

    fn ready(&self, bytes: usize, work: &mut dyn FnMut(&Ready<'_>)) {
        if bytes >= WIDE {
            return self.ready_wide(bytes, work);
        }
        work(&self.ready_with(None, None));
    }
}

impl AesGcm {
    #[inline(always)]
    fn ready_with<'a>(&self, wide: Option<&'a Wide>, batch: Option<&'a Batch>) -> Ready<'a> {
        Ready { narrow: Narrow::new(&self.aes), single: Single::new(&self.h), wide, batch }
    }

    // Apart, because of their large frames; these wipe their tables themselves.

    #[inline(never)]
    fn ready_wide(&self, bytes: usize, work: &mut dyn FnMut(&Ready<'_>)) {
        let mut wide = Wide::new(&self.aes);
        if bytes >= BATCH {
            self.ready_batch(&wide, work);
        } else {
            work(&self.ready_with(Some(&wide), None));
        }
        wipe(core::slice::from_mut(&mut wide));
    }

    #[inline(never)]
    fn ready_batch(&self, wide: &Wide, work: &mut dyn FnMut(&Ready<'_>)) {
        let mut batch = Batch::new(&self.h16);
        work(&self.ready_with(Some(wide), Some(&batch)));
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
        assert!(text.len() < 16 * ((1 << 16) - 32));
        let mut mask = u64x2(0, 0);
        let mut counter = 0;
        let mut at = 0;
        let mut blocks = [mask; 32];
        let mut rest = text;
        loop {
            // The stream's first two blocks, of counters 0 and 1, are not for the text.
            let skip = if counter == 0 { 2 } else { 0 };
            let left = rest.len() + 16 * skip;
            let made = match self.wide {
                // Two runs of the narrow form cost less than one of the wide.
                Some(wide) if left > 2 * Narrow::BYTES => {
                    wide.stream(nonce, counter, &mut blocks);
                    32
                }
                _ => {
                    blocks[..8].copy_from_slice(&self.narrow.stream(nonce, counter));
                    8
                }
            };
            if counter == 0 {
                mask = blocks[1];
            }
            let (piece, after) = rest.split_at_mut(rest.len().min(16 * (made - skip)));
            source.take(at, piece);
            exclusive_or(piece, &blocks[skip..made]);
            at += piece.len();
            counter += made as u32;
            rest = after;
            if rest.is_empty() {
                return mask;
            }
        }
    }

    fn hash(&self, additional: &[u8], source: Source, text: &mut [u8]) -> [u8; 16] {
        match self.batch {
            Some(batch) if text.len() >= BATCH_RECORD && additional.len() <= 16 => {
                ghash_simd::long(&self.single, batch, additional, text, |at, piece| source.take(at, piece))
            }
            _ => {
                source.take(0, text);
                ghash_simd::short(&self.single, additional, text)
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
