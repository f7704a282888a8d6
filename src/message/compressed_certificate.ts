import { HandshakeType } from '../registry/handshake_type.ts';
import { Reader } from '../wire/reader.ts';
import { Writer } from '../wire/writer.ts';
import { encodeHandshake } from './handshake.ts';

/** CompressedCertificate, RFC 8879 §4. */
export interface CompressedCertificate {
  readonly algorithm: number;
  readonly uncompressedLength: number;
  readonly compressedCertificateMessage: Uint8Array;
}

export function decodeCompressedCertificate(body: Uint8Array): CompressedCertificate {
  const reader = new Reader(body, 'CompressedCertificate');
  const algorithm = reader.uint16('algorithm');
  const uncompressedLength = reader.uint24('uncompressed_length');
  const compressedCertificateMessage = reader.vector(1, 0xffffff, 'compressed_certificate_message');
  reader.end();
  return { algorithm, uncompressedLength, compressedCertificateMessage };
}

export function encodeCompressedCertificate(message: CompressedCertificate): Uint8Array {
  return encodeHandshake(HandshakeType.compressed_certificate, (writer) => {
    writer.uint16(message.algorithm).uint24(message.uncompressedLength);
    writer.opaqueVector(3, message.compressedCertificateMessage);
  }, new Writer(4096));
}
