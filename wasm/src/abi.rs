//! The exports, all of them. Each line turns addresses into slices and calls one function of the crate.
//!
//! Conventions: pointers and lengths are `u32` offsets in linear memory, given by JavaScript, which owns the areas and keeps
//! inputs and outputs apart unless a function says that they may coincide. A 64-bit number comes as two `u32`, low half first.
//! A result of 0 means failure, 1 success, unless said otherwise. No export panics on any content of its inputs.

use crate::aead::{Aead, Key};
use crate::weierstrass::Group;
use crate::*;
use core::slice::{from_raw_parts, from_raw_parts_mut};

/// SAFETY (of both): JavaScript passes areas of linear memory that it owns, see src/crypto/wasm/instance.ts.
unsafe fn input<'a>(pointer: *const u8, length: usize) -> &'a [u8] {
    unsafe { from_raw_parts(pointer, length) }
}
unsafe fn output<'a>(pointer: *mut u8, length: usize) -> &'a mut [u8] {
    unsafe { from_raw_parts_mut(pointer, length) }
}

// memory.rs

#[no_mangle]
extern "C" fn heap_base() -> usize {
    memory::heap_base()
}

/// Overwrites an area with zeros: a tenth of the time that JavaScript's `fill` takes for a key.
#[no_mangle]
unsafe extern "C" fn wipe(area: *mut u8, length: usize) {
    constant_time::wipe(unsafe { output(area, length) });
}

// hash.rs. A running hash is `RUNNING_BYTES` of plain data that JavaScript keeps; digests have 32 and 48 bytes.

macro_rules! hash {
    ($hash:ty, $init:ident, $update:ident, $finish:ident, $hmac:ident, $expand:ident) => {
        #[no_mangle]
        unsafe extern "C" fn $init(running: *mut hash::Running<$hash>) {
            unsafe { *running = hash::Running::new() };
        }

        #[no_mangle]
        unsafe extern "C" fn $update(running: *mut hash::Running<$hash>, message: *const u8, length: usize) {
            unsafe { (*running).update(input(message, length)) };
        }

        #[no_mangle]
        unsafe extern "C" fn $finish(running: *const hash::Running<$hash>, digest: *mut u8) {
            unsafe { (*running).finish(output(digest, <$hash as hash::Hash>::DIGEST)) };
        }

        #[no_mangle]
        unsafe extern "C" fn $hmac(key: *const u8, key_length: usize, message: *const u8, length: usize, tag: *mut u8) {
            let tag = unsafe { output(tag, <$hash as hash::Hash>::DIGEST) };
            let (key, message) = unsafe { (input(key, key_length), input(message, length)) };
            memory::with_clean_stack::<HASH_STACK, _>(|| hash::hmac::<$hash>(key, &[message], tag));
        }

        #[no_mangle]
        unsafe extern "C" fn $expand(
            pseudorandom_key: *const u8,
            key_length: usize,
            info: *const u8,
            info_length: usize,
            okm: *mut u8,
            okm_length: usize,
        ) {
            let (key, info) = unsafe { (input(pseudorandom_key, key_length), input(info, info_length)) };
            let okm = unsafe { output(okm, okm_length) };
            memory::with_clean_stack::<HASH_STACK, _>(|| hash::expand::<$hash>(key, info, okm));
        }
    };
}

// secret.rs. A slot is an area of `*_secret_bytes()`, 16-byte aligned, all zeros when it is first used; it begins with the secret.

