import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** SignatureSchemeList, RFC 9846 §4.3.3: signature_algorithms and signature_algorithms_cert. */
export function decodeSignatureAlgorithms(data: Uint8Array): number[] {
  const reader = new Reader(data, 'SignatureSchemeList');
  const schemes = reader.uint16List(2, 0xfffe, 'supported_signature_algorithms');
  reader.end();
  return schemes;
}

export function encodeSignatureAlgorithms(writer: Writer, schemes: readonly number[]): void {
  writer.uint16List(2, schemes);
}
