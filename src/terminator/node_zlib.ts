import zlib from 'node:zlib';
import type { CertificateCompression } from '../handshake/config.ts';
import { CertificateCompressionAlgorithm as Algorithm } from '../message/extension/compress_certificate.ts';

interface Codec {
  readonly compress: (message: Uint8Array) => Uint8Array;
  /** Throws when the output would be longer than `maxOutputLength`. */
  readonly decompress: (compressed: Uint8Array, options: { maxOutputLength: number }) => Uint8Array;
}

/**
 * Certificate compression (RFC 8879) by the runtime's node:zlib, which Deno has as well: brotli, zstd where there is one, zlib. Best
 * first: a certificate is compressed once, as well as it goes.
 */
export function nodeCertificateCompression(): CertificateCompression {
  const codecs = new Map<number, Codec>();
  const { BROTLI_PARAM_QUALITY, BROTLI_MAX_QUALITY } = zlib.constants;
  codecs.set(Algorithm.brotli, {
    compress: (message) => zlib.brotliCompressSync(message, { params: { [BROTLI_PARAM_QUALITY]: BROTLI_MAX_QUALITY } }),
    decompress: (compressed, options) => zlib.brotliDecompressSync(compressed, options),
  });
  // Node 22.15 and later.
  if (typeof zlib.zstdCompressSync === 'function') {
    codecs.set(Algorithm.zstd, {
      compress: (message) => zlib.zstdCompressSync(message),
      decompress: (compressed, options) => zlib.zstdDecompressSync(compressed, options),
    });
  }
  codecs.set(Algorithm.zlib, {
    compress: (message) => zlib.deflateSync(message, { level: 9 }),
    decompress: (compressed, options) => zlib.inflateSync(compressed, options),
  });
  return {
    algorithms: [...codecs.keys()],
    compress: (algorithm, message) => new Uint8Array((codecs.get(algorithm) as Codec).compress(message)),
    decompress(algorithm, compressed, length) {
      try {
        const message = codecs.get(algorithm)?.decompress(compressed, { maxOutputLength: length });
        return message && new Uint8Array(message);
      } catch {
        return undefined;
      }
    },
  };
}
