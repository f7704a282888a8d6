//! Keccak-f[1600] and the four functions over it that ML-KEM takes: SHA3-256, SHA3-512, SHAKE128, SHAKE256 (FIPS 202). One state at
//! a time, in 64-bit words. `keccak_pair.rs` runs two states at once and has this file as its oracle.
//!
//! Constant time: no branch and no address depends on the data, only on its length.

use crate::constant_time::wipe;

/// The iota step's constants (FIPS 202 §3.2.5).
pub const ROUND_CONSTANTS: [u64; 24] = [
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
];

/// The rho step's rotations (§3.2.2) of lane x + 5y.
pub const ROTATIONS: [u32; 25] = [
    0, 1, 62, 28, 27, //
    36, 44, 6, 55, 20, //
    3, 10, 43, 25, 39, //
    41, 45, 15, 21, 8, //
    18, 2, 61, 56, 14,
];

/// Suffix bits and the first padding bit, as the byte after the message (§6.1, §6.2, §B.2).
pub const SHA3_SUFFIX: u8 = 0x06;
pub const SHAKE_SUFFIX: u8 = 0x1f;

pub const SHA3_256_RATE: usize = 136;
pub const SHA3_512_RATE: usize = 72;
pub const SHAKE128_RATE: usize = 168;
pub const SHAKE256_RATE: usize = 136;

/// Keccak-p[1600, 24] (§3.3); lane (x, y) is word x + 5y.
pub fn permute(state: &mut [u64; 25]) {
    for round_constant in ROUND_CONSTANTS {
        // Theta: each column is mixed with the parities of two neighbours.
        let mut parity = [0u64; 5];
        for x in 0..5 {
            parity[x] = state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20];
        }
        // Rho and pi: lane (x, y) is rotated and goes to (y, 2x + 3y).
        let mut moved = [0u64; 25];
        for x in 0..5 {
            let mix = parity[(x + 4) % 5] ^ parity[(x + 1) % 5].rotate_left(1);
            for y in 0..5 {
                moved[y + 5 * ((2 * x + 3 * y) % 5)] = (state[x + 5 * y] ^ mix).rotate_left(ROTATIONS[x + 5 * y]);
            }
        }
        // Chi, and iota in lane (0, 0).
        for y in 0..5 {
            for x in 0..5 {
                state[x + 5 * y] = moved[x + 5 * y] ^ (!moved[(x + 1) % 5 + 5 * y] & moved[(x + 2) % 5 + 5 * y]);
            }
        }
        state[0] ^= round_constant;
    }
}

/// A sponge (§4) that absorbs first and squeezes after. Wiped when dropped.
pub struct Sponge {
    state: [u64; 25],
    rate: usize,
    suffix: u8,
    /// Bytes of the current block absorbed, or squeezed.
    position: usize,
    squeezing: bool,
}

impl Sponge {
    pub fn new(rate: usize, suffix: u8) -> Self {
        Sponge { state: [0; 25], rate, suffix, position: 0, squeezing: false }
    }

    fn xor_byte(&mut self, index: usize, byte: u8) {
        self.state[index / 8] ^= u64::from(byte) << (8 * (index % 8));
    }

    /// Takes more of the message. Only before the first `squeeze`.
    pub fn absorb(&mut self, mut message: &[u8]) {
        debug_assert!(!self.squeezing);
        while !message.is_empty() {
            if self.position % 8 == 0 && message.len() >= 8 {
                let (word, rest) = message.split_at(8);
                let mut bytes = [0u8; 8];
                bytes.copy_from_slice(word);
                self.state[self.position / 8] ^= u64::from_le_bytes(bytes);
                self.position += 8;
                message = rest;
            } else {
                self.xor_byte(self.position, message[0]);
                self.position += 1;
                message = &message[1..];
            }
            if self.position == self.rate {
                permute(&mut self.state);
                self.position = 0;
            }
        }
    }

    /// Gives the next bytes of output.
    pub fn squeeze(&mut self, output: &mut [u8]) {
        if !self.squeezing {
            self.xor_byte(self.position, self.suffix);
            self.xor_byte(self.rate - 1, 0x80);
            self.position = self.rate;
            self.squeezing = true;
        }
        for byte in output {
            if self.position == self.rate {
                permute(&mut self.state);
                self.position = 0;
            }
            *byte = (self.state[self.position / 8] >> (8 * (self.position % 8))) as u8;
            self.position += 1;
        }
    }
}

impl Drop for Sponge {
    fn drop(&mut self) {
        wipe(&mut self.state);
    }
}

fn hash<const N: usize>(rate: usize, suffix: u8, message: &[&[u8]]) -> [u8; N] {
    let mut sponge = Sponge::new(rate, suffix);
    for part in message {
        sponge.absorb(part);
    }
    let mut digest = [0; N];
    sponge.squeeze(&mut digest);
    digest
}

/// SHA3-256 of the parts of a message, one after the other.
pub fn sha3_256(message: &[&[u8]]) -> [u8; 32] {
    hash(SHA3_256_RATE, SHA3_SUFFIX, message)
}

/// SHA3-512.
pub fn sha3_512(message: &[&[u8]]) -> [u8; 64] {
    hash(SHA3_512_RATE, SHA3_SUFFIX, message)
}

/// The first N bytes of SHAKE256.
pub fn shake256<const N: usize>(message: &[&[u8]]) -> [u8; N] {
    hash(SHAKE256_RATE, SHAKE_SUFFIX, message)
}

/// SHAKE128, to be squeezed.
pub fn shake128(message: &[&[u8]]) -> Sponge {
    let mut sponge = Sponge::new(SHAKE128_RATE, SHAKE_SUFFIX);
    for part in message {
        sponge.absorb(part);
    }
    sponge
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Known answers: of the empty message (published by NIST), and of a longer one that crosses blocks, cut in all ways.
    #[test]
    fn known_answers() {
        assert_eq!(hex(&sha3_256(&[])), "a7ffc6f8bf1ed76651c14756a061d662f580ff4de43b49fa82d80a4b80f8434a");
        assert_eq!(
            hex(&sha3_512(&[])),
            "a69f73cca23a9ac5c8b567dc185a756e97c982164fe25859e0d1dcc1475c80a6\
             15b2123af1f5f94c11e3e9402c3ac558f500199d95b6d3e301758586281dcd26"
        );
        assert_eq!(
            hex(&shake256::<32>(&[])),
            "46b9dd2b0ba88d13233b3feb743eeb243fcd52ea62b81b82b50c27646ed5762f"
        );
        let mut output = [0; 32];
        shake128(&[]).squeeze(&mut output);
        assert_eq!(hex(&output), "7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26");
    }

    #[test]
    fn cuts_do_not_matter() {
        let message: Vec<u8> = (0..300).map(|i| (i * 7) as u8).collect();
        let whole = sha3_256(&[&message]);
        for cut in 0..message.len() {
            assert_eq!(sha3_256(&[&message[..cut], &message[cut..]]), whole);
        }
        let long = shake256::<500>(&[&message]);
        let mut sponge = Sponge::new(SHAKE256_RATE, SHAKE_SUFFIX);
        sponge.absorb(&message);
        for piece in long.chunks(37) {
            let mut output = vec![0; piece.len()];
            sponge.squeeze(&mut output);
            assert_eq!(output, piece);
        }
    }
}
