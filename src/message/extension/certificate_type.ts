import { fail } from '../../error.ts';
import { CertificateType } from '../../registry/certificate_type.ts';
import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** ClientCertTypeExtension and ServerCertTypeExtension of a ClientHello, RFC 7250 §3, in the client's order of preference. */
export function decodeCertificateTypes(data: Uint8Array): number[] {
  const reader = new Reader(data, 'CertTypeExtension');
  const types = [...reader.vector(1, 255, 'certificate_types')];
  reader.end();
  // RFC 7250 §4.1: who has nothing but X.509 to say MUST omit the extension.
  if (types.every((type) => type === CertificateType.X509)) fail('needless_certificate_types');
  return types;
}

export function encodeCertificateTypes(writer: Writer, types: readonly number[]): void {
  writer.opaqueVector(1, Uint8Array.from(types));
}

/** The one type that a server has selected (EncryptedExtensions). */
export function decodeCertificateType(data: Uint8Array): number {
  const reader = new Reader(data, 'CertTypeExtension');
  const type = reader.uint8('certificate_type');
  reader.end();
  return type;
}
