import { ExtensionType } from '../registry/extension_type.ts';
import { HandshakeType } from '../registry/handshake_type.ts';
import { Reader } from '../wire/reader.ts';
import type { Writer } from '../wire/writer.ts';
import { decodeMaxEarlyDataSize } from './extension/early_data.ts';
import { decodeExtensions, encodeExtension } from './extension/list.ts';
import { encodeHandshake } from './handshake.ts';

/** NewSessionTicket, RFC 9846 §4.7.1. */
export interface NewSessionTicket {
  /** Seconds. */
  readonly ticketLifetime: number;
  readonly ticketAgeAdd: number;
  readonly ticketNonce: Uint8Array;
  readonly ticket: Uint8Array;
  readonly maxEarlyDataSize: number | undefined;
  /** Type of an extension that means nothing (RFC 8701). */
  readonly greaseExtension?: number | undefined;
}

export function decodeNewSessionTicket(body: Uint8Array, extensionLimit: number): NewSessionTicket {
  const reader = new Reader(body, 'NewSessionTicket');
  const ticketLifetime = reader.uint32('ticket_lifetime');
  const ticketAgeAdd = reader.uint32('ticket_age_add');
  const ticketNonce = reader.vector(0, 0xff, 'ticket_nonce');
  const ticket = reader.vector(1, 0xffff, 'ticket');
  // 9846-4.7.1-16, 9846-9.3-6: all others are ignored
  const early = decodeExtensions(reader, 0, extensionLimit).get(ExtensionType.early_data);
  reader.end();
  return {
    ticketLifetime,
    ticketAgeAdd,
    ticketNonce,
    ticket,
    maxEarlyDataSize: early && decodeMaxEarlyDataSize(early),
  };
}

export function encodeNewSessionTicket(message: NewSessionTicket, into?: Writer): Uint8Array {
  return encodeHandshake(HandshakeType.new_session_ticket, (writer) => {
    writer.uint32(message.ticketLifetime).uint32(message.ticketAgeAdd);
    writer.opaqueVector(1, message.ticketNonce).opaqueVector(2, message.ticket);
    writer.vector(2, () => {
      const { maxEarlyDataSize, greaseExtension } = message;
      if (greaseExtension !== undefined) encodeExtension(writer, greaseExtension);
      if (maxEarlyDataSize !== undefined) {
        encodeExtension(writer, ExtensionType.early_data, (w) => w.uint32(maxEarlyDataSize));
      }
    });
  }, into);
}
