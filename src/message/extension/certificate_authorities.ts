import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** CertificateAuthoritiesExtension, RFC 9846 §4.3.4: DER DistinguishedNames. */
export function decodeCertificateAuthorities(data: Uint8Array): Uint8Array[] {
  const reader = new Reader(data, 'CertificateAuthoritiesExtension');
  const names = reader.list(3, 0xffff, 'authorities', (item) => item.vector(1, 0xffff, 'DistinguishedName'));
  reader.end();
  return names;
}

export function encodeCertificateAuthorities(writer: Writer, names: readonly Uint8Array[]): void {
  writer.vector(2, () => {
    for (const name of names) writer.opaqueVector(2, name);
  });
}
