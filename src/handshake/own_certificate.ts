import { fail } from '../error.ts';
import { encodeCertificate } from '../message/certificate.ts';
import { encodeCompressedCertificate } from '../message/compressed_certificate.ts';
import { HANDSHAKE_HEADER_LENGTH } from '../message/handshake.ts';
import type { CertificateCompression, Credentials } from './config.ts';

const EMPTY: Uint8Array = new Uint8Array(0);

/** What the peer lets a certificate message be. */
export interface CertificateOptions {
  /** It asked for a stapled OCSP response. */
  readonly ocsp: boolean;
  /** It asked for SignedCertificateTimestamps. */
  readonly timestamps: boolean;
  /** CertificateCompressionAlgorithm code points it can undo. */
  readonly algorithms: readonly number[];
}

/** Encoded messages of the credentials, made once for each combination of options that occurs. */
const encoded: WeakMap<Credentials, Map<string, Uint8Array>> = new WeakMap();

/** The server's Certificate or CompressedCertificate message. The same array each time: not to be altered. */
export function certificateMessage(
  credentials: Credentials,
  options: CertificateOptions,
  compression: CertificateCompression | undefined,
): Uint8Array {
  // 9846-4.5.1-15
  if (credentials.chain.length === 0) fail('internal_error', 'the credentials have no certificate');
  const algorithm = compression?.algorithms.find((candidate) => options.algorithms.includes(candidate));
  const key = `${options.ocsp} ${options.timestamps} ${algorithm}`;
  let messages = encoded.get(credentials);
  if (messages === undefined) encoded.set(credentials, messages = new Map());
  let message = messages.get(key);
  if (message === undefined) {
    // 9846-4.5.1-5
    message = encodeCertificate(EMPTY, credentials.chain, {
      ocspResponse: options.ocsp ? credentials.ocspResponse : undefined,
      signedCertificateTimestamps: options.timestamps ? credentials.signedCertificateTimestamps : undefined,
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
