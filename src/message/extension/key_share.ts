import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** KeyShareEntry, RFC 9846 §4.3.8. */
export interface KeyShareEntry {
  readonly group: number;
  readonly keyExchange: Uint8Array;
}

function decodeEntry(reader: Reader): KeyShareEntry {
  return { group: reader.uint16('group'), keyExchange: reader.vector(1, 0xffff, 'key_exchange') };
}

/** KeyShareClientHello. */
export function decodeClientShares(data: Uint8Array): KeyShareEntry[] {
  const reader = new Reader(data, 'KeyShareClientHello');
  const entries = reader.list(0, 0xffff, 'client_shares', decodeEntry);
  reader.end();
  return entries;
}

export function encodeClientShares(writer: Writer, entries: readonly KeyShareEntry[]): void {
  writer.vector(2, () => {
    for (const entry of entries) encodeServerShare(writer, entry);
  });
}

/** KeyShareServerHello. */
export function decodeServerShare(data: Uint8Array): KeyShareEntry {
  const reader = new Reader(data, 'KeyShareServerHello');
  const entry = decodeEntry(reader);
  reader.end();
  return entry;
}

export function encodeServerShare(writer: Writer, entry: KeyShareEntry): void {
  writer.uint16(entry.group).opaqueVector(2, entry.keyExchange);
}

/** KeyShareHelloRetryRequest. */
export function decodeSelectedGroup(data: Uint8Array): number {
  const reader = new Reader(data, 'KeyShareHelloRetryRequest');
  const group = reader.uint16('selected_group');
  reader.end();
  return group;
}
