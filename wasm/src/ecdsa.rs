//! ECDSA (FIPS 186-5 §6) with hedged nonces: RFC 6979, with fresh random bytes as its additional data (§3.6), so that neither a
//! broken random source nor a fault while signing the same message twice betrays the key.
//!
//! The hash is as long as the curve's order: P-256 with SHA-256, P-384 with SHA-384. Signatures are DER.

use crate::constant_time::{declassify, wipe};
use crate::hash::{digest, Hash, Hmac};
use crate::montgomery::{from_big_endian, is_zero, to_big_endian};
use crate::weierstrass::{Affine, Group};

/// Bytes of additional randomness: as many as leave RFC 6979's first HMAC message (V, a zero byte, the key, the digest, these) one block
/// shorter with SHA-256 than 32 would.
pub const RANDOM_LENGTH: usize = 16;

/// Bytes of the longest integer here.
const MAX_SIZE: usize = 48;

/// Bytes of the longest signature of a curve of `words` words: two integers with a sign byte, three headers.
pub const fn max_signature_length(words: usize) -> usize {
    2 * (4 * words + 3) + 3
}

/// A private key with what can be computed before there is a message. Plain data without references: it may be copied as bytes, and
/// is as secret as the key.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SigningKey<H: Hash, const N: usize> {
    /// d in Montgomery form modulo the order.
    scalar: [u32; N],
    /// RFC 6979 §3.2 step d with K = 0…0: HMAC over V = 1…1, a zero byte and d, so far.
    seeded: Hmac<H>,
    /// d as it is hashed.
    octets: [u8; MAX_SIZE],
}

impl<H: Hash, const N: usize> SigningKey<H, N> {
    /// `private` is 4N bytes, big-endian. Undefined unless in [1, n − 1].
    pub fn new<G: Group<N>>(private: &[u8]) -> Option<Self> {
        let mut words = G::CURVE.decode_scalar(private)?;
        let mut octets = [0; MAX_SIZE];
        octets[..4 * N].copy_from_slice(private);
        let mut seeded = Hmac::new(&[0u8; MAX_SIZE][..H::DIGEST]);
        seeded.update(&[1u8; MAX_SIZE][..H::DIGEST]);
        seeded.update(&[0]);
        seeded.update(private);
        let scalar = G::CURVE.order.enter(&words);
        wipe(&mut words);
        Some(Self { scalar, seeded, octets })
    }

    /// Signs a message; returns the length of the DER signature in `out`, of `max_signature_length(N)` bytes. `random` may be empty:
    /// then the signature is RFC 6979's own.
    pub fn sign<G: Group<N>>(&self, message: &[u8], random: &[u8], out: &mut [u8]) -> usize {
        let order = G::CURVE.order;
        let mut hash = [0; MAX_SIZE];
        let size = 4 * N;
        digest::<H>(&[message], &mut hash);
        let e = order.reduce(&from_big_endian(&hash[..size]));
        to_big_endian(&e, &mut hash);
        let mut nonces = Nonces::new(self, &hash[..size], random);
        loop {
            let mut k = from_big_endian(nonces.next());
            // Taken or not: what is not taken is not used, so that nothing is told by it.
            let usable = order.is_canonical(&k) & !is_zero(&k) != 0;
            declassify(&usable);
            if !usable {
                continue;
            }
            let (x, mut inverse) = G::commit(&k);
            let r = order.reduce(&x);
            // s = (e + r·d)/k, e and the inverse of k entering so that all of it leaves Montgomery form at the end.
            inverse = order.enter(&inverse);
            let sum = order.add(&e, &order.multiply(&r, &self.scalar));
            let s = order.multiply(&sum, &inverse);
            wipe(&mut inverse);
            wipe(&mut k);
            // The signature is public.
            declassify(&r);
            declassify(&s);
            if is_zero(&r) | is_zero(&s) == 0 {
                nonces.wipe();
                return encode_signature(&r, &s, out);
            }
        }
    }
}

