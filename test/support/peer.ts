/** Questions of the handshake about a peer, honestly signed, for tests of the answers. */
import { constants, randomFillSync, sign, webcrypto } from 'node:crypto';
import type { CertificateCrypto, KeyType } from '../../src/crypto/provider.ts';
import { certificateCrypto } from '../../src/crypto/webcrypto/certificate_crypto.ts';
import { firstProvider } from '../../src/crypto/webcrypto/first_provider.ts';
import { webCryptoSignatures } from '../../src/crypto/webcrypto/signature.ts';
import { loadTrust, type Trust } from '../../src/pki/trust.ts';
import type { PeerQuestion } from '../../src/pki/verify_peer.ts';
import { TEST_NOW, type TestCertificate } from './certificates.ts';
import { wasmProvider } from './wasm.ts';

const subtle = webcrypto.subtle as SubtleCrypto;

/** As the product has it: WebAssembly for the curves, WebCrypto for RSA and certificates. */
export function testCertificateCrypto(): CertificateCrypto {
  const random = (length: number): Uint8Array => randomFillSync(new Uint8Array(length));
  return certificateCrypto(subtle, firstProvider(wasmProvider().signatures(random), webCryptoSignatures(subtle)));
}

/** Trusts `roots` and believes `crls` (PEM or DER). */
export function trustIn(roots: readonly TestCertificate[], crls: readonly Uint8Array[] = []): Trust {
  return loadTrust(
    roots.map(({ der }) => ({ bytes: der, label: 'roots.pem' })),
    crls.map((bytes) => ({ bytes, label: 'crl.pem' })),
    TEST_NOW,
  );
}

export const FIRST_SCHEME: Readonly<Record<KeyType, number>> = {
  ecdsa_p256: 0x0403,
  ecdsa_p384: 0x0503,
  ecdsa_p521: 0x0603,
  ed25519: 0x0807,
  rsa: 0x0804,
  rsa_pss: 0x0809,
};

const CONTENT = new Uint8Array(130).fill(0x20);

/** A peer with `leaf` and its chain. */
export function questionOf(leaf: TestCertificate, changes: Partial<PeerQuestion> = {}): PeerQuestion {
  const scheme = changes.scheme ?? FIRST_SCHEME[leaf.type];
  return {
    role: 'client',
    serverName: undefined,
    chain: leaf.chain,
    scheme,
    content: CONTENT,
    signature: signWith(leaf, scheme, CONTENT),
    ...changes,
  };
}

/** A signature of TLS 1.3 by node:crypto. */
export function signWith(leaf: TestCertificate, scheme: number, content: Uint8Array): Uint8Array {
  const key = leaf.privateKey;
  if (scheme === 0x0807) return new Uint8Array(sign(null, content, key));
  if (scheme === 0x0403) return new Uint8Array(sign('sha256', content, key));
  if (scheme === 0x0503) return new Uint8Array(sign('sha384', content, key));
  if (scheme === 0x0603) return new Uint8Array(sign('sha512', content, key));
  // rsa_pss_*_sha256, 384, 512 follow one another.
  const hash = ['sha256', 'sha384', 'sha512'][(scheme - 0x0804) % 5] ?? '';
  const saltLength = constants.RSA_PSS_SALTLEN_DIGEST;
  return new Uint8Array(sign(hash, content, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }));
}
