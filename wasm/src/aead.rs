//! What an AEAD with 12-byte nonces and 16-byte tags is to record.rs.

use crate::constant_time::{equal, wipe};

pub trait Aead {
    /// Encrypts `text` in place and returns the tag.
    fn seal(&self, nonce: &[u8; 12], additional: &[u8], text: &mut [u8]) -> [u8; 16];
    /// Decrypts `text` in place and returns the tag that it should have. Nothing may see `text` before the tags are compared: `open` below.
    fn open(&self, nonce: &[u8; 12], additional: &[u8], text: &mut [u8]) -> [u8; 16];
}

/// Decrypts `text` in place when `tag` is right; otherwise wipes it and returns false.
pub fn open(aead: &impl Aead, nonce: &[u8; 12], additional: &[u8], text: &mut [u8], tag: &[u8]) -> bool {
    let mut expected = aead.open(nonce, additional, text);
    let authentic = equal(&expected, tag);
    wipe(&mut expected);
    if !authentic {
        wipe(text);
    }
    authentic
}
