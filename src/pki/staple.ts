import type { CertificateCrypto } from '../crypto/provider.ts';
import { UsageError } from '../error.ts';
import { isIssuedBy, LOCAL_CERTIFICATE_LIMITS, readCertificate } from './certificate.ts';
import type { LoadedCredentials } from './credentials.ts';
import { CertificateError } from './der.ts';
import { answerFor, isCurrent, isSignedFor, readOcspResponse } from './ocsp.ts';

/** Credentials with an OCSP response to staple. */
export interface StapledCredentials extends LoadedCredentials {
  /** Milliseconds since the epoch: when a fresher response should be there. */
  readonly nextUpdate: number | undefined;
}

/**
 * Adds an OCSP response (DER, as `openssl ocsp -respout` and fetchers write it) to be stapled (RFC 6066 §8). It must be a successful
 * answer about this certificate, signed by its issuer; that the certificate is revoked and that the response is out of date are
 * warnings, since serving goes on without harm. `now` is in milliseconds since the epoch. Throws `UsageError` that begins with `label`.
 */
export async function withOcspResponse(
  loaded: LoadedCredentials,
  file: Uint8Array,
  label: string,
  crypto: CertificateCrypto,
  now: number,
): Promise<StapledCredentials> {
  try {
    return await staple(loaded, new Uint8Array(file), label, crypto, now);
  } catch (error) {
    if (!(error instanceof CertificateError)) throw error;
    throw new UsageError(`${label}: not an OCSP response to staple: ${error.message}: fetch it again, in DER`);
  }
}

async function staple(
  loaded: LoadedCredentials,
  file: Uint8Array,
  label: string,
  crypto: CertificateCrypto,
  now: number,
): Promise<StapledCredentials> {
  const [leaf, ...others] = loaded.credentials.chain.map((der) => readCertificate(der, LOCAL_CERTIFICATE_LIMITS));
  if (leaf === undefined) throw new UsageError('credentials without a certificate');
  const issuer = others.find((one) => isIssuedBy(leaf, one)) ?? (leaf.isSelfIssued ? leaf : undefined);
  const response = readOcspResponse(file);
  const answer = await answerFor(response, leaf, issuer, crypto);
  if (answer === undefined) {
    throw new UsageError(
      `${label}: this OCSP response is about another certificate than "${leaf.subject}": fetch it for this one`,
    );
  }
  const warnings = [...loaded.warnings];
  if (issuer === undefined) {
    warnings.push(`${label}: the signature was not checked: the issuer's certificate is not in the chain file`);
  } else if (!(await isSignedFor(response, issuer, crypto, now))) {
    throw new UsageError(`${label}: this OCSP response is not signed by "${issuer.subject}": fetch it again`);
  }
  if (answer.status !== 'good') {
    warnings.push(`${label}: the certificate of "${leaf.subject}" is ${answer.status}, says its authority: replace it`);
  }
  if (!isCurrent(answer, now)) {
    const until = new Date(answer.nextUpdate ?? answer.thisUpdate).toISOString().slice(0, 16);
    warnings.push(`${label}: this OCSP response is out of date (${until} UTC): clients may refuse it, fetch it again`);
  }
  return {
    ...loaded,
    credentials: { ...loaded.credentials, ocspResponse: file },
    warnings,
    nextUpdate: answer.nextUpdate,
  };
}

/** Bytes of a v1 SCT without extensions and signature: version, log id, timestamp. */
const SCT_HEAD = 1 + 32 + 8;

/**
 * Adds a SignedCertificateTimestampList (RFC 6962 §3.3, as TLS encodes it) to be sent along. Its structure is checked; the logs'
 * signatures are the clients' business. Throws `UsageError` that begins with `label`.
 */
export function withTimestamps(loaded: LoadedCredentials, file: Uint8Array, label: string): LoadedCredentials {
  if (!isTimestampList(file)) {
    throw new UsageError(
      `${label}: not a list of signed certificate timestamps: give the binary SignedCertificateTimestampList of RFC 6962 §3.3`,
    );
  }
  return { ...loaded, credentials: { ...loaded.credentials, signedCertificateTimestamps: new Uint8Array(file) } };
}

/** opaque SerializedSCT<1..2^16-1>; SerializedSCT sct_list<1..2^16-1> */
function isTimestampList(list: Uint8Array): boolean {
  const view = new DataView(list.buffer, list.byteOffset, list.length);
  if (list.length < 4 || view.getUint16(0) !== list.length - 2) return false;
  for (let at = 2; at < list.length;) {
    if (at + 2 > list.length) return false;
    const end = at + 2 + view.getUint16(at);
    if (end > list.length || !isTimestamp(list.subarray(at + 2, end))) return false;
    at = end;
  }
  return true;
}

/** version v1(0), log id, timestamp, opaque extensions<0..2^16-1>, hash, signature algorithm, opaque signature<0..2^16-1> */
function isTimestamp(sct: Uint8Array): boolean {
  const view = new DataView(sct.buffer, sct.byteOffset, sct.length);
  if (sct.length < SCT_HEAD + 6 || sct[0] !== 0) return false;
  const signatureAt = SCT_HEAD + 2 + view.getUint16(SCT_HEAD) + 2;
  return signatureAt + 2 < sct.length && signatureAt + 2 + view.getUint16(signatureAt) === sct.length;
}
