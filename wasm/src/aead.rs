//! What an AEAD with 12-byte nonces and 16-byte tags is to record.rs.

use crate::constant_time::{equal, wipe};

/// A key as it lies in a slot.
pub trait Key: 'static {
    type Aead<'a>: Aead;
    /// Hands `work` the key with the tables that pay in a call that processes about `bytes` bytes.
    fn ready(&self, bytes: usize, work: &mut dyn FnMut(&Self::Aead<'_>));
}

pub trait Aead {
    /// Moves `source` to the start of `text`, encrypts all of `text` and returns the tag.
    fn seal(&self, nonce: &[u8; 12], additional: &[u8], source: Source, text: &mut [u8]) -> [u8; 16];
    /// Moves `source` to `text`, decrypts it and returns the tag that it should have. Nothing may see `text` before the tags are
    /// compared: `open` below.
    fn open(&self, nonce: &[u8; 12], additional: &[u8], source: Source, text: &mut [u8]) -> [u8; 16];
}

/// Decrypts as `Aead::open` when `tag` is right; otherwise wipes `text` and returns false.
pub fn open(aead: &impl Aead, nonce: &[u8; 12], additional: &[u8], source: Source, text: &mut [u8], tag: &[u8]) -> bool {
    let mut expected = aead.open(nonce, additional, source, text);
    let authentic = equal(&expected, tag);
    wipe(&mut expected);
    if !authentic {
        wipe(text);
    }
    authentic
}

/// Bytes that are still to be moved to where they are processed. Kernels move a piece just before they work on it, while it is in the
/// nearest cache: one large copy costs more than it seems, 30 % of ChaCha20-Poly1305 when the distance is a multiple of 4 KiB, as
/// it is between regions.
#[derive(Clone, Copy)]
pub struct Source {
    pointer: *const u8,
    length: usize,
}

impl Source {
    /// The text is in place.
    pub const NONE: Source = Source { pointer: core::ptr::null(), length: 0 };

    /// SAFETY: the bytes are readable until the call that takes the source returns, and their place either is apart from that of
    /// the text or begins where that begins or behind it.
    pub unsafe fn new(pointer: *const u8, length: usize) -> Self {
        Self { pointer, length }
    }

    /// Where the bytes from `at` on are that belong in `piece`: still outside, if all are there; otherwise they are moved, and it is `piece` itself.
    #[inline(always)]
    pub fn find(&self, at: usize, piece: &mut [u8]) -> *const u8 {
        if self.length >= at + piece.len() {
            return self.pointer.wrapping_add(at);
        }
        self.take(at, piece);
        piece.as_ptr()
    }

    /// Moves the bytes from `at` on to `piece`, the part of the text from `at` on: as many as there are and fit. Pieces are moved in
    /// order.
    #[inline(always)]
    pub fn take(&self, at: usize, piece: &mut [u8]) {
        let Some(left) = self.length.checked_sub(at) else {
            return;
        };
        let length = left.min(piece.len());
        let (from, to) = (self.pointer.wrapping_add(at), piece.as_mut_ptr());
        let mut i = 0;
        // Upwards, each read before what is written at or below its place: places may overlap. Eight at a time, or else most of it is counting.
        // SAFETY (of all): `new` promises the source, and `i` stays below `length`, so within both.
        let move_16 = |i: usize| unsafe { to.add(i).cast::<[u8; 16]>().write_unaligned(from.add(i).cast::<[u8; 16]>().read_unaligned()) };
        while i + 128 <= length {
            (0..8).for_each(|n| move_16(i + 16 * n));
            i += 128;
        }
        while i + 16 <= length {
            move_16(i);
            i += 16;
        }
        while i < length {
            unsafe { to.add(i).write(from.add(i).read()) };
            i += 1;
        }
    }
}
