//! AES-128 and AES-256 encryption (FIPS 197), the plain twin: bitsliced, so that no table is indexed by a secret.
//!
//! Four blocks at once. Plane b of a `Planes` holds bit b of all 64 bytes: byte 4·column + row of block n is bit 16n + 4·column + row.
//! ShiftRows then rotates bits of one row within their group of 16, and MixColumns rotates within each group of 4.

use crate::constant_time::wipe;

pub type Planes = [u64; 8];

/// Blocks encrypted at once.
pub const BLOCKS: usize = 4;

/// Round keys as FIPS 197 §5.2 has them, the zeroth first, and the number of rounds: 10 or 14.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Aes {
    rounds: u32,
    round_keys: [[u8; 16]; 15],
}

/// Transposes the 8 × 8 bits of `x`: bit 8i + j goes to 8j + i.
fn transpose(mut x: u64) -> u64 {
    for (shift, mask) in [(7, 0x00aa00aa00aa00aa), (14, 0x0000cccc0000cccc), (28, 0x00000000f0f0f0f0)] {
        let t = (x ^ (x >> shift)) & mask;
        x ^= t ^ (t << shift);
    }
    x
}

fn to_planes(bytes: &[u8; 64]) -> Planes {
    let mut planes = [0; 8];
    for (i, chunk) in bytes.chunks_exact(8).enumerate() {
        let rows = transpose(u64::from_le_bytes(chunk.try_into().unwrap_or([0; 8])));
        for (b, plane) in planes.iter_mut().enumerate() {
            *plane |= (rows >> (8 * b) & 0xff) << (8 * i);
        }
    }
    planes
}

fn from_planes(planes: &Planes) -> [u8; 64] {
    let mut bytes = [0; 64];
    for (i, chunk) in bytes.chunks_exact_mut(8).enumerate() {
        let mut rows = 0;
        for (b, plane) in planes.iter().enumerate() {
            rows |= (plane >> (8 * i) & 0xff) << (8 * b);
        }
        chunk.copy_from_slice(&transpose(rows).to_le_bytes());
    }
    bytes
}

/// The product of two bytes in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, for all bytes at once.
fn multiply(a: &Planes, b: &Planes) -> Planes {
    let mut product = [0; 8];
    let mut power = *a;
    for plane in b {
        for i in 0..8 {
            product[i] ^= power[i] & plane;
        }
        power = times_x(&power);
    }
    product
}

fn times_x(a: &Planes) -> Planes {
    [a[7], a[0] ^ a[7], a[1], a[2] ^ a[7], a[3] ^ a[7], a[4], a[5], a[6]]
}

/// The S-box as FIPS 197 §5.1.1 defines it: the inverse x^254 (of 0: 0), then the affine map.
fn sub_bytes(planes: &Planes) -> Planes {
    let x = planes;
    let x2 = multiply(x, x);
    let x3 = multiply(&x2, x);
    let x6 = multiply(&x3, &x3);
    let x12 = multiply(&x6, &x6);
    let x15 = multiply(&x12, &x3);
    let x30 = multiply(&x15, &x15);
    let x60 = multiply(&x30, &x30);
    let x120 = multiply(&x60, &x60);
    let x240 = multiply(&x120, &x120);
    let x14 = multiply(&x12, &x2);
    let y = multiply(&x240, &x14);
    core::array::from_fn(|i| {
        let constant = 0u64.wrapping_sub(0x63 >> i & 1);
        y[i] ^ y[(i + 4) & 7] ^ y[(i + 5) & 7] ^ y[(i + 6) & 7] ^ y[(i + 7) & 7] ^ constant
    })
}

/// Row r moves r columns to the left: the byte at column c comes from column c + r.
fn shift_rows(planes: &Planes) -> Planes {
    planes.map(|plane| {
        let mut shifted = 0;
        for row in 0..4 {
            let bits = plane & (0x1111_1111_1111_1111 << row);
            let n = 4 * row;
            // Rotates each group of 16 bits to the right by n.
            let low = 0x0001_0001_0001_0001u64.wrapping_mul(0xffff >> n);
            shifted |= (bits >> n & low) | (bits << (16 - n) & !low);
        }
        shifted
    })
}

