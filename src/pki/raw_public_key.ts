import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { CertificateCrypto, PublicKey } from '../crypto/provider.ts';
import { PEER_CERTIFICATE_LIMITS } from './certificate.ts';
import { checkCertificateVerify, type Proof } from './certificate_verify.ts';
import { CertificateError, checkDer, equalBytes, hex } from './der.ts';
import { readPublicKey } from './public_key.ts';
import type { PeerIdentity } from './verify_peer.ts';

/** A raw public key of RFC 7250: a DER SubjectPublicKeyInfo. Throws `CertificateError`. */
export function readRawPublicKey(spki: Uint8Array): PublicKey {
  try {
    checkDer(spki, PEER_CERTIFICATE_LIMITS);
    const { result } = asn1js.fromBER(new Uint8Array(spki));
    return readPublicKey(new pkijs.PublicKeyInfo({ schema: result }));
  } catch (error) {
    // A key that is none of ours is unsupported; what is no key at all is no RawPublicKey message either.
    if (error instanceof CertificateError && error.reason === 'unsupported_certificate') throw error;
    throw new CertificateError('decode_error', 'not a SubjectPublicKeyInfo');
  }
}

/** A peer that is believed because its very key is known (RFC 7250 §6): there is no chain, no name and no end to check. */
export async function verifyRawPublicKey(
  spki: Uint8Array,
  proof: Proof,
  trusted: readonly Uint8Array[],
  crypto: CertificateCrypto,
): Promise<PeerIdentity> {
  await checkCertificateVerify(readRawPublicKey(spki), 'the raw public key', proof, crypto);
  const fingerprint = hex(await crypto.digest('SHA-256', spki));
  if (!trusted.some((one) => equalBytes(one, spki))) {
    throw new CertificateError('certificate_unknown', `the raw public key ${fingerprint} is not among those trusted`);
  }
  return {
    subject: '',
    issuer: '',
    serialNumber: '',
    dnsNames: [],
    ipAddresses: [],
    emailAddresses: [],
    uris: [],
    fingerprint,
    notAfter: Infinity,
  };
}
