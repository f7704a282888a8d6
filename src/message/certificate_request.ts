import { fail } from '../error.ts';
import { ExtensionType } from '../registry/extension_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import { decodeCertificateAuthorities, encodeCertificateAuthorities } from './extension/certificate_authorities.ts';
import { decodeCompressionAlgorithms, encodeCompressionAlgorithms } from './extension/compress_certificate.ts';
import { decodeExtensions, encodeExtension } from './extension/list.ts';
import { decodeSignatureAlgorithms, encodeSignatureAlgorithms } from './extension/signature_algorithms.ts';
import { encodeHandshake } from './handshake.ts';

/** CertificateRequest, RFC 9846 §4.4.2. */
export interface CertificateRequest {
  readonly certificateRequestContext: Uint8Array;
  readonly signatureAlgorithms: readonly number[];
  readonly signatureAlgorithmsCert?: readonly number[] | undefined;
  readonly certificateAuthorities?: readonly Uint8Array[] | undefined;
  readonly compressCertificate?: readonly number[] | undefined;
}

const FORBIDDEN: readonly number[] = [
  ExtensionType.server_name,
  ExtensionType.max_fragment_length,
  ExtensionType.supported_groups,
  ExtensionType.application_layer_protocol_negotiation,
  ExtensionType.client_certificate_type,
  ExtensionType.server_certificate_type,
  ExtensionType.padding,
  ExtensionType.pre_shared_key,
  ExtensionType.early_data,
  ExtensionType.supported_versions,
  ExtensionType.cookie,
  ExtensionType.psk_key_exchange_modes,
  ExtensionType.post_handshake_auth,
  ExtensionType.key_share,
  ExtensionType.record_size_limit,
];

export function decodeCertificateRequest(body: Uint8Array, extensionLimit: number): CertificateRequest {
  const reader = new Reader(body, 'CertificateRequest');
  const certificateRequestContext = reader.vector(0, 0xff, 'certificate_request_context');
  const raw = decodeExtensions(reader, 2, extensionLimit);
  reader.end();
  for (const type of FORBIDDEN) {
    if (raw.has(type)) fail('forbidden_extension', `type ${type} in a CertificateRequest`);
  }
  const schemes = raw.get(ExtensionType.signature_algorithms);
  if (schemes === undefined) fail('missing_extension', 'signature_algorithms in a CertificateRequest');
  const certificateSchemes = raw.get(ExtensionType.signature_algorithms_cert);
  // 9846-4.4.2-7, 9846-9.3-6: what is not known here is ignored
  const authorities = raw.get(ExtensionType.certificate_authorities);
  const compression = raw.get(ExtensionType.compress_certificate);
  return {
    certificateRequestContext,
    signatureAlgorithms: decodeSignatureAlgorithms(schemes),
    signatureAlgorithmsCert: certificateSchemes && decodeSignatureAlgorithms(certificateSchemes),
    certificateAuthorities: authorities && decodeCertificateAuthorities(authorities),
    compressCertificate: compression && decodeCompressionAlgorithms(compression),
  };
}

export function encodeCertificateRequest(request: CertificateRequest, into?: Writer): Uint8Array {
  return encodeHandshake(HandshakeType.certificate_request, (writer) => {
    writer.opaqueVector(1, request.certificateRequestContext);
    writer.vector(2, () => {
      const { signatureAlgorithms, signatureAlgorithmsCert, certificateAuthorities, compressCertificate } = request;
      encodeExtension(
        writer,
        ExtensionType.signature_algorithms,
        (w) => encodeSignatureAlgorithms(w, signatureAlgorithms),
      );
      if (compressCertificate?.length) {
        encodeExtension(
          writer,
          ExtensionType.compress_certificate,
          (w) => encodeCompressionAlgorithms(w, compressCertificate),
        );
      }
      if (certificateAuthorities?.length) {
        encodeExtension(
          writer,
          ExtensionType.certificate_authorities,
          (w) => encodeCertificateAuthorities(w, certificateAuthorities),
        );
      }
      if (signatureAlgorithmsCert?.length) {
        encodeExtension(
          writer,
          ExtensionType.signature_algorithms_cert,
          (w) => encodeSignatureAlgorithms(w, signatureAlgorithmsCert),
        );
      }
    });
  }, into);
}