macro_rules! secret {
    ($hash:ty, $bytes:ident, $put:ident, $mac:ident, $extract:ident, $derive:ident, $expand:ident) => {
        #[no_mangle]
        extern "C" fn $bytes() -> usize {
            core::mem::size_of::<secret::Secret<$hash>>()
        }

        /// `bytes` is as long as the digest.
        #[no_mangle]
        unsafe extern "C" fn $put(slot: *mut secret::Secret<$hash>, bytes: *const u8) {
            let place = unsafe { (*slot).place() };
            place.copy_from_slice(unsafe { input(bytes, place.len()) });
        }

        #[no_mangle]
        unsafe extern "C" fn $mac(slot: *mut secret::Secret<$hash>, message: *const u8, length: usize, tag: *mut u8) {
            let tag = unsafe { output(tag, <$hash as hash::Hash>::DIGEST) };
            let (slot, message) = unsafe { (&mut *slot, input(message, length)) };
            memory::with_clean_stack::<HASH_STACK, _>(|| slot.mac(message, tag));
        }

        /// HKDF-Extract with `slot` as salt, to another slot.
        #[no_mangle]
        unsafe extern "C" fn $extract(
            slot: *mut secret::Secret<$hash>,
            material: *const u8,
            length: usize,
            to: *mut secret::Secret<$hash>,
        ) {
            let (slot, material, to) = unsafe { (&mut *slot, input(material, length), &mut *to) };
            memory::with_clean_stack::<HASH_STACK, _>(|| slot.mac(material, to.place()));
        }

        /// HKDF-Expand to another slot.
        #[no_mangle]
        unsafe extern "C" fn $derive(
            slot: *mut secret::Secret<$hash>,
            info: *const u8,
            length: usize,
            to: *mut secret::Secret<$hash>,
        ) {
            let (slot, info, to) = unsafe { (&mut *slot, input(info, length), &mut *to) };
            memory::with_clean_stack::<HASH_STACK, _>(|| slot.expand(info, to.place()));
        }

        #[no_mangle]
        unsafe extern "C" fn $expand(
            slot: *mut secret::Secret<$hash>,
            info: *const u8,
            length: usize,
            okm: *mut u8,
            okm_length: usize,
        ) {
            let (slot, info, okm) = unsafe { (&mut *slot, input(info, length), output(okm, okm_length)) };
            memory::with_clean_stack::<HASH_STACK, _>(|| slot.expand(info, okm));
        }
    };
}

/// Bytes of stack that one HMAC or HKDF call may use.
const HASH_STACK: usize = 2048;

hash!(sha256::Sha256, sha256_init, sha256_update, sha256_finish, sha256_hmac, sha256_expand);
hash!(sha512::Sha384, sha384_init, sha384_update, sha384_finish, sha384_hmac, sha384_expand);
secret!(
    sha256::Sha256, sha256_secret_bytes, sha256_secret_put, sha256_secret_mac, sha256_secret_extract,
    sha256_secret_derive, sha256_secret_expand
);
secret!(
    sha512::Sha384, sha384_secret_bytes, sha384_secret_put, sha384_secret_mac, sha384_secret_extract,
    sha384_secret_derive, sha384_secret_expand
);

// record.rs. A slot is an area of `*_slot_bytes()`, 16-byte aligned, that holds one `RecordKey`.

