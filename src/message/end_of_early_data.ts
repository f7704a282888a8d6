import { HandshakeType } from '../registry/handshake_type.ts';
import { Reader } from '../wire/reader.ts';
import { encodeHandshake } from './handshake.ts';

/** EndOfEarlyData, RFC 9846 §4.6: empty. */
export function decodeEndOfEarlyData(body: Uint8Array): void {
  new Reader(body, 'EndOfEarlyData').end();
}

export function encodeEndOfEarlyData(): Uint8Array {
  return encodeHandshake(HandshakeType.end_of_early_data, () => {});
}
