//! The functions under test. What is secret is made by `secret`; everything else, lengths above all, is public.

use sallyport::aead::{Aead, Source};
use sallyport::aes_gcm::AesGcm;
use sallyport::chacha20_poly1305::ChaCha20Poly1305;
use sallyport::constant_time::{declassify, equal};
use sallyport::ecdsa::{max_signature_length, SigningKey};
use sallyport::hash::{digest, expand, hmac};
use sallyport::p256::P256;
use sallyport::p384::P384;
use sallyport::weierstrass::Group;
use sallyport::{ecdh, ed25519, mlkem, x25519};
use sallyport::record::{RecordKey, MAX_INNER};
use sallyport::sha256::Sha256;
use sallyport::sha512::{Sha384, Sha512};

use crate::{public, secret, Check};

pub const CHECKS: &[Check] = &[
    Check { name: "constant_time::equal", run: compare },
    Check { name: "SHA-256", run: || hash::<Sha256, 32>() },
    Check { name: "SHA-384", run: || hash::<Sha384, 48>() },
    Check { name: "SHA-512", run: || hash::<Sha512, 64>() },
    Check { name: "HMAC-SHA256", run: || mac::<Sha256, 32>() },
    Check { name: "HMAC-SHA384", run: || mac::<Sha384, 48>() },
    Check { name: "HKDF-Expand, SHA-256", run: || key_derivation::<Sha256>() },
    Check { name: "HKDF-Expand, SHA-384", run: || key_derivation::<Sha384>() },
    Check { name: "ChaCha20-Poly1305 seal", run: || seal(&ChaCha20Poly1305::new(&secret(1))) },
    Check { name: "ChaCha20-Poly1305 open", run: || open(&ChaCha20Poly1305::new(&secret(1))) },
    Check { name: "AES-128-GCM seal", run: || seal(&AesGcm::new(&secret::<16>(1))) },
    Check { name: "AES-128-GCM open", run: || open(&AesGcm::new(&secret::<16>(1))) },
    Check { name: "AES-256-GCM seal", run: || seal(&AesGcm::new(&secret::<32>(1))) },
    Check { name: "AES-256-GCM open", run: || open(&AesGcm::new(&secret::<32>(1))) },
    Check { name: "record seal", run: record_seal },
    Check { name: "record open, forged", run: record_open_forged },
    Check { name: "X25519 public key", run: x25519_public_key },
    Check { name: "X25519 shared secret", run: x25519_shared_secret },
    Check { name: "P-256 key generation", run: ecdh_public_share::<P256, 8> },
    Check { name: "P-256 shared secret", run: ecdh_shared_secret::<P256, 8> },
    Check { name: "P-384 key generation", run: ecdh_public_share::<P384, 12> },
    Check { name: "P-384 shared secret", run: ecdh_shared_secret::<P384, 12> },
    Check { name: "ECDSA P-256 signing key and signature", run: ecdsa_sign::<P256, Sha256, 8> },
    Check { name: "ECDSA P-384 signing key and signature", run: ecdsa_sign::<P384, Sha384, 12> },
    Check { name: "Ed25519 signing key and signature", run: ed25519_sign },
    Check { name: "ML-KEM-768 key generation", run: mlkem_generate_key },
    Check { name: "ML-KEM-768 encapsulation", run: mlkem_encapsulate },
    Check { name: "ML-KEM-768 decapsulation", run: || mlkem_decapsulate(false) },
    Check { name: "ML-KEM-768 decapsulation, forged", run: || mlkem_decapsulate(true) },
];

/// That two values are equal is public; where they differ is not. The output is a secret for the harness's sake.
fn compare() -> Vec<u8> {
    let (a, b) = (secret::<48>(1), public::<48>(2));
    assert!(!equal(&a, &b));
    a.to_vec()
}

/// Lengths around the padding's corner cases.
const LENGTHS: [usize; 6] = [0, 1, 55, 64, 111, 300];

fn hash<H: sallyport::hash::Hash, const N: usize>() -> Vec<u8> {
    let message = secret::<300>(1);
    LENGTHS[1..].iter().flat_map(|&length| {
        let mut output = vec![0; N];
        digest::<H>(&[&message[..length / 2], &message[length / 2..length]], &mut output);
        output
    }).collect()
}

fn mac<H: sallyport::hash::Hash, const N: usize>() -> Vec<u8> {
    let (key, message) = (secret::<300>(1), secret::<300>(2));
    LENGTHS.iter().flat_map(|&length| {
        let mut output = vec![0; N];
        hmac::<H>(&key[..length], &[&message[..length]], &mut output);
        output
    }).collect()
}

fn key_derivation<H: sallyport::hash::Hash>() -> Vec<u8> {
    let mut output = vec![0; 100];
    expand::<H>(&secret::<48>(1)[..H::DIGEST], &public::<30>(2), &mut output);
    output
}

/// Lengths around blocks of the ciphers and of their wide kernels.
const TEXTS: [usize; 8] = [0, 1, 15, 16, 64, 257, 530, 1040];

fn seal(aead: &impl Aead) -> Vec<u8> {
    TEXTS.iter().flat_map(|&length| {
        let mut text = secret::<1040>(2)[..length].to_vec();
        let tag = aead.seal(&public(3), &public::<5>(4), Source::NONE, &mut text);
        text.extend_from_slice(&tag);
        text
    }).collect()
}

