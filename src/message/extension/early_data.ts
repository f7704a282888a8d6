import { Reader } from '../../wire/reader.ts';

/** EarlyDataIndication, RFC 9846 §4.3.10: empty in a ClientHello and in EncryptedExtensions. */
export function decodeEarlyDataIndication(data: Uint8Array): true {
  new Reader(data, 'EarlyDataIndication').end();
  return true;
}

/** In a NewSessionTicket: `max_early_data_size`. */
export function decodeMaxEarlyDataSize(data: Uint8Array): number {
  const reader = new Reader(data, 'EarlyDataIndication');
  const size = reader.uint32('max_early_data_size');
  reader.end();
  return size;
}
