//! Poly1305 (RFC 8439 §2.5) for the fused kernel: words of 32 bits in 64-bit limbs, 20 multiplications per block. The plain twin is
//! poly1305.rs.
//!
//! The clamp makes r1, r2, r3 multiples of 4. With 2^130 = 5, a product that lands 128 bits up comes back as
//! h · r · 2^128 = h · (r / 4) · 2^130 = h · s, where s = 5r / 4.
//!
//! Bounds, held to by overflow checks in the native tests: r < 2^28, s < 2^28.4. After a block h0 < 2^32 + c, where c = 5 · (d4 / 4) < 2^32,
//! the other words < 2^32 and h4 < 4. Before a multiplication the message adds 2^32 to each, so that h0 < 2^33.6, h1..h3 < 2^33,
//! h4 ≤ 4; a column is less than 2^33.6 · 2^28 + 3 · 2^33 · 2^28.4 + 4 · 2^28.4 < 2^63.7.

use crate::chacha20::load_le32;

const MASK: u64 = 0xffff_ffff;

#[derive(Clone, Copy)]
pub struct Poly1305 {
    h: [u64; 5],
    r: [u64; 4],
    /// 5/4 of r[1], r[2], r[3].
    s: [u64; 3],
}

#[inline(always)]
fn word(bytes: &[u8; 16], at: usize) -> u64 {
    load_le32(bytes, at) as u64
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
        Self { h: [0; 5], r, s: [r[1] + (r[1] >> 2), r[2] + (r[2] >> 2), r[3] + (r[3] >> 2)] }
    }

    #[inline(always)]
    pub fn block(&mut self, block: &[u8; 16]) {
        let [r0, r1, r2, r3] = self.r;
        let [s1, s2, s3] = self.s;
        let h0 = self.h[0] + word(block, 0);
        let h1 = self.h[1] + word(block, 4);
        let h2 = self.h[2] + word(block, 8);
        let h3 = self.h[3] + word(block, 12);
        let h4 = self.h[4] + 1;
        let d0 = h0 * r0 + h1 * s3 + h2 * s2 + h3 * s1;
        let d1 = h0 * r1 + h1 * r0 + h2 * s3 + h3 * s2 + h4 * s1;
        let d2 = h0 * r2 + h1 * r1 + h2 * r0 + h3 * s3 + h4 * s2;
        let d3 = h0 * r3 + h1 * r2 + h2 * r1 + h3 * r0 + h4 * s3;
        let d4 = h4 * r0;
        let d1 = d1 + (d0 >> 32);
        let d2 = d2 + (d1 >> 32);
        let d3 = d3 + (d2 >> 32);
        let d4 = d4 + (d3 >> 32);
        // d4 stands at 2^128: what is above its two low bits comes back times 5/4.
        let folded = (d4 & !3) + (d4 >> 2);
        self.h = [(d0 & MASK) + folded, d1 & MASK, d2 & MASK, d3 & MASK, d4 & 3];
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
            for i in 0..4 {
                h[i + 1] += h[i] >> 32;
                h[i] &= MASK;
            }
            h[0] += 5 * (h[4] >> 2);
            h[4] &= 3;
        }
        for i in 0..4 {
            h[i + 1] += h[i] >> 32;
            h[i] &= MASK;
        }
        // g = h + 5: reaches 2^130 exactly when h is not below 2^130 - 5, and then its low bits are the reduced value.
        let mut g = h;
        g[0] += 5;
        for i in 0..4 {
            g[i + 1] += g[i] >> 32;
            g[i] &= MASK;
        }
        let above = 0u64.wrapping_sub(g[4] >> 2 & 1);
        let mut tag = [0; 16];
        let mut carry = 0;
        for i in 0..4 {
            carry += (h[i] ^ (h[i] ^ g[i]) & above) + word(addend, 4 * i);
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