/// Each byte becomes 2·itself + 3·the next in its column + the two after that.
fn mix_columns(planes: &Planes) -> Planes {
    // The byte `n` rows further down in the same column: rotates each group of 4 bits to the right.
    let down = |plane: u64, n: u32| {
        let low = 0x1111_1111_1111_1111u64.wrapping_mul(0xf >> n);
        (plane >> n & low) | (plane << (4 - n) & !low)
    };
    let sums = planes.map(|plane| plane ^ down(plane, 1));
    let doubled = times_x(&sums);
    core::array::from_fn(|i| doubled[i] ^ down(planes[i], 1) ^ down(sums[i], 2))
}

impl Aes {
    /// `key` has 16 or 32 bytes; anything longer or shorter is the caller's mistake.
    pub fn new(key: &[u8]) -> Self {
        Self::with(key, sub_word)
    }

    /// The same with another S-box.
    pub fn with(key: &[u8], sub_word: impl Fn([u8; 4]) -> [u8; 4]) -> Self {
        let words = key.len() / 4;
        let rounds = words + 6;
        let mut aes = Self { rounds: rounds as u32, round_keys: [[0; 16]; 15] };
        let w = aes.round_keys.as_flattened_mut();
        w[..key.len()].copy_from_slice(key);
        let mut constant = 1u8;
        for i in words..4 * (rounds + 1) {
            let mut t = [w[4 * i - 4], w[4 * i - 3], w[4 * i - 2], w[4 * i - 1]];
            if i % words == 0 {
                t.rotate_left(1);
                t = sub_word(t);
                t[0] ^= constant;
                constant = constant << 1 ^ (constant >> 7) * 0x1b;
            } else if words == 8 && i % 8 == 4 {
                t = sub_word(t);
            }
            for (j, byte) in t.iter().enumerate() {
                w[4 * i + j] = w[4 * (i - words) + j] ^ byte;
            }
        }
        aes
    }

    /// The round keys in planes, the same for each block.
    pub fn planes(&self) -> [Planes; 15] {
        let mut keys = [[0; 8]; 15];
        for (planes, key) in keys.iter_mut().zip(&self.round_keys) {
            let mut bytes = [0; 64];
            bytes[..16].copy_from_slice(key);
            *planes = to_planes(&bytes).map(|plane| plane.wrapping_mul(0x0001_0001_0001_0001));
        }
        keys
    }

    pub fn rounds(&self) -> usize {
        self.rounds as usize
    }

    pub fn round_keys(&self) -> &[[u8; 16]; 15] {
        &self.round_keys
    }

    /// Encrypts four blocks; `keys` are this key's `planes()`.
    pub fn encrypt(&self, keys: &[Planes; 15], blocks: &mut [u8; 64]) {
        let add = |state: &Planes, key: &Planes| core::array::from_fn(|i| state[i] ^ key[i]);
        let mut state: Planes = add(&to_planes(blocks), &keys[0]);
        for key in &keys[1..self.rounds()] {
            state = add(&mix_columns(&shift_rows(&sub_bytes(&state))), key);
        }
        state = add(&shift_rows(&sub_bytes(&state)), &keys[self.rounds()]);
        *blocks = from_planes(&state);
    }
}

fn sub_word(word: [u8; 4]) -> [u8; 4] {
    let mut bytes = [0; 64];
    bytes[..4].copy_from_slice(&word);
    let mut bytes = from_planes(&sub_bytes(&to_planes(&bytes)));
    let word = [bytes[0], bytes[1], bytes[2], bytes[3]];
    wipe(&mut bytes);
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        core::array::from_fn(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
    }

    /// FIPS 197 appendix C.1, C.3.
    #[test]
    fn encrypts_the_examples_of_fips_197() {
        let key: [u8; 32] = core::array::from_fn(|i| i as u8);
        for (length, expected) in [(16, "69c4e0d86a7b0430d8cdb78070b4c55a"), (32, "8ea2b7ca516745bfeafc49904b496089")] {
            let aes = Aes::new(&key[..length]);
            let mut blocks: [u8; 64] = core::array::from_fn(|i| (i % 16 * 0x11) as u8);
            aes.encrypt(&aes.planes(), &mut blocks);
            for block in blocks.chunks_exact(16) {
                assert_eq!(block, hex::<16>(expected));
            }
        }
    }
}