/// The generator of RFC 6979 §3.2, an HMAC_DRBG.
struct Nonces<H: Hash> {
    v: [u8; MAX_SIZE],
    keyed: Hmac<H>,
    started: bool,
}

impl<H: Hash> Nonces<H> {
    fn new<const N: usize>(key: &SigningKey<H, N>, hash: &[u8], random: &[u8]) -> Self {
        // Steps b to d.
        let mut k = [0u8; MAX_SIZE];
        let mut seeded = key.seeded;
        seeded.update(hash);
        seeded.update(random);
        seeded.finish(&mut k);
        let mut out = Self { v: [1; MAX_SIZE], keyed: Hmac::new(&k[..H::DIGEST]), started: false };
        // Steps e to g.
        out.update_v();
        let mut again = out.keyed;
        again.update(&out.v[..H::DIGEST]);
        again.update(&[1]);
        again.update(&key.octets[..4 * N]);
        again.update(hash);
        again.update(random);
        again.finish(&mut k);
        out.keyed = Hmac::new(&k[..H::DIGEST]);
        out.update_v();
        wipe(&mut k);
        out
    }

    fn update_v(&mut self) {
        let mut hmac = self.keyed;
        hmac.update(&self.v[..H::DIGEST]);
        hmac.finish(&mut self.v);
    }

    /// Step h; one digest is as long as k.
    fn next(&mut self) -> &[u8] {
        if self.started {
            let mut k = [0u8; MAX_SIZE];
            let mut hmac = self.keyed;
            hmac.update(&self.v[..H::DIGEST]);
            hmac.update(&[0]);
            hmac.finish(&mut k);
            self.keyed = Hmac::new(&k[..H::DIGEST]);
            wipe(&mut k);
            self.update_v();
        }
        self.started = true;
        self.update_v();
        &self.v[..H::DIGEST]
    }

    fn wipe(&mut self) {
        wipe(&mut self.v);
        wipe(core::slice::from_mut(&mut self.keyed));
    }
}

/// Whether `signature` (DER) is one of `message` by the key `point`, which is on the curve. Nothing here is secret.
pub fn verify<G: Group<N>, H: Hash, const N: usize>(point: &Affine<N>, message: &[u8], signature: &[u8]) -> bool {
    let order = G::CURVE.order;
    let Some((r, s)) = decode_signature::<N>(signature) else {
        return false;
    };
    for value in [&r, &s] {
        if order.is_canonical(value) & !is_zero(value) == 0 {
            return false;
        }
    }
    let mut hash = [0; MAX_SIZE];
    digest::<H>(&[message], &mut hash);
    let e = order.reduce(&from_big_endian(&hash[..4 * N]));
    let inverse = order.enter(&order.invert(&s));
    let (u, v) = (order.multiply(&e, &inverse), order.multiply(&r, &inverse));
    G::multiply_add(&u, &v, point).is_some_and(|x| order.reduce(&x) == r)
}

/// SEQUENCE { INTEGER r, INTEGER s }. All lengths here are below 128, so one byte each.
fn encode_signature<const N: usize>(r: &[u32; N], s: &[u32; N], out: &mut [u8]) -> usize {
    out[0] = 0x30;
    let mut at = 2;
    for value in [r, s] {
        let mut bytes = [0u8; MAX_SIZE];
        let bytes = &mut bytes[..4 * N];
        to_big_endian(value, bytes);
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let sign = (bytes[zeros] >> 7) as usize;
        let length = sign + bytes.len() - zeros;
        out[at] = 2;
        out[at + 1] = length as u8;
        out[at + 2] = 0;
        out[at + 2 + sign..at + 2 + length].copy_from_slice(&bytes[zeros..]);
        at += 2 + length;
    }
    out[1] = (at - 2) as u8;
    at
}

