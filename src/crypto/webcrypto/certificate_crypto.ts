import type {
  CertificateCrypto,
  CertificateHash,
  CertificateSignature,
  KeyType,
  PublicKey,
  SignatureProvider,
} from '../provider.ts';
import { p1363FromDer } from './ecdsa_der.ts';
import { webCryptoSignatures } from './signature.ts';
import { source } from './subtle.ts';

const ED25519 = 0x0807;

/** The schemes of RSASSA-PSS keys by hash: what an RSASSA-PSS key's parameters leave of them bounds certificates, too. */
const PSS_SCHEMES: Readonly<Record<CertificateHash, number>> = {
  'SHA-256': 0x0809,
  'SHA-384': 0x080a,
  'SHA-512': 0x080b,
};

/** Bytes of r and of s. */
const CURVES: Partial<Record<KeyType, { readonly namedCurve: string; readonly length: number }>> = {
  ecdsa_p256: { namedCurve: 'P-256', length: 32 },
  ecdsa_p384: { namedCurve: 'P-384', length: 48 },
  ecdsa_p521: { namedCurve: 'P-521', length: 66 },
};

/** Bytes: a certificate is shorter, a CRL may be longer than what others hold in memory at once. */
const LONG = 16384;

/** Checks signatures of certificates by WebCrypto, in the runtime's threads; Ed25519 by `signatures`. */
export function certificateCrypto(subtle: SubtleCrypto, signatures: SignatureProvider): CertificateCrypto {
  const here = webCryptoSignatures(subtle);
  const ed25519 = (content: Uint8Array) => content.length > LONG ? here : signatures;
  return {
    signatures,
    async digest(hash: 'SHA-1' | CertificateHash, content: Uint8Array): Promise<Uint8Array> {
      return new Uint8Array(await subtle.digest(hash, source(content)));
    },
    async verify(key, algorithm, content, signature): Promise<boolean> {
      switch (algorithm.kind) {
        case 'ed25519':
          if (key.type !== 'ed25519') return false;
          return (await ed25519(content).verifier(key))?.verify(ED25519, content, signature) ?? false;
        case 'ecdsa':
          return verifyEcdsa(subtle, key, algorithm.hash, content, signature);
        case 'rsa_pkcs1':
        case 'rsa_pss':
          return verifyRsa(subtle, key, algorithm, content, signature);
      }
    },
  };
}

async function verifyEcdsa(
  subtle: SubtleCrypto,
  key: PublicKey,
  hash: CertificateHash,
  content: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const curve = CURVES[key.type];
  if (curve === undefined) return false;
  const { namedCurve, length } = curve;
  const plain = p1363FromDer(signature, length);
  if (plain === undefined) return false;
  const cryptoKey = await subtle.importKey('spki', source(key.spki), { name: 'ECDSA', namedCurve }, false, ['verify']);
  return subtle.verify({ name: 'ECDSA', hash }, cryptoKey, source(plain), source(content));
}

async function verifyRsa(
  subtle: SubtleCrypto,
  key: PublicKey,
  algorithm: Extract<CertificateSignature, { kind: 'rsa_pkcs1' | 'rsa_pss' }>,
  content: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  if (key.type !== 'rsa' && key.type !== 'rsa_pss') return false;
  // RFC 4055 §1.2: a key under id-RSASSA-PSS signs with PSS alone, and with the hash its parameters name.
  if (key.type === 'rsa_pss') {
    if (algorithm.kind !== 'rsa_pss' || !key.schemes.includes(PSS_SCHEMES[algorithm.hash])) return false;
  }
  const name = algorithm.kind === 'rsa_pss' ? 'RSA-PSS' : 'RSASSA-PKCS1-v1_5';
  const parameters = algorithm.kind === 'rsa_pss' ? { name, saltLength: algorithm.saltLength } : { name };
  const imported = { name, hash: algorithm.hash };
  const cryptoKey = await subtle.importKey('spki', source(key.spki), imported, false, ['verify']);
  return subtle.verify(parameters, cryptoKey, source(signature), source(content));
}
