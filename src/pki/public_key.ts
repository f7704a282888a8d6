import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { CertificateHash, KeyType, PublicKey } from '../crypto/provider.ts';
import { SignatureScheme } from '../registry/signature_scheme.ts';
import { CertificateError } from './der.ts';
import { algorithmIdentifier, encodeSpki, NULL } from './encode.ts';
import { CurveOid, HashOid, KeyOid, MGF1 } from './oid.ts';

/** TLS 1.3 schemes of each key type, the cheapest first (RFC 9846 §4.3.3). */
// 9846-4.3.3-1
export const SCHEMES: Readonly<Record<KeyType, readonly number[]>> = {
  ecdsa_p256: [SignatureScheme.ecdsa_secp256r1_sha256],
  ecdsa_p384: [SignatureScheme.ecdsa_secp384r1_sha384],
  ecdsa_p521: [SignatureScheme.ecdsa_secp521r1_sha512],
  ed25519: [SignatureScheme.ed25519],
  rsa: [
    SignatureScheme.rsa_pss_rsae_sha256,
    SignatureScheme.rsa_pss_rsae_sha384,
    SignatureScheme.rsa_pss_rsae_sha512,
  ],
  rsa_pss: [SignatureScheme.rsa_pss_pss_sha256, SignatureScheme.rsa_pss_pss_sha384, SignatureScheme.rsa_pss_pss_sha512],
};

/** By OID: the type of key, and bytes of a scalar or coordinate. */
export const ECDSA_CURVES: ReadonlyMap<
  string,
  { readonly type: 'ecdsa_p256' | 'ecdsa_p384' | 'ecdsa_p521'; readonly length: number }
> = new Map([
  [CurveOid.secp256r1, { type: 'ecdsa_p256', length: 32 }],
  [CurveOid.secp384r1, { type: 'ecdsa_p384', length: 48 }],
  [CurveOid.secp521r1, { type: 'ecdsa_p521', length: 66 }],
]);

/** The largest modulus that is verified with: a peer could otherwise choose how long that takes (CVE-2023-29409). */
const RSA_BITS = { least: 2048, most: 8192 } as const;

// 9846-4.3.3-21
const HASHES: ReadonlyMap<string, CertificateHash> = new Map([
  [HashOid.sha256, 'SHA-256'],
  [HashOid.sha384, 'SHA-384'],
  [HashOid.sha512, 'SHA-512'],
]);

/** The hash an OID names; undefined for SHA-1, MD5 and the unknown. */
export function hashOfOid(id: string): CertificateHash | undefined {
  return HASHES.get(id);
}

/** Reads SubjectPublicKeyInfo. Throws `CertificateError('unsupported_certificate')` for keys this project does not use. */
export function readPublicKey(info: pkijs.PublicKeyInfo): PublicKey {
  const { algorithmId } = info.algorithm;
  const bits = new Uint8Array(info.subjectPublicKey.valueBlock.valueHexView);
  switch (algorithmId) {
    case KeyOid.ecPublicKey:
      return readEcKey(info, bits);
    case KeyOid.ed25519:
      if (bits.length !== 32) throw new CertificateError('bad_certificate', 'an Ed25519 key that has not 32 bytes');
      return { type: 'ed25519', schemes: SCHEMES.ed25519, spki: der(info), raw: bits };
    case KeyOid.rsaEncryption:
    case KeyOid.rsassaPss:
      return readRsaKey(info, bits);
    default:
      throw new CertificateError('unsupported_certificate', `a key of an unsupported kind (${algorithmId})`);
  }
}

function readEcKey(info: pkijs.PublicKeyInfo, point: Uint8Array): PublicKey {
  const curve: unknown = info.algorithm.algorithmParams;
  const id = curve instanceof asn1js.ObjectIdentifier ? curve.getValue() : 'explicit parameters';
  const found = ECDSA_CURVES.get(id);
  if (found === undefined) {
    throw new CertificateError(
      'unsupported_certificate',
      `an ECDSA key on another curve than P-256, P-384 or P-521 (${id})`,
    );
  }
  const { type, length } = found;
  if (point.length !== 1 + 2 * length || point[0] !== 4) {
    throw new CertificateError('unsupported_certificate', 'an ECDSA key that is not an uncompressed point');
  }
  return { type, schemes: SCHEMES[type], spki: der(info), raw: point };
}

