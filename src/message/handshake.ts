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

/** Appends a handshake message of `type` around whatever `body` writes; gives a view of it, valid as long as nothing more is written. */
export function encodeHandshake(type: number, body: (writer: Writer) => void, into: Writer = new Writer()): Uint8Array {
  const start = into.length;
  into.uint8(type).vector(3, body);
  return into.finish(start);
}

/** Appends a message that was encoded before. */
export function appendHandshake(message: Uint8Array, into: Writer): Uint8Array {
  into.opaque(message);
  return message;
}
