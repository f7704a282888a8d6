//! GHASH (NIST SP 800-38D §6.3, §6.4), the plain twin: bit by bit with masks, no table.
//!
//! A field element is read as a big-endian number whose most significant bit is the coefficient of x^0: to multiply by x is to shift
//! right, and what falls out comes back as 0xe1 << 120.

pub struct Ghash {
    h: u128,
    y: u128,
}

impl Ghash {
    pub fn new(h: &[u8; 16]) -> Self {
        Self { h: u128::from_be_bytes(*h), y: 0 }
    }

    fn block(&mut self, block: u128) {
        let x = self.y ^ block;
        let mut product = 0;
        let mut power = self.h;
        for i in (0..128).rev() {
            product ^= power & 0u128.wrapping_sub(x >> i & 1);
            power = power >> 1 ^ (0xe1 << 120) & 0u128.wrapping_sub(power & 1);
        }
        self.y = product;
    }

    /// Takes in `text`, its last block padded with zeros.
    pub fn update_padded(&mut self, text: &[u8]) {
        for chunk in text.chunks(16) {
            let mut block = [0; 16];
            block[..chunk.len()].copy_from_slice(chunk);
            self.block(u128::from_be_bytes(block));
        }
    }

    /// Takes in the lengths, in bytes, of additional data and text.
    pub fn lengths(&mut self, additional: usize, text: usize) {
        self.block((additional as u128 * 8) << 64 | text as u128 * 8);
    }

    pub fn finish(self) -> [u8; 16] {
        self.y.to_be_bytes()
    }
}
