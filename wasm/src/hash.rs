//! Hashing with SHA-2 padding over any compression function, HMAC (RFC 2104) and HKDF (RFC 5869) over that.
//! Lengths are public; nothing else steers a branch or an address.

use crate::constant_time::wipe;

/// A hash of the SHA-2 family: its compression function and parameters.
pub trait Hash: Copy {
    /// The chaining value: an array of words.
    type State: Copy;
    /// An array of bytes.
    type Block: Copy + AsRef<[u8]> + AsMut<[u8]>;
    /// Bytes of the digest.
    const DIGEST: usize;
    /// Bytes of the message length at the end of the padding.
    const LENGTH_FIELD: usize;
    const INITIAL: Self::State;
    const ZERO_BLOCK: Self::Block;

    /// Takes in whole blocks: the length of `blocks` is a multiple of the block's.
    fn compress(state: &mut Self::State, blocks: &[u8]);
    /// Writes the words, big-endian, until `output` is full.
    fn write(state: &Self::State, output: &mut [u8]);
}

/// Bytes of the longest digest and block of any `Hash` here.
const MAX_DIGEST: usize = 64;

/// A hash in progress: plain data, which may be copied out and back in.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Running<H: Hash> {
    state: H::State,
    /// Bytes taken in so far.
    length: u64,
    /// The bytes that do not fill a block yet; what lies behind them is old.
    buffer: H::Block,
}

impl<H: Hash> Running<H> {
    pub fn new() -> Self {
        Self { state: H::INITIAL, length: 0, buffer: H::ZERO_BLOCK }
    }

    /// A hash that has taken in one block and is in `state` since.
    fn after_block(state: H::State) -> Self {
        Self { state, length: H::ZERO_BLOCK.as_ref().len() as u64, buffer: H::ZERO_BLOCK }
    }

    pub fn update(&mut self, mut message: &[u8]) {
        let block = H::ZERO_BLOCK.as_ref().len();
        let filled = self.length as usize % block;
        self.length = self.length.wrapping_add(message.len() as u64);
        if filled > 0 {
            let take = message.len().min(block - filled);
            self.buffer.as_mut()[filled..filled + take].copy_from_slice(&message[..take]);
            if filled + take < block {
                return;
            }
            H::compress(&mut self.state, self.buffer.as_ref());
            message = &message[take..];
        }
        let (blocks, rest) = message.split_at(message.len() - message.len() % block);
        H::compress(&mut self.state, blocks);
        self.buffer.as_mut()[..rest.len()].copy_from_slice(rest);
    }

    /// Pads and writes the digest, which is `H::DIGEST` bytes long. Consumes a copy: the original may go on.
    pub fn finish(mut self, digest: &mut [u8]) {
        let buffer = self.buffer.as_mut();
        let block = buffer.len();
        let filled = self.length as usize % block;
        buffer[filled] = 0x80;
        buffer[filled + 1..].fill(0);
        if filled + 1 + H::LENGTH_FIELD > block {
            H::compress(&mut self.state, buffer);
            buffer.fill(0);
        }
        buffer[block - 8..].copy_from_slice(&self.length.wrapping_mul(8).to_be_bytes());
        H::compress(&mut self.state, buffer);
        H::write(&self.state, &mut digest[..H::DIGEST]);
    }
}

impl<H: Hash> Default for Running<H> {
    fn default() -> Self {
        Self::new()
    }
}

/// The digest of the concatenated `parts`.
pub fn digest<H: Hash>(parts: &[&[u8]], digest: &mut [u8]) {
    let mut running = Running::<H>::new();
    for part in parts {
        running.update(part);
    }
    running.finish(digest);
}

/// HMAC's key as the states after its two pads: a copy saves that work for the next message.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Keyed<H: Hash> {
    inner: H::State,
    outer: H::State,
}

impl<H: Hash> Keyed<H> {
    pub fn new(key: &[u8]) -> Self {
        let mut pad = H::ZERO_BLOCK;
        let bytes = pad.as_mut();
        if key.len() > bytes.len() {
            digest::<H>(&[key], bytes);
        } else {
            bytes[..key.len()].copy_from_slice(key);
        }
        let mut keyed = Self { inner: H::INITIAL, outer: H::INITIAL };
        bytes.iter_mut().for_each(|byte| *byte ^= 0x36);
        H::compress(&mut keyed.inner, bytes);
        bytes.iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
        H::compress(&mut keyed.outer, bytes);
        wipe(bytes);
        keyed
    }
}

/// HMAC in progress.
#[derive(Clone, Copy)]
pub struct Hmac<H: Hash> {
    inner: Running<H>,
    outer: H::State,
}

impl<H: Hash> Hmac<H> {
    pub fn new(key: &[u8]) -> Self {
        Self::start(Keyed::new(key))
    }

    pub fn start(keyed: Keyed<H>) -> Self {
        Self { inner: Running::after_block(keyed.inner), outer: keyed.outer }
    }

    pub fn update(&mut self, message: &[u8]) {
        self.inner.update(message);
    }

    /// Writes the tag, `H::DIGEST` bytes.
    pub fn finish(self, tag: &mut [u8]) {
        let mut inner = [0u8; MAX_DIGEST];
        self.inner.finish(&mut inner);
        let mut outer = Running::<H>::after_block(self.outer);
        outer.update(&inner[..H::DIGEST]);
        outer.finish(tag);
    }
}

/// HMAC of the concatenated `parts`. HKDF-Extract(salt, IKM) is `hmac(salt, [IKM])`.
pub fn hmac<H: Hash>(key: &[u8], parts: &[&[u8]], tag: &mut [u8]) {
    let mut hmac = Hmac::<H>::new(key);
    for part in parts {
        hmac.update(part);
    }
    hmac.finish(tag);
}

/// HKDF-Expand (RFC 5869 §2.3) into the whole of `output`, which is at most 255 digests long.
pub fn expand<H: Hash>(pseudorandom_key: &[u8], info: &[u8], output: &mut [u8]) {
    expand_keyed::<H>(Keyed::new(pseudorandom_key), info, output);
}

/// The same with the key's pads compressed before.
pub fn expand_keyed<H: Hash>(keyed: Keyed<H>, info: &[u8], output: &mut [u8]) {
    debug_assert!(output.len() <= 255 * H::DIGEST);
    let mut block = [0u8; MAX_DIGEST];
    let mut previous = 0;
    for (i, chunk) in output.chunks_mut(H::DIGEST).enumerate() {
        let mut hmac = Hmac::start(keyed);
        hmac.update(&block[..previous]);
        hmac.update(info);
        hmac.update(&[i as u8 + 1]);
        hmac.finish(&mut block);
        previous = H::DIGEST;
        chunk.copy_from_slice(&block[..chunk.len()]);
    }
    wipe(&mut block);
}

#[inline(always)]
pub fn load_be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[inline(always)]
pub fn load_be64(bytes: &[u8], at: usize) -> u64 {
    (load_be32(bytes, at) as u64) << 32 | load_be32(bytes, at + 4) as u64
}