fn open(aead: &impl Aead) -> Vec<u8> {
    TEXTS.iter().flat_map(|&length| {
        let mut text = public::<1040>(2)[..length].to_vec();
        let tag = aead.open(&public(3), &public::<5>(4), Source::NONE, &mut text);
        text.extend_from_slice(&tag);
        text
    }).collect()
}

fn record_seal() -> Vec<u8> {
    let key = RecordKey { iv: secret(1), key: ChaCha20Poly1305::new(&secret(2)) };
    let mut output = vec![0; MAX_INNER + 100];
    let written = key.seal(7, 23, &secret::<700>(3), &mut output, 300, 64);
    output.truncate(written);
    output
}

/// Records that do not authenticate: that they do not is public, and nothing else is. (The content type and the padding of
/// records that do are public to whoever sealed them, and the scan for the content type does depend on them.)
fn record_open_forged() -> Vec<u8> {
    let key = RecordKey { iv: secret(1), key: ChaCha20Poly1305::new(&secret(2)) };
    let mut memory = vec![0; 2000];
    memory[..5].copy_from_slice(&[23, 3, 3, 3, 0]);
    let opened = key.open(0, &mut memory, 0, 5 + 768, 0, 1 << 14);
    assert_eq!(opened.records, 0);
    key.iv.to_vec()
}

fn x25519_public_key() -> Vec<u8> {
    let mut share = [0; 32];
    x25519::public_key(&secret(1), &mut share);
    share.to_vec()
}

fn x25519_shared_secret() -> Vec<u8> {
    let mut peer = [0; 32];
    x25519::public_key(&public(1), &mut peer);
    let mut shared = [0; 32];
    assert!(x25519::shared_secret(&secret(2), &peer, &mut shared));
    shared.to_vec()
}

fn ecdh_public_share<G: Group<N>, const N: usize>() -> Vec<u8> {
    let random = secret::<56>(1);
    let scalar = ecdh::private_scalar(G::CURVE.order, &random[..ecdh::random_length(N)]);
    let mut share = vec![0; 8 * N + 1];
    ecdh::public_share::<G, N>(&scalar, &mut share);
    share
}

fn ecdh_shared_secret<G: Group<N>, const N: usize>() -> Vec<u8> {
    let mut peer = ecdh_public_share::<G, N>();
    declassify(&peer[..]);
    let random = secret::<56>(2);
    let scalar = ecdh::private_scalar(G::CURVE.order, &random[..ecdh::random_length(N)]);
    let mut shared = vec![0; 4 * N];
    assert!(ecdh::shared_secret::<G, N>(&scalar, &peer, &mut shared));
    // A point that is not on the curve: refused before the scalar is touched.
    peer[8 * N] ^= 1;
    assert!(!ecdh::shared_secret::<G, N>(&scalar, &peer, &mut [0; 48]));
    shared
}

fn ecdsa_sign<G: Group<N>, H: sallyport::hash::Hash, const N: usize>() -> Vec<u8> {
    let mut private = secret::<48>(3);
    // Below any order.
    private[0] &= 0x7f;
    let key = SigningKey::<H, N>::new::<G>(&private[..4 * N]).expect("a private key");
    let mut output = vec![0; max_signature_length(N)];
    let length = key.sign::<G>(&public::<100>(4), &secret::<16>(5), &mut output);
    output.truncate(length);
    // The signature is public; the key shows that the secret was one.
    output.extend_from_slice(&private);
    output
}

fn ed25519_sign() -> Vec<u8> {
    let key = ed25519::SigningKey::new(&secret(1));
    let mut signature = [0; 64];
    key.sign(&public::<100>(2), &mut signature);
    signature.to_vec()
}

fn mlkem_generate_key() -> Vec<u8> {
    let mut ek = [0; mlkem::ENCAPSULATION_KEY_BYTES];
    let mut dk = [0; mlkem::DECAPSULATION_KEY_BYTES];
    mlkem::generate_key(&secret(1), &mut ek, &mut dk);
    dk.to_vec()
}

fn mlkem_encapsulate() -> Vec<u8> {
    let mut ek = [0; mlkem::ENCAPSULATION_KEY_BYTES];
    let mut dk = [0; mlkem::DECAPSULATION_KEY_BYTES];
    mlkem::generate_key(&public(1), &mut ek, &mut dk);
    let (mut ciphertext, mut shared_secret) = ([0; mlkem::CIPHERTEXT_BYTES], [0; mlkem::SHARED_SECRET_BYTES]);
    assert!(mlkem::encapsulate(&ek, &secret(2), &mut ciphertext, &mut shared_secret));
    shared_secret.to_vec()
}

fn mlkem_decapsulate(forged: bool) -> Vec<u8> {
    let mut ek = [0; mlkem::ENCAPSULATION_KEY_BYTES];
    let mut dk = [0; mlkem::DECAPSULATION_KEY_BYTES];
    mlkem::generate_key(&secret(1), &mut ek, &mut dk);
    // The encapsulation key within and its hash are public.
    declassify(&ek);
    declassify(&dk[mlkem::DK_EK..mlkem::DK_Z]);
    let (mut ciphertext, mut shared_secret) = ([0; mlkem::CIPHERTEXT_BYTES], [0; mlkem::SHARED_SECRET_BYTES]);
    assert!(mlkem::encapsulate(&ek, &public(2), &mut ciphertext, &mut shared_secret));
    ciphertext[100] ^= u8::from(forged);
    assert!(mlkem::decapsulate(&dk, &ciphertext, &mut shared_secret));
    shared_secret.to_vec()
}
