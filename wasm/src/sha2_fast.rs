//! The compression functions of SHA-256 and SHA-512, unrolled sixteen rounds at a time: the working variables change roles instead of
//! places, and the schedule's indices are constants. The plain twins are in sha256.rs and sha512.rs.
//!
//! What a processor can do at once decides: the schedule is made eight words ahead and no more, so that V8 has no sixteen words to keep
//! beside the variables; sums end with what is known last; the majority costs one operation less with the difference that the round before
//! computed; and Sum0, which has time, takes two copies less as nested rotations.

macro_rules! compression {
    ($name:ident, $word:ty, $bytes:literal, $k:path, $load:path,
     $sum0:expr, $sum1:expr, $small0:expr, $small1:expr) => {
        /// One block.
        pub fn $name(state: &mut [$word; 8], block: &[u8; $bytes * 16]) {
            let mut w: [$word; 16] = core::array::from_fn(|i| $load(block, $bytes * i));
            let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
            let mut before = b ^ c;
            macro_rules! round {
                ($constants:ident, $i:tt, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => {
                    let choose = $g ^ ($e & ($f ^ $g));
                    let t1 = w[$i].wrapping_add($constants[$i]).wrapping_add($h).wrapping_add(choose).wrapping_add($sum1($e));
                    $d = $d.wrapping_add(t1);
                    // b ^ ((a ^ b) & (b ^ c)): the second difference is the first one of the round before.
                    let difference = $a ^ $b;
                    let majority = $b ^ (difference & before);
                    before = difference;
                    $h = majority.wrapping_add($sum0($a)).wrapping_add(t1);
                };
            }
            macro_rules! eight {
                ($constants:ident, $i:literal) => {
                    round!($constants, $i, a, b, c, d, e, f, g, h);
                    round!($constants, ($i + 1), h, a, b, c, d, e, f, g);
                    round!($constants, ($i + 2), g, h, a, b, c, d, e, f);
                    round!($constants, ($i + 3), f, g, h, a, b, c, d, e);
                    round!($constants, ($i + 4), e, f, g, h, a, b, c, d);
                    round!($constants, ($i + 5), d, e, f, g, h, a, b, c);
                    round!($constants, ($i + 6), c, d, e, f, g, h, a, b);
                    round!($constants, ($i + 7), b, c, d, e, f, g, h, a);
                };
            }
            macro_rules! schedule {
                ($from:literal) => {
                    for i in $from..$from + 8 {
                        let (before15, before2) = (w[(i + 1) & 15], w[(i + 14) & 15]);
                        let (s0, s1) = ($small0(before15), $small1(before2));
                        w[i] = w[i].wrapping_add(s0).wrapping_add(w[(i + 9) & 15]).wrapping_add(s1);
                    }
                };
            }
            // Sixteen constants at a time, so that no index needs a check.
            let (constants, _) = $k.as_chunks::<16>();
            let [first, others @ ..] = constants else { return };
            eight!(first, 0);
            eight!(first, 8);
            for k in others {
                schedule!(0);
                eight!(k, 0);
                schedule!(8);
                eight!(k, 8);
            }
            for (word, add) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                *word = word.wrapping_add(add);
            }
        }
    };
}

compression!(
    compress_256,
    u32,
    4,
    crate::sha256::K,
    crate::hash::load_be32,
    |x: u32| (x ^ (x ^ x.rotate_right(9)).rotate_right(11)).rotate_right(2),
    |x: u32| x.rotate_right(6) ^ x.rotate_right(11) ^ x.rotate_right(25),
    |x: u32| x.rotate_right(7) ^ x.rotate_right(18) ^ (x >> 3),
    |x: u32| x.rotate_right(17) ^ x.rotate_right(19) ^ (x >> 10)
);

compression!(
    compress_512,
    u64,
    8,
    crate::sha512::K,
    crate::hash::load_be64,
    |x: u64| (x ^ (x ^ x.rotate_right(5)).rotate_right(6)).rotate_right(28),
    |x: u64| x.rotate_right(14) ^ x.rotate_right(18) ^ x.rotate_right(41),
    |x: u64| x.rotate_right(1) ^ x.rotate_right(8) ^ (x >> 7),
    |x: u64| x.rotate_right(19) ^ x.rotate_right(61) ^ (x >> 6)
);

#[cfg(test)]
mod tests {
    use crate::{sha256, sha512};

    #[test]
    fn equal_their_plain_twins() {
        let mut block = [0u8; 128];
        let mut small = ([0x6a09e667u32; 8], [0x6a09e667u32; 8]);
        let mut large = ([0x6a09e667f3bcc908u64; 8], [0x6a09e667f3bcc908u64; 8]);
        for n in 0..2000u32 {
            for (i, byte) in block.iter_mut().enumerate() {
                *byte = byte.wrapping_mul(5).wrapping_add(n as u8 ^ i as u8);
            }
            sha256::compress(&mut small.0, &block[..64]);
            super::compress_256(&mut small.1, block.first_chunk().unwrap());
            assert_eq!(small.0, small.1);
            sha512::compress(&mut large.0, &block);
            super::compress_512(&mut large.1, &block);
            assert_eq!(large.0, large.1);
        }
    }
}
