import { fail } from '../error.ts';
import { decodeCertificate } from '../message/certificate.ts';
import { certificateVerifyContent, decodeCertificateVerify } from '../message/certificate_verify.ts';
import { decodeCompressedCertificate } from '../message/compressed_certificate.ts';
import { decodeCertificateStatus } from '../message/extension/status_request.ts';
import type { HandshakeMessage } from '../message/handshake.ts';
import { CertificateType } from '../registry/certificate_type.ts';
import { ExtensionType } from '../registry/extension_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import type { Transcript } from '../schedule/transcript.ts';
import { type CommonConfig, DEFAULT_LIMITS } from './config.ts';
import { ask, type Flow, receive } from './flow.ts';

/** What a side asked its peer for, and so may get in the peer's certificate message. */
export interface CertificateExpectation {
  readonly sender: 'server' | 'client';
  readonly serverName: string | undefined;
  readonly certificateType: number;
  readonly verifySchemes: readonly number[];
  readonly allowedEntryExtensions: readonly number[];
  readonly compression: boolean;
  /** Whether the peer may send no certificate. */
  readonly optional: boolean;
}

export interface PeerCertificate {
  readonly chain: readonly Uint8Array[];
  readonly scheme: number | undefined;
  /** CertificateType of `chain`. */
  readonly type: number;
}

/** Certificate and CertificateVerify of the peer (§4.5.2, §4.5.3), received and verified. `message` is the first of them. */
export function* receivePeerCertificate(
  config: CommonConfig,
  transcript: Transcript,
  message: HandshakeMessage,
  expectation: CertificateExpectation,
): Flow<PeerCertificate> {
  const limits = { ...DEFAULT_LIMITS, ...config.limits };
  const body = message.type === HandshakeType.compressed_certificate
    ? decompress(config, expectation, message, limits.handshakeMessageLength)
    : message.body;
  const { certificateRequestContext, certificateList } = decodeCertificate(body, limits.extensions);
  // 9846-4.5.1-5: the context is that of the request, which in the handshake is empty.
  if (certificateRequestContext.length > 0) fail('illegal_parameter', 'certificate_request_context is not empty');
  if (certificateList.length > limits.certificates) {
    fail('certificate_chain_too_long', `${certificateList.length} certificates`);
  }
  for (const { extensions } of certificateList) {
    for (const type of extensions.keys()) {
      // 9846-4.3-6, 9846-4.5.1-7: only extensions that were asked for.
      if (!expectation.allowedEntryExtensions.includes(type)) fail('unsolicited_extension', `type ${type}`);
    }
  }
  transcript.add(message.bytes);
  const leaf = certificateList[0];
  if (leaf === undefined) {
    // 9846-4.5.1.3-1: (server's), §4.5.2 (client's).
    if (expectation.sender === 'server') fail('empty_certificate');
    if (!expectation.optional) fail('certificate_required');
    return { chain: [], scheme: undefined, type: expectation.certificateType };
  }
  // 9846-4.5.1-13
  if (expectation.certificateType === CertificateType.RawPublicKey && certificateList.length > 1) {
    fail('illegal_parameter', `${certificateList.length} raw public keys`);
  }
  const status = leaf.extensions.get(ExtensionType.status_request);

  // 9846-4.5.2-3
  const verifyMessage = yield* receive(HandshakeType.certificate_verify);
  const { algorithm, signature } = decodeCertificateVerify(verifyMessage.body);
  // 9846-4.5.2-5, 9846-4.5.2-7: the scheme is one that was offered.
  if (!expectation.verifySchemes.includes(algorithm)) fail('bad_signature_scheme', `0x${algorithm.toString(16)}`);
  const chain = certificateList.map((entry) => entry.certificateData);
  // 9846-4.5.2-8
  const verdict = yield* ask({
    type: 'verify_peer',
    role: expectation.sender,
    serverName: expectation.serverName,
    certificateType: expectation.certificateType,
    chain,
    scheme: algorithm,
    content: certificateVerifyContent(expectation.sender, transcript.digest()),
    signature,
    ocspResponse: status && decodeCertificateStatus(status),
  });
  // 9846-4.5.1.2-12, 9846-4.5.2-9
  if (typeof verdict === 'string') fail(verdict);
  if (verdict !== true) fail(verdict.reason, verdict.detail);
  transcript.add(verifyMessage.bytes);
  return { chain, scheme: algorithm, type: expectation.certificateType };
}

/** RFC 8879 §4: only an algorithm that was offered, and never more bytes than announced, nor than a message may have. */
function decompress(
  { certificateCompression }: CommonConfig,
  expectation: CertificateExpectation,
  message: HandshakeMessage,
  limit: number,
): Uint8Array {
  if (certificateCompression === undefined || !expectation.compression) fail('unexpected_message', 'compressed');
  const { algorithm, uncompressedLength, compressedCertificateMessage } = decodeCompressedCertificate(message.body);
  if (!certificateCompression.algorithms.includes(algorithm)) fail('illegal_parameter', 'compression algorithm');
  if (uncompressedLength > limit) fail('certificate_decompression', `${uncompressedLength} bytes announced`);
  const body = certificateCompression.decompress(algorithm, compressedCertificateMessage, uncompressedLength);
  if (body === undefined || body.length !== uncompressedLength) fail('certificate_decompression');
  return body;
}
