import type { KeyType, PrivateKey, PublicKey, SignatureProvider, Signer, Verifier } from '../provider.ts';
import { derFromP1363, p1363FromDer } from './ecdsa_der.ts';
import { source } from './subtle.ts';

type HashName = 'SHA-256' | 'SHA-384' | 'SHA-512';

/** What a SignatureScheme (RFC 9846 §4.3.3) asks of WebCrypto. */
interface SchemeAlgorithm {
  readonly key: KeyType;
  readonly hash: HashName;
  readonly parameters: AlgorithmIdentifier | EcdsaParams | RsaPssParams;
}

// 9846-4.3.3-7, 9846-4.3.3-9: the salt is as long as the digest; each curve has one hash.
const ALGORITHMS: ReadonlyMap<number, SchemeAlgorithm> = new Map<number, SchemeAlgorithm>([
  [0x0403, { key: 'ecdsa_p256', hash: 'SHA-256', parameters: { name: 'ECDSA', hash: 'SHA-256' } }],
  [0x0503, { key: 'ecdsa_p384', hash: 'SHA-384', parameters: { name: 'ECDSA', hash: 'SHA-384' } }],
  [0x0603, { key: 'ecdsa_p521', hash: 'SHA-512', parameters: { name: 'ECDSA', hash: 'SHA-512' } }],
  [0x0807, { key: 'ed25519', hash: 'SHA-512', parameters: { name: 'Ed25519' } }],
  [0x0804, { key: 'rsa', hash: 'SHA-256', parameters: { name: 'RSA-PSS', saltLength: 32 } }],
  [0x0805, { key: 'rsa', hash: 'SHA-384', parameters: { name: 'RSA-PSS', saltLength: 48 } }],
  [0x0806, { key: 'rsa', hash: 'SHA-512', parameters: { name: 'RSA-PSS', saltLength: 64 } }],
  [0x0809, { key: 'rsa_pss', hash: 'SHA-256', parameters: { name: 'RSA-PSS', saltLength: 32 } }],
  [0x080a, { key: 'rsa_pss', hash: 'SHA-384', parameters: { name: 'RSA-PSS', saltLength: 48 } }],
  [0x080b, { key: 'rsa_pss', hash: 'SHA-512', parameters: { name: 'RSA-PSS', saltLength: 64 } }],
]);

/** Bytes of r and of s. */
const SCALAR_LENGTH: Partial<Record<KeyType, number>> = { ecdsa_p256: 32, ecdsa_p384: 48, ecdsa_p521: 66 };

/**
 * Signatures by WebCrypto, off the loop thread: all the key types of this project. Meant for RSA, whose signature takes
 * longer than the way to the runtime's thread pool and back, and for P-521, which is nowhere else; the others are faster elsewhere.
 */
export function webCryptoSignatures(subtle: SubtleCrypto): SignatureProvider {
  return {
    signer: (key) => makeSigner(subtle, key),
    verifier: (key) => makeVerifier(subtle, key),
  };
}

/** WebCrypto binds an RSA key to one hash: a key of three schemes is imported three times, once, here. */
async function importKeys(
  key: PrivateKey | PublicKey,
  importOne: (algorithm: RsaHashedImportParams | EcKeyImportParams | { name: string }) => Promise<CryptoKey>,
): Promise<ReadonlyMap<number, CryptoKey>> {
  const keys = new Map<number, CryptoKey>();
  for (const scheme of key.schemes) {
    const algorithm = algorithmOf(scheme, key.type);
    keys.set(scheme, await importOne(importParameters(key.type, algorithm.hash)));
  }
  return keys;
}

function importParameters(type: KeyType, hash: HashName): RsaHashedImportParams | EcKeyImportParams | { name: string } {
  switch (type) {
    case 'ecdsa_p256':
      return { name: 'ECDSA', namedCurve: 'P-256' };
    case 'ecdsa_p384':
      return { name: 'ECDSA', namedCurve: 'P-384' };
    case 'ecdsa_p521':
      return { name: 'ECDSA', namedCurve: 'P-521' };
    case 'ed25519':
      return { name: 'Ed25519' };
    case 'rsa':
    case 'rsa_pss':
      return { name: 'RSA-PSS', hash };
  }
}

function algorithmOf(scheme: number, type: KeyType): SchemeAlgorithm {
  const algorithm = ALGORITHMS.get(scheme);
  if (algorithm?.key !== type) throw new TypeError(`signature scheme 0x${scheme.toString(16)} is not for ${type} keys`);
  return algorithm;
}

async function makeSigner(subtle: SubtleCrypto, key: PrivateKey): Promise<Signer> {
  const { type } = key;
  const keys = await importKeys(
    key,
    (algorithm) => subtle.importKey('pkcs8', source(key.pkcs8), algorithm, false, ['sign']),
  );
  return {
    schemes: key.schemes.slice(),
    async sign(scheme: number, content: Uint8Array): Promise<Uint8Array> {
      const cryptoKey = keys.get(scheme);
      if (cryptoKey === undefined) throw new TypeError(`this key does not sign with scheme 0x${scheme.toString(16)}`);
      const { parameters } = algorithmOf(scheme, type);
      const signature = new Uint8Array(await subtle.sign(parameters, cryptoKey, source(content)));
      return type in SCALAR_LENGTH ? derFromP1363(signature) : signature;
    },
  };
}

async function makeVerifier(subtle: SubtleCrypto, key: PublicKey): Promise<Verifier> {
  const { type } = key;
  const keys = await importKeys(
    key,
    (algorithm) => subtle.importKey('spki', source(key.spki), algorithm, false, ['verify']),
  );
  return {
    schemes: key.schemes.slice(),
    async verify(scheme: number, content: Uint8Array, signature: Uint8Array): Promise<boolean> {
      const cryptoKey = keys.get(scheme);
      if (cryptoKey === undefined) return false;
      const scalarLength = SCALAR_LENGTH[type];
      const plain = scalarLength === undefined ? signature : p1363FromDer(signature, scalarLength);
      if (plain === undefined) return false;
      return subtle.verify(algorithmOf(scheme, type).parameters, cryptoKey, source(plain), source(content));
    },
  };
}
