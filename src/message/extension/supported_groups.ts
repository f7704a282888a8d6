import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** NamedGroupList, RFC 9846 §4.3.7. */
export function decodeSupportedGroups(data: Uint8Array): number[] {
  const reader = new Reader(data, 'NamedGroupList');
  const groups = reader.uint16List(2, 0xffff, 'named_group_list');
  reader.end();
  return groups;
}

export function encodeSupportedGroups(writer: Writer, groups: readonly number[]): void {
  writer.uint16List(2, groups);
}
