//! Poly1305 (RFC 8439 §2.5), the plain twin: five limbs of 26 bits, products in 64 bits.
//!
//! Bounds: r's limbs < 2^26 (clamped), 5r < 2^28.4. Before a multiplication h's limbs < 2^26 + 2^26 (message added) but the second,
//! which may carry 2^7 more; a column is at most 5 · 2^27.1 · 2^28.4 < 2^58, so that no 64-bit sum overflows.

use crate::chacha20::load_le32;

const MASK: u64 = (1 << 26) - 1;

pub struct Poly1305 {
    r: [u64; 5],
    h: [u64; 5],
    /// The second half of the key, added at the end.
    s: [u32; 4],
}

/// 16 bytes as limbs, with `high` added at bit 128.
fn limbs(block: &[u8], high: u64) -> [u64; 5] {
    let [a, b, c, d] = [0, 4, 8, 12].map(|at| load_le32(block, at) as u64);
    [a & MASK, (a >> 26 | b << 6) & MASK, (b >> 20 | c << 12) & MASK, (c >> 14 | d << 18) & MASK, d >> 8 | high << 24]
}

impl Poly1305 {
    pub fn new(key: &[u8]) -> Self {
        let mut r = [0; 16];
        r.copy_from_slice(&key[..16]);
        for (i, byte) in r.iter_mut().enumerate() {
            // The clamp of RFC 8439 §2.5.
            *byte &= match i {
                3 | 7 | 11 | 15 => 0x0f,
                4 | 8 | 12 => 0xfc,
                _ => 0xff,
            };
        }
        Self { r: limbs(&r, 0), h: [0; 5], s: [16, 20, 24, 28].map(|at| load_le32(key, at)) }
    }

    /// One block of 16 bytes: h = (h + block + 2^128) · r mod 2^130 - 5, partly reduced.
    fn block(&mut self, block: &[u8]) {
        let m = limbs(block, 1);
        let h: [u64; 5] = core::array::from_fn(|i| self.h[i] + m[i]);
        let r = self.r;
        let mut d: [u64; 5] = core::array::from_fn(|k| {
            (0..5).map(|i| if i <= k { h[i] * r[k - i] } else { h[i] * (5 * r[5 + k - i]) }).sum()
        });
        for i in 0..4 {
            d[i + 1] += d[i] >> 26;
            d[i] &= MASK;
        }
        d[0] += 5 * (d[4] >> 26);
        d[4] &= MASK;
        d[1] += d[0] >> 26;
        d[0] &= MASK;
        self.h = d;
    }

    /// Takes in `text`, its last block padded with zeros (RFC 8439 §2.8: each part of an AEAD's input is padded so).
    pub fn update_padded(&mut self, text: &[u8]) {
        let blocks = text.chunks_exact(16);
        let rest = blocks.remainder();
        blocks.for_each(|block| self.block(block));
        if !rest.is_empty() {
            let mut last = [0; 16];
            last[..rest.len()].copy_from_slice(rest);
            self.block(&last);
        }
    }

    pub fn finish(self) -> [u8; 16] {
        let mut h = self.h;
        // Twice round: the first carry out of the top may ripple through all limbs.
        for _ in 0..2 {
            for i in 0..4 {
                h[i + 1] += h[i] >> 26;
                h[i] &= MASK;
            }
            h[0] += 5 * (h[4] >> 26);
            h[4] &= MASK;
        }
        // g = h + 5 - 2^130: not negative exactly when h is not below 2^130 - 5, and then the reduced value.
        let mut g = h;
        g[0] += 5;
        for i in 0..4 {
            g[i + 1] += g[i] >> 26;
            g[i] &= MASK;
        }
        let above = 0u64.wrapping_sub(g[4] >> 26);
        g[4] &= MASK;
        for i in 0..5 {
            h[i] ^= (h[i] ^ g[i]) & above;
        }
        let words = [h[0] | h[1] << 26, h[1] >> 6 | h[2] << 20, h[2] >> 12 | h[3] << 14, h[3] >> 18 | h[4] << 8];
        let mut tag = [0; 16];
        let mut carry = 0;
        for i in 0..4 {
            carry += (words[i] & 0xffff_ffff) + self.s[i] as u64;
            tag[4 * i..4 * i + 4].copy_from_slice(&(carry as u32).to_le_bytes());
            carry >>= 32;
        }
        tag
    }
}
