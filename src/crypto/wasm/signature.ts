/**
 * Signatures in WebAssembly, synchronous: ECDSA with P-256 and SHA-256 or P-384 and SHA-384 (DER, hedged nonces), and Ed25519 (RFC 8032). A
 * signer prepares its key once; what it keeps of it is in JavaScript and is copied to the instance's memory for each signature.
 */
import { UsageError } from '../../error.ts';
import { SignatureScheme } from '../../registry/signature_scheme.ts';
import type { PrivateKey, PublicKey, SignatureProvider, Signer, Verifier } from '../provider.ts';
import type { CurveExports } from './curve_exports.ts';
import type { WasmInstance } from './instance.ts';

export type EcdsaCurve = 'P-256' | 'P-384';

/** `length` fresh random bytes. */
export type RandomSource = (length: number) => Uint8Array;

/** Signs at once, and knows its public key. */
export interface WasmSigner extends Signer {
  /** ECDSA: the uncompressed point. Ed25519: the 32 bytes of RFC 8032. */
  readonly publicKey: Uint8Array;
  sign(scheme: number, content: Uint8Array): Uint8Array;
  /** Overwrites the key. Signing afterwards throws `UsageError`. */
  wipe(): void;
}

export interface WasmVerifier extends Verifier {
  verify(scheme: number, content: Uint8Array, signature: Uint8Array): boolean;
}

interface Curve {
  readonly scheme: number;
  /** Bytes of a scalar and of a coordinate. */
  readonly size: number;
  readonly keyLength: CurveExports['p256_key_length'];
  readonly key: CurveExports['p256_key'];
  readonly sign: CurveExports['p256_sign'];
  readonly verify: CurveExports['p256_verify'];
}

function curveOf({ exports }: WasmInstance, curve: EcdsaCurve): Curve {
  return curve === 'P-256'
    ? {
      scheme: SignatureScheme.ecdsa_secp256r1_sha256,
      size: 32,
      keyLength: exports.p256_key_length,
      key: exports.p256_key,
      sign: exports.p256_sign,
      verify: exports.p256_verify,
    }
    : {
      scheme: SignatureScheme.ecdsa_secp384r1_sha384,
      size: 48,
      keyLength: exports.p384_key_length,
      key: exports.p384_key,
      sign: exports.p384_sign,
      verify: exports.p384_verify,
    };
}

/** Added randomness of one ECDSA signature, see wasm/src/ecdsa.rs. */
const ECDSA_RANDOM_LENGTH = 16;
const ED25519_KEY_LENGTH = 96;

// Areas of the scratch memory: what a call takes and gives.
const KEY_AREA = 2048;
const SMALL_AREA = 256;
const MESSAGE_OFFSET = KEY_AREA + 2 * SMALL_AREA;

/** Addresses of the areas: a key, a small input (random bytes, a point), a signature, the message to the end of the scratch memory. */
function areas({ scratch }: WasmInstance) {
  const small = scratch + KEY_AREA;
  return { key: scratch, small, signature: small + SMALL_AREA, message: scratch + MESSAGE_OFFSET };
}

function putMessage(instance: WasmInstance, content: Uint8Array): void {
  const room = instance.scratchLength - MESSAGE_OFFSET;
  if (content.length > room) throw new UsageError(`content of at most ${room} bytes can be signed or verified`);
  instance.bytes.set(content, instance.scratch + MESSAGE_OFFSET);
}

/** The state of one signer: its prepared key, until it is wiped. */
function heldKey(instance: WasmInstance, prepared: Uint8Array) {
  let live = true;
  return {
    /** Runs `use` with the key in memory at `address`. */
    with<T>(address: number, use: () => T): T {
      if (!live) throw new UsageError('this signer has been wiped');
      instance.bytes.set(prepared, address);
      try {
        return use();
      } finally {
        instance.bytes.fill(0, address, address + prepared.length);
      }
    },
    wipe(): void {
      live = false;
      prepared.fill(0);
    },
  };
}

/** Bytes of signatures that are allocated at once. */
const SLAB_LENGTH = 8192;

/**
 * Gives copies that are views of one array after the other: an array of its own, of more than 64 bytes, costs 0.6 µs with its collection, as much as
 * four per cent of an ECDSA signature. For what is public.
 */
function slabCopier(): (from: Uint8Array, start: number, length: number) => Uint8Array {
  let slab = new Uint8Array(0);
  let used = 0;
  return (from, start, length) => {
    if (used + length > slab.length) [slab, used] = [new Uint8Array(SLAB_LENGTH), 0];
    const copy = slab.subarray(used, used += length);
    copy.set(from.subarray(start, start + length));
    return copy;
  };
}

function checkScheme(scheme: number, own: number): void {
  if (scheme !== own) throw new UsageError(`this key has scheme 0x${own.toString(16)}, not 0x${scheme.toString(16)}`);
}

/**
 * `privateScalar` is big-endian, 32 or 48 bytes, and copied. Throws `UsageError` when it is not a private key of the curve.
 * `random` hedges the nonces; should it fail (give constant bytes), signatures are still safe.
 */
