import { fail } from '../../error.ts';
import { Reader } from '../../wire/reader.ts';

/** RecordSizeLimit, RFC 8449 §4: most bytes of an inner plaintext, content type included. Below 64 is illegal_parameter. */
export function decodeRecordSizeLimit(data: Uint8Array): number {
  const reader = new Reader(data, 'RecordSizeLimit');
  const limit = reader.uint16('RecordSizeLimit');
  reader.end();
  if (limit < 64) fail('illegal_parameter', 'RecordSizeLimit below 64');
  return limit;
}
