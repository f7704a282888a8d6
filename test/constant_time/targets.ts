/** The exports that handle secrets, as the timing check calls them. */
import type { WasmInstance } from '../../src/crypto/wasm/instance.ts';
import { constantTimeEqual } from '../../src/crypto/wasm/provider.ts';
import type { LeakyFunction } from './leaky.ts';

export interface Target {
  readonly name: string;
  /** What `run` reads at the address of the secret: for the fixed class, or a random one. */
  secret(fixed: boolean): Uint8Array;
  run(): void;
  /** A deliberately leaky control, which must be caught. */
  readonly leaky?: boolean;
  /** Nothing of it is WebAssembly. */
  readonly inJavaScript?: boolean;
  /** Too subtle for the t-test. */
  readonly notByTime?: boolean;
  /** The form of what the call made public, where that steers the call. */
  shape?(): string;
}

export type Random = (length: number) => Uint8Array;

/** Room of each area, and the areas: the secret first. */
const AREA = 8192;

/** All targets in this instance; `random` gives fresh bytes, `controls` is an instance of LEAKY_MODULE in the same memory. */
export function targets(instance: WasmInstance, random: Random, controls: WebAssembly.Instance): Target[] {
  const { exports: e, bytes, scratch } = instance;
  const [secret, input, other, output] = [scratch, scratch + AREA, scratch + 2 * AREA, scratch + 3 * AREA] as const;
  const put = (address: number, content: Uint8Array) => bytes.set(content, address);
  /** A secret of bytes, of which the fixed one is all zeros. */
  const plain = (length: number) => (fixed: boolean) => fixed ? new Uint8Array(length) : random(length);
  /** What a preparing export makes of a secret of `length` bytes. */
  const prepared = (length: number, made: number, prepare: () => void, fixedByte = 0) => (fixed: boolean) => {
    put(input, fixed ? new Uint8Array(length).fill(fixedByte) : random(length));
    prepare();
    const result = bytes.slice(output, output + made);
    bytes.fill(0, input, input + length);
    return result;
  };
  /** Public inputs are put back before each call, as calls may share areas. */
  const publicBytes = random(2048);
  const putPublic = () => put(other, publicBytes);
  putPublic();

  const leaky = controls.exports as unknown as Record<string, LeakyFunction>;

  const chachaSlot = e.chacha20_poly1305_slot_bytes();
  const gcmSlot = e.aes_gcm_slot_bytes();
  const installGcm = (keyLength: number) => () => e.aes_gcm_install(output, input, keyLength, other);

  const p256Peer = publicShare(65, (at) => e.p256_public_key(input, output + 4096, at));
  const p384Peer = publicShare(97, (at) => e.p384_public_key(input, output + 4096, at));
  const x25519Peer = publicShare(32, (at) => e.x25519_public_key(input, at));
  function publicShare(length: number, make: (at: number) => void): Uint8Array {
    put(input, random(64));
    make(output);
    return bytes.slice(output, output + length);
  }

  const [ek, dk, goodCiphertext] = mlKemKey();
  const large = largeMlKemKey();
  function largeMlKemKey(): { ek: Uint8Array; dk: Uint8Array; ciphertext: Uint8Array } {
    put(input, random(64));
    e.mlkem1024_generate_key(input, output, output + 2048);
    const [ek, dk] = [bytes.slice(output, output + 1568), bytes.slice(output + 2048, output + 2048 + 3168)];
    put(other, random(32));
    e.mlkem1024_encapsulate(output, other, input, output + 6000);
    return { ek, dk, ciphertext: bytes.slice(input, input + 1568) };
  }
  function mlKemKey(): [Uint8Array, Uint8Array, Uint8Array] {
    put(input, random(64));
    e.mlkem768_generate_key(input, output, output + 2048);
    const key = [bytes.slice(output, output + 1184), bytes.slice(output + 2048, output + 2048 + 2400)] as const;
    put(other, random(32));
    e.mlkem768_encapsulate(output, other, input, output + 6000);
    return [...key, bytes.slice(input, input + 1088)];
  }
  /** The key with other secret coefficients, all below q: it decapsulates to something else. */
  const otherKey = () => {
    const key = dk.slice();
    key.set(random(1152));
    for (let i = 1; i < 1152; i += 3) key[i]! &= 0x77;
    for (let i = 2; i < 1152; i += 3) key[i]! &= 0x7f;
    return key;
  };

  /** Of a DER signature: the lengths of its integers, and whether they begin with a zero, decide how they are encoded. */
  const signatureShape = () => {
    const r = output + 2;
    const s = r + 2 + bytes[r + 1]!;
    return [r, s].map((integer) => `${bytes[integer + 1]} ${bytes[integer + 2] === 0}`).join();
  };

  const zeros = new Uint8Array(1000);
  const zeroArea = scratch + 4 * AREA;
  const slot = scratch + 5 * AREA;

  const at = (address: number, content: Uint8Array, run: () => void) => () => {
    put(address, content);
    run();
  };

  return [
    { name: 'HMAC-SHA256', secret: plain(32), run: () => e.sha256_hmac(secret, 32, other, 100, output) },
    { name: 'HMAC-SHA384', secret: plain(48), run: () => e.sha384_hmac(secret, 48, other, 100, output) },
    { name: 'HKDF-Expand, SHA-256', secret: plain(32), run: () => e.sha256_expand(secret, 32, other, 20, output, 32) },
    { name: 'HKDF-Expand, SHA-384', secret: plain(48), run: () => e.sha384_expand(secret, 48, other, 20, output, 48) },
    {
      name: 'Derive-Secret, SHA-256',
      secret: plain(32),
      run() {
        e.sha256_secret_put(slot, secret);
        e.sha256_secret_derive(slot, other, 20, output);
      },
    },
    {
      name: 'HKDF-Extract to a secret, SHA-384',
      secret: plain(48),
      run() {
        e.sha384_secret_put(slot, secret);
        e.sha384_secret_extract(slot, other, 20, output);
      },
    },
    { name: 'ChaCha20-Poly1305 key', secret: plain(32), run: () => e.chacha20_poly1305_install(output, secret, other) },
    {
      name: 'ChaCha20-Poly1305 seal, key',
      secret: prepared(32, chachaSlot, () => e.chacha20_poly1305_install(output, input, other)),
      run: () => void e.chacha20_poly1305_encrypt(secret, other, other + 16, 5, input, 500),
    },
    {
      name: 'ChaCha20-Poly1305 seal, text',
      secret: plain(1000),
      run: () => void e.chacha20_poly1305_encrypt(other + 1024, other, other + 16, 5, secret, 1000),
    },
    { name: 'AES-128-GCM key', secret: plain(16), run: () => e.aes_gcm_install(output, secret, 16, other) },
    { name: 'AES-256-GCM key', secret: plain(32), run: () => e.aes_gcm_install(output, secret, 32, other) },
    {
      name: 'AES-128-GCM seal, key',
      secret: prepared(16, gcmSlot, installGcm(16)),
      run: () => void e.aes_gcm_encrypt(secret, other, other + 16, 5, input, 500),
    },
    {
      name: 'ChaCha20-Poly1305 open, key, forged',
      secret: prepared(32, chachaSlot, () => e.chacha20_poly1305_install(output, input, other)),
      run: () => void e.chacha20_poly1305_decrypt(secret, other, other + 16, 5, input, 500),
    },
    {
      name: 'AES-128-GCM open, key, forged',
      secret: prepared(16, gcmSlot, installGcm(16)),
      run: () => void e.aes_gcm_decrypt(secret, other, other + 16, 5, input, 500),
    },
    {
      name: 'AES-256-GCM seal, key',
      secret: prepared(32, gcmSlot, installGcm(32)),
      run: () => void e.aes_gcm_encrypt(secret, other, other + 16, 5, input, 500),
    },
    { name: 'X25519 public key', secret: plain(32), run: () => e.x25519_public_key(secret, output) },
    {
      name: 'X25519 shared secret',
      secret: plain(32),
      run: at(other, x25519Peer, () => void e.x25519_shared_secret(secret, other, output)),
    },
    { name: 'P-256 key generation', secret: plain(40), run: () => e.p256_public_key(secret, output + 4096, output) },
    {
      name: 'P-256 respond',
      secret: plain(40),
      run: at(other, p256Peer, () => void e.p256_respond(secret, other, 65, output, output + 512)),
    },
    {
      name: 'P-384 respond',
      secret: plain(56),
      run: at(other, p384Peer, () => void e.p384_respond(secret, other, 97, output, output + 512)),
    },
    {
      name: 'ECDSA P-256 sign, key',
      secret: prepared(32, e.p256_key_length(), () => void e.p256_key(input, output, output + 4096), 0x11),
      run: () => void e.p256_sign(secret, other, 100, other + 200, 16, output),
      shape: signatureShape,
    },
    {
      name: 'ECDSA P-384 sign, key',
      secret: prepared(48, e.p384_key_length(), () => void e.p384_key(input, output, output + 4096), 0x11),
      run: () => void e.p384_sign(secret, other, 100, other + 200, 16, output),
      shape: signatureShape,
    },
    {
      name: 'Ed25519 sign, key',
      secret: prepared(32, 96, () => e.ed25519_key(input, output)),
      run: () => e.ed25519_sign(secret, other, 100, output),
    },
    {
      name: 'ML-KEM-768 encapsulation, message',
      secret: plain(32),
      run: at(other, ek, () => void e.mlkem768_encapsulate(other, secret, output, output + 2048)),
    },
    {
      name: 'ML-KEM-768 decapsulation, key',
      secret: (fixed) => fixed ? dk : otherKey(),
      run: at(other, goodCiphertext, () => void e.mlkem768_decapsulate(secret, other, output)),
    },
    {
      name: 'ML-KEM-768 decapsulation, good or forged',
      secret: (fixed) => fixed ? goodCiphertext : random(1088),
      run: at(other, dk, () => void e.mlkem768_decapsulate(other, secret, output)),
    },
    {
      name: 'ML-KEM-1024 encapsulation, message',
      secret: plain(32),
      run: at(other, large.ek, () => void e.mlkem1024_encapsulate(other, secret, output, output + 2048)),
    },
    {
      name: 'ML-KEM-1024 decapsulation, good or forged',
      secret: (fixed) => fixed ? large.ciphertext : random(1568),
      run: at(other, large.dk, () => void e.mlkem1024_decapsulate(other, secret, output)),
    },
    {
      name: 'constantTimeEqual, in TypeScript',
      inJavaScript: true,
      secret: plain(1000),
      run: () => void constantTimeEqual(bytes.subarray(secret, secret + 1000), zeros),
    },
    { name: 'branch', secret: plain(200), leaky: true, run: () => void leaky['leaky_branch']!(secret, 200, other) },
    {
      name: 'early exit',
      secret: plain(200),
      leaky: true,
      run: () => void leaky['leaky_compare']!(secret, 200, zeroArea),
    },
    {
      name: 'table',
      secret: plain(200),
      leaky: true,
      notByTime: true,
      run: () => void leaky['leaky_table']!(secret, 200, other),
    },
    {
      name: 'selection',
      secret: plain(200),
      leaky: true,
      notByTime: true,
      run: () => void leaky['leaky_select']!(secret, 200, other),
    },
    {
      name: 'division',
      secret: plain(200),
      leaky: true,
      notByTime: true,
      run: () => void leaky['leaky_divide']!(secret, 200, other),
    },
  ];
}
