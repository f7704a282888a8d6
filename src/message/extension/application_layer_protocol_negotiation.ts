import { ascii, latin1 } from '../../wire/bytes.ts';
import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** ProtocolNameList, RFC 7301 §3.1. Names are byte strings; they are kept as one code point for each byte. */
export function decodeProtocolNames(data: Uint8Array): string[] {
  const reader = new Reader(data, 'ProtocolNameList');
  const names = reader.list(2, 0xffff, 'protocol_name_list', (item) => latin1(item.vector(1, 0xff, 'protocol_name')));
  reader.end();
  return names;
}

export function encodeProtocolNames(writer: Writer, names: readonly string[]): void {
  writer.vector(2, () => {
    for (const name of names) writer.opaqueVector(1, ascii(name));
  });
}
