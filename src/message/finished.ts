import { HandshakeType } from '../registry/handshake_type.ts';
import { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import { encodeHandshake } from './handshake.ts';

/** Finished, RFC 9846 §4.5.4: `opaque verify_data[Hash.length]`. */
export function decodeFinished(body: Uint8Array, hashLength: number): Uint8Array {
  const reader = new Reader(body, 'Finished');
  const verifyData = reader.opaque(hashLength, 'verify_data');
  reader.end();
  return verifyData;
}

export function encodeFinished(verifyData: Uint8Array, into?: Writer): Uint8Array {
  return encodeHandshake(HandshakeType.finished, (writer) => writer.opaque(verifyData), into);
}
