import type * as pkijs from 'pkijs';
import type { CertificateHash, CertificateSignature } from '../crypto/provider.ts';
import { SignatureScheme } from '../registry/signature_scheme.ts';
import { CertificateError } from './der.ts';
import { SignatureOid } from './oid.ts';
import { readPssParameters } from './public_key.ts';

const ALGORITHMS: Readonly<Record<string, CertificateSignature>> = {
  [SignatureOid.sha256WithRSAEncryption]: { kind: 'rsa_pkcs1', hash: 'SHA-256' },
  [SignatureOid.sha384WithRSAEncryption]: { kind: 'rsa_pkcs1', hash: 'SHA-384' },
  [SignatureOid.sha512WithRSAEncryption]: { kind: 'rsa_pkcs1', hash: 'SHA-512' },
  [SignatureOid.ecdsaWithSHA256]: { kind: 'ecdsa', hash: 'SHA-256' },
  [SignatureOid.ecdsaWithSHA384]: { kind: 'ecdsa', hash: 'SHA-384' },
  [SignatureOid.ecdsaWithSHA512]: { kind: 'ecdsa', hash: 'SHA-512' },
  [SignatureOid.ed25519]: { kind: 'ed25519' },
};

/** What is broken, for an error that says more than "unknown". RFC 9846 §4.5.1.3. */
const WEAK: Readonly<Record<string, string>> = {
  '1.2.840.113549.1.1.4': 'MD5 with RSA',
  '1.2.840.113549.1.1.5': 'SHA-1 with RSA',
  '1.2.840.10045.4.1': 'SHA-1 with ECDSA',
  '1.2.840.10040.4.3': 'SHA-1 with DSA',
};

/** Throws `CertificateError`: 'bad_certificate' for MD5 and SHA-1, 'unsupported_certificate' for the unknown. */
export function readSignatureAlgorithm(identifier: pkijs.AlgorithmIdentifier): CertificateSignature {
  const { algorithmId } = identifier;
  if (algorithmId === SignatureOid.rsassaPss) {
    return { kind: 'rsa_pss', ...readPssParameters(identifier.algorithmParams) };
  }
  const algorithm = ALGORITHMS[algorithmId];
  if (algorithm !== undefined) return algorithm;
  const weak = WEAK[algorithmId];
  // 9846-4.5.1.3-4, 9846-4.5.1.3-5, 9846-4.3.3-21
  if (weak !== undefined) throw new CertificateError('bad_certificate', `signed with ${weak}, which is broken`);
  throw new CertificateError('unsupported_certificate', `signed with an unknown algorithm (${algorithmId})`);
}

/**
 * The SignatureSchemes of which a peer must know one to check such a signature (RFC 9846 §4.3.3). More than one where the name
 * depends on the issuer's key, which the certificate does not tell.
 */
export function schemesOfSignature(algorithm: CertificateSignature): readonly number[] {
  switch (algorithm.kind) {
    case 'ed25519':
      return [SignatureScheme.ed25519];
    case 'ecdsa':
      return ECDSA_SCHEMES[algorithm.hash];
    case 'rsa_pkcs1':
      return [RSA_PKCS1_SCHEMES[algorithm.hash]];
    case 'rsa_pss':
      return RSA_PSS_SCHEMES[algorithm.hash];
  }
}

const ECDSA_SCHEMES: Readonly<Record<CertificateHash, readonly number[]>> = {
  'SHA-256': [SignatureScheme.ecdsa_secp256r1_sha256],
  'SHA-384': [SignatureScheme.ecdsa_secp384r1_sha384],
  'SHA-512': [SignatureScheme.ecdsa_secp521r1_sha512],
};

const RSA_PKCS1_SCHEMES: Readonly<Record<CertificateHash, number>> = {
  'SHA-256': SignatureScheme.rsa_pkcs1_sha256,
  'SHA-384': SignatureScheme.rsa_pkcs1_sha384,
  'SHA-512': SignatureScheme.rsa_pkcs1_sha512,
};

const RSA_PSS_SCHEMES: Readonly<Record<CertificateHash, readonly number[]>> = {
  'SHA-256': [SignatureScheme.rsa_pss_rsae_sha256, SignatureScheme.rsa_pss_pss_sha256],
  'SHA-384': [SignatureScheme.rsa_pss_rsae_sha384, SignatureScheme.rsa_pss_pss_sha384],
  'SHA-512': [SignatureScheme.rsa_pss_rsae_sha512, SignatureScheme.rsa_pss_pss_sha512],
};
