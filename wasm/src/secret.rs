//! A secret of the key schedule (RFC 9846 §7.1), kept in linear memory: the key of HMAC in all that is derived from it. Both pads are
//! compressed at its first use, so that each further derivation takes two compressions in place of four.

use crate::hash::{expand_keyed, Hash, Hmac, Keyed};

/// Plain data in a slot that is all zeros before and after: see src/crypto/wasm/secret.ts.
#[repr(C)]
pub struct Secret<H: Hash> {
    /// The secret, `H::DIGEST` bytes of it; first, so that JavaScript finds it.
    bytes: [u8; 48],
    /// Whether `keyed` has been made.
    ready: u32,
    keyed: Keyed<H>,
}

impl<H: Hash> Secret<H> {
    /// Where a new secret goes.
    pub fn place(&mut self) -> &mut [u8] {
        self.ready = 0;
        &mut self.bytes[..H::DIGEST]
    }

    fn keyed(&mut self) -> Keyed<H> {
        if self.ready == 0 {
            self.keyed = Keyed::new(&self.bytes[..H::DIGEST]);
            self.ready = 1;
        }
        self.keyed
    }

    /// HMAC(secret, message); with the input keying material as message, HKDF-Extract with the secret as salt.
    pub fn mac(&mut self, message: &[u8], tag: &mut [u8]) {
        let mut hmac = Hmac::start(self.keyed());
        hmac.update(message);
        hmac.finish(tag);
    }

    /// HKDF-Expand.
    pub fn expand(&mut self, info: &[u8], output: &mut [u8]) {
        expand_keyed(self.keyed(), info, output);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;
    use crate::sha256::Sha256;
    use crate::sha512::Sha384;

    fn agrees<H: Hash>() {
        // SAFETY: integers alone, for which zeros are valid.
        let mut secret: Secret<H> = unsafe { core::mem::zeroed() };
        for (round, length) in [(1u8, 0), (2, 20), (3, 55), (4, 56), (5, 200)] {
            let key = [round; 48];
            secret.place().copy_from_slice(&key[..H::DIGEST]);
            let message = [round ^ 0x5a; 200];
            for _use in 0..2 {
                let (mut ours, mut plain) = ([0; 48], [0; 48]);
                secret.mac(&message[..length], &mut ours[..H::DIGEST]);
                hash::hmac::<H>(&key[..H::DIGEST], &[&message[..length]], &mut plain[..H::DIGEST]);
                assert_eq!(ours, plain);
                let (mut ours, mut plain) = ([0; 150], [0; 150]);
                secret.expand(&message[..length], &mut ours);
                hash::expand::<H>(&key[..H::DIGEST], &message[..length], &mut plain);
                assert_eq!(ours, plain);
            }
        }
    }

    #[test]
    fn derivations_are_those_of_plain_hmac_and_hkdf() {
        agrees::<Sha256>();
        agrees::<Sha384>();
    }
}
