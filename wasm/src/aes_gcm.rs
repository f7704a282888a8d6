//! AES-GCM (NIST SP 800-38D) with 12-byte nonces and 16-byte tags, the plain twin: counter mode in one pass, GHASH in another.

use crate::aead::{Aead, Key, Source};
use crate::aes::{Aes, Planes, BLOCKS};
use crate::ghash::Ghash;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct AesGcm {
    aes: Aes,
    /// GHASH's key: the encryption of zero.
    h: [u8; 16],
}

impl AesGcm {
    /// `key` has 16 or 32 bytes.
    pub fn new(key: &[u8]) -> Self {
        let aes = Aes::new(key);
        let mut blocks = [0; 64];
        aes.encrypt(&aes.planes(), &mut blocks);
        let mut h = [0; 16];
        h.copy_from_slice(&blocks[..16]);
        Self { aes, h }
    }

    /// The key stream of four blocks from `counter`.
    fn stream(&self, keys: &[Planes; 15], nonce: &[u8; 12], counter: u32) -> [u8; 64] {
        let mut blocks = [0; 64];
        for i in 0..BLOCKS {
            blocks[16 * i..16 * i + 12].copy_from_slice(nonce);
            blocks[16 * i + 12..16 * i + 16].copy_from_slice(&counter.wrapping_add(i as u32).to_be_bytes());
        }
        self.aes.encrypt(keys, &mut blocks);
        blocks
    }

    fn tag(&self, mask: &[u8], additional: &[u8], ciphertext: &[u8]) -> [u8; 16] {
        let mut ghash = Ghash::new(&self.h);
        ghash.update_padded(additional);
        ghash.update_padded(ciphertext);
        ghash.lengths(additional.len(), ciphertext.len());
        let mut tag = ghash.finish();
        tag.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        tag
    }

    /// Counter mode from counter 2 (§7.1); returns the encryption of counter 1, which masks the tag.
    fn apply(&self, nonce: &[u8; 12], text: &mut [u8]) -> [u8; 16] {
        let keys = self.aes.planes();
        let first = self.stream(&keys, nonce, 1);
        let mut mask = [0; 16];
        mask.copy_from_slice(&first[..16]);
        let (head, rest) = text.split_at_mut(text.len().min(48));
        head.iter_mut().zip(&first[16..]).for_each(|(byte, key)| *byte ^= key);
        for (i, chunk) in rest.chunks_mut(64).enumerate() {
            let stream = self.stream(&keys, nonce, 5 + 4 * i as u32);
            chunk.iter_mut().zip(stream).for_each(|(byte, key)| *byte ^= key);
        }
        mask
    }
}

impl Key for AesGcm {
    type Aead<'a> = Self;

    #[inline(always)]
    fn ready(&self, _bytes: usize, work: &mut dyn FnMut(&Self)) {
        work(self);
    }
}

impl Aead for AesGcm {
    fn seal(&self, nonce: &[u8; 12], additional: &[u8], source: Source, text: &mut [u8]) -> [u8; 16] {
        source.take(0, text);
        let mask = self.apply(nonce, text);
        self.tag(&mask, additional, text)
    }

    fn open(&self, nonce: &[u8; 12], additional: &[u8], source: Source, text: &mut [u8]) -> [u8; 16] {
        source.take(0, text);
        let mask = self.apply(nonce, &mut []);
        let expected = self.tag(&mask, additional, text);
        self.apply(nonce, text);
        expected
    }
}
