import { HandshakeType } from '../registry/handshake_type.ts';
import { ascii, concat } from '../wire/bytes.ts';
import { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import { encodeHandshake } from './handshake.ts';

/** CertificateVerify, RFC 9846 §4.5.3. */
export interface CertificateVerify {
  readonly algorithm: number;
  readonly signature: Uint8Array;
}

export function decodeCertificateVerify(body: Uint8Array): CertificateVerify {
  const reader = new Reader(body, 'CertificateVerify');
  const algorithm = reader.uint16('algorithm');
  const signature = reader.vector(0, 0xffff, 'signature');
  reader.end();
  return { algorithm, signature };
}

export function encodeCertificateVerify(message: CertificateVerify, into?: Writer): Uint8Array {
  return encodeHandshake(HandshakeType.certificate_verify, (writer) => {
    writer.uint16(message.algorithm).opaqueVector(2, message.signature);
  }, into);
}

const SERVER_PREFIX = concat(
  new Uint8Array(64).fill(0x20),
  ascii('TLS 1.3, server CertificateVerify'),
  Uint8Array.of(0),
);
const CLIENT_PREFIX = concat(
  new Uint8Array(64).fill(0x20),
  ascii('TLS 1.3, client CertificateVerify'),
  Uint8Array.of(0),
);

/** The content that `sender`'s CertificateVerify signs: 64 spaces, context string, zero byte, Transcript-Hash. */
export function certificateVerifyContent(sender: 'server' | 'client', transcriptHash: Uint8Array): Uint8Array {
  return concat(sender === 'server' ? SERVER_PREFIX : CLIENT_PREFIX, transcriptHash);
}