function readRsaKey(info: pkijs.PublicKeyInfo, bits: Uint8Array): PublicKey {
  const modulusBits = rsaModulusBits(bits);
  if (modulusBits < RSA_BITS.least) {
    throw new CertificateError(
      'unsupported_certificate',
      `an RSA key of ${modulusBits} bits (at least ${RSA_BITS.least} are needed)`,
    );
  }
  if (modulusBits > RSA_BITS.most) {
    throw new CertificateError(
      'unsupported_certificate',
      `an RSA key of ${modulusBits} bits (at most ${RSA_BITS.most})`,
    );
  }
  // 9846-4.3.3-8
  if (info.algorithm.algorithmId === KeyOid.rsaEncryption) {
    return { type: 'rsa', schemes: SCHEMES.rsa, spki: der(info), raw: undefined };
  }
  const spki = encodeSpki(algorithmIdentifier(KeyOid.rsaEncryption, NULL), bits);
  // 9846-4.3.3-10
  return { type: 'rsa_pss', schemes: schemesOfPssKey(info.algorithm.algorithmParams), spki, raw: undefined };
}

/** RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 §A.1.1). */
function rsaModulusBits(bits: Uint8Array): number {
  const { result, offset } = asn1js.fromBER(bits);
  if (offset !== bits.length || !(result instanceof asn1js.Sequence) || result.valueBlock.value.length !== 2) {
    throw new CertificateError('bad_certificate', 'an RSA key that cannot be read');
  }
  const [modulus, exponent] = result.valueBlock.value;
  if (!(modulus instanceof asn1js.Integer) || !(exponent instanceof asn1js.Integer)) {
    throw new CertificateError('bad_certificate', 'an RSA key that cannot be read');
  }
  const exponentBytes = new Uint8Array(exponent.valueBlock.valueHexView);
  // Odd, positive, above one, and short: its length is what verification costs.
  const odd = ((exponentBytes.at(-1) ?? 0) & 1) === 1;
  const one = exponentBytes.length === 1 && exponentBytes[0] === 1;
  if (!odd || one || exponentBytes.length > 5 || (exponentBytes[0] ?? 0) >= 0x80) {
    throw new CertificateError('unsupported_certificate', 'an RSA key with an unusual public exponent');
  }
  const bytes = new Uint8Array(modulus.valueBlock.valueHexView);
  const first = bytes.findIndex((byte) => byte !== 0);
  if (first === -1 || (bytes[0] ?? 0) >= 0x80) {
    throw new CertificateError('bad_certificate', 'an RSA modulus below one');
  }
  return 8 * (bytes.length - first) - (Math.clz32(bytes[first] ?? 0) - 24);
}

/** RSASSA-PSS-params of a key (RFC 4055 §3.1): absent, they allow every hash; present, they bind it to one. */
function schemesOfPssKey(parameters: unknown): readonly number[] {
  if (parameters === undefined || parameters instanceof asn1js.Null) return SCHEMES.rsa_pss;
  const { hash, saltLength } = readPssParameters(parameters);
  const index = ['SHA-256', 'SHA-384', 'SHA-512'].indexOf(hash);
  const scheme = SCHEMES.rsa_pss[index];
  // 9846-4.3.3-12: TLS signs with a salt as long as the digest, and these parameters are to be the same.
  if (scheme === undefined || saltLength !== 32 + 16 * index) {
    throw new CertificateError(
      'unsupported_certificate',
      `an RSASSA-PSS key for salts of ${saltLength} bytes (TLS 1.3 needs them as long as the hash)`,
    );
  }
  return [scheme];
}

/** Throws `CertificateError` for SHA-1 (which the defaults are), mixed hashes, and other mask generation functions. */
export function readPssParameters(parameters: unknown): { hash: CertificateHash; saltLength: number } {
  let read: pkijs.RSASSAPSSParams;
  try {
    read = new pkijs.RSASSAPSSParams({ schema: parameters });
  } catch {
    throw new CertificateError('bad_certificate', 'RSASSA-PSS parameters that cannot be read');
  }
  const hash = hashOfOid(read.hashAlgorithm.algorithmId);
  const mask: unknown = read.maskGenAlgorithm.algorithmParams;
  const maskHash = mask instanceof asn1js.Sequence ? mask.valueBlock.value[0] : undefined;
  const maskHashId = maskHash instanceof asn1js.ObjectIdentifier ? maskHash.getValue() : '';
  if (hash === undefined || read.maskGenAlgorithm.algorithmId !== MGF1 || hashOfOid(maskHashId) !== hash) {
    throw new CertificateError('unsupported_certificate', 'RSASSA-PSS with SHA-1, mixed hashes or an unknown mask');
  }
  if (read.trailerField !== 1) throw new CertificateError('unsupported_certificate', 'RSASSA-PSS with an odd trailer');
  return { hash, saltLength: read.saltLength };
}

function der(info: pkijs.PublicKeyInfo): Uint8Array {
  return new Uint8Array(info.toSchema().toBER(false));
}
