import { UsageError } from '../error.ts';
import type { TicketKey, TicketKeyRing } from '../session/ticket_key_ring.ts';
import type { Runtime } from '../terminator/runtime.ts';
import { readPrivateBytes } from './private_file.ts';
import type { Settings } from './settings.ts';

const NAME_LENGTH = 16;
const SECRET_LENGTH = 32;
const KEY_LENGTH = NAME_LENGTH + SECRET_LENGTH;
const MOST_KEYS = 16;

/** Gives `tickets` the keys of the user's file, if there is one. Throws `UsageError`, and then the old keys stay. */
export function loadTicketKeys(runtime: Runtime, { ticketKeyFile }: Settings, tickets: TicketKeyRing): void {
  if (ticketKeyFile === undefined) return;
  // Whoever reads the keys can read what their tickets protect.
  const text = readPrivateBytes(runtime, ticketKeyFile);
  const keys: TicketKey[] = [];
  try {
    parseTicketKeys(ticketKeyFile, text, Date.now(), keys);
    tickets.replace(keys);
  } finally {
    text.fill(0);
    for (const { secret } of keys) secret.fill(0);
  }
}

/**
 * Adds the keys in `text` to `keys`: one a line, 16 bytes of name and 32 of secret in hexadecimal. The first is to seal, all are to
 * open. Lines that begin with # are comments. Messages name the line and never show what stands there.
 */
export function parseTicketKeys(file: string, text: Uint8Array, now: number, keys: TicketKey[]): void {
  const names = new Set<string>();
  let line = 0;
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    const newline = text.indexOf(0x0a, start);
    end = newline < 0 ? text.length : newline;
    const where = `${file}:${++line}`;
    const digits = text.subarray(start, text[end - 1] === 0x0d ? end - 1 : end);
    if (digits.length === 0 || digits[0] === 0x23) continue;
    const bytes = digits.length === 2 * KEY_LENGTH ? fromHex(digits) : undefined;
    if (bytes === undefined) {
      throw new UsageError(
        `${where}: a ticket key is ${2 * KEY_LENGTH} hexadecimal digits; make one with openssl rand -hex ${KEY_LENGTH}`,
      );
    }
    // The ring orders by time: what stands first is the newest.
    const [name, secret] = [bytes.subarray(0, NAME_LENGTH), bytes.subarray(NAME_LENGTH)];
    keys.push({ name, secret, notBefore: now - keys.length });
    if (secret.every((byte) => byte === secret[0])) throw new UsageError(`${where}: this key is not random`);
    if (names.has(name.join())) throw new UsageError(`${where}: a key of this name stands above; give it once`);
    names.add(name.join());
  }
  if (keys.length === 0) {
    throw new UsageError(`${file}: no ticket key in it; make one with openssl rand -hex ${KEY_LENGTH}`);
  }
  if (keys.length > MOST_KEYS) throw new UsageError(`${file}: ${keys.length} ticket keys; more than ${MOST_KEYS}`);
}

/** Undefined when there are other characters. */
function fromHex(digits: Uint8Array): Uint8Array | undefined {
  const bytes = new Uint8Array(digits.length / 2);
  for (const [index, character] of digits.entries()) {
    const value = Number.parseInt(String.fromCharCode(character), 16);
    if (Number.isNaN(value)) return undefined;
    bytes[index >> 1] = (bytes[index >> 1] as number) << 4 | value;
  }
  return bytes;
}
