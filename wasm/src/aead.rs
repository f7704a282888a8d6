//! What an AEAD with 12-byte nonces and 16-byte tags is to record.rs.

pub trait Aead {
    /// Encrypts `text` in place and returns the tag.
    fn seal(&self, nonce: &[u8; 12], additional: &[u8], text: &mut [u8]) -> [u8; 16];
    /// Decrypts `text` in place and returns the tag that it should have: the caller compares, in constant time, and wipes `text`
    /// when they differ, before anything else sees it.
    fn open(&self, nonce: &[u8; 12], additional: &[u8], text: &mut [u8]) -> [u8; 16];
}