macro_rules! record {
    ($aead:ty, $slot_bytes:ident, $open:ident, $seal:ident, $encrypt:ident, $decrypt:ident) => {
        #[no_mangle]
        extern "C" fn $slot_bytes() -> usize {
            core::mem::size_of::<record::RecordKey<$aead>>()
        }

        /// See `RecordKey.open` in src/crypto/provider.ts. `to` may be `from`; otherwise the areas are apart.
        #[no_mangle]
        unsafe extern "C" fn $open(
            slot: *const record::RecordKey<$aead>,
            sequence_low: u32,
            sequence_high: u32,
            from: usize,
            length: usize,
            to: usize,
            content_limit: usize,
            opened: *mut record::Opened,
        ) {
            // One slice over both areas, as they may be one.
            let base = from.min(to);
            let all = unsafe { output(base as *mut u8, from.max(to) - base + length) };
            let sequence = u64_of(sequence_low, sequence_high);
            let (slot, opened) = unsafe { (&*slot, &mut *opened) };
            *opened = memory::with_clean_stack::<RECORD_STACK, _>(|| {
                slot.open(sequence, all, from - base, length, to - base, content_limit)
            });
        }

        #[no_mangle]
        unsafe extern "C" fn $seal(
            slot: *const record::RecordKey<$aead>,
            sequence_low: u32,
            sequence_high: u32,
            content_type: u32,
            content: *const u8,
            content_length: usize,
            records: *mut u8,
            records_length: usize,
            fragment_limit: usize,
            padding_multiple: usize,
        ) -> usize {
            let (content, records) = unsafe { (input(content, content_length), output(records, records_length)) };
            let sequence = u64_of(sequence_low, sequence_high);
            let slot = unsafe { &*slot };
            memory::with_clean_stack::<RECORD_STACK, _>(|| {
                slot.seal(sequence, content_type as u8, content, records, fragment_limit, padding_multiple)
            })
        }

        /// The AEAD itself, in place; the tag goes behind the text. The slot's iv does not count.
        #[no_mangle]
        unsafe extern "C" fn $encrypt(
            slot: *const record::RecordKey<$aead>,
            nonce: *const [u8; 12],
            additional: *const u8,
            additional_length: usize,
            text: *mut u8,
            length: usize,
        ) {
            let (additional, sealed) = unsafe { (input(additional, additional_length), output(text, length + 16)) };
            let (text, tag) = sealed.split_at_mut(length);
            let (slot, nonce) = unsafe { (&*slot, &*nonce) };
            memory::with_clean_stack::<RECORD_STACK, _>(|| {
                slot.key.ready(length, &mut |aead| {
                    tag.copy_from_slice(&aead.seal(nonce, additional, aead::Source::NONE, text));
                });
            });
        }

        /// The reverse; `length` is without the tag. 0, and the text wiped, when the tag is wrong.
        #[no_mangle]
        unsafe extern "C" fn $decrypt(
            slot: *const record::RecordKey<$aead>,
            nonce: *const [u8; 12],
            additional: *const u8,
            additional_length: usize,
            text: *mut u8,
            length: usize,
        ) -> u32 {
            let (additional, sealed) = unsafe { (input(additional, additional_length), output(text, length + 16)) };
            let (text, tag) = sealed.split_at_mut(length);
            let (slot, nonce) = unsafe { (&*slot, &*nonce) };
            memory::with_clean_stack::<RECORD_STACK, _>(|| {
                let mut valid = false;
                slot.key.ready(length, &mut |aead| {
                    valid = aead::open(aead, nonce, additional, aead::Source::NONE, text, tag);
                });
                valid as u32
            })
        }
    };
}

/// Bytes of stack that one call on a record key may use; AES-GCM's long calls use more, and wipe that themselves.
const RECORD_STACK: usize = 6 * 1024;

fn u64_of(low: u32, high: u32) -> u64 {
    (high as u64) << 32 | low as u64
}

record!(
    chacha20_poly1305_simd::ChaCha20Poly1305,
    chacha20_poly1305_slot_bytes,
    chacha20_poly1305_open,
    chacha20_poly1305_seal,
    chacha20_poly1305_encrypt,
    chacha20_poly1305_decrypt
);
record!(
    aes_gcm_simd::AesGcm,
    aes_gcm_slot_bytes,
    aes_gcm_open,
    aes_gcm_seal,
    aes_gcm_encrypt,
    aes_gcm_decrypt
);

#[no_mangle]
unsafe extern "C" fn chacha20_poly1305_install(
    slot: *mut record::RecordKey<chacha20_poly1305_simd::ChaCha20Poly1305>,
    key: *const [u8; 32],
    iv: *const [u8; 12],
) {
    let (slot, key, iv) = unsafe { (&mut *slot, &*key, &*iv) };
    memory::with_clean_stack::<RECORD_STACK, _>(|| {
        *slot = record::RecordKey { iv: *iv, key: chacha20_poly1305_simd::ChaCha20Poly1305::new(key) };
    });
}

/// `key_length` is 16 or 32.
#[no_mangle]
unsafe extern "C" fn aes_gcm_install(
    slot: *mut record::RecordKey<aes_gcm_simd::AesGcm>,
    key: *const u8,
    key_length: usize,
    iv: *const [u8; 12],
) {
    let (slot, key, iv) = unsafe { (&mut *slot, input(key, key_length), &*iv) };
    memory::with_clean_stack::<RECORD_STACK, _>(|| {
        *slot = record::RecordKey { iv: *iv, key: aes_gcm_simd::AesGcm::new(key) };
    });
}

