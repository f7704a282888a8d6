import type { CertificateCrypto, PublicKey, Signer } from '../crypto/provider.ts';
import { UsageError } from '../error.ts';
import { type Certificate, LOCAL_CERTIFICATE_LIMITS, readCertificate } from './certificate.ts';
import { checkCertificateVerify } from './certificate_verify.ts';
import { makeSigner } from './credentials.ts';
import { CertificateError } from './der.ts';
import { KeyUsageBit } from './encode.ts';
import { readRawPublicKey } from './raw_public_key.ts';

/** What the user gives for one delegated credential. */
export interface DelegatedCredentialFiles {
  /** A DelegatedCredential (RFC 9345 §4). */
  readonly credential: Uint8Array;
  /** Its private key, PEM or DER. */
  readonly key: Uint8Array;
  /** The files' names, for errors. */
  readonly labels: { readonly credential: string; readonly key: string };
}

/** What the handshake calls `DelegatedCredential`. */
export interface LoadedDelegatedCredential {
  readonly credential: Uint8Array;
  readonly signer: Signer;
  readonly scheme: number;
  readonly issuedWith: number;
  readonly expires: number;
}

/** Seconds that a delegated credential lives at most (RFC 9345 §4.1.3). */
const MAX_VALIDITY = 604800;
const CONTEXT = 'TLS, server delegated credentials';

/** What is in a DelegatedCredential. */
export interface DelegatedCredentialFields {
  /** Seconds after the certificate's notBefore. */
  readonly validTime: number;
  /** dc_cert_verify_algorithm. */
  readonly scheme: number;
  readonly spki: Uint8Array;
  readonly algorithm: number;
  readonly signature: Uint8Array;
  /** Bytes of the Credential, and of it with `algorithm`. */
  readonly signedLength: number;
}

/**
 * Reads a delegated credential and checks all that a client will: that the end entity's DER `certificate` may delegate and has
 * signed it, that it is valid at `now` (milliseconds since the epoch) and for no longer than it may, and that the key is its own.
 * Throws `UsageError` that names the file and what is wrong with it.
 */
export async function loadDelegatedCredential(
  { credential, key, labels }: DelegatedCredentialFiles,
  certificate: Uint8Array,
  crypto: CertificateCrypto,
  now: number,
): Promise<LoadedDelegatedCredential> {
  const label = labels.credential;
  const fields = readDelegatedCredential(credential, label);
  const leaf = readCertificate(certificate, LOCAL_CERTIFICATE_LIMITS);
  // RFC 9345 §4.2
  if (!leaf.mayDelegate || !leaf.allowsUsage(KeyUsageBit.digitalSignature)) {
    throw new UsageError(
      `${label}: the certificate of "${leaf.subject}" may not delegate: request one with DelegationUsage`,
    );
  }
  const expires = leaf.notBefore + 1000 * fields.validTime;
  if (now >= expires) {
    throw new UsageError(`${label}: it expired on ${new Date(expires).toISOString()}: make a new one`);
  }
  if (expires - now > 1000 * MAX_VALIDITY) throw new UsageError(`${label}: it is valid for more than seven days`);
  const publicKey = readKey(fields, label);
  const signer = await makeSigner(key, labels.key, publicKey, crypto.signatures);
  await checkIssued(leaf, credential, fields, label, crypto);
  const only: Signer = { schemes: [fields.scheme], sign: (scheme, content) => signer.sign(scheme, content) };
  return { credential, signer: only, scheme: fields.scheme, issuedWith: fields.algorithm, expires };
}

function readKey({ spki, scheme }: DelegatedCredentialFields, label: string): PublicKey {
  try {
    const key = readRawPublicKey(spki);
    // RFC 9345 §4: rsaEncryption keys are not used.
    if (key.type !== 'rsa' && key.schemes.includes(scheme)) return key;
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new UsageError(`${label}: its public key cannot be used: ${error.message}`);
  }
  throw new UsageError(`${label}: its public key is not for scheme 0x${scheme.toString(16).padStart(4, '0')}`);
}

/** §4: the certificate's key has signed the certificate, the Credential and `algorithm`. */
async function checkIssued(
  leaf: Certificate,
  credential: Uint8Array,
  { algorithm, signature, signedLength }: DelegatedCredentialFields,
  label: string,
  crypto: CertificateCrypto,
): Promise<void> {
  const context = new Uint8Array(64 + CONTEXT.length + 1).fill(0x20, 0, 64);
  for (let i = 0; i < CONTEXT.length; i++) context[64 + i] = CONTEXT.charCodeAt(i);
  const content = new Uint8Array([...context, ...leaf.der, ...credential.subarray(0, signedLength)]);
  try {
    await checkCertificateVerify(leaf.publicKey, 'the certificate', { scheme: algorithm, content, signature }, crypto);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new UsageError(`${label}: the certificate of "${leaf.subject}" has not signed it: ${error.message}`);
  }
}

/**
 *     struct { uint32 valid_time; SignatureScheme dc_cert_verify_algorithm; opaque ASN1_subjectPublicKeyInfo<1..2^24-1>; } Credential;
 *     struct { Credential cred; SignatureScheme algorithm; opaque signature<1..2^16-1>; } DelegatedCredential;
 */
export function readDelegatedCredential(bytes: Uint8Array, label: string): DelegatedCredentialFields {
  let at = 0;
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new UsageError(`${label}: not a DelegatedCredential: it ends early`);
    return bytes.subarray(at, at += length);
  };
  const number = (width: number) => take(width).reduce((value, byte) => value * 256 + byte, 0);
  const validTime = number(4);
  const scheme = number(2);
  const spki = take(number(3));
  const algorithm = number(2);
  const signedLength = at;
  const signature = take(number(2));
  if (at < bytes.length) throw new UsageError(`${label}: not one DelegatedCredential: bytes follow it`);
  return { validTime, scheme, spki, algorithm, signature, signedLength };
}
