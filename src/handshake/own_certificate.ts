import { fail } from '../error.ts';
import { encodeCertificate } from '../message/certificate.ts';
import { encodeCompressedCertificate } from '../message/compressed_certificate.ts';
import { HANDSHAKE_HEADER_LENGTH } from '../message/handshake.ts';
import type { Signer } from '../crypto/provider.ts';
import type { ClientHello } from '../message/client_hello.ts';
import type { CertificateCompression, Credentials, HostConfig, ServerConfig } from './config.ts';
import { chooseSignatureScheme } from './negotiate.ts';

const EMPTY: Uint8Array = new Uint8Array(0);

/** What a server signs its CertificateVerify with. */
export interface Proof {
  readonly signer: Signer;
  readonly scheme: number;
  readonly delegated: boolean;
}

/** The delegated credential where the client takes it, else the certificate's own key. */
export function chooseProof(host: HostConfig, { extensions }: ClientHello, config: ServerConfig): Proof {
  const { chain, signer, delegatedCredential: delegated } = host;
  // 9846-4.2.1-4
  if (chain.length === 0 && config.externalPsk !== undefined) fail('no_common_psk');
  const schemes = extensions.signatureAlgorithms;
  // 9846-4.3.3-3: a server that authenticates by certificate needs signature_algorithms (its PSKs did not serve).
  if (schemes === undefined) fail('missing_extension', 'signature_algorithms');
  // RFC 9345 §4.1.1: each of its two schemes is one that the client lists, in its own extension.
  if (
    delegated !== undefined && extensions.delegatedCredential?.includes(delegated.scheme) &&
    schemes.includes(delegated.issuedWith) && config.now() < delegated.expires
  ) {
    return { signer: delegated.signer, scheme: delegated.scheme, delegated: true };
  }
  return { signer, scheme: chooseSignatureScheme(schemes, signer.schemes), delegated: false };
}

/** Encoded messages of the credentials, made once for each combination of options that occurs. */
const encoded: WeakMap<Credentials, Map<number, Uint8Array>> = new WeakMap();

/** The server's Certificate or CompressedCertificate message, as the client's extensions let it be. The same array each time: not to be altered. */
export function certificateMessage(
  credentials: Credentials,
  { delegated }: Proof,
  { statusRequest: ocsp, signedCertificateTimestamp: timestamps, compressCertificate }: ClientHello['extensions'],
  compression: CertificateCompression | undefined,
): Uint8Array {
  // 9846-4.5.1-15
  if (credentials.chain.length === 0) fail('internal_error', 'the credentials have no certificate');
  const algorithm = compression?.algorithms.find((candidate) => compressCertificate?.includes(candidate));
  const key = (algorithm ?? 0) << 3 | (ocsp ? 4 : 0) | (timestamps ? 2 : 0) | (delegated ? 1 : 0);
  let messages = encoded.get(credentials);
  if (messages === undefined) encoded.set(credentials, messages = new Map());
  let message = messages.get(key);
  if (message === undefined) {
    // 9846-4.5.1-5, 9846-4.5.1-6
    message = encodeCertificate(EMPTY, credentials.chain, {
      ocspResponse: ocsp ? credentials.ocspResponse : undefined,
      signedCertificateTimestamps: timestamps ? credentials.signedCertificateTimestamps : undefined,
      delegatedCredential: delegated ? credentials.delegatedCredential?.credential : undefined,
    });
    if (compression !== undefined && algorithm !== undefined) message = compressed(message, compression, algorithm);
    messages.set(key, message);
  }
  return message;
}

/** RFC 8879, where it makes the message shorter. */
function compressed(message: Uint8Array, compression: CertificateCompression, algorithm: number): Uint8Array {
  const body = message.subarray(HANDSHAKE_HEADER_LENGTH);
  const shorter = encodeCompressedCertificate({
    algorithm,
    uncompressedLength: body.length,
    compressedCertificateMessage: compression.compress(algorithm, body),
  });
  return shorter.length < message.length ? shorter : message;
}
