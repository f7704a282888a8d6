/**
 * The two faces of an ECDSA signature: WebCrypto's r ‖ s (IEEE P1363, both as long as the curve's order), and TLS's and X.509's
 * DER `Ecdsa-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 §2.2.3).
 */

const INTEGER = 0x02;
const SEQUENCE = 0x30;

/** r ‖ s → DER. `signature` has an even number of bytes, at most 132. */
export function derFromP1363(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2;
  const r = derInteger(signature.subarray(0, half));
  const s = derInteger(signature.subarray(half));
  const length = r.length + s.length;
  // Two integers of P-521 are the only ones beyond a one-byte length.
  const header = length < 0x80 ? [SEQUENCE, length] : [SEQUENCE, 0x81, length];
  const der = new Uint8Array(header.length + length);
  der.set(header);
  der.set(r, header.length);
  der.set(s, header.length + r.length);
  return der;
}

function derInteger(bigEndian: Uint8Array): Uint8Array {
  let start = 0;
  while (start < bigEndian.length - 1 && bigEndian[start] === 0) start++;
  const magnitude = bigEndian.subarray(start);
  const sign = (magnitude[0] ?? 0) >= 0x80 ? 1 : 0;
  const der = new Uint8Array(2 + sign + magnitude.length);
  der[0] = INTEGER;
  der[1] = sign + magnitude.length;
  der.set(magnitude, 2 + sign);
  return der;
}

/**
 * DER → r ‖ s, each `half` bytes. Undefined for anything but the one DER encoding of two positive integers that fit: BER's liberties
 * would make signatures malleable.
 */
export function p1363FromDer(der: Uint8Array, half: number): Uint8Array | undefined {
  let at = 1;
  if (der[0] !== SEQUENCE) return undefined;
  let length = der[at++] ?? 0;
  if (length >= 0x80) {
    if (length !== 0x81) return undefined;
    length = der[at++] ?? 0;
    if (length < 0x80) return undefined;
  }
  if (at + length !== der.length) return undefined;

  const p1363 = new Uint8Array(2 * half);
  for (let end = half; end <= 2 * half; end += half) {
    if (der[at] !== INTEGER) return undefined;
    const size = der[at + 1] ?? 0;
    let integer = der.subarray(at + 2, at + 2 + size);
    if (size === 0 || size > half + 1 || integer.length !== size) return undefined;
    if ((integer[0] ?? 0) >= 0x80) return undefined;
    if (integer[0] === 0 && size > 1) {
      if ((integer[1] ?? 0) < 0x80) return undefined;
      integer = integer.subarray(1);
    }
    if (integer.length > half) return undefined;
    p1363.set(integer, end - integer.length);
    at += 2 + size;
  }
  return at === der.length ? p1363 : undefined;
}
