import { Writer } from '../wire/writer.ts';

/** Bytes of `msg_type` and `length` in front of every handshake message (RFC 9846 §4). */
export const HANDSHAKE_HEADER_LENGTH = 4;

/** One whole handshake message as received. */
export interface HandshakeMessage {
  readonly type: number;
  readonly body: Uint8Array;
  /** Header and body: what enters the transcript. */
  readonly bytes: Uint8Array;
}

/** A handshake message of `type` around whatever `body` writes. */
export function encodeHandshake(type: number, body: (writer: Writer) => void, capacity?: number): Uint8Array {
  const writer = new Writer(capacity);
  writer.uint8(type).vector(3, body);
  return writer.finish();
}
