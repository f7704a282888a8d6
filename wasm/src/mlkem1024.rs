//! ML-KEM-1024 (FIPS 203 §8) by the plain algorithms of `mlkem.rs`: the group for those whom a policy (CNSA 2.0) asks for it. It is
//! nobody's first choice, and not worth vectors of its own.

use crate::mlkem::{self, Compression, MESSAGE_BYTES, POLYNOMIAL_BYTES, SEED_BYTES, SHARED_SECRET_BYTES};

const K: usize = 4;
const COMPRESSION: Compression = Compression { du: 11, dv: 5 };

pub const ENCAPSULATION_KEY_BYTES: usize = K * POLYNOMIAL_BYTES + 32;
pub const DECAPSULATION_KEY_BYTES: usize = K * POLYNOMIAL_BYTES + ENCAPSULATION_KEY_BYTES + 64;
pub const CIPHERTEXT_BYTES: usize = 32 * (K * COMPRESSION.du as usize + COMPRESSION.dv as usize);

pub type EncapsulationKey = [u8; ENCAPSULATION_KEY_BYTES];
pub type DecapsulationKey = [u8; DECAPSULATION_KEY_BYTES];
pub type Ciphertext = [u8; CIPHERTEXT_BYTES];

/// Bytes of stack that the functions here use, at most, and that their callers wipe.
pub const STACK_BYTES: usize = 48 * 1024;

/// ML-KEM.KeyGen_internal.
pub fn generate_key(seed: &[u8; SEED_BYTES], ek: &mut EncapsulationKey, dk: &mut DecapsulationKey) {
    mlkem::generate_key_of::<K>(seed, ek, dk);
}

/// ML-KEM.Encaps_internal; false when the key fails the modulus check.
pub fn encapsulate(
    ek: &EncapsulationKey,
    message: &[u8; MESSAGE_BYTES],
    ciphertext: &mut Ciphertext,
    shared_secret: &mut [u8; SHARED_SECRET_BYTES],
) -> bool {
    mlkem::encapsulate_of::<K>(COMPRESSION, ek, message, ciphertext, shared_secret)
}

/// ML-KEM.Decaps_internal; false when the key is damaged.
pub fn decapsulate(dk: &DecapsulationKey, ciphertext: &Ciphertext, shared_secret: &mut [u8; SHARED_SECRET_BYTES]) -> bool {
    mlkem::decapsulate_of::<K>(COMPRESSION, dk, ciphertext, shared_secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree() {
        for byte in 0..20u8 {
            let (mut ek, mut dk) = ([0; ENCAPSULATION_KEY_BYTES], [0; DECAPSULATION_KEY_BYTES]);
            generate_key(&[byte; SEED_BYTES], &mut ek, &mut dk);
            let (mut ciphertext, mut sent, mut received) = ([0; CIPHERTEXT_BYTES], [0; 32], [1; 32]);
            assert!(encapsulate(&ek, &[byte ^ 0xa5; 32], &mut ciphertext, &mut sent));
            assert!(decapsulate(&dk, &ciphertext, &mut received));
            assert_eq!(sent, received);
            // Implicit rejection.
            ciphertext[usize::from(byte) * 70] ^= 1;
            assert!(decapsulate(&dk, &ciphertext, &mut received));
            assert_ne!(sent, received);
            ek[usize::from(byte) * 2..][..2].fill(0xff);
            assert!(!encapsulate(&ek, &[0; 32], &mut ciphertext, &mut sent));
        }
    }
}
