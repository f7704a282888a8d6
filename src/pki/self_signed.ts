import type { SignatureProvider } from '../crypto/provider.ts';
import { UsageError } from '../error.ts';
import { SignatureScheme } from '../registry/signature_scheme.ts';
import {
  algorithmIdentifier,
  authorityKeyIdentifier,
  basicConstraints,
  commonName,
  encodeCertificate,
  encodeToBeSigned,
  extKeyUsage,
  keyUsage,
  KeyUsageBit,
  subjectAltName,
  subjectKeyIdentifier,
} from './encode.ts';
import { parseAddress } from './identity.ts';
import { PurposeOid, SignatureOid } from './oid.ts';
import { writePem } from './pem.ts';
import { readPrivateKey } from './private_key.ts';
import { SCHEMES } from './public_key.ts';

/** A certificate made on the spot, in the forms that `loadCredentials` reads. */
export interface SelfSigned {
  /** PEM, for people to give to `curl --cacert`. */
  readonly certificatePem: string;
  readonly certificate: Uint8Array;
  /** PKCS#8 in DER. Secret: wiped by the caller. */
  readonly privateKey: Uint8Array;
}

export interface SelfSignedOptions {
  /** DNS names and IP addresses; the first is the common name. Default: localhost, 127.0.0.1, ::1. */
  readonly names?: readonly string[];
  /** Default 30. Clients refuse more than 398 (825 for ones the user trusted himself). */
  readonly days?: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** A P-256 certificate that signs itself, for trying things out: nobody trusts it who has not been told to. */
export async function selfSigned(
  options: SelfSignedOptions,
  crypto: Crypto,
  signatures: SignatureProvider,
): Promise<SelfSigned> {
  const { names = ['localhost', '127.0.0.1', '::1'], days = 30, now } = options;
  const keys = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  const spki = new Uint8Array(await crypto.subtle.exportKey('spki', keys.publicKey));
  const identifier = new Uint8Array(await crypto.subtle.digest('SHA-256', spki)).subarray(0, 20);
  const serialNumber = crypto.getRandomValues(new Uint8Array(16));
  // Positive, and of full length.
  serialNumber[0] = ((serialNumber[0] ?? 0) & 0x3f) | 0x40;

  const algorithm = algorithmIdentifier(SignatureOid.ecdsaWithSHA256);
  const name = commonName(names[0] ?? '');
  const toBeSigned = encodeToBeSigned({
    serialNumber,
    issuer: name,
    // An hour back: the client's clock may be a little slow.
    notBefore: now - HOUR,
    notAfter: now + days * DAY,
    subject: name,
    spki,
    extensions: [
      // No authority, though it signs itself: clients accept it once it is trusted, and rustls (Deno) refuses authorities as servers.
      basicConstraints(false),
      keyUsage(KeyUsageBit.digitalSignature),
      extKeyUsage(PurposeOid.serverAuth),
      subjectAltName(names.map((one) => parseAddress(one) ?? one)),
      subjectKeyIdentifier(identifier),
      authorityKeyIdentifier(identifier),
    ],
  }, algorithm);
  const privateKey = new Uint8Array(await crypto.subtle.exportKey('pkcs8', keys.privateKey));
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', keys.publicKey));
  const publicKey = { type: 'ecdsa_p256', schemes: SCHEMES.ecdsa_p256, spki, raw } as const;
  const signer = await signatures.signer(readPrivateKey(privateKey, 'the key made in memory', publicKey));
  if (signer === undefined) throw new UsageError('this runtime cannot sign with ECDSA P-256');
  const signature = await signer.sign(SignatureScheme.ecdsa_secp256r1_sha256, toBeSigned);
  const certificate = encodeCertificate(toBeSigned, algorithm, signature);
  return { certificatePem: writePem('CERTIFICATE', certificate), certificate, privateKey };
}