/// Strict DER (X.690 §10.1, §8.3.2): one encoding for each pair, nothing behind it. Values longer than N words are not decoded.
fn decode_signature<const N: usize>(der: &[u8]) -> Option<([u32; N], [u32; N])> {
    let (body, rest) = decode_element(0x30, der)?;
    let (r, body) = decode_element(2, body)?;
    let (s, end) = decode_element(2, body)?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    Some((decode_positive(r)?, decode_positive(s)?))
}

/// The content of an element with this tag and a length below 128, and what follows it.
fn decode_element(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[t, length], rest) = der.split_first_chunk::<2>()?;
    if t != tag || length >= 128 || length as usize > rest.len() {
        return None;
    }
    Some(rest.split_at(length as usize))
}

fn decode_positive<const N: usize>(content: &[u8]) -> Option<[u32; N]> {
    let magnitude = match content {
        [] => return None,
        [0, next, ..] if *next >= 0x80 => &content[1..],
        [0, _, ..] => return None,
        [first, ..] if *first >= 0x80 => return None,
        _ => content,
    };
    if magnitude.len() > 4 * N {
        return None;
    }
    let mut bytes = [0u8; MAX_SIZE];
    let bytes = &mut bytes[..4 * N];
    bytes[4 * N - magnitude.len()..].copy_from_slice(magnitude);
    Some(from_big_endian(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::p256::P256;
    use crate::p384::P384;
    use crate::sha256::Sha256;
    use crate::sha512::Sha384;

    fn bytes<const L: usize>(hex: &str) -> [u8; L] {
        core::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
    }

    /// RFC 6979 §A.2.5, SHA-256, message "sample".
    #[test]
    fn rfc_6979_p256() {
        let key = SigningKey::<Sha256, 8>::new::<P256>(&bytes::<32>(
            "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
        ))
        .unwrap();
        let mut out = [0; max_signature_length(8)];
        let length = key.sign::<P256>(b"sample", &[], &mut out);
        let (r, s) = decode_signature::<8>(&out[..length]).unwrap();
        assert_eq!(r, from_big_endian(&bytes::<32>("efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716")));
        assert_eq!(s, from_big_endian(&bytes::<32>("f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8")));
        let mut share = [0; 65];
        let private = P256::CURVE.order.leave(&key.scalar);
        crate::ecdh::public_share::<P256, 8>(&private, &mut share);
        let point = P256::CURVE.decode(&share).unwrap();
        assert!(verify::<P256, Sha256, 8>(&point, b"sample", &out[..length]));
        assert!(!verify::<P256, Sha256, 8>(&point, b"sampl", &out[..length]));
        let again = key.sign::<P256>(b"sample", &[1; 16], &mut out);
        assert!(verify::<P256, Sha256, 8>(&point, b"sample", &out[..again]));
        assert_ne!(decode_signature::<8>(&out[..again]).unwrap().0, r);
    }

    /// RFC 6979 §A.2.6, SHA-384, message "sample".
    #[test]
    fn rfc_6979_p384() {
        let key = SigningKey::<Sha384, 12>::new::<P384>(&bytes::<48>(
            "6b9d3dad2e1b8c1c05b19875b6659f4de23c3b667bf297ba9aa47740787137d896d5724e4c70a825f872c9ea60d2edf5",
        ))
        .unwrap();
        let mut out = [0; max_signature_length(12)];
        let length = key.sign::<P384>(b"sample", &[], &mut out);
        let (r, s) = decode_signature::<12>(&out[..length]).unwrap();
        assert_eq!(r, from_big_endian(&bytes::<48>(
            "94edbb92a5ecb8aad4736e56c691916b3f88140666ce9fa73d64c4ea95ad133c81a648152e44acf96e36dd1e80fabe46"
        )));
        assert_eq!(s, from_big_endian(&bytes::<48>(
            "99ef4aeb15f178cea1fe40db2603138f130e740a19624526203b6351d0a3a94fa329c145786e679e7b82c71a38628ac8"
        )));
    }
}
