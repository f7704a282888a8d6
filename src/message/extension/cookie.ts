import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** Cookie, RFC 9846 §4.3.2. */
export function decodeCookie(data: Uint8Array): Uint8Array {
  const reader = new Reader(data, 'Cookie');
  const cookie = reader.vector(1, 0xffff, 'cookie');
  reader.end();
  return cookie;
}

export function encodeCookie(writer: Writer, cookie: Uint8Array): void {
  writer.opaqueVector(2, cookie);
}
