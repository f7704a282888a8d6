/** TLS 1.3 records made and opened by other implementations: the oracles of record protection. */
import { createCipheriv } from 'node:crypto';
import { gcm } from '@noble/ciphers/aes.js';
import { chacha20poly1305 } from '@noble/ciphers/chacha.js';
import { CipherSuite } from '../../src/registry/cipher_suite.ts';

export interface Suite {
  readonly name: string;
  readonly code: number;
  readonly keyLength: number;
  readonly node: 'chacha20-poly1305' | 'aes-128-gcm' | 'aes-256-gcm';
}

export const SUITES: readonly Suite[] = [
  {
    name: 'ChaCha20-Poly1305',
    code: CipherSuite.TLS_CHACHA20_POLY1305_SHA256,
    keyLength: 32,
    node: 'chacha20-poly1305',
  },
  { name: 'AES-128-GCM', code: CipherSuite.TLS_AES_128_GCM_SHA256, keyLength: 16, node: 'aes-128-gcm' },
  { name: 'AES-256-GCM', code: CipherSuite.TLS_AES_256_GCM_SHA384, keyLength: 32, node: 'aes-256-gcm' },
];

/** Ciphertext and tag, by OpenSSL. */
export function nodeSeal(
  suite: Suite,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  text: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv(suite.node as 'aes-128-gcm', key, nonce, { authTagLength: 16 });
  cipher.setAAD(aad, { plaintextLength: text.length });
  return new Uint8Array(Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]));
}

/** Ciphertext and tag, by noble. */
export function nobleSeal(
  suite: Suite,
  key: Uint8Array,
  nonce: Uint8Array,
  aad: Uint8Array,
  text: Uint8Array,
): Uint8Array {
  return suite.node === 'chacha20-poly1305'
    ? chacha20poly1305(key, nonce, aad).encrypt(text)
    : gcm(key, nonce, aad).encrypt(text);
}

/** RFC 9846 §5.3. */
export function recordNonce(iv: Uint8Array, sequence: number): Uint8Array {
  const nonce = iv.slice();
  const number = BigInt(sequence);
  for (let i = 0; i < 8; i++) nonce[11 - i]! ^= Number(number >> BigInt(8 * i) & 255n);
  return nonce;
}

/** One TLSCiphertext (RFC 9846 §5.2) of a content, its type and padding, by either implementation. */
export function sealRecord(
  seal: typeof nodeSeal,
  suite: Suite,
  key: Uint8Array,
  iv: Uint8Array,
  sequence: number,
  content: Uint8Array,
  contentType: number,
  padding: number,
): Uint8Array {
  const inner = new Uint8Array(content.length + 1 + padding);
  inner.set(content);
  inner[content.length] = contentType;
  const length = inner.length + 16;
  const header = Uint8Array.of(23, 3, 3, length >> 8, length & 255);
  const sealed = seal(suite, key, recordNonce(iv, sequence), header, inner);
  return concat([header, sealed]);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
