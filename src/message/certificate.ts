import { ExtensionType } from '../registry/extension_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { decodeExtensions, encodeExtension, type RawExtensions } from './extension/list.ts';
import { encodeCertificateStatus } from './extension/status_request.ts';
import { encodeHandshake } from './handshake.ts';

/** CertificateEntry, RFC 9846 §4.5.2. */
export interface CertificateEntry {
  readonly certificateData: Uint8Array;
  readonly extensions: RawExtensions;
}

/** Certificate. */
export interface Certificate {
  readonly certificateRequestContext: Uint8Array;
  readonly certificateList: readonly CertificateEntry[];
}

export function decodeCertificate(body: Uint8Array, extensionLimit: number): Certificate {
  const reader = new Reader(body, 'Certificate');
  const certificateRequestContext = reader.vector(0, 0xff, 'certificate_request_context');
  const certificateList = reader.list(0, 0xffffff, 'certificate_list', (item) => ({
    certificateData: item.vector(1, 0xffffff, 'cert_data'),
    extensions: decodeExtensions(item, 0, extensionLimit),
  }));
  reader.end();
  return { certificateRequestContext, certificateList };
}

/** What goes into the extensions of the end entity's entry. */
export interface LeafExtensions {
  readonly ocspResponse?: Uint8Array | undefined;
  readonly signedCertificateTimestamps?: Uint8Array | undefined;
  readonly delegatedCredential?: Uint8Array | undefined;
}

export function encodeCertificate(
  certificateRequestContext: Uint8Array,
  chain: readonly Uint8Array[],
  leaf: LeafExtensions = {},
): Uint8Array {
  return encodeHandshake(HandshakeType.certificate, (writer) => {
    writer.opaqueVector(1, certificateRequestContext);
    writer.vector(3, () => {
      chain.forEach((certificate, index) => {
        // 9846-4.5.1-9
        writer.opaqueVector(3, certificate);
        writer.vector(2, () => {
          if (index > 0) return;
          const { ocspResponse, signedCertificateTimestamps, delegatedCredential } = leaf;
          if (ocspResponse !== undefined) {
            encodeExtension(writer, ExtensionType.status_request, (w) => encodeCertificateStatus(w, ocspResponse));
          }
          if (signedCertificateTimestamps !== undefined) {
            encodeExtension(
              writer,
              ExtensionType.signed_certificate_timestamp,
              (w) => w.opaque(signedCertificateTimestamps),
            );
          }
          if (delegatedCredential !== undefined) {
            encodeExtension(writer, ExtensionType.delegated_credential, (w) => w.opaque(delegatedCredential));
          }
        });
      });
    });
  }, new Writer(4096));
}
