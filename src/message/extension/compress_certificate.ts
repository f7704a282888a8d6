import { fail } from '../../error.ts';
import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** CertificateCompressionAlgorithm, RFC 8879 §7.3. */
export const CertificateCompressionAlgorithm = { zlib: 1, brotli: 2, zstd: 3 } as const;

export function decodeCompressionAlgorithms(data: Uint8Array): number[] {
  const reader = new Reader(data, 'CertificateCompressionAlgorithms');
  const algorithms = reader.uint16List(2, 254, 'algorithms');
  // RFC 8879 is silent on it; whoever lists one twice has not made a list of preferences.
  if (new Set(algorithms).size < algorithms.length) fail('decode_error', 'an algorithm is listed twice');
  reader.end();
  return algorithms;
}

export function encodeCompressionAlgorithms(writer: Writer, algorithms: readonly number[]): void {
  writer.uint16List(1, algorithms);
}