export function ecdsaSigner(
  instance: WasmInstance,
  curve: EcdsaCurve,
  privateScalar: Uint8Array,
  random: RandomSource,
): WasmSigner {
  const { scheme, size, keyLength, key: prepare, sign } = curveOf(instance, curve);
  const { bytes } = instance;
  const { key, small, signature, message } = areas(instance);
  if (privateScalar.length !== size) {
    throw new UsageError(`a private key of ${curve} has ${size} bytes, not ${privateScalar.length}`);
  }
  bytes.set(privateScalar, small);
  const valid = prepare(small, key, signature) !== 0;
  bytes.fill(0, small, small + size);
  if (!valid) throw new UsageError(`not a private key of ${curve}`);
  const publicKey = bytes.slice(signature, signature + 2 * size + 1);
  const held = heldKey(instance, bytes.slice(key, key + keyLength()));
  bytes.fill(0, key, key + keyLength());
  const copy = slabCopier();
  return {
    schemes: [scheme],
    publicKey,
    sign(chosen, content) {
      checkScheme(chosen, scheme);
      putMessage(instance, content);
      const added = random(ECDSA_RANDOM_LENGTH);
      if (added.length !== ECDSA_RANDOM_LENGTH) {
        throw new UsageError(`the random source gave ${added.length} bytes, not ${ECDSA_RANDOM_LENGTH}`);
      }
      bytes.set(added, small);
      const length = held.with(key, () => sign(key, message, content.length, small, ECDSA_RANDOM_LENGTH, signature));
      return copy(bytes, signature, length);
    },
    wipe: held.wipe,
  };
}

/** `point` is uncompressed (SEC 1 §2.3.3), 65 or 97 bytes. Throws `UsageError` when it is not a point of the curve. */
export function ecdsaVerifier(instance: WasmInstance, curve: EcdsaCurve, point: Uint8Array): WasmVerifier {
  const { scheme, size, verify } = curveOf(instance, curve);
  const { bytes } = instance;
  const { small, signature, message } = areas(instance);
  const own = point.slice();
  if (own.length !== 2 * size + 1 || own[0] !== 4 || !isPoint(instance, curve, own)) {
    throw new UsageError(`not an uncompressed point of ${curve}`);
  }
  return {
    schemes: [scheme],
    verify(chosen, content, signatureBytes) {
      checkScheme(chosen, scheme);
      if (signatureBytes.length > SMALL_AREA) return false;
      putMessage(instance, content);
      bytes.set(own, small);
      bytes.set(signatureBytes, signature);
      return verify(small, message, content.length, signature, signatureBytes.length) !== 0;
    },
  };
}

function isPoint({ exports, bytes, scratch }: WasmInstance, curve: EcdsaCurve, point: Uint8Array): boolean {
  const check = curve === 'P-256' ? exports.p256_is_point : exports.p384_is_point;
  bytes.set(point, scratch);
  return check(scratch, point.length) !== 0;
}

/** `seed` is the 32-byte private key of RFC 8032 §5.1.5, and copied. */
export function ed25519Signer(instance: WasmInstance, seed: Uint8Array): WasmSigner {
  const { bytes, exports } = instance;
  const { key, small, signature, message } = areas(instance);
  if (seed.length !== 32) throw new UsageError(`a private key of Ed25519 has 32 bytes, not ${seed.length}`);
  bytes.set(seed, small);
  exports.ed25519_key(small, key);
  bytes.fill(0, small, small + 32);
  const prepared = bytes.slice(key, key + ED25519_KEY_LENGTH);
  const publicKey = prepared.slice(64);
  const held = heldKey(instance, prepared);
  bytes.fill(0, key, key + ED25519_KEY_LENGTH);
  return {
    schemes: [SignatureScheme.ed25519],
    publicKey,
    sign(scheme, content) {
      checkScheme(scheme, SignatureScheme.ed25519);
      putMessage(instance, content);
      held.with(key, () => exports.ed25519_sign(key, message, content.length, signature));
      return bytes.slice(signature, signature + 64);
    },
    wipe: held.wipe,
  };
}

/** `publicKey` is the encoding of RFC 8032 §5.1.2. Throws `UsageError` when it is not one of a point. */
export function ed25519Verifier(instance: WasmInstance, publicKey: Uint8Array): WasmVerifier {
  const { bytes, exports } = instance;
  const { small, signature, message } = areas(instance);
  const own = publicKey.slice();
  if (own.length !== 32) throw new UsageError(`a public key of Ed25519 has 32 bytes, not ${own.length}`);
  bytes.set(own, small);
  if (exports.ed25519_is_public_key(small) === 0) throw new UsageError('not a public key of Ed25519');
  return {
    schemes: [SignatureScheme.ed25519],
    verify(scheme, content, signatureBytes) {
      checkScheme(scheme, SignatureScheme.ed25519);
      if (signatureBytes.length !== 64) return false;
      putMessage(instance, content);
      bytes.set(own, small);
      bytes.set(signatureBytes, signature);
      return exports.ed25519_verify(small, message, content.length, signature) !== 0;
    },
  };
}

/** Signs and verifies with everything but RSA. */
export function wasmSignatureProvider(instance: WasmInstance, random: RandomSource): SignatureProvider {
  return {
    signer({ type, scalar }: PrivateKey): WasmSigner | undefined {
      if (scalar === undefined) return undefined;
      if (type === 'ecdsa_p256') return ecdsaSigner(instance, 'P-256', scalar, random);
      if (type === 'ecdsa_p384') return ecdsaSigner(instance, 'P-384', scalar, random);
      return type === 'ed25519' ? ed25519Signer(instance, scalar) : undefined;
    },
    verifier({ type, raw }: PublicKey): WasmVerifier | undefined {
      if (raw === undefined) return undefined;
      if (type === 'ecdsa_p256') return ecdsaVerifier(instance, 'P-256', raw);
      if (type === 'ecdsa_p384') return ecdsaVerifier(instance, 'P-384', raw);
      return type === 'ed25519' ? ed25519Verifier(instance, raw) : undefined;
    },
  };
}
