import { fail } from '../error.ts';
import { HANDSHAKE_HEADER_LENGTH, type HandshakeMessage } from '../message/handshake.ts';
import { HandshakeType } from '../registry/handshake_type.ts';

const EMPTY: Uint8Array = new Uint8Array(0);

/** Bytes of a message that is neither a ClientHello nor a certificate: all of them are short. */
const OTHER_MESSAGE_LENGTH = 16384;

export interface MessageLimits {
  readonly clientHelloLength: number;
  readonly handshakeMessageLength: number;
}

/** Puts handshake messages together again, however they were cut into records (RFC 9846 §5.1). */
export class HandshakeBuffer {
  readonly #limits: MessageLimits;
  /** Received and not yet taken: `#start` to `#end`. Bytes that were taken are never written again. */
  #bytes: Uint8Array = EMPTY;
  #start = 0;
  #end = 0;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** Whether all received bytes belong to messages already taken: the boundary that a key change needs. */
  get isEmpty(): boolean {
    return this.#start === this.#end;
  }

  expectBoundary(): void {
    // 9846-5.1-5, 9846-5.1-6: a key change falls on the boundary of a message and of a record.
    if (!this.isEmpty) fail('key_change_not_on_boundary');
  }

  /** Copies `fragment`. */
  add(fragment: Uint8Array): void {
    if (this.#bytes.length - this.#end < fragment.length) {
      const have = this.#end - this.#start;
      // Doubling keeps a message that comes in many small fragments from being copied at each.
      const grown = new Uint8Array(Math.max(2 * have, have + fragment.length));
      grown.set(this.#bytes.subarray(this.#start, this.#end));
      this.#bytes = grown;
      this.#start = 0;
      this.#end = have;
    }
    this.#bytes.set(fragment, this.#end);
    this.#end += fragment.length;
  }

  /** The next whole message; its bytes are the caller's. */
  take(): HandshakeMessage | undefined {
    const start = this.#start;
    const body = start + HANDSHAKE_HEADER_LENGTH;
    if (this.#end < body) return undefined;
    const type = this.#bytes[start] as number;
    const length = (this.#bytes[start + 1] as number) << 16 | (this.#bytes[start + 2] as number) << 8 |
      (this.#bytes[start + 3] as number);
    this.#checkLength(type, length);
    const end = body + length;
    if (this.#end < end) return undefined;
    const bytes = start === 0 && end === this.#bytes.length ? this.#bytes : this.#bytes.subarray(start, end);
    if (end === this.#end) this.wipe();
    else this.#start = end;
    return { type, body: bytes.subarray(HANDSHAKE_HEADER_LENGTH), bytes };
  }

  wipe(): void {
    this.#bytes = EMPTY;
    this.#start = this.#end = 0;
  }

  /** By the header alone, before the message is waited for. */
  #checkLength(type: number, length: number): void {
    if (type === HandshakeType.client_hello) {
      if (length > this.#limits.clientHelloLength) fail('client_hello_too_long', `${length} bytes`);
      return;
    }
    const isCertificate = type === HandshakeType.certificate || type === HandshakeType.compressed_certificate ||
      type === HandshakeType.certificate_request || type === HandshakeType.new_session_ticket;
    const limit = isCertificate
      ? this.#limits.handshakeMessageLength
      : Math.min(OTHER_MESSAGE_LENGTH, this.#limits.handshakeMessageLength);
    if (length > limit) fail('message_too_long', `handshake message of type ${type} with ${length} bytes`);
  }
}
