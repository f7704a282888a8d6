import { Reader } from '../../wire/reader.ts';
import type { Writer } from '../../wire/writer.ts';

/** PskKeyExchangeMode, RFC 9846 §4.3.9. */
export const PskKeyExchangeMode = { psk_ke: 0, psk_dhe_ke: 1 } as const;

export function decodePskKeyExchangeModes(data: Uint8Array): number[] {
  const reader = new Reader(data, 'PskKeyExchangeModes');
  const modes = [...reader.vector(1, 255, 'ke_modes')];
  reader.end();
  return modes;
}

export function encodePskKeyExchangeModes(writer: Writer, modes: readonly number[]): void {
  writer.opaqueVector(1, Uint8Array.from(modes));
}