// mlkem_simd.rs. Areas are as long as FIPS 203 says: seed 64, ek 1184, dk 2400, message 32, ciphertext 1088, secret 32.

#[no_mangle]
unsafe extern "C" fn mlkem768_generate_key(
    seed: *const [u8; mlkem::SEED_BYTES],
    ek: *mut mlkem::EncapsulationKey,
    dk: *mut mlkem::DecapsulationKey,
) {
    memory::with_clean_stack::<{ mlkem_simd::STACK_BYTES }, _>(|| unsafe {
        mlkem_simd::generate_key(&*seed, &mut *ek, &mut *dk)
    });
}

/// 0 when the key fails the modulus check.
#[no_mangle]
unsafe extern "C" fn mlkem768_encapsulate(
    ek: *const mlkem::EncapsulationKey,
    message: *const [u8; mlkem::MESSAGE_BYTES],
    ciphertext: *mut mlkem::Ciphertext,
    secret: *mut [u8; mlkem::SHARED_SECRET_BYTES],
) -> u32 {
    memory::with_clean_stack::<{ mlkem_simd::STACK_BYTES }, _>(|| unsafe {
        mlkem_simd::encapsulate(&*ek, &*message, &mut *ciphertext, &mut *secret) as u32
    })
}

/// 0 when the decapsulation key is damaged. A forged ciphertext is not told from a good one.
#[no_mangle]
unsafe extern "C" fn mlkem768_decapsulate(
    dk: *const mlkem::DecapsulationKey,
    ciphertext: *const mlkem::Ciphertext,
    secret: *mut [u8; mlkem::SHARED_SECRET_BYTES],
) -> u32 {
    memory::with_clean_stack::<{ mlkem_simd::STACK_BYTES }, _>(|| unsafe {
        mlkem_simd::decapsulate(&*dk, &*ciphertext, &mut *secret) as u32
    })
}

// mlkem1024.rs. The same with ek 1568, dk 3168, ciphertext 1568.

#[no_mangle]
unsafe extern "C" fn mlkem1024_generate_key(
    seed: *const [u8; mlkem::SEED_BYTES],
    ek: *mut mlkem1024::EncapsulationKey,
    dk: *mut mlkem1024::DecapsulationKey,
) {
    let (seed, ek, dk) = unsafe { (&*seed, &mut *ek, &mut *dk) };
    memory::with_clean_stack::<{ mlkem1024::STACK_BYTES }, _>(|| mlkem1024::generate_key(seed, ek, dk));
}

/// 0 when the key fails the modulus check.
#[no_mangle]
unsafe extern "C" fn mlkem1024_encapsulate(
    ek: *const mlkem1024::EncapsulationKey,
    message: *const [u8; mlkem::MESSAGE_BYTES],
    ciphertext: *mut mlkem1024::Ciphertext,
    secret: *mut [u8; mlkem::SHARED_SECRET_BYTES],
) -> u32 {
    let (ek, message, ciphertext, secret) = unsafe { (&*ek, &*message, &mut *ciphertext, &mut *secret) };
    memory::with_clean_stack::<{ mlkem1024::STACK_BYTES }, _>(|| {
        mlkem1024::encapsulate(ek, message, ciphertext, secret) as u32
    })
}

/// 0 when the decapsulation key is damaged. A forged ciphertext is not told from a good one.
#[no_mangle]
unsafe extern "C" fn mlkem1024_decapsulate(
    dk: *const mlkem1024::DecapsulationKey,
    ciphertext: *const mlkem1024::Ciphertext,
    secret: *mut [u8; mlkem::SHARED_SECRET_BYTES],
) -> u32 {
    let (dk, ciphertext, secret) = unsafe { (&*dk, &*ciphertext, &mut *secret) };
    memory::with_clean_stack::<{ mlkem1024::STACK_BYTES }, _>(|| mlkem1024::decapsulate(dk, ciphertext, secret) as u32)
}

