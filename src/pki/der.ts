import type { Reason } from '../error.ts';

/** A certificate, key or response that is not what it should be. `reason` is what a peer that sent it is told. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError';
  readonly reason: Reason;

  constructor(reason: Reason, detail: string) {
    super(detail);
    this.reason = reason;
  }
}

/** Bounds on one DER value, so that nothing is built of it that a peer could make large or deep. */
export interface DerLimits {
  readonly bytes: number;
  readonly elements: number;
  readonly depth: number;
}

const CONSTRUCTED = 0x20;

/**
 * Walks over a DER value without building anything: definite lengths in the fewest bytes, low tag numbers, no byte left over. asn1js
 * reads BER, which is wider; a certificate that is not DER is no certificate (RFC 5280 §4.1). Throws `CertificateError`.
 */
// 9846-4.3.3-11
export function checkDer(bytes: Uint8Array, limits: DerLimits): void {
  if (bytes.length > limits.bytes) {
    throw new CertificateError('bad_certificate', `longer than ${limits.bytes} bytes (${bytes.length})`);
  }
  const end = elementEnd(bytes, 0, bytes.length);
  if (end !== bytes.length) throw new CertificateError('bad_certificate', `${bytes.length - end} bytes after the end`);

  let elements = 0;
  const ends: number[] = [];
  let at = 0;
  while (at < bytes.length) {
    while (ends.length > 0 && at === ends.at(-1)) ends.pop();
    if (at === bytes.length) break;
    if (++elements > limits.elements) {
      throw new CertificateError('bad_certificate', `more than ${limits.elements} elements`);
    }
    const limit = ends.at(-1) ?? bytes.length;
    const next = elementEnd(bytes, at, limit);
    const tag = bytes[at] ?? 0;
    checkForm(tag, bytes.subarray(at + headerLength(bytes, at), next));
    if ((tag & CONSTRUCTED) === 0) {
      at = next;
      continue;
    }
    if (ends.length >= limits.depth) {
      throw new CertificateError('bad_certificate', `deeper than ${limits.depth} levels`);
    }
    at += headerLength(bytes, at);
    ends.push(next);
  }
}

const CLASS = 0xc0;
const BOOLEAN = 0x01;
const INTEGER = 0x02;
const SEQUENCE = 0x10;
const SET = 0x11;

/** What DER asks of universal types beyond lengths (X.690 §8.9, §8.11, §10.2, §11.1, §8.3.2). */
function checkForm(tag: number, content: Uint8Array): void {
  if ((tag & CLASS) !== 0) return;
  const number = tag & 0x1f;
  const isConstructed = (tag & CONSTRUCTED) !== 0;
  if (isConstructed !== (number === SEQUENCE || number === SET)) {
    throw new CertificateError('bad_certificate', 'not DER: a string in pieces, or a list in one');
  }
  const [first = 0, second = 0] = content;
  if (number === BOOLEAN && (content.length !== 1 || (first !== 0 && first !== 0xff))) {
    throw new CertificateError('bad_certificate', 'not DER: a boolean that is neither 0 nor 255');
  }
  if (number !== INTEGER) return;
  const isPadded = content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
  if (content.length === 0 || isPadded) throw new CertificateError('bad_certificate', 'not DER: a padded integer');
}

/** Where the element that starts at `at` ends; it must end by `limit`. */
export function elementEnd(bytes: Uint8Array, at: number, limit: number): number {
  const header = headerLength(bytes, at);
  const end = at + header + contentLength(bytes, at);
  if (at + header > limit || end > limit) {
    throw new CertificateError('bad_certificate', 'not DER: an element is cut off');
  }
  return end;
}

function headerLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at + 1] ?? 0;
  return first < 0x80 ? 2 : 2 + (first & 0x7f);
}

function contentLength(bytes: Uint8Array, at: number): number {
  if (at + 2 > bytes.length) throw new CertificateError('bad_certificate', 'not DER: an element is cut off');
  if (((bytes[at] ?? 0) & 0x1f) === 0x1f) throw new CertificateError('bad_certificate', 'not DER: a high tag number');
  const first = bytes[at + 1] ?? 0;
  if (first < 0x80) return first;
  const count = first & 0x7f;
  if (count === 0 || count > 3) {
    throw new CertificateError('bad_certificate', 'not DER: an indefinite or absurd length');
  }
  let length = 0;
  for (let index = 0; index < count; index++) length = length * 256 + (bytes[at + 2 + index] ?? 0);
  if (length < 0x80 || length < 256 ** (count - 1)) {
    throw new CertificateError('bad_certificate', 'not DER: a length that is not the shortest');
  }
  return length;
}

/** DER values standing one after another. */
export function splitDer(bytes: Uint8Array): Uint8Array[] {
  const values: Uint8Array[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = elementEnd(bytes, at, bytes.length);
    values.push(bytes.subarray(at, end));
    at = end;
  }
  return values;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
