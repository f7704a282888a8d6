import { fail } from '../error.ts';
import { Alert, type AlertName } from '../registry/alert.ts';

const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(Alert).map(([name, code]) => [code, name]));

/** Alert, RFC 9846 §6: the description's name, or its number as text when it is unknown. The level is of no meaning. */
export function decodeAlert(content: Uint8Array): { level: number; description: number; name: string } {
  // 9846-5.1-10: an alert MUST NOT be fragmented or share its record.
  if (content.length !== 2) fail('bad_alert', `${content.length} bytes`);
  const [level, description] = content as unknown as [number, number];
  return { level, description, name: NAMES.get(description) ?? String(description) };
}

/** close_notify and user_canceled are warnings, all else is fatal. */
export function encodeAlert(name: AlertName): Uint8Array {
  // 9846-6-4, 9846-6.1-2
  return Uint8Array.of(name === 'close_notify' || name === 'user_canceled' ? 1 : 2, Alert[name]);
}