// x25519.rs. Keys, shares and secrets are 32 bytes.

#[no_mangle]
unsafe extern "C" fn x25519_public_key(private: *const [u8; 32], share: *mut [u8; 32]) {
    memory::with_clean_stack::<CURVE_STACK, _>(|| unsafe { x25519::public_key(&*private, &mut *share) });
}

/// 0 when the result is zero.
#[no_mangle]
unsafe extern "C" fn x25519_shared_secret(
    private: *const [u8; 32],
    peer: *const [u8; 32],
    secret: *mut [u8; 32],
) -> u32 {
    memory::with_clean_stack::<CURVE_STACK, _>(|| unsafe { x25519::shared_secret(&*private, &*peer, &mut *secret) as u32 })
}

/// Key generation and shared secret in one.
#[no_mangle]
unsafe extern "C" fn x25519_respond(
    private: *const [u8; 32],
    peer: *const [u8; 32],
    share: *mut [u8; 32],
    secret: *mut [u8; 32],
) -> u32 {
    memory::with_clean_stack::<CURVE_STACK, _>(|| unsafe {
        x25519::respond(&*private, &*peer, &mut *share, &mut *secret) as u32
    })
}

// ecdh.rs, ecdsa.rs: the same exports for each curve. Scalars are 4N bytes, big-endian; random bytes for a scalar 4N + 8; points 8N + 1.

/// What the curve operations, callees included, leave on the stack.
const CURVE_STACK: usize = 24 * 1024;

macro_rules! weierstrass_exports {
    ($group:ty, $hash:ty, $words:literal, $respond:ident, $public_key:ident, $shared_secret:ident,
     $key_length:ident, $key:ident, $sign:ident, $verify:ident, $is_point:ident) => {
        /// `private` (output) is the scalar made of `random`.
        #[no_mangle]
        unsafe extern "C" fn $public_key(random: *const u8, private: *mut u8, share: *mut u8) {
            memory::with_clean_stack::<CURVE_STACK, _>(|| unsafe {
                let random = input(random, ecdh::random_length($words));
                let scalar = ecdh::private_scalar(<$group>::CURVE.order, random);
                montgomery::to_big_endian(&scalar, output(private, 4 * $words));
                ecdh::public_share::<$group, $words>(&scalar, output(share, 8 * $words + 1));
            })
        }

        /// 0 when `private` is not in [1, n − 1] or `peer` not an uncompressed point.
        #[no_mangle]
        unsafe extern "C" fn $shared_secret(
            private: *const u8,
            peer: *const u8,
            peer_length: usize,
            secret: *mut u8,
        ) -> u32 {
            memory::with_clean_stack::<CURVE_STACK, _>(|| unsafe {
                let (peer, secret) = (input(peer, peer_length), output(secret, 4 * $words));
                match <$group>::CURVE.decode_scalar(input(private, 4 * $words)) {
                    Some(scalar) => ecdh::shared_secret::<$group, $words>(&scalar, peer, secret) as u32,
                    None => 0,
                }
            })
        }

        /// Key generation and shared secret in one. 0 when `peer` is not an uncompressed point; then nothing is made.
        #[no_mangle]
        unsafe extern "C" fn $respond(
            random: *const u8,
            peer: *const u8,
            peer_length: usize,
            share: *mut u8,
            secret: *mut u8,
        ) -> u32 {
            memory::with_clean_stack::<CURVE_STACK, _>(|| unsafe {
                let random = input(random, ecdh::random_length($words));
                let scalar = ecdh::private_scalar(<$group>::CURVE.order, random);
                let (peer, secret) = (input(peer, peer_length), output(secret, 4 * $words));
                if !ecdh::shared_secret::<$group, $words>(&scalar, peer, secret) {
                    return 0;
                }
                ecdh::public_share::<$group, $words>(&scalar, output(share, 8 * $words + 1));
                1
            })
        }

        /// Bytes of a prepared signing key.
        #[no_mangle]
        extern "C" fn $key_length() -> usize {
            core::mem::size_of::<ecdsa::SigningKey<$hash, $words>>()
        }

        /// Prepares a signing key, and its public point. 0 when `private` is not in [1, n − 1].
        #[no_mangle]
        unsafe extern "C" fn $key(
            private: *const u8,
            key: *mut ecdsa::SigningKey<$hash, $words>,
            point: *mut u8,
        ) -> u32 {
            memory::with_clean_stack::<CURVE_STACK, _>(|| unsafe {
                let private = input(private, 4 * $words);
                let Some(prepared) = ecdsa::SigningKey::new::<$group>(private) else {
                    return 0;
                };
                key.write(prepared);
                let scalar = montgomery::from_big_endian(private);
                ecdh::public_share::<$group, $words>(&scalar, output(point, 8 * $words + 1));
                1
            })
        }

        /// Hashes and signs; the length of the signature, of at most 8N + 9 bytes.
        #[no_mangle]
        unsafe extern "C" fn $sign(
            key: *const ecdsa::SigningKey<$hash, $words>,
            message: *const u8,
            length: usize,
            random: *const u8,
            random_length: usize,
            signature: *mut u8,
        ) -> usize {
            memory::with_clean_stack::<CURVE_STACK, _>(|| unsafe {
                let signature = output(signature, ecdsa::max_signature_length($words));
                (*key).sign::<$group>(input(message, length), input(random, random_length), signature)
            })
        }

        /// Whether `point` is an uncompressed point of the curve.
        #[no_mangle]
        unsafe extern "C" fn $is_point(point: *const u8, length: usize) -> u32 {
            unsafe { <$group>::CURVE.decode(input(point, length)).is_some() as u32 }
        }

        /// Hashes and verifies. 0 as well when `point` is not an uncompressed point.
        #[no_mangle]
        unsafe extern "C" fn $verify(
            point: *const u8,
            message: *const u8,
            length: usize,
            signature: *const u8,
            signature_length: usize,
        ) -> u32 {
            unsafe {
                let Some(point) = <$group>::CURVE.decode(input(point, 8 * $words + 1)) else {
                    return 0;
                };
                let signature = input(signature, signature_length);
                ecdsa::verify::<$group, $hash, $words>(&point, input(message, length), signature) as u32
            }
        }
    };
}

