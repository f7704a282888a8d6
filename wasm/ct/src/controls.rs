//! Deliberately leaky functions. If memcheck does not report one of them, the check is blind.

use std::hint::black_box;

use crate::{public, secret, Check};

pub const CONTROLS: &[Check] = &[
    Check { name: "branch on a secret bit", run: branch },
    Check { name: "table indexed by a secret", run: table },
    Check { name: "comparison that stops early", run: early_exit },
    Check { name: "square and multiply", run: square_and_multiply },
    Check { name: "ML-KEM with a branching rejection", run: branching_rejection },
];

#[inline(never)]
fn noise(x: u8) -> u8 {
    black_box(x) ^ 0x55
}

fn branch() -> Vec<u8> {
    let key = secret::<32>(1);
    let mut output = 0;
    if key[7] & 4 != 0 {
        output ^= noise(output);
    }
    vec![output]
}

fn table() -> Vec<u8> {
    let s_box = black_box(public::<256>(2));
    let key = secret::<16>(1);
    key.iter().map(|&byte| s_box[usize::from(byte)]).collect()
}

fn early_exit() -> Vec<u8> {
    let (expected, received) = (secret::<16>(1), public::<16>(1));
    vec![u8::from(expected.iter().zip(&received).all(|(a, b)| black_box(*a) == *b))]
}

/// 3^secret modulo 2^61 - 1, left to right.
fn square_and_multiply() -> Vec<u8> {
    let modulus = (1u128 << 61) - 1;
    let exponent = u64::from_le_bytes(secret::<8>(3));
    let mut power = 1u128;
    for i in (0..64).rev() {
        power = power * power % modulus;
        if exponent >> i & 1 == 1 {
            power = black_box(power * 3 % modulus);
        }
    }
    power.to_le_bytes().to_vec()
}

/// The end of a decapsulation that chooses between its two secrets with `if`.
fn branching_rejection() -> Vec<u8> {
    let (key, rejected) = (secret::<32>(1), secret::<32>(2));
    let (again, ciphertext) = (secret::<64>(4), public::<64>(4));
    let differ = again.iter().zip(&ciphertext).fold(0, |sum, (a, b)| sum | (a ^ b));
    if black_box(differ) != 0 { rejected.map(noise).to_vec() } else { key.to_vec() }
}
