import { fail } from '../../error.ts';
import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

const OCSP = 1;

/** CertificateStatusRequest, RFC 6066 §8: whether OCSP is asked for. Other status types are opaque and ignored. */
export function decodeStatusRequest(data: Uint8Array): boolean {
  const reader = new Reader(data, 'CertificateStatusRequest');
  if (reader.uint8('status_type') !== OCSP) return false;
  reader.vector(0, 0xffff, 'responder_id_list');
  reader.vector(0, 0xffff, 'request_extensions');
  reader.end();
  return true;
}

export function encodeStatusRequest(writer: Writer): void {
  writer.uint8(OCSP).uint16(0).uint16(0);
}

/** CertificateStatus in a CertificateEntry's extensions, RFC 9846 §4.5.2.1. */
export function decodeCertificateStatus(data: Uint8Array): Uint8Array {
  const reader = new Reader(data, 'CertificateStatus');
  if (reader.uint8('status_type') !== OCSP) fail('bad_certificate_status_response', 'status_type is not ocsp');
  const response = reader.vector(1, 0xffffff, 'OCSPResponse');
  reader.end();
  return response;
}

export function encodeCertificateStatus(writer: Writer, response: Uint8Array): void {
  // 9846-4.5.1.1-1
  writer.uint8(OCSP).opaqueVector(3, response);
}
