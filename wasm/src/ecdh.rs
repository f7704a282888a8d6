//! ECDH on the NIST curves as TLS 1.3 uses it: uncompressed points, the secret is the x coordinate (RFC 9846 §4.3.8.2, §7.4.2).

use crate::constant_time::wipe;
use crate::montgomery::{is_zero, to_big_endian, Modulus};
use crate::weierstrass::{Affine, Group};

/// Random bytes for a private scalar: 64 bits more than the order has (FIPS 186-5 §A.2.1), so that the bias of the reduction is
/// negligible and nothing is ever rejected.
pub const fn random_length(words: usize) -> usize {
    4 * words + 8
}

/// A private scalar in [1, n − 1] from `random_length` bytes.
pub fn private_scalar<const N: usize>(order: &Modulus<N>, random: &[u8]) -> [u32; N] {
    let (low_bytes, high_bytes) = random.split_at(4 * N);
    let mut low = crate::montgomery::from_little_endian::<N>(low_bytes);
    let mut high = [0; N];
    for (word, bytes) in high.iter_mut().zip(high_bytes.chunks(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    // Entered twice, the high part is multiplied by 2^(32N) on the way.
    let mut sum = order.add(&order.enter(&low), &order.enter(&order.enter(&high)));
    let mut scalar = order.leave(&sum);
    // Zero comes with probability 2^-256; it becomes one.
    scalar[0] |= is_zero(&scalar) & 1;
    wipe(&mut low);
    wipe(&mut high);
    wipe(&mut sum);
    scalar
}

/// The public share, 1 + 8N bytes, of a private scalar.
pub fn public_share<G: Group<N>, const N: usize>(private: &[u32; N], share: &mut [u8]) {
    G::CURVE.encode(&G::multiply_generator(private), share);
}

/// The secret, 4N bytes. False, with nothing written, when `peer` is not an uncompressed point of the curve.
pub fn shared_secret<G: Group<N>, const N: usize>(private: &[u32; N], peer: &[u8], secret: &mut [u8]) -> bool {
    let Some(point) = G::CURVE.decode(peer) else {
        return false;
    };
    let mut product: Affine<N> = G::multiply_point(private, &point);
    to_big_endian(&product[0], secret);
    wipe(&mut product);
    true
}
