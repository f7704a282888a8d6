import { fail } from '../../error.ts';
import type { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** Extensions as received, in their order: type → extension_data. */
export type RawExtensions = ReadonlyMap<number, Uint8Array>;

/** `Extension extensions<minimum..2^16-1>` (RFC 9846 §4.3). */
export function decodeExtensions(reader: Reader, minimum: number, limit: number): RawExtensions {
  const extensions = new Map<number, Uint8Array>();
  const list = reader.nested(minimum, 0xffff, 'extensions');
  while (list.remaining > 0) {
    const type = list.uint16('extension_type');
    const data = list.vector(0, 0xffff, 'extension_data');
    // 9846-4.3-9
    if (extensions.has(type)) fail('duplicate_extension', `type ${type}`);
    extensions.set(type, data);
    if (extensions.size > limit) fail('too_many_extensions', `more than ${limit}`);
  }
  return extensions;
}

/** One extension of `type` around whatever `data` writes. */
export function encodeExtension(writer: Writer, type: number, data?: (writer: Writer) => void): void {
  // 9846-4.3-1
  writer.uint16(type).vector(2, () => data?.(writer));
}
