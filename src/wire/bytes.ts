/** ASCII text as bytes: labels and protocol names. The core has no TextEncoder. */
export function ascii(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Bytes as a string of code points 0 to 255, one for each byte: reversible by `ascii`. */
export function latin1(bytes: Uint8Array): string {
  // At once, because a string that grows by characters is a chain of strings; in pieces, because arguments take stack.
  let text = '';
  for (let at = 0; at < bytes.length; at += 1024) {
    text += String.fromCharCode.apply(null, bytes.subarray(at, at + 1024) as unknown as number[]);
  }
  return text;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** Whether two public byte strings are equal. Not for secrets: its time depends on the content. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Lends space that may be needed for long. */
export interface Lender {
  take(minimumLength: number): Uint8Array;
  /** To be called once for what `take` gave, which may go to the next who asks. */
  giveBack(space: Uint8Array): void;
}
