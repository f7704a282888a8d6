import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** SupportedVersions in a ClientHello, RFC 9846 §4.3.1. */
export function decodeSupportedVersions(data: Uint8Array): number[] {
  const reader = new Reader(data, 'SupportedVersions');
  const versions = reader.uint16List(2, 254, 'versions');
  reader.end();
  return versions;
}

export function encodeSupportedVersions(writer: Writer, versions: readonly number[]): void {
  writer.uint16List(1, versions);
}

/** SupportedVersions in a ServerHello or HelloRetryRequest. */
export function decodeSelectedVersion(data: Uint8Array): number {
  const reader = new Reader(data, 'SupportedVersions');
  const version = reader.uint16('selected_version');
  reader.end();
  return version;
}
