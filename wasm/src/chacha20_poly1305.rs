//! AEAD_CHACHA20_POLY1305 (RFC 8439 §2.8), the plain twin: first one pass, then the other.

use crate::aead::{Aead, Key, Source};
use crate::chacha20;
use crate::poly1305::Poly1305;

#[repr(C)]
pub struct ChaCha20Poly1305 {
    key: [u8; 32],
}

impl ChaCha20Poly1305 {
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: *key }
    }
}

fn tag(state: &[u32; 16], additional: &[u8], ciphertext: &[u8]) -> [u8; 16] {
    let mut poly = Poly1305::new(&chacha20::block(state));
    poly.update_padded(additional);
    poly.update_padded(ciphertext);
    let mut lengths = [0; 16];
    lengths[..8].copy_from_slice(&(additional.len() as u64).to_le_bytes());
    lengths[8..].copy_from_slice(&(ciphertext.len() as u64).to_le_bytes());
    poly.update_padded(&lengths);
    poly.finish()
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
        source.take(0, text);
        let state = chacha20::state(&self.key, nonce);
        chacha20::apply(&state, 1, text);
        tag(&state, additional, text)
    }

    fn open(&self, nonce: &[u8; 12], additional: &[u8], source: Source, text: &mut [u8]) -> [u8; 16] {
        source.take(0, text);
        let state = chacha20::state(&self.key, nonce);
        let expected = tag(&state, additional, text);
        chacha20::apply(&state, 1, text);
        expected
    }
}
