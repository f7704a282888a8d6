import { fail } from '../error.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { Reader } from '../wire/reader.ts';
import { encodeHandshake } from './handshake.ts';

/** KeyUpdate, RFC 9846 §4.7.3: whether the peer asks for one in return. */
export function decodeKeyUpdate(body: Uint8Array): boolean {
  const reader = new Reader(body, 'KeyUpdate');
  const request = reader.uint8('request_update');
  reader.end();
  // 9846-4.7.3-4
  if (request > 1) fail('bad_key_update', `request_update is ${request}`);
  return request === 1;
}

export function encodeKeyUpdate(updateRequested: boolean): Uint8Array {
  return encodeHandshake(HandshakeType.key_update, (writer) => writer.uint8(updateRequested ? 1 : 0));
}
