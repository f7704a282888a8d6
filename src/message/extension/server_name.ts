import { fail } from '../../error.ts';
import { ascii, latin1 } from '../../wire/bytes.ts';
import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

const HOST_NAME = 0;

/**
 * ServerNameList, RFC 6066 §3: the one host_name in it, lower case and without a trailing dot; undefined when the list has
 * only names of other types. Fails with `invalid_server_name` on anything but letters, digits, hyphens, underscores and dots, and on
 * IP addresses (§3 forbids them).
 */
export function decodeServerName(data: Uint8Array): string | undefined {
  const reader = new Reader(data, 'ServerNameList');
  let hostName: string | undefined;
  const types = new Set<number>();
  reader.list(1, 0xffff, 'server_name_list', (item) => {
    const type = item.uint8('name_type');
    const name = item.vector(1, 0xffff, 'host_name');
    if (types.has(type)) fail('invalid_server_name', 'two names of one type');
    types.add(type);
    if (type === HOST_NAME) hostName = hostNameOf(name);
  });
  reader.end();
  return hostName;
}

function hostNameOf(bytes: Uint8Array): string {
  const text = latin1(bytes).toLowerCase();
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name.length > 253 || !/^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/.test(name)) {
    fail('invalid_server_name', 'not a DNS host name');
  }
  if (/^[0-9.]+$/.test(name)) fail('invalid_server_name', 'an IP address');
  return name;
}

export function encodeServerName(writer: Writer, hostName: string): void {
  writer.vector(2, () => writer.uint8(HOST_NAME).opaqueVector(2, ascii(hostName)));
}
