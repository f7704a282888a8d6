//! Poly1305 (RFC 8439 §2.5) for the fused kernel: words of 32 bits in 64-bit limbs, 20 multiplications per block. The plain twin is
//! poly1305.rs.
//!
//! The clamp makes r1, r2, r3 multiples of 4. With 2^130 = 5, a product that lands 128 bits up comes back as
//! h · r · 2^128 = h · (r / 4) · 2^130 = h · s, where s = 5r / 4.
//!
//! Four limbs, of which the top one has 34 bits: a fifth for two bits would cost four multiplications more.
//!
//! Bounds, held to by overflow checks in the native tests, in units of 2^32 (for h and the message) and 2^60 (for their products):
//! r < 2^28, s < 5/4 · 2^28. After a block h1, h2 < 1 and h3 < 4; h0 < 1 + 5 · q, where q = d3 / 2^34 < 13.3 / 64, so that h0 < 2.1. The
//! message adds 1 to each, and to h3 one more for its 2^128: h0 < 3.1, h1, h2 < 2, h3 < 6. The largest column is d0 < 3.1 + 2 · 5/4 + 2 · 5/4 +
//! 6 · 5/4 = 15.6; d1 < 15.1, d2 < 14.6 and d3 < 13.1 take in a carry of 2^-28. All are below 16, which is 2^64.

const MASK: u64 = 0xffff_ffff;
const TOP: u64 = 0x3_ffff_ffff;

#[derive(Clone, Copy)]
pub struct Poly1305 {
    h: [u64; 4],
    r: [u64; 4],
    /// 5/4 of r[1], r[2], r[3].
    s: [u64; 3],
}

/// The 32-bit word at `at`, a multiple of 4. Read as one number: from four bytes LLVM would make an address of its own for each.
#[inline(always)]
fn word(bytes: &[u8; 16], at: usize) -> u64 {
    debug_assert!(at <= 12);
    // SAFETY: four readable bytes.
    u32::from_le(unsafe { bytes.as_ptr().add(at).cast::<u32>().read_unaligned() }) as u64
}

/// A block on its way into the sum.
#[derive(Clone, Copy)]
pub struct Half {
    h: [u64; 4],
    low: u64,
    d1: u64,
}

/// The number itself, computed before what follows in the source: LLVM would otherwise move arithmetic down to where its result is
/// used, and what is interleaved would come one after the other.
#[inline(always)]
fn in_order(mut number: u64) -> u64 {
    // SAFETY: a comment.
    #[cfg(target_arch = "wasm32")]
    unsafe {
        core::arch::asm!("/* {0} */", inout(local) number, options(nomem, nostack, preserves_flags))
    };
    number
}

impl Poly1305 {
    /// From the first half of the one-time key; `finish` takes the second.
    #[inline(always)]
    pub fn new(key: &[u8; 16]) -> Self {
        let r = [
            word(key, 0) & 0x0fff_ffff,
            word(key, 4) & 0x0fff_fffc,
            word(key, 8) & 0x0fff_fffc,
            word(key, 12) & 0x0fff_fffc,
        ];
        Self { h: [0; 4], r, s: [r[1] + (r[1] >> 2), r[2] + (r[2] >> 2), r[3] + (r[3] >> 2)] }
    }

    #[inline(always)]
    pub fn block(&mut self, block: &[u8; 16]) {
        let half = self.begin(block);
        self.end(half);
    }

    /// The first half of the work on a block; `end` does the rest.
    #[inline(always)]
    pub fn begin(&mut self, block: &[u8; 16]) -> Half {
        let [r0, r1, _, _] = self.r;
        let [s1, s2, s3] = self.s;
        let [h0, h1, h2, h3] = self.h;
        let h0 = h0 + word(block, 0);
        let h1 = h1 + word(block, 4);
        let h2 = h2 + word(block, 8);
        let h3 = h3 + word(block, 12) + (1 << 32);
        let d0 = h0 * r0 + h1 * s3 + h2 * s2 + h3 * s1;
        let d1 = h0 * r1 + h1 * r0 + h2 * s3 + h3 * s2 + (d0 >> 32);
        Half { h: [h0, h1, h2, h3], low: in_order(d0 & MASK), d1: in_order(d1) }
    }

