import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** PskIdentity, RFC 9846 §4.3.11. */
export interface PskIdentity {
  readonly identity: Uint8Array;
  readonly obfuscatedTicketAge: number;
}

/** OfferedPsks, with the length of the binders list, which the partial ClientHello leaves out (§4.3.11.2). */
export interface OfferedPsks {
  readonly identities: readonly PskIdentity[];
  readonly binders: readonly Uint8Array[];
  /** Bytes of the binders list with its length prefix. */
  readonly bindersLength: number;
}

export function decodeOfferedPsks(data: Uint8Array): OfferedPsks {
  const reader = new Reader(data, 'OfferedPsks');
  const identities = reader.list(7, 0xffff, 'identities', (item) => ({
    identity: item.vector(1, 0xffff, 'identity'),
    obfuscatedTicketAge: item.uint32('obfuscated_ticket_age'),
  }));
  const bindersLength = reader.remaining;
  const binders = reader.list(33, 0xffff, 'binders', (item) => item.vector(32, 255, 'PskBinderEntry'));
  reader.end();
  return { identities, binders, bindersLength };
}

/** With binders of zeros of `binderLengths` bytes, to be filled in when the rest of the ClientHello is known. */
export function encodeOfferedPsks(
  writer: Writer,
  identities: readonly PskIdentity[],
  binderLengths: readonly number[],
): void {
  writer.vector(2, () => {
    for (const { identity, obfuscatedTicketAge } of identities) {
      writer.opaqueVector(2, identity).uint32(obfuscatedTicketAge);
    }
  });
  writer.vector(2, () => {
    for (const length of binderLengths) writer.opaqueVector(1, new Uint8Array(length));
  });
}

/** `selected_identity` in a ServerHello. */
export function decodeSelectedIdentity(data: Uint8Array): number {
  const reader = new Reader(data, 'PreSharedKeyExtension');
  const index = reader.uint16('selected_identity');
  reader.end();
  return index;
}