weierstrass_exports!(
    p256::P256, sha256::Sha256, 8, p256_respond, p256_public_key, p256_shared_secret,
    p256_key_length, p256_key, p256_sign, p256_verify, p256_is_point
);
weierstrass_exports!(
    p384::P384, sha512::Sha384, 12, p384_respond, p384_public_key, p384_shared_secret,
    p384_key_length, p384_key, p384_sign, p384_verify, p384_is_point
);

// ed25519.rs

/// Prepares a signing key, 96 bytes, of which the last 32 are the public key.
#[no_mangle]
unsafe extern "C" fn ed25519_key(seed: *const [u8; 32], key: *mut ed25519::SigningKey) {
    memory::with_clean_stack::<CURVE_STACK, _>(|| unsafe { key.write(ed25519::SigningKey::new(&*seed)) });
}

#[no_mangle]
unsafe extern "C" fn ed25519_sign(
    key: *const ed25519::SigningKey,
    message: *const u8,
    length: usize,
    signature: *mut [u8; 64],
) {
    memory::with_clean_stack::<CURVE_STACK, _>(|| unsafe { (*key).sign(input(message, length), &mut *signature) });
}

#[no_mangle]
unsafe extern "C" fn ed25519_is_public_key(public: *const [u8; 32]) -> u32 {
    unsafe { ed25519::is_public_key(&*public) as u32 }
}

#[no_mangle]
unsafe extern "C" fn ed25519_verify(
    public: *const [u8; 32],
    message: *const u8,
    length: usize,
    signature: *const [u8; 64],
) -> u32 {
    unsafe { ed25519::verify(&*public, input(message, length), &*signature) as u32 }
}