    #[inline(always)]
    pub fn end(&mut self, Half { h: [h0, h1, h2, h3], low, d1 }: Half) {
        let [r0, r1, r2, r3] = self.r;
        let s3 = self.s[2];
        let d2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s3 + (d1 >> 32);
        let d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + (d2 >> 32);
        // d3 stands at 2^96: what is above 2^130 comes back times 5.
        self.h = [low + 5 * (d3 >> 34), d1 & MASK, d2 & MASK, d3 & TOP].map(in_order);
    }

    /// Takes in `text`, its last block padded with zeros.
    #[inline(always)]
    pub fn update_padded(&mut self, text: &[u8]) {
        let (blocks, rest) = text.as_chunks();
        blocks.iter().for_each(|block| self.block(block));
        if !rest.is_empty() {
            let mut last = [0; 16];
            last[..rest.len()].copy_from_slice(rest);
            self.block(&last);
        }
    }

    #[inline(always)]
    pub fn finish(&self, addend: &[u8; 16]) -> [u8; 16] {
        let mut h = self.h;
        // Twice: the first carry out of the top may ripple through all words.
        for _ in 0..2 {
            for i in 0..3 {
                h[i + 1] += h[i] >> 32;
                h[i] &= MASK;
            }
            h[0] += 5 * (h[3] >> 34);
            h[3] &= TOP;
        }
        for i in 0..3 {
            h[i + 1] += h[i] >> 32;
            h[i] &= MASK;
        }
        // g = h + 5: reaches 2^130 exactly when h is not below 2^130 - 5, and then its low bits are the reduced value.
        let mut g = h;
        g[0] += 5;
        for i in 0..3 {
            g[i + 1] += g[i] >> 32;
            g[i] &= MASK;
        }
        let above = 0u64.wrapping_sub(g[3] >> 34 & 1);
        let mut tag = [0; 16];
        let mut carry = 0;
        for i in 0..4 {
            carry += ((h[i] ^ (h[i] ^ g[i]) & above) & MASK) + word(addend, 4 * i);
            tag[4 * i..4 * i + 4].copy_from_slice(&(carry as u32).to_le_bytes());
            carry >>= 32;
        }
        tag
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::poly1305;

    /// Both twins on the largest and on many keys and messages; overflow checks are on, so that a broken bound panics.
    #[test]
    fn equals_its_plain_twin() {
        let mut seed = 1u64;
        let mut next = || {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            // Half of all bytes at an extreme, where carries are longest.
            let byte = (seed >> 56) as u8;
            [0xff, 0x00, byte, byte][(seed >> 40) as usize % 4]
        };
        for case in 0..20_000 {
            let extreme = case % 4 == 0;
            let key: [u8; 32] = core::array::from_fn(|_| if extreme { 0xff } else { next() });
            let text: [u8; 100] = core::array::from_fn(|_| if extreme && case % 8 == 0 { 0xff } else { next() });
            let text = &text[..case % 101];
            let mut plain = poly1305::Poly1305::new(&key);
            plain.update_padded(text);
            let (first, second) = key.split_at(16);
            let mut fast = Poly1305::new(first.try_into().unwrap());
            fast.update_padded(text);
            assert_eq!(fast.finish(second.try_into().unwrap()), plain.finish(), "case {case}");
        }
    }

    /// Values of h around 2^130 - 5, where the last subtraction must happen exactly at the edge: with r = 1 and the blocks given, h is
    /// their sum plus 2^128 for each.
    #[test]
    fn reduces_at_the_edge() {
        for low in 0..16u8 {
            let mut key = [0; 32];
            key[0] = 1;
            let mut blocks = [[0xff; 16]; 4];
            blocks[3] = [0; 16];
            blocks[2][0] = 0xf0 | low;
            for n in 1..=4 {
                let text = blocks[..n].as_flattened();
                let mut plain = poly1305::Poly1305::new(&key);
                plain.update_padded(text);
                let mut fast = Poly1305::new(key.first_chunk().unwrap());
                fast.update_padded(text);
                assert_eq!(fast.finish(&[0; 16]), plain.finish());
            }
        }
    }
}
